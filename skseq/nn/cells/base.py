"""What a recurrent cell decides, and what all cells share.

Axes: t time, l lanes, i inputs, h hidden units, o outputs (h of each direction).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..lanes import Lanes

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class Cell(ABC):
    """A kind of recurrent cell. It holds no weights: those are in the modules it makes.

    With a method ``to_graph(graph, layers, steps, lengths)``, which adds nodes of ONNX for
    steps (t, b, i) and int32 lengths (b,), and returns all states (t, d, b, h) and the last
    ones (d, b, h), it is exported; without it `to_onnx` refuses.
    """

    #: Blocks of rows that its largest weight has, one for each gate.
    n_gates: ClassVar[int]

    @abstractmethod
    def make(self, n_inputs: int, hidden_size: int, **options: Any) -> nn.Module:
        """The weights of one layer in one direction, with `options` of torch's modules.

        They are called weight_ih..., weight_hh... and bias..., and have `hidden_size` rows
        for each gate; `reset` starts them by these names.
        """

    @abstractmethod
    def run(self, layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
        """Run one layer, in one direction or two, over the lanes of a batch on a CPU.

        Nothing is packed, so torch's fast paths stay open, and yet the result is that
        of `torch.nn.utils.rnn.pack_padded_sequence`: each sequence starts from a zero
        state, and what stands in blank steps does not matter.

        Parameters
        ----------
        layers : one or two of what `make` makes
            The second one reads every sequence from its end. Only their weights are
            used, in the dtype of `x`.
        x : Tensor of shape (t, l, i)
            Any finite numbers at blank steps.
        lanes : Lanes

        Returns
        -------
        Tensor of shape (t, l, o)
            Step t is the output after reading step t of `x`. At blank steps it is finite
            and means nothing.
        """

    def run_modules(self, layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
        """The same on other devices, where every sequence has a lane of its own.

        Modules must return (outputs, states), as torch's do; override it where they do not.
        """
        outputs = [layers[0](x)[0]]
        if len(layers) > 1:
            # Backward, each sequence is reversed within its own length.
            mirrored = reverse_within(x, lanes.lengths)
            outputs.append(reverse_within(layers[1](mirrored)[0], lanes.lengths))
        return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]

    def rounds_rows_alike(self) -> bool:
        """Whether float32 rounds each row in the same way whatever stands beside it.

        Products of matrices do not.
        """
        return False

    def reset(
        self, layer: nn.Module, hidden_size: int, generator: torch.Generator | None
    ) -> None:
        """Draw the weights of a layer: orthogonal for states, uniform for inputs."""
        for name, parameter in layer.named_parameters():
            for gate in gates_of(parameter, hidden_size):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate, generator=generator)
                elif name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(gate, generator=generator)
                elif name.startswith("bias"):
                    nn.init.zeros_(gate)
                else:
                    raise ValueError(
                        f"{name} has no rule to start by; begin its name with weight_ih, "
                        "weight_hh or bias, or override reset."
                    )


def gates_of(parameter: Tensor, hidden_size: int) -> Tensor:
    """The blocks of a weight or bias, one for each gate."""
    return parameter.view(-1, hidden_size, *parameter.shape[1:])


def weights_of(layer: nn.Module, like: Tensor) -> list[Tensor]:
    """Weights of input and state, biases of input and state, in the dtype of a tensor."""
    return [getattr(layer, name).to(like.dtype) for name in NAMES]


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse the first ``lengths[l]`` steps of each lane of (t, l, i); the rest stays."""
    t = torch.arange(len(x), device=x.device)[:, None]
    mirrored = lengths - 1 - t
    index = torch.where(mirrored >= 0, mirrored, t)
    return x.gather(0, index[:, :, None].expand(-1, -1, x.shape[2]))


def add_node(
    graph: Any,
    operator: str,
    layers: Sequence[nn.Module],
    gates: Sequence[int],
    steps: str,
    lengths: str,
    **options: Any,
) -> tuple[str, str]:
    """Add ONNX's operator for a cell; `gates` are torch's, in the order of ONNX."""

    def reordered(layer: nn.Module, name: str) -> np.ndarray:
        weight = getattr(layer, name).detach().cpu().numpy()
        blocks = np.split(weight, len(gates))
        return np.concatenate([blocks[gate] for gate in gates])

    weights, states, *biases = (
        np.stack([reordered(layer, name) for layer in layers]) for name in NAMES
    )
    return graph.add(
        operator,
        steps,
        weights,
        states,
        np.concatenate(biases, axis=1),
        lengths,
        n_outputs=2,
        hidden_size=states.shape[2],
        direction="bidirectional" if len(layers) > 1 else "forward",
        **options,
    )
