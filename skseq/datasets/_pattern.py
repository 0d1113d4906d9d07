"""Does a pattern occur in a sequence of symbols?"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from .._sklearn import Interval, validate_params
from ._common import (
    COMMON_CONSTRAINTS,
    Streams,
    X_y_or_bunch,
    balanced_labels,
    contain,
    draw_lengths,
    one_of,
    shared_stream,
)


@validate_params(
    {
        **COMMON_CONSTRAINTS,
        "pattern": [tuple, list, np.ndarray],
        "n_symbols": [Interval(Integral, 2, None, closed="left")],
        "balanced": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_pattern_sequences(
    n_samples: int = 2000,
    n_timesteps: int | tuple[int, int] = 20,
    *,
    pattern: Sequence[int] = (1, 1, 0),
    n_symbols: int = 2,
    balanced: bool = True,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    r"""Sequences of symbols, of class 1 if a pattern occurs anywhere in them.

    With ``balanced=True`` there are as many sequences with the pattern as
    without, and within each class every sequence of a length is equally
    likely. A sequence is drawn step by step: in state :math:`s` of the
    pattern's automaton (how much of the pattern has just been read) and with
    :math:`r` steps to go, symbol :math:`a` has the probability

    .. math:: \frac{N_{r-1}(\delta(s, a))}{\sum_b N_{r-1}(\delta(s, b))},

    where :math:`\delta` is the automaton's next state and :math:`N_r(s)`
    counts the ways to go on for r steps that end in the class that was asked
    for. Nothing is rejected, so length does not matter.

    With ``balanced=False`` the pattern is planted at a random place in half
    of the sequences, and all other steps are left to chance. This is how the
    task is often made by hand, and a trap: only 28,656 of the :math:`2^{20}`
    binary sequences of 20 steps are without 1, 1, 0, so that **98.6% of all
    sequences drawn like this are of class 1**, and a constant answer is right
    that often.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of sequences.
    n_timesteps : int or (int, int), default=20
        Steps of each sequence; a pair is the range, both ends included, from
        which each length is drawn.
    pattern : sequence of int, default=(1, 1, 0)
        Symbols that must follow one another directly.
    n_symbols : int, default=2
        The symbols are 0 to ``n_symbols - 1``.
    balanced : bool, default=True
        See above.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : ndarray of int of shape (n_samples, n_timesteps), or SequenceArray
        A `SequenceArray` if `n_timesteps` is a range.
    y : ndarray of int of shape (n_samples,)
        1 if the pattern occurs.
    data : Bunch, if not `return_X_y`
        ``X``, ``y``, ``positions`` (where the pattern first begins, -1 if it
        does not) and ``posterior`` (the probability of class 1 given the
        sequence: 0 or 1, as the pattern can be seen).

    References
    ----------
    D. E. Knuth, J. H. Morris, V. R. Pratt (1977). Fast pattern matching in
    strings. SIAM Journal on Computing 6(2): the automaton. P. Flajolet,
    P. Zimmermann, B. Van Cutsem (1994). A calculus for the random generation
    of labelled combinatorial structures. Theoretical Computer Science 132: the
    recursive method of drawing by counting.

    Examples
    --------
    >>> from skseq.datasets import make_pattern_sequences
    >>> X, y = make_pattern_sequences(random_state=0)
    >>> X.shape, y.mean()
    ((2000, 20), np.float64(0.5))
    >>> X, y = make_pattern_sequences(1000, (10, 40), pattern=(2, 0, 2), n_symbols=3)
    >>> X
    SequenceArray(1000 sequences of 10 to 40 steps, 1 channel, int64)
    """
    automaton = pattern_automaton(pattern, n_symbols)
    streams = shared_stream(random_state, n_samples)
    lengths = draw_lengths(streams, n_timesteps, len(pattern), "to hold the pattern")
    labels = balanced_labels(streams.generator, n_samples)
    if balanced:
        block = draw_of_class(streams, labels, lengths, automaton)
    else:
        block = one_of(streams.uniform(int(lengths.max())), n_symbols)
        _plant(block, pattern, lengths, labels, streams)
    positions = first_positions(block, lengths, automaton)
    y = (positions >= 0).astype(np.int64)
    return X_y_or_bunch(
        return_X_y,
        X=contain(block, lengths, n_timesteps),
        y=y,
        positions=positions,
        posterior=y.astype(np.float64),
    )


def pattern_automaton(pattern: Any, n_symbols: int) -> np.ndarray:
    """Next state, shape (len(pattern) + 1, n_symbols); the last state is never left.

    The state is the length of the longest beginning of the pattern that the
    sequence so far ends with.
    """
    pattern = list(pattern)
    symbols = range(n_symbols)
    if not pattern or not all(symbol in symbols for symbol in pattern):
        raise ValueError(
            f"pattern must be one or more whole numbers from 0 to {n_symbols - 1}, as "
            f"n_symbols={n_symbols}; got {pattern}."
        )
    found = len(pattern)
    automaton = np.full((found + 1, n_symbols), found)
    for state in range(found):
        for symbol in range(n_symbols):
            read = [*pattern[:state], symbol]
            automaton[state, symbol] = next(
                k for k in range(len(read), -1, -1) if read[len(read) - k :] == pattern[:k]
            )
    return automaton


def draw_of_class(
    streams: Streams, labels: np.ndarray, lengths: np.ndarray, automaton: np.ndarray
) -> np.ndarray:
    """Uniform sequences among those of the class asked for, zero behind their end."""
    longest = int(lengths.max())
    weights = _ways(automaton, longest)
    share = streams.uniform(longest)
    block = np.zeros((len(labels), longest), dtype=np.int64)
    state = np.zeros(len(labels), dtype=np.int64)
    for step in range(longest):
        rows = np.flatnonzero(lengths > step)
        to_go = lengths[rows] - step - 1
        following = automaton[state[rows]]
        ways = weights[labels[rows][:, None], to_go[:, None], following].cumsum(axis=1)
        drawn = share[rows, step] * ways[:, -1]
        symbol = (drawn[:, None] >= ways).sum(axis=1)
        block[rows, step] = symbol
        state[rows] = following[np.arange(len(rows)), symbol]
    return block


def _ways(automaton: np.ndarray, longest: int) -> np.ndarray:
    """Ways to go on, shape (class, steps to go, state), up to a factor for each step.

    Only their ratios matter; scaled, they do not overflow however many steps.
    """
    found = len(automaton) - 1
    at_end = np.zeros((2, found + 1))
    at_end[0, :found] = 1.0
    at_end[1, found] = 1.0
    ways = [at_end]
    for _ in range(longest):
        counts = ways[-1][:, automaton].sum(axis=2)
        ways.append(counts / counts.max(axis=1, keepdims=True))
    return np.stack(ways, axis=1)


def first_positions(
    block: np.ndarray, lengths: np.ndarray, automaton: np.ndarray
) -> np.ndarray:
    """Where the pattern first begins in each row, or -1."""
    found = len(automaton) - 1
    state = np.zeros(len(block), dtype=np.int64)
    positions = np.full(len(block), -1)
    for step in range(block.shape[1]):
        state = np.where(step < lengths, automaton[state, block[:, step]], state)
        positions[(state == found) & (positions < 0)] = step - found + 1
    return positions


def _plant(
    block: np.ndarray,
    pattern: Any,
    lengths: np.ndarray,
    planted: np.ndarray,
    streams: Streams,
) -> None:
    rows = np.flatnonzero(planted)
    begin = one_of(streams.uniform(1)[:, 0], lengths - len(pattern) + 1)[rows]
    block[rows[:, None], begin[:, None] + np.arange(len(pattern))] = pattern
