"""LossCurveDisplay: how the loss fell."""

from collections.abc import Mapping

import numpy as np

from .._training.stopping import Stop
from ._drawing import axes_for, axes_points, fitting_size, legend_beside, legend_size, pyplot
from ._inspected import Inspected, check_names, plain_text

__all__ = ["LossCurveDisplay"]

#: Losses above are those of a divergence, and not drawn.
HUGE = 1e300
#: The marker for the end of training, by `stopped_`; training runs that reached `max_iter` have none.
END_MARKERS = {"converged": "s", "early_stopping": "D", "diverged": "X", "callback": "P", "interrupted": "P"}


class LossCurveDisplay:
    """The loss after each epoch, for one or several estimators.

    The solid line is the training loss: the mean f_i (:ref:`the lecture, section 1 <lecture-1>`) over an epoch's draws,
    each taken with the weights of its own step. The dashed line is the validation loss: the mean f_i over the held-out
    samples after the epoch. A marker shows the epoch with the best validation score, whose weights `early_stopping`
    keeps.

    If the stopping rule compares means of the training loss (docs/stopping.md), these are drawn as a strong line and
    the losses of single epochs as a faint one. Each mean is drawn in the middle of its window, which is a quarter of
    the epochs so far, or the shortest window if that is longer. The title says when and why the last `fit` ended. With
    several estimators, markers show where training ended before `max_iter`, and the legend explains them.

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
    means : list of (epochs, means) or None, default=None
        For each estimator, the means over windows, as two arrays of equal length, or None.
    stopped : list of str or None, default=None
        For each estimator, its `stopped_`.

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
    mean_lines_ : list of matplotlib Line2D or None
        The means of each estimator.
    end_markers_ : list of matplotlib Line2D or None
        The marker at the end of each training that ended before `max_iter`.
    ending_ : matplotlib Text or None
        Why and when a single estimator's training ended.

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

    def __init__(
        self, *, loss_curves, validation_loss_curves, best_epochs, names, loss_name=None, means=None, stopped=None
    ):
        self.loss_curves = loss_curves
        self.validation_loss_curves = validation_loss_curves
        self.best_epochs = best_epochs
        self.names = names
        self.loss_name = loss_name
        self.means = means
        self.stopped = stopped

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
        >>> [text.get_text() for text in display.ax_.get_legend().get_texts()[:2]]
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
            means=[_mean_curve(model) for model in models],
            stopped=[model.stopped_ for model in models],
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
        self.training_lines_, self.mean_lines_, self.validation_lines_ = [], [], []
        self.best_markers_, self.end_markers_ = [], []
        none = [None] * len(self.loss_curves)
        for parts in zip(
            self.loss_curves,
            self.means or none,
            self.validation_loss_curves,
            self.best_epochs,
            self.stopped or none,
            self.names,
            strict=True,
        ):
            self._draw(*parts)
        self._draw_ending(plt)
        self._scale(log_scale)
        self._label(plt, own)
        return self

    def _draw(self, losses, means, held_out, best, stopped, name):
        """Draw the curves and markers of one estimator."""
        epochs, several = np.arange(1, len(losses) + 1), len(self.loss_curves) > 1
        losses = np.where(np.asarray(losses) < HUGE, losses, np.nan)  # of a divergence
        mean_line = validation_line = best_marker = end_marker = None
        faint = {} if means is None else dict(alpha=0.45, linewidth=0.8)
        (line,) = self.ax_.plot(epochs, losses, label=name or "training", **faint)
        color = line.get_color()
        if means is not None:
            label = name if several else "moving mean"
            (mean_line,) = self.ax_.plot(*means, color=color, linewidth=2.2, label=label, zorder=line.get_zorder() + 1)
        mark = dict(color=color, markersize=8, markeredgecolor=self.ax_.get_facecolor(), markeredgewidth=1.5)
        mark |= dict(linestyle="", zorder=line.get_zorder() + 2)
        if held_out is not None:
            at, held_out_losses = held_out
            label = None if several else f"{name}, validation" if name else "validation"
            (validation_line,) = self.ax_.plot(at, held_out_losses, "--", color=color, label=label)
            if best is not None:
                label = None if several else f"best score: epoch {best} of {len(losses)}"
                height = held_out_losses[list(at).index(best)]
                (best_marker,) = self.ax_.plot(best, height, marker="o", label=label, **mark)
        if stopped in END_MARKERS:
            height = losses[-1] if means is None else means[1][-1]
            (end_marker,) = self.ax_.plot(len(losses), height, marker=END_MARKERS[stopped], **mark)
        self.training_lines_.append(line)
        self.mean_lines_.append(mean_line)
        self.validation_lines_.append(validation_line)
        self.best_markers_.append(best_marker)
        self.end_markers_.append(end_marker)

    def _draw_ending(self, plt):
        """Say above the axes when and why a single training ended."""
        self.ending_ = None
        if len(self.loss_curves) > 1 or not self.stopped or self.stopped[0] is None:
            return
        n = len(self.loss_curves[0])
        self.ending_ = self.ax_.annotate(
            f"{self.stopped[0].replace('_', ' ') if self.stopped[0] in END_MARKERS else self.stopped[0]}, epoch {n}",
            (1, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=legend_size(plt),
        )

    def _scale(self, log_scale):
        """Set the scale of the losses, with plain numbers as tick labels."""
        from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        held_out = [pair[1] for pair in self.validation_loss_curves if pair is not None]
        if not log_scale or min(np.min(losses) for losses in [*self.loss_curves, *held_out]) <= 0:
            return
        self.ax_.set_yscale("log")
        self.ax_.autoscale_view()
        low, high = self.ax_.get_ylim()
        decades = np.log10(high / low)
        axis = self.ax_.yaxis
        axis.set_major_locator(
            MaxNLocator(6, steps=[1, 2, 5, 10])
            if decades < 0.8
            else LogLocator(subs=(1, 2, 5) if decades < 3 else (1,))
        )
        axis.set_major_formatter(FuncFormatter(_plain))
        axis.set_minor_formatter(NullFormatter())

    def _label(self, plt, own):
        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel("loss" if self.loss_name is None else f"loss ({self.loss_name.replace('_', ' ')})")
        several = len(self.loss_curves) > 1
        handles = self._handles_of_several(plt) if several else self._handles_of_one()
        if len(handles) > 6:
            legend_beside(plt, self.ax_, own, handles)
        elif several or len(handles) > 1 or self.names[0]:
            labels = [handle.get_label() for handle in handles]
            size = fitting_size(labels, 0.5 * axes_points(self.ax_, own)[0], legend_size(plt))
            self.ax_.legend(handles=handles, fontsize=size)

    def _handles_of_one(self):
        lines = (self.training_lines_, self.mean_lines_, self.validation_lines_, self.best_markers_)
        return [artist for (artist,) in lines if artist is not None]

    def _handles_of_several(self, plt):
        """Legend: the estimators by colour and, in the text colour, the kinds of lines and markers."""
        from matplotlib.lines import Line2D

        handles = [mean or line for line, mean in zip(self.training_lines_, self.mean_lines_, strict=True)]
        kinds = []
        if any(self.mean_lines_):
            kinds += [("each epoch", dict(alpha=0.45, linewidth=0.8))]
            kinds += [("moving mean", dict(linewidth=2.2))]
        elif any(self.validation_lines_):
            kinds += [("training", {})]
        if any(self.validation_lines_):
            kinds += [("validation", dict(linestyle="--"))]
        if any(self.best_markers_):
            kinds += [("best validation score", dict(linestyle="", marker="o"))]
        for reason in sorted({reason for reason in self.stopped or () if reason in END_MARKERS}):
            kinds += [(reason.replace("_", " "), dict(linestyle="", marker=END_MARKERS[reason]))]
        color = plt.rcParams["text.color"]
        return handles + [Line2D([], [], color=color, label=label, **style) for label, style in kinds]


def _plain(number, _):
    """The label of a tick."""
    return f"{number:g}"


def _mean_curve(model):
    """The middle of each window of the last training, and its mean loss; None where the stopping rule compares none.

    The mean of the last window is there twice, up to the end.
    """
    if model.early_stopping or model.solver == "lbfgs" or not model.t_:
        return None
    stop = Stop(model.tol, model.n_iter_no_change, model.batch_size * model.t_ / len(model.loss_curve_))
    start = len(model.loss_curve_) - model.n_iter_
    if model.learning_rate_schedule == "adaptive":  # forgets the epochs before τ was lowered
        start = max(start, model._window_start)
    losses = model.loss_curve_[start:]
    if len(losses) < 2 * stop.shortest:
        return None
    ends = np.arange(stop.shortest, len(losses) + 1)
    windows = np.array([stop.window(n) for n in ends])
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    middles, means = start + ends - (windows - 1) / 2, (sums[ends] - sums[ends - windows]) / windows
    return np.append(middles, start + len(losses)), np.append(means, means[-1])


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
