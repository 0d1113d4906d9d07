"""Shared data, and the printed count of scikit-learn's checks."""

import os
from collections import Counter

# Before scipy is imported: scikit-learn's array API checks are skipped without it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Pictures go to files: no test opens a window.
os.environ["MPLBACKEND"] = "agg"

import numpy as np
import pytest
from hypothesis import settings

# No timing decides a test, and a run is the same every time.
settings.register_profile("skseq", deadline=None, derandomize=True)
settings.load_profile("skseq")


@pytest.fixture
def ragged():
    """40 sequences of 3 to 12 steps, 2 channels; the class is the trend's sign."""
    rng = np.random.default_rng(0)
    y = np.tile(["down", "up"], 20)
    lengths = rng.integers(3, 13, size=40)
    trends = np.where(y == "up", 1.0, -1.0)
    X = [
        np.column_stack([t * np.arange(n) + rng.normal(size=n), rng.normal(size=n)])
        for t, n in zip(trends, lengths, strict=True)
    ]
    return X, y


def pytest_terminal_summary(terminalreporter):
    counts = Counter()
    for outcome in ("passed", "failed", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            if "test_sklearn_checks.py::test_check[" in report.nodeid:
                name = report.nodeid.split("[")[1].split("(")[0]
                counts[name, outcome] += 1
    for name in sorted({name for name, _ in counts}):
        line = ", ".join(
            f"{counts[name, outcome]} {outcome}"
            for outcome in ("passed", "failed", "skipped")
        )
        expected = counts[name, "xfailed"] + counts[name, "xpassed"]
        terminalreporter.write_line(
            f"scikit-learn's checks, {name}: {line}, {expected} expected to fail"
        )
