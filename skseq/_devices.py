"""Where and on how many threads the numbers are computed."""

from __future__ import annotations

import ctypes
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that a name stands for, or an error that says what is there."""
    present = _present()
    device = str(device)
    if device == "auto":
        return torch.device(present[0])
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a name of a torch device; here there is: "
            f"{', '.join(present)}."
        ) from error
    count = torch.cuda.device_count() if resolved.type == "cuda" else 1
    if resolved.type not in present or (resolved.index or 0) >= count:
        raise ValueError(
            f"device={device!r} is not available; here there is: {', '.join(present)}. "
            "Use device='auto' to take the best one."
        )
    return resolved


def present_device(device: str | torch.device) -> torch.device:
    """The device that a name stands for, or the CPU with a warning."""
    try:
        return resolve_device(device)
    except ValueError as error:
        warnings.warn(f"{error} Loaded on the CPU instead.", stacklevel=3)
        return torch.device("cpu")


def _present() -> list[str]:
    """Kinds of device on this machine, fastest first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


_lock = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread, and leave torch's setting as it was.

    Sums are split among threads, and split sums round differently. One thread
    in every process makes a result the same under every `n_jobs`.
    """
    with _lock:
        mine = torch.get_num_threads()
        _set_own(1)
    try:
        yield
    finally:
        with _lock:
            _set_own(mine)


@contextmanager
def flushed_denormals(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """In the optimizer's steps take numbers too small for the normal format as zero.

    Gradients that vanish over many time steps end up among them, where a processor is
    about ten times slower. With skorch loss and gradients are computed inside of the
    step. The setting is the calling thread's own, but threads that start meanwhile would
    keep it for good: with `one_thread` torch starts none, and callbacks run outside.
    """
    before = denormals_are_flushed()
    hooks = [
        optimizer.register_step_pre_hook(lambda *_: _flush_denormals(True)),
        optimizer.register_step_post_hook(lambda *_: _flush_denormals(before)),
    ]
    try:
        yield
    finally:
        _flush_denormals(before)
        for hook in hooks:
            hook.remove()


def _flush_denormals(on: bool) -> None:
    torch.set_flush_denormal(on)


def denormals_are_flushed() -> bool:
    """Whether the calling thread flushes them; torch has no way to ask."""
    return bool((np.ones(1, np.uint32).view(np.float32) * np.float32(1.0) == 0.0).all())


def one_thread_for(numbers: int) -> AbstractContextManager[None]:
    """`one_thread`, or `one_openmp_thread` where that is all it takes.

    So few numbers torch does not split (ATen's `GRAIN_SIZE`), but for the fused LSTM.
    """
    return one_openmp_thread() if numbers <= 1 << 15 else one_thread()


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Run OpenMP's loops on one thread, a matter of a microsecond.

    To switch torch takes as long as to predict a short sequence; and to wait for other
    threads, where other processes want the processors too, many times that.
    """
    openmp = _openmp()
    mine = openmp.omp_get_max_threads() if openmp else None
    if openmp:
        openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        if openmp:
            openmp.omp_set_num_threads(mine)


def _set_own(n_threads: int) -> None:
    """Set the calling thread's number, and nothing for threads to come.

    torch's setting is the calling thread's own, but its last value is also
    where threads that first use torch later begin. A fresh thread, which has no
    setting yet, reads and restores that; the lock keeps others out meanwhile.
    """
    if torch.get_num_threads() == n_threads:
        return
    start_value = _in_fresh_thread(torch.get_num_threads)
    torch.set_num_threads(n_threads)
    _in_fresh_thread(lambda: torch.set_num_threads(start_value))


def _in_fresh_thread(function: Callable[[], Any]) -> Any:
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


@cache
def _openmp() -> ctypes.PyDLL | None:
    """The OpenMP library that torch computes with, if it can be found.

    Its number of threads is the calling thread's own, and no other thread inherits it.
    """
    library = ctypes.PyDLL(torch._C.__file__)
    return library if hasattr(library, "omp_set_num_threads") else None
