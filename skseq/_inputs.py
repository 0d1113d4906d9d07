"""What an estimator learns of its input in `fit`, and checks ever after."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import validate_data

from ._warning import warn
from .containers import TABLE, convert, named_columns
from .sequences import SequenceArray, check_steps


class SequenceInputs:
    """Mixin: sequences have a number of channels; a table has a number of steps too."""

    n_channels_: int
    n_features_in_: int
    _is_table: bool

    def _check_X(
        self,
        X: Any,
        y: Any = "no_validation",
        *,
        reset: bool,
        finite: bool = True,
        name: str = "X",
    ) -> tuple[SequenceArray, int]:
        """Sequences and dimensions of `convert`, with names and values checked.

        With `reset` the layout is left to be learnt by `_learn_layout`.
        """
        sequences, ndim = convert(X, name)
        columns = named_columns(X, ndim == TABLE) if len(sequences) else None
        if columns is None and not reset and "feature_names_in_" in vars(self):
            columns = sequences  # which have no names, and scikit-learn warns of that
        if columns is not None or not isinstance(y, str):
            columns = "no_validation" if columns is None else columns
            validate_data(
                self, columns, y, skip_check_array=True, ensure_2d=False, reset=reset
            )
        elif reset:
            vars(self).pop("feature_names_in_", None)
        check_steps(sequences, name, finite=finite)
        if not reset:
            self._check_layout(sequences, ndim, name)
        return sequences, ndim

    def _learn_layout(self, sequences: SequenceArray, ndim: int) -> None:
        self.n_channels_ = sequences.n_channels
        self._is_table = ndim == TABLE
        # To scikit-learn the columns of a table are features, which are the
        # time steps here; other containers have channels and free lengths.
        steps = int(sequences.lengths[0])
        self.n_features_in_ = steps if self._is_table else self.n_channels_

    def _check_layout(self, sequences: SequenceArray, ndim: int, name: str) -> None:
        estimator = type(self).__name__
        same_steps = sequences.lengths[0] == self.n_features_in_
        if ndim == TABLE and self._is_table and not same_steps:
            raise ValueError(
                f"{name} has {sequences.lengths[0]} features, but {estimator} is expecting "
                f"{self.n_features_in_} features as input. Pass a list of arrays for "
                "sequences of other lengths."
            )
        # Of one row, both readings are the same.
        is_column = ndim == TABLE and sequences.lengths[0] == 1 and len(sequences) > 1
        if is_column and not self._is_table:
            warn(
                f"{name} is read as {len(sequences)} sequences of one step each. A single "
                "sequence x is passed as [x]."
            )
        if sequences.n_channels != self.n_channels_:
            raise ValueError(
                f"Sequence 0 of {name} has {sequences.n_channels} channels, like all of "
                f"them, but {estimator} was fitted on {self.n_channels_}. Pass the same "
                "channels; a single sequence x is passed as [x]."
            )
