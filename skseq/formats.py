"""Other forms of the same sequences: tables and panels read, and everything written.

What can be recognised, `as_sequences` reads by itself. The forms that are read here
must be named: tables in long format, and arrays whose last axis is time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ._data.arrays import rectangular
from ._data.columnar import arrow_array, awkward_array, polars_series
from ._data.containers import as_sequences
from ._data.long import (
    from_long,
    from_multiindex,
    long_to_frame,
    to_long,
    to_multiindex,
)
from ._data.nested import nested_tensor, step_tensor
from ._data.sequences import SequenceArray, stacked_steps
from ._surroundings import on_one_thread

if TYPE_CHECKING:
    import polars

__all__ = [
    "from_long",
    "from_multiindex",
    "from_np_list",
    "from_numpy3d",
    "long_to_frame",
    "to_awkward",
    "to_long",
    "to_multiindex",
    "to_nested_tensor",
    "to_np_list",
    "to_numpy3d",
    "to_polars",
    "to_pyarrow",
    "to_tensors",
]


def from_numpy3d(X: Any) -> SequenceArray:
    """Read an array whose last axis is time: `numpy3D` of sktime and aeon.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_channels, n_timesteps)
        The estimators of this package take (n_sequences, n_timesteps, n_channels).
        The two cannot be told apart, so no estimator guesses.

    Returns
    -------
    SequenceArray

    Raises
    ------
    ValueError
        If `X` has not 3 dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.formats import from_numpy3d
    >>> from_numpy3d(np.zeros((10, 2, 50)))
    SequenceArray(10 sequences of 50 steps, 2 channels, float64)
    """
    block = rectangular(X, "X")
    if block.ndim != 3:
        raise ValueError(
            "An array of shape (n_sequences, n_channels, n_timesteps) is needed, but this "
            f"one has the shape {block.shape}."
        )
    return as_sequences(block.transpose(0, 2, 1))


def from_np_list(X: Sequence[Any]) -> SequenceArray:
    """Read a list of arrays whose last axis is time: `np-list` of aeon.

    Parameters
    ----------
    X : list of array-like of shape (n_channels, n_timesteps)

    Returns
    -------
    SequenceArray

    Raises
    ------
    ValueError
        If an array has not 2 dimensions, or they differ in their number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.formats import from_np_list
    >>> from_np_list([np.zeros((2, 50)), np.zeros((2, 30))])
    SequenceArray(2 sequences of 30 to 50 steps, 2 channels, float64)
    """
    arrays = [rectangular(x, f"Sequence {i}") for i, x in enumerate(X)]
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise ValueError(
                f"Sequence {i} has the shape {array.shape}, but (n_channels, n_timesteps) "
                "is needed."
            )
    return as_sequences([array.T for array in arrays])


def to_numpy3d(X: Any) -> np.ndarray:
    """Write an array whose last axis is time: `numpy3D` of sktime and aeon.

    Parameters
    ----------
    X : any container that `as_sequences` takes
        Of sequences that are equally long.

    Returns
    -------
    ndarray of shape (n_sequences, n_channels, n_timesteps)

    Raises
    ------
    ValueError
        If lengths differ.

    Examples
    --------
    >>> from skseq.formats import to_numpy3d
    >>> to_numpy3d([[1, 2, 3], [4, 5, 6]]).shape
    (2, 1, 3)
    """
    sequences = as_sequences(X)
    lengths = sequences.lengths
    if (lengths != lengths[:1]).any():
        raise ValueError(
            f"The sequences have {lengths.min()} to {lengths.max()} steps, but numpy3D "
            "needs one length; to_np_list and to_multiindex take any."
        )
    return np.ascontiguousarray(np.asarray(sequences).transpose(0, 2, 1))


def to_np_list(X: Any) -> list[np.ndarray]:
    """Write a list of arrays whose last axis is time: `np-list` of aeon.

    For a list of arrays of shape (n_timesteps, n_channels), which every estimator
    here takes, write ``list(as_sequences(X))``.

    Parameters
    ----------
    X : any container that `as_sequences` takes

    Returns
    -------
    list of ndarray of shape (n_channels, n_timesteps)

    Examples
    --------
    >>> from skseq.formats import to_np_list
    >>> [array.shape for array in to_np_list([[1, 2, 3], [4, 5]])]
    [(1, 3), (1, 2)]
    """
    return [np.ascontiguousarray(sequence.T) for sequence in as_sequences(X)]


def to_tensors(X: Any) -> list[torch.Tensor]:
    """Write a list of tensors.

    Parameters
    ----------
    X : any container that `as_sequences` takes
        Of numbers.

    Returns
    -------
    list of Tensor of shape (n_timesteps,) or (n_timesteps, n_channels)
        One dimension if there is one channel. They share the memory of `X` where it
        is one block that may be written to.

    Examples
    --------
    >>> from skseq.formats import to_tensors
    >>> to_tensors([[1, 2, 3], [4, 5]])
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    sequences = as_sequences(X)
    return list(step_tensor(stacked_steps(sequences)).split(sequences.lengths.tolist()))


@on_one_thread
def to_nested_tensor(X: Any, layout: torch.layout = torch.jagged) -> torch.Tensor:
    """Write a nested tensor.

    Parameters
    ----------
    X : any container that `as_sequences` takes
        Of numbers.
    layout : torch.layout, default=torch.jagged
        `torch.jagged`, which can share the memory of `X`, or `torch.strided`, which
        copies, and of which torch warns that it is a prototype.

    Returns
    -------
    Tensor of shape (n_sequences, any, n_channels), or (n_sequences, any)
        Without channels if there is only one.

    Examples
    --------
    >>> from skseq.formats import to_nested_tensor
    >>> nested = to_nested_tensor([[1.0, 2.0, 3.0], [4.0, 5.0]])
    >>> nested.unbind()[1]
    tensor([4., 5.], dtype=torch.float64)
    """
    return nested_tensor(as_sequences(X), layout)


def to_polars(X: Any, name: str = "sequence") -> polars.Series:
    """Write a polars Series of lists.

    Parameters
    ----------
    X : any container that `as_sequences` takes
    name : str, default="sequence"

    Returns
    -------
    polars.Series of type List, or List(Array) if there are several channels
        ``.to_frame()`` makes it a frame.

    Examples
    --------
    >>> from skseq.formats import to_polars
    >>> to_polars([[1, 2, 3], [4, 5]]).dtype
    List(Int64)
    """
    return polars_series(as_sequences(X), name)


def to_pyarrow(X: Any) -> Any:
    """Write a pyarrow array of lists, which shares the memory of one block.

    Parameters
    ----------
    X : any container that `as_sequences` takes

    Returns
    -------
    pyarrow.LargeListArray
        Of numbers or strings, or of fixed-size lists if there are several channels.

    Examples
    --------
    >>> from skseq.formats import to_pyarrow
    >>> print(to_pyarrow([[1, 2, 3], [4, 5]]).type)
    large_list<item: int64>
    """
    return arrow_array(as_sequences(X))


def to_awkward(X: Any) -> Any:
    """Write an awkward array, which shares the memory of one block.

    Parameters
    ----------
    X : any container that `as_sequences` takes

    Returns
    -------
    awkward.Array of type n * var, or n * var * n_channels if there are several

    Examples
    --------
    >>> from skseq.formats import to_awkward
    >>> to_awkward([[1, 2, 3], [4, 5]]).typestr
    '2 * var * int64'
    """
    return awkward_array(as_sequences(X))
