"""Every container of sequences in scikit-learn's meta-estimators.

A cell is one meta-estimator with one task. It must give the same answer whatever
the sequences are kept in, or be listed in `REFUSED` with the reason: a cell that
scikit-learn starts to accept turns the test red, and the table gets shorter.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import resample

from skseq import (
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    SequenceArray,
    as_sequences,
    sequence_frame,
)

N_ROWS = 24
SMALL = {
    "hidden_size": 4,
    "max_epochs": 2,
    "lr": 0.05,
    "batch_size": 16,
    "validation_fraction": None,
    "random_state": 1,
}

# Rows.

CLASSES = np.array(["high", "low", "middle"])
CODES = np.arange(N_ROWS) % 3
LABELS = CLASSES[CODES]
BINARY = np.array(["no", "yes"])[(CODES == 0).astype(int)]


@functools.cache
def rows(kind: str) -> tuple[np.ndarray, ...]:
    """Sequences whose level tells the class; those of a table have one channel."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 8, N_ROWS) if kind == "ragged" else np.full(N_ROWS, 5)
    level = np.array([2.0, -2.0, 0.0])[CODES]
    noise = [rng.normal(size=(length, 2)) for length in lengths]
    sequences = [level[i] + noise[i] for i in range(N_ROWS)]
    return tuple(s[:, 0] if kind == "table" else s for s in sequences)


def numbers(kind: str) -> np.ndarray:
    return np.array([sequence.mean() for sequence in rows(kind)])


# Containers.

# pandas' labels must not matter, only positions.
INDEX = [f"row {i}" for i in reversed(range(N_ROWS))]


def object_array(sequences: tuple[np.ndarray, ...]) -> np.ndarray:
    array = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        array[i] = sequence
    return array


def column(sequences: tuple[np.ndarray, ...]) -> np.ndarray:
    return object_array(sequences).reshape(-1, 1)


def series(sequences: tuple[np.ndarray, ...]) -> pd.Series:
    return pd.Series(object_array(sequences), index=INDEX)


def frame(sequences: tuple[np.ndarray, ...]) -> pd.DataFrame:
    return sequence_frame(list(sequences)).set_axis(INDEX)


def frame_of_steps(sequences: tuple[np.ndarray, ...]) -> pd.DataFrame:
    return pd.DataFrame(np.stack(sequences), index=INDEX).add_prefix("step")


def sequence_array(sequences: tuple[np.ndarray, ...]) -> SequenceArray:
    return as_sequences(list(sequences))


CONTAINERS = {
    "2-D array": ("table", np.stack),
    "2-D frame": ("table", frame_of_steps),
    "frame": ("ragged", frame),
    "column": ("ragged", column),
    "3-D array": ("block", np.stack),
    "object array": ("ragged", object_array),
    "series": ("ragged", series),
    "list": ("ragged", list),
    "SequenceArray": ("ragged", sequence_array),
}


# Cells: task, meta-estimator -> answer.

Function = Callable[[Any, Any, np.ndarray], np.ndarray]
CELLS: dict[str, tuple[str, Function]] = {}


def cell(*tasks: str) -> Callable[[Function], Function]:
    """Add a function to the table, once for each task."""

    def register(function: Function) -> Function:
        for task in tasks:
            CELLS[f"{task}-{function.__name__}"] = (task, function)
        return function

    return register


def model_and_target(task: str, kind: str) -> tuple[BaseEstimator, np.ndarray]:
    if task == "regressor":
        return GRUSequenceRegressor(**SMALL), numbers(kind)
    return LSTMSequenceClassifier(**SMALL), BINARY if task == "binary" else LABELS


def answer_of(fitted: Any, X: Any, y: np.ndarray) -> np.ndarray:
    """What a fitted model says of X, as finely as it can."""
    predicted = fitted.predict(X)
    assert predicted.shape == y.shape
    if not is_classifier(fitted):
        assert np.isfinite(predicted).all() and predicted.std() > 0
        return predicted
    assert set(fitted.classes_) == set(y) >= set(predicted)
    if not hasattr(fitted, "predict_proba"):
        assert len(set(predicted)) > 1
        return predicted
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (len(y), len(fitted.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.std(axis=0).min() > 0
    return probabilities


def scores(*arrays: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    for array in arrays:
        assert array.shape == shape
        assert np.isfinite(array).all()
    return np.stack(arrays)


def scoring(model: Any) -> str:
    """A score that no two different models share."""
    return "neg_log_loss" if is_classifier(model) else "neg_mean_squared_error"


def shuffled() -> KFold:
    return KFold(2, shuffle=True, random_state=0)


@cell("classifier", "regressor")
def grid_search(model, X, y):
    search = GridSearchCV(model, {"hidden_size": [2, 4]}, cv=shuffled()).fit(X, y)
    assert search.best_params_["hidden_size"] in (2, 4)
    return answer_of(search, X, y)


@cell("classifier")
def grid_search_nested(model, X, y):
    search = GridSearchCV(model, {"lr": [0.01, 0.1]}, cv=shuffled())
    result = cross_val_score(search, X, y, cv=shuffled(), scoring=scoring(model))
    return scores(result, shape=(2,))


@cell("classifier")
def grid_search_two_scores(model, X, y):
    search = GridSearchCV(
        model,
        {"lr": [0.01, 0.1]},
        cv=shuffled(),
        scoring=["roc_auc_ovr", "neg_log_loss"],
        refit="neg_log_loss",
    )
    return answer_of(search.fit(X, y), X, y)


@cell("classifier", "regressor")
def halving_grid_search(model, X, y):
    search = HalvingGridSearchCV(
        model,
        {"hidden_size": [2, 4]},
        factor=2,
        min_resources=12,
        cv=shuffled(),
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [12, 24]
    return answer_of(search, X, y)


@cell("classifier")
def halving_random_search(model, X, y):
    search = HalvingRandomSearchCV(
        model,
        {"hidden_size": [2, 3, 4]},
        n_candidates=2,
        factor=2,
        resource="max_epochs",
        max_resources=2,
        cv=shuffled(),
        random_state=0,
    ).fit(X, y)
    assert search.best_params_["max_epochs"] == 2
    return answer_of(search, X, y)


@cell("classifier")
def randomized_search(model, X, y):
    space = {"hidden_size": [2, 3, 4]}
    search = RandomizedSearchCV(model, space, n_iter=2, cv=shuffled(), random_state=0)
    return answer_of(search.fit(X, y), X, y)


@cell("classifier", "regressor")
def cross_validation(model, X, y):
    result = cross_validate(
        model, X, y, cv=shuffled(), scoring=scoring(model), return_train_score=True
    )
    return scores(result["test_score"], result["train_score"], shape=(2,))


@cell("classifier")
def cross_validation_by_group(model, X, y):
    groups = np.arange(len(y)) // 8
    result = cross_val_score(
        model, X, y, cv=LeaveOneGroupOut(), groups=groups, scoring=scoring(model)
    )
    return scores(result, shape=(3,))


@cell("classifier")
def cross_validation_in_time(model, X, y):
    time = TimeSeriesSplit(3)
    result = cross_val_score(model, X, y, cv=time, scoring=scoring(model))
    return scores(result, shape=(3,))


@cell("classifier", "regressor")
def cross_validated_predictions(model, X, y):
    method = "predict_proba" if is_classifier(model) else "predict"
    predicted = cross_val_predict(model, X, y, cv=shuffled(), method=method)
    assert len(predicted) == len(y) and np.isfinite(predicted).all()
    return predicted


@cell("classifier", "regressor")
def learning_curves(model, X, y):
    sizes, train, test = learning_curve(
        model,
        X,
        y,
        cv=2,  # stratified for classes: the scores need every class in each subset
        train_sizes=[9, 12],
        shuffle=True,
        random_state=0,
        scoring=scoring(model),
    )
    assert list(sizes) == [9, 12]
    return scores(train, test, shape=(2, 2))


@cell("classifier")
def incremental_learning_curve(model, X, y):
    _, train, test = learning_curve(
        model,
        X,
        y,
        cv=shuffled(),
        train_sizes=[0.5, 1.0],
        exploit_incremental_learning=True,
        scoring=scoring(model),
    )
    return scores(train, test, shape=(2, 2))


@cell("classifier", "regressor")
def validation_curves(model, X, y):
    curves = validation_curve(
        model,
        X,
        y,
        param_name="lr",
        param_range=[0.01, 0.1],
        cv=shuffled(),
        scoring=scoring(model),
    )
    return scores(*curves, shape=(2, 2))


@cell("classifier", "regressor")
def train_and_test(model, X, y):
    stratify = y if is_classifier(model) else None
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=9, random_state=0, stratify=stratify
    )
    return answer_of(model.fit(X_train, y_train), X_test, y_test)


@cell("classifier")
def resampled(model, X, y):
    return answer_of(model.fit(*resample(X, y, random_state=0)), X, y)


@cell("classifier", "regressor")
def pipeline(model, X, y):
    doubled = FunctionTransformer(lambda X: as_sequences(X).map(lambda x: 2 * x))
    return answer_of(make_pipeline(doubled, model).fit(X, y), X, y)


@cell("classifier")
def pipeline_of_columns(model, X, y):
    columns = ColumnTransformer([("none", "drop", [])], remainder="passthrough")
    return answer_of(make_pipeline(columns, model).fit(X, y), X, y)


@cell("classifier", "regressor")
def frozen(model, X, y):
    steps = make_pipeline(FunctionTransformer(), FrozenEstimator(model.fit(X, y)))
    other = np.roll(y, 1)  # fitting a frozen model changes nothing
    return answer_of(steps.fit(X, other), X, y)


@cell("classifier", "regressor")
def bagging(model, X, y):
    kind = BaggingClassifier if is_classifier(model) else BaggingRegressor
    bag = kind(model, n_estimators=3, random_state=0)
    return answer_of(bag.fit(X, y), X, y)


@cell("classifier", "regressor")
def boosting(model, X, y):
    kind = AdaBoostClassifier if is_classifier(model) else AdaBoostRegressor
    return answer_of(kind(model, n_estimators=2, random_state=0).fit(X, y), X, y)


@cell("classifier", "regressor")
def permuted_columns(model, X, y):
    result = permutation_importance(
        model.fit(X, y), X, y, n_repeats=2, random_state=0, scoring=scoring(model)
    )
    return scores(result.importances, shape=(len(result.importances_mean), 2))


@cell("classifier", "regressor")
def permuted_targets(model, X, y):
    score, permuted, _ = permutation_test_score(
        model,
        X,
        y,
        cv=shuffled(),
        n_permutations=2,
        random_state=0,
        scoring=scoring(model),
    )
    return scores(np.append(permuted, score), shape=(3,))


@cell("regressor")
def one_step_selection(model, X, y):
    select = SequentialFeatureSelector(model, n_features_to_select=1, cv=shuffled())
    chosen = select.fit_transform(X, y)
    return answer_of(clone(model).fit(chosen, y), chosen, y)


@cell("regressor")
def dependence_on_a_step(model, X, y):
    model.fit(X, y)
    result = partial_dependence(model, X, [0], grid_resolution=3, kind="average")
    return scores(result["average"], shape=(1, 3))


# Classifiers only.


@cell("classifier")
def calibration(model, X, y):
    calibrated = CalibratedClassifierCV(model, cv=shuffled())
    return answer_of(calibrated.fit(X, y), X, y)


@cell("binary")
def calibration_isotonic(model, X, y):
    calibrated = CalibratedClassifierCV(
        model, cv=shuffled(), method="isotonic", ensemble=False
    )
    return answer_of(calibrated.fit(X, y), X, y)


@cell("classifier")
def calibration_of_frozen(model, X, y):
    fitted = FrozenEstimator(model.fit(X, y))
    calibrated = CalibratedClassifierCV(fitted)
    return answer_of(calibrated.fit(X, y), X, y)


def twice(model: Any) -> list[tuple[str, Any]]:
    return [("small", model), ("smaller", clone(model).set_params(hidden_size=2))]


@cell("classifier")
def voting_soft(model, X, y):
    return answer_of(VotingClassifier(twice(model), voting="soft").fit(X, y), X, y)


@cell("classifier")
def voting_hard(model, X, y):
    return answer_of(VotingClassifier(twice(model)).fit(X, y), X, y)


@cell("classifier")
def stacking(model, X, y):
    stack = StackingClassifier(twice(model), LogisticRegression(), cv=shuffled())
    return answer_of(stack.fit(X, y), X, y)


@cell("classifier")
def stacking_passthrough(model, X, y):
    final = LogisticRegression()
    stack = StackingClassifier(twice(model), final, cv=shuffled(), passthrough=True)
    return answer_of(stack.fit(X, y), X, y)


@cell("binary")
def fixed_threshold(model, X, y):
    chosen = FixedThresholdClassifier(model, threshold=0.4, pos_label="yes").fit(X, y)
    expected = np.where(chosen.predict_proba(X)[:, 1] >= 0.4, "yes", "no")
    np.testing.assert_array_equal(chosen.predict(X), expected)
    return answer_of(chosen, X, y)


@cell("binary")
def tuned_threshold(model, X, y):
    tuned = TunedThresholdClassifierCV(model, cv=2, thresholds=10).fit(X, y)
    assert 0 < tuned.best_threshold_ < 1
    return np.append(answer_of(tuned, X, y), tuned.best_threshold_)


@cell("classifier")
def one_vs_rest(model, X, y):
    return answer_of(OneVsRestClassifier(model).fit(X, y), X, y)


@cell("classifier")
def one_vs_rest_indicator(model, X, y):
    indicator = (y[:, None] == CLASSES).astype(int)
    fitted = OneVsRestClassifier(model).fit(X, indicator)
    assert fitted.predict(X).shape == indicator.shape
    return fitted.predict_proba(X)


@cell("classifier")
def one_vs_one(model, X, y):
    return answer_of(OneVsOneClassifier(model).fit(X, y), X, y)


@cell("classifier")
def output_code(model, X, y):
    coded = OutputCodeClassifier(model, random_state=6).fit(X, y)
    assert np.ptp(coded.code_book_, axis=0).all()
    return answer_of(coded, X, y)


@cell("classifier")
def output_code_with_constant_column(model, X, y):
    coded = OutputCodeClassifier(model, random_state=0).fit(X, y)
    assert not np.ptp(coded.code_book_, axis=0).all()
    return answer_of(coded, X, y)


@cell("classifier")
def multi_output(model, X, y):
    both = np.column_stack([y, y[::-1]])
    fitted = MultiOutputClassifier(model).fit(X, both)
    predicted = fitted.predict(X)
    assert predicted.shape == both.shape and set(predicted.ravel()) <= set(CLASSES)
    return np.hstack(fitted.predict_proba(X))


@cell("classifier")
def chain(model, X, y):
    indicator = (y[:, None] == CLASSES).astype(int)
    fitted = ClassifierChain(model, random_state=0).fit(X, indicator)
    assert fitted.predict(X).shape == indicator.shape
    return fitted.predict_proba(X)


@cell("classifier")
def self_training(model, X, y):
    partly = np.where(np.arange(len(y)) % 4 == 0, -1, CODES)
    fitted = SelfTrainingClassifier(model, criterion="k_best", k_best=3).fit(X, partly)
    assert (fitted.transduction_ != -1).any()
    return answer_of(fitted, X, CODES)


# Regressors only.


@cell("regressor")
def voting(model, X, y):
    return answer_of(VotingRegressor(twice(model)).fit(X, y), X, y)


@cell("regressor")
def stacking_regression(model, X, y):
    stack = StackingRegressor(twice(model), LinearRegression(), cv=shuffled())
    return answer_of(stack.fit(X, y), X, y)


@cell("regressor")
def transformed_target(model, X, y):
    scaled = TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh)
    return answer_of(scaled.fit(X, y), X, y)


@cell("regressor")
def two_outputs(model, X, y):
    both = np.column_stack([y, -y])
    fitted = MultiOutputRegressor(model).fit(X, both)
    return answer_of(fitted, X, both)


@cell("regressor")
def regression_chain(model, X, y):
    both = np.column_stack([y, -y])
    return answer_of(RegressorChain(model, random_state=0).fit(X, both), X, both)


@cell("regressor")
def ransac(model, X, y):
    robust = RANSACRegressor(model, min_samples=12, max_trials=2, random_state=0)
    return answer_of(robust.fit(X, y), X, y)


# What scikit-learn refuses, and the words it uses.

NESTED = "setting an array element with a sequence"
RAGGED = "is ragged and cannot become one array"
THREE_AXES = "dim 3, while dim <= 2 is required"
ONE_AXIS = "Expected 2D array, got 1D array"
NO_SECOND_AXIS = "tuple index out of range"
AMBIGUOUS = "truth value of an array with more than one element is ambiguous"

# X becomes one block of floats before any model sees it.
FLOATS = {
    "frame": NESTED,
    "column": NESTED,
    "3-D array": THREE_AXES,
    "object array": NESTED,
    "series": NESTED,
    "list": NESTED,
    "SequenceArray": RAGGED,
}
# X may hold anything, in an array of one or two axes.
ARRAY = {"3-D array": THREE_AXES, "list": NESTED, "SequenceArray": RAGGED}
# X may hold anything, but needs two axes, rows and columns.
TWO_AXES = {
    "3-D array": THREE_AXES,
    "object array": ONE_AXIS,
    "series": "Expected a 2-dimensional container",
    "list": NESTED,
    "SequenceArray": RAGGED,
}
# Boosting lets three axes pass, but searches cells for NaN by comparing them.
NO_CELLS = {name: TWO_AXES[name] for name in TWO_AXES if name != "3-D array"}
NO_CELLS |= {"frame": AMBIGUOUS, "column": AMBIGUOUS}
# Columns are taken from X.
COLUMNS = {
    "3-D array": "2D NumPy array",
    "object array": NO_SECOND_AXIS,
    "series": NO_SECOND_AXIS,
    "list": ONE_AXIS,
    "SequenceArray": NO_SECOND_AXIS,
}
# X is put beside the predictions, and given to the final estimator.
BESIDE = {
    "frame": NESTED,
    "column": NESTED,
    "3-D array": "must have same number of dimensions",
    "object array": "must have same number of dimensions",
    "series": "must have same number of dimensions",
    "list": NESTED,
    "SequenceArray": RAGGED,
}

REFUSED: dict[str, dict[str, str]] = {
    "classifier-one_vs_one": FLOATS,
    "classifier-chain": FLOATS,
    "classifier-self_training": FLOATS,
    # Where all rows have one code a stand-in of scikit-learn's takes X: it wants an
    # array, of at most two axes.
    "classifier-output_code_with_constant_column": ARRAY,
    "classifier-bagging": TWO_AXES,
    "classifier-boosting": NO_CELLS,
    # A Series is taken for a frame, because it has `iloc`.
    "classifier-permuted_columns": TWO_AXES | {"series": NO_SECOND_AXIS},
    "classifier-pipeline_of_columns": COLUMNS,
    "classifier-stacking_passthrough": BESIDE,
    "regressor-regression_chain": FLOATS,
    "regressor-ransac": FLOATS,
    "regressor-one_step_selection": FLOATS,
    "regressor-bagging": TWO_AXES,
    "regressor-boosting": NO_CELLS,
    "regressor-permuted_columns": TWO_AXES | {"series": NO_SECOND_AXIS},
    # The grid is made by comparing cells.
    "regressor-dependence_on_a_step": COLUMNS | {"frame": AMBIGUOUS, "column": AMBIGUOUS},
}

# How many cells take each container, for classifiers and for regressors.
WORKING = {
    "2-D array": (39, 21),
    "2-D frame": (39, 21),
    "frame": (34, 16),
    "column": (34, 16),
    "3-D array": (31, 15),
    "object array": (31, 14),
    "series": (31, 14),
    "list": (30, 14),
    "SequenceArray": (30, 14),
}


@functools.cache
def answer(cell: str, container: str, kind: str) -> np.ndarray:
    task, function = CELLS[cell]
    model, y = model_and_target(task, kind)
    return function(model, CONTAINERS[container][1](rows(kind)), y)


def other_container(cell: str, container: str) -> str | None:
    """One that holds the same sequences and must give the same answer."""
    if container == "2-D frame":
        return "2-D array"
    if container == "2-D array" and "permuted_columns" in cell:
        return None  # a column is one time step here, the sequence elsewhere
    other = "frame" if container == "column" else "column"
    return None if other in REFUSED.get(cell, {}) else other


def pairs(*, refused: bool) -> list[tuple[str, str]]:
    return [
        (cell, container)
        for cell in CELLS
        for container in CONTAINERS
        if (container in REFUSED.get(cell, {})) == refused
    ]


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    if got.dtype.kind == "f":
        np.testing.assert_allclose(got, expected, rtol=1e-7)
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("cell", "container"), pairs(refused=False))
def test_the_container_does_not_change_the_answer(cell, container):
    kind = CONTAINERS[container][0]
    got = answer(cell, container, kind)
    other = other_container(cell, container)
    if other is not None:
        assert_same(got, answer(cell, other, kind))


@pytest.mark.parametrize(("cell", "container"), pairs(refused=True))
def test_scikit_learn_refuses_before_any_model_does(cell, container):
    with pytest.raises((ValueError, IndexError), match=REFUSED[cell][container]) as caught:
        answer(cell, container, CONTAINERS[container][0])
    files = [entry.path.as_posix() for entry in caught.traceback]
    assert not any(file.endswith("skseq/_estimators/base.py") for file in files)


def test_number_of_cells_that_work():
    working = {container: Counter() for container in CONTAINERS}
    for cell, container in pairs(refused=False):
        working[container][CELLS[cell][0] == "regressor"] += 1
    counts = {name: (c[False], c[True]) for name, c in working.items()}
    print(f"of {len(CELLS)} cells (classifiers, regressors):", counts)
    assert counts == WORKING


# Metadata routing: what is passed to a meta-estimator arrives at our fit.


class Recorder(LSTMSequenceClassifier):
    """Keeps what each fit was given, over all clones."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, groups=None
    ) -> Recorder:
        passed = {"sample_weight": sample_weight, "groups": groups}
        passed |= {"X_val": X_val, "y_val": y_val}
        self.seen.append({"X": X} | passed)
        return super().fit(X, y, **passed)


@pytest.fixture
def seen():
    Recorder.seen.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        yield Recorder.seen
    Recorder.seen.clear()


# The first step of a sequence tells its row, and the row its weight and group.
NUMBERED = [np.vstack([[i, i], sequence]) for i, sequence in enumerate(rows("ragged"))]
WEIGHT = 1.0 + np.arange(N_ROWS)
GROUPS = np.arange(N_ROWS) // 4


def check_arrival(seen: list[dict[str, Any]], *, n_fits: int) -> None:
    """Each row with its own weight and group, in every fit."""
    assert len(seen) == n_fits
    for passed in seen:
        row = np.array([sequence[0, 0] for sequence in passed["X"]]).astype(int)
        np.testing.assert_array_equal(passed["sample_weight"], WEIGHT[row])
        np.testing.assert_array_equal(passed["groups"], GROUPS[row])


def requesting() -> Recorder:
    model = Recorder(**SMALL).set_fit_request(sample_weight=True, groups=True)
    return model.set_score_request(sample_weight=False)


METADATA = {"sample_weight": WEIGHT, "groups": GROUPS}


def test_routing_through_grid_search(seen):
    search = GridSearchCV(requesting(), {"lr": [0.01, 0.1]}, cv=GroupKFold(3))
    search.fit(NUMBERED, LABELS, **METADATA)
    check_arrival(seen, n_fits=2 * 3 + 1)
    for passed in seen[:-1]:  # the splitter had the groups as well
        assert len(np.unique(passed["groups"])) == 4


def test_routing_through_cross_validate(seen):
    cross_validate(requesting(), NUMBERED, LABELS, cv=GroupKFold(3), params=METADATA)
    check_arrival(seen, n_fits=3)


def test_routing_through_pipeline(seen):
    steps = make_pipeline(FunctionTransformer(), requesting())
    steps.fit(NUMBERED, LABELS, **METADATA)
    check_arrival(seen, n_fits=1)
    direct = LSTMSequenceClassifier(**SMALL).fit(NUMBERED, LABELS, **METADATA)
    plain = LSTMSequenceClassifier(**SMALL).fit(NUMBERED, LABELS)
    routed = steps.predict_proba(NUMBERED)
    np.testing.assert_array_equal(routed, direct.predict_proba(NUMBERED))
    assert abs(routed - plain.predict_proba(NUMBERED)).max() > 1e-4


def test_routing_through_stacking(seen):
    # scikit-learn hands the final estimator all that was passed, requested or not;
    # this one knows groups, and takes the predictions for sequences of three steps.
    final = LSTMSequenceClassifier(**SMALL).set_fit_request(sample_weight=True, groups=True)
    stack = StackingClassifier([("model", requesting())], final, cv=3)
    stack.fit(NUMBERED, LABELS, **METADATA)
    check_arrival(seen, n_fits=3 + 1)


def test_stacking_hands_groups_to_a_final_estimator_without_groups(seen):
    stack = StackingClassifier([("model", requesting())], LogisticRegression(), cv=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'groups'"):
        stack.fit(NUMBERED, LABELS, **METADATA)
    check_arrival(seen, n_fits=3 + 1)  # ours had been fitted by then


MORE = {
    "voting": lambda model: VotingClassifier([("model", model)], voting="soft"),
    "calibration": lambda model: CalibratedClassifierCV(model, cv=2, ensemble=False),
    "one versus rest": OneVsRestClassifier,
    "threshold": lambda model: FixedThresholdClassifier(model),
}


@pytest.mark.parametrize("name", MORE)
def test_routing_elsewhere(seen, name):
    MORE[name](requesting()).fit(NUMBERED, BINARY, **METADATA)
    check_arrival(seen, n_fits=len(seen))
    assert seen


def test_weight_zero_through_grid_search_is_a_row_left_out(seen):
    kept = np.arange(N_ROWS) % 4 != 0
    model = LSTMSequenceClassifier(**SMALL).set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"hidden_size": [4]}, cv=shuffled())
    search.fit(NUMBERED, LABELS, sample_weight=kept.astype(float))
    rest = [sequence for sequence, keep in zip(NUMBERED, kept, strict=True) if keep]
    direct = LSTMSequenceClassifier(**SMALL).fit(rest, LABELS[kept])
    np.testing.assert_array_equal(
        search.predict_proba(NUMBERED), direct.predict_proba(NUMBERED)
    )


def test_groups_through_pipeline_shape_the_validation_split(seen):
    settings = SMALL | {"validation_fraction": 0.25}
    model = LSTMSequenceClassifier(**settings).set_fit_request(groups=True)
    steps = make_pipeline(FunctionTransformer(), model).fit(NUMBERED, LABELS, groups=GROUPS)
    direct, plain = (LSTMSequenceClassifier(**settings) for _ in range(2))
    direct.fit(NUMBERED, LABELS, groups=GROUPS)
    plain.fit(NUMBERED, LABELS)
    assert losses(steps[-1]) == losses(direct) != losses(plain)


def losses(model: LSTMSequenceClassifier) -> list[float]:
    return [epoch["valid_loss"] for epoch in model.history_]


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_is_not_requested_is_not_dropped_silently(seen, name):
    search = GridSearchCV(Recorder(**SMALL), {"hidden_size": [4]}, cv=2)
    with pytest.raises(UnsetMetadataPassedError, match=name):
        search.fit(NUMBERED, LABELS, **{name: METADATA[name]})


# A validation set through a pipeline.


def validated_pipeline(transformer: Any, **settings: Any) -> Pipeline:
    model = Recorder(**SMALL).set_fit_request(X_val=True, y_val=True)
    return Pipeline([("change", transformer), ("model", model)], **settings)


def test_validation_set_is_transformed(seen):
    table = np.stack(rows("table"))
    X, X_val, y, y_val = table[:16], 5 + table[16:], LABELS[:16], LABELS[16:]
    steps = validated_pipeline(StandardScaler(), transform_input=["X_val"])
    steps.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    np.testing.assert_array_equal(seen[0]["X_val"], scaler.transform(X_val))
    direct = LSTMSequenceClassifier(**SMALL).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert losses(steps[-1]) == losses(direct)


def test_validation_set_is_left_alone_unless_asked(seen):
    table = np.stack(rows("table"))
    X_val = table[16:]
    steps = validated_pipeline(StandardScaler())
    steps.fit(table[:16], LABELS[:16], X_val=X_val, y_val=LABELS[16:])
    assert seen[0]["X_val"] is X_val


def negated(X: Any) -> SequenceArray:
    return as_sequences(X).map(np.negative)


def test_ragged_validation_set_is_transformed_in_each_fold(seen):
    X, y = list(rows("ragged")), LABELS
    steps = validated_pipeline(FunctionTransformer(negated), transform_input=["X_val"])
    result = cross_validate(
        steps,
        X[:18],
        y[:18],
        cv=3,
        params={"X_val": X[18:], "y_val": y[18:]},
        return_estimator=True,
    )
    assert len(seen) == 3
    for passed in seen:
        for got, given in zip(passed["X_val"], X[18:], strict=True):
            np.testing.assert_array_equal(got, -given)
    assert all(len(losses(fitted[-1])) == 2 for fitted in result["estimator"])
