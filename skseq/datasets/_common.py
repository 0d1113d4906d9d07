"""What all generators share: random streams, lengths, labels and containers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from sklearn.utils import Bunch

from .._data.checks import draw_seed
from .._data.sequences import SequenceArray
from .._sklearn import Interval

# Parameters that every generator has, and what each may be.
COMMON_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_timesteps": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "random_state": ["random_state"],
    "return_X_y": ["boolean"],
}
PROBABILITY = Interval(Real, 0, 1, closed="both")


class Streams(Protocol):
    """Random numbers for n rows. Each call is independent of the ones before."""

    def uniform(self, n_columns: int) -> np.ndarray:
        """Numbers in [0, 1), shape (n_rows, n_columns)."""

    def normal(self, n_columns: int) -> np.ndarray:
        """Standard normal numbers, shape (n_rows, n_columns)."""


class SharedStream:
    """One generator for all rows: fast, for data that are drawn once."""

    def __init__(self, generator: np.random.Generator, n_rows: int) -> None:
        self.generator = generator
        self.n_rows = n_rows

    def uniform(self, n_columns: int) -> np.ndarray:
        return self.generator.random((self.n_rows, n_columns))

    def normal(self, n_columns: int) -> np.ndarray:
        return self.generator.standard_normal((self.n_rows, n_columns))


class RowStreams:
    """A generator for each row, which depends on the row's own seed alone.

    Every purpose and every call has a stream of its own too, so that a row's
    numbers do not depend on how many its longer neighbours ask for.
    """

    def __init__(self, seeds: np.ndarray, purpose: int = 0) -> None:
        self.seeds = seeds
        self.purpose = purpose
        self.calls = 0

    def uniform(self, n_columns: int) -> np.ndarray:
        return np.array([g.random(n_columns) for g in self._generators()])

    def normal(self, n_columns: int) -> np.ndarray:
        return np.array([g.standard_normal(n_columns) for g in self._generators()])

    def _generators(self) -> list[np.random.Generator]:
        self.calls += 1
        return [
            np.random.default_rng([int(seed), self.purpose, self.calls])
            for seed in self.seeds
        ]


def shared_stream(random_state: Any, n_rows: int) -> SharedStream:
    return SharedStream(np.random.default_rng(draw_seed(random_state)), n_rows)


def range_of(value: Any, name: str) -> tuple[Any, Any]:
    """A number as the range from it to itself, a pair as it is."""
    pair = (value, value) if isinstance(value, Real) else tuple(value)
    are_numbers = len(pair) == 2 and all(isinstance(number, Real) for number in pair)
    if not (are_numbers and np.isfinite(pair).all() and pair[0] <= pair[1]):
        raise ValueError(
            f"{name} must be a number, or (low, high) with low <= high; got {value!r}."
        )
    return pair


def between(share: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """Whole numbers from low to high, both included, from uniform numbers."""
    return low + np.floor(share * (high - low + 1)).astype(np.int64)


def draw_range(streams: Streams, value: Any, name: str) -> np.ndarray:
    """A real number for each row, uniform in a range."""
    low, high = range_of(value, name)
    return low + (high - low) * streams.uniform(1)[:, 0]


def draw_lengths(streams: Streams, n_timesteps: Any, minimum: int, why: str) -> np.ndarray:
    """The number of steps of each row; `why` says what needs the minimum."""
    low, high = range_of(n_timesteps, "n_timesteps")
    if not (isinstance(low, Integral) and isinstance(high, Integral)):
        raise ValueError(f"n_timesteps must be whole numbers, got {n_timesteps!r}.")
    if low < minimum:
        raise ValueError(
            f"n_timesteps must be at least {minimum}{why and ' ' + why}, got {low}."
        )
    return between(streams.uniform(1)[:, 0], low, high)


def balanced_labels(generator: np.random.Generator, n_samples: int) -> np.ndarray:
    """As many ones as zeros (a zero more if the number is odd), in random order."""
    return generator.permutation(np.arange(n_samples) % 2)


def one_of(share: np.ndarray, n: Any) -> np.ndarray:
    """Whole numbers from 0 to n - 1, from uniform numbers."""
    return between(share, 0, n - 1)


def contain(block: np.ndarray, lengths: np.ndarray, n_timesteps: Any) -> Any:
    """An array if all rows were asked to be equally long, else a `SequenceArray`."""
    if isinstance(n_timesteps, Integral):
        return block
    used = np.arange(block.shape[1]) < lengths[:, None]
    return SequenceArray(block[used], lengths)


def X_y_or_bunch(return_X_y: bool, **parts: Any) -> Any:
    return (parts["X"], parts["y"]) if return_X_y else Bunch(**parts)
