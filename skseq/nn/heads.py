"""From summaries to outputs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# How modules are made: torch's own initialisation would move its global generator, and
# its default dtype belongs to the caller.
WITHOUT_NUMBERS: dict[str, Any] = {"device": "meta", "dtype": torch.float32}


class Linear(nn.Linear):
    """Computes in the precision of its input, which may be higher than the weights'."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs, **WITHOUT_NUMBERS)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))

    def to_graph(self, graph: Any, x: str) -> str:
        """Add nodes of ONNX to a graph."""
        return graph.add("Add", graph.add("MatMul", x, self.weight.T), self.bias)
