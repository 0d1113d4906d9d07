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

from .._data.checks import check_rows_match, draw_seed
from .._data.containers import convert, like
from .._data.sequences import SequenceArray, check_steps, stacked_steps
from .._sklearn import _safe_indexing
from .._surroundings import gives_back
from ..preprocessing import SequenceGenerator

CONSTANT, LENGTH, LAST_STEP, MEANS = (
    "constant",
    "length only",
    "last step only",
    "mean of each channel",
)
MAX_SYMBOLS = 50  # with more, whole numbers are amounts
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


@gives_back
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
    mean of each channel    a random forest on means over time (of strings, and of
                            at most 50 whole numbers, on the share of each)
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
    >>> model = LSTMSequenceClassifier(
    ...     max_epochs=5, validation_fraction=None, random_state=0
    ... )
    >>> print(audit(model, X, y, cv=3, random_state=0).sentence)
    A constant scores 98.0%, LSTMSequenceClassifier 98.0%: it knows no more than that.
    """
    estimator, X, best = _generated(estimator, X, best)
    sequences, _ = convert(X)
    check_steps(sequences, "X", finite=False)
    check_rows_match(sequences, "X", y=y, groups=groups, best=best)
    X, y, groups = indexable(X, y, groups)
    classifies = is_classifier(estimator)
    best = _check_best(best, y, classifies)
    splits = _splits(cv, X, y, groups, classifies)
    random = np.random.default_rng(draw_seed(random_state))

    def score(model: Any, X: Any) -> np.ndarray:
        return cross_val_score(
            model, X, y, cv=splits, scoring=scoring, n_jobs=n_jobs, error_score="raise"
        )

    name = _name(estimator)
    scores = {name: score(estimator, X)}
    for summary, features in _summaries(sequences).items():
        simple = _simple_model(summary, y, classifies, random)
        scores[summary] = score(simple, features)
    scores[TIME_SHUFFLED] = score(estimator, like(X, _shuffle_time(sequences, random)))
    # Rows are shuffled rather than targets: folds keep the shares of their classes.
    others = _other_rows(sequences, y, random)
    scores[LABELS_SHUFFLED] = score(estimator, _safe_indexing(X, others))
    if best is not None:
        known = _Known(best, y) if classifies else _KnownValues(best)
        scores[BEST] = score(known, np.arange(len(sequences))[:, None])
    in_percent = classifies and scoring in (None, "accuracy", "balanced_accuracy")
    tested = float(np.mean([len(test) / len(train) for train, test in splits]))
    sentence = _Verdict(name, scores, tested, in_percent).sentence()
    return Audit(scores, sentence, in_percent)


def _generated(estimator: Any, X: Any, best: Any) -> tuple[Any, Any, Any]:
    """Behind a generator: the rest of the pipeline, its sequences and its ceiling."""
    searched = getattr(estimator, "estimator", None)
    if isinstance(searched, Pipeline) and isinstance(searched[0], SequenceGenerator):
        raise ValueError(
            f"{type(estimator).__name__} hides a generator from audit: pass the pipeline "
            "itself, for example the best_estimator_ of the search."
        )
    generator = estimator[0] if isinstance(estimator, Pipeline) else None
    if not isinstance(generator, SequenceGenerator):
        return estimator, X, best
    if len(estimator) == 1:
        raise ValueError("The pipeline is a generator alone; there is no model to audit.")
    best = generator.best_predictions(X) if best is None else best
    return estimator[1:], generator.transform(X), best


def _check_best(best: Any, y: Any, classifies: bool) -> np.ndarray | None:
    """Values, or of a classifier the probability of each class in a column of its own."""
    if best is None:
        return None
    best = np.asarray(best)
    if best.dtype.kind not in "iufb":
        raise ValueError(f"best must be numbers, got {best.dtype}.")
    if not classifies:
        return best
    best = best.reshape(len(best), -1)
    n_columns = np.shape(y)[1] if np.ndim(y) == 2 else len(np.unique(np.asarray(y)))
    if best.shape[1] == 1 and n_columns == 2 and np.ndim(y) == 1:
        best = np.hstack([1 - best, best])
    if best.shape[1] != n_columns or not ((best >= 0) & (best <= 1)).all():
        raise ValueError(
            "best must be the probability of the second class, or of each class in a "
            f"column of its own: {n_columns} columns of numbers from 0 to 1."
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
    first = np.cumsum(lengths) - lengths
    last = steps[first + lengths - 1]
    symbols = np.unique(steps) if steps.dtype.kind in "iuU" else steps[:0]
    if len(symbols) and (steps.dtype.kind == "U" or len(symbols) <= MAX_SYMBOLS):
        codes = np.searchsorted(symbols, steps)
        last = _counts(codes[first + lengths - 1], np.ones_like(lengths), len(symbols)) > 0
        sums = _counts(codes, lengths, len(symbols))
    else:
        sums = np.add.reduceat(steps, first, axis=0, dtype=np.float64)
    summaries = {
        CONSTANT: np.arange(len(lengths))[:, None],
        LENGTH: lengths[:, None],
        LAST_STEP: last,
        MEANS: sums / lengths[:, None],
    }
    if (lengths == lengths[0]).all():
        del summaries[LENGTH]
    return summaries


def _counts(codes: np.ndarray, lengths: np.ndarray, n_symbols: int) -> np.ndarray:
    """How often each symbol stands in each channel of each row, (n, c * n_symbols)."""
    row = np.repeat(np.arange(len(lengths)) * n_symbols, lengths)
    size = len(lengths) * n_symbols
    counts = [np.bincount(row + channel, minlength=size) for channel in codes.T]
    return np.hstack([count.reshape(len(lengths), n_symbols) for count in counts])


def _simple_model(
    summary: str, y: Any, classifies: bool, random: np.random.Generator
) -> Any:
    if summary == CONSTANT and not classifies:
        return DummyRegressor()
    if summary == CONSTANT and np.ndim(y) == 1:
        return DummyClassifier()
    if summary == CONSTANT:
        # Of an indicator the most frequent row, not the most frequent of each label.
        rows, counts = np.unique(np.asarray(y), axis=0, return_counts=True)
        return _Known(np.tile(rows[counts.argmax()], (len(y), 1)), y)
    # Takes a tenth of a second, which `import skseq` need not pay for.
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestClassifier if classifies else RandomForestRegressor
    return forest(min_samples_leaf=3, random_state=int(random.integers(2**31)))


def _shuffle_time(sequences: SequenceArray, random: np.random.Generator) -> SequenceArray:
    """The steps of each sequence in random order."""
    steps = stacked_steps(sequences)
    row = np.repeat(np.arange(len(sequences)), sequences.lengths)
    order = np.lexsort((random.random(len(steps)), row))
    return sequences.with_steps(steps[order], sequences.lengths)


def _other_rows(
    sequences: SequenceArray, y: Any, random: np.random.Generator
) -> np.ndarray:
    """Another row for each row; rows that are equal in sequence and target get one.

    Otherwise copies of a training row in a test fold would not show.
    """
    contents = [
        sequence.tobytes() + repr(target).encode()
        for sequence, target in zip(sequences, np.asarray(y).tolist(), strict=True)
    ]
    _, first, row = np.unique(
        np.array(contents, dtype=object), return_index=True, return_inverse=True
    )
    return random.permutation(first)[row]


class _Known(ClassifierMixin, BaseEstimator):
    """Says of row i what is known of row i; its X is the rows' positions."""

    def __init__(self, probabilities: np.ndarray, y: Any) -> None:
        self.probabilities = probabilities
        self.y = y

    def fit(self, X: np.ndarray, y: np.ndarray) -> _Known:
        self.classes_ = np.unique(np.asarray(self.y))
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self.probabilities[X[:, 0]]

    def predict(self, X: np.ndarray) -> np.ndarray:
        known = self.predict_proba(X)
        if np.ndim(self.y) == 2:  # labels, each of which may hold
            return (known > 0.5).astype(np.int64)
        return self.classes_[known.argmax(axis=1)]


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
    tested: float  # rows that are tested for each one that trains
    in_percent: bool

    def sentence(self) -> str:
        name, model = self.name, self.scores[self.name]
        if self._beats(self.scores[LABELS_SHUFFLED], self.scores[CONSTANT], 0.01):
            return (
                f"With shuffled labels {name} scores {self._mean(LABELS_SHUFFLED)}, more "
                "than a constant: test folds are known from training; look for a leak."
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
