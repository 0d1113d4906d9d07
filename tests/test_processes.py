"""Forked processes, threads and interrupts: what computations leave behind."""

import contextlib
import copy
import io
import os
import pickle
import sys
import threading

import numpy as np
import pytest
import torch
from processes import changed_by_interrupts, run_fresh
from sklearn.decomposition import PCA

import skseq
from skseq import GRUSequenceClassifier, LSTMSequenceClassifier, _forking, _surroundings
from skseq._forking import computing
from skseq.inspection import step_importance
from skseq.preprocessing import Jitter, PerTimestep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")

# A program with two models. A child that waits without end is ended by its alarm.
PROGRAM = """\
import io, multiprocessing, os, pickle, signal, threading, time
import numpy as np
import torch
import skseq
from skseq import GRUSequenceClassifier, LSTMSequenceClassifier
from skseq.inspection import step_importance

torch.set_num_threads(2)
rng = np.random.default_rng(0)
X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 30, size=40)]
y = np.tile([0, 1], 20)
classes = LSTMSequenceClassifier, GRUSequenceClassifier
models = [cls(max_epochs=2, random_state=0) for cls in classes]

def use():
    for model in models:
        model.predict_proba(X)
        type(model)(max_epochs=1).fit(X, y)

def in_a_fork(function, seconds=60):
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        function()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status

"""


@pytest.mark.parametrize("libraries", ["skseq._surroundings._libraries", "lambda: None"])
def test_a_forked_process_predicts_and_fits(libraries):
    """After all that computes; also where OpenMP and MKL cannot be reached."""
    out = run_fresh(f"""{PROGRAM}
skseq._surroundings._libraries = {libraries}

[model.fit(X, y) for model in models]
in_a_fork(use)
models = pickle.loads(pickle.dumps(models))
in_a_fork(use)
[model.predict(X) for model in models]
in_a_fork(use)
[model.predict(X * 200) for model in models]
in_a_fork(use)
pickle.loads(pickle.dumps(classes[0](hidden_size=300, max_epochs=1).fit(X, y)))
in_a_fork(use)
[step_importance(m, X[:2], method="integrated_gradients") for m in models]
in_a_fork(use)
skseq.pad_collate([np.ones((5000, 9))] * 9)
in_a_fork(lambda: skseq.pad_collate([np.ones((5000, 9))] * 9))
torch.ones(2000, 2000) @ torch.ones(2000, 2000)  # the caller's own, on both cores
in_a_fork(use)
print("done")
""")
    assert out == "done\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_gives_the_same(method):
    out = run_fresh(f"""{PROGRAM}
[model.fit(X, y) for model in models]
expected = [model.predict_proba(X) for model in models]
with multiprocessing.get_context("{method}").Pool(2) as pool:
    calls = [pool.apply_async(type(m).predict_proba, (m, X)) for m in models * 2]
    found = [call.get(60) for call in calls]
print(all((a == b).all() for a, b in zip(found, expected * 2)))
""")
    assert out == "True\n"


@pytest.mark.parametrize("work", ["predict_proba(X)", "fit(X[:20], y[:20])"])
def test_a_fork_beside_threads_that_compute(work):
    """Whatever they compute, the new process does not wait for their locks."""
    out = run_fresh(f"""{PROGRAM}
[model.fit(X, y) for model in models]
others = [pickle.loads(pickle.dumps(model)) for model in models]
going = True

def work():
    while going:
        for model in others:
            model.{work}

threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
try:
    for _ in range(20):
        time.sleep(rng.uniform(0, 0.004))
        in_a_fork(use)
finally:
    going = False
print("done")
""")
    assert out == "done\n"


def fork_beside(compute, computes, has_forked):
    """Fork while another thread computes, and tell it when that is done."""
    thread = threading.Thread(target=compute)
    thread.start()
    computes.wait()
    child = os.fork()
    if child == 0:
        os._exit(0)
    has_forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_whoever_forks_waits_for_a_computation():
    computes, has_forked = threading.Event(), threading.Event()
    waited = []

    def compute():
        with computing():
            computes.set()
            waited.append(not has_forked.wait(0.3))
        with computing():  # and it can be done again
            pass

    fork_beside(compute, computes, has_forked)
    assert waited == [True]


def test_a_fork_does_not_wait_for_ever(monkeypatch):
    """A thread that computes and waits for whoever forks would stop both."""
    monkeypatch.setattr(_forking, "LONGEST_WAIT", 0.1)
    computes, has_forked = threading.Event(), threading.Event()

    def compute():
        with computing():
            computes.set()
            has_forked.wait()

    fork_beside(compute, computes, has_forked)


def test_whoever_computes_may_fork():
    """A module's own hook may, in the middle of a computation."""
    with computing():
        child = os.fork()
        if child == 0:
            with computing():
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


# Ctrl-C.

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(n, 2)) for n in RNG.integers(3, 20, size=40)]
Y = np.tile([0, 1], 20)
QUICK = {"hidden_size": 8, "max_epochs": 2}


def saved(model):
    file = io.BytesIO()
    skseq.save(model, file)
    file.seek(0)
    return file


@pytest.fixture(scope="module")
def models():
    lstm = LSTMSequenceClassifier(**QUICK).fit(X, Y)
    return lstm, GRUSequenceClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1])


WORKS = {
    "fit": lambda lstm, gru: GRUSequenceClassifier(**QUICK).fit(X, Y),
    "partial_fit": lambda lstm, gru: copy.copy(gru).partial_fit(X, Y),
    "predict": lambda lstm, gru: lstm.predict(X[:3]),
    "copy": lambda lstm, gru: copy.deepcopy(gru),
    "pickle": lambda lstm, gru: pickle.loads(pickle.dumps(gru)),
    "save and load": lambda lstm, gru: skseq.load(saved(gru)),
    "gradients": lambda lstm, gru: step_importance(
        lstm, X[:2], method="integrated_gradients"
    ),
    "occlusion": lambda lstm, gru: step_importance(gru, X[:2]),
    "transform": lambda lstm, gru: PerTimestep(PCA()).fit(X).transform(X),
    "fit_resample": lambda lstm, gru: Jitter(factor=2).fit_resample(X, Y),
    "pad_collate": lambda lstm, gru: skseq.pad_collate(X),
}


# An interrupt may fall into a callback of the garbage collector, and is lost there.
lost = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@lost
@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_an_interrupt_leaves_the_process_as_it_was(work, models):
    """At 300 random moments, of which most lie within the work."""
    changed, hits = changed_by_interrupts(lambda: work(*models), 300)
    assert changed == {}
    assert hits > 30


@lost
def test_an_interrupt_without_the_libraries(models, monkeypatch):
    monkeypatch.setattr(_surroundings, "_libraries", lambda: None)
    changed, _ = changed_by_interrupts(lambda: models[0].predict(X), 100)
    changed.pop("running threads", None)  # one may be about to end
    assert changed == {}


def test_no_thread_has_to_start(monkeypatch):
    """Containers limit their number."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    before = torch.__config__.parallel_info()
    model = LSTMSequenceClassifier(**QUICK).fit(X, Y)
    model.predict(X)
    monkeypatch.setattr(_surroundings, "_libraries", lambda: None)
    with contextlib.suppress(RuntimeError):
        model.predict(X)
    assert torch.__config__.parallel_info() == before
