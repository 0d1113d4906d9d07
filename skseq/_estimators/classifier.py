"""Classification: labels to positions, and probabilities to labels."""

from __future__ import annotations

import math
import numbers
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from skorch.callbacks import Callback

from .._data.arrays import as_array, look_up
from .._data.draft import Draft, as_it_is
from .._data.rows import Rows
from .._data.rules import ANY, Rule, array, flag, number, one_of, optional, rising
from .._docs import CLASSIFIER_ATTRIBUTES, CLASSIFIER_PARAMETERS
from .._sklearn import Interval, StrOptions, _check_partial_fit_first_call
from .._surroundings import on_one_thread
from .._tasks.checks import check_class_weight, check_labels, check_targets
from .._tasks.losses import BinaryCrossEntropy, CrossEntropy, Loss
from .._training.batches import SequenceDataset
from ..nn.recurrent import RecurrentNet
from .base import BaseSequenceEstimator
from .parameters import SequenceParameters, arguments_by_name, parameters_by_name

__all__ = ["GRUSequenceClassifier", "LSTMSequenceClassifier"]


class SequenceClassifier(ClassifierMixin, BaseSequenceEstimator):
    """One label, or an indicator of several, for each sequence."""

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

    def _learns_from_part(self, y: Any, classes: Any) -> bool:
        """Take the classes there will be; y may not have all of them yet."""
        if not self.__sklearn_is_fitted__():
            self.__dict__.pop("classes_", None)
            check_targets(y, "y")
            self._multilabel = type_of_target(y) == "multilabel-indicator"
            if self._multilabel:
                classes = np.arange(np.shape(y)[1])
        _check_partial_fit_first_call(self, classes)
        return False

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
        if model._multilabel:
            return model._decode_y(probabilities > 0.5)
        return model._decode_y(probabilities.argmax(axis=1))

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
        if model._multilabel or len(model.classes_) > 2:
            return raw
        return raw[:, 1] - raw[:, 0]

    @property
    def _stratified(self) -> bool:  # type: ignore[override]
        return not self._multilabel

    def _encode_y(
        self, y: Any, weight: np.ndarray, name: str, *, learn: bool
    ) -> np.ndarray:
        if hasattr(y, "tocsr"):
            y = y.toarray()
        check_class_weight(self.class_weight)
        check_targets(y, name)
        check_labels(y, name)
        assert_all_finite(y, input_name=name)
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError(
                f"{name} has several columns, with other values than 0 and 1. Several "
                "labels of a sequence are columns of 0 and 1, which MultiLabelBinarizer of "
                "scikit-learn makes; for several answers of several classes each use its "
                "MultiOutputClassifier."
            )
        multilabel = kind == "multilabel-indicator"
        if learn:
            self._multilabel = multilabel
        elif multilabel != self._multilabel:
            raise ValueError(f"{name} must be what y was in fit: labels, or an indicator.")
        if multilabel:
            return self._encode_indicator(np.asarray(y), name, learn=learn)
        y = column_or_1d(as_array(y, name), warn=True)
        if learn:
            self.classes_ = np.unique(y[weight != 0])
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes; {name} has only one "
                f"class, {plain(self.classes_[0])!r} (rows of weight 0 do not count)."
            )
        # Rows of weight 0 may have any label; they are dropped before training.
        codes, known = look_up(y, self.classes_)
        known |= weight == 0
        if not known.all():
            i = int(known.argmin())
            raise ValueError(
                f"{name} contains the label {plain(y[i])!r} (row {i}), which is not among "
                f"the classes {self.classes_}."
            )
        return codes.astype(np.int64)

    def _decode_y(self, y: np.ndarray) -> np.ndarray:
        return y.astype(int) if self._multilabel else self.classes_[y]

    def _encode_indicator(self, y: np.ndarray, name: str, *, learn: bool) -> np.ndarray:
        if self.class_weight is not None:
            raise ValueError("class_weight is not possible with an indicator y.")
        if not np.isin(y, (0, 1)).all():
            raise ValueError(f"{name} as an indicator must hold 0 and 1 only.")
        if learn:
            self.classes_ = np.arange(y.shape[1])
        if y.shape[1] != len(self.classes_):
            raise ValueError(
                f"{name} has {y.shape[1]} labels, but the network has {len(self.classes_)}."
            )
        return y.astype(np.float64)

    def _check_fraction(self, rows: Rows, fraction: float) -> None:
        if self._multilabel or rows.groups is not None:
            return
        counts = np.bincount(rows.y, minlength=len(self.classes_))
        if counts.min() < 2:
            label = plain(self.classes_[counts.argmin()])
            raise ValueError(f"Class {label!r} has 1 distinct row, and needs one a side.")
        n_valid = math.ceil(fraction * len(rows))
        if n_valid < len(counts):
            raise ValueError(
                f"A share of {fraction} of {len(rows)} distinct rows is {n_valid}, fewer "
                f"than the {len(counts)} classes."
            )

    def _check_sides(self, train: Rows, valid: Rows) -> None:
        if self._multilabel:
            return
        for side, name in ((train, "training"), (valid, "validation")):
            missing = np.setdiff1d(np.arange(len(self.classes_)), side.y)
            if len(missing):
                raise ValueError(
                    f"The {name} side has no row of class "
                    f"{plain(self.classes_[missing[0]])!r}."
                )

    def _make_loss(self) -> Loss:
        loss = BinaryCrossEntropy if self._multilabel else CrossEntropy
        return loss(self._smoothing)

    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _prepare_loss(self, train: Rows) -> None:
        """Smoothing, and class weights as scikit-learn defines them."""
        self._smoothing = float(self.label_smoothing)
        self._weight_of_class = None
        if self.class_weight is None:
            return
        missing = np.setdiff1d(np.arange(len(self.classes_)), train.y)
        if self.class_weight == "balanced" and len(missing):
            raise ValueError(
                "class_weight='balanced' needs training rows of every class, and there is "
                f"none of class {plain(self.classes_[missing[0]])!r}; pass a dict of "
                "weights."
            )
        self._weight_of_class = compute_class_weight(
            self.class_weight,
            classes=self.classes_,
            y=self.classes_[train.y],
            sample_weight=train.weight,
        )

    def _dataset(self, rows: Rows, module: RecurrentNet) -> SequenceDataset:
        if self._multilabel:
            return SequenceDataset(rows.sequences, rows.y.astype(np.float32), rows.weight)
        weight = rows.weight
        if self._weight_of_class is not None:
            weight = weight * self._weight_of_class[rows.y]
        if not weight.any():
            raise ValueError(
                "class_weight must not be 0 for all rows that train or for all that "
                "validate."
            )
        return SequenceDataset(rows.sequences, rows.y, weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def plain(label: Any) -> Any:
    """A label as the user wrote it: 'a' rather than np.str_('a')."""
    return label.item() if isinstance(label, np.generic) else label


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
