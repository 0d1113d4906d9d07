"""How long `fit` and `predict` take, beside what people write by hand.

python benchmarks/speed.py                   # the tables of docs/speed.md, about an hour
python benchmarks/speed.py ragged equal      # some of them
python benchmarks/speed.py --threads 1

The contestants of a table run in one process, in turn, and their medians are
compared. Same network, same data, same batch size, same number of epochs.
`keras_rival.py` has the one contestant that needs an environment of its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import ValidSplit
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from skseq import GRUSequenceClassifier, LSTMSequenceClassifier, as_sequences
from skseq._data.rows import Rows
from skseq._tasks.losses import CrossEntropy
from skseq._training.batches import Batches, SequenceDataset
from skseq.datasets import make_pattern_sequences
from skseq.inspection import step_importance
from skseq.nn.recurrent import RecurrentNet

NETS = {
    "LSTM": ("lstm", False),
    "LSTM, two directions": ("lstm", True),
    "GRU": ("gru", False),
}
HIDDEN = 64
LR = 0.002


@dataclass(frozen=True)
class Work:
    shortest: int
    longest: int
    channels: int
    batch_size: int
    n_train: int
    epochs: int

    def data(self, seed: int, n: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Noise of random lengths; the mean of the first channel tells the class."""
        rng = np.random.default_rng(seed)
        y = rng.permutation(np.arange(n) % 2)
        lengths = rng.integers(self.shortest, self.longest + 1, size=n)
        X = [rng.normal(size=(m, self.channels)).astype(np.float32) for m in lengths]
        for x, label in zip(X, y, strict=True):
            x[:, 0] += label - 0.5
        return X, y

    def __str__(self) -> str:
        steps = f"{self.shortest} to {self.longest}"
        if self.shortest == self.longest:
            steps = f"{self.longest}"
        channels = "channel" if self.channels == 1 else "channels"
        return f"{steps} steps, {self.channels} {channels}, batch {self.batch_size}"


RAGGED = [
    Work(5, 50, 16, batch_size=16, n_train=640, epochs=5),
    Work(10, 200, 8, batch_size=32, n_train=320, epochs=4),
    Work(50, 600, 3, batch_size=32, n_train=160, epochs=3),
]
EQUAL = Work(20, 20, 1, batch_size=32, n_train=1600, epochs=10)


# What people write.


class HandWritten(nn.Module):
    def __init__(self, cell: str, n_channels: int, bidirectional: bool) -> None:
        super().__init__()
        module = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.recurrent = module(
            n_channels, HIDDEN, batch_first=True, bidirectional=bidirectional
        )
        self.head = nn.Linear(HIDDEN * (1 + bidirectional), 2)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        state = self.recurrent(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return self.head(torch.cat(list(state), dim=1))


def collate(
    batch: list[tuple[torch.Tensor, int]], device: str = "cpu"
) -> tuple[torch.Tensor, ...]:
    sequences, labels = zip(*batch, strict=True)
    lengths = torch.tensor([len(s) for s in sequences])
    padded = pad_sequence(sequences, batch_first=True)
    return padded.to(device), lengths, torch.tensor(labels).to(device)


def loop(
    model: nn.Module, optimizer: torch.optim.Optimizer, train: Any, valid: Any, epochs: int
) -> None:
    for _ in range(epochs):
        model.train()
        for *inputs, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(*inputs), y)
            loss.backward()
            optimizer.step()
        model.eval()
        total, correct = 0.0, 0
        with torch.no_grad():
            for *inputs, y in valid:
                outputs = model(*inputs)
                total += nn.functional.cross_entropy(outputs, y).item() * len(y)
                correct += (outputs.argmax(dim=1) == y).sum().item()


Fit = Callable[[], Callable[[list[np.ndarray]], np.ndarray]]


def by_hand(work: Work, net: str, seed: int, device: str = "cpu") -> Fit:
    """(a) list of tensors, DataLoader, pad, pack; (b) a TensorDataset if it can be."""
    cell, bidirectional = NETS[net]
    X, y = work.data(seed, work.n_train)
    n_valid = len(X) // 10
    equal = work.shortest == work.longest and device == "cpu"
    if equal:
        data: Any = TensorDataset(torch.as_tensor(np.stack(X)), torch.as_tensor(y))
        how: dict[str, Any] = {}
    else:
        data = list(zip(map(torch.as_tensor, X), y.tolist(), strict=True))
        how = {"collate_fn": partial(collate, device=device)}

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        torch.manual_seed(seed)
        train, valid = torch.utils.data.random_split(data, [len(X) - n_valid, n_valid])
        batches = DataLoader(train, work.batch_size, shuffle=True, **how)
        checks = DataLoader(valid, work.batch_size, **how)
        model = HandWritten(cell, work.channels, bidirectional).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=LR)
        loop(model, optimizer, batches, checks, work.epochs)

        def predict(X: list[np.ndarray]) -> np.ndarray:
            with torch.no_grad():
                inputs = collate([(torch.as_tensor(x), 0) for x in X], device)[:2]
                return model(*inputs[: 1 if equal else 2]).argmax(dim=1).cpu().numpy()

        return predict

    return fit


def flushed(fit: Fit) -> Fit:
    """(a') the same with denormals flushed."""

    def run() -> Callable[[list[np.ndarray]], np.ndarray]:
        torch.set_flush_denormal(True)
        try:
            return fit()
        finally:
            torch.set_flush_denormal(False)

    return run


def plain_skorch(work: Work, net: str, seed: int) -> Fit:
    """(c) skorch with its own loader, callbacks and history, but no printed table."""
    cell, bidirectional = NETS[net]
    X, y = work.data(seed, work.n_train)
    X, y = np.stack(X), y.astype(np.int64)

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        torch.manual_seed(seed)
        model = NeuralNetClassifier(
            HandWritten(cell, work.channels, bidirectional),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=LR,
            batch_size=work.batch_size,
            max_epochs=work.epochs,
            iterator_train__shuffle=True,
            train_split=ValidSplit(10, stratified=True),
            verbose=0,
        )
        model.fit(X, y)
        return lambda X: model.predict(np.stack(X))

    return fit


def skseq_model(work: Work, net: str, seed: int, **settings: Any) -> Any:
    cell, bidirectional = NETS[net]
    cls = {"lstm": LSTMSequenceClassifier, "gru": GRUSequenceClassifier}[cell]
    plain = {
        "hidden_size": HIDDEN,
        "bidirectional": bidirectional,
        "pooling": "last",
        "batch_size": work.batch_size,
        "max_epochs": work.epochs,
        "lr": LR,
        "lr_schedule": "constant",
        "gradient_clip": None,
        "device": "cpu",
        "random_state": seed,
    }
    return cls(**{**plain, **settings})


def ours(work: Work, net: str, seed: int, **settings: Any) -> Fit:
    X, y = work.data(seed, work.n_train)

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        return skseq_model(work, net, seed, **settings).fit(X, y).predict

    return fit


def floor(work: Work, net: str, seed: int) -> Fit:
    """The same kernels on batches that are ready, in a loop that does nothing else."""
    cell, bidirectional = NETS[net]
    X, y = work.data(seed, work.n_train)
    n_valid = len(X) // 10

    def ready(part: slice) -> list[Any]:
        rows = SequenceDataset(as_sequences(X[part]), y[part], np.ones(len(y[part])))
        return [(inputs, *others) for inputs, others in Batches(rows, work.batch_size)]

    train, valid = ready(slice(n_valid, None)), ready(slice(n_valid))

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        model = RecurrentNet(
            cell, work.channels, 2, hidden_size=HIDDEN, bidirectional=bidirectional
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
        loss_of = CrossEntropy()
        torch.set_flush_denormal(True)
        for _ in range(work.epochs):
            for inputs, y, weight in train:
                optimizer.zero_grad()
                loss = loss_of(model(**inputs), (y, weight))
                loss.backward()
                optimizer.step()
                loss.item()
            with torch.no_grad():
                for inputs, y, weight in valid:
                    loss_of(model(**inputs), (y, weight)).item()
        torch.set_flush_denormal(False)
        return lambda X: np.full(len(X), np.nan)  # it is here for its time only

    return fit


# How it is measured.


def in_turn(fits: dict[str, Fit], repeats: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds of each, and what the last run of each predicts with."""
    seconds: dict[str, list[float]] = {name: [] for name in fits}
    predict = {}
    for _ in range(repeats):
        for name, fit in fits.items():
            begin = time.perf_counter()
            predict[name] = fit()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(s) for name, s in seconds.items()}, predict


def table(*columns: str) -> None:
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def row(*cells: Any) -> None:
    cells = tuple(f"{c:.2f}" if isinstance(c, float) else c for c in cells)
    print(f"| {' | '.join(cells)} |", flush=True)


def compare(
    works: list[Work],
    rivals: dict[str, Callable[..., Fit]],
    repeats: int,
    device: str = "cpu",
) -> None:
    """Seconds of skseq's `fit`, and by how much the others are slower."""
    table("work", "network", "skseq, s", *rivals, "accuracy, same order")
    for work in works:
        X_test, y_test = work.data(99, 1000)
        for net in NETS:
            fits = {"skseq": ours(work, net, 0, device=device)}
            fits |= {name: rival(work, net, 0) for name, rival in rivals.items()}
            ours(replace(work, epochs=1), net, 0, device=device)()  # imports, kernels
            seconds, predict = in_turn(fits, repeats)
            scores = [(predict[name](X_test) == y_test).mean() for name in fits]
            row(
                str(work),
                net,
                seconds["skseq"],
                *(seconds[name] / seconds["skseq"] for name in rivals),
                " ".join(f"{score:.3f}" for score in scores if score),
            )


def ragged(repeats: int) -> None:
    def flushed_by_hand(*args: Any) -> Fit:
        return flushed(by_hand(*args))

    compare(RAGGED, {"(a)": by_hand, "(a')": flushed_by_hand, "floor": floor}, repeats)


def equal(repeats: int) -> None:
    rivals = {"(b)": by_hand, "(c)": plain_skorch, "floor": floor}
    compare([EQUAL], rivals, 2 * repeats + 1)


def growth(repeats: int) -> None:
    """Seconds for a thousand sequences of one epoch, whole fit."""
    sizes = [1_000, 10_000, 100_000]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(max(sizes), EQUAL.longest))
    y = (X.mean(axis=1) > 0).astype(int)
    table("network", *(f"{n} sequences, s per 1000" for n in sizes), "largest / smallest")
    for net in NETS:
        model = skseq_model(EQUAL, net, 0, max_epochs=1)

        def fit(n: int, model: Any = model) -> Fit:
            epochs = max(10_000 // n, 1)  # so that the smallest is not all preparation
            return lambda: model.set_params(max_epochs=epochs).fit(X[:n], y[:n]).predict

        seconds, _ = in_turn({str(n): fit(n) for n in sizes}, repeats)
        cost = [1000 * seconds[str(n)] / (n * max(10_000 // n, 1)) for n in sizes]
        row(net, *(f"{c:.3f}" for c in cost), cost[-1] / cost[0])


def canonical(repeats: int) -> None:
    """The share of one epoch that the canonical order takes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, EQUAL.longest))
    y = (X.mean(axis=1) > 0).astype(int)
    rows = Rows(as_sequences(X), y, np.ones(len(y)))
    model = skseq_model(EQUAL, "LSTM", 0, max_epochs=1, validation_fraction=None)
    fits = {"order": lambda: rows.canonical(), "fit": lambda: model.fit(X, y)}
    seconds, _ = in_turn(fits, repeats)
    table("canonical order of 100,000 sequences of 20 steps, s", "share of one epoch")
    share = seconds["order"] / (seconds["fit"] - seconds["order"])
    row(f"{seconds['order']:.3f}", f"{100 * share:.1f}%")


class Watch(Callback):
    """Epochs and seconds until the accuracy on other sequences is 0.99."""

    def __init__(self, model: Any, X: Any, y: Any) -> None:
        self.model, self.X, self.y = model, X, y
        self.epochs, self.seconds, self.begin = 0, 0.0, time.perf_counter()
        self.is_there = False

    def __deepcopy__(self, memo: Any) -> Watch:
        return self

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if not self.is_there:
            self.seconds += time.perf_counter() - self.begin
            self.epochs += 1
            self.is_there = self.model.score(self.X, self.y) >= 0.99
            self.begin = time.perf_counter()


def pattern(repeats: int) -> None:
    """Time to 99% on 1, 1, 0, the defaults against (b) with Adam 0.001, batch 32."""
    times: dict[str, list[tuple[float, int]]] = {"skseq": [], "(b)": []}
    for seed in range(5):
        X, y = make_pattern_sequences(2000, random_state=seed)
        X_test, y_test = make_pattern_sequences(10_000, random_state=seed + 5000)
        model = LSTMSequenceClassifier(device="cpu", random_state=seed)
        watch = Watch(model, X_test, y_test)
        model.set_params(callbacks=[watch]).fit(X, y)
        times["skseq"].append((watch.seconds, watch.epochs))
        times["(b)"].append(_pattern_by_hand(X, y, X_test, y_test, seed))
    table("", "median seconds to 99%", "median epochs", "ratio")
    best = statistics.median(seconds for seconds, _ in times["skseq"])
    for name, found in times.items():
        seconds, epochs = (statistics.median(values) for values in zip(*found, strict=True))
        row(name, seconds, str(epochs), seconds / best)


def _pattern_by_hand(X: Any, y: Any, X_test: Any, y_test: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    x, x_test = (torch.as_tensor(a, dtype=torch.float32)[:, :, None] for a in (X, X_test))
    y, y_test = torch.as_tensor(y), torch.as_tensor(y_test)
    n_valid = len(x) // 10
    train = DataLoader(TensorDataset(x[n_valid:], y[n_valid:]), 32, shuffle=True)
    valid = DataLoader(TensorDataset(x[:n_valid], y[:n_valid]), 32)
    model = HandWritten("lstm", 1, bidirectional=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    seconds = 0.0
    for epoch in range(1, 201):
        begin = time.perf_counter()
        loop(model, optimizer, train, valid, epochs=1)
        seconds += time.perf_counter() - begin
        with torch.no_grad():
            if (model(x_test).argmax(dim=1) == y_test).float().mean() >= 0.99:
                return seconds, epoch
    raise RuntimeError("99% was not reached in 200 epochs")


def predict(repeats: int) -> None:
    """One sequence, and the module alone, in microseconds."""
    table("network", "steps", "predict_proba, us", "bare module, us", "ratio")
    rng = np.random.default_rng(0)
    for net in NETS:
        cell, bidirectional = NETS[net]
        for n_steps in (20, 50, 200, 1000):
            work = replace(RAGGED[1], shortest=n_steps, longest=n_steps, n_train=20)
            X, y = work.data(0, 20)
            model = skseq_model(work, net, 0, max_epochs=1).fit(X, y)
            bare = HandWritten(cell, work.channels, bidirectional).eval()
            x = rng.normal(size=(n_steps, work.channels)).astype(np.float32)

            def alone(bare: nn.Module = bare, x: np.ndarray = x) -> Any:
                with torch.inference_mode():
                    return torch.softmax(bare(torch.from_numpy(x)[None]), dim=1).numpy()

            def whole(model: Any = model, x: np.ndarray = x) -> Any:
                return model.predict_proba([x])

            seconds, _ = in_turn({"whole": whole, "alone": alone}, 100 * repeats)
            whole_us, alone_us = (1e6 * seconds[name] for name in ("whole", "alone"))
            row(
                net, str(n_steps), f"{whole_us:.0f}", f"{alone_us:.0f}", whole_us / alone_us
            )


def mixed(repeats: int) -> None:
    """One long row among many short ones, against both apart."""
    table("network", "what", "short rows", "long row", "together / sum of the parts")
    rng = np.random.default_rng(0)

    def importance(method: str) -> Callable[[Any, Any], Any]:
        return lambda model, X: step_importance(model, X, method=method)

    works: dict[str, tuple[Callable[[Any, Any], Any], int, int]] = {
        "predict": (lambda model, X: model.predict(X), 1000, 50_000),
        "occlusion": (importance("occlusion"), 300, 1000),
        "integrated gradients": (importance("integrated_gradients"), 100, 5000),
    }
    for net, (cell, bidirectional) in NETS.items():
        cls = LSTMSequenceClassifier if cell == "lstm" else GRUSequenceClassifier
        model = cls(hidden_size=8, bidirectional=bidirectional, max_epochs=1)
        model.fit(rng.normal(size=(40, 5)), np.arange(40) % 2)
        for name, (what, n_short, n_steps) in works.items():
            short, long = list(rng.normal(size=(n_short, 5))), [rng.normal(size=n_steps)]
            parts = {"short": short, "long": long, "both": [*long, *short]}
            fits = {key: partial(what, model, X) for key, X in parts.items()}
            seconds, _ = in_turn(fits, repeats)
            ratio = seconds["both"] / (seconds["short"] + seconds["long"])
            row(net, name, f"{n_short} of 5 steps", f"{n_steps} steps", ratio)


def gpu(repeats: int) -> None:
    """The hand-written loop and skseq on a GPU, and skseq on a core of the CPU."""
    if not torch.cuda.is_available():
        print("\nNo GPU here.")
        return
    rivals = {"(a) on the GPU": partial(by_hand, device="cuda"), "skseq on the CPU": ours}
    compare([*RAGGED, EQUAL], rivals, repeats, device="cuda")


TABLES = {
    "ragged": ragged,
    "equal": equal,
    "pattern": pattern,
    "predict": predict,
    "mixed": mixed,
    "growth": growth,
    "canonical": canonical,
    "gpu": gpu,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=list(TABLES), help=", ".join(TABLES))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    for n_threads in asked.threads:
        torch.set_num_threads(n_threads)
        print(f"\nThreads: {n_threads}")
        for name in asked.tables:
            TABLES[name](asked.repeats)


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
