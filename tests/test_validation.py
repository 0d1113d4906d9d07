"""Validation sets, early stopping and which weights are kept."""

import pickle
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit
from skorch.callbacks import Callback

from skseq import GRUSequenceRegressor, LSTMSequenceClassifier
from skseq.callbacks import EarlyStopping, ValidationSplit

SMALL = {"hidden_size": 4, "max_epochs": 3, "random_state": 0}


class Spy(Callback):
    """Keeps what the net was given, and the weights after each epoch."""

    seen: dict = {}  # noqa: RUF012  # survives the copy that fit makes

    def on_train_begin(self, net, **kwargs):
        Spy.seen = {"weights": []}

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        Spy.seen["train"] = dataset_train
        Spy.seen["valid"] = dataset_valid
        Spy.seen["weights"].append([p.detach().clone() for p in net.module_.parameters()])


def marked(n, n_timesteps=6):
    """Rows that carry their own number, and a noisy two-class target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_timesteps))
    X[:, 0] = np.arange(n)
    return X, rng.integers(0, 2, size=n)


def sides():
    """Numbers of the rows on either side."""
    return [
        None if Spy.seen[side] is None else {int(x[0, 0]) for x in Spy.seen[side].sequences}
        for side in ("train", "valid")
    ]


def fit(X, y, cls=LSTMSequenceClassifier, fit_params=None, **options):
    model = cls(**{**SMALL, "callbacks": [Spy()], **options})
    return model.fit(X, y, **(fit_params or {}))


def test_by_default_a_tenth_stratified():
    X, y = marked(100)
    model = fit(X, y)
    train, valid = sides()
    assert len(valid) == 10
    assert not train & valid
    assert set(model.history_[0]) == {
        *(
            "epoch",
            "train_loss",
            "train_score",
            "valid_loss",
            "valid_score",
            "lr",
            "seconds",
        )
    }


def test_a_fraction_keeps_the_shares_of_the_classes():
    X, _ = marked(100)
    y = np.repeat([0, 1], [80, 20])
    for seed in range(5):
        fit(X, y, validation_fraction=0.1, random_state=seed)
        assert y[list(sides()[1])].sum() == 2


def test_none_trains_on_every_row():
    X, y = marked(30)
    model = fit(X, y, validation_fraction=None)
    train, valid = sides()
    assert (len(train), valid) == (30, None)
    assert "valid_loss" not in model.history_[0]


def test_small_data_trains_on_all_rows_with_one_warning():
    X, y = marked(5)
    y = [0, 0, 0, 0, 1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit(X, y, early_stopping=True)
    assert [str(w.message)[:32] for w in caught] == ["All rows train (5 distinct ones)"]
    assert caught[0].filename == __file__
    assert sides()[1] is None
    assert model.n_epochs_ == 3


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_regressions_never_raise(n):
    X, y = marked(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(X, y, cls=GRUSequenceRegressor)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("asked", [0.1, ShuffleSplit(test_size=1), ValidationSplit(0.1)])
def test_an_asked_for_split_that_is_not_possible_raises(asked):
    X, _ = marked(5)
    y = [0, 0, 0, 0, 1]
    with pytest.raises(ValueError, match="The validation split is not possible"):
        fit(X, y, validation_fraction=asked)


def test_the_reason_is_given_in_the_users_words():
    X, _ = marked(41)
    with pytest.raises(ValueError, match="Class 'swim' has 1 distinct row"):
        fit(X, ["run", "walk"] * 20 + ["swim"], validation_fraction=0.2)
    with pytest.raises(
        ValueError, match=r"0.1 of 6 distinct rows is 1, fewer than the 2 cl"
    ):
        fit(X[:6], ["run", "walk"] * 3, validation_fraction=0.1)


def test_an_asked_for_side_that_misses_a_class_raises():
    X, y = marked(20)
    y = np.repeat(["a", "b"], 10)
    with pytest.raises(ValueError, match="training side has no row of class 'b'"):
        fit(X, y, validation_fraction=KFold(2))
    y = np.tile(["a", "b"], 10)
    with pytest.raises(ValueError, match="validation side has no row of class 'a'"):
        fit(X, y, validation_fraction=KFold(20))


def test_splitters_see_the_callers_rows_in_the_callers_order():
    X, y = marked(30)
    fit(X, y, validation_fraction=TimeSeriesSplit(5))
    assert sides() == [set(range(25)), set(range(25, 30))]
    groups = np.arange(30) % 7
    fit(X, y, validation_fraction=GroupKFold(7), fit_params={"groups": groups})
    train, valid = sides()
    assert not set(groups[list(train)]) & set(groups[list(valid)])
    fit(X, y, validation_fraction=[(range(10), range(20, 30))])
    assert sides() == [set(range(10)), set(range(20, 30))]


@pytest.mark.parametrize("cls", [LSTMSequenceClassifier, GRUSequenceRegressor])
def test_a_fraction_respects_groups(cls):
    X, y = marked(60)
    groups = np.arange(60) % 12
    fit(X, y, cls=cls, validation_fraction=0.25, fit_params={"groups": groups})
    train, valid = sides()
    assert valid
    assert not set(groups[list(train)]) & set(groups[list(valid)])


def test_ones_own_validation_set():
    X, y = marked(40)
    model = fit(X[:30], y[:30], fit_params={"X_val": X[30:], "y_val": y[30:]})
    assert sides() == [set(range(30)), set(range(30, 40))]
    assert model.history_[-1]["valid_score"] == pytest.approx(model.score(X[30:], y[30:]))
    weight = np.arange(10.0)
    model = fit(
        X[:30],
        y[:30],
        fit_params={"X_val": X[30:], "y_val": y[30:], "sample_weight_val": weight},
    )
    expected = model.score(X[30:], y[30:], sample_weight=weight)
    assert model.history_[-1]["valid_score"] == pytest.approx(expected)


def test_history_scores_are_those_of_score():
    X, y = marked(50)
    y = X[:, 1] * 1e4 + y
    model = fit(X, y, cls=GRUSequenceRegressor, max_epochs=10, validation_fraction=0.3)
    rows = sorted(sides()[1])
    assert model.history_[-1]["valid_score"] == pytest.approx(
        model.score(X[rows], y[rows]), rel=1e-4
    )


def test_r2_of_one_row_is_not_a_number():
    X, y = marked(11)
    stopping = EarlyStopping(monitor="valid_score", lower_is_better=False, patience=1)
    model = GRUSequenceRegressor(**SMALL, callbacks=[stopping])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X[:10], y[:10], X_val=X[10:], y_val=y[10:])
    assert np.isnan([row["valid_score"] for row in model.history_]).all()
    assert np.isfinite([row["train_score"] for row in model.history_]).all()
    # There is nothing to stop by, nor to choose weights by.
    assert (model.n_epochs_, model.best_epoch_) == (3, 3)
    without = GRUSequenceRegressor(**SMALL).fit(X[:10], y[:10], X_val=X[10:], y_val=y[10:])
    assert (model.predict(X) == without.predict(X)).all()
    model.set_params(callbacks=None, validation_fraction=None).fit(X[:1], y[:1])
    assert np.isnan([row["train_score"] for row in model.history_]).all()


# Which weights are kept, in the four combinations.


def epoch_of_weights(model):
    final = list(model.net_.module_.parameters())
    return [
        i + 1
        for i, weights in enumerate(Spy.seen["weights"])
        if all(torch.equal(a, b) for a, b in zip(weights, final, strict=True))
    ]


@pytest.mark.parametrize("validation_fraction", [None, 0.3])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_which_weights_are_kept(validation_fraction, early_stopping):
    X, y = marked(60)  # nothing to learn, so that the validation loss soon rises
    model = fit(
        X,
        y,
        validation_fraction=validation_fraction,
        early_stopping=early_stopping,
        patience=4,
        max_epochs=30,
        lr_schedule="constant",
    )
    side = "train" if validation_fraction is None else "valid"
    losses = [row[f"{side}_loss"] for row in model.history_]
    best = int(np.argmin(losses)) + 1
    assert model.best_epoch_ == best
    assert model.n_epochs_ == len(losses)
    assert epoch_of_weights(model) == [best if early_stopping else 30]
    if early_stopping and side == "valid":
        assert model.n_epochs_ == best + 4 < 30


def test_objects_win_over_parameters():
    X, y = marked(60)
    model = fit(
        X,
        y,
        callbacks=[Spy(), EarlyStopping(patience=2), ValidationSplit(0.5, random_state=1)],
        validation_fraction=0.1,
        max_epochs=40,
        lr_schedule="constant",
    )
    assert [len(side) for side in sides()] == [30, 30]
    assert model.n_epochs_ == model.best_epoch_ + 2 < 40
    assert epoch_of_weights(model) == [model.best_epoch_]


class OwnScore(Callback):
    def on_epoch_end(self, net, **kwargs):
        net.history.record("own", -float(len(net.history)))


def test_early_stopping_may_monitor_what_another_callback_records():
    X, y = marked(30)
    stopping = EarlyStopping(monitor="own", lower_is_better=False, patience=2)
    model = fit(X, y, callbacks=[OwnScore(), stopping], max_epochs=10)
    assert (model.n_epochs_, model.best_epoch_) == (3, 1)


@pytest.mark.parametrize("weight_of", ["train", "valid"])
def test_a_side_without_weight_is_an_error(weight_of):
    X, y = marked(20)
    weight = np.repeat([1.0, 0.0] if weight_of == "train" else [0.0, 1.0], 10)
    with pytest.raises(ValueError, match="side have weight 0"):
        fit(
            X,
            y,
            cls=GRUSequenceRegressor,
            validation_fraction=[(range(10), range(10, 20))],
            fit_params={"sample_weight": weight},
        )


def test_a_warm_start_keeps_its_validation_rows():
    X, y = marked(60)
    model = fit(X, y, warm_start=True, random_state=np.random.RandomState(0))
    first = sides()
    model.fit(X, y)
    assert sides() == first


def test_callbacks_are_copied_and_never_changed():
    X, y = marked(30)
    stopping, spy = EarlyStopping(patience=2), Spy()
    before = dict(vars(stopping)), dict(vars(spy))
    fit(X, y, callbacks=[("mine", stopping), spy])
    assert (dict(vars(stopping)), dict(vars(spy))) == before


def test_skorchs_own_early_stopping_ends_a_fit():
    X, y = marked(60)
    theirs = skorch.callbacks.EarlyStopping(patience=3)
    model = fit(X, y, callbacks=[theirs], max_epochs=50, lr_schedule="constant")
    assert model.n_epochs_ < 50
    model.predict(X)


# Interrupted.


class Interrupt(Callback):
    def __init__(self, epoch, error=KeyboardInterrupt):
        self.epoch = epoch
        self.error = error

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("validation_fraction", [None, 0.3])
def test_an_interrupted_fit_keeps_its_best_and_raises(error, validation_fraction):
    X, y = marked(60)
    model = LSTMSequenceClassifier(
        **{**SMALL, "max_epochs": 50, "lr_schedule": "constant"},
        validation_fraction=validation_fraction,
        callbacks=[Spy(), Interrupt(15, error)],
    )
    with pytest.raises(error):
        model.fit(X, y)
    side = "train" if validation_fraction is None else "valid"
    losses = [row[f"{side}_loss"] for row in model.history_]
    assert len(losses) == model.n_epochs_ == 14
    assert model.best_epoch_ == int(np.argmin(losses)) + 1
    assert epoch_of_weights(model) == [model.best_epoch_]
    assert model.predict(X).shape == y.shape


class InterruptBatch(Callback):
    """Raises in the second batch, when weights and moments have changed."""

    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, **kwargs):
        if len(net.history[-1, "batches"]) == 2:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("how", ["fit", "warm_start", "partial_fit"])
def test_a_fit_that_ends_in_its_first_epoch_changes_nothing(how, error):
    X, y = marked(60)
    y = X[:, 1]
    model = GRUSequenceRegressor(**{**SMALL, "batch_size": 20})
    fit = model.partial_fit if how == "partial_fit" else model.fit
    model.set_params(callbacks=[InterruptBatch(error)], warm_start=how == "warm_start")
    with pytest.raises(error):
        fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)

    fit = getattr(model.set_params(callbacks=None), fit.__name__)
    fit(X, y)
    before = pickle.dumps(model)
    model.set_params(callbacks=[InterruptBatch(error)])
    with pytest.raises(error):
        fit(X, 2 * y)
    assert pickle.dumps(model.set_params(callbacks=None)) == before
    # Not even what only a further training would show.
    expected = pickle.loads(before).partial_fit(X, y).predict(X)
    assert (model.partial_fit(X, y).predict(X) == expected).all()


def test_ctrl_c_in_a_real_process():
    """Ctrl-C ends a search, not only the fit it hits."""
    code = """
        import signal, numpy as np
        from sklearn.model_selection import GridSearchCV
        from skorch.callbacks import Callback
        from skseq import LSTMSequenceClassifier

        class Say(Callback):
            def on_epoch_end(self, net, **kwargs):
                print("epoch", flush=True)

        # Whoever starts the tests in the background leaves SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        X, y = np.random.default_rng(0).normal(size=(100, 20)), [0, 1] * 50
        model = LSTMSequenceClassifier(max_epochs=100_000, callbacks=[Say()])
        try:
            GridSearchCV(model, {"hidden_size": [4, 8]}, cv=2).fit(X, y)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    try:
        for _ in range(3):
            assert process.stdout.readline() == "epoch\n"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert rest.splitlines()[-1] == "interrupted"


def test_a_loss_that_is_no_number_stops_with_the_epoch_and_advice():
    X, y = marked(30)
    y = X[:, 1]
    model = GRUSequenceRegressor(
        **{**SMALL, "max_epochs": 20},
        optimizer="sgd",
        lr=1e30,
        lr_schedule="constant",
        gradient_clip=None,
    )
    with pytest.raises(ValueError, match=r"loss became (nan|inf) in epoch 1;.*Lower lr"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("fit_params", "message"),
    [
        ({"X_val": np.zeros((2, 6))}, "both of X_val and y_val"),
        ({"y_val": [0, 1]}, "both of X_val and y_val"),
        ({"sample_weight_val": [1.0]}, "without X_val"),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 7]},
            r"y_val contains the label 7 \(row 1\)",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0]},
            "y_val has 1 rows, but X_val has 2 sequences",
        ),
        ({"X_val": [], "y_val": []}, "0 sample"),
        (
            {"X_val": np.zeros((2, 6, 3)), "y_val": [0, 1]},
            "Sequence 0 of X_val has 3 channels",
        ),
        (
            {"X_val": np.full((2, 6), np.nan), "y_val": [0, 1]},
            "X_val contains NaN: sequence 0",
        ),
    ],
)
def test_bad_validation_sets(fit_params, message):
    X, y = marked(30)
    with pytest.raises(ValueError, match=message):
        fit(X, y, fit_params=fit_params)
