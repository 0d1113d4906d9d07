"""Pictures, as scikit-learn's Displays; they need matplotlib."""

from ._forecast import ForecastDisplay
from ._history import TrainingHistoryDisplay
from ._sequence import SequenceDisplay

__all__ = ["ForecastDisplay", "SequenceDisplay", "TrainingHistoryDisplay"]
