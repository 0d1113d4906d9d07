"""scikit-learn's own checks: none fails, none is skipped, none is expected to fail."""

import os
import unittest

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import skseq

ESTIMATORS = [
    getattr(skseq, name)()
    for name in skseq.__all__
    if name.endswith(("Classifier", "Regressor"))
]


# The checks' data is often too small for a validation set, which we warn about.
@pytest.mark.filterwarnings("ignore:All rows train:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks(ESTIMATORS, legacy=True)
def test_check(estimator, check):
    try:
        check(estimator)
    except (unittest.SkipTest, pytest.skip.Exception) as error:
        pytest.fail(f"skipped: {error}")


def test_all_four_are_checked_with_the_array_api():
    assert len(ESTIMATORS) == 4
    assert os.environ["SCIPY_ARRAY_API"] == "1"


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_no_tag_switches_checks_off(estimator):
    tags = get_tags(estimator)
    assert not (tags.non_deterministic or tags.no_validation or tags._skip_test)
    assert not tags.input_tags.allow_nan
    assert tags.input_tags.two_d_array
    assert tags.target_tags.required
    if tags.classifier_tags:
        assert not tags.classifier_tags.poor_score
    if tags.regressor_tags:
        assert not tags.regressor_tags.poor_score
