"""What the site is made of: the pages that others list, and every public name.

Nothing is listed twice. A page of `docs/` belongs to the site because a table or a list of
another page links to it, and a name to the reference because it is in `__all__`.
"""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

DOCS = Path(__file__).parent
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
LISTED = re.compile(r"^[-|] \[[^]]+\]\(([\w/]+)\.\w+\)", re.MULTILINE)

# Where a link leads on the site that leads out of `docs/` in the repository.
MOVED = {
    "(../examples)": "(gallery/index.rst)",
    "(../CHANGELOG.md)": "(changelog.md)",
    "(../CONTRIBUTING.md)": "(contributing.md)",
}


def on_site(text):
    """A page as the site has it, its links within the site."""
    for link, page in MOVED.items():
        text = text.replace(link, page)
    return text


def toctrees(text):
    """Pages that a page lists: (caption, names), what stands above headings first."""
    begin = text.split("\n## ")[0]
    parts = [(None, begin), *SECTION.findall(text)]
    listed = [(caption, LISTED.findall(part)) for caption, part in parts]
    return [(caption, pages) for caption, pages in listed if pages]


def public_modules():
    """`skseq`, its packages, and modules with public names that no package has."""
    skseq = importlib.import_module("skseq")
    found = [
        (importlib.import_module(info.name), info.ispkg)
        for info in pkgutil.iter_modules(skseq.__path__, "skseq.")
        if not info.name.startswith("skseq._")
    ]
    packages = [skseq, *(module for module, is_package in found if is_package)]
    shown = {name for package in packages for name in package.__all__}
    single = [module for module, is_package in found if not is_package]
    own = [module for module in single if set(getattr(module, "__all__", ())) - shown]
    return sorted([*packages, *own], key=lambda module: module.__name__)


def public_names(module):
    """Names of `__all__` by kind: classes and functions, sorted."""
    kinds = {"Classes": [], "Functions": []}
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if not inspect.ismodule(thing):
            kinds["Classes" if inspect.isclass(thing) else "Functions"].append(name)
    return kinds


def reference_page(module):
    """The page of a module in the reference, which lists its public names."""
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", ""]
    lines += [f".. currentmodule:: {title}", ""]
    for kind, names in public_names(module).items():
        if names:
            lines += [f".. rubric:: {kind}", "", ".. autosummary::"]
            lines += ["   :toctree:", "   :nosignatures:", ""]
            lines += [*(f"   {name}" for name in names), ""]
    return "\n".join(lines)


def write_reference():
    """Write the pages of all public modules, and remove those of names that are gone.

    A page that has not changed is left alone, so that Sphinx does not read it again.
    """
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    pages, public = [], set()
    for module in public_modules():
        page, text = folder / f"{module.__name__}.rst", reference_page(module)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
        pages.append(f"api/{page.name}")
        public |= {page.stem, *(f"{module.__name__}.{name}" for name in module.__all__)}
    for page in folder.glob("*.rst"):
        if page.stem not in public:
            page.unlink()
    return pages
