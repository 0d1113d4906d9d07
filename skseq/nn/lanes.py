"""Lanes: the sequences of a batch, laid end to end so that little is padding.

Axes: b batch, t time, l lanes, c channels.

A batch of sequences of 10 to 200 steps, padded, is about half padding. Here it
becomes a grid of as many steps and about half as many lanes, each of which holds one
sequence or several with a blank step between them. A recurrence runs over the
grid once; at the first blank step behind a sequence (a cut) it starts anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._data.sequences import ragged_range


class _Once:
    """A property that is computed when it is first asked for, and kept.

    Until Python 3.12 `functools.cached_property` takes a lock for that. A process that is
    forked while another thread holds it would wait for it without end.
    """

    def __init__(self, function: Callable[[Any], Tensor]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: type) -> Tensor:
        value = self.function(instance)
        # Python finds this attribute of the instance before the property from now on.
        vars(instance)[self.function.__name__] = value
        return value


class Lanes:
    """Where each sequence of a batch lies in a grid of t steps and l lanes.

    Parameters
    ----------
    lengths : Tensor of shape (b,), dtype int64
    share : bool, default=True
        Whether sequences may follow one another in a lane; otherwise each has a
        lane of its own, in the order of the batch.
    exact : bool, default=False
        Whether a sequence must give the same to the last bit in every batch: never in a
        single lane, which is the one case where the fused LSTM rounds in another way.

    Attributes
    ----------
    lengths
        As above.
    total : int
        Steps of all sequences.
    n_steps, n_lanes : int
        Shape of the grid. Flat positions in it are ``step * n_lanes + lane``.
    are_shared, is_full, is_exact : bool
        Whether a lane may hold more than one sequence; whether all are equally long;
        `exact`.

    Examples
    --------
    >>> import torch
    >>> from skseq.nn.lanes import Lanes
    >>> x = torch.arange(1, 10)[:, None]
    >>> lanes = Lanes(torch.tensor([5, 2, 2]))
    >>> lanes.fill(x)[:, :, 0].T
    tensor([[1, 2, 3, 4, 5],
            [6, 7, 0, 8, 9]])
    >>> lanes.cuts  # behind the 7: step 2 in lane 1
    tensor([5])
    """

    def __init__(self, lengths: Tensor, *, share: bool = True, exact: bool = False) -> None:
        self.lengths = lengths
        self.is_exact = exact
        self._lengths = lengths.cpu().numpy()
        self.total = int(self._lengths.sum())
        n, fewest = len(lengths), 2 if exact else 1
        self.n_lanes = max(n, fewest)
        self.n_steps = longest = int(self._lengths.max())
        self._first = np.arange(n)
        self.is_full = int(self._lengths.min()) == longest
        self.are_shared = False
        if share and not self.is_full:
            n_steps = rounded_up(longest)
            lane, begin, n_lanes = place(self._lengths, n_steps)
            n_lanes = max(n_lanes, fewest)
            if n_steps * n_lanes < longest * n:
                self.n_steps, self.n_lanes, self.are_shared = n_steps, n_lanes, True
                self._first = begin * n_lanes + lane

    @_Once
    def cuts(self) -> Tensor:
        """Positions right behind each sequence that does not end its lane."""
        if self.is_full:
            return self._tensor(self._first[:0])
        behind = self._first + self._lengths * self.n_lanes
        return self._tensor(behind[behind < self.n_steps * self.n_lanes])

    @_Once
    def steps(self) -> Tensor:
        """Positions of all steps, sequence by sequence, shape (total,)."""
        return self._tensor(ragged_range(self._first, self._lengths, self.n_lanes))

    @_Once
    def offsets(self) -> Tensor:
        """Where the steps of each sequence begin in `steps`, shape (b,)."""
        return self._tensor(np.cumsum(self._lengths) - self._lengths)

    @_Once
    def owners(self) -> Tensor:
        """The sequence that each of `steps` belongs to, shape (total,)."""
        return self._tensor(np.repeat(np.arange(len(self._lengths)), self._lengths))

    def at_first(self, x: Tensor) -> Tensor:
        """The first step of each sequence, (b, h), of a grid laid flat (t * l, h)."""
        if self.are_shared:
            return x.index_select(0, self._tensor(self._first))
        return x[: len(self._lengths)]

    def at_last(self, x: Tensor) -> Tensor:
        """The last step of each sequence, as `at_first` gives the first."""
        if self.is_full:  # so they are neighbours
            begin = (self.n_steps - 1) * self.n_lanes
            return x[begin : begin + len(self._lengths)]
        last = self._first + (self._lengths - 1) * self.n_lanes
        return x.index_select(0, self._tensor(last))

    def fill(self, x: Tensor) -> Tensor:
        """From all steps, sequence by sequence, (total, c) to the grid (t, l, c)."""
        if self.is_full:
            lanes = x.reshape(len(self._lengths), self.n_steps, -1).transpose(0, 1)
            # A single sequence stands there twice for `exact`, which takes no memory.
            return lanes if self.n_lanes == lanes.shape[1] else lanes.expand(-1, 2, -1)
        grid = x.new_zeros(self.n_steps * self.n_lanes, x.shape[1])
        grid = grid.index_copy(0, self.steps, x)
        return grid.view(self.n_steps, self.n_lanes, -1)

    def _tensor(self, positions: np.ndarray) -> Tensor:
        return torch.from_numpy(positions).to(self.lengths.device)


def place(lengths: np.ndarray, n_steps: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Lane and first step of each sequence, and the number of lanes.

    Best fit decreasing (Johnson, 1973): the longest sequence first, each into
    the fullest lane that has room for it and a blank step before it.
    """
    lane = np.empty(len(lengths), dtype=np.int64)
    begin = np.empty(len(lengths), dtype=np.int64)
    rooms: list[tuple[int, int]] = []  # (free steps at the end, lane), sorted
    n_lanes = 0
    in_turn = np.argsort(-lengths, kind="stable")
    for i, length in zip(in_turn.tolist(), lengths[in_turn].tolist(), strict=True):
        fitting = bisect_left(rooms, (length + 1, 0))
        if fitting < len(rooms):
            room, lane[i] = rooms.pop(fitting)
            room -= 1
        else:
            room, lane[i] = n_steps, n_lanes
            n_lanes += 1
        begin[i] = n_steps - room
        if room > length:
            insort(rooms, (room - length, int(lane[i])))
    return lane, begin, n_lanes


def rounded_up(n_steps: int) -> int:
    """At most a sixteenth more, to one of few numbers.

    The fused kernel prepares itself for every new number of steps, and keeps
    what it prepared.
    """
    grain = 1 << max((n_steps // 16).bit_length() - 1, 0)
    return -(-n_steps // grain) * grain
