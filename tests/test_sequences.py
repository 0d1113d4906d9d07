"""`SequenceArray` and the containers it is made from."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, train_test_split
from sklearn.preprocessing import StandardScaler

from skseq import SequenceArray, as_sequences, sequence_frame
from skseq._data.sequences import check_steps, row_chunks, step_index
from skseq._data.symbols import check_symbols, encode
from skseq.preprocessing import PerTimestep

ragged_lists = st.lists(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=6), min_size=1, max_size=8
)


def rows(sequences):
    return [sequence.tolist() for sequence in sequences]


@given(ragged_lists, st.data())
def test_indexing_is_that_of_a_list_and_shares_memory(lists, data):
    X = as_sequences([np.array(row) for row in lists])
    plain = [[[v] for v in row] for row in lists]
    assert rows(X) == plain
    assert len(X) == len(plain) == X.shape[0]
    i = data.draw(st.integers(-len(plain), len(plain) - 1))
    assert X[i].tolist() == plain[i]
    cut = data.draw(st.slices(len(plain)))
    assert rows(X[cut]) == plain[cut]
    picked = data.draw(st.lists(st.integers(-len(plain), len(plain) - 1)))
    assert rows(X[picked]) == rows(X[np.array(picked, dtype=int), ...])
    assert rows(X[picked]) == [plain[i] for i in picked]
    mask = data.draw(st.lists(st.booleans(), min_size=len(plain), max_size=len(plain)))
    assert rows(X[np.array(mask)]) == [p for p, m in zip(plain, mask, strict=True) if m]
    assert X[cut].values is X[picked].values is X.values


def test_overlapping_windows_are_no_copy():
    series = np.arange(10.0)
    windows = SequenceArray(series, lengths=np.full(8, 3), starts=np.arange(8))
    assert np.shares_memory(windows.values, series)
    assert windows[2:4][1].ravel().tolist() == [3, 4, 5]
    assert np.asarray(windows).shape == (8, 3, 1)


def test_a_memory_mapped_file_serves_as_values(tmp_path):
    np.save(tmp_path / "values.npy", np.arange(20.0).reshape(10, 2))
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    X = SequenceArray(values, lengths=[4, 6])
    assert isinstance(X[1:].values, np.memmap)
    assert X[1][0].tolist() == [8, 9]


def test_splitters_index_it():
    X = as_sequences([np.full(n, n) for n in range(1, 13)])
    train, test = train_test_split(X, test_size=3, random_state=0)
    assert sorted([*train.lengths, *test.lengths]) == list(range(1, 13))
    for train, test in KFold(3).split(X):
        assert len(X[train]) == 8
        assert len(X[test]) == 4


def test_a_ragged_one_does_not_become_an_array():
    X = as_sequences([[1, 2], [3]])
    with pytest.raises(ValueError, match="ragged and cannot become one array"):
        np.asarray(X)
    with pytest.raises(ValueError, match="only by copying"):
        np.asarray(X[:1], copy=False)
    assert np.asarray(X[:1], dtype=float).tolist() == [[[1.0], [2.0]]]


def test_pickle_keeps_it():
    X = as_sequences([[1, 2], [3]])
    assert rows(pickle.loads(pickle.dumps(X))) == rows(X)


# Where rows come from.

KEEPING = {
    "selection": lambda X: X[::-1][::-1],
    "pickle": lambda X: pickle.loads(pickle.dumps(X)),
    "map": lambda X: X.map(lambda x: np.diff(x, axis=0, prepend=x[:1])),
    "map to fewer steps": lambda X: X.map(lambda x: x[-1:]),
    "PerTimestep": PerTimestep(StandardScaler()).fit_transform,
    "conversion": lambda X: as_sequences(X.with_steps(X.values > 1, X.lengths, X.starts)),
    "floats as symbols": lambda X: check_symbols(X, "X"),
    "encoding": lambda X: encode(X, np.arange(40.0), "X"),
}


@given(st.data())
def test_rows_stay_where_they_come_from(data):
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    starts = [data.draw(st.integers(0, 40 - length)) for length in lengths]
    picked = data.draw(st.lists(st.integers(0, len(starts) - 1), min_size=1))
    X = SequenceArray(np.arange(40.0), lengths, starts)[picked]
    expected = [[starts[i], starts[i] + lengths[i]] for i in picked]
    assert X.spans.tolist() == expected
    assert {name: keep(X).spans.tolist() == expected for name, keep in KEEPING.items()} == (
        dict.fromkeys(KEEPING, True)
    )


@pytest.mark.parametrize(
    "X",
    [
        [np.zeros(2), np.zeros(3)],
        np.zeros((2, 3)),
        ["ab", "c"],
        SequenceArray(np.zeros(5), [2, 3]),
        torch.nested.nested_tensor([torch.ones(3), torch.ones(2)], layout=torch.jagged),
        np.asarray(SequenceArray(np.zeros(5), [2, 2], [0, 3])),
    ],
    ids=lambda X: type(X).__name__,
)
def test_what_is_not_cut_from_a_series_lies_nowhere(X):
    sequences = as_sequences(X)
    assert sequences.spans is None
    assert sequences[:1].spans is None
    assert pickle.loads(pickle.dumps(sequences)).spans is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 2, 2)), [1]), "total_steps, n_channels"),
        ((np.zeros(3), [2, 2]), "Sequence 1 starts at 2 and has 2 steps"),
        ((np.zeros(3), [2, 1], [0]), "differ in length"),
        ((np.zeros(3), [1.5]), "lengths must be whole numbers"),
        ((np.zeros(3), [1], [-1]), "Sequence 0 starts at -1"),
    ],
)
def test_what_does_not_fit_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceArray(*arguments)


def test_steps_and_channels_are_not_indexed():
    with pytest.raises(IndexError, match="in one dimension, got 2"):
        as_sequences([[1, 2], [3]])[np.zeros((1, 1), dtype=int)]
    with pytest.raises(IndexError, match="indexed by rows only"):
        as_sequences([[1, 2], [3]])[0, 1]


def test_repr_counts():
    assert (
        repr(as_sequences([[1, 2]]))
        == "SequenceArray(1 sequence of 2 steps, 1 channel, int64)"
    )
    assert repr(as_sequences([[1]])[:0]) == "SequenceArray(0 sequences, 1 channel, int64)"


@given(ragged_lists)
def test_chunks_cover_every_row_once(lists):
    X = as_sequences([np.array(row) for row in lists])
    covered = [i for chunk in row_chunks(X) for i in range(len(X))[chunk]]
    assert covered == list(range(len(X)))
    assert X.values[step_index(X), 0].tolist() == [v for row in lists for v in row]


def test_chunks_are_small(monkeypatch):
    monkeypatch.setattr("skseq._data.sequences.CHUNK_STEPS", 10)
    X = as_sequences([np.zeros(n) for n in [1, 30, 2, 2, 2, 2, 9, 4]])
    chunks = list(row_chunks(X))
    assert [i for chunk in chunks for i in range(8)[chunk]] == list(range(8))
    assert len(chunks) > 2


# Containers.

ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0]]
EQUAL = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def objects(cells, shape=(-1,)):
    array = np.empty(len(cells), dtype=object)
    array[:] = [None] * len(cells)
    for i, cell in enumerate(cells):
        array[i] = cell
    return array.reshape(shape)


RAGGED_CONTAINERS = {
    "list of arrays": [np.array(r) for r in ROWS],
    "tuple of arrays": tuple(np.array(r) for r in ROWS),
    "list of columns": [np.array(r)[:, None] for r in ROWS],
    "list of tensors": [torch.tensor(r, dtype=torch.float64) for r in ROWS],
    "list of bfloat16 tensors": [torch.tensor(r, dtype=torch.bfloat16) for r in ROWS],
    "tensors with gradient": [
        torch.tensor(r, dtype=torch.float64, requires_grad=True) for r in ROWS
    ],
    "list of lists": ROWS,
    "list of tuples": [tuple(r) for r in ROWS],
    "object array": objects([np.array(r) for r in ROWS]),
    "object column": objects([np.array(r) for r in ROWS], (-1, 1)),
    "object array of lists": objects(ROWS),
    "Series": pd.Series([np.array(r) for r in ROWS]),
    "DataFrame": pd.DataFrame({"s": [np.array(r) for r in ROWS]}),
    "frame of the package": sequence_frame(ROWS),
    "list of ranges": [range(1, 4), range(4, 6)],
    "list of Series": [pd.Series(r) for r in ROWS],
    "SequenceArray": SequenceArray(np.array([1.0, 2, 3, 4, 5]), [3, 2]),
}


@pytest.mark.parametrize("X", RAGGED_CONTAINERS.values(), ids=RAGGED_CONTAINERS)
def test_ragged_containers(X):
    sequences = as_sequences(X)
    assert rows(sequences) == [[[v] for v in row] for row in ROWS]
    assert sequences.dtype.kind in "if"


EQUAL_CONTAINERS = {
    "2-D array": np.array(EQUAL),
    "2-D tensor": torch.tensor(EQUAL, dtype=torch.float64),
    "list of equal lists": EQUAL,
    "DataFrame": pd.DataFrame(EQUAL),
    "2-D array of numbers as objects": np.array(EQUAL, dtype=object),
    "3-D array": np.array(EQUAL)[:, :, None],
    "nested lists": [[[v] for v in row] for row in EQUAL],
    "list of equal arrays": [np.array(r) for r in EQUAL],
    "object array of equal arrays": objects([np.array(r) for r in EQUAL]),
    "frame of the package": sequence_frame(EQUAL),
}


@pytest.mark.parametrize("X", EQUAL_CONTAINERS.values(), ids=EQUAL_CONTAINERS)
def test_equal_containers(X):
    assert rows(as_sequences(X)) == [[[v] for v in row] for row in EQUAL]


def test_one_block_is_not_copied():
    X = np.zeros((4, 5, 2))
    assert np.shares_memory(as_sequences(X).values, X)
    sequences = as_sequences(X)
    assert as_sequences(sequences) is sequences


@pytest.mark.parametrize(
    "X",
    [
        ["abc", "ba"],
        np.array(["abc", "ba"]),
        pd.Series(["abc", "ba"]),
        pd.DataFrame({"word": ["abc", "ba"]}),
        [["a", "b", "c"], ["b", "a"]],
        [np.array(["a", "b", "c"]), np.array(["b", "a"])],
        objects([["a", "b", "c"], ["b", "a"]]),
    ],
    ids=lambda X: type(X).__name__,
)
def test_strings_are_sequences_of_characters(X):
    sequences = as_sequences(X)
    assert [s.ravel().tolist() for s in sequences] == [["a", "b", "c"], ["b", "a"]]


def test_words_in_lists_are_symbols_of_their_own():
    X = as_sequences([["walk", "run"], ["run", "walk"]])
    assert X[0].ravel().tolist() == ["walk", "run"]
    for words in ([["walk"], ["run"]], np.array([["walk"], ["run"]])):
        assert as_sequences(words)[0].ravel().tolist() == ["walk"]


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5))
def test_every_character_is_a_step(words):
    assert ["".join(s.ravel()) for s in as_sequences(words)] == words or any(
        "\x00" in w for w in words
    )


def test_small_types():
    assert as_sequences(np.ones((2, 3), dtype=bool)).dtype == np.uint8
    assert as_sequences(np.ones((2, 3), dtype=np.float16)).dtype == np.float16


def test_frames():
    frame = sequence_frame([np.zeros((2, 3)), np.zeros((4, 3))], name="signal")
    assert list(frame.columns) == ["signal"]
    assert [cell.shape for cell in frame["signal"]] == [(2, 3), (4, 3)]
    series = pd.Series([np.zeros(2), np.zeros(3)], index=["p", "q"])
    assert list(sequence_frame(series).index) == ["p", "q"]


BAD_CONTAINERS = {
    "1-D array": (np.zeros(3), ValueError, "Expected 2D array, got 1D array instead"),
    "flat list": ([1, 2, 3], ValueError, "Expected 2D array, got 1D array instead"),
    "number": (5, ValueError, "Expected 2D array, got 0D"),
    "one string": ("abc", TypeError, r'X is a str.* passed in a list: \["ab"\]'),
    "dict": ({"a": np.zeros(3)}, TypeError, r"X is a dict.* Pass list\(X.values\(\)\)"),
    "generator": ((x for x in ROWS), TypeError, r"X is a generator.* Pass list\(X\)"),
    "groups": (
        pd.DataFrame({"id": [1, 1, 2], "v": 0.0}).groupby("id"),
        TypeError,
        "X is a DataFrameGroupBy.* skseq.formats.from_long",
    ),
    "None": (None, TypeError, "X is a NoneType, not a container"),
    "4-D array": (np.zeros((2, 2, 2, 2)), ValueError, "Expected 2D array, got 4D"),
    "no steps": (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "complex": (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
    "complex cell": ([np.ones(2), np.ones(3) * 1j], ValueError, "sequence 1 of X"),
    "dates": (np.zeros((2, 2), "M8[s]"), ValueError, "use numbers or strings"),
    "channels differ": (
        [np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((4, 1))],
        ValueError,
        "Sequence 2 of X has 1 channels, but sequence 0 has 2",
    ),
    "3-D cell": (
        [np.zeros((1, 2, 3)), np.zeros(2)],
        ValueError,
        "Sequence 0 of X has 3 dim",
    ),
    "cell is a dict": (
        [np.zeros(2), {}],
        TypeError,
        "Sequence 1 of X is a dict, not an array",
    ),
    "cell is None": (
        objects([np.zeros(2), None]),
        TypeError,
        "Sequence 1 of X is a NoneType",
    ),
    "cell is a number": (
        objects([np.zeros(2), 3.0]),
        TypeError,
        "Sequence 1 of X is a float",
    ),
    "cells in two columns": (
        objects([np.zeros(1), np.zeros(2), np.zeros(3), np.zeros(4)], (2, 2)),
        TypeError,
        "single column",
    ),
    "steps differ": (
        [[[1, 2], [3]], [[1, 2]]],
        ValueError,
        "Sequence 0 of X is a list whose",
    ),
    "sequences in two columns of a frame": (
        pd.DataFrame({"a": [[1, 2], [3]], "b": [[1, 2], [3]]}),
        TypeError,
        r"column 'a' of X has .* \(list\).* argument must be a string or a number.* "
        "single column, so join channels by np.column_stack",
    ),
    "a frame of strings and numbers": (
        [pd.DataFrame({"v": [1.0, 2.0], "k": ["1", "2"]})],
        ValueError,
        "columns of sequence 0 of X mix strings with numbers: 'k' has strings, 'v' has",
    ),
    "a column of strings and numbers": (
        [pd.DataFrame({"v": [1.0, 2.0], "k": ["1", 2]})],
        ValueError,
        "column 'k' of sequence 0 of X mixes strings with numbers",
    ),
    "a string is missing": (
        pd.DataFrame({"k": ["a", None], "l": ["b", "c"]}),
        ValueError,
        "Row 1 has no value in column 'k' of X",
    ),
    "strings and numbers": ([["a", 1], ["b", 2]], ValueError, "mixes strings with numbers"),
    "a string and numbers": (
        [np.array(["a"]), np.array([1, 2])],
        ValueError,
        "Sequence 1 of X and sequence 0 mix strings with numbers",
    ),
}


@pytest.mark.parametrize(
    ("X", "error", "message"), BAD_CONTAINERS.values(), ids=BAD_CONTAINERS
)
def test_what_is_no_container_of_sequences(X, error, message):
    with pytest.raises(error, match=message):
        as_sequences(X)


def test_sparse_input_says_what_to_do():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"Sparse data .* X.toarray\(\)"):
        as_sequences(sparse.csr_array(np.eye(3)))


def test_what_map_needs():
    X = as_sequences([np.zeros((2, 2)), np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"shape \(\) for sequence 0; it must return"):
        X.map(np.mean)
    with pytest.raises(ValueError, match="3 channels for sequence 1, but 2 for"):
        X.map(lambda x: x if len(x) == 2 else np.zeros((1, 3)))


# What the steps must be like.


def test_no_sequences_and_empty_ones():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        check_steps(as_sequences([]), "X")
    with pytest.raises(ValueError, match="Sequence 1 of X is empty"):
        check_steps(as_sequences([np.zeros(2), np.zeros(0)]), "X")


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "inf")])
def test_a_bad_value_is_named_by_position(value, what):
    X = [np.zeros((3, 2)), np.zeros((4, 2)), np.zeros((2, 2))]
    X[1][2, 1] = value
    with pytest.raises(ValueError, match=f"contains {what}: sequence 1 at time step 2"):
        check_steps(as_sequences(X), "X")
    # A row that is not used may hold anything.
    check_steps(as_sequences(X)[[0, 2]], "X")


def test_a_bad_value_in_a_later_chunk(monkeypatch):
    monkeypatch.setattr("skseq._data.sequences.CHUNK_STEPS", 4)
    X = [np.zeros(3) for _ in range(9)]
    X[7][1] = np.nan
    with pytest.raises(ValueError, match="sequence 7 at time step 1"):
        check_steps(as_sequences(X), "X")
