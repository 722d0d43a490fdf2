"""NetworkDisplay: the network as a graph."""

import numpy as np

from ._drawing import (
    SIGNED,
    axes_for,
    axes_points,
    check_count,
    fitting_size,
    font_size,
    pyplot,
    signed_colors,
    text_width,
)
from ._inspected import Inspected, check_names

__all__ = ["NetworkDisplay"]


class NetworkDisplay:
    """The network as a graph: a column of circles for each layer, a line for each weight.

    The line from unit k of layer l−1 to unit j of layer l is W^l_jk (:ref:`the lecture, section 2 <lecture-2>`): its
    hue is the sign, its width and opacity are ``|W^l_jk|`` over the largest of W^l. The filling of unit j is the bias
    b^l_j in the same way. Layers of more than `max_units` units are drawn by their first and last units.

    Make it by `from_estimator`.

    Parameters
    ----------
    coefs : list of array-like of shape (M_(l-1), M_l)
        The transposes of W^1, ..., W^L.
    intercepts : list of array-like of shape (M_l,)
        b^1, ..., b^L.
    activations : list of str
        The names of the activations of layers 1, ..., L.
    feature_names : list of str, default=None
        The names of the M_0 inputs.
    output_names : list of str, default=None
        The names of the M_L outputs.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Its figure.
    units_ : list of ndarray of int
        For each layer 0, ..., L the units that are drawn, from the top.
    edges_ : list of matplotlib LineCollection
        For each layer 1, ..., L the lines that lead to it. Line ``k * len(units_[l]) + j`` goes from the k-th unit
        drawn in layer l−1 to the j-th in layer l.
    nodes_ : list of matplotlib EllipseCollection
        For each layer 0, ..., L its circles.
    titles_ : list of matplotlib Text
        For each layer its name, M_l and activation.
    texts_ : list of matplotlib Text
        The names of inputs and outputs, from the top.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import NetworkDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = BackpropClassifier((8,), random_state=0).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(model, class_names=["setosa", "versicolor", "virginica"])
    >>> [len(edges.get_segments()) for edges in display.edges_]
    [32, 24]
    """

    def __init__(self, *, coefs, intercepts, activations, feature_names=None, output_names=None):
        self.coefs = coefs
        self.intercepts = intercepts
        self.activations = activations
        self.feature_names = feature_names
        self.output_names = output_names

    @classmethod
    def from_estimator(cls, estimator, *, max_units=16, feature_names=None, class_names=None, cmap=SIGNED, ax=None):
        """Draw the network of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search
            or a TransformedTargetRegressor around them.
        max_units : int, default=16
            The most units, at least 2, that are drawn of a layer.
        feature_names : sequence of str, default=None
            Names of the network's M_0 inputs; None takes those it was fitted with, or that the Pipeline gives them.
        class_names : sequence of str, default=None
            Names of the classes, in the order of ``classes_``, or of a regressor's outputs; None takes the labels.
        cmap : str or Colormap, default="RdBu_r"
            A diverging colour map; the colours of negative and positive numbers are taken from its two halves.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.

        Returns
        -------
        display : NetworkDisplay
            The picture and its parts.

        Raises
        ------
        TypeError
            If there is no network in the estimator.
        NotFittedError
            If it is not fitted.
        ValueError
            If `max_units` or the number of names is not allowed.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        inspected = Inspected(estimator)
        return cls(
            coefs=inspected.model.coefs_,
            intercepts=inspected.model.intercepts_,
            activations=inspected.activation_names,
            feature_names=inspected.input_names(feature_names),
            output_names=inspected.output_names(class_names, feature_names),
        ).plot(ax, max_units=max_units, cmap=cmap)

    def plot(self, ax=None, *, max_units=16, cmap=SIGNED):
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        max_units : int, default=16
            The most units, at least 2, that are drawn of a layer.
        cmap : str or Colormap, default="RdBu_r"
            A diverging colour map; the colours of negative and positive numbers are taken from its two halves.

        Returns
        -------
        display : NetworkDisplay
            This object.

        Raises
        ------
        ValueError
            If `max_units` or the number of names is not allowed.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{type(self).__name__}.plot")
        check_count(max_units, "max_units", least=2)
        sizes = [self.coefs[0].shape[0], *(W.shape[1] for W in self.coefs)]
        self.units_ = [_shown(m, max_units) for m in sizes]
        heights = [_heights(units, m) for units, m in zip(self.units_, sizes, strict=True)]
        rows = max(-h[-1] for h in heights) * 2 + 1
        figsize = (2.4 * len(self.coefs) + 2.6, float(np.clip(0.34 * rows + 1.2, 3.2, 14)))
        plt, self.ax_, own = axes_for(ax, f"{type(self).__name__}.plot", figsize)
        self.figure_ = self.ax_.figure
        size = self._frame(plt, axes_points(self.ax_, own), sizes, rows)
        self._draw_edges(plt, heights, cmap)
        self._draw_nodes(plt, sizes, heights, cmap)
        self._draw_names(sizes, heights, size)
        return self

    def _frame(self, plt, points, sizes, rows):
        """Titles, limits and legend: everything has its room in points. Returns the font size of the names."""
        ax, L = self.ax_, len(self.coefs)
        base = font_size(plt)
        width, height = self._points = points
        names = [self._names(end) for end in (0, -1)]
        titles = [
            _title(l, m, activation)
            for l, (m, activation) in enumerate(zip(sizes, [None, *self.activations], strict=True))
        ]
        title_size = fitting_size(titles, 0.95 * width / (L + 1), base)
        title_room, legend_room = 4.6 * title_size, 2.2 * title_size
        self._row = max((height - title_room - legend_room) / rows, 1.0)
        self._radius = min(0.33, 13 / self._row)
        size = min(base, max(0.9 * self._row, 4.0))
        size = min(fitting_size(n, 0.3 * width, size) for n in names)
        gap = self._radius * self._row + 0.5 * size
        margins = [
            max(
                gap + max((text_width(name, size) for name in n), default=0),
                text_width(title, title_size) / 2,
            )
            for n, title in zip(names, (titles[0], titles[-1]), strict=True)
        ]
        column = max(width - sum(margins), 0.2 * width) / L
        title_size = fitting_size(titles, 0.9 * column, title_size)
        self._gap = gap
        ax.set(
            xlim=(-margins[0] / column, L + margins[1] / column),
            ylim=(-rows / 2 - legend_room / self._row, rows / 2 + title_room / self._row),
        )
        ax.set_axis_off()
        top = rows / 2 + 0.6 * title_size / self._row
        self.titles_ = [
            ax.text(l, top, title, ha="center", va="bottom", fontsize=title_size, linespacing=1.3, in_layout=False)
            for l, title in enumerate(titles)
        ]
        return size

    def _names(self, end):
        """The names of the inputs (0) or the outputs (-1) that are drawn."""
        names, n = (
            (self.feature_names, self.coefs[0].shape[0]) if end == 0 else (self.output_names, self.coefs[-1].shape[1])
        )
        if names is None:
            return []
        return [check_names(names, n, "feature_names" if end == 0 else "output_names")[k] for k in self.units_[end]]

    def _draw_edges(self, plt, heights, cmap):
        from matplotlib.collections import LineCollection
        from matplotlib.lines import Line2D

        self.edges_ = []
        widest = float(np.clip(self._row / 8, 0.8, 3))
        for l, W in enumerate(self.coefs, start=1):
            start, end = heights[l - 1], heights[l]
            segments = np.empty((len(start), len(end), 2, 2))
            segments[..., 0, 0], segments[..., 1, 0] = l - 1, l
            segments[..., 0, 1], segments[..., 1, 1] = start[:, None], end
            weights = np.asarray(W)[np.ix_(self.units_[l - 1], self.units_[l])].ravel()
            largest = np.abs(W).max()
            edges = LineCollection(
                segments.reshape(-1, 2, 2),
                colors=signed_colors(weights, largest, plt, cmap),
                linewidths=0.2 + widest * np.abs(weights) / (largest or 1),
                zorder=1,
            )
            self.edges_.append(self.ax_.add_collection(edges, autolim=False))
        labels = ["positive weight, bias", "negative weight, bias"]
        size = fitting_size(["".join(labels)], 0.72 * self._points[0], self.titles_[0].get_fontsize())
        handles = [
            Line2D(
                [],
                [],
                color=signed_colors(sign, 1, plt, cmap),
                linewidth=2,
                marker="o",
                markeredgecolor=plt.rcParams["text.color"],
                label=label,
            )
            for sign, label in zip((1, -1), labels, strict=True)
        ]
        legend = self.ax_.legend(
            handles=handles,
            loc="lower center",
            ncols=2,
            frameon=False,
            fontsize=size,
            borderaxespad=0,
            borderpad=0.2,
        )
        legend.set_in_layout(False)

    def _draw_nodes(self, plt, sizes, heights, cmap):
        from matplotlib.collections import EllipseCollection
        from matplotlib.colors import to_rgb

        background = next(
            (c for c in (self.ax_.get_facecolor(), self.figure_.get_facecolor()) if c[3] == 1), to_rgb("white")
        )
        ring = plt.rcParams["text.color"]
        self.nodes_ = []
        for l, y in enumerate(heights):
            fill = np.tile(np.array(background[:3]), (len(y), 1))
            if l > 0:
                b = np.asarray(self.intercepts[l - 1])
                color = signed_colors(b[self.units_[l]], np.abs(b).max(), plt, cmap)
                fill = color[:, 3:] * color[:, :3] + (1 - color[:, 3:]) * fill  # opaque: no line shows through
            diameter = np.full(len(y), 2 * self._radius)
            nodes = EllipseCollection(
                diameter,
                diameter,
                np.zeros(len(y)),
                units="y",
                offsets=np.column_stack([np.full(len(y), l), y]),
                offset_transform=self.ax_.transData,
                facecolors=fill,
                edgecolors=ring,
                linewidths=float(np.clip(self._row / 20, 0.4, 1.0)),
                zorder=2,
            )
            self.nodes_.append(self.ax_.add_collection(nodes, autolim=False))
            if len(y) < sizes[l]:
                middle = (y[-(-len(y) // 2) - 1] + y[-(-len(y) // 2)]) / 2
                dots = middle + np.array([-0.28, 0, 0.28])
                self.ax_.plot(np.full(3, l), dots, "o", color=ring, markersize=float(np.clip(self._row / 8, 0.8, 2.5)))

    def _draw_names(self, sizes, heights, size):
        L = len(self.coefs)
        self.texts_ = [
            self.ax_.annotate(
                name,
                (l, y),
                (gap, 0),
                textcoords="offset points",
                ha=ha,
                va="center",
                fontsize=size,
                in_layout=False,
            )
            for end, l, gap, ha in ((0, 0, -self._gap, "right"), (-1, L, self._gap, "left"))
            for y, name in zip(heights[end], self._names(end), strict=False)
        ]


def _shown(m, max_units):
    """The units that are drawn of a layer of m: all, or the first and the last."""
    if m <= max_units:
        return np.arange(m)
    return np.r_[: -(-max_units // 2), m - max_units // 2 : m]


def _heights(units, m):
    """The units' places in their column, one apart, and one place left out for the units that are not drawn."""
    place = np.arange(len(units), dtype=float)
    if len(units) < m:
        place[-(-len(units) // 2) :] += 1
    return place[-1] / 2 - place


def _title(l, m, activation):
    """What stands above layer l; activation None is the input."""
    if activation is None:
        return f"input\n$M_0 = {m}$\n"
    return f"layer {l}\n$M_{{{l}}} = {m}$\n{activation.replace('_', ' ')}"
