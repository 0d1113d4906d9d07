"""An estimator that others use while it is fitted."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sklearn.base import BaseEstimator

Estimator = TypeVar("Estimator", bound=BaseEstimator)


def as_it_is(estimator: Estimator) -> Estimator:
    """The estimator as it is fitted now, which a fit in another thread does not change."""
    same = object.__new__(type(estimator))
    # A fit gives the estimator a new dictionary of attributes, and leaves this one alone.
    same.__dict__ = estimator.__dict__
    return same


def twin(estimator: Estimator, **changes: Any) -> Estimator:
    """A copy that shares the values of all attributes but these."""
    copy = object.__new__(type(estimator))
    copy.__dict__ = {**vars(estimator), **changes}
    return copy


class Draft(Generic[Estimator]):
    """A context with a copy of an estimator, which is fitted in its place.

    What the copy has learnt becomes the estimator's own at once, at the end. So another
    thread sees it as it was before or as it is afterwards, and so does the caller after an
    error. With `keep` the copy counts after an error too. What others set meanwhile, such
    as parameters for the next fit, stays.
    """

    keep = False

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self.copy = twin(estimator)
        self._before = {**vars(self.copy)}

    def __enter__(self) -> Draft[Estimator]:
        return self

    def __exit__(self, error: Any, *details: Any) -> None:
        if error is None or self.keep:
            before, after = self._before, vars(self.copy)
            changed = {k: v for k, v in after.items() if v is not before.get(k, before)}
            now = {**vars(self._estimator)}
            others = {k: v for k, v in now.items() if k in after or k not in before}
            self._estimator.__dict__ = {**others, **changed}
