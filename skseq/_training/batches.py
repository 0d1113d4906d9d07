"""From sequences to padded batches.

Axes: b batch, t time, c channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .._data.arrays import rectangular, refuse_masks
from .._data.containers import as_sequences
from .._data.rows import Rows
from .._data.sequences import SequenceArray, check_steps, ragged_range, stacked_steps
from .._surroundings import on_one_thread

__all__ = ["pad_collate"]

PREDICT_BATCH_SIZE = 256
PREDICT_NUMBERS = 1 << 22  # steps times hidden units, padding included
CHUNK_NUMBERS = 1 << 20  # of the values that are looked up at once


def pad(sequences: SequenceArray) -> Tensor:
    """All sequences as one tensor (b, t, c), zeros at the end of each.

    float32 and float64 stay what they are, integers become int64 if it holds them.
    """
    n, longest = len(sequences), int(sequences.lengths.max())
    steps = steps_of(sequences)
    padded = steps.new_zeros(n * longest, sequences.n_channels)
    into = ragged_range(np.arange(n) * longest, sequences.lengths)
    return padded.index_copy_(0, torch.from_numpy(into), steps).view(n, longest, -1)


def steps_of(sequences: SequenceArray) -> Tensor:
    """The steps of all sequences, one after another, (sum of lengths, c)."""
    values = stacked_steps(sequences)
    # Torch's own memory is aligned, which numpy's need not be: results would
    # depend on the alignment in the last bit.
    steps = torch.empty(values.shape, dtype=_tensor_dtype(values))
    steps.numpy()[...] = values
    return steps


def _tensor_dtype(values: np.ndarray) -> torch.dtype:
    if values.dtype == np.uint64 and (values >> np.uint64(63)).any():
        return torch.float64  # in which int64 is standardised too
    if values.dtype.kind in "iu":
        return torch.int64
    return torch.float32 if values.dtype == np.float32 else torch.float64


@on_one_thread
def pad_collate(batch: Sequence[Any]) -> tuple[Tensor, ...]:
    """Sequences of unequal length as one padded tensor; a DataLoader's `collate_fn`.

    Parameters
    ----------
    batch : sequence of sequences, or of pairs (sequence, target)
        Each sequence is an array, tensor or list of shape ``(n_timesteps,)`` or
        ``(n_timesteps, n_channels)``. Pairs are tuples.

    Returns
    -------
    padded : Tensor of shape (n_samples, longest) or (n_samples, longest, n_channels)
        Zeros stand behind the end of each sequence. Numbers with a fraction
        become torch's default dtype, whole numbers int64 (but those beyond its
        range, the default dtype).
    lengths : Tensor of shape (n_samples,), dtype int64
        On the CPU, as `torch.nn.utils.rnn.pack_padded_sequence` wants them.
    targets : Tensor of shape (n_samples,) or (n_samples, n_outputs)
        Only if `batch` has them.

    Raises
    ------
    ValueError
        If the batch or a sequence is empty, a value is NaN or infinite, sequences
        differ in their number of channels, or targets are no numbers.

    Examples
    --------
    >>> from skseq import pad_collate
    >>> padded, lengths, targets = pad_collate([([1.0, 2.0, 3.0], 0), ([4.0], 1)])
    >>> padded
    tensor([[1., 2., 3.],
            [4., 0., 0.]])
    >>> lengths, targets
    (tensor([3, 1]), tensor([0, 1]))
    """
    targets = None
    if len(batch) and all(isinstance(item, tuple) for item in batch):
        sequences, targets = zip(*batch, strict=True)
    else:
        sequences = tuple(batch)
    # A list of arrays is always sequences; bare lists could be read as a table.
    items = [
        x if hasattr(x, "detach") else rectangular(x, f"Sequence {i} of batch")
        for i, x in enumerate(sequences)
    ]
    array = as_sequences(items)
    check_steps(array, "batch")
    padded = _default_float(pad(array))
    if items[0].ndim == 1:
        padded = padded[:, :, 0]
    lengths = torch.from_numpy(array.lengths.copy())
    if targets is None:
        return padded, lengths
    return padded, lengths, _default_float(torch.as_tensor(_check_targets(targets)))


def _check_targets(targets: Sequence[Any]) -> np.ndarray:
    refuse_masks(targets, "The targets of batch")
    array = np.asarray(targets)
    if array.dtype.kind not in "iufb":
        raise ValueError(
            f"The targets of batch must be numbers, not {type(targets[0]).__name__}; "
            "encode labels first, for example by LabelEncoder of scikit-learn."
        )
    return array


def _default_float(tensor: Tensor) -> Tensor:
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


class SequenceDataset(Dataset):
    """Sequences, encoded targets and weights, as skorch passes them around.

    Parameters
    ----------
    sequences : SequenceArray of n rows
    targets : ndarray of shape (n,) or (n, n_outputs)
        int64 class positions, or float32 targets as the loss takes them.
    weight : ndarray of shape (n,)
        Any scale; kept as float32 with mean one.

    Attributes
    ----------
    rows : Rows
        What an estimator made it of; targets and weights are those of the caller there.
    """

    rows: Rows

    def __init__(
        self, sequences: SequenceArray, targets: np.ndarray, weight: np.ndarray
    ) -> None:
        self.sequences = sequences
        self.targets = torch.as_tensor(targets)
        self.weight = torch.as_tensor((weight / weight.mean()).astype(np.float32))

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, i: int) -> tuple[np.ndarray, tuple[Tensor, Tensor]]:
        return self.sequences[i], (self.targets[i], self.weight[i])


class Batches:
    """Iterator of skorch batches over a `SequenceDataset`, from memory.

    Each pass over it is one epoch. How epoch ``e`` is shuffled follows from
    `seed` and ``e`` alone, so that training can stop, be stored and go on.

    Parameters
    ----------
    dataset : SequenceDataset
    batch_size : int
    seed : int or None, default=None
        None keeps the order of the dataset.
    epoch : int, default=0
        Number of the first epoch.
    """

    def __init__(
        self,
        dataset: SequenceDataset,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
    ) -> None:
        self.dataset = dataset
        self.batch_size = min(batch_size, len(dataset))
        self.seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]]:
        order = np.arange(len(self.dataset))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(order)
        self.epoch += 1
        index = torch.from_numpy(order)
        targets = self.dataset.targets[index].split(self.batch_size)
        weight = self.dataset.weight[index].split(self.batch_size)
        others = zip(targets, weight, strict=True)
        for some in self._chunks(order):
            inputs = as_inputs(self.dataset.sequences[some])
            lengths = inputs["lengths"].split(self.batch_size)
            x = inputs["x"].split([int(part.sum()) for part in lengths])
            for i in range(len(x)):
                yield {"x": x[i], "lengths": lengths[i]}, next(others)

    def _chunks(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """Rows of some batches, which are cheaper to look up together."""
        sequences = self.dataset.sequences
        size = self.batch_size * int(sequences.lengths.max()) * sequences.n_channels
        chunk = self.batch_size * max(CHUNK_NUMBERS // size, 1)
        for begin in range(0, len(order), chunk):
            yield order[begin : begin + chunk]


def as_inputs(sequences: SequenceArray) -> dict[str, Tensor]:
    """The keywords of `RecurrentNet.forward`."""
    lengths = torch.from_numpy(sequences.lengths.copy())
    return {"x": steps_of(sequences), "lengths": lengths}


def by_length(
    lengths: np.ndarray, width: int, numbers: int = PREDICT_NUMBERS
) -> Iterator[np.ndarray | slice]:
    """Rows in batches of similar length, for where the order does not matter.

    Padded to its longest row, a batch is at most twice its steps and holds at most
    `numbers` in each array of `width` columns, unless it is a single row.
    """
    if len(lengths) == 1:  # whose answer may be waited for
        yield slice(None)
        return
    order = np.argsort(lengths, kind="stable")
    begin, n_steps = 0, 0
    for end, length in enumerate(lengths[order].tolist()):
        padded = length * (end + 1 - begin)
        is_full = end - begin == PREDICT_BATCH_SIZE or padded * width > numbers
        if end > begin and (is_full or padded > 2 * (n_steps + length)):
            yield order[begin:end]
            begin, n_steps = end, 0
        n_steps += length
    yield order[begin:]
