"""Searches on a Dask cluster, in joblib's processes, and with Optuna."""

import importlib
import logging
import pickle
import sys
from operator import attrgetter
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
import torch
from dask.base import tokenize
from dask.sizeof import sizeof
from distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import strategies as st
from processes import Traced, arrivals, die_once, read
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skseq import LSTMSequenceClassifier, SequenceArray, as_sequences
from skseq.callbacks import OptunaPruning
from skseq.preprocessing import PerTimestep

EXAMPLES = Path(__file__).parent.parent / "examples"


def make_model(**options):
    return LSTMSequenceClassifier(
        **{"hidden_size": 4, "max_epochs": 2, "random_state": 0, **options}
    )


@pytest.fixture(scope="module")
def client():
    """Two worker processes on the loopback interface."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(arrivals)  # imports skseq, and so torch
        client.amm.stop()  # which drops copies of what no fit waits for just now
        yield client


# What travels


blocks = st.integers(1, 3).flatmap(
    lambda n_channels: st.lists(st.integers(0, 5), min_size=1, max_size=30).map(
        lambda lengths: SequenceArray(
            np.arange(sum(lengths) * n_channels).reshape(-1, n_channels), lengths
        )
    )
)


@given(blocks, st.data())
def test_rows_travel_with_what_they_hold(X, data):
    rows = data.draw(st.lists(st.integers(0, len(X) - 1), max_size=8))
    part = X[rows]
    arrived = pickle.loads(pickle.dumps(part))
    assert [row.tolist() for row in arrived] == [row.tolist() for row in part]
    assert len(arrived.values) <= 2 * part.lengths.sum()
    assert part.values is X.values


def test_windows_travel_as_the_series_that_they_share():
    series = np.arange(10_000.0)
    X = SequenceArray(series, lengths=np.full(9901, 100), starts=np.arange(9901))
    positions = 2 * X.starts.nbytes + X.spans.nbytes
    assert len(pickle.dumps(X)) < 1.1 * (series.nbytes + positions)
    assert len(pickle.dumps(X[500:600])) < 8 * (200 + 4 * 100) + 1000
    picked = pickle.loads(pickle.dumps(X[[0, 1, 2, 9000]]))
    assert len(picked.values) == 102 + 100


def test_rows_that_changed_meanwhile_are_sent_anew():
    X = SequenceArray(np.arange(30.0), [3] * 10)[[0, 5, 9]]
    first, again = X.__getstate__(), X.__getstate__()
    assert all(first[name] is again[name] for name in first)
    X.values[:] = -1
    assert (np.asarray(pickle.loads(pickle.dumps(X))) == -1).all()


def test_a_file_arrives_as_a_plain_array(tmp_path):
    np.save(tmp_path / "values.npy", np.arange(2000.0).reshape(1000, 2))
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    X = SequenceArray(values, np.full(100, 10))
    arrived = pickle.loads(pickle.dumps(X[3:5]))
    assert type(arrived.values) is np.ndarray
    assert arrived.values.tolist() == values[30:50].tolist()


def test_dask_knows_size_and_content():
    X = SequenceArray(np.zeros((1000, 2)), np.full(100, 10))
    assert 16_000 < sizeof(X) < 20_000
    assert 1_600 < sizeof(X[:10]) < 2_000
    windows = SequenceArray(np.zeros(100), np.full(90, 10), np.arange(90))
    assert sizeof(windows) > 8 * (100 + 4 * 90)
    same = SequenceArray(np.zeros((1000, 2)), np.full(100, 10))
    assert tokenize(X) == tokenize(same)
    assert tokenize(X) != tokenize(X[::-1])
    assert tokenize(X) != tokenize(SequenceArray(np.ones((1000, 2)), np.full(100, 10)))


def test_joblib_maps_the_block_and_the_file(tmp_path):
    """Processes on one machine share memory: nothing is sent twice, a file not at all."""
    np.save(tmp_path / "values.npy", np.zeros((600_000, 1)))
    mapped = SequenceArray(
        np.load(tmp_path / "values.npy", mmap_mode="r"), np.full(600, 1000)
    )
    held = SequenceArray(np.zeros((600_000, 1)), np.full(600, 1000))
    parts = [mapped, mapped[:450], held[:450], held[::3]]
    sent = [part.__getstate__()["values"] for part in parts * 2]
    file_name = joblib.delayed(attrgetter("filename"))
    names = joblib.Parallel(n_jobs=2)(file_name(values) for values in sent)
    assert {*map(Path, names[:2])} == {tmp_path / "values.npy"}
    assert names[:4] == names[4:]


def test_the_order_in_memory_makes_no_difference(ragged):
    X, y = ragged
    X = as_sequences(X)
    columns = SequenceArray(np.asfortranarray(X.values), X.lengths)
    model = make_pipeline(PerTimestep(StandardScaler()), make_model())
    first, second = (clone(model).fit(part[:30], y[:30]) for part in (X, columns))
    assert (first[0].transformer_.mean_ == second[0].transformer_.mean_).all()
    first, second = (fitted[-1].net_.module_.state_dict() for fitted in (first, second))
    assert all(torch.equal(first[name], second[name]) for name in first)


# On a cluster


@pytest.mark.parametrize("container", [list, as_sequences])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_search_finds_the_same_bit_for_bit(client, ragged, container, in_pipeline):
    X, y = container(ragged[0]), ragged[1]
    model, name = make_model(), "hidden_size"
    if in_pipeline:
        model = make_pipeline(PerTimestep(StandardScaler()), model)
        name = "lstmsequenceclassifier__hidden_size"
    search = GridSearchCV(model, {name: [3, 5]}, cv=2, return_train_score=True)
    local = clone(search).fit(X, y)
    with joblib.parallel_config("dask"):
        remote = clone(search).fit(X, y)
    for key, values in local.cv_results_.items():
        if "time" not in key:
            assert np.array_equal(values, remote.cv_results_[key]), key
    assert (local.predict_proba(X) == remote.predict_proba(X)).all()


def test_halving_and_cross_validation_too(client, ragged):
    X, y = as_sequences(ragged[0]), ragged[1]
    model = make_model(validation_fraction=None)  # the first round has few rows
    search = HalvingGridSearchCV(
        model,
        {"hidden_size": [3, 5]},
        cv=2,
        factor=2,
        min_resources=20,
        random_state=0,
    )
    local = clone(search).fit(X, y)
    here = cross_validate(model, X, y, cv=2, return_estimator=True)
    with joblib.parallel_config("dask", scatter=[X]):
        remote = clone(search).fit(X, y)
        there = cross_validate(model, X, y, cv=2, return_estimator=True)
    assert len(set(local.cv_results_["iter"])) > 1
    for key in ("params", "mean_test_score", "n_resources"):
        assert np.array_equal(local.cv_results_[key], remote.cv_results_[key])
    assert (here["test_score"] == there["test_score"]).all()
    for mine, its in zip(here["estimator"], there["estimator"], strict=True):
        assert (mine.predict_proba(X) == its.predict_proba(X)).all()


def test_sequences_reach_each_worker_once(client, ragged):
    X, y = as_sequences(ragged[0]), ragged[1]
    X = Traced(X.values, X.lengths)
    search = GridSearchCV(make_model(max_epochs=1), {"hidden_size": [3, 4, 5]}, cv=4)

    def counted(**options):
        before = client.run(arrivals)
        with joblib.parallel_config("dask", **options):
            search.fit(X, y)
        return [n - before[worker] for worker, n in client.run(arrivals).items()]

    assert counted(scatter=[X]) == [1, 1]
    # By itself joblib sends it to one worker, from which others take it: not 12 times.
    assert sum(counted()) <= 4


def test_row_numbers_stand_for_a_file_that_all_can_read(client, ragged, tmp_path):
    X, y = as_sequences(ragged[0]), ragged[1]
    np.save(tmp_path / "values.npy", X.values)
    where = {"path": tmp_path / "values.npy", "lengths": X.lengths}
    model = make_pipeline(FunctionTransformer(read, kw_args=where), make_model())
    expected = cross_val_score(make_model(), X, y, cv=2)
    with joblib.parallel_config("dask"):
        scores = cross_val_score(model, np.arange(len(y)), y, cv=2)
    assert (scores == expected).all()


# With Optuna


@pytest.fixture(params=["memory", "file"])
def storage(request, tmp_path):
    if request.param == "memory":
        return None
    return f"sqlite:///{tmp_path / 'study.db'}"


def noise(seed, n=40):
    """Sequences with a class that they do not tell."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(5, 2)) for _ in range(n)], rng.integers(0, 2, size=n)


def test_a_pruned_fit_keeps_the_best_weights(storage):
    (X, y), (X_val, y_val) = noise(0), noise(1)
    fitted = []

    def objective(trial):
        callbacks = [OptunaPruning(trial)]
        model = make_model(
            lr=0.1, lr_schedule="constant", max_epochs=20, callbacks=callbacks
        )
        fitted.append(model)
        model.fit(X, y, X_val=X_val, y_val=y_val)

    pruner = optuna.pruners.ThresholdPruner(upper=0.0, n_warmup_steps=6)
    study = optuna.create_study(storage=storage, pruner=pruner)
    study.optimize(objective, n_trials=1)
    (trial,), (model,) = study.trials, fitted
    losses = [row["valid_loss"] for row in model.history_]
    assert trial.state.name == "PRUNED"
    assert trial.intermediate_values == dict(enumerate(losses, 1))
    assert model.best_epoch_ == 1 + np.argmin(losses) < len(losses) < 20
    kept = log_loss(y_val, model.predict_proba(X_val))
    assert kept == pytest.approx(min(losses), rel=1e-5)


def test_folds_and_clones_report_one_after_another(storage, ragged):
    model = make_pipeline(PerTimestep(StandardScaler()), make_model(max_epochs=3))

    def objective(trial):
        model.set_params(lstmsequenceclassifier__callbacks=[OptunaPruning(trial)])
        return cross_val_score(model, *ragged, cv=2, error_score="raise").mean()

    pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=5)
    study = optuna.create_study(direction="maximize", storage=storage, pruner=pruner)
    study.optimize(objective, n_trials=1)
    (trial,) = study.trials
    assert trial.state.name == "PRUNED"
    assert list(trial.intermediate_values) == [1, 2, 3, 4, 5]
    assert all(0 <= score <= 1 for score in trial.intermediate_values.values())


def test_epochs_go_on_in_a_warm_start_and_partial_fit(ragged):
    X, y = ragged
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    callback = OptunaPruning(study.ask(), monitor="train_loss")
    model = make_model(warm_start=True, callbacks=[callback])
    model.fit(X, y).fit(X, y).partial_fit(X, y)
    losses = [row["train_loss"] for row in model.history_]
    assert study.trials[0].intermediate_values == dict(enumerate(losses, 1))
    assert callback.n_epochs_ == 5


def test_a_fixed_trial_tries_an_objective_out(ragged):
    model = make_model(callbacks=[OptunaPruning(optuna.trial.FixedTrial({}))])
    assert model.fit(*ragged).n_epochs_ == 2


@pytest.mark.parametrize(
    ("direction", "monitor", "message"),
    [
        ("maximize", "valid_loss", "study maximizes, .* prune its best trials"),
        ("minimize", "valid_score", "study minimizes, .* prune its best trials"),
        ("minimize", "other", r"OptunaPruning\(monitor='other'\) is not in the history"),
    ],
)
def test_what_cannot_be_monitored(direction, monitor, message, ragged):
    trial = optuna.create_study(direction=direction).ask()
    model = make_model(callbacks=[OptunaPruning(trial, monitor)])
    with pytest.raises(ValueError, match=message):
        model.fit(*ragged)


def test_a_trial_does_not_travel(ragged):
    X, y = ragged
    trial = optuna.create_study().ask()
    model = make_model(callbacks=[OptunaPruning(trial)]).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    with pytest.raises(ValueError, match=r"needs the trial .* got None.*n_jobs=None"):
        again.fit(X, y)


def test_without_optuna_the_error_names_the_extra(monkeypatch, ragged):
    model = make_model(callbacks=[OptunaPruning(optuna.create_study().ask())])
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'pip install "skseq\[search\]"'):
        model.fit(*ragged)
    assert not hasattr(model, "history_")


# The examples


def test_the_cluster_example_runs(client, monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    example = importlib.import_module("search_on_a_cluster")
    monkeypatch.setattr(example, "MAX_EPOCHS", 1)
    example.main(client.scheduler_info()["address"])
    output = capsys.readouterr().out
    assert "on 2 workers" in output
    assert "test accuracy: 0." in output


def test_the_pruning_example_runs(monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    example = importlib.import_module("optuna_pruning")
    monkeypatch.setattr(example, "MAX_EPOCHS", 2)
    monkeypatch.setattr(example, "N_TRIALS", 3)
    example.main()
    output = capsys.readouterr().out
    assert "of 3 trials" in output
    assert "test accuracy: 0." in output


# Last, since the worker that follows takes a while to start.
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_search_survives_the_death_of_a_worker(client, tmp_path):
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 200)  # so many rows that joblib scatters their positions too
    X = as_sequences([rng.normal(size=(3, 1)) + label for label in y])
    model = make_pipeline(
        FunctionTransformer(die_once, kw_args={"mark": tmp_path / "died"}),
        make_model(max_epochs=1),
    )
    folds = [
        (train.tolist(), test.tolist()) for train, test in StratifiedKFold(2).split(X, y)
    ]
    search = GridSearchCV(
        model, {"lstmsequenceclassifier__hidden_size": [3, 5]}, cv=folds, refit=False
    )
    with joblib.parallel_config("dask", scatter=[X, y]):
        remote = clone(search).fit(X, y)
    assert (tmp_path / "died").exists()
    local = clone(search).fit(X, y)
    key = "mean_test_score"
    assert (local.cv_results_[key] == remote.cv_results_[key]).all()
