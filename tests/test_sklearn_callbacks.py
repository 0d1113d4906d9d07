"""Callbacks of `sklearn.callback`: an epoch is a task, with a model at its end."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from processes import run_fresh
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from skseq import GRUSequenceClassifier, GRUSequenceRegressor, LSTMSequenceClassifier
from skseq._data.containers import as_sequences
from skseq.preprocessing import PerTimestep

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
from sklearn.callback import ProgressBar, ScoringMonitor

SMALL = {
    "hidden_size": 4,
    "max_epochs": 4,
    "dropout": 0.2,
    "lr": 0.02,
    "lr_schedule": "constant",
    "random_state": 0,
}


class Watch:
    """Notes what it is told; stops in the epoch of that number, from 0."""

    def __init__(self, stop=None):
        self.stop = stop
        self.events = []
        self.told = []
        self.models = []

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name, context.max_subtasks))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.events.append(("end", context.task_name, context.task_id))
        self.told.append((X, y, metadata))
        self.models.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop


def without_seconds(model):
    return [{**row, "seconds": None} for row in model.history_]


def test_a_fit_is_a_task_and_each_epoch_one_of_it(ragged):
    X, y = ragged
    watch, weight = Watch(), np.ones(len(y))
    model = GRUSequenceClassifier(**SMALL).set_callbacks(watch)
    model.fit(X, y, sample_weight=weight)
    epochs = [(when, "epoch", i) for i in range(4) for when in ("begin", "end")]
    fit = [("begin", "fit", 0), *epochs, ("end", "fit", 0)]
    assert watch.events == [("setup", "fit", 4), *fit, ("teardown", "fit", 4)]
    for told_X, told_y, metadata in watch.told:
        assert (told_X is X, told_y is y) == (True, True)
        assert metadata == {"sample_weight": weight}

    watch.events.clear()
    model.partial_fit(X, y)
    assert watch.events[2:4] == [("begin", "epoch", 0), ("end", "epoch", 0)]
    assert watch.told[-1][2] is None
    assert watch.models[-1].n_epochs_ == 5


def test_half_trained_models_are_those_of_shorter_trainings(ragged):
    X, y = ragged
    watch = Watch()
    GRUSequenceClassifier(**SMALL).set_callbacks(watch).fit(X, y)
    assert len(watch.models) == 5
    for epochs, model in zip([1, 2, 3, 4, 4], watch.models, strict=True):
        shorter = GRUSequenceClassifier(**{**SMALL, "max_epochs": epochs}).fit(X, y)
        assert (model.predict_proba(X) == shorter.predict_proba(X)).all()
        assert without_seconds(model) == without_seconds(shorter)
        assert (model.n_epochs_, model.best_epoch_) == (epochs, shorter.best_epoch_)


def test_callbacks_change_nothing(ragged):
    X, y = ragged
    plain = GRUSequenceClassifier(**SMALL).fit(X, y)
    watched = GRUSequenceClassifier(**SMALL)
    watched.set_callbacks(Watch(), ScoringMonitor(scoring="neg_log_loss")).fit(X, y)
    assert (watched.predict_proba(X) == plain.predict_proba(X)).all()
    assert without_seconds(watched) == without_seconds(plain)
    assert set(vars(watched)) == {*vars(plain), "_skl_callbacks"}


def test_scoring_monitor_sees_training_and_validation_data(ragged):
    X, y = ragged
    X, X_val, y, y_val = X[:28], X[28:], y[:28], y[28:]

    def both(model, X, y):
        return {"train": model.score(X, y), "valid": model.score(X_val, y_val)}

    monitor = ScoringMonitor(scoring=both)
    model = LSTMSequenceClassifier(**SMALL).set_callbacks(monitor)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    rows = [r for r in monitor.get_logs().data if r["task_name"] == "epoch"]
    assert [row["task_id"] for row in rows] == [0, 1, 2, 3]
    np.testing.assert_allclose(
        [row["valid"] for row in rows], [r["valid_score"] for r in model.history_], 1e-6
    )
    assert rows[-1]["train"] == model.score(X, y)
    assert len({row["train"] for row in rows}) > 1


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_stops_the_training(ragged, early_stopping):
    X, y = ragged[0], np.random.default_rng(0).permutation(ragged[1])  # nothing to learn
    watch = Watch(stop=5)
    model = GRUSequenceClassifier(
        **{**SMALL, "max_epochs": 50, "lr": 0.3}, early_stopping=early_stopping
    )
    model.set_callbacks(watch).fit(X, y)
    assert model.n_epochs_ == len(model.history_) == len(model.net_.history) == 6
    losses = [row["valid_loss"] for row in model.history_]
    assert model.best_epoch_ == 1 + int(np.argmin(losses)) < 6
    kept = watch.models[(model.best_epoch_ if early_stopping else 6) - 1]
    assert (model.predict_proba(X) == kept.predict_proba(X)).all()
    assert (watch.models[-1].predict_proba(X) == kept.predict_proba(X)).all()
    assert watch.events[-2:] == [("end", "fit", 0), ("teardown", "fit", 50)]


def test_early_stopping_and_callbacks_behind_it_see_the_last_epoch(ragged):
    class Count(Callback):
        epochs = 0

        def on_epoch_end(self, net, **kwargs):
            Count.epochs += 1

    watch = Watch()
    model = GRUSequenceClassifier(
        **{**SMALL, "max_epochs": 50, "lr": 0.3},
        early_stopping=True,
        patience=1,
        callbacks=[Count()],
    )
    model.set_callbacks(watch).fit(*ragged)
    assert model.n_epochs_ < 50
    assert Count.epochs == model.n_epochs_
    assert len(watch.models) == model.n_epochs_ + 1
    assert watch.models[-2].best_epoch_ == model.best_epoch_ == model.n_epochs_ - 1


def test_inside_a_pipeline_and_a_search(ragged):
    X, y = ragged
    monitor, watch = ScoringMonitor(scoring="accuracy"), Watch(stop=1)
    model = GRUSequenceClassifier(**SMALL).set_callbacks(monitor, watch)
    pipeline = make_pipeline(PerTimestep(StandardScaler()), model)
    search = GridSearchCV(pipeline, {"grusequenceclassifier__lr": [0.01, 0.02]}, cv=2)
    search.fit(X, y)
    assert search.best_estimator_[-1].n_epochs_ == 2
    assert watch.events.count(("end", "epoch", 0)) == 5
    assert watch.events.count(("end", "epoch", 1)) == 5
    logs = monitor.get_logs()
    assert logs.estimator_name == "GridSearchCV"
    rows = [row for row in logs.data if row["task_name"] == "epoch"]
    assert len(rows) == 10
    # Position of the candidate and split in the search, of the step, and of the epoch.
    assert {row["task_id_path"][-2:] for row in rows} == {(1, 0), (1, 1)}
    assert len({row["parent_task_id_path"] for row in rows}) == 5


def test_the_progress_bar_of_scikit_learn_counts_epochs(ragged, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    X, y = ragged
    model = GRUSequenceClassifier(**SMALL)
    search = GridSearchCV(model, {"lr": [0.01]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    shown = capsys.readouterr().out
    assert shown.count("GRUSequenceClassifier - fit") == 3
    assert shown.count("100%") == 5


def test_what_goes_wrong_ends_it_properly(ragged):
    X, y = ragged
    watch = Watch()
    model = GRUSequenceClassifier(**SMALL).set_callbacks(watch).fit(X, y)
    watch.events.clear()
    with pytest.raises(ValueError, match="40 sequences"):
        model.fit(X, y[:3])
    assert watch.events == [("setup", "fit", 4), ("teardown", "fit", 4)]
    assert model.n_epochs_ == 4

    def fail(model, X, y):
        raise ZeroDivisionError

    model.set_callbacks(watch, ScoringMonitor(scoring=fail))
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    assert watch.events[-2:] == [("end", "epoch", 0), ("teardown", "fit", 4)]
    assert model.predict(X).shape == (40,)
    leftovers = [name for name in vars(model) if "ctx" in name or "teardown" in name]
    assert not leftovers


def test_the_callers_data_are_let_go(ragged):
    X = as_sequences(ragged[0])
    alive = weakref.ref(X)
    monitor = ScoringMonitor(scoring="accuracy")
    model = GRUSequenceClassifier(**SMALL).set_callbacks(monitor).fit(X, ragged[1])
    del X
    gc.collect()
    assert alive() is None
    assert model.n_epochs_ == 4


def test_copies_and_files_are_as_ever(ragged):
    X, y = ragged
    model = GRUSequenceClassifier(**SMALL).set_callbacks(ScoringMonitor(scoring="accuracy"))
    assert "callbacks" in model.get_params()
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (again.predict_proba(X) == model.predict_proba(X)).all()
        again.fit(X, y)
        assert (again.predict_proba(X) == model.predict_proba(X)).all()
    names = set(vars(model))
    assert set(vars(model.set_callbacks())) == names - {"_skl_callbacks"}


def test_regressors_have_them_too():
    X = np.random.default_rng(0).normal(size=(20, 5))
    monitor = ScoringMonitor(scoring=["r2", "neg_mean_absolute_error"])
    model = GRUSequenceRegressor(**SMALL).set_callbacks(monitor).fit(X, X.sum(axis=1))
    rows = monitor.get_logs().data
    assert {row["r2"] for row in rows} >= {model.score(X, X.sum(axis=1))}
    assert len(rows) == 5


def test_without_sklearn_callback_all_else_works():
    """As with scikit-learn before 1.9."""
    out = run_fresh("""
        import numpy as np
        import sklearn.callback
        import sklearn.linear_model, sklearn.model_selection, sklearn.pipeline

        del sklearn.callback.CallbackSupportMixin
        from skseq import GRUSequenceClassifier

        X, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 2
        model = GRUSequenceClassifier(hidden_size=4, max_epochs=2, random_state=0)
        model.fit(X, y).partial_fit(X, y)
        print(hasattr(model, "set_callbacks"), model.n_epochs_, model.predict(X).shape)
    """)
    assert out == "False 3 (40,)\n"
