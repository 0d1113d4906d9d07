"""How long `fit` takes, beside the ways in which people write the same by hand.

    python benchmarks/speed.py            # every table of docs/speed.md, about ... minutes
    python benchmarks/speed.py ragged     # some of them

All contestants of a table run in one process, in turn, and their medians are
compared. Same network, same data, same batch size, same number of epochs.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from skseq import GRUSequenceClassifier, LSTMSequenceClassifier, as_sequences
from skseq.batching import Batches, SequenceDataset
from skseq.losses import CrossEntropy
from skseq.recurrent import RecurrentNet

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
    Work(10, 200, 8, batch_size=32, n_train=320, epochs=5),
    Work(50, 600, 3, batch_size=32, n_train=160, epochs=5),
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


def collate(batch: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, ...]:
    sequences, labels = zip(*batch, strict=True)
    lengths = torch.tensor([len(s) for s in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, torch.tensor(labels)


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


def by_hand(work: Work, net: str, seed: int) -> Fit:
    """(a) list of tensors, DataLoader, pad, pack; (b) a TensorDataset if it can be."""
    cell, bidirectional = NETS[net]
    X, y = work.data(seed, work.n_train)
    n_valid = len(X) // 10
    equal = work.shortest == work.longest
    if equal:
        data: Any = TensorDataset(torch.as_tensor(np.stack(X)), torch.as_tensor(y))
        how: dict[str, Any] = {}
    else:
        data = list(zip(map(torch.as_tensor, X), y.tolist(), strict=True))
        how = {"collate_fn": collate}

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        torch.manual_seed(seed)
        train, valid = torch.utils.data.random_split(data, [len(X) - n_valid, n_valid])
        batches = DataLoader(train, work.batch_size, shuffle=True, **how)
        checks = DataLoader(valid, work.batch_size, **how)
        model = HandWritten(cell, work.channels, bidirectional)
        optimizer = torch.optim.Adam(model.parameters(), lr=LR)
        loop(model, optimizer, batches, checks, work.epochs)

        def predict(X: list[np.ndarray]) -> np.ndarray:
            with torch.no_grad():
                inputs = collate([(torch.as_tensor(x), 0) for x in X])[:2]
                return model(*inputs[: 1 if equal else 2]).argmax(dim=1).numpy()

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
    dataset = SequenceDataset(as_sequences(X), y, np.ones(len(X)))
    batches = [(inputs, *target) for inputs, target in Batches(dataset, work.batch_size)]
    n_checks = -(-n_valid // work.batch_size)

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        model = RecurrentNet(
            cell, work.channels, 2, hidden_size=HIDDEN, bidirectional=bidirectional
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
        loss_of = CrossEntropy()
        torch.set_flush_denormal(True)
        for _ in range(work.epochs):
            for inputs, y, weight in batches[n_checks:]:
                optimizer.zero_grad()
                loss = loss_of(model(**inputs), (y, weight))
                loss.backward()
                optimizer.step()
                loss.item()
            with torch.no_grad():
                for inputs, y, weight in batches[:n_checks]:
                    loss_of(model(**inputs), (y, weight)).item()
        torch.set_flush_denormal(False)
        return lambda X: np.zeros(len(X))

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


def compare(work: Work, rivals: dict[str, Callable[..., Fit]], repeats: int) -> None:
    X_test, y_test = work.data(99, 1000)
    for net in NETS:
        fits = {"skseq": ours(work, net, 0)}
        fits |= {name: rival(work, net, 0) for name, rival in rivals.items()}
        seconds, predict = in_turn(fits, repeats)
        cells = [f"{seconds['skseq']:.2f}"]
        cells += [f"{seconds[name] / seconds['skseq']:.2f}" for name in rivals]
        cells += [f"{(predict[name](X_test) == y_test).mean():.3f}" for name in fits]
        print(f"| {work} | {net} | {' | '.join(cells)} |", flush=True)


def ragged(repeats: int) -> None:
    rivals = {
        "a": by_hand,
        "a'": lambda *args: flushed(by_hand(*args)),
        "floor": floor,
    }
    for work in RAGGED:
        compare(work, rivals, repeats)


def equal(repeats: int) -> None:
    compare(EQUAL, {"b": by_hand, "floor": floor}, repeats)


TABLES = {"ragged": ragged, "equal": equal}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    for n_threads in asked.threads:
        torch.set_num_threads(n_threads)
        print(f"\nthreads: {n_threads}")
        for name in asked.tables:
            TABLES[name](asked.repeats)


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
