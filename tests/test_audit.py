"""`audit` says what a model knows, and what the task needs."""

import functools

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    as_sequences,
    audit,
    sequence_frame,
)
from skseq.datasets import make_pattern_sequences, make_sine_sequences
from skseq.preprocessing import (
    PerTimestep,
    SymbolGenerator,
    WindowSplit,
    sliding_windows,
)


@pytest.fixture(autouse=True)
def small_forests(monkeypatch):
    """A tenth of the trees is enough for what is asked here; they take most of the time."""
    for forest in (RandomForestClassifier, RandomForestRegressor):
        small = functools.partial(forest, n_estimators=10)
        monkeypatch.setattr(sklearn.ensemble, forest.__name__, small)


class KnowsTheRule(ClassifierMixin, BaseEstimator):
    """A model that is exactly its rule: fast, and its scores are known."""

    def __init__(self, rule):
        self.rule = rule

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[[int(self.rule(x)) for x in as_sequences(X)]]


class KnowsTheSum(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.array([x.sum() for x in as_sequences(X)])


def two_classes(n=200, ragged=True):
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 9, size=n) if ragged else np.full(n, 6)
    return [rng.normal(size=(k, 2)) for k in lengths]


def rises(x):
    return x[0, 0] < x[-1, 0]


def labels(rule, X):
    return np.array(["no", "yes"])[[int(rule(x)) for x in X]]


def test_a_model_that_uses_order():
    X = two_classes()
    y = labels(rises, X)
    report = audit(KnowsTheRule(rises), X, y, random_state=0)
    assert list(report.scores) == [
        "KnowsTheRule",
        "constant",
        "length only",
        "last step only",
        "mean of each channel",
        "time shuffled",
        "labels shuffled",
    ]
    mean = {name: scores.mean() for name, scores in report.scores.items()}
    assert mean["KnowsTheRule"] == 1.0
    for name in ("constant", "length only", "time shuffled", "labels shuffled"):
        assert 0.35 < mean[name] < 0.65
    # the last value is half of the comparison
    assert 0.65 < mean["last step only"] < 0.85
    assert report.sentence.startswith("KnowsTheRule scores 100.0%, and ")
    assert report.sentence.endswith("this model uses order.")
    assert report.in_percent


def test_windows_are_kept_apart_in_every_fit():
    class ValidatesBehind(DummyRegressor):
        def fit(self, X, y):
            next(WindowSplit(1, horizon=1).split(X))
            return super().fit(X, y)

    X, y = sliding_windows(np.sin(np.arange(60)), 5)
    report = audit(ValidatesBehind(), X, y, cv=WindowSplit(2, horizon=1), random_state=0)
    assert "time shuffled" in report.scores


@pytest.mark.parametrize(
    ("rule", "name", "said"),
    [
        (lambda x: len(x) > 5, "length only", "A forest on the length alone"),
        (lambda x: x[-1, 1] > 0, "last step only", "A forest on the last step alone"),
        (lambda x: x[:, 0].mean() > 0, "mean of each channel", "A forest on the mean"),
    ],
    ids=["length", "last step", "means"],
)
def test_a_task_that_needs_no_sequence_model(rule, name, said):
    X = two_classes(400)
    y = labels(rule, X)
    report = audit(KnowsTheRule(rule), X, y, random_state=0)
    assert report.scores[name].mean() > 0.9
    # a forest is never quite as good as the rule; a model with its errors is no better
    clumsy = audit(
        KnowsTheRule(lambda x: rule(x) != (abs(x[0, 0]) > 1.5)), X, y, random_state=0
    )
    assert clumsy.sentence.startswith(said)
    assert clumsy.sentence.endswith("no sequence model is needed for that.")


def test_a_model_that_does_not_use_order():
    X = two_classes(400)

    def product(x):
        return x[:, 0].std() > x[:, 1].std()

    report = audit(KnowsTheRule(product), X, labels(product, X), random_state=0)
    scores = report.scores
    np.testing.assert_array_equal(scores["time shuffled"], scores["KnowsTheRule"])
    assert report.sentence == (
        "Shuffling time changes nothing (100.0%, shuffled 100.0%): this model does not "
        "use order."
    )


def test_a_constant_is_as_good():
    X, y = make_pattern_sequences(200, balanced=False, random_state=0)
    report = audit(KnowsTheRule(lambda x: True), X, y, cv=3, random_state=0)
    share = f"{100 * report.scores['constant'].mean():.1f}%"
    assert report.sentence == (
        f"A constant scores {share}, KnowsTheRule {share}: it knows no more than that."
    )
    assert "length only" not in report.scores  # all are equally long


def test_a_leak_shows_with_shuffled_labels():
    known = {}

    class Remembers(KnowsTheRule):
        """Cheats: keeps the targets of every row that any fold has shown it."""

        def fit(self, X, y):
            known.update(zip((x.tobytes() for x in as_sequences(X)), y, strict=True))
            return super().fit(X, y)

        def predict(self, X):
            return [known.get(x.tobytes(), 0) for x in as_sequences(X)]

    X = two_classes(100)
    y = np.random.default_rng(0).integers(0, 2, size=100)
    report = audit(Remembers(None), X, y, cv=10, random_state=0)
    assert report.scores["labels shuffled"].mean() > 0.8
    assert report.sentence.startswith("With shuffled labels Remembers scores ")
    assert report.sentence.endswith("look for a leak.")


def test_copies_in_other_folds_are_a_leak():
    class Remembers(KnowsTheRule):
        """Honest: knows what it was trained on."""

        def fit(self, X, y):
            self.known_ = dict(zip((x.tobytes() for x in as_sequences(X)), y, strict=True))
            return super().fit(X, y)

        def predict(self, X):
            return [self.known_.get(x.tobytes(), 0) for x in as_sequences(X)]

    X = two_classes(60) * 2
    y = np.tile(np.random.default_rng(0).integers(0, 2, size=60), 2)
    report = audit(Remembers(None), X, y, random_state=0)
    assert report.sentence.endswith("look for a leak.")
    groups = np.tile(np.arange(60), 2)
    apart = audit(Remembers(None), X, y, groups=groups, random_state=0)
    assert "knows no more" in apart.sentence


@pytest.mark.parametrize("cv", [3, 5])
def test_no_false_alarms(cv):
    """Honest models of noise: a leak is found at 1%."""
    rng = np.random.default_rng(0)
    alarms = 0
    for seed in range(40):
        X, y = rng.normal(size=(60, 4)), rng.integers(0, 2, size=60)
        model = KNeighborsClassifier(1)
        alarms += "leak" in audit(model, X, y, cv=cv, random_state=seed).sentence
    assert alarms <= 2


def test_too_few_rows_to_be_sure():
    X = two_classes(24)
    y = labels(lambda x: x[-1, 0] > 0, X)
    rule = KnowsTheRule(lambda x: x[-1, 0] > -0.3)
    report = audit(rule, X, y, cv=2, random_state=0)
    assert report.scores["KnowsTheRule"].mean() > report.scores["constant"].mean() + 0.1
    assert report.sentence.endswith("to be sure of the difference; use more.")


def test_the_strongest_rival_is_named():
    X = two_classes(200)

    def rule(x):
        return x[:, 0].mean() > 0

    clumsy = KnowsTheRule(lambda x: rule(x) != (abs(x[0, 1]) > 1.3))
    report = audit(clumsy, X, labels(rule, X), random_state=0)
    assert "on the mean of each channel alone" in report.sentence


def test_the_best_possible():
    dice = SymbolGenerator(n_timesteps=(5, 15))
    table = dice.draw_settings(120, random_state=0)
    y = dice.targets(table)
    model = LSTMSequenceClassifier(embedding_dim=2, hidden_size=2, max_epochs=1)
    report = audit(make_pipeline(dice, model), table, y, cv=3, random_state=0)
    exact = ((dice.best_predictions(table) > 0.5) == y).mean()
    assert abs(report.scores["best possible"].mean() - exact) < 1e-12
    assert "LSTMSequenceClassifier" in report.scores  # what stands behind the generator
    assert abs(report.scores["mean of each channel"].mean() - 0.5) < 0.25


def test_the_best_possible_in_other_forms():
    X, y = make_pattern_sequences(120, random_state=0)
    model = KnowsTheRule(lambda x: "110" in "".join(map(str, x.ravel())))
    two_columns = np.column_stack([1 - y, y])
    report = audit(
        model, X, y, best=two_columns, scoring="balanced_accuracy", random_state=0
    )
    assert report.scores["best possible"].mean() == 1.0
    assert report.sentence.endswith("The best possible is 100.0%.")
    with pytest.raises(ValueError, match="best has 119 rows, but X has 120"):
        audit(model, X, y, best=y[1:])


def test_regression():
    data = make_sine_sequences(200, 12, noise=0.2, random_state=0, return_X_y=False)
    model = GRUSequenceRegressor(hidden_size=8, max_epochs=20, random_state=0)
    report = audit(model, data.X, data.y, best=data.y_signal, cv=3, random_state=0)
    assert not report.in_percent
    assert report.scores["best possible"].mean() > 0.9
    assert "uses order. The best possible is 0.9" in report.sentence
    X = two_classes()
    y = np.array([x.sum() for x in X])
    report = audit(KnowsTheSum(), X, y, random_state=0)
    assert "does not use order" in report.sentence
    errors = audit(KnowsTheSum(), X, y, scoring="neg_mean_squared_error", random_state=0)
    assert errors.scores["KnowsTheSum"].mean() > -1e-20
    assert errors.scores["constant"].mean() < -5


def test_scikit_learn_s_own_classifiers_on_tables():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 8))
    y = (X[:, 0] > 0).astype(int)
    report = audit(LogisticRegression(), X, y, random_state=0)
    assert "uses order" in report.sentence
    assert report.scores["time shuffled"].mean() < 0.75


def test_an_indicator_of_labels():
    X = np.array([x[:4, 0] for x in two_classes(150)])
    Y = np.column_stack([X[:, 0] < X[:, 3], X[:, 1] < X[:, 2]]).astype(int)
    report = audit(KNeighborsClassifier(5), X, Y, best=Y, random_state=0)
    assert report.scores["best possible"].mean() == 1.0
    assert 0.2 < report.scores["constant"].mean() < 0.4
    assert "uses order" in report.sentence


def test_the_container_stays_for_models_that_need_it():
    X = two_classes(60)
    y = labels(rises, X)
    frames = [pd.DataFrame(x, columns=["heat", "light"]) for x in X]
    by_name = ColumnTransformer([("h", StandardScaler(), ["heat"])])
    fast = LSTMSequenceClassifier(hidden_size=2, max_epochs=1, validation_fraction=None)
    audit(make_pipeline(PerTimestep(by_name), fast), frames, y, cv=2, random_state=0)
    one_column = sequence_frame(X)
    audit(BaggingClassifier(fast, 2, random_state=0), one_column, y, cv=2, random_state=0)
    words = ["ab" * n for n in range(1, 21)]
    counts = make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression())
    report = audit(counts, words, [0, 1] * 10, cv=2, random_state=0)
    np.testing.assert_array_equal(
        report.scores["time shuffled"], report.scores["LogisticRegression"]
    )


def test_labels_in_a_series_of_strings():
    X = two_classes(60)
    y = labels(rises, X)
    plain, series = (
        audit(KnowsTheRule(rises), X, target, cv=3, random_state=0)
        for target in (y, pd.Series(y, index=np.arange(60) + 7))
    )
    assert str(plain) == str(series)


def test_symbols_as_strings():
    words = ["ab" * n + "b" * (n % 2) for n in range(2, 40)]
    y = [n % 2 for n in range(2, 40)]
    report = audit(KnowsTheRule(lambda x: len(x) % 2), words, y, random_state=0)
    assert report.scores["mean of each channel"].mean() > 0.5


def test_the_table_is_readable():
    X = two_classes(60)
    y = labels(rises, X)
    report = audit(KnowsTheRule(rises), X, y, cv=3, random_state=0)
    lines = str(report).splitlines()
    assert lines[0].split() == ["score", "+/-"]
    assert lines[1].split() == ["KnowsTheRule", "100.0%", "0.0%"]
    assert len({len(line) for line in lines[:-2]}) == 1
    assert lines[-1] == report.sentence
    assert repr(report) == str(report)


def test_same_number_same_report():
    X = two_classes(60)
    y = labels(rises, X)
    model = RandomForestClassifier(n_estimators=5, random_state=0)
    table = np.array([x[:4, 0] for x in X])
    first, again = (audit(model, table, y, cv=3, random_state=1) for _ in range(2))
    assert str(first) == str(again)


def test_impossible_audits():
    X = two_classes(20)
    y = labels(rises, X)
    model = KnowsTheRule(rises)
    for best in (y, np.full(20, 7.0), np.full((20, 3), 0.1)):
        with pytest.raises(ValueError, match="best must be"):
            audit(model, X, y, best=best)
    with pytest.raises(ValueError, match=r"at least two splits .* got 1"):
        audit(model, X, y, cv=ShuffleSplit(1, random_state=0))
    dice = SymbolGenerator()
    search = GridSearchCV(make_pipeline(dice, LSTMSequenceClassifier()), {})
    table = dice.draw_settings(10, random_state=0)
    with pytest.raises(ValueError, match="pass the pipeline itself"):
        audit(search, table, dice.targets(table))


def test_bad_input_comes_before_any_work():
    class Refuses(KnowsTheRule):
        def fit(self, X, y):
            raise AssertionError("work was done")

    X = two_classes(20)
    with pytest.raises(ValueError, match="y has 19 rows, but X has 20"):
        audit(Refuses(rises), X, np.zeros(19))
    with pytest.raises(ValueError, match="Sequence 0 of X is empty"):
        audit(Refuses(rises), [X[0][:0], *X[1:]], np.zeros(20))
