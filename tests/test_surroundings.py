"""What the caller has set in torch and numpy changes no result, and is as it was after."""

import contextlib
import copy
import pickle
from functools import cache, partial

import numpy as np
import onnx
import pytest
import torch
from numpy.testing import assert_equal
from skorch.callbacks import Callback

import skseq
from skseq import GRUSequenceClassifier, GRUSequenceRegressor, LSTMSequenceClassifier
from skseq._surroundings import denormals_are_flushed
from skseq.inspection import step_importance


@contextlib.contextmanager
def setting(set_value, get_value, value):
    before = get_value()
    set_value(value)
    try:
        yield
    finally:
        set_value(before)


@contextlib.contextmanager
def default_device(name):
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


class Watching(torch.overrides.TorchFunctionMode):
    """Sees every call of torch, and changes none."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def several():
    with contextlib.ExitStack() as stack:
        for name in ("device context", "function mode", "inference mode", "autocast"):
            stack.enter_context(SURROUNDINGS[name]())
        yield


def default_dtype(dtype):
    return setting(torch.set_default_dtype, torch.get_default_dtype, dtype)


SURROUNDINGS = {
    "default dtype float64": partial(default_dtype, torch.float64),
    "default dtype float16": partial(default_dtype, torch.float16),
    "default dtype bfloat16": partial(default_dtype, torch.bfloat16),
    "device context": partial(torch.device, "meta"),
    "default device": partial(default_device, "meta"),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": partial(torch.autocast, "cpu", torch.bfloat16),
    "float16 autocast": partial(torch.autocast, "cpu", torch.float16),
    "function mode": Watching,
    "denormals are flushed": partial(
        setting, torch.set_flush_denormal, denormals_are_flushed, True
    ),
    "numpy raises": partial(np.errstate, all="raise"),
    "deterministic algorithms": partial(
        setting,
        torch.use_deterministic_algorithms,
        torch.are_deterministic_algorithms_enabled,
        True,
    ),
    "anomaly detection": partial(torch.autograd.set_detect_anomaly, True),
    "several": several,
}

OPTIONS = {"hidden_size": 4, "max_epochs": 2, "batch_size": 8, "random_state": 0}
MODELS = {
    "lstm": LSTMSequenceClassifier(
        num_layers=2,
        bidirectional=True,
        dropout=0.2,
        pooling=("last", "mean", "max", "attention"),
        early_stopping=True,
        **OPTIONS,
    ),
    "gru": GRUSequenceRegressor(optimizer=torch.optim.AdamW, **OPTIONS),
    "symbols": GRUSequenceClassifier(embedding_dim=3, **OPTIONS),
}


def data_for(name):
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 9, size=30)
    if name == "symbols":
        return ["".join(rng.choice(list("abcd"), n)) for n in lengths], lengths % 2
    X = [rng.normal(size=(n, 2)) for n in lengths]
    return X, lengths % 3 if name == "lstm" else lengths.astype(float)


def results(name, folder):
    """Everything that computes: fit, predict, copies, files, graphs, importance."""
    X, y = data_for(name)
    model = copy.deepcopy(MODELS[name]).fit(X, y)
    path = folder / "model.skseq"
    skseq.save(model, path)
    skseq.to_onnx(model, folder / "model.onnx")
    graph = onnx.load(folder / "model.onnx").graph
    found = {
        "fit": [row["train_loss"] for row in model.history_],
        "predict": outputs(model, X),
        "weights": {k: w.numpy() for k, w in model.net_.module_.state_dict().items()},
        "onnx": [constant.SerializeToString() for constant in graph.initializer],
        "occlusion": step_importance(model, X[:4]).values,
        "gradients": step_importance(model, X[:4], method="integrated_gradients").values,
    }
    others = {
        "load": skseq.load(path),
        "deepcopy": copy.deepcopy(model),
        "pickle": pickle.loads(pickle.dumps(model)),
        "partial_fit": copy.deepcopy(model).partial_fit(X, y),
    }
    for how, other in others.items():
        found[how] = outputs(other, X)
        found[f"{how}, then fitted"] = outputs(other.fit(X, y), X)
    return found


def outputs(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


@cache
def plain_results(name, folder):
    return results(name, folder)


def state_of_the_thread():
    return {
        "device": torch.get_default_device(),
        "modes": torch.overrides._get_current_function_mode_stack(),
        "inference": torch.is_inference_mode_enabled(),
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_default_dtype(),
        "flushed": denormals_are_flushed(),
        "numpy": np.geterr(),
    }


@pytest.mark.parametrize("surrounding", SURROUNDINGS)
@pytest.mark.parametrize("name", MODELS)
def test_surroundings_do_not_matter(name, surrounding, tmp_path, tmp_path_factory):
    plain = plain_results(name, tmp_path_factory.getbasetemp())
    with SURROUNDINGS[surrounding]():
        before = state_of_the_thread()
        found = results(name, tmp_path)
        assert state_of_the_thread() == before
    for key, value in plain.items():
        assert_equal(found[key], value, err_msg=key)


def test_what_was_made_in_inference_mode_can_be_trained_outside(tmp_path):
    X, y = data_for("lstm")
    with torch.inference_mode():
        tensors = [torch.tensor(x) for x in X]
        model = copy.deepcopy(MODELS["lstm"]).fit(tensors, torch.tensor(y))
        skseq.save(model, tmp_path / "model.skseq")
        models = [model, skseq.load(tmp_path / "model.skseq"), copy.deepcopy(model)]
    for other in models:
        other.partial_fit(tensors, torch.tensor(y))
    assert_equal(outputs(models[1], X), outputs(models[0], X))
    assert_equal(outputs(models[2], X), outputs(models[0], X))


def test_an_error_gives_the_surroundings_back():
    with several():
        before = state_of_the_thread()
        with pytest.raises(ValueError, match="Sequence 1 of X"):
            LSTMSequenceClassifier().fit([[1.0], []], [0, 1])
        assert state_of_the_thread() == before


class Leaves(Callback):
    """A callback that does not clean up behind it."""

    def on_train_end(self, net, **kwargs):
        torch.set_autocast_enabled("cpu", True)
        torch.set_flush_denormal(True)
        torch.set_grad_enabled(False)
        np.seterr(all="raise")


def test_what_a_callback_leaves_behind_is_gone():
    before = state_of_the_thread()
    X, y = data_for("gru")
    GRUSequenceRegressor(**OPTIONS, callbacks=[Leaves()]).fit(X, y)
    assert state_of_the_thread() == before


def test_workers_have_the_same_surroundings():
    """A default dtype of the caller's does not travel to processes, and need not."""
    from sklearn.model_selection import cross_val_predict

    X, y = data_for("gru")
    with default_dtype(torch.float64):
        alone, together = (
            cross_val_predict(MODELS["gru"], X, y, cv=2, n_jobs=n) for n in (1, 2)
        )
    assert_equal(alone, together)
