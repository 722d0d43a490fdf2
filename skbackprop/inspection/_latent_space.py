"""LatentSpaceDisplay: the samples as a layer sees them."""

from numbers import Integral

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils import check_consistent_length

from ._drawing import axes_for, class_colors, class_handles, legend_beside, pyplot
from ._inspected import Inspected

__all__ = ["LatentSpaceDisplay"]


class LatentSpaceDisplay:
    """The outputs a^l of a layer, with one point per sample.

    If M_l is small, a^l is a set of low-dimensional latent features of the sample
    (:ref:`the lecture, section 5 <lecture-5>`). With two units, these are the two axes. With more, their outputs are
    projected onto the first two principal components. With one, it is the horizontal axis, and the vertical axis is the
    class (jittered, so that points do not hide each other) or the target value.

    Create it with `from_estimator`.

    Parameters
    ----------
    points : array-like of shape (n_samples, 2)
        The points to draw.
    target : array-like of shape (n_samples,), default=None
        The samples' classes, as integers, or their values.
    class_names : list of str, default=None
        Names of the classes; None if the targets are values.
    xlabel, ylabel : str, default=""
        The labels of the axes.
    rows : list of str, default=None
        The names of rows 0, 1, ..., if the vertical axis is the class.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure containing the axes.
    scatter_ : matplotlib PathCollection
        The samples, in order.
    colorbar_ : matplotlib Colorbar or None
        The colour bar of the target values.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import LatentSpaceDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = BackpropClassifier((30, 2, 30), "tanh", random_state=0).fit(X / 16, y)
    >>> display = LatentSpaceDisplay.from_estimator(model, X / 16, y)
    >>> display.scatter_.get_offsets().shape
    (1797, 2)
    """

    def __init__(self, *, points, target=None, class_names=None, xlabel="", ylabel="", rows=None):
        self.points = points
        self.target = target
        self.class_names = class_names
        self.xlabel = xlabel
        self.ylabel = ylabel
        self.rows = rows

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, layer=None, class_names=None, cmap="viridis", ax=None):
        """Draw the samples as a layer of an estimator sees them.

        Parameters
        ----------
        estimator : estimator
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search or a
            TransformedTargetRegressor around them.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Their classes or target values, which determine the colours.
        layer : int, default=None
            The layer l, from 1 to L. None uses the hidden layer with the fewest units, the middle one if there are
            several.
        class_names : sequence of str, default=None
            Names of the classes, in sorted order of the labels. None uses the labels.
        cmap : str or Colormap, default="viridis"
            The colour map of target values.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If the estimator does not contain a network.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no such layer, or if y is not a single column with one entry per sample.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        inspected = Inspected(estimator)
        sizes = inspected.sizes
        L = len(sizes) - 1
        if layer is None:
            if L == 1:
                raise ValueError("the network has no hidden layer; layer=1 draws its outputs")
            narrowest = [l for l in range(1, L) if sizes[l] == min(sizes[1:L])]
            layer = narrowest[len(narrowest) // 2]
        if not isinstance(layer, Integral) or isinstance(layer, bool) or not 1 <= layer <= L:
            raise ValueError(f"layer must be an integer from 1 to {L}; got {layer!r}")
        a = inspected.model.activations(inspected.inputs(X))[layer - 1]
        target = rows = None
        if y is not None:
            check_consistent_length(a, y)
            target, class_names = inspected.target(y, class_names)
        else:
            class_names = None
        axis_names = [rf"$a^{{{layer}}}_{{{j}}}$" for j in (1, 2)]
        if a.shape[1] == 1:
            axis_names[0] = rf"$a^{{{layer}}}$"
            if target is not None and class_names is None:
                height, axis_names[1] = target, "target"
            else:
                height, axis_names[1] = np.zeros(len(a)) if target is None else target, ""
                rows = [""] if class_names is None else class_names
                height = height + np.random.default_rng(0).uniform(-0.3, 0.3, size=len(a))
            a = np.column_stack([a, height])
        elif a.shape[1] > 2:
            pca = PCA(2, random_state=0)
            a = pca.fit_transform(a)
            axis_names = [
                f"PC {k} of $a^{{{layer}}}$ ({share:.0%} of variance)"
                for k, share in enumerate(pca.explained_variance_ratio_, start=1)
            ]
        return cls(
            points=a, target=target, class_names=class_names, xlabel=axis_names[0], ylabel=axis_names[1], rows=rows
        ).plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="viridis"):
        """Draw the samples.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.
        cmap : str or Colormap, default="viridis"
            The colour map of target values.

        Returns
        -------
        display : LatentSpaceDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        plt, self.ax_, own = axes_for(ax, f"{type(self).__name__}.plot", (6.0, 4.6))
        self.figure_ = self.ax_.figure
        self.colorbar_ = None
        n = len(self.points)
        style = dict(s=float(np.clip(15000 / n, 4, 30)), linewidths=0, alpha=0.9 if n < 500 else 0.75)
        if self.class_names is not None:
            colors = class_colors(len(self.class_names), plt)
            self.scatter_ = self.ax_.scatter(*self.points.T, c=colors[self.target], **style)
        elif self.target is not None:
            self.scatter_ = self.ax_.scatter(*self.points.T, c=self.target, cmap=cmap, **style)
        else:
            self.scatter_ = self.ax_.scatter(*self.points.T, **style)
        if self.rows is not None:
            self.ax_.set_yticks(range(len(self.rows)), self.rows)
            self.ax_.tick_params(axis="y", length=0)
        elif self.class_names is not None:
            legend_beside(plt, self.ax_, own, class_handles(self.class_names, plt), title="class")
        elif self.target is not None and self.ylabel != "target":
            self.colorbar_ = self.figure_.colorbar(self.scatter_, ax=self.ax_, label="target")
            self.colorbar_.solids.set_alpha(1)
        self.ax_.set(xlabel=self.xlabel, ylabel=self.ylabel)
        return self
