"""Does a binary sequence contain 1, 1, 0? An LSTM learns to see it
================================================================

2,000 sequences of 20 steps train, half of them with the pattern. (Left to chance,
almost all sequences contain it, and a constant answer would be right.)
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    balanced_accuracy_score,
    classification_report,
)

from skseq import LSTMSequenceClassifier
from skseq.datasets import make_pattern_sequences


def make_model(seed):
    return LSTMSequenceClassifier(hidden_size=64, num_layers=1, random_state=seed)


def main():
    X, y = make_pattern_sequences(2000, 20, pattern=(1, 1, 0), random_state=0)
    X_test, y_test = make_pattern_sequences(10_000, 20, random_state=1)
    model = make_model(seed=0).fit(X, y)

    predicted = model.predict(X_test)
    names = ["without 1, 1, 0", "with 1, 1, 0"]
    print(classification_report(y_test, predicted, target_names=names, digits=4))
    print(f"balanced accuracy: {balanced_accuracy_score(y_test, predicted):.4f}")
    print(f"picture: {draw(model.history_, y_test, predicted, names)}")


def draw(history, y_test, predicted, names):
    figure, (curves, matrix) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for side, label in (("train", "training"), ("valid", "validation")):
        curves.semilogy(epochs, [row[f"{side}_loss"] for row in history], label=label)
    curves.set(xlabel="epoch", ylabel="cross-entropy", title="Loss")
    curves.legend()
    ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, display_labels=names, ax=matrix, colorbar=False, cmap="Blues"
    )
    matrix.set(title="10,000 test sequences", xlabel="predicted", ylabel="true")
    path = Path("find_pattern.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
