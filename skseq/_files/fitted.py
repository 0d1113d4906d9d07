"""What scikit-learn's classes learn in `fit`: types, shapes and ranges that must agree.

Some of their methods compute in compiled code, or fill an array whose size they read from
an attribute. They believe what `fit` left behind, and a file may say anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import PolynomialFeatures

from .._data.rules import (
    ANY,
    Rule,
    Sizes,
    array,
    below,
    count,
    each,
    either,
    fault,
    flag,
    instance,
    is_rising,
    number,
    one_of,
    optional,
    rising,
    size,
    text,
)
from .._sklearn import validate_parameter_constraints

LARGEST_DEGREE = 100
FEATURES: dict[str, Rule] = {
    "n_features_in_": size("features"),
    "feature_names_in_": array("O", "features"),
}
PER_FEATURE = optional(array("f", "features"))
SEEN = either(number, array("fi", "features"))
PARTS = {  # of decompositions
    "components_": optional(array("f", "parts", "features")),
    "n_components_": size("parts"),
    "explained_variance_": optional(array("f", "parts")),
    "explained_variance_ratio_": optional(array("f", "parts")),
    "singular_values_": optional(array("f", "parts")),
    "mean_": either(number, array("f", "features")),
    "noise_variance_": optional(either(number, array("f", "features"))),
}
ENCODER = {
    "categories_": each(array(ANY, "*"), "features"),
    "_infrequent_enabled": flag,
    "_infrequent_indices": each(optional(array("i", "*")), "features"),
    "_default_to_infrequent_mappings": each(optional(array("i", "*")), "features"),
}


def step(value: Any, sizes: Sizes) -> bool:
    """A name, an estimator and more, as in a pipeline."""
    return isinstance(value, (tuple, list)) and len(value) > 1 and isinstance(value[0], str)


RULES: dict[str, dict[str, Rule]] = {
    "FactorAnalysis": {**PARTS, "loglike_": each(number, "*"), "n_iter_": count},
    "FastICA": {
        **PARTS,
        "mixing_": array("f", "features", "parts"),
        "whitening_": array("f", "parts", "features"),
        "_unmixing": array("f", "parts", "parts"),
        "n_iter_": count,
    },
    "IncrementalPCA": {
        **PARTS,
        "var_": either(number, array("f", "features")),
        "n_samples_seen_": SEEN,
        "batch_size_": size("*"),
    },
    "KernelPCA": {
        "X_fit_": array("f", "rows", "features"),
        "eigenvalues_": array("f", "parts"),
        "eigenvectors_": array("f", "rows", "parts"),
        "dual_coef_": array("f", "rows", "*"),
        "X_transformed_fit_": array("f", "rows", "parts"),
        "gamma_": optional(number),
    },
    "NMF": {
        **PARTS,
        "_n_components": size("parts"),
        "_beta_loss": number,
        "reconstruction_err_": number,
        "n_iter_": count,
    },
    "PCA": {**PARTS, "n_samples_": size("*"), "_fit_svd_solver": text},
    "TruncatedSVD": PARTS,
    "VarianceThreshold": {"variances_": array("f", "features")},
    "KNNImputer": {
        "_fit_X": array("f", "rows", "features"),
        "_mask_fit_X": array("b", "rows", "features"),
        "_valid_mask": array("b", "features"),
    },
    "MissingIndicator": {
        "_precomputed": flag,
        "_n_features": size("features"),
        "features_": below("features"),
    },
    "SimpleImputer": {
        "statistics_": array(ANY, "features"),
        "_fit_dtype": instance(np.dtype),
        "_fill_dtype": instance(np.dtype),
    },
    "Nystroem": {
        "components_": array("f", "parts", "features"),
        "normalization_": array("f", "parts", "parts"),
        "component_indices_": array("i", "parts"),
        "_n_features_out": size("parts"),
    },
    "RBFSampler": {
        "random_weights_": array("f", "features", "parts"),
        "random_offset_": array("f", "parts"),
        "_gamma": number,
        "_n_features_out": size("parts"),
    },
    "KBinsDiscretizer": {
        "n_bins_": array("i", "features"),
        "bin_edges_": each(array("f", "*"), "features"),
    },
    "KernelCenterer": {"K_fit_rows_": array("f", "features"), "K_fit_all_": number},
    "LabelBinarizer": {
        "classes_": rising(ANY, "*"),
        "y_type_": text,
        "sparse_input_": flag,
    },
    "LabelEncoder": {"classes_": array(ANY, "*")},
    "MaxAbsScaler": {
        "max_abs_": PER_FEATURE,
        "scale_": PER_FEATURE,
        "n_samples_seen_": SEEN,
    },
    "MinMaxScaler": {
        "scale_": PER_FEATURE,
        "min_": PER_FEATURE,
        "data_min_": PER_FEATURE,
        "data_max_": PER_FEATURE,
        "data_range_": PER_FEATURE,
        "n_samples_seen_": SEEN,
    },
    "MultiLabelBinarizer": {
        "classes_": array(ANY, "*"),
        "_cached_dict": optional(instance(dict)),
    },
    "OneHotEncoder": {
        **ENCODER,
        "drop_idx_": optional(array("O", "features")),
        "_drop_idx_after_grouping": optional(array("O", "features")),
        "_n_features_outs": each(count, "features"),
    },
    "OrdinalEncoder": {**ENCODER, "_missing_indices": instance(dict)},
    "PolynomialFeatures": {
        "_min_degree": count,
        "_max_degree": count,
        "_n_out_full": size("*"),
        "n_output_features_": size("*"),
    },
    "PowerTransformer": {
        "lambdas_": either(array("f", "features"), each(number, "features"))
    },
    "QuantileTransformer": {
        "n_quantiles_": size("quantiles"),
        "references_": array("f", "quantiles"),
        "quantiles_": array("f", "quantiles", "features"),
    },
    "RobustScaler": {"center_": PER_FEATURE, "scale_": PER_FEATURE},
    "StandardScaler": {
        "mean_": PER_FEATURE,
        "var_": PER_FEATURE,
        "scale_": PER_FEATURE,
        "n_samples_seen_": SEEN,
    },
    "TargetEncoder": {
        **ENCODER,
        "target_type_": one_of("binary", "continuous", "multiclass"),
        "classes_": optional(array(ANY, "*")),
        "target_mean_": either(number, array("f", "*")),
        "encodings_": each(array("f", "*"), "*"),
    },
    "GaussianRandomProjection": {
        "components_": array("f", "parts", "features"),
        "inverse_components_": array("f", "features", "parts"),
        "n_components_": size("parts"),
        "_n_features_out": either(size("parts"), one_of("auto")),
    },
    "Pipeline": {"steps": each(step, "*")},
    "FeatureUnion": {"transformer_list": each(step, "*")},
    "ColumnTransformer": {
        "transformers": each(step, "*"),
        "transformers_": each(step, "*"),
        "output_indices_": instance(dict),
        "sparse_output_": flag,
    },
    "TransformedTargetRegressor": {"_training_dim": one_of(1, 2)},
}


def state_fault(cls: type, state: Mapping[str, Any]) -> str | None:
    """Why an object of a class cannot have this state, or None if it can.

    An attribute that scikit-learn's class does not have today is read by none of its
    methods; a later version may have it, and so it passes.
    """
    names = [c.__name__ for c in cls.__mro__ if c.__module__.startswith("sklearn.")]
    name = next((name for name in names if name in RULES or name in CHECKS), "")
    rules = RULES.get(name, {})
    found = fault(state, {**FEATURES, **rules})
    if not found and not rules.keys().isdisjoint(state):
        found = _parameters_fault(cls, state)
    if found or name not in CHECKS:
        return found
    try:
        return CHECKS[name](state)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
        return "its attributes do not fit one another"


def _parameters_fault(cls: type, state: Mapping[str, Any]) -> str | None:
    """Of what is fitted, the parameters too are those that `fit` takes."""
    constraints = getattr(cls, "_parameter_constraints", {})
    parameters = {name: state[name] for name in constraints if name in state}
    try:
        validate_parameter_constraints(constraints, parameters, cls.__name__)
    except ValueError:
        return "a parameter is none that fit would take"
    return None


def _encoder_fault(state: Mapping[str, Any]) -> str | None:
    """Of all encoders by categories: codes are positions below the number of codes."""
    if "categories_" not in state:
        return None
    n_codes = _codes(state)
    mappings = _of_each(state, "_default_to_infrequent_mappings")
    # A missing value is the last category, and is never grouped by OrdinalEncoder.
    missing = state.get("_missing_indices") or {}
    for i, categories in enumerate(state["categories_"]):
        if not _can_be_searched(categories):
            return "its categories_ are not sorted"
        n_grouped = len(categories) - (i in missing)
        rare = _of_each(state, "_infrequent_indices")[i]
        if not _has_positions(rare, n_grouped):
            return "its infrequent categories are not among its categories"
        if (rare is None) != (mappings[i] is None):
            return "its infrequent categories and its codes do not go together"
        if mappings[i] is None:
            continue
        if len(mappings[i]) != n_grouped:
            return "its codes are not as many as its categories"
        if not ((mappings[i] >= 0) & (mappings[i] < n_codes[i])).all():
            return "its codes go beyond its categories"
    return None


def _of_each(state: Mapping[str, Any], name: str) -> list[Any]:
    """What is kept of the grouping of rare categories, for each feature."""
    found = state[name] if state.get("_infrequent_enabled", False) else None
    return [None] * len(state["categories_"]) if found is None else list(found)


def _codes(state: Mapping[str, Any]) -> list[int]:
    """How many codes each feature has, after grouping."""
    rare = _of_each(state, "_infrequent_indices")
    return [
        len(categories) - (0 if of_one is None else len(of_one) - 1)
        for categories, of_one in zip(state["categories_"], rare, strict=True)
    ]


def _can_be_searched(categories: np.ndarray) -> bool:
    """Strings and objects are looked up, in any order; numbers are searched."""
    return categories.dtype.kind in "OSU" or is_rising(categories)


def _has_positions(positions: np.ndarray | None, n: int) -> bool:
    """Whether these are different positions below n, or None."""
    if positions is None:
        return True
    inside = (positions >= 0) & (positions < n)
    return bool(inside.all()) and len(np.unique(positions)) == len(positions) > 0


def _one_hot_fault(state: Mapping[str, Any]) -> str | None:
    found = _encoder_fault(state)
    if found or "categories_" not in state:
        return found
    codes = _codes(state)
    dropped = state.get("_drop_idx_after_grouping")
    dropped = [None] * len(codes) if dropped is None else dropped.tolist()
    for position, n_codes in zip(dropped, codes, strict=True):
        if position is not None and not (count(position, {}) and position < n_codes):
            return "what it drops is not among its categories"
    columns = [k - (p is not None) for k, p in zip(codes, dropped, strict=True)]
    if state["_n_features_outs"] != columns:
        return "its _n_features_outs do not follow from its categories_"
    return None


def _target_fault(state: Mapping[str, Any]) -> str | None:
    """Each column that is filled has its encoding."""
    found = _encoder_fault(state)
    if found or "categories_" not in state:
        return found
    repeats = 1
    if state["target_type_"] == "multiclass":
        repeats = len(state["classes_"])
        if np.shape(state["target_mean_"]) != (repeats,):
            return "its target_mean_ is not one for each class"
    asked = [len(c) for c in state["categories_"] for _ in range(repeats)]
    if [len(encoding) for encoding in state["encodings_"]] != asked:
        return "its encodings_ do not follow from its categories_"
    return None


def _bins_fault(state: Mapping[str, Any]) -> str | None:
    if "bin_edges_" not in state:
        return None
    n_bins, encoder = state["n_bins_"].tolist(), state.get("_encoder")
    if [len(edges) - 1 for edges in state["bin_edges_"]] != n_bins:
        return "its bin_edges_ are not one more than its n_bins_"
    if encoder is not None and [len(c) for c in encoder.categories_] != n_bins:
        return "its encoder has other bins than itself"
    return None


def _labels_fault(state: Mapping[str, Any]) -> str | None:
    if "classes_" not in state:
        return None
    labels, cached = state["classes_"].tolist(), state.get("_cached_dict")
    positions = {label: i for i, label in enumerate(labels)}
    if len(positions) != len(labels):
        return "a class is twice in its classes_"
    if cached is None:
        return None
    same = cached == positions and all(type(i) is int for i in cached.values())
    return None if same else "its _cached_dict does not follow from its classes_"


def _polynomial_fault(state: Mapping[str, Any]) -> str | None:
    """The array that is filled has as many columns as are filled."""
    if "_max_degree" not in state:
        return None
    if state["_max_degree"] > LARGEST_DEGREE:
        return f"its _max_degree is more than {LARGEST_DEGREE}"
    asked = {
        "n_features": state["n_features_in_"],
        "max_degree": state["_max_degree"],
        "interaction_only": state["interaction_only"],
        "include_bias": state["include_bias"],
    }
    columns = PolynomialFeatures._num_combinations
    all_columns = columns(min_degree=0, **asked)
    kept = columns(min_degree=state["_min_degree"], **asked)
    if (all_columns, kept) != (state["_n_out_full"], state["n_output_features_"]):
        return "its columns do not follow from its parameters; fit it again"
    return None


def _function_fault(state: Mapping[str, Any]) -> str | None:
    """A ufunc leaves what it is told to leave out as it finds it in memory."""
    for function, name in (("func", "kw_args"), ("inverse_func", "inv_kw_args")):
        is_ufunc = isinstance(state.get(function), np.ufunc)
        if is_ufunc and "where" in (state.get(name) or {}):
            return f"its {name} have `where`, which leaves numbers undefined"
    return None


CHECKS: dict[str, Callable[[Mapping[str, Any]], str | None]] = {
    "OneHotEncoder": _one_hot_fault,
    "OrdinalEncoder": _encoder_fault,
    "TargetEncoder": _target_fault,
    "KBinsDiscretizer": _bins_fault,
    "MultiLabelBinarizer": _labels_fault,
    "PolynomialFeatures": _polynomial_fault,
    "FunctionTransformer": _function_fault,
}
