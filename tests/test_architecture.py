"""The house: which folder may import which, late imports included, and no circles."""

import ast
from pathlib import Path

import pytest

import skseq

ROOT = Path(skseq.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")

# Open to all: they know nothing of the rest.
SHARED = {"_docs", "_forking", "_sklearn", "_surroundings", "_version", "_warning"}
# What each folder or public module may import beside itself.
MAY_IMPORT = {
    "_data": set(),
    "nn": {"_data"},
    "_tasks": {"_data"},
    "callbacks": {"_data"},
    "_training": {"_data", "nn", "_tasks", "callbacks"},
    "_estimators": {"_data", "nn", "_tasks", "callbacks", "_training"},
    "datasets": {"_data"},
    "preprocessing": {"_data", "datasets"},
    "formats": {"_data"},
}
BEHIND_ESTIMATORS = {*MAY_IMPORT}
MAY_IMPORT["_files"] = BEHIND_ESTIMATORS
MAY_IMPORT["inspection"] = BEHIND_ESTIMATORS
MAY_IMPORT["plotting"] = BEHIND_ESTIMATORS | {"inspection"}


def part_of(path):
    """The folder, or the module at the top."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(path):
    """What a file imports of the package, as paths from its root: ("nn", "lanes")."""
    inside = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            start = inside[: len(inside) + 1 - node.level]
            module = (*start, *(node.module.split(".") if node.module else ()))
            yield from ((*module, alias.name) for alias in node.names)


def file_of(imported):
    """The file that an import leads to, or None if it is the package itself."""
    for end in (len(imported), len(imported) - 1):
        path = ROOT.joinpath(*imported[:end])
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if end and found.exists():
                return found
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path):
    part = part_of(path)
    allowed = SHARED | {part} | MAY_IMPORT.get(part, set())
    for imported in imports_of(path):
        assert file_of(imported), f"imports the package itself for {imported[-1]}"
        assert imported[0] in allowed, f"{part} may not import {'.'.join(imported)}"


def test_every_part_has_its_rule():
    assert {part_of(path) for path in FILES} == SHARED | {*MAY_IMPORT}


def test_there_are_no_circles():
    imports = {
        path: {file_of(i) for i in imports_of(path)} - {None, path} for path in FILES
    }
    while leaves := {path for path, others in imports.items() if not others & {*imports}}:
        for path in leaves:
            del imports[path]
    assert not imports, [path.relative_to(ROOT).as_posix() for path in imports]


def test_private_names_of_scikit_learn_stand_in_one_file():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level:
                continue
            parts = [*node.module.split("."), *(alias.name for alias in node.names)]
            is_private = any(part.startswith("_") for part in parts)
            if parts[0] == "sklearn" and is_private:
                assert path.name == "_sklearn.py", f"{path.name}: {node.module}"
