"""Checks of what belongs to rows: one for each, none missing, none too large."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._sklearn import _check_sample_weight, _num_samples
from .arrays import as_array, refuse_masks
from .containers import refuse_other_kinds
from .sequences import SequenceArray, first_step
from .values import is_na

# Larger numbers or weights could overflow float64 when weighted squares are added up.
LARGEST = 1e100
FLOAT32_MAX = float(np.finfo(np.float32).max)  # of numbers that no scale makes smaller


def draw_seed(random_state: Any) -> int:
    """One number that all randomness of a fit follows from."""
    if random_state is None:
        # The system gives the seed, so that numpy's global generator is not moved.
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


def check_none_missing(values: Any, name: str) -> None:
    """Raise where None, or NaN beside strings, would have to be compared with labels."""
    objects = objects_of(values)
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
    if array is None or array.shape[1:] not in ((), (1,)):
        raise ValueError("groups must have one value for each sequence, not several.")
    try:
        return np.unique(array, return_inverse=True)[1].ravel()
    except TypeError as error:
        raise ValueError(
            "groups mixes strings with other values; make all of them strings, or numbers."
        ) from error


def check_weight(sample_weight: Any, sequences: SequenceArray, name: str) -> np.ndarray:
    weight = _check_sample_weight(
        sample_weight,
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


def objects_of(values: Any) -> np.ndarray:
    """The values that numpy has no type for, or an empty array."""
    array = array_of(values)
    return array if array.dtype == object and array.ndim else np.empty(0, dtype=object)


def array_of(values: Any) -> np.ndarray:
    if getattr(values, "dtype", None) is None and _has_text(values):
        return np.asarray(values, dtype=object)  # which keeps NaN beside strings
    try:
        return np.asarray(values)
    except ValueError:  # rows of unequal length
        return np.fromiter(values, dtype=object)


def _has_text(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and any(isinstance(v, str) for v in values)
