"""The steps of a training, recorded one by one."""

import copy
import warnings
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._base import BaseBackprop
from .._kernel import steps
from ._drawing import check_count
from ._inspected import Inspected
from ._page import MAX_BYTES, document, page_bytes
from ._trace import page_or_table, setting_of, trace

__all__ = ["Recording", "record"]

#: Parameters that make other steps than the lecture's, and what they are in the lecture's.
PLAIN = {"solver": "sgd", "batch_size": 1, "momentum": 0.0, "dropout": 0.0}


class Recording:
    """Successive steps of a training, each with everything that it computes; what `record` returns.

    ``len(recording)`` is the number of steps T, and ``recording[t]``, t = 0, ..., T − 1, a step's `StepTrace`. As the
    last line of a notebook's cell it is a page on which to step through the training: draw, forward, backward, update.
    `save` writes the page to a file.

    Parameters
    ----------
    network : Network
        The layers; its weights do not matter.
    setting : Setting
        Samples and names.
    alpha : float
        The L2 penalty.
    draws, taus, losses, losses_after, params : list
        An entry for each step; of `params` one more, the last being the parameters after the last step.

    Attributes
    ----------
    draws : ndarray of int64 of shape (T,)
        The rows i_t that were drawn, counted from 0.
    taus : ndarray of shape (T,)
        The step size τ of each step.
    losses : ndarray of shape (T,)
        f_i of the drawn sample at the weights before its step.
    losses_after : ndarray of shape (T,)
        f_i of the same sample at the weights after it.
    epoch_length : int
        Number of steps in an epoch.

    See Also
    --------
    record : Makes it.

    Examples
    --------
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import record
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> recording = record(BackpropClassifier((2,), random_state=0), X, y, n_steps=3)
    >>> recording
    <Recording: 3 steps of a 2-2-1 network on 4 samples>
    >>> bool((recording[0].W_after[1] == recording[1].W[1]).all())
    True
    """

    def __init__(self, network, setting, alpha, draws, taus, losses, losses_after, params):
        self._network = network
        self._setting = setting
        self._alpha = alpha
        self._params = params
        self.draws = np.array(draws, dtype=np.int64)
        self.taus = np.array(taus)
        self.losses = np.array(losses)
        self.losses_after = np.array(losses_after)
        self.epoch_length = setting.epoch_length

    def __len__(self):
        return len(self.draws)

    def __getitem__(self, t):
        if not isinstance(t, Integral):
            raise TypeError(f"a step is an integer from 0 to {len(self) - 1}; got {t!r}")
        if not -len(self) <= t < len(self):
            raise IndexError(f"there are steps 0 to {len(self) - 1}; got {t}")
        t %= len(self)
        self._network.params[:] = self._params[t]
        return trace(self._network, self._setting, int(self.draws[t]), self.taus[t], self._alpha, self._params[t + 1])

    def __repr__(self):
        sizes = "-".join(str(m) for m in self._network.M)
        n = len(self._setting.samples)
        return f"<Recording: {len(self)} step{'s' * (len(self) > 1)} of a {sizes} network on {n} samples>"

    def _repr_html_(self):
        return page_or_table(list(self), self.draws, self._setting, self._table())

    def _table(self):
        """Where scripts do not run: the course of the training, and the first step in full."""
        rows = ""
        for t in np.unique(np.linspace(0, len(self) - 1, 20).astype(int)):
            numbers = (f"{t + 1}", f"{self.draws[t]}", f"{self.losses[t]:.4g}", f"{self.losses_after[t]:.4g}")
            rows += "<tr>" + "".join(f"<td>{number}</td>" for number in numbers) + "</tr>"
        head = "".join(f"<th>{name}</th>" for name in ("step t", "row iₜ", "fᵢ before", "fᵢ after"))
        return (
            f"<table><caption>{len(self)} steps; the page needs JavaScript to show each</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{self[0]._table()}"
        )

    def save(self, path):
        """Write the page to a file: one file that needs no network and no server.

        Parameters
        ----------
        path : str or path-like
            The file, such as "steps.html"; written anew if it exists.

        Raises
        ------
        ValueError
            If the page would be larger than a browser shows with ease: record fewer steps.
        """
        network = self._network
        size = page_bytes(network.n_params, network.M, len(self))
        if size > MAX_BYTES:
            raise ValueError(
                f"the page of {len(self)} steps would take {size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} are "
                "allowed: record fewer steps"
            )
        page = document(self._repr_html_(), f"{len(self)} steps of backpropagation")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)


def record(estimator, X, y=None, *, n_steps=200, feature_names=None, class_names=None):
    """Record the next steps of a training, with everything that each computes.

    Of an estimator that is not fitted these are the first steps of ``fit(X, y)``: the same initial weights, the same
    draws i_t, the same step sizes, to the bit. Of a fitted one, they are those that ``partial_fit(X, y)``, again and
    again, would make next. To begin anew with a fitted one, take its clone (`sklearn.base.clone`). The steps are made
    on a copy by the compiled kernel, one sample at a time; the estimator stays as it is, and its callbacks are not
    called.

    Parameters
    ----------
    estimator : BackpropClassifier, BackpropRegressor or BackpropAutoencoder
        Fitted or not, with the lecture's steps: ``solver="sgd"`` with one sample a step, without momentum and dropout.
        Or a Pipeline that ends in one, or a fitted search over them.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training samples, before the steps of a Pipeline.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their labels or targets; None for an autoencoder.
    n_steps : int, default=200
        How many steps to record. They are fewer where `fit` would end earlier, or the training diverges. With a number
        that no training reaches, the recording's `draws` are all the i_t that `fit` draws; every step keeps a copy of
        the weights.
    feature_names : sequence of str, default=None
        Names of the network's M_0 inputs; None takes those of the data frame.
    class_names : sequence of str, default=None
        Names of the classes, in the order of ``classes_``, or of a regressor's outputs; None takes the labels.

    Returns
    -------
    Recording
        The steps; in a notebook, a page on which to go through them.

    Raises
    ------
    TypeError
        If the estimator is none of this package's, and holds none.
    ValueError
        If X or y is not one that `fit` takes, if `n_steps` is not an integer of at least 1, if the estimator makes
        other steps than the lecture's, or if the very first step diverges.

    See Also
    --------
    trace_step : One step on a given sample.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import record
    >>> X, y = make_moons(200, noise=0.15, random_state=0)
    >>> recording = record(BackpropClassifier((8,), learning_rate=0.5, random_state=0), X, y, n_steps=200)
    >>> len(recording), recording[7].W[1].shape
    (200, (8, 2))
    >>> recording.save("moons.html")  # doctest: +SKIP
    """
    check_count(n_steps, "n_steps")
    estimator, X, fitted = _prepared(estimator, X, y)
    model = copy.deepcopy(estimator.model if fitted else estimator)
    given = {name: getattr(model, name, plain) for name, plain in PLAIN.items()}
    other = [f"{name}={value!r}" for name, value in given.items() if not np.all(np.asarray(value) == PLAIN[name])]
    if other:
        raise ValueError(
            'record shows the lecture\'s steps: solver="sgd", batch_size=1, momentum=0, dropout=0; '
            f"the estimator has {', '.join(other)}"
        )
    recorder = _Recorder(model, n_steps)
    data = (X,) if y is None else (X, y)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if fitted:
                while recorder.progress is None or recorder.progress.ended != "diverged":
                    model.partial_fit(*data)
            else:
                model.fit(*data)
    except _Enough:
        pass
    if not recorder.draws:
        raise ValueError("the first step diverges: its weights are not finite; scale X, or lower learning_rate")
    inspected = estimator if fitted else Inspected(recorder.seen)
    setting = setting_of(
        inspected, recorder.network, recorder.samples, feature_names, class_names, recorder.epoch_length
    )
    return Recording(
        recorder.network.copy(),
        setting,
        model.alpha,
        recorder.draws,
        recorder.taus,
        recorder.losses,
        recorder.losses_after,
        recorder.params,
    )


def _prepared(estimator, X, y):
    """The estimator, as `Inspected` where it is fitted, the network's samples, and whether it is fitted."""
    if isinstance(estimator, BaseBackprop) and not hasattr(estimator, "coefs_"):
        return estimator, X, False
    if isinstance(estimator, Pipeline) and isinstance(estimator[-1], BaseBackprop):
        try:
            check_is_fitted(estimator[-1])
        except NotFittedError:
            return estimator[-1], clone(estimator[:-1]).fit_transform(X, y) if len(estimator) > 1 else X, False
    inspected = Inspected(estimator)
    return inspected, inspected.inputs(X), True


class _Enough(Exception):
    """All steps that were wanted are recorded."""


class _Recorder:
    """What stands in the kernel's place in the training of a model: it makes the steps one by one and keeps them.

    Parameters
    ----------
    model : BaseBackprop
        A copy whose training is to be recorded.
    n_steps : int
        After so many steps, `_Enough` is raised.
    """

    def __init__(self, model, n_steps):
        self.model, self.n_steps = model, n_steps
        self.draws, self.taus, self.losses, self.losses_after, self.params = [], [], [], [], []
        self.seen, self.progress = None, None
        self._make_epochs = model._epochs
        model._epochs = self.epochs
        model.verbose = False
        vars(model).pop("_skl_callbacks", None)

    def epochs(self, progress, plan):
        """What runs the epochs, with the recorder's `steps` in it."""
        epochs = self._make_epochs(progress, plan)
        epochs.steps = self.steps
        self.progress, self.network, self.samples = progress, progress.network, epochs.samples
        self.epoch_length = epochs.draws.epoch_length
        if self.seen is None:
            # names and classes are the model's by now; a training that is cut off will take them back
            self.seen = copy.copy(self.model)
            self.seen.coefs_, self.seen.intercepts_ = self.network.coefs, self.network.intercepts
            self.seen._hidden_activations = self.network.activations[:-1]
            self.seen.out_activation_ = self.network.activations[-1]
            self.params.append(self.network.folded())
        return epochs

    def steps(self, network, samples, rows, tau, alpha=0.0, rule=None, noise=None, threads=1):
        """The kernel's `steps`, row by row."""
        if tau == 0:
            return steps(network, samples, rows, tau)
        if self.progress.ended == "diverged":  # what follows repeats earlier epochs
            raise _Enough
        total = 0.0
        for k in range(len(rows)):
            if len(self.draws) == self.n_steps:
                raise _Enough
            row = rows[k : k + 1]
            f = steps(network, samples, row, tau, alpha, rule)
            if not (np.isfinite(f) and network.is_finite()):
                raise _Enough
            total += f
            self.draws.append(int(row[0]))
            self.taus.append(tau)
            self.losses.append(f)
            self.losses_after.append(steps(network, samples, row, 0.0))
            self.params.append(network.folded())
        return total
