"""The skseq estimator at the end of pipelines and inside of searches."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseSequenceEstimator


def unwrap(estimator: Any, what_for: str) -> tuple[list[Pipeline], BaseSequenceEstimator]:
    """What transforms X before it reaches the estimator inside, and that estimator.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If there is no skseq estimator inside; `what_for` begins the message.
    """
    check_is_fitted(estimator)
    before: list[Pipeline] = []
    inner = estimator
    while not isinstance(inner, BaseSequenceEstimator):
        if hasattr(inner, "best_estimator_"):
            inner = inner.best_estimator_
        elif isinstance(inner, Pipeline):
            if len(inner) > 1:
                before.append(inner[:-1])
            inner = inner[-1]
        else:
            raise TypeError(
                f"{what_for} an estimator of skseq, a Pipeline that ends in one, or a "
                f"search with refit=True around one; got a {type(inner).__name__}."
            )
    return before, inner
