"""Arrays taken for what they hold: no hidden values, and integers that stay exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

INTEGERS = (int, np.integer, np.bool)


def without_mask(values: Any, name: str) -> Any:
    """A masked array that hides nothing as a plain one, and all else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    hidden = np.argwhere(np.ma.getmaskarray(values))
    if len(hidden):
        raise ValueError(
            f"{name} is a masked array that hides {len(hidden)} values, the first at "
            f"{tuple(hidden[0].tolist())}; fill them, by filled(np.nan) for an imputer, or "
            "leave them out."
        )
    return np.asarray(values)


def in_one_type(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Arrays in a common integer type, where numpy would join them as float64.

    It does so with int64 beside uint64, and then large identifiers become equal.
    """
    dtypes = {array.dtype for array in arrays}
    if any(dtype.kind not in "iu" for dtype in dtypes):
        return arrays
    if not dtypes or np.result_type(*dtypes).kind in "iu":
        return arrays
    for dtype in (np.int64, np.uint64):
        if all(fit_into(array, dtype).all() for array in arrays):
            return [array.astype(dtype, copy=False) for array in arrays]
    return arrays


def fit_into(integers: np.ndarray, dtype: Any) -> np.ndarray:
    """Which of the integers another integer type holds."""
    own, other = np.iinfo(integers.dtype), np.iinfo(dtype)
    fits = np.ones(integers.shape, dtype=bool)
    # Compared in their own type only: int64 and uint64 would be compared as floats.
    if own.min < other.min:
        fits &= integers >= other.min
    if own.max > other.max:
        fits &= integers <= other.max
    return fits


def exact_integers(array: np.ndarray) -> np.ndarray | None:
    """Integers that are objects in a type that holds them all, or None."""
    if not all(isinstance(value, INTEGERS) for value in array.flat):
        return None
    found = [int(value) for value in array.flat]
    for dtype in (np.int64, np.uint64):
        bounds = np.iinfo(dtype)
        if bounds.min <= min(found) and max(found) <= bounds.max:
            return np.array(found, dtype).reshape(array.shape)
    return None
