"""What samplers share: which sequences are copied, and what comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import type_of_target

from .._data.checks import check_rows_match, draw_seed
from .._data.containers import like
from .._data.inputs import SequenceInputs
from .._data.sequences import SequenceArray, stacked_steps
from .._sklearn import Interval, StrOptions, _fit_context, _safe_indexing
from .._surroundings import gives_back
from .._warning import warn


class SequenceSampler(SequenceInputs, BaseEstimator, ABC):
    """Base of all samplers: which rows are copied. A concrete class alters the copies."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sampling_strategy": [StrOptions({"auto"}), dict, None],
        "factor": [Interval(Real, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    sampling_strategy: Any
    factor: float
    random_state: Any

    @abstractmethod
    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        """A variation of each copy."""

    @gives_back
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> SequenceSampler:
        """Check the data, and find out how many sequences are wanted.

        Parameters
        ----------
        X : sequences
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self
        """
        self._check_X_y(X, y)
        return self

    @gives_back
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """The sequences, and behind them variations of some of them.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        X_resampled : like X, or SequenceArray
            Arrays and frames stay what they are while lengths stay equal; columns
            of polars, pyarrow and awkward, and nested tensors, whatever the lengths;
            all else becomes a `SequenceArray`.
        y_resampled : like y
            A variation has the target of its original.
        """
        sequences, classes = self._check_X_y(X, y)
        random = np.random.default_rng(draw_seed(self.random_state))
        copied = [_spread(rows, n, random) for rows, n in classes]
        chosen = np.concatenate(copied)
        self.sample_indices_ = np.concatenate([np.arange(len(sequences)), chosen])
        if len(chosen):
            altered = self._alter(sequences[chosen], sequences, random)
            joined = _joined(sequences, altered)
            # A variation comes from where its original does.
            sequences = sequences[self.sample_indices_].with_steps(*joined)
        else:
            warn(
                f"{type(self).__name__} adds no sequence: all classes are equally large. "
                "Set factor=2 for twice as many of each."
            )
        more_y = _safe_indexing(y, self.sample_indices_)
        if hasattr(more_y, "reset_index"):
            more_y = more_y.reset_index(drop=True)
        return like(X, sequences), more_y

    def _check_X_y(
        self, X: Any, y: Any
    ) -> tuple[SequenceArray, list[tuple[np.ndarray, int]]]:
        """Sequences, and the rows of each class with the number of new ones."""
        sequences, _ = self._check_X(X, y, reset=True)
        check_rows_match(sequences, "X", y=y)
        labels, codes = _classes(y)
        counts = np.bincount(codes)
        wanted = self._wanted(labels, counts)
        new = wanted - counts
        self.sampling_strategy_ = dict(zip(labels, new.tolist(), strict=True))
        rows = [np.flatnonzero(codes == code) for code in range(len(labels))]
        return sequences, list(zip(rows, new.tolist(), strict=True))

    def _wanted(self, labels: list[Hashable], counts: np.ndarray) -> np.ndarray:
        """How many sequences of each class there are to be."""
        strategy = self.sampling_strategy
        if not isinstance(strategy, dict):
            size = np.full_like(counts, counts.max()) if strategy == "auto" else counts
            return np.round(self.factor * size).astype(np.int64)
        unknown = [label for label in strategy if label not in labels]
        if unknown:
            raise ValueError(
                f"sampling_strategy names {unknown}, which are not classes of y; these "
                f"are {labels}."
            )
        wanted = counts.copy()
        for code, label in enumerate(labels):
            number = strategy.get(label, int(counts[code]))
            if not isinstance(number, Integral) or number < counts[code]:
                raise ValueError(
                    f"sampling_strategy asks for {number!r} sequences of class {label!r}; "
                    f"it must be a whole number, and at least the {counts[code]} that "
                    "there are: samplers only add."
                )
            wanted[code] = number
        return wanted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "sampler"
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        return tags


def _classes(y: Any) -> tuple[list[Hashable], np.ndarray]:
    """Labels, and the position of each row's label; one for all if y has no classes."""
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    array = np.asarray(y)
    # Whole numbers as floats may be amounts: with two of them alone they are classes.
    amounts = kind == "multiclass" and array.dtype.kind == "f"
    if kind == "multilabel-indicator" and (array.sum(axis=1) == 1).all():
        array = array.argmax(axis=1)  # one column for each class
    elif amounts or kind not in ("binary", "multiclass"):
        return ["all"], np.zeros(len(array), dtype=np.int64)
    labels, codes = np.unique(array, return_inverse=True)
    return labels.tolist(), codes.ravel()


def _spread(rows: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Choose n rows, each as often as any other, give or take one."""
    times, rest = divmod(n, len(rows))
    return np.concatenate([np.tile(rows, times), random.permutation(rows)[:rest]])


def _joined(
    first: SequenceArray, second: SequenceArray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Values, lengths and starts of both together."""
    lengths = np.concatenate([first.lengths, second.lengths])
    if first.values is second.values:
        return first.values, lengths, np.concatenate([first.starts, second.starts])
    steps = [stacked_steps(first), stacked_steps(second)]
    return np.concatenate(steps), lengths, None
