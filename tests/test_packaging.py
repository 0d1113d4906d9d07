"""What the package needs is what is tested, and importing it needs no more."""

import re
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from processes import run_fresh

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(name):
    lines = re.sub("#.*", "", (ROOT / name).read_text()).split()
    versions = dict(line.split("==") for line in lines)
    assert len(versions) == len(lines)
    return {canonicalize_name(name): Version(v) for name, v in versions.items()}


def lower_bounds(*groups):
    bounds = {}
    for line in chain(*groups):
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            (bound,) = requirement.specifier
            assert bound.operator == ">=", line
            bounds[canonicalize_name(requirement.name)] = Version(bound.version)
    return bounds


def test_lower_bounds_are_the_versions_that_make_lowest_tests():
    tested = [group for extra, group in EXTRAS.items() if extra != "docs"]
    bounds = lower_bounds(PROJECT["dependencies"], *tested)
    lowest = pins("lowest.txt")
    assert {name: lowest.get(name) for name in bounds} == bounds


def test_the_pinned_versions_are_within_the_bounds():
    pinned = pins("constraints.txt")
    for name, bound in lower_bounds(PROJECT["dependencies"], *EXTRAS.values()).items():
        assert pinned[name] >= bound, name


def test_no_module_asks_for_an_extra_when_imported():
    extras = [group for name, group in EXTRAS.items() if name not in ("docs", "test")]
    not_needed = [*lower_bounds(*extras), "distributed", "polars", "pyarrow", "awkward"]
    said = run_fresh(f"""
        import importlib, pkgutil, sys

        class Refuse:
            asked_for = []

            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {not_needed}:
                    self.asked_for.append(name)
                    raise ModuleNotFoundError(name)

        def libraries():
            return {{name.partition(".")[0] for name in sys.modules}}

        sys.meta_path.insert(0, Refuse())
        import sklearn, skorch, torch  # they may ask: scikit-learn looks for pandas
        Refuse.asked_for.clear()
        before = libraries()
        import skseq
        for module in pkgutil.walk_packages(skseq.__path__, "skseq."):
            if module.name != "skseq._files.onnx":  # which `to_onnx` imports
                importlib.import_module(module.name)
        loaded = libraries() - before - sys.stdlib_module_names
        print(sorted(loaded), Refuse.asked_for)
    """)
    assert said.strip() == "['skseq'] []"
