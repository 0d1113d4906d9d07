"""`as_sequences`: from whatever a user has to a `SequenceArray`.

No other module knows containers; `columnar` knows those that lie in memory as a
`SequenceArray` does. Libraries that are not needed (pandas, torch) are recognised by
what their objects can do, and never imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import (
    as_array,
    in_one_type,
    rectangular,
    tensor_to_numpy,
    text_array,
    without_mask,
)
from .columnar import (
    Column,
    column_like,
    column_names,
    frame_columns,
    import_library,
    is_frame,
    open_column,
    read_column,
    table_like,
)
from .nested import nested_steps, nested_tensor
from .sequences import SequenceArray
from .values import bytes_advice, is_scalar, numbers_or_text, read_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["as_sequences", "sequence_frame"]

CHANNEL_NAMES = "channel_names"  # where `attrs` of a frame has them, by its columns
TABLE = 2  # dimensions of an array whose rows are sequences of one channel
STEPS_DIFFER = (
    "Sequence {i} of {name} is a list whose steps differ in their number of channels; "
    "every step needs the same number."
)
PAIRS = (
    " (If these are pairs of a sequence and its target, pass [x for x, y in {it}], and the "
    "targets as y.)"
)


def as_sequences(X: Any) -> SequenceArray:
    """Make a `SequenceArray` from any container of sequences.

    Parameters
    ----------
    X : SequenceArray, array, tensor, list, Series or DataFrame
        One of:

        - 2-D array or tensor, or DataFrame of numbers: a row is a sequence of
          one channel, so that a table of 2 columns is sequences of 2 steps;
        - 3-D array or tensor ``(n_samples, n_timesteps, n_channels)``;
        - list or tuple of arrays or tensors, each of shape ``(n_timesteps,)``
          or ``(n_timesteps, n_channels)``; they are sequences even when all
          are equally long;
        - list of lists. **Of equal length it is a 2-D array**, as everywhere
          in scikit-learn; of unequal length each list is a sequence;
        - list or 1-D array of strings: each character is a symbol. For words pass
          lists of words, as ``X.str.split()`` makes them of a Series;
        - object array of shape ``(n_samples,)`` or ``(n_samples, 1)``, Series,
          or DataFrame with one column, whose cells are any of the sequences
          above.

    Returns
    -------
    SequenceArray
        Shares memory with `X` where `X` is one block already.

    Raises
    ------
    TypeError
        If `X` is sparse or no container of sequences (a generator, a dict, a
        `DataLoader`), or a cell is not a sequence.
    ValueError
        If `X` has the wrong number of dimensions, is complex, has dates, hides values
        by a mask, or mixes strings with numbers, or sequences differ in their number
        of channels.

    Examples
    --------
    >>> from skseq import as_sequences
    >>> as_sequences([[1, 2, 3], [4, 5]])
    SequenceArray(2 sequences of 2 to 3 steps, 1 channel, int64)
    >>> as_sequences(["abba", "ab"])
    SequenceArray(2 sequences of 2 to 4 steps, 1 channel, <U1)
    """
    return convert(X)[0]


def sequence_frame(X: Any, name: str = "sequence") -> pandas.DataFrame:
    """Put sequences into a DataFrame with one column, an array in each cell.

    This is the form that the most meta-estimators accept: bagging and
    permutation importance ask for two dimensions, and a frame has them
    whatever the lengths are.

    Parameters
    ----------
    X : any container that `as_sequences` takes
    name : str, default="sequence"
        Name of the column.

    Returns
    -------
    pandas.DataFrame of shape (n_samples, 1)
        Names of channels are in ``attrs["channel_names"]``, by the name of the column.
        Estimators find them there, as long as pandas carries them along: ``merge``,
        ``join`` and ``concat`` may drop them.

    Raises
    ------
    ImportError
        If pandas is missing.

    Examples
    --------
    >>> from skseq import sequence_frame
    >>> sequence_frame([[1, 2, 3], [4, 5]]).shape
    (2, 1)
    """
    pandas = import_library("pandas")
    sequences = as_sequences(X)
    # Filled one by one: numpy would make equally long arrays one 3-D array.
    cells = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        cells[i] = sequence[:, 0] if sequences.n_channels == 1 else sequence
    index = getattr(X, "index", None)
    frame = pandas.DataFrame({name: cells}, index=None if callable(index) else index)
    if sequences.channel_names is not None:
        frame.attrs[CHANNEL_NAMES] = {name: list(sequences.channel_names)}
    return frame


def convert(X: Any, name: str = "X") -> tuple[SequenceArray, int]:
    """`as_sequences`, and the dimensions of `X`, which are 1 for a list of sequences."""
    sequences, ndim = _convert(X, name)
    names = _names_beside(X) if ndim == 1 else None
    if names is not None:
        sequences = sequences.with_names(names)
    return sequences, ndim


def _names_beside(X: Any) -> list[str] | None:
    """Names of channels that pandas carries along, if they are of this column."""
    attributes = getattr(X, "attrs", None)
    known = attributes.get(CHANNEL_NAMES) if isinstance(attributes, Mapping) else None
    column = X.columns[0] if is_frame(X) and len(X.columns) else getattr(X, "name", None)
    names = known.get(column) if isinstance(known, Mapping) else None
    return names if isinstance(names, list) else None


def _convert(X: Any, name: str) -> tuple[SequenceArray, int]:
    if isinstance(X, SequenceArray):
        values = numbers_or_text(X.values, name)
        if values is not X.values:
            X = X.with_steps(values, X.lengths, X.starts)
        return X, 1
    if hasattr(X, "tocsr"):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required; use "
            "X.toarray() for a 2-D array of sequences."
        )
    column = open_column(X)
    if column is not None:
        return _from_column(column, name)
    if is_frame(X):
        return _from_frame(X, name)
    if hasattr(X, "to_numpy"):
        return _from_array(X.to_numpy(), name)
    if getattr(X, "is_nested", False):
        return _from_nested(X, name), 1
    if hasattr(X, "detach"):
        return _from_array(tensor_to_numpy(X, name), name)
    refuse_other_kinds(X, name, "a container of sequences")
    if isinstance(X, Sequence) and not isinstance(X, memoryview):
        return _from_list(X, name)
    return _from_array(np.asarray(without_mask(X, name)), name)


def like(X: Any, sequences: SequenceArray) -> Any:
    """Sequences made from those of X, in the kind of container that X is.

    An array needs sequences of one length, a table one channel besides; where that
    is not so any more, it becomes a `SequenceArray`.
    """
    if isinstance(X, SequenceArray):
        return sequences
    if isinstance(X, (list, tuple)) and all(isinstance(row, str) for row in X):
        return ["".join(row.ravel()) for row in sequences]
    if isinstance(X, (list, tuple)) and all(is_frame(row) for row in X):
        return [table_like(X[0], row) for row in sequences]
    if getattr(X, "is_nested", False):
        return nested_tensor(sequences, X.layout).to(X.device)
    if open_column(X) is not None:
        return column_like(X, sequences)
    _, ndim = convert(X)
    result = restore(sequences, ndim)
    if is_frame(X) and isinstance(result, np.ndarray) and result.ndim == TABLE:
        return table_like(X, result)
    if is_frame(X) and hasattr(X, "iloc"):
        return sequence_frame(result, name=X.columns[0])
    return result


def restore(sequences: SequenceArray, ndim: int) -> np.ndarray | SequenceArray:
    """Sequences as the kind of array that `convert` found, where that is possible."""
    lengths = sequences.lengths
    if ndim == 1 or (lengths != lengths[0]).any():
        return sequences
    block = np.asarray(sequences)
    return block[:, :, 0] if ndim == TABLE and sequences.n_channels == 1 else block


def refuse_other_kinds(X: Any, name: str, needed: str) -> None:
    """Raise for what numpy would read as something else than its rows."""
    advice = _what_to_pass(X, name if name.isidentifier() else "it")
    if advice:
        raise TypeError(f"{name} is a {type(X).__name__}, not {needed}. {advice}")


def _what_to_pass(X: Any, it: str) -> str | None:
    """Advice for an object that is neither an array nor a list, or None."""
    if isinstance(X, (str, bytes)):
        return 'A single string is passed in a list: ["ab"].'
    if isinstance(X, Mapping):
        return f"Pass list({it}.values())."
    if hasattr(X, "batch_sizes"):  # a PackedSequence
        return "torch.nn.utils.rnn.unpack_sequence makes a list of tensors of it."
    if hasattr(X, "_fields"):
        return f"Pass one of the fields of this named tuple: {', '.join(X._fields)}."
    if "GroupBy" in type(X).__name__:
        return "Pass the table that was grouped to skseq.formats.from_long."
    if X is None:
        return "Pass an array, or a list with an array for each sequence."
    if isinstance(X, Sequence) or hasattr(X, "__array__") or hasattr(X, "tocsr"):
        return None
    if any(c.__module__.startswith("torch.utils.data") for c in type(X).__mro__):
        return (
            "Pass all sequences in a list, and their targets in another: of a Dataset "
            f"{it} of pairs, [{it}[i][0] for i in range(len({it}))] and "
            f"[{it}[i][1] for i in range(len({it}))]."
        )
    if isinstance(X, (set, frozenset)):
        return "Pass a list, which keeps its order."
    if isinstance(X, Iterable):
        return f"Pass list({it})."
    if hasattr(type(X), "__getitem__") and hasattr(type(X), "__len__"):
        return f"Pass [{it}[i] for i in range(len({it}))]."
    return None


def _from_list(X: Sequence[Any], name: str) -> tuple[SequenceArray, int]:
    if not len(X):
        return _from_block(np.empty((0, 1)), name)
    if all(isinstance(row, (list, tuple, Number)) for row in X):
        array = as_array(X, name)
        if array is not None:
            return _from_block(array, name)
    return _from_cells(X, name), 1


def _from_array(array: np.ndarray, name: str) -> tuple[SequenceArray, int]:
    # A column of objects is a frame's; one of text is a table, as any other block.
    is_column = array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind == "O"
    if _holds_sequences(array.ravel() if is_column else array):
        return _from_cells(array.ravel(), name), 1
    return _from_block(array, name)


def _from_frame(frame: Any, name: str) -> tuple[SequenceArray, int]:
    columns = frame_columns(frame)
    cells = np.asarray(columns[0]) if len(columns) == 1 else np.empty(0)
    if _holds_sequences(cells):
        return _from_cells(cells, name), 1
    return _from_block(read_frame(frame, name), name)


def _holds_sequences(cells: np.ndarray) -> bool:
    return (
        cells.ndim == 1
        and cells.dtype.kind in "OSTU"
        and not all(is_scalar(cell) for cell in cells)
    )


def _from_column(column: Column, name: str) -> tuple[SequenceArray, int]:
    found = read_column(column, name)
    if isinstance(found, np.ndarray) and len(found):
        return _from_array(found, name)
    return convert(found if len(found) else [], name)[0], 1


def _from_nested(tensor: Any, name: str) -> SequenceArray:
    parts = nested_steps(tensor)
    if parts is None:
        return _from_cells(tensor.unbind(), name)
    steps, lengths, starts = parts
    values = numbers_or_text(tensor_to_numpy(steps, name), name)
    return SequenceArray(values, lengths, starts).without_spans()


def _from_block(array: np.ndarray, name: str) -> tuple[SequenceArray, int]:
    """One value in each cell: the axes are samples, time and perhaps channels."""
    if array.ndim not in (2, 3):
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead for {name}. Pass "
            "(n_samples, n_timesteps), (n_samples, n_timesteps, n_channels), or a list "
            "of arrays. Reshape your data: array.reshape(1, -1) makes one sequence "
            "of a 1-D array."
        )
    if 0 in array.shape[1:] and len(array):
        raise ValueError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is "
            f"required, in {name}: its sequences have no steps."
        )
    return SequenceArray.from_equal(numbers_or_text(array, name)), array.ndim


def _from_cells(cells: Sequence[Any] | np.ndarray, name: str) -> SequenceArray:
    """Each cell is a sequence of its own."""
    if all(isinstance(cell, str) for cell in cells):
        return _from_strings(cells, name)
    steps = [_cell_to_steps(cell, i, name) for i, cell in enumerate(cells)]
    names = [column_names(c) if hasattr(c, "columns") else [] for c in cells]
    # An empty list has neither channels nor a type, so it agrees with all others.
    full = [i for i, sequence in enumerate(steps) if len(sequence)] or [0]
    first = steps[full[0]]
    for i, sequence in enumerate(steps):
        if bool(names[i]) != bool(names[0]):
            raise ValueError(
                f"Of sequence {i} and sequence 0 of {name} only one is a frame with names; "
                "make all of them frames, or none."
            )
        if names[i] != names[0]:
            raise ValueError(
                f"Sequence {i} of {name} has the columns {names[i]}, but sequence 0 has "
                f"{names[0]}; put them into the same order."
            )
        if not len(sequence):
            continue
        if sequence.shape[1] != first.shape[1]:
            raise ValueError(
                f"Sequence {i} of {name} has {sequence.shape[1]} channels, but sequence "
                f"{full[0]} has {first.shape[1]}; all need the same number."
            )
        if (sequence.dtype.kind == "U") != (first.dtype.kind == "U"):
            raise ValueError(
                f"Sequence {i} of {name} and sequence {full[0]} mix strings with numbers; "
                "make all of them one or the other."
            )
    lengths = np.fromiter(map(len, steps), dtype=np.int64, count=len(steps))
    values = np.concatenate(in_one_type([steps[i] for i in full]))
    starts = np.cumsum(lengths) - lengths
    return SequenceArray.trusted(values, lengths, starts).with_names(names[0])


def _from_strings(strings: Sequence[str] | np.ndarray, name: str) -> SequenceArray:
    text = "".join(strings)
    if "\0" in text:
        text_array(np.array(strings, dtype=object), name)  # whose error names the string
    # UTF-32 is numpy's own layout: every character becomes a step at once.
    # A lone surrogate, in which Python keeps a byte it cannot decode, is a step too.
    utf32 = text.encode("utf-32-le", errors="surrogatepass")
    characters = np.frombuffer(utf32, dtype="<U1")
    lengths = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))
    return SequenceArray(characters, lengths)


def _cell_to_steps(cell: Any, i: int, name: str) -> np.ndarray:
    """One sequence as an array of shape (n_timesteps, n_channels)."""
    if type(cell) is not np.ndarray:
        cell = _cell_to_array(cell, i, name)
    if not isinstance(cell, np.ndarray):
        raise TypeError(
            f"Sequence {i} of {name} is a {type(cell).__name__}, not an array; each "
            "sequence must be an array or list of shape (n_timesteps,) or "
            "(n_timesteps, n_channels). A sequence argument must be a string or a "
            "number at each time step."
        )
    if cell.dtype.kind == "O" and cell.ndim == 1 and _holds_lists(cell):
        cell = _steps_of_lists(cell.tolist(), i, name)
    if cell.ndim not in (1, 2):
        raise ValueError(
            f"Sequence {i} of {name} has {cell.ndim} dimensions; it must have the "
            "shape (n_timesteps,) or (n_timesteps, n_channels)."
        )
    steps = cell.reshape(-1, 1) if cell.ndim == 1 else cell
    return numbers_or_text(steps, f"sequence {i} of {name}")


def _cell_to_array(cell: Any, i: int, name: str) -> Any:
    """An array, where the cell is of a kind that is known; else the cell itself."""
    if isinstance(cell, (bytes, bytearray)):
        raise TypeError(bytes_advice(f"Sequence {i} of {name}"))
    column = open_column(cell)
    if column is not None:
        cell = _column_to_steps(column, i, name)
    elif hasattr(cell, "as_py"):  # a scalar of pyarrow, which may be a list
        cell = cell.as_py()
    if hasattr(cell, "detach"):
        return tensor_to_numpy(cell, f"Sequence {i} of {name}")
    if is_frame(cell):
        return read_frame(cell, f"sequence {i} of {name}")
    if hasattr(cell, "to_numpy"):
        return cell.to_numpy()
    if isinstance(cell, str):
        return np.array(list(cell), dtype=str)
    if hasattr(cell, "batch_sizes"):  # a tuple, but not of steps
        refuse_other_kinds(cell, f"Sequence {i} of {name}", "a sequence")
    if hasattr(cell, "__array__"):
        return np.asarray(without_mask(cell, f"Sequence {i} of {name}"))
    if isinstance(cell, Sequence):
        return _steps_of_lists(cell, i, name)
    return cell


def _holds_lists(cell: np.ndarray) -> bool:
    return any(isinstance(step, (list, tuple, np.ndarray)) for step in cell)


def _steps_of_lists(steps: Sequence[Any], i: int, name: str) -> np.ndarray:
    is_pair = type(steps) is tuple and len(steps) == 2
    if is_pair and as_array(steps, f"Sequence {i} of {name}") is None:
        raise ValueError(STEPS_DIFFER.format(i=i, name=name) + PAIRS.format(it=name))
    return rectangular(steps, f"Sequence {i} of {name}")


def _column_to_steps(column: Column, i: int, name: str) -> np.ndarray:
    """One sequence that is a column itself: of numbers, strings, or lists of channels."""
    found = read_column(column, f"sequence {i} of {name}", row="Step")
    if isinstance(found, SequenceArray):
        if (found.lengths != found.lengths[:1]).any():
            raise ValueError(STEPS_DIFFER.format(i=i, name=name))
        return np.asarray(found)[:, :, 0]
    return np.asarray(found, dtype=str) if column.is_text else found
