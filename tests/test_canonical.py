"""The canonical order: the same rows in any order and number are one training set."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skseq import SequenceArray, as_sequences
from skseq._data.canonical import canonical_rows, sequence_hashes
from skseq._data.rows import Rows, step_statistics

# Few values and short lengths, so that many rows are equal.
tables = st.lists(
    st.tuples(
        st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.5]), min_size=1, max_size=3),
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=20,
)


def canonical(table):
    X = as_sequences([np.array(x) for x, _, _ in table])
    y = np.array([[y] for _, y, _ in table], dtype=float)
    rows, weight = canonical_rows(X, y, np.array([w for *_, w in table], dtype=float))
    return [(tuple(X[i].ravel()), y[i, 0], w) for i, w in zip(rows, weight, strict=True)]


@given(tables, st.randoms())
def test_equals_a_dictionary_of_weights_in_any_order(table, random):
    expected = {}
    for x, y, weight in table:
        if weight:
            expected[tuple(x), y] = expected.get((tuple(x), y), 0) + weight
    found = canonical(table)
    assert {(x, y): w for x, y, w in found} == expected
    assert len(found) == len(expected)
    assume(expected)
    copies = [(x, y, 1) for x, y, weight in table for _ in range(weight)]
    random.shuffle(copies)
    assert canonical(copies) == found


@given(tables)
def test_chance_collisions_of_the_hash_merge_nothing(table):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skseq._data.canonical._scramble", lambda x: x * np.uint64(0))
        found = canonical(table)
    expected = {(tuple(x), y) for x, y, weight in table if weight}
    assert {(x, y) for x, y, _ in found} == expected
    assert sum(w for *_, w in found) == sum(w for *_, w in table)


def test_hashes_see_content_and_order_and_nothing_else():
    hashes = sequence_hashes(as_sequences([[1, 2], [2, 1], [1, 2, 0], [1, 2], [0, 1, 2]]))
    assert hashes[0] == hashes[3]
    assert len(set(hashes.tolist())) == 4
    windows = SequenceArray(np.array([1, 2, 1, 2]), lengths=[2, 2, 2], starts=[0, 1, 2])
    expected = sequence_hashes(as_sequences([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
    assert sequence_hashes(windows).tolist() == expected.tolist()


def test_integers_are_one_where_they_are_one_in_float64():
    # Beyond 2**53 neighbours are: a network cannot tell them apart.
    X = as_sequences([np.array([2**60 + i % 2, 7]) for i in range(4)])
    for rows in ([0, 1, 2, 3], [1, 0, 3, 2]):
        kept, weight = canonical_rows(X[rows], np.zeros((4, 1)), np.ones(4))
        assert (kept.tolist(), weight.tolist()) == ([0], [4.0])


def test_hashes_in_chunks(monkeypatch):
    X = as_sequences([np.random.default_rng(i).normal(size=(i + 1, 2)) for i in range(9)])
    whole = sequence_hashes(X)
    monkeypatch.setattr("skseq._data.canonical.CHUNK_STEPS", 7)
    assert sequence_hashes(X).tolist() == whole.tolist()


def test_hashes_do_not_collide():
    X = np.random.default_rng(0).integers(0, 2, size=(50_000, 40))
    n_distinct = len(np.unique(X, axis=0))
    assert len(np.unique(sequence_hashes(as_sequences(X)))) == n_distinct


def test_groups_keep_rows_apart():
    X = as_sequences([[1.0, 2.0]] * 4)
    rows = Rows(X, np.zeros(4, dtype=int), np.ones(4), groups=np.array([0, 1, 0, 1]))
    merged = rows.canonical()
    assert sorted(merged.groups.tolist()) == [0, 1]
    assert merged.weight.tolist() == [2.0, 2.0]
    assert len(Rows(X, np.zeros(4, dtype=int), np.ones(4)).canonical()) == 1


@given(tables)
def test_statistics_are_those_of_the_repeated_steps(table):
    weight = np.array([w for *_, w in table], dtype=float)
    if not weight.any():
        return
    X = as_sequences([np.array(x) for x, _, _ in table])
    mean, scale = step_statistics(X, weight)
    steps = np.concatenate([x * w for x, _, w in table if w])
    np.testing.assert_allclose(mean, steps.mean(), atol=1e-12)
    expected = steps.std() if np.ptp(steps) else 1.0
    np.testing.assert_allclose(scale, expected, atol=1e-12)


def test_a_large_offset_does_not_drown_the_scale():
    mean, scale = step_statistics(as_sequences(np.array([[1e9, 1e9 + 2]])), np.ones(1))
    assert (mean, scale) == ([1e9 + 1], [1.0])


def test_a_long_series_far_from_zero_is_measured_exactly():
    values = 1e9 + np.random.default_rng(0).normal(size=(400_000, 3))
    mean, scale = step_statistics(as_sequences(values[None, :]), np.ones(1))
    for channel in range(3):
        exact = math.fsum(values[:, channel]) / len(values)
        assert abs(mean[channel] - exact) < 1e-6
        expected = np.std(values[:, channel] - exact)
        np.testing.assert_allclose(scale[channel], expected, rtol=1e-9)


@pytest.mark.parametrize("n", [7, 2000, 1_000_000])
def test_a_constant_channel_is_not_blown_up(n):
    mean, scale = step_statistics(as_sequences(np.full((3, n), 0.1)), np.ones(3))
    assert scale == [1.0]
    np.testing.assert_allclose(mean, 0.1)
