"""`EarlyStopping` and `ValidationSplit`, in plain skorch nets too; skorch's scoring.

Of `EpochScoring` each score must be what the fitted estimator gets for the same rows.
"""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import cohen_kappa_score, f1_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    TimeSeriesSplit,
)
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EpochScoring
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping

from skseq import GRUSequenceRegressor, LSTMSequenceClassifier
from skseq.callbacks import EarlyStopping, ValidationSplit


class Scripted(Callback):
    """Puts prepared values into the history, and marks the weights with the epoch."""

    def __init__(self, values, key="valid_loss"):
        self.values = values
        self.key = key

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        net.history.record(self.key, self.values[epoch - 1])
        with torch.no_grad():
            net.module_.bias.fill_(float(epoch))


def run(values, *, key="valid_loss", **options):
    """Epochs that ran, and the epoch whose weights the net ends with."""
    stopping = EarlyStopping(**options)
    net = NeuralNetRegressor(
        torch.nn.Linear(1, 1),
        max_epochs=len(values),
        callbacks=[("scripted", Scripted(values, key)), ("stopping", stopping)],
        train_split=None,
        lr=0.0,
        verbose=0,
    )
    net.fit(np.ones((4, 1), dtype="float32"), np.ones((4, 1), dtype="float32"))
    return len(net.history), int(net.module_.bias.item()), stopping


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.integers(1, 4))
def test_stops_and_restores_as_a_plain_loop_would(values, patience):
    best, waited, epochs = 0, 0, 0
    for epochs in range(1, len(values) + 1):
        if epochs == 1 or values[epochs - 1] < values[best - 1]:
            best, waited = epochs, 0
        else:
            waited += 1
        if waited == patience:
            break
    ran, restored, stopping = run(values, patience=patience)
    assert (ran, restored) == (epochs, best)
    assert (stopping.best_epoch_, stopping.best_score_) == (best, values[best - 1])


def test_negative_losses_improve_downwards():
    assert run([-1.0, -2.0, -3.0, -2.9], patience=1)[:2] == (4, 3)
    # The threshold means the same at any height.
    assert run([-100.0, -100.5, -101.0], patience=1, threshold=0.9)[:2] == (2, 1)
    assert run([100.0, 99.5, 99.0], patience=1, threshold=0.9)[:2] == (2, 1)


def test_scores_improve_upwards():
    options = {"monitor": "acc", "key": "acc", "lower_is_better": False}
    assert run([0.5, 0.7, 0.6, 0.9], patience=2, **options)[:2] == (4, 4)
    assert run([0.5, 0.7, 0.6, 0.9], patience=1, **options)[:2] == (3, 2)


def test_without_restoring_the_last_weights_stay():
    assert run([3.0, 1.0, 2.0], patience=None, restore_best=False)[:2] == (3, 3)


def test_nan_is_no_improvement_and_waits_for_a_number():
    nan = float("nan")
    assert run([2.0, nan, nan, 1.0], patience=2)[:2] == (3, 1)
    assert run([nan, nan, nan, 2.0, 3.0], patience=1)[:2] == (5, 4)
    assert run([nan, nan, nan], patience=1)[:2] == (3, 3)


def test_an_unknown_monitor_says_what_there_is():
    with pytest.raises(
        ValueError, match=r"monitor='acc'\) is not in the history; .*valid_loss"
    ):
        run([1.0], monitor="acc")


def test_works_in_a_plain_skorch_classifier():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype("float32")
    y = rng.integers(0, 2, size=60)  # nothing to learn: the validation loss soon rises
    net = NeuralNetClassifier(
        torch.nn.Sequential(
            torch.nn.Linear(4, 50), torch.nn.ReLU(), torch.nn.Linear(50, 2)
        ),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=200,
        lr=0.5,
        callbacks=[EarlyStopping(patience=5)],
        train_split=ValidationSplit(0.25, stratified=True, random_state=0),
        verbose=0,
    ).fit(X, y)
    losses = net.history[:, "valid_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 6 < 200
    _, valid = ValidationSplit(0.25, stratified=True, random_state=0).split(X, y)
    with torch.no_grad():
        raw = net.module_(torch.from_numpy(X[valid]))
        loss = torch.nn.functional.cross_entropy(raw, torch.from_numpy(y[valid]))
    assert loss.item() == pytest.approx(losses[best], rel=1e-5)


# ValidationSplit


def test_a_fraction_keeps_class_shares():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    train, valid = ValidationSplit(0.2, stratified=True, random_state=1).split(y, y)
    assert np.bincount(y[valid]).tolist() == [12, 6, 2]
    assert sorted([*train, *valid]) == list(range(100))


@pytest.mark.parametrize("stratified", [False, True])
def test_groups_stay_together(stratified):
    groups = np.repeat(np.arange(20), 5)
    y = np.tile([0, 1], 50)
    split = ValidationSplit(0.2, stratified=stratified, random_state=0)
    train, valid = split.split(y, y, groups)
    assert not set(groups[train]) & set(groups[valid])
    assert len(set(groups[valid])) == 4


@pytest.mark.parametrize("share", [0.05, 0.3, 0.4, 0.6, 0.9])
def test_stratified_groups_come_near_any_share(share):
    y, groups = np.arange(200) % 2, np.arange(200) // 2
    split = ValidationSplit(share, stratified=True, random_state=0)
    train, valid = split.split(y, y, groups)
    assert len(valid) == 200 * share
    assert np.mean(y[valid]) == 0.5
    assert sorted([*train, *valid]) == list(range(200))
    assert not set(groups[train]) & set(groups[valid])


@pytest.mark.parametrize("share", [0.3, 0.4, 0.7])
def test_every_side_has_a_class_of_few_groups(share):
    groups = np.repeat(np.arange(30), 3)
    y = (groups < 3).astype(int)
    for seed in range(5):
        split = ValidationSplit(share, stratified=True, random_state=seed)
        for side in split.split(y, y, groups):
            assert set(y[side]) == {0, 1}


def test_the_last_split_of_a_splitter():
    X = np.zeros(12)
    train, valid = ValidationSplit(TimeSeriesSplit(3)).split(X)
    assert (train.tolist(), valid.tolist()) == (list(range(9)), [9, 10, 11])
    train, valid = ValidationSplit([([0, 1], [2]), ([3, 4], [5])]).split(X)
    assert (train.tolist(), valid.tolist()) == ([3, 4], [5])
    groups = np.arange(12) // 3
    train, valid = ValidationSplit(GroupKFold(4)).split(X, None, groups)
    assert len(set(groups[valid])) == 1
    assert len(ValidationSplit(LeaveOneOut()).split(X)[1]) == 1


def test_masks_and_positions_from_the_end_are_positions():
    mask = np.arange(10) < 7
    train, valid = ValidationSplit([(mask, ~mask)])(list(range(10)))
    assert (list(train), list(valid)) == ([*range(7)], [7, 8, 9])
    train, valid = ValidationSplit([([0, 1], [-1])]).split(np.zeros(10))
    assert (train.tolist(), valid.tolist()) == ([0, 1], [9])


def test_a_splitter_without_seed_takes_this_one():
    splitter = ShuffleSplit(test_size=0.5)
    first = ValidationSplit(splitter, random_state=0).split(np.zeros(50))
    second = ValidationSplit(splitter, random_state=0).split(np.zeros(50))
    assert first[1].tolist() == second[1].tolist()
    assert splitter.random_state is None


@pytest.mark.parametrize(
    ("cv", "options", "message"),
    [
        (1.5, {}, "between 0 and 1, got 1.5"),
        (5, {}, "between 0 and 1, got 5"),
        (0.2, {"stratified": True}, "needs y"),
        ([], {}, "gives no split"),
        ([([0, 1], [])], {}, "validation side of the validation split is empty"),
        ([([], [0, 1])], {}, "training side of the validation split is empty"),
        ([(range(9), [9, 10])], {}, "positions of the 10 rows, from 0 to 9, or a mask"),
        ([([True], [1])], {}, "positions of the 10 rows"),
        ([([0, 3], [2, 3])], {}, "Row 3 is on both sides"),
    ],
)
def test_impossible_splits(cv, options, message):
    with pytest.raises(ValueError, match=message):
        ValidationSplit(cv, **options).split(np.zeros(10))


@pytest.mark.parametrize("cv", [(np.arange(7), np.arange(7, 10)), ([0, 1], [2, 3]), [0.1]])
def test_a_single_split_stands_in_a_list(cv):
    with pytest.raises(TypeError, match=r"pass a list of splits, \[\(train, valid\)\]"):
        ValidationSplit(cv).split(np.zeros(10))


def test_subsets_in_skorch():
    dataset = torch.utils.data.TensorDataset(torch.arange(10.0))
    train, valid = ValidationSplit(KFold(5))(dataset)
    assert [int(x) for (x,) in valid] == [8, 9]
    assert len(train) == 8


# skorch's EpochScoring


SMALL = {"hidden_size": 4, "max_epochs": 2, "random_state": 0}


def exact_match(model, X, y):
    return float((model.predict(X) == y).mean())


def scored(model, X, y, *scorings, **options):
    """The fitted model, and the last value that each scoring recorded."""
    names = [f"score_{i}" for i in range(len(scorings))]
    callbacks = [
        EpochScoring(s, name=n, **options) for s, n in zip(scorings, names, strict=True)
    ]
    model.set_params(callbacks=callbacks)
    model.fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    return model, [model.net_.history[-1, name] for name in names]


@pytest.mark.parametrize("on_train", [False, True])
def test_scorers_score_the_classifier(ragged, on_train):
    X, y = ragged
    own_f1 = make_scorer(f1_score, pos_label="up")
    scorings = ["f1_macro", "roc_auc", "neg_log_loss", own_f1, cohen_kappa_score]
    model, found = scored(
        LSTMSequenceClassifier(**SMALL),
        X,
        y,
        *scorings,
        exact_match,
        None,
        on_train=on_train,
    )
    plain = LSTMSequenceClassifier(**SMALL).fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    assert (model.predict_proba(X) == plain.predict_proba(X)).all()
    part = slice(30) if on_train else slice(30, None)
    X, y = X[part], y[part]
    expected = [get_scorer(s)(model, X, y) for s in scorings[:4]]
    expected.append(cohen_kappa_score(y, model.predict(X)))
    expected += [exact_match(model, X, y), model.score(X, y)]
    assert found == pytest.approx(expected)


def test_scorers_score_several_labels_symbols_and_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5, 2))
    Y = rng.integers(0, 2, size=(40, 3))
    words = ["".join(rng.choice([*"abc"], 4)) for _ in X]
    model = LSTMSequenceClassifier(**SMALL, embedding_dim=2)
    model, found = scored(model, words, Y, "f1_macro", "roc_auc")
    expected = [get_scorer(s)(model, words[30:], Y[30:]) for s in ("f1_macro", "roc_auc")]
    assert found == pytest.approx(expected)
    for y in (1e4 * X[:, -1, 0], 1e4 * X[:, -1]):
        model, found = scored(
            GRUSequenceRegressor(**SMALL), X, y, "r2", "neg_mean_absolute_error"
        )
        expected = model.score(X[30:], y[30:]), -abs(model.predict(X[30:]) - y[30:]).mean()
        assert found == pytest.approx(expected)


def test_equal_rows_and_class_weights_do_not_change_a_score(ragged):
    X, y = [*ragged[0], *[ragged[0][-1]] * 5], [*ragged[1], *[ragged[1][-1]] * 5]
    model = LSTMSequenceClassifier(**SMALL, class_weight={"up": 3.0, "down": 1.0})
    model, found = scored(model, X, y, "f1_macro")
    assert found == [pytest.approx(get_scorer("f1_macro")(model, X[30:], y[30:]))]


def test_early_stopping_monitors_a_score_by_its_name_in_skorch(ragged):
    X, y = ragged
    stopping = EarlyStopping(monitor="f1_macro", lower_is_better=False, patience=2)
    scoring = EpochScoring("f1_macro", lower_is_better=False)
    model = LSTMSequenceClassifier(
        **{**SMALL, "max_epochs": 9}, callbacks=[scoring, stopping]
    )
    model.fit(X, y)
    assert model.best_epoch_ == 1 + int(np.argmax(model.net_.history[:, "f1_macro"]))
    assert set(model.history_[0]).isdisjoint({"f1_macro", "f1_macro_best"})
    # The net of a fitted model holds neither the model nor its data.
    assert len(pickle.dumps(dict(model.net_.callbacks_)["EpochScoring"])) < 1000
    for again in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        assert (again.predict_proba(X) == model.predict_proba(X)).all()


def test_a_function_for_nets_gets_the_net_and_its_dataset(ragged):
    seen = []

    def rows(net, dataset, y=None):
        seen.append((net, len(dataset), y))
        return 0.0

    model, _ = scored(LSTMSequenceClassifier(**SMALL), *ragged, rows, use_caching=False)
    assert seen == [(model.net_, 10, None)] * 2


class Interrupted(SkorchEarlyStopping):
    """Ctrl-C falls into skorch's own early stopping, which stops by the same error."""

    def _is_score_improved(self, score):
        raise KeyboardInterrupt


def test_ctrl_c_inside_of_skorchs_early_stopping_is_no_stop(ragged):
    model = LSTMSequenceClassifier(hidden_size=2, max_epochs=3, callbacks=[Interrupted()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(*ragged)


def test_epoch_scoring_of_a_table_with_names():
    table = pd.DataFrame(np.eye(20)[:, :3], columns=["a", "b", "c"])
    scoring = EpochScoring("accuracy", name="mine", on_train=True)
    model = LSTMSequenceClassifier(
        hidden_size=2, max_epochs=2, validation_fraction=None, callbacks=[scoring]
    ).fit(table, [0, 1] * 10)
    assert len(model.net_.history[:, "mine"]) == 2
