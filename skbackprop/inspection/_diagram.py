"""NetworkDisplay: the network as a graph."""

import numpy as np

from ._drawing import (
    SIGNED,
    axes_for,
    axes_points,
    check_count,
    elided,
    fitting_size,
    font_size,
    pyplot,
    signed_colors,
    text_width,
)
from ._inspected import Inspected, check_names

__all__ = ["NetworkDisplay"]

#: Room for the titles and the colour bars, in font sizes.
TITLE_ROOM, BARS_ROOM = 4.6, 4.4
#: The font size in points below which numbers in circles are illegible.
SMALLEST_NUMBER = 4.0


class NetworkDisplay:
    """The network as a graph: a column of circles for each layer, and a line for each weight.

    The line from unit k of layer l−1 to unit j of layer l is W^l_jk (:ref:`the lecture, section 2 <lecture-2>`). Its
    hue shows the sign; its width and opacity show ``|W^l_jk|`` relative to the largest in W^l. The fill of unit j shows
    the bias b^l_j in the same way. A colour bar below each layer's weights gives both scales. Hidden units are numbered
    from 1.

    Of a layer with more than `max_units` units, only the most important are drawn, ordered by number; a note below them
    says how many are left out. A unit's importance is the norm of its incoming weights times the norm of its outgoing
    weights; inputs and outputs have only one of the two.

    Create it with `from_estimator`.

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
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure containing the axes.
    units_ : list of ndarray of int
        For each layer 0, ..., L, the units that are drawn, from top to bottom, counted from 0.
    edges_ : list of matplotlib LineCollection
        For each layer 1, ..., L, the lines that lead to it. Line ``k * len(units_[l]) + j`` goes from the k-th unit
        drawn in layer l−1 to the j-th in layer l.
    nodes_ : list of matplotlib EllipseCollection
        For each layer 0, ..., L, its circles.
    titles_ : list of matplotlib Text
        For each layer, its name, M_l and activation.
    texts_ : list of matplotlib Text
        The names of the inputs and outputs, from top to bottom. Names that do not fit are shortened in the middle.
    numbers_ : list of list of matplotlib Text
        For each hidden layer, the numbers of its units, counted from 1; empty if the circles are too small.
    colorbars_ : list of matplotlib AxesImage
        For each layer 1, ..., L, the colours from the largest negative to the largest positive weight.

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
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search or a
            TransformedTargetRegressor around them.
        max_units : int, default=16
            Maximum number of units drawn per layer, at least 2.
        feature_names : sequence of str, default=None
            Names of the network's M_0 inputs. None uses those it was fitted with or that the Pipeline produces.
        class_names : sequence of str, default=None
            Names of the classes, in the order of ``classes_``, or of a regressor's outputs. None uses the labels.
        cmap : str or Colormap, default="RdBu_r"
            A diverging colour map, whose two halves provide the colours of negative and positive numbers.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : NetworkDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If the estimator does not contain a network.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `max_units` or the number of names is invalid.
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
            The axes to draw on. None creates a new figure.
        max_units : int, default=16
            Maximum number of units drawn per layer, at least 2.
        cmap : str or Colormap, default="RdBu_r"
            A diverging colour map, whose two halves provide the colours of negative and positive numbers.

        Returns
        -------
        display : NetworkDisplay
            This object.

        Raises
        ------
        ValueError
            If `max_units` or the number of names is invalid.
        ImportError
            If matplotlib is not installed.
        """
        caller = f"{type(self).__name__}.plot"
        plt = pyplot(caller)
        check_count(max_units, "max_units", least=2)
        sizes = [self.coefs[0].shape[0], *(W.shape[1] for W in self.coefs)]
        self.units_ = [
            np.sort(np.argsort(-importance, kind="stable")[:max_units]) for importance in _importance(self.coefs)
        ]
        names = [self._names(end) for end in (0, -1)]
        places = [len(units) + (len(units) < m) for units, m in zip(self.units_, sizes, strict=True)]
        heights = [(n - 1) / 2 - np.arange(n) for n in places]  # the last is that of the units that are not drawn
        base = font_size(plt)
        _, self.ax_, own = axes_for(ax, caller, _figsize(names, len(self.coefs), max(places), base))
        self.figure_ = self.ax_.figure
        names, size = self._frame(axes_points(self.ax_, own), base, names, sizes, max(places))
        self._draw_edges(plt, heights, cmap)
        self._draw_nodes(plt, sizes, heights, cmap)
        self._draw_names(names, heights, size)
        self._draw_colorbars(plt, cmap)
        return self

    def _frame(self, points, base, names, sizes, rows):
        """Set titles and limits, laid out in points. Returns the names, shortened to fit, and their font size."""
        ax, L = self.ax_, len(self.coefs)
        width, height = points
        titles = [
            _title(l, m, activation)
            for l, (m, activation) in enumerate(zip(sizes, [None, *self.activations], strict=True))
        ]
        title_size = fitting_size(titles, 0.95 * width / (L + 1), base)
        title_room, self._bars_room = TITLE_ROOM * title_size, BARS_ROOM * title_size
        self._row = max((height - title_room - self._bars_room) / rows, 1.0)
        self._radius = min(0.36, 1.3 * base / self._row)
        size = min(base, max(0.9 * self._row, 4.0))
        names_room = 0.6 * width
        size = max(min(size, 5.0), size * min(1, names_room / (sum(_widest(n, size) for n in names) or 1)))
        self._gap = self._radius * self._row + 0.5 * size
        rooms = [max(names_room / 2, names_room - _widest(names[end], size)) for end in (-1, 0)]
        names = [[elided(name, room, size) for name in n] for n, room in zip(names, rooms, strict=True)]
        margins = [
            max(
                self._gap + _widest(names[end], size),
                text_width(titles[end], title_size) / 2,
                text_width(self._left_out(end, sizes), title_size) / 2,
            )
            for end in (0, -1)
        ]
        self._column = max(width - sum(margins), 0.2 * width) / L
        title_size = fitting_size(titles, 0.9 * self._column, title_size)
        self._title_size, self._bottom = title_size, -rows / 2
        ax.set(
            xlim=(-margins[0] / self._column, L + margins[1] / self._column),
            ylim=(-rows / 2 - self._bars_room / self._row, rows / 2 + title_room / self._row),
        )
        ax.set_axis_off()
        top = rows / 2 + 0.6 * title_size / self._row
        self.titles_ = [
            ax.text(l, top, title, ha="center", va="bottom", fontsize=title_size, linespacing=1.3, in_layout=False)
            for l, title in enumerate(titles)
        ]
        return names, size

    def _left_out(self, l, sizes):
        """The note about the units of layer l that are not drawn."""
        n = sizes[l] - len(self.units_[l])
        return f"{n} with smaller weights" if n else ""

    def _names(self, end):
        """The names of the inputs (0) or outputs (-1) that are drawn."""
        names, n = (
            (self.feature_names, self.coefs[0].shape[0]) if end == 0 else (self.output_names, self.coefs[-1].shape[1])
        )
        if names is None:
            return []
        return [check_names(names, n, "feature_names" if end == 0 else "output_names")[k] for k in self.units_[end]]

    def _draw_edges(self, plt, heights, cmap):
        from matplotlib.collections import LineCollection

        self.edges_ = []
        widest = float(np.clip(self._row / 8, 0.8, 3))
        for l, W in enumerate(self.coefs, start=1):
            start, end = (heights[k][: len(self.units_[k])] for k in (l - 1, l))
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

    def _draw_nodes(self, plt, sizes, heights, cmap):
        from matplotlib.colors import to_rgb

        background = next(
            (c for c in (self.ax_.get_facecolor(), self.figure_.get_facecolor()) if c[3] == 1), to_rgb("white")
        )
        ring = dict(edgecolors=plt.rcParams["text.color"], linewidths=float(np.clip(self._row / 20, 0.4, 1.0)))
        self.nodes_, self.numbers_ = [], []
        for l, (units, y) in enumerate(zip(self.units_, heights, strict=True)):
            places = np.column_stack([np.full(len(units), l), y[: len(units)]])
            nodes = self._circles(places, facecolors=[background], zorder=2, **ring)  # no line shows through
            if l > 0:
                b = np.asarray(self.intercepts[l - 1])
                fill = signed_colors(b[units], np.abs(b).max(), plt, cmap)
                nodes = self._circles(places, facecolors=fill, zorder=2.1, **ring)
            self.nodes_.append(nodes)
            if 0 < l < len(heights) - 1:
                self.numbers_.append(self._number(units, places))
            if text := self._left_out(l, sizes):
                size = fitting_size([text], 0.9 * self._column, min(self._title_size, 0.9 * self._row))
                self.ax_.text(l, y[-1], text, ha="center", va="center", fontsize=size, style="italic", in_layout=False)

    def _circles(self, places, **style):
        """The circles of a layer."""
        from matplotlib.collections import EllipseCollection

        diameter = np.full(len(places), 2 * self._radius)
        at = dict(units="y", offsets=places, offset_transform=self.ax_.transData)
        circles = EllipseCollection(diameter, diameter, np.zeros(len(places)), **at, **style)
        return self.ax_.add_collection(circles, autolim=False)

    def _number(self, units, places):
        """Write the numbers of the units into their circles."""
        numbers, diameter = [str(j + 1) for j in units], 2 * self._radius * self._row
        size = fitting_size(numbers, 0.75 * diameter, min(0.6 * diameter, self._title_size), least=1.0)
        if size < SMALLEST_NUMBER:
            return []
        style = dict(ha="center", va="center_baseline", fontsize=size, zorder=3, in_layout=False)
        return [self.ax_.text(*place, number, **style) for place, number in zip(places, numbers, strict=True)]

    def _draw_names(self, names, heights, size):
        ends = ((0, 0, -self._gap, "right"), (-1, len(self.coefs), self._gap, "left"))
        style = dict(textcoords="offset points", va="center", fontsize=size, in_layout=False)
        self.texts_ = [
            self.ax_.annotate(name, (l, y), (gap, 0), ha=ha, **style)
            for end, l, gap, ha in ends
            for y, name in zip(heights[end], names[end], strict=False)
        ]

    def _draw_colorbars(self, plt, cmap):
        """Draw a colour bar below the weights of each layer, labelled with the largest weight and bias."""
        colors = signed_colors(np.linspace(-1, 1, 101), 1, plt, cmap)[None]
        line = self._bars_room / BARS_ROOM / self._row
        top, bottom = self._bottom - 0.4 * line, self._bottom - line
        arrays = list(zip(self.coefs, self.intercepts, strict=True))
        largest = [[f"{np.abs(array).max():.2g}" for array in layer] for layer in arrays]
        ends = [("\n".join(f"−{number}" for number in layer), "\n".join(layer)) for layer in largest]
        size = fitting_size([low for low, _ in ends], 0.33 * self._column, self._title_size, least=4.0)
        style = dict(va="top", fontsize=size, linespacing=1.3, in_layout=False)
        self.colorbars_ = []
        for l, (low, high) in enumerate(ends, start=1):
            left, right = l - 0.9, l - 0.1
            image = self.ax_.imshow(colors, extent=(left, right, bottom, top), aspect="auto", interpolation="bilinear")
            self.colorbars_.append(image)
            labels = [(left, low, "left"), (l - 0.5, f"$W^{{{l}}}$\n$b^{{{l}}}$", "center"), (right, high, "right")]
            if text_width(low, size) + text_width(high, size) + 1.5 * size > 0.8 * self._column:
                del labels[1]  # no room: the place of the bar says whose scale it is
            for x, text, ha in labels:
                self.ax_.text(x, bottom - 0.3 * line, text, ha=ha, **style)


def _importance(coefs):
    """For each unit of each layer, the norm of its incoming weights times that of its outgoing weights."""
    coefs = [np.asarray(W, dtype=float) for W in coefs]
    to = [1.0, *(np.linalg.norm(W, axis=0) for W in coefs)]
    away = [*(np.linalg.norm(W, axis=1) for W in coefs), 1.0]
    return [first * second for first, second in zip(to, away, strict=True)]


def _figsize(names, L, rows, base):
    """The size of a figure, in inches, with room for the layers and for the names, unless these are very long."""
    width = 17 * base * L + 4 * base + sum(_widest(n, base) for n in names)
    height = max(24, 1.8 * base) * rows + (TITLE_ROOM + BARS_ROOM) * base
    return float(np.clip(width / 72, 3.6, 16)), float(np.clip(height / 72, 2.8, 14))


def _widest(names, size):
    """The width of the longest name in points."""
    return max((text_width(name, size) for name in names), default=0)


def _title(l, m, activation):
    """The title above layer l; the input has no activation (None)."""
    if activation is None:
        return f"input\n$M_0 = {m}$\n"
    return f"layer {l}\n$M_{{{l}}} = {m}$\n{activation.replace('_', ' ')}"
