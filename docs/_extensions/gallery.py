"""The gallery's page: examples in groups, each with a picture that can be read and a description.

sphinx-gallery makes groups of folders only, and small pictures; its page is rewritten as cards before Sphinx reads it.
"""

import re
from html import unescape

#: The examples' names, in the order of reading.
GROUPS = {
    "Backpropagation, step by step": [
        "one_neuron_to_network",
        "one_step",
        "stepper_neuron",
        "stepper_moons",
        "stepper_xor",
        "stepper_regression",
        "stepper_iris",
        "stepper_digits",
    ],
    "What networks learn": ["xor", "combining_linear_classifiers", "latent_features", "denoising_autoencoder"],
    "Training on real data": [
        "table",
        "step_size",
        "digits_grid_search",
        "deformed_digits",
        "imbalanced",
        "stream",
        "sparse_text",
        "against_mlp",
    ],
}
ENTRY = re.compile(
    r"""<div class="sphx-glr-thumbcontainer" tooltip="(?P<description>.*?)">
.*?image:: (?P<image>.*?)
.*?:doc:`(?P<page>.*?plot_(?P<name>.*?))`
.*?title">(?P<title>.*?)</div>""",
    re.DOTALL,
)
CARD = """
   .. grid-item-card:: {title}
      :link: {page}
      :link-type: doc

      .. image:: {image}
         :alt: Picture of the example: {title}
         :loading: lazy

      {description}
"""


def as_cards(app, page, source):
    """Called by Sphinx with a page's source, before it is read."""
    if page != "auto_examples/index":
        return
    start, end = source[0].index(".. raw:: html"), source[0].index(".. toctree::")
    cards = {}
    for entry in ENTRY.finditer(source[0]):
        values = {key: " ".join(unescape(value).split()) for key, value in entry.groupdict().items()}
        cards[values["name"]] = CARD.format(**values)
    parts = []
    for group, names in GROUPS.items():
        parts.append(f"{group}\n{'-' * len(group)}\n\n.. grid:: 1 2 2 2\n   :gutter: 3\n")
        parts += [cards.pop(name) for name in names]
    if cards:
        raise ValueError(f"the gallery's groups lack {', '.join(cards)}")
    source[0] = source[0][:start] + "\n".join(parts) + "\n" + source[0][end:]


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", as_cards)
    return {"parallel_read_safe": True}
