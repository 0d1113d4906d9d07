"""What generators share: a table of settings in, a sequence for each row out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_scalar, validate_data

from .._data.arrays import without_mask
from .._data.checks import draw_seed
from .._data.containers import as_sequences
from .._surroundings import gives_back
from .._warning import warn
from ..datasets._common import SharedStream
from ._output import FitTransform, in_container

# Seeds are kept in a table of float64, which holds whole numbers up to here.
MAX_SEED = 2**53


class _MakesSequences(FitTransform, ABC):
    """The method that scikit-learn must not wrap for `set_output`: see `_output.py`."""

    @gives_back
    def transform(self, X: Any) -> Any:
        """Make the sequence of each row.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)
            As `draw_settings` makes it. A row's sequence depends on nothing else.

        Returns
        -------
        ndarray, or SequenceArray if `n_timesteps` is a range
        """
        made = self._make(self._check_table(X, reset=False))
        return in_container(made, X, self)

    @abstractmethod
    def _check_table(self, X: Any, *, reset: bool) -> np.ndarray:
        """The table as an array."""

    @abstractmethod
    def _make(self, table: np.ndarray) -> Any:
        """The sequences of a table."""


class SequenceGenerator(_MakesSequences, TransformerMixin, BaseEstimator):
    """Base of all generators: a table of settings in, sequences out."""

    #: Names of the table's columns, in their order.
    setting_names: ClassVar[tuple[str, ...]]

    n_timesteps: Any
    _n_channels: ClassVar[int] = 1

    @abstractmethod
    def _draw(self, random: SharedStream) -> list[np.ndarray]:
        """The columns behind the seed, at random."""

    @abstractmethod
    def targets(self, X: Any) -> np.ndarray:
        """What is to be learnt of each row's sequence."""

    @abstractmethod
    def best_predictions(self, X: Any) -> np.ndarray:
        """The best that a model could say of each row's sequence."""

    @gives_back
    def fit(self, X: Any, y: Any = None) -> SequenceGenerator:
        """Check the table; there is nothing to learn from it.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)
        y : object
            Ignored.

        Returns
        -------
        self
        """
        self._check_table(X, reset=True)
        return self

    def draw_settings(self, n_samples: int, random_state: Any = None) -> np.ndarray:
        """A table of settings whose sequences all differ.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        random_state : int, RandomState instance or None, default=None
            Same number, same table.

        Returns
        -------
        ndarray of shape (n_samples, n_settings)
            Its columns are `setting_names`.

        Raises
        ------
        ValueError
            If there are not so many different sequences.
        """
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        generator = np.random.default_rng(draw_seed(random_state))
        self._validate_params()
        columns = self._draw(SharedStream(generator, n_samples))
        seeds = generator.integers(MAX_SEED, size=n_samples)
        table = np.column_stack([seeds, *columns]).astype(np.float64)
        for _ in range(100):
            again = _repeated(self._make(table))
            if not len(again):
                return table
            table[again, 0] = generator.integers(MAX_SEED, size=len(again))
        raise ValueError(
            f"Not so many different sequences can be drawn: of {n_samples} rows, "
            f"{len(again)} repeat another. Draw fewer rows, or let the parameters leave "
            "more to chance (a larger n_timesteps, noise, wider ranges)."
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the steps where sequences are a table, otherwise of the channels.

        Parameters
        ----------
        input_features : object
            Ignored.

        Returns
        -------
        ndarray of str
        """
        if self._n_channels == 1 and isinstance(self.n_timesteps, Integral):
            names = [f"step{i}" for i in range(int(self.n_timesteps))]
        else:
            names = [f"channel{i}" for i in range(self._n_channels)]
        return np.array(names, dtype=object)

    def _check_table(self, X: Any, *, reset: bool) -> np.ndarray:
        self._validate_params()
        X = without_mask(X, "X")
        names = list(self.setting_names)
        if hasattr(X, "columns") and set(X.columns) == set(names):
            X = X[names]
        elif hasattr(X, "columns"):
            missing = [name for name in names if name not in list(X.columns)]
            unknown = [name for name in X.columns if name not in names]
            found = f"missing columns {missing} and unknown columns {unknown}"
            raise ValueError(self._wrong_columns(found))
        if reset:
            table = validate_data(self, X, dtype=np.float64)
            if len(np.unique(table, axis=0)) < len(table):
                warn(
                    "Some rows of the table are equal, and so are their sequences: they "
                    "may stand in training and test data at once. Give each row a seed "
                    "of its own."
                )
        else:
            # Names are known to be right; scikit-learn would compare them with fit's.
            table = check_array(X, dtype=np.float64, estimator=self, input_name="X")
        if table.shape[1] != len(names):
            raise ValueError(self._wrong_columns(f"{table.shape[1]} features"))
        whole = (table[:, 0] >= 0) & (table[:, 0] < MAX_SEED) & (table[:, 0] % 1 == 0)
        self._check_column(whole, "seed", "a whole number, at least 0 and below 2 ** 53")
        for column, name in enumerate(names):
            if name in ("label", "hard"):
                binary = np.isin(table[:, column], (0, 1))
                self._check_column(binary, name, "0 or 1")
        return table

    def _wrong_columns(self, found: str) -> str:
        names = self.setting_names
        return (
            f"X has {found}, but {type(self).__name__} is expecting {len(names)} features "
            f"as input: {', '.join(names)}. draw_settings makes such a table."
        )

    def _check_column(self, good: np.ndarray, name: str, what: str) -> None:
        if not good.all():
            raise ValueError(f"Row {good.argmin()} of X: {name} must be {what}.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _repeated(X: Any) -> np.ndarray:
    """Rows whose sequence an earlier row has already."""
    seen: set[bytes] = set()
    rows = []
    for i, sequence in enumerate(as_sequences(X)):
        content = sequence.tobytes()
        if content in seen:
            rows.append(i)
        seen.add(content)
    return np.array(rows, dtype=np.int64)
