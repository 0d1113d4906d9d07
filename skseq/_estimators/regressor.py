"""The regressors: their parameters, methods and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from .._data.draft import Draft, as_it_is
from .._data.rules import Rule, flag, one_of, size
from .._docs import REGRESSOR_ATTRIBUTES, REGRESSOR_PARAMETERS
from .._sklearn import StrOptions
from .._surroundings import on_one_thread
from .._tasks import regression
from .._tasks.losses import REGRESSION_LOSSES
from .base import BaseSequenceEstimator
from .parameters import SequenceParameters, arguments_by_name

__all__ = ["GRUSequenceRegressor", "LSTMSequenceRegressor"]


class SequenceRegressor(RegressorMixin, BaseSequenceEstimator):
    """One number, or several, for each sequence."""

    _kind: ClassVar[Any] = regression

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceParameters._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
    }
    _learnt: ClassVar[dict[str, Rule]] = {
        **BaseSequenceEstimator._learnt,
        "n_outputs_": size("outputs"),
        "_loss": one_of(*REGRESSION_LOSSES),
        "_y_is_2d": flag,
    }

    @arguments_by_name
    @on_one_thread
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> SequenceRegressor:
        """Train for one epoch at a constant learning rate, without a validation set.

        Standardisation of X and y and the vocabulary are fixed by the first
        call (or by an earlier `fit`). Saved and loaded in between, training
        continues exactly as it would have without.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        with Draft(self) as draft:
            draft.copy._fit_part(draft, X, y, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predicted targets.

        Parameters
        ----------
        X : sequences

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As y was in `fit`.
        """
        model = as_it_is(self)
        outputs = model._outputs(X, decode=True)
        return model._task.decode(outputs)

    def _check_learnt(self) -> None:
        super()._check_learnt()
        learnt = vars(self)
        if not learnt["_y_is_2d"] and learnt["n_outputs_"] != 1:
            raise ValueError("its y has one dimension, but several outputs")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LSTMSequenceRegressor(SequenceRegressor):
    __doc__ = f"""Predict numbers from sequences with an LSTM.

    A scikit-learn regressor for sequences of equal or unequal length.
    {REGRESSOR_PARAMETERS}
    {REGRESSOR_ATTRIBUTES}
    See Also
    --------
    GRUSequenceRegressor : The same with a gated recurrent unit.

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997). Long short-term memory. Neural
    Computation 9(8).

    Examples
    --------
    The number of ones:

    >>> import numpy as np
    >>> from skseq import LSTMSequenceRegressor
    >>> X = np.random.default_rng(0).integers(0, 2, size=(200, 10))
    >>> model = LSTMSequenceRegressor(hidden_size=16, max_epochs=20, random_state=0)
    >>> model.fit(X, X.sum(axis=1)).predict([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0]]).round()
    array([3.])
    """

    cell = "lstm"


class GRUSequenceRegressor(SequenceRegressor):
    __doc__ = f"""Predict numbers from sequences with a gated recurrent unit.

    A scikit-learn regressor for sequences of equal or unequal length. The
    equations are those of `torch.nn.GRU`.
    {REGRESSOR_PARAMETERS}
    {REGRESSOR_ATTRIBUTES}
    See Also
    --------
    LSTMSequenceRegressor : The same with an LSTM.

    References
    ----------
    K. Cho et al. (2014). Learning phrase representations using RNN
    encoder-decoder for statistical machine translation. EMNLP.

    Examples
    --------
    The next value of a wave, from windows of 20 steps:

    >>> import numpy as np
    >>> from skseq import GRUSequenceRegressor
    >>> wave = np.sin(np.arange(400) / 5)
    >>> X = np.lib.stride_tricks.sliding_window_view(wave[:-1], 20)
    >>> model = GRUSequenceRegressor(hidden_size=16, max_epochs=20, random_state=0)
    >>> model.fit(X[:300], wave[20:320]).score(X[300:], wave[320:]) > 0.99
    True
    """

    cell = "gru"
