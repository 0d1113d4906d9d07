"""`as_sequences`: from whatever a user has to a `SequenceArray`.

The only place that knows containers; `_columnar` knows those whose memory is
laid out as ours. Libraries that are not needed (pandas, torch) are recognised by
what their objects can do, and never imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from ._columnar import (
    Column,
    column_like,
    column_names,
    frame_columns,
    is_frame,
    open_column,
    read_column,
    table_like,
)
from ._nested import nested_steps, nested_tensor
from ._values import is_scalar, numbers_or_text, read_frame
from .sequences import SequenceArray

if TYPE_CHECKING:
    import pandas

__all__ = ["as_sequences", "sequence_frame"]

TABLE = 2  # dimensions of an array whose rows are sequences of one channel
STEPS_DIFFER = (
    "Sequence {i} of {name} is a list whose steps differ in their number of channels; "
    "every step needs the same number."
)


def as_sequences(X: Any) -> SequenceArray:
    """Make a `SequenceArray` from any container of sequences.

    Parameters
    ----------
    X : SequenceArray, array, tensor, list, Series or DataFrame
        One of:

        - 2-D array or tensor, or DataFrame of numbers: a row is a sequence of
          one channel;
        - 3-D array or tensor ``(n_samples, n_timesteps, n_channels)``;
        - list or tuple of arrays or tensors, each of shape ``(n_timesteps,)``
          or ``(n_timesteps, n_channels)``; they are sequences even when all
          are equally long;
        - list of lists. **Of equal length it is a 2-D array**, as everywhere
          in scikit-learn; of unequal length each list is a sequence;
        - list or 1-D array of strings: each character is a symbol;
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
        If `X` is sparse or no container of sequences, or a cell is not a sequence.
    ValueError
        If `X` has the wrong number of dimensions, is complex, has dates, or mixes
        strings with numbers, or sequences differ in their number of channels.

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

    Examples
    --------
    >>> from skseq import sequence_frame
    >>> sequence_frame([[1, 2, 3], [4, 5]]).shape
    (2, 1)
    """
    import pandas

    sequences = as_sequences(X)
    # Filled one by one: numpy would make equally long arrays one 3-D array.
    cells = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        cells[i] = sequence[:, 0] if sequences.n_channels == 1 else sequence
    index = getattr(X, "index", None)
    return pandas.DataFrame({name: cells}, index=None if callable(index) else index)


def convert(X: Any, name: str = "X") -> tuple[SequenceArray, int]:
    """`as_sequences`, and the dimensions of `X`, which are 1 for a list of sequences."""
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
        return _from_array(_tensor_to_numpy(X), name)
    if isinstance(X, (list, tuple)):
        return _from_list(X, name)
    _refuse_other_kinds(X, name)
    return _from_array(np.asarray(X), name)


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


def named_columns(X: Any, is_table: bool) -> Any:
    """The part of X whose column names scikit-learn should check, or None.

    The columns of a table are time steps, those of a list of frames are channels.
    """
    if is_table:
        return X
    if isinstance(X, (list, tuple)) and hasattr(X[0], "columns"):
        return X[0]
    return None


def _refuse_other_kinds(X: Any, name: str) -> None:
    """Raise for what numpy would make one object of, or an error of its own."""
    if isinstance(X, (str, bytes)):
        advice = 'A single string is passed in a list: ["ab"].'
    elif isinstance(X, Mapping):
        advice = "Pass list(X.values())."
    elif "GroupBy" in type(X).__name__:
        advice = "Pass the table that was grouped to skseq.formats.from_long."
    elif X is None:
        advice = "Pass an array, or a list with an array for each sequence."
    elif isinstance(X, Iterable) and not (
        hasattr(X, "__array__") or isinstance(X, Sequence)
    ):
        advice = "Pass list(X)."
    else:
        return
    raise TypeError(
        f"{name} is a {type(X).__name__}, not a container of sequences. {advice}"
    )


def _from_list(X: Sequence[Any], name: str) -> tuple[SequenceArray, int]:
    if not len(X):
        return _from_block(np.empty((0, 1)), name)
    if all(isinstance(row, (list, tuple, Number)) for row in X):
        array = rectangle(X, name)
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
        and cells.dtype.kind in "OU"
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
    values = numbers_or_text(_tensor_to_numpy(steps), name)
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
        return _from_strings(cells)
    steps = [_cell_to_steps(cell, i, name) for i, cell in enumerate(cells)]
    names = [column_names(c) if hasattr(c, "columns") else [] for c in cells]
    for i, sequence in enumerate(steps):
        if names[i] != names[0]:
            raise ValueError(
                f"Sequence {i} of {name} has the columns {names[i]}, but sequence 0 has "
                f"{names[0]}; put them into the same order."
            )
        if sequence.shape[1] != steps[0].shape[1]:
            raise ValueError(
                f"Sequence {i} of {name} has {sequence.shape[1]} channels, but "
                f"sequence 0 has {steps[0].shape[1]}; all need the same number."
            )
        if (sequence.dtype.kind == "U") != (steps[0].dtype.kind == "U"):
            raise ValueError(
                f"Sequence {i} of {name} and sequence 0 mix strings with numbers; "
                "make all steps one or the other."
            )
    lengths = np.fromiter(map(len, steps), dtype=np.int64, count=len(steps))
    starts = np.cumsum(lengths) - lengths
    return SequenceArray.trusted(np.concatenate(steps), lengths, starts)


def _from_strings(strings: Sequence[str] | np.ndarray) -> SequenceArray:
    text = "".join(strings)
    # UTF-32 is numpy's own layout: every character becomes a step at once.
    characters = np.frombuffer(text.encode("utf-32-le"), dtype="<U1")
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
    if cell.ndim not in (1, 2):
        raise ValueError(
            f"Sequence {i} of {name} has {cell.ndim} dimensions; it must have the "
            "shape (n_timesteps,) or (n_timesteps, n_channels)."
        )
    steps = cell.reshape(-1, 1) if cell.ndim == 1 else cell
    return numbers_or_text(steps, f"sequence {i} of {name}")


def _cell_to_array(cell: Any, i: int, name: str) -> Any:
    """An array, where the cell is of a kind that is known; else the cell itself."""
    column = open_column(cell)
    if column is not None:
        cell = _column_to_steps(column, i, name)
    elif hasattr(cell, "as_py"):  # a scalar of pyarrow, which may be a list
        cell = cell.as_py()
    if hasattr(cell, "detach"):
        return _tensor_to_numpy(cell)
    if is_frame(cell):
        return read_frame(cell, f"sequence {i} of {name}")
    if hasattr(cell, "to_numpy"):
        return cell.to_numpy()
    if isinstance(cell, str):
        return np.array(list(cell), dtype=str)
    if hasattr(cell, "__array__"):
        return np.asarray(cell)
    if isinstance(cell, Sequence):
        cell = rectangle(cell, f"Sequence {i} of {name}")
        if cell is None:
            raise ValueError(STEPS_DIFFER.format(i=i, name=name))
    return cell


def _column_to_steps(column: Column, i: int, name: str) -> np.ndarray:
    """One sequence that is a column itself: of numbers, strings, or lists of channels."""
    found = read_column(column, f"sequence {i} of {name}", row="Step")
    if isinstance(found, SequenceArray):
        if (found.lengths != found.lengths[:1]).any():
            raise ValueError(STEPS_DIFFER.format(i=i, name=name))
        return np.asarray(found)[:, :, 0]
    return np.asarray(found, dtype=str) if column.is_text else found


def rectangle(rows: Sequence[Any], name: str) -> np.ndarray | None:
    """Nested lists as one array, or None where their lengths differ."""
    try:
        array = np.asarray(rows)
    except ValueError:  # numpy's word for "inhomogeneous shape"
        return None
    # numpy turns [1, "a"] into ["1", "a"] without a word.
    if array.dtype.kind == "U" and not all(
        isinstance(value, str) for value in np.asarray(rows, object).flat
    ):
        raise ValueError(
            f"{name} mixes strings with numbers; make all steps one or the other."
        )
    return array


def _tensor_to_numpy(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # which numpy does not have
        tensor = tensor.float()
    return np.asarray(tensor)
