"""Loaders of the data in `skseq/datasets/data`."""

from __future__ import annotations

from importlib.resources import files
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._data.sequences import SequenceArray
from .._data.windows import sliding_windows
from .._sklearn import Interval, StrOptions, validate_params

DATA = files(__package__) / "data"


@validate_params(
    {"subset": [StrOptions({"train", "test", "all"})], "return_X_y": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_japanese_vowels(*, subset: str = "all", return_X_y: bool = False) -> Any:
    """Nine speakers who say two Japanese vowels: which of them is it?

    Each of 640 utterances of /ae/ is a sequence of 7 to 29 time steps of 12
    cepstrum coefficients. The class is the speaker.

    =================   ==============
    Classes                          9
    Samples              640 (270 + 370)
    Steps                      7 to 29
    Channels                        12
    =================   ==============

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        The official split: 270 utterances train, 370 test.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        With ``data`` (SequenceArray), ``target`` (ndarray of int, 1 to 9),
        ``is_train`` (ndarray of bool), ``target_names``, ``feature_names`` and
        ``DESCR``.
    (data, target) : tuple, if `return_X_y`

    References
    ----------
    M. Kudo, J. Toyama, M. Shimbo (1999). Multidimensional curve classification
    using passing-through regions. Pattern Recognition Letters 20. UCI Machine
    Learning Repository, data set 128, CC BY 4.0.

    Examples
    --------
    >>> from skseq.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(subset="train", return_X_y=True)
    >>> X
    SequenceArray(270 sequences of 7 to 26 steps, 12 channels, float32)
    """
    with (DATA / "japanese_vowels.npz").open("rb") as file, np.load(file) as stored:
        sequences = SequenceArray(stored["values"], stored["lengths"])
        target = stored["speaker"].astype(int)
        is_train = stored["is_train"]
    rows = _rows_of(subset, is_train)
    sequences, target, is_train = sequences[rows], target[rows], is_train[rows]
    if return_X_y:
        return sequences, target
    return Bunch(
        data=sequences,
        target=target,
        is_train=is_train,
        target_names=np.unique(target),
        feature_names=[f"lpc_cepstrum_{i}" for i in range(1, 13)],
        DESCR=(DATA / "japanese_vowels.rst").read_text(encoding="utf-8"),
    )


AIR_TRAINING_MONTHS = 96


@validate_params(
    {
        "length": [Interval(Integral, 1, AIR_TRAINING_MONTHS - 1, closed="both")],
        "subset": [StrOptions({"train", "test", "all"})],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_air_passengers(
    *, length: int = 12, subset: str = "all", return_X_y: bool = False
) -> Any:
    """How many people will fly next month?

    Monthly totals of international airline passengers, January 1949 to December
    1960, in thousands, as windows of `length` months and the month that
    follows each. A trend, a yearly season, and swings that grow with the level.

    =================   ==========================
    Months              144 (96 train, 48 test)
    Samples             144 - `length`
    Channels            1
    =================   ==========================

    Parameters
    ----------
    length : int, default=12
        Months in each window, at most 95.
    subset : {"train", "test", "all"}, default="all"
        Windows that forecast one of the first 96 months, or one of the last 48.
        The windows of the test part begin in the training part where they must:
        they hold what is known when the forecast is made.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        With ``data`` (SequenceArray of overlapping windows), ``target`` (ndarray
        of float, thousands of passengers), ``months`` (datetime64 of each
        target), ``is_train`` (ndarray of bool), ``series`` (all 144 months),
        ``target_names``, ``feature_names`` and ``DESCR``.
    (data, target) : tuple, if `return_X_y`

    References
    ----------
    G. E. P. Box, G. M. Jenkins, G. C. Reinsel. Time Series Analysis: Forecasting
    and Control, series G.

    Examples
    --------
    >>> from skseq.datasets import load_air_passengers
    >>> X, y = load_air_passengers(subset="train", return_X_y=True)
    >>> X, y[:3]
    (SequenceArray(84 sequences of 12 steps, 1 channel, float64), array([115., 126., 141.]))
    """
    with (DATA / "air_passengers.csv").open(encoding="utf-8") as file:
        rows = [line.strip().split(",") for line in file][1:]
    months = np.array([month for month, _ in rows], dtype="datetime64[M]")
    series = np.array([passengers for _, passengers in rows], dtype=np.float64)
    windows, target = sliding_windows(series, length)
    months = months[length:]
    is_train = np.arange(length, len(series)) < AIR_TRAINING_MONTHS
    chosen = _rows_of(subset, is_train)
    if return_X_y:
        return windows[chosen], target[chosen]
    return Bunch(
        data=windows[chosen],
        target=target[chosen],
        months=months[chosen],
        is_train=is_train[chosen],
        series=series,
        target_names=["passengers"],
        feature_names=["passengers"],
        DESCR=(DATA / "air_passengers.rst").read_text(encoding="utf-8"),
    )


def _rows_of(subset: str, is_train: np.ndarray) -> np.ndarray:
    return {"train": is_train, "test": ~is_train}.get(subset, np.ones_like(is_train))
