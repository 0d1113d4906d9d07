"""The examples run, print their scores and draw their pictures."""

import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_quickstart(tmp_path):
    result = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert float(re.search(r"test accuracy: ([\d.]+)", result.stdout)[1]) > 0.97
    assert "macro avg" in result.stdout
    picture = matplotlib.image.imread(re.search(r"picture: (.+)", result.stdout)[1])
    assert picture.shape[0] > 500
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50
