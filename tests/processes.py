"""Code in processes of its own, and what it needs there."""

import gc
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch

from skseq import SequenceArray


def run_fresh(code):
    """Run code in a new process in which no variable sets a number of threads."""
    variables = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=variables,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


class Traced(SequenceArray):
    """Counts how often one arrives in a process."""

    arrivals = 0

    def __setstate__(self, state):
        Traced.arrivals += 1
        vars(self).update(state)


def arrivals():
    return Traced.arrivals


def read(rows, path, lengths):
    """Sequences from a file that each process opens itself."""
    return SequenceArray(np.load(path, mmap_mode="r"), lengths)[rows]


def die_once(X, mark):
    """Kill the process, unless one was killed before; a file remembers that."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return X
    os.kill(os.getpid(), signal.SIGKILL)


def state_of_the_process():
    """All that a library could leave changed behind, by name."""
    numpy_random = np.random.get_state()  # noqa: NPY002
    fresh = []
    thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return {
        "threads of torch": torch.get_num_threads(),
        "threads of new threads": fresh,
        "OpenMP and MKL": torch.__config__.parallel_info(),
        "denormals": float(np.float32(1e-38) * np.float32(0.1)),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "generator of torch": torch.random.get_rng_state().numpy().tobytes(),
        "generator of numpy": (numpy_random[1].tobytes(), numpy_random[2:]),
        "generator of Python": random.getstate(),
        "errors of numpy": np.geterr(),
        "printing of numpy": repr(np.get_printoptions()),
        "warnings": list(warnings.filters),
        "scikit-learn": sklearn.get_config(),
        "running threads": {thread.name for thread in threading.enumerate()},
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "variables": dict(os.environ),
        "folder": os.getcwd(),
        "files": set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else (),
        "path": list(sys.path),
        "garbage": gc.isenabled(),
        "hooks": (sys.gettrace(), sys.getprofile(), sys.excepthook),
        "logging": logging.root.level,
        "locale": locale.setlocale(locale.LC_ALL),
    }


def changed_by_interrupts(work, repeats, seed=0):
    """What `repeats` interrupts at random moments of `work` changed, and how many hit."""
    random_delay = np.random.default_rng(seed)
    work()  # the first time takes longer
    start = time.perf_counter()
    work()
    whole = time.perf_counter() - start
    before, changed, hits = state_of_the_process(), {}, 0

    def interrupt(*_):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, interrupt)
    before["signals"][signal.SIGALRM] = interrupt
    try:
        for _ in range(repeats):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, random_delay.uniform(1e-5, whole))
                    work()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
            after = state_of_the_process()
            changed |= {k: (before[k], after[k]) for k in before if before[k] != after[k]}
    finally:
        signal.signal(signal.SIGALRM, handler)
    return changed, hits
