"""What is in the wheel and the sdist of a folder: python tests/release/contents.py dist"""

import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ["skseq", "tests", "docs", "examples", "benchmarks"]
BESIDE = ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"]


def files_of(folder):
    """Paths of the files of a folder, relative to the root, without what running leaves."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def check_equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: missing {expected - found}, too many {found - expected}")


def main(folder):
    (wheel,) = Path(folder).glob("*.whl")
    (sdist,) = Path(folder).glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(metadata).decode())
    information = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    check_equal("wheel", names - information, files_of("skseq"))
    if not any(name.endswith("/licenses/LICENSE") for name in information):
        sys.exit("wheel: no licence")
    readme = metadata.get_payload()
    if "](" in readme.replace("](https://", "") or "# skseq" not in readme:
        sys.exit("wheel: a package page would have links that lead nowhere, or no text")

    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    needed = set(BESIDE).union(*map(files_of, FOLDERS))
    check_equal("sdist", inside & needed, needed)
    print(f"{wheel.name}: {len(names)} files; {sdist.name}: {len(inside)} files")


if __name__ == "__main__":
    main(sys.argv[1])
