"""What an estimator learns of its input in `fit`, and checks ever after."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from .._warning import warn
from .columnar import is_frame
from .containers import TABLE, convert
from .sequences import SequenceArray, check_steps


class SequenceInputs:
    """Mixin: sequences have channels, and may stand in a frame, which has columns."""

    n_channels_: int
    channel_names_: np.ndarray | None
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
        """Sequences and dimensions of `convert`; with `reset` their layout is learnt."""
        sequences, ndim = convert(X, name)
        columns = self._columns_to_check(X, sequences, ndim, reset=reset)
        if columns is not None or not isinstance(y, str):
            columns = "no_validation" if columns is None else columns
            validate_data(
                self, columns, y, skip_check_array=True, ensure_2d=False, reset=reset
            )
        check_steps(sequences, name, finite=finite)
        if reset:
            self._learn_layout(X, sequences, ndim)
        else:
            self._check_layout(sequences, ndim, name)
        return sequences, ndim

    def _columns_to_check(
        self, X: Any, sequences: SequenceArray, ndim: int, *, reset: bool
    ) -> Any:
        """What has the names of columns that scikit-learn compares, or None.

        The columns of a table are time steps, and scikit-learn warns where names are
        missing on one side. A frame with a column of sequences is one container among
        others, so names are compared where both sides have them.
        """
        if reset:
            vars(self).pop("feature_names_in_", None)
        if not len(sequences):
            return None
        if reset or ndim == TABLE:
            columns = X if is_frame(X) else None
        else:
            columns = X if is_frame(X) and "feature_names_in_" in vars(self) else None
        if columns is None and not reset and self._has_named_steps():
            return sequences  # which have no names
        return columns

    def _has_named_steps(self) -> bool:
        return self._is_table and "feature_names_in_" in vars(self)

    def _learn_layout(self, X: Any, sequences: SequenceArray, ndim: int) -> None:
        names = sequences.channel_names
        self.n_channels_ = sequences.n_channels
        self.channel_names_ = None if names is None else np.array(names, dtype=object)
        self._is_table = ndim == TABLE
        # scikit-learn counts the columns of a table as features. They are time steps here;
        # other containers have channels, and lengths are free.
        if self._is_table:
            self.n_features_in_ = int(sequences.lengths[0])
        else:
            self.n_features_in_ = 1 if is_frame(X) else self.n_channels_

    def _check_layout(self, sequences: SequenceArray, ndim: int, name: str) -> None:
        estimator = type(self).__name__
        same_steps = sequences.lengths[0] == self.n_features_in_
        if ndim == TABLE and self._is_table and not same_steps:
            raise ValueError(
                f"{name} has {sequences.lengths[0]} features, but {estimator} is expecting "
                f"{self.n_features_in_} features as input. Pass a list of arrays for "
                "sequences of other lengths."
            )
        # A single row is the same sequence in both readings.
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
        names, learnt = sequences.channel_names, self.channel_names_
        if names is not None and learnt is not None and list(names) != learnt.tolist():
            raise ValueError(
                f"The channels of {name} are {list(names)}, but {estimator} was fitted on "
                f"{learnt.tolist()}; pass the same ones in the same order."
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "n_channels_" in state and "channel_names_" not in state:
            # Earlier files keep the names of channels under the attribute for columns.
            state.pop("_channel_names", None)
            names = None if state["_is_table"] else state.pop("feature_names_in_", None)
            state["channel_names_"] = names
        super().__setstate__(state)  # type: ignore[misc]
