"""Every device that is here does what the CPU does; with a CPU alone, that it agrees
with itself. Run on a machine with a GPU: pytest tests/test_devices.py
"""

import pickle

import numpy as np
import pytest
import torch
from helpers import POOLINGS
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
)
from skseq._training.devices import _present

DEVICES = _present()
QUICK = {"hidden_size": 8, "max_epochs": 4, "random_state": 0, "batch_size": 8}
MODELS = {
    "lstm": LSTMSequenceClassifier(**QUICK),
    "gru": GRUSequenceClassifier(**QUICK, num_layers=2, pooling=POOLINGS),
    "lstm, two directions": LSTMSequenceClassifier(
        **QUICK,
        bidirectional=True,
        num_layers=2,
        pooling=POOLINGS,
        class_weight={"up": 2, "down": 1},
    ),
    "gru, two directions": GRUSequenceRegressor(**QUICK, bidirectional=True),
    "counts": LSTMSequenceRegressor(**QUICK, loss="poisson", optimizer="adamw"),
}
# Single precision rounds differently, and training goes on from there.
AGREES = {"rtol": 2e-3, "atol": 2e-3}

on_every_device = pytest.mark.parametrize("device", DEVICES)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def target(model, ragged):
    X, y = ragged
    return y if hasattr(model, "class_weight") else np.array([len(x) for x in X])


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def fitted(model, ragged, device):
    return clone(model).set_params(device=device).fit(ragged[0], target(model, ragged))


@on_every_device
@every_model
def test_training_follows_the_cpu(ragged, model, device):
    model, on_cpu = fitted(model, ragged, device), fitted(model, ragged, "cpu")
    assert next(model.net_.module_.parameters()).device.type == device
    np.testing.assert_allclose(
        outputs(model, ragged[0]), outputs(on_cpu, ragged[0]), **AGREES
    )
    for row, expected in zip(model.history_, on_cpu.history_, strict=True):
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-3)
        assert row["valid_loss"] == pytest.approx(expected["valid_loss"], rel=1e-3)


@on_every_device
@every_model
def test_a_batch_does_not_matter(ragged, model, device):
    model = fitted(model, ragged, device)
    together = outputs(model, ragged[0])
    alone = np.concatenate([outputs(model, [x]) for x in ragged[0]])
    np.testing.assert_allclose(alone, together, rtol=1e-7 if device != "mps" else 1e-4)


@on_every_device
@every_model
def test_weights_are_copies(ragged, model, device):
    model, X, y = clone(model), ragged[0], target(model, ragged)
    model.set_params(device=device, validation_fraction=None)
    weight = np.arange(40) % 3
    copied = np.repeat(np.arange(40), weight)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    copies = clone(model).fit([X[i] for i in copied], y[copied])
    np.testing.assert_allclose(outputs(weighted, X), outputs(copies, X), **AGREES)


@on_every_device
@every_model
def test_what_it_saved_loads_on_the_cpu(ragged, model, device):
    model = fitted(model, ragged, device)
    expected = outputs(model, ragged[0])
    model.device = "cpu"
    again = pickle.loads(pickle.dumps(model))
    assert next(again.net_.module_.parameters()).device.type == "cpu"
    np.testing.assert_allclose(outputs(again, ragged[0]), expected, rtol=1e-5, atol=1e-6)
    again.partial_fit(ragged[0], target(model, ragged))


@on_every_device
def test_symbols(device):
    words, y = ["abc", "ca", "bbbb", "b"] * 5, [0, 0, 1, 1] * 5
    options = {**QUICK, "embedding_dim": 4, "validation_fraction": None}
    model = GRUSequenceClassifier(**options, device=device).fit(words, y)
    on_cpu = GRUSequenceClassifier(**options, device="cpu").fit(words, y)
    new = ["ab", "?", "cabb"]
    np.testing.assert_allclose(
        model.predict_proba(new), on_cpu.predict_proba(new), **AGREES
    )


@on_every_device
def test_training_goes_on(ragged, device):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK, device=device)
    model.partial_fit(X, y, classes=["down", "up"])
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), **AGREES)


@on_every_device
def test_cross_validation_and_early_stopping(ragged, device):
    X, y = ragged
    model = GRUSequenceClassifier(
        max_epochs=30, early_stopping=True, patience=3, device=device, random_state=0
    )
    assert cross_val_score(model, X, y, cv=3).mean() > 0.85


def test_auto_takes_the_best(ragged):
    model = LSTMSequenceClassifier(**QUICK, device="auto").fit(*ragged)
    assert next(model.net_.module_.parameters()).device.type == DEVICES[0]


def test_the_global_generators_stay(ragged):
    before = torch.random.get_rng_state()
    on_cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    LSTMSequenceClassifier(**QUICK, dropout=0.3).fit(*ragged)
    assert torch.equal(torch.random.get_rng_state(), before)
    after = torch.cuda.get_rng_state_all() if on_cuda else []
    assert all(map(torch.equal, on_cuda, after))
