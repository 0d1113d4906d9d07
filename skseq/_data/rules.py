"""Rules of what attributes may be: types, shapes that agree with each other, ranges.

A rule takes a value and the sizes that are known so far, by name, and says whether the
value is right. The first value that has a size of some name sets it; all others must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Sizes = dict[str, int]
Rule = Callable[[Any, Sizes], bool]

ANY = "biufcOSUmM"  # kinds of dtype
LARGEST_SIZE = 10**7  # of what no array bounds


def fault(attributes: Mapping[str, Any], rules: Mapping[str, Rule]) -> str | None:
    """What is wrong with the attributes that are there, or None."""
    sizes: Sizes = {}
    for name, fits in rules.items():
        if name in attributes and not fits(attributes[name], sizes):
            return f"its {name} is {_described(attributes[name])}, which cannot be"
    return None


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with the shape {value.shape}"
    if type(value) in (int, float, bool) or value is None:
        return f"{value}"[:40]
    return f"a {type(value).__name__}"


def size(name: str) -> Rule:
    """A whole number above zero that is the size of this name."""

    def fits(value: Any, sizes: Sizes) -> bool:
        is_whole = isinstance(value, (int, np.integer)) and type(value) is not bool
        return is_whole and 0 < value <= LARGEST_SIZE and _agrees(name, int(value), sizes)

    return fits


def _agrees(name: str, number: int, sizes: Sizes) -> bool:
    return name == "*" or sizes.setdefault(name, number) == number


def array(kinds: str, *dims: str) -> Rule:
    """An array of these kinds of dtype and of these sizes; any number for "*"."""

    def fits(value: Any, sizes: Sizes) -> bool:
        is_array = isinstance(value, np.ndarray) and value.dtype.kind in kinds
        if not is_array or value.ndim != len(dims):
            return False
        pairs = zip(dims, value.shape, strict=True)
        return all(_agrees(name, number, sizes) for name, number in pairs)

    return fits


def below(name: str) -> Rule:
    """Positions among as many things as a size says."""
    is_array = array("i", "*")

    def fits(value: Any, sizes: Sizes) -> bool:
        largest = sizes.get(name, LARGEST_SIZE)
        return is_array(value, sizes) and bool(((value >= 0) & (value < largest)).all())

    return fits


def rising(kinds: str, name: str) -> Rule:
    """An array of one dimension, of different values in order; a missing one is last."""
    is_array = array(kinds, name)
    return lambda value, sizes: is_array(value, sizes) and is_rising(value)


def is_rising(values: np.ndarray) -> bool:
    """Whether a search in these values finds what stands there, and never goes beyond."""
    if values.dtype.kind in "fcmM" and len(values) and values[-1] != values[-1]:
        values = values[:-1]  # NaN or NaT
    try:
        return bool((values[:-1] < values[1:]).all())
    except TypeError:
        return False


def each(rule: Rule, name: str) -> Rule:
    """A list of as many values as a size says, for each of which a rule holds."""

    def fits(value: Any, sizes: Sizes) -> bool:
        if isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 1:
            value = value.tolist()
        return (
            isinstance(value, (list, tuple))
            and _agrees(name, len(value), sizes)
            and all(rule(item, sizes) for item in value)
        )

    return fits


def either(*rules: Rule) -> Rule:
    return lambda value, sizes: any(rule(value, sizes) for rule in rules)


def one_of(*values: Any) -> Rule:
    return lambda value, sizes: type(value) in map(type, values) and value in values


def instance(*types: type) -> Rule:
    return lambda value, sizes: isinstance(value, types)


def optional(rule: Rule) -> Rule:
    return lambda value, sizes: value is None or rule(value, sizes)


def flag(value: Any, sizes: Sizes) -> bool:
    return isinstance(value, (bool, np.bool_))


def count(value: Any, sizes: Sizes) -> bool:
    is_whole = isinstance(value, (int, np.integer)) and type(value) is not bool
    return is_whole and value >= 0


def number(value: Any, sizes: Sizes) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating))


def text(value: Any, sizes: Sizes) -> bool:
    return isinstance(value, str)
