"""Code in processes of its own, and what it needs there."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

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
