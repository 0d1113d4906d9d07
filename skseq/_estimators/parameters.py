"""The parameters that all estimators share, and what each may be."""

from __future__ import annotations

import inspect
import numbers
import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial, wraps
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback

from .._sklearn import HasMethods, Interval, StrOptions
from .._training.loop import LR_SCHEDULES
from .._training.optimizers import OPTIMIZERS
from ..callbacks import ValidationSplit

# Other libraries' names for these parameters, where they are not alike.
OTHER_NAMES = {
    "epochs": "max_epochs",
    "n_epochs": "max_epochs",
    "max_iter": "max_epochs",
    "learning_rate": "lr",
    "eta": "lr",
    "units": "hidden_size",
    "n_units": "hidden_size",
    "hidden_dim": "hidden_size",
    "hidden_layer_sizes": "hidden_size",
    "n_layers": "num_layers",
    "n_iter_no_change": "patience",
    "validation_split": "validation_fraction",
    "train_split": "validation_fraction",
    "alpha": "weight_decay",
    "seed": "random_state",
    "scheduler": "lr_schedule",
    "clip_grad_norm": "gradient_clip",
}
OF_SKORCH = re.compile("(module|criterion|iterator_train|iterator_valid|dataset)(__.*)?")

Init = Callable[..., None]
Result = TypeVar("Result")


def parameters_by_name(init: Init) -> Init:
    """An `__init__` whose errors name the class that was called, and what was meant."""
    known = list(inspect.signature(init).parameters)[1:]

    @wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        cls = type(self).__name__
        if args:
            raise TypeError(
                f"{cls} takes its parameters by name, such as {cls}(hidden_size=32), got "
                f"{args[0]!r:.40}."
            )
        for name in kwargs:
            if name not in known:
                raise TypeError(f"{cls} has no parameter {name!r}. {_meant(name, known)}")
        init(self, **kwargs)

    return checked


def arguments_by_name(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method whose errors name the class, and where an argument belongs."""
    parameters = inspect.signature(method).parameters.values()
    known = [p.name for p in parameters][1:]
    needed = [p.name for p in parameters if p.default is p.empty][1:]

    @wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Result:
        cls = type(self).__name__
        missing = [name for name in needed[len(args) :] if name not in kwargs]
        if missing:
            raise TypeError(f"{cls}.{method.__name__} needs {' and '.join(missing)}.")
        for name in kwargs:
            if name not in known:
                advice = _belongs(name, known, self.get_params(deep=False))
                raise TypeError(
                    f"{cls}.{method.__name__} has no argument {name!r}. {advice}"
                )
        return method(self, *args, **kwargs)

    return checked


def _belongs(name: str, known: list[str], parameters: dict[str, Any]) -> str:
    if name in ("validation_data", "eval_set", "X_valid", "y_valid") and "X_val" in known:
        return "A validation set is X_val and y_val."
    parameter = OTHER_NAMES.get(name, name)
    if parameter in parameters:
        return f"Set {parameter!r} of the estimator instead."
    return _meant(name, known)


def _meant(name: str, known: list[str]) -> str:
    if OF_SKORCH.fullmatch(name):
        return "skorch's nets have it; see the page 'Coming from skorch' for what is here."
    near = OTHER_NAMES.get(name) or next(iter(get_close_matches(name, known)), None)
    return f"Did you mean {near!r}?" if near else f"There are {', '.join(sorted(known))}."


class SequenceParameters(BaseEstimator):
    """Holds the parameters; `_docs.py` says what they mean."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "num_layers": [Interval(numbers.Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
        "pooling": [str, tuple, list],  # whose names `kinds_of` checks
        "embedding_dim": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "standardize": ["boolean"],
        "optimizer": [StrOptions(set(OPTIMIZERS)), type, partial],
        "lr": [Interval(numbers.Real, 0, None, closed="neither")],
        "weight_decay": [Interval(numbers.Real, 0, None, closed="left")],
        "batch_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_epochs": [Interval(numbers.Integral, 1, None, closed="left")],
        "lr_schedule": [StrOptions(set(LR_SCHEDULES))],
        "gradient_clip": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "validation_fraction": [
            StrOptions({"auto"}),
            Interval(numbers.Real, 0, 1, closed="neither"),
            HasMethods(["split", "get_n_splits"]),
            ValidationSplit,
            list,
            tuple,
            None,
        ],
        "early_stopping": ["boolean"],
        "patience": [Interval(numbers.Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
    }

    @parameters_by_name
    def __init__(
        self,
        *,
        loss: str = "squared_error",
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        pooling: str | tuple[str, ...] = ("last", "mean"),
        embedding_dim: int | None = None,
        standardize: bool = True,
        optimizer: str | type[torch.optim.Optimizer] | partial = "adam",
        lr: float = 0.005,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        max_epochs: int = 60,
        lr_schedule: str = "one_cycle",
        gradient_clip: float | None = 1.0,
        validation_fraction: Any = "auto",
        early_stopping: bool = False,
        patience: int = 10,
        warm_start: bool = False,
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        callbacks: list[Callback] | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.pooling = pooling
        self.embedding_dim = embedding_dim
        self.standardize = standardize
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.lr_schedule = lr_schedule
        self.gradient_clip = gradient_clip
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.warm_start = warm_start
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
