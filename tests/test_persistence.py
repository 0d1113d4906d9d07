"""What is stored comes back exactly, without torch in the file, and trains on."""

import copy
import io
import pickle
from functools import partial

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
import torch
from sklearn.base import clone

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
)
from skseq.callbacks import EarlyStopping

QUICK = {"hidden_size": 6, "max_epochs": 3, "validation_fraction": None, "random_state": 0}


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(model):
    stored = skops.io.dumps(model)
    return skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))


WAYS = {
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "joblib": through_joblib,
    "cloudpickle": lambda m: pickle.loads(cloudpickle.dumps(m)),
    "skops": through_skops,
    "deepcopy": copy.deepcopy,
}
MODELS = {
    "lstm classifier": LSTMSequenceClassifier(**QUICK, bidirectional=True, num_layers=2),
    "gru classifier": GRUSequenceClassifier(**QUICK, pooling=("max", "attention")),
    "lstm regressor": LSTMSequenceRegressor(**QUICK, loss="poisson", dropout=0.2),
    "gru regressor": GRUSequenceRegressor(**{**QUICK, "random_state": None}),
}


OPTIMIZERS = {
    "adam": "adam",
    "sgd": "sgd",
    "with options": partial(torch.optim.Adam, betas=(0.8, 0.95), amsgrad=True),
}


def fitted(model, ragged):
    X, y = ragged
    return clone(model).fit(X, y if hasattr(model, "class_weight") else np.arange(40.0)), X


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_round_trips_are_exact(ragged, model, way):
    model, X = fitted(model, ragged)
    before = torch.random.get_rng_state()
    again = way(model)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (outputs(again, X) == outputs(model, X)).all()
    assert again.history_ == model.history_
    assert again.get_params() == model.get_params()


def test_symbols_and_their_vocabulary_round_trip():
    words, y = ["abc", "ca", "bb", "b"] * 5, [0, 0, 1, 1] * 5
    model = LSTMSequenceClassifier(**QUICK, embedding_dim=3).fit(words, y)
    for way in WAYS.values():
        assert (
            way(model).predict_proba(["ab", "?"]) == model.predict_proba(["ab", "?"])
        ).all()


def test_what_was_not_fitted_round_trips():
    model = LSTMSequenceClassifier(hidden_size=7)
    for way in WAYS.values():
        assert way(model).get_params() == model.get_params()
        assert not hasattr(way(model), "net_")


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_skops_names_one_type(ragged, model):
    stored = skops.io.dumps(fitted(model, ragged)[0])
    cls = type(model)
    assert skops.io.get_untrusted_types(data=stored) == [f"{cls.__module__}.{cls.__name__}"]


def test_skops_names_what_the_user_passed_too(ragged):
    model = LSTMSequenceClassifier(**QUICK, callbacks=[EarlyStopping()])
    names = skops.io.get_untrusted_types(data=skops.io.dumps(fitted(model, ragged)[0]))
    assert names == [
        "skseq._estimators.classifier.LSTMSequenceClassifier",
        "skseq.callbacks.EarlyStopping",
    ]


PLAIN = (np.ndarray, np.generic, str, int, float, bool, type(None))


def kinds(state):
    if isinstance(state, dict):
        return set().union(*(kinds(v) for v in state.values()))
    if isinstance(state, (list, tuple)):
        return set().union(*(kinds(v) for v in state))
    return {type(state)}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_state_is_plain_arrays_and_numbers(ragged, model):
    """So nothing in it belongs to the device that trained it."""
    model, X = fitted(model, ragged)
    model.partial_fit(X[:5], model.predict(X[:5]))
    strange = [kind for kind in kinds(model.__getstate__()) if not issubclass(kind, PLAIN)]
    assert not strange
    for array in model.__getstate__()["_network"]["weights"].values():
        assert array.dtype.kind == "f"


def test_a_model_of_a_missing_device_loads_on_the_cpu(ragged):
    if torch.cuda.is_available():
        return  # then there is no missing device to name
    model, X = fitted(MODELS["lstm classifier"], ragged)
    model.device = "cuda"
    with pytest.warns(UserWarning, match=r"'cuda' is not available.*Loaded on the CPU"):
        again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()


def test_parameters_changed_after_fit_do_not_matter(ragged):
    model, X = fitted(MODELS["lstm classifier"], ragged)
    expected = model.predict_proba(X)
    model.set_params(hidden_size=50, num_layers=1, bidirectional=False)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == expected).all()


def test_loss_and_optimizer_are_those_of_the_fit(ragged):
    model, X = fitted(MODELS["lstm regressor"], ragged)
    expected = model.predict(X)
    model.set_params(loss="squared_error", optimizer="no such thing")
    assert (pickle.loads(pickle.dumps(model)).predict(X) == expected).all()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("model", [MODELS["gru regressor"], MODELS["gru classifier"]])
def test_parameters_that_make_no_sense_wait_for_the_next_fit(ragged, model, way):
    model, X = fitted(clone(model).set_params(optimizer=torch.optim.Rprop), ragged)
    expected = outputs(model, X)
    nonsense = {"optimizer": "adam", "weight_decay": 0.1, "lr": "x", "batch_size": None}
    nonsense |= {"max_epochs": "many", "verbose": "loud", "random_state": "seed"}
    if hasattr(model, "label_smoothing"):
        nonsense["label_smoothing"] = "much"
    again = way(model.set_params(**nonsense))
    assert (outputs(again, X) == expected).all()
    assert again.net_.lr == model.net_.lr
    assert again.get_params()["lr"] == "x"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("model", [MODELS["lstm regressor"], MODELS["gru classifier"]])
def test_training_goes_on_exactly(ragged, model, way, optimizer):
    X, y = ragged
    model = clone(model).set_params(optimizer=optimizer, lr=0.001)
    options = {"classes": ["down", "up"]} if hasattr(model, "class_weight") else {}
    y = y if options else np.arange(40.0)
    model.partial_fit(X, y, **options).partial_fit(X, y)
    again = way(model)
    for _ in range(3):
        model.partial_fit(X, y)
        again.partial_fit(X, y)
    assert (outputs(again, X) == outputs(model, X)).all()
    assert again.n_epochs_ == model.n_epochs_ == 5
    moments = [m.net_.optimizer_.state_dict()["state"][0] for m in (model, again)]
    assert moments[0].keys() == moments[1].keys()
    for name, value in moments[0].items():
        assert torch.equal(value, moments[1][name]), name
