"""Estimators as JSON beside arrays, and back. Nothing here runs what a file says.

None, bool, int, finite float, str and list stand for themselves. All else is an
object with one key that says what it is: {"tuple": [...]}, {"array": name} ...
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from functools import partial
from typing import Any, NoReturn

import numpy as np
import torch
from sklearn.utils.metadata_routing import MetadataRequest

from .._data.rules import LARGEST_SIZE
from .._training.callback_copies import Unpicklable
from .._training.optimizers import is_optimizer_class, optimizer_fault
from .allowlist import INSTANCES, VALUES, find, full_name, name_of
from .fitted import state_fault

# What safetensors holds as it is; other arrays are stored as their bytes.
NATIVE = {
    *("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"),
    *("<f2", "<f4", "<f8", "<c8"),
}
# Floats longer than float64 are refused, because their format depends on the processor and
# some patterns of bits are no numbers.
RAW = re.compile(
    r"[<>|]([biu][1248]|f[248]|c8|c16|[SUmM]\d{1,9}(\[\d{0,9}[A-Za-z]{1,2}\])?)"
)
MAX_DEPTH = 100
VERSION = re.compile(
    r"\d{1,4}(\.\d{1,6}){0,4}((a|b|rc)\d{1,4})?(\.post\d{1,4})?(\.dev\d{1,8})?"
    r"(\+[0-9A-Za-z.]{1,30})?"
)
# What `__reduce_ex__` answers for an object that is nothing but its attributes.
NEW_OBJECT = object().__reduce_ex__(2)[0]


class Writer:
    """Collects the arrays of a model while it is written as JSON."""

    def __init__(self, trusted: tuple[Any, ...] = ()) -> None:
        self.trusted = trusted
        self.tensors: dict[str, np.ndarray] = {}
        # Steps may share one, which is written once and then referred to by its number.
        self.random_states: list[np.random.RandomState] = []

    def node(self, value: Any, where: tuple[str, ...] = ()) -> Any:
        """The JSON of a value; `where` is the way to it, for messages and names."""
        if len(where) > MAX_DEPTH:
            raise TypeError(f"{'.'.join(where[:8])}... is nested too deeply to be saved.")
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is Unpicklable:
            return self.node(value.checked(), where)
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list:
            return self._items(value, where)
        if kind is tuple:
            return {"tuple": self._items(value, where)}
        if kind is dict:
            return {"dict": self._dict(value, where)}
        if kind in (np.ndarray, np.memmap):
            return self._array(value, where)
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.asarray(value), where)}
        if isinstance(value, np.dtype):
            return {"dtype": "|O" if value.kind == "O" else self._dtype(value, where)}
        if kind is slice:
            return {"slice": self._items([value.start, value.stop, value.step], where)}
        if kind is torch.device:
            return {"device": str(value)}
        if kind is np.random.RandomState:
            return {"RandomState": self._random_state(value, where)}
        if kind is MetadataRequest:
            owner = value.owner if type(value.owner) is str else type(value.owner).__name__
            return {"requests": self.node(_requests(value), where), "owner": owner}
        if kind is partial:
            return self._optimizer(value, where)
        if callable(value) and hasattr(value, "__name__"):
            return {"name": self._name(value, VALUES, where)}
        return self._object(value, where)

    def _items(self, values: Any, where: tuple[str, ...]) -> list[Any]:
        return [self.node(value, (*where, str(i))) for i, value in enumerate(values)]

    def _dict(self, values: dict[Any, Any], where: tuple[str, ...]) -> Any:
        if all(type(key) is str for key in values):
            return {k: self.node(v, (*where, k)) for k, v in values.items()}
        return [
            [self.node(k, (*where, "key")), self.node(v, (*where, str(k)))]
            for k, v in values.items()
        ]

    def _array(self, array: np.ndarray, where: tuple[str, ...]) -> dict[str, Any]:
        if array.dtype.kind == "O":
            items = self._items(array.ravel().tolist(), where)
            return {"objects": items, "shape": list(array.shape)}
        node: dict[str, Any] = {}
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            # Products round differently in another memory layout.
            node["transposed"] = True
            array = array.T
        array = np.asarray(array, order="C")
        if array.dtype.str not in NATIVE:
            node["dtype"] = self._dtype(array.dtype, where)
            node["shape"] = list(array.shape)
            array = np.frombuffer(array.tobytes(), dtype=np.uint8)
        name = ".".join(where)
        while name in self.tensors:
            name += "'"
        self.tensors[name] = array
        return {"array": name, **node}

    def _random_state(self, value: np.random.RandomState, where: tuple[str, ...]) -> Any:
        for number, earlier in enumerate(self.random_states):
            if earlier is value:
                return number
        self.random_states.append(value)
        state = value.get_state(legacy=False)
        if state["bit_generator"] != "MT19937":
            self._refuse(f"a RandomState of {state['bit_generator']}", where)
        return self.node(state, where)

    def _optimizer(self, value: partial, where: tuple[str, ...]) -> dict[str, Any]:
        """The class and its options; `fit` says whether they go together."""
        if not is_optimizer_class(value.func):
            name = getattr(value.func, "__name__", type(value.func).__name__)
            self._refuse(f"a functools.partial of {name}", where)
        if value.args:
            raise TypeError(f"{'.'.join(where)} {optimizer_fault(value)}")
        name = self._name(value.func, VALUES, where)
        return {"optimizer": name, "options": self._dict(value.keywords, where)}

    def _dtype(self, dtype: np.dtype, where: tuple[str, ...]) -> str:
        if not RAW.fullmatch(dtype.str):
            self._refuse(f"an array of dtype {dtype}", where)
        return dtype.str

    def _object(self, value: Any, where: tuple[str, ...]) -> dict[str, Any]:
        cls = type(value)
        name = self._name(cls, INSTANCES, where)
        make, arguments, state, *rest = value.__reduce_ex__(2)
        state = {} if state is None else state
        plain = make is NEW_OBJECT and arguments == (cls,) and rest == [None, None]
        if not plain or type(state) is not dict:
            self._refuse(f"a {name}, whose state is more than its attributes", where)
        for attribute, content in state.items():
            fault = attribute_fault(cls, attribute, content)
            if fault:
                raise TypeError(f"{'.'.join((*where, str(attribute)))} {fault}")
        fault = state_fault(cls, state)
        if fault:
            place = ".".join(where) or "The estimator"
            raise TypeError(f"{place}, a {name}, cannot be loaded again: {fault}.")
        return {"object": name, "state": self._dict(state, where)}

    def _name(
        self, item: Any, table: dict[str, tuple[str, ...]], where: tuple[str, ...]
    ) -> str:
        name = name_of(item, table, self.trusted)
        if name is not None:
            return name
        if item.__name__ == "<lambda>":
            self._refuse("a lambda", where, "the function, made with def")
        what = full_name(item)
        self._refuse(what if table is VALUES else f"a {what}", where, item.__name__)

    def _refuse(self, what: str, where: tuple[str, ...], trustable: str = "") -> NoReturn:
        advice = "Use joblib.dump or skops.io.dump."
        if trustable:
            advice = (
                f"Pass trusted=[{trustable}] to save and to load if you vouch for it; "
                "otherwise use joblib.dump or skops.io.dump."
            )
        raise TypeError(
            f"{'.'.join(where) or 'The estimator'} is {what}, which skseq.save does not "
            "take: a file holds data and the names of known classes and functions, so that "
            f"loading runs no code. {advice}"
        )


class Reader:
    """Rebuilds a model; each array of the file is used once."""

    def __init__(self, tensors: dict[str, np.ndarray], trusted: tuple[Any, ...] = ()):
        self.tensors = dict(tensors)
        self.trusted = trusted
        self.random_states: list[np.random.RandomState] = []

    def value(self, node: Any) -> Any:
        """What `Writer.node` was given."""
        match node:
            case list():
                return [self.value(item) for item in node]
            case {"float": text}:
                return float(text)
            case {"tuple": items}:
                return tuple(self.value(items))
            case {"dict": items}:
                return self._dict(items)
            case {"object": name, "state": state}:
                return self._object(name, state)
            case {"objects": items, "shape": shape}:
                return self._objects(items, shape)
            case {"array": _}:
                return self._array(node)
            case {"scalar": {"array": _} as array}:
                return self._array(array)[()]
            case {"dtype": name}:
                return _dtype(name, also="|O")
            case {"slice": [start, stop, step]}:
                return slice(self.value(start), self.value(stop), self.value(step))
            case {"device": name}:
                return torch.device(name)
            case {"RandomState": int(number)}:
                if type(number) is bool or not 0 <= number < len(self.random_states):
                    raise ValueError("it refers to a RandomState that is not there")
                return self.random_states[number]
            case {"RandomState": state}:
                self.random_states.append(_random_state(self.value(state)))
                return self.random_states[-1]
            case {"requests": requests, "owner": owner}:
                return _metadata_request(self.value(requests), owner)
            case {"name": name}:
                return find(name, VALUES, self.trusted)
            case {"optimizer": name, "options": options}:
                return self._optimizer(name, options)
            case dict():
                raise ValueError(f"it has {[*node]} where it should say what comes")
        return node

    def _dict(self, items: Any) -> dict[Any, Any]:
        if isinstance(items, dict):
            return {key: self.value(item) for key, item in items.items()}
        return {self.value(key): self.value(item) for key, item in items}

    def _optimizer(self, name: str, options: dict[str, Any]) -> partial:
        bare = find(name, VALUES, self.trusted)
        if not is_optimizer_class(bare):
            raise ValueError(f"it has options of {name}, which is no optimizer")
        return partial(bare, **self._dict(options))

    def _array(self, node: dict[str, Any]) -> np.ndarray:
        values = self.tensors.pop(node["array"])
        if "dtype" in node:
            values = values.view(_dtype(node["dtype"])).reshape(node["shape"])
        _check_values(values)
        return values.T if "transposed" in node else values

    def _objects(self, items: list[Any], shape: list[int]) -> np.ndarray:
        flat = np.empty(len(items), dtype=object)
        for i, node in enumerate(items):
            flat[i] = self.value(node)
        array = flat.reshape(shape)
        _check_values(array)
        return array

    def _object(self, name: str, state: dict[str, Any]) -> Any:
        cls = find(name, INSTANCES, self.trusted)
        contents = self._dict(state)
        for attribute, content in contents.items():
            fault = attribute_fault(cls, attribute, content)
            if fault:
                raise ValueError(f"in a {name} {attribute} {fault}")
        fault = state_fault(cls, contents)
        if fault:
            raise ValueError(f"it has a {name}, and {fault}")
        made = cls.__new__(cls)
        if hasattr(made, "__setstate__"):
            made.__setstate__(contents)
        else:
            made.__dict__.update(contents)
        return made


def attribute_fault(cls: type, name: Any, value: Any) -> str | None:
    """Why a file must not set this attribute; it may set data, and nothing else."""
    if not isinstance(name, str) or name.startswith("__"):
        return "is not an attribute that a file may set."
    inherited = inspect.getattr_static(cls, name, None)
    ours = any(name in vars(base) for base in cls.__mro__ if _is_known(base))
    if ours or callable(inherited) or hasattr(inherited, "__get__"):
        return f"would replace what {cls.__name__} defines under this name."
    if name == "_sklearn_version" and not (
        isinstance(value, str) and VERSION.fullmatch(value)
    ):
        return "is no version."
    if name == "memory" and value is not None:
        return (
            "is a folder of pickles, which fit would load; set it to None with "
            "set_params to save the model without it."
        )
    return None


def _is_known(cls: type) -> bool:
    """Whether a class is not the user's own; what it defines is not for a file to set."""
    return cls.__module__.partition(".")[0] in ("imblearn", "skseq", "sklearn")


def _dtype(name: str, also: str = "") -> np.dtype:
    if name != also and not RAW.fullmatch(name):
        raise ValueError(f"it has an array of dtype {name!r}")
    return np.dtype(name)


def _check_values(array: np.ndarray) -> None:
    """Raise for what numpy takes on trust: booleans, characters, and empty shapes."""
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("it has booleans that are neither true nor false")
    if array.dtype.kind == "U" and array.size:
        characters = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
        if (characters > sys.maxunicode).any():
            raise ValueError("it has characters that there are not")
    if not array.size and math.prod(n for n in array.shape if n) > LARGEST_SIZE:
        raise ValueError(f"it has an empty array of the shape {array.shape}")


def _random_state(state: dict[str, Any]) -> np.random.RandomState:
    if not 0 <= state["state"]["pos"] <= 624:  # which numpy would believe
        raise ValueError("it has a RandomState that cannot be")
    if not np.asarray(state["state"]["key"]).any():  # of which some draws never end
        raise ValueError("it has a RandomState of zeros")
    generator = np.random.RandomState(0)
    generator.set_state(state)
    return generator


def _requests(request: MetadataRequest) -> dict[str, dict[str, Any]]:
    """What `set_fit_request` and its like have set, method by method."""
    methods = {k: v.requests for k, v in vars(request).items() if hasattr(v, "requests")}
    return {method: dict(asked) for method, asked in methods.items() if asked}


def _metadata_request(requests: dict[str, dict[str, Any]], owner: str) -> MetadataRequest:
    request = MetadataRequest(owner)
    for method, asked in requests.items():
        for parameter, alias in asked.items():
            vars(request)[method].add_request(param=parameter, alias=alias)
    return request
