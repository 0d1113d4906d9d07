"""From what a caller has to an array, exactly: nothing hidden, rounded or renamed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

INTEGERS = (int, np.integer, np.bool)
NUMBERS = "biuf"  # kinds of dtype
EXACT_IN_FLOAT64 = 2**53  # below, every integer is a float64 of its own


def as_array(values: Any, name: str) -> np.ndarray | None:
    """What numpy makes of the values, made exact; None where their lengths differ."""
    if hasattr(values, "detach"):
        return tensor_to_numpy(values, name)
    refuse_masks(values, name)
    known = np.asarray(values) if hasattr(values, "dtype") else None
    try:
        array = np.asarray(values) if known is None else known
    except ValueError:  # numpy's word for "inhomogeneous shape"
        return None
    if array.dtype.kind == "T":  # a newer type of strings
        return array.astype(str)
    if known is None:
        return _made_of_list(values, array, name)
    # pandas may turn nullable columns into arrays of objects.
    if array.dtype.kind == "O" and array.size and values.dtype != object:
        whole = exact_integers(array)
        array = array if whole is None else whole
    return array


def rectangular(values: Any, name: str) -> np.ndarray:
    """`as_array`, or an error where lengths differ."""
    array = as_array(values, name)
    if array is None:
        raise ValueError(
            f"{name} is a list whose steps differ in their number of channels; every step "
            "needs the same number."
        )
    return array


def _made_of_list(values: Any, array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "f" and (np.abs(array) >= EXACT_IN_FLOAT64).any():
        whole = exact_integers(np.asarray(values, object))
        return array if whole is None else whole
    # numpy turns [1, "a"] into ["1", "a"] without a word.
    return (
        text_array(np.asarray(values, object), name) if array.dtype.kind == "U" else array
    )


def text_array(array: np.ndarray, name: str) -> np.ndarray:
    """Strings that are objects as an array of strings, each of them itself."""
    for value in array.flat:
        if not isinstance(value, str):
            raise ValueError(
                f"{name} mixes strings with numbers; make all of them one or the other."
            )
        if "\0" in value:
            raise ValueError(
                f"{name} has a string with a NUL character, {value!r:.40}, which numpy "
                "drops at its end; replace it."
            )
    if all(type(value) in (str, np.str_) for value in array.flat):
        return array.astype(str)
    # numpy would call str() on members of an enumeration, which may give their names.
    plain = [str.__str__(value) for value in array.flat]
    return np.array(plain, dtype=str).reshape(array.shape)


def tensor_to_numpy(tensor: Any, name: str) -> np.ndarray:
    try:
        tensor = tensor.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":  # which numpy does not have
            tensor = tensor.float()
        return np.asarray(tensor)
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{name} cannot be read by numpy; pass a dense tensor of numbers. (Torch says: "
            f"{str(error).splitlines()[0]:.100})"
        ) from error


def without_gradients(values: Any, name: str) -> Any:
    """A tensor as numpy's array, and all else as it is."""
    return tensor_to_numpy(values, name) if hasattr(values, "detach") else values


def refuse_masks(values: Any, name: str) -> None:
    """Raise if a masked array, or one in a list, hides values."""
    if isinstance(values, np.ma.MaskedArray):
        without_mask(values, name)
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes, memoryview)):
        return
    rows = [r for r in values if isinstance(r, Sequence) and not isinstance(r, str)]
    for value in chain(_masked(values), chain.from_iterable(map(_masked, rows))):
        if np.ma.is_masked(value):
            raise ValueError(
                f"{name} has a masked array that hides values; fill them, by "
                "filled(np.nan) for an imputer, or leave them out."
            )


def _masked(values: Sequence[Any]) -> list[Any]:
    # Most lists hold nothing but numbers, which their types tell fastest.
    if not any(issubclass(found, np.ma.MaskedArray) for found in set(map(type, values))):
        return []
    return [value for value in values if isinstance(value, np.ma.MaskedArray)]


def look_up(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each value stands among the known ones, which are sorted, and if it does."""
    if (values.dtype.kind in NUMBERS) != (known.dtype.kind in NUMBERS):
        # Numbers are no strings, and Python does not compare the two.
        return np.zeros(values.shape, dtype=int), np.zeros(values.shape, dtype=bool)
    found = np.ones(values.shape, dtype=bool)
    if values.dtype.kind in "iu" and known.dtype.kind in "iu":
        # numpy compares int64 with uint64 as floats, so both get one type first.
        found = fit_into(values, known.dtype)
        values = values.astype(known.dtype)
    slot = np.searchsorted(known, values).clip(max=len(known) - 1)
    found &= known[slot] == values
    return slot, found


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
    # numpy compares int64 with uint64 as floats, so no bound of another type is used.
    if own.min < other.min:
        fits &= integers >= other.min
    if own.max > other.max:
        fits &= integers <= other.max
    return fits


def exact_integers(array: np.ndarray) -> np.ndarray | None:
    """Integers that are objects in a type that holds them all, or None."""
    if all(isinstance(value, (bool, np.bool)) for value in array.flat):
        return array.astype(bool)
    if not all(isinstance(value, INTEGERS) for value in array.flat):
        return None
    found = [int(value) for value in array.flat]
    for dtype in (np.int64, np.uint64):
        bounds = np.iinfo(dtype)
        if bounds.min <= min(found) and max(found) <= bounds.max:
            return np.array(found, dtype).reshape(array.shape)
    return None
