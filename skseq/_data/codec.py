"""What the first layer reads: channels of numbers, or positions of symbols.

Plain data once learnt, which never changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from . import symbols
from .checks import FLOAT32_MAX, LARGEST, check_magnitude
from .rows import Rows, step_statistics
from .sequences import SequenceArray


class Codec(ABC):
    """How sequences of a kind become the input of a network."""

    #: Whether the network reads symbols through an embedding.
    embeds: ClassVar[bool]
    n_inputs: int  # channels that the network reads, or rows of its embedding

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Public attributes of a fitted estimator."""

    @abstractmethod
    def encode(self, sequences: SequenceArray, name: str) -> SequenceArray:
        """Sequences as the network takes them."""

    @abstractmethod
    def prepare(self, module: Any, train: Rows) -> None:
        """Give a new network what it keeps of the training rows."""


@dataclass(frozen=True, eq=False)
class Channels(Codec):
    """Numbers, which the network may standardise."""

    n_inputs: int
    standardizes: bool
    embeds = False

    def attributes(self) -> dict[str, Any]:
        return {}

    def encode(self, sequences: SequenceArray, name: str) -> SequenceArray:
        if sequences.dtype.kind == "U":
            raise ValueError(
                f"Sequence 0 of {name} has strings as steps; set embedding_dim, for "
                "example embedding_dim=16, to learn from symbols."
            )
        check_magnitude(sequences, name, LARGEST if self.standardizes else FLOAT32_MAX)
        return sequences

    def prepare(self, module: Any, train: Rows) -> None:
        if self.standardizes:
            module.scaling.set(*step_statistics(train.sequences, train.weight))


@dataclass(frozen=True, eq=False)
class Symbols(Codec):
    """One symbol at each step, of a vocabulary."""

    vocabulary: np.ndarray
    embeds = True

    @property
    def n_inputs(self) -> int:  # type: ignore[override]
        return symbols.table_size(self.vocabulary)

    def attributes(self) -> dict[str, Any]:
        return {"vocabulary_": self.vocabulary}

    def encode(self, sequences: SequenceArray, name: str) -> SequenceArray:
        checked = symbols.check_symbols(sequences, name)
        return symbols.encode(checked, self.vocabulary, name)

    def prepare(self, module: Any, train: Rows) -> None:
        # A symbol that occurs in validation rows only is as good as unknown.
        module.zero_embedding_except(symbols.learn_vocabulary(train.sequences))


class Encoded:
    """Stands for a codec where sequences are encoded already."""

    def encode(self, sequences: SequenceArray, name: str) -> SequenceArray:
        return sequences


def learn(sequences: SequenceArray, parameters: Any) -> Codec:
    """The codec of training sequences."""
    if parameters.embedding_dim is None:
        return Channels(sequences.n_channels, bool(parameters.standardize))
    checked = symbols.check_symbols(sequences, "X")
    return Symbols(symbols.learn_vocabulary(checked))


def restored(state: dict[str, Any]) -> Codec:
    """The codec of an estimator whose attributes are these."""
    if "vocabulary_" in state:
        return Symbols(state["vocabulary_"])
    return Channels(state["n_channels_"], bool(state["standardize"]))
