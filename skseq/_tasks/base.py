"""What a task decides: how targets are encoded, compared and answered."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from .._data.rows import Rows
from .losses import Loss


class Task(metaclass=ABCMeta):
    """Targets of a kind, and what has been learnt of them: plain data that never changes.

    What a parameter of the estimator decides comes with the call, as `parameters`.
    """

    loss: str  # the estimator's parameter when the network was made
    n_outputs: int  # of the network
    #: Whether a random validation set keeps the shares of classes.
    stratifies: ClassVar[bool] = False
    #: What an ONNX graph calls the answer; None, if there is no graph for it.
    answer: ClassVar[str | None] = None
    #: Whether the answer has the units that `learn_scaling` has learnt.
    has_units: ClassVar[bool] = False
    is_2d: bool  # whether answers have two axes even with one output

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Public attributes of a fitted estimator."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that has been learnt, by the names that files have for it."""

    def described(self) -> dict[str, Any]:
        """What one must know of the answer beside its numbers."""
        return {}

    @abstractmethod
    def encode(self, y: np.ndarray, weight: np.ndarray, name: str) -> np.ndarray:
        """Targets as `Rows.y`: int64 (n,) for classes, otherwise float64 (n, k)."""

    @abstractmethod
    def decode(self, y: np.ndarray) -> np.ndarray:
        """What was encoded, as the caller wrote it."""

    @abstractmethod
    def make_loss(self) -> Loss:
        """The criterion of the network."""

    @abstractmethod
    def compared(self, rows: Rows, scaling: Any) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights as the loss takes them."""

    def prepared(self, train: Rows, parameters: Any) -> Task:
        """The task with what the loss needs of the parameters, for one training."""
        return self

    def learn_scaling(self, train: Rows, scaling: Any, parameters: Any) -> None:
        """Give a new network the units of the targets."""

    def check_fraction(self, rows: Rows, fraction: float) -> None:
        """Raise ValueError if a random share of the rows is not possible."""

    def check_sides(self, train: Rows, valid: Rows) -> None:
        """Raise ValueError if a split leaves a side without what the task needs."""

    def decision(self, raw: Tensor) -> Tensor:
        """What decides for each output, of raw outputs; both (n, n_outputs)."""
        return raw
