"""Generators as transformers: a row of settings is a sequence, on its own."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skseq import (
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    SequenceArray,
    as_sequences,
)
from skseq.datasets._common import RowStreams
from skseq.preprocessing import (
    PatternGenerator,
    SineGenerator,
    SymbolGenerator,
    TriggerActionGenerator,
)

GENERATORS = [
    SineGenerator(),
    SineGenerator(n_timesteps=(10, 30), horizon=5, amplitude=(0.5, 2), trend=(-1, 1)),
    PatternGenerator(),
    PatternGenerator(n_timesteps=(15, 40), pattern=(2, 0), n_symbols=3),
    TriggerActionGenerator(hard_negatives=0.5),
    TriggerActionGenerator(n_timesteps=(12, 30), hard_negatives=0.5),
    SymbolGenerator(),
    SymbolGenerator(n_timesteps=25, p_load=0.2),
]
every = pytest.mark.parametrize("generator", GENERATORS, ids=str)


def contents(X):
    return [sequence.tobytes() for sequence in as_sequences(X)]


@every
class TestEveryGenerator:
    @given(rows=st.lists(st.integers(0, 29), min_size=1, max_size=12))
    def test_a_row_depends_on_nothing_else(self, generator, rows):
        table = generator.draw_settings(30, random_state=0)
        all_sequences = contents(generator.transform(table))
        assert contents(generator.transform(table[rows])) == [
            all_sequences[row] for row in rows
        ]
        np.testing.assert_array_equal(
            generator.targets(table[rows]), generator.targets(table)[rows]
        )

    def test_a_thousand_rows_are_a_thousand_sequences(self, generator):
        table = generator.draw_settings(1000, random_state=0)
        assert len(set(contents(generator.transform(table)))) == 1000

    def test_folds_share_no_sequence(self, generator):
        table = generator.draw_settings(200, random_state=0)
        for train, test in KFold(4).split(table):
            trained = set(contents(generator.transform(table[train])))
            assert not trained & set(contents(generator.transform(table[test])))

    def test_same_number_same_table(self, generator):
        table = generator.draw_settings(20, random_state=1)
        again = generator.draw_settings(20, random_state=1)
        other = generator.draw_settings(20, random_state=2)
        np.testing.assert_array_equal(table, again)
        assert not set(table[:, 0]) & set(other[:, 0])
        assert table.shape == (20, len(generator.setting_names))

    def test_the_seed_is_the_source_of_randomness(self, generator):
        table = generator.draw_settings(20, random_state=0)
        table[1:] = table[0]
        with pytest.warns(UserWarning, match="Give each row a seed of its own"):
            generator.fit(table)
        assert len(set(contents(generator.transform(table)))) == 1
        table[:, 0] = np.arange(20)
        assert len(set(contents(generator.transform(table)))) == 20

    def test_containers(self, generator):
        table = generator.draw_settings(10, random_state=0)
        result = generator.transform(table)
        ragged = not isinstance(generator.n_timesteps, int)
        assert isinstance(result, SequenceArray if ragged else np.ndarray)
        frame = pd.DataFrame(table, columns=generator.setting_names)
        shuffled = frame[list(generator.setting_names)[::-1]]
        assert contents(generator.transform(shuffled)) == contents(result)
        named = clone(generator).fit(frame)
        np.testing.assert_array_equal(named.targets(shuffled), generator.targets(table))
        assert named.feature_names_in_.tolist() == list(generator.setting_names)

    def test_pandas_output_is_one_column_unless_it_is_a_table(self, generator):
        table = generator.draw_settings(10, random_state=0)
        plain = generator.transform(table)
        frame = clone(generator).set_output(transform="pandas").fit_transform(table)
        assert isinstance(frame, pd.DataFrame)
        assert frame.shape == (plain.shape if plain.ndim == 2 else (10, 1))

    def test_wrong_tables(self, generator):
        table = generator.draw_settings(5, random_state=0)
        names = ", ".join(generator.setting_names)
        with pytest.raises(ValueError, match=f"as input: {names}"):
            generator.transform(table[:, :1])
        with pytest.raises(ValueError, match=f"as input: {names}"):
            generator.transform(np.column_stack([table, table]))
        frame = pd.DataFrame(table).add_prefix("setting")
        with pytest.raises(ValueError, match=f"missing columns .* as input: {names}"):
            generator.fit(frame)
        for wrong in (-1, 0.5, 2.0**60):
            bad = table.copy()
            bad[2, 0] = wrong
            with pytest.raises(ValueError, match="Row 2 of X: seed must be a whole number"):
                generator.transform(bad)
        bad = table.copy()
        bad[3, 1] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            generator.fit(bad)


@pytest.mark.parametrize(
    "generator",
    [PatternGenerator(), TriggerActionGenerator(), SymbolGenerator()],
    ids=lambda generator: type(generator).__name__,
)
def test_labels_are_zero_or_one(generator):
    table = generator.draw_settings(5, random_state=0)
    assert sorted(generator.targets(table)) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])
    table[4, 1] = 2
    with pytest.raises(ValueError, match="Row 4 of X: label must be 0 or 1"):
        generator.transform(table)


def test_the_label_is_the_class_of_the_sequence():
    generator = PatternGenerator(n_timesteps=12)
    table = generator.draw_settings(200, random_state=0)
    words = ["".join(map(str, x)) for x in generator.transform(table)]
    assert ["110" in word for word in words] == generator.targets(table).tolist()


def test_a_trigger_and_an_action_in_time_only_in_class_one():
    generator = TriggerActionGenerator(hard_negatives=1.0)
    table = generator.draw_settings(400, random_state=0)
    in_time, hard = [], []
    for x in generator.transform(table):
        (trigger,), (action,) = (
            np.flatnonzero((x[:-1, c] == 1) & (x[1:, c + 1] == 1))[:1].tolist() or [None]
            for c in (0, 2)
        )
        both = trigger is not None and action is not None
        in_time.append(both and 0 <= action - trigger - 2 <= 5)
        hard.append(trigger is not None or action is not None)
    assert in_time == generator.targets(table).tolist()
    half = TriggerActionGenerator(hard_negatives=0.5).draw_settings(400, random_state=0)
    assert 30 < half[:200, 2].sum() < 70
    assert all(hard)  # hard=1 in every row of class 0


def test_the_posterior_of_the_dice_is_the_best_there_is():
    generator = SymbolGenerator()
    table = generator.draw_settings(4000, random_state=0)
    best, y = generator.best_predictions(table), generator.targets(table)
    assert 0.76 < ((best > 0.5) == y).mean() < 0.81
    assert abs(best.mean() - 0.5) < 0.02


class TestSine:
    def test_a_shorter_window_is_the_end_of_a_longer_one(self):
        table = SineGenerator().draw_settings(10, random_state=0)
        long = SineGenerator(n_timesteps=40).transform(table)
        short = SineGenerator(n_timesteps=15).transform(table)
        np.testing.assert_array_equal(short, long[:, -15:])

    def test_targets_continue_the_wave(self):
        generator = SineGenerator(n_timesteps=30, horizon=4, noise=0.0)
        table = generator.draw_settings(10, random_state=0)
        _, frequency, phase, amplitude, trend = table.T
        time = np.arange(-30, 4)[:, None]
        wave = amplitude * np.sin(2 * np.pi * frequency * time + phase) + trend * time
        both = np.hstack([generator.transform(table), generator.targets(table)])
        np.testing.assert_allclose(both, wave.T, atol=1e-12)

    def test_noise_of_targets_is_not_that_of_windows(self):
        generator = SineGenerator(n_timesteps=3, horizon=3, noise=1.0, amplitude=0.0)
        table = generator.draw_settings(2000, random_state=0)
        noise = np.hstack([generator.transform(table), generator.targets(table)])
        assert np.abs(np.corrcoef(noise.T) - np.eye(6)).max() < 0.1
        assert abs(noise.std() - 1) < 0.03
        assert (generator.best_predictions(table) == 0).all()


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "5"])
def test_the_number_of_rows_is_checked(n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        SineGenerator().draw_settings(n_samples)


def test_a_wrong_column_is_named():
    table = pd.DataFrame({"seed": [1, 2], "lable": [0, 1]})
    with pytest.raises(
        ValueError, match=r"missing columns \['label'\] and unknown columns \['lable'\]"
    ):
        PatternGenerator().fit(table)


def test_too_few_different_sequences_is_an_error():
    with pytest.raises(ValueError, match="larger n_timesteps"):
        PatternGenerator(n_timesteps=4).draw_settings(50, random_state=0)


def test_cross_validation_and_search_over_the_data_themselves():
    waves = SineGenerator(noise=0.1, n_timesteps=20)
    table = waves.draw_settings(120, random_state=0)
    y = waves.targets(table)
    model = GRUSequenceRegressor(hidden_size=16, max_epochs=30, random_state=0)
    pipeline = make_pipeline(waves, model)
    assert cross_val_score(pipeline, table, y, cv=3).mean() > 0.7
    search = GridSearchCV(
        pipeline,
        {"sinegenerator__noise": [0.1, 3.0], "sinegenerator__n_timesteps": [4, 20]},
        cv=2,
    )
    search.fit(table, y)
    assert search.best_params_["sinegenerator__noise"] == 0.1
    assert len(search.predict(table)) == 120


def test_symbols_in_a_pipeline():
    dice = SymbolGenerator(loaded=(0, 0, 0, 0, 0, 1))
    table = dice.draw_settings(200, random_state=0)
    model = LSTMSequenceClassifier(embedding_dim=4, max_epochs=8, random_state=0)
    score = cross_val_score(make_pipeline(dice, model), table, dice.targets(table), cv=2)
    assert score.mean() > 0.75


def test_parameters_are_checked():
    table = SineGenerator().draw_settings(3, random_state=0)
    with pytest.raises(ValueError, match="noise"):
        SineGenerator(noise=-1).fit(table)
    with pytest.raises(ValueError, match="horizon"):
        SineGenerator(horizon=0).targets(table)
    with pytest.raises(ValueError, match="at least 4 to hold"):
        TriggerActionGenerator(n_timesteps=3).draw_settings(5)


def test_row_streams_are_apart():
    seeds = np.arange(5)
    streams = RowStreams(seeds)
    drawn = [streams.normal(4), streams.normal(4), RowStreams(seeds, purpose=1).normal(4)]
    assert len(np.unique(drawn)) == 3 * 5 * 4  # by row, by call and by purpose
    np.testing.assert_array_equal(RowStreams(seeds[2:3]).normal(6)[:, :4], drawn[0][2:3])
