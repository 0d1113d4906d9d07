"""Training: the trajectory of the loop that people write, on whatever path it runs."""

import copy

import numpy as np
import pytest
import skorch
import torch
from processes import run_fresh
from skorch.callbacks import Callback
from test_recurrent import PackedNet
from torch.utils.data import DataLoader

from skseq import LSTMSequenceClassifier, SequenceArray, pad_collate
from skseq._data.containers import as_sequences
from skseq._surroundings import denormals_are_flushed
from skseq._tasks.losses import CrossEntropy
from skseq._training.batches import Batches, SequenceDataset
from skseq._training.loop import make_net, run
from skseq._training.net import SequenceNet
from skseq.callbacks import EarlyStopping
from skseq.nn import RecurrentNet


def make_dataset(n=50):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(m, 2)) for m in rng.integers(3, 60, size=n)]
    return SequenceDataset(as_sequences(X), np.arange(n) % 2, np.ones(n))


def make_module(cell, bidirectional, num_layers=1):
    return RecurrentNet(
        cell,
        2,
        2,
        hidden_size=6,
        num_layers=num_layers,
        bidirectional=bidirectional,
        pooling=("last", "mean"),
        generator=torch.Generator().manual_seed(0),
    ).double()


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_trajectory_is_that_of_the_packed_loop(cell, bidirectional, num_layers):
    dataset = make_dataset()
    module = make_module(cell, bidirectional, num_layers)
    packed = PackedNet(module).double()
    keeper = EarlyStopping(patience=None, restore_best=False)
    net = make_net(
        module,
        CrossEntropy(),
        device=torch.device("cpu"),
        optimizer="adam",
        weight_decay=0.0,
        lr=0.01,
        batch_size=8,
        callbacks=[keeper],
        callbacks__print_log=None,
        iterator_train__seed=5,
    )
    net.notify("on_train_begin", X=dataset, y=None)
    run(net, dataset, keeper, epochs=3)

    optimizer = torch.optim.Adam(packed.parameters(), lr=0.01)
    batches = Batches(dataset, 8, seed=5)
    for _ in range(3):
        for inputs, (target, _) in batches:
            x = torch.nn.utils.rnn.pad_sequence(
                inputs["x"].split(inputs["lengths"].tolist()), batch_first=True
            )
            optimizer.zero_grad()
            outputs = packed(x, inputs["lengths"])
            torch.nn.functional.cross_entropy(outputs, target).backward()
            optimizer.step()
    start = make_module(cell, bidirectional, num_layers)
    for name, parameter in module.named_parameters():
        theirs = packed.get_parameter(packed.names.get(name, name))
        torch.testing.assert_close(parameter, theirs, rtol=1e-9, atol=1e-9)
        assert not torch.equal(parameter, start.get_parameter(name))


class Recorder(Callback):
    """Every event, with what its arguments are."""

    def __init__(self, events):
        self.events = events

    def __deepcopy__(self, memo):
        return self

    def note(self, name, net, kwargs):
        told = {key: type(value).__name__ for key, value in kwargs.items()}
        told["training"] = kwargs.get("training")
        self.events.append((name, told, net.module_.training))


def _listen(name):
    def method(self, net, **kwargs):
        # skorch passes an iterator of parameters, which we may read once more.
        kwargs.pop("named_parameters", None)
        self.note(name, net, kwargs)

    return method


EVENTS = ["train_begin", "epoch_begin", "batch_begin", "grad_computed", "batch_end"]
for event in [*EVENTS, "epoch_end", "train_end"]:
    setattr(Recorder, f"on_{event}", _listen(f"on_{event}"))


def test_callbacks_see_what_they_see_in_a_plain_skorch_net(ragged, monkeypatch):
    X, y = ragged

    def train():
        events = []
        model = LSTMSequenceClassifier(
            hidden_size=4, max_epochs=2, random_state=0, callbacks=[Recorder(events)]
        )
        model.fit(X, y)
        return events, model

    ours, model = train()
    monkeypatch.setattr("skseq._training.loop.SequenceNet", skorch.NeuralNet)
    monkeypatch.setattr("skorch.net.get_len", lambda inputs: len(inputs["lengths"]))
    theirs, plain = train()
    assert type(model.net_) is SequenceNet
    assert type(plain.net_) is skorch.NeuralNet
    assert {name for name, *_ in ours} > {"on_grad_computed", "on_batch_begin"}
    assert [event[:2] for event in ours] == [event[:2] for event in theirs]
    for key in ("train_loss", "valid_loss", "valid_score"):
        assert [r[key] for r in model.history_] == [r[key] for r in plain.history_]
    assert model.net_.history[:, "train_batch_count"] == [2, 2]
    batches = ("batches", slice(None))
    for key in ("train_loss", "train_batch_size"):
        ours, theirs = (net.history[:, *batches, key] for net in (model.net_, plain.net_))
        assert ours == theirs


class Flushing(Callback):
    """Whether denormals are flushed at each event."""

    def __init__(self):
        self.found = {}

    def __deepcopy__(self, memo):
        return self

    def on_grad_computed(self, net, **kwargs):
        self.found["inside"] = denormals_are_flushed()

    def on_batch_end(self, net, **kwargs):
        self.found["outside"] = denormals_are_flushed()


@pytest.mark.parametrize("before", [False, True])
def test_denormals_are_flushed_in_the_optimizers_step_alone(ragged, before):
    watch = Flushing()
    model = LSTMSequenceClassifier(hidden_size=4, max_epochs=1, callbacks=[watch])
    torch.set_flush_denormal(before)
    try:
        model.fit(*ragged)
        after = denormals_are_flushed()
    finally:
        torch.set_flush_denormal(False)
    assert watch.found == {"inside": True, "outside": False}
    assert after is before


class Failing(Callback):
    """Raises inside of the optimizer's step."""

    def on_grad_computed(self, net, **kwargs):
        assert denormals_are_flushed()
        raise ZeroDivisionError


def test_an_error_in_a_step_brings_denormals_back(ragged):
    with pytest.raises(ZeroDivisionError):
        LSTMSequenceClassifier(hidden_size=4, callbacks=[Failing()]).fit(*ragged)
    assert not denormals_are_flushed()


@pytest.mark.parametrize("before", [False, True])
def test_threads_that_start_later_treat_denormals_as_the_caller_does(before):
    """In a fresh process, whose first act is to fit, before torch has its threads."""
    out = run_fresh(f"""
        import numpy as np, torch
        torch.set_num_threads(2)
        torch.set_flush_denormal({before})
        from skseq import GRUSequenceClassifier

        X = np.random.default_rng(0).normal(size=(40, 30))
        model = GRUSequenceClassifier(hidden_size=8, max_epochs=2, random_state=0)
        model.fit(X, np.arange(40) % 2)
        small = torch.from_numpy(np.full(4_000_000, 1, np.uint32).view(np.float32))
        kept = (small * 1.0).view(torch.int32) != 0  # computed by both threads
        print(torch.get_num_threads(), kept.float().mean().item())
    """)
    n_threads, kept = out.split()
    assert int(n_threads) == 2
    # A caller who had it on switched it on in the first thread alone.
    assert float(kept) == 1.0 if not before else float(kept) < 1.0


def test_windows_of_a_file_are_not_copied(tmp_path):
    """100,000 windows of 60 steps and 7 channels, 168 MB if they were written out."""
    values = np.random.default_rng(0).normal(size=(100_060, 7)).astype(np.float32)
    np.save(tmp_path / "values.npy", values)
    out = run_fresh(f"""
        import threading, time, numpy as np
        from skseq import LSTMSequenceRegressor, SequenceArray

        def anonymous():
            with open("/proc/self/smaps_rollup") as file:
                lines = [line.split() for line in file]
            return next(int(line[1]) for line in lines if line[0] == "Anonymous:") / 1024

        model = LSTMSequenceRegressor(
            hidden_size=8, batch_size=500, max_epochs=1, pooling="last", random_state=0
        )
        model.fit(np.random.default_rng(0).normal(size=(50, 60)), np.arange(50.0))
        values = np.load({str(tmp_path / "values.npy")!r}, mmap_mode="r")
        X = SequenceArray(values, np.full(100_000, 60), np.arange(100_000))
        y = np.arange(100_000.0)
        before, peak, over = anonymous(), [0.0], threading.Event()

        def watch():
            while not over.is_set():
                peak[0] = max(peak[0], anonymous() - before)
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        model.fit(X, y)
        over.set()
        watcher.join()
        print(peak[0])
    """)
    assert 0 < float(out) < 100


def test_a_large_file_goes_through_a_data_loader(tmp_path):
    """For loops of one's own: a SequenceArray is a torch dataset as it is."""
    np.save(tmp_path / "values.npy", np.arange(24.0).reshape(12, 2))
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    X = SequenceArray(values, lengths=[3, 5, 4])
    loader = DataLoader(X, batch_size=2, collate_fn=pad_collate)
    (padded, lengths), (last, _) = loader
    assert padded.shape == (2, 5, 2)
    assert lengths.tolist() == [3, 5]
    assert last[0].tolist() == values[8:].tolist()


def test_copies_of_a_net_go_on(ragged):
    model = LSTMSequenceClassifier(hidden_size=4, max_epochs=1, random_state=0)
    model.fit(*ragged)
    again = copy.deepcopy(model)
    np.testing.assert_array_equal(
        again.predict_proba(ragged[0]), model.predict_proba(ragged[0])
    )
