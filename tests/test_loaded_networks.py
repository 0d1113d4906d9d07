"""States of fitted estimators that cannot be: refused before anything is computed."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from processes import run_fresh
from torch import nn

import skseq
from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
)
from skseq.nn import RecurrentNet

QUICK = {
    "hidden_size": 3,
    "max_epochs": 1,
    "validation_fraction": None,
    "random_state": 0,
}
X = [np.random.default_rng(0).normal(size=(n, 2)) for n in (2, 5, 3, 4)]
WORDS = ["abc", "ca", "bb", "b"]


@pytest.fixture(scope="module")
def models():
    numbers, labels = [1.0, 2.0, 3.0, 5.0], [0, 1, 1, 0]
    return {
        "lstm": LSTMSequenceClassifier(**QUICK).partial_fit(X, labels, classes=[0, 1]),
        "gru": GRUSequenceRegressor(**QUICK, optimizer="sgd").partial_fit(X, numbers),
        "other optimizer": GRUSequenceRegressor(
            **QUICK, optimizer=torch.optim.RMSprop
        ).partial_fit(X, numbers),
        "words": GRUSequenceClassifier(**QUICK, embedding_dim=2).fit(WORDS, labels),
        "weights": LSTMSequenceClassifier(**QUICK, class_weight="balanced").fit(X, labels),
        "two": LSTMSequenceRegressor(**QUICK, bidirectional=True, num_layers=2).fit(
            X, np.c_[numbers, numbers]
        ),
    }


def changed(model, *keys, to):
    """Make the model again from its state with one thing in it changed."""
    state = copy.deepcopy(model.__getstate__())
    inside = state
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = to
    again = type(model).__new__(type(model))
    again.__setstate__(state)
    return again


NOT_THIS = [
    ("lstm", ("n_channels_",), 3),
    ("lstm", ("n_channels_",), 0),
    ("lstm", ("n_channels_",), None),
    ("lstm", ("n_features_in_",), "2"),
    ("lstm", ("classes_",), np.arange(3)),
    ("lstm", ("classes_",), np.zeros((2, 1))),
    ("lstm", ("vocabulary_",), np.array(["a", "b"])),
    ("lstm", ("feature_names_in_",), np.array(["a"], dtype=object)),
    ("lstm", ("_optimizer",), "lbfgs"),
    ("lstm", ("_made_with", "lr"), "fast"),
    ("lstm", ("net_",), 3),
    ("lstm", ("_network",), 3),
    ("lstm", ("_network", "weights"), {}),
    ("lstm", ("_network", "config", "cell"), "gru"),
    ("lstm", ("_network", "config", "cell"), ["lstm"]),
    ("lstm", ("_network", "config", "hidden_size"), 3.0),
    ("lstm", ("_network", "config", "hidden_size"), True),
    ("lstm", ("_network", "config", "pooling"), ["last", "min"]),
    ("lstm", ("_network", "config", "pooling"), "last"),
    ("lstm", ("_network", "config", "dropout"), 2.0),
    ("lstm", ("_network", "config", "embedding_dim"), 2),
    ("lstm", ("_network", "config", "generator"), None),
    ("lstm", ("_network", "weights", "head.bias"), np.zeros(3, np.float32)),
    ("lstm", ("_network", "weights", "head.bias"), np.zeros(2, np.int64)),
    ("lstm", ("_network", "weights", "head.bias"), "zeros"),
    ("lstm", ("_network", "weights", "scaling.mean"), np.zeros(1)),
    ("lstm", ("_network", "weights", "spare"), np.zeros(9999)),
    ("weights", ("_weight_of_class",), np.ones(3)),
    ("gru", ("n_outputs_",), 2),
    ("gru", ("_loss",), "cross_entropy"),
    ("two", ("_y_is_2d",), False),
    ("words", ("vocabulary_",), np.array(["a"])),
    ("words", ("vocabulary_",), np.array([])),
    ("words", ("vocabulary_",), np.array([["a"], ["b"], ["c"]])),
    ("words", ("n_channels_",), 2),
]


@pytest.mark.parametrize(("name", "keys", "to"), NOT_THIS)
def test_parts_that_do_not_fit_are_refused(models, name, keys, to):
    with pytest.raises(
        ValueError, match=r"which cannot be|network|symbols|outputs|that no state has"
    ):
        changed(models[name], *keys, to=to)


MOMENTS = {
    "another shape": lambda m: np.stack([m, m]),
    "a scalar": lambda m: m.ravel()[0],
    "another dtype": lambda m: m.astype(np.float64),
    "no array": lambda m: "moments",
}


@pytest.mark.parametrize("change", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("name", ["lstm", "gru", "other optimizer"])
def test_moments_that_do_not_fit_are_refused(models, name, change):
    moments = models[name].__getstate__()["_network"]["optimizer"]
    weights = list(models[name].net_.module_.parameters())
    for position, of_one in moments.items():
        for moment, value in of_one.items():
            if np.shape(value) != weights[position].shape:
                continue  # a count of steps
            keys = "_network", "optimizer", position, moment
            with pytest.raises(ValueError, match=r"moments are not those of a \w+ for"):
                changed(models[name], *keys, to=change(value))


@pytest.mark.parametrize(
    ("key", "to"), [(99, {}), (0, {}), (0, None), (0, {"exp_avg": np.zeros(3)})]
)
def test_moments_of_other_parameters_are_refused(models, key, to):
    with pytest.raises(ValueError, match="moments are not those"):
        changed(models["lstm"], "_network", "optimizer", key, to=to)
    with pytest.raises(ValueError, match="moments are not those"):
        changed(models["lstm"], "_network", "optimizer", to=[3])


@given(data=st.data())
def test_another_size_of_any_kind_is_refused(models, data):
    model = models[data.draw(st.sampled_from(sorted(models)))]
    config = model.__getstate__()["_network"]["config"]
    name = data.draw(st.sampled_from(sorted(config)))
    size = data.draw(st.integers(-1, 9) | st.sampled_from([10**6, 10**12, 2**62, 10**30]))
    if config[name] != size:
        with pytest.raises(ValueError, match="network does not fit its weights"):
            changed(model, "_network", "config", name, to=size)


def test_what_is_refused_in_a_state_is_refused_in_pickles(models):
    model = copy.copy(models["lstm"])
    model.n_channels_ = 5
    with pytest.raises(ValueError, match="another n_inputs than the estimator"):
        pickle.loads(pickle.dumps(model))


def test_a_large_network_takes_no_memory_until_its_weights_are_there():
    """A spare array as large as the weights would have been the reason to believe it."""
    out = run_fresh("""
        import resource
        import numpy as np
        import skseq
        from skseq import LSTMSequenceRegressor

        model = LSTMSequenceRegressor(hidden_size=2, max_epochs=1)
        state = model.fit([[1.0, 2.0], [3.0]] * 9, np.arange(18.0)).__getstate__()
        state["_network"]["config"]["hidden_size"] = 8000
        state["_network"]["weights"]["layers.0.weight_hh_l0"] = np.empty((32000, 8000))

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        before = peak()
        try:
            LSTMSequenceRegressor.__new__(LSTMSequenceRegressor).__setstate__(state)
        except ValueError:
            print(peak() - before < 50_000)
    """)
    assert out == "True\n"


def test_loading_draws_no_weights(models, monkeypatch):
    def refuse(weight, *args, **kwargs):
        assert weight.is_meta, "weights are drawn, only to be thrown away"

    for name in ("orthogonal_", "xavier_uniform_", "normal_"):
        monkeypatch.setattr(nn.init, name, refuse)
    for model in models.values():
        file = io.BytesIO()
        skseq.save(model, file)
        file.seek(0)
        for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert vars(again).keys() == vars(model).keys()
        assert vars(skseq.load(file)).keys() == vars(model).keys()


# The network by itself.


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("exact", [True, False])
def test_a_network_refuses_steps_that_do_not_fit(cell, exact):
    net = RecurrentNet(cell, 3, 2, hidden_size=4)
    lengths = torch.tensor([2, 3])
    with torch.no_grad():
        for x in (torch.ones(5, 2), torch.ones(2, 3, 1), torch.ones(5, 30)):
            with pytest.raises(ValueError, match=r"x has \d+ channels, and the network 3"):
                net(x, lengths, exact=exact)
        for x in (torch.ones(4, 3), torch.ones(6, 3), torch.ones(2, 2, 3)):
            with pytest.raises(ValueError, match=r"x has \d steps, but lengths 5"):
                net(x, lengths, exact=exact)


def test_a_network_without_weights_takes_those_of_another():
    net = RecurrentNet("gru", 2, 1, hidden_size=3, num_layers=2)
    empty = RecurrentNet(**net.config, device="meta")
    assert all(tensor.is_meta for tensor in empty.state_dict().values())
    empty.load_state_dict(net.state_dict(), assign=True)
    x, lengths = torch.rand(5, 2), torch.tensor([2, 3])
    assert torch.equal(net(x, lengths), empty(x, lengths))
