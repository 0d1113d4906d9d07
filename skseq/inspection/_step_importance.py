"""`step_importance`: which time steps drive a prediction.

Axes: n sequences, s steps of all of them, c channels, k outputs.
"""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from .._data.arrays import without_mask
from .._data.containers import convert
from .._data.draft import as_it_is
from .._data.sequences import SequenceArray, check_steps
from .._estimators.base import BaseSequenceEstimator
from .._sklearn import Interval, StrOptions, validate_params
from .._surroundings import gives_back, on_one_thread
from .._training.batches import as_inputs
from ..nn.recurrent import RecurrentNet
from ._integrated_gradients import integrated_gradients
from ._occlusion import channel_means, occlude, unseen_symbol
from ._unwrap import unwrap

__all__ = ["step_importance"]

RESPONSE_METHODS = ("predict_proba", "decision_function", "predict")


@gives_back
@validate_params(
    {
        "estimator": [object],
        "method": [StrOptions({"occlusion", "integrated_gradients"})],
        "response_method": [StrOptions({"auto", *RESPONSE_METHODS})],
        "per_channel": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def step_importance(
    estimator: Any,
    X: Any,
    *,
    method: str = "occlusion",
    target: Any = None,
    response_method: str = "auto",
    baseline: Any = None,
    per_channel: bool = False,
    tol: float = 1e-4,
) -> SequenceArray:
    r"""How much each time step contributes to the prediction of its sequence.

    Positive steps speak for `target`, negative ones against it, in units of the
    response: of a classifier that is a probability.

    "occlusion" takes any fitted estimator of sequences. One step after another is
    replaced by `baseline`, which tells nothing, and its importance is how much
    the response falls. No step is dropped: dropping moves all that follows, and
    can join what stood apart.

    "integrated_gradients" needs the network of an skseq estimator. With its
    response :math:`F`, its input :math:`x` and the baseline :math:`b`, the
    importance of channel j at step t is

    .. math:: (x_{tj} - b_{tj}) \int_0^1 \frac{\partial F}{\partial x_{tj}}
        \bigl(b + a (x - b)\bigr) \, da.

    The importances of a sequence add up to :math:`F(x) - F(b)`. At the end of a
    pipeline, x is what the steps before the network make of `X`.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of sequences, a pipeline that ends in one,
        or a search around either.
    X : sequences
        Any container that `as_sequences` takes and the estimator was fitted on.
    method : {"occlusion", "integrated_gradients"}, default="occlusion"
        Occlusion predicts once for each time step; integrated gradients go forward
        and backward 40 times or more, whatever the length.
    target : label or int, or array-like of shape (n_samples,), default=None
        The class to explain, or the position of the output where there are
        several (multi-output regression, an indicator y). None is the class that is
        predicted, sequence by sequence, or the only output.
    response_method : str, default="auto"
        What is explained: "predict_proba", "decision_function" or "predict". "auto" is
        the first of these that a classifier has, and "predict" of a regressor.
    baseline : array-like of shape (n_channels,), number, or symbol, default=None
        What stands for "nothing to see" at a time step, in units of `X` (behind the
        transformers of a pipeline with integrated gradients). None is the
        mean of each channel: in training, if the estimator is one of skseq that
        standardises; otherwise over the steps of `X`. Integrated gradients take
        what the network standardises to zero. Of symbols it is one that was never
        seen, whose vector is zero.
    per_channel : bool, default=False
        Give each channel an importance of its own. Occlusion replaces one channel
        at a time; integrated gradients are not summed over channels. Of symbols
        there is one channel.
    tol : float, default=1e-4
        How closely integrated gradients add up: the line from b to x is halved until
        no part of it is off by more than this share of the response's range.

    Returns
    -------
    SequenceArray
        One channel, or with `per_channel` as many as `X` has (at the end of a pipeline
        with integrated gradients, as many as the network has); as long as the
        sequences of `X`.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If integrated gradients find no network.
    ValueError
        If `target` is unknown or needed, `baseline` does not fit, or integrated
        gradients are asked for predicted labels, or behind transformers that change
        the number of steps.

    References
    ----------
    M. D. Zeiler, R. Fergus (2014). Visualizing and understanding convolutional
    networks. ECCV: occlusion. M. Sundararajan, A. Taly, Q. Yan (2017). Axiomatic
    attribution for deep networks. ICML: integrated gradients.

    Examples
    --------
    Which step made it "up"?

    >>> import numpy as np
    >>> from skseq import LSTMSequenceClassifier
    >>> from skseq.inspection import step_importance
    >>> X = [np.eye(n)[n // 2] for n in range(3, 9)] + [np.zeros(n) for n in range(3, 9)]
    >>> y = ["up"] * 6 + ["flat"] * 6
    >>> model = LSTMSequenceClassifier(
    ...     hidden_size=8, max_epochs=60, validation_fraction=None, random_state=0
    ... )
    >>> importance = step_importance(model.fit(X, y), X[:6])
    >>> importance
    SequenceArray(6 sequences of 3 to 8 steps, 1 channel, float64)
    >>> [int(steps.argmax()) for steps in importance]
    [1, 2, 2, 3, 3, 4]
    """
    check_is_fitted(estimator)
    if isinstance(estimator, BaseSequenceEstimator):
        estimator = as_it_is(estimator)
    sequences, _ = convert(X)
    check_steps(sequences, "X", finite=False)
    response_method = _resolve(estimator, response_method)
    column = _columns(estimator, X, target)
    if method == "occlusion":
        respond = partial(_respond, estimator, response_method)
        if baseline is None:
            baseline = _nothing_to_see(estimator, sequences)
        else:
            baseline = _check_baseline(baseline, sequences)
        values = occlude(respond, X, sequences, column, baseline, per_channel)
    else:
        values = _integrate(estimator, X, sequences, column, response_method, baseline, tol)
        if not per_channel:
            values = values.sum(axis=1)
    return SequenceArray(values, sequences.lengths)


def _check_baseline(baseline: Any, sequences: SequenceArray) -> np.ndarray:
    """One step (c,) that can stand among those of X."""
    n_channels = sequences.n_channels
    step = np.asarray(without_mask(baseline, "baseline"))
    if step.shape not in ((), (n_channels,)) or step.dtype.kind not in "iufbU":
        raise ValueError(
            "baseline must be a symbol, a number, or one number for each of the "
            f"{n_channels} channels; got {baseline!r}."
        )
    if (step.dtype.kind == "U") != (sequences.dtype.kind == "U"):
        raise ValueError(
            f"baseline={baseline!r} does not fit to X, whose steps are of the type "
            f"{sequences.dtype}."
        )
    return np.broadcast_to(step, n_channels)


def _nothing_to_see(estimator: Any, sequences: SequenceArray) -> np.ndarray:
    """What occlusion puts in the place of a step, (c,)."""
    try:
        network = unwrap(estimator, "")[1]
    except TypeError:
        network = None
    vocabulary = getattr(network, "vocabulary_", None)
    if vocabulary is not None or sequences.dtype.kind == "U":
        return unseen_symbol(sequences, vocabulary)
    if network is not None and network is estimator and network.standardize:
        return network.net_.module_.scaling.get()[0]
    return channel_means(sequences)


# What is explained.


def _resolve(estimator: Any, response_method: str) -> str:
    """The response method that the estimator has."""
    if response_method == "auto":
        candidates = RESPONSE_METHODS if is_classifier(estimator) else ("predict",)
    else:
        candidates = (response_method,)
    for candidate in candidates:
        if hasattr(estimator, candidate):
            return candidate
    raise ValueError(
        f"{type(estimator).__name__} has no {' nor '.join(candidates)}; choose another "
        "response_method."
    )


def _respond(estimator: Any, response_method: str, X: Any) -> np.ndarray:
    """The response (n, k): of classifiers a column for each class or label."""
    outputs = np.asarray(getattr(estimator, response_method)(X))
    if not is_classifier(estimator) or outputs.ndim == 2:
        return outputs.reshape(len(outputs), -1)
    if response_method == "predict":
        return (outputs[:, None] == estimator.classes_).astype(np.float64)
    return np.column_stack([-outputs, outputs])  # a decision between two classes


def _columns(estimator: Any, X: Any, target: Any) -> np.ndarray:
    """The output that is explained of each sequence (n,)."""
    predicted = np.asarray(estimator.predict(X))
    n = len(predicted)
    if is_classifier(estimator) and predicted.ndim == 1:
        classes = estimator.classes_
        wanted = _for_each(predicted if target is None else target, n)
        known = wanted[:, None] == classes
        if not known.any(axis=1).all():
            unknown = wanted[known.any(axis=1).argmin()]
            raise ValueError(
                f"target={unknown.item()!r} is not among the classes {classes}."
            )
        return known.argmax(axis=1)
    n_outputs = predicted.shape[1] if predicted.ndim == 2 else 1
    if target is None and n_outputs > 1:
        raise ValueError(
            f"{type(estimator).__name__} has {n_outputs} outputs; choose one by its "
            f"position, target=0 to {n_outputs - 1}."
        )
    wanted = _for_each(0 if target is None else target, n)
    if wanted.dtype.kind not in "iu" or (wanted < 0).any() or (wanted >= n_outputs).any():
        raise ValueError(
            f"target must be the position of an output, from 0 to {n_outputs - 1}; got "
            f"{target!r}."
        )
    return wanted


def _for_each(target: Any, n: int) -> np.ndarray:
    target = np.asarray(without_mask(target, "target"))
    if target.ndim > 1 or (target.ndim == 1 and len(target) != n):
        raise ValueError(
            f"target must be one label, or one for each of the {n} sequences; got the "
            f"shape {target.shape}."
        )
    return np.broadcast_to(target, n)


# Integrated gradients.


@on_one_thread
def _integrate(
    estimator: Any,
    X: Any,
    sequences: SequenceArray,
    column: np.ndarray,
    response_method: str,
    baseline: Any,
    tol: float,
) -> np.ndarray:
    """Importances of the inputs of the network, (s, c); of symbols (s, 1)."""
    before, inside = unwrap(
        estimator,
        "method='integrated_gradients' needs the network of skseq, and "
        "method='occlusion' takes any estimator. Pass",
    )
    if response_method == "predict" and is_classifier(inside):
        raise ValueError(
            "Predicted labels have no gradient; use response_method='predict_proba', or "
            "method='occlusion'."
        )
    for transformers in before:
        X = transformers.transform(X)
    read = inside._check_X(X, reset=False)[0]
    inputs = inside._codec.encode(read, "X")
    if not np.array_equal(inputs.lengths, sequences.lengths):
        raise ValueError(
            "The pipeline changes the number of time steps, so that importances at the "
            "network do not belong to steps of X; use method='occlusion', or pass the "
            "last step of the pipeline and what the others make of X."
        )
    # A copy, so that the net's own parameters stay untouched; of doubles, so that the
    # importances add up.
    module = inside.net_.module_.copied().cpu().double().eval()

    def response(x: Tensor, rows: np.ndarray) -> Tensor:
        raw = module.from_first_layer(x, torch.from_numpy(inputs.lengths[rows]))
        outputs = _torch_response(inside, module, raw, response_method)
        return outputs[torch.arange(len(rows)), torch.from_numpy(column[rows])]

    x = module.first_layer_input(as_inputs(inputs)["x"]).detach()
    origin = torch.zeros_like(x[:1])
    if baseline is not None:
        step = SequenceArray(_check_baseline(baseline, read)[None], [1])
        step = inside._codec.encode(step, "baseline")
        origin = module.first_layer_input(as_inputs(step)["x"]).detach()
    values = integrated_gradients(
        response, x, origin, inputs.lengths, module.pooling.steps_width, tol
    )
    return values.sum(axis=1, keepdims=True) if module.embedding is not None else values


def _torch_response(
    inside: BaseSequenceEstimator,
    module: RecurrentNet,
    raw: Tensor,
    response_method: str,
) -> Tensor:
    """What `_respond` gives, from the network's raw outputs."""
    if response_method != "decision_function":
        return module.decode(raw, inside.net_.criterion_.link)
    return inside._task.decision(raw)
