"""Who is speaking? A grid search over LSTMs on utterances of unequal length
=========================================================================

The data is Japanese Vowels: 270 utterances to train and 370 to test, 7 to 29 time
steps of 12 channels, nine speakers. Everything but the estimator is scikit-learn.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skseq import LSTMSequenceClassifier
from skseq.datasets import load_japanese_vowels
from skseq.plotting import TrainingHistoryDisplay


def add_velocity(X, order=1):
    """Beside each channel its change from step to step (`order` times over)."""

    def widen(steps):
        parts = [steps]
        for _ in range(order):
            parts.append(np.diff(parts[-1], axis=0, prepend=parts[-1][:1]))
        return np.hstack(parts)

    return X.map(widen)


def main():
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    print(f"train: {X_train}\ntest:  {X_test}\n")

    pipeline = make_pipeline(
        FunctionTransformer(add_velocity),
        LSTMSequenceClassifier(
            bidirectional=True, pooling="mean", max_epochs=20, random_state=0
        ),
    )
    search = GridSearchCV(
        pipeline,
        {
            "functiontransformer__kw_args": [{"order": 0}, {"order": 1}],
            "lstmsequenceclassifier__dropout": [0.0, 0.3],
        },
        cv=3,
        n_jobs=2,
        verbose=1,
    )
    search.fit(X_train, y_train)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"  {score:.3f}  {params}")

    predicted = search.predict(X_test)
    print(f"\ntest accuracy: {search.score(X_test, y_test):.4f}\n")
    print(classification_report(y_test, predicted, digits=3))
    print(f"picture: {draw(search, y_test, predicted)}")


def draw(search, y_test, predicted):
    """Training curves and confusion matrix in one file."""
    figure, (curves, matrix) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    TrainingHistoryDisplay.from_estimator(search, ax=curves)
    curves.set(title="Training of the best model", yscale="log")
    ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, ax=matrix, colorbar=False, cmap="Blues"
    )
    matrix.set(title="Test utterances", xlabel="predicted speaker", ylabel="speaker")
    path = Path("quickstart.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
