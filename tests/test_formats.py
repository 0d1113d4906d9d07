"""Columnar containers, and every form that sequences are read from and written to."""

import sys
import warnings
from datetime import date, datetime, time, timedelta
from importlib.util import find_spec

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler

from skseq import LSTMSequenceClassifier, SequenceArray, as_sequences, sequence_frame
from skseq._data.columnar import open_column, read_column
from skseq.formats import (
    from_long,
    from_multiindex,
    from_np_list,
    from_numpy3d,
    to_awkward,
    to_long,
    to_multiindex,
    to_nested_tensor,
    to_np_list,
    to_numpy3d,
    to_polars,
    to_pyarrow,
    to_tensors,
)
from skseq.preprocessing import Crop, Jitter, PerTimestep, sliding_windows

# Containers as their own libraries build them, from a list of arrays.


def lists(arrays):
    """Lists of numbers, or of lists of channels if there are several."""
    return [a[:, 0].tolist() if a.shape[1] == 1 else a.tolist() for a in arrays]


def polars_type(arrays, channels=pl.Array):
    n, inner = arrays[0].shape[1], pl.Series(arrays[0].ravel()).dtype
    if n == 1:
        return pl.List(inner)
    return pl.List(channels(inner, n) if channels is pl.Array else pl.List(inner))


def arrow_type(arrays, outer=pa.list_):
    n, inner = arrays[0].shape[1], pa.array(arrays[0].ravel()).type
    return outer(inner if n == 1 else pa.list_(inner, n))


def arrow(arrays, outer=pa.list_):
    return pa.array(lists(arrays), arrow_type(arrays, outer))


def polars(arrays, channels=pl.Array):
    return pl.Series("s", lists(arrays), dtype=polars_type(arrays, channels))


def tensors(arrays):
    return [torch.tensor(a[:, 0] if a.shape[1] == 1 else a) for a in arrays]


def strided(arrays):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: a prototype
        return torch.nested.nested_tensor(tensors(arrays))


def jagged(arrays):
    return torch.nested.nested_tensor(tensors(arrays), layout=torch.jagged)


COLUMNS = {
    "polars": polars,
    "polars lists": lambda a: polars(a, pl.List),
    "polars slice": lambda a: polars([a[-1][:1], *a, *a])[1 : len(a) + 1],
    "polars chunks": lambda a: pl.concat([polars(a[:1]), polars(a)[1:]], rechunk=False),
    "polars frame": lambda a: polars(a).to_frame(),
    "arrow": arrow,
    "arrow large": lambda a: arrow(a, pa.large_list),
    "arrow view": lambda a: arrow(a, pa.list_view),
    "arrow slice": lambda a: arrow([a[-1][:1], *a, *a])[1 : len(a) + 1],
    "arrow chunk": lambda a: pa.chunked_array([arrow(a)]),
    "arrow chunks": lambda a: pa.chunked_array([arrow(a[:1]), arrow(a)[1:]]),
    "arrow table": lambda a: pa.table({"s": arrow(a)}),
    "arrow batch": lambda a: pa.record_batch({"s": arrow(a)}),
    "arrow scalars": lambda a: list(arrow(a)),
    "awkward": lambda a: ak.Array(lists(a)),
    "awkward fixed channels": lambda a: ak.unflatten(
        np.concatenate(lists(a)), [len(s) for s in a]
    ),
    "awkward picked": lambda a: ak.Array(lists([*a[::-1], *a]))[len(a) - 1 :: -1],
    "awkward rows": lambda a: list(ak.Array(lists(a))),
    "polars rows": lambda a: list(polars(a, pl.List)),
}
TENSORS = {"tensors": tensors, "strided": strided, "jagged": jagged}
CONTAINERS = COLUMNS | TENSORS


@st.composite
def ragged_arrays(draw, elements=None, max_channels=3):
    """Arrays (n_timesteps, n_channels) of one number of channels and one dtype."""
    n_channels = draw(st.integers(1, max_channels))
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    steps = draw(
        hnp.arrays(
            np.float64 if elements is None else elements[0],
            (sum(lengths), n_channels),
            elements=st.floats(-100, 100) if elements is None else elements[1],
        )
    )
    return np.split(steps, np.cumsum(lengths)[:-1])


symbol_arrays = ragged_arrays(("<U3", st.sampled_from(["a", "bc", "ä"])), 1)
any_arrays = st.one_of(
    ragged_arrays(),
    symbol_arrays,
    *(
        ragged_arrays((dtype, st.integers(0, 9)))
        for dtype in (np.float32, np.int64, np.int32, np.uint8)
    ),
)


def same(X, arrays):
    sequences = as_sequences(X)
    assert len(sequences) == len(arrays)
    for sequence, array in zip(sequences, arrays, strict=True):
        np.testing.assert_array_equal(sequence, array, strict=array.dtype.kind != "U")


def small(**parameters):
    return LSTMSequenceClassifier(
        hidden_size=4, max_epochs=1, validation_fraction=None, random_state=0, **parameters
    )


def fitted(X, **parameters):
    return small(**parameters).fit(X, np.arange(len(as_sequences(X))) % 2)


rng = np.random.default_rng(0)
NUMBERS = [rng.normal(size=(n, 2)) for n in (3, 1, 6, 4, 2, 5, 3, 1)]
WORDS = [rng.choice(["a", "bc", "ä"], size=(n, 1)) for n in (3, 1, 6, 4, 2, 5, 3, 1)]
CODES = [rng.integers(0, 4, size=(n, 1)) for n in (3, 1, 6, 4, 2, 5, 3, 1)]
Y = np.arange(8) % 2
AS_TABLE = {"pandas": lambda f: f, "polars": pl.from_pandas, "arrow": pa.Table.from_pandas}
BY_CHANNELS = [fitted([a[:, :1].repeat(c, axis=1) for a in NUMBERS]) for c in (1, 2, 3)]
FROM_ARRAYS = fitted(NUMBERS)
READS_WORDS = fitted(WORDS, embedding_dim=3)
READS_CODES = fitted(CODES, embedding_dim=3)


# Reading.


@settings(max_examples=10)
@given(ragged_arrays())
def test_predictions_are_the_same_bits_from_every_container(arrays):
    model = BY_CHANNELS[arrays[0].shape[1] - 1]
    expected = model.predict_proba(arrays)
    for name, build in CONTAINERS.items():
        X = build(arrays)
        same(X, arrays)
        assert model.predict_proba(X).tobytes() == expected.tobytes(), name


@settings(max_examples=6)
@given(symbol_arrays)
def test_strings_are_symbols_in_every_column(arrays):
    expected = READS_WORDS.predict_proba(arrays)
    for name, build in COLUMNS.items():
        X = build(arrays)
        same(X, arrays)
        assert READS_WORDS.predict_proba(X).tobytes() == expected.tobytes(), name


@settings(max_examples=6)
@given(ragged_arrays((np.int64, st.integers(0, 3)), 1))
def test_integers_are_symbols_in_every_container(arrays):
    expected = READS_CODES.predict_proba(arrays)
    for name, build in CONTAINERS.items():
        X = build(arrays)
        same(X, arrays)
        assert READS_CODES.predict_proba(X).tobytes() == expected.tobytes(), name


@pytest.mark.parametrize("build", CONTAINERS.values(), ids=CONTAINERS)
def test_fits_are_the_same_and_read_channels(build):
    model = fitted(build(NUMBERS))
    assert model.n_channels_ == 2
    expected = FROM_ARRAYS.predict_proba(NUMBERS)
    assert model.predict_proba(NUMBERS).tobytes() == expected.tobytes()


TEXTS = ["abba", "ä", "ba"]
TEXT_COLUMNS = {
    "polars": pl.Series(TEXTS),
    "polars categories": pl.Series(TEXTS, dtype=pl.Categorical),
    "polars frame": pl.DataFrame({"s": TEXTS}),
    "arrow": pa.array(TEXTS),
    "arrow large": pa.array(TEXTS, pa.large_string()),
    "arrow view": pa.array(TEXTS, pa.string_view()),
    "arrow dictionary": pa.array(TEXTS).dictionary_encode(),
    "arrow chunks": pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
    "arrow table": pa.table({"s": TEXTS}),
    "awkward": ak.Array(TEXTS),
}


@pytest.mark.parametrize("X", TEXT_COLUMNS.values(), ids=TEXT_COLUMNS)
def test_a_column_of_strings_has_characters_as_steps(X):
    same(X, [np.array(list(text))[:, None] for text in TEXTS])


@pytest.mark.parametrize(
    "X",
    [
        pl.Series([["a", "b"], ["b"]], dtype=pl.List(pl.Categorical)),
        pa.array([["a", "b"], ["b"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        pd.Series([["a", "b"], ["b"]], dtype=pd.ArrowDtype(pa.list_(pa.string()))),
    ],
    ids=["polars", "arrow", "pandas"],
)
def test_categories_in_lists_are_symbols(X):
    same(X, [np.array([["a"], ["b"]]), np.array([["b"]])])


@pytest.mark.parametrize("build", [pl.Series, pa.array, ak.Array])
def test_booleans_become_small_integers(build):
    sequences = as_sequences(build([[True, False], [True]]))
    assert sequences.dtype == np.uint8
    assert sequences.values.ravel().tolist() == [1, 0, 1]


def test_lists_of_one_length_are_sequences_not_a_table():
    lists = [[1.0, 2.0], [3.0, 4.0]]
    for X in (
        pl.Series(lists, dtype=pl.Array(pl.Float64, 2)),
        pa.array(lists, pa.list_(pa.float64(), 2)),
        ak.Array(np.array(lists)),
    ):
        assert fitted(X).n_features_in_ == 1
        same(X, [np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])])
    cube = np.arange(12.0).reshape(2, 3, 2)
    same(pl.Series(cube), list(cube))


def test_frames_of_numbers_are_tables():
    table = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0], [0.0, 1.0, 0.0], [2.0, 2.0, 1.0]])
    names = ["p", "q", "r"]
    frames = {
        pl.DataFrame: pl.DataFrame(table, schema=names),
        pa.Table: pa.table(dict(zip(names, table.T, strict=True))),
    }
    for kind, frame in frames.items():
        model = fitted(frame)
        assert model.n_features_in_ == 3
        more, _ = Jitter(factor=2, random_state=0).fit_resample(frame, [0, 1, 0, 1])
        assert type(more) is kind
        assert model.predict(more).shape == (8,)
        if find_spec("sklearn.callback") is None:
            continue  # scikit-learn before 1.9 does not see the names of such columns
        assert model.feature_names_in_.tolist() == names
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame.select(["q", "p", "r"]))


TIMES = {
    "datetime": datetime(2020, 1, 1),
    "date": date(2020, 1, 1),
    "time": time(12),
    "duration": timedelta(hours=1),
}


@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_dates_are_refused(kind, when):
    frame = kind({"v": [1.0, 2.0], "when": [when, when]})
    only = kind({"when": [when, when]})
    is_bad = "has dates or times .* use numbers or strings"
    for X in (frame, only):
        with pytest.raises(ValueError, match=f"column 'when' of X {is_bad}"):
            as_sequences(X)
    with pytest.raises(ValueError, match=f"column 'when' of sequence 0 of X {is_bad}"):
        as_sequences([frame, frame])
    with pytest.raises(ValueError, match=f"column 'when' of series {is_bad}"):
        sliding_windows(frame, 1, target="v")
    for X in ([[when, when]], [only["when"]], np.array([[when]], "O")):
        with pytest.raises(ValueError, match=is_bad):
            as_sequences(X)


@pytest.mark.parametrize("build", AS_TABLE.values(), ids=AS_TABLE)
def test_nulls_in_frames_of_numbers_are_nan(build):
    frame = pd.DataFrame(
        {"a": [1, 2, None], "b": [0.5, None, 1.5], "c": [True, None, False]}
    )
    expected = [[1.0, 0.5, 1.0], [2.0, np.nan, np.nan], [np.nan, 1.5, 0.0]]
    table = build(frame.convert_dtypes())
    for X in (table, [table]):
        found = as_sequences(X).values.reshape(3, 3)
        np.testing.assert_array_equal(found, expected)
    filled = PerTimestep(SimpleImputer()).fit_transform([table, table])
    assert filled[0].tolist() == [[1.0, 0.5, 1.0], [2.0, 1.0, 0.5], [1.5, 1.5, 0.0]]


@pytest.mark.parametrize("build", AS_TABLE.values(), ids=AS_TABLE)
def test_lists_of_frames(build):
    X = [build(pd.DataFrame(a, columns=["p", "q"])) for a in NUMBERS]
    same(X, NUMBERS)
    more, _ = Jitter(factor=2, random_state=0).fit_resample(X, Y)
    assert type(more[-1]) is type(X[0])
    swapped = build(pd.DataFrame(NUMBERS[1], columns=["q", "p"]))
    with pytest.raises(ValueError, match=r"Sequence 1 of X has the columns \['q', 'p'\]"):
        as_sequences([X[0], swapped])


# Memory.


def address(array):
    return array.__array_interface__["data"][0]


NUMERIC_TYPES = [np.float64, np.float32, np.int64, np.uint8]


@pytest.mark.parametrize("dtype", NUMERIC_TYPES)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_reading_shares_memory(dtype, n_channels):
    block = np.arange(30).reshape(10, 3).astype(dtype)[:, :n_channels].copy()
    flat = pa.array(block.ravel())
    steps = flat if n_channels == 1 else pa.FixedSizeListArray.from_arrays(flat, n_channels)
    for kind in (pa.ListArray, pa.LargeListArray):
        array = kind.from_arrays([0, 4, 5, 10], steps)
        for X in (array, pa.chunked_array([array]), pa.table({"s": array})):
            assert address(as_sequences(X).values) == address(block)
        assert address(as_sequences(array[1:]).values) == address(block[4:])
    equal = pa.FixedSizeListArray.from_arrays(steps, 5)
    assert address(as_sequences(equal).values) == address(block)
    series = pl.from_arrow(array)
    assert np.shares_memory(as_sequences(series).values, as_sequences(series).values)
    assert np.shares_memory(as_sequences(series).values, as_sequences(series[1:]).values)
    awkward = ak.unflatten(block if n_channels > 1 else block[:, 0], [4, 1, 5])
    assert address(as_sequences(awkward).values) == address(block)
    assert address(as_sequences(awkward[1:]).values) == address(block[4:])
    offsets = torch.tensor([0, 4, 5, 10])
    jagged = torch.nested.nested_tensor_from_jagged(torch.from_numpy(block), offsets)
    assert address(as_sequences(jagged).values) == address(block)
    nested = strided(np.split(block, [4, 5]))
    assert as_sequences(nested).values.ctypes.data == nested.values().data_ptr()


@pytest.mark.parametrize("n_channels", [1, 3])
def test_writing_shares_memory(n_channels):
    block = np.arange(30.0).reshape(10, 3)[:, :n_channels].copy()
    X = SequenceArray(block, [4, 1, 5])
    for written in (to_pyarrow(X), to_awkward(X), to_nested_tensor(X)):
        assert address(as_sequences(written).values) == address(block)
    assert to_tensors(X)[0].data_ptr() == address(block)


def test_what_may_not_be_written_to_is_copied():
    block = np.arange(10.0)[:, None]
    block.flags.writeable = False
    tensor = to_tensors(SequenceArray(block, [4, 6]))[0]
    tensor[0] = 7.0
    assert block[0] == 0.0


def test_an_arrow_file_stays_on_disk(tmp_path):
    table = pa.table({"s": arrow(NUMBERS)})
    with pa.ipc.new_file(tmp_path / "s.arrow", table.schema) as writer:
        writer.write(table)
    with pa.memory_map(str(tmp_path / "s.arrow")) as source:
        loaded = pa.ipc.open_file(source).read_all()
        before = pa.total_allocated_bytes()
        sequences = as_sequences(loaded)
        assert pa.total_allocated_bytes() == before
        same(sequences, NUMBERS)
    fitted(sequences)


# What cannot be read.


FLOATS, PAIRS = pa.list_(pa.float64()), pa.list_(pa.list_(pa.float64(), 2))
BAD_COLUMNS = {
    "null step": (
        [[1.0, 2.0], [3.0, None], [4.0]],
        "Sequence 1 of X has a null at time step 1",
    ),
    "null list": ([[1.0], [2.0], None], "Sequence 2 of X is null"),
    "null word": ([["a"], ["b", "c", None]], "Sequence 1 of X has a null at time step 2"),
    "null string": (["ab", None], "Sequence 1 of X is null"),
    "null channel": (
        [[[1.0, 2.0]], [[1.0, 2.0], [3.0, None]]],
        "Sequence 1 of X has a null at time step 1",
    ),
    "null channels": ([[[1.0, 2.0]], [None]], "Sequence 1 of X has a null at time step 0"),
    "channels differ": (
        [[[1.0, 2.0]], [[1.0, 2.0], [3.0]]],
        "Sequence 1 of X has another number of channels at time step 1",
    ),
    "4 levels": ([[[[1.0]]]], "more than 2 dimensions"),
    "numbers": ([1.0, 2.0], "Expected 2D array, got 1D array"),
}
LIBRARIES = {"polars": pl.Series, "arrow": pa.array, "awkward": ak.Array}


@pytest.mark.parametrize(("rows", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
@pytest.mark.parametrize("build", LIBRARIES.values(), ids=LIBRARIES)
def test_what_cannot_be_read_is_named_by_position(build, rows, message):
    with pytest.raises(ValueError, match=message):
        as_sequences(build(rows))


def test_nulls_outside_of_a_slice_do_not_matter():
    rows = [[None, 1.0], [2.0, 3.0], [4.0], None]
    for X in (pl.Series(rows)[1:3], pa.array(rows)[1:3], ak.Array(rows)[1:3]):
        same(X, [np.array([[2.0], [3.0]]), np.array([[4.0]])])


def test_one_row_that_is_a_column_is_named_by_position():
    with pytest.raises(ValueError, match="Step 1 of sequence 1 of X is null"):
        as_sequences([pl.Series(["a"]), pl.Series(["a", None])])
    with pytest.raises(ValueError, match="Sequence 1 of X is a list whose steps differ"):
        as_sequences([pa.array([[1, 2]]), pa.array([[1, 2], [3]])])


@pytest.mark.parametrize("rows", [[[1.0, "a"]], [[1.0], 2.0]])
def test_awkward_unions_are_an_error(rows):
    with pytest.raises(TypeError, match="union"):
        as_sequences(ak.Array(rows))


def test_empty_ones_and_lazy_ones():
    for X in (pl.Series([[1.0], []]), pa.array([[1.0], []]), ak.Array([[1.0], []])):
        assert as_sequences(X).lengths.tolist() == [1, 0]
        with pytest.raises(ValueError, match="Sequence 1 of X is empty"):
            fitted(X)
    for X in (pl.Series([], dtype=pl.List(pl.Float64)), pa.array([], FLOATS), ak.Array([])):
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            fitted(X)
    with pytest.raises(TypeError, match=r"pass X.collect\(\)"):
        as_sequences(pl.LazyFrame({"s": [[1.0]]}))


def test_nested_tensors_in_which_something_else_varies():
    channels_vary = jagged(NUMBERS).transpose(1, 2)
    with pytest.raises(ValueError, match="channels, but sequence 0 has 3"):
        as_sequences(channels_vary)
    narrowed = torch.nested.narrow(
        torch.arange(12.0).reshape(3, 4),
        1,
        torch.tensor([0, 1, 0]),
        torch.tensor([2, 3, 1]),
        layout=torch.jagged,
    )
    assert [s.ravel().tolist() for s in as_sequences(narrowed)] == [[0, 1], [5, 6, 7], [8]]


# What scikit-learn does with them.


def scored_and_searched(X):
    scores = cross_val_score(small(), X, Y, cv=2, scoring="neg_log_loss")
    search = GridSearchCV(small(), {"hidden_size": [2]}, cv=2).fit(X, Y)
    return scores, search.predict_proba(X)


EXPECTED = scored_and_searched(NUMBERS)
INDEXED = {name: build for name, build in COLUMNS.items() if name != "arrow batch"}


@pytest.mark.parametrize("build", INDEXED.values(), ids=INDEXED)
def test_scikit_learn_splits_and_searches(build):
    X = build(NUMBERS)
    train, test = train_test_split(X, test_size=3, random_state=0)
    expected = train_test_split(NUMBERS, test_size=3, random_state=0)
    same(train, expected[0])
    same(test, expected[1])
    if not isinstance(X, ak.Array):
        assert type(train) is type(X)
    scores, probabilities = scored_and_searched(X)
    assert scores.tolist() == EXPECTED[0].tolist()
    assert probabilities.tobytes() == EXPECTED[1].tobytes()


@pytest.mark.parametrize("build", [strided, jagged])
def test_scikit_learn_splits_nested_tensors_as_sequences(build):
    X = build(NUMBERS)
    with pytest.raises((RuntimeError, NotImplementedError)):
        train_test_split(X)
    same(train_test_split(as_sequences(X), shuffle=False)[0], NUMBERS[:6])


# The same kind of container comes back.

ROWS = ("arrow scalars", "awkward rows", "polars rows")
KINDS = {name: build for name, build in COLUMNS.items() if name not in ROWS}


@pytest.mark.parametrize("arrays", [NUMBERS, WORDS], ids=["numbers", "words"])
@pytest.mark.parametrize("build", KINDS.values(), ids=KINDS)
def test_samplers_return_the_same_kind(build, arrays):
    X = build(arrays)
    sampler = Crop(factor=2, random_state=0)
    more, more_y = sampler.fit_resample(X, Y)
    assert isinstance(more, (type(X), pa.LargeListArray))
    assert len(more) == len(more_y) == 16
    same(more, list(as_sequences(sampler.fit_resample(arrays, Y)[0])))
    if isinstance(X, (pl.Series, pl.DataFrame, pa.Table)):
        assert names_of(more) == names_of(X)


def names_of(X):
    return X.name if isinstance(X, pl.Series) else getattr(X, "column_names", X.columns)


@pytest.mark.parametrize("X", TEXT_COLUMNS.values(), ids=TEXT_COLUMNS)
def test_columns_of_strings_stay_such(X):
    more, _ = Crop(factor=2, random_state=0).fit_resample(X, [0, 1, 1])
    column = open_column(more)
    assert column.is_text
    assert read_column(column, "X")[:3] == TEXTS


@pytest.mark.parametrize("build", [strided, jagged])
def test_nested_tensors_keep_their_layout(build):
    X = build(NUMBERS)
    more, _ = Jitter(factor=2, random_state=0).fit_resample(X, Y)
    assert more.is_nested
    assert more.layout == X.layout
    same(list(more.unbind())[:8], NUMBERS)


@pytest.mark.parametrize("build", COLUMNS.values(), ids=COLUMNS)
def test_other_tools_take_columns(build):
    X = build(NUMBERS)
    frame = sequence_frame(X)
    assert isinstance(frame, pd.DataFrame)
    same(frame, NUMBERS)
    scaled = PerTimestep(StandardScaler()).fit_transform(X)
    same(scaled, list(PerTimestep(StandardScaler()).fit_transform(NUMBERS)))


# Writing, and reading again.


@settings(max_examples=40)
@given(any_arrays)
def test_what_is_written_reads_the_same(arrays):
    X = as_sequences(arrays)
    for write in (to_polars, to_pyarrow, to_awkward, list):
        same(write(X), arrays)
    same(from_np_list(to_np_list(X)), arrays)
    if X.dtype.kind != "U":
        for write in (to_tensors, to_nested_tensor, strided_again):
            same(write(X), arrays)
    values = [f"x{k}" for k in range(X.n_channels)]
    for read in (
        from_long(to_long(X), id="id", time="time", values=values),
        from_multiindex(to_multiindex(X)),
    ):
        same(read[0], arrays)
        assert read[1].tolist() == list(range(len(arrays)))
    equal = X[X.lengths == X.lengths[0]]
    panel = to_numpy3d(equal)
    assert panel.shape == (len(equal), X.n_channels, X.lengths[0])
    assert panel.flags.c_contiguous
    same(from_numpy3d(panel), list(equal))


def strided_again(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: a prototype
        return to_nested_tensor(X, layout=torch.strided)


@settings(max_examples=20)
@given(ragged_arrays(), st.data())
def test_rows_in_any_order_are_written_in_that_order(arrays, data):
    picked = data.draw(st.lists(st.integers(0, len(arrays) - 1), min_size=1, max_size=5))
    X = as_sequences(arrays)[picked]
    for write in (to_polars, to_pyarrow, to_awkward, to_nested_tensor, to_tensors):
        same(write(X), [arrays[i] for i in picked])
    same(from_multiindex(to_multiindex(X))[0], [arrays[i] for i in picked])


def test_types_that_are_written():
    X = as_sequences(NUMBERS)
    assert to_polars(X, "s").name == "s"
    assert to_polars(X).dtype == pl.List(pl.Array(pl.Float64, 2))
    assert to_polars(WORDS).dtype == pl.List(pl.String)
    assert to_pyarrow(X).type == pa.large_list(pa.list_(pa.float64(), 2))
    assert to_pyarrow(WORDS).type == pa.large_list(pa.string())
    assert to_awkward(X).typestr == "8 * var * 2 * float64"
    assert to_awkward(WORDS).typestr == "8 * var * string"
    assert to_nested_tensor(X).layout == torch.jagged
    assert to_nested_tensor(CODES).dim() == 2


def test_numbers_in_the_other_byte_order_are_written():
    numbers = np.arange(6.0)[:, None]
    X = SequenceArray(numbers.astype(">f8"), [1, 5])
    writers = (to_tensors, to_nested_tensor, to_polars, to_pyarrow, to_awkward)
    for write in writers:
        same(write(X), [numbers[:1], numbers[1:]])


def test_what_cannot_be_written():
    with pytest.raises(ValueError, match="1 to 6 steps, but numpy3D needs one length"):
        to_numpy3d(NUMBERS)
    for write in (to_tensors, to_nested_tensor):
        with pytest.raises(ValueError, match="holds no strings"):
            write(WORDS)
    with pytest.raises(ValueError, match="Sequence 1 of X is empty"):
        to_long([np.zeros(2), np.zeros(0)])
    with pytest.raises(ValueError, match="there are 2, of which 1 differ"):
        to_long(NUMBERS[:2], ids=["a", "a"])
    with pytest.raises(ValueError, match="there are 1, of which 1 differ"):
        to_long(NUMBERS[:2], ids=["a"])
    with pytest.raises(ValueError, match="one for each of the 2 channels"):
        to_long(NUMBERS, values="x")
    with pytest.raises(ValueError, match="all different"):
        to_long(NUMBERS, values=["id", "x"])


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars"):
        to_polars(NUMBERS)


def test_no_library_is_imported_to_recognise_it(monkeypatch):
    for name in ("awkward", "pandas", "polars", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises
    for X in (NUMBERS, tensors(NUMBERS), jagged(NUMBERS), tuple(NUMBERS)):
        same(X, NUMBERS)
    assert as_sequences(["ab", "c"]).lengths.tolist() == [2, 1]


# Panels whose last axis is time.


def test_numpy3d_has_channels_before_time():
    panel = np.arange(24.0).reshape(2, 3, 4)
    assert from_numpy3d(panel)[1].tolist() == panel[1].T.tolist()
    assert from_np_list(list(panel))[1].tolist() == panel[1].T.tolist()
    assert to_numpy3d(panel)[1].tolist() == panel[1].T.tolist()
    assert to_np_list(panel)[1].tolist() == panel[1].T.tolist()


def test_panels_of_another_shape():
    with pytest.raises(ValueError, match=r"n_channels, n_timesteps\) is needed.*\(2, 3\)"):
        from_numpy3d(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"Sequence 1 has the shape \(3,\)"):
        from_np_list([np.zeros((2, 3)), np.zeros(3)])
    with pytest.raises(ValueError, match="Sequence 1 of X has 1 channels"):
        from_np_list([np.zeros((2, 3)), np.zeros((1, 3))])


def test_multiindex_is_that_of_sktime():
    frame = to_multiindex(NUMBERS, ids=list("hgfedcba"), values=["p", "q"])
    assert frame.index.names == ["instances", "timepoints"]
    assert frame.loc["g", "q"].tolist() == NUMBERS[1][:, 1].tolist()
    X, ids = from_multiindex(frame.sample(frac=1, random_state=0).sort_index(level=0))
    assert ids.tolist() == list("abcdefgh")
    same(X, NUMBERS[::-1])
    for wrong in (pd.DataFrame({"x": [1.0]}), NUMBERS):
        with pytest.raises(ValueError, match="from_long for ids and times in columns"):
            from_multiindex(wrong)


# Tables in long format.

NAMES = {"id": "who", "time": "when", "values": ["x", "y"]}


@settings(max_examples=20)
@given(st.data())
def test_long_rows_in_any_order(data):
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    who = np.repeat([f"id{i}" for i in range(len(lengths))], lengths)
    when = np.concatenate([np.arange(n) * 10 - 5 for n in lengths])
    xy = np.arange(2.0 * len(who)).reshape(-1, 2)
    frame = pd.DataFrame({"who": who, "when": when, "x": xy[:, 0], "y": xy[:, 1]})
    frame = frame.iloc[data.draw(st.permutations(range(len(frame))))]
    order = list(dict.fromkeys(frame["who"]))
    expected = [
        frame[frame["who"] == i].sort_values("when")[["x", "y"]].to_numpy() for i in order
    ]
    unsorted = [frame[frame["who"] == i][["x", "y"]].to_numpy() for i in order]
    for build in AS_TABLE.values():
        X, ids = from_long(build(frame), **NAMES)
        same(X, expected)
        assert ids.tolist() == order
        same(from_long(build(frame), **(NAMES | {"time": None}))[0], unsorted)


DATES = pd.to_datetime(["2024-01-10", "2024-01-09", "2024-01-08"])
LONG = pd.DataFrame(
    {
        "who": [1, 1, 2],
        "when": DATES,
        "x": [1, 2, 3],
        "y": [0.5, np.nan, 1.5],
        "word": ["E66", "E65", "Z"],
        "flag": [True, False, True],
        "gap": ["a", None, "b"],
    }
)


@pytest.mark.parametrize("build", AS_TABLE.values(), ids=AS_TABLE)
def test_kinds_of_columns(build):
    table = build(LONG)

    def read(values):
        return from_long(table, id="who", time="when", values=values)[0]

    assert read("x").dtype == np.int64
    assert read("x").values.ravel().tolist() == [2, 1, 3]
    assert read(["y", "x"]).dtype == np.float64
    assert np.isnan(read("y").values).ravel().tolist() == [True, False, False]
    assert read("word").values.ravel().tolist() == ["E65", "E66", "Z"]
    assert read("flag").dtype == np.uint8
    with pytest.raises(ValueError, match="mix strings with numbers"):
        read(["x", "word"])
    with pytest.raises(ValueError, match="Row 1 has no value in column 'gap'"):
        read("gap")
    with pytest.raises(ValueError, match="use numbers or strings"):
        read("when")


@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
def test_times_of_every_kind(zone):
    for times in (
        DATES.tz_localize(zone),
        DATES.to_period("D"),
        DATES - DATES[0],
        [3, 2, 1],
    ):
        frame = pd.DataFrame({"who": ["a"] * 3, "when": times, "x": [1.0, 2.0, 3.0]})
        X, _ = from_long(frame, id="who", time="when", values="x")
        assert X.values.ravel().tolist() == [3.0, 2.0, 1.0]


BAD_TABLES = {
    "no such column": ({"time": "wen"}, "df has no columns 'wen', but one is needed"),
    "index": ({"df": LONG.set_index("who")}, r"is in the index: pass df.reset_index\(\)"),
    "double column": ({"df": LONG[["who", "when", "x", "x"]]}, "df has 2 columns 'x'"),
    "time twice": (
        {"df": pd.concat([LONG, LONG[2:]])},
        "Sequence 2 has the time 2024-01-08.* in 'when' more than once",
    ),
    "no id": ({"id": "y"}, "Row 1 has no value in 'y'"),
    "no time": ({"time": "y"}, "Row 1 has no value in 'y'"),
    "times are strings": ({"time": "word"}, "'10' comes before '9'"),
    "no channel": ({"values": []}, "No column is named"),
    "list": ({"df": [1, 2]}, "not a list"),
    "lazy": ({"df": pl.LazyFrame({"who": [1]})}, r"pass X.collect\(\)"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_what_is_wrong_with_a_long_table(changes, message):
    arguments = {"df": LONG, "id": "who", "time": "when", "values": "x"} | changes
    with pytest.raises((ValueError, TypeError), match=message):
        from_long(arguments.pop("df"), **arguments)


def test_targets_line_up_with_the_ids():
    shuffled = to_long(NUMBERS, ids=list("hgfedcba")).sample(frac=1, random_state=1)
    target = pd.Series(dict(zip("hgfedcba", Y.tolist(), strict=True)))
    X, ids = from_long(shuffled, id="id", time="time", values=["x0", "x1"])
    expected = FROM_ARRAYS.predict_proba(NUMBERS)
    model = small().fit(X, target[ids])
    assert model.predict_proba(NUMBERS).tobytes() == expected.tobytes()
