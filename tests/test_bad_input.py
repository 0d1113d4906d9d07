"""Bad input: an error before any training, which names the sequence and the way out."""

import enum
from collections import namedtuple
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from skorch.callbacks import BatchScoring, EpochScoring, InputShapeSetter, LRScheduler
from torch.nn.utils.rnn import pack_sequence
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader, Dataset, TensorDataset

from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
    SequenceArray,
    pad_collate,
)
from skseq.formats import from_numpy3d

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


def hiding(array):
    """A masked array that hides the first value of the second row."""
    masked = np.ma.masked_array(array)
    masked[(1, *[0] * (array.ndim - 1))] = np.ma.masked
    return masked


def sparse_tensor():
    return torch.eye(4).to_sparse()


Fields = namedtuple("Fields", "sequences y")


class Vital(str, enum.Enum):  # noqa: UP042, whose members have names as strings
    PULSE = "hr"
    HEAT = "t"


class Items(Dataset):
    def __getitem__(self, i):
        return X[i], Y[i]

    def __len__(self):
        return len(X)


class Indexed:
    def __getitem__(self, i):
        return X[i]

    def __len__(self):
        return len(X)


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
    "a mask over an array": (hiding(np.zeros((4, 3))), r"X is a masked array that hides 1"),
    "a mask over a block": (
        hiding(np.zeros((4, 3, 2))),
        r"first at \(1, 0, 0\); fill",
    ),
    "a mask over a sequence": (
        with_row(2, hiding(np.zeros((4, 2)))),
        r"Sequence 2 of X is a masked array .* by filled\(np.nan\) for an imputer",
    ),
    "a mask in a column": (
        pd.DataFrame({"s": pd.Series(with_row(2, hiding(np.zeros((4, 2)))))}),
        "Sequence 2 of X is a masked array",
    ),
    "a mask inside of a list": (
        [[hiding(np.ones((2, 2)))[1], np.ones(2)], *X[1:]],
        "Sequence 0 of X has a masked array that hides values",
    ),
    "masked numbers in a list": (
        [[1.0, np.ma.masked], [2.0, 3.0]] * 2,
        "X has a masked array that hides values",
    ),
    "a masked tensor": (sparse_tensor(), "X cannot be read by numpy; pass a dense tensor"),
    "pairs": (
        [(np.ones((3, 2)), 1), (np.ones((2, 2)), 0)] * 2,
        r"If these are pairs of a sequence and its target, pass \[x for x, y in X\]",
    ),
    "an integer that no float holds": ([[10**400, 1], [1, 2]] * 2, "no float64 holds"),
    "a frame beside an array": (
        with_row(2, pd.DataFrame(np.ones((4, 2)), columns=["a", "b"])),
        "Of sequence 2 and sequence 0 of X only one is a frame with names",
    ),
    "a NUL": (["ab", "b\0", "a", "b"], "X has a string with a NUL character"),
    "packed": (
        pack_sequence([torch.ones(3), torch.ones(2)]),
        "X is a PackedSequence, .* torch.nn.utils.rnn.unpack_sequence makes a list",
    ),
    "packed sequences": (
        with_row(1, pack_sequence([torch.ones(3)])),
        "Sequence 1 of X is a PackedSequence, not a sequence",
    ),
    "named tuple": (Fields(X, Y), "X is a Fields, .* one of the fields .*: sequences, y"),
    "loader": (
        DataLoader(TensorDataset(torch.ones(4, 2), torch.ones(4))),
        "X is a DataLoader, .* Pass all sequences in a list, and their targets",
    ),
    "dataset": (
        TensorDataset(torch.ones(4, 2), torch.ones(4)),
        r"X is a TensorDataset, .* \[X\[i\]\[0\] for i in range\(len\(X\)\)\]",
    ),
    "own dataset": (
        Items(),
        r"X is a Items, .* \[X\[i\]\[1\] for i in range\(len\(X\)\)\]",
    ),
    "dict": ({"a": X[0], "b": X[1]}, r"X is a dict, .* Pass list\(X.values\(\)\)"),
    "generator": ((x for x in X), r"X is a generator, .* Pass list\(X\)"),
    "set": ({"ab", "b"}, "X is a set, .* keeps its order"),
    "indexed": (
        Indexed(),
        r"X is a Indexed, .* Pass \[X\[i\] for i in range",
    ),
    "bytes": ([b"ab", b"b", b"abc", b"a"], r"0 of X is bytes; decode it, .* list\(value\)"),
    "array of bytes": (np.array([b"ab", b"b"] * 2), "decode it"),
    "cells of bytes": (pd.Series([b"ab", b"b"] * 2), "Sequence 0 of X is bytes"),
    "table of bytes": (np.array([[b"ab", b"b"]] * 4), "decode it"),
    "empty list": ([[1, 2], []] * 2, "Sequence 1 of X is empty"),
    "empty list of channels": (with_row(0, []), "Sequence 0 of X is empty"),
    "empty list of words": ([["a"], []] * 2, "Sequence 1 of X is empty"),
    "huge": (
        with_row(3, np.array([[0.0, 0], [1e300, 0]])),
        r"Sequence 3 of X has a value of 1e\+300 at time step 1, too large",
    ),
    "dates in a block": (SequenceArray(np.ones(4, "M8[s]"), [1] * 4), "numbers or strings"),
}


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """Nothing may be trained, nor a network made, before the error."""

    def fail(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr("skseq._estimators.base.run", fail)
    monkeypatch.setattr("skseq._estimators.base.RecurrentNet", fail)


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
        (np.zeros((4, 1, 1)), r"y has 3 dimensions; .* pass the shape \(n_samples,\)"),
        (hiding(np.zeros(4)), r"y is a masked array that hides 1 values, the first at"),
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


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", ["y", "sample_weight", "groups"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (dict.fromkeys(range(4), 1), r"{} is a dict, not an array .* list\({}.values"),
        ((y for y in Y), r"{} is a generator, not an array .* Pass list\({}\)"),
        (Fields([1] * 4, [1] * 4), "{} is a Fields, .* one of the fields"),
        (pack_sequence([torch.ones(1)] * 4), "{} is a PackedSequence"),
    ],
    ids=["dict", "generator", "named tuple", "packed"],
)
def test_kinds_of_what_belongs_to_rows(cls, name, values, message):
    with pytest.raises(TypeError, match=message.format(name, name)):
        cls().fit(X, **{"y": Y, name: values})


@pytest.mark.parametrize("cls", CLASSES)
def test_groups_of_several_columns_or_kinds(cls):
    for groups in (np.ones((4, 2)), [[1, 2], [1], [2], [1, 2]]):
        with pytest.raises(ValueError, match="groups must have one value for each"):
            cls().fit(X, Y, groups=groups)
    for groups in ([1, "a", 2, "b"], np.array([1, "a", 2, "b"], dtype=object)):
        with pytest.raises(ValueError, match=r"groups mixes strings with .* of them"):
            cls().fit(X, Y, groups=groups)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_masks_over_what_belongs_to_rows(cls, name):
    with pytest.raises(ValueError, match=f"{name} is a masked array"):
        cls(validation_fraction=None).fit(X, Y, **{name: hiding(np.ones(4))})


def test_names_of_what_is_wrong():
    with pytest.raises(ValueError, match="X_val has a string with a NUL character"):
        model = GRUSequenceClassifier(embedding_dim=2)
        model.fit(["ab", "b"] * 2, Y, X_val=["a\0", "b"], y_val=[0, 1])
    with pytest.raises(ValueError, match="2 classes; classes has only one class, 1"):
        GRUSequenceClassifier().partial_fit(X, Y, classes=[1])
    with pytest.raises(TypeError, match=r"^GRUSequenceClassifier.fit needs y"):
        GRUSequenceClassifier().fit(X)
    with pytest.raises(ValueError, match="Sequence 0 of batch is a list whose steps"):
        pad_collate([[[1, 2], [3]], [[1, 2], [3, 4]]])
    with pytest.raises(ValueError, match="X is a list whose steps differ"):
        from_numpy3d([[[1, 2], [3]]])


class Broken(Adam):
    def step(self, closure=None):
        raise KeyError("momentum")


def test_an_optimizer_that_fails():
    with pytest.raises(ValueError, match="'optimizer' parameter cannot be used, Broken"):
        GRUSequenceClassifier(optimizer=Broken).fit(X, Y)


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
        ([[1, 5], [2, 1], [2, 2], [3, 1]], {}, "y has several columns, .* MultiOutputClas"),
        (
            np.array(Y, dtype=object),
            {},
            r"y has an object .* Pass np.array\(y.tolist",
        ),
        (
            pd.Series(Y, dtype=object),
            {},
            r"y has an object .* Pass np.array\(y.tolist",
        ),
        (["a", 1, "b", 1], {}, "y mixes strings .* row 0 has 'a', row 1 has 1. Make all"),
        (
            np.array([1, "a"] * 2, object),
            {},
            "y mixes strings .* row 1 has 'a', row 0",
        ),
        (Y, {"class_weight": {0: -1.0}}, "class_weight must hold numbers from 0 to"),
        (Y, {"class_weight": {0: np.inf}}, "class_weight must hold numbers from 0 to"),
        (Y, {"class_weight": {0: np.nan}}, "class_weight must hold numbers from 0 to"),
        (Y, {"class_weight": {0: 1e308}}, "class_weight must hold numbers from 0 to"),
        (Y, {"class_weight": {5: 2.0}}, "class"),
        (Y, {"class_weight": {0: "a"}}, "class_weight must hold .* got 'a' for 0"),
        (["a", None, "b", "b"], {}, "Row 1 of y is missing"),
        (["a", "b", np.nan, "b"], {}, "Row 2 of y is missing"),
        (pd.Series(["a", "b", np.nan, "b"]), {}, "Row 2 of y is missing"),
        (pd.DataFrame({"a": Y, "b": list("xyxy")}), {}, "y mixes .* row 0 has 'x', row 0"),
        (["a", "a\0", "b", "b"], {}, "y has a string with a NUL character"),
        (
            [Vital.PULSE, Vital.HEAT] * 2,
            {},
            r"such as <Vital.PULSE.*label.value for",
        ),
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
        ([0, 1e300, 0, 0], {}, r"Row 1 of y is \[1.e\+300\], too large to compute with"),
        ([0, 1e39, 0, 0], {"standardize": False}, "Row 1 of y is .* pass other units"),
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
        far = with_row(1, np.array([[1e99, -1e99]] * 2))
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


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({"hidden_size": 10**9}, X),
        ({"hidden_size": 10**30}, X),
        ({"num_layers": 10**9}, X),
        ({"embedding_dim": 10**10}, ["ab", "b", "abc", "a"]),
    ],
)
def test_networks_that_no_memory_holds(cls, options, data):
    with pytest.raises(
        ValueError, match=r"A network of hidden_size=.* choose smaller sizes"
    ):
        cls(validation_fraction=None, **options).fit(data, Y)


@pytest.mark.parametrize("cls", CLASSES)
def test_large_numbers_without_a_scale(cls):
    large = with_row(1, np.full((2, 2), 1e39))
    with pytest.raises(ValueError, match="Sequence 1 of X has a value of 1e"):
        cls(validation_fraction=None, standardize=False).fit(large, Y)
    with pytest.raises(ValueError, match="Sequence 1 of X_val has a value of 1e"):
        cls(standardize=False).fit(X, Y, X_val=large, y_val=Y)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epochs", "Did you mean 'max_epochs'"),
        ("learning_rate", "Did you mean 'lr'"),
        ("hiden_size", "Did you mean 'hidden_size'"),
        ("module", "skorch's nets have it; see the page"),
        ("iterator_train__shuffle", "skorch's nets have it; see the page"),
        ("colour", "There are batch_size, .*hidden_size.* warm_start"),
    ],
)
def test_parameters_that_do_not_exist(cls, name, meant):
    with pytest.raises(
        TypeError, match=f"^{cls.__name__} has no parameter '{name}'. {meant}"
    ):
        cls(**{name: 3})


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("validation_data", "A validation set is X_val and y_val"),
        ("epochs", "Set 'max_epochs' of the estimator instead"),
        ("verbose", "Set 'verbose' of the estimator instead"),
        ("sample_weights", "Did you mean 'sample_weight'"),
    ],
)
def test_arguments_that_do_not_exist(cls, name, meant):
    message = f"^{cls.__name__}.fit has no argument '{name}'. {meant}"
    with pytest.raises(TypeError, match=message):
        cls().fit(X, Y, **{name: 3})


@pytest.mark.parametrize("cls", CLASSES)
def test_parameters_are_passed_by_name(cls):
    with pytest.raises(TypeError, match=f"^{cls.__name__} takes its parameters by name"):
        cls(32)


def test_positions_beyond_what_integers_hold():
    for lengths, starts in (
        ([10], [2**63 - 5]),
        ([2**62, 2**62, 2**62], None),
        (np.array([2**63 + 2], np.uint64), None),
        ([3], np.array([2**64 - 2], np.uint64)),
    ):
        with pytest.raises(ValueError, match="but values has 5 steps"):
            SequenceArray(np.zeros(5), lengths, starts)


def test_tables_are_asked_for():
    with pytest.raises(ValueError, match=r"skseq.sequence_frame for what takes tables"):
        np.asarray(SequenceArray(np.zeros(5), [2, 3]))
    with pytest.raises(
        ValueError, match="channel_names must hold a string for each of the"
    ):
        SequenceArray(np.zeros((5, 2)), [2, 3], channel_names=["a"])
    with pytest.raises(ValueError, match="values is a masked array"):
        SequenceArray(hiding(np.zeros(5)), [2, 3])


@pytest.mark.parametrize("options", [{"capturable": True}, {"differentiable": True}])
def test_optimizers_that_cannot_step(options):
    with pytest.raises(ValueError, match="'optimizer' parameter cannot be used, Adam says"):
        GRUSequenceRegressor(optimizer=partial(Adam, **options)).fit(X, Y)


def test_an_empty_frame_has_no_sequences():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        GRUSequenceClassifier().fit(pd.DataFrame(), [])
