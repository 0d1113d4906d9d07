"""The network. It knows torch, and neither scikit-learn nor skorch."""

from .recurrent import RecurrentNet

__all__ = ["RecurrentNet"]
