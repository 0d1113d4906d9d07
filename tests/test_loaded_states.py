"""States of scikit-learn's classes: what `fit` can leave loads, and nothing else does."""

import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import (
    NMF,
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    TruncatedSVD,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    LabelBinarizer,
    MaxAbsScaler,
    MinMaxScaler,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection
from test_files import forged

import skseq

RNG = np.random.default_rng(0)
X = RNG.random((40, 4))
HOLES = np.where(RNG.random((40, 4)) < 0.2, np.nan, X)
CODES = RNG.integers(0, 6, size=(40, 2))
WORDS = np.array(["red", "green", "blue", "grey"], dtype=object)[CODES % 4]
MIXED = pd.DataFrame({"code": CODES[:, 0], "word": WORDS[:, 1]})
GAPS = np.where(CODES == 0, np.nan, CODES)
Y = np.tile([0, 1, 2, 1], 10)


def saved(model):
    file = io.BytesIO()
    skseq.save(model, file)
    return file.getvalue()


def load(data):
    return skseq.load(io.BytesIO(data))


LEGIT = [
    (StandardScaler(with_std=False), X),
    (StandardScaler(with_mean=False), HOLES),
    (StandardScaler(), X.astype(np.float32)),
    (StandardScaler(), pd.DataFrame(X, columns=list("abcd"))),
    (MinMaxScaler(clip=True), HOLES),
    (MaxAbsScaler(), HOLES),
    (RobustScaler(with_centering=False), HOLES),
    (RobustScaler(with_scaling=False), X),
    (PowerTransformer(standardize=False), X),
    (PowerTransformer(method="box-cox"), X + 1),
    (QuantileTransformer(n_quantiles=7, output_distribution="normal"), HOLES),
    (KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), X),
    (KBinsDiscretizer([2, 3, 4, 5], strategy="uniform"), X),
    (KBinsDiscretizer(4, encode="onehot-dense", strategy="kmeans"), X),
    (PolynomialFeatures(3, interaction_only=True, include_bias=False), X),
    (PolynomialFeatures((2, 3)), X),
    (OneHotEncoder(), CODES),
    (OneHotEncoder(), WORDS),
    (OneHotEncoder(), WORDS.astype(str)),
    (OneHotEncoder(), MIXED),
    (OneHotEncoder(), GAPS),
    (OneHotEncoder(), np.where(CODES == 0, None, WORDS)),
    (OneHotEncoder(drop="first", sparse_output=False), CODES),
    (OneHotEncoder(drop="if_binary"), np.c_[CODES, CODES[:, :1] > 2]),
    (OneHotEncoder(drop=[1, 2]), CODES),
    (OneHotEncoder(categories=[[0, 2, 4], [0, 9]], handle_unknown="ignore"), CODES),
    (OneHotEncoder(categories=[["red", "blue"], ["x"]], handle_unknown="ignore"), WORDS),
    (OneHotEncoder(min_frequency=8, handle_unknown="infrequent_if_exist"), CODES),
    (OneHotEncoder(max_categories=2, handle_unknown="infrequent_if_exist"), WORDS),
    (OneHotEncoder(max_categories=3, drop="first"), CODES),
    (OrdinalEncoder(), MIXED),
    (OrdinalEncoder(encoded_missing_value=-1), GAPS),
    (OrdinalEncoder(min_frequency=8), CODES),
    (OrdinalEncoder(min_frequency=8), GAPS),
    (OneHotEncoder(min_frequency=8, drop="first"), GAPS),
    (OneHotEncoder(max_categories=3, drop="if_binary"), WORDS),
    (OneHotEncoder(min_frequency=8), np.where(CODES == 0, None, WORDS)),
    (OneHotEncoder(), CODES == 1),
    (OneHotEncoder(categories=[[3, 1, 2, 0, 5, 4]] * 2), CODES.astype(object)),
    (TargetEncoder(target_type="multiclass"), GAPS),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), WORDS),
    (TargetEncoder(target_type="multiclass"), CODES),
    (TargetEncoder(target_type="continuous"), WORDS),
    (SimpleImputer(strategy="median", add_indicator=True), HOLES),
    (SimpleImputer(strategy="most_frequent", missing_values=None), WORDS),
    (SimpleImputer(strategy="constant", fill_value=3), HOLES),
    (SimpleImputer(keep_empty_features=True), np.c_[HOLES, HOLES[:, 0] * np.nan]),
    (KNNImputer(add_indicator=True), HOLES),
    (KNNImputer(weights="distance"), np.c_[HOLES, HOLES[:, 0] * np.nan]),
    (MissingIndicator(features="all"), HOLES),
    (MissingIndicator(error_on_new=False), HOLES),
    (VarianceThreshold(0.05), X),
    (PCA(), X),
    (PCA(0.9, whiten=True), X),
    (PCA(2, svd_solver="randomized", random_state=0), X),
    (PCA(2, svd_solver="covariance_eigh"), X.astype(np.float32)),
    (IncrementalPCA(batch_size=10), X),
    (TruncatedSVD(2, random_state=0), X),
    (FactorAnalysis(2), X),
    (FastICA(2, tol=0.2, random_state=0), X),
    (FastICA(whiten=False, tol=0.2, random_state=0), X - X.mean(axis=0)),
    (NMF(2, tol=0.1, init="nndsvda"), X),
    (NMF(2, solver="mu", beta_loss="kullback-leibler", tol=0.1, init="nndsvda"), X),
    (NMF(init="nndsvda", tol=0.1), X),
    (KernelPCA(3, kernel="rbf", fit_inverse_transform=True), X),
    (KernelPCA(kernel="poly", remove_zero_eig=True), X),
    (Nystroem(n_components=6, random_state=0), X),
    (RBFSampler(gamma="scale", n_components=7, random_state=0), X),
    (GaussianRandomProjection(2, compute_inverse_components=True, random_state=0), X),
    (FunctionTransformer(np.log1p, kw_args={"dtype": np.float64}), X),
    (FeatureUnion([("a", PCA(2)), ("b", "passthrough"), ("c", "drop")]), X),
    (ColumnTransformer([("a", PCA(1), [0, 1]), ("b", "drop", [2])], remainder="drop"), X),
    (make_pipeline(SimpleImputer(), None, StandardScaler()), HOLES),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("model", "data"), LEGIT, ids=lambda x: re.sub(r"\s+", "", str(x))[:60]
)
def test_what_fit_leaves_loads_exactly(model, data):
    model = clone(model).fit(data, Y)
    again = load(saved(model))
    one, other = (dense(m.transform(data[:7])) for m in (model, again))
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def dense(result):
    return result.toarray() if hasattr(result, "toarray") else np.asarray(result)


@pytest.mark.parametrize("model", [StandardScaler(), MinMaxScaler(), IncrementalPCA(2)])
def test_what_partial_fit_leaves_loads_and_goes_on(model):
    model = clone(model).partial_fit(X[:20])
    again = load(saved(model)).partial_fit(X[20:])
    model.partial_fit(X[20:])
    assert (again.transform(X) == model.transform(X)).all()


@pytest.mark.parametrize(
    ("binarizer", "y"),
    [
        (LabelBinarizer(), Y),
        (LabelBinarizer(), WORDS[:, 0].astype(str)),
        (LabelBinarizer(), [True, False]),
        (LabelBinarizer(), np.eye(3, dtype=int)),
        (MultiLabelBinarizer(), [{"a", "b"}, {"c"}]),
        (MultiLabelBinarizer(classes=[3, 1, 2]), [(1, 2), (3,)]),
    ],
)
def test_binarizers_load_before_and_after_their_first_use(binarizer, y):
    binarizer = clone(binarizer).fit(y)
    for _ in range(2):
        again = load(saved(binarizer))
        assert (again.transform(y) == binarizer.transform(y)).all()


def test_a_regressor_with_transformed_targets_loads():
    model = TransformedTargetRegressor(
        skseq.GRUSequenceRegressor(hidden_size=2, max_epochs=1, random_state=0),
        transformer=QuantileTransformer(n_quantiles=5),
    ).fit(X, Y + 0.5)
    assert (load(saved(model)).predict(X) == model.predict(X)).all()


# What `fit` cannot leave.


def changed(model, name, value):
    """The file of a model in which one attribute is another."""
    node = "replaced"

    def change(metadata, header):
        state = header["model"]["state"]
        assert name in state
        state[name] = node

    node = value
    return forged(saved(model), change)


HUGE = 10**9
WRONG = [
    (
        MultiLabelBinarizer().fit([["a", "b"]]),
        "_cached_dict",
        {"dict": {"a": 0, "b": HUGE}},
    ),
    (MultiLabelBinarizer().fit([["a", "b"]]), "_cached_dict", {"dict": {"a": 0, "b": -1}}),
    (MultiLabelBinarizer().fit([["a", "b"]]), "_cached_dict", {"dict": {"a": 0}}),
    (OneHotEncoder().fit(CODES), "_n_features_outs", [6, HUGE]),
    (OneHotEncoder().fit(CODES), "_n_features_outs", [-6, 6]),
    (OneHotEncoder().fit(CODES), "_n_features_outs", [6]),
    (OneHotEncoder().fit(CODES), "_n_features_outs", None),
    (OneHotEncoder().fit(CODES), "n_features_in_", 3),
    (
        OneHotEncoder(drop="first").fit(CODES),
        "_drop_idx_after_grouping",
        {"objects": [0, HUGE], "shape": [2]},
    ),
    (
        OneHotEncoder(drop="first").fit(CODES),
        "_drop_idx_after_grouping",
        None,
    ),
    (
        KBinsDiscretizer(3, strategy="uniform").fit(X),
        "bin_edges_",
        {"objects": [], "shape": [0]},
    ),
    (NMF(2, init="nndsvda", tol=0.1).fit(X), "_n_components", 50),
    (NMF(2, init="nndsvda", tol=0.1).fit(X), "n_components_", 1),
    (PolynomialFeatures().fit(X), "_n_out_full", 1000),
    (PolynomialFeatures().fit(X), "_max_degree", 1),
    (PolynomialFeatures().fit(X), "_max_degree", HUGE),
    (PolynomialFeatures().fit(X), "include_bias", False),
    (QuantileTransformer(n_quantiles=5).fit(X), "n_quantiles_", 6),
    (FunctionTransformer(np.exp), "kw_args", {"dict": {"where": False}}),
    (FunctionTransformer(np.exp, np.log), "inv_kw_args", {"dict": {"where": False}}),
    (TargetEncoder().fit(CODES, Y), "encodings_", []),
    (TargetEncoder().fit(CODES, Y), "target_type_", "binary"),
    (TargetEncoder().fit(CODES, Y > 0), "target_type_", "multiclass"),
    (PolynomialFeatures().fit(X), "interaction_only", 2),
    (
        MultiLabelBinarizer().fit([["a", "b"]]),
        "classes_",
        {"objects": ["a"] * 2, "shape": [2]},
    ),
    (
        OneHotEncoder(max_categories=3).fit(CODES),
        "_default_to_infrequent_mappings",
        [None, None],
    ),
    (make_pipeline(PCA()), "steps", [3]),
    (StandardScaler().fit(X), "n_features_in_", 5),
    (StandardScaler().fit(X), "n_features_in_", 10**12),
    (StandardScaler().fit(X), "mean_", "zero"),
    (PCA(2).fit(X), "n_components_", 3),
    (make_pipeline(PCA()), "steps", 3),
]


@pytest.mark.parametrize(
    ("model", "name", "value"), WRONG, ids=lambda x: re.sub(r"\s+", "", str(x))[:40]
)
def test_what_fit_cannot_leave_is_refused(model, name, value):
    with pytest.raises(ValueError, match=r"^The file cannot be loaded: it has a sklearn"):
        load(changed(model, name, value))


ARRAYS = [
    (OneHotEncoder(), "categories_", lambda a: a[::-1]),
    (OneHotEncoder(), "categories_", np.zeros_like),
    (OneHotEncoder(max_categories=3), "_default_to_infrequent_mappings", lambda a: a + 99),
    (OneHotEncoder(max_categories=3), "_infrequent_indices", lambda a: a - 99),
    (StandardScaler(), "scale_", lambda a: a[:, None]),
    (StandardScaler(), "scale_", lambda a: a.astype(np.complex128)),
    (PCA(2), "components_", lambda a: a[:1]),
    (NMF(2, init="nndsvda", tol=0.1), "components_", lambda a: a[:1]),
    (KernelPCA(2), "eigenvectors_", lambda a: a[:5]),
    (MissingIndicator(), "features_", lambda a: a + 99),
    (KNNImputer(), "_mask_fit_X", lambda a: a[:, :2]),
]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (StandardScaler().fit(X), "_parameter_constraints"),
        (skseq.LSTMSequenceClassifier(), "_learnt"),
        (skseq.LSTMSequenceClassifier(), "cell"),
    ],
)
def test_what_a_class_defines_is_not_for_a_file_to_set(model, name):
    def change(metadata, header):
        header["model"]["state"][name] = {"dict": {}}

    with pytest.raises(ValueError, match=f"{name} would replace what"):
        load(forged(saved(model), change))


@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_arrays_that_do_not_fit_are_refused_when_they_are_saved(number):
    model, name, change = ARRAYS[number]
    others = {"OneHotEncoder": CODES, "MissingIndicator": HOLES, "KNNImputer": HOLES}
    model = clone(model).fit(others.get(type(model).__name__, X))
    value = getattr(model, name)
    setattr(
        model,
        name,
        [change(a) for a in value] if isinstance(value, list) else change(value),
    )
    with pytest.raises(TypeError, match="cannot be loaded again: "):
        saved(model)


def test_the_refusal_says_where():
    scaler = StandardScaler().fit(X)
    scaler.scale_ = scaler.scale_[:3]
    said = (
        r"steps.0.1, a sklearn.*StandardScaler, .* its scale_ is an array of float64 with"
    )
    with pytest.raises(TypeError, match=said):
        saved(make_pipeline(scaler, LinearRegression()))


# What numpy takes on trust.


def with_tensor(model, name, change):
    data = saved(model)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"] | {"sha256": "0" * 64}
    tensors = safetensors.numpy.load(data)
    tensors[name] = change(tensors[name])
    made = safetensors.numpy.save(tensors, metadata=metadata)
    return made.replace(b"0" * 64, hashlib.sha256(made).hexdigest().encode(), 1)


def test_booleans_that_are_neither_true_nor_false():
    imputer = KNNImputer().fit(HOLES)
    odd = with_tensor(imputer, "_valid_mask", lambda a: np.full(4, 7, np.uint8).view(bool))
    with pytest.raises(ValueError, match="neither true nor false"):
        load(odd)


def test_characters_that_there_are_not():
    encoder = OrdinalEncoder().fit(WORDS.astype(str))
    odd = with_tensor(encoder, "categories_.0", lambda a: np.full_like(a, 255))
    with pytest.raises(ValueError, match="characters that there are not"):
        load(odd)


def test_an_empty_array_of_a_huge_shape():
    function = FunctionTransformer(kw_args={"x": np.empty(0, object)})
    node = {"dict": {"x": {"objects": [], "shape": [10**12, 0]}}}
    with pytest.raises(ValueError, match="empty array of the shape"):
        load(changed(function, "kw_args", node))


# At random.


def test_mutated_files_load_and_are_used_or_are_refused():
    """A few of those that `make fuzz` tries."""
    script = Path(__file__).parent / "fuzz" / "files.py"
    result = subprocess.run(
        [sys.executable, script, "--count", "3000"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"3000 files in \d+ s, .* 0 red", result.stdout)
