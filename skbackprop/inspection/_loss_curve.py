"""LossCurveDisplay: how the loss fell."""

from collections.abc import Mapping

import numpy as np

from ._drawing import axes_for, axes_points, fitting_size, legend_size, pyplot
from ._inspected import Inspected, check_names, plain_text

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """The loss after each epoch, of one estimator or several.

    Training loss (solid): the mean f_i of an epoch's draws, each at the weights of its own step. Validation loss
    (dashed): the mean f_i of the held-out samples after the epoch. A marker shows the epoch of the best validation
    score, whose weights `early_stopping` keeps. f_i is the loss of :ref:`the lecture, section 1 <lecture-1>`.

    Make it by `from_estimator` or `from_estimators`.

    Parameters
    ----------
    loss_curves : list of array-like of shape (n_epochs,)
        The training losses of each estimator.
    validation_loss_curves : list of (epochs, losses) or None
        For each estimator two arrays of one length, or None where nothing was held out.
    best_epochs : list of int or None
        For each estimator the epoch, counted from 1, whose weights early stopping kept; None without early stopping.
    names : list of str or None
        The names of the estimators; None for a single one without a name.
    loss_name : str, default=None
        The name of the loss, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Its figure.
    training_lines_ : list of matplotlib Line2D
        The training loss of each estimator.
    validation_lines_ : list of matplotlib Line2D or None
        The validation loss of each estimator.
    best_markers_ : list of matplotlib Line2D or None
        The marker of each estimator's best epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((8,), early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> len(display.training_lines_[0].get_xdata()) == model.n_iter_
    True
    """

    def __init__(self, *, loss_curves, validation_loss_curves, best_epochs, names, loss_name=None):
        self.loss_curves = loss_curves
        self.validation_loss_curves = validation_loss_curves
        self.best_epochs = best_epochs
        self.names = names
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator, *, name=None, log_scale=True, ax=None):
        """Draw the loss of one estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search
            or a TransformedTargetRegressor around them.
        name : str, default=None
            A name for the legend.
        log_scale : bool, default=True
            Whether the losses' axis is logarithmic; it is not where a loss is 0 or less.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.

        Returns
        -------
        display : LossCurveDisplay
            The picture and its parts.

        Raises
        ------
        TypeError
            If there is no network in the estimator.
        NotFittedError
            If it is not fitted.
        ValueError
            If it was trained for no epoch.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        return cls._of([estimator], [None] if name is None else plain_text([name])).plot(ax, log_scale=log_scale)

    @classmethod
    def from_estimators(cls, estimators, *, names=None, log_scale=True, ax=None):
        """Draw the losses of several estimators on the same axes: a colour each.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimator
            The fitted estimators, as in `from_estimator`.
        names : list of str, default=None
            The names for a list of estimators; None takes the names of their classes, with a number.
        log_scale : bool, default=True
            Whether the losses' axis is logarithmic; it is not where a loss is 0 or less.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.

        Returns
        -------
        display : LossCurveDisplay
            The picture and its parts.

        Raises
        ------
        TypeError
            If there is no network in one of the estimators.
        NotFittedError
            If one is not fitted.
        ValueError
            If there are no estimators, other than there are names, or one was trained for no epoch.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbackprop import BackpropClassifier
        >>> from skbackprop.inspection import LossCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> models = {f"τ = {tau}": BackpropClassifier((8,), learning_rate=tau).fit(X, y) for tau in (0.02, 0.1)}
        >>> display = LossCurveDisplay.from_estimators(models)
        >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
        ['τ = 0.02', 'τ = 0.1']
        """
        pyplot(f"{cls.__name__}.from_estimators")
        if isinstance(estimators, Mapping):
            if names is not None:
                raise ValueError("names are for a list of estimators; a dict has its own")
            names, estimators = list(estimators), list(estimators.values())
        estimators = list(estimators)
        if not estimators:
            raise ValueError("estimators is empty")
        if names is None:
            names = [f"{type(Inspected(e).model).__name__} {k}" for k, e in enumerate(estimators, start=1)]
        names = plain_text(check_names(names, len(estimators), "names"))
        return cls._of(estimators, names).plot(ax, log_scale=log_scale)

    @classmethod
    def _of(cls, estimators, names):
        models = [Inspected(estimator).model for estimator in estimators]
        for model in models:
            if not model.loss_curve_:
                raise ValueError(f"{type(model).__name__} was trained for no epoch: its loss_curve_ is empty")
        losses = {getattr(model, "loss", None) for model in models}
        return cls(
            loss_curves=[np.array(model.loss_curve_) for model in models],
            validation_loss_curves=[_validation_curve(model) for model in models],
            best_epochs=[_best_epoch(model) for model in models],
            names=names,
            loss_name=losses.pop() if len(losses) == 1 else None,
        )

    def plot(self, ax=None, *, log_scale=True):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        log_scale : bool, default=True
            Whether the losses' axis is logarithmic; it is not where a loss is 0 or less.

        Returns
        -------
        display : LossCurveDisplay
            This object.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        plt, self.ax_, own = axes_for(ax, f"{type(self).__name__}.plot", (6.4, 4.0))
        self.figure_ = self.ax_.figure
        self.training_lines_, self.validation_lines_, self.best_markers_ = [], [], []
        several = len(self.loss_curves) > 1
        for curve, held_out, best, name in zip(
            self.loss_curves, self.validation_loss_curves, self.best_epochs, self.names, strict=True
        ):
            (line,) = self.ax_.plot(np.arange(1, len(curve) + 1), curve, label=name or "training")
            color = line.get_color()
            validation_line = marker = None
            if held_out is not None:
                epochs, losses = held_out
                label = None if several else f"{name}, validation" if name else "validation"
                (validation_line,) = self.ax_.plot(epochs, losses, "--", color=color, label=label)
                if best is not None:
                    label = None if several else f"best score: epoch {best} of {len(curve)}"
                    (marker,) = self.ax_.plot(
                        best,
                        losses[list(epochs).index(best)],
                        "o",
                        color=color,
                        markersize=8,
                        markeredgecolor=self.ax_.get_facecolor(),
                        markeredgewidth=1.5,
                        label=label,
                        zorder=line.get_zorder() + 1,
                    )
            self.training_lines_.append(line)
            self.validation_lines_.append(validation_line)
            self.best_markers_.append(marker)
        self._label(plt, own, log_scale, several)
        return self

    def _label(self, plt, own, log_scale, several):
        from matplotlib.lines import Line2D
        from matplotlib.ticker import MaxNLocator

        held_out = [losses for pair in self.validation_loss_curves if pair is not None for losses in (pair[1],)]
        if log_scale and min(np.min(losses) for losses in [*self.loss_curves, *held_out]) > 0:
            self.ax_.set_yscale("log")
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel("loss" if self.loss_name is None else f"loss ({self.loss_name.replace('_', ' ')})")
        handles = [*self.training_lines_]
        if several and held_out:
            gray = plt.rcParams["text.color"]
            handles += [Line2D([], [], color=gray, label="training")]
            handles += [Line2D([], [], color=gray, linestyle="--", label="validation")]
            if any(marker is not None for marker in self.best_markers_):
                handles += [Line2D([], [], color=gray, linestyle="", marker="o", label="best validation score")]
        elif not several:
            handles += [artist for artist in (*self.validation_lines_, *self.best_markers_) if artist is not None]
        if several or held_out or self.names[0]:
            labels = [handle.get_label() for handle in handles]
            size = fitting_size(labels, 0.5 * axes_points(self.ax_, own)[0], legend_size(plt))
            self.ax_.legend(handles=handles, fontsize=size)


def _validation_curve(model):
    """The epochs after which held-out samples were looked at, and their losses; None where there were none."""
    losses = model.validation_loss_curve_
    if losses is None:
        return None
    # of several trainings perhaps not all had such samples: the last one has them, or the first
    start = len(model.loss_curve_) - len(losses) if model.best_validation_score_ is not None else 0
    return start + np.arange(1, len(losses) + 1), np.array(losses)


def _best_epoch(model):
    """The epoch, counted from 1, whose weights early stopping kept; None without it."""
    if not model.early_stopping or model.best_validation_score_ is None:
        return None
    scores = model.validation_scores_[-model.n_iter_ :]
    return len(model.loss_curve_) - len(scores) + int(np.argmax(scores)) + 1
