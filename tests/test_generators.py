"""`make_*`: seeded, of the asked shape, and drawn from the distribution they name."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression

from skseq import SequenceArray, datasets
from skseq.datasets import (
    make_adding_problem,
    make_pattern_sequences,
    make_sine_sequences,
    make_symbol_sequences,
    make_temporal_order,
    make_trigger_action_sequences,
)

MAKERS = [getattr(datasets, name) for name in datasets.__all__ if name.startswith("make_")]
by_maker = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def values_of(X):
    return X.values if isinstance(X, SequenceArray) else X


def contains(sequence, pattern):
    """By looking, not by an automaton."""
    text = "".join(map(str, np.ravel(sequence)))
    return "".join(map(str, pattern)) in text


class TestEveryGenerator:
    @by_maker
    def test_same_seed_same_data(self, make):
        X, y = make(20, random_state=3)
        again, y_again = make(20, random_state=3)
        other, _ = make(20, random_state=4)
        np.testing.assert_array_equal(values_of(X), values_of(again))
        np.testing.assert_array_equal(y, y_again)
        assert not np.array_equal(values_of(X), values_of(other))

    @by_maker
    @pytest.mark.parametrize("state", [None, 0, np.random.RandomState(0)], ids=str)
    def test_no_global_generator_moves(self, make, state):
        _, keys, position, *_ = np.random.get_state()  # noqa: NPY002
        make(5, random_state=state)
        _, keys_after, position_after, *_ = np.random.get_state()  # noqa: NPY002
        np.testing.assert_array_equal(keys_after, keys)
        assert position_after == position

    @by_maker
    def test_one_length_is_an_array(self, make):
        X, y = make(7, 31, random_state=0)
        assert isinstance(X, np.ndarray)
        assert X.shape[:2] == (7, 31)
        assert len(y) == 7

    @by_maker
    def test_a_range_of_lengths_is_a_sequence_array(self, make):
        X, y = make(300, (20, 30), random_state=0)
        assert isinstance(X, SequenceArray)
        assert sorted(set(X.lengths)) == list(range(20, 31))
        assert len(X) == len(y) == 300
        assert len(X.values) == X.lengths.sum()

    @by_maker
    def test_a_bunch_holds_the_same_and_more(self, make):
        X, y = make(20, random_state=0)
        bunch = make(20, random_state=0, return_X_y=False)
        np.testing.assert_array_equal(values_of(bunch.X), values_of(X))
        np.testing.assert_array_equal(bunch.y, y)
        assert set(bunch) > {"X", "y"}

    @by_maker
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n_samples": 0}, "n_samples"),
            ({"n_timesteps": (30, 20)}, r"n_timesteps must be .*\(30, 20\)"),
            ({"n_timesteps": (20, 25.5)}, "whole numbers"),
            ({"n_timesteps": (20, 25, 30)}, r"\(low, high\)"),
            ({"n_timesteps": "20"}, "n_timesteps"),
            ({"random_state": "zero"}, "random_state"),
        ],
        ids=str,
    )
    def test_wrong_arguments(self, make, arguments, message):
        with pytest.raises(ValueError, match=message):
            make(**arguments)

    @pytest.mark.parametrize(
        "make",
        [make_pattern_sequences, make_trigger_action_sequences, make_symbol_sequences],
        ids=lambda make: make.__name__,
    )
    @pytest.mark.parametrize("n_samples", [10, 11])
    def test_classes_are_exactly_balanced(self, make, n_samples):
        _, y = make(n_samples, random_state=0)
        assert np.bincount(y).tolist() == [n_samples - 5, 5]
        # and mixed: whoever takes the first half gets both
        assert len(set(make(100, random_state=0)[1][:50])) == 2


class TestPattern:
    @pytest.mark.parametrize(
        ("pattern", "n_symbols", "length"),
        [((1, 1, 0), 2, 8), ((0, 1, 0, 1), 2, 9), ((2, 0), 3, 5), ((1,), 2, 4)],
        ids=str,
    )
    def test_uniform_within_each_class(self, pattern, n_symbols, length):
        X, y = make_pattern_sequences(
            40000, length, pattern=pattern, n_symbols=n_symbols, random_state=0
        )
        everything = list(itertools.product(range(n_symbols), repeat=length))
        for label in (0, 1):
            allowed = [s for s in everything if contains(s, pattern) == bool(label)]
            place = {sequence: i for i, sequence in enumerate(allowed)}
            drawn = [place[tuple(row)] for row in X[y == label].tolist()]
            counts = np.bincount(drawn, minlength=len(allowed))
            assert stats.chisquare(counts).pvalue > 0.001 or len(allowed) == 1

    @given(
        pattern=st.lists(st.integers(0, 2), min_size=1, max_size=5),
        high=st.integers(5, 30),
        seed=st.integers(0, 99),
    )
    def test_the_label_and_position_are_true(self, pattern, high, seed):
        data = make_pattern_sequences(
            30,
            (5, high),
            pattern=pattern,
            n_symbols=3,
            random_state=seed,
            return_X_y=False,
        )
        for x, label, position in zip(data.X, data.y, data.positions, strict=True):
            x = x.ravel()
            found = [
                i
                for i in range(len(x) - len(pattern) + 1)
                if x[i : i + len(pattern)].tolist() == pattern
            ]
            assert bool(found) == label
            assert position == (found[0] if found else -1)
        assert np.bincount(data.y).tolist() == [15, 15]

    def test_long_sequences_do_not_overflow(self):
        X, y = make_pattern_sequences(20, 3000, random_state=0)
        assert [contains(x, (1, 1, 0)) for x in X] == y.astype(bool).tolist()

    def test_the_classic_generator_is_a_trap(self):
        _, y = make_pattern_sequences(50000, balanced=False, random_state=0)
        exact = 1 - 28656 / 2**21  # half are planted, the others are by chance
        assert abs(y.mean() - exact) < 0.002
        assert "98.6%" in make_pattern_sequences.__doc__
        assert f"{exact:.1%}" == "98.6%"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"pattern": ()}, "pattern"),
            ({"pattern": (0, 2)}, "from 0 to 1"),
            ({"pattern": (0, -1)}, "from 0 to 1"),
            ({"pattern": (0, 0.5)}, "whole numbers"),
            ({"pattern": ("a", "b")}, "whole numbers"),
            ({"n_timesteps": 2}, "at least 3 to hold the pattern"),
            ({"n_symbols": 1}, "n_symbols"),
        ],
        ids=str,
    )
    def test_wrong_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_pattern_sequences(**arguments)


class TestTriggerAction:
    def judge(self, x, max_delay=5):
        """The rule of the docstring, read off the channels."""
        events = x == 1.0
        triggers = np.flatnonzero(events[:-1, 0] & events[1:, 1])
        actions = np.flatnonzero(events[:-1, 2] & events[1:, 3])
        return any(0 <= a - (t + 2) <= max_delay for t in triggers for a in actions)

    @pytest.mark.parametrize("n_timesteps", [30, (10, 40)], ids=str)
    @pytest.mark.parametrize("hard_negatives", [0.0, 0.5, 1.0])
    def test_the_label_is_true(self, n_timesteps, hard_negatives):
        X, y = make_trigger_action_sequences(
            400, n_timesteps, hard_negatives=hard_negatives, random_state=0
        )
        assert [self.judge(x) for x in X] == y.astype(bool).tolist()

    def test_hard_negatives_are_of_four_kinds(self):
        data = make_trigger_action_sequences(
            800, hard_negatives=0.5, random_state=0, return_X_y=False
        )
        negative = data.y == 0
        trigger, action = data.trigger[negative], data.action[negative]
        both = (trigger >= 0) & (action >= 0)
        kinds = {
            "nothing": (trigger < 0) & (action < 0),
            "trigger alone": (trigger >= 0) & (action < 0),
            "action alone": (trigger < 0) & (action >= 0),
            "wrong order": both & (action < trigger),
            "too late": both & (action > trigger + 2 + 5),
        }
        counts = {kind: int(rows.sum()) for kind, rows in kinds.items()}
        assert counts == {
            "nothing": 200,
            "trigger alone": 50,
            "action alone": 50,
            "wrong order": 50,
            "too late": 50,
        }

    def test_hard_negatives_lie_anywhere(self):
        """Folds that are not shuffled must not differ in how hard they are."""
        data = make_trigger_action_sequences(
            800, hard_negatives=0.5, random_state=0, return_X_y=False
        )
        hard = (data.y == 0) & ((data.trigger >= 0) | (data.action >= 0))
        for quarter in np.split(hard, 4):
            assert 30 < quarter.sum() < 70

    def test_classic_negatives_are_noise_alone(self):
        X, y = make_trigger_action_sequences(random_state=0)
        assert X.shape == (3000, 30, 5)
        assert X[y == 0].max() < 0.5
        assert stats.kstest(X[y == 0].ravel(), stats.uniform(0, 0.5).cdf).pvalue > 0.001

    def test_delay_and_place_cover_all_that_fit(self):
        data = make_trigger_action_sequences(20000, random_state=0, return_X_y=False)
        positive = data.y == 1
        delay = data.action[positive] - data.trigger[positive] - 2
        assert stats.chisquare(np.bincount(delay, minlength=6)).pvalue > 0.001
        assert len(np.bincount(delay)) == 6
        assert data.trigger[positive].min() == 0
        assert data.action[positive].max() == 28

    def test_room_for_events_is_asked_for(self):
        with pytest.raises(ValueError, match="at least 4 to hold a trigger and an action"):
            make_trigger_action_sequences(n_timesteps=3)
        with pytest.raises(ValueError, match=r"at least 10 .* that is too late"):
            make_trigger_action_sequences(n_timesteps=9, hard_negatives=0.1)


def likelihood(rolls, p_load, p_unload, loaded):
    """P(rolls | class 1) by summing over every course of the hidden die."""
    total = 0.0
    for states in itertools.product((0, 1), repeat=len(rolls)):
        if states[0]:
            continue
        p = 1.0
        for before, after in itertools.pairwise(states):
            swapped = {0: p_load, 1: p_unload}[before]
            p *= swapped if before != after else 1 - swapped
        for state, roll in zip(states, rolls, strict=True):
            p *= loaded[roll - 1] if state else 1 / 6
        total += p
    return total


class TestSymbols:
    @pytest.mark.parametrize(
        "model",
        [
            {},
            {"p_load": 0.3, "p_unload": 0.0, "loaded": (0.5, 0.3, 0.2, 0.0, 0.0, 0.0)},
            {"p_load": 1.0, "p_unload": 1.0},
            {"p_load": 1.0, "p_unload": 0.0, "loaded": (0.0,) * 5 + (1.0,)},
        ],
        ids=str,
    )
    def test_the_posterior_is_exact(self, model):
        data = make_symbol_sequences(40, (1, 9), random_state=0, return_X_y=False, **model)
        model = {"p_load": 0.05, "p_unload": 0.1, "loaded": (0.1,) * 5 + (0.5,), **model}
        for rolls, posterior in zip(data.X, data.posterior, strict=True):
            cheating = likelihood(rolls.ravel(), **model)
            fair = 6.0 ** -len(rolls)
            assert abs(posterior - cheating / (cheating + fair)) < 1e-12

    def test_the_posterior_is_calibrated(self):
        data = make_symbol_sequences(50000, random_state=0, return_X_y=False)
        for low in np.arange(0, 1, 0.1):
            rows = (data.posterior >= low) & (data.posterior < low + 0.1)
            if rows.sum() > 500:
                assert abs(data.y[rows].mean() - data.posterior[rows].mean()) < 0.03

    def test_dice_and_swaps_have_the_frequencies_asked_for(self):
        data = make_symbol_sequences(20000, 60, random_state=0, return_X_y=False)
        states, cheats = data.states, data.y == 1
        assert not states[~cheats].any()
        assert not states[:, 0].any()
        for state, faces in ((0, [1 / 6] * 6), (1, [0.1] * 5 + [0.5])):
            rolls = data.X[states == state]
            shares = np.bincount(rolls, minlength=7)[1:] / len(rolls)
            np.testing.assert_allclose(shares, faces, atol=0.005)
        before, after = states[cheats, :-1], states[cheats, 1:]
        assert abs(after[before == 0].mean() - 0.05) < 0.002
        assert abs(1 - after[before == 1].mean() - 0.1) < 0.004

    @pytest.mark.parametrize(
        "loaded", [(0.5, 0.5), (0.2,) * 6, (1.5, -0.5, 0, 0, 0, 0)], ids=str
    )
    def test_faces_must_be_probabilities(self, loaded):
        with pytest.raises(ValueError, match="6 probabilities"):
            make_symbol_sequences(loaded=loaded)


class TestSine:
    def test_the_equation(self):
        data = make_sine_sequences(
            50,
            30,
            horizon=4,
            frequency=(0.01, 0.2),
            amplitude=(1, 3),
            trend=(-0.1, 0.1),
            random_state=0,
            return_X_y=False,
        )
        time = np.arange(-30, 4)
        wave = data.amplitude[:, None] * np.sin(
            2 * np.pi * data.frequency[:, None] * time + data.phase[:, None]
        )
        expected = wave + data.trend[:, None] * time
        np.testing.assert_allclose(data.signal, expected[:, :30], atol=1e-12)
        np.testing.assert_allclose(data.y_signal, expected[:, 30:], atol=1e-12)
        for name, low, high in (("frequency", 0.01, 0.2), ("amplitude", 1, 3)):
            assert low <= data[name].min() < data[name].max() <= high

    def test_noise_is_independent_and_as_large_as_asked(self):
        data = make_sine_sequences(
            5000, 20, horizon=3, noise=0.3, random_state=0, return_X_y=False
        )
        noise = np.hstack([data.X - data.signal, data.y - data.y_signal])
        assert abs(noise.std() - 0.3) < 0.003
        correlations = np.corrcoef(noise.T) - np.eye(23)
        assert np.abs(correlations).max() < 0.06

    def test_ragged_windows_end_where_the_targets_begin(self):
        data = make_sine_sequences(
            50, (5, 30), frequency=0.03, noise=0.0, random_state=0, return_X_y=False
        )
        for x, phase in zip(data.X, data.phase, strict=True):
            time = np.arange(-len(x), 0)
            expected = np.sin(2 * np.pi * 0.03 * time + phase)
            np.testing.assert_allclose(x.ravel(), expected, atol=1e-12)

    def test_shapes_of_the_targets(self):
        assert make_sine_sequences(5, random_state=0)[1].shape == (5,)
        assert make_sine_sequences(5, horizon=3, random_state=0)[1].shape == (5, 3)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"noise": -0.1}, "must not be negative"),
            ({"frequency": (0.2, 0.1)}, "frequency"),
            ({"amplitude": np.nan}, "amplitude"),
            ({"phase": (0, "pi")}, "phase"),
            ({"horizon": 0}, "horizon"),
        ],
        ids=str,
    )
    def test_wrong_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_sine_sequences(**arguments)


class TestAddingProblem:
    @pytest.mark.parametrize("n_timesteps", [(100, 110), (6, 9), 12], ids=str)
    def test_as_in_the_paper(self, n_timesteps):
        data = make_adding_problem(2000, n_timesteps, random_state=0, return_X_y=False)
        shortest = np.min(n_timesteps)
        for x, y, positions in zip(data.X, data.y, data.positions, strict=True):
            marked = np.flatnonzero(x[:, 1] == 1)
            assert marked.tolist() == sorted(positions)
            assert len(marked) == 2
            assert abs(y - (0.5 + x[marked, 0].sum() / 4)) < 1e-12
            assert x[-1, 1] == -1
            assert x[0, 1] == -1 or x[0, 0] == 0
        first, second = data.positions.T
        assert set(first) == set(range(min(10, shortest // 2)))
        assert set(second) == set(range(shortest // 2 - 1))
        assert 0 <= data.y.min() < data.y.max() <= 1

    def test_the_second_mark_is_uniform_among_those_left(self):
        data = make_adding_problem(90000, 20, random_state=0, return_X_y=False)
        first, second = data.positions.T
        for place in (0, 4, 9):
            counts = np.bincount(second[first == place], minlength=9)
            left = [i for i in range(9) if i != place]
            assert stats.chisquare(counts[left]).pvalue > 0.001

    def test_the_best_constant(self):
        _, y = make_adding_problem(50000, random_state=0)
        # A number counts as zero if its mark lies on the first step.
        exact = np.sqrt((0.9 + (1 - 0.9 / 48)) / 48)
        assert abs(y.std() - exact) < 0.002
        assert f"{exact:.3f}" in make_adding_problem.__doc__


class TestTemporalOrder:
    @pytest.mark.parametrize("n_events", [2, 3])
    def test_as_in_the_paper(self, n_events):
        data = make_temporal_order(800, n_events=n_events, random_state=0, return_X_y=False)
        places = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}[n_events]
        classes = {2: "QRSU", 3: "QRSUVABC"}[n_events]
        orders = ["".join(o) for o in itertools.product("XY", repeat=n_events)]
        for x, label, positions in zip(data.X, data.y, data.positions, strict=True):
            word = "".join(x.ravel())
            order = "".join(letter for letter in word if letter in "XY")
            assert [word[p] for p in positions] == list(order)
            assert classes[orders.index(order)] == label
            assert word[0] == "E"
            assert word[-1] == "B"
            assert not set(word[1:-1]) - set("abcdXY")
        for drawn, (low, high) in zip(data.positions.T, places, strict=True):
            assert (drawn.min(), drawn.max()) == (low, high)
        assert set(np.unique(data.y, return_counts=True)[1]) == {800 // len(classes)}

    def test_short_sequences_keep_events_apart(self):
        data = make_temporal_order(300, 10, n_events=3, random_state=0, return_X_y=False)
        assert (np.diff(data.positions, axis=1) > 0).all()
        assert data.positions.max() < 9

    def test_other_numbers_of_events_are_an_error(self):
        with pytest.raises(ValueError, match="n_events"):
            make_temporal_order(n_events=4)


def test_a_linear_forecast_of_one_known_wave_nearly_reaches_the_noise():
    """What the sine task says is possible, is."""
    X, y = make_sine_sequences(5000, frequency=0.025, random_state=0)
    fit = LinearRegression().fit(X[:4000], y[:4000])
    error = np.sqrt(np.mean((fit.predict(X[4000:]) - y[4000:]) ** 2))
    assert 0.097 < error < 0.107
