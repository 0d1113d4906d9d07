"""The site has every page and every public name. `make docs` builds it."""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import pytest

import skseq

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import structure  # noqa: E402

PAGES = {path.stem for path in (ROOT / "docs").glob("*.md")}


def listed(page):
    text = structure.on_site((ROOT / "docs" / f"{page}.md").read_text())
    return [name for _, pages in structure.toctrees(text) for name in pages]


def test_every_page_is_listed_once():
    reached, waiting = [], ["index"]
    while waiting:
        page = waiting.pop()
        reached.append(page)
        waiting += listed(page) if page in PAGES else []
    assert sorted(reached) == sorted([*PAGES, "gallery/index"])


def test_headings_become_captions():
    text = "- [One](one.md) a\n\n## Two\n\n| [Two](two.md) | b |\n\n## No\n\n[x](x.md)\n"
    assert structure.toctrees(text) == [(None, ["one"]), ("Two", ["two"])]


def test_every_public_name_is_in_the_reference():
    shown = [
        getattr(module, line.strip())
        for module in structure.public_modules()
        for line in structure.reference_page(module).splitlines()
        if line.startswith("   ") and line.strip() in module.__all__
    ]
    modules = [skseq] + [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(skseq.__path__, "skseq.")
        if "._" not in info.name
    ]
    public = {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in modules
        for name in getattr(module, "__all__", ())
    }
    assert len(public) > 30
    missing = [
        name
        for name, thing in public.items()
        if not inspect.ismodule(thing) and not any(thing is other for other in shown)
    ]
    assert not missing


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name
)
def test_examples_have_a_title_for_the_gallery(path):
    title, line, *_ = path.read_text().removeprefix('"""').splitlines()
    assert set(line) == {"="}
    assert len(line) >= len(title)
