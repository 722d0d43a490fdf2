"""The documentation's build; see contributing.md."""

import importlib.metadata
import itertools
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))
from gallery import GROUPS

mpl.use("agg")

project = "skbackprop"
copyright = "the skbackprop developers"
version = release = importlib.metadata.version(project)
extensions = [
    "executed",
    "gallery",
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "auto_examples/**.ipynb", "auto_examples/**.py", "sg_execution_times.rst"]
default_role = "literal"
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
html_math_renderer = "mathml"
myst_heading_anchors = 3

# Examples fit for as long as it takes to see the point; that they stop at max_iter is not worth a warning.
warnings.filterwarnings("ignore", message="Maximum iterations")
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",
    "within_subsection_order": ExplicitOrder([f"plot_{name}.py" for name in itertools.chain(*GROUPS.values())]),
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),
    "thumbnail_size": (800, 500),
    "image_scrapers": ("themes.figures_of_an_example",),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "doc_module": ("skbackprop",),
    "backreferences_dir": "generated/backreferences",
}

autosummary_generate = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = project
html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
# no column for sections of one page
html_sidebars = {
    page: []
    for page in ("index", "quickstart", "from_mlp", "algorithm", "api", "benchmarks/*", "changelog", "contributing")
}
