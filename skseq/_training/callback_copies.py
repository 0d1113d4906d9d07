"""Copies of the user's callbacks, and what they become in files and other processes.

A callback may hold what cannot be copied: the connection of a logger, a lock, an open file.
The copies in one process share it. An error says so where a callback would have to leave
the process.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import Any

import joblib  # type: ignore[import-untyped]
from sklearn.base import clone

from .checks import unnamed


def copied(callbacks: Sequence[Any]) -> Any:
    """Deep copies that share what cannot be copied."""
    try:
        return copy.deepcopy(callbacks)
    except Exception:
        return copy_context().run(_copied_sharing, callbacks, {})


def cloned(callbacks: Any) -> Any:
    """What scikit-learn's `clone` makes of them, or `copied` where that fails."""
    if type(callbacks) in (list, tuple):
        return type(callbacks)(map(cloned, callbacks))
    try:
        return clone(callbacks, safe=False)
    except Exception:
        return copied([callbacks])[0]


class ClonesAs:
    """Stands for a parameter of an estimator that is to be cloned in another way."""

    def __init__(self, make: Callable[[Any], Any], value: Any) -> None:
        self._make = make
        self._value = value

    def __sklearn_clone__(self) -> Any:
        return self._make(self._value)


def _copied_sharing(callbacks: Sequence[Any], memo: dict[int, Any]) -> Any:
    _trying.set(True)
    for callback in map(unnamed, callbacks):
        memo.update(_as_memo(_shared_parts(callback)))
    return copy.deepcopy(callbacks, memo)


def _as_memo(parts: Sequence[Any]) -> dict[int, Any]:
    """What makes `deepcopy` take these parts for copies of themselves."""
    return {id(part): part for part in parts}


def _shared_parts(callback: Any) -> list[Any]:
    """Attributes that cannot be copied, or the callback if sharing them does not help."""
    if _can_be_copied(callback):
        return []
    parts = [v for v in _attributes(callback).values() if not _can_be_copied(v)]
    # A bound method of the callback fails only because it leads to the writer. It must not
    # be shared, because it would act on the original callback.
    for part in [*parts]:
        others = [other for other in parts if other is not part]
        if _can_be_copied(part, others):
            parts = others
    return parts if _can_be_copied(callback, parts) else [callback]


def _attributes(callback: Any) -> dict[str, Any]:
    return getattr(callback, "__dict__", {})  # a class with __slots__ has none


def _can_be_copied(value: Any, shared: Sequence[Any] = ()) -> bool:
    try:
        copy.deepcopy(value, _as_memo(shared))
    except Exception:
        return False
    return True


# To files and other processes.

# True while callbacks are tried out. A callback may hold its own estimator, whose callbacks
# would be tried again, without end.
_trying: ContextVar[bool] = ContextVar("_trying", default=False)


def for_state(callbacks: Any) -> Any:
    """Callbacks as the state of an estimator holds them."""
    given = isinstance(callbacks, (list, tuple)) and not _trying.get()
    if given and isinstance(_written(pickle.dumps, callbacks), Exception):
        return Unpicklable(callbacks)
    return callbacks


class Unpicklable:
    """Stands in an estimator's state for callbacks that `pickle` refuses.

    They are written as joblib writes for its workers, functions without a name included,
    or refused by an error that says which one it is.
    """

    def __init__(self, callbacks: Any) -> None:
        self.callbacks = callbacks

    def checked(self) -> Any:
        """The callbacks, or TypeError if nothing can write them."""
        self._as_bytes()
        return self.callbacks

    def _as_bytes(self) -> bytes:
        written = _written(_as_for_workers, self.callbacks)
        if isinstance(written, Exception):
            raise TypeError(_explained(self.callbacks)) from written
        return written

    def __deepcopy__(self, memo: dict[int, Any]) -> Unpicklable:
        return Unpicklable(copy_context().run(_copied_sharing, self.callbacks, memo))

    def __getstate__(self) -> dict[str, Any]:
        return {"callbacks": self.checked()}

    def __reduce__(self) -> Any:
        return pickle.loads, (self._as_bytes(),)


def _as_for_workers(value: Any) -> bytes:
    return pickle.dumps(joblib.wrap_non_picklable_objects(value, keep_wrapper=False))


def _written(write: Callable[[Any], bytes], value: Any) -> bytes | Exception:
    """The bytes, or the error that came instead."""
    # An interrupt cannot leave the flag set, because it is set in a context of its own.
    return copy_context().run(_tried, write, value)


def _tried(write: Callable[[Any], bytes], value: Any) -> bytes | Exception:
    _trying.set(True)
    try:
        return write(value)
    except Exception as error:
        return error


def _explained(callbacks: Sequence[Any]) -> str:
    """Which callback cannot be written, for which attribute, and what to do."""
    place, callback = next(
        (place, callback)
        for place, callback in enumerate(map(unnamed, callbacks))
        if _is_fault(callback)
    )
    faults = [name for name, value in _attributes(callback).items() if _is_fault(value)]
    whose = f"whose {faults[0]}" if faults else "which"
    return (
        f"The 'callbacks' parameter holds a {type(callback).__name__} (callbacks[{place}]) "
        f"{whose} cannot be pickled, so it cannot be sent to another process or saved. "
        "Search and cross-validate with it in this process (n_jobs=None), and save the "
        "model without it: model.set_params(callbacks=None)."
    )


def _is_fault(value: Any) -> bool:
    # joblib wraps a class by itself in another way, so it stands in a list.
    return isinstance(_written(_as_for_workers, [value]), Exception)
