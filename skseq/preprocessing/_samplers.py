"""More training sequences from those there are, in imbalanced-learn's protocol."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._data.sequences import SequenceArray, stacked_steps, step_index
from .._docs import SAMPLER_ATTRIBUTES, SAMPLER_PARAMETERS
from .._sklearn import Interval
from ._sampler import SequenceSampler


def _check_numbers(sequences: SequenceArray, sampler: SequenceSampler) -> None:
    if sequences.dtype.kind == "U":
        raise ValueError(
            f"{type(sampler).__name__} needs numbers, but the steps are strings; Crop and "
            "StepDropout work on symbols."
        )


def _floats(steps: np.ndarray) -> np.ndarray:
    return steps if steps.dtype.kind == "f" else steps.astype(np.float64)


class Jitter(SequenceSampler):
    __doc__ = f"""Add noise to every step.

    .. math:: x'_t = x_t + s \\sigma \\epsilon_t, \\qquad \\epsilon_t \\sim N(0, 1),

    with the standard deviation :math:`\\sigma` of each channel.

    Parameters
    ----------
    scale : float, default=0.05
        Standard deviation of the noise, in units of the channel's own.
    {SAMPLER_PARAMETERS}
    {SAMPLER_ATTRIBUTES}
    References
    ----------
    T. T. Um et al. (2017). Data augmentation of wearable sensor data for
    Parkinson's disease monitoring using convolutional neural networks. ICMI.

    Examples
    --------
    >>> from skseq import as_sequences
    >>> from skseq.preprocessing import Jitter
    >>> X = as_sequences([[1.0, 2.0], [3.0, 4.0, 5.0], [6.0]])
    >>> X_more, y_more = Jitter(factor=2, random_state=0).fit_resample(X, ["a", "a", "b"])
    >>> X_more
    SequenceArray(8 sequences of 1 to 3 steps, 1 channel, float64)
    >>> sorted(y_more)
    ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceSampler._parameter_constraints,
        "scale": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        scale: float = 0.05,
        *,
        sampling_strategy: Any = "auto",
        factor: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.scale = scale
        self.sampling_strategy = sampling_strategy
        self.factor = factor
        self.random_state = random_state

    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        _check_numbers(copies, self)
        steps = _floats(stacked_steps(copies))
        deviation = stacked_steps(originals).std(axis=0, dtype=np.float64)
        noise = self.scale * deviation * random.standard_normal(steps.shape)
        return SequenceArray((steps + noise).astype(steps.dtype), copies.lengths)


class Scaling(SequenceSampler):
    __doc__ = f"""Multiply each channel of a sequence by one random factor.

    .. math:: x'_t = (1 + s \\epsilon) x_t, \\qquad \\epsilon \\sim N(0, 1),

    one :math:`\\epsilon` for each sequence and channel. It scales about zero:
    centre channels that have another natural level first.

    Parameters
    ----------
    scale : float, default=0.1
        Standard deviation of the factor.
    {SAMPLER_PARAMETERS}
    {SAMPLER_ATTRIBUTES}
    References
    ----------
    T. T. Um et al. (2017). Data augmentation of wearable sensor data for
    Parkinson's disease monitoring using convolutional neural networks. ICMI.

    Examples
    --------
    >>> from skseq.preprocessing import Scaling
    >>> X_more, _ = Scaling(factor=2, random_state=0).fit_resample([[1.0, 2.0, 4.0]], [0])
    >>> (X_more[1] / X_more[1, 0]).round(6)
    array([1., 2., 4.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceSampler._parameter_constraints,
        "scale": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        scale: float = 0.1,
        *,
        sampling_strategy: Any = "auto",
        factor: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.scale = scale
        self.sampling_strategy = sampling_strategy
        self.factor = factor
        self.random_state = random_state

    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        _check_numbers(copies, self)
        steps = _floats(stacked_steps(copies))
        shape = (len(copies), copies.n_channels)
        factors = 1 + self.scale * random.standard_normal(shape)
        scaled = steps * np.repeat(factors, copies.lengths, axis=0)
        return SequenceArray(scaled.astype(steps.dtype), copies.lengths)


class TimeWarp(SequenceSampler):
    __doc__ = f"""Let time run faster in some places and slower in others.

    Speed is :math:`\\exp(s \\epsilon_k)` at `n_knots` places spread evenly over a
    sequence, and linear in between. Its running sum, scaled so that first and last
    step stay where they are, says which moment of the original each step shows;
    values between two steps are interpolated. Lengths do not change.

    Parameters
    ----------
    scale : float, default=0.3
        How much speed varies.
    n_knots : int, default=4
        Places where speed is drawn, at least 2.
    {SAMPLER_PARAMETERS}
    {SAMPLER_ATTRIBUTES}
    References
    ----------
    T. T. Um et al. (2017). Data augmentation of wearable sensor data for
    Parkinson's disease monitoring using convolutional neural networks. ICMI. Speed
    is log-normal here, so that time never runs backwards.

    Examples
    --------
    >>> from skseq.preprocessing import TimeWarp
    >>> X_more, _ = TimeWarp(factor=2, random_state=0).fit_resample([[0, 1, 2, 3, 4]], [0])
    >>> X_more[1].round(1)
    array([0. , 1.1, 2.1, 3. , 4. ])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceSampler._parameter_constraints,
        "scale": [Interval(Real, 0, None, closed="left")],
        "n_knots": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        scale: float = 0.3,
        *,
        n_knots: int = 4,
        sampling_strategy: Any = "auto",
        factor: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.scale = scale
        self.n_knots = n_knots
        self.sampling_strategy = sampling_strategy
        self.factor = factor
        self.random_state = random_state

    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        _check_numbers(copies, self)
        row = np.repeat(np.arange(len(copies)), copies.lengths)
        first = np.cumsum(copies.lengths) - copies.lengths
        step = np.arange(len(row)) - first[row]
        last = (copies.lengths - 1)[row]
        knots = np.exp(self.scale * random.standard_normal((len(copies), self.n_knots)))
        place = step / np.maximum(last, 1) * (self.n_knots - 1)
        speed = _between(knots.ravel(), row * self.n_knots, place, self.n_knots - 1)
        passed = np.cumsum(speed)
        passed -= passed[first][row]
        duration = passed[first + copies.lengths - 1][row]
        moment = passed / np.where(duration > 0, duration, 1.0) * last
        steps = _floats(stacked_steps(copies))
        warped = _between(steps, first[row], moment, last)
        return SequenceArray(warped.astype(steps.dtype), copies.lengths)


def _between(
    values: np.ndarray, begin: np.ndarray, place: np.ndarray, last: np.ndarray | int
) -> np.ndarray:
    """Linear interpolation at `place` in the parts of `values` that start at `begin`."""
    left = np.minimum(np.floor(place).astype(np.int64), np.maximum(last - 1, 0))
    right = np.minimum(left + 1, last)
    share = (place - left).reshape(-1, *[1] * (values.ndim - 1))
    return (1 - share) * values[begin + left] + share * values[begin + right]


class Crop(SequenceSampler):
    __doc__ = f"""Keep a random part of a sequence, without gaps.

    The share that is kept is uniform between `min_fraction` and 1, its place
    uniform among those that fit. Nothing is copied.

    Parameters
    ----------
    min_fraction : float in (0, 1], default=0.8
        Smallest share of the steps that is kept.
    {SAMPLER_PARAMETERS}
    {SAMPLER_ATTRIBUTES}
    References
    ----------
    A. Le Guennec, S. Malinowski, R. Tavenard (2016). Data augmentation for time
    series classification using convolutional neural networks. ECML/PKDD workshop
    on advanced analytics and learning on temporal data: "window slicing".

    Examples
    --------
    >>> from skseq.preprocessing import Crop
    >>> X_more, _ = Crop(0.5, factor=2, random_state=0).fit_resample(["abcdefgh"], [0])
    >>> X_more[1]
    'abcdef'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceSampler._parameter_constraints,
        "min_fraction": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        min_fraction: float = 0.8,
        *,
        sampling_strategy: Any = "auto",
        factor: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.min_fraction = min_fraction
        self.sampling_strategy = sampling_strategy
        self.factor = factor
        self.random_state = random_state

    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        fraction = random.uniform(self.min_fraction, 1, size=len(copies))
        lengths = np.maximum(np.round(fraction * copies.lengths), 1).astype(np.int64)
        skipped = random.integers(copies.lengths - lengths + 1)
        return SequenceArray(copies.values, lengths, copies.starts + skipped)


class StepDropout(SequenceSampler):
    __doc__ = f"""Leave out random steps.

    Each step is left out with the same probability; one step at least is kept.

    Parameters
    ----------
    rate : float in [0, 1), default=0.1
        Probability that a step is left out.
    {SAMPLER_PARAMETERS}
    {SAMPLER_ATTRIBUTES}
    References
    ----------
    As "random deletion" in J. Wei, K. Zou (2019). EDA: easy data augmentation
    techniques for boosting performance on text classification tasks. EMNLP.

    Examples
    --------
    >>> from skseq.preprocessing import StepDropout
    >>> sampler = StepDropout(0.4, factor=2, random_state=0)
    >>> X_more, _ = sampler.fit_resample(["abcdefgh"], [0])
    >>> X_more[1]
    'cdegh'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceSampler._parameter_constraints,
        "rate": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        rate: float = 0.1,
        *,
        sampling_strategy: Any = "auto",
        factor: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.rate = rate
        self.sampling_strategy = sampling_strategy
        self.factor = factor
        self.random_state = random_state

    def _alter(
        self, copies: SequenceArray, originals: SequenceArray, random: np.random.Generator
    ) -> SequenceArray:
        row = np.repeat(np.arange(len(copies)), copies.lengths)
        kept = random.random(len(row)) >= self.rate
        saved = np.cumsum(copies.lengths) - 1 - random.integers(copies.lengths)
        empty = np.bincount(row[kept], minlength=len(copies)) == 0
        kept[saved[empty]] = True
        lengths = np.bincount(row[kept], minlength=len(copies))
        return SequenceArray(copies.values[step_index(copies)[kept]], lengths)
