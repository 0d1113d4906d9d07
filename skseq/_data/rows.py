"""Training rows: sequences with what belongs to each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .canonical import canonical_rows
from .sequences import SequenceArray, row_chunks, stacked_steps


@dataclass(frozen=True)
class Rows:
    """Sequences, encoded targets, weights and groups, row by row.

    `y` is int64 of shape (n,) for classes and float64 of shape (n, k) for all
    else; `groups` are positions into the sorted groups, or None.
    """

    sequences: SequenceArray
    y: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def take(self, rows: np.ndarray) -> Rows:
        return Rows(
            self.sequences[rows],
            self.y[rows],
            self.weight[rows],
            None if self.groups is None else self.groups[rows],
        )

    def canonical(self) -> Rows:
        """Equal rows merged, weight 0 dropped, the rest in the order of their content."""
        columns = [self.y.reshape(len(self), -1)]
        if self.groups is not None:
            # Positions among the groups that count, as if weight 0 had never been there.
            counted = np.unique(self.groups[self.weight != 0])
            columns.append(np.searchsorted(counted, self.groups)[:, None])
        targets = np.hstack(columns)
        rows, weight = canonical_rows(self.sequences, targets, self.weight)
        # A split by the place in a series comes before; no other needs to know it.
        placeless = replace(self, sequences=self.sequences.without_spans())
        return replace(placeless.take(rows), weight=weight)


def step_statistics(
    sequences: SequenceArray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and scale of each channel over the real time steps, float64.

    A step that lies in several windows counts in each of them. Summed by numpy
    in the order of the rows, which is the same on any number of threads.
    """
    total = (weight * sequences.lengths).sum()
    rough, _ = _weighted_sums(sequences, weight, np.zeros(sequences.n_channels)) / total
    # The second pass takes out the rounding of the first.
    shift, variance = _weighted_sums(sequences, weight, rough) / total
    mean = rough + shift
    return mean, safe_scale(mean, variance, int(sequences.lengths.sum()))


def _weighted_sums(
    sequences: SequenceArray, weight: np.ndarray, center: np.ndarray
) -> np.ndarray:
    """Sums of distances from `center` and of their squares, shape (2, n_channels)."""
    total = np.zeros((2, sequences.n_channels))
    for rows in row_chunks(sequences):
        part = sequences[rows]
        steps = stacked_steps(part).astype(np.float64)
        steps -= center
        of_step = np.repeat(weight[rows], part.lengths)
        total[0] += np.einsum("i,ij->j", of_step, steps)
        total[1] += np.einsum("i,ij,ij->j", of_step, steps, steps)
    return total


def safe_scale(mean: np.ndarray, variance: np.ndarray, n: int) -> np.ndarray:
    """Standard deviation, but 1 where n equal numbers could look like this by rounding.

    The bound is the one of scikit-learn's `StandardScaler`.
    """
    eps = np.finfo(np.float64).eps
    constant = variance <= n * eps * variance + (n * mean * eps) ** 2
    return np.where(constant, 1.0, np.sqrt(np.where(constant, 1.0, variance)))
