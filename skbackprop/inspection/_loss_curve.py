"""LossCurveDisplay: how the loss fell."""

from collections.abc import Mapping

import numpy as np

from ._drawing import axes_for, axes_points, fitting_size, legend_size, pyplot
from ._inspected import Inspected, check_names, plain_text

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """The loss after each epoch, for one or several estimators.

    The solid line is the training loss: the mean f_i (:ref:`the lecture, section 1 <lecture-1>`) over an epoch's draws,
    each taken with the weights of its own step. The dashed line is the validation loss: the mean f_i over the held-out
    samples after the epoch. A marker shows the epoch with the best validation score, whose weights `early_stopping`
    keeps.

    Create it with `from_estimator` or `from_estimators`.

    Parameters
    ----------
    loss_curves : list of array-like of shape (n_epochs,)
        The training losses of each estimator.
    validation_loss_curves : list of (epochs, losses) or None
        For each estimator, two arrays of equal length, or None without held-out samples.
    best_epochs : list of int or None
        For each estimator, the epoch (from 1) whose weights early stopping kept; None without early stopping.
    names : list of str or None
        The names of the estimators; None for a single estimator without a name.
    loss_name : str, default=None
        The name of the loss, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure containing the axes.
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
            A fitted `BackpropClassifier` or `BackpropRegressor`, a Pipeline that ends in one, or a search or a
            TransformedTargetRegressor around them.
        name : str, default=None
            A name for the legend.
        log_scale : bool, default=True
            Whether to use a logarithmic axis for the losses. Ignored if a loss is not positive.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If the estimator does not contain a network.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If no epoch of training was completed.
        ImportError
            If matplotlib is not installed.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        return cls._of([estimator], [None] if name is None else plain_text([name])).plot(ax, log_scale=log_scale)

    @classmethod
    def from_estimators(cls, estimators, *, names=None, log_scale=True, ax=None):
        """Draw the losses of several estimators on the same axes, each in its own colour.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimator
            The fitted estimators, as in `from_estimator`.
        names : list of str, default=None
            Names for a list of estimators. None uses the names of their classes, numbered.
        log_scale : bool, default=True
            Whether to use a logarithmic axis for the losses. Ignored if a loss is not positive.
        ax : matplotlib Axes, default=None
            The axes to draw on. None creates a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, with the artists that were drawn.

        Raises
        ------
        TypeError
            If one of the estimators does not contain a network.
        NotFittedError
            If one of them is not fitted.
        ValueError
            If there are no estimators, if their number differs from that of the names, or if one of them has not
            completed an epoch of training.
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
                raise ValueError("names can only be given with a list of estimators; a dict has its own")
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
                raise ValueError(f"{type(model).__name__} has not completed any epoch: its loss_curve_ is empty")
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
            The axes to draw on. None creates a new figure.
        log_scale : bool, default=True
            Whether to use a logarithmic axis for the losses. Ignored if a loss is not positive.

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
    """The epochs after which the held-out samples were measured, and their losses; None if there were none."""
    losses = model.validation_loss_curve_
    if losses is None:
        return None
    # after a warm start, perhaps only the last training had held-out samples, or only the first
    start = len(model.loss_curve_) - len(losses) if model.best_validation_score_ is not None else 0
    return start + np.arange(1, len(losses) + 1), np.array(losses)


def _best_epoch(model):
    """The epoch (from 1) whose weights early stopping kept; None without early stopping."""
    if not model.early_stopping or model.best_validation_score_ is None:
        return None
    scores = model.validation_scores_[-model.n_iter_ :]
    return len(model.loss_curve_) - len(scores) + int(np.argmax(scores)) + 1
