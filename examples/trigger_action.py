"""Does an action follow a trigger in time? A stacked two-directional LSTM
=======================================================================

Sequences of 30 steps and five channels. Half of those without a timely action hold a
trigger alone, an action alone, both in the wrong order, or an action too late. The
same network trains for 40 epochs, and with early stopping, at the same time.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from joblib import Parallel, delayed
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

from skseq import LSTMSequenceClassifier
from skseq.datasets import make_trigger_action_sequences


def make_model(seed, early_stopping=False):
    return LSTMSequenceClassifier(
        hidden_size=128,
        num_layers=2,
        bidirectional=True,
        dropout=0.4,
        batch_size=64,
        max_epochs=40,
        early_stopping=early_stopping,
        random_state=seed,
    )


def main():
    X, y = make_trigger_action_sequences(3000, 30, hard_negatives=0.5, random_state=0)
    X_train, X, y_train, y = train_test_split(
        X, y, stratify=y, test_size=0.6, random_state=0
    )
    X_val, X_test, y_val, y_test = train_test_split(
        X, y, stratify=y, test_size=0.5, random_state=0
    )
    names = ["40 epochs", "early stopping"]
    models = Parallel(n_jobs=2)(
        delayed(make_model(0, stop).fit)(X_train, y_train, X_val=X_val, y_val=y_val)
        for stop in (False, True)
    )
    for name, model in zip(names, models, strict=True):
        print(f"{name}\nepoch   loss: train   valid   accuracy: train   valid")
        for row in model.history_:
            losses = f"{row['train_loss']:13.4f}{row['valid_loss']:8.4f}"
            scores = f"{row['train_score']:17.3f}{row['valid_score']:8.3f}"
            best = "  <- best" if row["epoch"] == model.best_epoch_ else ""
            print(f"{row['epoch']:5}{losses}{scores}{best}")
        score = balanced_accuracy_score(y_test, model.predict(X_test))
        print(f"balanced accuracy on the test part: {score:.4f}\n")
    print(f"picture: {draw(dict(zip(names, models, strict=True)))}")


def draw(models):
    shared = {"sharex": True, "sharey": "row"}
    figure, grid = plt.subplots(2, 2, figsize=(11, 7), layout="constrained", **shared)
    for column, (name, model) in zip(grid.T, models.items(), strict=True):
        epochs = [row["epoch"] for row in model.history_]
        for axes, figures in zip(column, ("loss", "score"), strict=True):
            for side, label in (("train", "training"), ("valid", "validation")):
                values = [row[f"{side}_{figures}"] for row in model.history_]
                axes.plot(epochs, values, label=label)
            axes.axvline(model.best_epoch_, color="0.6", linestyle=":", label="best epoch")
        column[0].set(title=name, yscale="log", ylabel="cross-entropy")
        column[1].set(xlabel="epoch", ylabel="accuracy")
    grid[0, 1].legend()
    path = Path("trigger_action.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
