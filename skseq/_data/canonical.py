"""The canonical order of a training set.

scikit-learn asks that weight k means k copies, in any order of rows. A network
trained on minibatches can only promise that if equal rows are one row, and if
the order of rows follows from what is in them. Both are done here, before
anything random happens.
"""

from __future__ import annotations

import numpy as np

from .sequences import CHUNK_STEPS, SequenceArray, row_chunks, stacked_steps

# Odd, so that it has an inverse modulo 2**64 (Steele & Vigna, 2021, table 4).
BASE = 0xD1342543DE82EF95
MODULUS = 1 << 64
INVERSE = pow(BASE, -1, MODULUS)


def canonical_rows(
    sequences: SequenceArray, targets: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to keep, in canonical order, and their merged weights.

    Rows of weight zero are dropped. Rows that agree in sequence and targets
    become one row that carries the sum of their weights. The order of the rest
    is that of a hash of their content: it does not depend on the order in which
    they came.

    Parameters
    ----------
    sequences : SequenceArray of n rows
    targets : ndarray of shape (n, n_targets)
        Whatever must agree besides the sequence: y, and groups where they count.
    weight : ndarray of shape (n,)

    Returns
    -------
    rows : ndarray of int, shape (n_kept,)
    weight : ndarray of float, shape (n_kept,)
    """
    kept = None
    if not weight.all():
        kept = np.flatnonzero(weight)
        sequences, targets, weight = sequences[kept], targets[kept], weight[kept]
    key = _scramble(sequence_hashes(sequences) + _step_hashes(targets))
    order = np.argsort(key, kind="stable")
    owner = _owners(sequences, targets, key, order)
    # Added up from the smallest, so that the rounding is the same in any row order.
    rising = np.argsort(weight, kind="stable")
    merged = np.bincount(owner[rising], weights=weight[rising], minlength=len(order))
    rows = order[owner[order] == order]
    return rows if kept is None else kept[rows], merged[rows]


def sequence_hashes(sequences: SequenceArray) -> np.ndarray:
    """A 64-bit hash of each sequence, from its steps in their order.

    The steps' own hashes are the coefficients of a polynomial modulo 2**64
    (Karp & Rabin, 1987). Prefix sums give the value of every sequence at once,
    overlapping windows included, in one pass over the values.
    """
    if not len(sequences):
        return np.empty(0, dtype=np.uint64)
    low = int(sequences.starts.min())
    high = int((sequences.starts + sequences.lengths).max())
    prefix = np.zeros(high - low + 1, dtype=np.uint64)
    powers = _powers(BASE, min(CHUNK_STEPS, high - low))
    for begin in range(low, high, CHUNK_STEPS):
        end = min(begin + CHUNK_STEPS, high)
        terms = _step_hashes(sequences.values[begin:end]) * powers[: end - begin]
        terms *= np.uint64(pow(BASE, begin - low, MODULUS))
        out = prefix[begin - low + 1 : end - low + 1]
        np.cumsum(terms, out=out)
        out += prefix[begin - low]
    starts = sequences.starts - low
    total = prefix[starts + sequences.lengths]
    total -= prefix[starts]
    # Shift each polynomial down to its own first step.
    total *= _power_of_each(INVERSE, starts)
    total += sequences.lengths.view(np.uint64)
    return _scramble(total)


def _step_hashes(values: np.ndarray) -> np.ndarray:
    """Hash each row of a 2-D array; equal numbers hash equal in every dtype."""
    hashed = np.zeros(len(values), dtype=np.uint64)
    for channel in values.T:
        # Adding 0.0 makes -0.0 and 0.0 one.
        bits = (channel.astype(np.float64) + 0.0).view(np.uint64)
        hashed = _scramble(hashed * np.uint64(BASE) + bits)
    return hashed


def _scramble(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea & Flood, 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _powers(base: int, count: int) -> np.ndarray:
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


def _power_of_each(base: int, exponents: np.ndarray) -> np.ndarray:
    """`base ** exponents` modulo 2**64 by repeated squaring."""
    result = np.ones(len(exponents), dtype=np.uint64)
    for bit in range(int(exponents.max()).bit_length()):
        square = np.uint64(pow(base, 1 << bit, MODULUS))
        result[(exponents >> bit) & 1 == 1] *= square
    return result


def _owners(
    sequences: SequenceArray, targets: np.ndarray, key: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """For each row, the row it merges into: itself, or an equal one before it."""
    owner = np.arange(len(order))
    new = np.ones(len(order), dtype=bool)
    new[1:] = key[order][1:] != key[order][:-1]
    leader = order[np.flatnonzero(new)[np.cumsum(new) - 1]]
    # Equal keys are a suspicion; only equal content makes two rows one.
    suspects = np.flatnonzero(~new)
    suspects = suspects[_equal(sequences, targets, order[suspects], leader[suspects])]
    owner[order[suspects]] = leader[suspects]
    return owner


def _equal(
    sequences: SequenceArray, targets: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Whether row `left[i]` and row `right[i]` agree in sequence and targets."""
    equal = (targets[left] == targets[right]).all(axis=1)
    equal &= sequences.lengths[left] == sequences.lengths[right]
    same_shape = np.flatnonzero(equal)
    a, b = sequences[left[same_shape]], sequences[right[same_shape]]
    for rows in row_chunks(a):
        # As float64, which is what is hashed, and what the network sees.
        steps = (stacked_steps(part[rows]).astype(np.float64) for part in (a, b))
        same = np.equal(*steps)
        begins = np.cumsum(a.lengths[rows]) - a.lengths[rows]
        equal[same_shape[rows]] = np.logical_and.reduceat(same.all(axis=1), begins)
    return equal
