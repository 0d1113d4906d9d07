"""Poolings: summaries over the real time steps of each sequence; a class for each.

Axes: b batch, t time, l lanes, h hidden units of all directions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .heads import Linear
from .lanes import Lanes


class GraphSteps(NamedTuple):
    """What stands in an ONNX graph behind the layers: names of values."""

    states: str  # (t, b, h), of padding too
    last: str  # (b, h): of each direction the state at its end
    is_real: str  # (t, b, 1), true at real steps and false in padding
    as_number: str  # the same as 1.0 and 0.0


class Summary(ABC):
    """A kind of summary of steps. It holds no weights: those are in the pooling.

    With a method ``to_graph(pooling, graph, steps)``, which adds nodes of ONNX for
    `GraphSteps` that compute the summaries (b, h), it is exported; without it `to_onnx`
    refuses.
    """

    def weights(self, width: int) -> dict[str, nn.Module]:
        """Modules that the pooling is to have, by their names."""
        return {}

    @abstractmethod
    def run(self, pooling: Pooling, x: Tensor, lanes: Lanes) -> Tensor:
        """Summaries (b, h) of the steps that `x` of shape (t * l, h) holds."""


class Last(Summary):
    """The final state of each direction: at the last step, and at the first."""

    def run(self, pooling: Pooling, x: Tensor, lanes: Lanes) -> Tensor:
        last, h = lanes.at_last(x), pooling.hidden_size
        if x.shape[1] == h:
            return last
        return torch.cat([last[:, :h], lanes.at_first(x)[:, h:]], dim=1)

    def to_graph(self, pooling: Pooling, graph: Any, steps: GraphSteps) -> str:
        return steps.last


class Mean(Summary):
    def run(self, pooling: Pooling, x: Tensor, lanes: Lanes) -> Tensor:
        if lanes.is_full and not lanes.is_exact:  # twice as fast, but rounds in its own way
            return x.view(lanes.n_steps, lanes.n_lanes, -1).mean(dim=0)
        return F.embedding_bag(lanes.steps, x, lanes.offsets, mode="mean")

    def to_graph(self, pooling: Pooling, graph: Any, steps: GraphSteps) -> str:
        return weighted_mean(graph, steps, steps.as_number)


class Max(Summary):
    def run(self, pooling: Pooling, x: Tensor, lanes: Lanes) -> Tensor:
        return F.embedding_bag(lanes.steps, x, lanes.offsets, mode="max")

    def to_graph(self, pooling: Pooling, graph: Any, steps: GraphSteps) -> str:
        lowest = np.array(np.finfo(np.float32).min)
        only_real = graph.add("Where", steps.is_real, steps.states, lowest)
        return graph.add("ReduceMax", only_real, np.array([0]), keepdims=0)


class Attention(Summary):
    """The feed-forward attention of Raffel & Ellis (2015).

    Weights are softmax(tanh(w x_t + v)) over the steps of a sequence.
    """

    def weights(self, width: int) -> dict[str, nn.Module]:
        return {"attention": Linear(width, 1)}

    def run(self, pooling: Pooling, x: Tensor, lanes: Lanes) -> Tensor:
        # Of a tanh the exponential cannot overflow.
        weight = pooling.attention(x)[:, 0].tanh().exp()[lanes.steps]
        total = weight.new_zeros(len(lanes.offsets)).index_add(0, lanes.owners, weight)
        share = weight / total[lanes.owners]
        return F.embedding_bag(
            lanes.steps, x, lanes.offsets, mode="sum", per_sample_weights=share
        )

    def to_graph(self, pooling: Pooling, graph: Any, steps: GraphSteps) -> str:
        score = graph.add("Tanh", pooling.attention.to_graph(graph, steps.states))
        weight = graph.add("Mul", graph.add("Exp", score), steps.as_number)
        return weighted_mean(graph, steps, weight)


def weighted_mean(graph: Any, steps: GraphSteps, weight: str) -> str:
    """The mean of real steps with weights (t, b, 1), which are 0 for padding."""
    total = graph.add("ReduceSum", weight, np.array([0]), keepdims=1)
    share = graph.add("Div", weight, total)
    zero = np.zeros((), np.float32)
    only_real = graph.add("Where", steps.is_real, steps.states, zero)
    weighted = graph.add("Mul", only_real, share)
    return graph.add("ReduceSum", weighted, np.array([0]), keepdims=0)


POOLINGS: dict[str, Summary] = {
    "last": Last(),
    "mean": Mean(),
    "max": Max(),
    "attention": Attention(),
}


def kinds_of(pooling: str | Sequence[str]) -> list[str]:
    """The kinds that a `pooling` parameter names, as a list, or ValueError."""
    kinds = [pooling] if isinstance(pooling, str) else list(pooling)
    if not kinds or not all(isinstance(kind, str) and kind in POOLINGS for kind in kinds):
        raise ValueError(
            f"The 'pooling' parameter must be one or a tuple of {tuple(POOLINGS)}, got "
            f"{pooling!r}."
        )
    return kinds


class Pooling(nn.Module):
    """Summaries of several kinds, side by side."""

    attention: Linear

    def __init__(self, kinds: Sequence[str], hidden_size: int, directions: int) -> None:
        super().__init__()
        self.kinds = tuple(kinds)
        self.hidden_size = hidden_size
        self.steps_width = hidden_size * directions
        self.width = self.steps_width * len(self.kinds)
        for kind in self.kinds:
            for name, module in POOLINGS[kind].weights(self.steps_width).items():
                self.add_module(name, module)

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """Summaries (b, h * kinds) of the steps that `x` of shape (t * l, h) holds."""
        pooled = [POOLINGS[kind].run(self, x, lanes) for kind in self.kinds]
        return torch.cat(pooled, dim=1) if len(pooled) > 1 else pooled[0]
