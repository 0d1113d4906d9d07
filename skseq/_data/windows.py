"""Windows of a long series, and a split that keeps them apart in time."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_scalar

from .._sklearn import Interval, validate_params
from .arrays import as_array
from .columnar import column_names, is_frame
from .sequences import SequenceArray
from .values import numbers_or_text, read_frame

__all__ = ["WindowSplit", "sliding_windows"]

_POSITIVE = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "length": _POSITIVE,
        "horizon": _POSITIVE,
        "stride": _POSITIVE,
        "target": [Integral, str, list, tuple, None],
    },
    prefer_skip_nested_validation=True,
)
def sliding_windows(
    series: Any,
    length: int,
    horizon: int = 1,
    stride: int = 1,
    *,
    target: Any = None,
) -> tuple[SequenceArray, np.ndarray]:
    """Windows of a long series, and the values that follow each of them.

    Nothing is copied: the windows overlap in the memory of `series`, which may
    be a memory-mapped file. Use it before the pipeline, as it changes the number
    of rows. To forecast beyond the end, predict from ``[series[-length:]]``.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_steps, n_channels)
        Steps in the order of time.
    length : int
        Steps in each window.
    horizon : int, default=1
        Number of steps to forecast, right behind the window.
    stride : int, default=1
        Steps from the beginning of one window to that of the next.
    target : int, str, list of these or None, default=None
        The channel, or channels, to forecast: counted from 0, or columns of a
        DataFrame by name. None forecasts every column.

    Returns
    -------
    X : SequenceArray
        ``(n_steps - length - horizon) // stride + 1`` windows. The columns of a
        DataFrame name its channels.
    y : ndarray of shape (n_windows,) or (n_windows, horizon * n_targets)
        The values that follow; of several targets, those of the first step come
        first. Of one target it is a read-only view.

    Raises
    ------
    ValueError
        If the series is shorter than one window and its horizon, has no such
        channel, or a value to forecast is missing. Other values may be missing:
        impute them behind, with `PerTimestep`.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.preprocessing import sliding_windows
    >>> series = np.arange(100.0)
    >>> X, y = sliding_windows(series, length=10, horizon=2, stride=5)
    >>> X
    SequenceArray(18 sequences of 10 steps, 1 channel, float64)
    >>> X[1].ravel()[[0, -1]], y[1]
    (array([ 5., 14.]), array([15., 16.]))
    >>> np.shares_memory(X.values, series) and np.shares_memory(y, series)
    True
    """
    names = column_names(series) if is_frame(series) else []
    series = _check_series(series)
    channels = _channels(target, names, series.shape[1])
    last = len(series) - length - horizon
    if last < 0:
        raise ValueError(
            f"series has {len(series)} steps, but one window of {length} and a horizon of "
            f"{horizon} need {length + horizon}; pass a longer series or a smaller length."
        )
    starts = np.arange(0, last + 1, stride)
    X = SequenceArray(series, np.full(len(starts), length), starts).with_names(names)
    targets = series[:, channels][length:]
    missing = ~np.isfinite(targets).all(axis=1)
    if missing.any():
        raise ValueError(
            f"series is NaN or infinite at step {length + int(missing.argmax())} of a "
            "channel to forecast; fill the gap, for example by interpolation, first."
        )
    following = np.lib.stride_tricks.sliding_window_view(targets, horizon, axis=0)[::stride]
    # (windows, targets, horizon): one target stays a view.
    if following.shape[1] == 1:
        y = following[:, 0]
    else:
        y = following.transpose(0, 2, 1).reshape(len(starts), -1)
    return X, y[:, 0] if y.shape[1] == 1 else y


def _check_series(series: Any) -> np.ndarray:
    """The series as numbers of shape (n_steps, n_channels); some may be missing."""
    is_table = is_frame(series)
    array = read_frame(series, "series") if is_table else as_array(series, "series")
    if array is None:
        raise _series_error("lists of unequal length")
    if array.dtype.kind not in "iufb":
        array = numbers_or_text(array, "series")
    if array.dtype.kind == "U" or array.ndim not in (1, 2):
        raise _series_error(f"{array.dtype} of shape {array.shape}")
    return array[:, None] if array.ndim == 1 else array


def _series_error(found: str) -> ValueError:
    return ValueError(
        "series must be numbers of shape (n_steps,) or (n_steps, n_channels), got "
        f"{found}. Leave out dates and names; several series are cut one by one."
    )


def _channels(target: Any, names: list[Any], n_channels: int) -> slice | list[int]:
    """The channels to forecast. One is a slice, so that it stays a view."""
    if target is None:
        return slice(None)
    asked = [target] if isinstance(target, (str, Integral)) else list(target)
    positions: list[Any] = [names.index(a) if a in names else a for a in asked]
    exist = [type(p) is not bool and p in range(n_channels) for p in positions]
    whole = [isinstance(p, Integral) for p in positions]
    if not positions or not all(exist + whole):
        raise ValueError(
            f"target={target!r} names no channel of a series that has {n_channels}"
            f"{f' ({names})' if names else ''}; channels are counted from 0."
        )
    chosen = [int(p) for p in positions]
    return slice(chosen[0], chosen[0] + 1) if len(chosen) == 1 else chosen


class WindowSplit:
    """Cross-validation of overlapping windows, with nothing across the cut.

    Each cut is a moment: training windows end before it, with all that they
    forecast; test windows begin after it. Windows that straddle it are used by
    neither side. As in scikit-learn's `TimeSeriesSplit`, time is divided into
    ``n_splits + 1`` equal parts; split i trains on the first i parts and
    tests on the next one.

    Where windows lie is read from the ``spans`` of the `SequenceArray`, so stride and
    unequal lengths need not be told. They stay with the windows through
    `PerTimestep`, `SequenceArray.map` and an estimator's embedding, and are lost in
    arrays, lists and frames.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits.
    horizon : int
        Steps behind each window that y holds, as in `sliding_windows`. The windows
        do not know it, so it has to be said.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.preprocessing import WindowSplit, sliding_windows
    >>> X, y = sliding_windows(np.arange(100.0), length=10)
    >>> for train, test in WindowSplit(n_splits=3, horizon=1).split(X):
    ...     print(f"train {train[0]} to {train[-1]}, test {test[0]} to {test[-1]}")
    train 0 to 14, test 25 to 39
    train 0 to 39, test 50 to 64
    train 0 to 64, test 75 to 89
    """

    def __init__(self, n_splits: int = 5, *, horizon: int) -> None:
        check_scalar(n_splits, "n_splits", Integral, min_val=1)
        check_scalar(horizon, "horizon", Integral, min_val=1)
        self.n_splits = n_splits
        self.horizon = horizon

    def split(
        self, X: SequenceArray, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows to train on and rows to test on, for each cut.

        Parameters
        ----------
        X : SequenceArray
            Windows of one series, as `sliding_windows` makes them.
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        TypeError
            If X does not know where its windows lie: its ``spans`` are None, or it is
            no `SequenceArray`.
        ValueError
            If a side is empty because the windows are long for so many splits.
        """
        if not isinstance(X, SequenceArray) or X.spans is None:
            raise TypeError(
                "WindowSplit needs windows that know where in their series they lie; pass "
                "the SequenceArray that sliding_windows returns, or one that is made with "
                "starts. Arrays, lists and frames do not know it."
            )
        begins, ends = X.spans[:, 0], X.spans[:, 1] + self.horizon
        begin, end = int(begins.min()), int(ends.max())
        part = (end - begin) // (self.n_splits + 1)
        for i in range(self.n_splits):
            cut = end - (self.n_splits - i) * part
            train = np.flatnonzero(ends <= cut)
            test = np.flatnonzero((begins >= cut) & (ends <= cut + part))
            if not (len(train) and len(test)):
                longest = int((ends - begins).max())
                raise ValueError(
                    f"No window fits beside the cut at step {cut}: parts have {part} "
                    f"steps, a window with its horizon up to {longest}. Use fewer splits "
                    "or shorter windows."
                )
            yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of splits; the arguments are ignored."""
        return self.n_splits
