"""What the displays share: the model inside an estimator, axes, colours, names."""

from numbers import Integral

import numpy as np
from sklearn.base import is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils._set_output import _get_adapter_from_container
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from .._base import BaseBackprop

__all__ = [
    "SIGNED",
    "Inspected",
    "axes_for",
    "axes_points",
    "check_count",
    "check_names",
    "class_codes",
    "class_colors",
    "class_handles",
    "fitting_size",
    "font_size",
    "grid_figsize",
    "image_grid",
    "legend_beside",
    "legend_size",
    "like_frame",
    "plain_text",
    "pyplot",
    "resolve_image_shape",
    "room_beside",
    "signed_colors",
    "text_width",
    "tiles",
]

#: The colour map of signed values: blue below 0, red above. Its colours are told apart by colour-blind readers.
SIGNED = "RdBu_r"

#: Ten colours for classes, chosen by M. A. Petroff (arXiv:2107.02270) to be told apart by colour-blind readers, and
#: light enough for a dark background.
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
    """matplotlib.pyplot, imported when something is drawn and not before."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib: pip install "skbackprop[plot]" ({error})') from error
    return plt


class Inspected:
    """The fitted model inside an estimator, and the steps that its samples pass before they come to it.

    Parameters
    ----------
    estimator : estimator
        A fitted network, or what holds one: a Pipeline that ends in it, a search (``best_estimator_``), a
        TransformedTargetRegressor (``regressor_``).

    Attributes
    ----------
    estimator : estimator
        As given: it predicts for samples as they are before the steps.
    model : BaseBackprop
        The estimator of this package.
    steps : list of transformers
        The steps before it, in their order.

    Raises
    ------
    TypeError
        If there is no network at the end.
    NotFittedError
        If the network is not fitted.
    """

    def __init__(self, estimator):
        self.estimator, self.steps = estimator, []
        inner = estimator
        while not isinstance(inner, BaseBackprop):
            if isinstance(inner, Pipeline):
                self.steps += [step for _, step in inner.steps[:-1] if step not in (None, "passthrough")]
                inner = inner.steps[-1][1]
            elif isinstance(inner, TransformedTargetRegressor):
                check_is_fitted(inner)
                inner = inner.regressor_
            elif isinstance(inner, BaseSearchCV) or hasattr(inner, "best_estimator_"):
                check_is_fitted(inner)
                if not hasattr(inner, "best_estimator_"):
                    raise ValueError("the search has no best_estimator_: it was made with refit=False")
                inner = inner.best_estimator_
            else:
                raise TypeError(
                    "estimator must be a fitted BackpropClassifier, BackpropRegressor or BackpropAutoencoder, "
                    f"a Pipeline that ends in one, or a search over them; got {estimator!r}"
                )
        check_is_fitted(inner)
        self.model = inner

    @property
    def sizes(self):
        """M_0, ..., M_L."""
        coefs = self.model.coefs_
        return [coefs[0].shape[0], *(W.shape[1] for W in coefs)]

    @property
    def activation_names(self):
        """Names of the activations of layers 1, ..., L."""
        return list(self.model._activations)

    @property
    def n_features(self):
        """Number of features before the steps."""
        first = self.steps[0] if self.steps else self.model
        return getattr(self.estimator, "n_features_in_", getattr(first, "n_features_in_", self.sizes[0]))

    def inputs(self, X):
        """The network's samples: X after the steps."""
        for step in self.steps:
            X = step.transform(X)
        return X

    def input_names(self, given=None):
        """Names of the network's inputs: those given, else the features' as far as they have any, else x_1, x_2, ..."""
        n = self.sizes[0]
        if given is not None:
            return plain_text(check_names(given, n, "feature_names"))
        names = getattr(self.model, "feature_names_in_", None)
        if names is None and self.steps:
            names = self._names_after_steps()
        if names is None or len(names) != n or all(str(name) == f"x{k}" for k, name in enumerate(names)):
            return [f"$x_{{{k}}}$" for k in range(1, n + 1)]
        return plain_text(names)

    def _names_after_steps(self):
        names = getattr(self.steps[0], "feature_names_in_", None)
        try:
            for step in self.steps:
                names = step.get_feature_names_out(names)
        except (AttributeError, ValueError):  # a step that knows no names
            return None
        return names

    def feature_names(self, given=None):
        """Names of the features before the steps."""
        n = self.n_features
        if given is not None:
            return plain_text(check_names(given, n, "feature_names"))
        first = self.steps[0] if self.steps else self.model
        names = getattr(self.estimator, "feature_names_in_", getattr(first, "feature_names_in_", None))
        return [f"$x_{{{k}}}$" for k in range(1, n + 1)] if names is None else plain_text(names)

    @property
    def is_classifier(self):
        """Whether the network predicts classes."""
        return hasattr(self.model, "classes_")

    def class_names(self, given=None):
        """Names of the classes: those given, else the labels; none where there are no classes."""
        classes = getattr(self.model, "classes_", [])
        return plain_text(classes if given is None else check_names(given, len(classes), "class_names"))

    def target(self, y, class_names=None):
        """What colours samples: the codes of their classes and the classes' names, or values and None."""
        if np.ndim(y) != 1:
            raise ValueError(f"y must be one column of labels or values; got the shape {np.shape(y)}")
        y = np.asarray(y)
        if self.is_classifier:
            return class_codes(y, self.model.classes_), self.class_names(class_names)
        if is_regressor(self.model) or type_of_target(y) not in ("binary", "multiclass"):
            return y, None
        classes = np.unique(y)
        names = classes if class_names is None else check_names(class_names, len(classes), "class_names")
        return class_codes(y, classes), plain_text(names)

    def output_names(self, given=None, feature_names=None):
        """Names of the outputs: those given, else the classes, else ŷ_1, ŷ_2, ...

        Of two classes, which have one output, the name of the second. Of a network that reproduces its inputs, theirs.
        """
        n = self.sizes[-1]
        if self.is_classifier:
            names = self.class_names(given)
            return names if len(names) == n else names[-1:]
        if given is not None:
            return plain_text(check_names(given, n, "class_names"))
        if n == self.sizes[0] and not is_regressor(self.model):
            return self.input_names(feature_names)
        return [r"$\hat{y}$"] if n == 1 else [rf"$\hat{{y}}_{{{k}}}$" for k in range(1, n + 1)]


def check_names(names, n, parameter):
    """`names` as a list of n strings."""
    if isinstance(names, str) or len(names) != n:
        raise ValueError(f"{parameter} must be {n} names; got {names!r}")
    return [str(name) for name in names]


def plain_text(names):
    """The names as texts that matplotlib draws as they are: their $ begin no formula."""
    return [str(name).replace("$", r"\$") for name in names]


def check_count(value, parameter, least=1):
    """Raise unless `value` is an integer of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{parameter} must be an integer of at least {least}; got {value!r}")


def resolve_image_shape(image_shape, n_features):
    """`image_shape` as a tuple (h, w) or (h, w, 3) of n_features numbers."""
    shape = tuple(image_shape) if np.iterable(image_shape) else (image_shape,)
    if (
        not all(isinstance(m, Integral) for m in shape)
        or len(shape) not in (2, 3)
        or (len(shape) == 3 and shape[2] != 3)
        or np.prod(shape) != n_features
    ):
        raise ValueError(f"image_shape must be (h, w) or (h, w, 3), of {n_features} pixels in all; got {image_shape!r}")
    return shape


def axes_for(ax, caller, figsize):
    """pyplot, the axes to draw on, and whether they are new, in a figure of their own."""
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
    """Colours of signed values: the sign is the hue, |value| / largest the opacity. Array of shape (..., 4)."""
    values = np.asarray(values, dtype=float)
    low, high = plt.get_cmap(cmap)([0.15, 0.85])
    colors = np.where((values < 0)[..., None], low, high)
    colors[..., 3] = np.clip(np.abs(values) / (largest or 1), 0, 1)
    return colors


def font_size(plt):
    """The font size in points that texts have unless told otherwise."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=plt.rcParams["font.size"]).get_size_in_points()


def axes_points(ax, own_figure=False):
    """Width and height of the axes in points; about what a layout engine will leave of them, before it has run."""
    size = 72 / ax.figure.dpi * ax.figure.bbox.size
    if own_figure:
        return 0.97 * size
    size = size * ax.get_position().size
    return size if ax.figure.get_layout_engine() is None else size * [0.85, 1.1]


def room_beside(ax, own_figure):
    """Whether a layout engine makes room for what is put beside the axes."""
    return own_figure or ax.figure.get_layout_engine() is not None


def text_width(text, size):
    """The width of a text, its longest line, in points."""
    from matplotlib.cbook import is_math_text
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    math, font = is_math_text(text), FontProperties(size=size)
    lines = (text if math else text.replace(r"\$", "$")).split("\n")
    return max(text_to_path.get_text_width_height_descent(line, font, math)[0] for line in lines)


def fitting_size(texts, room, size, least=5.0):
    """The font size, at most `size`, at which the longest of the texts fits into `room` points."""
    widest = max((text_width(text, size) for text in texts), default=0)
    return size if widest <= room else max(least, size * room / widest)


def class_codes(y, classes):
    """The position of each label in the sorted classes."""
    y = np.asarray(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y has labels that the estimator does not know: {unknown}; it knows {classes}")
    return np.searchsorted(classes, y)


def like_frame(values, X):
    """The values with the columns of X where X is a data frame, so that the estimator finds its features' names."""
    adapter = _get_adapter_from_container(X) if hasattr(X, "columns") else None
    return values if adapter is None else adapter.create_container(values, values, columns=list(X.columns))


def legend_beside(plt, ax, own_figure, handles, **kwargs):
    """A legend beside the axes where the figure makes room for it, else where it hides least; in letters that fit."""
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
    """What a legend of the classes shows: a dot in each class's colour."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], linestyle="", marker="o", color=color, label=name)
        for name, color in zip(names, class_colors(len(names), plt), strict=True)
    ]


def tiles(count, h, w):
    """Rows and columns of a grid of `count` images of h x w, about as 3 to 4."""
    columns = min(count, max(1, round(np.sqrt(count * 4 / 3 * h / w))))
    return -(-count // columns), columns


def grid_figsize(rows, columns, h, w, labels=True):
    """A figure for rows and columns of images of h x w, as `image_grid` draws them, and a colour bar."""
    gap = 0.12 * max(h, w)
    width, height = columns * (w + gap), rows * (h + gap)
    scale = min(7 / max(width, height), max(1.9, 3.2 / max(rows, columns)) / max(h, w))
    return (max(width * scale, 1.5) / 0.85 + 0.7, max(height * scale + 0.2 * rows * labels, 1.5) + 0.1)


def image_grid(plt, ax, own_figure, images, columns, labels, styles):
    """Draw images of h x w in rows of `columns`, each with a label above it; an AxesImage each.

    `styles` has the arguments of imshow for each image.
    """
    h, w = images[0].shape[:2]
    gap = 0.12 * max(h, w)
    width = 0.85 * axes_points(ax, own_figure)[0] / columns  # a colour bar takes the rest
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
