"""Windows of a long series, and a split that keeps them apart in time."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_scalar

from .sequences import SequenceArray

__all__ = ["WindowSplit", "sliding_windows"]

_POSITIVE = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "length": _POSITIVE,
        "horizon": _POSITIVE,
        "stride": _POSITIVE,
        "target": [Integral, list, tuple, None],
    },
    prefer_skip_nested_validation=True,
)
def sliding_windows(
    series: Any,
    length: int,
    horizon: int = 1,
    stride: int = 1,
    *,
    target: int | list[int] | None = None,
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
    target : int, list of int or None, default=None
        The channel, or channels, to forecast, counted from 0. None forecasts all.

    Returns
    -------
    X : SequenceArray
        ``(n_steps - length - horizon) // stride + 1`` windows.
    y : ndarray of shape (n_windows,) or (n_windows, horizon * n_targets)
        The values that follow; of several targets, those of the first step come
        first. Of one target it is a read-only view.

    Raises
    ------
    ValueError
        If the series is shorter than one window and its horizon, or has no such
        channel.

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
    series = check_array(series, ensure_2d=False, dtype="numeric", input_name="series")
    if series.ndim == 1:
        series = series[:, None]
    last = len(series) - length - horizon
    if last < 0:
        raise ValueError(
            f"series has {len(series)} steps, but one window of {length} and a horizon of "
            f"{horizon} need {length + horizon}; pass a longer series or a smaller length."
        )
    starts = np.arange(0, last + 1, stride)
    X = SequenceArray(series, np.full(len(starts), length), starts)
    following = np.lib.stride_tricks.sliding_window_view(
        _channels(series, target)[length:], horizon, axis=0
    )[::stride]
    # (windows, targets, horizon): one target stays a view.
    if following.shape[1] == 1:
        y = following[:, 0]
    else:
        y = following.transpose(0, 2, 1).reshape(len(starts), -1)
    return X, y[:, 0] if y.shape[1] == 1 else y


def _channels(series: np.ndarray, target: Any) -> np.ndarray:
    """The channels to forecast; one channel stays a view."""
    if target is None:
        return series
    asked = [int(i) for i in np.atleast_1d(target)]
    if not asked or min(asked) < 0 or max(asked) >= series.shape[1]:
        raise ValueError(
            f"target={target!r} names no channel of a series that has {series.shape[1]}; "
            "channels are counted from 0."
        )
    return series[:, asked[0] : asked[0] + 1] if len(asked) == 1 else series[:, asked]


class WindowSplit:
    """Cross-validation of overlapping windows, with nothing across the cut.

    Each cut is a moment: training windows end before it, with all that they
    forecast; test windows begin after it. Windows that straddle it are used by
    neither side. As in scikit-learn's `TimeSeriesSplit`, time is divided into
    ``n_splits + 1`` equal parts; split i trains on the first i parts and
    tests on the next one.

    Where windows lie is read from the `SequenceArray` itself, so stride and
    unequal lengths need not be told.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits.
    horizon : int, default=1
        Steps behind each window that y holds, as in `sliding_windows`.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.preprocessing import WindowSplit, sliding_windows
    >>> X, y = sliding_windows(np.arange(100.0), length=10)
    >>> for train, test in WindowSplit(n_splits=3).split(X):
    ...     print(f"train {train[0]} to {train[-1]}, test {test[0]} to {test[-1]}")
    train 0 to 14, test 25 to 39
    train 0 to 39, test 50 to 64
    train 0 to 64, test 75 to 89
    """

    def __init__(self, n_splits: int = 5, *, horizon: int = 1) -> None:
        check_scalar(n_splits, "n_splits", Integral, min_val=1)
        check_scalar(horizon, "horizon", Integral, min_val=0)
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
            If X does not know where its windows lie.
        ValueError
            If a side is empty because the windows are long for so many splits.
        """
        if not isinstance(X, SequenceArray):
            raise TypeError(
                "WindowSplit needs the SequenceArray that sliding_windows returns, because "
                f"it knows where each window lies; got a {type(X).__name__}."
            )
        ends = X.starts + X.lengths + self.horizon
        begin, end = int(X.starts.min()), int(ends.max())
        part = (end - begin) // (self.n_splits + 1)
        for i in range(self.n_splits):
            cut = end - (self.n_splits - i) * part
            train = np.flatnonzero(ends <= cut)
            test = np.flatnonzero((X.starts >= cut) & (ends <= cut + part))
            if not (len(train) and len(test)):
                longest = int((ends - X.starts).max())
                raise ValueError(
                    f"No window fits beside the cut at step {cut}: parts have {part} "
                    f"steps, a window with its horizon up to {longest}. Use fewer splits "
                    "or shorter windows."
                )
            yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of splits; the arguments are ignored."""
        return self.n_splits
