"""Early stopping, pruning and validation splits that work in any skorch net.

The estimators build `EarlyStopping` and `ValidationSplit` from their parameters; either
can be passed instead.
"""

from __future__ import annotations

import copy
import math
import numbers
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    check_cv,
)
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.utils.data import Subset

from ._sklearn import _num_samples

__all__ = ["EarlyStopping", "OptunaPruning", "ValidationSplit"]


class StopTraining(KeyboardInterrupt):
    """Ends a skorch fit loop on purpose, unlike the user's Ctrl-C."""


class EarlyStopping(Callback):
    """Stop when a monitored value has not improved for some epochs; keep the best.

    Parameters
    ----------
    monitor : str, default="auto"
        Key of the net's history. "auto" is "valid_loss" where there is
        validation and "train_loss" where there is none. NaN is no improvement,
        and waits for the first number.
    patience : int or None, default=10
        Epochs without improvement after which training stops. None never stops,
        and only keeps the best weights.
    threshold : float, default=0.0
        An improvement must be larger than this, in the units of `monitor`. It
        is absolute, so that it means the same for losses of either sign.
    lower_is_better : bool, default=True
        False for a monitored score.
    restore_best : bool, default=True
        Put the weights of the best epoch back when training ends, whether or
        not it stopped early.

    Attributes
    ----------
    best_epoch_ : int
        Number of the best epoch, counted from 1 in the net's history; 0 before
        the first.
    best_score_ : float
        The monitored value of that epoch.

    See Also
    --------
    skorch.callbacks.EarlyStopping : Has a relative threshold, which turns the
        wrong way for negative losses.

    Examples
    --------
    >>> from skseq import LSTMSequenceClassifier
    >>> from skseq.callbacks import EarlyStopping
    >>> model = LSTMSequenceClassifier(callbacks=[EarlyStopping(patience=3)])
    """

    def __init__(
        self,
        monitor: str = "auto",
        patience: int | None = 10,
        *,
        threshold: float = 0.0,
        lower_is_better: bool = True,
        restore_best: bool = True,
    ) -> None:
        self.monitor = monitor
        self.patience = patience
        self.threshold = threshold
        self.lower_is_better = lower_is_better
        self.restore_best = restore_best

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.best_epoch_ = 0
        self.best_score_ = math.nan
        # Until an epoch has ended, the weights at the start are the best there are.
        self._best_weights = copy.deepcopy(net.module_.state_dict())

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        epoch = len(net.history)
        current = _monitored(self, net, self._key(net))
        gain = current - self.best_score_
        if self.lower_is_better:
            gain = -gain
        # As long as there was no number, the latest weights are the best there are.
        if math.isnan(self.best_score_) or gain > self.threshold:
            # First, so that Ctrl-C finds the weights of the best epoch or its predecessor.
            self._best_weights = copy.deepcopy(net.module_.state_dict())
            self.best_epoch_ = epoch
            self.best_score_ = current
            return
        if self.patience is not None and epoch - self.best_epoch_ >= self.patience:
            raise StopTraining

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.restore_best:
            self.restore(net)
        del self._best_weights

    def restore(self, net: NeuralNet) -> None:
        """Put the best weights so far back into the net."""
        net.module_.load_state_dict(self._best_weights)

    def _key(self, net: NeuralNet) -> str:
        if self.monitor != "auto":
            return self.monitor
        return "valid_loss" if "valid_loss" in net.history[-1] else "train_loss"


def _monitored(callback: Callback, net: NeuralNet, key: str) -> float:
    """A value of the last epoch, or an error that says which there are."""
    row = net.history[-1]
    if key not in row:
        known = sorted(k for k, v in row.items() if isinstance(v, numbers.Real))
        raise ValueError(
            f"{type(callback).__name__}(monitor={key!r}) is not in the history; it has "
            f"{known}."
        )
    return float(row[key])


class OptunaPruning(Callback):
    """Report each epoch to an Optuna trial, and end those that its pruner gives up.

    A trial that is pruned leaves `fit` by `optuna.TrialPruned`, which Optuna
    expects; the estimator then has the weights of its best epoch. In a
    cross-validation pass ``error_score="raise"``, or scikit-learn takes that
    for a failed fit.

    Parameters
    ----------
    trial : optuna.trial.Trial
        The trial that Optuna passed to the objective. It is never copied, and it
        does not travel: where the callback is pickled, the trial is left out.
    monitor : str, default="auto"
        Key of the net's history. "auto" is "valid_loss" in a study that
        minimizes and "valid_score" in one that maximizes. It need not be what
        the objective returns, but must improve in the same direction.

    Attributes
    ----------
    n_epochs_ : int
        Epochs reported so far, which is Optuna's step. They are counted through
        all fits with this callback and its clones: a second fold, a warm start or
        another `partial_fit` goes on where the last one ended.

    Raises
    ------
    ImportError
        In `fit`, if Optuna is not installed.
    ValueError
        In `fit`, if there is no trial, `monitor` is not in the history, or the
        study prefers the worse end of it.

    References
    ----------
    T. Akiba et al. (2019). Optuna: a next-generation hyperparameter optimization
    framework. KDD.

    Examples
    --------
    >>> import optuna
    >>> from skseq import GRUSequenceRegressor
    >>> from skseq.callbacks import OptunaPruning
    >>> X = [[1.0, 2.0, 3.0], [2.0, 1.0], [0.0, 2.0], [3.0, 2.0, 1.0, 0.0]] * 5
    >>> y = [x[-1] - x[0] for x in X]
    >>> def objective(trial):
    ...     model = GRUSequenceRegressor(
    ...         hidden_size=trial.suggest_int("hidden_size", 2, 8),
    ...         max_epochs=5,
    ...         validation_fraction=0.5,
    ...         callbacks=[OptunaPruning(trial)],
    ...         random_state=0,
    ...     )
    ...     return model.fit(X, y).history_[-1]["valid_loss"]
    >>> study = optuna.create_study(pruner=optuna.pruners.MedianPruner())
    >>> study.optimize(objective, n_trials=3)
    >>> len(study.trials[0].intermediate_values)
    5
    """

    def __init__(self, trial: Any, monitor: str = "auto") -> None:
        self.trial = trial
        self.monitor = monitor
        self.n_epochs_ = 0

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        _optuna()
        if not hasattr(self.trial, "report"):
            raise ValueError(
                "OptunaPruning needs the trial that Optuna passed to the objective, got "
                f"{self.trial!r}. A trial does not travel to another process: fit in "
                "the one that runs the objective (n_jobs=None), or without this callback."
            )
        maximizes = self._maximizes()
        wrong = "loss" if maximizes else "score"
        if self.monitor in (f"train_{wrong}", f"valid_{wrong}"):
            direction = "maximizes" if maximizes else "minimizes"
            raise ValueError(
                f"The study {direction}, so OptunaPruning(monitor={self.monitor!r}) would "
                "prune its best trials; use monitor='auto' or the other direction."
            )

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        key = self.monitor
        if key == "auto":
            key = "valid_score" if self._maximizes() else "valid_loss"
        value = _monitored(self, net, key)
        self.n_epochs_ += 1
        self.trial.report(value, step=self.n_epochs_)
        if self.trial.should_prune():
            raise _optuna().TrialPruned(
                f"Pruned after epoch {self.n_epochs_}: {key} {value}."
            )

    def _maximizes(self) -> bool:
        # A FixedTrial, with which an objective is tried out, has no study.
        study = getattr(self.trial, "study", None)
        return study is not None and study.direction.name == "MAXIMIZE"

    # A copied trial would report to a copy of its study, where nobody looks.

    def __deepcopy__(self, memo: dict[int, Any]) -> OptunaPruning:
        return self

    def __sklearn_clone__(self) -> OptunaPruning:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "trial": None}


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            'OptunaPruning needs Optuna: pip install "skseq[search]".'
        ) from error
    return optuna


class ValidationSplit(BaseEstimator):
    """Take a validation set from the training rows; what skorch's `train_split` takes.

    Parameters
    ----------
    cv : float, splitter or iterable, default=0.1
        A fraction of the rows, drawn at random; or a scikit-learn splitter or an
        iterable of (train, validation) positions or masks, **whose last split is used**:
        with `TimeSeriesSplit` that is the one that trains on the most rows.
        Splitters see the rows in the order in which they were passed.
    stratified : bool, default=False
        Keep the share of each class when `cv` is a fraction. The estimators
        set it for classification.
    random_state : int, RandomState instance or None, default=None
        Draws the fraction. A splitter whose own `random_state` is None is run
        with this one too, so that a seeded model has a seeded split.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.callbacks import ValidationSplit
    >>> split = ValidationSplit(0.25, stratified=True, random_state=0)
    >>> train, valid = split.split(np.zeros(8), y=[0, 0, 0, 0, 1, 1, 1, 1])
    >>> len(train), len(valid)
    (6, 2)

    In a plain skorch net:

    >>> import torch
    >>> from skorch import NeuralNetClassifier
    >>> net = NeuralNetClassifier(torch.nn.Linear, train_split=ValidationSplit(0.2))
    """

    def __init__(
        self, cv: Any = 0.1, *, stratified: bool = False, random_state: Any = None
    ) -> None:
        self.cv = cv
        self.stratified = stratified
        self.random_state = random_state

    def __call__(
        self, dataset: Any, y: Any = None, groups: Any = None
    ) -> tuple[Subset, Subset]:
        """Split a torch Dataset into two subsets of it."""
        train, valid = self.split(dataset, y, groups)
        return Subset(dataset, train.tolist()), Subset(dataset, valid.tolist())

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the training rows and of the validation rows.

        Parameters
        ----------
        X : anything with a length
        y : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of one group stay on one side.

        Returns
        -------
        train, valid : ndarray of int

        Raises
        ------
        TypeError
            If one of the splits that were passed is no pair of sides.
        ValueError
            If a side would be empty, the sides name rows that are not there or share
            one, or the split cannot be stratified.
        """
        n_samples = _num_samples(X)
        if y is not None:
            y = y.detach().cpu().numpy() if hasattr(y, "detach") else np.asarray(y)
        splits = self._splitter(y, groups).split(X, y, groups)
        last = deque(splits, maxlen=1)
        if not last:
            raise ValueError(f"{self.cv} gives no split of {n_samples} rows.")
        train, valid = (_positions(side, n_samples) for side in last[0])
        for side, name in ((train, "training"), (valid, "validation")):
            if not len(side):
                raise ValueError(
                    f"The {name} side of the validation split is empty: {self.cv} of "
                    f"{n_samples} rows."
                )
        shared = np.intersect1d(train, valid)
        if len(shared):
            raise ValueError(
                f"Row {shared[0]} is on both sides of the validation split; leave it on "
                "one of them."
            )
        return train, valid

    def _splitter(self, y: Any, groups: Any) -> Any:
        if not isinstance(self.cv, numbers.Real):
            splitter = check_cv(_checked_splits(self.cv))
            if getattr(splitter, "random_state", 0) is None:
                splitter = copy.copy(splitter)
                splitter.random_state = self.random_state
            return splitter
        fraction = float(self.cv)
        if not 0.0 < fraction < 1.0:
            raise ValueError(f"A validation fraction lies between 0 and 1, got {self.cv}.")
        if self.stratified and y is None:
            raise ValueError("A stratified split needs y.")
        how = {"random_state": self.random_state}
        if groups is not None and self.stratified:
            return _StratifiedGroupShare(fraction, **how)
        if groups is not None:
            return GroupShuffleSplit(n_splits=1, test_size=fraction, **how)
        if self.stratified:
            return StratifiedShuffleSplit(n_splits=1, test_size=fraction, **how)
        return ShuffleSplit(n_splits=1, test_size=fraction, **how)


def _checked_splits(cv: Any) -> Any:
    """Splits that scikit-learn would unpack unseen; a splitter stays as it is."""
    if hasattr(cv, "split") or not isinstance(cv, Iterable):
        return cv
    splits = list(cv)
    for split in splits:
        is_pair = isinstance(split, Sized) and len(split) == 2
        if not is_pair or not all(np.ndim(side) == 1 for side in split):
            raise TypeError(
                "Each split must be a pair of training and validation positions; pass a "
                "list of splits, [(train, valid)], also for a single one. Got a split that "
                f"is {split!r:.60}."
            )
    return splits


def _positions(side: Any, n_samples: int) -> np.ndarray:
    """Rows of one side, of which a splitter may have made a mask."""
    side = np.asarray(side)
    if not side.size:
        return np.empty(0, dtype=np.intp)
    if side.dtype == bool and side.shape == (n_samples,):
        return np.flatnonzero(side)
    if side.dtype.kind not in "iu" or side.min() < -n_samples or side.max() >= n_samples:
        raise ValueError(
            f"A split must hold positions of the {n_samples} rows, from 0 to "
            f"{n_samples - 1}, or a mask with a place for each of them."
        )
    return side % n_samples


# More folds come nearer to the share, but take longer.
MOST_FOLDS = 20


class _StratifiedGroupShare:
    """One split that keeps groups together and the shares of the classes: merged folds."""

    def __init__(self, fraction: float, random_state: Any) -> None:
        self.fraction = fraction
        self.random_state = random_state

    def split(
        self, X: Any, y: np.ndarray, groups: Any
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        share = self._share_of_folds(y, groups)
        folds = StratifiedGroupKFold(
            share.denominator, shuffle=True, random_state=self.random_state
        )
        sides = [valid for _, valid in folds.split(X, y, groups)]
        valid = np.sort(np.concatenate(sides[-share.numerator :]))
        yield np.setdiff1d(np.arange(len(y)), valid), valid

    def _share_of_folds(self, y: np.ndarray, groups: Any) -> Fraction:
        """How many folds validate, of how many."""
        of_class = (contingency_matrix(y, groups, sparse=True) > 0).sum(axis=1)
        needed = round(1 / min(self.fraction, 1 - self.fraction))
        # Only as many folds as the rarest class has groups can all hold it.
        most = max(min(int(of_class.min()), MOST_FOLDS), needed)
        most = min(most, len(np.unique(groups)))
        share = Fraction(self.fraction).limit_denominator(most)
        return min(max(share, Fraction(1, most)), Fraction(most - 1, most))
