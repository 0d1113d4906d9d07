"""The same symbols in any integer type are the same, or refused: none becomes another."""

import itertools

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skseq import LSTMSequenceClassifier, SequenceArray, as_sequences
from skseq._data import symbols

AROUND = [0, 2**31, 2**53, 2**60, 2**63, 2**64 - 8]


def codes(X, vocabulary):
    checked = symbols.check_symbols(as_sequences(X), "X")
    return symbols.encode(checked, vocabulary, "X").values.ravel().tolist()


def vocabulary_of(X):
    return symbols.learn_vocabulary(symbols.check_symbols(as_sequences(X), "X"))


def in_type(row, dtype):
    """The row in a type that holds it exactly, or None."""
    bounds = np.iinfo(dtype)
    fits = all(bounds.min <= value <= bounds.max for value in row)
    return np.array(row, dtype) if fits else None


INTEGER_TYPES = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32]
INTEGER_TYPES += [np.uint64, object]


def forms_of(row):
    forms = [row, np.array(row, dtype=object)]
    forms += [in_type(row, dtype) for dtype in INTEGER_TYPES[:-1]]
    return [form for form in forms if form is not None]


@pytest.mark.parametrize("middle", AROUND)
def test_codes_do_not_depend_on_the_type(middle):
    rows = [[middle, middle + 1, middle + 2], [middle + 3, middle + 1], [middle + 7]]
    expected = [1, 2, 3, 4, 2, 5]
    for vocabulary_forms in (rows, [np.array(row, np.uint64) for row in rows]):
        vocabulary = vocabulary_of(vocabulary_forms)
        assert vocabulary.tolist() == sorted({v for row in rows for v in row})
        for mixed in itertools.product(*map(forms_of, rows)):
            assert codes(list(mixed), vocabulary) == expected


WHOLE = st.integers(-(2**63), 2**64 - 1)
NEAR = st.sampled_from(AROUND).flatmap(
    lambda middle: st.integers(max(middle - 3, -(2**63)), min(middle + 3, 2**64 - 1))
)


@given(st.lists(st.lists(WHOLE | NEAR, min_size=1), min_size=1), st.data())
def test_any_rows_in_any_types_are_exact_or_refused(rows, data):
    distinct = sorted({value for row in rows for value in row})
    one_type = distinct[0] >= 0 or distinct[-1] < 2**63
    forms = [data.draw(st.sampled_from(forms_of(row) or [row])) for row in rows]
    try:
        vocabulary = vocabulary_of(forms)
        found = codes(forms, vocabulary)
    except ValueError as error:
        assert not one_type, error
        assert "of which some stand for several integers" in str(error)
        return
    assert vocabulary.tolist() == distinct
    assert found == [distinct.index(value) + 1 for row in rows for value in row]


def test_unsigned_symbols_are_not_negative_ones():
    vocabulary = vocabulary_of([np.array([1, 2], np.int64)])
    assert codes([np.array([2**64 - 1, 2], np.uint64)], vocabulary) == [3, 2]
    vocabulary = vocabulary_of([np.array([1, 2**64 - 1], np.uint64)])
    assert codes([np.array([-1, 1], np.int64)], vocabulary) == [3, 1]
    assert codes([np.array([255, 1], np.int64)], np.array([-1, 1], np.int8)) == [3, 2]


IDS = [2**60 + 1, 2**60 + 2, 2**60 + 3]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": np.array(IDS, np.uint64), "b": np.array(IDS, np.int64)}),
        pd.DataFrame({"a": pd.array(IDS, "UInt64"), "b": pd.array(IDS, "Int64")}),
        pd.DataFrame({"a": np.array(IDS, object), "b": np.array(IDS, np.uint64)}),
        pl.DataFrame(
            {"a": pl.Series(IDS, dtype=pl.UInt64), "b": pl.Series(IDS, dtype=pl.Int64)}
        ),
        pa.table({"a": pa.array(IDS, pa.uint64()), "b": pa.array(IDS, pa.int64())}),
        [[np.uint64(i), np.int64(i)] for i in IDS],
        [[i, np.int64(i)] for i in IDS],
        [torch.tensor([i, i]) for i in IDS],
        ak.Array([[i, i] for i in IDS]),
    ],
    ids=["pandas", "nullable", "object", "polars", "arrow", "lists", "ints", "torch", "ak"],
)
def test_tables_of_signed_and_unsigned_columns_stay_exact(table):
    assert codes(table, np.array(IDS)) == [1, 1, 2, 2, 3, 3]


def test_large_and_small_python_integers_in_one_list():
    X = [[1, 2**63 + 1], [3, 4]]
    assert vocabulary_of(X).tolist() == [1, 3, 4, 2**63 + 1]
    assert codes(X, vocabulary_of(X)) == [1, 4, 2, 3]


@pytest.mark.parametrize(
    ("X", "first"),
    [
        ([np.array([2**60 + 1]), np.array([1.0])], 2**53),
        ([[2**53 + 1, 1.0], [2, 3]], 2**53),
        ([[-1, 2**63 + 1], [2, 3]], 2**53),
        ([np.array([-1]), np.array([2**63 + 1], np.uint64)], 2**53),
        (np.array([[2**24 + 1, 1]] * 2, np.float32), 2**24),
        (torch.tensor([[2**24 + 1, 1]] * 2).float(), 2**24),
        (np.array([[2**11, 1]] * 2, np.float16), 2**11),
        ([[2**64, 1], [2, 3]], 2**53),
    ],
)
def test_integers_that_became_floats_are_refused(X, first):
    with pytest.raises(ValueError, match=f"numbers from {first} on, of which some stand"):
        LSTMSequenceClassifier(embedding_dim=2).fit(X, [0, 1])


def test_a_model_scores_the_same_from_lists_and_arrays():
    rng = np.random.default_rng(0)
    ids = 2**60 + rng.permutation(1000)[:8].astype(np.uint64)
    X = ids[rng.integers(0, 8, size=(60, 6))]
    y = (ids[0] == X).any(axis=1).astype(int)
    options = {"embedding_dim": 4, "hidden_size": 8, "lr": 0.05, "random_state": 0}
    model = LSTMSequenceClassifier(**options, validation_fraction=None).fit(X, y)
    assert model.score(X, y) == 1.0
    as_rows = [X.astype(object), X.tolist(), list(X), list(X.astype(np.int64))]
    as_rows += [[*X[:30], *X[30:].astype(np.int64)], SequenceArray.from_equal(X)]
    for same in as_rows:
        np.testing.assert_array_equal(model.predict_proba(same), model.predict_proba(X))
