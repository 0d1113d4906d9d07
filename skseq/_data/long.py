"""Tables with a row for each time step: read and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import without_mask
from .columnar import column_names, import_library, refuse_lazy
from .containers import as_sequences, sequence_frame
from .sequences import SequenceArray, check_steps, ragged_range, stacked_steps
from .values import read_columns

if TYPE_CHECKING:
    import pandas


def from_long(
    df: Any, *, id: Any, time: Any = None, values: Any
) -> tuple[SequenceArray, np.ndarray]:
    """Read a table in long format: a row for each time step.

    Parameters
    ----------
    df : DataFrame of pandas or polars, or Table of pyarrow
    id : str
        The column that says which sequence a row belongs to. Rows of one sequence
        need not stand together.
    time : str, default=None
        The column by which the rows of a sequence are sorted: numbers or dates. It
        does not become a channel, unless `values` names it too. None means that the
        rows are in order already.
    values : str or list of str
        The columns that become channels, in this order: numbers, or strings, each
        of which is one symbol.

    Returns
    -------
    X : SequenceArray
        Sequences in the order in which their ids first appear in `df`, which is not the
        sorted order of a pandas `groupby`. Its ``channel_names`` are `values`.
    ids : ndarray of shape (n_sequences,)
        The id of each sequence, to line up targets with.

    Raises
    ------
    ValueError
        If a column is missing or not what it should be, a row has no id or time, or
        one sequence has two rows of the same time.

    See Also
    --------
    long_to_frame : Keeps ids and targets beside their sequences, in one frame.
    to_long : The way back.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.formats import from_long
    >>> steps = pd.DataFrame(
    ...     {
    ...         "patient": ["b", "b", "a", "b"],
    ...         "hour": [2, 1, 1, 3],
    ...         "pulse": [70.0, 65.0, 80.0, 72.0],
    ...     }
    ... )
    >>> X, ids = from_long(steps, id="patient", time="hour", values="pulse")
    >>> X[0].ravel(), ids
    (array([65., 70., 72.]), array(['b', 'a'], dtype=object))

    Targets from another table, in the same order:

    >>> is_ill = pd.Series({"a": True, "b": False})
    >>> y = is_ill[ids]
    """
    X, ids, _ = _read_long(df, id, time, values)
    return X, ids


def long_to_frame(
    df: Any, *, id: Any, time: Any = None, values: Any, static: Any = None
) -> pandas.DataFrame:
    """Read a table in long format into a frame with a row for each sequence.

    Targets, groups and sequences are columns of one frame, so that no selection or order
    of its rows can part them.

    Parameters
    ----------
    df : DataFrame of pandas or polars, or Table of pyarrow
    id, time, values
        As for `from_long`.
    static : str or list of str, default=None
        Columns that are constant within each sequence: labels, groups, or what else
        there is to keep. None means none.

    Returns
    -------
    pandas.DataFrame of shape (n_sequences, 1 + n_static)
        Its index is the ids, in the order in which they first appear in `df`. The
        first column holds the sequences, and is called like `values` if that is one
        column, and "sequence" if there are several; the others are `static`. Names of
        channels are in ``attrs["channel_names"]``, by the name of the column.

    Raises
    ------
    ImportError
        If pandas is missing.
    ValueError
        As for `from_long`, or if a static column is not constant within a sequence.

    See Also
    --------
    from_long : A `SequenceArray`, which needs no pandas.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.formats import long_to_frame
    >>> steps = pd.DataFrame(
    ...     {
    ...         "patient": ["b", "b", "a", "b"],
    ...         "hour": [2, 1, 1, 3],
    ...         "pulse": [70.0, 65.0, 80.0, 72.0],
    ...         "is_ill": [False, False, True, False],
    ...     }
    ... )
    >>> frame = long_to_frame(
    ...     steps, id="patient", time="hour", values="pulse", static="is_ill"
    ... )
    >>> frame
                        pulse  is_ill
    patient
    b      [65.0, 70.0, 72.0]   False
    a                  [80.0]    True

    The sequences and their targets, with two brackets for a frame of one column:

    >>> X, y = frame[["pulse"]], frame["is_ill"]
    """
    pandas = import_library("pandas")
    X, ids, codes = _read_long(df, id, time, values)
    names, static = _listed(values), [] if static is None else _listed(static)
    name = names[0] if len(names) == 1 else "sequence"
    if id in static:
        raise ValueError(f"The ids are the index; leave {id!r} out of static.")
    if name in static:
        raise ValueError(
            f"The column of sequences is called {name!r}, and so is one of static; rename "
            "that one, or leave it out."
        )
    columns = {kept: _constant(df, kept, codes, ids) for kept in static}
    frame = sequence_frame(X, name)
    for kept, column in columns.items():
        frame[kept] = column
    return frame.set_index(pandas.Index(ids, name=id))


def _listed(names: Any) -> list[Any]:
    several = isinstance(names, (list, tuple)) or hasattr(names, "tolist")
    return list(names) if several else [names]


def _read_long(
    df: Any, id: Any, time: Any, values: Any
) -> tuple[SequenceArray, np.ndarray, np.ndarray]:
    """Sequences, their ids, and the sequence that each row of the table belongs to."""
    names = _listed(values)
    times = None if time is None else _column(df, time)
    channels = [_column(df, name) for name in names]
    return _sequences_of_rows(_column(df, id), times, channels, (id, time, *names))


def _constant(df: Any, name: Any, codes: np.ndarray, ids: np.ndarray) -> Any:
    """The value of a column for each sequence, which must be the same in all its rows."""
    pandas = import_library("pandas")
    column = _column(df, name)
    if not hasattr(column, "iloc"):
        # numpy would make floats of integers beside nulls, and drop the zones of times.
        cells = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
        column = pandas.Series(cells, dtype=object)
    first = np.unique(codes, return_index=True)[1]
    try:
        values = pandas.factorize(column)[0]
    except TypeError as error:
        raise ValueError(
            f"{name!r} has lists or the like in its cells; a static column has one value "
            "for each sequence."
        ) from error
    differs = values != values[first][codes]
    if differs.any():
        row = int(differs.argmax())
        raise ValueError(
            f"{name!r} is not constant within the sequence {ids[codes[row]]}: it is "
            f"{column.iloc[first[codes[row]]]} at first, and {column.iloc[row]} in row "
            f"{row}. Name it in values, or make it one value."
        )
    return column.iloc[first].infer_objects().array


def from_multiindex(df: pandas.DataFrame) -> tuple[SequenceArray, np.ndarray]:
    """Read a frame whose index has the levels sequence and time: `pd-multiindex`.

    This is a panel of sktime and aeon. All columns are channels.

    Parameters
    ----------
    df : pandas.DataFrame
        Rows are sorted by time within each sequence.

    Returns
    -------
    X : SequenceArray
        Sequences in the order in which they first appear in `df`.
    ids : ndarray of shape (n_sequences,)
        What the first level of the index calls each sequence.

    Raises
    ------
    ValueError
        If the index has not two levels, or as for `from_long`.

    Examples
    --------
    >>> from skseq.formats import from_multiindex, to_multiindex
    >>> X, ids = from_multiindex(to_multiindex([[1.0, 2.0, 3.0], [4.0, 5.0]]))
    >>> X, ids
    (SequenceArray(2 sequences of 2 to 3 steps, 1 channel, float64), array([0, 1]))
    """
    levels = getattr(getattr(df, "index", None), "nlevels", 0)
    if levels != 2:
        raise ValueError(
            f"A frame whose index has the two levels sequence and time is needed, but "
            f"there are {levels} levels. Use from_long for ids and times in columns."
        )
    times = df.index.get_level_values(1)
    channels = [df.iloc[:, k] for k in range(df.shape[1])]
    names = ("level 0 of the index", "level 1 of the index", *df.columns)
    X, ids, _ = _sequences_of_rows(df.index.get_level_values(0), times, channels, names)
    return X, ids


def to_long(
    X: Any,
    ids: Any = None,
    *,
    id: str = "id",
    time: str = "time",
    values: str | Sequence[str] | None = None,
) -> pandas.DataFrame:
    """Write a table in long format: a row for each time step.

    Parameters
    ----------
    X : any container that `as_sequences` takes
    ids : array-like of shape (n_sequences,), default=None
        What each sequence is called. None means 0, 1, and so on.
    id, time : str
        Names of the two first columns. The time is the number of the step, from 0.
    values : str or list of str, default=None
        A name for each channel. None means the names that the channels of `X` have, or
        x0, x1, and so on.

    Returns
    -------
    pandas.DataFrame of shape (total_steps, 2 + n_channels)

    Raises
    ------
    ValueError
        If ids or names are repeated or not as many as needed, or a sequence is empty.

    Examples
    --------
    >>> from skseq.formats import to_long
    >>> to_long([[1.5, 2.5], [4.5]], ids=["a", "b"], values="pulse")
      id  time  pulse
    0  a     0    1.5
    1  a     1    2.5
    2  b     0    4.5
    """
    pandas = import_library("pandas")
    sequences = as_sequences(X)
    check_steps(sequences, "X", finite=False)  # an empty one would leave no row
    ids = np.arange(len(sequences)) if ids is None else np.asarray(without_mask(ids, "ids"))
    if len(ids) != len(sequences) or len(set(ids.tolist())) < len(ids):
        raise ValueError(
            f"ids must name each of the {len(sequences)} sequences differently; there "
            f"are {len(ids)}, of which {len(set(ids.tolist()))} differ."
        )
    if values is None:
        numbered = [f"x{k}" for k in range(sequences.n_channels)]
        values = list(sequences.channel_names or numbered)
    names = [id, time, *([values] if isinstance(values, str) else values)]
    if len(names) - 2 != sequences.n_channels or len(set(names)) < len(names):
        raise ValueError(
            f"The columns {names} are not what is needed: id, time and one for each of "
            f"the {sequences.n_channels} channels, all different."
        )
    lengths = sequences.lengths
    columns = [
        np.repeat(ids, lengths),
        ragged_range(np.zeros_like(lengths), lengths),
        *stacked_steps(sequences).T,
    ]
    return pandas.DataFrame(dict(zip(names, columns, strict=True)))


def to_multiindex(
    X: Any,
    ids: Any = None,
    *,
    id: str = "instances",
    time: str = "timepoints",
    values: str | Sequence[str] | None = None,
) -> pandas.DataFrame:
    """Write a frame whose index has the levels sequence and time: `pd-multiindex`.

    Parameters
    ----------
    X, ids, values
        As for `to_long`.
    id, time : str
        Names of the two levels.

    Returns
    -------
    pandas.DataFrame of shape (total_steps, n_channels)

    Examples
    --------
    >>> from skseq.formats import to_multiindex
    >>> to_multiindex([[1.5, 2.5], [4.5]])
                           x0
    instances timepoints
    0         0           1.5
              1           2.5
    1         0           4.5
    """
    return to_long(X, ids, id=id, time=time, values=values).set_index([id, time])


def _column(df: Any, name: Any) -> Any:
    refuse_lazy(df)
    if not hasattr(df, "columns"):
        raise TypeError(
            "A DataFrame of pandas or polars or a Table of pyarrow is needed, not a "
            f"{type(df).__name__}."
        )
    names = column_names(df)
    if names.count(name) != 1:
        in_index = name in getattr(getattr(df, "index", None), "names", ())
        hint = " It is in the index: pass df.reset_index()." if in_index else ""
        raise ValueError(
            f"df has {names.count(name) or 'no'} columns {name!r}, but one is needed; "
            f"its columns are {names}.{hint}"
        )
    return df[name]


def _sequences_of_rows(
    ids: Any, times: Any, channels: list[Any], names: Sequence[Any]
) -> tuple[SequenceArray, np.ndarray, np.ndarray]:
    """Rows of a table, by sequence and time. The names are those of all columns."""
    id_name, time_name, *channel_names = names
    if not channels:
        raise ValueError("No column is named that becomes a channel.")
    steps = read_columns(channels, channel_names, "df")
    rows = _without_nulls(ids, id_name)
    codes = _codes_by_appearance(rows)
    if times is None:
        order = np.argsort(codes, kind="stable")
    else:
        order = _in_time(codes, _without_nulls(times, time_name), rows, time_name)
    first = np.unique(codes, return_index=True)[1]
    X = SequenceArray(steps[order], np.bincount(codes)).with_names(channel_names)
    return X, rows[first], codes


def _without_nulls(column: Any, name: Any) -> np.ndarray:
    array = np.asarray(column)
    null = column.isna() if hasattr(column, "isna") else column.is_null()
    null = np.asarray(null)
    if array.dtype.kind == "f":
        null = null | np.isnan(array)
    if null.any():
        raise ValueError(
            f"Row {null.argmax()} has no value in {name!r}; fill it or leave it out."
        )
    return array


def _codes_by_appearance(ids: np.ndarray) -> np.ndarray:
    codes: dict[Any, int] = {}
    found = (codes.setdefault(i, len(codes)) for i in ids.tolist())
    return np.fromiter(found, dtype=np.int64, count=len(ids))


def _in_time(
    codes: np.ndarray, times: np.ndarray, ids: np.ndarray, name: Any
) -> np.ndarray:
    """Positions of the rows by sequence, and in each by time."""
    if any(isinstance(time, str) for time in times[:1].tolist()):
        raise ValueError(
            f"The times in {name!r} are strings, which sort as in a dictionary: '10' "
            "comes before '9'. Make them numbers, or dates by pandas.to_datetime."
        )
    ranks = np.unique(times, return_inverse=True)[1]
    order = np.lexsort((ranks, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(ranks[order]) == 0)
    if same.any():
        row = order[same.argmax()]
        raise ValueError(
            f"Sequence {ids[row]} has the time {times[row]} in {name!r} more than "
            "once; average such rows or drop all but one."
        )
    return order
