"""Code in a process of its own."""

import os
import subprocess
import sys
import textwrap


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
