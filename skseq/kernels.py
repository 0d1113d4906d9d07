"""The recurrence: every layer of `RecurrentNet` runs through `run_layer`.

Axes: b batch, t time, i inputs, h hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


def run_layer(layer: nn.Module, x: Tensor, lengths: Tensor, *, backward: bool) -> Tensor:
    """Run one layer in one direction over padded sequences.

    A recurrence that runs forward never sees the padding behind the steps that
    count, so nothing needs to be packed, and torch's fastest path stays open.
    Backward, each sequence is reversed within its own length, which puts the
    padding behind it again.

    Parameters
    ----------
    layer : nn.LSTM or nn.GRU
        One layer, one direction, ``batch_first=True``.
    x : Tensor of shape (b, t, i)
        Padded with any finite number.
    lengths : Tensor of shape (b,), dtype int64
    backward : bool
        Whether to read each sequence from its end.

    Returns
    -------
    Tensor of shape (b, t, h)
        Step ``t`` is the output after reading step ``t`` of `x`. Beyond
        ``lengths`` it is finite and means nothing.
    """
    if not backward:
        return layer(x)[0]
    return reverse_within(layer(reverse_within(x, lengths))[0], lengths)


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse the first ``lengths[b]`` steps of each row; the rest stays."""
    t = torch.arange(x.shape[1], device=x.device)
    mirrored = lengths[:, None] - 1 - t
    index = torch.where(mirrored >= 0, mirrored, t)
    return x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
