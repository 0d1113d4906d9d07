"""What a computation sets in its thread and process, and gives back whatever happens."""

from __future__ import annotations

import ctypes
import os
import threading
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from sklearn import get_config, set_config
from torch.utils._device import DeviceContext

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Ctrl-C cannot interrupt the `__exit__` of this context, which is written in C. That of
# `torch.inference_mode` is written in Python, and if it is interrupted the mode stays on.
InferenceMode = torch._C._InferenceMode

AUTOCAST = ("cpu", "cuda", "mps")  # devices whose operations can be cast
NUMPY_ERRORS: Any = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def gives_back(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make a function leave its thread and process as they were, whatever interrupts it.

    Ctrl-C at the first line of a context's `__exit__` leaves the context in force. This
    happens in torch, numpy, scikit-learn and `warnings`, all of which work for us.
    """
    return _borrowing(function, _Borrowed)


def on_one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`gives_back`, and compute on one CPU thread.

    Sums are split among threads, and split sums round differently. One thread in every
    process makes a result the same under every `n_jobs`. It also starts no team of
    OpenMP threads, for which a process that is forked later would wait without end.
    """
    return _borrowing(function, _BorrowedThreads)


def _borrowing(
    function: Callable[Arguments, Result], kind: type[_Borrowed]
) -> Callable[Arguments, Result]:
    @wraps(function)
    def borrowing(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        borrowed = kind()
        try:
            borrowed.take()
            return function(*args, **kwargs)
        except Exception:
            raise
        except BaseException:
            borrowed.give_back_filters()
            raise
        finally:
            # If Ctrl-C interrupts the first call, the second one does all of it.
            try:
                borrowed.give_back()
            finally:
                if not borrowed.is_back:
                    borrowed.give_back()

    return borrowing


class _Borrowed:
    """Settings of the calling thread: saved, set to defaults for a computation, given back.

    Torch's default dtype is missing: it is one for all threads, so no computation may
    change it, and everything here names its dtypes instead.
    """

    is_back = False

    def __init__(self) -> None:
        self.modes = _function_modes()
        self.inference = torch.is_inference_mode_enabled()
        self.inference_off: Any = None
        self.grad = torch.is_grad_enabled()
        self.autocast = {kind: torch.is_autocast_enabled(kind) for kind in AUTOCAST}
        self.flushes = denormals_are_flushed()
        self.errors = np.geterr()
        self.config = get_config()
        self.filters = warnings.filters

    def take(self) -> None:
        """Set what the computation needs."""
        _set_function_modes([m for m in self.modes if not isinstance(m, DeviceContext)])
        if self.inference:
            self.inference_off = InferenceMode(False)  # in force from here on
        torch.set_grad_enabled(True)
        for kind, is_on in self.autocast.items():
            if is_on:
                torch.set_autocast_enabled(kind, False)
        if self.flushes:
            torch.set_flush_denormal(False)
        if self.errors != NUMPY_ERRORS:
            np.seterr(**NUMPY_ERRORS)

    def give_back(self) -> None:
        _set_function_modes(self.modes)
        if self.inference and not torch.is_inference_mode_enabled():
            self.inference_off.__exit__(None, None, None)  # which sets gradients, too
        torch.set_grad_enabled(self.grad)
        for kind, is_on in self.autocast.items():
            if torch.is_autocast_enabled(kind) != is_on:
                torch.set_autocast_enabled(kind, is_on)
        if denormals_are_flushed() != self.flushes:
            torch.set_flush_denormal(self.flushes)
        if np.geterr() != self.errors:
            np.seterr(**self.errors)
        if get_config() != self.config:
            set_config(**self.config)
        self.is_back = True

    def give_back_filters(self) -> None:
        """Undo a `catch_warnings` that was not left, which is one for all threads."""
        if warnings.filters is not self.filters:
            warnings.filters = self.filters
            with warnings.catch_warnings():
                pass  # whose end tells others of the filters


class _BorrowedThreads(_Borrowed):
    """The same, and the numbers of threads."""

    def __init__(self) -> None:
        super().__init__()
        libraries = _libraries()
        self.threads = _TorchThreads() if libraries is None else _OwnThreads(libraries)

    def take(self) -> None:
        self.threads.take()
        super().take()

    def give_back(self) -> None:
        self.threads.give_back()
        super().give_back()


class _OwnThreads:
    """The calling thread's numbers of OpenMP and MKL; no other thread sees a change."""

    def __init__(self, libraries: ctypes.PyDLL) -> None:
        torch.get_num_threads()  # sets up a new thread; later it would overwrite ours
        self.set_openmp = libraries.omp_set_num_threads
        self.set_mkl = getattr(libraries, "MKL_Set_Num_Threads_Local", _ignore)
        self.openmp = libraries.omp_get_max_threads()
        self.mkl: list[int] = []

    def take(self) -> None:
        # Setting MKL's number is the only way to learn the old one. Both happen within one
        # call of `extend`: an interrupt between them would lose the number.
        self.mkl.extend(map(self.set_mkl, (1,)))
        self.set_openmp(1)

    def give_back(self) -> None:
        for number in self.mkl:
            self.set_mkl(number)
        self.set_openmp(self.openmp)


class _TorchThreads:
    """The same with builds of torch whose libraries cannot be reached, which is slower.

    Torch's own setting is the calling thread's, but its last value is also where threads
    that first use torch later begin. A fresh thread, which has no setting yet, reads
    and restores that; the lock keeps other computations out meanwhile.
    """

    lock = threading.Lock()

    def __init__(self) -> None:
        self.number = torch.get_num_threads()
        self.is_back = False
        with self.lock:
            self.start_value = _in_fresh_thread(torch.get_num_threads)

    def take(self) -> None:
        self._set(1)

    def give_back(self) -> None:
        if not self.is_back:
            self._set(self.number)
            self.is_back = True

    def _set(self, number: int) -> None:
        with self.lock:
            torch.set_num_threads(number)
            _in_fresh_thread(lambda: torch.set_num_threads(self.start_value))

    @classmethod
    def renew_lock(cls) -> None:
        cls.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # In the new process the thread that held the lock does not exist.
    os.register_at_fork(after_in_child=_TorchThreads.renew_lock)


def _in_fresh_thread(function: Callable[[], Any]) -> Any:
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


@cache
def _libraries() -> ctypes.PyDLL | None:
    """Where OpenMP and MKL of torch can be called, if both that it has can be found."""
    libraries = ctypes.PyDLL(torch._C.__file__)
    needed = ["omp_set_num_threads", "omp_get_max_threads"]
    if torch.backends.mkl.is_available():
        needed.append("MKL_Set_Num_Threads_Local")
    return libraries if all(hasattr(libraries, name) for name in needed) else None


def _ignore(number: int) -> int:
    return number


def _function_modes() -> list[Any]:
    """What sees each call of torch in this thread; a default device is one of them."""
    depth = torch._C._len_torch_function_stack()
    return [torch._C._get_function_stack_at(i) for i in range(depth)]


def _set_function_modes(modes: list[Any]) -> None:
    """Make these the modes; Ctrl-C at any line leaves what another call can finish."""
    while _function_modes() != modes[: torch._C._len_torch_function_stack()]:
        torch._C._pop_torch_function_stack()
    while torch._C._len_torch_function_stack() < len(modes):
        mode = modes[torch._C._len_torch_function_stack()]
        torch._C._push_on_torch_function_stack(mode)


DENORMAL, ONE = 5e-324, 1.0


def denormals_are_flushed() -> bool:
    """Whether the calling thread takes them as zero; torch has no way to ask."""
    return DENORMAL * ONE == 0.0
