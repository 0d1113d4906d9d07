"""Losses: each is the criterion of the skorch net, and knows its link function.

Axes: b batch, k outputs. A loss takes raw outputs and the pair (target,
weight), and returns the weighted mean over the batch. Weights have mean one
over the training set, so that a batch of heavy rows counts for more.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Loss(nn.Module, ABC):
    """Weighted mean of a loss that is computed row by row."""

    #: The operator of ONNX that does what `link` does.
    link_operator = "Identity"

    def forward(self, raw: Tensor, target_and_weight: tuple[Tensor, Tensor]) -> Tensor:
        target, weight = target_and_weight
        return (self.per_row(raw, target) * weight).mean()

    @abstractmethod
    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        """Loss of each row, shape (b,)."""

    def link(self, raw: Tensor) -> Tensor:
        """From raw outputs to what is predicted, both (b, k)."""
        return raw

    @abstractmethod
    def score(self, raw: Tensor, target: Tensor, weight: Tensor) -> float:
        """What the estimator's own `score` would say of these outputs."""


class CrossEntropy(Loss):
    """Softmax over classes; with smoothing after Szegedy et al. (2016)."""

    link_operator = "Softmax"

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            raw, target, reduction="none", label_smoothing=self.label_smoothing
        )

    def link(self, raw: Tensor) -> Tensor:
        return torch.softmax(raw, dim=1)

    def score(self, raw: Tensor, target: Tensor, weight: Tensor) -> float:
        return _weighted_share(raw.argmax(dim=1) == target, weight)


class BinaryCrossEntropy(Loss):
    """One yes or no for each label, averaged over labels."""

    link_operator = "Sigmoid"

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        target = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        loss = F.binary_cross_entropy_with_logits(raw, target, reduction="none")
        return loss.mean(dim=1)

    def link(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw)

    def score(self, raw: Tensor, target: Tensor, weight: Tensor) -> float:
        return _weighted_share(((raw > 0) == (target > 0.5)).all(dim=1), weight)


def _weighted_share(correct: Tensor, weight: Tensor) -> float:
    return float((correct * weight).sum() / weight.sum())


class RegressionLoss(Loss):
    def score(self, raw: Tensor, target: Tensor, weight: Tensor) -> float:
        """R2, the mean over outputs; scaling the target does not change it."""
        if len(target) < 2:  # which has no spread to compare with
            return math.nan
        w = (weight / weight.sum())[:, None]
        spread = (w * (target - (w * target).sum(dim=0)) ** 2).sum(dim=0)
        error = (w * (target - self.link(raw)) ** 2).sum(dim=0)
        # A constant target: 1 if it is met, otherwise 0, as in scikit-learn.
        constant = torch.where(error == 0, 1.0, 0.0)
        return float(torch.where(spread == 0, constant, 1 - error / spread).mean())


class SquaredError(RegressionLoss):
    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(raw, target, reduction="none").mean(dim=1)


class AbsoluteError(RegressionLoss):
    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(raw, target, reduction="none").mean(dim=1)


class Huber(RegressionLoss):
    """Squared up to one standard deviation of the target, absolute beyond."""

    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(raw, target, reduction="none").mean(dim=1)


class Poisson(RegressionLoss):
    """Half the deviance of a Poisson distribution with a log link, up to a constant."""

    link_operator = "Exp"

    def per_row(self, raw: Tensor, target: Tensor) -> Tensor:
        loss = F.poisson_nll_loss(raw, target, log_input=True, reduction="none")
        return loss.mean(dim=1)

    def link(self, raw: Tensor) -> Tensor:
        return torch.exp(raw)


REGRESSION_LOSSES: dict[str, Callable[[], Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
}
