"""What the four estimators do for their users."""

import inspect
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

import skseq
from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
    SequenceArray,
    as_sequences,
)

CLASSIFIERS = [LSTMSequenceClassifier, GRUSequenceClassifier]
REGRESSORS = [LSTMSequenceRegressor, GRUSequenceRegressor]
QUICK = {
    "hidden_size": 16,
    "max_epochs": 25,
    "validation_fraction": None,
    "random_state": 0,
}


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def test_one_signature():
    signatures = [inspect.signature(cls).parameters for cls in CLASSIFIERS + REGRESSORS]
    assert signatures[0] == signatures[1]
    assert signatures[2] == signatures[3]
    classifier, regressor = signatures[0], signatures[2]
    assert set(classifier) - set(regressor) == {"label_smoothing", "class_weight"}
    for name in set(regressor) - {"loss"}:
        assert classifier[name] == regressor[name]
    for parameter in [*classifier.values(), *regressor.values()]:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("cls", CLASSIFIERS + REGRESSORS)
def test_every_parameter_and_attribute_is_documented(cls, ragged):
    X, y = ragged
    y = y if cls in CLASSIFIERS else np.arange(40.0)
    model = cls(**QUICK, embedding_dim=None).fit(X, y)
    for name in [*inspect.signature(cls).parameters, *vars(model)]:
        if not name.startswith("_"):
            assert f"\n    {name} : " in cls.__doc__, name
    for name, parameter in inspect.signature(cls).parameters.items():
        line = cls.__doc__.split(f"\n    {name} : ")[1].split("\n        ")[0]
        default = str(parameter.default).replace("'", '"')
        if not isinstance(parameter.default, str):
            assert f"default={default}" in line, line
        else:
            assert f'default="{parameter.default}"' in line, line


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_string_labels(cls, ragged):
    X, y = ragged
    model = cls(**QUICK).fit(X, y)
    assert model.classes_.tolist() == ["down", "up"]
    assert model.score(X, y) == accuracy_score(y, model.predict(X)) > 0.95
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), probabilities)
    margin = model.decision_function(X)
    assert margin.shape == (40,)
    np.testing.assert_allclose(1 / (1 + np.exp(-margin)), probabilities[:, 1])
    assert (model.classes_[(margin > 0).astype(int)] == model.predict(X)).all()


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("kind", [int, str, object])
def test_many_classes(cls, kind):
    rng = np.random.default_rng(0)
    y = np.tile([3, 1, 7], 30)
    X = [rng.normal(size=(rng.integers(3, 9), 1)) + label for label in y]
    y = y.astype(str).astype(kind) if kind is not int else y
    model = cls(**QUICK).fit(X, y)
    assert model.score(X, y) > 0.95
    decision = model.decision_function(X)
    assert decision.shape == (90, 3)
    assert (model.classes_[decision.argmax(axis=1)] == model.predict(X)).all()


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_several_labels(cls):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(120, 4))
    X = [rng.normal(size=(rng.integers(4, 9), 4)) + 2 * row - 1 for row in y]
    model = cls(**QUICK).fit(X, y)
    assert model.predict(X).shape == model.predict_proba(X).shape == y.shape
    assert set(np.unique(model.predict(X))) == {0, 1}
    assert ((model.decision_function(X) > 0) == model.predict(X)).all()
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("cls", REGRESSORS)
def test_one_and_many_outputs(cls):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=rng.integers(4, 9)) for _ in range(120)]
    sums = np.array([x.sum() for x in X])
    y = np.column_stack([sums, [1e6 * x.max() for x in X]])
    many = cls(**{**QUICK, "max_epochs": 60}).fit(X, y)
    assert many.predict(X).shape == y.shape
    assert (r2_score(y, many.predict(X), multioutput="raw_values") > 0.9).all()
    assert cls(**QUICK).fit(X, sums).predict(X).shape == (120,)
    assert cls(**QUICK).fit(X, sums[:, None]).predict(X).shape == (120, 1)


@pytest.mark.parametrize("cls", REGRESSORS)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_losses_aim_at_their_own_summary_of_the_target(cls, loss):
    """Every sequence is the same, so that only the target's distribution matters."""
    y = np.random.default_rng(0).exponential(size=400) * 1e6
    X = np.ones((400, 3))
    model = cls(**{**QUICK, "batch_size": 400, "max_epochs": 150}, loss=loss).fit(X, y)
    aim = {"absolute_error": np.median(y)}.get(loss, y.mean())
    if loss == "huber":
        assert np.median(y) < model.predict(X[:1]) < y.mean()
    else:
        assert model.predict(X[:1]) == pytest.approx(aim, rel=0.02)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_label_smoothing_keeps_probabilities_from_the_edge(cls, ragged):
    X, y = ragged
    sharp = cls(**{**QUICK, "max_epochs": 60}).fit(X, y).predict_proba(X).max()
    smooth = cls(**{**QUICK, "max_epochs": 60}, label_smoothing=0.2).fit(X, y)
    assert sharp > 0.99
    assert smooth.predict_proba(X).max() == pytest.approx(0.9, abs=0.05)
    indicator = np.column_stack([y == "up", y == "down"]).astype(int)
    smooth.fit(X, indicator)
    assert smooth.predict_proba(X).max() == pytest.approx(0.9, abs=0.07)
    assert smooth.predict_proba(X).min() == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize("scale", [2.0**-10, 2.0**20])
@pytest.mark.parametrize("cls", REGRESSORS)
def test_units_do_not_matter(cls, scale):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 6))
    y = X.sum(axis=1)
    # One batch an epoch: the order of the rows follows from their numbers.
    model = cls(**QUICK, batch_size=80)
    plain = model.fit(X, y).predict(X)
    scaled = model.fit(scale * (X + 5), scale * (y + 7)).predict(scale * (X + 5))
    np.testing.assert_allclose(scaled / scale - 7, plain, atol=1e-3)


def test_scaling_comes_from_the_real_steps_of_the_training_rows():
    X = [np.array([1.0, 3.0]), np.array([5.0]), np.array([100.0, 100.0])]
    model = LSTMSequenceRegressor(**{**QUICK, "max_epochs": 1})
    model.fit(X, [1.0, 2.0, 9.0], sample_weight=[1, 2, 0])
    mean, scale = model.net_.module_.scaling.get()
    np.testing.assert_allclose(mean, np.mean([1, 3, 5, 5]))
    np.testing.assert_allclose(scale, np.std([1, 3, 5, 5]))
    model.set_params(standardize=False).fit(X, [1.0, 2.0, 9.0])
    assert model.net_.module_.scaling.get() == ([0.0], [1.0])
    assert model.net_.module_.output_scaling.get() == ([0.0], [1.0])


# Weights.


@pytest.mark.parametrize("cls", CLASSIFIERS + REGRESSORS)
def test_only_ratios_of_weights_count(cls, ragged):
    X, y = ragged
    y = y if cls in CLASSIFIERS else np.arange(40.0)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=40)
    first = cls(**QUICK).fit(X, y, sample_weight=weight)
    second = cls(**QUICK).fit(X, y, sample_weight=weight * 1024)
    assert (outputs(first, X) == outputs(second, X)).all()
    assert (outputs(cls(**QUICK).fit(X, y), X) != outputs(first, X)).any()


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_class_weight_is_a_weight_of_rows(cls, ragged):
    X, y = ragged
    X, y = X[:-15], y[:-15]

    def proba(sample_weight=None, **options):
        return cls(**QUICK, **options).fit(X, y, sample_weight).predict_proba(X)

    up = y == "up"
    by_class = proba(class_weight={"up": 4}, standardize=False)
    by_row = proba(np.where(up, 4.0, 1.0), standardize=False)
    assert (by_class != proba(standardize=False)).any()
    # The statistics of the channels know sample weights, but not class weights.
    np.testing.assert_allclose(by_class, by_row, rtol=1e-4)
    balanced = proba(class_weight="balanced")
    counts = {label: len(y) / (2 * (y == label).sum()) for label in ("up", "down")}
    np.testing.assert_allclose(balanced, proba(class_weight=counts))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_class_weight_counts_in_every_training(ragged, method):
    X, y = ragged
    options = {**QUICK, "max_epochs": 1, "warm_start": True}
    by_class = GRUSequenceClassifier(**options).fit(X, y)
    by_row = GRUSequenceClassifier(**options).fit(X, y)
    getattr(by_class.set_params(class_weight={"up": 4}), method)(X, y)
    getattr(by_row, method)(X, y, sample_weight=np.where(y == "up", 4.0, 1.0))
    assert (by_class.predict_proba(X) == by_row.predict_proba(X)).all()


def test_a_balance_of_classes_needs_all_of_them(ragged):
    X, y = ragged
    options = {**QUICK, "max_epochs": 1, "warm_start": True, "class_weight": "balanced"}
    model = GRUSequenceClassifier(**options).fit(X, y)
    with pytest.raises(ValueError, match="none of class 'down'; pass a dict"):
        model.fit(X[1::2], y[1::2])


def test_the_loss_is_normalised_over_the_training_set(ragged):
    """A batch of light rows moves the weights less than one of heavy rows."""
    X, y = ragged
    weight = np.where(y == "up", 100.0, 1.0)
    model = LSTMSequenceClassifier(**{**QUICK, "max_epochs": 1, "lr": 1e-9}, batch_size=1)
    model.fit(X, y, sample_weight=weight)
    p = model.predict_proba(X)[np.arange(40), (y == "up").astype(int)]
    expected = (weight * -np.log(p)).sum() / weight.sum()
    assert model.history_[0]["train_loss"] == pytest.approx(expected, rel=1e-4)


# Symbols.


def test_symbols_of_any_kind_are_the_same():
    words = ["abca", "cab", "bbbb", "ac"] * 5
    y = ["a" in w and "c" in w for w in words]
    model = GRUSequenceClassifier(**QUICK, embedding_dim=4)
    letters = model.fit(words, y).predict_proba(words)
    assert model.vocabulary_.tolist() == ["a", "b", "c"]
    numbers = [np.array(["xabc".index(c) for c in w]) for w in words]
    assert (clone(model).fit(numbers, y).predict_proba(numbers) == letters).all()
    floats = [x.astype(float) for x in numbers]
    assert (clone(model).fit(floats, y).predict_proba(floats) == letters).all()


def test_an_unseen_symbol_has_a_defined_prediction():
    X, y = [[1, 2, 1], [2, 1], [3, 3], [3]] * 4, [0, 0, 1, 1] * 4
    model = LSTMSequenceClassifier(**QUICK, embedding_dim=3).fit(X, y)
    embedding = model.net_.module_.embedding.weight
    assert embedding.shape == (5, 3)
    assert not embedding[0].any()
    assert not embedding[-1].any()
    codes = model._codec.encode(as_sequences([[1, 99, 3]]), "X")
    assert codes[0].ravel().tolist() == [1, 4, 3]
    # Even where there are unseen symbols while it trains, their vector stays zero.
    model.partial_fit([[1, 99], [98, 3]], [0, 1])
    assert not model.net_.module_.embedding.weight[-1].any()
    unseen = model.predict_proba([[1, 99], [1, -5], [1, 2]])
    assert (unseen[0] == unseen[1]).all()
    assert (unseen[0] != unseen[2]).any()


def test_symbols_of_validation_rows_are_as_good_as_unknown():
    X, y = ["ab", "ba", "cc", "c", "az", "cz"], [0, 0, 1, 1, 0, 1]
    split = [(range(4), range(4, 6))]
    model = LSTMSequenceClassifier(
        **{**QUICK, "validation_fraction": split, "max_epochs": 3}, embedding_dim=3
    ).fit(X, y)
    assert model.vocabulary_.tolist() == ["a", "b", "c", "z"]
    assert (model.predict_proba(["az"]) == model.predict_proba(["a?"])).all()


def test_nothing_but_unseen_symbols_is_suspicious():
    model = LSTMSequenceClassifier(**QUICK, embedding_dim=3)
    model.fit(["AB", "BBA", "CC", "C"] * 5, [0, 0, 1, 1] * 5)
    with pytest.warns(UserWarning, match="None of the symbols in X occurred in training"):
        model.predict(["ab", "cc"])
    model.predict(["ab", "cC"])


def test_floats_that_no_int64_holds_are_no_symbols():
    model = LSTMSequenceClassifier(**QUICK, embedding_dim=3)
    for bad in (1e19, 2.0**63, -1e19):
        with pytest.raises(ValueError, match="X has float64 numbers from 9007199254740992"):
            model.fit([[1.0, bad], [bad, 2.0]] * 3, [0, 1] * 3)


def test_padding_is_not_a_symbol():
    X, y = [[0, 1], [1, 0, 0, 0], [0, 0, 0], [1]] * 4, [1, 1, 0, 0] * 4
    options = {**QUICK, "max_epochs": 100}
    model = LSTMSequenceClassifier(**options, embedding_dim=3, pooling="mean").fit(X, y)
    alone = model.predict_proba([[0, 1]])
    np.testing.assert_allclose(
        model.predict_proba([[0, 1], [1] * 50])[:1], alone, rtol=1e-7
    )
    assert model.score(X, y) == 1.0


def test_the_classic_network_of_symbols():
    """Embedding 16, LSTM, last or mean pooling, Adam 0.001, batch 16, patience 5."""
    rng = np.random.default_rng(0)
    loaded = rng.integers(0, 2, size=300)
    chances = [np.full(6, 1 / 6), np.array([0.06] * 5 + [0.7])]
    X = [rng.choice(6, size=rng.integers(5, 40), p=chances[k]) + 1 for k in loaded]
    for pooling in ("last", "mean"):
        model = LSTMSequenceClassifier(
            embedding_dim=16,
            pooling=pooling,
            lr=0.001,
            lr_schedule="constant",
            batch_size=16,
            max_epochs=50,
            early_stopping=True,
            patience=5,
            random_state=0,
        ).fit(X[:200], loaded[:200])
        assert model.score(X[200:], loaded[200:]) > 0.9
        assert model.n_epochs_ <= min(50, model.best_epoch_ + 5)
        assert model.vocabulary_.tolist() == [1, 2, 3, 4, 5, 6]


# Training options.


@pytest.mark.parametrize(
    "optimizer", ["adam", "adamw", "sgd", torch.optim.RMSprop, torch.optim.Rprop]
)
@pytest.mark.parametrize("lr_schedule", ["one_cycle", "cosine", "constant"])
def test_optimizers_and_schedules_learn(ragged, optimizer, lr_schedule):
    X, y = ragged
    lr = 0.1 if optimizer == "sgd" else 0.01
    model = LSTMSequenceClassifier(
        **QUICK, optimizer=optimizer, lr_schedule=lr_schedule, lr=lr
    ).fit(X, y)
    assert model.score(X, y) > 0.9
    rates = [row["lr"] for row in model.history_]
    if lr_schedule == "constant":
        assert set(rates) == {lr}
    else:
        assert rates[-1] < 0.01 * lr < max(rates) <= lr


def test_weight_decay_shrinks_weights(ragged):
    X, y = ragged
    for optimizer in ("adam", "adamw", "sgd", torch.optim.AdamW):
        model = LSTMSequenceClassifier(**QUICK, optimizer=optimizer).fit(X, y)
        assert model.net_.optimizer_.param_groups[0]["weight_decay"] == 0.0
    with pytest.raises(ValueError, match="Rprop has no weight_decay; set it to 0"):
        model.set_params(optimizer=torch.optim.Rprop, weight_decay=0.1).fit(X, y)
    sizes = [
        sum(p.abs().sum().item() for p in model.net_.module_.parameters())
        for model in (
            LSTMSequenceClassifier(**QUICK, optimizer="adamw", weight_decay=d).fit(X, y)
            for d in (0.0, 1.0)
        )
    ]
    assert sizes[1] < 0.9 * sizes[0]


def test_gradient_clip_bounds_a_step(ragged):
    X, y = ragged
    options = {"optimizer": torch.optim.SGD, "lr": 1.0, "lr_schedule": "constant"}
    options |= {**QUICK, "max_epochs": 1, "batch_size": 40}

    def step(clip):
        start = LSTMSequenceClassifier(**{**options, "lr": 1e-12}).fit(X, y)
        end = LSTMSequenceClassifier(**options, gradient_clip=clip).fit(X, y)
        pairs = zip(
            start.net_.module_.parameters(), end.net_.module_.parameters(), strict=True
        )
        return sum(((a - b) ** 2).sum().item() for a, b in pairs) ** 0.5

    assert step(None) > 0.05
    assert step(0.01) == pytest.approx(0.01, rel=1e-3)


def test_warm_start_goes_on(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**{**QUICK, "max_epochs": 3}, warm_start=True).fit(X, y)
    first_loss, history = model.history_[-1]["train_loss"], model.history_
    model.fit(X, y)
    assert model.n_epochs_ == 6
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4, 5, 6]
    assert len(history) == 3
    assert model.history_[3]["train_loss"] < first_loss
    with pytest.raises(ValueError, match="has 1 channels"):
        model.fit([x[:, :1] for x in X], y)
    with pytest.raises(ValueError, match="label 'sideways'"):
        model.fit(X, np.where(y == "up", "sideways", y))
    model.set_params(warm_start=False).fit(X, y)
    assert model.n_epochs_ == 3


@pytest.mark.parametrize("cls", CLASSIFIERS + REGRESSORS)
def test_partial_fit_learns_in_pieces(cls, ragged):
    X, y = ragged
    y = y if cls in CLASSIFIERS else np.where(y == "up", 1.0, -1.0)
    first = {"classes": ["up", "down"]} if cls in CLASSIFIERS else {}
    model = cls(**QUICK, dropout=0.1, lr=0.01)
    for epoch in range(30):
        for part in (slice(0, 20), slice(20, 40)):
            options = first if epoch == 0 and part.start == 0 else {}
            model.partial_fit(X[part], y[part], **options)
    assert model.n_epochs_ == len(model.history_) == 60
    assert {row["lr"] for row in model.history_} == {0.01}
    assert "valid_loss" not in model.history_[0]
    assert model.score(X, y) > 0.9
    mean, _ = model.net_.module_.scaling.get()
    np.testing.assert_allclose(mean, np.concatenate(X[:20]).mean(axis=0))


class Order(Callback):
    """The weights and lengths of the rows, batch by batch."""

    seen: list = []  # noqa: RUF012  # survives the copy that fit makes

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        Order.seen.append(batch[0]["lengths"].tolist())


def test_each_partial_fit_is_an_epoch_of_its_own(ragged):
    X, _ = ragged
    y = np.arange(40.0)
    Order.seen = []
    model = GRUSequenceRegressor(**QUICK, batch_size=40, callbacks=[Order()])
    model.partial_fit(X, y).partial_fit(X, y)
    first, second = Order.seen
    assert first != second
    assert sorted(first) == sorted(second)
    # One batch a call; the optimizer has counted both.
    state = model.net_.optimizer_.state_dict()["state"]
    assert {int(moments["step"]) for moments in state.values()} == {2}


@pytest.mark.parametrize("cls", CLASSIFIERS + REGRESSORS)
def test_partial_fit_knows_weights(cls, ragged):
    X, y = ragged
    y = y if cls in CLASSIFIERS else np.arange(40.0)
    classes = {"classes": ["up", "down"]} if cls in CLASSIFIERS else {}
    weight = np.repeat([0.0, 2.0], 20)
    weighted = cls(**QUICK).partial_fit(X, y, sample_weight=weight, **classes)
    cut = cls(**QUICK).partial_fit(X[20:], y[20:], **classes)
    assert (outputs(weighted, X) == outputs(cut, X)).all()


def test_another_optimizer_begins_anew(ragged):
    X, _ = ragged
    model = GRUSequenceRegressor(**QUICK, optimizer="sgd").partial_fit(X, np.arange(40.0))
    model.set_params(optimizer="adam").partial_fit(X, np.arange(40.0))
    state = model.net_.optimizer_.state_dict()["state"]
    assert {int(moments["step"]) for moments in state.values()} == {2}


def n_steps_of_the_moments(model):
    state = model.net_.optimizer_.state_dict()["state"]
    (steps,) = {int(moments["step"]) for moments in state.values()}
    return steps


@pytest.mark.parametrize(
    ("betas", "goes_on"),
    [
        ((0.8, 0.95), True),
        ([0.8, 0.95], True),
        (np.array([0.8, 0.95]), True),
        ((0.8, 0.9), False),
        (np.array([0.8, 0.9]), False),
    ],
    ids=["tuple", "list", "array", "other tuple", "other array"],
)
def test_an_optimizer_with_equal_options_goes_on(ragged, betas, goes_on):
    X, y = ragged[0], np.arange(40.0)
    options = {"betas": np.array([0.8, 0.95])}
    model = GRUSequenceRegressor(**QUICK, batch_size=40)
    model.set_params(optimizer=partial(torch.optim.Adam, **options)).partial_fit(X, y)
    model.set_params(optimizer=partial(torch.optim.Adam, betas=betas)).partial_fit(X, y)
    assert n_steps_of_the_moments(model) == (2 if goes_on else 1)


def test_options_that_are_changed_in_place_begin_anew(ragged):
    X, y = ragged[0], np.arange(40.0)
    optimizer = partial(torch.optim.Adam, betas=(0.8, 0.95))
    model = GRUSequenceRegressor(**QUICK, batch_size=40, optimizer=optimizer)
    model.partial_fit(X, y)
    optimizer.keywords["betas"] = (0.5, 0.5)
    assert n_steps_of_the_moments(model.partial_fit(X, y)) == 1
    assert n_steps_of_the_moments(model.partial_fit(X, y)) == 2
    # Another class, or the class alone, has other moments too.
    model.set_params(optimizer=torch.optim.Adam).partial_fit(X, y)
    assert n_steps_of_the_moments(model) == 1


class QuickAdam(torch.optim.Adam):
    """Adam with other defaults."""

    def __init__(self, params, lr, weight_decay, betas=(0.8, 0.95), **options):
        super().__init__(params, lr, betas, weight_decay=weight_decay, **options)


def test_options_of_an_optimizer_are_used(ragged):
    X, y = ragged
    optimizer = partial(torch.optim.Adam, betas=(0.8, 0.95), amsgrad=True)
    model = LSTMSequenceClassifier(**QUICK, optimizer=optimizer, weight_decay=0.01)
    expected = clone(model).set_params(optimizer=partial(QuickAdam, amsgrad=True))
    assert (outputs(model.fit(X, y), X) == outputs(expected.fit(X, y), X)).all()
    plain = clone(model).set_params(optimizer=torch.optim.Adam).fit(X, y)
    assert (outputs(plain, X) != outputs(model, X)).any()


def test_options_of_an_optimizer_are_searched(ragged):
    optimizers = [partial(torch.optim.SGD, momentum=m, nesterov=m > 0) for m in (0.0, 0.9)]
    search = GridSearchCV(GRUSequenceClassifier(**QUICK), {"optimizer": optimizers}, cv=2)
    best = search.fit(*ragged).best_estimator_
    used = best.net_.optimizer_.param_groups[0]
    assert used["momentum"] == best.optimizer.keywords["momentum"]


def test_partial_fit_needs_all_classes_first(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, y)
    model.partial_fit(X[:1], y[:1], classes=["up", "down"])
    assert model.predict(X[:2]).shape == (2,)
    with pytest.raises(ValueError, match="balanced"):
        model.set_params(class_weight="balanced").partial_fit(X, y)


def test_partial_fit_goes_on_after_fit(ragged):
    X, y = ragged
    model = GRUSequenceClassifier(**QUICK).fit(X, y)
    before = model.predict_proba(X)
    model.partial_fit(X, y)
    assert model.n_epochs_ == 26
    assert (model.predict_proba(X) != before).any()


# Devices and output.


def test_device_auto_and_names(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK, device="cpu").fit(X, y)
    assert {str(p.device) for p in model.net_.module_.parameters()} == {"cpu"}
    if not torch.cuda.is_available():
        with pytest.raises(
            ValueError, match=r"device='cuda' is not available; .*there is: cpu"
        ):
            model.set_params(device="cuda").fit(X, y)
    with pytest.raises(ValueError, match="device='gpu' is not a name of a torch device"):
        model.set_params(device="gpu").fit(X, y)


# Input.


def test_lengths_are_free_but_for_tables(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK).fit(X, y)
    assert (model.n_channels_, model.n_features_in_) == (2, 2)
    assert model.predict(np.zeros((3, 50, 2))).shape == (3,)
    table = LSTMSequenceClassifier(**QUICK).fit(np.zeros((20, 5)), [0, 1] * 10)
    assert (table.n_channels_, table.n_features_in_) == (1, 5)
    with pytest.raises(
        ValueError, match=r"X has 6 features, but .* is expecting 5 features"
    ):
        table.predict(np.zeros((3, 6)))
    assert table.predict([np.zeros(6), np.zeros(2)]).shape == (2,)


def test_training_goes_on_only_with_the_same_network(ragged):
    X, y = ragged
    model = LSTMSequenceClassifier(**QUICK, warm_start=True).fit(X, y)
    model.set_params(lr=0.001, pooling=["last", "mean"]).fit(X, y)
    for change in ({"hidden_size": 8}, {"pooling": "max"}, {"embedding_dim": 3}):
        model.set_params(**change)
        with pytest.raises(
            ValueError, match=f"{next(iter(change))}=.* differs from the fit"
        ):
            model.fit(X, y)
        with pytest.raises(ValueError, match="differs from the fitted network"):
            model.partial_fit(X, y)
        model.set_params(hidden_size=16, pooling=("last", "mean"), embedding_dim=None)


def test_frames_keep_the_order_of_their_columns():
    rng = np.random.default_rng(0)
    X = [pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "y"]) for n in range(3, 23)]
    model = LSTMSequenceClassifier(**QUICK).fit(X, [0, 1] * 10)
    swapped = r"are \['y', 'x'\], but LSTM.* was fitted on \['x', 'y'\]"
    assert model.channel_names_.tolist() == ["x", "y"]
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match=swapped):
        model.predict([x[["y", "x"]] for x in X])
    with pytest.raises(ValueError, match=r"Sequence 2 of X has the columns \['y', 'x'\]"):
        model.fit([*X[:2], X[2][["y", "x"]], *X[3:]], [0, 1] * 10)
    with pytest.raises(ValueError, match=swapped):
        model.fit(X, [0, 1] * 10, X_val=[x[["y", "x"]] for x in X], y_val=[0, 1] * 10)


@pytest.mark.parametrize("kind", [list, as_sequences, skseq.sequence_frame])
def test_names_of_channels_are_compared_where_both_sides_have_them(kind):
    arrays = [np.full((n, 2), float(n)) for n in range(3, 23)]
    frames = [pd.DataFrame(x, columns=["x", "y"]) for x in arrays]
    swapped = [frame[["y", "x"]] for frame in frames]
    options = {**QUICK, "max_epochs": 1}
    model = LSTMSequenceClassifier(**options).fit(kind(frames), [0, 1] * 10)
    assert model.channel_names_.tolist() == ["x", "y"]
    for other in (kind(swapped), swapped, as_sequences(swapped)):
        with pytest.raises(ValueError, match=r"The channels of X are \['y', 'x'\], but"):
            model.predict(other)
    model.predict(kind(arrays))
    model.predict(arrays)
    model.fit(kind(arrays), [0, 1] * 10)
    assert model.channel_names_ is None
    model.predict(frames)


def test_names_belong_to_the_columns_of_frames():
    table = pd.DataFrame(np.eye(20)[:, :3], columns=["a", "b", "c"])
    model = LSTMSequenceClassifier(**QUICK).fit(table, [0, 1] * 10)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert (model.n_features_in_, model.n_channels_, model.channel_names_) == (3, 1, None)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(table.to_numpy())
    column = skseq.sequence_frame(table)
    model.fit(column, [0, 1] * 10)
    assert model.feature_names_in_.tolist() == ["sequence"]
    assert (model.n_features_in_, model.n_channels_, model.channel_names_) == (1, 1, None)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(skseq.sequence_frame(table, name="signal"))
    # A frame with sequences in it is one container among others.
    expected = model.predict(column)
    for same in (list(table.to_numpy()), as_sequences(table), column["sequence"]):
        np.testing.assert_array_equal(model.predict(same), expected)
    model.fit(list(table.to_numpy()), [0, 1] * 10).predict(column)
    assert not hasattr(model, "feature_names_in_")


def test_a_memory_mapped_file_goes_through_a_search(tmp_path):
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 9, size=30)
    np.save(tmp_path / "values.npy", rng.normal(size=(lengths.sum(), 2)))
    X = SequenceArray(np.load(tmp_path / "values.npy", mmap_mode="r"), lengths)
    y = [0, 1] * 15
    model = LSTMSequenceClassifier(**{**QUICK, "max_epochs": 2})
    grid = {"hidden_size": [4, 8], "embedding_dim": [None]}
    results = [
        GridSearchCV(model, grid, cv=3, n_jobs=n_jobs).fit(data, y).cv_results_
        for n_jobs, data in ((1, X), (2, X), (1, list(X)))
    ]
    for result in results[1:]:
        scores = result["mean_test_score"], results[0]["mean_test_score"]
        np.testing.assert_array_equal(*scores)


def test_a_search_may_use_numpys_integers():
    words, y = ["abc", "ca", "bb", "bbb"] * 5, [0, 0, 1, 1] * 5
    model = LSTMSequenceClassifier(**{**QUICK, "max_epochs": 2})
    grid = {"embedding_dim": np.arange(2, 4), "hidden_size": np.array([4])}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(words, y)
    assert search.best_params_["embedding_dim"] in (2, 3)


def test_equal_containers_make_equal_models():
    rng = np.random.default_rng(0)
    block = rng.normal(size=(30, 6, 2)).astype(np.float32)
    y = [0, 1] * 15
    expected = GRUSequenceClassifier(**QUICK).fit(block, y).predict_proba(block)
    for X in (
        block.astype(float),
        list(block),
        torch.from_numpy(block),
        as_sequences(block)[np.arange(30)],
        skseq.sequence_frame(block),
        block.tolist(),
    ):
        assert (GRUSequenceClassifier(**QUICK).fit(X, y).predict_proba(X) == expected).all()


def test_fit_changes_nothing_of_the_callers(ragged):
    X, y = ragged
    weight = np.ones(40)
    copies = [x.copy() for x in X], y.copy(), weight.copy()
    for array in [*X, y, weight]:
        array.flags.writeable = False
    model = LSTMSequenceClassifier(**QUICK)
    parameters = model.get_params()
    model.fit(X, y, sample_weight=weight).predict(X)
    assert model.get_params() == parameters
    assert all((a == b).all() for a, b in zip(X, copies[0], strict=True))
    assert (y == copies[1]).all()
    assert (weight == copies[2]).all()


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_symbols_in_sequences_of_one_length(cls):
    words, y = ["abab", "baba", "cdcd", "dcdc"] * 5, [0, 0, 1, 1] * 5
    assert cls(**QUICK, embedding_dim=4).fit(words, y).score(words, y) == 1.0


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_only_the_first_part_says_what_is_predicted(loss):
    X, y = [[1.0, 2.0], [3.0]] * 6, np.arange(12.0)
    model = GRUSequenceRegressor(hidden_size=2, loss=loss).partial_fit(X, y)
    model.partial_fit(X, 0 * y)  # which as a first part would be no Poisson targets
    with pytest.raises(ValueError, match="y has 2 outputs, but the network has 1"):
        model.partial_fit(X, np.c_[y, y])
    model.partial_fit(X, y[:, None])
    assert model.predict(X).shape == (12,)
    with pytest.raises(ValueError, match="loss='huber' differs from the fitted"):
        model.set_params(loss="huber").partial_fit(X, y)
