"""What `import skseq` costs beside torch and scikit-learn alone, in time of the processor.

python benchmarks/import_time.py     # 20 fresh processes of each, in turn, three minutes
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys

IMPORTS = ["import torch, sklearn", "import torch, sklearn, skorch", "import skseq"]


def cpu_seconds(code: str) -> float:
    """User and system time of a new process that runs the code."""
    # As after `pip install`: files of bytecode lie ready.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    rounds = [[cpu_seconds(code) for code in IMPORTS] for _ in range(repeats + 1)]
    medians = [statistics.median(column) for column in zip(*rounds[1:], strict=True)]
    print("| | CPU seconds | ratio |\n|---|---|---|")
    for code, seconds in zip(IMPORTS, medians, strict=True):
        print(f"| `{code}` | {seconds:.2f} | {seconds / medians[0]:.2f} |")


if __name__ == "__main__":
    main()
