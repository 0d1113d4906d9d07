"""Recurrent cells: a file for each, and a line here."""

from .base import Cell
from .gru import GRU
from .lstm import LSTM

CELLS: dict[str, Cell] = {"lstm": LSTM(), "gru": GRU()}


def cell_named(name: str) -> Cell:
    if name not in CELLS:
        raise ValueError(f"There is no cell {name!r}; there are {sorted(CELLS)}.")
    return CELLS[name]
