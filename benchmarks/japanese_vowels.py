"""Accuracy on Japanese Vowels: settings chosen on the training part, tested once.

python benchmarks/japanese_vowels.py select   # cross-validation, training part only
python benchmarks/japanese_vowels.py          # five seeds on the official test part
"""

import sys

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

from skseq import GRUSequenceClassifier, LSTMSequenceClassifier
from skseq.datasets import load_japanese_vowels

CHOSEN = {
    "bidirectional": True,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "validation_fraction": None,
}
CANDIDATES = {
    "pooling": ["mean", "max", ("mean", "max")],
    "dropout": [0.0, 0.5],
    "label_smoothing": [0.0, 0.2],
    "lr": [0.01],
}
SEEDS = range(5)


def select():
    """The cell, and one factor at a time around the chosen settings."""
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=2, random_state=1)

    def row(name, cls=GRUSequenceClassifier, **changes):
        model = cls(**{**CHOSEN, **changes}, random_state=0)
        scores = cross_val_score(model, X, y, cv=folds, n_jobs=-1)
        error = scores.std(ddof=1) / np.sqrt(len(scores))
        print(f"| {name} | {scores.mean():.4f} | {error:.4f} |", flush=True)

    print("| settings | accuracy (10 folds, twice) | standard error |")
    print("|---|---|---|")
    row("**chosen**")
    row("LSTM", LSTMSequenceClassifier)
    row("LSTM, `pooling='mean'`", LSTMSequenceClassifier, pooling="mean")
    for parameter, values in CANDIDATES.items():
        for value in values:
            row(f"`{parameter}={value!r}`", **{parameter: value})


def test():
    """The official split, with the settings that the training part chose."""
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    print("| estimator | " + " | ".join(f"seed {i}" for i in SEEDS) + " | mean |")
    print("|---" * (len(SEEDS) + 2) + "|")
    for cls in (GRUSequenceClassifier, LSTMSequenceClassifier):
        models = [cls(**CHOSEN, random_state=seed).fit(X, y) for seed in SEEDS]
        scores = [model.score(X_test, y_test) for model in models]
        cells = " | ".join(f"{score:.4f}" for score in [*scores, np.mean(scores)])
        print(f"| `{cls.__name__}` | {cells} |")


if __name__ == "__main__":
    select() if sys.argv[1:] == ["select"] else test()
