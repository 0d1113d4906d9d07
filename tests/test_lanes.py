"""Lanes: every step has a place of its own, and a blank step stands behind a sequence."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from skseq.nn.lanes import Lanes, rounded_up

lengths_lists = st.lists(st.integers(1, 80), min_size=1, max_size=25)


@given(lengths_lists, st.booleans(), st.booleans())
def test_filling_and_looking_up_give_the_steps_back(lengths, share, exact):
    lanes = Lanes(torch.tensor(lengths), share=share, exact=exact)
    x = torch.arange(1, sum(lengths) + 1)[:, None]
    grid = lanes.fill(x)
    assert grid.shape == (lanes.n_steps, lanes.n_lanes, 1)
    flat = grid.flatten(0, 1)
    assert torch.equal(flat[lanes.steps], x)
    ends = torch.tensor(lengths).cumsum(0)
    assert torch.equal(lanes.at_last(flat), x[ends - 1])
    assert torch.equal(lanes.at_first(flat), x[lanes.offsets])
    assert lanes.owners.tolist() == np.repeat(np.arange(len(lengths)), lengths).tolist()
    assert lanes.n_lanes >= 1 + exact


@given(lengths_lists)
def test_a_cut_stands_behind_every_sequence_that_does_not_end_its_lane(lengths):
    lanes = Lanes(torch.tensor(lengths))
    steps = np.full((lanes.n_lanes, lanes.n_steps), -1)
    for owner, position in zip(lanes.owners.tolist(), lanes.steps.tolist(), strict=True):
        steps[position % lanes.n_lanes, position // lanes.n_lanes] = owner
    cuts = set()
    for lane in range(lanes.n_lanes):
        for step in range(1, lanes.n_steps):
            before, here = steps[lane, step - 1 : step + 1]
            assert before == here or -1 in (before, here)
            if before != -1 and here == -1:
                cuts.add(step * lanes.n_lanes + lane)
    assert set(lanes.cuts.tolist()) == cuts


@given(lengths_lists)
def test_never_more_than_padding(lengths):
    lanes = Lanes(torch.tensor(lengths))
    assert lanes.n_steps * lanes.n_lanes <= max(lengths) * len(lengths)
    assert lanes.are_shared == (lanes.n_lanes < len(lengths))


def test_uniform_lengths_leave_little_blank():
    rng = np.random.default_rng(0)
    filled = []
    for _ in range(50):
        lengths = torch.from_numpy(rng.integers(10, 201, size=32))
        lanes = Lanes(lengths)
        filled.append(int(lengths.sum()) / (lanes.n_steps * lanes.n_lanes))
    assert np.mean(filled) > 0.88  # 0.54 when padded


def test_few_different_numbers_of_steps():
    rounded = [rounded_up(n) for n in range(1, 2001)]
    assert all(n <= m <= n * 17 / 16 for n, m in enumerate(rounded, start=1))
    assert len(set(rounded[1000:])) <= 32
