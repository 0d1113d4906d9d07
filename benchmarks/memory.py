"""What one epoch on windows of a memory-mapped file adds to the process (Linux).

python benchmarks/memory.py          # 2 million steps of 7 channels, two minutes
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from skseq import LSTMSequenceRegressor, SequenceArray

N_CHANNELS, WINDOW = 7, 60


def anonymous_mb() -> float:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    raise OSError("the system does not tell the anonymous memory of a process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2_000_000)
    n_steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.npy"
        shape = (n_steps, N_CHANNELS)
        values = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=shape)
        rng = np.random.default_rng(0)
        for begin in range(0, n_steps, 100_000):
            part = values[begin : begin + 100_000]
            part[:] = rng.normal(size=part.shape)
        values.flush()
        del values
        measure(np.load(path, mmap_mode="r"))


def measure(values: np.ndarray) -> None:
    n_windows = len(values) - WINDOW
    X = SequenceArray(values, np.full(n_windows, WINDOW), np.arange(n_windows))
    y = np.array(values[WINDOW:, 0], dtype=np.float64)
    model = LSTMSequenceRegressor(
        hidden_size=8, batch_size=512, max_epochs=1, pooling="last", device="cpu"
    )
    model.fit(X[:1000], y[:1000])  # what a first fit imports does not count
    before, peak, over = anonymous_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            peak[0] = max(peak[0], anonymous_mb() - before)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - begin
    over.set()
    watcher.join()
    written_out = n_windows * WINDOW * N_CHANNELS * values.itemsize / 2**20
    print("| windows | written out, MB | added by fit, MB | seconds |\n|---|---|---|---|")
    print(f"| {n_windows} | {written_out:.0f} | {peak[0]:.0f} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
