"""Symbols: from integers or characters to positions in an embedding table.

Position 0 is padding, positions 1 to K are the vocabulary in sorted order, and
position K + 1 stands for every symbol that training did not show.
"""

from __future__ import annotations

import numpy as np

from .._warning import warn
from .arrays import fit_into, look_up
from .sequences import SequenceArray, step_index

PADDING = 0


def table_size(vocabulary: np.ndarray) -> int:
    """Rows of the embedding table: padding, the vocabulary, unknown."""
    return len(vocabulary) + 2


def check_symbols(sequences: SequenceArray, name: str) -> SequenceArray:
    """Integers and strings as they are, whole floats as integers."""
    if sequences.n_channels != 1:
        raise ValueError(
            f"embedding_dim needs one symbol at each time step, but {name} has "
            f"{sequences.n_channels} channels; set embedding_dim=None for numbers."
        )
    values = sequences.values
    if values.dtype.kind == "f":
        values = _whole_numbers(values, step_index(sequences), name)
    elif values.dtype.kind in "iu":
        values = _in_one_type(values)
    return sequences.with_steps(values, sequences.lengths, sequences.starts)


def _whole_numbers(values: np.ndarray, used: np.ndarray, name: str) -> np.ndarray:
    """Floats as integers, if all that are used are whole and exact."""
    whole = np.rint(values)
    if (whole[used] != values[used]).any():
        raise ValueError(
            f"embedding_dim needs integers or strings as symbols, but {name} has "
            "fractions; set embedding_dim=None for numbers."
        )
    exact = min(2.0 ** (np.finfo(values.dtype).nmant + 1), 2.0**63)
    if (np.abs(whole[used]) >= exact).any():
        raise ValueError(
            f"embedding_dim needs symbols that are exact, but {name} has {values.dtype} "
            f"numbers from {exact:.0f} on, of which some stand for several integers. Pass "
            "integers of one type, or strings. (int64 beside uint64, or integers beside "
            "floats, become floats.)"
        )
    return np.nan_to_num(whole).astype(np.int64)


def _in_one_type(values: np.ndarray) -> np.ndarray:
    """int64, and uint64 only where int64 is too small."""
    fits = fit_into(values, np.int64).all()
    return values.astype(np.int64 if fits else np.uint64, copy=False)


def learn_vocabulary(sequences: SequenceArray) -> np.ndarray:
    """Every symbol that occurs, sorted."""
    return np.unique(sequences.values[step_index(sequences), 0])


def encode(sequences: SequenceArray, vocabulary: np.ndarray, name: str) -> SequenceArray:
    """The same sequences as positions in the embedding table (int64)."""
    used = step_index(sequences)
    if len(used) < len(sequences.values):
        # Few rows of a large block: do not look up the whole of it.
        sequences = sequences.with_steps(sequences.values[used], sequences.lengths)
        used = np.arange(len(used))
    values = sequences.values[:, 0]
    if (values.dtype.kind == "U") != (vocabulary.dtype.kind == "U"):
        kinds = {True: "strings", False: "integers"}
        raise ValueError(
            f"{name} has {kinds[values.dtype.kind == 'U']}, but the symbols in training "
            f"were {kinds[vocabulary.dtype.kind == 'U']}; use one kind for both."
        )
    slot, known = look_up(values, vocabulary)
    if not known[used].any():
        warn(
            f"None of the symbols in {name} occurred in training; compare them with "
            "vocabulary_."
        )
    codes = np.where(known, slot + 1, len(vocabulary) + 1).astype(np.int64)
    return sequences.with_steps(codes, sequences.lengths, sequences.starts)
