"""`SequenceArray`: many sequences of unequal length in one block of memory.

Everything behind the estimators' front door works on this one type. It knows
numpy and nothing else; `skseq._data.containers` knows how to make one from what a
user has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .arrays import refuse_masks, without_mask

__all__ = ["SequenceArray"]

# Steps that are looked at in one go where a pass over the values would
# otherwise need temporary arrays as large as the data itself.
CHUNK_STEPS = 1 << 18


class SequenceArray:
    """Sequences of unequal length, stored one after another.

    Row ``i`` is ``values[starts[i] : starts[i] + lengths[i]]``. Selecting rows
    shares ``values``: nothing is copied by slicing, by a cross-validation
    split, or by windows that overlap. ``values`` may be a memory-mapped file.

    Parameters
    ----------
    values : ndarray of shape (total_steps, n_channels) or (total_steps,)
        Every time step of every sequence. One dimension means one channel.
    lengths : array-like of shape (n_sequences,), dtype int
        The number of time steps of each sequence.
    starts : array-like of shape (n_sequences,), dtype int, default=None
        Where each sequence begins in `values`. None means that the sequences
        follow one another without gaps. Where it is given, `values` is a series,
        and the sequences are cut from it.
    channel_names : sequence of str, default=None
        What the channels are called. An estimator that was fitted on channels with
        names refuses others, or the same ones in another order.

    Attributes
    ----------
    values, starts, lengths : ndarray
        As above; `starts` and `lengths` are int64.
    spans : ndarray of shape (n_sequences, 2) or None
        The steps of its series that each sequence was cut from, begin and end. It
        stays with the rows when they are selected, pickled or transformed, while
        `starts` changes with `values`. None means that this is not known.
    channel_names : tuple of str or None
        As above. They stay with the rows, and are lost where steps get other channels.
    n_channels : int
        Number of values at each time step.
    shape : tuple of (int,)
        The number of sequences: to scikit-learn this is a 1-D container.
    dtype : numpy.dtype
        Type of the values.

    Raises
    ------
    ValueError
        If a sequence reaches beyond `values`, the shapes do not fit, `values` hides
        some by a mask, or there are not as many names as channels.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import SequenceArray
    >>> X = SequenceArray(np.arange(6.0), lengths=[1, 3, 2])
    >>> X
    SequenceArray(3 sequences of 1 to 3 steps, 1 channel, float64)
    >>> X[1].ravel()
    array([1., 2., 3.])
    >>> X[[2, 0]].lengths
    array([2, 1])
    >>> X[1:].values is X.values
    True
    >>> SequenceArray(np.arange(6.0), lengths=[3, 3], starts=[0, 2]).spans
    array([[0, 3],
           [2, 5]])
    """

    ndim = 1
    spans: np.ndarray | None = None
    channel_names: tuple[str, ...] | None = None
    _packed: tuple[np.ndarray, np.ndarray] | None = None

    def __init__(
        self, values: Any, lengths: Any, starts: Any = None, *, channel_names: Any = None
    ) -> None:
        if not isinstance(values, np.ndarray):
            refuse_masks(values, "values")
            values = np.asarray(values)
        values = without_mask(values, "values")
        if values.ndim == 1:
            values = values.reshape(-1, 1)
        if values.ndim != 2:
            raise ValueError(
                f"values must have the shape (total_steps, n_channels), got {values.shape}."
            )
        lengths = _as_positions(lengths, "lengths")
        is_cut = starts is not None
        starts = _as_positions(starts if is_cut else np.cumsum(lengths) - lengths, "starts")
        if starts.shape != lengths.shape:
            raise ValueError(
                f"starts and lengths differ in length: {len(starts)} and {len(lengths)}."
            )
        # starts + lengths could overflow int64.
        outside = (starts < 0) | (lengths < 0) | (starts > len(values) - lengths)
        if outside.any():
            i = int(outside.argmax())
            raise ValueError(
                f"Sequence {i} starts at {starts[i]} and has {lengths[i]} steps, "
                f"but values has {len(values)} steps."
            )
        self.values = values
        self.starts = starts
        self.lengths = lengths
        if is_cut:
            self.spans = np.stack([starts, starts + lengths], axis=1)
        if channel_names is not None:
            self.channel_names = _checked_names(channel_names, self.n_channels)

    @classmethod
    def trusted(
        cls,
        values: np.ndarray,
        lengths: np.ndarray,
        starts: np.ndarray,
        spans: np.ndarray | None = None,
    ) -> SequenceArray:
        """Without checks, from 2-D values and int64 positions that lie within them."""
        sequences = cls.__new__(cls)
        sequences.values, sequences.lengths, sequences.starts = values, lengths, starts
        sequences.spans = spans
        return sequences

    def with_steps(self, values: Any, lengths: Any, starts: Any = None) -> SequenceArray:
        """The same channels with other steps, which come from where these come from."""
        sequences = SequenceArray(values, lengths, starts)
        sequences.spans = self.spans
        sequences.channel_names = self.channel_names
        return sequences

    def without_spans(self) -> SequenceArray:
        """The same sequences, which do not know where they come from."""
        sequences = self.trusted(self.values, self.lengths, self.starts)
        sequences.channel_names = self.channel_names
        return sequences

    def with_names(self, names: Any) -> SequenceArray:
        """The same sequences with other names, or none unless there is one for each."""
        sequences = self.trusted(self.values, self.lengths, self.starts, self.spans)
        names = () if names is None else tuple(names)
        fits = len(names) == self.n_channels > 0
        if fits and all(isinstance(name, str) for name in names):
            sequences.channel_names = tuple(map(str, names))
        return sequences

    @classmethod
    def from_equal(cls, block: np.ndarray) -> SequenceArray:
        """Sequences of one length from a 2-D or 3-D array, without a copy.

        Parameters
        ----------
        block : ndarray of shape (n_sequences, n_timesteps) or \
                (n_sequences, n_timesteps, n_channels)
            Two dimensions mean one channel.

        Returns
        -------
        SequenceArray

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import SequenceArray
        >>> SequenceArray.from_equal(np.zeros((4, 10, 2)))
        SequenceArray(4 sequences of 10 steps, 2 channels, float64)
        """
        n_sequences, n_timesteps = block.shape[:2]
        n_channels = block.shape[2] if block.ndim == 3 else 1
        values = block.reshape(n_sequences * n_timesteps, n_channels)
        return cls(values, np.full(n_sequences, n_timesteps))

    @property
    def n_channels(self) -> int:
        return int(self.values.shape[1])

    @property
    def shape(self) -> tuple[int]:
        return (len(self.lengths),)

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[np.ndarray]:
        for start, length in zip(self.starts, self.lengths, strict=True):
            yield self.values[start : start + length]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            # scikit-learn indexes rows of an unknown container by X[key, ...]
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(
                    "A SequenceArray is indexed by rows only; "
                    "take steps or channels from X[i], an ordinary array."
                )
            key = key[0]
        if isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
            start, length = self.starts[key], self.lengths[key]
            return self.values[start : start + length]
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.ndim != 1:
                raise IndexError(f"Rows are chosen in one dimension, got {key.ndim}.")
            if key.size == 0:
                key = key.astype(np.intp)
        spans = None if self.spans is None else self.spans[key]
        rows = self.trusted(self.values, self.lengths[key], self.starts[key], spans)
        rows.channel_names = self.channel_names
        return rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if len(self) and (self.lengths != self.lengths[0]).any():
            raise ValueError(
                f"{self!r} is ragged and cannot become one array; iterate over it, or use "
                "skseq.pad_collate for a padded tensor, or skseq.sequence_frame for what "
                "takes tables only, such as permutation_importance and bagging."
            )
        if copy is False:
            raise ValueError("A SequenceArray becomes an array only by copying.")
        n_timesteps = int(self.lengths[0]) if len(self) else 0
        block = self.values[step_index(self)]
        return block.reshape(len(self), n_timesteps, self.n_channels).astype(
            dtype or self.dtype, copy=False
        )

    def __sizeof__(self) -> int:
        """Bytes that the rows hold. Dask sends large arguments once, not with each task."""
        held = int(self.lengths.sum()) * self.n_channels * self.dtype.itemsize
        positions = self.lengths.nbytes + self.starts.nbytes
        positions += 0 if self.spans is None else self.spans.nbytes
        return object.__sizeof__(self) + min(held, self.values.nbytes) + positions

    def __getstate__(self) -> dict[str, np.ndarray | None]:
        """The rows with their part of the block, for a file or another process."""
        packed = _packed(self)
        # Joblib knows by its identity an array that it has sent before.
        if self._packed is None or not all(map(_same, self._packed, packed)):
            self._packed = packed
        values, starts = self._packed
        return {
            "values": values,
            "lengths": self.lengths,
            "starts": starts,
            "spans": self.spans,
            "channel_names": self.channel_names,
        }

    def map(self, function: Callable[[np.ndarray], Any]) -> SequenceArray:
        """Apply a function to each sequence.

        Parameters
        ----------
        function : callable
            Takes an array of shape (n_timesteps, n_channels) and returns one
            of shape (any number of steps, any number of channels).

        Returns
        -------
        SequenceArray

        Raises
        ------
        ValueError
            If it returns something of another shape, or numbers of channels that
            differ.

        Examples
        --------
        Each channel beside its change from step to step:

        >>> import numpy as np
        >>> from skseq import as_sequences
        >>> X = as_sequences([[1.0, 3.0, 6.0], [2.0, 2.0]])
        >>> X.map(lambda x: np.hstack([x, np.diff(x, axis=0, prepend=x[:1])]))[0]
        array([[1., 0.],
               [3., 2.],
               [6., 3.]])
        """
        columns = [_as_steps(function(x), i) for i, x in enumerate(self)]
        if not columns:
            return self
        for i, column in enumerate(columns):
            if column.shape[1] != columns[0].shape[1]:
                raise ValueError(
                    f"function returned {column.shape[1]} channels for sequence {i}, but "
                    f"{columns[0].shape[1]} for sequence 0; all need the same number."
                )
        made = self.with_steps(np.concatenate(columns), [len(c) for c in columns])
        return made.with_names(None)  # nobody knows what the function made of them

    def __repr__(self) -> str:
        if not len(self):
            steps = ""
        elif self.lengths.min() == self.lengths.max():
            steps = f" of {self.lengths[0]} steps"
        else:
            steps = f" of {self.lengths.min()} to {self.lengths.max()} steps"
        sequences = "sequence" if len(self) == 1 else "sequences"
        channels = "channel" if self.n_channels == 1 else "channels"
        return (
            f"SequenceArray({len(self)} {sequences}{steps}, "
            f"{self.n_channels} {channels}, {self.dtype})"
        )


def _as_steps(result: Any, i: int) -> np.ndarray:
    """What a function made of sequence i, of shape (n_timesteps, n_channels)."""
    steps = np.asarray(without_mask(result, f"What function made of sequence {i}"))
    if steps.ndim not in (1, 2):
        raise ValueError(
            f"function returned an array of shape {steps.shape} for sequence {i}; it must "
            "return one of shape (n_timesteps,) or (n_timesteps, n_channels). One number "
            "for each sequence is [function(x) for x in X]."
        )
    return steps[:, None] if steps.ndim == 1 else steps


def _packed(sequences: SequenceArray) -> tuple[np.ndarray, np.ndarray]:
    """Values and starts without what lies outside of the rows, at most twice their steps.

    Nothing is copied as long as the rows hold half of what lies between the first and
    the last of them, which a training fold does.
    """
    if not len(sequences):
        return sequences.values[:0], sequences.starts
    # A memory map that is unpickled would be one without a file.
    values = np.asarray(sequences.values)
    low = int(sequences.starts.min())
    high = int((sequences.starts + sequences.lengths).max())
    if high - low < len(values):
        values = values[low:high]
    part = SequenceArray.trusted(values, sequences.lengths, sequences.starts - low)
    if 2 * sequences.lengths.sum() < len(values):
        return distinct_steps(part)
    return values, part.starts


def _same(array: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays lie in the same place, or are bit for bit the same copies."""
    if array.__array_interface__ == other.__array_interface__:
        return True
    if array.dtype != other.dtype or array.shape != other.shape:
        return False
    chunks = (slice(c, c + CHUNK_STEPS) for c in range(0, len(array), CHUNK_STEPS))
    return all(array[c].tobytes() == other[c].tobytes() for c in chunks)


def _checked_names(names: Any, n_channels: int) -> tuple[str, ...]:
    checked = tuple(names) if not isinstance(names, str) else (names,)
    if len(checked) != n_channels or not all(isinstance(name, str) for name in checked):
        raise ValueError(
            f"channel_names must hold a string for each of the {n_channels} channels, got "
            f"{names!r:.60}."
        )
    return tuple(map(str, checked))


def _as_positions(numbers: Any, name: str) -> np.ndarray:
    array = np.asarray(without_mask(numbers, name))
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers in one dimension.")
    return array.astype(np.int64, copy=False)


def ragged_range(starts: np.ndarray, lengths: np.ndarray, stride: int = 1) -> np.ndarray:
    """``start, start + stride, ...`` of each length, one after another."""
    first = np.cumsum(lengths) - lengths
    index = np.arange(lengths.sum()) * stride if stride > 1 else np.arange(lengths.sum())
    index += np.repeat(starts - first * stride, lengths)
    return index


def step_index(sequences: SequenceArray) -> np.ndarray:
    """Positions in `values` of every step of every sequence, in order."""
    return ragged_range(sequences.starts, sequences.lengths)


def stacked_steps(sequences: SequenceArray) -> np.ndarray:
    """Every step of every sequence, in order; a view where they are stored like this.

    In C order always: sums over another one round differently, and pickling changes it.
    """
    ends = sequences.starts + sequences.lengths
    if len(sequences) and (sequences.starts[1:] == ends[:-1]).all():
        return np.ascontiguousarray(sequences.values[sequences.starts[0] : ends[-1]])
    return sequences.values.take(step_index(sequences), axis=0)


def native_order(array: np.ndarray) -> np.ndarray:
    """In the byte order of this machine, the only one that other libraries take."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def distinct_steps(sequences: SequenceArray) -> tuple[np.ndarray, np.ndarray]:
    """The stored steps that any sequence holds, once each, and where sequences start.

    In C order, like `stacked_steps`.
    """
    n_steps = len(sequences.values)
    ends = sequences.starts + sequences.lengths
    begun = np.bincount(sequences.starts, minlength=n_steps + 1)
    ended = np.bincount(ends, minlength=n_steps + 1)
    held = np.cumsum(begun - ended)[:-1] > 0
    if held.all():
        return np.ascontiguousarray(sequences.values), sequences.starts
    held_before = np.concatenate([[0], np.cumsum(held)])
    return sequences.values.compress(held, axis=0), held_before[sequences.starts]


def row_chunks(sequences: SequenceArray) -> Iterator[slice]:
    """Runs of rows that hold about `CHUNK_STEPS` steps each."""
    if not len(sequences):
        return
    ends = np.cumsum(sequences.lengths)
    cuts = np.searchsorted(ends, np.arange(CHUNK_STEPS, ends[-1], CHUNK_STEPS)) + 1
    bounds = np.unique(np.concatenate([[0], cuts, [len(sequences)]]))
    for begin, end in pairwise(bounds):
        yield slice(int(begin), int(end))


def check_steps(sequences: SequenceArray, name: str, *, finite: bool = True) -> None:
    """Raise if there is no sequence, an empty one, or a value that is not finite."""
    if not len(sequences):
        raise ValueError(
            "Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is required, "
            f"in {name}: it has no sequences."
        )
    if not sequences.n_channels:
        raise ValueError(f"The sequences of {name} have no channels.")
    if not sequences.lengths.all():
        i = int(np.argmin(sequences.lengths))
        raise ValueError(
            f"Sequence {i} of {name} is empty; remove it or give it at least one step."
        )
    if sequences.dtype.kind != "f" or not finite:
        return
    bad = first_step(sequences, lambda values: ~np.isfinite(values))
    if bad is not None:
        i, step, value = bad
        what = "NaN" if np.isnan(value) else "inf"
        raise ValueError(
            f"Input {name} contains {what}: sequence {i} at time step {step}. "
            "Impute or remove such steps first."
        )


def first_step(
    sequences: SequenceArray, is_bad: Callable[[np.ndarray], np.ndarray]
) -> tuple[int, int, float] | None:
    """Row, step and value of the first bad value, or None."""
    low = int(sequences.starts.min())
    high = int((sequences.starts + sequences.lengths).max())
    chunks = range(low, high, CHUNK_STEPS)
    if not any(is_bad(sequences.values[c : c + CHUNK_STEPS]).any() for c in chunks):
        return None
    # Something in the block is bad; it may lie between the rows that are used.
    for rows in row_chunks(sequences):
        part = sequences[rows]
        steps = part.values[step_index(part)]
        bad = is_bad(steps)
        if bad.any():
            position = int(bad.any(axis=1).argmax())
            i = int(np.searchsorted(np.cumsum(part.lengths), position, side="right"))
            step = position - int(part.lengths[:i].sum())
            value = steps[position][bad[position]][0]
            return rows.start + i, step, float(value)
    return None
