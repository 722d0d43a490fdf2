"""What the classifier and the regressor share: the whole story of fit, from validation to the fitted attributes."""

import copy
import warnings
from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight, check_is_fitted, validate_data

from ._activations import HIDDEN_ACTIVATIONS
from ._network import Network, forward, start_weights
from ._sampling import Draws, Samples, canonical_order, relative, repetitions
from ._training import train

__all__ = ["BaseBackprop", "fit_context"]

#: Rows of a batch in predictions: few enough that a layer's outputs stay in the cache.
BATCH = 1000

fit_context = _fit_context(prefer_skip_nested_validation=True)


@contextmanager
def _unchanged_on_error(estimator):
    """Take back every change of the estimator's attributes where the body raises."""
    state = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(state)
        raise


def _random_stream(random_state):
    """A stream of its own, seeded from scikit-learn's random_state."""
    seed = check_random_state(random_state).randint(0, 2**32, size=4, dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(seed))


def _feature_size(X, repeats):
    """The root mean square of the features in the median row: 1 where they are standardised.

    A median, because it is one of the rows' own values: no sum whose rounding the order of the rows would change.
    """
    with np.errstate(over="ignore"):
        squares = row_norms(X, squared=True)
    if repeats is None:
        squares.partition((len(squares) - 1) // 2)  # in place, for the sake of memory
        median = squares[(len(squares) - 1) // 2]
    else:
        order = np.argsort(squares)
        ends = np.cumsum(repeats[order])
        median = squares[order[np.searchsorted(ends, (ends[-1] + 1) // 2)]]
    return float(np.sqrt(median / X.shape[1])) if 0 < median < np.inf else 1.0


class BaseBackprop(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """A feedforward network trained by the backpropagation algorithm of the lecture.

    Subclasses say how y becomes targets (`_encode`, `_resolve_output`) and how outputs become predictions.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), "array-like"],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "sampling": [StrOptions({"uniform", "shuffle"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes,
        activation,
        output_activation,
        loss,
        learning_rate,
        max_iter,
        sampling,
        alpha,
        tol,
        n_iter_no_change,
        warm_start,
        random_state,
        verbose,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.sampling = sampling
        self.alpha = alpha
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _encode(self, y, dtype, continues, partial, classes):
        """Targets for the kernel; checks y and keeps what predictions need to know of it."""

    @abstractmethod
    def _resolve_output(self, targets):
        """Number of outputs, name of their activation, and the kernel's name for the loss."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # ---- fit -----------------------------------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight, partial=False, classes=None):
        """Fit, cold or warm, or one epoch more of it (`partial`)."""
        fitted = hasattr(self, "coefs_")
        goes_on = fitted and partial
        continues = goes_on or (fitted and self.warm_start)
        with _unchanged_on_error(self):
            if goes_on:
                self._validate_params()  # which the fit context does in the first call of partial_fit only
            X, y, sample_weight = self._validate(X, y, sample_weight, continues, reset=not goes_on)
            targets = self._encode(y, X.dtype, continues, partial, classes)
            n_outputs, out_activation, loss = self._resolve_output(targets)
            hidden, activations = self._resolve_hidden()
            samples, draws = self._sample(X, targets, sample_weight, partial)
            network = Network((X.shape[1], *hidden, n_outputs), (*activations, out_activation), loss, X.dtype)
            if continues:
                self._check_same_shape(network)
                network.set(self.coefs_, self.intercepts_)
                rng, curve, t, best = copy.deepcopy(self._rng), self.loss_curve_, self.t_, [self.best_loss_]
            else:
                rng, curve, t, best = _random_stream(self.random_state), [], 0, []
                start_weights(network, rng, _feature_size(X, draws.repeats))

            outcome = train(
                network,
                samples,
                draws,
                rng,
                tau=lambda epoch: self._tau(len(curve) + epoch),
                alpha=self.alpha,
                max_iter=1 if partial else self.max_iter,
                tol=self.tol,
                n_iter_no_change=np.inf if partial else self.n_iter_no_change,
                report=self._report if self.verbose else None,
            )
            # all at once, so that an interrupt finds either the old estimator or the new
            start = [outcome.start_loss] if outcome.diverged or not outcome.losses else []
            vars(self).update(
                coefs_=[np.ascontiguousarray(W) for W in network.coefs],
                intercepts_=[b.copy() for b in network.intercepts],
                n_layers_=len(network.M),
                n_outputs_=n_outputs,
                out_activation_=out_activation,
                loss_curve_=curve + outcome.losses,
                loss_=(outcome.losses or curve or start)[-1],
                best_loss_=min(best + outcome.losses + start),
                n_iter_=len(outcome.losses) + (self.n_iter_ if goes_on else 0),
                t_=t + outcome.n_steps,
                _hidden_activations=tuple(activations),
                _rng=rng,
            )
        if outcome.interrupted is not None:
            raise outcome.interrupted
        self._warn(outcome, X, partial)
        return self

    def _validate(self, X, y, sample_weight, continues, reset):
        """X, y and sample_weight as arrays; rows of weight 0 are dropped."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=self.coefs_[0].dtype if continues else (np.float64, np.float32),
            order="C",
            multi_output=True,
            y_numeric=self._y_numeric,
            reset=reset,
        )
        if issparse(X):
            X = copy.copy(X)  # the arrays stay the caller's, but the checks may put others in their place
            try:
                X.check_format(full_check=True)  # the kernel trusts the indices
            except ValueError as error:
                raise ValueError(f"X is not a valid CSR matrix: {error}") from None
            if not X.has_canonical_format:
                X = X.copy()
                X.sum_duplicates()
            if X.indices.dtype != X.indptr.dtype:
                X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
        if sample_weight is None:
            return X, y, None
        sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (sample_weight < 0).any():
            raise ValueError(f"sample_weight must not be negative; the smallest is {sample_weight.min()}")
        keep = sample_weight > 0
        if not keep.any():
            raise ValueError("sample_weight is 0 for every sample: there is nothing to learn from")
        if not keep.all():
            X, y, sample_weight = X[keep], y[keep], sample_weight[keep]
        return X, y, sample_weight

    def _resolve_hidden(self):
        """Sizes and activations of the hidden layers."""
        hidden = self.hidden_layer_sizes
        hidden = [hidden] if isinstance(hidden, Integral) else list(hidden)
        if not all(isinstance(m, Integral) and m > 0 for m in hidden):
            raise ValueError(f"hidden_layer_sizes must be integers > 0; got {self.hidden_layer_sizes}")
        if isinstance(self.activation, str):
            return hidden, [self.activation] * len(hidden)
        activations = list(self.activation)
        for name in activations:
            if name not in HIDDEN_ACTIVATIONS:
                raise ValueError(f"activation must be among {HIDDEN_ACTIVATIONS}; got {name!r}")
        if len(activations) != len(hidden):
            raise ValueError(
                f"activation must be one name, or one for each of the {len(hidden)} hidden layers; got {activations}"
            )
        return hidden, activations

    def _check_same_shape(self, network):
        given, own = ([W.shape for W in coefs] for coefs in (network.coefs, self.coefs_))
        if given != own:
            raise ValueError(
                f"training can only go on with layers of the same sizes: the fitted weights have shapes {own}; "
                f"hidden_layer_sizes={self.hidden_layer_sizes} with this X and y needs {given}"
            )

    def _sample(self, X, targets, sample_weight, partial):
        """The samples for the kernel, and how they are drawn.

        Whole-number weights are repetitions. What remains, and class_weight, is relative importance: the probability
        of a draw, or a factor of the loss where each sample has its turn (shuffle) or the rows are but a part of the
        data (partial_fit).
        """
        repeats = importance = None
        if sample_weight is not None:
            repeats = repetitions(sample_weight)
            if repeats is None:
                importance = sample_weight
        class_importance = self._class_importance(targets, sample_weight)
        if class_importance is not None:
            importance = class_importance if importance is None else importance * class_importance
        if importance is not None and not partial:
            importance = relative(importance, repeats)
        order = canonical_order(X, targets, importance)
        if self.sampling == "uniform" and not partial:
            return Samples(X, targets), Draws(order, "uniform", repeats, importance)
        return Samples(X, targets, importance), Draws(order, self.sampling, repeats)

    def _class_importance(self, targets, sample_weight):
        """The class weight of each sample, or None."""
        return None

    def _tau(self, epoch):
        """The step size in an epoch, counted from 0 over all trainings of this estimator."""
        if not callable(self.learning_rate):
            return float(self.learning_rate)
        tau = self.learning_rate(epoch)
        if not (isinstance(tau, Real) and 0 < tau < np.inf):
            raise ValueError(f"learning_rate must return a finite number > 0; for epoch {epoch} it returned {tau!r}")
        return float(tau)

    def _report(self, epoch, loss):
        print(f"Iteration {epoch + 1}, loss = {loss:.8f}")

    def _warn(self, outcome, X, partial):
        if outcome.diverged:
            largest = abs(X).max()
            warnings.warn(
                f"Training diverged in epoch {len(outcome.losses)}: learning_rate={outcome.tau:g} is too large for "
                f"features of size up to {largest:.3g} and this loss. The weights of the best epoch are kept. Scale "
                "the features (StandardScaler) and, in regression, y; or choose a smaller learning_rate.",
                ConvergenceWarning,
                stacklevel=5,
            )
        elif not outcome.converged and not partial:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )

    # ---- outputs -------------------------------------------------------------------------------------------------

    def _validate_for_output(self, X):
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=self.coefs_[0].dtype, reset=False)

    def _layer(self, X, l):
        """a^l of validated samples, of the output layer z^L; a batch of rows at a time, to need little memory."""
        coefs, intercepts = self.coefs_[:l], self.intercepts_[:l]
        activations = (*self._hidden_activations, "identity")[:l]
        n = X.shape[0]
        if n <= BATCH:
            return forward(X, coefs, intercepts, activations)[-1]
        out = np.empty((n, coefs[-1].shape[1]), dtype=coefs[-1].dtype)
        for k in range(0, n, BATCH):
            out[k : k + BATCH] = forward(X[k : k + BATCH], coefs, intercepts, activations)[-1]
        return out

    def _output(self, X):
        """z^L."""
        return self._layer(self._validate_for_output(X), len(self.coefs_))

    def transform(self, X):
        """The outputs a^(L-1) of the last hidden layer: the features that the network has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        features : ndarray of shape (n_samples, M_(L-1))
            With ``hidden_layer_sizes=()`` X itself.
        """
        X = self._validate_for_output(X)
        return self._layer(X, len(self.coefs_) - 1) if len(self.coefs_) > 1 else X

    def activations(self, X):
        """The outputs a^l of every layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        layers : list of ndarray of shape (n_samples, M_l)
            a^1, ..., a^L; the last is ŷ.
        """
        X = self._validate_for_output(X)
        return forward(X, self.coefs_, self.intercepts_, (*self._hidden_activations, self.out_activation_))

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[0]

    def get_feature_names_out(self, input_features=None):
        """Names of the features that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of X; used only with ``hidden_layer_sizes=()``.

        Returns
        -------
        names : ndarray of str
            The lowercased class name and a number; with ``hidden_layer_sizes=()`` the names of X's features.
        """
        check_is_fitted(self)
        if len(self.coefs_) == 1:
            return _check_feature_names_in(self, input_features)
        return super().get_feature_names_out(input_features)
