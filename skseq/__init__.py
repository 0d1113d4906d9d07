"""scikit-learn compatible recurrent networks for sequences of unequal length."""

from ._data.containers import as_sequences, sequence_frame
from ._data.sequences import SequenceArray
from ._estimators.classifier import GRUSequenceClassifier, LSTMSequenceClassifier
from ._estimators.regressor import GRUSequenceRegressor, LSTMSequenceRegressor
from ._files.export import to_onnx
from ._files.persistence import load, save
from ._training.batches import pad_collate
from ._version import __version__ as __version__
from .inspection import audit

__all__ = [
    "GRUSequenceClassifier",
    "GRUSequenceRegressor",
    "LSTMSequenceClassifier",
    "LSTMSequenceRegressor",
    "SequenceArray",
    "as_sequences",
    "audit",
    "load",
    "pad_collate",
    "save",
    "sequence_frame",
    "to_onnx",
]
