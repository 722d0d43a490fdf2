"""Drawing tools for the displays: axes, colours, text that fits, legends and grids of images."""

import re
from numbers import Integral

import numpy as np

__all__ = [
    "SIGNED",
    "axes_for",
    "axes_points",
    "check_count",
    "class_colors",
    "class_handles",
    "elided",
    "fitting_size",
    "font_size",
    "grid_figsize",
    "image_grid",
    "legend_beside",
    "legend_size",
    "pyplot",
    "resolve_image_shape",
    "room_beside",
    "signed_colors",
    "text_width",
    "tiles",
]

#: The colour map of signed values, blue below 0 and red above. Colour-blind readers can tell the colours apart.
SIGNED = "RdBu_r"

#: Ten colours for classes, chosen by M. A. Petroff (arXiv:2107.02270) so that colour-blind readers can tell them apart,
#: and light enough for a dark background.
CLASS_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)


def pyplot(caller):
    """matplotlib.pyplot, imported only when something is drawn."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib: in a copy of the repository, pip install -e ".[plot]" ({error})'
        ) from error
    return plt


def check_count(value, parameter, least=1):
    """Raise unless `value` is an integer of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{parameter} must be an integer of at least {least}; got {value!r}")


def resolve_image_shape(image_shape, n_features):
    """`image_shape` as a tuple (h, w) or (h, w, 3) with n_features entries in total."""
    shape = tuple(image_shape) if np.iterable(image_shape) else (image_shape,)
    if (
        not all(isinstance(m, Integral) for m in shape)
        or len(shape) not in (2, 3)
        or (len(shape) == 3 and shape[2] != 3)
        or np.prod(shape) != n_features
    ):
        raise ValueError(f"image_shape must be (h, w) or (h, w, 3), with {n_features} values; got {image_shape!r}")
    return shape


def axes_for(ax, caller, figsize):
    """pyplot, the axes to draw on, and whether they are in a new figure of their own."""
    plt = pyplot(caller)
    if ax is not None:
        return plt, ax, False
    return plt, plt.subplots(figsize=figsize, layout="constrained")[1], True


def class_colors(n, plt):
    """A colour for each of n classes, as an array of shape (n, 4)."""
    from matplotlib.colors import to_rgba_array

    return (
        to_rgba_array(CLASS_COLORS[:n]) if n <= len(CLASS_COLORS) else plt.get_cmap("turbo")(np.linspace(0.03, 0.97, n))
    )


def signed_colors(values, largest, plt, cmap):
    """Colours of signed values: hue for the sign, opacity |value| / largest. Array of shape (..., 4)."""
    values = np.asarray(values, dtype=float)
    low, high = plt.get_cmap(cmap)([0.15, 0.85])
    colors = np.where((values < 0)[..., None], low, high)
    colors[..., 3] = np.clip(np.abs(values) / (largest or 1), 0, 1)
    return colors


def font_size(plt):
    """The default font size in points."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=plt.rcParams["font.size"]).get_size_in_points()


def axes_points(ax, own_figure=False):
    """Width and height of the axes in points; an estimate if a layout engine has yet to run."""
    size = 72 / ax.figure.dpi * ax.figure.bbox.size
    if own_figure:
        return 0.97 * size
    size = size * ax.get_position().size
    return size if ax.figure.get_layout_engine() is None else size * [0.85, 1.1]


def room_beside(ax, own_figure):
    """Whether a layout engine makes room for artists beside the axes."""
    return own_figure or ax.figure.get_layout_engine() is not None


def text_width(text, size):
    """The width of a text, that is of its longest line, in points."""
    from matplotlib.cbook import is_math_text
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    math, font = is_math_text(text), FontProperties(size=size)
    lines = (text if math else text.replace(r"\$", "$")).split("\n")
    return max(text_to_path.get_text_width_height_descent(line, font, math)[0] for line in lines)


def fitting_size(texts, room, size, least=5.0):
    """The largest font size, up to `size`, at which the longest of the texts fits into `room` points."""
    widest = max((text_width(text, size) for text in texts), default=0)
    return size if widest <= room else max(least, size * room / widest)


def elided(text, room, size):
    """The text, shortened in the middle to fit into `room` points; formulas are left whole."""
    from matplotlib.cbook import is_math_text

    if is_math_text(text) or text_width(text, size) <= room:
        return text
    letters = re.findall(r"\\\$|.", text, re.DOTALL)  # an escaped $ is one
    for kept in range(len(letters) - 1, 0, -1):
        shorter = "".join([*letters[: -(-kept // 2)], "…", *letters[len(letters) - kept // 2 :]])
        if text_width(shorter, size) <= room:
            return shorter
    return "…"


def legend_beside(plt, ax, own_figure, handles, **kwargs):
    """A legend beside the axes if the figure makes room, otherwise where it hides least, in a font size that fits."""
    columns = -(-len(handles) // 12)
    width, height = axes_points(ax, own_figure)
    size = fitting_size([handle.get_label() for handle in handles], 0.4 * width / columns, legend_size(plt))
    size = min(size, max(4.0, 0.55 * height * columns / len(handles)))
    if room_beside(ax, own_figure):
        kwargs = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "frameon": False} | kwargs
    return ax.legend(handles=handles, ncols=columns, fontsize=size, handlelength=1.4, **kwargs)


def legend_size(plt):
    """The font size of legends in points."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=plt.rcParams["legend.fontsize"]).get_size_in_points()


def class_handles(names, plt):
    """The handles for a legend of the classes: a dot in each class's colour."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], linestyle="", marker="o", color=color, label=name)
        for name, color in zip(names, class_colors(len(names), plt), strict=True)
    ]


def tiles(count, h, w):
    """Numbers of rows and columns for a grid of `count` images of h x w, with an aspect ratio of about 3 to 4."""
    columns = min(count, max(1, round(np.sqrt(count * 4 / 3 * h / w))))
    return -(-count // columns), columns


def grid_figsize(rows, columns, h, w, labels=True):
    """The size of a figure for a grid of images of h x w, drawn by `image_grid`, and a colour bar."""
    gap = 0.12 * max(h, w)
    width, height = columns * (w + gap), rows * (h + gap)
    scale = min(7 / max(width, height), max(1.9, 3.2 / max(rows, columns)) / max(h, w))
    return (max(width * scale, 1.5) / 0.85 + 0.7, max(height * scale + 0.2 * rows * labels, 1.5) + 0.1)


def image_grid(plt, ax, own_figure, images, columns, labels, styles):
    """Draw images of h x w in rows of `columns`, each with a label above it; return their AxesImages.

    `styles` holds the arguments of imshow for each image.
    """
    h, w = images[0].shape[:2]
    gap = 0.12 * max(h, w)
    width = 0.85 * axes_points(ax, own_figure)[0] / columns  # the colour bar takes the rest
    size = fitting_size(labels, 0.95 * width, 0.8 * font_size(plt))
    line = 1.3 * size * (w + gap) / width if any(labels) else 0  # points to pixels
    drawn = []
    for k, (image, label, style) in enumerate(zip(images, labels, styles, strict=True)):
        row, column = divmod(k, columns)
        left, top = column * (w + gap), line + row * (h + line + gap)
        drawn.append(ax.imshow(image, extent=(left, left + w, top + h, top), interpolation="nearest", **style))
        ax.text(left + w / 2, top - 0.15 * line, label, ha="center", va="bottom", fontsize=size)
    rows = -(-len(images) // columns)
    ax.set(xlim=(-gap / 2, columns * (w + gap) - gap / 2), ylim=(rows * (h + line + gap) - gap, 0), aspect="equal")
    ax.set_axis_off()
    return drawn
