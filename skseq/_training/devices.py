"""Where the numbers are computed."""

from __future__ import annotations

import torch

from .._warning import warn


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that a name stands for, or an error that says what is there."""
    present = _present()
    device = str(device)
    if device == "auto":
        return torch.device(present[0])
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r:.60} is not a name of a torch device; here there is: "
            f"{', '.join(present)}."
        ) from error
    count = torch.cuda.device_count() if resolved.type == "cuda" else 1
    if resolved.type not in present or (resolved.index or 0) >= count:
        raise ValueError(
            f"device={device!r:.60} is not available; here there is: {', '.join(present)}. "
            "Use device='auto' to take the best one."
        )
    return resolved


def present_device(device: str | torch.device) -> torch.device:
    """The device that a name stands for, or the CPU with a warning."""
    try:
        return resolve_device(device)
    except ValueError as error:
        warn(f"{error} Loaded on the CPU instead.")
        return torch.device("cpu")


def _present() -> list[str]:
    """Kinds of device on this machine, fastest first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]
