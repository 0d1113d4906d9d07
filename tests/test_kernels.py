"""The recurrences: exact, for whatever shares a lane, and the same on every path."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skseq.nn import RecurrentNet
from skseq.nn.cells import CELLS, gru, lstm
from skseq.nn.lanes import Lanes

LENGTHS = torch.tensor([50, 3, 20, 7, 41, 12, 1, 33])


def make_layers(cell, n_inputs, hidden_size, directions, dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    layers = [
        CELLS[cell].make(n_inputs, hidden_size, dtype=dtype) for _ in range(directions)
    ]
    with torch.no_grad():
        for layer in layers:
            for parameter in layer.parameters():
                parameter.uniform_(-0.9, 0.9, generator=generator)
    return layers


def cell_of(layers):
    return CELLS["lstm" if isinstance(layers[0], torch.nn.LSTM) else "gru"]


def run_layer(layers, x, lanes):
    return cell_of(layers).run(layers, x, lanes)


def run_modules(layers, x, lanes):
    return cell_of(layers).run_modules(layers, x, lanes)


def make_steps(lengths, n_channels, dtype=torch.float64):
    generator = torch.Generator().manual_seed(4)
    shape = (int(lengths.sum()), n_channels)
    return torch.randn(shape, dtype=dtype, generator=generator)


def outputs_and_gradients(run, layers, x, lanes):
    x = x.clone().requires_grad_()
    outputs = run(layers, lanes.fill(x), lanes).flatten(0, 1)[lanes.steps]
    # Different gradients for every number, none at blank steps.
    factors = torch.linspace(-1, 2, outputs.numel(), dtype=x.dtype).view_as(outputs)
    parameters = [p for layer in layers for p in layer.parameters()]
    return [outputs, *torch.autograd.grad((outputs * factors).sum(), [x, *parameters])]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_lanes_equal_the_path_of_other_devices(cell, directions):
    """Which runs torch's modules on padded sequences; here it runs on the CPU."""
    layers = make_layers(cell, 2, 5, directions)
    x = make_steps(LENGTHS, 2)
    shared, apart = Lanes(LENGTHS), Lanes(LENGTHS, share=False)
    assert shared.n_lanes < apart.n_lanes
    ours = outputs_and_gradients(run_layer, layers, x, shared)
    theirs = outputs_and_gradients(run_modules, layers, x, apart)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_equal_lengths_have_gradients_too(cell, directions):
    """Where the grid is a view of the batch, with time as its second axis in memory."""
    layers = make_layers(cell, 2, 5, directions)
    lengths = torch.full((6,), 40)
    lanes = Lanes(lengths)
    x = make_steps(lengths, 2)
    assert not lanes.fill(x).is_contiguous()
    ours = outputs_and_gradients(run_layer, layers, x, lanes)
    theirs = outputs_and_gradients(run_modules, layers, x, lanes)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_what_stands_in_blank_steps_does_not_matter(cell):
    layers = make_layers(cell, 2, 5, 2)
    lanes = Lanes(LENGTHS)
    grid = lanes.fill(make_steps(LENGTHS, 2))
    noisy = torch.full_like(grid, 1e3)
    flat = noisy.view(-1, 2)
    flat[lanes.steps] = grid.view(-1, 2)[lanes.steps]
    one, other = (run_layer(layers, x, lanes).flatten(0, 1) for x in (grid, noisy))
    torch.testing.assert_close(one[lanes.steps], other[lanes.steps], rtol=0, atol=1e-12)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("block", [1, 2, 7])
def test_gradients_of_the_gru_are_those_of_finite_differences(backward, block, monkeypatch):
    monkeypatch.setattr(gru, "BLOCK", block)
    lanes = Lanes(torch.tensor([6, 2, 3, 1]))
    assert len(lanes.cuts)
    (layer,) = make_layers("gru", 2, 3, 1)
    weights = [w.detach().clone().requires_grad_() for w in layer.parameters()]
    x = lanes.fill(make_steps(lanes.lengths, 2)).clone().requires_grad_()

    def run(x, *weights):
        outputs = gru.Recurrence.apply(x, *weights, lanes.cuts, backward)
        return outputs.flatten(0, 1)[lanes.steps]

    assert torch.autograd.gradcheck(run, [x, *weights])


@pytest.mark.parametrize("directions", [1, 2])
def test_lanes_in_several_calls_of_the_fused_kernel(directions, monkeypatch):
    layers = make_layers("lstm", 2, 8, directions, torch.float32)
    x, lanes = make_steps(LENGTHS, 2, torch.float32), Lanes(LENGTHS)
    once = outputs_and_gradients(run_layer, layers, x, lanes)
    calls = []
    fused = lstm._fused_lstm
    monkeypatch.setattr(lstm, "WORKSPACE", 8 * lanes.n_steps * 2)
    monkeypatch.setattr(lstm, "_fused_lstm", lambda *args: calls.append(1) or fused(*args))
    often = outputs_and_gradients(run_layer, layers, x, lanes)
    assert len(calls) > 1
    for one, other in zip(once, often, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(data=st.data())
def test_the_fused_lstm_rounds_a_sequence_in_the_same_way_in_every_batch(data):
    """What predictions rest on, for sizes where a library may choose another product."""
    hidden_size = data.draw(st.sampled_from([1, 5, 8, 16, 33, 64]))
    n_inputs = data.draw(st.sampled_from([1, 2, 4, 7, 8, 16, 33, hidden_size]))
    directions = data.draw(st.sampled_from([1, 2]))
    lengths = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=40))
    layers = make_layers("lstm", n_inputs, hidden_size, directions, torch.float32)
    some = data.draw(st.lists(st.sampled_from(range(len(lengths))), max_size=4))
    assert_same_alone_and_together(layers, torch.tensor(lengths), some)


def assert_same_alone_and_together(layers, lengths, some):
    x = make_steps(lengths, layers[0].input_size, torch.float32)

    def run(x, lengths):
        lanes = Lanes(lengths, share=False, exact=True)
        return run_layer(layers, lanes.fill(x), lanes).flatten(0, 1)[lanes.steps]

    with torch.inference_mode():
        together = run(x, lengths).split(lengths.tolist())
        parts = x.split(lengths.tolist())
        for i in some:
            assert torch.equal(run(parts[i], lengths[i : i + 1]), together[i])


def test_parts_of_the_lanes_round_in_the_same_way(monkeypatch):
    """One lane would take this workspace for itself; the kernel must get two."""
    monkeypatch.setattr(lstm, "WORKSPACE", 1500)
    layers = make_layers("lstm", 64, 64, 1, torch.float32)
    assert_same_alone_and_together(layers, torch.full((40,), 20), range(40))


@pytest.mark.parametrize("n_inputs", range(1, 13))
def test_two_directions_round_in_the_same_way_with_and_without_cuts(n_inputs):
    layers = make_layers("lstm", n_inputs, 5, 2, torch.float32)
    assert_same_alone_and_together(layers, torch.tensor([9, 23, 30]), range(3))


def test_gru_takes_gradients_once():
    (layer,) = make_layers("gru", 2, 3, 1)
    lanes = Lanes(torch.tensor([4]))
    x = lanes.fill(make_steps(lanes.lengths, 2)).clone().requires_grad_()
    outputs = run_layer([layer], x, lanes).square().sum()
    (gradient,) = torch.autograd.grad(outputs, x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_denormal_gradients_reach_nothing():
    """Gradients that vanish must not become NaN at the shut gates of a cut."""
    lengths = torch.tensor([300, 5, 290])
    lanes = Lanes(lengths)
    for cell in CELLS:
        layers = make_layers(cell, 1, 4, 2, torch.float32)
        x = make_steps(lengths, 1, torch.float32)
        outputs = run_layer(layers, lanes.fill(x), lanes).flatten(0, 1)
        lanes.at_last(outputs).sum().backward()
        for layer in layers:
            assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # of setting the flag
@pytest.mark.parametrize("bidirectional", [False, True])
def test_without_the_fused_kernel_predictions_do_not_depend_on_their_batch(bidirectional):
    """As on machines for which torch has no oneDNN."""
    net = RecurrentNet("lstm", 3, 2, hidden_size=9, bidirectional=bidirectional)
    lengths = torch.arange(1, 60)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(int(lengths.sum()), 3)))
    with torch.backends.mkldnn.flags(enabled=False), torch.no_grad():
        together = net(x, lengths, exact=True)
        rows = zip(x.split(lengths.tolist()), lengths.split(1), strict=True)
        alone = torch.cat([net(steps, length, exact=True) for steps, length in rows])
    torch.testing.assert_close(alone, together, rtol=1e-9, atol=1e-12)
