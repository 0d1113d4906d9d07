"""An estimator that others use while it is fitted."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sklearn.base import BaseEstimator

Estimator = TypeVar("Estimator", bound=BaseEstimator)


def as_it_is(estimator: Estimator) -> Estimator:
    """The estimator as it is fitted now, which a fit in another thread does not change."""
    same = object.__new__(type(estimator))
    # A fit replaces the attributes of an estimator by others, and changes none of these.
    same.__dict__ = estimator.__dict__
    return same


class Draft(Generic[Estimator]):
    """A context with a copy of an estimator, which is fitted in its place.

    What the copy has learnt becomes the estimator's own at once, at the end. So another
    thread sees it as it was before or as it is afterwards, and so does the caller after an
    error. With `keep` the copy counts after an error too.
    """

    keep = False

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self.copy: Estimator = object.__new__(type(estimator))
        self.copy.__dict__ = {**estimator.__dict__}

    def __enter__(self) -> Draft[Estimator]:
        return self

    def __exit__(self, error: Any, *details: Any) -> None:
        if error is None or self.keep:
            # Parameters may have been set meanwhile, for the next fit.
            names = self._estimator.get_params(deep=False)
            kept = {k: v for k, v in vars(self._estimator).items() if k in names}
            self._estimator.__dict__ = {**vars(self.copy), **kept}
