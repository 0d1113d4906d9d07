"""Integrated gradients (Sundararajan, Taly & Yan, 2017) of any torch response.

Axes: n sequences, s steps of all of them, i inputs at each step, p points of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from .._data.sequences import ragged_range
from .._forking import computing
from .._training.batches import by_length

# The Gauss-Lobatto rule on [0, 1], which has the ends among its points.
POINTS = np.array([0.0, 0.5 - np.sqrt(3 / 28), 0.5, 0.5 + np.sqrt(3 / 28), 1.0])
WEIGHTS = np.array([1 / 20, 49 / 180, 16 / 45, 49 / 180, 1 / 20])

FIRST_PARTS = 8  # of the line from the baseline to the input
SMALLEST_PART = 2.0**-16
ROUNDING = 1e-12  # of the response, below which no part is worth halving
PARTS = 50  # of the line at once
BATCH_NUMBERS = 1 << 19  # steps times hidden units of the copies that are computed at once

Response = Callable[[Tensor, np.ndarray], Tensor]


def integrated_gradients(
    response: Response,
    x: Tensor,
    origin: Tensor,
    lengths: np.ndarray,
    width: int,
    tol: float,
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
    width : int
        Numbers that the response keeps of each step, which limit how many are computed
        at once.
    tol : float
        Largest error of a part, as a share of the response's range on the line.

    Returns
    -------
    ndarray of shape (s, i)
    """
    line = _Line(response, x - origin, origin, lengths, width)
    in_turn = np.argsort(lengths, kind="stable")
    row = np.repeat(in_turn, FIRST_PARTS)
    low = np.tile(np.arange(FIRST_PARTS) / FIRST_PARTS, len(lengths))
    share = 1 / FIRST_PARTS
    largest = line.tolerances(tol)
    result = np.zeros(tuple(x.shape))
    while len(row):
        halves = []
        for begin in range(0, len(row), PARTS):
            part = slice(begin, begin + PARTS)
            added, gained = line.integrate(row[part], low[part], share)
            ends = np.cumsum(lengths[row[part]])
            sums = np.diff(added.sum(axis=1).cumsum()[ends - 1], prepend=0.0)
            good = np.abs(sums - gained) <= largest[row[part]]
            good |= share <= SMALLEST_PART
            steps = np.repeat(good, lengths[row[part]])
            np.add.at(result, line.steps(row[part])[steps], added[steps])
            halves.append(begin + np.flatnonzero(~good))
        share /= 2
        again = np.concatenate(halves)
        low = (low[again, None] + [0.0, share]).ravel()
        row = np.repeat(row[again], 2)
    return result


class _Line:
    """The way of each sequence from the baseline to what it is."""

    def __init__(
        self,
        response: Response,
        change: Tensor,
        origin: Tensor,
        lengths: np.ndarray,
        width: int,
    ) -> None:
        self.response = response
        self.change = change
        self.origin = origin
        self.lengths = lengths
        self.width = width
        self.first = np.cumsum(lengths) - lengths

    def steps(self, row: np.ndarray) -> np.ndarray:
        """Where the steps of these rows stand in all steps."""
        return ragged_range(self.first[row], self.lengths[row])

    def at(self, row: np.ndarray, place: np.ndarray) -> Tensor:
        """The steps of these rows, from 0 (the baseline) to 1 on their lines."""
        share = torch.from_numpy(np.repeat(place, self.lengths[row]))[:, None]
        return self.origin + share * self.change[self.steps(row)]

    def batches(self, row: np.ndarray) -> Iterator[np.ndarray | slice]:
        """Positions in `row` of copies that are computed at once."""
        return by_length(self.lengths[row], self.width, BATCH_NUMBERS)

    def heights(self, row: np.ndarray, place: np.ndarray) -> np.ndarray:
        """The response at these places of the rows' lines, (n,)."""
        result = np.empty(len(row))
        for some in self.batches(row):
            with computing(), torch.no_grad():
                x = self.at(row[some], place[some])
                result[some] = self.response(x, row[some]).numpy()
        return result

    def tolerances(self, tol: float) -> np.ndarray:
        """By how much a part may be off: a share of the response's range, (n,)."""
        place = np.arange(FIRST_PARTS + 1) / FIRST_PARTS
        row = np.arange(len(self.lengths))
        heights = self.heights(np.repeat(row, len(place)), np.tile(place, len(row)))
        heights = heights.reshape(len(row), -1)
        rounding = ROUNDING * np.abs(heights).max(axis=1)
        return tol * np.ptp(heights, axis=1) + rounding

    def integrate(
        self, row: np.ndarray, low: np.ndarray, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """What each step of each part adds (s, i), and what the response gains (parts,).

        A part is this share of a row's line and begins at `low`.
        """
        lengths = self.lengths[row]
        begin = np.cumsum(lengths) - lengths
        total = self.change.new_zeros(int(lengths.sum()), self.change.shape[1])
        heights = np.empty(len(row) * len(POINTS))
        part = np.repeat(np.arange(len(row)), len(POINTS))  # of each copy
        place = (low[:, None] + share * POINTS).ravel()
        weight = np.tile(share * WEIGHTS, len(row))
        for some in self.batches(row[part]):
            copies = row[part[some]]
            with computing():
                x = self.at(copies, place[some]).requires_grad_()
                height = self.response(x, copies)
                (slope,) = torch.autograd.grad(height.sum(), x)
            heights[some] = height.detach().numpy()
            of_step = np.repeat(weight[some], self.lengths[copies])
            # All copies of a part add to the steps of that part.
            own = ragged_range(begin[part[some]], self.lengths[copies])
            slope *= torch.from_numpy(of_step)[:, None]
            total.index_add_(0, torch.from_numpy(own), slope)
        added = total * self.change[self.steps(row)]
        gained = heights.reshape(len(row), -1)
        return added.numpy(), gained[:, -1] - gained[:, 0]
