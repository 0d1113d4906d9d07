"""Which time steps decide? Two ways to ask a network, on a task with a known answer
=================================================================================

Half of the sequences hold a trigger (two steps) and then, in time, an action (two steps);
all others hold noise, or one of them alone, or both in the wrong order, or too late.
Of 15 to 30 steps four matter. Occlusion hides one step after another; integrated
gradients follow the network from nothing to the sequence. Both should find the four.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skseq import GRUSequenceClassifier
from skseq.datasets import make_trigger_action_sequences
from skseq.inspection import step_importance
from skseq.plotting import SequenceDisplay

METHODS = ("occlusion", "integrated_gradients")
CHANNELS = ["trigger 1", "trigger 2", "action 1", "action 2", "noise"]


def make_model(seed):
    return GRUSequenceClassifier(hidden_size=32, max_epochs=20, random_state=seed)


def make_data(n_samples, seed):
    return make_trigger_action_sequences(
        n_samples, (15, 30), hard_negatives=0.5, random_state=seed, return_X_y=False
    )


def share_found(importance, events):
    """Share of the events' steps among the four most important ones."""
    best = [np.argsort(-steps.ravel())[:4] for steps in importance]
    return np.mean([np.isin(b, e).mean() for b, e in zip(best, events, strict=True)])


def main():
    train, test = make_data(1200, seed=0), make_data(200, seed=1)
    model = make_model(seed=0).fit(train.X, train.y)
    print(f"accuracy: {model.score(test.X, test.y):.3f}")

    rows = np.flatnonzero(test.y == 1)
    X, begins = test.X[rows], np.stack([test.trigger, test.action], axis=1)[rows]
    events = np.hstack([begins, begins + 1])
    print(f"event steps found by chance: {(4 / X.lengths).mean():.2f}")
    for method in METHODS:
        importance = step_importance(model, X, target=1, method=method)
        print(f"event steps found by {method}: {share_found(importance, events):.2f}")
    print(f"picture: {draw(model, test, rows)}")


def draw(model, test, rows):
    figure, grid = plt.subplots(2, 1, figsize=(10, 9), layout="constrained")
    shown = [*rows[:3], *np.flatnonzero((test.y == 0) & (test.trigger >= 0))[:1]]
    for axes, method in zip(grid, METHODS, strict=True):
        SequenceDisplay.from_estimator(
            model,
            test.X,
            test.y,
            rows=shown,
            method=method,
            feature_names=CHANNELS,
            ax=axes,
        )
    path = Path("step_importance.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
