"""Regression: targets in the caller's units, networks in standardised ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array

from .._data.checks import FLOAT32_MAX, LARGEST
from .._data.rows import Rows, safe_scale
from .base import Task
from .checks import check_targets
from .losses import REGRESSION_LOSSES, Loss

NO_RATES = "loss='poisson' needs {name} >= 0 with a positive mean."


def read(y: Any, name: str, parameters: Any) -> np.ndarray:
    """Checked targets, float64 of shape (n,) or (n, n_outputs)."""
    check_targets(y, name)
    if np.asarray(y).dtype.kind in "mM":
        raise ValueError(
            f"{name} holds dates or durations, but a regressor predicts numbers. Divide "
            "durations by their unit, for example (dates - dates[0]) / np.timedelta64(1, "
            "'D')."
        )
    if any(isinstance(value, str) for value in np.asarray(y).ravel()[:1].tolist()):
        raise ValueError(
            f"{name} holds strings, but a regressor predicts numbers (could not convert "
            "string to float); encode them, or take a classifier."
        )
    y = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name)
    largest = LARGEST if parameters.standardize else FLOAT32_MAX
    too_large = np.abs(y.reshape(len(y), -1)).max(axis=1) > largest
    if too_large.any():
        row = int(too_large.argmax())
        raise ValueError(
            f"Row {row} of {name} is {np.atleast_1d(y[row])}, too large to compute with; "
            "pass other units."
        )
    return y


def learn(y: np.ndarray, weight: np.ndarray, parameters: Any) -> Regression:
    """The task of targets that were read; rows of weight 0 do not count."""
    is_2d = y.ndim == 2
    sums = y[weight != 0].reshape(-1, y.shape[1] if is_2d else 1).sum(axis=0)
    if parameters.loss == "poisson" and not sums.all():
        raise ValueError(NO_RATES.format(name="y"))
    return Regression(y.shape[1] if is_2d else 1, is_2d, parameters.loss)


def restored(state: dict[str, Any]) -> Regression:
    """The task of which `Task.state` was this."""
    return Regression(state["n_outputs_"], state["_y_is_2d"], state["_loss"])


@dataclass(frozen=True, eq=False)
class Regression(Task):
    """One number, or several."""

    n_outputs: int
    is_2d: bool
    loss: str
    answer = "prediction"
    has_units = True

    def attributes(self) -> dict[str, Any]:
        return {"n_outputs_": self.n_outputs}

    def state(self) -> dict[str, Any]:
        return {
            "n_outputs_": self.n_outputs,
            "_y_is_2d": self.is_2d,
            "_loss": self.loss,
        }

    def encode(self, y: np.ndarray, weight: np.ndarray, name: str) -> np.ndarray:
        n_outputs = y.shape[1] if y.ndim == 2 else 1
        if n_outputs != self.n_outputs:
            raise ValueError(
                f"{name} has {n_outputs} outputs, but the network has {self.n_outputs}."
            )
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(NO_RATES.format(name=name))
        return y.reshape(len(y), n_outputs)

    def decode(self, y: np.ndarray) -> np.ndarray:
        return y if self.is_2d else y[:, 0]

    def make_loss(self) -> Loss:
        return REGRESSION_LOSSES[self.loss]()

    def learn_scaling(self, train: Rows, scaling: Any, parameters: Any) -> None:
        """Centre and scale; a Poisson mean is only scaled, so that it stays positive."""
        if not parameters.standardize:
            return
        share = (train.weight / train.weight.sum())[:, None]
        mean = (share * train.y).sum(axis=0)
        if self.loss == "poisson":
            scaling.set(np.zeros_like(mean), np.where(mean > 0, mean, 1.0))
        else:
            variance = (share * (train.y - mean) ** 2).sum(axis=0)
            scaling.set(mean, safe_scale(mean, variance, len(train)))

    def compared(self, rows: Rows, scaling: Any) -> tuple[np.ndarray, np.ndarray]:
        mean, scale = scaling.get()
        return ((rows.y - mean) / scale).astype(np.float32), rows.weight
