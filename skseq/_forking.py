"""No process is forked in the middle of a computation.

Torch takes locks while it computes: the fused LSTM has one around what it compiled. In a
forked process only the thread that forked goes on, and a lock that another thread held
stays locked. So whoever forks waits until no thread computes: a batch, or a minute if that
takes longer.
"""

from __future__ import annotations

import os
import threading
import weakref
from _thread import RLock  # threading.RLock is a function that makes one
from operator import methodcaller

LONGEST_WAIT = 60.0  # seconds

# The thread that forks holds this lock, so that no new thread begins to compute.
_entrance = RLock()
_locks: set[weakref.ref[RLock]] = set()
_held: list[RLock] = []


class _Thread(threading.local):
    """What a thread holds while it computes."""

    def __init__(self) -> None:
        self.lock = RLock()
        with _entrance:
            _locks.add(weakref.ref(self.lock, _locks.discard))


_thread = _Thread()


def computing() -> RLock:
    """A context in which no other thread forks the process."""
    return _thread.lock


def _wait_for_computations() -> None:
    # `filter` takes each lock and notes that it is held in one call, which Ctrl-C cannot
    # split. It leaves out a lock that is not free in time, because two threads that both
    # compute and fork would otherwise wait for each other.
    acquire = methodcaller("acquire", timeout=LONGEST_WAIT)
    _held.extend(filter(acquire, [_entrance]))
    locks = [lock for lock in (ref() for ref in tuple(_locks)) if lock is not None]
    _held.extend(filter(acquire, locks))


def _go_on() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_wait_for_computations, after_in_parent=_go_on, after_in_child=_go_on
    )
