"""Loaders of the data in `skseq/datasets/data`."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from ..sequences import SequenceArray

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
    rows = {"train": is_train, "test": ~is_train}.get(subset, slice(None))
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
