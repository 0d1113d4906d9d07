"""The promises of the package, each as a test that is red where it is broken."""

import itertools
import threading

import numpy as np
import pytest
import torch
from helpers import POOLINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import run_fresh

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
)

CLASSES = [
    LSTMSequenceClassifier,
    GRUSequenceClassifier,
    LSTMSequenceRegressor,
    GRUSequenceRegressor,
]
SMALL = {"hidden_size": 8, "max_epochs": 2, "validation_fraction": None, "random_state": 0}


def targets(cls, y):
    return y if "Classifier" in cls.__name__ else np.arange(len(y)) % 7 * 1e6


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


# 1. Padding never matters.


def shapes():
    """Every cell, number of layers, direction and pooling."""
    cells, kinds = ["LSTM", "GRU"], [*POOLINGS, POOLINGS]
    return list(itertools.product(cells, [1, 2], [False, True], kinds))


@pytest.mark.parametrize(("cell", "layers", "bidirectional", "pooling"), shapes())
def test_a_prediction_depends_on_nothing_but_its_sequence(
    ragged, cell, layers, bidirectional, pooling
):
    X, y = ragged
    cls = {"LSTM": LSTMSequenceRegressor, "GRU": GRUSequenceRegressor}[cell]
    model = cls(**SMALL, num_layers=layers, bidirectional=bidirectional, pooling=pooling)
    model.fit(X, targets(cls, y))
    together = model.predict(X)
    alone = np.concatenate([model.predict([x]) for x in X])
    beside_a_giant = model.predict([*X, np.full((500, 2), 1e3)])[:-1]
    backwards = model.predict(X[::-1])[::-1]
    for other in (alone, beside_a_giant, backwards):
        np.testing.assert_allclose(other, together, rtol=1e-7)


@pytest.fixture(scope="module", params=CLASSES)
def fitted(request):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(1, 15, size=30)]
    cls = request.param
    return cls(**SMALL, bidirectional=True, pooling=POOLINGS).fit(
        X, targets(cls, np.tile(["a", "b"], 15))
    )


@settings(max_examples=25)
@given(data=st.data())
def test_any_batch_gives_the_same_predictions(fitted, data):
    lengths = data.draw(st.lists(st.integers(1, 40), min_size=2, max_size=20))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X = [rng.normal(scale=3.0, size=(n, 2)) for n in lengths]
    rows = data.draw(st.lists(st.sampled_from(range(len(X))), min_size=1, max_size=30))
    expected = outputs(fitted, X)[rows]
    np.testing.assert_allclose(outputs(fitted, [X[i] for i in rows]), expected, rtol=1e-7)


# 2. Same seed, same model.


def weights(model):
    return [p.detach().numpy() for p in model.net_.module_.parameters()]


def assert_same_model(one, other):
    for ours, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("cls", CLASSES)
def test_same_seed_same_model(ragged, cls):
    X, y = ragged
    options = {**SMALL, "dropout": 0.3, "num_layers": 2, "validation_fraction": 0.2}
    first = cls(**options).fit(X, targets(cls, y))
    torch.manual_seed(12345)
    np.random.seed(12345)  # noqa: NPY002
    second = cls(**options).fit(X, targets(cls, y))
    assert_same_model(first, second)
    other = cls(**{**options, "random_state": 1}).fit(X, targets(cls, y))
    assert any((a != b).any() for a, b in zip(weights(first), weights(other), strict=True))


@pytest.mark.parametrize("cls", CLASSES)
def test_row_order_and_copies_do_not_matter(ragged, cls):
    X, y = ragged
    y = targets(cls, y)
    weight = np.random.default_rng(3).integers(0, 4, size=len(X))
    options = {**SMALL, "dropout": 0.3, "validation_fraction": 0.2}
    weighted = cls(**options).fit(X, y, sample_weight=weight)
    rows = np.random.default_rng(4).permutation(np.repeat(np.arange(len(X)), weight))
    repeated = cls(**options).fit([X[i] for i in rows], y[rows])
    assert_same_model(weighted, repeated)


@pytest.mark.parametrize("validation_fraction", [None, 0.2])
def test_a_group_of_weight_zero_is_as_if_it_were_not_there(ragged, validation_fraction):
    X, y = ragged
    groups = np.arange(1, 41) // 2
    weight = np.r_[0.0, np.ones(40)]
    model = GRUSequenceClassifier(
        **{**SMALL, "validation_fraction": validation_fraction}, batch_size=8
    )
    expected = model.fit(X, y, groups=groups).predict_proba(X)
    model.fit([X[5] + 1, *X], ["up", *y], weight, groups=np.r_[-1, groups])
    np.testing.assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("random_state", [None, 0])
@pytest.mark.parametrize("cls", CLASSES)
def test_nothing_global_changes(ragged, cls, random_state):
    X, y = ragged
    before = global_state()
    model = cls(**{**SMALL, "random_state": random_state, "dropout": 0.3, "num_layers": 2})
    model.fit(X, targets(cls, y)).predict(X)
    assert global_state() == before


def global_state():
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (
        torch.random.get_rng_state().numpy().tobytes(),
        (kind, keys.tobytes(), *rest),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )


def test_fits_side_by_side_give_what_they_give_alone(ragged):
    X, y = ragged
    model = GRUSequenceClassifier(**{**SMALL, "dropout": 0.4, "max_epochs": 8})
    alone = [model.__class__(**{**model.get_params(), "random_state": i}) for i in range(4)]
    for one in alone:
        one.fit(X, y)
    together = [model.__class__(**one.get_params()) for one in alone]
    threads = [threading.Thread(target=one.fit, args=(X, y)) for one in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert_same_model(one, other)


def test_n_jobs_does_not_change_a_bit():
    out = run_fresh("""
        import numpy as np, torch
        from sklearn.model_selection import cross_val_predict
        from skseq import GRUSequenceClassifier

        torch.set_num_threads(2)
        rng = np.random.default_rng(0)
        X = rng.normal(size=(120, 50)).cumsum(axis=1)
        y = (X[:, -1] > 0).astype(int)
        model = GRUSequenceClassifier(hidden_size=64, max_epochs=3, random_state=0)
        one, two = (
            cross_val_predict(model, X, y, cv=3, n_jobs=n, method="decision_function")
            for n in (1, 2)
        )
        assert torch.get_num_threads() == 2
        print("equal" if (one == two).all() else abs(one - two).max())
    """)
    assert out.strip() == "equal"


def test_threads_are_the_callers_own_afterwards():
    out = run_fresh("""
        import threading, numpy as np, torch
        from skseq import LSTMSequenceRegressor

        torch.set_num_threads(2)
        X, y = np.random.default_rng(0).normal(size=(50, 5)), np.arange(50.0)
        model = LSTMSequenceRegressor(max_epochs=3, validation_fraction=None).fit(X, y)
        found = []

        def fit():
            model.__class__(**model.get_params()).fit(X, y)
            for _ in range(100):  # the setting changes hands all the time
                model.predict(X[:2])
            found.append(torch.get_num_threads())

        workers = [threading.Thread(target=fit) for _ in range(3)]
        [w.start() for w in workers]
        fit()
        [w.join() for w in workers]
        late = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        late.start()
        late.join()
        print(found, torch.get_num_threads())
    """)
    assert out.strip() == "[2, 2, 2, 2, 2] 2"


@pytest.mark.parametrize("n_rows", [1, 2000])
def test_predictions_compute_on_one_thread(n_rows):
    out = run_fresh(f"""
        import numpy as np, torch
        from skseq import LSTMSequenceRegressor

        torch.set_num_threads(2)
        X, y = np.random.default_rng(0).normal(size=({n_rows}, 5)), np.arange(50.0)
        model = LSTMSequenceRegressor(max_epochs=1).fit(np.ones((50, 5)), y)
        found = []
        note = lambda *_: found.append(torch.get_num_threads())
        model.net_.module_.register_forward_pre_hook(note)
        model.predict(X)
        print(set(found), torch.get_num_threads())
    """)
    assert out.strip() == "{1} 2"


# 3. scikit-learn's own checks all pass: test_sklearn_checks.py.
# 4. What is saved loads: test_persistence.py.
# 5. Every error says what to do: test_bad_input.py.
