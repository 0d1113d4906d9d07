"""The LSTM of Hochreiter & Schmidhuber (1997), by torch's fused kernel.

Axes: t time, l lanes, i inputs, h hidden units, o outputs (h of each direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..lanes import Lanes
from .base import Cell, add_node, gates_of, weights_of

# The input to all gates at a cut. Their sigmoids are exactly 0 then, in float32
# and in float64, and so are the state and every gradient that would pass.
SHUT = -1e8

# Steps times lanes times hidden units in one call of the fused LSTM.
WORKSPACE = 1 << 19


class LSTM(Cell):
    n_gates = 4  # in torch's order: input, forget, cell, output

    def make(self, n_inputs: int, hidden_size: int, **options: Any) -> nn.Module:
        return nn.LSTM(n_inputs, hidden_size, **options)

    def run(self, layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
        """Both directions at once; an input of its own tells the kernel of cuts."""
        weights = [weights_of(layer, x) for layer in layers]
        n_steps, n_lanes, _ = x.shape
        # Alone in its lane and read forward, a sequence is over when a cut comes.
        heeds_cuts = lanes.are_shared or len(layers) > 1
        # With this input the kernel may round in another way, so all batches that must
        # agree exactly have it.
        if heeds_cuts and (lanes.is_exact or len(lanes.cuts)):
            is_cut = x.new_zeros(n_steps * n_lanes, 1).index_fill_(0, lanes.cuts, 1.0)
            x = torch.cat([x, is_cut.view(n_steps, n_lanes, 1)], dim=2)
            for w in weights:
                w[0] = torch.cat([w[0], w[0].new_full((len(w[0]), 1), SHUT)], dim=1)
        flat = [tensor for w in weights for tensor in w]
        n_calls = _n_calls(x, flat[1].shape[1])
        if n_calls == 1:
            return _fused_lstm(x, flat)
        return torch.cat(
            [_fused_lstm(some, flat) for some in x.tensor_split(n_calls, 1)], 1
        )

    def rounds_rows_alike(self) -> bool:
        # Where torch has oneDNN, and it is not switched off (tests/test_kernels.py).
        mkldnn = torch.backends.mkldnn
        return mkldnn.is_available() and bool(mkldnn.enabled)

    def reset(
        self, layer: nn.Module, hidden_size: int, generator: torch.Generator | None
    ) -> None:
        super().reset(layer, hidden_size, generator)
        forget = gates_of(layer.get_parameter("bias_ih_l0"), hidden_size)[1]
        nn.init.ones_(forget)

    def to_graph(
        self, graph: Any, layers: Sequence[nn.Module], steps: str, lengths: str
    ) -> tuple[str, str]:
        return add_node(graph, "LSTM", layers, [0, 3, 1, 2], steps, lengths)


def _fused_lstm(x: Tensor, weights: list[Tensor]) -> Tensor:
    two, trains = len(weights) > 4, torch.is_grad_enabled()
    state = x.new_zeros(1 + two, x.shape[1], weights[1].shape[1])
    return torch.lstm(x, (state, state), weights, True, 1, 0.0, trains, two, False)[0]


def _n_calls(x: Tensor, hidden_size: int) -> int:
    """In how many parts of the lanes the fused kernel's workspace needs no new memory.

    It takes about 61 bytes for each step, lane and hidden unit. The C library keeps
    blocks of up to 32 MB for the next batch; a larger one it hands back to the system,
    and touching new memory every time costs a third of the kernel's time. No part
    has a single lane, which the kernel would round in another way.
    """
    n_steps, n_lanes, _ = x.shape
    n_calls = -(-n_steps * n_lanes * hidden_size // WORKSPACE)
    return max(min(n_calls, n_lanes // 2), 1)
