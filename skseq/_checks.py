"""Checks of what the caller passed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, _num_samples
from skorch.callbacks import BatchScoring, EpochScoring, InputShapeSetter, LRScheduler

from ._optimizers import call_of, optimizer_fault
from ._values import is_na
from .callbacks import ValidationSplit
from .recurrent import POOLINGS
from .sequences import SequenceArray

REFUSED_CALLBACKS = {
    BatchScoring: (
        "which reads the batches of another net; pass EpochScoring, which scores the same "
        "rows at once"
    ),
    InputShapeSetter: (
        "which sets the input size of a module; leave it out, the estimator sets its own"
    ),
}


def draw_seed(random_state: Any) -> int:
    """One number that all randomness of a fit follows from."""
    if random_state is None:
        # From the system, so that numpy's global generator is not moved.
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def check_rows_match(sequences: SequenceArray, name: str, **others: Any) -> None:
    """Raise if anything that belongs to the rows has another number of them."""
    for other, values in others.items():
        if values is None:
            continue
        try:
            n_rows = _num_samples(values)
        except TypeError as error:
            raise TypeError(
                f"{other} must be an array with a row for each of the {len(sequences)} "
                f"sequences of {name}, got {values!r}."
            ) from error
        if n_rows != len(sequences):
            raise ValueError(
                f"{other} has {n_rows} rows, but {name} has "
                f"{len(sequences)} sequences. (Each row of a table is one sequence; of a "
                "table in long format pass a list with one array for each sequence.)"
            )


def check_targets(y: Any, name: str) -> None:
    """Raise if rows of y are missing, or hold several values that make no table."""
    check_none_missing(y, name)
    for position, cell in np.ndenumerate(_objects(y)):
        if hasattr(cell, "__len__") and not isinstance(cell, (str, bytes)):
            raise ValueError(
                f"Row {position[0]} of {name} holds several values ({cell!r:.40}); a "
                "sequence has one target, not one for each time step. Of several labels "
                "make columns of 0 and 1 by sklearn.preprocessing.MultiLabelBinarizer, of "
                "several numbers a table with as many in each row."
            )


def check_none_missing(values: Any, name: str) -> None:
    """Raise where None would have to be compared with labels."""
    for position, cell in np.ndenumerate(_objects(values)):
        if cell is None or is_na(cell):
            raise ValueError(
                f"Row {position[0]} of {name} is missing ({cell}); leave the row out, or "
                "give it a value."
            )


def _objects(values: Any) -> np.ndarray:
    """The values that numpy has no type for, or an empty array."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length
        array = np.fromiter(values, dtype=object)
    return array if array.dtype == object and array.ndim else np.empty(0, dtype=object)


def check_weight(sample_weight: Any, sequences: SequenceArray, name: str) -> np.ndarray:
    weight = _check_sample_weight(
        sample_weight, np.empty(len(sequences)), dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError(f"All of {name} is zero; at least one row needs a weight.")
    return weight


def check_pooling(pooling: Any) -> None:
    kinds = [pooling] if isinstance(pooling, str) else list(pooling)
    if not kinds or not all(kind in POOLINGS for kind in kinds):
        raise ValueError(
            f"The 'pooling' parameter must be one or a tuple of {POOLINGS}, got "
            f"{pooling!r}."
        )


def check_optimizer(optimizer: Any, lr: float, weight_decay: float) -> None:
    fault = optimizer_fault(optimizer)
    if fault:
        raise ValueError(f"The 'optimizer' parameter {fault}")
    bare, options = call_of(optimizer, float(weight_decay))
    parameter = torch.zeros(1, 1, dtype=torch.float32, device="cpu")
    try:
        bare([parameter], lr=float(lr), **options)  # type: ignore[call-arg]
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"The 'optimizer' parameter cannot be used, {bare.__name__} says: {error}"
        ) from error


def check_callbacks(callbacks: Any) -> None:
    for callback in map(unnamed, callbacks or ()):
        for refused, reason in REFUSED_CALLBACKS.items():
            if isinstance(callback, refused):
                raise ValueError(
                    f"The 'callbacks' parameter does not take {refused.__name__}, {reason}."
                )
        if isinstance(callback, EpochScoring) and isinstance(callback.scoring, str):
            get_scorer(callback.scoring)  # whose error says where the names are
        if hasattr(callback, "on_fit_task_end"):
            raise ValueError(
                f"The 'callbacks' parameter takes skorch callbacks, got "
                f"{type(callback).__name__}, which is one of scikit-learn's; those are set "
                "by estimator.set_callbacks(...)."
            )
        # skorch takes None for a callback that is switched off.
        known = callback is None or isinstance(callback, ValidationSplit)
        if not known and not hasattr(callback, "on_train_begin"):
            raise ValueError(
                f"The 'callbacks' parameter takes skorch callbacks, got {callback!r:.60}; "
                "make what it does a method, such as on_epoch_end, of a subclass of "
                "skorch.callbacks.Callback."
            )


def check_schedule(lr_schedule: str, callbacks: Any) -> None:
    """Raise if two schedules would set one learning rate in turns."""
    if lr_schedule == "constant":
        return
    if any(isinstance(callback, LRScheduler) for callback in map(unnamed, callbacks or ())):
        raise ValueError(
            f"There is an LRScheduler in callbacks, and lr_schedule={lr_schedule!r} would "
            "change the learning rate as well; set lr_schedule='constant'."
        )


def check_outputs(outputs: np.ndarray) -> None:
    """Raise if finite input has overflowed in the network; outputs are (n, k)."""
    finite = np.isfinite(outputs)
    if not finite.all():
        raise ValueError(
            f"The prediction for sequence {finite.all(axis=1).argmin()} of X is not "
            "finite: its values are too far from those of training. Check their units."
        )


def unnamed(callback: Any) -> Any:
    """Skorch takes a callback, or a pair of a name and a callback."""
    return callback[1] if isinstance(callback, tuple) else callback
