"""The examples are short, run, print their scores and draw their pictures.

`quickstart.py` runs as it is. The others train for two epochs here; what they reach when
they train in full is measured by `benchmarks/classic_tasks.py`.
"""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
CLASSIC = ["find_pattern", "forecast_sine", "trigger_action", "loaded_die"]


def check_picture(output):
    picture = matplotlib.image.imread(re.search(r"picture: (.+)", output)[1])
    assert picture.shape[0] > 500
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


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
    check_picture(result.stdout)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("find_pattern", "balanced accuracy: 0."),
        ("forecast_sine", "linear autoregression  1.04"),
        ("trigger_action", "balanced accuracy on the test part: 0."),
        ("loaded_die", "pooling='mean': accuracy 0."),
        ("step_importance", "event steps found by chance: 0.19"),
    ],
)
def test_classic(name, said, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    example = importlib.import_module(name)
    make_model = example.make_model
    monkeypatch.setattr(
        example,
        "make_model",
        lambda *args, **kwargs: make_model(*args, **kwargs).set_params(max_epochs=2),
    )
    if name == "loaded_die":
        monkeypatch.setattr(example, "N_TRAIN", 2000)
    example.main()
    output = capsys.readouterr().out
    assert said in output
    check_picture(output)


@pytest.mark.parametrize("name", [*CLASSIC, "step_importance"])
def test_under_sixty_lines_of_code(name):
    source = (EXAMPLES / f"{name}.py").read_text()
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    ]
    assert len(code) < 60, len(code)
