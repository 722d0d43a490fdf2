"""Pages that show what their code prints and draws.

Before Sphinx reads a page, its blocks of Python are run from the top, in one namespace. Each is replaced by Markdown:
the code, what it printed, the HTML of its last line where that is a name, and its figures, once for each theme.
Blocks begin with

    ```python       code
    ```{plot}       code that draws; ``:alt:`` describes the picture, ``:include-source: false`` hides the code
    ```{stepper}    code that is hidden; the HTML of its last line, any expression, is shown

A block that imports what is not installed is shown as it is.
"""

import ast
import contextlib
import io
import re
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
from themes import described, save_for_both_themes

BLOCK = re.compile(r"^```(python|\{plot\}|\{stepper\})\n((?::[^\n]*\n)*)(.*?)^```$", re.DOTALL | re.MULTILINE)
STYLE = {"figure.figsize": (6.4, 4.2), "figure.constrained_layout.use": True}


def run(code, names, any_expression):
    """Run a block. Returns what it printed and the HTML of its last line, or None where that has none."""
    tree, printed = ast.parse(code), io.StringIO()
    last = tree.body[-1]
    shown = isinstance(last, ast.Expr) and (any_expression or isinstance(last.value, ast.Name))
    with contextlib.redirect_stdout(printed):
        if shown:
            tree.body.pop()
        exec(compile(tree, "<block>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<block>", "eval"), names) if shown else None
    return printed.getvalue(), value._repr_html_() if hasattr(value, "_repr_html_") else None


def as_markdown(kind, options, code, printed, html, pictures):
    """A block that has been run."""
    parts = []
    if kind != "{stepper}" and options.get("include-source") != "false":
        parts.append(f"```python\n{code.lstrip()}```")
    if printed.strip():
        parts.append(f"```{{code-block}} none\n:class: output\n\n{printed.rstrip()}\n```")
    if html:
        parts.append(f"```{{raw}} html\n{html}\n```")
    return "\n\n".join(parts + pictures)


class Blocks:
    """Runs the blocks of a page, from the top."""

    def __init__(self, page, source_folder):
        self.stem = Path(source_folder, "generated", "figures", page.replace("/", "-"))
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        self.source_folder = source_folder
        self.names = {}
        self.n_figures = 0

    def __call__(self, block):
        kind, options, code = block.groups()
        if not all(map(find_spec, re.findall(r"^ *(?:import|from) (\w+)", code, re.MULTILINE))):
            return block.group()
        options = dict(re.findall(r"^:([\w-]+): *(.*)$", options, re.MULTILINE))
        printed, html = run(code, self.names, kind == "{stepper}")
        figures = list(map(plt.figure, plt.get_fignums()))
        pictures = [self.pictures(figure, options.get("alt")) for figure in figures]
        plt.close("all")
        return as_markdown(kind, options, code, printed, html, pictures)

    def pictures(self, figure, alt):
        """Save a figure; returns the Markdown that shows it."""
        self.n_figures += 1
        alt = alt or described(figure)
        paths = save_for_both_themes(figure, self.stem.with_name(f"{self.stem.name}-{self.n_figures}"))
        return "\n\n".join(
            f"```{{image}} /{path.relative_to(self.source_folder)}\n:alt: {alt}\n:class: {theme}\n:loading: lazy\n```"
            for path, theme in zip(paths, ("only-light", "only-dark"), strict=True)
        )


def run_blocks(app, page, source):
    """Called by Sphinx with a page's Markdown, before it is read."""
    with (
        plt.rc_context(STYLE),
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
    ):
        source[0] = BLOCK.sub(Blocks(page, app.srcdir), source[0])


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", run_blocks)
    return {"parallel_read_safe": True}
