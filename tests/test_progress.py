"""What `verbose` shows: in a terminal, in a log file, and under `n_jobs`."""

import os
import pty
import re
import subprocess
import sys
import termios
import textwrap

import pytest
from skorch.callbacks import Callback

from skseq import GRUSequenceClassifier

SMALL = {
    "hidden_size": 4,
    "max_epochs": 3,
    "lr_schedule": "constant",
    "validation_fraction": 0.25,
    "random_state": 0,
}


def read_all(file):
    out = b""
    while True:
        try:
            part = os.read(file, 65536)
        except OSError:  # the other side of a terminal was closed
            return out.decode()
        if not part:
            return out.decode()
        out += part


def terminal():
    """Both sides of a pseudo terminal of 100 columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    return ours, theirs


def shown(ends, monkeypatch, train):
    """What `train` writes on standard error, which leads into `ends`."""
    ours, theirs = ends
    with open(theirs, "w") as file, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", file)
        train()
    try:
        return read_all(ours)
    finally:
        os.close(ours)


def figures(model):
    row = model.history_[-1]
    return (
        f"train_loss={row['train_loss']:#.4g}, valid_loss={row['valid_loss']:#.4g}, "
        f"best={model.best_epoch_}"
    )


def test_a_terminal_shows_a_bar(ragged, monkeypatch, capsys):
    model = GRUSequenceClassifier(**SMALL, verbose=1)
    out = shown(terminal(), monkeypatch, lambda: model.fit(*ragged))
    last = out.strip().split("\r")[-1]
    assert re.fullmatch(
        rf"epoch 3/3 \|█+\| \d\d:\d\d<00:00, {re.escape(figures(model))}", last
    )
    assert out.count("\n") == 1  # the line is drawn over and over, and left at the end
    assert capsys.readouterr().out == ""


class FailInEpoch(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise ZeroDivisionError


def test_a_bar_is_full_when_training_stops_early_and_not_when_it_fails(ragged, monkeypatch):
    settings = {**SMALL, "max_epochs": 200, "lr": 0.1, "verbose": 1}
    model = GRUSequenceClassifier(**settings, early_stopping=True, patience=2)
    out = shown(terminal(), monkeypatch, lambda: model.fit(*ragged))
    n = model.n_epochs_
    assert model.best_epoch_ == n - 2 < 190
    assert f"epoch {n}/{n} |" in out
    assert f"best={n - 2}, stopped=early" in out

    failing = GRUSequenceClassifier(**settings, callbacks=[FailInEpoch(4)])

    def fail():
        with pytest.raises(ZeroDivisionError):
            failing.fit(*ragged)

    out = shown(terminal(), monkeypatch, fail)
    assert "epoch 3/200 |" in out.strip().split("\r")[-1]
    assert "stopped" not in out


def lines(monkeypatch, train, seconds=float("inf")):
    monkeypatch.setattr("skseq._training.progress.SECONDS_BETWEEN_LINES", seconds)
    out = shown(os.pipe(), monkeypatch, train)
    assert "\r" not in out
    assert "\x1b" not in out
    return out.splitlines()


def test_a_log_gets_a_line_for_each_tenth(ragged, monkeypatch, capsys):
    model = GRUSequenceClassifier(**{**SMALL, "max_epochs": 25}, verbose=1)
    found = lines(monkeypatch, lambda: model.fit(*ragged))
    numbers = [int(re.match(r"epoch (\d+)/25: train_loss=", line)[1]) for line in found]
    assert numbers == [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    assert re.search(r"best=\d+, \d\d:\d\d left$", found[0])
    assert re.search(rf"{re.escape(figures(model))}, took \d\d:\d\d$", found[-1])
    assert capsys.readouterr().out == ""


def test_a_log_gets_a_line_when_epochs_take_long(ragged, monkeypatch):
    model = GRUSequenceClassifier(**{**SMALL, "max_epochs": 20}, verbose=1)
    assert len(lines(monkeypatch, lambda: model.fit(*ragged), seconds=0.0)) == 20


def test_a_log_tells_where_training_stopped(ragged, monkeypatch):
    model = GRUSequenceClassifier(
        **{**SMALL, "max_epochs": 200, "lr": 0.1},
        early_stopping=True,
        patience=2,
        verbose=1,
    )
    last = lines(monkeypatch, lambda: model.fit(*ragged))[-1]
    assert last.startswith(f"epoch {model.n_epochs_}/200: ")
    assert re.search(rf"best={model.best_epoch_}, stopped after \d\d:\d\d$", last)


def test_epochs_are_counted_through(ragged, monkeypatch):
    model = GRUSequenceClassifier(**SMALL, warm_start=True, verbose=1)

    def train():
        model.fit(*ragged).fit(*ragged).partial_fit(*ragged)

    found = lines(monkeypatch, train)
    counts = [line.split(":")[0] for line in found]
    assert counts == [f"epoch {i}/{3 if i < 4 else 6}" for i in range(1, 7)] + ["epoch 7/7"]
    assert f"best={model.best_epoch_}, took" in found[-1]
    assert model.best_epoch_ == 7
    out = shown(terminal(), monkeypatch, lambda: model.fit(*ragged))
    assert "epoch 7/10 |" in out
    assert "epoch 10/10 |" in out


@pytest.mark.parametrize("coloured", [False, True])
def test_two_prints_the_table_without_colours_in_a_file(ragged, monkeypatch, coloured):
    model = GRUSequenceClassifier(**SMALL, verbose=2)
    ours, theirs = terminal() if coloured else os.pipe()
    with open(theirs, "w") as file, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", file)
        model.fit(*ragged)
    table = read_all(ours)
    os.close(ours)
    assert ("\x1b[" in table) == coloured
    assert len(table.splitlines()) == 2 + 3
    assert "valid_score" in table


def test_zero_shows_nothing(ragged, capfd):
    GRUSequenceClassifier(**SMALL, verbose=0).fit(*ragged)
    assert capfd.readouterr() == ("", "")


def test_workers_are_quiet_in_a_terminal():
    """Processes, threads and Dask, all of which find a terminal."""
    code = f"""
        import numpy as np
        from dask.distributed import Client
        from joblib import parallel_config
        from sklearn.model_selection import GridSearchCV
        from skseq import GRUSequenceClassifier

        X, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 2
        model = GRUSequenceClassifier(**{SMALL}, verbose=1)
        search = GridSearchCV(
            model, {{"lr": [0.01, 0.02]}}, cv=2, n_jobs=2, refit=False, error_score="raise"
        )
        if __name__ == "__main__":
            search.fit(X, y)
            with parallel_config("threading"):
                search.fit(X, y)
            dask = {{"processes": False, "n_workers": 1, "dashboard_address": ":0"}}
            with Client(**dask), parallel_config("dask"):
                search.fit(X, y)
            print("workers are done", flush=True)
            input()
            model.fit(X, y)
    """
    ours, theirs = terminal()
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    assert child.stdout.readline() == "workers are done\n"
    os.write(theirs, b"workers end here\n")
    child.communicate("\n")
    os.close(theirs)
    out = read_all(ours)
    os.close(ours)
    assert child.returncode == 0, out
    of_workers, of_main = out.split("workers end here")
    assert "epoch" not in of_workers
    assert "epoch 3/3 |" in of_main
