"""Checks of parameters that shape a training, and of what comes out of it."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch
from sklearn.metrics import get_scorer
from skorch.callbacks import BatchScoring, EpochScoring, InputShapeSetter, LRScheduler

from ..callbacks import ValidationSplit
from .optimizers import call_of, optimizer_fault

REFUSED_CALLBACKS = {
    BatchScoring: (
        "which reads the batches of another net; pass EpochScoring, which scores the same "
        "rows at once"
    ),
    InputShapeSetter: (
        "which sets the input size of a module; leave it out, the estimator sets its own"
    ),
}


def check_memory(
    n_gates: int, n_inputs: int, n_outputs: int, architecture: dict[str, Any]
) -> None:
    """Raise if there is no memory to train the weights, before any of them is made."""
    hidden, layers = architecture["hidden_size"], architecture["num_layers"]
    directions = 2 if architecture["bidirectional"] else 1
    embedding = architecture["embedding_dim"]
    width = hidden * directions
    below = [n_inputs if embedding is None else embedding, (layers - 1) * width]
    n_weights = n_gates * width * (sum(below) + layers * (hidden + 2))
    n_weights += width * len(architecture["pooling"]) * n_outputs
    n_weights += 0 if embedding is None else n_inputs * embedding
    needed = 4 * 4 * n_weights  # float32: weights, gradients, and two moments of Adam
    if needed > _physical_memory():
        sizes = f"hidden_size={hidden}, num_layers={layers}, embedding_dim={embedding}"
        raise ValueError(
            f"A network of {sizes} has about {n_weights:.1e} weights, which take "
            f"{needed / 1e9:.0f} GB to train, more than this machine has; choose smaller "
            "sizes."
        )


def _physical_memory() -> float:
    """Bytes, or infinity where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def check_optimizer(optimizer: Any, lr: float, weight_decay: float) -> None:
    fault = optimizer_fault(optimizer)
    if fault:
        raise ValueError(f"The 'optimizer' parameter {fault}")
    bare, options = call_of(optimizer, float(weight_decay))
    # A step of it finds out what would otherwise end a training: a matrix and a bias.
    parameters = [torch.zeros(size, dtype=torch.float32) for size in ((1, 1), (1,))]
    for parameter in parameters:
        parameter.requires_grad_().grad = torch.zeros_like(parameter)
    try:
        trial: Any = bare(parameters, lr=float(lr), **options)  # type: ignore[call-arg]
        trial.step(lambda: torch.zeros(()))
    except Exception as error:
        raise ValueError(
            f"The 'optimizer' parameter cannot be used, {bare.__name__} says: {error}"
        ) from error


def check_callbacks(callbacks: Any) -> None:
    for callback in callbacks or ():
        if isinstance(callback, tuple) and len(callback) != 2:
            raise ValueError(
                "The 'callbacks' parameter takes callbacks, and pairs of a name and a "
                f"callback, got {callback!r:.60}."
            )
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


def check_outputs(outputs: np.ndarray, module: torch.nn.Module) -> None:
    """Raise if finite input has overflowed in the network; outputs are (n, k)."""
    finite = np.isfinite(outputs)
    if not finite.all():
        if not all(weight.isfinite().all() for weight in module.state_dict().values()):
            raise ValueError(
                "The weights of the network are not finite: its training went astray. "
                "Lower lr or weight_decay, or set gradient_clip; then fit again."
            )
        raise ValueError(
            f"The prediction for sequence {finite.all(axis=1).argmin()} of X is not "
            "finite: its values are too far from those of training. Check their units."
        )


def unnamed(callback: Any) -> Any:
    """Skorch takes a callback, or a pair of a name and a callback."""
    return callback[1] if isinstance(callback, tuple) else callback
