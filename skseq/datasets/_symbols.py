"""Is the die always fair? The dishonest casino."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils import Bunch

from .._sklearn import validate_params
from ._common import (
    COMMON_CONSTRAINTS,
    PROBABILITY,
    Streams,
    balanced_labels,
    contain,
    draw_lengths,
    shared_stream,
)

N_FACES = 6
LOADED = (0.1, 0.1, 0.1, 0.1, 0.1, 0.5)


@validate_params(
    {
        **COMMON_CONSTRAINTS,
        "p_load": [PROBABILITY],
        "p_unload": [PROBABILITY],
        "loaded": [tuple, list, np.ndarray],
    },
    prefer_skip_nested_validation=True,
)
def make_symbol_sequences(
    n_samples: int = 2000,
    n_timesteps: int | tuple[int, int] = (20, 100),
    *,
    p_load: float = 0.05,
    p_unload: float = 0.1,
    loaded: Sequence[float] = LOADED,
    random_state: Any = None,
    return_X_y: bool = True,
) -> Any:
    r"""Rolls of a die, of class 1 if it is swapped for a loaded one now and then.

    The symbols are 1 to 6. In class 0 every roll is fair. In class 1 the first
    die is fair; before each further roll a fair die is swapped for the loaded
    one with probability `p_load`, and back with probability `p_unload`. Half of
    the sequences are of class 1.

    The classes overlap: a fair die can look loaded. The best possible answer is
    the posterior, which comes with the data. The likelihood of class 1 is
    summed over all courses of the hidden die by the forward algorithm,

    .. math:: \alpha_t(j) = e_j(x_t) \sum_i \alpha_{t-1}(i)\, a_{ij},
       \qquad P(x \mid 1) = \sum_j \alpha_T(j),

    with transitions a and face probabilities e, and since both classes are
    equally frequent, :math:`P(1 \mid x) = P(x \mid 1) / (P(x \mid 1) +
    6^{-T})`. No model can have a higher expected accuracy than
    ``posterior > 0.5``.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of sequences.
    n_timesteps : int or (int, int), default=(20, 100)
        Rolls of each sequence; a pair is the range, both ends included, from
        which each length is drawn.
    p_load, p_unload : float in [0, 1], default=0.05 and 0.1
        Probabilities of a swap before a roll.
    loaded : sequence of 6 floats, default=(0.1, 0.1, 0.1, 0.1, 0.1, 0.5)
        Probabilities of the loaded die's faces; their sum is 1.
    random_state : int, RandomState instance or None, default=None
        Same number, same data.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    X : SequenceArray, or ndarray of int of shape (n_samples, n_timesteps)
        An array if `n_timesteps` is a number.
    y : ndarray of int of shape (n_samples,)
        1 if there is a loaded die in the game, whether or not it was in use.
    data : Bunch, if not `return_X_y`
        ``X``, ``y``, ``states`` (like X: 1 where the loaded die was rolled) and
        ``posterior`` (the exact probability of class 1 given the sequence).

    References
    ----------
    R. Durbin, S. Eddy, A. Krogh, G. Mitchison (1998). Biological Sequence
    Analysis. Cambridge University Press, section 3.2.

    Examples
    --------
    >>> from skseq.datasets import make_symbol_sequences
    >>> data = make_symbol_sequences(20000, random_state=0, return_X_y=False)
    >>> data.X
    SequenceArray(20000 sequences of 20 to 100 steps, 1 channel, int64)
    >>> best = (data.posterior > 0.5) == data.y
    >>> print(f"{best.mean():.2f}")
    0.78
    """
    check_loaded(loaded)
    streams = shared_stream(random_state, n_samples)
    lengths = draw_lengths(streams, n_timesteps, 1, "")
    labels = balanced_labels(streams.generator, n_samples)
    rolls, states = draw_rolls(streams, labels, lengths, p_load, p_unload, loaded)
    X = contain(rolls, lengths, n_timesteps)
    if return_X_y:
        return X, labels
    return Bunch(
        X=X,
        y=labels,
        states=contain(states, lengths, n_timesteps),
        posterior=rolls_posterior(rolls, lengths, p_load, p_unload, loaded),
    )


def check_loaded(loaded: Any) -> None:
    loaded = np.asarray(loaded, dtype=np.float64)
    if loaded.shape != (N_FACES,) or (loaded < 0).any() or abs(loaded.sum() - 1) > 1e-9:
        raise ValueError(
            f"loaded must be {N_FACES} probabilities whose sum is 1, got {loaded.tolist()}."
        )


def draw_rolls(
    streams: Streams,
    labels: np.ndarray,
    lengths: np.ndarray,
    p_load: float,
    p_unload: float,
    loaded: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Rolls and hidden states, each of shape (n, steps)."""
    longest = int(lengths.max())
    swap, share = streams.uniform(longest), streams.uniform(longest)
    states = np.zeros((len(labels), longest), dtype=np.int64)
    cheats = labels == 1
    for step in range(1, longest):
        before = states[:, step - 1] == 1
        after = np.where(before, swap[:, step] >= p_unload, swap[:, step] < p_load)
        states[:, step] = after & cheats
    # The last bound is left out: rounding must not make a seventh face.
    bounds = np.cumsum(np.asarray(loaded, dtype=np.float64))[:-1]
    fair = np.floor(share * N_FACES).astype(np.int64)
    rolls = 1 + np.where(states == 1, np.searchsorted(bounds, share, side="right"), fair)
    return rolls, states


def rolls_posterior(
    rolls: np.ndarray, lengths: np.ndarray, p_load: float, p_unload: float, loaded: Any
) -> np.ndarray:
    """P(class 1 | rolls), where both classes are equally frequent."""
    # Relative to a fair die, so that class 0 has the likelihood 1.
    odds = np.ones((2, N_FACES + 1))
    odds[1, 1:] = N_FACES * np.asarray(loaded, dtype=np.float64)
    swaps = np.array([[1 - p_load, p_load], [p_unload, 1 - p_unload]])
    alpha = np.tile([1.0, 0.0], (len(rolls), 1))
    log_odds = np.zeros(len(rolls))
    for step in range(1, rolls.shape[1]):
        forward = (alpha @ swaps) * odds[:, rolls[:, step]].T
        total = forward.sum(axis=1)
        going = (step < lengths) & np.isfinite(log_odds)
        impossible = going & (total == 0)
        log_odds[impossible] = -np.inf
        going &= ~impossible
        log_odds[going] += np.log(total[going])
        alpha[going] = forward[going] / total[going, None]
    return expit(log_odds)
