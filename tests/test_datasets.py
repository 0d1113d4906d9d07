"""The data that comes with the package."""

import numpy as np
import pytest

from skseq import SequenceArray
from skseq.datasets import load_japanese_vowels


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


def test_an_unknown_subset_is_an_error():
    with pytest.raises(ValueError, match="subset"):
        load_japanese_vowels(subset="validation")
