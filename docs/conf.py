"""How Sphinx builds the site: `make docs`. It loads nothing from a network."""

import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parent))

import structure

import skseq

project = "skseq"
author = "the developers of skseq"
copyright = author
release = version = skseq.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_static"]
templates_path = ["_templates"]

# Prose. Anchors as a code-hosting site makes them.
myst_heading_anchors = 3

# Docstrings. Types stand in them, so signatures need none. Single backticks link to what
# is documented, and are code where it is not.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autosummary_generate = structure.write_reference()
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"
nitpicky = True
smartquotes = False  # quotes in types and code are straight
nitpick_ignore_regex = [
    (r"py:.*", r"(sklearn|skorch|torch|numpy|pandas|matplotlib|imblearn)\..*"),
    (r"py:obj", r"(?!skseq\.).*"),
]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("skseq",),
    "capture_repr": (),
    "show_signature": False,
    "write_computation_times": False,  # its page loads scripts from elsewhere
}

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "skseq"
html_static_path = ["_static"]
html_css_files = ["skseq.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "navigation_depth": 3,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def prepare_page(app, name, source):
    """Complete a page of `docs/`; take folders of this machine out of the gallery."""
    if name.startswith("gallery/"):
        source[0] = re.sub(r"^( +picture: ).*/", r"\1", source[0], flags=re.MULTILINE)
        return
    if Path(app.env.doc2path(name)).suffix != ".md":
        return
    text = structure.on_site(source[0])
    for caption, pages in structure.toctrees(text):
        text += toctree(pages, ":hidden:", *([f":caption: {caption}"] if caption else []))
    if name == "api":
        modules = [f"api/{module.__name__}" for module in structure.public_modules()]
        text += toctree(modules, ":maxdepth: 2")
    source[0] = text


def toctree(pages, *options):
    return "\n".join(["", "", "```{toctree}", *options, "", *pages, "```", ""])


def skip_foreign(app, kind, name, thing, skip, options):
    """Leave out what other libraries bring along, but for what users of it call."""
    thing = getattr(thing, "fget", thing)
    home = getattr(thing, "__module__", None) or "skseq"
    if home.startswith("skseq") or name in ("score", "get_params", "set_params"):
        return None
    return True


def without_labels(app, kind, name, thing, options, lines):
    """Docstrings of scikit-learn refer to sections of its guide by label."""
    lines[:] = [re.sub(r":ref:`(.+?) <\w+>`", r"\1", line) for line in lines]


def write_math(translator, node):
    """Equations as MathML, which browsers draw by themselves."""
    tex = node.astext().replace(r"\_", "_")  # docutils would keep the backslash
    is_block = isinstance(node, nodes.math_block)
    equation = tex2mathml(tex, as_block=is_block)
    translator.body.append(
        f'<div class="equation">{equation}</div>' if is_block else equation
    )
    raise nodes.SkipNode


def check_assets(app, exception):
    """What a page loads lies beside it."""
    if exception is not None:
        return
    elsewhere = re.compile(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="https?:')
    for path in Path(app.outdir).glob("**/*.html"):
        if found := elsewhere.search(path.read_text()):
            raise ExtensionError(f"{path} loads from a network: {found[0]} ...")


def setup(app):
    """Connect the functions above."""
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
    # What it lists is not written in it.
    app.connect("env-get-outdated", lambda *_: ["api"])
    app.connect("build-finished", check_assets)
    app.connect("source-read", prepare_page)
    app.connect("autodoc-process-docstring", without_labels)
    app.connect("autodoc-skip-member", skip_foreign)
