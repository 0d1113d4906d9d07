"""What looks like bad input and is not, or comes to light after training."""

import enum
from collections import UserList, deque

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse

from skseq import GRUSequenceClassifier, GRUSequenceRegressor, as_sequences

X = [np.ones((3, 2)), np.zeros((2, 2)), np.ones((4, 2)), np.zeros((5, 2))]
Y = [0, 1, 0, 1]


class Vital(str, enum.Enum):  # noqa: UP042, whose members have names as strings
    PULSE = "hr"
    HEAT = "t"


def test_masks_that_hide_nothing():
    plain = np.arange(12.0).reshape(4, 3)
    array = as_sequences(np.ma.masked_array(plain)).values
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array.reshape(4, 3), plain)


@pytest.mark.parametrize("kind", [deque, UserList, tuple])
def test_lists_of_other_kinds(kind):
    np.testing.assert_array_equal(as_sequences(kind(X)).values, as_sequences(X).values)
    nested = kind([kind([1, 2]), kind([3])])
    assert [row.ravel().tolist() for row in as_sequences(nested)] == [[1, 2], [3]]


def test_half_characters():
    words = ["a\udc80b", "b"]
    assert as_sequences(words)[0].ravel().tolist() == ["a", "\udc80", "b"]
    assert as_sequences([["a\udc80b"], ["b", "c"]])[0].tolist() == [["a\udc80b"]]


def test_columns_of_lists_of_lists_from_parquet(tmp_path):
    rows = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    path = tmp_path / "table.parquet"
    pd.DataFrame({"s": rows}).to_parquet(path)
    read = [pd.read_parquet(path), pd.read_parquet(path, dtype_backend="pyarrow")]
    read += [frame["s"] for frame in read] + [pl.read_parquet(path)]
    for column in read:
        found = as_sequences(column)
        assert [row.tolist() for row in found] == rows
    ragged = pd.DataFrame({"s": [[[1.0, 2.0], [3.0]], [[5.0, 6.0]]]})
    ragged.to_parquet(path)
    with pytest.raises(ValueError, match="Sequence 0 of X is a list whose steps differ"):
        as_sequences(pd.read_parquet(path))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_floats_of_any_size(dtype):
    table = np.eye(8, 3, dtype=dtype)
    model = GRUSequenceClassifier(hidden_size=2, max_epochs=1, validation_fraction=None)
    model.fit(table, [0, 1] * 4).predict(table)


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s.array,
        lambda s: s.to_numpy(),
        lambda s: pd.Index(s),
        lambda s: pd.Categorical(s),
        lambda s: s.unique(),
        lambda s: np.array(s.tolist(), dtype=np.dtypes.StringDType()),
    ],
    ids=["array", "numpy", "index", "categories", "unique", "new strings"],
)
def test_columns_without_a_frame(form):
    series = pd.Series(["abba", "ab"])
    found = as_sequences(form(series))
    assert ["".join(row.ravel()) for row in found] == ["abba", "ab"]


def test_members_of_enumerations_are_their_values():
    X = [[Vital.PULSE, Vital.HEAT], [Vital.HEAT]]
    for form in (X, pd.Series(X), [np.array(row, dtype=object) for row in X]):
        assert [row.ravel().tolist() for row in as_sequences(form)] == [["hr", "t"], ["t"]]


def test_tables_of_indicators_may_be_sparse():
    y = sparse.csr_array([[1, 0], [0, 1], [1, 1], [0, 0]])
    model = GRUSequenceClassifier(hidden_size=2, max_epochs=1, validation_fraction=None)
    assert model.fit(X, y).predict(X).shape == (4, 2)
    assert model.partial_fit(X, y).n_epochs_ == 2


def test_tensors_that_need_gradients():
    y = torch.tensor([0.0, 1.0, 2.0, 3.0], requires_grad=True)
    weight = torch.ones(4, dtype=torch.bfloat16)
    model = GRUSequenceRegressor(hidden_size=2, max_epochs=1, validation_fraction=None)
    model.fit([torch.tensor(x, requires_grad=True) for x in X], y, sample_weight=weight)


def test_a_first_part_with_labels_that_need_gradients():
    labels = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    model = GRUSequenceClassifier(hidden_size=2)
    assert model.partial_fit(X, labels, classes=[0, 1]).classes_.tolist() == [0, 1]


def test_a_batch_larger_than_anything():
    for batch_size in (2**63, 10**30):
        model = GRUSequenceRegressor(
            hidden_size=2, max_epochs=1, validation_fraction=None, batch_size=batch_size
        )
        model.fit(X, Y).partial_fit(X, Y)


def test_weights_that_went_astray():
    model = GRUSequenceRegressor(hidden_size=2, max_epochs=1, validation_fraction=None)
    model.set_params(weight_decay=1e308, lr=1e38, lr_schedule="constant").fit(X, Y)
    with pytest.raises(ValueError, match=r"weights .* are not finite.*Lower lr"):
        model.predict(X)


@pytest.mark.parametrize("classes", [np.uint64, np.int64])
def test_large_integer_labels(classes):
    labels = np.array([2**53, 2**53 + 1] * 4)
    rows = [np.eye(3)[i % 2] for i in range(8)]
    options = {"hidden_size": 2, "max_epochs": 2, "random_state": 0}
    forms = [labels.astype(np.int64), labels.astype(np.uint64), labels.tolist()]
    forms += [pd.Series(labels, dtype="Int64"), pd.Series(labels, dtype="UInt64")]
    losses = []
    for form in forms:
        model = GRUSequenceClassifier(**options)
        model.fit(rows, labels.astype(classes), X_val=rows, y_val=form)
        losses.append(model.history_[-1]["valid_loss"])
        model = GRUSequenceClassifier(**options, validation_fraction=None).fit(rows, form)
        assert model.classes_.tolist() == [2**53, 2**53 + 1]
    assert len(set(losses)) == 1


@pytest.mark.parametrize("classes", [["a", "b"], np.array(["a", "b"], object), [0, 1]])
@pytest.mark.parametrize("other", [[0, 1], ["a", "b"], np.array(["a", "b"], object)])
def test_labels_of_another_kind_are_not_among_the_classes(classes, other):
    model = GRUSequenceClassifier(hidden_size=2, max_epochs=1, validation_fraction=None)
    model.fit(X, np.tile(classes, 2))
    if isinstance(classes[0], str) == isinstance(other[0], str):
        model.partial_fit(X, np.tile(other, 2))
        return
    with pytest.raises(ValueError, match=r"y contains the label .* not among the classes"):
        model.partial_fit(X, np.tile(other, 2))
    with pytest.raises(ValueError, match=r"y_val contains the label .* not among the"):
        model.fit(X, np.tile(classes, 2), X_val=X, y_val=np.tile(other, 2))
