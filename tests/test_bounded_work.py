"""No batch costs a multiple of its real steps, whatever else is in it."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skseq import GRUSequenceClassifier, LSTMSequenceClassifier, as_sequences, audit
from skseq._data import sequences
from skseq._training.batches import PREDICT_BATCH_SIZE, by_length
from skseq.inspection import step_importance
from skseq.inspection._audit import _summaries
from skseq.nn.cells import CELLS
from skseq.nn.lanes import Lanes

LENGTHS = st.lists(
    st.integers(1, 9) | st.integers(1, 100_000), min_size=1, max_size=400
).map(np.array)


@given(lengths=LENGTHS, width=st.sampled_from([1, 8, 64]))
def test_batches_of_predictions_hold_little_padding_and_have_a_size(lengths, width):
    batches = [np.arange(len(lengths))[rows] for rows in by_length(lengths, width, 100_000)]
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for rows in batches:
        padded = len(rows) * int(lengths[rows].max())
        assert padded <= 2 * lengths[rows].sum()
        assert len(rows) == 1 or padded * width <= 100_000
        assert len(rows) <= PREDICT_BATCH_SIZE


@given(lengths=LENGTHS)
def test_batches_of_training_hold_little_padding(lengths):
    """A sequence takes a blank step too, and each lane but one is half full."""
    lanes = Lanes(torch.from_numpy(lengths))
    taken = int(lengths.sum()) + len(lengths)
    longest = int(lengths.max())
    assert lanes.n_steps * lanes.n_lanes <= 17 / 16 * (2 * taken + longest)


class Grids:
    """What layers run over: steps of the grid, of the sequences in it, and how many."""

    def __init__(self, monkeypatch):
        self.seen = []
        for cell in CELLS.values():
            monkeypatch.setattr(cell, "run", self.watched(cell.run))

    def watched(self, run):
        def watch(layers, x, lanes):
            grid = x.shape[0] * x.shape[1]
            self.seen.append((grid, int(lanes.lengths.sum()), len(lanes.lengths)))
            return run(layers, x, lanes)

        return watch


@pytest.fixture
def grids(monkeypatch):
    return Grids(monkeypatch)


RNG = np.random.default_rng(0)
LONG = [RNG.normal(size=(3000, 1)) for _ in range(2)]
SHORT = [RNG.normal(size=(5, 1)) for _ in range(300)]
Y = np.arange(302) % 2
QUICK = {"hidden_size": 2, "max_epochs": 1, "validation_fraction": None}
WAYS = {
    "predict": lambda model, X: model.predict_proba(X),
    "fit": lambda model, X: model.fit(X, Y),
    "occlusion": lambda model, X: step_importance(model, [x[-60:] for x in X]),
    "gradients": lambda model, X: step_importance(
        model, X[:20], method="integrated_gradients", tol=0.1
    ),
    "audit": lambda model, X: audit(model, X, Y, cv=2),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("cls", [LSTMSequenceClassifier, GRUSequenceClassifier])
def test_long_rows_do_not_make_the_others_expensive(cls, way, grids):
    model = cls(**QUICK).fit(SHORT, Y[:300])
    grids.seen.clear()
    way(model, [LONG[0], *SHORT, LONG[1]])
    for grid, real, n_rows in grids.seen:
        assert grid <= 17 / 16 * 2 * (real + n_rows)


def test_occlusion_computes_little_beside_the_occluded_sequences(grids, monkeypatch):
    monkeypatch.setattr(sequences, "CHUNK_STEPS", 500)
    model = GRUSequenceClassifier(**QUICK).fit(SHORT, Y[:300])
    X = [RNG.normal(size=(300, 1)), *SHORT * 5]
    grids.seen.clear()
    step_importance(model, X)
    lengths = np.array([len(x) for x in X])
    copies, untouched = (lengths**2).sum(), 2 * lengths.sum()
    assert sum(real for _, real, _ in grids.seen) <= 1.05 * (copies + untouched)


def test_gradients_of_a_long_row_take_one_copy_of_it_at_once(grids):
    """All points of its line at once would take a multiple of the memory."""
    model = GRUSequenceClassifier(**{**QUICK, "hidden_size": 256}).fit(SHORT, Y[:300])
    grids.seen.clear()
    long = [RNG.normal(size=(2100, 1))]
    step_importance(model, long, method="integrated_gradients", tol=1.0)
    assert {real for _, real, _ in grids.seen} == {2100}


def test_the_audit_counts_symbols_without_a_table_of_steps_and_symbols():
    n = 3000
    words = as_sequences([np.arange(n // 2).astype(str), np.arange(n).astype(str)])
    tracemalloc.start()
    summaries = _summaries(words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n / 4
    assert [summary.shape[1] for summary in summaries.values()] == [1, 1, n, n]
