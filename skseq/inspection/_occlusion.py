"""Occlusion: what a response loses when a time step tells nothing.

Axes: n sequences, s steps of all of them, c channels, k outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._data.containers import like
from .._data.sequences import SequenceArray, ragged_range, row_chunks, stacked_steps


def occlude(
    respond: Callable[[Any], np.ndarray],
    X: Any,
    sequences: SequenceArray,
    column: np.ndarray,
    baseline: np.ndarray,
    per_channel: bool,
) -> np.ndarray:
    """What the response loses without each step, (s, 1), or each number, (s, c).

    Parameters
    ----------
    respond : callable
        From sequences in the container of X to outputs (n, k).
    X : sequences
    sequences : SequenceArray
        The same.
    column : ndarray of shape (n,)
        The output that counts, of each sequence.
    baseline : ndarray of shape (c,)
        What a step becomes.
    per_channel : bool
        One channel at a time, or the whole step.
    """
    steps = stacked_steps(sequences)
    steps = steps.astype(np.result_type(steps.dtype, baseline.dtype))
    sequences = SequenceArray(steps, sequences.lengths)
    n_channels = sequences.n_channels if per_channel else 1
    row = np.repeat(np.arange(len(sequences)), sequences.lengths * n_channels)
    place = ragged_range(np.zeros_like(sequences.lengths), sequences.lengths)
    place = np.repeat(place, n_channels)
    whole = respond(X)
    lost = np.empty(len(row))
    for part in row_chunks(sequences[row]):
        # An untouched sequence is added, because a table in which all symbols are unknown
        # would cause a warning. The shortest one costs least.
        copies = sequences[np.append(row[part], sequences.lengths.argmin())]
        values = stacked_steps(copies).copy()
        at = (np.cumsum(copies.lengths) - copies.lengths)[:-1] + place[part]
        if per_channel:
            channel = np.arange(part.start, part.stop) % n_channels
            values[at, channel] = baseline[channel]
        else:
            values[at] = baseline
        rest = respond(like(X, SequenceArray(values, copies.lengths)))[:-1]
        here = column[row[part]]
        lost[part] = whole[row[part], here] - rest[np.arange(len(here)), here]
    return lost.reshape(-1, n_channels)


def channel_means(sequences: SequenceArray) -> np.ndarray:
    """Means over the steps, of what is not missing; a pipeline may impute the rest."""
    steps = stacked_steps(sequences)
    there = ~np.isnan(steps)
    return np.where(there, steps, 0.0).sum(axis=0) / there.sum(axis=0).clip(min=1)


def unseen_symbol(sequences: SequenceArray, vocabulary: np.ndarray | None) -> np.ndarray:
    """A symbol that is neither in training nor in these sequences, (1,)."""
    seen = np.unique(stacked_steps(sequences))
    is_text = seen.dtype.kind == "U"
    if vocabulary is not None and (vocabulary.dtype.kind == "U") == is_text:
        seen = np.union1d(seen, vocabulary)
    if is_text:
        # Unicode's "unknown character", then those that it leaves to private use.
        candidates = ["\ufffd", *map(chr, range(0xE000, 0xF8FF))]
        return np.array([next(symbol for symbol in candidates if symbol not in seen)])
    # Among one number more than there are symbols, one is free. In its smallest type it
    # changes that of the steps only where they could not hold it.
    free = np.setdiff1d(np.arange(len(seen) + 1), seen)[0]
    return np.array([free], dtype=np.min_scalar_type(free))
