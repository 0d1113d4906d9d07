"""The classifiers: their parameters, methods and documentation."""

from __future__ import annotations

import numbers
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch.callbacks import Callback

from .._data.draft import Draft, as_it_is
from .._data.rules import ANY, Rule, array, flag, number, one_of, optional, rising
from .._docs import CLASSIFIER_ATTRIBUTES, CLASSIFIER_PARAMETERS
from .._sklearn import Interval, StrOptions, _check_partial_fit_first_call
from .._surroundings import on_one_thread
from .._tasks import classification
from .._tasks.base import Task
from .base import BaseSequenceEstimator
from .parameters import SequenceParameters, arguments_by_name, parameters_by_name

__all__ = ["GRUSequenceClassifier", "LSTMSequenceClassifier"]


class SequenceClassifier(ClassifierMixin, BaseSequenceEstimator):
    """One label, or an indicator of several, for each sequence."""

    _kind: ClassVar[Any] = classification
    _task: classification.OfClasses

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceParameters._parameter_constraints,
        "loss": [StrOptions({"cross_entropy"})],
        "label_smoothing": [Interval(numbers.Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    _learnt: ClassVar[dict[str, Rule]] = {
        **BaseSequenceEstimator._learnt,
        "classes_": rising(ANY, "classes"),
        "_loss": one_of("cross_entropy"),
        "_smoothing": number,
        "_multilabel": flag,
        "_weight_of_class": optional(array("f", "classes")),
    }

    @parameters_by_name
    def __init__(
        self,
        *,
        loss: str = "cross_entropy",
        label_smoothing: float = 0.0,
        class_weight: dict | str | None = None,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        pooling: str | tuple[str, ...] = ("last", "mean"),
        embedding_dim: int | None = None,
        standardize: bool = True,
        optimizer: str | type[torch.optim.Optimizer] | partial = "adam",
        lr: float = 0.005,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        max_epochs: int = 60,
        lr_schedule: str = "one_cycle",
        gradient_clip: float | None = 1.0,
        validation_fraction: Any = "auto",
        early_stopping: bool = False,
        patience: int = 10,
        warm_start: bool = False,
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        callbacks: list[Callback] | None = None,
    ) -> None:
        super().__init__(
            loss=loss,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
            pooling=pooling,
            embedding_dim=embedding_dim,
            standardize=standardize,
            optimizer=optimizer,
            lr=lr,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            lr_schedule=lr_schedule,
            gradient_clip=gradient_clip,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            patience=patience,
            warm_start=warm_start,
            device=device,
            random_state=random_state,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    @arguments_by_name
    @on_one_thread
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> SequenceClassifier:
        """Train for one epoch at a constant learning rate, without a validation set.

        Standardisation, classes and vocabulary are fixed by the first call (or
        by an earlier `fit`). Saved and loaded in between, training continues
        exactly as it would have without.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        classes : array-like of shape (n_classes,), default=None
            Every class there will be; needed in the first call, not for an
            indicator y.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' is not possible in partial_fit, which sees "
                "the classes bit by bit; pass a dict of weights."
            )
        with Draft(self) as draft:
            draft.copy._fit_part(draft, X, y, sample_weight, classes)
        return self

    def _task_of_part(self, y: np.ndarray, weight: np.ndarray, classes: Any) -> Task:
        """The classes there will be; y may not have all of them yet."""
        first = not self.__sklearn_is_fitted__()
        if first:
            self.__dict__.pop("classes_", None)
        if y.ndim == 2 and first:
            return classification.learn(y, weight, self)
        _check_partial_fit_first_call(self, classes)
        if first:
            return classification.labels_of(self.classes_, "classes", self)
        return self._task

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each sequence.

        Parameters
        ----------
        X : sequences

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1
        """
        model = as_it_is(self)
        probabilities = model.predict_proba(X)
        return model._task.chosen(probabilities)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : sequences

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows add up to 1; for several labels each column stands alone.
        """
        return self._outputs(X, decode=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        X : sequences

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):  # a probability may be 0
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores before softmax or sigmoid.

        Parameters
        ----------
        X : sequences

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the log-odds of ``classes_[1]``.
        """
        model = as_it_is(self)
        raw = model._outputs(X, decode=False)
        return model._task.decided(raw)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class LSTMSequenceClassifier(SequenceClassifier):
    __doc__ = f"""Classify sequences with an LSTM.

    A scikit-learn classifier for sequences of equal or unequal length.
    {CLASSIFIER_PARAMETERS}
    {CLASSIFIER_ATTRIBUTES}
    See Also
    --------
    GRUSequenceClassifier : The same with a gated recurrent unit.

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997). Long short-term memory. Neural
    Computation 9(8).

    Examples
    --------
    >>> from skseq import LSTMSequenceClassifier
    >>> X = [[0, 0, 1], [1, 1], [0, 1, 0, 1], [1, 1, 1]] * 5  # lengths differ
    >>> y = ["mixed", "ones", "mixed", "ones"] * 5
    >>> model = LSTMSequenceClassifier(
    ...     hidden_size=8, max_epochs=20, validation_fraction=None, random_state=0
    ... )
    >>> model.fit(X, y).predict([[1, 0, 0], [1, 1, 1, 1]])
    array(['mixed', 'ones'], dtype='<U5')
    """

    cell = "lstm"


class GRUSequenceClassifier(SequenceClassifier):
    __doc__ = f"""Classify sequences with a gated recurrent unit.

    A scikit-learn classifier for sequences of equal or unequal length. The
    equations are those of `torch.nn.GRU`.
    {CLASSIFIER_PARAMETERS}
    {CLASSIFIER_ATTRIBUTES}
    See Also
    --------
    LSTMSequenceClassifier : The same with an LSTM.

    References
    ----------
    K. Cho et al. (2014). Learning phrase representations using RNN
    encoder-decoder for statistical machine translation. EMNLP.

    Examples
    --------
    Symbols, of which there may be new ones at prediction time:

    >>> from skseq import GRUSequenceClassifier
    >>> X = ["abab", "ba", "cdcd", "dcd"] * 5
    >>> y = [0, 0, 1, 1] * 5
    >>> model = GRUSequenceClassifier(
    ...     embedding_dim=4, hidden_size=8, validation_fraction=None, random_state=0
    ... )
    >>> model.fit(X, y).predict(["abba", "dc", "c?"])
    array([0, 1, 1])
    """

    cell = "gru"
