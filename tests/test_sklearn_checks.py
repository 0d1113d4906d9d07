"""scikit-learn's own checks: of estimators and `PerTimestep` none fails or is skipped.

Generators are given tables of settings where the checks make up data, because that
is what they take. What does not apply to them, or of imbalanced-learn's checks to
samplers, is listed with its reason, and fails: otherwise it leaves the list.
"""

import functools
import os
import unittest

import imblearn.utils.estimator_checks as imblearn_checks
import pytest
import sklearn.utils.estimator_checks as sklearn_checks
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import skseq
from skseq.preprocessing import (
    Crop,
    Jitter,
    PatternGenerator,
    PerTimestep,
    Scaling,
    SequenceGenerator,
    SineGenerator,
    StepDropout,
    SymbolGenerator,
    TimeWarp,
    TriggerActionGenerator,
)

ESTIMATORS = [
    getattr(skseq, name)()
    for name in skseq.__all__
    if name.endswith(("Classifier", "Regressor"))
]
TRANSFORMERS = [PerTimestep(t) for t in (StandardScaler(), PCA(), MinMaxScaler())]
SAMPLERS = [
    sampler(random_state=0) for sampler in (Crop, Jitter, Scaling, StepDropout, TimeWarp)
]
GENERATORS = [
    SineGenerator(),
    PatternGenerator(),
    TriggerActionGenerator(),
    SymbolGenerator(n_timesteps=25),  # ragged output is no array, as the checks expect
]
GENERATORS_DO_NOT = {
    "check_estimators_dtypes": "random numbers are no seeds, which are whole numbers",
    "check_positive_only_tag_during_fit": "negative numbers are no seeds",
}
# What does not apply to samplers: the reason, and the error that says so. An assertion
# without words is one of the check's own.
SAMPLERS_DO_NOT = {
    "check_target_type": (
        "sequences with continuous targets can be multiplied as well",
        (AssertionError, "Unknown label type"),
    ),
    "check_samplers_one_label": (
        "a single class can be multiplied, if not balanced",
        (AssertionError, "only one class"),
    ),
    "check_samplers_list": (
        "a list of lists comes back as an array",
        (AssertionError, "^$"),
    ),
    "check_samplers_nan": (
        "missing values are PerTimestep(SimpleImputer())'s",
        (ValueError, "Impute or remove such steps"),
    ),
    "check_samplers_sparse": ("sequences are dense", (TypeError, "Sparse data")),
    "check_samplers_pandas_sparse": ("sequences are dense", (AssertionError, "^$")),
    "check_samplers_sample_indices": (
        "asks for a tag of imbalanced-learn's own class",
        (AttributeError, "sampler_tags"),
    ),
    "check_sampler_get_feature_names_out": (
        "rows are added, columns are not named anew",
        (AttributeError, "get_feature_names_out"),
    ),
    "check_sampler_get_feature_names_out_pandas": (
        "rows are added, columns are not named anew",
        (AttributeError, "get_feature_names_out"),
    ),
}
STRINGS = {
    "check_samplers_string": (
        "a noisy or stretched string means nothing",
        (ValueError, "steps are strings"),
    )
}
SHORTER = {
    "check_samplers_multiclass_ova": (
        "shorter sequences no longer make an array",
        (ValueError, "is ragged"),
    ),
    "check_samplers_pandas": (
        "shorter sequences no longer make a table",
        (AssertionError, "^$"),
    ),
    "check_samplers_string": (
        "shorter sequences no longer make an array",
        (AssertionError, "^$"),
    ),
}


def run(check, *arguments):
    try:
        check(*arguments)
    except (unittest.SkipTest, pytest.skip.Exception) as error:
        pytest.fail(f"skipped: {error}")


# The checks' data is often too small for a validation set, which we warn about.
@pytest.mark.filterwarnings("ignore:All rows train:UserWarning")
@pytest.mark.filterwarnings("ignore:.* adds no sequence:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks(ESTIMATORS + TRANSFORMERS + SAMPLERS, legacy=True)
def test_check(estimator, check):
    run(check, estimator)


@parametrize_with_checks(GENERATORS, legacy=True)
def test_generator(estimator, check, monkeypatch):
    def table(generator, X, **kwargs):
        return generator.draw_settings(len(X), random_state=0)

    monkeypatch.setattr(sklearn_checks, "_enforce_estimator_tags_X", table)
    if getattr(check, "func", check).__name__ in GENERATORS_DO_NOT:
        with pytest.raises((ValueError, AssertionError), match=r"seed|raised ValueError"):
            check(estimator)
    else:
        run(check, estimator)


def imblearn_cases():
    names = [n for n in dir(imblearn_checks) if n.startswith("check_sampler")]
    for sampler in SAMPLERS:
        shortens = isinstance(sampler, (Crop, StepDropout))
        reasons = {**SAMPLERS_DO_NOT, **(SHORTER if shortens else STRINGS)}
        for name in [*names, "check_target_type"]:
            kind = type(sampler).__name__
            yield pytest.param(sampler, name, reasons.get(name), id=f"{kind}-{name}")


@pytest.mark.filterwarnings("ignore:.* adds no sequence:UserWarning")
@pytest.mark.parametrize(("sampler", "name", "does_not"), list(imblearn_cases()))
def test_imbalanced_learn(sampler, name, does_not):
    check = functools.partial(
        getattr(imblearn_checks, name), type(sampler).__name__, clone(sampler)
    )
    if does_not is None:
        run(check)
        return
    _, (error, message) = does_not
    with pytest.raises(error, match=message):
        check()


def test_all_are_checked_with_the_array_api():
    assert len(ESTIMATORS) == 4
    public = [getattr(skseq.preprocessing, name) for name in skseq.preprocessing.__all__]
    checked = {type(e) for e in TRANSFORMERS + SAMPLERS + GENERATORS}
    with_fit = {c for c in public if hasattr(c, "fit")} - {SequenceGenerator}
    assert with_fit == checked
    assert os.environ["SCIPY_ARRAY_API"] == "1"


@pytest.mark.parametrize(
    "estimator",
    ESTIMATORS + TRANSFORMERS + SAMPLERS + GENERATORS,
    ids=lambda e: type(e).__name__,
)
def test_no_tag_switches_checks_off(estimator):
    tags = get_tags(estimator)
    assert not (tags.non_deterministic or tags.no_validation or tags._skip_test)
    assert tags.input_tags.two_d_array
    if estimator in ESTIMATORS:
        assert not tags.input_tags.allow_nan
        assert tags.target_tags.required
    if tags.classifier_tags:
        assert not tags.classifier_tags.poor_score
    if tags.regressor_tags:
        assert not tags.regressor_tags.poor_score
