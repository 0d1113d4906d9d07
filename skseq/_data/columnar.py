"""Lists inside lists, as polars, pyarrow and awkward store them: read and written.

Such a column is one block of values and the lengths of its lists, and so is a
`SequenceArray`: reading shares the block. A library is known by the name of its
module, and is never imported to find out whether somebody uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from .sequences import SequenceArray, native_order, stacked_steps


class Column(Protocol):
    """A column of one of the libraries, of which the outermost lists can be opened."""

    is_list: bool
    is_text: bool
    names: list[str] | None  # of the values that stand side by side in each row

    def first_null(self) -> int | None:
        """The first row that is null, if any is."""

    def lengths(self) -> np.ndarray:
        """How long the lists are."""

    def content(self) -> Column:
        """What stands in the lists, one after another."""

    def to_numpy(self) -> np.ndarray:
        """One value of each row."""


class PolarsColumn:
    names: list[str] | None = None

    def __init__(self, series: Any) -> None:
        import polars

        self.is_text = series.dtype in (polars.String, polars.Categorical, polars.Enum)
        # A list of lists is opened in the same way, and shares the values.
        is_array = isinstance(series.dtype, polars.Array)
        self.series = series.arr.to_list() if is_array else series
        self.is_list = isinstance(self.series.dtype, polars.List)
        if isinstance(series.dtype, polars.Struct):
            self.names = [field.name for field in series.dtype.fields]

    def first_null(self) -> int | None:
        return self.series.is_null().arg_max() if self.series.null_count() else None

    def lengths(self) -> np.ndarray:
        return self.series.list.len().to_numpy()

    def content(self) -> PolarsColumn:
        # Of an empty list polars would make a null.
        is_empty = self.series.list.len() == 0
        full = self.series.filter(~is_empty) if is_empty.any() else self.series
        return PolarsColumn(full.explode())

    def to_numpy(self) -> np.ndarray:
        return self.series.to_numpy()


class ArrowColumn:
    names: list[str] | None = None

    def __init__(self, array: Any) -> None:
        if hasattr(array, "chunks"):
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        if hasattr(array, "dictionary_decode"):
            array = array.dictionary_decode()
        self.array = array
        # Lists of every kind can tell how long they are, and nothing else can.
        self.is_list = hasattr(array, "value_lengths")
        self.is_text = str(array.type) in ("string", "large_string", "string_view")

    def first_null(self) -> int | None:
        nulls = np.asarray(self.array.is_null()) if self.array.null_count else np.empty(0)
        return int(nulls.argmax()) if nulls.any() else None

    def lengths(self) -> np.ndarray:
        return np.asarray(self.array.value_lengths())

    def content(self) -> ArrowColumn:
        return ArrowColumn(self.array.flatten())

    def to_numpy(self) -> np.ndarray:
        return self.array.to_numpy(zero_copy_only=False)


class AwkwardColumn:
    names: list[str] | None = None

    def __init__(self, array: Any) -> None:
        if "union[" in array.typestr:
            raise TypeError(
                f"The awkward array has the type {array.typestr}, which is not one kind "
                "of step; make all steps numbers or all strings, in lists of one depth."
            )
        self.array = array
        self.is_list = array.ndim > 1
        parameter = array.layout.purelist_parameter("__array__")
        self.is_text = array.ndim == 1 and parameter == "string"

    def first_null(self) -> int | None:
        if "?" not in self.array.typestr and "option[" not in self.array.typestr:
            return None
        nulls = np.asarray(import_module("awkward").is_none(self.array))
        return int(nulls.argmax()) if nulls.any() else None

    def lengths(self) -> np.ndarray:
        return np.asarray(import_module("awkward").num(self.array, axis=1))

    def content(self) -> AwkwardColumn:
        return AwkwardColumn(import_module("awkward").flatten(self.array, axis=1))

    def to_numpy(self) -> np.ndarray:
        return np.asarray(self.array)


COLUMNS: dict[str, Callable[[Any], Column]] = {
    "polars": PolarsColumn,
    "pyarrow": ArrowColumn,
    "awkward": AwkwardColumn,
}


def library_of(X: Any) -> str:
    return type(X).__module__.partition(".")[0]


def column_names(frame: Any) -> list[Any]:
    """The names that pandas and polars call columns and pyarrow column_names."""
    return list(getattr(frame, "column_names", None) or frame.columns)


def frame_columns(frame: Any) -> list[Any]:
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, k] for k in range(frame.shape[1])]
    return list(frame.get_columns() if hasattr(frame, "get_columns") else frame.columns)


def open_column(X: Any) -> Column | None:
    """X as a column, or None if it is none of these libraries.

    A frame is a column if it has only one, and that holds lists or strings.
    """
    library = library_of(X)
    if library not in COLUMNS:  # most often: this is asked of each array in a list
        return None
    refuse_lazy(X)
    if not hasattr(X, "__len__") or hasattr(X, "as_py"):
        return None
    if not is_frame(X):
        return COLUMNS[library](X)
    names = column_names(X)
    column = COLUMNS[library](X[names[0]]) if len(names) == 1 else None
    return column if column and (column.is_list or column.is_text) else None


def refuse_lazy(X: Any) -> None:
    if library_of(X) == "polars" and hasattr(X, "collect"):
        raise TypeError("A polars LazyFrame holds no data yet; pass X.collect().")


def is_frame(X: Any) -> bool:
    """Whether X is a table of columns, of polars, pyarrow, or like pandas."""
    if library_of(X) in ("polars", "pyarrow"):
        return hasattr(X, "select")
    return hasattr(X, "iloc") and hasattr(X, "columns")


def read_column(column: Column, name: str, row: str = "Sequence") -> Any:
    """A `SequenceArray` from lists, a list from strings, an array from numbers.

    Parameters
    ----------
    column : Column
    name : str
        What the column is called in errors.
    row : str
        What a row of it is called.
    """
    null = column.first_null()
    if null is not None:
        raise ValueError(f"{row} {null} of {name} is null; fill it or leave it out.")
    if not column.is_list:
        values = column.to_numpy()
        return values.tolist() if column.is_text else values
    lengths = column.lengths().astype(np.int64)
    steps = column.content()
    _check_no_null(steps, lengths, name)
    if not steps.is_list:
        return SequenceArray(steps.to_numpy(), lengths).with_names(steps.names)
    channels = steps.lengths()
    n_channels = int(channels[0]) if len(channels) else 1
    if (channels != n_channels).any():
        i, step = _position(lengths, int((channels != n_channels).argmax()))
        raise ValueError(
            f"Sequence {i} of {name} has another number of channels at time step {step} "
            "than the first step of all has; every step needs the same number."
        )
    content = steps.content()
    _check_no_null(content, lengths * n_channels, name, n_channels)
    if content.is_list:
        raise ValueError(
            f"The sequences of {name} have more than 2 dimensions; they must have the "
            "shape (n_timesteps,) or (n_timesteps, n_channels)."
        )
    return SequenceArray(content.to_numpy().reshape(len(channels), n_channels), lengths)


def _check_no_null(
    content: Column, lengths: np.ndarray, name: str, per_step: int = 1
) -> None:
    null = content.first_null()
    if null is not None:
        i, position = _position(lengths, null)
        raise ValueError(
            f"Sequence {i} of {name} has a null at time step {position // per_step}; "
            "leave the step out, or fill it: with NaN if a later step imputes."
        )


def _position(lengths: np.ndarray, place: int) -> tuple[int, int]:
    """The list that holds an item of the content, and where it stands there."""
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, place, side="right"))
    return i, place - int(ends[i] - lengths[i])


def polars_series(sequences: SequenceArray, name: str) -> Any:
    polars = import_library("polars")
    steps = polars.Series(sequences.values.ravel())
    if sequences.n_channels > 1:
        steps = steps.reshape((-1, sequences.n_channels))
    rows = zip(sequences.starts.tolist(), sequences.lengths.tolist(), strict=True)
    cells = [steps.slice(start, length) for start, length in rows]
    return polars.Series(name, cells, dtype=polars.List(steps.dtype))


def arrow_array(sequences: SequenceArray) -> Any:
    pyarrow = import_library("pyarrow")
    steps = pyarrow.array(native_order(stacked_steps(sequences)).ravel())
    if sequences.n_channels > 1:
        steps = pyarrow.FixedSizeListArray.from_arrays(steps, sequences.n_channels)
    offsets = pyarrow.array(_offsets(sequences))
    return pyarrow.LargeListArray.from_arrays(offsets, steps)


def awkward_array(sequences: SequenceArray) -> Any:
    awkward = import_library("awkward")
    steps = native_order(stacked_steps(sequences))
    steps = steps[:, 0] if sequences.n_channels == 1 else steps
    return awkward.unflatten(awkward.from_numpy(steps), sequences.lengths)


def _offsets(sequences: SequenceArray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sequences.lengths)])


def column_like(X: Any, sequences: SequenceArray) -> Any:
    """Sequences in the kind of column, or frame of one column, that X is."""
    column = open_column(X)
    strings = None
    if column is not None and column.is_text:
        strings = ["".join(sequence.ravel()) for sequence in sequences]
    library = import_library(library_of(X))
    if library.__name__ == "awkward":
        return awkward_array(sequences) if strings is None else library.Array(strings)
    if library.__name__ == "polars":
        name = column_names(X)[0] if is_frame(X) else X.name
        made = (
            polars_series(sequences, name)
            if strings is None
            else library.Series(name, strings)
        )
        return made.to_frame() if is_frame(X) else made
    made = arrow_array(sequences) if strings is None else library.array(strings)
    if is_frame(X):
        return type(X).from_arrays([made], names=column_names(X))
    return library.chunked_array([made]) if hasattr(X, "chunks") else made


def table_like(X: Any, table: np.ndarray) -> Any:
    """A 2-D array in the kind of frame that X is, with its names."""
    if hasattr(X, "iloc"):
        return type(X)(table, columns=X.columns)
    if library_of(X) == "polars":
        return type(X)(table, schema=column_names(X))
    columns = [import_library("pyarrow").array(column) for column in table.T]
    return type(X).from_arrays(columns, names=column_names(X))


def import_library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"This needs {name}: pip install {name}") from error
