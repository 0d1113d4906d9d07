"""What a file may name: classes whose instances it holds, and functions and types.

Nothing is imported because a file says so. A name is looked up in these tables, or
among what the caller trusts.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any

# Instances of these are rebuilt from their state, which is data. Of other libraries
# only classes that compute in numpy: those with compiled state believe what they read.
INSTANCES: dict[str, tuple[str, ...]] = {
    "skseq": (
        "GRUSequenceClassifier",
        "GRUSequenceRegressor",
        "LSTMSequenceClassifier",
        "LSTMSequenceRegressor",
    ),
    "skseq.callbacks": ("EarlyStopping", "OptunaPruning", "ValidationSplit"),
    "skseq.preprocessing": (
        "Crop",
        "Jitter",
        "PatternGenerator",
        "PerTimestep",
        "Scaling",
        "SineGenerator",
        "StepDropout",
        "SymbolGenerator",
        "TimeWarp",
        "TriggerActionGenerator",
        "WindowSplit",
    ),
    "imblearn.pipeline": ("Pipeline",),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "sklearn.decomposition": (
        "FactorAnalysis",
        "FastICA",
        "IncrementalPCA",
        "KernelPCA",
        "NMF",
        "PCA",
        "TruncatedSVD",
    ),
    "sklearn.feature_selection": ("VarianceThreshold",),
    "sklearn.impute": ("KNNImputer", "MissingIndicator", "SimpleImputer"),
    "sklearn.kernel_approximation": ("Nystroem", "RBFSampler"),
    "sklearn.model_selection": (
        "GroupKFold",
        "GroupShuffleSplit",
        "KFold",
        "LeaveOneGroupOut",
        "LeaveOneOut",
        "LeavePGroupsOut",
        "LeavePOut",
        "PredefinedSplit",
        "RepeatedKFold",
        "RepeatedStratifiedKFold",
        "ShuffleSplit",
        "StratifiedGroupKFold",
        "StratifiedKFold",
        "StratifiedShuffleSplit",
        "TimeSeriesSplit",
    ),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        "Binarizer",
        "FunctionTransformer",
        "KBinsDiscretizer",
        "KernelCenterer",
        "LabelBinarizer",
        "LabelEncoder",
        "MaxAbsScaler",
        "MinMaxScaler",
        "MultiLabelBinarizer",
        "Normalizer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "PolynomialFeatures",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
        "TargetEncoder",
    ),
    "sklearn.random_projection": ("GaussianRandomProjection",),
}

# Values of parameters: optimizers, dtypes, and functions without a side effect.
VALUES: dict[str, tuple[str, ...]] = {
    "builtins": ("bool", "float", "int", "object", "str"),
    "numpy": (
        *("absolute", "arcsinh", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log1p"),
        *("log2", "negative", "reciprocal", "sign", "sinh", "sqrt", "square", "tanh"),
        *("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64"),
        *("str_", "uint8", "uint16", "uint32", "uint64"),
    ),
    "sklearn.model_selection": ("KFold", "StratifiedKFold"),  # which others repeat
    "torch.optim": (
        *("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon"),
        *("NAdam", "RAdam", "RMSprop", "Rprop", "SGD"),
    ),
}


def check_trusted(trusted: Iterable[Any]) -> tuple[Any, ...]:
    """The classes and functions that the caller vouches for."""
    trusted = tuple(trusted)
    for item in trusted:
        if not callable(item) or not hasattr(item, "__name__"):
            raise TypeError(
                "trusted takes a list of classes and functions themselves, for example "
                f"trusted=[MyTransformer]; got {item!r}."
            )
        if item.__name__ == "<lambda>":
            raise ValueError(
                "trusted cannot take a lambda, which has no name to be found by; define "
                "the function with def."
            )
    return trusted


def name_of(
    item: Any, table: dict[str, tuple[str, ...]], trusted: tuple[Any, ...]
) -> str | None:
    """The name under which a file may hold this class or function, if there is one."""
    name = getattr(item, "__name__", None)
    for module, names in table.items():
        if name in names and getattr(sys.modules.get(module), name, None) is item:
            return f"{module}.{name}"
    return full_name(item) if any(item is t for t in trusted) else None


def find(name: str, table: dict[str, tuple[str, ...]], trusted: tuple[Any, ...]) -> Any:
    """The class or function of this name.

    Trusted ones may have moved to another module since: their own name decides.
    """
    module, _, attribute = name.rpartition(".")
    if attribute in table.get(module, ()):
        return getattr(importlib.import_module(module), attribute)
    for item in trusted:
        if name == full_name(item):
            return item
    for item in trusted:
        if name.endswith(f".{_qualified(item)}"):
            return item
    raise ValueError(
        f"it names {name}, which skseq.load does not know. If you know it and trust it, "
        f"pass the class or function itself: trusted=[{name.rpartition('.')[2]}]"
    )


def full_name(item: Any) -> str:
    module = getattr(item, "__module__", None) or "builtins"
    return f"{module}.{_qualified(item)}"


def _qualified(item: Any) -> str:
    return getattr(item, "__qualname__", item.__name__)
