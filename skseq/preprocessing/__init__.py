"""Prepare, cut, make and multiply sequences."""

from .._data.windows import WindowSplit, sliding_windows
from ._generator import SequenceGenerator
from ._generators import (
    PatternGenerator,
    SineGenerator,
    SymbolGenerator,
    TriggerActionGenerator,
)
from ._per_timestep import PerTimestep
from ._samplers import Crop, Jitter, Scaling, StepDropout, TimeWarp

__all__ = [
    "Crop",
    "Jitter",
    "PatternGenerator",
    "PerTimestep",
    "Scaling",
    "SequenceGenerator",
    "SineGenerator",
    "StepDropout",
    "SymbolGenerator",
    "TimeWarp",
    "TriggerActionGenerator",
    "WindowSplit",
    "sliding_windows",
]
