"""Figures for the light and the dark theme, and their descriptions."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import Collection
from matplotlib.colors import same_color, to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from PIL import Image

#: The dark theme's colours of the page and of its text.
PAGE, TEXT = to_rgba_array(["#14181e", "#e3e7ec"])
DPI = 150


def darkened(colors):
    """White becomes the page's colour, black the text's, greys what is between; other colours stay."""
    colors = to_rgba_array(colors)
    grey = np.ptp(colors[:, :3], axis=1) < 0.05
    share = colors[grey, :1]
    colors[grey, :3] = share * PAGE[:3] + (1 - share) * TEXT[:3]
    return colors


def darkened_stroke(effect):
    """The halo of a text."""
    style = dict(effect._gc)
    return withStroke(**style | {"foreground": darkened(style["foreground"])[0]})


def darken(figure):
    """Change the greys of a figure to suit the dark theme."""
    figure.draw_without_rendering()  # ticks are made by that
    artists = figure.findobj()
    artists += [artist.arrow_patch for artist in artists if isinstance(artist, Annotation) and artist.arrow_patch]
    for artist in dict.fromkeys(artists):
        if isinstance(artist, Text):
            artist.set_color(darkened(artist.get_color())[0])
            artist.set_path_effects([darkened_stroke(effect) for effect in artist.get_path_effects()])
        elif isinstance(artist, Line2D):
            colors = artist.get_color(), artist.get_markerfacecolor(), artist.get_markeredgecolor()
            line, face, edge = (color if same_color(color, "none") else darkened(color)[0] for color in colors)
            artist.set(color=line, markerfacecolor=face, markeredgecolor=edge)
        elif isinstance(artist, Patch):
            artist.set(facecolor=darkened(artist.get_facecolor())[0], edgecolor=darkened(artist.get_edgecolor())[0])
        elif isinstance(artist, Collection) and (artist.get_array() is None or getattr(artist, "colors", None)):
            artist.set_array(None)  # of contours, whose colours are given all the same
            artist.set(facecolors=darkened(artist.get_facecolor()), edgecolors=darkened(artist.get_edgecolor()))


def save(figure, path):
    """Write a PNG of 256 colours, a third of the size that it has otherwise."""
    figure.savefig(path, dpi=DPI)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256)
    small.save(path, optimize=True)


def save_for_both_themes(figure, stem):
    """Write STEM.png and STEM-dark.png; returns their paths."""
    light, dark = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}-dark.png")
    save(figure, light)
    darken(figure)
    save(figure, dark)
    return light, dark


def described(figure):
    """The titles and axis labels of a figure, for those who cannot see it."""
    axes = []
    for ax in figure.axes:
        shown = ax.axison and (ax.get_xlabel(), ax.get_ylabel())
        labels = " by ".join(label for label in reversed(shown or ()) if label)
        axes.append(": ".join(text for text in (ax.get_title(), labels) if text))
    texts = [figure.get_suptitle(), *dict.fromkeys(axes)]
    return (
        "; ".join(text for text in texts if text).replace("$", "").replace("\n", " ")
        or "The figure that the code draws"
    )


def figures_of_an_example(block, block_vars, gallery_conf):
    """A scraper for sphinx-gallery: all open figures, for both themes."""
    rst = []
    for number, path in zip(plt.get_fignums(), block_vars["image_path_iterator"], strict=False):
        figure = plt.figure(number)
        alt = described(figure)
        for file, theme in zip(
            save_for_both_themes(figure, Path(path).with_suffix("")), ("light", "dark"), strict=True
        ):
            file = file.relative_to(gallery_conf["src_dir"])
            rst.append(
                f".. image:: /{file}\n   :alt: {alt}\n   :class: sphx-glr-single-img only-{theme}\n   :loading: lazy\n"
            )
    plt.close("all")
    return "\n".join(rst)
