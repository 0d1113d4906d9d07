"""Which defaults? One hyper-parameter at a time is changed from a common base.

``python benchmarks/defaults.py`` trains on all cores for about half an hour and prints
the tables of ``docs/defaults.md``. Nothing is tuned on a test split that is in
public use: one task is a cross-validation of the training part of Japanese
Vowels, the others draw their data here. ``--tasks`` and ``--factors`` take names,
for a part of it, ``--seeds``, ``--lr`` and ``--warm-up`` numbers for a closer look.

Each seed draws new initial weights and new data, the same for all settings. (On
"vowels" the folds are new; on "table" the data stay.)
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.datasets import make_regression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import scale
from skseq._training.loop.loop import WARM_UP

import skseq
from skseq.datasets import load_japanese_vowels
from skseq.nn.cells import Cell, cell_named

BASE: dict[str, Any] = {
    "pooling": ("last", "mean"),
    "lr": 0.01,
    "lr_schedule": "one_cycle",
    "max_epochs": 60,
    "batch_size": 32,
    "gradient_clip": 1.0,
    "validation_fraction": "auto",
    "init": "orthogonal",
    "warm_up": 0.3,
}
FACTORS: dict[str, list[Any]] = {
    "pooling": [
        "last",
        "mean",
        "max",
        ("last", "mean"),
        ("mean", "max"),
        ("last", "max"),
        ("last", "mean", "max"),
    ],
    "lr": [0.003, 0.005, 0.01, 0.02],
    "lr_schedule": ["one_cycle", "cosine", "constant"],
    "max_epochs": [30, 60, 100],
    "batch_size": [16, 32, 64],
    "gradient_clip": [None, 1.0, 0.5],
    "validation_fraction": ["auto", None],
    "init": ["orthogonal", "torch"],
    "warm_up": [0.3, 0.1, 0.06, WARM_UP],
}
GRU_FACTORS = ["pooling", "lr", "init", "warm_up"]
GRU_TASKS = ["vowels", "sine", "table"]

Make = Callable[..., Any]  # an unfitted estimator: make("Classifier") or "Regressor"


def vowels(make: Make, seed: int) -> float:
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return cross_val_score(make("Classifier"), X, y, cv=folds).mean()


def pattern(make: Make, seed: int) -> float:
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        X = rng.integers(0, 2, (60 * n, 20))
        y = ((X[:, :-2] == 1) & (X[:, 1:-1] == 1) & (X[:, 2:] == 0)).any(axis=1)
        rows = np.r_[np.flatnonzero(y)[: n // 2], np.flatnonzero(~y)[: n // 2]]
        assert len(rows) == n
        return X[rows].astype(float), y[rows]

    return make("Classifier").fit(*draw(1000)).score(*draw(5000))


def frequency(make: Make, seed: int) -> float:
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[list[np.ndarray], np.ndarray]:
        y = np.arange(n) % 3
        X = []
        for label in y:
            t = np.arange(rng.integers(100, 301))[:, None]
            angle = 2 * np.pi * (t / [60, 40, 25][label] + rng.random(3))
            X.append(0.6 * np.sin(angle) + rng.normal(size=(len(t), 3)))
        return X, y

    return make("Classifier").fit(*draw(150)).score(*draw(500))


def sine(make: Make, seed: int) -> float:
    rng = np.random.default_rng(seed)
    noise, window = 0.1, 50

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        t = np.arange(n + window) + rng.uniform(0, 40)
        series = np.sin(2 * np.pi * t / 40) + noise * rng.normal(size=len(t))
        windows = np.lib.stride_tricks.sliding_window_view(series, window + 1)
        return windows[:, :-1], windows[:, -1]

    model = make("Regressor").fit(*draw(800))
    X, y = draw(2000)
    return float(np.sqrt(np.mean((model.predict(X) - y) ** 2))) / noise


def table(make: Make, seed: int) -> float:
    X, y = make_regression(
        n_samples=200, n_features=10, n_informative=1, bias=5, noise=20, random_state=42
    )
    X, y = scale(X), scale(y)
    return make("Regressor").fit(X, y).score(X, y)


TASKS: dict[str, Callable[[Make, int], float]] = {
    "vowels": vowels,
    "pattern": pattern,
    "frequency": frequency,
    "sine": sine,
    "table": table,
}
SEEDS = {"vowels": 2, "pattern": 2, "frequency": 2, "sine": 2, "table": 5}


@torch.no_grad()
def torch_init(
    cell: Cell,
    layer: torch.nn.Module,
    hidden_size: int,
    generator: torch.Generator | None,
) -> None:
    """What torch itself does for its LSTM and GRU."""
    bound = 1 / math.sqrt(hidden_size)
    for parameter in layer.parameters():
        parameter.uniform_(-bound, bound, generator=generator)


def score(cell: str, task: str, settings: dict[str, Any], seed: int) -> float:
    settings = dict(settings)
    init, warm_up = settings.pop("init"), settings.pop("warm_up")
    kind = type(cell_named(cell.lower()))
    reset = torch_init if init == "torch" else kind.reset

    def make(kind: str) -> Any:
        estimator = getattr(skseq, f"{cell}Sequence{kind}")
        return estimator(**settings, device="cpu", random_state=seed)

    with (
        mock.patch.object(kind, "reset", reset),
        mock.patch("skseq._training.loop.WARM_UP", warm_up),
    ):
        return TASKS[task](make, seed)


def scores(cell: str, task: str, n_seeds: int, changes: dict[str, Any]) -> np.ndarray:
    """Score of each seed for the base with `changes`."""
    run, settings = delayed(score), BASE | changes
    result = Parallel(n_jobs=-1)(run(cell, task, settings, i) for i in range(n_seeds))
    result = np.array(result)
    print(cell, task, changes, result.round(4).tolist(), file=sys.stderr, flush=True)
    return result


def compare(cell: str, seeds: dict[str, int], factors: list[str]) -> None:
    """Print a table for each factor, and how far apart two scores are by chance."""
    base = {task: scores(cell, task, n, {}) for task, n in seeds.items()}
    spread: dict[str, list[float]] = {task: [] for task in seeds}
    head = f"| {' | '.join(seeds)} |\n|---{'|---:' * len(seeds)}|"
    for factor in factors:
        print(f"\n| {cell}: {factor} {head}")
        for value in FACTORS[factor]:
            if value == BASE[factor]:
                print_row(f"**{value}**", base)
                continue
            changes = {factor: value}
            row = {task: scores(cell, task, n, changes) for task, n in seeds.items()}
            for task in seeds:
                spread[task].append(np.var(row[task] - base[task], ddof=1))
            print_row(str(value), row)
    print(f"\n| {cell}: noise {head}")
    error = {task: np.sqrt(np.mean(spread[task]) / n) for task, n in seeds.items()}
    print_row("standard error", error)


def print_row(name: str, row: dict[str, Any]) -> None:
    cells = [f"{np.mean(score):.3f}" for score in row.values()]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--factors", nargs="+", choices=FACTORS, default=list(FACTORS))
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--lr", type=float, default=BASE["lr"], help="of the base")
    parser.add_argument("--warm-up", type=float, default=BASE["warm_up"], help="the same")
    asked = parser.parse_args()
    BASE.update(lr=asked.lr, warm_up=asked.warm_up)
    begin = time.perf_counter()
    seeds = {task: asked.seeds or SEEDS[task] for task in asked.tasks}
    compare("LSTM", seeds, asked.factors)
    seeds = {task: n for task, n in seeds.items() if task in GRU_TASKS}
    factors = [factor for factor in asked.factors if factor in GRU_FACTORS]
    if seeds and factors:
        compare("GRU", seeds, factors)
    print(f"\n{(time.perf_counter() - begin) / 60:.0f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
