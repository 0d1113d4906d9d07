"""Standardisation of channels, and of targets, inside of the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Standardize(nn.Module):
    """Subtract a mean and divide by a scale, channel by channel, in float64."""

    mean: Tensor
    scale: Tensor

    def __init__(self, n_channels: int, device: str | torch.device = "cpu") -> None:
        super().__init__()
        options: dict[str, Any] = {"dtype": torch.float64, "device": device}
        self.register_buffer("mean", torch.zeros(n_channels, **options))
        self.register_buffer("scale", torch.ones(n_channels, **options))

    def set(self, mean: np.ndarray, scale: np.ndarray) -> None:
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def get(self) -> tuple[np.ndarray, np.ndarray]:
        return self.mean.cpu().numpy(), self.scale.cpu().numpy()

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale

    def inverse(self, x: Tensor) -> Tensor:
        return x * self.scale + self.mean
