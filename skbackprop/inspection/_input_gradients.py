"""InputGradientDisplay: which inputs an output depends on."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor

from ._drawing import (
    SIGNED,
    axes_for,
    axes_points,
    check_count,
    font_size,
    grid_figsize,
    image_grid,
    pyplot,
    resolve_image_shape,
    signed_colors,
)
from ._inspected import Inspected

__all__ = ["InputGradientDisplay"]


class InputGradientDisplay:
    """Which inputs an output depends on: ∂ output / ∂ x, by backprop to layer 0.

    The gradient is that of ``input_gradients``: of z^L_k for a classifier or ŷ_k for a regressor, with respect to the
    inputs of the network. In a Pipeline, these are the outputs of the earlier steps. It is found like the δ^l of
    :ref:`the lecture, section 2 <lecture-2>`, one layer further down. For single samples the gradient is drawn with its
    sign; for many samples, the mean of its absolute value is drawn.

    Create it with `from_estimator`.

    Parameters
    ----------
    gradients : array-like of shape (n_samples, n_features)
        The gradients.
    kind : {"sample", "mean"}
        Whether to draw the gradient at each sample or the mean of ``|gradient|`` over the samples.
    quantity : str
        The symbol of the output, in TeX notation.
    labels : list of str
        The name of the output: one for each sample, or a single one with "mean".
    samples : array-like of shape (n_samples, n_features), default=None
        The samples, drawn as images above their gradients.
    image_shape : tuple, default=None
        (h, w) or (h, w, 3), for images.
    feature_names : list of str, default=None
        Names of the features, for bars.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure containing the axes.
    features_ : ndarray of int or None
        The features with a bar, from top to bottom.
    bars_ : matplotlib BarContainer or None
        Their bars.
    images_ : list of matplotlib AxesImage
        The images of the gradients.
    sample_images_ : list of matplotlib AxesImage
        The images of the samples.
    colorbar_ : matplotlib Colorbar or None
        The colour bar of the images.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import InputGradientDisplay
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = make_pipeline(StandardScaler(), BackpropClassifier((10,), random_state=0)).fit(X, y)
    >>> display = InputGradientDisplay.from_estimator(model, X, max_features=5)
    >>> len(display.bars_)
    5
    """

    def __init__(self, *, gradients, kind, quantity, labels, samples=None, image_shape=None, feature_names=None):
        self.gradients = gradients
        self.kind = kind
        self.quantity = quantity
        self.labels = labels
        self.samples = samples
        self.image_shape = image_shape
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        output=None,
        image_shape=None,
        kind="auto",
        feature_names=None,
        class_names=None,
        max_features=20,
        cmap=None,
        ax=None,
    ):
        """Draw the gradients of an estimator's output with respect to its inputs.

        Parameters
        ----------
        estimator : estimator
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search or a
            TransformedTargetRegressor around them.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples at which to take the gradient.
        output : int, default=None
            The output k, counted from 0. None uses the only output; for a classifier with several, that of the
            predicted class at each sample; for other networks, if `kind` is "mean", the mean over all outputs.
        image_shape : tuple of int, default=None
            (h, w) or (h, w, 3): draw images, whose pixels are the features in C order. The gradients of the three
            colours are summed, which is the effect of changing all three at once.
        kind : {"auto", "sample", "mean"}, default="auto"
            "sample" draws the gradient at each sample: as images below those of up to ten samples, or as bars for one
            sample. "mean" draws the mean of ``|∂ output / ∂ x|`` over the samples. "auto" means "sample" for a single
            sample and "mean" otherwise.
        feature_names : sequence of str, default=None
            Names of the network's M_0 inputs. None uses those it was fitted with or that the Pipeline produces.
        class_names : sequence of str, default=None
            Names of the classes, in the order of ``classes_``, or of a regressor's outputs. None uses the labels.
        max_features : int, default=20
            Maximum number of bars; the features with the largest values are shown.
        cmap : str or Colormap, default=None
            A colour map, which should be diverging for single samples. None uses "RdBu_r" for single samples and
            "viridis" for means.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : InputGradientDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If the estimator does not contain a network.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If an argument is out of range, or there are too many samples or outputs for one picture.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        inspected = Inspected(estimator)
        model = inspected.model
        check_count(max_features, "max_features")
        if kind not in ("auto", "sample", "mean"):
            raise ValueError(f'kind must be "auto", "sample" or "mean"; got {kind!r}')
        model._check_output(output)
        K = model.n_outputs_
        inputs = model._validate_for_output(inspected.inputs(X))
        n = inputs.shape[0]
        if kind == "auto":
            kind = "sample" if n == 1 else "mean"
        samples = None
        if image_shape is not None:
            image_shape = resolve_image_shape(image_shape, inputs.shape[1])
            samples = _dense(X if np.shape(X) == inputs.shape else inputs)
        if kind == "sample" and n > (most := 1 if image_shape is None else 10):
            raise ValueError(f'kind="sample" draws at most {most} sample(s); X has {n}. Use kind="mean" for more')
        quantity = "z" if inspected.is_classifier else r"\hat{y}" if is_regressor(model) else "a^L"
        names = inspected.output_names(class_names, feature_names)
        if K > 1 or inspected.is_classifier:
            names = [f"{'class' if inspected.is_classifier else 'output'} {name}" for name in names]
        else:
            names = [""]
        if output is not None or K == 1:
            k = output or 0
            gradients, labels, of = model._gradients_at(inputs, [k])[:, 0], [names[k]] * n, names[k]
        elif inspected.is_classifier:
            largest, gradients = _of_the_predicted_class(model, inputs)
            labels, of = [names[k] for k in largest], "the predicted class"
        elif kind == "mean":
            gradients, of = sum(np.abs(model._gradients_at(inputs, [k])[:, 0]) for k in range(K)) / K, "all outputs"
        else:
            raise ValueError(f'kind="sample" draws one output: say by output which of the {K}')
        return cls(
            gradients=gradients,
            kind=kind,
            quantity=quantity,
            labels=labels if kind == "sample" else [of],
            samples=samples if kind == "sample" else None,
            image_shape=image_shape,
            feature_names=None if image_shape is not None else inspected.input_names(feature_names),
        ).plot(ax, max_features=max_features, cmap=cmap)

    def plot(self, ax=None, *, max_features=20, cmap=None):
        """Draw the gradients.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.
        max_features : int, default=20
            Maximum number of bars; the features with the largest values are shown.
        cmap : str or Colormap, default=None
            A colour map, which should be diverging for single samples. None uses "RdBu_r" for single samples and
            "viridis" for means.

        Returns
        -------
        display : InputGradientDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{type(self).__name__}.plot")
        self.images_, self.sample_images_ = [], []
        self.features_ = self.bars_ = self.colorbar_ = None
        values = np.asarray(self.gradients)
        if self.image_shape is None:
            values = np.abs(values).mean(axis=0) if self.kind == "mean" else values[0]
            self._plot_bars(ax, values, max_features, SIGNED if cmap is None else cmap)
            return self
        images = values.reshape(len(values), *self.image_shape)
        if images.ndim == 4:
            images = images.sum(axis=3)
        if self.kind == "mean":
            self._plot_images(ax, [np.abs(images).mean(axis=0)], cmap)
        else:
            self._plot_images(ax, list(images), cmap)
        return self

    def _quantity(self, of, separator=", "):
        size = rf"\partial {self.quantity}\,/\,\partial x"
        text = rf"mean $|{size}|$" if self.kind == "mean" else rf"${size}$"
        return f"{text}{separator}{of}" if of else text

    def _plot_bars(self, ax, values, max_features, cmap):
        from matplotlib.ticker import MaxNLocator

        shown = np.argsort(-np.abs(values), kind="stable")[:max_features]
        caller = f"{type(self).__name__}.plot"
        plt, self.ax_, own = axes_for(ax, caller, (6.4, float(np.clip(0.24 * len(shown) + 1, 2, 14))))
        self.figure_ = self.ax_.figure
        self.features_ = shown
        heights = np.arange(len(shown))
        if self.kind == "mean":
            self.bars_ = self.ax_.barh(heights, values[shown], height=0.75)
        else:
            colors = signed_colors(np.sign(values[shown]), 1, plt, cmap)
            self.bars_ = self.ax_.barh(heights, values[shown], height=0.75, color=colors)
            self.ax_.axvline(0, color=plt.rcParams["axes.edgecolor"], linewidth=plt.rcParams["axes.linewidth"])
        names = [str(k) for k in shown] if self.feature_names is None else [self.feature_names[k] for k in shown]
        width, height = axes_points(self.ax_, own)
        room = 0.85 * height / len(shown)
        size = float(np.clip(room, 4, font_size(plt)))
        self.ax_.set_yticks(heights, names, fontsize=size)
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.set_ylim(len(shown) - 0.4, -0.6)
        self.ax_.xaxis.set_major_locator(MaxNLocator(int(np.clip(width / 60, 2, 6)), steps=[1, 2, 5, 10]))
        some = f" ({len(shown)} largest of {len(values)})" if len(shown) < len(values) else ""
        self.ax_.set_xlabel(self._quantity(self.labels[0]) + some)

    def _plot_images(self, ax, images, cmap):
        h, w = self.image_shape[:2]
        n, alone = len(images), self.samples is None
        rows, columns = (1, n) if alone else (1, 2) if n == 1 else (2, n)
        plt, self.ax_, own = axes_for(
            ax, f"{type(self).__name__}.plot", grid_figsize(rows, columns, h, w, labels=not alone)
        )
        self.figure_ = self.ax_.figure
        largest = float(np.max(np.abs(images))) or 1.0
        scale = dict(cmap=cmap or "viridis", vmin=0, vmax=largest)
        if self.kind == "sample":
            scale = dict(cmap=cmap or SIGNED, vmin=-largest, vmax=largest)
        if alone:
            self.images_ = image_grid(plt, self.ax_, own, images, columns, [""] * n, [scale] * n)
        else:
            samples = np.asarray(self.samples, dtype=float).reshape(n, *self.image_shape)
            low, high = samples.min(), samples.max()
            samples = (samples - low) / ((high - low) or 1)
            gray = dict(cmap="gray", vmin=0, vmax=1)
            labels = ["sample", *self.labels] if n == 1 else self.labels + [""] * n
            styles = [gray] * n + [scale] * n
            drawn = image_grid(plt, self.ax_, own, [*samples, *images], columns, labels, styles)
            self.sample_images_, self.images_ = drawn[:n], drawn[n:]
        self.colorbar_ = self.figure_.colorbar(
            self.images_[0],
            ax=self.ax_,
            shrink=0.9,
            label=self._quantity(self.labels[0] if self.kind == "mean" else "", separator="\n"),
        )


def _of_the_predicted_class(model, inputs):
    """The index of the largest output at each sample, and its gradient."""
    largest = model._z(inputs, len(model.coefs_)).argmax(axis=1)
    gradients = np.empty(inputs.shape, dtype=model.coefs_[0].dtype)
    for k in np.unique(largest):
        rows = largest == k
        gradients[rows] = model._gradients_at(inputs[rows], [k])[:, 0]
    return largest, gradients


def _dense(X):
    return X.toarray() if issparse(X) else np.asarray(X)
