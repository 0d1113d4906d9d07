"""The data that comes with the package."""

import numpy as np
import pytest

from skseq import SequenceArray
from skseq.datasets import load_air_passengers, load_japanese_vowels


def test_the_official_split():
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    assert (len(X), len(X_test)) == (270, 370)
    assert np.bincount(y).tolist() == [0] + [30] * 9
    assert np.bincount(y_test).tolist() == [0, 31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert (X.lengths.min(), X.lengths.max(), X_test.lengths.max()) == (7, 26, 29)
    # The first step of the first utterance, as in the original files.
    np.testing.assert_allclose(X[0][0, :3], [1.860936, -0.207383, 0.261557], atol=1e-6)


def test_a_bunch_with_everything():
    bunch = load_japanese_vowels()
    assert isinstance(bunch.data, SequenceArray)
    assert len(bunch.data) == len(bunch.target) == len(bunch.is_train) == 640
    assert bunch.data.n_channels == len(bunch.feature_names) == 12
    assert bunch.target_names.tolist() == list(range(1, 10))
    for word in ("Kudo", "CC BY 4.0", "data set 128"):
        assert word in bunch.DESCR


@pytest.mark.parametrize("load", [load_air_passengers, load_japanese_vowels])
def test_an_unknown_subset_is_an_error(load):
    with pytest.raises(ValueError, match="subset"):
        load(subset="validation")


class TestAirPassengers:
    def test_the_series(self):
        bunch = load_air_passengers()
        assert len(bunch.series) == 144
        assert bunch.series[[0, 95, 96, 143]].tolist() == [112, 306, 315, 432]
        assert bunch.series.sum() == 40363
        assert "series G" in bunch.DESCR

    @pytest.mark.parametrize("length", [1, 12, 95])
    def test_windows_and_the_months_they_forecast(self, length):
        bunch = load_air_passengers(length=length)
        assert len(bunch.data) == len(bunch.target) == len(bunch.months) == 144 - length
        for i in (0, 7, 48):
            np.testing.assert_array_equal(
                bunch.data[i].ravel(), bunch.series[i : i + length]
            )
            assert bunch.target[i] == bunch.series[i + length]
            assert bunch.months[i] == np.datetime64("1949-01") + i + length
        assert np.shares_memory(bunch.data.values, bunch.series)

    def test_the_split_is_by_what_is_forecast(self):
        X, y = load_air_passengers(subset="train", return_X_y=True)
        X_test, y_test = load_air_passengers(subset="test", return_X_y=True)
        assert (len(X), len(X_test), len(y_test)) == (84, 48, 48)
        everything = load_air_passengers()
        assert everything.is_train.sum() == 84
        assert y[-1] == 306  # December 1956
        assert y_test[0] == 315  # January 1957
        np.testing.assert_array_equal(X_test[0].ravel(), everything.series[84:96])

    def test_a_window_must_leave_something_to_train(self):
        with pytest.raises(ValueError, match="length"):
            load_air_passengers(length=96)
