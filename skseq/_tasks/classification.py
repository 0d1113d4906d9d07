"""Classification: labels to positions, and probabilities to labels."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from torch import Tensor

from .._data.arrays import as_array, look_up
from .._data.rows import Rows
from .base import Task
from .checks import check_class_weight, check_labels, check_targets
from .losses import BinaryCrossEntropy, CrossEntropy, Loss


def read(y: Any, name: str, parameters: Any) -> np.ndarray:
    """Checked labels of shape (n,), or an indicator of several, (n, n_labels)."""
    if hasattr(y, "tocsr"):
        y = y.toarray()
    check_class_weight(parameters.class_weight)
    check_targets(y, name)
    check_labels(y, name)
    assert_all_finite(y, input_name=name)
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"{name} has several columns, with other values than 0 and 1. Several labels "
            "of a sequence are columns of 0 and 1, which MultiLabelBinarizer of "
            "scikit-learn makes; for several answers of several classes each use its "
            "MultiOutputClassifier."
        )
    if kind != "multilabel-indicator":
        return column_or_1d(as_array(y, name), warn=True)
    if parameters.class_weight is not None:
        raise ValueError("class_weight is not possible with an indicator y.")
    y = np.asarray(y)
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"{name} as an indicator must hold 0 and 1 only.")
    return y


def learn(y: np.ndarray, weight: np.ndarray, parameters: Any) -> Labels | Indicator:
    """The task of targets that were read; rows of weight 0 do not count."""
    if y.ndim == 2:
        return Indicator(np.arange(y.shape[1]), parameters.loss)
    return labels_of(np.unique(y[weight != 0]), "y", parameters)


def labels_of(classes: np.ndarray, name: str, parameters: Any) -> Labels:
    """The task of these classes, which are sorted."""
    if len(classes) < 2:
        raise ValueError(
            f"{type(parameters).__name__} needs at least 2 classes; {name} has only one "
            f"class, {plain(classes[0])!r} (rows of weight 0 do not count)."
        )
    return Labels(classes, parameters.loss)


def restored(state: dict[str, Any]) -> Labels | Indicator:
    """The task of which `Task.state` was this."""
    known = (state["classes_"], state["_loss"], state["_smoothing"])
    if state["_multilabel"]:
        return Indicator(*known)
    return Labels(*known, state["_weight_of_class"])


@dataclass(frozen=True, eq=False)
class OfClasses(Task):
    """A probability for each of several classes."""

    classes: np.ndarray
    loss: str
    smoothing: float = 0.0
    answer = "probabilities"
    is_2d = True

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        return len(self.classes)

    def attributes(self) -> dict[str, Any]:
        return {"classes_": self.classes}

    def described(self) -> dict[str, Any]:
        return {"classes": self.classes.tolist()}

    def state(self) -> dict[str, Any]:
        return {
            "classes_": self.classes,
            "_loss": self.loss,
            "_smoothing": self.smoothing,
            "_multilabel": False,
            "_weight_of_class": None,
        }

    def check_kind(self, y: np.ndarray, ndim: int, name: str) -> None:
        if y.ndim != ndim:
            raise ValueError(f"{name} must be what y was in fit: labels, or an indicator.")

    @abstractmethod
    def chosen(self, probabilities: np.ndarray) -> np.ndarray:
        """The labels that `predict` says."""

    def decided(self, raw: np.ndarray) -> np.ndarray:
        """What `decision_function` says."""
        return raw


@dataclass(frozen=True, eq=False)
class Labels(OfClasses):
    """One of several classes."""

    weight_of_class: np.ndarray | None = None
    stratifies = True

    def state(self) -> dict[str, Any]:
        return {**super().state(), "_weight_of_class": self.weight_of_class}

    def encode(self, y: np.ndarray, weight: np.ndarray, name: str) -> np.ndarray:
        self.check_kind(y, 1, name)
        # Rows of weight 0 may have any label; they are dropped before training.
        codes, known = look_up(y, self.classes)
        known |= weight == 0
        if not known.all():
            i = int(known.argmin())
            raise ValueError(
                f"{name} contains the label {plain(y[i])!r} (row {i}), which is not among "
                f"the classes {self.classes}."
            )
        return codes.astype(np.int64)

    def decode(self, y: np.ndarray) -> np.ndarray:
        return self.classes[y]

    def chosen(self, probabilities: np.ndarray) -> np.ndarray:
        return self.decode(probabilities.argmax(axis=1))

    def decided(self, raw: np.ndarray) -> np.ndarray:
        """Of two classes, the log-odds of the second."""
        return raw[:, 1] - raw[:, 0] if self.n_outputs == 2 else raw

    def decision(self, raw: Tensor) -> Tensor:
        return raw - raw.flip(1) if self.n_outputs == 2 else raw

    def make_loss(self) -> Loss:
        return CrossEntropy(self.smoothing)

    def prepared(self, train: Rows, parameters: Any) -> Labels:
        """Smoothing, and class weights as scikit-learn defines them."""
        weights = None
        if parameters.class_weight is not None:
            missing = np.setdiff1d(np.arange(self.n_outputs), train.y)
            if parameters.class_weight == "balanced" and len(missing):
                raise ValueError(
                    "class_weight='balanced' needs training rows of every class, and there "
                    f"is none of class {plain(self.classes[missing[0]])!r}; pass a dict of "
                    "weights."
                )
            weights = compute_class_weight(
                parameters.class_weight,
                classes=self.classes,
                y=self.classes[train.y],
                sample_weight=train.weight,
            )
        smoothing = float(parameters.label_smoothing)
        return replace(self, smoothing=smoothing, weight_of_class=weights)

    def compared(self, rows: Rows, scaling: Any) -> tuple[np.ndarray, np.ndarray]:
        weight = rows.weight
        if self.weight_of_class is not None:
            weight = weight * self.weight_of_class[rows.y]
        if not weight.any():
            raise ValueError(
                "class_weight must not be 0 for all rows that train or for all that "
                "validate."
            )
        return rows.y, weight

    def check_fraction(self, rows: Rows, fraction: float) -> None:
        if rows.groups is not None:
            return
        counts = np.bincount(rows.y, minlength=self.n_outputs)
        if counts.min() < 2:
            label = plain(self.classes[counts.argmin()])
            found = "1 distinct row" if counts.min() else "no row"
            raise ValueError(f"Class {label!r} has {found}, and needs one a side.")
        n_valid = math.ceil(fraction * len(rows))
        if n_valid < len(counts):
            raise ValueError(
                f"A share of {fraction} of {len(rows)} distinct rows is {n_valid}, fewer "
                f"than the {len(counts)} classes."
            )

    def check_sides(self, train: Rows, valid: Rows) -> None:
        for side, name in ((train, "training"), (valid, "validation")):
            missing = np.setdiff1d(np.arange(self.n_outputs), side.y)
            if len(missing):
                raise ValueError(
                    f"The {name} side has no row of class "
                    f"{plain(self.classes[missing[0]])!r}."
                )


@dataclass(frozen=True, eq=False)
class Indicator(OfClasses):
    """Any number of several labels, each with a column of 0 and 1; classes count them."""

    def state(self) -> dict[str, Any]:
        return {**super().state(), "_multilabel": True}

    def encode(self, y: np.ndarray, weight: np.ndarray, name: str) -> np.ndarray:
        self.check_kind(y, 2, name)
        if y.shape[1] != self.n_outputs:
            raise ValueError(
                f"{name} has {y.shape[1]} labels, but the network has {self.n_outputs}."
            )
        return y.astype(np.float64)

    def decode(self, y: np.ndarray) -> np.ndarray:
        return y.astype(int)

    def chosen(self, probabilities: np.ndarray) -> np.ndarray:
        return self.decode(probabilities > 0.5)

    def make_loss(self) -> Loss:
        return BinaryCrossEntropy(self.smoothing)

    def prepared(self, train: Rows, parameters: Any) -> Indicator:
        return replace(self, smoothing=float(parameters.label_smoothing))

    def compared(self, rows: Rows, scaling: Any) -> tuple[np.ndarray, np.ndarray]:
        return rows.y.astype(np.float32), rows.weight


def plain(label: Any) -> Any:
    """A label as the user wrote it: 'a' rather than np.str_('a')."""
    return label.item() if isinstance(label, np.generic) else label
