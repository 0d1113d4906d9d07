"""`audit`: does a model use the order of its sequences, or is the task a trap?"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    check_cv,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import indexable

from ._checks import check_rows_match, draw_seed
from ._inputs import restore
from .containers import convert
from .preprocessing import SequenceGenerator
from .sequences import SequenceArray, check_steps, stacked_steps

CONSTANT, LENGTH, LAST_STEP, MEANS = (
    "constant",
    "length only",
    "last step only",
    "mean of each channel",
)
TIME_SHUFFLED, LABELS_SHUFFLED, BEST = "time shuffled", "labels shuffled", "best possible"


@dataclass(frozen=True)
class Audit:
    """What `audit` found. Printed, it is a table and a sentence.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_splits,)
        Test scores of the estimator (the first entry) and of what stands beside it.
    sentence : str
        What they say.
    in_percent : bool
        Whether scores are shares of right answers.
    """

    scores: dict[str, np.ndarray]
    sentence: str
    in_percent: bool

    def __str__(self) -> str:
        width = max(map(len, self.scores)) + 2
        lines = [f"{'':{width}}{'score':>8}{'+/-':>8}"]
        for name, scores in self.scores.items():
            mean, deviation = (
                _shown(value, self.in_percent) for value in (scores.mean(), scores.std())
            )
            lines.append(f"{name:{width}}{mean:>8}{deviation:>8}")
        return "\n".join([*lines, "", self.sentence])

    __repr__ = __str__


def audit(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    best: Any = None,
    groups: Any = None,
    cv: Any = None,
    scoring: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> Audit:
    """Compare a model with what needs no sequence model, in cross-validation.

    On the same folds stand beside the estimator:

    ======================  ====================================================
    constant                the most frequent class, or the mean
    length only             a random forest on the number of steps
    last step only          a random forest on the values of the last step
    mean of each channel    a random forest on means over time (of symbols: on
                            the share of each symbol)
    time shuffled           the estimator, trained and tested on sequences whose
                            steps are in random order
    labels shuffled         the estimator, trained and tested on targets that
                            belong to other sequences (equal sequences stay equal)
    best possible           the exact ceiling, where it is known
    ======================  ====================================================

    A difference counts as one if a one-sided t-test over the folds finds it, at 5%,
    with the standard error corrected for training sets that overlap; a leak, at 1%.

    Parameters
    ----------
    estimator : estimator
        A classifier or regressor of sequences, or a pipeline that ends in one. If
        its first step is a generator of `skseq.preprocessing`, what it generates
        is audited, and the best possible score is known.
    X : sequences
        Any container that `as_sequences` takes; a table of settings for a
        pipeline that begins with a generator.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    best : array-like of shape (n_samples,), (n_samples, n_classes) or \
(n_samples, n_outputs), default=None
        What the best possible model says of each row: the probability of the
        second class, or of each class; of a regression, the targets without noise.
        The generators of `skseq.datasets` return it as ``posterior`` or
        ``y_signal``.
    groups : array-like of shape (n_samples,), default=None
        Passed to `cv`. With a number of folds, groups are kept together.
    cv : int, splitter or iterable, default=None
        As in `sklearn.model_selection.cross_val_score`; two splits at least.
    scoring : str, callable or None, default=None
        As in `sklearn.model_selection.cross_val_score`; higher is better. None is
        the estimator's own score.
    n_jobs : int or None, default=None
        Folds at the same time.
    random_state : int, RandomState instance or None, default=None
        Shuffles time and labels, and seeds the forests.

    Returns
    -------
    Audit
        Print it: a table with means and standard deviations over the folds, and a
        sentence. Its ``scores`` and its ``sentence`` can be read by programs.

    Raises
    ------
    ValueError
        If rows do not match, `best` is no probability of a classifier, there are
        fewer than two splits, or a search around a generator is passed.

    References
    ----------
    C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine
    Learning 52: the corrected standard error. M. Ojala, G. C. Garriga (2010).
    Permutation tests for studying classifier performance. JMLR 11: shuffled labels.

    Examples
    --------
    The classic way to make the task "does 1, 1, 0 occur?" is a trap:

    >>> from skseq import LSTMSequenceClassifier, audit
    >>> from skseq.datasets import make_pattern_sequences
    >>> X, y = make_pattern_sequences(300, balanced=False, random_state=0)
    >>> model = LSTMSequenceClassifier(hidden_size=8, max_epochs=2, random_state=0)
    >>> print(audit(model, X, y, cv=3, random_state=0).sentence)
    A constant scores 99.3%, LSTMSequenceClassifier 99.3%: it knows no more than that.
    """
    estimator, X, best = _generated(estimator, X, best)
    sequences, ndim = convert(X)
    check_steps(sequences, "X", finite=False)
    check_rows_match(sequences, "X", y=y, groups=groups, best=best)
    X, y, groups = indexable(X, y, groups)
    classifies = is_classifier(estimator)
    best = _check_best(best, classifies)
    splits = _splits(cv, X, y, groups, classifies)
    random = np.random.default_rng(draw_seed(random_state))

    def score(model: Any, X: Any, y: Any = y) -> np.ndarray:
        return cross_val_score(
            model, X, y, cv=splits, scoring=scoring, n_jobs=n_jobs, error_score="raise"
        )

    name = _name(estimator)
    scores = {name: score(estimator, X)}
    for summary, features in _summaries(sequences).items():
        scores[summary] = score(_simple_model(summary, classifies, random), features)
    shuffled = restore(_shuffle_time(sequences, random), ndim)
    scores[TIME_SHUFFLED] = score(estimator, shuffled)
    wrong_y = _shuffle_labels(sequences, y, random)
    scores[LABELS_SHUFFLED] = score(estimator, X, wrong_y)
    dummy = _simple_model(CONSTANT, classifies, random)
    chance = score(dummy, sequences.lengths[:, None], wrong_y)
    if best is not None:
        known = (_KnownClasses if classifies else _KnownValues)(best)
        scores[BEST] = score(known, np.arange(len(sequences))[:, None])
    in_percent = classifies and scoring in (None, "accuracy", "balanced_accuracy")
    tested = float(np.mean([len(test) / len(train) for train, test in splits]))
    sentence = _Verdict(name, scores, chance, tested, in_percent).sentence()
    return Audit(scores, sentence, in_percent)


def _generated(estimator: Any, X: Any, best: Any) -> tuple[Any, Any, Any]:
    """Behind a generator: the rest of the pipeline, its sequences and its ceiling."""
    if not (
        isinstance(estimator, Pipeline) and isinstance(estimator[0], SequenceGenerator)
    ):
        return estimator, X, best
    generator = estimator[0]
    best = generator.best_predictions(X) if best is None else best
    return estimator[1:], generator.transform(X), best


def _check_best(best: Any, classifies: bool) -> np.ndarray | None:
    if best is None:
        return None
    best = np.asarray(best)
    numbers = best.dtype.kind in "iufb"
    if not numbers or (classifies and not ((best >= 0) & (best <= 1)).all()):
        raise ValueError(
            "best must be the probability of the second class, or of each class in a "
            "column of its own."
            if classifies
            else "best must be numbers like y."
        )
    return best


def _splits(cv: Any, X: Any, y: Any, groups: Any, classifies: bool) -> list[Any]:
    if groups is not None and (cv is None or isinstance(cv, Integral)):
        keep_together = StratifiedGroupKFold if classifies else GroupKFold
        cv = keep_together(n_splits=5 if cv is None else int(cv))
    splits = list(check_cv(cv, y, classifier=classifies).split(X, y, groups))
    if len(splits) < 2:
        raise ValueError(f"audit needs at least two splits to compare, got {len(splits)}.")
    return splits


def _name(estimator: Any) -> str:
    return type(estimator[-1] if isinstance(estimator, Pipeline) else estimator).__name__


def _summaries(sequences: SequenceArray) -> dict[str, np.ndarray]:
    """What can be known of each sequence without its order."""
    steps, lengths = stacked_steps(sequences), sequences.lengths
    if steps.dtype.kind == "U":
        symbols, codes = np.unique(steps, return_inverse=True)
        codes = codes.reshape(steps.shape)
        steps = (codes[:, :, None] == np.arange(len(symbols))).reshape(len(steps), -1)
    first = np.cumsum(lengths) - lengths
    summaries = {
        CONSTANT: lengths[:, None],
        LENGTH: lengths[:, None],
        LAST_STEP: steps[first + lengths - 1],
        MEANS: np.add.reduceat(steps, first, axis=0, dtype=np.float64) / lengths[:, None],
    }
    if (lengths == lengths[0]).all():
        del summaries[LENGTH]
    return summaries


def _simple_model(summary: str, classifies: bool, random: np.random.Generator) -> Any:
    if summary == CONSTANT:
        return DummyClassifier() if classifies else DummyRegressor()
    # Takes a tenth of a second, which `import skseq` need not pay for.
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestClassifier if classifies else RandomForestRegressor
    return forest(min_samples_leaf=3, random_state=int(random.integers(2**31)))


def _shuffle_time(sequences: SequenceArray, random: np.random.Generator) -> SequenceArray:
    """The steps of each sequence in random order."""
    steps = stacked_steps(sequences)
    row = np.repeat(np.arange(len(sequences)), sequences.lengths)
    order = np.lexsort((random.random(len(steps)), row))
    return SequenceArray(steps[order], sequences.lengths)


def _shuffle_labels(
    sequences: SequenceArray, y: Any, random: np.random.Generator
) -> np.ndarray:
    """Targets of other sequences; rows that are equal in sequence and target stay so.

    Otherwise copies of a training row in a test fold would not show.
    """
    y = np.asarray(y)
    contents = [
        sequence.tobytes() + target.tobytes()
        for sequence, target in zip(sequences, y, strict=True)
    ]
    _, first, row = np.unique(
        np.array(contents, dtype=object), return_index=True, return_inverse=True
    )
    return y[random.permutation(first)[row]]


class _KnownClasses(ClassifierMixin, BaseEstimator):
    """Says of row i what is known of row i; its X is the rows' positions."""

    def __init__(self, probabilities: np.ndarray) -> None:
        self.probabilities = probabilities

    def fit(self, X: np.ndarray, y: np.ndarray) -> _KnownClasses:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        known = self.probabilities[X[:, 0]]
        return known if known.ndim == 2 else np.column_stack([1 - known, known])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class _KnownValues(RegressorMixin, BaseEstimator):
    """Says of row i what is known of row i; its X is the rows' positions."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def fit(self, X: np.ndarray, y: np.ndarray) -> _KnownValues:
        self.is_fitted_ = True
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.values[X[:, 0]]


@dataclass(frozen=True)
class _Verdict:
    """The most important thing that the scores say."""

    name: str
    scores: dict[str, np.ndarray]
    chance: np.ndarray  # of a constant with shuffled labels
    tested: float  # rows that are tested for each one that trains
    in_percent: bool

    def sentence(self) -> str:
        name, model = self.name, self.scores[self.name]
        if self._beats(self.scores[LABELS_SHUFFLED], self.chance, 0.01):
            return (
                f"With shuffled labels {name} scores {self._mean(LABELS_SHUFFLED)}, more "
                f"than a constant: test folds are known from training; look for a leak."
            )
        rivals = [key for key in (CONSTANT, LENGTH, LAST_STEP, MEANS) if key in self.scores]
        strongest = max(rivals, key=lambda key: self.scores[key].mean())
        for rival in (CONSTANT, strongest, TIME_SHUFFLED):
            if not self._beats(model, self.scores[rival], 0.05):
                return self._not_better_than(rival)
        best = f" The best possible is {self._mean(BEST)}." if BEST in self.scores else ""
        return (
            f"{name} scores {self._mean(name)}, and {self._mean(TIME_SHUFFLED)} with time "
            f"shuffled: this model uses order.{best}"
        )

    def _not_better_than(self, rival: str) -> str:
        mine, others = self._mean(self.name), self._mean(rival)
        said = {
            CONSTANT: f"A constant scores {others}",
            TIME_SHUFFLED: f"With time shuffled {self.name} scores {others}",
        }.get(rival, f"A forest on the {rival.removesuffix(' only')} alone scores {others}")
        if not self._is_as_good(rival):
            return (
                f"{said}, {self.name} {mine}: these folds are too few or too small to be "
                "sure of the difference; use more."
            )
        if rival == TIME_SHUFFLED:
            return (
                f"Shuffling time changes nothing ({mine}, shuffled {others}): this model "
                "does not use order."
            )
        so = {CONSTANT: "it knows no more than that"}.get(
            rival, "no sequence model is needed for that"
        )
        return f"{said}, {self.name} {mine}: {so}."

    def _beats(self, better: np.ndarray, worse: np.ndarray, level: float) -> bool:
        gain = better - worse
        error = np.sqrt((1 / len(gain) + self.tested) * gain.var(ddof=1))
        return bool(gain.mean() > error * stats.t.isf(level, len(gain) - 1))

    def _is_as_good(self, rival: str) -> bool:
        """Within a twentieth of what the model gains over a constant."""
        model, constant = self.scores[self.name].mean(), self.scores[CONSTANT].mean()
        lead = model - self.scores[rival].mean()
        return bool(lead <= 0.05 * max(model - constant, 0.0))

    def _mean(self, key: str) -> str:
        return _shown(self.scores[key].mean(), self.in_percent)


def _shown(value: float, in_percent: bool) -> str:
    return f"{100 * value:.1f}%" if in_percent else f"{value:.3f}"
