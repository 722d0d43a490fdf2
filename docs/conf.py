"""The documentation's build; see contributing.md."""

import ast
import importlib.metadata
import itertools
import re
import textwrap
import warnings

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx_gallery.sorting import ExplicitOrder

project = "skbackprop"
copyright = "the skbackprop developers"
version = release = importlib.metadata.version(project)
extensions = [
    "matplotlib.sphinxext.plot_directive",
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

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Examples fit for as long as it takes to see the point; that they stop at max_iter is not worth a warning.
warnings.filterwarnings("ignore", message="Maximum iterations")
gallery = [  # in the order of reading
    "one_neuron_to_network",
    "one_step",
    "stepper_moons",
    "xor",
    "combining_linear_classifiers",
    "step_size",
    "latent_features",
    "digits_grid_search",
    "imbalanced",
    "stream",
    "sparse_text",
    "against_mlp",
]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",
    "within_subsection_order": ExplicitOrder([f"plot_{name}.py" for name in gallery]),
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "doc_module": ("skbackprop",),
    "backreferences_dir": "generated/backreferences",
}

plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 150)]
plot_rcparams = {"figure.figsize": (6.4, 4.2), "figure.constrained_layout.use": True}
plot_apply_rcparams = True

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
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {"*": [], "benchmarks/*": []}  # no column for sections of one page


def plots_as_rst(app, page, source):
    """Hand matplotlib's directive, which knows no Markdown, its {plot} blocks as reStructuredText."""
    number = itertools.count(1)

    def as_rst(block):
        options, code = block.groups()
        options += f":filename-prefix: {page.replace('/', '-')}-{next(number)}\n"
        return "```{eval-rst}\n.. plot::\n" + textwrap.indent(f"{options}\n{code}", "   ") + "\n```"

    source[0] = re.sub(r"```\{plot\}\n((?::[^\n]*\n)*)(.*?)```", as_rst, source[0], flags=re.DOTALL)


class Stepper(Directive):
    """The page of a recording, in place: a {stepper} block is Python code whose last line is the recording."""

    has_content = True

    def run(self):
        code = ast.parse("\n".join(self.content))
        last = ast.Expression(code.body.pop().value)
        names = {}
        exec(compile(code, "{stepper}", "exec"), names)
        recording = eval(compile(last, "{stepper}", "eval"), names)
        return [nodes.raw("", recording._repr_html_(), format="html")]


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", plots_as_rst)
    app.add_directive("stepper", Stepper)
