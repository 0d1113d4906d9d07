"""Does an action follow a trigger in time?"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from .._sklearn import Interval, validate_params
from ._common import (
    COMMON_CONSTRAINTS,
    PROBABILITY,
    Streams,
    X_y_or_bunch,
    balanced_labels,
    between,
    contain,
    draw_lengths,
    one_of,
    shared_stream,
)

N_CHANNELS = 5

# What happens in a sequence. Those behind IN_TIME are hard to tell from it.
NOTHING, IN_TIME, TRIGGER_ALONE, ACTION_ALONE, WRONG_ORDER, TOO_LATE = range(6)
HARD = np.array([TRIGGER_ALONE, ACTION_ALONE, WRONG_ORDER, TOO_LATE])


@validate_params(
    {
        **COMMON_CONSTRAINTS,
        "max_delay": [Interval(Integral, 0, None, closed="left")],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "hard_negatives": [PROBABILITY],
    },
    prefer_skip_nested_validation=True,
)
def make_trigger_action_sequences(
    n_samples: int = 3000,
    n_timesteps: int | tuple[int, int] = 30,
    *,
    max_delay: int = 5,
    noise: float = 0.5,
    hard_negatives: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    r"""Sequences of five channels, of class 1 if an action follows a trigger in time.

    All channels are noise, uniform in [0, `noise`). A *trigger* that begins at
    step t sets channel 0 to one at t and channel 1 to one at t + 1; an *action*
    that begins at step u sets channel 2 to one at u and channel 3 to one at
    u + 1. Channel 4 is noise only. A sequence is of class 1 if

    .. math:: 0 \le u - (t + 2) \le \text{max\_delay},

    that is, if the action begins 0 to `max_delay` steps after the trigger's
    end. Delay and place are uniform among those that fit. Half of the
    sequences are of class 1.

    In the classic task class 0 is noise alone, so that seeing *any* event is
    enough. Hard negatives make order and timing count: in equal parts a trigger
    alone, an action alone, an action before the trigger, and an action more
    than `max_delay` steps after the trigger's end.

    Parameters
    ----------
    n_samples : int, default=3000
        Number of sequences.
    n_timesteps : int or (int, int), default=30
        Steps of each sequence; a pair is the range, both ends included, from
        which each length is drawn.
    max_delay : int, default=5
        The longest delay of class 1, in steps.
    noise : float in [0, 1), default=0.5
        Upper end of the noise. An event's channels are exactly one.
    hard_negatives : float in [0, 1], default=0.0
        Share of class 0 that are hard negatives.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 5), or SequenceArray
        A `SequenceArray` if `n_timesteps` is a range.
    y : ndarray of int of shape (n_samples,)
        1 if an action follows a trigger in time.
    data : Bunch, if not `return_X_y`
        ``X``, ``y``, ``trigger`` and ``action`` (the steps at which they begin,
        -1 where there is none) and ``posterior`` (the probability of class 1
        given the sequence: 0 or 1, as events can be seen).

    References
    ----------
    In the manner of the long time lag problems of S. Hochreiter, J. Schmidhuber
    (1997). Long short-term memory. Neural Computation 9(8).

    Examples
    --------
    >>> from skseq.datasets import make_trigger_action_sequences
    >>> data = make_trigger_action_sequences(
    ...     hard_negatives=0.5, random_state=0, return_X_y=False
    ... )
    >>> data.X.shape, data.y.mean()
    ((3000, 30, 5), np.float64(0.5))
    >>> i = data.y.argmax()
    >>> data.X[i, data.trigger[i], 0], data.X[i, data.action[i] + 1, 3]
    (np.float64(1.0), np.float64(1.0))
    """
    streams = shared_stream(random_state, n_samples)
    lengths = draw_trigger_lengths(streams, n_timesteps, max_delay, hard_negatives > 0)
    labels = balanced_labels(streams.generator, n_samples)
    kinds = np.where(labels == 1, IN_TIME, NOTHING)
    hard = hard_among(streams.generator, labels, hard_negatives)
    kinds[hard] = HARD[np.arange(len(hard)) % len(HARD)]
    block, trigger, action = draw_events(streams, kinds, lengths, max_delay, noise)
    return X_y_or_bunch(
        return_X_y,
        X=contain(block, lengths, n_timesteps),
        y=labels,
        trigger=trigger,
        action=action,
        posterior=labels.astype(np.float64),
    )


def hard_among(
    generator: np.random.Generator, labels: np.ndarray, share: float
) -> np.ndarray:
    """Rows of class 0, drawn at random, that are to be hard negatives."""
    negatives = generator.permutation(np.flatnonzero(labels == 0))
    return negatives[: round(share * len(negatives))]


def draw_trigger_lengths(
    streams: Streams, n_timesteps: Any, max_delay: int, has_hard: bool
) -> np.ndarray:
    minimum = 5 + max_delay if has_hard else 4
    return draw_lengths(
        streams,
        n_timesteps,
        minimum,
        "to hold a trigger and an action" + " that is too late" * has_hard,
    )


def draw_events(
    streams: Streams, kinds: np.ndarray, lengths: np.ndarray, max_delay: int, noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The block of shape (n, steps, 5), and where trigger and action begin."""
    trigger, action = _places(streams, kinds, lengths, max_delay)
    longest = int(lengths.max())
    block = noise * streams.uniform(longest * N_CHANNELS)
    block = block.reshape(len(kinds), longest, N_CHANNELS)
    for begin, channel in ((trigger, 0), (action, 2)):
        rows = np.flatnonzero(begin >= 0)
        block[rows, begin[rows], channel] = 1.0
        block[rows, begin[rows] + 1, channel + 1] = 1.0
    return block, trigger, action


def _places(
    streams: Streams, kinds: np.ndarray, lengths: np.ndarray, max_delay: int
) -> tuple[np.ndarray, np.ndarray]:
    share_delay, share_place = streams.uniform(2).T
    longest_delay = lengths - 4
    low = np.where(kinds == TOO_LATE, max_delay + 1, 0)
    high = np.where(kinds == IN_TIME, np.minimum(max_delay, longest_delay), longest_delay)
    delay = between(share_delay, low, high)
    first = one_of(share_place, longest_delay - delay + 1)
    second = first + 2 + delay
    alone = one_of(share_place, lengths - 1)
    in_order = (kinds == IN_TIME) | (kinds == TOO_LATE)
    wrong_order = kinds == WRONG_ORDER
    trigger = np.select(
        [in_order, wrong_order, kinds == TRIGGER_ALONE], [first, second, alone], -1
    )
    action = np.select(
        [in_order, wrong_order, kinds == ACTION_ALONE], [second, first, alone], -1
    )
    return trigger, action
