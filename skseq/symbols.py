"""Symbols: from integers or characters to positions in an embedding table.

Position 0 is padding, positions 1 to K are the vocabulary in sorted order, and
position K + 1 stands for every symbol that training did not show.
"""

from __future__ import annotations

import numpy as np

from ._warning import warn
from .sequences import SequenceArray, step_index

PADDING = 0
BEYOND_INT64 = 2.0**63


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
    if sequences.dtype.kind != "f":
        return sequences
    whole = np.rint(sequences.values)
    used = step_index(sequences)
    if (whole[used] != sequences.values[used]).any():
        raise ValueError(
            f"embedding_dim needs integers or strings as symbols, but {name} has "
            "fractions; set embedding_dim=None for numbers."
        )
    if not ((whole[used] >= -BEYOND_INT64) & (whole[used] < BEYOND_INT64)).all():
        raise ValueError(
            f"embedding_dim needs symbols that fit into int64, but {name} has floats from "
            "2**63 on; pass them as integers or strings."
        )
    whole = np.nan_to_num(whole).astype(np.int64)
    return sequences.with_steps(whole, sequences.lengths, sequences.starts)


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
    slot = np.searchsorted(vocabulary, values).clip(max=len(vocabulary) - 1)
    known = vocabulary[slot] == values
    if not known[used].any():
        warn(
            f"None of the symbols in {name} occurred in training; compare them with "
            "vocabulary_."
        )
    codes = np.where(known, slot + 1, len(vocabulary) + 1).astype(np.int64)
    return sequences.with_steps(codes, sequences.lengths, sequences.starts)
