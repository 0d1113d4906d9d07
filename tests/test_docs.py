"""Every Python block in the README and in `docs/` runs."""

import re
import warnings
from pathlib import Path
from textwrap import dedent

import pytest
from processes import run_fresh

from skseq.nn import cells

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_code_blocks_run(page, capsys, monkeypatch):
    # A page may add a cell, which no other test is to see.
    monkeypatch.setattr(cells, "CELLS", {**cells.CELLS})
    if "sklearn.callback" in page.read_text():
        pytest.importorskip("sklearn.callback", reason="scikit-learn has it from 1.9 on")
    for code in BLOCK.findall(page.read_text()):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(code, page.name, "exec"), {})


NO_EXTRA = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *args):
        if name.partition(".")[0] not in {"pandas", "polars", "pyarrow", "matplotlib"}:
            return self.finder.find_spec(name, *args)
sys.meta_path = [Without(finder) for finder in sys.meta_path]
"""


def test_the_readme_needs_no_extra():
    for code in BLOCK.findall((ROOT / "README.md").read_text()):
        run_fresh(NO_EXTRA + code)


def test_a_frame_says_what_it_needs():
    code = """
    import skseq
    try:
        skseq.sequence_frame([[1, 2], [3]])
    except ImportError as error:
        print(error)
    """
    assert "This needs pandas: pip install pandas" in run_fresh(NO_EXTRA + dedent(code))


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_named_tests_and_commands_exist():
    for page in PAGES:
        for path in re.findall(
            r"`(?:python )?((?:tests|benchmarks|examples)/\w+\.py)", page.read_text()
        ):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
