"""What the four examples reach, over five seeds, beside what is possible.

python benchmarks/classic_tasks.py                    # all four, about half an hour
python benchmarks/classic_tasks.py pattern sine       # some of them

Models and training data are those of `examples/`; test data are fresh.
"""

import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import balanced_accuracy_score

from skseq.datasets import (
    make_pattern_sequences,
    make_symbol_sequences,
    make_trigger_action_sequences,
)

sys.path.append(str(Path(__file__).parent.parent / "examples"))

import find_pattern
import forecast_sine
import loaded_die
import trigger_action

SEEDS = range(5)
N_TEST = 10_000
FRESH = 5000  # added to a seed, so that test data have seeds of their own


def pattern(seed):
    """Test sequences that stand in the training set (a few per cent) are left out."""
    X, y = make_pattern_sequences(2000, random_state=seed)
    X_test, y_test = make_pattern_sequences(N_TEST + 1000, random_state=seed + FRESH)
    seen = {row.tobytes() for row in X}
    fresh = np.flatnonzero([row.tobytes() not in seen for row in X_test])[:N_TEST]
    assert len(fresh) == N_TEST
    model = find_pattern.make_model(seed).fit(X, y)
    predicted = model.predict(X_test[fresh])
    return {"balanced accuracy": balanced_accuracy_score(y_test[fresh], predicted)}


def sine(seed):
    """Root mean squared errors in units of the noise, on the last 2,000 steps."""
    series = forecast_sine.make_series(seed)
    result = {}
    for horizon in (1, 25):
        _, ratios = forecast_sine.errors(series, horizon, seed)
        for name, ratio in ratios.items():
            result[f"{name}, next {horizon}"] = ratio
    return result


def trigger(seed):
    X, y = make_trigger_action_sequences(3000, hard_negatives=0.5, random_state=seed)
    X_val, y_val = make_trigger_action_sequences(
        750, hard_negatives=0.5, random_state=seed + 2 * FRESH
    )
    X_test, y_test = make_trigger_action_sequences(
        N_TEST, hard_negatives=0.5, random_state=seed + FRESH
    )
    result = {}
    for stop, name in ((False, "40 epochs"), (True, "early stopping")):
        model = trigger_action.make_model(seed, early_stopping=stop)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        score = balanced_accuracy_score(y_test, model.predict(X_test))
        result[f"balanced accuracy, {name}"] = score
    return result


def die(seed):
    X, y = make_symbol_sequences(loaded_die.N_TRAIN, random_state=seed)
    test = make_symbol_sequences(5 * N_TEST, random_state=seed + FRESH, return_X_y=False)
    best = ((test.posterior > 0.5) == test.y).mean()
    result = {"accuracy of the exact posterior": best}
    for pooling in ("last", "mean"):
        score = loaded_die.make_model(seed, pooling).fit(X, y).score(test.X, test.y)
        result[f"points below it, {pooling}"] = 100 * (best - score)
    return result


TASKS = {"pattern": pattern, "sine": sine, "trigger": trigger, "die": die}


def main(names):
    print("| task | measure | " + " | ".join(f"seed {i}" for i in SEEDS) + " | mean |")
    print("|---" * (len(SEEDS) + 3) + "|")
    for name in names:
        results = Parallel(n_jobs=-1)(delayed(TASKS[name])(seed) for seed in SEEDS)
        for measure in results[0]:
            values = [result[measure] for result in results]
            cells = " | ".join(f"{value:.4f}" for value in [*values, np.mean(values)])
            print(f"| {name} | {measure} | {cells} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or TASKS)
