"""Checks of what the caller passed."""

from __future__ import annotations

import math
import numbers
import os
from typing import Any

import numpy as np
import torch
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, _num_samples
from skorch.callbacks import BatchScoring, EpochScoring, InputShapeSetter, LRScheduler

from .._data.arrays import as_array, refuse_masks, text_array, without_mask
from .._data.containers import refuse_other_kinds
from .._data.sequences import SequenceArray, first_step
from .._data.values import is_na
from ..callbacks import ValidationSplit
from ..nn.recurrent import POOLINGS
from .optimizers import call_of, optimizer_fault

# Squares of numbers up to here, times weights up to here, add up within float64.
LARGEST = 1e100

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
        refuse_masks(values, other)
        needed = f"an array with a row for each of the {len(sequences)} sequences of {name}"
        refuse_other_kinds(values, other, needed)
        try:
            n_rows = _num_samples(values)
        except TypeError as error:
            raise TypeError(f"{other} must be {needed}, got {values!r}.") from error
        if n_rows != len(sequences):
            raise ValueError(
                f"{other} has {n_rows} rows, but {name} has "
                f"{len(sequences)} sequences. (Each row of a table is one sequence; of a "
                "table in long format pass a list with one array for each sequence.)"
            )


def check_targets(y: Any, name: str) -> None:
    """Raise if rows of y are missing, or hold several values that make no table."""
    check_none_missing(y, name)
    array = _as_array(y)
    if array.ndim > 2:
        raise ValueError(
            f"{name} has {array.ndim} dimensions; a sequence has one target, or a row of "
            "several, so pass the shape (n_samples,) or (n_samples, n_outputs)."
        )
    for position, cell in np.ndenumerate(_objects(array)):
        if hasattr(cell, "__len__") and not isinstance(cell, (str, bytes)):
            raise ValueError(
                f"Row {position[0]} of {name} holds several values ({cell!r:.40}); a "
                "sequence has one target, not one for each time step. Of several labels "
                "make columns of 0 and 1 by sklearn.preprocessing.MultiLabelBinarizer, of "
                "several numbers a table with as many in each row."
            )


def check_labels(y: Any, name: str) -> None:
    """Raise for labels whose type scikit-learn, and its metrics, would call unknown."""
    array = _as_array(y)
    if array.dtype.kind not in "OU" or (array.dtype.kind == "U" and array is y):
        return
    # Of [1, "a"] numpy makes ["1", "a"] without a word.
    labels = np.asarray(y, dtype=object)
    is_text = np.vectorize(lambda label: isinstance(label, str), otypes=[bool])(labels)
    if is_text.any() and not is_text.all():
        i, j = int(is_text.argmax()), int(is_text.argmin())
        row, other = (int(np.unravel_index(k, labels.shape)[0]) for k in (i, j))
        raise ValueError(
            f"{name} mixes strings with other labels: row {row} has {labels.flat[i]!r}, "
            f"row {other} has {labels.flat[j]!r}. Make all of them strings, or all numbers."
        )
    if is_text.any():
        text_array(labels, name)  # whose error names what numpy would not keep
        if any(str(label) != str.__str__(label) for label in labels.flat):
            raise ValueError(
                f"{name} has labels of a kind of strings whose names are other strings, "
                f"such as {labels.flat[0]!r}. Pass [label.value for label in {name}]."
            )
    # What pandas keeps in types of its own, scikit-learn knows.
    elif isinstance(getattr(y, "dtype", None), np.dtype):
        raise ValueError(
            f"Unknown label type: {name} has an object dtype, though its labels are no "
            f"strings, such as {labels.flat[0]!r}. Pass np.array({name}.tolist()), as "
            "scikit-learn's metrics need it too."
        )


def check_none_missing(values: Any, name: str) -> None:
    """Raise where None, or NaN beside strings, would have to be compared with labels."""
    objects = _objects(values)
    beside_text = any(isinstance(cell, str) for cell in objects.flat)
    for position, cell in np.ndenumerate(objects):
        is_nan = beside_text and isinstance(cell, float) and cell != cell
        if cell is None or is_na(cell) or is_nan:
            raise ValueError(
                f"Row {position[0]} of {name} is missing ({cell}); leave the row out, or "
                "give it a value."
            )


def encoded_groups(groups: Any) -> np.ndarray:
    """Positions of the groups among all of them, sorted."""
    check_none_missing(groups, "groups")
    array = as_array(groups, "groups")
    if array is None or array.squeeze().ndim > 1:
        raise ValueError("groups must have one value for each sequence, not several.")
    return np.unique(array, return_inverse=True)[1].ravel()


def _objects(values: Any) -> np.ndarray:
    """The values that numpy has no type for, or an empty array."""
    array = _as_array(values)
    return array if array.dtype == object and array.ndim else np.empty(0, dtype=object)


def _as_array(values: Any) -> np.ndarray:
    if getattr(values, "dtype", None) is None and _has_text(values):
        return np.asarray(values, dtype=object)  # which keeps NaN beside strings
    try:
        return np.asarray(values)
    except ValueError:  # rows of unequal length
        return np.fromiter(values, dtype=object)


def _has_text(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and any(isinstance(v, str) for v in values)


def check_weight(sample_weight: Any, sequences: SequenceArray, name: str) -> np.ndarray:
    weight = _check_sample_weight(
        without_mask(sample_weight, name),
        np.empty(len(sequences)),
        dtype=np.float64,
        ensure_non_negative=True,
    )
    if not weight.any():
        raise ValueError(f"All of {name} is zero; at least one row needs a weight.")
    if weight.max() > LARGEST:
        raise ValueError(
            f"Row {weight.argmax()} of {name} is {weight.max():g}, too large to add up; "
            "divide all weights by one number, because only their ratios count."
        )
    return weight


def check_magnitude(sequences: SequenceArray, name: str, largest: float) -> None:
    """Raise for a finite number that is too large to compute with."""
    dtype = sequences.dtype
    if dtype.kind != "f" or float(np.finfo(dtype).max) <= largest:
        return
    bad = first_step(sequences, lambda values: np.abs(values) > largest)
    if bad is not None:
        i, step, value = bad
        raise ValueError(
            f"Sequence {i} of {name} has a value of {value:g} at time step {step}, too "
            "large to compute with; pass other units, or leave the step out."
        )


def check_memory(n_inputs: int, n_outputs: int, architecture: dict[str, Any]) -> None:
    """Raise if there is no memory to train the weights, before any of them is made."""
    hidden, layers = architecture["hidden_size"], architecture["num_layers"]
    directions = 2 if architecture["bidirectional"] else 1
    embedding = architecture["embedding_dim"]
    gates = 4  # of an LSTM; other cells have less
    width = hidden * directions
    below = [n_inputs if embedding is None else embedding, (layers - 1) * width]
    n_weights = gates * width * (sum(below) + layers * (hidden + 2))
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


def check_pooling(pooling: Any) -> None:
    kinds = [pooling] if isinstance(pooling, str) else list(pooling)
    if not kinds or not all(kind in POOLINGS for kind in kinds):
        raise ValueError(
            f"The 'pooling' parameter must be one or a tuple of {POOLINGS}, got "
            f"{pooling!r}."
        )


def check_class_weight(class_weight: Any) -> None:
    if not isinstance(class_weight, dict):
        return
    for label, weight in class_weight.items():
        is_number = isinstance(weight, numbers.Real)
        if not is_number or not 0 <= weight <= LARGEST:
            raise ValueError(
                f"class_weight must hold numbers from 0 to {LARGEST:g}, got {weight!r:.40} "
                f"for {label!r:.40}."
            )


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
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
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
