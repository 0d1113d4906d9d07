"""Forecasts of a series beside what came.

Axes: n windows, h steps of the horizon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._data.checks import check_rows_match
from .._data.containers import convert
from .._data.sequences import SequenceArray
from ._axes import add_legend, check_matplotlib, new_axes, whole_steps, with_defaults

TRUTH_COLOUR, FORECAST_COLOUR = "0.35", "tab:orange"


class ForecastDisplay:
    """What came, what was forecast, and how sure the forecast was.

    Use `from_estimator` or `from_predictions` to make one. A forecast of several
    steps is a path that begins with a dot.

    Parameters
    ----------
    y_true : ndarray of shape (n_windows,) or (n_windows, horizon)
        What came behind each window; NaN where nobody knows yet.
    y_pred : ndarray like `y_true`
        What was forecast.
    steps : ndarray of shape (n_windows,)
        The step of the series that the first forecast of each window is for.
    index : ndarray of shape (n_steps,) or None, default=None
        What stands on the time axis for each step of the series.
    lower, upper : ndarray like `y_true`, or None, default=None
        Ends of an interval.
    name : str or None, default=None
        Name of the forecast in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    truth_line_ : matplotlib Line2D or None
    line_ : matplotlib Line2D
        The forecasts; NaN stands between two paths.
    interval_ : matplotlib collection or None

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skseq import GRUSequenceRegressor
    >>> from skseq.plotting import ForecastDisplay
    >>> from skseq.preprocessing import sliding_windows
    >>> X, y = sliding_windows(np.sin(np.arange(300) / 5), length=20, horizon=5)
    >>> model = GRUSequenceRegressor(hidden_size=8, max_epochs=5, random_state=0)
    >>> model.fit(X[:200], y[:200])
    GRUSequenceRegressor(hidden_size=8, max_epochs=5, random_state=0)
    >>> display = ForecastDisplay.from_estimator(model, X[200:], y[200:])
    >>> int(display.steps[0])  # behind the window that begins at step 200
    220
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        steps: np.ndarray,
        *,
        index: np.ndarray | None = None,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
        name: str | None = None,
    ) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.steps = steps
        self.index = index
        self.lower = lower
        self.upper = upper
        self.name = name

    def plot(
        self,
        ax: Any = None,
        *,
        every: int | None = None,
        plot_truth: bool = True,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
        truth_kw: dict[str, Any] | None = None,
        interval_kw: dict[str, Any] | None = None,
    ) -> ForecastDisplay:
        """Draw truth, forecasts and interval.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a new figure.
        every : int or None, default=None
            Draw the forecast of every so many windows, in the order of time. None
            draws as many as do not overlap.
        plot_truth : bool, default=True
            Whether to draw what came; once is enough for several forecasts.
        name : str or None, default=None
            Takes the place of `self.name`.
        line_kw, truth_kw : dict or None, default=None
            Passed to ``Axes.plot`` for the forecasts, and for the truth.
        interval_kw : dict or None, default=None
            Passed to ``Axes.fill_between``.

        Returns
        -------
        self
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        if every is not None and every < 1:
            raise ValueError(f"every must be 1 or more windows, got {every}.")
        ax = new_axes(figsize=(8.0, 3.6))[0] if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        name = self.name if name is None else name
        horizon = _as_paths(self.y_pred).shape[1]
        self.truth_line_ = self._plot_truth(ax, truth_kw) if plot_truth else None
        rows = self._rows(every)
        steps, forecast, starts = self._paths(self.y_pred, rows)
        label = "forecast" if name is None else name
        if horizon == 1:  # a dot only where no line can be seen
            ends = np.append(starts, len(steps) + 1)
            starts = [s for s, gap in zip(starts, np.diff(ends), strict=True) if gap == 2]
        looks = with_defaults(
            line_kw,
            color=FORECAST_COLOUR,
            marker="o" if len(starts) else "",
            markersize=4,
            markevery=starts,
            label=label if horizon == 1 else f"{label}, {horizon} steps from each dot",
        )
        (self.line_,) = ax.plot(self._times(steps), forecast, **looks)
        self.interval_ = None
        if self.lower is not None and self.upper is not None:
            self.interval_ = ax.fill_between(
                self._times(steps),
                self._paths(self.lower, rows)[1],
                self._paths(self.upper, rows)[1],
                **{
                    "color": self.line_.get_color(),
                    "alpha": 0.25,
                    "linewidth": 1,
                    "label": "interval" if name is None else f"{name}, interval",
                    **(interval_kw or {}),
                },
            )
        ax.set(xlabel="step" if self.index is None else "time", ylabel="value")
        if self.index is None:
            whole_steps(ax)
        add_legend(ax)
        return self

    def _plot_truth(self, ax: Any, truth_kw: dict[str, Any] | None) -> Any:
        steps, values = _series(self.y_true, self.steps)
        at = _ends(steps)[:-1] + 1
        steps, values = np.insert(steps, at, steps[at - 1]), np.insert(values, at, np.nan)
        alone = "." if len(steps) == 1 else ""
        looks = with_defaults(truth_kw, color=TRUTH_COLOUR, marker=alone, label="truth")
        return ax.plot(self._times(steps), values, **looks)[0]

    def _rows(self, every: int | None) -> np.ndarray:
        """The windows whose forecasts are drawn, in the order of time."""
        rows = np.argsort(self.steps, kind="stable")
        if every is not None:
            return rows[::every]
        horizon = _as_paths(self.y_pred).shape[1]
        chosen, free = [], self.steps[rows[0]]
        for row in rows:
            if self.steps[row] >= free:
                chosen.append(row)
                free = self.steps[row] + horizon
        return np.array(chosen)

    def _paths(
        self, values: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Steps and values of the paths with NaN between them, and where each begins."""
        paths = _as_paths(values)[rows]
        horizon = paths.shape[1]
        steps = (self.steps[rows, None] + np.arange(horizon)).ravel()
        # Of one step, windows that follow one another are one path.
        ends = _ends(steps) if horizon == 1 else np.arange(1, len(rows) + 1) * horizon - 1
        at = ends[:-1] + 1
        starts = np.append(0, at + np.arange(1, len(at) + 1))
        flat = np.insert(paths.ravel().astype(np.float64), at, np.nan)
        return np.insert(steps, at, steps[at - 1]), flat, starts.tolist()

    def _times(self, steps: np.ndarray) -> np.ndarray:
        return steps if self.index is None else self.index[steps]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        columns: Any = None,
        interval: tuple[Any, Any] | None = None,
        steps: Any = None,
        index: Any = None,
        ax: Any = None,
        every: int | None = None,
        plot_truth: bool = True,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
        truth_kw: dict[str, Any] | None = None,
        interval_kw: dict[str, Any] | None = None,
    ) -> ForecastDisplay:
        """Forecast what follows windows of a series, and draw it.

        Parameters
        ----------
        estimator : regressor
            Fitted on such windows.
        X : SequenceArray, or other sequences
            Windows of one series, as `sliding_windows` makes them.
        y : array-like of shape (n_windows,) or (n_windows, horizon)
            What followed them.
        columns : slice, sequence of int or None, default=None
            The columns of y that are the steps of one target, which is drawn. It must be
            said where X has several channels and y several columns, which may be targets:
            ``slice(None)`` if they are all steps of one, ``slice(0, None, 2)`` for the
            first of two targets of `sliding_windows`.
        interval : (estimator, estimator) or None, default=None
            Two fitted regressors that predict the interval's lower and upper end, such
            as models of two quantiles.
        steps : array-like of shape (n_windows,), default=None
            The step of the series that the first forecast of each window is for. None
            reads the ``spans`` of a `SequenceArray`, and counts from 0 where there are
            none: one window, one step.
        index : array-like of shape (n_steps,), default=None
            Dates, or whatever belongs to each step of the series that `X` was cut from.
        ax, every, plot_truth, name, line_kw, truth_kw, interval_kw
            See `plot`.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        ValueError
            As in `from_predictions`, or if nobody can know whether the columns of y are
            steps or targets.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        if interval is not None and len(interval) != 2:
            raise ValueError(
                f"interval must be two estimators, lower and upper; got {len(interval)}."
            )
        estimators = [estimator, *(interval or ())]
        for one in estimators:
            check_is_fitted(one)
        sequences = convert(X)[0]
        check_rows_match(sequences, "X", y=y)
        y = _of_one_target(np.asarray(y), columns, sequences.n_channels)
        if steps is None and isinstance(X, SequenceArray) and X.spans is not None:
            steps = X.spans[:, 1]
        y_pred, *ends = (
            _of_one_target(one.predict(X), columns, sequences.n_channels)
            for one in estimators
        )
        lower, upper = ends or (None, None)
        return cls.from_predictions(
            y,
            y_pred,
            steps=steps,
            index=index,
            lower=lower,
            upper=upper,
            ax=ax,
            every=every,
            plot_truth=plot_truth,
            name=name,
            line_kw=line_kw,
            truth_kw=truth_kw,
            interval_kw=interval_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        steps: Any = None,
        index: Any = None,
        lower: Any = None,
        upper: Any = None,
        ax: Any = None,
        every: int | None = None,
        plot_truth: bool = True,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
        truth_kw: dict[str, Any] | None = None,
        interval_kw: dict[str, Any] | None = None,
    ) -> ForecastDisplay:
        """Draw forecasts that there are already.

        Parameters
        ----------
        y_true : array-like of shape (n_windows,) or (n_windows, horizon)
            What came; NaN where nobody knows yet. Of several targets pass the columns of
            one, for example ``y[:, ::2]`` for the first of two.
        y_pred : array-like like `y_true`
            What was forecast.
        steps : array-like of shape (n_windows,), default=None
            The step of the series that the first forecast of each window is for.
            None counts from 0: one window, one step.
        index : array-like of shape (n_steps,), default=None
            Dates, or whatever belongs to each step of the series.
        lower, upper : array-like like `y_true`, default=None
            Ends of an interval; both or neither.
        ax, every, plot_truth, name, line_kw, truth_kw, interval_kw
            See `plot`.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ValueError
            If shapes differ, `index` is too short, one end of the interval is missing or
            the ends are exchanged, or `y_true` says two things of one step.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        y_true = _numbers(y_true, "y_true")
        y_pred = _numbers(y_pred, "y_pred", y_true)
        if (lower is None) != (upper is None):
            raise ValueError("Pass both of lower and upper, or neither.")
        if lower is not None:
            lower, upper = (
                _numbers(ends, end, y_true)
                for ends, end in ((lower, "lower"), (upper, "upper"))
            )
            if (lower > upper).all():
                raise ValueError("lower is above upper everywhere; exchange them.")
        steps = np.arange(len(y_true)) if steps is None else np.asarray(steps)
        if steps.shape != (len(y_true),) or steps.dtype.kind not in "iu":
            raise ValueError(
                f"steps must be a whole number for each of the {len(y_true)} windows; for "
                "dates pass index."
            )
        steps = steps.astype(np.int64)  # a sum of unsigned ones may be a fraction
        last = int(steps.max()) + _as_paths(y_true).shape[1] - 1
        index = None if index is None else np.asarray(index)
        if index is not None and last >= len(index):
            raise ValueError(
                f"index has {len(index)} entries, but a forecast is for step {last} of the "
                "series (counted from 0); pass an entry for each step."
            )
        _series(y_true, steps)
        display = cls(
            y_true, y_pred, steps, index=index, lower=lower, upper=upper, name=name
        )
        return display.plot(
            ax,
            every=every,
            plot_truth=plot_truth,
            line_kw=line_kw,
            truth_kw=truth_kw,
            interval_kw=interval_kw,
        )


def _numbers(values: Any, name: str, like: np.ndarray | None = None) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{name} must have the shape (n_windows,) or (n_windows, horizon), got "
            f"{array.shape}."
        )
    if like is not None and array.shape != like.shape:
        raise ValueError(
            f"{name} has the shape {array.shape}, but y_true has {like.shape}; they must "
            "be equal."
        )
    return array


def _of_one_target(values: np.ndarray, columns: Any, n_channels: int) -> np.ndarray:
    """The columns to draw, which are steps, not targets."""
    if values.ndim < 2 or values.shape[1] == 1:
        return values
    if columns is None and n_channels > 1:
        raise ValueError(
            f"y has {values.shape[1]} columns and X {n_channels} channels, so the columns "
            "may be steps or targets. Say which are the steps of one target: "
            "columns=slice(None) if all are, columns=slice(0, None, 2) for the first of "
            "two targets."
        )
    return values if columns is None else values[:, columns]


def _as_paths(values: np.ndarray) -> np.ndarray:
    """One row for each window, (n, h)."""
    return values.reshape(len(values), -1)


def _series(y_true: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every step that is known, in order, and what came there."""
    values = _as_paths(y_true)
    at = (steps[:, None] + np.arange(values.shape[1])).ravel()
    values = values.ravel()
    known = ~np.isnan(values)
    if not known.any():
        known[:] = True
    at, values = at[known], values[known]
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    again = at[1:] == at[:-1]
    differs = again & ~np.isclose(values[1:], values[:-1], equal_nan=True)
    if differs.any():
        step = at[1:][differs][0]
        raise ValueError(
            f"y_true says two things of step {step}: the rows are not windows of one "
            "series in the order of time, or the columns are not the steps of one target. "
            "Pass steps, the step that the first forecast of each row is for, or the "
            "columns of one target."
        )
    first = np.append(True, ~again)
    return at[first], values[first]


def _ends(steps: np.ndarray) -> np.ndarray:
    """Where runs of evenly spaced steps end."""
    gaps = np.diff(steps)
    widest = gaps.min() if len(gaps) else 1
    return np.append(np.flatnonzero(gaps > widest), len(steps) - 1)
