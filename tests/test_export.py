"""What `to_onnx` writes predicts, in a real onnxruntime, what the estimator predicts."""

import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import POOLINGS
from onnx.reference import ReferenceEvaluator
from processes import run_fresh
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
    as_sequences,
    pad_collate,
    to_onnx,
)
from skseq._files.onnx import LARGEST_SYMBOL
from skseq._tasks.losses import REGRESSION_LOSSES, BinaryCrossEntropy, CrossEntropy
from skseq.nn.pooling import POOLINGS as POOLING
from skseq.nn.pooling import Summary

CLASSIFIERS = [LSTMSequenceClassifier, GRUSequenceClassifier]
REGRESSORS = [LSTMSequenceRegressor, GRUSequenceRegressor]
CLASSIFICATION = CrossEntropy(), BinaryCrossEntropy()
QUICK = {"hidden_size": 5, "max_epochs": 3, "validation_fraction": None, "random_state": 0}
ARCHITECTURES = {
    "default": {},
    "one direction": {"pooling": ("max", "attention"), "num_layers": 2},
    "all of it": {
        "bidirectional": True,
        "num_layers": 3,
        "dropout": 0.2,
        "pooling": POOLINGS,
    },
}
# Far beyond what training reaches in three epochs, so that outputs differ a lot.
LR = {"lr": 0.05}


def served(model, X, path, padding=0.0, more_steps=0):
    """What a service would answer that knows nothing but the file."""
    to_onnx(model, path)
    session = onnxruntime.InferenceSession(path)
    assert [i.name for i in session.get_inputs()] == ["X", "lengths"]
    padded, lengths = pad_collate(list(as_sequences(X)))
    padded = np.pad(padded.numpy(), [(0, 0), (0, more_steps), (0, 0)]).astype(np.float32)
    padded[np.arange(padded.shape[1]) >= lengths.numpy()[:, None]] = padding
    (answer,) = session.run(None, {"X": padded, "lengths": lengths.numpy()})
    return answer


def assert_same(answer, expected):
    assert answer.shape == expected.shape
    assert answer.dtype == np.float32
    assert np.ptp(expected) > 1e-3  # a constant would agree by accident
    np.testing.assert_allclose(
        answer, expected, rtol=0, atol=1e-5 * np.ptp(expected).clip(1)
    )


@pytest.mark.parametrize("options", ARCHITECTURES.values(), ids=ARCHITECTURES)
@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_classifiers(ragged, tmp_path, cls, options):
    X, y = ragged
    model = cls(**QUICK, **LR, **options).fit(X, y)
    assert_same(served(model, X, tmp_path / "model.onnx"), model.predict_proba(X))


@pytest.mark.parametrize("options", ARCHITECTURES.values(), ids=ARCHITECTURES)
@pytest.mark.parametrize("cls", REGRESSORS)
def test_regressors(ragged, tmp_path, cls, options):
    X = ragged[0]
    y = 1000 + 50 * np.array([x[-1, 0] for x in X])
    model = cls(**QUICK, **LR, **options).fit(X, y)
    assert_same(served(model, X, tmp_path / "model.onnx"), model.predict(X))


@pytest.mark.parametrize("columns", [1, 3])
def test_targets_in_two_dimensions(ragged, tmp_path, columns):
    X = ragged[0]
    y = np.column_stack([[x[-1, 0] * 10**k for x in X] for k in range(columns)])
    model = LSTMSequenceRegressor(**QUICK, **LR).fit(X, y)
    assert_same(served(model, X, tmp_path / "model.onnx"), model.predict(X))


@pytest.mark.parametrize("standardize", [True, False])
def test_poisson(ragged, tmp_path, standardize):
    X = ragged[0]
    y = np.array([len(x) for x in X])
    model = GRUSequenceRegressor(**QUICK, **LR, loss="poisson", standardize=standardize)
    model.fit(X, y)
    assert_same(served(model, X, tmp_path / "model.onnx"), model.predict(X))


def test_every_loss_names_the_operator_of_its_link():
    raw = torch.linspace(-2, 2, 6).view(2, 3)
    for loss in (*[make() for make in REGRESSION_LOSSES.values()], *CLASSIFICATION):
        node = onnx.helper.make_node(loss.link_operator, ["x"], ["y"])
        (found,) = ReferenceEvaluator(node).run(None, {"x": raw.numpy()})
        np.testing.assert_allclose(found, loss.link(raw), rtol=1e-6)


class Middle(Summary):
    def run(self, pooling, x, lanes):
        return lanes.at_last(x) / 2


def test_a_part_that_onnx_does_not_have_is_refused(ragged, tmp_path, monkeypatch):
    monkeypatch.setitem(POOLING, "middle", Middle())
    model = GRUSequenceClassifier(**QUICK, pooling=("attention", "middle")).fit(*ragged)
    with pytest.raises(ValueError, match="write this model: Middle has no operators"):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_several_labels(ragged, tmp_path):
    X, y = ragged
    y = np.column_stack([y == "up", [len(x) > 7 for x in X], [len(x) > 5 for x in X]])
    model = LSTMSequenceClassifier(**QUICK, **LR).fit(X, y.astype(int))
    assert_same(served(model, X, tmp_path / "model.onnx"), model.predict_proba(X))


def test_a_mean_far_from_zero(tmp_path):
    """As time stamps or pressures have it; single precision would lose digits here."""
    rng = np.random.default_rng(0)
    X = [(100_000 + rng.normal(size=(n, 1))).astype(np.float32) for n in (4, 6, 3) * 10]
    y = [x[-1, 0] > 100_000 for x in X]
    model = LSTMSequenceClassifier(**QUICK, **LR).fit(X, y)
    with pytest.warns(UserWarning, match=r"Channel 0 .* mean 1000\d\d.* rounds its steps"):
        answer = served(model, X, tmp_path / "model.onnx")
    assert_same(answer, model.predict_proba(X))


def test_a_constant_subtracted_before_keeps_the_digits(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=(n, 2)) for n in (4, 6, 3) * 10]
    X = [100_000 * np.array([0, 1]) + x for x in noise]
    y = [x[-1, 1] for x in noise]
    model = GRUSequenceRegressor(**QUICK, **LR).fit(X, y)
    with pytest.warns(UserWarning, match="Channel 1 of X") as caught:
        to_onnx(model, tmp_path / "model.onnx")
    assert caught[0].filename == __file__
    centred = [x - np.array([0, 100_000]) for x in X]
    model.fit(centred, y)
    answer = served(model, centred, tmp_path / "model.onnx")  # a warning would be an error
    assert_same(answer, model.predict(centred))


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_symbols(tmp_path, cls):
    X = [np.array(x) for x in ([7, -3, 900], [900, 7], [-3, -3, -3, 7], [900]) * 5]
    model = cls(**QUICK, **LR, embedding_dim=4).fit(X, [0, 0, 1, 1] * 5)
    new = [np.array(x) for x in ([7, 8, 900], [7, -3], [900, 900])]  # 8 was never there
    assert_same(served(model, new, tmp_path / "model.onnx"), model.predict_proba(new))


def test_strings_are_positions_in_the_vocabulary(tmp_path):
    words = ["abc", "ca", "bbbb", "b"] * 5
    model = GRUSequenceClassifier(**QUICK, **LR, embedding_dim=4).fit(
        words, [0, 0, 1, 1] * 5
    )
    assert model.vocabulary_.tolist() == ["a", "b", "c"]
    positions = [np.array(x) for x in ([1, 0], [2, -1, 0], [-1, 1, 1])]
    answer = served(model, positions, tmp_path / "model.onnx")
    assert_same(answer, model.predict_proba(["ba", "c?a", "?bb"]))


@pytest.mark.parametrize("padding", [1e30, np.nan])
def test_padding_does_not_matter(ragged, tmp_path, padding):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK, **LR, bidirectional=True, pooling=POOLINGS)
    model.fit(X, y)
    answer = served(model, X, tmp_path / "model.onnx", padding=padding, more_steps=4)
    assert_same(answer, model.predict_proba(X))


def test_a_single_step_of_a_single_sequence(ragged, tmp_path):
    X, y = ragged
    model = GRUSequenceClassifier(**QUICK, **LR, pooling=POOLINGS).fit(X, y)
    answer = served(model, [X[0][:1]], tmp_path / "model.onnx")
    assert_same(answer, model.predict_proba([X[0][:1]]))


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}])
@pytest.mark.parametrize("embeds", [False, True], ids=["channels", "symbols"])
@pytest.mark.parametrize("cls", [LSTMSequenceClassifier, GRUSequenceRegressor])
def test_an_empty_batch_has_an_empty_answer(tmp_path, cls, embeds, options):
    """In a process of its own, which onnxruntime would end if the graph let it."""
    X, y = [[1, 2, 3], [2, 1], [3], [3, 3, 1, 2]] * 5, [0, 0, 1, 1] * 5
    model = cls(**QUICK, **options, pooling=POOLINGS, embedding_dim=4 if embeds else None)
    path = tmp_path / "model.onnx"
    to_onnx(model.fit(X, y), path)
    out = run_fresh(f"""
        import numpy as np, onnxruntime

        session = onnxruntime.InferenceSession({str(path)!r})
        for n_steps in (4, 1, 0):
            X = np.empty((0, n_steps, 1), np.float32)
            lengths = np.empty(0, np.int64)
            (answer,) = session.run(None, {{"X": X, "lengths": lengths}})
            print(answer.shape, answer.dtype)
    """)
    shape = (0, 2) if cls in CLASSIFIERS else (0,)
    assert out.splitlines() == [f"{shape} float32"] * 3


@pytest.mark.parametrize("pooling", [*POOLINGS, POOLINGS], ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cls", [GRUSequenceClassifier, LSTMSequenceRegressor])
def test_a_length_that_cannot_be_gives_nan(ragged, tmp_path, cls, bidirectional, pooling):
    X = ragged[0]
    y = [len(x) % 3 for x in X]
    model = cls(**QUICK, bidirectional=bidirectional, pooling=pooling).fit(X, y)
    predict = model.predict_proba if cls in CLASSIFIERS else model.predict
    to_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    x = np.random.default_rng(0).normal(size=(7, 4, 2)).astype(np.float32)
    lengths = np.array([2, 0, 4, 5, -1, 2**32 + 2, -(2**63)])
    (answer,) = session.run(None, {"X": x, "lengths": lengths})
    expected = predict([x[0, :2], x[2]])
    np.testing.assert_allclose(answer[[0, 2]], expected, rtol=0, atol=1e-5)
    assert np.isnan(answer[[1, 3, 4, 5, 6]]).all()
    none = {"X": x[:2, :0], "lengths": np.array([0, 1])}
    assert np.isnan(session.run(None, none)[0]).all()


def test_lengths_are_as_many_as_rows(ragged, tmp_path):
    model = LSTMSequenceClassifier(**QUICK).fit(*ragged)
    to_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for n_rows, n_lengths in ((3, 2), (3, 1), (3, 0), (1, 2), (0, 1)):
        x, lengths = np.zeros((n_rows, 4, 2), np.float32), np.full(n_lengths, 4)
        with pytest.raises(Exception, match=r"sequence_lens must have shape"):
            session.run(None, {"X": x, "lengths": lengths})


def test_what_the_file_says_of_itself(tmp_path):
    words = ["abc", "ca", "bb", "b"] * 5
    model = GRUSequenceClassifier(**QUICK, embedding_dim=4).fit(
        words, ["x", "x", "y", "y"] * 5
    )
    to_onnx(model, tmp_path / "model.onnx")
    file = onnx.load(tmp_path / "model.onnx")
    said = {entry.key: entry.value for entry in file.metadata_props}
    assert said["estimator"] == "GRUSequenceClassifier"
    assert json.loads(said["classes"]) == ["x", "y"]
    assert json.loads(said["vocabulary"]) == ["a", "b", "c"]


class TestErrors:
    def test_meta_estimators_name_the_way(self, tmp_path):
        model = LSTMSequenceClassifier()
        for wrapped in (
            make_pipeline(FunctionTransformer(), model),
            GridSearchCV(model, {}),
        ):
            with pytest.raises(TypeError, match=r"pipeline\[-1\].*best_estimator_"):
                to_onnx(wrapped, tmp_path / "model.onnx")

    def test_not_fitted(self, tmp_path):
        with pytest.raises(NotFittedError):
            to_onnx(LSTMSequenceClassifier(), tmp_path / "model.onnx")

    def test_symbols_that_float32_does_not_tell_apart(self, tmp_path):
        X = [[LARGEST_SYMBOL + 1, 3], [3, 5, 3]] * 5
        model = LSTMSequenceClassifier(**QUICK, embedding_dim=4).fit(X, [0, 1] * 5)
        with pytest.raises(ValueError, match="Number the symbols from 0"):
            to_onnx(model, tmp_path / "model.onnx")

    def test_without_onnx(self, ragged, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnx", None)
        monkeypatch.delitem(sys.modules, "skseq._files.onnx")
        model = LSTMSequenceClassifier(**QUICK).fit(*ragged)
        with pytest.raises(ImportError, match=r'pip install "skseq\[onnx\]"'):
            to_onnx(model, tmp_path / "model.onnx")
