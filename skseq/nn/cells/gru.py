"""The gated recurrent unit of Cho et al. (2014), as an exact function of our own.

Axes: t time, l lanes, i inputs, h hidden units, o outputs (h of each direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..lanes import Lanes
from .base import Cell, add_node, weights_of

# Time steps that are worked on at once, so that the gates stay in the cache.
BLOCK = 32


class GRU(Cell):
    n_gates = 3

    def make(self, n_inputs: int, hidden_size: int, **options: Any) -> nn.Module:
        return nn.GRU(n_inputs, hidden_size, **options)

    def run(self, layers: Sequence[nn.Module], x: Tensor, lanes: Lanes) -> Tensor:
        outputs = [
            Recurrence.apply(x, *weights_of(layer, x), lanes.cuts, backward)
            for layer, backward in zip(layers, (False, True), strict=False)
        ]
        return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]

    def to_graph(
        self, graph: Any, layers: Sequence[nn.Module], steps: str, lengths: str
    ) -> tuple[str, str]:
        options = {"linear_before_reset": 1}
        return add_node(graph, "GRU", layers, [1, 0, 2], steps, lengths, **options)


class Recurrence(torch.autograd.Function):
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
