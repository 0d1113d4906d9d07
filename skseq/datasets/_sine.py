"""What comes next in a noisy sine wave?"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from .._sklearn import Interval, validate_params
from ._common import (
    COMMON_CONSTRAINTS,
    Streams,
    X_y_or_bunch,
    contain,
    draw_lengths,
    draw_range,
    range_of,
    shared_stream,
)

FREQUENCY = (0.02, 0.05)
PHASE = (0.0, 2 * np.pi)
NUMBER_OR_RANGE = [Real, tuple, list]


@validate_params(
    {
        **COMMON_CONSTRAINTS,
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "frequency": NUMBER_OR_RANGE,
        "phase": NUMBER_OR_RANGE,
        "amplitude": NUMBER_OR_RANGE,
        "trend": NUMBER_OR_RANGE,
        "noise": NUMBER_OR_RANGE,
    },
    prefer_skip_nested_validation=True,
)
def make_sine_sequences(
    n_samples: int = 1000,
    n_timesteps: int | tuple[int, int] = 50,
    *,
    horizon: int = 1,
    frequency: float | tuple[float, float] = FREQUENCY,
    phase: float | tuple[float, float] = PHASE,
    amplitude: float | tuple[float, float] = 1.0,
    trend: float | tuple[float, float] = 0.0,
    noise: float | tuple[float, float] = 0.1,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    r"""Windows of noisy sine waves, and the values that come next.

    .. math:: x(t) = A \sin(2 \pi f t + \varphi) + c t + \sigma \epsilon_t,
       \qquad \epsilon_t \sim N(0, 1) \text{ independent}.

    Time counts from the first value to forecast: the window is
    :math:`t = -\text{n\_timesteps}, ..., -1`, and the targets are
    :math:`t = 0, ..., \text{horizon} - 1`, with noise of their own. Each of
    :math:`f, \varphi, A, c, \sigma` is a number, or a range from which each
    sequence draws its own.

    No forecast can have a root mean squared error below the noise :math:`\sigma`.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_timesteps : int or (int, int), default=50
        Steps of each window; a pair is the range, both ends included, from
        which each length is drawn.
    horizon : int, default=1
        Number of values to forecast.
    frequency : float or (float, float), default=(0.02, 0.05)
        Cycles in one step: 0.025 is a period of 40 steps.
    phase : float or (float, float), default=(0, 2 * pi)
        Angle at t = 0, in radians.
    amplitude : float or (float, float), default=1.0
        Height of the wave.
    trend : float or (float, float), default=0.0
        Slope, in units of x in one step.
    noise : float or (float, float), default=0.1
        Standard deviation of the noise.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps), or SequenceArray
        A `SequenceArray` if `n_timesteps` is a range.
    y : ndarray of shape (n_samples,), or (n_samples, horizon) if horizon > 1
        The values that follow.
    data : Bunch, if not `return_X_y`
        ``X``, ``y``, ``signal`` and ``y_signal`` (the same without noise), and
        ``frequency``, ``phase``, ``amplitude``, ``trend`` and ``noise`` of each
        sequence.

    References
    ----------
    The equation above; it is the usual first example of forecasting.

    Examples
    --------
    >>> from skseq.datasets import make_sine_sequences
    >>> X, y = make_sine_sequences(500, 40, horizon=5, random_state=0)
    >>> X.shape, y.shape
    ((500, 40), (500, 5))

    One long series, for `skseq.preprocessing.sliding_windows`:

    >>> X, _ = make_sine_sequences(1, 6000, frequency=1 / 40, random_state=0)
    >>> series = X[0]
    """
    streams = shared_stream(random_state, n_samples)
    lengths = draw_lengths(streams, n_timesteps, 1, "")
    given = {
        "frequency": frequency,
        "phase": phase,
        "amplitude": amplitude,
        "trend": trend,
        "noise": noise,
    }
    if range_of(noise, "noise")[0] < 0:
        raise ValueError(f"noise must not be negative, got {noise!r}.")
    drawn = {name: draw_range(streams, value, name) for name, value in given.items()}
    wave = {name: drawn[name] for name in ("frequency", "phase", "amplitude", "trend")}
    signal, window = sine_windows(streams, lengths, drawn["noise"], **wave)
    y_signal, y = sine_targets(streams, horizon, drawn["noise"], **wave)
    return X_y_or_bunch(
        return_X_y,
        X=contain(window, lengths, n_timesteps),
        y=y,
        signal=contain(signal, lengths, n_timesteps),
        y_signal=y_signal,
        **drawn,
    )


def sine_windows(
    streams: Streams, lengths: np.ndarray, noise: Any, **wave: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Windows without and with noise, each of shape (n, steps).

    Noise is drawn backwards from the end, where all lengths meet: a shorter
    window is the end of a longer one.
    """
    longest = int(lengths.max())
    time = np.arange(longest) - lengths[:, None]
    signal = _wave(time, **wave)
    backwards = np.maximum(-time - 1, 0)
    epsilon = np.take_along_axis(streams.normal(longest), backwards, axis=1)
    return signal, signal + np.reshape(noise, (-1, 1)) * epsilon


def sine_targets(
    streams: Streams, horizon: int, noise: Any, **wave: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The next values without and with noise, of shape (n,) if it is one."""
    signal = _wave(np.arange(horizon)[None, :], **wave)
    noisy = signal + np.reshape(noise, (-1, 1)) * streams.normal(horizon)
    return (signal[:, 0], noisy[:, 0]) if horizon == 1 else (signal, noisy)


def _wave(
    time: np.ndarray,
    frequency: np.ndarray,
    phase: np.ndarray,
    amplitude: np.ndarray,
    trend: np.ndarray,
) -> np.ndarray:
    angle = 2 * np.pi * frequency[:, None] * time + phase[:, None]
    return amplitude[:, None] * np.sin(angle) + trend[:, None] * time
