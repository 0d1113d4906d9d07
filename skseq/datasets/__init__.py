"""Sequences to learn with: seeded generators (`make_*`) and real data (`load_*`)."""

from ._load import load_air_passengers, load_japanese_vowels
from ._memory import make_adding_problem, make_temporal_order
from ._pattern import make_pattern_sequences
from ._sine import make_sine_sequences
from ._symbols import make_symbol_sequences
from ._trigger import make_trigger_action_sequences

__all__ = [
    "load_air_passengers",
    "load_japanese_vowels",
    "make_adding_problem",
    "make_pattern_sequences",
    "make_sine_sequences",
    "make_symbol_sequences",
    "make_temporal_order",
    "make_trigger_action_sequences",
]
