"""`PerTimestep`, windows of a series, and the split that keeps them apart."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

import skseq
from skseq import (
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    SequenceArray,
    as_sequences,
    sequence_frame,
)
from skseq.preprocessing import PerTimestep, WindowSplit, sliding_windows


def equal(first, second):
    first, second = as_sequences(first), as_sequences(second)
    np.testing.assert_array_equal(first.lengths, second.lengths)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


class TestPerTimestep:
    @pytest.mark.parametrize(
        "transformer", [StandardScaler(), PCA(), MinMaxScaler()], ids=str
    )
    def test_is_the_transformer_on_the_stacked_steps(self, ragged, transformer):
        X, _ = ragged
        result = PerTimestep(transformer).fit(X).transform(X[:7])
        fitted = transformer.fit(np.concatenate(X))
        assert isinstance(result, SequenceArray)
        equal(result, [fitted.transform(x) for x in X[:7]])

    def test_containers_out_as_in(self, ragged):
        rng = np.random.default_rng(0)
        scale = PerTimestep(StandardScaler())
        table, block = rng.normal(size=(8, 5)), rng.normal(size=(8, 5, 3))
        for X, shape in ((table, (8, 5)), (block, (8, 5, 3)), (table.tolist(), (8, 5))):
            result = scale.fit_transform(X)
            assert isinstance(result, np.ndarray)
            assert result.shape == shape
            assert abs(result.mean()) < 1e-12
        widened = PerTimestep(PolynomialFeatures(2, include_bias=False)).fit_transform(
            table
        )
        np.testing.assert_allclose(widened, np.stack([table, table**2], axis=2))
        X, _ = ragged
        for ragged_container in (X, as_sequences(X), sequence_frame(X), pd.Series(X)):
            result = scale.fit_transform(ragged_container)
            assert isinstance(result, SequenceArray)
            equal(result, scale.fit_transform(X))

    def test_nothing_of_the_caller_changes(self, ragged):
        X, _ = ragged
        before = [x.copy() for x in X]
        transformer = StandardScaler()
        PerTimestep(transformer).fit_transform(X)
        equal(X, before)
        assert not hasattr(transformer, "mean_")

    def test_a_step_counts_as_often_as_it_occurs(self):
        series = np.arange(20.0) ** 2
        X, _ = sliding_windows(series, 5)
        copies = [x.copy() for x in X]
        overlapping = PerTimestep(StandardScaler()).fit(X).transformer_
        copied = PerTimestep(StandardScaler()).fit(copies).transformer_
        np.testing.assert_allclose(overlapping.mean_, copied.mean_)
        assert abs(overlapping.mean_[0] - series[:-1].mean()) > 1

    def test_windows_still_overlap_after_transform(self):
        series = np.random.default_rng(0).normal(size=(100, 2))
        X, _ = sliding_windows(series, 10)
        seen = []

        def double(steps):
            seen.append(len(steps))
            return 2 * steps

        result = PerTimestep(FunctionTransformer(double)).fit(X).transform(X[20:40])
        # 20 windows of 10 steps, of which 29 are distinct
        assert seen == [29]
        assert len(result.values) == 29
        equal(result, [2 * x for x in X[20:40]])

    @given(
        lengths=st.lists(st.integers(1, 6), min_size=1, max_size=8),
        rows=st.lists(st.integers(0, 7), min_size=1, max_size=10),
    )
    def test_any_rows_in_any_order(self, lengths, rows):
        values = np.random.default_rng(0).normal(size=(sum(lengths), 2))
        X = SequenceArray(values, lengths)[[row % len(lengths) for row in rows]]
        negate = PerTimestep(FunctionTransformer(np.negative))
        equal(negate.fit_transform(X), [-x for x in X])

    def test_symbols_are_encoded(self):
        X = ["abba", "ca"]
        encoded = PerTimestep(OrdinalEncoder()).fit_transform(X)
        equal(encoded, [[0, 1, 1, 0], [2, 0]])
        one_hot = PerTimestep(OneHotEncoder()).fit_transform(X)
        assert one_hot.n_channels == 3
        np.testing.assert_array_equal(one_hot[1], [[0, 0, 1], [1, 0, 0]])

    def test_missing_values_are_imputed(self, ragged):
        X, y = ragged
        X = [x.copy() for x in X]
        X[3][1, 0] = np.nan
        X[5][:, 1] = np.nan
        filled = PerTimestep(SimpleImputer()).fit_transform(X)
        mean = np.nanmean(np.concatenate(X)[:, 0])
        assert abs(filled[3][1, 0] - mean) < 1e-12
        model = make_pipeline(
            PerTimestep(SimpleImputer()), LSTMSequenceClassifier(max_epochs=1)
        )
        model.fit(X, y).predict(X)
        with pytest.raises(ValueError, match="NaN: sequence 3 at time step 1"):
            PerTimestep(PCA()).fit(X)
        fitted = PerTimestep(PCA()).fit(ragged[0])
        with pytest.raises(ValueError, match="NaN: sequence 3 at time step 1"):
            fitted.transform(X)

    @pytest.mark.parametrize(
        "inner",
        [
            make_pipeline(SimpleImputer(), PCA()),
            ColumnTransformer([("all", SimpleImputer(), [0, 1])]),
            FunctionTransformer(np.nan_to_num),
        ],
        ids=lambda inner: type(inner).__name__,
    )
    def test_whatever_imputes_may_get_missing_values(self, inner):
        X = [np.array([[1.0, np.nan], [2.0, 3.0]]), np.array([[np.nan, 4.0]])]
        assert np.isfinite(PerTimestep(inner).fit_transform(X).values).all()

    def test_columns_by_name(self):
        rng = np.random.default_rng(0)
        frames = [
            pd.DataFrame(rng.normal(size=(n, 2)), columns=["heat", "light"])
            for n in (3, 5, 4)
        ]
        columns = ColumnTransformer(
            [("heat", StandardScaler(), ["heat"])], remainder="passthrough"
        )
        step = PerTimestep(columns).fit(frames)
        equal(
            step.transform(frames),
            [columns.fit(pd.concat(frames)).transform(frame) for frame in frames],
        )
        assert step.channel_names_.tolist() == ["heat", "light"]
        assert step.transform(frames).channel_names == ("heat__heat", "remainder__light")
        names = step.get_feature_names_out().tolist()
        assert names == ["heat__heat", "remainder__light"]
        swapped = [frame[["light", "heat"]] for frame in frames]
        with pytest.raises(ValueError, match=r"fitted on \['heat', 'light'\]"):
            step.transform(swapped)

    def test_each_step_has_its_sequence_s_target(self, ragged):
        X, y = ragged
        best = PerTimestep(SelectKBest(k=1)).fit(X, y)
        stacked = SelectKBest(k=1).fit(np.concatenate(X), np.repeat(y, [len(x) for x in X]))
        assert best.transformer_.get_support().tolist() == stacked.get_support().tolist()
        assert best.transform(X).n_channels == 1

    @pytest.mark.parametrize("kind", ["table", "block", "ragged", "widened"])
    def test_inverse_transform(self, ragged, kind):
        rng = np.random.default_rng(0)
        X = {
            "table": rng.normal(size=(6, 4)),
            "block": rng.normal(size=(6, 4, 3)),
            "ragged": as_sequences(ragged[0]),
            "widened": rng.integers(0, 3, size=(6, 4)).astype(float),
        }[kind]
        inner = OneHotEncoder() if kind == "widened" else PCA(whiten=True)
        step = PerTimestep(inner).fit(X)
        back = step.inverse_transform(step.transform(X))
        assert type(back) is type(X)
        assert back.shape == X.shape
        equal(back, X)

    def test_methods_are_there_only_if_the_transformer_has_them(self):
        step = PerTimestep(SelectKBest())
        assert hasattr(step, "inverse_transform")
        assert not hasattr(PerTimestep(PolynomialFeatures()), "inverse_transform")

    def test_names_of_steps_and_channels(self):
        rng = np.random.default_rng(0)
        table = pd.DataFrame(rng.normal(size=(5, 3)), columns=["t0", "t1", "t2"])
        step = PerTimestep(StandardScaler()).fit(table)
        assert step.get_feature_names_out().tolist() == ["t0", "t1", "t2"]
        step = PerTimestep(PCA(2)).fit(rng.normal(size=(5, 4, 3)))
        assert step.get_feature_names_out().tolist() == ["pca0", "pca1"]
        step = PerTimestep(StandardScaler()).fit(rng.normal(size=(5, 4, 3)))
        assert step.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]

    def test_pandas_output(self, ragged):
        X, _ = ragged
        step = PerTimestep(StandardScaler()).set_output(transform="pandas")
        frame = sequence_frame(X).set_index(np.arange(100, 140))
        result = step.fit_transform(frame)
        assert isinstance(result, pd.DataFrame)
        assert result.shape == (40, 1)
        assert result.index.tolist() == list(range(100, 140))
        equal(result, PerTimestep(StandardScaler()).fit_transform(X))
        assert isinstance(step.fit_transform(X), pd.DataFrame)
        table = pd.DataFrame(np.eye(3), columns=list("abc"), index=[7, 8, 9])
        result = step.fit_transform(table)
        assert result.columns.tolist() == ["a", "b", "c"]
        assert result.index.tolist() == [7, 8, 9]
        absolute = PerTimestep(FunctionTransformer(np.abs)).set_output(transform="pandas")
        assert absolute.fit_transform(table).columns.tolist() == ["a", "b", "c"]
        model = make_pipeline(
            PerTimestep(StandardScaler()), LSTMSequenceClassifier(max_epochs=1)
        ).set_output(transform="pandas")
        assert len(model.fit(X, ragged[1]).predict(X)) == 40

    def test_polars_output(self, ragged):
        step = PerTimestep(StandardScaler()).set_output(transform="polars")
        frame = step.fit_transform(ragged[0])
        assert isinstance(frame, pl.DataFrame)
        assert frame.schema == {"sequence": pl.List(pl.Array(pl.Float64, 2))}
        equal(frame, PerTimestep(StandardScaler()).fit_transform(ragged[0]))

    def test_in_a_grid_search(self, ragged):
        X, y = ragged
        search = GridSearchCV(
            make_pipeline(PerTimestep(PCA()), LSTMSequenceClassifier(max_epochs=2)),
            {"pertimestep__transformer__n_components": [1, 2]},
            cv=2,
        )
        search.fit(X, y)
        fitted = search.best_estimator_[0].transformer_
        asked = search.best_params_["pertimestep__transformer__n_components"]
        assert fitted.n_components_ == asked

    def test_a_transformer_that_drops_rows_is_an_error(self, ragged):
        class DropsRows(TransformerMixin, BaseEstimator):
            def fit(self, X, y=None):
                return self

            def transform(self, X):
                return X[:-1]

        step = PerTimestep(DropsRows()).fit(ragged[0])
        with pytest.raises(ValueError, match="a row for each row"):
            step.transform(ragged[0])

    def test_a_fit_that_fails_changes_nothing(self, ragged):
        X, _ = ragged
        step = PerTimestep(PCA(2)).fit(X)
        expected = step.transform(X)
        with pytest.raises(ValueError, match="n_components=2"):
            step.fit([[1.0, 2.0], [1.0]])
        assert step.n_channels_ == 2
        equal(step.transform(X), expected)

    def test_wrong_input(self, ragged):
        X, y = ragged
        step = PerTimestep(StandardScaler()).fit(X)
        with pytest.raises(ValueError, match="has 1 channels"):
            step.transform([[1.0, 2.0], [1.0]])
        with pytest.raises(ValueError, match="y has 39 rows, but X has 40"):
            step.fit(X, y[1:])
        with pytest.raises(ValueError, match="'transformer' parameter"):
            PerTimestep("scale").fit(X)
        table = PerTimestep(StandardScaler()).fit(np.ones((3, 4)))
        with pytest.raises(ValueError, match="expecting 4 features"):
            table.transform(np.ones((3, 5)))


class TestSlidingWindows:
    @given(
        n=st.integers(2, 40),
        length=st.integers(1, 10),
        horizon=st.integers(1, 5),
        stride=st.integers(1, 7),
        channels=st.integers(1, 3),
    )
    def test_by_slicing(self, n, length, horizon, stride, channels):
        series = np.random.default_rng(0).normal(size=(n, channels))
        begins = range(0, n - length - horizon + 1, stride)
        if not len(begins):
            with pytest.raises(ValueError, match=f"need {length + horizon}"):
                sliding_windows(series, length, horizon, stride)
            return
        X, y = sliding_windows(series, length, horizon, stride)
        assert len(X) == len(y) == len(begins)
        for i, begin in enumerate(begins):
            end = begin + length
            np.testing.assert_array_equal(X[i], series[begin:end])
            np.testing.assert_array_equal(
                np.ravel(y[i]), series[end : end + horizon].ravel()
            )
        assert y.ndim == (1 if horizon * channels == 1 else 2)

    def test_nothing_is_copied(self):
        series = np.arange(1000.0)
        X, y = sliding_windows(series, 100, 10, 3)
        assert np.shares_memory(X.values, series)
        assert np.shares_memory(y, series)

    def test_a_memory_mapped_series_stays_on_disk(self, tmp_path):
        np.save(tmp_path / "series.npy", np.arange(1000.0).reshape(-1, 2))
        series = np.load(tmp_path / "series.npy", mmap_mode="r")
        X, y = sliding_windows(series, 20, target=1)
        assert np.shares_memory(X.values, series)
        assert np.shares_memory(y, series)
        np.testing.assert_array_equal(y, series[20:, 1])

    def test_targets(self):
        series = np.arange(60.0).reshape(20, 3)
        _, one = sliding_windows(series, 4, 2, target=2)
        np.testing.assert_array_equal(one[0], series[4:6, 2])
        _, two = sliding_windows(series, 4, 2, target=[0, 2])
        np.testing.assert_array_equal(two[0], series[4:6][:, [0, 2]].ravel())

    def test_targets_by_name(self):
        frame = pd.DataFrame(np.arange(60.0).reshape(20, 3), columns=["heat", "load", "x"])
        for target, columns in (("load", ["load"]), (["x", "heat"], ["x", "heat"])):
            _, y = sliding_windows(frame, 4, 2, target=target)
            np.testing.assert_array_equal(y[0], frame[columns].to_numpy()[4:6].ravel())
        with pytest.raises(ValueError, match=r"no channel .* has 3 \(\['heat', 'load'"):
            sliding_windows(frame, 4, target="lod")

    def test_what_is_not_forecast_may_be_missing(self):
        series = np.arange(40.0).reshape(20, 2)
        series[7, 0] = np.nan
        X, _ = sliding_windows(series, 4, target=1)
        filled = PerTimestep(SimpleImputer()).fit_transform(X)
        assert np.isfinite(np.concatenate(list(filled))).all()
        # the first window is only seen, never forecast
        sliding_windows([np.nan, 1.0, 2.0, 3.0], 2)

    @pytest.mark.parametrize("make", [list, pd.Series, tuple], ids=lambda f: f.__name__)
    def test_other_containers(self, make):
        X, y = sliding_windows(make([1.0, 2.0, 3.0, 4.0]), 2)
        equal(X, [[1.0, 2.0], [2.0, 3.0]])
        assert y.tolist() == [3.0, 4.0]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([1.0, np.nan, 2.0], 1), "NaN or infinite at step 1 of a channel"),
            (([1.0, 2.0, 3.0], 1, 1, 1, [0.0]), "names no channel"),
            (([1.0, 2.0, 3.0], 1, 1, 1, True), "names no channel"),
            (([1.0, 2.0, 3.0], 1, 1, 1, "load"), "target='load' names no channel"),
            ((["a", "b", "c"], 1), "must be numbers"),
            (([[[1.0]], [[2.0]]], 1), "one by one"),
            (([[1.0, 2.0], [3.0]], 1), "lists of unequal length.* one by one"),
            (
                (pd.DataFrame({"k": ["1"], "v": 2.0}), 1),
                "series mix strings .* leave them out",
            ),
            (([1.0, 2.0], 0), "length"),
            (([1.0, 2.0, 3.0], 1, 1, 0), "stride"),
            (([1.0, 2.0, 3.0], 1, 1, 1, 1), "target=1 names no channel .* has 1"),
            (([1.0, 2.0, 3.0], 1, 1, 1, -1), "counted from 0"),
            (([1.0, 2.0, 3.0], 1, 1, 1, []), "names no channel"),
            (([1.0, 2.0], 5), "2 steps.*need 6"),
        ],
        ids=str,
    )
    def test_wrong_arguments(self, arguments, message):
        series, length, *rest = arguments
        names = ("horizon", "stride", "target")
        with pytest.raises(ValueError, match=message):
            sliding_windows(series, length, **dict(zip(names, rest, strict=False)))


class TestWindowSplit:
    @given(
        length=st.integers(1, 12),
        horizon=st.integers(1, 4),
        stride=st.integers(1, 5),
        n_splits=st.integers(1, 5),
    )
    def test_no_window_straddles_the_cut(self, length, horizon, stride, n_splits):
        X, y = sliding_windows(np.arange(200.0), length, horizon, stride)
        y = y.reshape(len(X), -1)
        splits = list(WindowSplit(n_splits, horizon=horizon).split(X))
        assert len(splits) == n_splits
        for train, test in splits:
            used = {*X[train][0].ravel()} if len(train) else set()
            for i in train:
                used |= {*X[i].ravel(), *y[i]}
            tested = set()
            for i in test:
                tested |= {*X[i].ravel(), *y[i]}
            assert max(used) < min(tested)

    def test_is_as_large_as_it_can_be(self):
        X, _ = sliding_windows(np.arange(100.0), 10)
        for train, test in WindowSplit(3, horizon=1).split(X):
            # Windows that end at the cut, and one that begins at it, are used.
            cut = X.starts[test[0]]
            assert X.starts[train[-1]] + 10 + 1 == cut
            assert train[0] == 0

    def test_the_order_of_rows_does_not_matter(self):
        X, _ = sliding_windows(np.arange(100.0), 10)
        order = np.random.default_rng(0).permutation(len(X))
        for (train, test), (mixed_train, mixed_test) in zip(
            WindowSplit(horizon=1).split(X),
            WindowSplit(horizon=1).split(X[order]),
            strict=True,
        ):
            assert sorted(order[mixed_train]) == train.tolist()
            assert sorted(order[mixed_test]) == test.tolist()

    def test_in_cross_validation_and_as_a_validation_split(self):
        series = np.sin(np.arange(300) / 5)
        X, y = sliding_windows(series, 20)
        model = GRUSequenceRegressor(
            hidden_size=8, max_epochs=2, validation_fraction=WindowSplit(2, horizon=1)
        )
        pipeline = make_pipeline(PerTimestep(StandardScaler()), model)
        scores = cross_val_score(pipeline, X, y, cv=WindowSplit(2, horizon=1))
        assert len(scores) == 2
        assert WindowSplit(4, horizon=1).get_n_splits() == 4

    @pytest.mark.parametrize(
        "model",
        [
            GRUSequenceRegressor(),
            GRUSequenceRegressor(embedding_dim=2),
            make_pipeline(
                PerTimestep(FunctionTransformer(abs)),
                FunctionTransformer(lambda X: X.map(lambda x: x[1:])),
                GRUSequenceRegressor(),
            ),
        ],
        ids=["measurements", "symbols", "transformed"],
    )
    def test_validates_behind_what_trains(self, model):
        seen = []

        class Seen(WindowSplit):
            def split(self, X, y=None, groups=None):
                for sides in super().split(X, y, groups):
                    seen[:] = sides
                    yield sides

        X, y = sliding_windows(np.arange(600) % 5, length=20, stride=2)
        X, y = X[:60], y[:60]
        options = {"hidden_size": 2, "max_epochs": 1}
        options["validation_fraction"] = Seen(2, horizon=1)
        last = model[-1] if hasattr(model, "steps") else model
        last.set_params(**options)
        model.fit(X, y)
        train, valid = seen
        assert X.spans[train, 1].max() + 1 <= X.spans[valid, 0].min()

    def test_gaps_between_windows_are_not_forgotten(self):
        X, _ = sliding_windows(np.arange(400.0), length=5, horizon=10, stride=20)
        expected = list(WindowSplit(3, horizon=10).split(X))
        for Z in (
            pickle.loads(pickle.dumps(X)),
            PerTimestep(StandardScaler()).fit_transform(X),
        ):
            for found, sides in zip(
                WindowSplit(3, horizon=10).split(Z), expected, strict=True
            ):
                assert all(map(np.array_equal, found, sides))

    def test_errors(self):
        X, _ = sliding_windows(np.arange(50.0), 10)
        for other in ([[1.0, 2.0]], as_sequences(np.asarray(X))):
            with pytest.raises(TypeError, match="know where in their series they lie"):
                next(WindowSplit(horizon=1).split(other))
        model = GRUSequenceRegressor(validation_fraction=WindowSplit(2, horizon=1))
        with pytest.raises(TypeError, match="know where in their series they lie"):
            model.fit(np.asarray(X), np.arange(len(X)))
        with pytest.raises(ValueError, match="fewer splits or shorter windows"):
            list(WindowSplit(5, horizon=1).split(X))
        with pytest.raises(ValueError, match="n_splits"):
            WindowSplit(0, horizon=1)
        with pytest.raises(TypeError, match="horizon"):
            WindowSplit(3)


def test_scikit_learn_s_own_time_split_takes_windows():
    X, y = sliding_windows(np.arange(100.0), 10)
    model = GRUSequenceRegressor(hidden_size=4, max_epochs=1, validation_fraction=None)
    assert len(cross_val_score(model, X, y, cv=TimeSeriesSplit(3, gap=10))) == 3


def test_everything_public_is_importable():
    for module in (skseq.preprocessing, skseq.datasets):
        for name in module.__all__:
            assert getattr(module, name).__doc__
