"""Which time steps drive a prediction: what is known to matter is found, and adds up."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
    SequenceArray,
    as_sequences,
    sequence_frame,
)
from skseq.datasets import make_pattern_sequences, make_trigger_action_sequences
from skseq.inspection import step_importance
from skseq.nn import RecurrentNet
from skseq.preprocessing import PerTimestep

METHODS = ["occlusion", "integrated_gradients"]
FAST = {"hidden_size": 4, "max_epochs": 2, "validation_fraction": None, "random_state": 0}


@pytest.fixture(scope="module")
def trigger():
    """Trigger and action are two steps each, of 12 to 20."""
    data = make_trigger_action_sequences(
        300, (12, 20), hard_negatives=0.5, random_state=0, return_X_y=False
    )
    model = GRUSequenceClassifier(
        hidden_size=8, max_epochs=15, batch_size=16, lr=0.02, random_state=0
    )
    model.fit(data.X, data.y)
    data.found = np.flatnonzero((data.y == 1) & (model.predict(data.X) == 1))[:60]
    return model, data


@pytest.fixture(scope="module")
def pattern():
    """The pattern c, a, b stands in three steps of 10 to 20."""
    data = make_pattern_sequences(
        400, (10, 20), pattern=(2, 0, 1), n_symbols=4, random_state=0, return_X_y=False
    )
    data.X = ["".join("abcd"[symbol] for symbol in steps.ravel()) for steps in data.X]
    model = LSTMSequenceClassifier(
        hidden_size=8,
        embedding_dim=4,
        max_epochs=12,
        batch_size=16,
        lr=0.02,
        random_state=0,
    )
    model.fit(data.X, data.y)
    once = np.array([word.count("cab") == 1 for word in data.X])
    data.found = np.flatnonzero(once & (model.predict(data.X) == 1))[:60]
    return model, data


def share_found(importance, events):
    """Share of the events' steps among as many most important ones."""
    return np.mean(
        [
            np.isin(np.argsort(-steps.ravel())[: len(event)], event).mean()
            for steps, event in zip(importance, events, strict=True)
        ]
    )


@pytest.mark.parametrize("method", METHODS)
def test_trigger_and_action_are_found(trigger, method):
    model, data = trigger
    X, begins = data.X[data.found], np.array([data.trigger, data.action])[:, data.found]
    events = [[t, t + 1, a, a + 1] for t, a in begins.T]
    importance = step_importance(model, X, method=method)
    assert (4 / X.lengths).mean() < 0.26  # by chance
    assert share_found(importance, events) > 0.93


@pytest.mark.parametrize(("method", "least"), [(METHODS[0], 0.97), (METHODS[1], 0.7)])
def test_pattern_is_found(pattern, method, least):
    model, data = pattern
    words = [data.X[i] for i in data.found]
    events = [np.arange(i, i + 3) for i in data.positions[data.found]]
    importance = step_importance(model, words, method=method)
    assert np.mean([3 / len(word) for word in words]) < 0.23  # by chance
    assert share_found(importance, events) > least


@pytest.mark.parametrize("method", METHODS)
def test_channels_of_the_events_are_found(trigger, method):
    model, data = trigger
    i = data.found[0]
    importance = step_importance(model, data.X[[i]], method=method, per_channel=True)[0]
    t, a = data.trigger[i], data.action[i]
    best = np.argsort(-importance.ravel())[:4]
    events = np.ravel_multi_index(([t, t + 1, a, a + 1], [0, 1, 2, 3]), importance.shape)
    assert len(set(best) & set(events)) >= 3


# Occlusion.


def test_occlusion_is_the_fall_of_the_response_at_each_step(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**FAST).fit(X, y)
    mean = np.concatenate(X).mean(axis=0)
    importance = step_importance(model, X[:5], target="up")
    for x, found in zip(X[:5], importance, strict=True):
        without = []
        for t in range(len(x)):
            copy = x.copy()
            copy[t] = mean
            without.append(copy)
        fall = model.predict_proba([x])[0, 1] - model.predict_proba(without)[:, 1]
        np.testing.assert_allclose(found[:, 0], fall, atol=1e-12)


@settings(max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    weights=st.tuples(*[st.floats(-2, 2)] * 2),
    seed=st.integers(0, 99),
)
def test_of_a_weighted_sum_occlusion_is_known(lengths, weights, seed):
    """Any estimator of sequences will do; this one is linear in every number."""
    random = np.random.default_rng(seed)
    X = [random.normal(size=(n, 2)) for n in lengths]
    sums = FunctionTransformer(lambda X: np.array([x.sum(axis=0) for x in X]))
    model = make_pipeline(sums, LinearRegression(fit_intercept=False))
    model.fit([np.eye(2)[[i]] for i in range(2)], weights)
    mean = np.concatenate(X).mean(axis=0)
    steps = step_importance(model, X)
    channels = step_importance(model, X, per_channel=True)
    for x, one, each in zip(X, steps, channels, strict=True):
        np.testing.assert_allclose(each, (x - mean) * weights, atol=1e-9)
        np.testing.assert_allclose(one[:, 0], each.sum(axis=1), atol=1e-9)


def test_containers_say_the_same(ragged):
    X, y = ragged
    X = [x[:3] for x in X]
    model = GRUSequenceClassifier(**FAST).fit(X, y)
    expected = step_importance(model, X)
    for same in (np.stack(X), as_sequences(X), sequence_frame(X)):
        np.testing.assert_array_equal(step_importance(model, same).values, expected.values)


def test_a_table_of_fixed_width(ragged):
    """A table may not lose a step, so steps are replaced; this pipeline is no network."""
    table = np.random.default_rng(0).normal(size=(60, 8))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(table, table[:, 5] > 0)
    importance = np.asarray(step_importance(model, table))[:, :, 0]
    assert (np.abs(importance).argmax(axis=1) == 5).mean() > 0.8


@pytest.mark.parametrize("classifier", [RandomForestClassifier(5), RidgeClassifier()])
def test_with_and_without_probabilities(classifier):
    table = np.random.default_rng(0).normal(size=(60, 4))
    classifier.fit(table, table[:, 2] > 0)
    importance = np.asarray(step_importance(classifier, table))[:, :, 0]
    assert (np.abs(importance).mean(axis=0).argmax()) == 2
    flips = step_importance(classifier, table, response_method="predict")
    assert set(np.unique(flips.values)) <= {0.0, 1.0}


def test_pipelines_and_searches(ragged):
    X, y = ragged
    X = [x.copy() for x in X]
    X[0][1, 1] = np.nan
    pipeline = make_pipeline(PerTimestep(SimpleImputer()), LSTMSequenceClassifier(**FAST))
    search = GridSearchCV(pipeline, {"lstmsequenceclassifier__lr": [0.01]}, cv=2)
    search.fit(X, y)
    for method in METHODS:
        whole = step_importance(search, X, method=method)
        assert whole.lengths.tolist() == [len(x) for x in X]
        assert np.isfinite(whole.values).all()
        inner = step_importance(search.best_estimator_, X, method=method)
        np.testing.assert_array_equal(whole.values, inner.values)


def test_a_single_step_and_symbols_that_never_were():
    words = ["a", "b", "ab", "ba"] * 5
    model = LSTMSequenceClassifier(embedding_dim=2, **FAST)
    model.fit(words, [word[0] == "a" for word in words])
    importance = step_importance(model, ["a", "b"], target=True)
    # What is never seen has the zero vector, which is the network without input.
    unseen = model.predict_proba(["?", "a"])[0, 1]
    expected = model.predict_proba(["a", "b"])[:, 1] - unseen
    np.testing.assert_allclose(importance.values[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize("trained_on", [float, int, np.uint8])
def test_the_symbol_that_never_was_is_new_in_every_type(trained_on):
    X = np.random.default_rng(0).integers(247, 256, size=(20, 5))
    model = GRUSequenceClassifier(embedding_dim=2, **FAST)
    model.fit(X.astype(trained_on), X[:, 0] > 250)
    x = X[0, :3]  # the model knows more symbols than these
    whole, without = model.predict_proba([x, [1000, *x[1:]]])[:, 1]
    for passed_as in (float, int, np.uint8):
        importance = step_importance(model, [x.astype(passed_as)], target=True)
        assert importance.values[0, 0] == pytest.approx(whole - without, abs=1e-12)


# Integrated gradients.


@pytest.mark.parametrize(
    ("estimator", "embedded"),
    [
        (LSTMSequenceClassifier(bidirectional=True, pooling=("max", "attention")), False),
        (GRUSequenceClassifier(num_layers=2, dropout=0.5), False),
        (GRUSequenceClassifier(embedding_dim=3), True),
        (LSTMSequenceRegressor(loss="poisson"), False),
        (GRUSequenceRegressor(standardize=False), False),
    ],
    ids=lambda value: None if isinstance(value, bool) else type(value).__name__,
)
def test_integrated_gradients_add_up(estimator, embedded, ragged):
    X, y = ragged
    if embedded:
        X = [(x[:, :1] > 0).astype(int) for x in X]
    target = y if hasattr(estimator, "predict_proba") else np.array([len(x) for x in X])
    estimator.set_params(**FAST, lr=0.05).fit(X, target)
    X = X[:8]
    if embedded:
        nothing = [np.full_like(x, 9) for x in X] + X[:1]  # 9 was never seen
    else:
        nothing = [np.tile(estimator.net_.module_.scaling.get()[0], (len(x), 1)) for x in X]
    responses = {"predict": lambda X: estimator.predict(X)}
    if hasattr(estimator, "predict_proba"):
        responses = {
            "predict_proba": lambda X: estimator.predict_proba(X)[:, 1],
            "decision_function": lambda X: estimator.decision_function(X),
        }
    for name, respond in responses.items():
        importance = step_importance(
            estimator,
            X,
            method="integrated_gradients",
            response_method=name,
            target=None if name == "predict" else "up",
        )
        gained = respond(X) - respond(nothing)[: len(X)]
        sums = [steps.sum() for steps in importance]
        np.testing.assert_allclose(sums, gained, atol=1e-3 * np.ptp(gained) + 1e-6)


def test_integrated_gradients_add_up_where_the_network_changes_its_mind_fast(trigger):
    model, data = trigger
    X = data.X[data.found[:20]]
    mean = model.net_.module_.scaling.get()[0]
    gained = model.decision_function(X) - model.decision_function(
        [np.tile(mean, (len(x), 1)) for x in X]
    )
    errors = []
    for tol in (1e-2, 1e-5):
        importance = step_importance(
            model,
            X,
            method="integrated_gradients",
            response_method="decision_function",
            tol=tol,
        )
        sums = np.array([steps.sum() for steps in importance])
        errors.append(np.abs(sums - gained).max() / np.abs(gained).max())
    assert errors[1] < 1e-4 < errors[0] < 0.05


def test_where_nothing_changes_nothing_is_halved(ragged, monkeypatch):
    """A response that is flat up to rounding must not be chased for ever."""
    X, y = ragged
    model = GRUSequenceClassifier(**FAST).fit(X, y)
    with torch.no_grad():
        model.net_.module_.head.weight.mul_(1e-14)
    calls = []
    forward = RecurrentNet.from_first_layer
    monkeypatch.setattr(
        RecurrentNet,
        "from_first_layer",
        lambda *args, **kwargs: calls.append(1) or forward(*args, **kwargs),
    )
    importance = step_importance(model, X[:5], method="integrated_gradients", tol=1e-9)
    assert np.abs(importance.values).max() < 1e-12
    assert len(calls) < 9


def test_integrated_gradients_do_not_depend_on_other_rows(trigger):
    model, data = trigger
    X = data.X[:9]
    options = {"method": "integrated_gradients", "per_channel": True}
    together = step_importance(model, X, **options)
    for i in (0, 5):
        alone = step_importance(model, X[[i]], **options)
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_a_sequence_that_is_the_baseline_has_no_important_step(method, ragged):
    X, y = ragged
    model = GRUSequenceClassifier(**FAST).fit(X, y)
    nothing = [np.tile([0.5, -1.0], (4, 1)), X[0]]
    importance = step_importance(model, nothing, method=method, baseline=[0.5, -1.0])
    # Beside other rows a prediction may differ in its last bits.
    assert np.abs(importance[0]).max() < 1e-12
    assert np.abs(importance[1]).max() > 1e-3


def test_the_estimator_stays_as_it_was(trigger):
    model, data = trigger
    before = {k: v.clone() for k, v in model.net_.module_.state_dict().items()}
    for method in METHODS:
        step_importance(model, data.X[:2], method=method)
    for name, value in model.net_.module_.state_dict().items():
        assert (value == before[name]).all() and value.dtype == before[name].dtype
    assert all(not p.is_inference() for p in model.net_.module_.parameters())


@pytest.mark.parametrize("switch", [torch.no_grad, torch.inference_mode])
def test_integrated_gradients_where_gradients_are_off(ragged, switch):
    X, y = ragged
    model = GRUSequenceClassifier(**FAST).fit(X, y)
    with switch():
        importance = step_importance(model, X[:3], method="integrated_gradients")
        assert not torch.is_grad_enabled()
    expected = step_importance(model, X[:3], method="integrated_gradients")
    np.testing.assert_array_equal(importance.values, expected.values)


def test_several_outputs_are_chosen_by_position(ragged):
    X, _ = ragged
    y = np.array([[len(x), 2 * len(x)] for x in X], dtype=float)
    model = GRUSequenceRegressor(**FAST).fit(X, y)
    with pytest.raises(ValueError, match="has 2 outputs; choose one"):
        step_importance(model, X)
    for method in METHODS:
        each = [step_importance(model, X, target=k, method=method) for k in (0, 1)]
        assert not np.allclose(each[0].values, each[1].values)
        mixed = step_importance(model, X, target=np.arange(40) % 2, method=method)
        np.testing.assert_allclose(mixed[0], each[0][0], atol=1e-9)
        np.testing.assert_allclose(mixed[1], each[1][1], atol=1e-9)
    with pytest.raises(ValueError, match="position of an output, from 0 to 1; got 2"):
        step_importance(model, X, target=2)


# Errors.


def test_errors_say_what_to_do(ragged):
    X, y = ragged
    with pytest.raises(NotFittedError):
        step_importance(LSTMSequenceClassifier(), X)
    model = LSTMSequenceClassifier(**FAST).fit(X, y)
    for wrong, message in (
        ({"target": "sideways"}, "target='sideways' is not among the classes"),
        ({"target": 3}, "target=3 is not among the classes"),
        ({"target": ["up", "down"]}, "one for each of the 40 sequences"),
        ({"baseline": [1.0, 2.0, 3.0]}, "one number for each of the 2 channels"),
        ({"baseline": "a"}, "does not fit to X"),
        ({"method": "gradcam"}, "method"),
        ({"tol": 0.0}, "tol"),
        (
            {"method": "integrated_gradients", "response_method": "predict"},
            "Predicted labels have no gradient",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            step_importance(model, X, **wrong)
    regressor = LinearRegression().fit(np.eye(3), [0, 1, 2])
    with pytest.raises(ValueError, match="LinearRegression has no predict_proba"):
        step_importance(regressor, np.eye(3), response_method="predict_proba")
    with pytest.raises(TypeError, match=r"needs the network of skseq.*LinearRegression"):
        step_importance(regressor, np.eye(3), method="integrated_gradients")
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        step_importance(model, SequenceArray(np.ones((3, 2)), []))


def test_a_pipeline_that_changes_the_number_of_steps(ragged):
    X, y = ragged
    halves = FunctionTransformer(lambda X: [x[::2] for x in X])
    model = make_pipeline(halves, LSTMSequenceClassifier(**FAST)).fit(X, y)
    assert step_importance(model, X).lengths.tolist() == [len(x) for x in X]
    with pytest.raises(ValueError, match="changes the number of time steps"):
        step_importance(model, X, method="integrated_gradients")
