"""What a transformer of sequences returns, for every `set_output`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import TransformerMixin

from .._data.columnar import polars_series
from .._data.containers import TABLE, as_sequences, sequence_frame
from .._data.sequences import SequenceArray
from .._sklearn import _get_output_config, _wrap_data_with_container
from .._surroundings import gives_back


class FitTransform:
    """Mixin: `fit_transform` as it is, for scikit-learn's own wraps what it returns."""

    @gives_back
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and transform the same sequences.

        Parameters
        ----------
        X : as in `fit`
        y : as in `fit`

        Returns
        -------
        as `transform`
        """
        return self.fit(X, y).transform(X)  # type: ignore[attr-defined]


def in_container(
    result: np.ndarray | SequenceArray, X: Any, transformer: TransformerMixin
) -> Any:
    """A table as scikit-learn wraps it; other sequences as they are, or in one column.

    `transform` is defined where scikit-learn does not wrap it by itself: it would
    put a name on each channel of a frame, but sequences are one column.
    """
    if result.ndim == TABLE:
        return _wrap_data_with_container("transform", result, X, transformer)
    wanted = _get_output_config("transform", transformer)["dense"]
    if wanted == "default":
        return result
    if wanted == "polars":
        return polars_series(as_sequences(result), "sequence").to_frame()
    frame = sequence_frame(result)
    index = getattr(X, "index", None)
    return frame if index is None or callable(index) else frame.set_index(index)
