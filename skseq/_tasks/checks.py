"""Checks of targets, whatever their task is."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from .._data.arrays import text_array
from .._data.checks import LARGEST, array_of, check_none_missing, objects_of


def check_targets(y: Any, name: str) -> None:
    """Raise if rows of y are missing, or hold several values that make no table."""
    check_none_missing(y, name)
    array = array_of(y)
    if array.ndim > 2:
        raise ValueError(
            f"{name} has {array.ndim} dimensions; a sequence has one target, or a row of "
            "several, so pass the shape (n_samples,) or (n_samples, n_outputs)."
        )
    for position, cell in np.ndenumerate(objects_of(array)):
        if hasattr(cell, "__len__") and not isinstance(cell, (str, bytes)):
            raise ValueError(
                f"Row {position[0]} of {name} holds several values ({cell!r:.40}); a "
                "sequence has one target, not one for each time step. Of several labels "
                "make columns of 0 and 1 by sklearn.preprocessing.MultiLabelBinarizer, of "
                "several numbers a table with as many in each row."
            )


def check_labels(y: Any, name: str) -> None:
    """Raise for labels whose type scikit-learn, and its metrics, would call unknown."""
    array = array_of(y)
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
                f"{name} holds members of an enumeration, such as {labels.flat[0]!r}; pass "
                f"[label.value for label in {name}]."
            )
    # What pandas keeps in types of its own, scikit-learn knows.
    elif isinstance(getattr(y, "dtype", None), np.dtype):
        raise ValueError(
            f"Unknown label type: {name} has an object dtype, though its labels are no "
            f"strings, such as {labels.flat[0]!r}. Pass np.array({name}.tolist()), as "
            "scikit-learn's metrics need it too."
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
