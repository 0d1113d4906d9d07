"""Every callback of skorch in fit, clone and searches; what cannot be copied is shared."""

import copy
import io
import pickle
import sys
import threading
from types import ModuleType, SimpleNamespace

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
import skorch.callbacks
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EpochTimer,
    PrintLog,
    SacredLogger,
    TensorBoard,
)

import skseq
from skseq import GRUSequenceClassifier
from skseq.callbacks import OptunaPruning
from skseq.preprocessing import PerTimestep


class Connection:
    """In place of what tracking libraries hand out, which writes and cannot be copied."""

    def __init__(self, folder=None):
        self.lock = threading.Lock()
        self.written = []
        self.dir = folder

    def write(self, *values, **named):
        with self.lock:
            self.written.append((*values, named))

    # Of a writer of TensorBoard, a run of Sacred or wandb, and a client of MLflow.
    add_scalar = close = log_scalar = log = watch = write
    log_metric = log_artifact = set_terminated = write

    # Of a run of Neptune, which is a tree.
    append = stop = write

    def __getitem__(self, name):
        return self

    def __setitem__(self, name, value):
        self.write(name, value)


# What each takes, of a folder. It can be copied, and goes to other processes.
COPIED = {
    "Callback": lambda folder: {},
    "Checkpoint": lambda folder: {"dirname": str(folder)},
    "EarlyStopping": lambda folder: {"patience": 1},
    "EpochScoring": lambda folder: {"scoring": "f1_macro"},
    "EpochTimer": lambda folder: {},
    "Freezer": lambda folder: {"patterns": "head*"},
    "GradientNormClipping": lambda folder: {"gradient_clip_value": 0.1},
    "Initializer": lambda folder: {"patterns": "head*", "fn": torch.nn.init.zeros_},
    "LRScheduler": lambda folder: {"policy": "StepLR", "step_size": 1},
    "LoadInitState": lambda folder: {"checkpoint": Checkpoint(dirname=str(folder))},
    "ParamMapper": lambda folder: {"patterns": "head*", "fn": torch.nn.init.ones_},
    "PassthroughScoring": lambda folder: {"name": "train_loss", "on_train": True},
    "PrintLog": lambda folder: {"sink": str},
    "ProgressBar": lambda folder: {},
    "TrainEndCheckpoint": lambda folder: {"dirname": str(folder)},
    "Unfreezer": lambda folder: {"patterns": "head*"},
}
# These hold a connection, which their copies share and no other process can have.
SHARED = {
    "MlflowLogger": lambda folder: {
        "run": SimpleNamespace(info=SimpleNamespace(run_id="run")),
        "client": Connection(),
    },
    "NeptuneLogger": lambda folder: {"run": Connection()},
    "SacredLogger": lambda folder: {"experiment": Connection()},
    "TensorBoard": lambda folder: {"writer": Connection()},
    "WandbLogger": lambda folder: {"wandb_run": Connection(folder)},
}
REFUSED = {
    "BatchScoring": ({"scoring": "accuracy"}, "pass EpochScoring"),
    "InputShapeSetter": ({}, "the estimator sets its own"),
    # A policy of LRScheduler, and no callback.
    "WarmRestartLR": (None, "takes skorch callbacks, got .*WarmRestartLR"),
}
HERE = set(skorch.callbacks.__all__)  # an older skorch has fewer


def make_model(*callbacks, **options):
    return GRUSequenceClassifier(
        hidden_size=4,
        max_epochs=2,
        lr_schedule="constant",
        validation_fraction=0.3,
        random_state=0,
        callbacks=[*callbacks],
        **options,
    )


@pytest.fixture
def make_callback(tmp_path, monkeypatch):
    """Makes a callback of skorch by its name, if need be without its library."""
    types, handler = ModuleType("neptune.types"), ModuleType("neptune.handler")
    types.File = SimpleNamespace(from_content=lambda text, extension: text)
    handler.Handler = type("Handler", (), {})
    for module in (ModuleType("neptune"), types, handler):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(name):
        options = {**COPIED, **SHARED}[name](tmp_path)
        return getattr(skorch.callbacks, name)(**options)

    return make


def connection_of(callback):
    return next(v for v in vars(callback).values() if isinstance(v, Connection))


def copy_in(model, callback):
    """The copy of a callback that a fitted model's net has."""
    copies = [c for _, c in model.net_.callbacks_ if type(c) is type(callback)]
    assert copies
    assert all(c is not callback for c in copies)
    return copies[-1]


def test_every_callback_of_skorch_is_in_one_of_the_lists():
    listed = [*COPIED, *SHARED, *REFUSED]
    assert len(listed) == len(set(listed))
    assert set(listed) >= HERE


@pytest.mark.parametrize("name", sorted({*COPIED, *SHARED} & HERE))
def test_fits_and_fits_as_a_clone(name, make_callback, ragged):
    callback = make_callback(name)
    before = dict(vars(callback))
    model = make_model(callback)
    again = clone(model)
    assert again.callbacks[0] is not callback
    fitted = model.fit(*ragged)
    n_written = len(connection_of(callback).written) if name in SHARED else 0
    of_clone = again.fit(*ragged)
    assert (fitted.predict_proba(ragged[0]) == of_clone.predict_proba(ragged[0])).all()
    copies = [copy_in(fitted, callback), copy_in(of_clone, callback)]
    assert vars(callback) == before
    if name in SHARED:
        connection = connection_of(callback)
        assert all(connection_of(c) is connection for c in copies)
        assert len(connection.written) == 2 * n_written > 0


@pytest.mark.parametrize("name", sorted(COPIED.keys() & HERE))
def test_a_search_in_processes_finds_the_same(name, make_callback, ragged):
    model = make_model(make_callback(name))
    grid = {"hidden_size": [3, 5]}
    here = GridSearchCV(model, grid, cv=2, error_score="raise").fit(*ragged)
    there = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise").fit(*ragged)
    key = "mean_test_score"
    assert (here.cv_results_[key] == there.cv_results_[key]).all()


@pytest.mark.parametrize("name", sorted(SHARED.keys() & HERE))
def test_a_search_writes_to_one_connection_or_says_why_not(name, make_callback, ragged):
    callback = make_callback(name)
    connection = connection_of(callback)
    pipeline = make_pipeline(PerTimestep(StandardScaler()), make_model(callback))
    search = GridSearchCV(
        pipeline,
        {"grusequenceclassifier__hidden_size": [3, 5]},
        cv=2,
        error_score="raise",
    )
    alone = clone(pipeline).fit(*ragged)
    assert connection_of(copy_in(alone[-1], callback)) is connection
    each, n_fits = len(connection.written), 5  # two folds of two, and the best
    assert each > 0
    search.fit(*ragged)
    assert len(connection.written) == each * (1 + n_fits)
    with joblib.parallel_config("threading", n_jobs=2):
        clone(search).fit(*ragged)
    assert len(connection.written) == each * (1 + 2 * n_fits)
    with pytest.raises(pickle.PicklingError) as caught:  # joblib's, around ours
        clone(search).set_params(n_jobs=2).fit(*ragged)
    attribute = next(k for k, v in vars(callback).items() if v is connection)
    expected = f"a {name} (callbacks[0]) whose {attribute} cannot be pickled"
    assert expected in str(caught.value.__cause__)
    assert "n_jobs=None" in str(caught.value.__cause__)


@pytest.mark.parametrize("name", sorted(REFUSED.keys() & HERE))
def test_what_is_refused(name, ragged):
    options, message = REFUSED[name]
    cls = getattr(skorch.callbacks, name)
    if options is None:
        callback = cls(torch.optim.SGD([torch.zeros(1)], lr=0.1))
    else:
        callback = cls(**options)
    with pytest.raises(ValueError, match=message):
        make_model(callback).fit(*ragged)


# What is shared


class Tracker(Callback):
    """One whose constructor takes less than it holds."""

    def __init__(self, connection):
        self.hook = self.record
        self.connection = connection
        self.log = connection.log
        self.rows = []

    def record(self, row):
        self.rows.append(row)

    def on_epoch_end(self, net, **kwargs):
        self.hook(len(net.history))
        self.log(len(net.history))


class Whole(Callback):
    """One that refuses to be copied, whatever it holds."""

    def __init__(self, connection):
        self.connection = connection

    def __reduce_ex__(self, protocol):
        raise TypeError("not to be copied")

    def on_epoch_end(self, net, **kwargs):
        self.connection.log(len(net.history))


class Slotted:
    """One without attributes to share by themselves."""

    __slots__ = ("connection",)

    def __init__(self, connection):
        self.connection = connection


def test_only_what_cannot_be_copied_is_shared(ragged):
    tracker = Tracker(Connection())
    model = make_model(tracker, ("again", Tracker(tracker.connection)))
    fitted = clone(model).fit(*ragged)
    fits = [model.fit(*ragged), fitted, copy.deepcopy(model).fit(*ragged)]
    for model in fits:
        used = [c for _, c in model.net_.callbacks_ if isinstance(c, Tracker)]
        assert [c.rows for c in used] == [[1, 2], [1, 2]]
        assert all(c.connection is tracker.connection for c in used)
    assert tracker.rows == []
    assert len(tracker.connection.written) == 2 * 2 * len(fits)


@pytest.mark.parametrize("kind", [Whole, Slotted])
def test_a_callback_is_shared_whole_where_no_attribute_is_the_reason(kind):
    model = make_model(kind(Connection()))
    for again in (clone(model), copy.copy(model), copy.deepcopy(model)):
        assert again.callbacks[0] is model.callbacks[0]


def test_a_callback_that_is_shared_whole_sees_all_fits(ragged):
    callback = Whole(Connection())
    model = make_model(callback).fit(*ragged)
    clone(model).fit(*ragged)
    assert [epoch for epoch, _ in callback.connection.written] == [1, 2, 1, 2]


def test_an_open_file_is_shared(ragged, tmp_path):
    with (tmp_path / "log").open("w") as file:
        model = make_model(SacredLogger(SimpleNamespace(log_scalar=print, file=file)))
        copies = [clone(model), copy.copy(model), copy.deepcopy(model)]
        assert all(c.callbacks[0].experiment.file is file for c in copies)


def test_copies_of_a_fitted_model_share_too(ragged):
    writer = Connection()
    model = make_model(("board", TensorBoard(writer))).fit(*ragged)
    shallow, deep = copy.copy(model), copy.deepcopy(model)
    assert shallow.callbacks is model.callbacks
    assert deep.callbacks[0][0] == "board"
    assert deep.callbacks[0][1] is not model.callbacks[0][1]
    assert deep.callbacks[0][1].writer is writer
    for again in (shallow, deep):
        assert (again.predict_proba(ragged[0]) == model.predict_proba(ragged[0])).all()


def test_a_clone_keeps_all_else():
    model = make_model(TensorBoard(Connection()), device="cpu", pooling=["max"])
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        again = clone(model)
        assert again.get_metadata_routing().fit.requests["sample_weight"] is True
    params, expected = again.get_params(), model.get_params()
    del params["callbacks"], expected["callbacks"]
    assert params == expected
    assert again.pooling is not model.pooling


# What must be written


WAYS = {
    "pickle": pickle.dumps,
    "joblib": lambda model: joblib.dump(model, io.BytesIO()),
    "skops": skops.io.dumps,
    "skseq": lambda model: skseq.save(model, io.BytesIO()),
    "trusted": lambda model: skseq.save(
        model, io.BytesIO(), trusted=[EpochTimer, PrintLog, TensorBoard, Whole]
    ),
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_an_error_names_the_callback_and_what_to_do(way, ragged):
    connection = Connection()
    sinks = {"sink": connection.log}, {"sink": lambda text: connection.log(text)}
    for attribute, callback in [
        ("whose writer", TensorBoard(connection)),
        *(("whose sink", PrintLog(**sink)) for sink in sinks),
        ("which", Whole("log")),
    ]:
        model = make_model().fit(*ragged)
        model.set_params(callbacks=[EpochTimer, ("mine", callback)])
        cls = type(callback).__name__
        with pytest.raises(TypeError) as caught:
            WAYS[way](make_pipeline(model))
        assert f"a {cls} (callbacks[1]) {attribute} cannot be pickled" in str(caught.value)
        assert "model.set_params(callbacks=None)" in str(caught.value)
        WAYS[way](make_pipeline(model.set_params(callbacks=None)))


def test_a_function_without_a_name_is_pickled_as_joblib_does(ragged):
    model = make_model(PrintLog(sink=lambda text: len(text))).fit(*ragged)
    again = pickle.loads(pickle.dumps(model))
    assert type(again.callbacks) is list
    assert again.callbacks[0].sink("text") == 4
    assert (again.predict_proba(ragged[0]) == model.predict_proba(ragged[0])).all()
    with pytest.raises(
        TypeError, match=r"callbacks\.0\.sink is a lambda, which skseq\.save"
    ):
        skseq.save(model, io.BytesIO(), trusted=[PrintLog])


def test_a_standard_stream_is_pickled_as_joblib_does(tmp_path, monkeypatch):
    with (tmp_path / "output").open("w") as file, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", file)  # a file, as without pytest
        again = pickle.loads(pickle.dumps(make_model(PrintLog(sink=sys.stdout.write))))
        again.callbacks[0].sink("text")
    assert (tmp_path / "output").read_text() == "text"


@pytest.mark.parametrize("named", [True, False])
def test_a_callback_may_hold_its_own_model(named):
    callback = PrintLog(sink=str if named else lambda text: None)
    model = make_model(callback)
    callback.model = model
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again.callbacks[0].model.hidden_size == 4


def test_what_shall_not_travel_is_still_left_out():
    model = make_model(OptunaPruning(Connection()))
    assert clone(model).callbacks[0] is model.callbacks[0]
    assert pickle.loads(pickle.dumps(model)).callbacks[0].trial is None
    assert np.array_equal(model.callbacks[0].trial.written, [])


class KnowsItsModel(Callback):
    def __init__(self):
        self.lock = threading.Lock()
        self.model = None


@pytest.mark.parametrize(
    "action", [copy.deepcopy, clone, lambda m: m.fit([[1, 2], [3]] * 4, [0, 1] * 4)]
)
def test_a_callback_that_holds_a_lock_and_its_own_model(action):
    callback = KnowsItsModel()
    model = GRUSequenceClassifier(
        hidden_size=2, max_epochs=1, validation_fraction=None, callbacks=[callback]
    )
    callback.model = model
    (other,) = action(model).callbacks
    assert other.lock is callback.lock
