"""Samplers: more training sequences, and never another prediction."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.model_selection import GridSearchCV, cross_val_score

from skseq import LSTMSequenceClassifier, SequenceArray, as_sequences, sequence_frame
from skseq.preprocessing import (
    Crop,
    Jitter,
    Scaling,
    StepDropout,
    TimeWarp,
    sliding_windows,
)

SAMPLERS = [Jitter, Scaling, TimeWarp, Crop, StepDropout]
every = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda c: c.__name__)
smooth = pytest.mark.parametrize(
    "sampler", [Jitter, Scaling, TimeWarp], ids=lambda c: c.__name__
)


@pytest.fixture
def unequal(ragged):
    """30 rows of one class, 10 of the other."""
    X, y = ragged
    rows = [*np.flatnonzero(y == "up"), *np.flatnonzero(y == "down")[:7]]
    return [X[row] for row in rows], y[rows]


@every
class TestEverySampler:
    def test_classes_are_balanced_and_doubled(self, sampler, unequal):
        X, y = unequal
        step = sampler(factor=2, random_state=0)
        X_more, y_more = step.fit_resample(X, y)
        assert isinstance(X_more, SequenceArray)
        assert dict(zip(*np.unique(y_more, return_counts=True), strict=True)) == {
            "up": 40,
            "down": 40,
        }
        assert step.sampling_strategy_ == {"down": 33, "up": 20}

    def test_originals_come_first_and_copies_know_theirs(self, sampler, unequal):
        X, y = unequal
        step = sampler(factor=2, random_state=0)
        X_more, y_more = step.fit_resample(X, y)
        for original, kept in zip(X, X_more, strict=False):
            np.testing.assert_array_equal(kept, original)
        origin = step.sample_indices_
        assert origin[: len(X)].tolist() == list(range(len(X)))
        np.testing.assert_array_equal(y_more, y[origin])
        changed = [
            len(copy) != len(X[i]) or not np.array_equal(copy, X[i])
            for copy, i in zip(list(X_more)[len(X) :], origin[len(X) :], strict=True)
        ]
        assert np.mean(changed) > 0.3  # a short one may lose no step
        # every row is copied as often as any other of its class, give or take one
        for label in ("up", "down"):
            times = np.bincount(origin, minlength=len(X))[y == label]
            assert times.max() - times.min() <= 1

    def test_copies_lie_where_their_originals_do(self, sampler):
        X, y = sliding_windows(np.arange(40.0), 8, stride=3)
        step = sampler(factor=2, random_state=0)
        X_more, _ = step.fit_resample(X, y)
        np.testing.assert_array_equal(X_more.spans, X.spans[step.sample_indices_])

    @pytest.mark.parametrize(
        ("arguments", "counts"),
        [
            ({}, {"up": 20, "down": 20}),
            ({"sampling_strategy": None, "factor": 2}, {"up": 40, "down": 14}),
            ({"sampling_strategy": {"down": 50}}, {"up": 20, "down": 50}),
        ],
        ids=str,
    )
    def test_how_many(self, sampler, unequal, arguments, counts):
        X, y = unequal
        X_more, y_more = sampler(**arguments, random_state=0).fit_resample(X, y)
        drawn = dict(zip(*np.unique(y_more, return_counts=True), strict=True))
        assert drawn == counts
        assert len(X_more) == len(y_more)

    def test_same_number_same_sequences(self, sampler, unequal):
        X, y = unequal
        first, again, other = (
            sampler(factor=2, random_state=seed).fit_resample(X, y)[0] for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first.values, again.values)
        np.testing.assert_array_equal(first.lengths, again.lengths)
        same = first.values.shape == other.values.shape and np.array_equal(
            first.values, other.values
        )
        assert not (same and np.array_equal(first.starts, other.starts))

    def test_targets_that_are_not_classes(self, sampler, ragged):
        X, _ = ragged
        targets = np.random.default_rng(0).normal(size=(40, 2))
        _, more = sampler(factor=2, random_state=0).fit_resample(X, targets)
        assert more.shape == (80, 2)
        series = pd.Series(targets[:, 0], name="load")
        _, more = sampler(factor=2, random_state=0).fit_resample(X, series)
        assert isinstance(more, pd.Series)
        assert len(more) == 80

    def test_which_targets_are_classes(self, sampler):
        X = np.random.default_rng(0).normal(size=(10, 6))
        amounts = [3.0, 4.0, 4.0, 4.0, 4.0, 5.0, 6.0, 4.0, 4.0, 4.0]
        for y, added in (
            ([1] * 8 + [0] * 2, 6),
            (["a"] * 8 + ["b"] * 2, 6),
            ([1.0] * 8 + [0.0] * 2, 6),
            (np.eye(2, dtype=int)[[1] * 8 + [0] * 2], 6),
            (amounts, 0),
        ):
            step = sampler(random_state=0).fit(X, y)
            assert sum(step.sampling_strategy_.values()) == added
        with pytest.raises(ValueError, match="Unknown label type"):
            sampler().fit(X, np.array([0] * 8 + [1] * 2, dtype=object))

    def test_nothing_to_add_is_said(self, sampler, ragged):
        X, y = ragged
        with pytest.warns(UserWarning, match="adds no sequence.*factor=2"):
            more, _ = sampler().fit_resample(X, y)
        assert len(more) == 40

    def test_rows_of_pandas_are_numbered_anew(self, sampler, unequal):
        X, y = unequal
        index = np.arange(100, 127)
        frame = sequence_frame(X).set_index(index)
        more, more_y = sampler().fit_resample(frame, pd.Series(y, index=index))
        assert more.index.tolist() == more_y.index.tolist() == list(range(40))

    def test_never_at_predict(self, sampler, unequal):
        X, y = unequal
        model = LSTMSequenceClassifier(hidden_size=8, max_epochs=2, random_state=0)
        pipeline = make_pipeline(sampler(factor=2, random_state=0), model).fit(X, y)
        assert not hasattr(sampler(), "transform")
        np.testing.assert_array_equal(
            pipeline.predict_proba(X), pipeline[-1].predict_proba(X)
        )
        trained_on, _ = sampler(factor=2, random_state=0).fit_resample(X, y)
        assert len(trained_on) == 80

    def test_in_cross_validation_and_search(self, sampler, unequal):
        X, y = unequal
        pipeline = make_pipeline(
            sampler(factor=2, random_state=0),
            LSTMSequenceClassifier(hidden_size=4, max_epochs=1),
        )
        assert len(cross_val_score(pipeline, X, y, cv=2)) == 2
        name = sampler.__name__.lower()
        search = GridSearchCV(pipeline, {f"{name}__factor": [1, 2]}, cv=2).fit(X, y)
        assert f"{name}__factor" in search.best_params_

    def test_errors(self, sampler, unequal):
        X, y = unequal
        with pytest.raises(ValueError, match=r"names \['left'\], which are not classes"):
            sampler(sampling_strategy={"left": 5}).fit_resample(X, y)
        with pytest.raises(
            ValueError, match=r"asks for 5 .* at least the 20 .* samplers only add"
        ):
            sampler(sampling_strategy={"up": 5}).fit_resample(X, y)
        for number in (50.5, "50", None):
            with pytest.raises(ValueError, match="must be a whole number"):
                sampler(sampling_strategy={"up": number}).fit_resample(X, y)
        with pytest.raises(ValueError, match="factor"):
            sampler(factor=0.5).fit_resample(X, y)
        with pytest.raises(ValueError, match="y has 26 rows, but X has 27"):
            sampler().fit_resample(X, y[1:])
        with pytest.raises(ValueError, match="Sequence 1 of X is empty"):
            sampler().fit([X[0], X[1][:0]], y[:2])


def test_imbalanced_learn_s_own_samplers_refuse_ragged_sequences(unequal):
    X, y = unequal
    with pytest.raises(ValueError):
        RandomOverSampler().fit_resample(X, y)


@smooth
class TestContainers:
    @pytest.mark.parametrize("shape", [(6, 5), (6, 5, 2)], ids=str)
    def test_arrays_stay_arrays(self, sampler, shape):
        X = np.random.default_rng(0).normal(size=shape)
        X_more, _ = sampler(factor=2, random_state=0).fit_resample(X, [0, 1] * 3)
        assert isinstance(X_more, np.ndarray)
        assert X_more.shape == (12, *shape[1:])

    def test_frames_stay_frames(self, sampler, unequal):
        X, y = unequal
        more, _ = sampler(factor=2, random_state=0).fit_resample(
            sequence_frame(X, "signal"), y
        )
        assert isinstance(more, pd.DataFrame)
        assert more.columns.tolist() == ["signal"]
        table = pd.DataFrame(np.eye(4), columns=list("abcd"))
        more, _ = sampler(factor=2, random_state=0).fit_resample(table, [0, 1, 0, 1])
        assert more.columns.tolist() == list("abcd")
        # the names reach the estimator: no warning about them at predict
        pipeline = make_pipeline(
            sampler(factor=2),
            LSTMSequenceClassifier(hidden_size=2, max_epochs=1, validation_fraction=None),
        )
        pipeline.fit(table, [0, 1, 0, 1]).predict(table)

    def test_float32_stays(self, sampler):
        X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
        more, _ = sampler(factor=2).fit_resample(X, [0, 1, 0, 1])
        assert more.dtype == np.float32

    def test_symbols_are_refused(self, sampler):
        with pytest.raises(ValueError, match="Crop and StepDropout work on symbols"):
            sampler(factor=2).fit_resample(["abc", "de"], [0, 1])


class TestWhatEachDoes:
    def copies(self, sampler, X):
        more, _ = sampler.fit_resample(X, np.zeros(len(X)))
        return list(as_sequences(more))[len(X) :]

    def originals(self, sampler, X):
        return [X[i] for i in sampler.sample_indices_[len(X) :]]

    def test_jitter_is_noise_in_units_of_each_channel(self):
        rng = np.random.default_rng(0)
        X = [rng.normal(scale=(1, 100), size=(n, 2)) for n in (400, 500, 600)]
        sampler = Jitter(0.5, factor=5, random_state=0)
        copies = self.copies(sampler, X)
        noise = np.concatenate(
            [c - x for c, x in zip(copies, self.originals(sampler, X), strict=True)]
        )
        np.testing.assert_allclose(noise.std(axis=0), [0.5, 50], rtol=0.05)
        assert abs(np.corrcoef(noise.T)[0, 1]) < 0.05
        lag = np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]
        assert abs(lag) < 0.05

    def test_jitter_leaves_a_constant_channel_alone(self):
        X = [np.column_stack([np.full(5, 1e-6), np.arange(5.0)])]
        (copy,) = self.copies(Jitter(factor=2, random_state=0), X)
        assert (copy[:, 0] == 1e-6).all()
        assert (copy[:, 1] != X[0][:, 1]).all()

    def test_scaling_is_one_factor_for_each_channel(self):
        X = [np.ones((n, 2)) for n in range(1, 400)]
        copies = self.copies(Scaling(0.2, factor=2, random_state=0), X)
        assert all((copy == copy[0]).all() for copy in copies)
        factors = np.array([copy[0] for copy in copies])
        np.testing.assert_allclose(factors.std(axis=0), 0.2, rtol=0.15)
        np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.03)
        assert abs(np.corrcoef(factors.T)[0, 1]) < 0.15

    @given(
        length=st.integers(1, 40),
        n_knots=st.integers(2, 8),
        scale=st.floats(0, 3),
        seed=st.integers(0, 9),
    )
    def test_time_warp_moves_time_and_nothing_else(self, length, n_knots, scale, seed):
        time = np.arange(length, dtype=float)[:, None]
        sampler = TimeWarp(scale, n_knots=n_knots, factor=2, random_state=seed)
        (copy,) = self.copies(sampler, [time])
        # the "values" of this sequence are its own moments
        assert copy.shape == time.shape
        assert (np.diff(copy[:, 0]) >= 0).all()
        assert abs(copy[0, 0]) < 1e-9
        assert abs(copy[-1, 0] - time[-1, 0]) < 1e-9
        if scale == 0:
            np.testing.assert_allclose(copy, time, atol=1e-9)

    def test_time_warp_interpolates_all_channels_at_the_same_moment(self):
        time = np.arange(30.0)
        X = [np.column_stack([time, np.interp(time, time, np.sin(time))])] * 3
        sampler = TimeWarp(1.0, factor=2, random_state=0)
        for copy in self.copies(sampler, X):
            moment, value = copy.T
            np.testing.assert_allclose(value, np.interp(moment, time, np.sin(time)))
            assert np.abs(moment - time).max() > 0.5

    @given(
        lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
        min_fraction=st.floats(0.01, 1),
        seed=st.integers(0, 9),
    )
    def test_crop_is_a_part_without_gaps(self, lengths, min_fraction, seed):
        X = [np.arange(n, dtype=float)[:, None] for n in lengths]
        sampler = Crop(min_fraction, factor=3, random_state=seed)
        copies = self.copies(sampler, X)
        for copy, x in zip(copies, self.originals(sampler, X), strict=True):
            assert (np.diff(copy[:, 0]) == 1).all()
            assert max(1, round(min_fraction * len(x))) <= len(copy) <= len(x)

    def test_crop_reaches_both_ends_and_copies_nothing(self):
        X = SequenceArray(np.arange(10.0), [10])
        sampler = Crop(0.3, factor=200, random_state=0)
        more, _ = sampler.fit_resample(X, [0])
        assert more.values is X.values
        assert {0, 7} <= set(more.starts)
        assert set(more.lengths) == set(range(3, 11))

    @given(
        lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
        rate=st.floats(0, 0.999),
        seed=st.integers(0, 9),
    )
    def test_step_dropout_keeps_the_order_and_a_step(self, lengths, rate, seed):
        X = [np.arange(n, dtype=float)[:, None] for n in lengths]
        sampler = StepDropout(rate, factor=3, random_state=seed)
        copies = self.copies(sampler, X)
        for copy, x in zip(copies, self.originals(sampler, X), strict=True):
            assert len(copy) >= 1
            assert (np.diff(copy[:, 0]) > 0).all()
            assert set(copy[:, 0]) <= set(x[:, 0])

    def test_step_dropout_leaves_out_as_many_as_asked(self):
        X = [np.zeros((1000, 1))]
        copies = self.copies(StepDropout(0.3, factor=20, random_state=0), X)
        assert abs(np.mean([len(copy) for copy in copies]) - 700) < 10

    def test_symbols_are_cropped_and_dropped(self):
        for sampler in (
            Crop(0.5, factor=2, random_state=0),
            StepDropout(0.5, factor=2, random_state=0),
        ):
            more, _ = sampler.fit_resample(["abcdef", "xyz"], [0, 1])
            assert more[:2] == ["abcdef", "xyz"]
            assert more[2] in "abcdef" or isinstance(sampler, StepDropout)
            assert set(more[3]) <= set("xyz")
