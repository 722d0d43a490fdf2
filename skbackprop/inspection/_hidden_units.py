"""HiddenUnitsDisplay: what the hidden units respond to, and what they contribute."""

import copy

import numpy as np
from sklearn.base import is_regressor
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array

from ._drawing import (
    SIGNED,
    axes_for,
    check_count,
    class_colors,
    class_handles,
    font_size,
    grid_figsize,
    image_grid,
    legend_beside,
    pyplot,
    resolve_image_shape,
    room_beside,
    tiles,
)
from ._inspected import Inspected, like_frame

__all__ = ["HiddenUnitsDisplay"]

#: Length of the arrows in points.
ARROW = 12.0
#: The numbers of the units are shown for at most this many units.
MOST_NUMBERS = 20
#: Multiples of it, modulo 1, are spread evenly.
GOLDEN = 0.618034


class HiddenUnitsDisplay:
    """What the hidden units respond to, and what they contribute: lines in a plane, parts of a curve, or images.

    With two features, each unit j of the first layer is a linear classifier with the line z_j = ⟨W_j, x⟩ + b_j = 0. An
    arrow points to the side where z_j > 0. The following layers combine these classifiers into the decision
    (:ref:`the lecture, section 5 <lecture-5>`), drawn as coloured regions, or as contours of the prediction for a
    regressor. Nonlinear steps of a Pipeline before the network bend the lines. Misclassified samples have a ring.

    With more features, the same is drawn in the plane of the first two principal components of the standardised
    samples. Regions and lines are those of points in this plane; the samples, most of which lie outside it, are
    projected onto it.

    With one feature, the prediction is drawn as a function of the feature. Dashed lines show the contribution of each
    unit in the last hidden layer: what the network would predict with this unit alone. If the output is an identity
    unit, as a regressor's is by default, the parts add up to the prediction, with the output's bias counted once.

    With `image_shape`, the weights W_j of each unit are drawn as an image, all on one scale centred at 0. Colour images
    are ``0.5 + W_j / (2 max |W|)``, so that grey is 0.

    Create it with `from_estimator`.

    Parameters
    ----------
    units : array-like of int
        The units to draw, in order.
    weights : array-like of shape (n_units, M_0), default=None
        Their weights, for images.
    image_shape : tuple, default=None
        (h, w) or (h, w, 3).
    grid : tuple of two array-like of shape (n, n) or one of shape (n,), default=None
        The points of the plane, x_1 and x_2, as returned by `numpy.meshgrid`, or the values of the one feature.
    z : array-like of shape (n_units, n, n), default=None
        z_j at these points, for lines.
    response : array-like of shape (n_outputs, n, n) or (n_outputs, n), default=None
        At the points of a plane, the margin of each class (positive where it is predicted) or the prediction of a
        regressor. At the values of one feature, the probability of each class, only of the second if there are two, or
        the prediction.
    kind : {"classes", "labels", "values"}, default=None
        What the response is: margins of mutually exclusive classes, margins of labels, or values.
    parts : array-like of shape (n_units, n), default=None
        At the values of one feature, the response with each unit alone.
    samples : array-like of shape (n_samples, 2) or (n_samples, 1), default=None
        Samples to draw.
    target : array-like of shape (n_samples,), default=None
        Their classes, as integers, or their values.
    misclassified : array-like of bool of shape (n_samples,), default=None
        Which samples are misclassified.
    feature_names : list of str, default=None
        Names of the features, or of the axes of the plane.
    class_names : list of str, default=None
        Names of the classes.
    output_name : str, default=None
        With one feature, the name of the output whose parts are drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure containing the axes.
    lines_ : list of matplotlib QuadContourSet
        The line of each unit in `units`; None where it is not visible. Empty with images and with one feature.
    arrows_ : matplotlib Quiver or None
        The arrows, for the units whose line is visible.
    regions_ : list of matplotlib QuadContourSet
        The region of each class, or the single contour plot of the prediction. With one feature, a matplotlib Patch
        for each interval in which a class is predicted.
    boundaries_ : list of matplotlib QuadContourSet
        The boundary of each class or label.
    scatter_ : matplotlib PathCollection or None
        The samples.
    misclassified_ : matplotlib PathCollection or None
        The rings around samples of another class than is predicted.
    prediction_lines_ : list of matplotlib Line2D
        With one feature, the prediction, or the probability of each class.
    part_lines_ : list of matplotlib Line2D
        With one feature, the part of each unit in `units`.
    images_ : list of matplotlib AxesImage
        The image of each unit in `units`; empty without images.
    colorbar_ : matplotlib Colorbar or None
        The colour bar of the images or of the prediction.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import HiddenUnitsDisplay
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> model = BackpropClassifier((6,), learning_rate=0.3, random_state=0).fit(X, y)
    >>> display = HiddenUnitsDisplay.from_estimator(model, X, y)
    >>> len(display.lines_)
    6
    """

    def __init__(
        self,
        *,
        units,
        weights=None,
        image_shape=None,
        grid=None,
        z=None,
        response=None,
        kind=None,
        parts=None,
        samples=None,
        target=None,
        misclassified=None,
        feature_names=None,
        class_names=None,
        output_name=None,
    ):
        self.units = units
        self.weights = weights
        self.image_shape = image_shape
        self.grid = grid
        self.z = z
        self.response = response
        self.kind = kind
        self.parts = parts
        self.samples = samples
        self.target = target
        self.misclassified = misclassified
        self.feature_names = feature_names
        self.class_names = class_names
        self.output_name = output_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        y=None,
        *,
        image_shape=None,
        max_units=36,
        sort=True,
        output=0,
        grid_resolution=200,
        feature_names=None,
        class_names=None,
        cmap=None,
        ax=None,
    ):
        """Draw the hidden units of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search or a
            TransformedTargetRegressor around them.
        X : array-like of shape (n_samples, n_features), default=None
            Samples, which determine the range drawn. Not used for images, and required otherwise.
        y : array-like of shape (n_samples,), default=None
            Their classes or target values, which determine their colours.
        image_shape : tuple of int, default=None
            (h, w) or (h, w, 3): draw the weights as images of this shape, whose pixels are the features in C order.
        max_units : int, default=36
            Maximum number of units drawn: those with the largest ‖W_j‖, with one feature those whose part varies most,
            or the first ones with ``sort=False``.
        sort : bool, default=True
            Whether to draw the units with the largest ‖W_j‖, or the most varying parts, in this order.
        output : int, default=0
            The output to draw, for a regressor with several. With one feature, also the class (of more than two) or the
            label whose parts are drawn.
        grid_resolution : int, default=200
            Number of grid points in each direction, at least 2.
        feature_names : sequence of str, default=None
            Names of the features. None uses those that the estimator was fitted with.
        class_names : sequence of str, default=None
            Names of the classes, in the order of ``classes_``. None uses the labels.
        cmap : str or Colormap, default=None
            A colour map, which should be diverging for images. None uses "RdBu_r" for images and "viridis" for
            predictions.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : HiddenUnitsDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If the estimator does not contain a network.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X is required but missing, if it does not have the estimator's number of features, or if an argument is
            out of range.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        inspected = Inspected(estimator)
        model = inspected.model
        check_count(max_units, "max_units")
        W = model.coefs_[0].T
        norms = np.linalg.norm(W, axis=1)
        units = np.argsort(-norms, kind="stable")[:max_units] if sort else np.arange(len(W))[:max_units]
        if image_shape is not None:
            shape = resolve_image_shape(image_shape, W.shape[1])
            return cls(units=units, weights=W[units], image_shape=shape).plot(ax, cmap=cmap)
        samples = _samples(X, inspected.n_features)
        check_count(grid_resolution, "grid_resolution", least=2)
        names = inspected.feature_names(feature_names)
        if samples.shape[1] > 2:
            plane = make_pipeline(StandardScaler(), PCA(2, random_state=0))
            samples = plane.fit_transform(samples)
            names = [
                f"PC {k} ({share:.0%} of variance)"
                for k, share in enumerate(plane[-1].explained_variance_ratio_, start=1)
            ]
        grid = np.meshgrid(*_axes(samples, grid_resolution))
        points = np.column_stack([x.ravel() for x in grid])
        points = like_frame(plane.inverse_transform(points) if inspected.n_features > 2 else points, X)
        if len(grid) == 1:
            kind, response, parts, output_name = _curves(inspected, points, output, class_names)
            ranges = np.ptp(parts, axis=1)
            units = (np.argsort(-ranges, kind="stable") if sort else np.arange(len(parts)))[:max_units]
            what = dict(parts=parts[units], response=response, output_name=output_name)
        else:
            z = model._z(model._validate_for_output(inspected.inputs(points)), 1)
            kind, response = _response(inspected, points, output)
            if response is not None:
                response = response.reshape(-1, *grid[0].shape)
            what = dict(z=z.T[units].reshape(-1, *grid[0].shape), response=response)
        if y is not None and np.ndim(y) > 1:
            y = np.asarray(y)[:, output] if kind == "values" else None  # several labels have no single colour
        target, classes, misclassified = None, inspected.class_names(class_names), None
        if y is not None:
            target, classes = inspected.target(y, class_names)
            if kind == "classes":
                misclassified = np.asarray(inspected.estimator.predict(X)) != np.asarray(y)
        return cls(
            units=units,
            grid=grid,
            kind=kind,
            samples=samples,
            target=target,
            misclassified=misclassified,
            feature_names=names,
            class_names=classes,
            **what,
        ).plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap=None):
        """Draw the units.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.
        cmap : str or Colormap, default=None
            A colour map, which should be diverging for images. None uses "RdBu_r" for images and "viridis" for
            predictions.

        Returns
        -------
        display : HiddenUnitsDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        caller = f"{type(self).__name__}.plot"
        self.lines_, self.regions_, self.boundaries_, self.images_ = [], [], [], []
        self.prediction_lines_, self.part_lines_ = [], []
        self.arrows_ = self.scatter_ = self.misclassified_ = self.colorbar_ = None
        if self.image_shape is not None:
            self._plot_images(ax, caller, SIGNED if cmap is None else cmap)
            return self
        plt, self.ax_, own = axes_for(ax, caller, (6.4, 4.8))
        self.figure_ = self.ax_.figure
        if len(self.grid) == 1:
            self._plot_curves(plt, own)
            return self
        x, y = self.grid
        self.ax_.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
        if self.feature_names is not None:
            self.ax_.set(xlabel=self.feature_names[0], ylabel=self.feature_names[1])
        self._draw_response(plt, "viridis" if cmap is None else cmap)
        self._draw_samples(plt, self.samples)
        self._draw_legend(plt, own)
        self._draw_lines(plt, own)
        return self

    def _plot_curves(self, plt, own):
        """Draw the prediction, its parts and the samples over the single feature."""
        (x,) = self.grid
        color, several = plt.rcParams["text.color"], len(self.response) > 1
        what = self.output_name if self.kind == "values" else "probability" + f" of {self.output_name}" * (not several)
        self.ax_.set(xlim=(x.min(), x.max()), xlabel=self.feature_names[0], ylabel=what)
        hues = class_colors(len(self.response), plt) if several else [color]
        for values, hue in zip(self.response, hues, strict=True):
            self.prediction_lines_ += self.ax_.plot(x, values, color=hue, linewidth=2.2, zorder=3)
        labels = _label_places(self.parts) if len(self.units) <= MOST_NUMBERS else [None] * len(self.units)
        for k, (j, part, at) in enumerate(zip(self.units, self.parts, labels, strict=True)):
            self.part_lines_ += self.ax_.plot(x, part, "--", color=f"C{k}", linewidth=1.0, zorder=2)
            if at is not None:
                self._number(plt, j, (x[at], part[at]), (0, 0), f"C{k}")
        if self.kind == "classes":
            self._shade_classes(plt, x)
        heights = self.target
        if heights is None or (self.kind != "values" and several):  # in a row, and apart from one another
            low, high = self.ax_.get_ylim()
            heights = low - (high - low) * (0.03 + 0.07 * (GOLDEN * np.arange(len(self.samples)) % 1))
        self._draw_samples(plt, np.column_stack([self.samples, heights]))
        self._draw_legend(plt, own)

    def _shade_classes(self, plt, x):
        """Draw the intervals of the feature in which a class is predicted, in its colour."""
        two = len(self.class_names) == 2
        predicted = (self.response[0] > 0.5).astype(int) if two else np.argmax(self.response, axis=0)
        colors = class_colors(len(self.class_names), plt)
        changes = np.flatnonzero(np.diff(predicted))
        bounds = [x[0], *(x[changes] + x[changes + 1]) / 2, x[-1]]
        for left, right, k in zip(bounds[:-1], bounds[1:], predicted[[*changes, -1]], strict=True):
            self.regions_.append(self.ax_.axvspan(left, right, color=colors[k], alpha=0.3, linewidth=0, zorder=0))

    def _plot_images(self, ax, caller, cmap):
        count, (h, w) = len(self.units), self.image_shape[:2]
        rows, columns = tiles(count, h, w)
        plt, self.ax_, own = axes_for(ax, caller, grid_figsize(rows, columns, h, w))
        self.figure_ = self.ax_.figure
        images = np.asarray(self.weights).reshape(count, *self.image_shape)
        largest = float(np.abs(images).max()) or 1.0
        labels = [str(j + 1) for j in self.units]
        if len(self.image_shape) == 3:
            self.images_ = image_grid(plt, self.ax_, own, 0.5 + images / (2 * largest), columns, labels, [{}] * count)
            return
        styles = [dict(cmap=cmap, vmin=-largest, vmax=largest)] * count
        self.images_ = image_grid(plt, self.ax_, own, images, columns, labels, styles)
        self.colorbar_ = self.figure_.colorbar(self.images_[0], ax=self.ax_, label="weight", shrink=0.9)

    def _draw_response(self, plt, cmap):
        from matplotlib.ticker import MaxNLocator

        x, y = self.grid
        if self.kind == "values":
            (values,) = self.response
            seen = values if self.target is None else np.r_[values.ravel(), self.target]
            levels = MaxNLocator(14).tick_values(seen.min(), seen.max() + (np.ptp(seen) == 0))
            self.regions_ = [self.ax_.contourf(x, y, values, levels, cmap=cmap, zorder=0)]
            self.colorbar_ = self.figure_.colorbar(self.regions_[0], ax=self.ax_, label=r"$\hat{y}$")
            return
        if self.kind is None:
            return
        colors = class_colors(len(self.response), plt)
        for margin, color in zip(self.response, colors, strict=True):
            if self.kind == "classes" and margin.max() > 0:
                region = self.ax_.contourf(x, y, margin, [0, margin.max()], colors=[color], alpha=0.3, zorder=0)
                self.regions_.append(region)
            if margin.min() < 0 < margin.max():
                color = plt.rcParams["text.color"] if self.kind == "classes" else color
                self.boundaries_.append(self.ax_.contour(x, y, margin, [0], colors=[color], linewidths=2.2, zorder=2))

    def _draw_lines(self, plt, own):
        """The lines z_j = 0, each with an arrow to its positive side."""
        if own:
            self.figure_.draw_without_rendering()  # lays out: what is perpendicular depends on the size of the axes
        points = 72 / self.figure_.dpi * self.ax_.get_window_extent().size
        color = plt.rcParams["text.color"]
        x, y = self.grid
        units, starts, normals, labels = [], [], [], []
        for j, z in zip(self.units, self.z, strict=True):
            if not z.min() < 0 < z.max():
                self.lines_.append(None)
                continue
            line = self.ax_.contour(x, y, z, [0], colors=[color], linewidths=1.0, linestyles="dashed", zorder=2)
            self.lines_.append(line)
            start, normal = _arrow(line, z, self.grid, points, labels)
            labels.append(start + 2 * ARROW * normal)
            units.append(j)
            starts.append(start)
            normals.append(normal)
        if units:
            self._draw_arrows(plt, units, np.array(starts) / points, np.array(normals), color)

    def _draw_arrows(self, plt, units, starts, normals, color):
        x, y = self.grid
        starts = starts * [np.ptp(x), np.ptp(y)] + [x.min(), y.min()]
        self.arrows_ = self.ax_.quiver(
            *starts.T,
            *(normals.T * ARROW / 72),
            angles="uv",
            units="inches",
            scale_units="inches",
            scale=1,
            width=1.2 / 72,
            headwidth=4,
            headlength=4.5,
            headaxislength=4,
            color=color,
            zorder=4,
        )
        if len(units) > MOST_NUMBERS:
            return
        for j, place, offset in zip(units, starts, 1.6 * ARROW * normals, strict=True):
            self._number(plt, j, place, offset, color)

    def _number(self, plt, j, place, offset, color):
        """Write the number of a unit, counted from 1."""
        from matplotlib.patheffects import withStroke

        self.ax_.annotate(
            str(j + 1),
            place,
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=0.8 * font_size(plt),
            color=color,
            zorder=5,
            path_effects=[withStroke(linewidth=2, foreground=self.ax_.get_facecolor())],
        )

    def _draw_samples(self, plt, places):
        """The samples, with an outline that stands out from any colour, and a ring around misclassified ones."""
        from matplotlib.patheffects import withStroke

        color, n = plt.rcParams["text.color"], len(places)
        size = float(np.clip(6000 / n, 8, 30))
        style = dict(
            s=size, edgecolors=color, linewidths=0.6 if size > 12 else 0.3, zorder=3.5 if len(self.grid) == 1 else 1.5
        )
        if self.kind == "values" and self.target is not None and self.regions_:
            region = self.regions_[0]
            self.scatter_ = self.ax_.scatter(*places.T, c=self.target, cmap=region.cmap, norm=region.norm, **style)
            self.scatter_.set_path_effects([withStroke(linewidth=2, foreground=self.ax_.get_facecolor())])
        elif self.class_names and self.target is not None:
            colors = class_colors(len(self.class_names), plt)
            self.scatter_ = self.ax_.scatter(*places.T, c=colors[self.target], **style)
        else:
            style |= dict(color=color, alpha=0.5, edgecolors="none")
            self.scatter_ = self.ax_.scatter(*places.T, **style)
        if self.misclassified is not None and np.any(self.misclassified):
            style |= dict(s=(np.sqrt(size) + 5) ** 2, facecolors="none", linewidths=1.2)
            self.misclassified_ = self.ax_.scatter(*places[self.misclassified].T, **style)

    def _draw_legend(self, plt, own):
        from matplotlib.lines import Line2D

        color = plt.rcParams["text.color"]
        handles = class_handles(self.class_names, plt) if self.class_names else []
        if self.misclassified_ is not None:
            ring = dict(linestyle="", marker="o", markersize=9, markerfacecolor="none", color=color)
            handles += [Line2D([], [], label="misclassified", **ring)]
        if room_beside(self.ax_, own) or not handles:
            handles += [Line2D([], [], color=color, label=label, **style) for label, style in self._kinds_of_lines()]
        if handles:
            legend_beside(plt, self.ax_, own, handles)

    def _kinds_of_lines(self):
        """Legend handles for the lines; none for a regressor's plane, which has a colour bar."""
        if len(self.grid) == 1:
            kinds = [("probability" if self.class_names else "prediction", dict(linewidth=2.2))]
            label = "unit $j$ alone" + f": {self.output_name}" * (len(self.response) > 1)
            return kinds + [(label, dict(linewidth=1.0, linestyle="--"))] * bool(self.part_lines_)
        if not self.class_names:
            return []
        decision = [("decision", dict(linewidth=2.2))] if self.boundaries_ and self.kind == "classes" else []
        return [("$z_j = 0$", dict(linewidth=1.0, linestyle="--")), *decision]


def _samples(X, n_features):
    """The samples as an array."""
    if X is None:
        raise ValueError("X is needed: it determines the range drawn")
    samples = check_array(X)
    if samples.shape[1] != n_features:
        raise ValueError(f"X must have {n_features} features; got shape {samples.shape}")
    if len(samples) < 2 < n_features:
        raise ValueError("X must have at least two samples: they span the plane drawn")
    return samples


def _axes(samples, resolution):
    """Points on each axis over the range of the samples, with a margin."""
    extent = np.ptp(samples, axis=0)
    margin = 0.12 * (extent + (extent == 0))
    return np.linspace(samples.min(axis=0) - margin, samples.max(axis=0) + margin, resolution).T


def _arrow(line, z, grid, points, others):
    """The start of a line's arrow and its direction, in points, such that its label stays away from the `others`."""
    x, y = grid
    low, extent = np.array([x.min(), y.min()]), np.array([np.ptp(x), np.ptp(y)])
    pieces = [(piece - low) / extent * points for piece in line.get_paths()[0].to_polygons(closed_only=False)]
    lengths = [np.r_[0, np.cumsum(np.hypot(*np.diff(piece, axis=0).T))] for piece in pieces]
    piece, length = max(zip(pieces, lengths, strict=True), key=lambda pair: pair[1][-1])
    slopes = np.stack(np.gradient(z)[::-1], axis=-1) / points  # the grid has as many points in both directions
    places = []
    for part in (0.12, 0.88, 0.25, 0.75, 0.4, 0.6):
        start = np.array([np.interp(part * length[-1], length, piece[:, k]) for k in (0, 1)])
        column, row = np.round(start / points * (len(z) - 1)).astype(int)
        normal = slopes[row, column] / (np.hypot(*slopes[row, column]) or 1)
        label = start + 2 * ARROW * normal
        inside = ((label > ARROW / 2) & (label < points - ARROW / 2)).all()
        room = min((np.hypot(*(label - other)) for other in others), default=np.inf)
        places.append((inside, room, start, normal))
    return max(places, key=lambda place: place[:2])[2:]


def _response(inspected, points, output):
    """The kind of the network's response to the points, and an array of shape (n_responses, n_points)."""
    model = inspected.model
    if inspected.is_classifier:
        z = model.decision_function(inspected.inputs(points))
        if model._multilabel:
            return "labels", z.T
        if len(model.classes_) == 1:
            return "classes", np.ones((1, len(points)))
        if z.ndim == 1:
            return "classes", np.stack([-z, z])
        highest = np.sort(z, axis=1)[:, -2:]
        others = np.where(z == highest[:, 1:], highest[:, :1], highest[:, 1:])
        return "classes", (z - others).T
    if is_regressor(model):
        y = np.asarray(inspected.estimator.predict(points))
        y = y.reshape(len(points), -1)
        if output not in range(y.shape[1]):
            raise ValueError(f"output must be an integer from 0 to {y.shape[1] - 1}; got {output!r}")
        return "values", y[:, [output]].T
    return None, None


def _curves(inspected, points, output, class_names):
    """For one feature: the kind of the response, the response, the parts of one output, and its name."""
    model, alone = inspected.model, copy.deepcopy(inspected.estimator)
    if not (inspected.is_classifier or is_regressor(model)):
        raise ValueError(f"with one feature, predictions are drawn, which {type(model).__name__} does not make")
    kind, predict = "values", _values
    if inspected.is_classifier:
        kind, predict = ("labels" if model._multilabel else "classes"), _probabilities
    response = predict(inspected.estimator, points)
    if output not in range(len(response)):
        raise ValueError(f"output must be an integer from 0 to {len(response) - 1}; got {output!r}")
    coefs, V, parts = Inspected(alone).model.coefs_, model.coefs_[-1], []
    for j in range(len(V) if len(coefs) > 1 else 0):
        coefs[-1] = np.zeros_like(V)
        coefs[-1][j] = V[j]
        parts.append(predict(alone, points)[output])
    if kind == "values":
        response = response[[output]]
    names = inspected.output_names(class_names)
    return kind, response, np.array(parts).reshape(-1, len(points)), names[output]


def _values(estimator, points):
    """Predictions, one row per output."""
    return np.asarray(estimator.predict(points)).reshape(len(points), -1).T


def _probabilities(estimator, points):
    """Probabilities, one row per class or label; for two classes, only those of the second."""
    p = estimator.predict_proba(points).T
    return p[1:] if len(p) == 2 and not Inspected(estimator).model._multilabel else p


def _label_places(parts):
    """For each curve, the point at which it is farthest from the others."""
    apart = np.abs(parts[:, None] - parts[None])
    apart[np.arange(len(parts)), np.arange(len(parts))] = np.inf
    margin = parts.shape[1] // 20
    return [margin + int(np.argmax(rows[:, margin:-margin].min(axis=0))) for rows in apart]
