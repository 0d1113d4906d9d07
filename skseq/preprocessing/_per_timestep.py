"""Any transformer of columns, applied to the time steps of all sequences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._data.checks import check_rows_match
from .._data.containers import TABLE, convert, restore
from .._data.draft import Draft, as_it_is
from .._data.inputs import SequenceInputs
from .._data.sequences import SequenceArray, check_steps, distinct_steps, stacked_steps
from .._sklearn import HasMethods, _check_feature_names_in, _fit_context
from .._surroundings import gives_back
from ._output import FitTransform, in_container


def _inner_inverts(step: PerTimestep) -> bool:
    return hasattr(getattr(step, "transformer_", step.transformer), "inverse_transform")


class _TransformsSteps(FitTransform, SequenceInputs):
    """The methods that scikit-learn must not wrap for `set_output`: see `_output.py`."""

    transformer: Any
    transformer_: Any

    @gives_back
    def transform(self, X: Any) -> Any:
        """Transform every time step.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.

        Returns
        -------
        ndarray, SequenceArray or DataFrame
            A 2-D array for a 2-D array (3-D if steps get several values), a 3-D
            array for a 3-D array, otherwise a `SequenceArray`.
        """
        check_is_fitted(self)
        fitted = as_it_is(self)
        sequences, ndim = fitted._check_X(X, reset=False, finite=False)
        with _naming_bad_steps(sequences):
            result = _map_steps(fitted.transformer_.transform, fitted._named, sequences)
        result = result.with_names(fitted._names_out())
        return in_container(restore(result, ndim), X, fitted)

    def _named(self, steps: np.ndarray) -> Any:
        """Steps with the names of their channels, for a ColumnTransformer."""
        if self.channel_names_ is None or find_spec("pandas") is None:
            return steps
        return import_module("pandas").DataFrame(steps, columns=self.channel_names_)

    def _names_out(self) -> Any:
        """What the transformer calls its channels, if those of X have names."""
        if self.channel_names_ is None:
            return None
        try:
            return self.transformer_.get_feature_names_out()
        except (AttributeError, TypeError, ValueError):
            return None  # a step of it, or all of it, does not know


class PerTimestep(_TransformsSteps, TransformerMixin, BaseEstimator):
    """Apply a transformer of columns to the time steps of all sequences at once.

    scikit-learn's transformers work on tables; the time steps of all sequences
    are one, with a row for each step and a column for each channel. So one
    adapter makes `StandardScaler`, `SimpleImputer`, `PCA`, `OrdinalEncoder`, a
    `ColumnTransformer` and all others transformers of sequences.

    A step counts in `fit` as often as it occurs: in each window that holds it, if
    windows overlap, and in each copy of a sequence. So the result does not depend
    on how sequences are stored. `transform` computes every stored step once, and
    windows that overlap before overlap afterwards.

    A transformer that learns from targets is given each step with the target of its
    sequence. Those that cross-fit against overfitting, as `TargetEncoder` does, cannot
    do so here, because the steps of a sequence share their target.

    Parameters
    ----------
    transformer : estimator
        A transformer that gives one row for each row. It is cloned.

    Attributes
    ----------
    transformer_ : estimator
        The fitted transformer.
    n_channels_ : int
        Values at each time step.
    channel_names_ : ndarray of str or None
        Names of the channels, if `X` has them: those of the frames in a list, or of a
        `SequenceArray`.
    n_features_in_ : int
        Columns of `X` where it is a 2-D array (its time steps) or a frame, otherwise
        `n_channels_`.
    feature_names_in_ : ndarray of str
        Names of the columns, only if `X` is a frame that has them.

    See Also
    --------
    skseq.SequenceArray.map : Apply a function to each sequence.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skseq import as_sequences
    >>> from skseq.preprocessing import PerTimestep
    >>> X = as_sequences([[1.0, 3.0], [5.0]])
    >>> scaled = PerTimestep(StandardScaler()).fit_transform(X)
    >>> scaled[0].ravel().round(2), scaled[1].ravel().round(2)
    (array([-1.22,  0.  ]), array([1.22]))

    Its parameters can be searched:

    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import LSTMSequenceClassifier
    >>> search = GridSearchCV(
    ...     make_pipeline(PerTimestep(PCA()), LSTMSequenceClassifier()),
    ...     {"pertimestep__transformer__n_components": [2, 4]},
    ... )
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "transformer": [HasMethods(["fit", "transform"])]
    }

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    @gives_back
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> PerTimestep:
        """Fit the transformer to the time steps of all sequences.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y : array-like of shape (n_samples,), default=None
            Each step is given its sequence's target.

        Returns
        -------
        self
        """
        with Draft(self) as draft:
            draft.copy._fit(X, y)
        return self

    def _fit(self, X: Any, y: Any) -> None:
        sequences, _ = self._check_X(X, reset=True, finite=False)
        check_rows_match(sequences, "X", y=y)
        steps = self._named(stacked_steps(sequences))
        y = None if y is None else np.repeat(np.asarray(y), sequences.lengths, axis=0)
        with _naming_bad_steps(sequences):
            self.transformer_ = clone(self.transformer).fit(steps, y)

    @available_if(_inner_inverts)
    @gives_back
    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        X : sequences
            As `transform` returns them.

        Returns
        -------
        ndarray or SequenceArray
        """
        check_is_fitted(self)
        fitted = as_it_is(self)
        sequences, ndim = convert(X)
        names, made = sequences.channel_names, fitted._names_out()
        if names is not None and made is not None and list(names) != list(made):
            raise ValueError(
                f"The channels of X are {list(names)}, but transform makes {list(made)}; "
                "pass what it returned, or arrays without names."
            )
        undo = fitted.transformer_.inverse_transform
        result = _map_steps(undo, np.asarray, sequences).with_names(fitted.channel_names_)
        # A table whose steps got several values each had become a 3-D array.
        return restore(result, TABLE if ndim > 1 and fitted._is_table else ndim)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the channels, or of the steps of a table that stays one.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the channels (of a table: of its steps).

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        if not self._is_table:
            return self.transformer_.get_feature_names_out(input_features)
        of_steps = _check_feature_names_in(self, input_features)
        of_channels = getattr(self.transformer_, "get_feature_names_out", None)
        if of_channels is None or len(of_channels()) == 1:
            return of_steps
        return of_channels()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = inner.input_tags.string
        tags.target_tags.required = inner.target_tags.required
        tags.transformer_tags = inner.transformer_tags
        tags.requires_fit = True  # for the layout, whatever the transformer needs
        return tags


@contextmanager
def _naming_bad_steps(sequences: SequenceArray) -> Iterator[None]:
    """Where a transformer refuses, say which sequence it is, if that is the reason.

    Only the transformer knows whether it takes missing values: a pipeline that
    begins with an imputer does not say so in its tags.
    """
    try:
        yield
    except ValueError:
        check_steps(sequences, "X")
        raise


def _map_steps(function: Any, prepare: Any, sequences: SequenceArray) -> SequenceArray:
    """Apply a function of rows to each stored step once; what overlaps still does."""
    steps, starts = distinct_steps(sequences)
    values = function(prepare(steps))
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    if len(values) != len(steps):
        raise ValueError(
            f"The transformer turned {len(steps)} rows into {len(values)}; PerTimestep "
            "needs one that gives a row for each row."
        )
    return sequences.with_steps(values, sequences.lengths, starts)
