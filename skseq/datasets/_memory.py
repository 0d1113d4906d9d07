"""The long time lag problems of Hochreiter and Schmidhuber (1997)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._sklearn import Options, validate_params
from ._common import (
    COMMON_CONSTRAINTS,
    X_y_or_bunch,
    between,
    contain,
    draw_lengths,
    one_of,
    range_of,
    shared_stream,
)


@validate_params(COMMON_CONSTRAINTS, prefer_skip_nested_validation=True)
def make_adding_problem(
    n_samples: int = 2000,
    n_timesteps: int | tuple[int, int] = (100, 110),
    *,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    r"""Add two marked numbers that lie far apart.

    Each step is a pair: a number uniform in [-1, 1], and a marker. Two steps
    are marked with 1: one of the first ten, and another one of the first
    :math:`T/2 - 1` that are left, where T is the shortest length. The first and
    the last step have the marker -1, all others 0. If the first step is itself
    one of the two, its number is 0. With the marked numbers
    :math:`X_1, X_2`, the target is

    .. math:: y = 0.5 + (X_1 + X_2) / 4.

    The best constant has a root mean squared error of 0.198 (for T = 100); a
    network that gets below 0.04 in nearly all cases counts as having solved the
    task.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of sequences.
    n_timesteps : int or (int, int), default=(100, 110)
        Steps of each sequence; a pair is the range, both ends included, from
        which each length is drawn. In the paper it is from T to T + T / 10.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : SequenceArray, or ndarray of shape (n_samples, n_timesteps, 2)
        An array if `n_timesteps` is a number.
    y : ndarray of shape (n_samples,)
        Targets, in [0, 1].
    data : Bunch, if not `return_X_y`
        ``X``, ``y``, ``positions`` (the two marked steps, shape
        (n_samples, 2)) and ``y_signal`` (the targets again: there is no noise).

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997). Long short-term memory. Neural
    Computation 9(8), experiment 4.

    Examples
    --------
    >>> from skseq.datasets import make_adding_problem
    >>> X, y = make_adding_problem(random_state=0)
    >>> X
    SequenceArray(2000 sequences of 100 to 110 steps, 2 channels, float64)
    >>> marked = X[0][:, 1] == 1
    >>> bool(abs(y[0] - (0.5 + X[0][marked, 0].sum() / 4)) < 1e-12)
    True
    """
    streams = shared_stream(random_state, n_samples)
    lengths = draw_lengths(streams, n_timesteps, 6, "to leave room for two marks")
    shortest = int(range_of(n_timesteps, "n_timesteps")[0])
    longest = int(lengths.max())
    rows = np.arange(n_samples)
    share = streams.uniform(2)
    n_second = shortest // 2 - 1
    first = one_of(share[:, 0], min(10, shortest // 2))
    # "Still unmarked": the second is drawn from the others by leaving the first out.
    blocked = first < n_second
    second = one_of(share[:, 1], n_second - blocked)
    second += blocked & (second >= first)
    numbers = 2 * streams.uniform(longest) - 1
    markers = np.zeros((n_samples, longest))
    markers[:, 0] = -1.0
    markers[rows, lengths - 1] = -1.0
    positions = np.column_stack([first, second])
    markers[rows[:, None], positions] = 1.0
    numbers[markers[:, 0] == 1.0, 0] = 0.0
    y = 0.5 + numbers[rows[:, None], positions].sum(axis=1) / 4
    return X_y_or_bunch(
        return_X_y,
        X=contain(np.stack([numbers, markers], axis=2), lengths, n_timesteps),
        y=y,
        positions=positions,
        y_signal=y,
    )


# Where the events lie, in shares of the shortest length: 10 to 20, 50 to 60 of 100.
_PLACES = {
    2: ((0.10, 0.20), (0.50, 0.60)),
    3: ((0.10, 0.20), (0.33, 0.43), (0.66, 0.76)),
}
_CLASSES = {2: np.array(list("QRSU")), 3: np.array(list("QRSUVABC"))}


@validate_params(
    {**COMMON_CONSTRAINTS, "n_events": [Options(int, {2, 3})]},
    prefer_skip_nested_validation=True,
)
def make_temporal_order(
    n_samples: int = 2000,
    n_timesteps: int | tuple[int, int] = (100, 110),
    *,
    n_events: int = 2,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    """In which order do X and Y occur, far apart, among distractors?

    A sequence starts with E, ends with B, and otherwise consists of random
    letters a, b, c, d, but for two (or three) that are X or Y. The class is
    their order:

    ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====
    XX    XY    YX    YY    XXX   XXY   XYX   XYY   YXX   YXY   YYX   YYY
    ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====
    Q     R     S     U     Q     R     S     U     V     A     B     C
    ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====  ====

    The events lie at steps 10 to 20 and 50 to 60 (of three: 10 to 20, 33 to 43,
    66 to 76) where the shortest sequence has 100 steps, and in proportion where
    it has not. Classes are balanced as far as their number divides `n_samples`.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of sequences.
    n_timesteps : int or (int, int), default=(100, 110)
        Steps of each sequence; a pair is the range, both ends included, from
        which each length is drawn.
    n_events : {2, 3}, default=2
        Experiment 6a or 6b of the paper.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : SequenceArray, or ndarray of shape (n_samples, n_timesteps)
        Letters; an array if `n_timesteps` is a number. Train on them with
        ``embedding_dim``.
    y : ndarray of str of shape (n_samples,)
        Classes.
    data : Bunch, if not `return_X_y`
        ``X``, ``y`` and ``positions`` (the events' steps, shape
        (n_samples, n_events)).

    References
    ----------
    S. Hochreiter, J. Schmidhuber (1997). Long short-term memory. Neural
    Computation 9(8), experiments 6a and 6b.

    Examples
    --------
    >>> from skseq.datasets import make_temporal_order
    >>> X, y = make_temporal_order(n_timesteps=(20, 22), random_state=0)
    >>> "".join(X[0].ravel()), y[0]
    ('EbdXdccbbbaYcbadabcdB', np.str_('R'))
    """
    streams = shared_stream(random_state, n_samples)
    lengths = draw_lengths(streams, n_timesteps, 10, "to keep the events apart")
    shortest = int(range_of(n_timesteps, "n_timesteps")[0])
    longest = int(lengths.max())
    classes = _CLASSES[n_events]
    label = streams.generator.permutation(np.arange(n_samples) % len(classes))
    low, high = np.round(np.array(_PLACES[n_events]) * shortest).astype(np.int64).T
    positions = between(streams.uniform(n_events), low, high)
    block = np.array(list("abcd"))[one_of(streams.uniform(longest), 4)]
    rows = np.arange(n_samples)
    block[:, 0] = "E"
    block[rows, lengths - 1] = "B"
    is_y = label[:, None] >> np.arange(n_events)[::-1] & 1
    block[rows[:, None], positions] = np.array(["X", "Y"])[is_y]
    return X_y_or_bunch(
        return_X_y,
        X=contain(block, lengths, n_timesteps),
        y=classes[label],
        positions=positions,
    )
