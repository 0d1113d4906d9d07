"""Every private name of scikit-learn that is used, imported in this one place.

scikit-learn has no public way to declare parameters and check them, to word some of its
errors, or to learn what `set_output` asks for. `make lowest` notices where an older version
has a name elsewhere, and the test suite where a newer one has.
"""

from __future__ import annotations

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config, _wrap_data_with_container
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    _num_samples,
)

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "_BaseScorer",
    "_check_feature_names_in",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_get_output_config",
    "_num_samples",
    "_safe_indexing",
    "_wrap_data_with_container",
    "validate_parameter_constraints",
    "validate_params",
]
