"""Bad input: an error before any training, which names the sequence and the way out."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from skorch.callbacks import BatchScoring, EpochScoring, InputShapeSetter, LRScheduler
from torch.optim import Adam, Optimizer

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
    SequenceArray,
)

CLASSES = [
    LSTMSequenceClassifier,
    GRUSequenceClassifier,
    LSTMSequenceRegressor,
    GRUSequenceRegressor,
]
X = [np.ones((3, 2)), np.zeros((2, 2)), np.ones((4, 2)), np.zeros((5, 2))]
Y = [0, 1, 0, 1]


def with_row(i, row):
    return [*X[:i], row, *X[i + 1 :]]


BAD_X = {
    "empty": (with_row(2, np.zeros((0, 2))), "Sequence 2 of X is empty; remove it"),
    "NaN": (with_row(1, np.array([[0, 0], [0, np.nan]])), "NaN: sequence 1 at time step 1"),
    "infinity": (with_row(3, np.full((5, 2), -np.inf)), "inf: sequence 3 at time step 0"),
    "channels": (with_row(1, np.zeros((2, 3))), "Sequence 1 of X has 3 channels"),
    "object cell": (with_row(2, {"a": 1}), "Sequence 2 of X is a dict, not an array"),
    "complex": (with_row(1, np.zeros((2, 2)) * 1j), "Complex data .* sequence 1 of X"),
    "sparse": (sparse.csr_array(np.eye(4)), r"Sparse data .* use X.toarray\(\)"),
    "strings": (["ab", "b", "abc", "a"], "set embedding_dim, for example"),
    "no rows": ([], r"0 sample\(s\)"),
    "no channels": ([np.zeros((3, 0))] * 4, "no channels"),
    "complex block": (SequenceArray(np.ones(4) * 1j, [1] * 4), "Complex data"),
    "dates in a block": (SequenceArray(np.ones(4, "M8[s]"), [1] * 4), "numbers or strings"),
}


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """Nothing may be trained, nor a network made, before the error."""

    def fail(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr("skseq._base.run", fail)
    monkeypatch.setattr("skseq._base.RecurrentNet", fail)


@pytest.mark.parametrize(("bad", "message"), BAD_X.values(), ids=BAD_X)
@pytest.mark.parametrize("cls", CLASSES)
def test_sequences(cls, bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cls(validation_fraction=None).fit(
            bad, Y[: len(bad) if isinstance(bad, list) else 4]
        )


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], "y has 3 rows, but X has 4 sequences"),
        (None, "requires y to be passed"),
        ([0, 1, np.nan, 1], "NaN"),
        (np.zeros((4, 1, 1)), "dim 3|Unknown label type: unknown|3D array"),
        (np.array(["a", "b", None, "b"], dtype=object), "Row 2 of y is missing"),
        (pl.Series(["a", "b", None, "b"]), "Row 2 of y is missing"),
        (pd.Series(["a", None, "b", "b"], dtype="string"), "Row 1 of y is missing"),
        ([np.ones(len(x), int) for x in X], "Row 0 of y .* not one for each time step"),
        (pd.Series([[1, 2], [3]] * 2), "Row 0 of y .* not one for each time step"),
        ([("a",), ("a", "b")] * 2, "columns of 0 and 1 by .*MultiLabelBinarizer"),
        ([{"a"}, {"a", "b"}] * 2, "columns of 0 and 1 by .*MultiLabelBinarizer"),
    ],
)
def test_targets(cls, y, message):
    with pytest.raises(ValueError, match=message):
        cls(validation_fraction=None).fit(X, y)


@pytest.mark.parametrize("cls", CLASSES[:2])
def test_targets_of_partial_fit(cls):
    with pytest.raises(ValueError, match="not one for each time step"):
        cls().partial_fit(X, [np.ones(len(x), int) for x in X], classes=[0, 1])


@pytest.mark.parametrize("cls", CLASSES)
def test_groups(cls):
    with pytest.raises(ValueError, match="Row 1 of groups is missing"):
        cls().fit(X, Y, groups=np.array(["a", None] * 2, dtype=object))


@pytest.mark.parametrize("cls", CLASSES[:2])
@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (["a"] * 4, {}, "needs at least 2 classes; y has only one class, 'a'"),
        ([0.5, 1.5, 2.5, 3.5], {}, "Unknown label type"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], {"class_weight": {0: 1}}, "indicator y"),
        ([[1, 2], [2, 1], [2, 2], [1, 1]], {}, "indicator must hold 0 and 1|not supported"),
        (Y, {"class_weight": {0: -1.0}}, "class_weight must not be negative"),
        (Y, {"class_weight": {5: 2.0}}, "class"),
    ],
)
def test_labels(cls, y, options, message, monkeypatch):
    if "class_weight" in options:  # found once the split is made
        monkeypatch.undo()
    with pytest.raises(ValueError, match=message):
        cls(validation_fraction=None, **options).fit(X, y)


@pytest.mark.parametrize("cls", CLASSES[2:])
@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (["a", "b", "c", "d"], {}, "could not convert string"),
        (np.arange(4).astype("M8[D]"), {}, "y holds dates or durations"),
        (pd.Series(pd.date_range("2026", periods=4)), {}, "predicts numbers. Divide"),
        ([1, 2, -3, 4], {"loss": "poisson"}, "needs y >= 0"),
        ([0, 0, 0, 0], {"loss": "poisson"}, "positive mean"),
    ],
)
def test_numbers(cls, y, options, message):
    with pytest.raises(ValueError, match=message):
        cls(validation_fraction=None, **options).fit(X, y)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1, 1], "sample_weight has 3 rows, but X has 4"),
        ([1, 1, -1, 1], "[Nn]egative"),
        ([0, 0, 0, 0], "zero"),
        ([1, 1, np.nan, 1], "NaN"),
        (2.0, r"sample_weight must be an array .* each of the 4 sequences of X, got 2\.0"),
    ],
)
def test_weights(cls, weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cls(validation_fraction=None).fit(X, Y, sample_weight=weight)


BAD_PARAMETERS = [
    {"hidden_size": 0},
    {"num_layers": 1.5},
    {"bidirectional": "yes"},
    {"dropout": 1.0},
    {"pooling": "median"},
    {"pooling": ()},
    {"pooling": ("last", "median")},
    {"embedding_dim": 0},
    {"loss": "hinge"},
    {"optimizer": "lion"},
    {"optimizer": dict},
    {"lr": 0},
    {"weight_decay": -1},
    {"batch_size": 0},
    {"max_epochs": 0},
    {"lr_schedule": "linear"},
    {"gradient_clip": 0.0},
    {"validation_fraction": 1.0},
    {"validation_fraction": 5},
    {"validation_fraction": "half"},
    {"early_stopping": 3},
    {"patience": 0},
    {"device": "tpu9"},
    {"device": 3},
    {"random_state": "seed"},
    {"verbose": -1},
    {"callbacks": "EarlyStopping"},
    {"callbacks": [print]},
    {"callbacks": [("print", print)]},
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("parameters", BAD_PARAMETERS, ids=str)
def test_parameters_are_named(cls, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        cls(**parameters).fit(X, Y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pooling": "avg"}, r"one or a tuple of \('last', 'mean', 'max', 'attention'\)"),
        ({"optimizer": dict}, "a subclass of torch.optim.Optimizer, .* got .*dict"),
        (
            {"optimizer": partial(dict)},
            "a subclass of torch.optim.Optimizer, .* got .*dict",
        ),
        ({"optimizer": lambda *_: None}, "'optimizer' .* instance of 'functools.partial'"),
        ({"optimizer": partial(Adam, (0.8, 0.9))}, "without names; .*Adam, betas="),
        ({"optimizer": partial(Adam, lr=0.1)}, "the option 'lr'; set lr of the estimator"),
        ({"optimizer": partial(Adam, weight_decay=1)}, "set weight_decay of the estimator"),
        ({"optimizer": partial(Adam, params=[])}, "the option 'params'; leave it out"),
        ({"optimizer": partial(Adam, momentum=1)}, "'momentum', which Adam .* betas, eps,"),
        ({"optimizer": partial(Adam, betas=(2, 1))}, "'optimizer' .*, Adam says: .*beta"),
        ({"optimizer": Optimizer}, "The 'optimizer' .*, Optimizer says"),
        ({"callbacks": [print]}, "takes skorch callbacks.*a subclass of skorch.callbacks"),
    ],
)
def test_parameters_say_what_they_may_be(parameters, message):
    with pytest.raises(ValueError, match=message):
        LSTMSequenceClassifier(validation_fraction=None, **parameters).fit(X, Y)


def test_callbacks_of_scikit_learn_have_a_place_of_their_own():
    theirs = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    monitor = theirs.ScoringMonitor(scoring="accuracy")
    model = LSTMSequenceClassifier(callbacks=[monitor])
    with pytest.raises(ValueError, match=r"takes skorch callbacks.*set_callbacks"):
        model.fit(X, Y)


@pytest.mark.parametrize("callback", [LRScheduler(), ("rate", LRScheduler())])
def test_one_schedule_is_enough(callback, monkeypatch):
    model = GRUSequenceRegressor(
        callbacks=[callback], hidden_size=2, max_epochs=2, validation_fraction=None
    )
    with pytest.raises(ValueError, match=r"LRScheduler.*set lr_schedule='constant'"):
        model.fit(X, Y)
    monkeypatch.undo()
    model.set_params(lr_schedule="constant").fit(X, Y)


@pytest.mark.parametrize(
    ("callback", "advice"),
    [
        (BatchScoring("accuracy"), "BatchScoring.*pass EpochScoring"),
        (("shape", InputShapeSetter()), "InputShapeSetter.*leave it out"),
        (EpochScoring("f2_macro"), "'f2_macro' is not a valid scoring value"),
    ],
)
def test_callbacks_that_cannot_work_are_refused_before_training(callback, advice):
    model = LSTMSequenceClassifier(callbacks=[callback])
    with pytest.raises(ValueError, match=advice):
        model.fit(X, Y)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_typing_mistake_is_an_error(cls):
    with pytest.raises(TypeError, match="hiden_size"):
        cls(hiden_size=3)


def test_symbols():
    model = LSTMSequenceClassifier(embedding_dim=4, validation_fraction=None)
    with pytest.raises(
        ValueError, match="one symbol at each time step, but X has 2 channels"
    ):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="X has fractions; set embedding_dim=None"):
        model.fit([[0.5, 1.0], [1.0], [2.0], [1.0]], Y)


class TestPredict:
    """After a fit, on real networks."""

    @pytest.fixture
    def no_training(self):
        """Here there is training."""

    @pytest.fixture(autouse=True)
    def model(self, no_training):
        self.model = LSTMSequenceClassifier(
            hidden_size=2, max_epochs=1, validation_fraction=None
        ).fit(X, Y)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [v for k, v in BAD_X.items() if k != "strings"],
        ids=[k for k in BAD_X if k != "strings"],
    )
    def test_sequences(self, bad, message):
        with pytest.raises((ValueError, TypeError), match=message):
            self.model.predict(bad)

    @pytest.mark.parametrize("bad", [v for v, _ in BAD_X.values()], ids=BAD_X)
    def test_a_failed_fit_leaves_what_was_fitted(self, bad):
        expected = self.model.predict_proba(X)
        before = {k: v for k, v in vars(self.model).items()}
        with pytest.raises((ValueError, TypeError)):
            self.model.fit(
                bad, ["x", "y", "z", "x"][: len(bad) if isinstance(bad, list) else 4]
            )
        with pytest.raises(ValueError, match="not possible"):
            self.model.set_params(validation_fraction=0.1).fit(
                [np.ones(3)] * 4, list("abcd")
            )
        with pytest.raises(Exception, match=r"."):
            self.model.set_params(optimizer=int).fit(X, ["a", "b"] * 2)
        self.model.set_params(validation_fraction=None, optimizer="adam")
        assert vars(self.model) == before
        assert (self.model.predict_proba(X) == expected).all()

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
    def test_values_that_overflow_in_the_network(self, method):
        far = with_row(1, np.array([[1e300, -1e300]] * 2))
        with pytest.raises(ValueError, match=r"sequence 1 of X is not finite.*too far"):
            getattr(self.model, method)(far)

    def test_other_channels_than_in_fit(self):
        with pytest.raises(
            ValueError, match=r"has 1 channels, .* fitted on 2.*is passed as \[x\]"
        ):
            self.model.predict([np.zeros(3)])

    def test_one_column_is_many_sequences_of_one_step(self):
        model = GRUSequenceClassifier(
            hidden_size=2, max_epochs=1, validation_fraction=None
        ).fit([np.zeros(3), np.ones(2)] * 2, Y)
        with pytest.warns(UserWarning, match=r"5 sequences of one step each.*\[x\]"):
            model.predict(np.zeros((5, 1)))
        model.predict([[0.3]])  # one sequence, whichever way it is read

    def test_strings_after_numbers_and_numbers_after_strings(self):
        with pytest.raises(ValueError, match="fitted on 2"):
            self.model.predict(["ab"])
        options = {"hidden_size": 2, "max_epochs": 1, "validation_fraction": None}
        words = GRUSequenceClassifier(embedding_dim=2, **options).fit(["ab", "c"] * 2, Y)
        with pytest.raises(ValueError, match=r"X has integers, but .* were strings"):
            words.predict([[1, 2], [3]])
