"""A fitted network as plain data, and back, once all parts of the data agree.

Torch's kernels believe the shapes that they are given. So nothing is computed with, and no
memory taken for, what a file says before it fits the arrays that the file has.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import skorch
import torch

from .._data.rules import Rule, fault
from .._training.loop import numpy_to_tensors, tensors_to_numpy
from ..nn.pooling import POOLINGS
from ..nn.recurrent import RecurrentNet

SIZES = ("n_inputs", "n_outputs", "hidden_size", "num_layers")


def network_state(net: skorch.NeuralNet, *, with_moments: bool) -> dict[str, Any]:
    """Plain arrays and numbers: they load where there is no GPU, and in skops."""
    moments = net.optimizer_.state_dict()["state"] if with_moments else None
    return {
        "config": net.module_.config,
        "weights": tensors_to_numpy(dict(net.module_.state_dict())),
        "optimizer": tensors_to_numpy(moments),
    }


def restored_network(
    state: Any, *, cell: str, n_inputs: int, n_outputs: int, embeds: bool
) -> RecurrentNet:
    """The network of `network_state`, if it is one that the estimator can have."""
    if not (isinstance(state, dict) and state.keys() == {"config", "weights", "optimizer"}):
        _refuse("it has not the three parts of one")
    config, weights = state["config"], state["weights"]
    _check_config(config, weights)
    asked = {"cell": cell, "n_inputs": n_inputs, "n_outputs": n_outputs}
    for name, value in asked.items():
        if config[name] != value:
            _refuse(f"it has another {name} than the estimator")
    if embeds != (config["embedding_dim"] is not None):
        _refuse("only one of them has symbols")
    try:
        module = RecurrentNet(**config, device="meta")
    except (RuntimeError, TypeError, OverflowError):  # no memory could hold its sizes
        _refuse("its sizes are too large")
    expected = module.state_dict()
    if weights.keys() != expected.keys():
        _refuse("their names differ")
    for name, tensor in expected.items():
        array = weights[name]
        if not isinstance(array, np.ndarray) or array.shape != tuple(tensor.shape):
            _refuse(f"{name} has the shape {np.shape(array)}, not {tuple(tensor.shape)}")
        if array.dtype not in (np.float32, np.float64):
            _refuse(f"{name} has the dtype {array.dtype}")
    tensors = {
        name: torch.tensor(array, dtype=expected[name].dtype)
        for name, array in weights.items()
    }
    module.load_state_dict(tensors, assign=True)
    return module


def _check_config(config: Any, weights: Any) -> None:
    """Raise if these are no settings of a network, or of one with too many layers."""
    names = {*SIZES, "cell", "bidirectional", "dropout", "pooling", "embedding_dim"}
    if not (isinstance(config, dict) and config.keys() == names):
        _refuse("settings are missing or unknown")
    if not isinstance(weights, dict):
        _refuse("it has no weights")
    sizes = [config[name] for name in SIZES]
    if config["embedding_dim"] is not None:
        sizes.append(config["embedding_dim"])
    pooling, dropout = config["pooling"], config["dropout"]
    plausible = (
        all(type(size) is int and size > 0 for size in sizes)
        and config["num_layers"] <= len(weights)
        and type(config["bidirectional"]) is bool
        and type(dropout) is float
        and 0 <= dropout < 1
        and type(pooling) is list
        and len(pooling) > 0
        and all(type(kind) is str and kind in POOLINGS for kind in pooling)
    )
    if not plausible:
        _refuse("a setting has another type or range than networks have")


def _refuse(reason: str) -> NoReturn:
    raise ValueError(f"its network does not fit its weights or its estimator: {reason}")


def restore_moments(net: skorch.NeuralNet, state: Any) -> None:
    """Go on with the moments of `network_state`, if they are like this optimizer's own."""
    moments = numpy_to_tensors(state)
    _check_moments(net.optimizer_, moments)
    resume_optimizer(net, moments)


def resume_optimizer(net: skorch.NeuralNet, moments: Mapping[int, Any]) -> None:
    """Go on with the moments of an earlier optimizer; rates stay the net's own.

    Torch keeps the tensors that it is given, so they are copied: a training that fails
    must leave the earlier moments as they are.
    """
    groups = net.optimizer_.state_dict()["param_groups"]
    state = {"state": copy.deepcopy(moments), "param_groups": groups}
    net.optimizer_.load_state_dict(state)


def _check_moments(optimizer: torch.optim.Optimizer, moments: Any) -> None:
    """Raise unless a step of the optimizer would make moments of the same kinds.

    Its fused kernels read them without looking. Optimizers that are not torch's are the
    caller's own code, which may keep what it likes.
    """
    if not type(optimizer).__module__.startswith("torch.optim"):
        return
    sample = copy.deepcopy(optimizer)
    for group in sample.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    sample.step()
    kinds = _kinds(sample.state_dict()["state"])
    if not isinstance(moments, dict) or not _kinds(moments).items() <= kinds.items():
        raise ValueError(
            f"its moments are not those of a {type(optimizer).__name__} for its weights"
        )


def _kinds(moments: Mapping[Any, Any]) -> dict[Any, Any]:
    """For each parameter the names of its moments, with shape and dtype."""
    return {
        position: {name: _kind(value) for name, value in of_one.items()}
        if isinstance(of_one, dict)
        else None
        for position, of_one in moments.items()
    }


def _kind(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape
    return type(value)


def check_learnt(estimator: Any, rules: Mapping[str, Rule]) -> None:
    """Raise unless all of these attributes are something that `fit` makes."""
    learnt = {name: vars(estimator).get(name) for name in rules}
    found = fault(learnt, rules)
    if found:
        raise ValueError(f"it has a {type(estimator).__name__}, and {found}")
