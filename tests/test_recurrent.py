"""The network against torch's own modules on packed sequences."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from skseq import GRUSequenceRegressor, LSTMSequenceClassifier, pad_collate
from skseq._data.containers import as_sequences
from skseq._training.batches import pad
from skseq.nn import RecurrentNet
from skseq.nn.cells.base import reverse_within
from skseq.nn.dropout import Dropout

POOLINGS = ["last", "mean", "max", "attention", ("last", "mean", "max", "attention")]
COMBINATIONS = list(itertools.product(["lstm", "gru"], [1, 2, 3], [False, True], POOLINGS))
LENGTHS = [4, 70, 1, 33, 70, 35, 2]


def make_net(cell, layers, bidirectional, pooling, **options):
    return RecurrentNet(
        cell,
        n_inputs=3,
        n_outputs=2,
        hidden_size=5,
        num_layers=layers,
        bidirectional=bidirectional,
        pooling=pooling,
        generator=torch.Generator().manual_seed(1),
        **options,
    )


def make_inputs(dtype):
    """Padded sequences, some of which will share a lane, and cross a block of steps."""
    rng = np.random.default_rng(2)
    X = as_sequences([rng.normal(size=(n, 3)).astype(dtype) for n in LENGTHS])
    return {"x": pad(X), "lengths": torch.from_numpy(X.lengths)}


class PackedNet(nn.Module):
    """What people write: pad, pack, nn.LSTM or nn.GRU, unpack, pool row by row."""

    def __init__(self, net):
        super().__init__()
        config = net.config
        self.config = config
        module = {"lstm": nn.LSTM, "gru": nn.GRU}[config["cell"]]
        self.recurrent = module(
            config["n_inputs"],
            config["hidden_size"],
            num_layers=config["num_layers"],
            bidirectional=config["bidirectional"],
            batch_first=True,
        )
        self.head = copy.deepcopy(net.head)
        self.attention = copy.deepcopy(getattr(net.pooling, "attention", None))
        self.names = {}
        for i, layer in enumerate(net.layers):
            depth, backward = divmod(i, net.directions)
            suffix = f"_l{depth}" + ("_reverse" if backward else "")
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                theirs = f"recurrent.{kind}{suffix}"
                self.names[f"layers.{i}.{kind}_l0"] = theirs
                with torch.no_grad():
                    self.get_parameter(theirs).copy_(getattr(layer, f"{kind}_l0"))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, state = self.recurrent(packed)
        state = state[0] if isinstance(state, tuple) else state
        outputs, _ = pad_packed_sequence(outputs, batch_first=True)
        directions = 2 if self.config["bidirectional"] else 1
        rows = []
        for i, length in enumerate(lengths):
            steps = outputs[i, :length]
            pooled = {
                "last": lambda i=i: torch.cat([s[i] for s in state[-directions:]]),
                "mean": lambda steps=steps: steps.mean(dim=0),
                "max": lambda steps=steps: steps.amax(dim=0),
                "attention": lambda steps=steps: (
                    torch.softmax(torch.tanh(self.attention(steps)), dim=0) * steps
                ).sum(dim=0),
            }
            rows.append(torch.cat([pooled[kind]() for kind in self.config["pooling"]]))
        return self.head(torch.stack(rows))


def loss_and_gradients(net, x, lengths):
    net.zero_grad()
    x = x.clone().requires_grad_()
    outputs = net(x, lengths)
    (outputs * torch.tensor([1.0, -0.7], dtype=outputs.dtype)).square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in net.named_parameters()}
    return outputs.detach(), x.grad, gradients


@pytest.mark.parametrize(("cell", "layers", "bidirectional", "pooling"), COMBINATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
def test_equals_packed_sequences(cell, layers, bidirectional, pooling, dtype, tolerance):
    net = make_net(cell, layers, bidirectional, pooling).to(getattr(torch, dtype))
    oracle = PackedNet(net).double()
    inputs = make_inputs(dtype)
    outputs, x_grad, gradients = loss_and_gradients(net, **inputs)
    expected = loss_and_gradients(oracle, inputs["x"].double(), inputs["lengths"])

    def close(ours, theirs):
        torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)

    close(outputs, expected[0])
    close(x_grad, expected[1])
    for ours, gradient in gradients.items():
        theirs = oracle.names.get(ours, ours.replace("pooling.", ""))
        close(gradient, expected[2][theirs])


@pytest.mark.parametrize(("cell", "layers", "bidirectional", "pooling"), COMBINATIONS)
def test_sequences_of_one_length_equal_packed_ones(cell, layers, bidirectional, pooling):
    net = make_net(cell, layers, bidirectional, pooling).double()
    x = torch.from_numpy(np.random.default_rng(3).normal(size=(5, 37, 3)))
    lengths = torch.full((5,), 37)
    outputs, _, gradients = loss_and_gradients(net, x, lengths)
    oracle = PackedNet(net).double()
    expected = loss_and_gradients(oracle, x, lengths)
    torch.testing.assert_close(outputs, expected[0], rtol=1e-9, atol=1e-9)
    for ours, gradient in gradients.items():
        theirs = oracle.names.get(ours, ours.replace("pooling.", ""))
        torch.testing.assert_close(gradient, expected[2][theirs], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("cell", "layers", "bidirectional", "pooling"), COMBINATIONS)
def test_what_stands_in_the_padding_does_not_matter(cell, layers, bidirectional, pooling):
    net = make_net(cell, layers, bidirectional, pooling).double()
    inputs = make_inputs("float64")
    x, lengths = inputs["x"], inputs["lengths"]
    noise = torch.full((len(x), x.shape[1] + 6, 3), 1e3, dtype=torch.float64)
    for i, length in enumerate(lengths):
        noise[i, :length] = x[i, :length]
    torch.testing.assert_close(net(noise, lengths), net(x, lengths), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("cell", "layers", "bidirectional", "pooling"), COMBINATIONS)
def test_exact_outputs_are_those_of_the_float64_network(
    cell, layers, bidirectional, pooling
):
    net = make_net(cell, layers, bidirectional, pooling, dropout=0.5).eval()
    inputs = make_inputs("float32")
    with torch.inference_mode():
        exact = net(**inputs, exact=True)
        expected = copy.deepcopy(net).double()(**inputs)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(exact, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_exact_outputs_do_not_depend_on_the_batch(cell):
    """With as many hidden units as make products of float32 depend on it."""
    generator = torch.Generator().manual_seed(1)
    net = RecurrentNet(cell, 8, 2, num_layers=2, pooling=POOLINGS[-1], generator=generator)
    x = torch.randn(48, 60, 8, generator=generator)
    lengths = torch.randint(1, 61, (48,), generator=generator)
    with torch.inference_mode():
        together = net.eval()(x, lengths, exact=True)
        alone = [net(x[i : i + 1], lengths[i : i + 1], exact=True) for i in range(48)]
    torch.testing.assert_close(torch.cat(alone), together, rtol=1e-9, atol=1e-12)


def test_padded_sequences_and_bare_steps_are_read_alike():
    net = make_net("lstm", 1, True, "mean")
    padded = make_inputs("float64")
    x, lengths = padded["x"], padded["lengths"]
    steps = torch.cat([row[:n] for row, n in zip(x, lengths, strict=True)])
    assert torch.equal(net(steps, lengths), net(**padded))


def test_reverse_within_length():
    x = torch.arange(8.0).reshape(2, 4, 1).transpose(0, 1)
    reversed_ = reverse_within(x, torch.tensor([3, 1]))
    assert reversed_[:, :, 0].T.tolist() == [[2, 1, 0, 3], [4, 5, 6, 7]]


def test_initial_weights():
    net = make_net("lstm", 1, False, "last")
    layer = net.layers[0]
    for gate in layer.weight_hh_l0.view(4, 5, 5):
        torch.testing.assert_close(gate @ gate.T, torch.eye(5))
    assert layer.bias_ih_l0.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    assert not layer.bias_hh_l0.any()


def test_initial_weights_follow_from_the_generator_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = make_net("gru", 2, True, "attention", embedding_dim=4)
    torch.manual_seed(1)
    second = make_net("gru", 2, True, "attention", embedding_dim=4)
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    torch.manual_seed(0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_dropout_keeps_the_mean_and_follows_its_generator():
    dropout = Dropout(0.3)
    x = torch.ones(200, 200)
    dropout.generator = torch.Generator().manual_seed(0)
    first = dropout(x)
    dropout.generator = torch.Generator().manual_seed(0)
    assert torch.equal(dropout(x), first)
    assert abs(float(first.mean()) - 1.0) < 0.02
    assert abs(float((first == 0).double().mean()) - 0.3) < 0.01
    assert torch.equal(dropout.eval()(x), x)


def test_dropout_stands_between_layers_and_before_the_head():
    inputs = make_inputs("float32")
    net = make_net("lstm", 2, False, "last", dropout=0.5)
    seen = []
    net.dropout.register_forward_hook(
        lambda module, args, output: seen.append(output.shape)
    )
    net(**inputs)
    assert [shape[-1] for shape in seen] == [5, 5]
    assert seen[1] == (7, 5)


# What pad_collate gives.


@pytest.mark.parametrize("lengths", [[4, 1, 3], [1, 1, 1], [4, 4], [1], [3]], ids=str)
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "symbols"])
def test_one_channel_may_be_padded_without_its_axis(kind, exact, lengths):
    """For one channel (b, t), (b, t, 1) and the steps alone are the same."""
    embedding_dim = 3 if kind == "symbols" else None
    n_inputs = 9 if kind == "symbols" else 1
    net = RecurrentNet("lstm", n_inputs, 2, hidden_size=4, embedding_dim=embedding_dim)
    dtype = np.int64 if kind == "symbols" else kind
    rows = [np.arange(1, n + 1).astype(dtype) for n in lengths]
    padded, n_steps = pad_collate(rows)
    assert padded.shape == (len(lengths), max(lengths))
    with torch.no_grad():
        expected = net(padded[:, :, None], n_steps, exact=exact)
        assert torch.equal(net(padded, n_steps, exact=exact), expected)
        flat = torch.from_numpy(np.concatenate(rows))[:, None].to(padded.dtype)
        assert torch.equal(net(flat, n_steps, exact=exact), expected)
        # Steps behind the longest sequence are padding too.
        wider = torch.cat([padded, torch.zeros_like(padded)], dim=1)
        assert torch.equal(net(wider, n_steps, exact=exact), expected)


def test_as_many_lengths_as_padded_sequences():
    for x in (torch.ones(3, 4, 1), torch.ones(3, 4)):
        with pytest.raises(ValueError, match="x has 3 sequences, but lengths 2"):
            RecurrentNet("gru", 1, 2)(x, torch.tensor([4, 4]))
    with pytest.raises(ValueError, match="x has 4 channels, and the network 3"):
        RecurrentNet("gru", 3, 2)(torch.ones(2, 4), torch.tensor([4, 4]))


@pytest.mark.parametrize("symbols", [False, True])
def test_the_module_of_an_estimator_takes_what_pad_collate_gives(symbols):
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 7, size=n) for n in [2, 5, 9, 3] * 4]
    options = {"embedding_dim": 4} if symbols else {"bidirectional": True}
    model = LSTMSequenceClassifier(
        hidden_size=5, max_epochs=2, validation_fraction=None, lr=0.05, **options
    ).fit(X, [int(x[0] > 3) for x in X])
    rows = [np.searchsorted(model.vocabulary_, x) + 1 for x in X] if symbols else X
    for cast in (np.asarray, np.asarray if symbols else np.float32):
        padded, lengths = pad_collate([cast(row) for row in rows])
        with torch.no_grad():
            outputs = model.net_.module_.eval()(padded, lengths)
        assert outputs.dtype == torch.float32
        np.testing.assert_allclose(outputs.softmax(1), model.predict_proba(X), atol=1e-6)


# Hooks of torch.

PARTS = ["scaling", "dropout", "pooling", "pooling.attention", "head"]


def hooked(module, names):
    """Lists of what hooks see of these parts: module, inputs and output."""
    seen = {name: [] for name in names}
    for name, calls in seen.items():
        hook = Calls(calls)
        module.get_submodule(name).register_forward_hook(hook.note)
    return seen


class Calls:
    """A hook that is a method, as collectors are."""

    def __init__(self, calls):
        self.calls = calls

    def note(self, module, inputs, output):
        self.calls.append((module, inputs[0], output))


@pytest.mark.parametrize("cls", [LSTMSequenceClassifier, GRUSequenceRegressor])
def test_hooks_see_every_part_in_training_and_prediction(ragged, cls):
    X, y = ragged[0], [len(x) % 2 for x in ragged[0]]
    model = cls(hidden_size=5, max_epochs=1, pooling=POOLINGS[-1], warm_start=True)
    seen = hooked(model.fit(X, y).net_.module_, PARTS)
    model.fit(X, y)
    for name, calls in seen.items():
        assert calls, name
        assert calls[0][2].dtype == (torch.float64 if name == "scaling" else torch.float32)
        calls.clear()
    model.predict(X)
    for name, calls in seen.items():
        assert calls, name
        module, _, output = calls[0]
        assert module is model.net_.module_.get_submodule(name)
        assert output.dtype == torch.float64, name
        assert not output.requires_grad
    assert sum(len(output) for _, _, output in seen["head"]) == len(X)
    assert seen["head"][0][1].shape[1] == 20


def test_a_hook_of_the_head_has_embeddings_and_gradients():
    net = make_net("gru", 1, False, "last")
    gradients = []
    net.head.register_full_backward_hook(lambda *args: gradients.append(args[1][0]))
    seen = hooked(net, ["head"])["head"]
    outputs = net(**make_inputs("float32"))
    outputs[:, 1].sum().backward()
    ((head, pooled, answer),) = seen
    assert isinstance(head, nn.Linear)
    assert torch.equal(answer, outputs)
    assert torch.equal(answer, nn.functional.linear(pooled, head.weight, head.bias))
    assert torch.equal(gradients[0], head.weight[1].expand(len(pooled), -1))


def test_a_hook_can_change_an_output():
    net = make_net("lstm", 1, False, "mean")
    handle = net.head.register_forward_hook(lambda module, inputs, output: 2 * output)
    inputs = make_inputs("float32")
    doubled = net(**inputs)
    handle.remove()
    assert torch.equal(doubled, 2 * net(**inputs))


def test_a_copy_calls_the_hooks_of_the_network():
    """Copies train on, predict on a GPU and integrate gradients."""
    net = make_net("lstm", 2, True, POOLINGS[-1])
    calls = []
    handle = net.head.register_forward_hook(Calls(calls).note)
    copied = net.copied().double()
    copied(**make_inputs("float64"))
    assert calls[0][0] is copied.head
    handle.remove()
    copied(**make_inputs("float64"))
    assert len(calls) == 1
    assert all(p.dtype == torch.float32 for p in net.parameters())
