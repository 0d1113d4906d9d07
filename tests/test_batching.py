"""Padded batches and the public collate function."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from skseq import SequenceArray, as_sequences, pad_collate
from skseq._training.batches import Batches, SequenceDataset, as_inputs

lengths_lists = st.lists(st.integers(1, 9), min_size=1, max_size=7)


@given(lengths_lists, st.sampled_from([None, 1, 3]), st.sampled_from(["f4", "f8", "i4"]))
def test_pads_like_torch(lengths, n_channels, dtype):
    rng = np.random.default_rng(0)
    shape = () if n_channels is None else (n_channels,)
    batch = [(rng.normal(size=(n, *shape)) * 9).astype(dtype) for n in lengths]
    padded, found = pad_collate(batch)
    expected = pad_sequence([torch.as_tensor(b) for b in batch], batch_first=True)
    assert found.tolist() == lengths
    assert padded.dtype == (torch.int64 if dtype == "i4" else torch.float32)
    torch.testing.assert_close(padded, expected.to(padded.dtype))


def test_what_int64_cannot_hold_becomes_a_float():
    large = np.array([3, 2**63 + 2**40], dtype=np.uint64)
    padded, _ = pad_collate([large])
    assert padded.dtype == torch.float32
    assert padded.tolist() == [large.astype(np.float32).tolist()]
    x = as_inputs(as_sequences([large]))["x"]
    assert x.ravel().tolist() == large.astype(float).tolist()
    assert pad_collate([large[:1]])[0].dtype == torch.int64


def test_targets_come_with_it():
    padded, _, targets = pad_collate([([1, 2], [0.5, 1.0]), ([3], [2.0, 3.0])])
    assert padded.tolist() == [[1, 2], [3, 0]]
    assert targets.tolist() == [[0.5, 1.0], [2.0, 3.0]]
    assert targets.dtype == torch.float32
    assert pad_collate([(torch.ones(2), 3)])[2].dtype == torch.int64


def test_works_in_a_data_loader():
    data = [(np.full((n, 2), n, dtype=float), n) for n in range(1, 8)]
    batches = list(DataLoader(data, batch_size=3, collate_fn=pad_collate))
    assert [tuple(b[0].shape) for b in batches] == [(3, 3, 2), (3, 6, 2), (1, 7, 2)]
    for padded, lengths, targets in batches:
        assert lengths.tolist() == targets.tolist()
        # The sum counts the real steps only where padding is zero.
        assert padded.sum().item() == (2 * lengths**2).sum().item()


def test_errors_name_the_sequence():
    with pytest.raises(ValueError, match="Sequence 1 of batch is empty"):
        pad_collate([np.zeros(2), np.zeros(0)])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        pad_collate([])
    with pytest.raises(ValueError, match="sequence 0 at time step 1"):
        pad_collate([np.array([1.0, np.nan])])
    with pytest.raises(ValueError, match="Sequence 1 of X has 1 channels"):
        pad_collate([np.zeros((2, 2)), np.zeros((2, 1))])


def test_targets_are_numbers():
    with pytest.raises(
        ValueError, match="targets of batch must be numbers, not str; encode"
    ):
        pad_collate([(np.ones(3), "a")])


def test_read_only_and_overlapping_values():
    values = np.arange(6.0)
    values.flags.writeable = False
    windows = SequenceArray(values, lengths=[3, 2, 1], starts=[0, 1, 5])
    inputs = as_inputs(windows)
    assert inputs["x"][:, 0].tolist() == [0, 1, 2, 1, 2, 5]
    assert inputs["lengths"].tolist() == [3, 2, 1]


def make_dataset(n):
    X = as_sequences([np.full(1 + i % 3, float(i)) for i in range(n)])
    return SequenceDataset(X, np.arange(n), np.arange(1.0, n + 1))


@given(st.integers(1, 20), st.integers(1, 25), st.integers(0, 5))
def test_an_epoch_holds_every_row_once(n, batch_size, seed):
    batches = Batches(make_dataset(n), batch_size, seed=seed)
    epochs = [[target for _, (targets, _) in batches for target in targets.tolist()]] * 2
    for epoch in epochs:
        assert sorted(epoch) == list(range(n))
    assert len(list(batches)) == len(batches)


def test_rows_stay_together():
    for inputs, (targets, weight) in Batches(make_dataset(20), 6, seed=0):
        lengths = 1 + targets % 3
        assert inputs["lengths"].tolist() == lengths.tolist()
        assert inputs["x"][:, 0].tolist() == targets.repeat_interleave(lengths).tolist()
        torch.testing.assert_close(weight, (targets + 1) / 10.5)


def test_the_order_follows_from_seed_and_epoch():
    def order(batches):
        return [t for _, (targets, _) in batches for t in targets.tolist()]

    batches = Batches(make_dataset(30), 7, seed=3)
    first, second = order(batches), order(batches)
    assert first != second != sorted(second)
    assert order(Batches(make_dataset(30), 7, seed=3, epoch=1)) == second
    assert order(Batches(make_dataset(30), 7)) == list(range(30))
