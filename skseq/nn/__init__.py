"""The network: torch alone, usable without the rest of the package."""

from .recurrent import RecurrentNet

__all__ = ["RecurrentNet"]
