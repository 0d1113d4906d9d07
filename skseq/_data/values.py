"""What the values of steps may be: numbers or text, in an array of one type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from numbers import Number
from typing import Any

import numpy as np

from .arrays import exact_integers, in_one_type, text_array, without_mask
from .columnar import column_names, frame_columns, library_of

DATES = (date, time, timedelta, np.datetime64, np.timedelta64)  # a datetime is a date
NA = "NAType"  # the type of `pandas.NA`


def numbers_or_text(array: np.ndarray, name: str) -> np.ndarray:
    """The array with a dtype that a network can use, or an error."""
    array = without_mask(array, name)
    if array.dtype.kind == "T":  # a newer type of strings
        array = array.astype(str)
    if array.dtype.kind == "O":
        array = _objects_to_array(array, name)
    if array.dtype.kind in "mM":
        raise _dates_error(array.dtype, name)
    if array.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported in {name}; pass real and imaginary parts as "
            "two channels."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "S":
        raise TypeError(bytes_advice(f"A value of {name}"))
    if array.dtype.kind not in "iufU":
        raise ValueError(
            f"{name} has the type {array.dtype}; use numbers or strings instead."
        )
    return array


def bytes_advice(name: str) -> str:
    return (
        f"{name} is bytes; decode it, as by value.decode(), to read characters, or pass "
        "list(value) to read numbers from 0 to 255."
    )


def is_scalar(value: Any) -> bool:
    """Whether a cell is one value of a table, and no sequence of its own."""
    return isinstance(value, (Number, *DATES)) or _is_missing(value)


def read_frame(frame: Any, name: str) -> np.ndarray:
    """A table as one array, its columns beside each other."""
    array = _whole_frame(frame)
    if array is None:
        array = read_columns(frame_columns(frame), column_names(frame), name)
    return array


def read_columns(columns: Sequence[Any], names: Sequence[Any], table: str) -> np.ndarray:
    """Columns of a table beside each other; what is wrong is said of a column."""
    pairs = list(zip(columns, names, strict=True))
    arrays = [_read_column(column, f"column {name!r} of {table}") for column, name in pairs]
    arrays = [*in_one_type(arrays)]
    is_text = [array.dtype.kind == "U" for array in arrays]
    if any(is_text) and not all(is_text):
        raise ValueError(
            f"The columns of {table} mix strings with numbers: "
            f"{names[is_text.index(True)]!r} has strings, {names[is_text.index(False)]!r} "
            "has numbers. Encode the strings first, or leave them out."
        )
    return np.column_stack(arrays)


def _whole_frame(frame: Any) -> np.ndarray | None:
    """The table in one go, or None where its columns need a look one by one."""
    library = library_of(frame)
    # Of dates beside numbers polars makes numbers without a word.
    if library == "polars" and any(dtype.is_temporal() for dtype in frame.dtypes):
        return None
    if library == "pyarrow" and frame.num_columns:
        return None  # it would go through them itself
    array = frame.to_numpy() if library != "pyarrow" else np.empty(frame.shape)
    if array.dtype.kind == "f" and array.size and _has_only_integers(frame):
        return None  # signed and unsigned, which are joined as floats
    return array if array.dtype.kind in "iufb" or not array.size else None


def _has_only_integers(frame: Any) -> bool:
    return all(
        getattr(dtype, "kind", "") in tuple("iu") or getattr(dtype, "is_integer", bool)()
        for dtype in frame.dtypes
    )


def _read_column(column: Any, name: str) -> np.ndarray:
    array = np.asarray(column)
    if array.ndim != 1:
        raise _cells_error("lists", name)
    return numbers_or_text(array, name)


def _objects_to_array(array: np.ndarray, name: str) -> np.ndarray:
    types = {type(value) for value in array.flat}
    for found in types:
        if issubclass(found, DATES):
            raise _dates_error(found.__name__, name)
    if any(issubclass(found, str) for found in types):
        return _objects_to_text(array, name)
    if any(issubclass(found, (bytes, bytearray)) for found in types):
        raise TypeError(bytes_advice(f"A value of {name}"))
    whole = exact_integers(array) if array.size else None
    if whole is not None:
        return whole
    if any(found.__name__ == NA for found in types):
        array = _without_na(array)
    is_complex = any(issubclass(found, complex) for found in types)
    try:
        return array.astype(complex if is_complex else float)
    except OverflowError as error:
        raise ValueError(
            f"{name} has an integer that no float64 holds; pass other units."
        ) from error
    except (TypeError, ValueError) as error:
        odd = sorted(f.__name__ for f in types if not issubclass(f, (Number, np.bool)))
        raise _cells_error(", ".join(odd), name) from error


def _objects_to_text(array: np.ndarray, name: str) -> np.ndarray:
    for i, value in enumerate(array.flat):
        if _is_missing(value):
            row = np.unravel_index(i, array.shape)[0]
            raise ValueError(f"Row {row} has no value in {name}; fill it or leave it out.")
    return text_array(array, name)


def _without_na(array: np.ndarray) -> np.ndarray:
    """NaN for each `pandas.NA`, which is no number."""
    found = [is_na(value) for value in array.flat]
    return np.where(np.reshape(found, array.shape), np.nan, array)


def is_na(value: Any) -> bool:
    """Whether a value is `pandas.NA`, found without importing pandas."""
    return type(value).__name__ == NA


def _is_missing(value: Any) -> bool:
    return value is None or is_na(value) or (isinstance(value, float) and np.isnan(value))


def _dates_error(kind: Any, name: str) -> ValueError:
    return ValueError(
        f"{name} has dates or times ({kind}); use numbers or strings instead, such as the "
        "hours since the step before, or leave them out."
    )


def _cells_error(kinds: str, name: str) -> TypeError:
    return TypeError(
        f"{name} has an object dtype with cells that are not numbers ({kinds}). A cell "
        "argument must be a string or a number; sequences as cells need a single column, "
        "so join channels by np.column_stack."
    )
