"""What the parameter `optimizer` may be: a name, a class of torch, or one with options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": (torch.optim.Adam, {"fused": True}),
    "adamw": (torch.optim.AdamW, {"fused": True}),
    "sgd": (torch.optim.SGD, {"fused": True, "momentum": 0.9, "nesterov": True}),
}
# Options that the estimator passes itself, and what to do instead.
OWN_OPTIONS = {
    "lr": "set lr of the estimator",
    "weight_decay": "set weight_decay of the estimator",
    "params": "leave it out: fit passes the weights of the network",
}
EXAMPLE = "functools.partial(torch.optim.Adam, betas=(0.8, 0.95))"


def class_and_options(optimizer: Any) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """The class, and the options beside those that are the estimator's own."""
    if isinstance(optimizer, str):
        return OPTIMIZERS[optimizer]
    if isinstance(optimizer, partial):
        return optimizer.func, dict(optimizer.keywords)  # type: ignore[return-value]
    return optimizer, {}


def call_of(
    optimizer: Any, weight_decay: float
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """What is called, and with which options beside parameters and learning rate."""
    bare, options = class_and_options(optimizer)
    if "weight_decay" in inspect.signature(bare).parameters:
        return bare, {**options, "weight_decay": weight_decay}
    if weight_decay:
        raise ValueError(f"{bare.__name__} has no weight_decay; set it to 0.")
    return bare, options


def is_optimizer_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, torch.optim.Optimizer)


def optimizer_fault(optimizer: Any) -> str | None:
    """What is wrong with it, as the end of a sentence that names it; or None."""
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return None
    bare: Any = optimizer.func if isinstance(optimizer, partial) else optimizer
    if not is_optimizer_class(bare):
        return (
            f"must be one of {tuple(OPTIMIZERS)}, a subclass of torch.optim.Optimizer, or "
            f"such a class with options, as {EXAMPLE}; got {optimizer!r}."
        )
    if not isinstance(optimizer, partial):
        return None
    if optimizer.args:
        return f"has options without names; give them names, as in {EXAMPLE}."
    return _options_fault(bare, optimizer.keywords)


def _options_fault(bare: type, options: Mapping[str, Any]) -> str | None:
    """What is wrong with these options of an optimizer's class, or None."""
    parameters = inspect.signature(bare).parameters.values()
    known = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    takes_all = any(p.kind == p.VAR_KEYWORD for p in parameters)
    for name in options:
        if name in OWN_OPTIONS:
            return f"has the option {name!r}; {OWN_OPTIONS[name]}."
        if name not in known and not takes_all:
            others = [other for other in known if other not in OWN_OPTIONS]
            return (
                f"has the option {name!r}, which {bare.__name__} does not know; it takes "
                f"{', '.join(others)}."
            )
    return None


def are_same(one: Any, other: Any) -> bool:
    """Whether one optimizer can go on with the moments of the other.

    Two partials are never equal in Python, even with equal contents.
    """
    (first, options), (second, others) = class_and_options(one), class_and_options(other)
    return (
        first is second
        and options.keys() == others.keys()
        and all(np.array_equal(options[name], others[name]) for name in options)
    )
