"""Integrated gradients (Sundararajan, Taly & Yan, 2017) of any torch response.

Axes: n sequences, s steps of all of them, i inputs at each step, p points of the rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .sequences import ragged_range

# The Gauss-Lobatto rule on [0, 1], which has the ends among its points.
POINTS = np.array([0.0, 0.5 - np.sqrt(3 / 28), 0.5, 0.5 + np.sqrt(3 / 28), 1.0])
WEIGHTS = np.array([1 / 20, 49 / 180, 16 / 45, 49 / 180, 1 / 20])

FIRST_PARTS = 8  # of the line from the baseline to the input
SMALLEST_PART = 2.0**-16
ROUNDING = 1e-12  # of the response, below which no part is worth halving
BATCH = 50  # parts at once, with a copy of the sequence for each point

Response = Callable[[Tensor, np.ndarray], Tensor]


def integrated_gradients(
    response: Response, x: Tensor, origin: Tensor, lengths: np.ndarray, tol: float
) -> np.ndarray:
    """What each input adds to the response on the line from `origin` to `x`.

    A trained network may change its mind within a hundredth of that line, which a rule
    with fixed points misses. So the line is cut into parts, and a part is halved for
    as long as what the inputs add on it is not, summed up, what the response gains.

    Parameters
    ----------
    response : callable
        Takes steps (total, i) of b sequences, and which row each is; gives (b,).
    x : Tensor of shape (s, i), float64
        Sequence by sequence.
    origin : Tensor of shape (1, i), float64
    lengths : ndarray of shape (n,)
    tol : float
        Largest error of a part, as a share of the response's range on the line.

    Returns
    -------
    ndarray of shape (s, i)
    """
    line = _Line(response, x - origin, origin, lengths)
    in_turn = np.argsort(lengths, kind="stable")
    row = np.repeat(in_turn, FIRST_PARTS)
    low = np.tile(np.arange(FIRST_PARTS) / FIRST_PARTS, len(lengths))
    width = 1 / FIRST_PARTS
    largest = line.tolerances(in_turn, tol)
    result = np.zeros(tuple(x.shape))
    while len(row):
        halves = []
        for begin in range(0, len(row), BATCH):
            part = slice(begin, begin + BATCH)
            added, gained = line.integrate(row[part], low[part], width)
            ends = np.cumsum(lengths[row[part]])
            sums = np.diff(added.sum(axis=1).cumsum()[ends - 1], prepend=0.0)
            good = np.abs(sums - gained) <= largest[row[part]]
            good |= width <= SMALLEST_PART
            steps = np.repeat(good, lengths[row[part]])
            np.add.at(result, line.steps(row[part])[steps], added[steps])
            halves.append(begin + np.flatnonzero(~good))
        width /= 2
        again = np.concatenate(halves)
        low = (low[again, None] + [0.0, width]).ravel()
        row = np.repeat(row[again], 2)
    return result


class _Line:
    """The way of each sequence from the baseline to what it is."""

    def __init__(
        self, response: Response, change: Tensor, origin: Tensor, lengths: np.ndarray
    ) -> None:
        self.response = response
        self.change = change
        self.origin = origin
        self.lengths = lengths
        self.first = np.cumsum(lengths) - lengths

    def steps(self, row: np.ndarray) -> np.ndarray:
        """Where the steps of these rows stand in all steps."""
        return ragged_range(self.first[row], self.lengths[row])

    def at(self, row: np.ndarray, place: np.ndarray) -> Tensor:
        """The steps of these rows, from 0 (the baseline) to 1 on their lines."""
        share = torch.from_numpy(np.repeat(place, self.lengths[row]))[:, None]
        return self.origin + share * self.change[self.steps(row)]

    def tolerances(self, row: np.ndarray, tol: float) -> np.ndarray:
        """By how much a part may be off: a share of the response's range, (n,)."""
        place = np.arange(FIRST_PARTS + 1) / FIRST_PARTS
        result = np.empty(len(row))
        for some in np.split(row, range(BATCH, len(row), BATCH)):
            copies = np.repeat(some, len(place))
            with torch.no_grad():
                x = self.at(copies, np.tile(place, len(some)))
                heights = self.response(x, copies).view(len(some), -1).numpy()
            rounding = ROUNDING * np.abs(heights).max(axis=1)
            result[some] = tol * np.ptp(heights, axis=1) + rounding
        return result

    def integrate(
        self, row: np.ndarray, low: np.ndarray, width: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """What each step of each part adds (s, i), and what the response gains (parts,).

        A part of a row's line is `width` long and begins at `low`.
        """
        copies = np.repeat(row, len(POINTS))
        x = self.at(copies, (low[:, None] + width * POINTS).ravel()).requires_grad_()
        heights = self.response(x, copies)
        (slope,) = torch.autograd.grad(heights.sum(), x)
        weight = np.repeat(np.tile(width * WEIGHTS, len(row)), self.lengths[copies])
        slope = slope * torch.from_numpy(weight)[:, None]
        # Back from a copy for each point to the part's own steps.
        lengths = self.lengths[row]
        begin = np.cumsum(lengths) - lengths
        own = ragged_range(np.repeat(begin, len(POINTS)), self.lengths[copies])
        total = slope.new_zeros(int(lengths.sum()), slope.shape[1])
        total.index_add_(0, torch.from_numpy(own), slope)
        height = heights.detach().view(len(row), -1).numpy()
        added = total * self.change[self.steps(row)]
        return added.numpy(), height[:, -1] - height[:, 0]
