"""Transformers that turn tables of settings into sequences, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._sklearn import Interval
from ..datasets._common import (
    COMMON_CONSTRAINTS,
    PROBABILITY,
    RowStreams,
    SharedStream,
    balanced_labels,
    contain,
    draw_lengths,
    draw_range,
    one_of,
)
from ..datasets._pattern import draw_of_class, pattern_automaton
from ..datasets._sine import (
    FREQUENCY,
    NUMBER_OR_RANGE,
    PHASE,
    sine_targets,
    sine_windows,
)
from ..datasets._symbols import LOADED, check_loaded, draw_rolls, rolls_posterior
from ..datasets._trigger import (
    HARD,
    IN_TIME,
    N_CHANNELS,
    NOTHING,
    draw_events,
    draw_trigger_lengths,
    hard_among,
)
from ._generator import SequenceGenerator


class SineGenerator(SequenceGenerator):
    """Make noisy sine waves from frequency, phase, amplitude and trend.

    The waves are those of `skseq.datasets.make_sine_sequences`. Time counts from
    the first value to forecast, so that `n_timesteps` and `noise` can be searched
    while the targets stay what they are.

    Parameters
    ----------
    n_timesteps : int or (int, int), default=50
        Steps of each window, or the range from which a row draws it.
    horizon : int, default=1
        Number of values to forecast.
    noise : float, default=0.1
        Standard deviation of the noise.
    frequency, phase, amplitude, trend : float or (float, float), \
default=(0.02, 0.05), (0, 2 * pi), 1.0 and 0.0
        What `draw_settings` draws for each row: a number, or from a range.

    Attributes
    ----------
    setting_names : tuple of str
        "seed", "frequency", "phase", "amplitude", "trend".
    n_features_in_ : int
        Columns of the table.
    feature_names_in_ : ndarray of str
        Their names, if the table was a DataFrame.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import GRUSequenceRegressor
    >>> from skseq.preprocessing import SineGenerator
    >>> waves = SineGenerator(noise=0.1)
    >>> table = waves.draw_settings(100, random_state=0)
    >>> waves.transform(table).shape
    (100, 50)
    >>> search = GridSearchCV(
    ...     make_pipeline(waves, GRUSequenceRegressor(max_epochs=2)),
    ...     {"sinegenerator__noise": [0.1, 0.5], "sinegenerator__n_timesteps": [20, 50]},
    ...     cv=2,
    ... )
    >>> search = search.fit(table, waves.targets(table))
    """

    setting_names = ("seed", "frequency", "phase", "amplitude", "trend")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": COMMON_CONSTRAINTS["n_timesteps"],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "frequency": NUMBER_OR_RANGE,
        "phase": NUMBER_OR_RANGE,
        "amplitude": NUMBER_OR_RANGE,
        "trend": NUMBER_OR_RANGE,
    }

    def __init__(
        self,
        *,
        n_timesteps: int | tuple[int, int] = 50,
        horizon: int = 1,
        noise: float = 0.1,
        frequency: float | tuple[float, float] = FREQUENCY,
        phase: float | tuple[float, float] = PHASE,
        amplitude: float | tuple[float, float] = 1.0,
        trend: float | tuple[float, float] = 0.0,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.horizon = horizon
        self.noise = noise
        self.frequency = frequency
        self.phase = phase
        self.amplitude = amplitude
        self.trend = trend

    def targets(self, X: Any) -> np.ndarray:
        """The next `horizon` values of each row's wave, with noise.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, horizon) if horizon > 1
        """
        return self._futures(X)[1]

    def best_predictions(self, X: Any) -> np.ndarray:
        """The next `horizon` values without noise, like `targets`."""
        return self._futures(X)[0]

    def _draw(self, random: SharedStream) -> list[np.ndarray]:
        names = self.setting_names[1:]
        return [draw_range(random, getattr(self, name), name) for name in names]

    def _make(self, table: np.ndarray) -> Any:
        streams = RowStreams(table[:, 0])
        lengths = draw_lengths(streams, self.n_timesteps, 1, "")
        _, noisy = sine_windows(streams, lengths, self.noise, **self._wave(table))
        return contain(noisy, lengths, self.n_timesteps)

    def _futures(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        table = self._check_table(X, reset=False)
        streams = RowStreams(table[:, 0], purpose=1)  # the window's noise is another
        return sine_targets(streams, self.horizon, self.noise, **self._wave(table))

    def _wave(self, table: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self.setting_names[1:], table[:, 1:].T, strict=True))


class _LabelledGenerator(SequenceGenerator):
    """The class of a sequence is a column of its table."""

    def targets(self, X: Any) -> np.ndarray:
        """The class of each row's sequence: its label.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)

        Returns
        -------
        ndarray of int of shape (n_samples,)
        """
        return self._check_table(X, reset=False)[:, 1].astype(np.int64)

    def best_predictions(self, X: Any) -> np.ndarray:
        """The probability of class 1, given the sequence; here it can be seen.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.targets(X).astype(np.float64)

    def _draw(self, random: SharedStream) -> list[np.ndarray]:
        return [balanced_labels(random.generator, random.n_rows)]


class PatternGenerator(_LabelledGenerator):
    """Make sequences of symbols with or without a pattern.

    The sequences are those of `skseq.datasets.make_pattern_sequences`: uniform
    among all of the row's length and class.

    Parameters
    ----------
    pattern : sequence of int, default=(1, 1, 0)
        Symbols that must follow one another directly.
    n_timesteps : int or (int, int), default=20
        Steps of each sequence, or the range from which a row draws it.
    n_symbols : int, default=2
        The symbols are 0 to ``n_symbols - 1``.

    Attributes
    ----------
    setting_names : tuple of str
        "seed", "label".
    n_features_in_ : int
        Columns of the table.
    feature_names_in_ : ndarray of str
        Their names, if the table was a DataFrame.

    Examples
    --------
    >>> from skseq.preprocessing import PatternGenerator
    >>> generator = PatternGenerator(n_timesteps=8)
    >>> generator.transform([[0, 1], [1, 1], [0, 0]])
    array([[1, 1, 1, 1, 1, 0, 1, 1],
           [0, 1, 0, 1, 1, 1, 0, 0],
           [1, 0, 1, 0, 1, 0, 1, 1]])
    """

    setting_names = ("seed", "label")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "pattern": [tuple, list, np.ndarray],
        "n_timesteps": COMMON_CONSTRAINTS["n_timesteps"],
        "n_symbols": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        *,
        pattern: Sequence[int] = (1, 1, 0),
        n_timesteps: int | tuple[int, int] = 20,
        n_symbols: int = 2,
    ) -> None:
        self.pattern = pattern
        self.n_timesteps = n_timesteps
        self.n_symbols = n_symbols

    def _make(self, table: np.ndarray) -> Any:
        automaton = pattern_automaton(self.pattern, self.n_symbols)
        streams = RowStreams(table[:, 0])
        minimum = len(self.pattern)
        lengths = draw_lengths(streams, self.n_timesteps, minimum, "to hold the pattern")
        labels = table[:, 1].astype(np.int64)
        block = draw_of_class(streams, labels, lengths, automaton)
        return contain(block, lengths, self.n_timesteps)


class TriggerActionGenerator(_LabelledGenerator):
    """Make five-channel sequences in which an action follows a trigger, or does not.

    The sequences are those of `skseq.datasets.make_trigger_action_sequences`.

    Parameters
    ----------
    n_timesteps : int or (int, int), default=30
        Steps of each sequence, or the range from which a row draws it.
    max_delay : int, default=5
        The longest delay of class 1, in steps.
    noise : float in [0, 1), default=0.5
        Upper end of the noise.
    hard_negatives : float in [0, 1], default=0.0
        Share of class 0 that `draw_settings` makes hard negatives.

    Attributes
    ----------
    setting_names : tuple of str
        "seed", "label", "hard". A row of class 0 with ``hard=1`` is a trigger
        alone, an action alone, both in the wrong order, or an action too late;
        for class 1 it means nothing.
    n_features_in_ : int
        Columns of the table.
    feature_names_in_ : ndarray of str
        Their names, if the table was a DataFrame.

    Examples
    --------
    >>> from skseq.preprocessing import TriggerActionGenerator
    >>> generator = TriggerActionGenerator(hard_negatives=0.5)
    >>> table = generator.draw_settings(10, random_state=0)
    >>> generator.transform(table).shape, generator.targets(table).sum()
    ((10, 30, 5), np.int64(5))
    """

    setting_names = ("seed", "label", "hard")
    _n_channels = N_CHANNELS

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": COMMON_CONSTRAINTS["n_timesteps"],
        "max_delay": [Interval(Integral, 0, None, closed="left")],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "hard_negatives": [PROBABILITY],
    }

    def __init__(
        self,
        *,
        n_timesteps: int | tuple[int, int] = 30,
        max_delay: int = 5,
        noise: float = 0.5,
        hard_negatives: float = 0.0,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.max_delay = max_delay
        self.noise = noise
        self.hard_negatives = hard_negatives

    def _draw(self, random: SharedStream) -> list[np.ndarray]:
        labels = balanced_labels(random.generator, random.n_rows)
        hard = np.zeros(random.n_rows)
        hard[hard_among(random.generator, labels, self.hard_negatives)] = 1
        return [labels, hard]

    def _make(self, table: np.ndarray) -> Any:
        streams = RowStreams(table[:, 0])
        is_hard = (table[:, 1] == 0) & (table[:, 2] == 1)
        lengths = draw_trigger_lengths(
            streams, self.n_timesteps, self.max_delay, bool(is_hard.any())
        )
        hard_kind = HARD[one_of(streams.uniform(1)[:, 0], len(HARD))]
        kinds = np.where(table[:, 1] == 1, IN_TIME, np.where(is_hard, hard_kind, NOTHING))
        block, _, _ = draw_events(streams, kinds, lengths, self.max_delay, self.noise)
        return contain(block, lengths, self.n_timesteps)


class SymbolGenerator(_LabelledGenerator):
    """Make rolls of a die that is fair, or swapped for a loaded one now and then.

    The sequences are those of `skseq.datasets.make_symbol_sequences`.

    Parameters
    ----------
    n_timesteps : int or (int, int), default=(20, 100)
        Rolls of each sequence, or the range from which a row draws it.
    p_load, p_unload : float in [0, 1], default=0.05 and 0.1
        Probabilities of a swap before a roll.
    loaded : sequence of 6 floats, default=(0.1, 0.1, 0.1, 0.1, 0.1, 0.5)
        Probabilities of the loaded die's faces.

    Attributes
    ----------
    setting_names : tuple of str
        "seed", "label".
    n_features_in_ : int
        Columns of the table.
    feature_names_in_ : ndarray of str
        Their names, if the table was a DataFrame.

    Examples
    --------
    >>> from skseq.preprocessing import SymbolGenerator
    >>> generator = SymbolGenerator()
    >>> table = generator.draw_settings(100, random_state=0)
    >>> generator.transform(table)
    SequenceArray(100 sequences of 20 to 99 steps, 1 channel, int64)
    """

    setting_names = ("seed", "label")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": COMMON_CONSTRAINTS["n_timesteps"],
        "p_load": [PROBABILITY],
        "p_unload": [PROBABILITY],
        "loaded": [tuple, list, np.ndarray],
    }

    def __init__(
        self,
        *,
        n_timesteps: int | tuple[int, int] = (20, 100),
        p_load: float = 0.05,
        p_unload: float = 0.1,
        loaded: Sequence[float] = LOADED,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.p_load = p_load
        self.p_unload = p_unload
        self.loaded = loaded

    def best_predictions(self, X: Any) -> np.ndarray:
        """The exact probability of class 1, given the sequence.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_settings)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        rolls, lengths = self._roll(self._check_table(X, reset=False))
        return rolls_posterior(rolls, lengths, self.p_load, self.p_unload, self.loaded)

    def _make(self, table: np.ndarray) -> Any:
        rolls, lengths = self._roll(table)
        return contain(rolls, lengths, self.n_timesteps)

    def _roll(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        check_loaded(self.loaded)
        streams = RowStreams(table[:, 0])
        lengths = draw_lengths(streams, self.n_timesteps, 1, "")
        labels = table[:, 1].astype(np.int64)
        rolls, _ = draw_rolls(
            streams, labels, lengths, self.p_load, self.p_unload, self.loaded
        )
        return rolls, lengths
