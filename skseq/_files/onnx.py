"""The ONNX graph of a fitted estimator; imported only where onnx is needed.

Axes: t time, b batch, c channels, d directions, h hidden units, k outputs.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from .._version import __version__
from ..nn.pooling import POOLINGS, GraphSteps, Pooling
from ..nn.recurrent import RecurrentNet

# Not the newest, so that older runtimes take the file too; the three belong together.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 8

# Whole numbers beyond have no exact float32, which is the type of X.
LARGEST_SYMBOL = 1 << 24


def make_model(estimator: Any) -> onnx.ModelProto:
    """The graph from `X` and `lengths` to what the estimator predicts."""
    net, task = estimator.net_, estimator._task
    metadata = {"estimator": type(estimator).__name__, "skseq": __version__}
    for key, value in task.described().items():
        metadata[key] = json.dumps(value, default=str)
    if estimator.channel_names_ is not None:
        metadata["channels"] = json.dumps(estimator.channel_names_.tolist())
    graph = Graph()
    x, lengths, is_valid = add_guards(graph)
    steps = graph.add("Transpose", x, perm=[1, 0, 2])
    codec = estimator._codec
    if codec.embeds:
        metadata["vocabulary"] = json.dumps(codec.vocabulary.tolist())
        steps = add_embedding(graph, steps, net.module_, keys(codec.vocabulary))
    else:
        steps = add_standardisation(graph, steps, net.module_)
    steps, last = add_layers(graph, steps, lengths, net.module_)
    pooled = add_pooling(graph, steps, lengths, last, net.module_.pooling)
    raw = net.module_.head.to_graph(graph, pooled)
    output = graph.add(net.criterion_.link_operator, raw)
    name = task.answer
    if name is None:
        raise ValueError(
            f"to_onnx cannot write this model: {type(task).__name__} names no answer."
        )
    shape: list[str | int] = ["batch", task.n_outputs]
    if task.has_units:
        output = add_units(graph, output, net.module_)
    output = only_valid(graph, output, is_valid)
    if not task.is_2d:
        output, shape = graph.add("Squeeze", output, np.array([1])), ["batch"]
    graph.nodes.append(helper.make_node("Identity", [output], [name]))
    channels = estimator.n_channels_
    inputs = [
        helper.make_tensor_value_info("X", TensorProto.FLOAT, ["batch", "time", channels]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "skseq", inputs, outputs, graph.constants),
        opset_imports=[
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", ML_OPSET),
        ],
        ir_version=IR_VERSION,
        producer_name="skseq",
        producer_version=__version__,
    )
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model


class Graph:
    """Nodes and constants, which get names of their own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: Any, n_outputs: int = 1, **options: Any) -> Any:
        """Append a node; return the name of its output, or a list of several.

        Inputs are names, "" for one that is left out, or arrays and tensors, which
        become constants.
        """
        outputs = [f"{operator}_{len(self.nodes)}_{i}" for i in range(n_outputs)]
        names = [i if isinstance(i, str) else self._constant(i) for i in inputs]
        self.nodes.append(helper.make_node(operator, names, outputs, **options))
        return outputs[0] if n_outputs == 1 else outputs

    def _constant(self, value: np.ndarray | Tensor) -> str:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def add_guards(graph: Graph) -> tuple[str, str, str]:
    """`X` and `lengths` that every runtime can compute with, and which rows count (b,).

    Runtimes believe what they are given: an empty batch ends the process of onnxruntime,
    and a length of 0 gives an answer as if there were a sequence. So an axis without an
    entry gets one, lengths are moved to where there are steps, and `only_valid` takes
    back what comes of it.
    """
    shape = graph.add("Shape", "X")
    is_empty = as_type(graph, graph.add("Equal", shape, np.array(0)), TensorProto.INT64)
    x = graph.add("Pad", "X", graph.add("Concat", np.zeros(3, np.int64), is_empty, axis=0))
    n_missing = graph.add("Gather", is_empty, np.array([0]))
    pads = graph.add("Concat", np.zeros(1, np.int64), n_missing, axis=0)
    n_steps = graph.add("Gather", graph.add("Shape", x), np.array(1))
    lengths = graph.add("Clip", graph.add("Pad", "lengths", pads), np.array(1), n_steps)
    n_given = graph.add("Gather", shape, np.array(1))
    has_steps = graph.add("Greater", "lengths", np.array(0))
    has_all = graph.add("LessOrEqual", "lengths", n_given)
    return x, lengths, graph.add("And", has_steps, has_all)


def only_valid(graph: Graph, output: str, is_valid: str) -> str:
    """Of outputs (b, k) the rows that were given, NaN where a length cannot be."""
    n_rows = graph.add("Shape", is_valid)
    output = graph.add("Slice", output, np.array([0]), n_rows, np.array([0]))
    is_valid = graph.add("Unsqueeze", is_valid, np.array([1]))
    return graph.add("Where", is_valid, output, np.array(np.nan, np.float32))


def add_standardisation(graph: Graph, steps: str, module: RecurrentNet) -> str:
    """In float64: a mean may be large beside its scale."""
    scaling = module.scaling
    centred = graph.add("Sub", as_type(graph, steps, TensorProto.DOUBLE), scaling.mean)
    return as_type(graph, graph.add("Div", centred, scaling.scale), TensorProto.FLOAT)


def add_units(graph: Graph, output: str, module: RecurrentNet) -> str:
    """From the standardised target to the units of y."""
    scaling = module.output_scaling
    output = graph.add("Mul", as_type(graph, output, TensorProto.DOUBLE), scaling.scale)
    return as_type(graph, graph.add("Add", output, scaling.mean), TensorProto.FLOAT)


def keys(vocabulary: np.ndarray) -> np.ndarray:
    """The number in X that stands for each symbol."""
    if vocabulary.dtype.kind == "U":
        return np.arange(len(vocabulary))
    # As floats, because the smallest int64 has no absolute value.
    if np.abs(vocabulary.astype(float)).max() > LARGEST_SYMBOL:
        raise ValueError(
            f"The vocabulary has symbols beyond {LARGEST_SYMBOL}, which float32, the type "
            "of X in the graph, does not tell apart. Number the symbols from 0 and fit "
            "again."
        )
    return vocabulary


def add_embedding(graph: Graph, steps: str, module: RecurrentNet, keys: np.ndarray) -> str:
    """Vectors (t, b, c) of symbols (t, b, 1); the table's last row is zero already."""
    assert module.embedding is not None
    rows = graph.add(
        "LabelEncoder",
        steps,
        domain="ai.onnx.ml",
        keys_floats=keys.astype(float).tolist(),
        values_int64s=list(range(1, len(keys) + 1)),
        default_int64=len(keys) + 1,
    )
    rows = graph.add("Squeeze", rows, np.array([2]))
    return graph.add("Gather", module.embedding.weight, rows)


def add_layers(
    graph: Graph, steps: str, lengths: str, module: RecurrentNet
) -> tuple[str, str]:
    """Outputs at all steps (t, b, d * h), and the final states (b, d * h)."""
    lengths = as_type(graph, lengths, TensorProto.INT32)
    for layers in module.stack():
        states, last = known(module.cell).to_graph(graph, layers, steps, lengths)
        side_by_side = graph.add("Transpose", states, perm=[0, 2, 1, 3])
        steps = graph.add("Reshape", side_by_side, np.array([0, 0, -1]))
    last = graph.add("Transpose", last, perm=[1, 0, 2])
    return steps, graph.add("Reshape", last, np.array([0, -1]))


def add_pooling(graph: Graph, steps: str, lengths: str, last: str, pooling: Pooling) -> str:
    """Summaries (b, h * kinds) of the real steps of (t, b, h)."""
    n_steps = graph.add("Gather", graph.add("Shape", steps), np.array(0))
    times = graph.add("Range", np.array(0), n_steps, np.array(1))
    is_real = graph.add("Less", graph.add("Unsqueeze", times, np.array([1])), lengths)
    is_real = graph.add("Unsqueeze", is_real, np.array([2]))
    share = as_type(graph, is_real, TensorProto.FLOAT)
    parts = GraphSteps(steps, last, is_real, share)
    summaries = [
        known(POOLINGS[kind]).to_graph(pooling, graph, parts) for kind in pooling.kinds
    ]
    return graph.add("Concat", *summaries, axis=1)


def known(part: Any) -> Any:
    """A part of the network that has nodes of ONNX, or an error."""
    if not hasattr(part, "to_graph"):
        raise ValueError(
            f"to_onnx cannot write this model: {type(part).__name__} has no operators of "
            "ONNX."
        )
    return part


def as_type(graph: Graph, x: str, number_type: int) -> str:
    return graph.add("Cast", x, to=number_type)
