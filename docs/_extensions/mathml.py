r"""Formulas as MathML, which browsers draw by themselves, without a script.

``\tag{4}`` numbers a formula, and ``algorithm.md#equation-4`` links to it. Symbols of the forward pass (z, a, h, ŷ) and
of backprop (δ, γ) have the colours that they have in the pictures: classes "forward" and "backward" of style.css.
The font, STIX Two Math, comes with ziamath.
"""

import re
from html import escape
from pathlib import Path

import ziamath
from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert

TAG = re.compile(r"\s*\\tag\{(\w+)\}\s*")
FORWARD = re.compile(r'<(mi|mover)((?: accent="true"><mi>y|>[zah])</mi>)')
BACKWARD = re.compile(r"<(mi)(>&#x003B[34];</mi>)")  # γ, δ

#: What the font has to have: ASCII, Greek, arrows and operators, and the italic letters of symbols.
CHARACTERS = [*range(0x20, 0x7F), *range(0x391, 0x3CA), *range(0x2010, 0x2300), 0x302, 0x27E8, 0x27E9]
CHARACTERS += [*range(0x1D434, 0x1D468), *range(0x1D6FC, 0x1D71C)]


def mathml(latex, display):
    """LaTeX as coloured MathML."""
    html = convert(latex, display=display)
    for symbol, name in ((FORWARD, "forward"), (BACKWARD, "backward")):
        html = symbol.sub(rf'<\1 class="{name}"\2', html)
    return html


def inline(self, node):
    """Called by Sphinx's HTML writer."""
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(self, node):
    """Called by Sphinx's HTML writer."""
    tag, html = node.get("tag"), mathml(node.astext(), "block")
    if tag:
        name = f"equation-{tag}"
        html += f'<a class="eqno" id="{name}" href="#{name}" title="Link to this equation">({escape(tag)})</a>'
    self.body.append(f'<div class="math">{html}</div>')
    raise nodes.SkipNode


def note_tags(app, doctree):
    """Make the tags of a page's formulas known as targets of links."""
    for node in doctree.findall(nodes.math_block):
        if tag := TAG.search(node.astext()):
            node["tag"] = tag[1]
            node.children = [nodes.Text(TAG.sub("", node.astext()))]
            name = f"equation-{tag[1].lower()}"
            app.env.domains.standard_domain.anonlabels[name] = (app.env.docname, f"equation-{tag[1]}")


def write_font(app):
    """Put a small version of the font among the static files."""
    if app.builder.format == "html":
        source = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"
        options = subset.Options(flavor="woff", layout_features=["ssty"])
        font = subset.load_font(source, options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=CHARACTERS)
        subsetter.subset(font)
        target = Path(app.outdir, "_static", "math.woff")
        target.parent.mkdir(parents=True, exist_ok=True)
        subset.save_font(font, target, options)


def setup(app):
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("doctree-read", note_tags)
    app.connect("builder-inited", write_font)
    return {"parallel_read_safe": True}
