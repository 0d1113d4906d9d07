"""The recurrence: every layer of `RecurrentNet` runs through `run_layer`.

Axes: t time, l lanes, i inputs, h hidden units, o outputs (h of each direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .lanes import Lanes

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}

# The input to all gates at a cut. Their sigmoids are exactly 0 then, in float32
# and in float64, and so are the state and every gradient that would pass.
SHUT = -1e8

# Steps times lanes times hidden units in one call of the fused LSTM.
WORKSPACE = 1 << 19

# Time steps that the GRU works on at once, so that its gates stay in the cache.
BLOCK = 32


def run_layer(layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
    """Run one layer, in one direction or two, over the lanes of a batch.

    Nothing is packed, so torch's fast paths stay open, and yet the result is that
    of `torch.nn.utils.rnn.pack_padded_sequence`: each sequence starts from a zero
    state, and what stands in blank steps does not matter.

    Parameters
    ----------
    layers : one or two of nn.LSTM or nn.GRU
        One layer each; the second one reads every sequence from its end. On a CPU
        only their weights are used, in the dtype of `x`.
    x : Tensor of shape (t, l, i)
        Any finite numbers at blank steps.
    lanes : Lanes
        On other devices every sequence must have a lane of its own.

    Returns
    -------
    Tensor of shape (t, l, o)
        Step t is the output after reading step t of `x`. At blank steps it is finite
        and means nothing.
    """
    if x.device.type != "cpu":
        return _run_modules(layers, x, lanes)
    if isinstance(layers[0], nn.LSTM):
        return _run_lstm(layers, x, lanes)
    outputs = [_run_gru(layer, x, lanes, backward=i == 1) for i, layer in enumerate(layers)]
    return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]


def weights_of(layer: nn.Module, like: Tensor) -> list[Tensor]:
    """Weights of input and state, biases of input and state, in the dtype of a tensor."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return [getattr(layer, name).to(like.dtype) for name in names]


def _run_lstm(layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
    """Both directions in torch's fused kernel; an input of its own tells it of cuts."""
    weights = [weights_of(layer, x) for layer in layers]
    n_steps, n_lanes, _ = x.shape
    # Alone in its lane and read forward, a sequence is over when a cut comes.
    heeds_cuts = lanes.are_shared or len(layers) > 1
    # With this input the kernel may round in another way, so all batches that must
    # agree exactly have it.
    if heeds_cuts and (lanes.is_exact or len(lanes.cuts)):
        is_cut = x.new_zeros(n_steps * n_lanes, 1).index_fill_(0, lanes.cuts, 1.0)
        x = torch.cat([x, is_cut.view(n_steps, n_lanes, 1)], dim=2)
        for w in weights:
            w[0] = torch.cat([w[0], w[0].new_full((len(w[0]), 1), SHUT)], dim=1)
    flat = [tensor for w in weights for tensor in w]
    n_calls = _n_calls(x, flat[1].shape[1])
    if n_calls == 1:
        return _fused_lstm(x, flat)
    return torch.cat([_fused_lstm(some, flat) for some in x.tensor_split(n_calls, 1)], 1)


def _fused_lstm(x: Tensor, weights: list[Tensor]) -> Tensor:
    two, trains = len(weights) > 4, torch.is_grad_enabled()
    state = x.new_zeros(1 + two, x.shape[1], weights[1].shape[1])
    return torch.lstm(x, (state, state), weights, True, 1, 0.0, trains, two, False)[0]


def _n_calls(x: Tensor, hidden_size: int) -> int:
    """In how many parts of the lanes the fused kernel's workspace needs no new memory.

    It takes about 61 bytes for each step, lane and hidden unit. The C library keeps
    blocks of up to 32 MB for the next batch; a larger one it hands back to the system,
    and touching new memory every time costs a third of the kernel's time. No part
    has a single lane, which the kernel would round in another way.
    """
    n_steps, n_lanes, _ = x.shape
    n_calls = -(-n_steps * n_lanes * hidden_size // WORKSPACE)
    return max(min(n_calls, n_lanes // 2), 1)


def _run_gru(layer: nn.Module, x: Tensor, lanes: Lanes, *, backward: bool) -> Tensor:
    return GRU.apply(x, *weights_of(layer, x), lanes.cuts, backward)


class GRU(torch.autograd.Function):
    """The equations of `torch.nn.GRU` over lanes, in one direction.

    With r, z, n, s the gates and the state of Cho et al. (2014), and torch's place
    for the reset gate:

        r, z = sigmoid(x W + b + s U + c),  n = tanh(x W + b + r (s U + c)),
        s' = n + z (s - n).

    Everything but ``s U`` and what follows from it is computed for many steps at
    once, the gradients of the weights included. Backward, all gates' gradients are
    multiples of that of s', and the factors are known before the steps are walked.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        w_input: Tensor,
        w_state: Tensor,
        b_input: Tensor,
        b_state: Tensor,
        cuts: Tensor,
        backward: bool,
    ) -> Tensor:
        n_steps, n_lanes, n_inputs = x.shape
        h = w_state.shape[1]
        # The state's products in the order n, r, z: so both they and the input's
        # (r, z, n) are neighbours in `gates`, whose columns are [s U of n, r, z, n].
        w_state = torch.cat([w_state[2 * h :], w_state[: 2 * h]])
        from_state = w_state.t().contiguous()
        bias = torch.cat([b_input[: 2 * h] + b_state[: 2 * h], b_input[2 * h :]])
        gates = x.new_empty(n_steps, n_lanes, 4 * h)
        # One more than there are steps: the zero state that all starts from.
        states = x.new_empty(n_steps + 1, n_lanes, h)
        walk = Walk(n_steps, n_lanes, cuts, backward)
        before, after = walk.sides(states)
        before[walk.first].zero_()
        state = before[walk.first]
        for block in walk.blocks():
            here = gates[block]
            flat = here.view(-1, 4 * h)
            flat[:, :h] = b_state[2 * h :]
            inputs = x[block].reshape(-1, n_inputs)
            torch.addmm(bias, inputs, w_input.t(), out=flat[:, h:])
            products, both = here[..., : 3 * h].unbind(), here[..., h : 3 * h].unbind()
            sn, r, z, n = (gate.unbind() for gate in here.split(h, dim=2))
            out = after[block].unbind()
            for i in walk.within(block):
                products[i].addmm_(state, from_state)
                both[i].sigmoid_()
                n[i].addcmul_(r[i], sn[i]).tanh_()
                state = torch.lerp(n[i], state, z[i], out=out[i])
                walk.cut(state, block.start + i)
        ctx.save_for_backward(x, w_input, w_state, gates, states)
        ctx.walk = walk
        return after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_after: Tensor) -> tuple[Tensor | None, ...]:
        x, w_input, w_state, gates, states = ctx.saved_tensors
        walk: Walk = ctx.walk
        n_steps, n_lanes, n_inputs = x.shape
        h = w_state.shape[1]
        before, _ = walk.sides(states)
        # In this layout whatever that of `x` is, for the views below.
        d_x = x.new_empty(x.shape) if ctx.needs_input_grad[0] else None
        d_w_input, d_w_state = torch.zeros_like(w_input), torch.zeros_like(w_state)
        d_bias = x.new_zeros(4 * h)
        d_out = d_after.unbind()
        d_state = d_out[walk.last].clone()
        d_state_of_all = d_state[:, None, :]
        one = x.new_ones(())
        factors = x.new_empty(min(BLOCK, n_steps), n_lanes, 4 * h)
        rest = x.new_empty(min(BLOCK, n_steps), n_lanes, h)
        for block in reversed(walk.blocks()):
            here = factors[: block.stop - block.start]
            sn, r, z, n = gates[block].split(h, dim=2)
            f_sn, f_r, f_z, f_n = here.split(h, dim=2)
            not_z = torch.sub(one, z, out=rest[: len(here)])
            torch.addcmul(one, n, n, value=-1, out=f_n).mul_(not_z)
            torch.mul(f_n, r, out=f_sn)
            torch.sub(one, r, out=f_r).mul_(sn).mul_(f_sn)
            torch.sub(before[block], n, out=f_z).mul_(z).mul_(not_z)
            each = here.view(-1, n_lanes, 4, h).unbind()
            products, keep = here[..., : 3 * h].unbind(), z.unbind()
            for i in reversed(walk.within(block)):
                step = block.start + i
                walk.cut(d_state, step)
                each[i].mul_(d_state_of_all)
                if step != walk.first:
                    d_before = d_out[step - walk.pace]
                    torch.addcmul(d_before, d_state, keep[i], out=d_state)
                    d_state.addmm_(products[i], w_state)
            flat = here.view(-1, 4 * h)
            d_w_state.addmm_(flat[:, : 3 * h].t(), before[block].reshape(-1, h))
            d_w_input.addmm_(flat[:, h:].t(), x[block].reshape(-1, n_inputs))
            d_bias += flat.sum(dim=0)
            if d_x is not None:
                torch.mm(flat[:, h:], w_input, out=d_x[block].view(-1, n_inputs))
        d_w_state = torch.cat([d_w_state[h:], d_w_state[:h]])
        d_b_state = torch.cat([d_bias[h : 3 * h], d_bias[:h]])
        return d_x, d_w_input, d_w_state, d_bias[h:], d_b_state, None, None


class Walk:
    """The order in which a recurrence visits time steps."""

    def __init__(self, n_steps: int, n_lanes: int, cuts: Tensor, backward: bool) -> None:
        self.n_steps = n_steps
        self.pace = -1 if backward else 1
        self.first, self.last = (n_steps - 1, 0) if backward else (0, n_steps - 1)
        ordered = cuts.sort().values
        steps, counts = ordered.div(n_lanes, rounding_mode="floor").unique_consecutive(
            return_counts=True
        )
        lanes = (ordered % n_lanes).split(counts.tolist())
        self._cut_lanes = dict(zip(steps.tolist(), lanes, strict=True))

    def cut(self, state: Tensor, step: int) -> None:
        """Put zeros into the lanes (rows) that are cut at this step."""
        if step in self._cut_lanes:
            state.index_fill_(0, self._cut_lanes[step], 0.0)

    def sides(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The state before and after each step, of all states (t + 1, l, h)."""
        if self.pace < 0:
            return states[1:], states[:-1]
        return states[:-1], states[1:]

    def blocks(self) -> list[slice]:
        begins = range(0, self.n_steps, BLOCK)
        blocks = [slice(b, min(b + BLOCK, self.n_steps)) for b in begins]
        return blocks[:: self.pace]

    def within(self, block: slice) -> range:
        steps = range(block.stop - block.start)
        return steps[:: self.pace]


def _run_modules(layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
    """Torch's own modules; backward, each sequence is reversed within its own length."""
    outputs = [layers[0](x)[0]]
    if len(layers) > 1:
        mirrored = reverse_within(x, lanes.lengths)
        outputs.append(reverse_within(layers[1](mirrored)[0], lanes.lengths))
    return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse the first ``lengths[l]`` steps of each lane of (t, l, i); the rest stays."""
    t = torch.arange(len(x), device=x.device)[:, None]
    mirrored = lengths - 1 - t
    index = torch.where(mirrored >= 0, mirrored, t)
    return x.gather(0, index[:, :, None].expand(-1, -1, x.shape[2]))
