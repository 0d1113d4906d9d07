"""`to_onnx`: a fitted estimator as a file that runs without torch."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._data.draft import as_it_is
from .._estimators.base import BaseSequenceEstimator
from .._surroundings import on_one_thread
from .._warning import warn
from ..nn.scaling import Standardize
from .atomic import write_whole

__all__ = ["to_onnx"]

# What predictions of the graph may differ by, and steps of a channel in units of its scale.
TOLERANCE = 1e-5
# float32 rounds a number by up to this share of it: 6e-8.
ROUNDING = float(np.finfo(np.float32).eps) / 2


@on_one_thread
def to_onnx(estimator: Any, path: str | PathLike[str]) -> None:
    """Write a fitted estimator to a file in the Open Neural Network Exchange format.

    The graph holds all that `predict_proba` or `predict` does with sequences:
    standardisation or embedding, recurrent layers, pooling, head, and the units of the
    target. There are runtimes for it in many languages, in browsers and on phones.

    Parameters
    ----------
    estimator : fitted estimator of skseq
        Not a pipeline: its other steps run before the graph does.
    path : str or path-like
        The file to write, by custom with the suffix ``.onnx``.

    Raises
    ------
    TypeError
        If `estimator` is not an estimator of skseq.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If a symbol is so large that it has no exact float32.
    ImportError
        If onnx is missing; the extra `onnx` brings it.

    Warns
    -----
    UserWarning
        If a channel's mean is so many times its scale (about 170) that float32 rounds its
        steps by more than 1e-5 of the scale.

    See Also
    --------
    save : Keeps the estimator itself, for Python.

    Notes
    -----
    The file takes the place of an old one when it is complete. Inputs, in this order:

    - ``X``, float32 of shape (batch, time, channels): sequences, padded at their ends
      as by `skseq.pad_collate`; what stands in the padding does not matter. Symbols
      are one channel: integers as they are; for strings their positions in
      ``vocabulary_``, and -1 for one that is not there.
    - ``lengths``, int64 of shape (batch,): steps of each sequence, from 1 to time.

    Output:

    - of a classifier ``probabilities``, float32 of shape (batch, classes), in the order
      of ``classes_``;
    - of a regressor ``prediction``, float32 of shape (batch,) or (batch, outputs), as y
      was in `fit`.

    A graph cannot raise an error. So a sequence whose length is below 1 or beyond the time
    axis has NaN for an answer, and the others have theirs; check for NaN before you take
    the largest probability. An empty batch has an empty answer.

    The graph computes in float32, so that probabilities differ by less than 1e-5 from
    the estimator's for the same float32 steps. Steps that lose digits in float32 (a
    pressure of 101325.27 Pa) are other steps: subtract a constant near the mean, in
    float64, before `fit` and before the graph.

    The metadata of the file has ``estimator`` and ``skseq`` (its version), and as JSON
    ``classes``, ``channels`` (their names) and ``vocabulary`` where there are any.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skseq import LSTMSequenceClassifier, pad_collate, to_onnx
    >>> X = [np.ones((3, 2)), np.zeros((5, 2)), np.ones((2, 2)), np.zeros((4, 2))] * 5
    >>> model = LSTMSequenceClassifier(max_epochs=2, validation_fraction=None)
    >>> model = model.fit(X, [1, 0, 1, 0] * 5)
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> to_onnx(model, path)

    Where the model serves:

    >>> session = onnxruntime.InferenceSession(path)
    >>> padded, lengths = pad_collate(X)
    >>> inputs = {"X": padded.float().numpy(), "lengths": lengths.numpy()}
    >>> (probabilities,) = session.run(["probabilities"], inputs)
    >>> bool(np.allclose(probabilities, model.predict_proba(X), rtol=0, atol=1e-5))
    True
    """
    if not isinstance(estimator, BaseSequenceEstimator):
        raise TypeError(
            f"to_onnx takes an estimator of skseq, got {type(estimator).__name__}. Of a "
            "pipeline pass the last step, pipeline[-1], and run the others before the "
            "graph; of a search pass best_estimator_."
        )
    check_is_fitted(estimator)
    estimator = as_it_is(estimator)
    try:
        from .onnx import make_model
    except ImportError as error:
        message = 'to_onnx needs onnx: pip install "skseq[onnx]"'
        raise ImportError(message) from error

    if not estimator._codec.embeds:
        warn_of_rounding(estimator.net_.module_.scaling)
    write_whole(path, make_model(estimator).SerializeToString())


def warn_of_rounding(scaling: Standardize) -> None:
    """Say which channel float32 rounds, before it is standardised, by too much."""
    mean, scale = scaling.get()
    rounded = ROUNDING * np.abs(mean) / scale
    worst = int(rounded.argmax())
    if rounded[worst] > TOLERANCE:
        warn(
            f"Channel {worst} of X (counted from 0) has the mean {mean[worst]:.6g} and the "
            f"scale {scale[worst]:.3g}. X is float32 in the graph, which rounds its steps "
            f"by up to {rounded[worst]:.0e} scales, so predictions may differ by more than "
            f"{TOLERANCE:g}. Subtract a constant near the mean from X, in float64, before "
            "fit and before the graph. (Numbers that are float32 from the start are not "
            "rounded.)"
        )
