"""What a fitted model looks at: important time steps, and whether order counts at all."""

from ._audit import audit
from ._step_importance import step_importance

__all__ = ["audit", "step_importance"]
