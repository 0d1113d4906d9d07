"""Nested tensors of torch, in both of their layouts: read and written."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .sequences import SequenceArray, native_order, stacked_steps


def nested_steps(tensor: Tensor) -> tuple[Tensor, Any, Any] | None:
    """All steps, lengths and starts, as they lie in memory.

    None if they do not lie one after another, or if not (only) time varies.
    """
    tensor = tensor.detach()
    if tensor.dim() not in (2, 3):  # sequences, time and perhaps channels
        return None
    if tensor.layout == torch.jagged:
        if isinstance(tensor.shape[1], int):  # another dimension varies
            return None
        offsets, lengths = tensor.offsets(), tensor.lengths()
        lengths = offsets.diff() if lengths is None else lengths
        return tensor.values(), lengths.cpu().numpy(), offsets[:-1].cpu().numpy()
    cells = tensor.unbind()
    shapes = {cell.shape[1:] for cell in cells}
    if len(shapes) != 1 or not tensor.is_contiguous():
        return None
    lengths = np.array([len(cell) for cell in cells])
    return tensor.values().reshape(lengths.sum(), *shapes.pop()), lengths, None


def nested_tensor(sequences: SequenceArray, layout: torch.layout) -> Tensor:
    """Sequences as one nested tensor, without channels if there is only one."""
    if layout == torch.jagged:
        lengths = torch.from_numpy(sequences.lengths)
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
        steps = step_tensor(stacked_steps(sequences))
        return torch.nested.nested_tensor_from_jagged(steps, offsets)
    return torch.nested.as_nested_tensor([step_tensor(s) for s in sequences], layout=layout)


def step_tensor(steps: np.ndarray) -> Tensor:
    """Steps as a tensor, which shares their memory if it may be written to."""
    if steps.dtype.kind == "U":
        raise ValueError("A tensor holds no strings; encode the symbols as numbers first.")
    tensor = torch.from_numpy(np.require(native_order(steps), requirements=["C", "W"]))
    return tensor[:, 0] if tensor.shape[1] == 1 else tensor
