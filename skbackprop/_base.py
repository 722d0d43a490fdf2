"""What the classifier and the regressor share: the whole story of fit, from validation to the fitted attributes."""

import copy
import sys
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Set
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight, check_is_fitted, validate_data

from ._callbacks import CallbackSupportMixin, callback_tasks
from ._network import BATCH, HIDDEN_ACTIVATIONS, Network, forward, input_gradients, last_layer, start_weights
from ._persistence import VersionedState
from ._training.heldout import Validation, split
from ._training.loop import Stop, train, train_by_lbfgs
from ._training.rules import Rule
from ._training.sampling import Draws, Samples, canonical_order, distinct, relative, repetitions
from ._training.schedules import SCHEDULES, Schedule

__all__ = ["BaseBackprop", "fit_context", "has_partial_fit"]

# With True, fit would switch scikit-learn's validation off while it runs, in a setting of the whole thread, which an
# interrupt on the way in or out could leave there for good.
fit_context = _fit_context(prefer_skip_nested_validation=False)


@contextmanager
def _unchanged_on_error(estimator):
    """Take back every change of the estimator's attributes where the body raises."""
    state = vars(estimator).copy()
    try:
        yield
    except BaseException:
        estimator.__dict__ = state  # all at once, so that an interrupt does not find the half of it
        raise


def has_partial_fit(estimator):
    """The check of `available_if`: True, or AttributeError with the reason why there is no `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit makes steps, which solver="lbfgs" does not; choose "sgd" or "adam"')
    return True


def _random_stream(random_state):
    """A stream of its own, seeded from scikit-learn's random_state."""
    seed = check_random_state(random_state).randint(0, 2**32, size=4, dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(seed))


def _feature_size(X, sample_weight):
    """The root mean square of the features in the median row: 1 where they are standardised.

    A median, because it is one of the rows' own values: no sum whose rounding the order of the rows would change.
    """
    repeats = None if sample_weight is None else repetitions(sample_weight)
    with np.errstate(over="ignore"):
        squares = row_norms(X, squared=True)
    if repeats is None:
        squares.partition((len(squares) - 1) // 2)  # in place, for the sake of memory
        median = squares[(len(squares) - 1) // 2]
    else:
        order = np.argsort(squares)
        ends = repeats[order]
        ends.cumsum(out=ends)
        median = squares[order[np.searchsorted(ends, (ends[-1] + 1) // 2)]]
    return float(np.sqrt(median / X.shape[1])) if 0 < median < np.inf else 1.0


def _one_or_list(values, name):
    """A parameter that is one value, or several in an order: the value or their list."""
    if isinstance(values, (Set, Mapping)):
        raise ValueError(f"{name} must have an order, as a list or a tuple has; got {values!r}")
    if isinstance(values, np.ndarray):
        return values.tolist()  # of no dimensions, it is one value
    return values if isinstance(values, (Integral, str)) else list(values)


def _is_small_frame(X, dtype):
    """Whether X is a pandas DataFrame of at most a batch of rows, with NumPy columns of this type alone."""
    pandas = sys.modules.get("pandas")  # who has a DataFrame has imported it
    return type(X) is getattr(pandas, "DataFrame", None) and len(X) <= BATCH and set(X.dtypes) == {dtype}


class BaseBackprop(
    ClassNamePrefixFeaturesOutMixin,
    CallbackSupportMixin,
    TransformerMixin,
    VersionedState,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """A feedforward network trained by the backpropagation algorithm of the lecture.

    Subclasses say how y becomes targets (`_encode`, `_resolve_output`) and how outputs become predictions.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), "array-like"],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "sampling": [StrOptions({"uniform", "shuffle"})],
        "solver": [StrOptions({"sgd", "adam", "lbfgs"})],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    _needed_when_fitted = (
        "coefs_",
        "intercepts_",
        "n_features_in_",
        "n_outputs_",
        "out_activation_",
        "_hidden_activations",
        "loss_curve_",
        "validation_loss_curve_",
        "validation_scores_",
        "best_loss_",
        "n_iter_",
        "t_",
        "_rng",
        "_solver_state",
    )

    @abstractmethod
    def _encode(self, y, dtype, continues, partial, classes):
        """Targets for the kernel; checks y and keeps what predictions need to know of it."""

    @abstractmethod
    def _encode_validation(self, y, dtype, name="y_val"):
        """Targets of other samples, for an estimator that has encoded y; `name` is what errors call their y."""

    @abstractmethod
    def _resolve_output(self, targets):
        """Number of outputs, name of their activation, and the kernel's name for the loss."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # ---- fit -----------------------------------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight, *, partial=False, classes=None, validation=(None,) * 3, start=(None,) * 2):
        """Fit, cold or warm, or one epoch more of it (`partial`)."""
        fitted = hasattr(self, "coefs_")
        continues = fitted and (partial or (self.warm_start and all(w is None for w in start)))
        if continues and partial:
            self._validate_params()  # which the fit context does in the first call of partial_fit only
        with callback_tasks(self, X, y, sample_weight, partial) as epoch_done, _unchanged_on_error(self):
            dtype = self.coefs_[0].dtype if continues else (np.float64, np.float32)
            X, y, sample_weight = self._validate(X, y, sample_weight, dtype, reset=not (continues and partial))
            targets = self._encode(y, X.dtype, continues, partial, classes)
            network = self._build_network(X, targets)
            before = self._before(continues)
            rng = copy.deepcopy(self._rng) if continues else _random_stream(self.random_state)
            samples, draws, held_out = self._sample(X, y, targets, sample_weight, partial, validation, rng)
            if continues:
                self._check_same_shape(network)
                network.set(self.coefs_, self.intercepts_)
            else:
                start_weights(network, rng, _feature_size(X, sample_weight))
                self._set_given_weights(network, *start)

            def fitted_attributes(outcome):
                return self._fitted_attributes(network, outcome, before, partial, held_out is not None)

            def watch(outcome, solver_state):
                if held_out is not None:
                    loss, score = held_out.loss(network), held_out.score(self._view(fitted_attributes(outcome)))
                    outcome.validation_losses.append(loss)
                    outcome.validation_scores.append(score)
                if self.verbose:
                    self._report(outcome)
                if epoch_done is None:
                    return False

                def resumable():
                    # copies of the stream and of the solver's state: both are still at work
                    state = {"_rng": copy.deepcopy(rng), "_solver_state": solver_state(outcome)}
                    return fitted_attributes(outcome) | state

                return epoch_done(resumable)

            outcome, state = self._train(
                network,
                samples,
                draws,
                rng,
                before,
                partial,
                watch=watch if held_out is not None or self.verbose or epoch_done is not None else None,
            )
            # all at once, so that an interrupt finds either the old estimator or the new
            vars(self).update(fitted_attributes(outcome), _rng=rng, _solver_state=state)
        if outcome.interrupted is not None:
            raise outcome.interrupted
        self._warn(outcome, X, partial)
        return self

    def _build_network(self, X, targets):
        """The network that the parameters and the data ask for."""
        hidden, activations = self._resolve_hidden()
        n_outputs, out_activation, loss = self._resolve_output(targets)
        sizes = (X.shape[1], *hidden, n_outputs)
        return Network(sizes, (*activations, out_activation), loss, X.dtype, getattr(self, "quantile", 0.5))

    def _train(self, network, samples, draws, rng, before, partial, watch):
        """Train by the solver. Returns what came of it, and what the solver needs to go on another time."""

        def solver_state(outcome):
            """What the solver needs to go on another time after the training so far."""
            if self.solver == "lbfgs":
                return None
            lowered = schedule.lowered > state["lowered"]
            return {
                "rule": rule,
                "moments": solver.moments.copy(),
                "t": solver.t,
                "lowered": schedule.lowered,
                "lowered_at": n_before + len(outcome.losses) if lowered else state["lowered_at"],
            }

        common = dict(
            alpha=self.alpha,
            max_iter=1 if partial else self.max_iter,
            stop=Stop(self.tol, self.n_iter_no_change, early=self.early_stopping and not partial),
            watch=None if watch is None else lambda outcome: watch(outcome, solver_state),
        )
        if self.solver == "lbfgs":
            outcome = train_by_lbfgs(network, samples, draws.order, max_fun=self.max_fun, **common)
            return outcome, solver_state(outcome)
        rule = self.solver
        if rule == "sgd" and self.momentum > 0:
            rule = "nesterov" if self.nesterovs_momentum else "momentum"
        solver = Rule(
            network,
            rule,
            batch_size=self.batch_size,
            dropout=getattr(self, "dropout", 0.0),
            momentum=self.beta_1 if rule == "adam" else self.momentum,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
        n_before = len(before["loss_curve_"])
        state = before["_solver_state"] or {"rule": None, "lowered": 0, "lowered_at": 0}
        if state["rule"] == rule:
            solver.moments[:], solver.t = state["moments"], state["t"]
        schedule = self._schedule(n_before, state["lowered"])
        earlier = before["loss_curve_"][state["lowered_at"] :] if partial else []
        outcome = train(network, samples, draws, rng, solver=solver, schedule=schedule, earlier=earlier, **common)
        return outcome, solver_state(outcome)

    def _schedule(self, epoch, lowered):
        """τ of the epochs to come, after so many."""
        return Schedule(
            self.learning_rate, self.learning_rate_schedule, self.power_t, self.max_iter, epoch=epoch, lowered=lowered
        )

    def _before(self, continues):
        """What earlier trainings left that this one goes on from."""
        before = {
            "loss_curve_": [],
            "validation_loss_curve_": None,
            "validation_scores_": None,
            "best_loss_": None,
            "n_iter_": 0,
            "t_": 0,
            "_solver_state": None,
        }
        return {name: getattr(self, name) for name in before} if continues else before

    def _fitted_attributes(self, network, outcome, before, partial, validated):
        """The attributes of an estimator whose training has come so far."""
        # where no epoch was done, or the last was taken back, the start weights' loss counts
        start = [outcome.start_loss] if outcome.diverged or not outcome.losses else []
        best = [*outcome.losses, *start] + ([] if before["best_loss_"] is None else [before["best_loss_"]])
        coefs, intercepts = network.views(network.folded())
        losses = before["loss_curve_"] + outcome.losses

        def with_earlier(name, values):
            # a list where there are held-out samples, even if the first epoch diverged
            return None if before[name] is None and not validated else (before[name] or []) + values

        return dict(
            coefs_=[np.ascontiguousarray(W) for W in coefs],
            intercepts_=[b.copy() for b in intercepts],
            n_layers_=len(network.M),
            n_outputs_=int(network.M[-1]),
            out_activation_=network.activations[-1],
            loss_curve_=losses,
            loss_=(losses or start)[-1],
            best_loss_=None if self.early_stopping and not partial else min(best),
            validation_loss_curve_=with_earlier("validation_loss_curve_", outcome.validation_losses),
            validation_scores_=with_earlier("validation_scores_", outcome.validation_scores),
            best_validation_score_=max(outcome.validation_scores, default=None),
            n_iter_=len(outcome.losses) + (before["n_iter_"] if partial else 0),
            t_=before["t_"] + outcome.n_steps,
            _hidden_activations=network.activations[:-1],
        )

    def _view(self, attributes):
        """A copy of this estimator with other fitted attributes, for samples that are validated already."""
        view = copy.copy(self)
        vars(view).pop("feature_names_in_", None)
        vars(view).update(attributes)
        return view

    def _validate(self, X, y, sample_weight, dtype, reset):
        """X, y and sample_weight as arrays; rows of weight 0 are dropped."""
        X, y = self._validate_X_y(X, y, dtype, reset)
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

    def _validate_X_y(self, X, y, dtype, reset):
        return validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=dtype,
            order="C",
            multi_output=True,
            y_numeric=self._y_numeric,
            reset=reset,
        )

    def _resolve_hidden(self):
        """Sizes and activations of the hidden layers."""
        hidden = _one_or_list(self.hidden_layer_sizes, "hidden_layer_sizes")
        hidden = hidden if isinstance(hidden, list) else [hidden]
        if not all(isinstance(m, Integral) and m > 0 for m in hidden):
            raise ValueError(f"hidden_layer_sizes must be integers > 0; got {self.hidden_layer_sizes}")
        activations = _one_or_list(self.activation, "activation")
        activations = activations if isinstance(activations, list) else [activations] * len(hidden)
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

    def _set_given_weights(self, network, coefs, intercepts):
        """The start weights that the user gave to fit: all matrices, all vectors or both."""
        for name, own, given in (
            ("coefs_init", network.coefs, coefs),
            ("intercepts_init", network.intercepts, intercepts),
        ):
            if given is None:
                continue
            given = [np.asarray(w, dtype=np.float64) for w in given]
            shapes = [w.shape for w in own]
            if [w.shape for w in given] != shapes:
                raise ValueError(f"{name} must be arrays of the shapes {shapes}; got {[w.shape for w in given]}")
            if not all(np.isfinite(w.astype(network.params.dtype)).all() for w in given):
                raise ValueError(f"{name} must be finite in {network.params.dtype}, the type of X")
            for w, start in zip(own, given, strict=True):
                w[...] = start

    def _sample(self, X, y, targets, sample_weight, partial, validation, rng):
        """The samples for the kernel, how they are drawn, and the held-out samples if there are any.

        Whole-number weights are repetitions. What remains, and class_weight, is relative importance: the probability
        of a draw, or a factor of the loss where each sample has its turn (shuffle, lbfgs) or the rows are but a part
        of the data (partial_fit).
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
        held_out = None
        if any(given is not None for given in validation):
            held_out = self._validation(*validation, X.dtype, targets.shape[1:])
        elif self.early_stopping and not partial:
            order, rows = split(X, targets, order, self.validation_fraction, self._strata(targets), rng)
            weight = None if sample_weight is None else sample_weight[rows]
            samples = Samples(X[rows], targets[rows], weight)
            held_out = Validation(samples.X, y[rows], samples, weight, self._scorer())
        if self.solver == "lbfgs":
            return *self._sample_once(X, targets, order, repeats, importance), held_out
        if self.sampling == "uniform" and not partial:
            return Samples(X, targets), Draws(order, "uniform", repeats, importance), held_out
        return Samples(X, targets, importance), Draws(order, self.sampling, repeats), held_out

    def _sample_once(self, X, targets, order, repeats, importance):
        """Each distinct row once, its weight multiplying f_i: so that to repeat a row is the same as to weigh it."""
        new = distinct(X, targets, order)
        if importance is not None:  # equal rows of unlike importance stay apart: count times importance is no sum
            new[1:] |= np.diff(importance[order]) != 0
        first = np.flatnonzero(new)
        weight = np.zeros(X.shape[0])
        weight[order[first]] = np.add.reduceat(np.ones(len(order)) if repeats is None else repeats[order], first)
        if importance is not None:
            weight *= importance
        return Samples(X, targets, weight), Draws(order[first], "shuffle")

    def _validation(self, X, y, sample_weight, dtype, columns):
        """The held-out samples that the user gave to fit."""
        if X is None or y is None:
            raise ValueError("X_val and y_val must be given together, and sample_weight_val only with them")
        X, y, sample_weight = self._validate(X, y, sample_weight, dtype, reset=False)
        targets = self._encode_validation(y, X.dtype)
        if targets.shape[1:] != columns:
            n = targets.shape[1]
            raise ValueError(f"y_val has {n} column{'' if n == 1 else 's'}, y has {columns[0]}")
        return Validation(X, y, Samples(X, targets, sample_weight), sample_weight, self._scorer())

    def _scorer(self):
        return check_scoring(self, getattr(self, "scoring", None))

    def _strata(self, targets):
        """The class of each sample, to divide all classes alike; None where there are none."""
        return None

    def _class_importance(self, targets, sample_weight):
        """The class weight of each sample, or None."""
        return None

    def _report(self, outcome):
        line = f"Iteration {len(outcome.losses)}, loss = {outcome.losses[-1]:.8f}"
        if outcome.validation_scores:
            line += f", validation score = {outcome.validation_scores[-1]:.6f}"
        if outcome.taus:
            line += f", tau = {outcome.taus[-1]:.3g}"
        print(f"{line}, {outcome.samples_per_second:,.0f} samples/s")

    def _warn(self, outcome, X, partial):
        if outcome.diverged:
            tau = outcome.taus[-1] if outcome.taus else None
            if tau is not None and tau * self.alpha > 1:  # W ← W − τ α W, by itself, is on its way to blow up
                cause, remedy = f"learning_rate={tau:g} is too large for alpha={self.alpha:g}", "Choose a smaller alpha"
            else:
                values = X.data if issparse(X) else X
                largest = max(values.max(initial=0), -values.min(initial=0))  # without an |X| as large as X
                cause = "the loss overflows with" if tau is None else f"learning_rate={tau:g} is too large for"
                cause += f" features of size up to {largest:.3g} and this loss"
                remedy = "Scale the features (StandardScaler) and, in regression, y"
            warnings.warn(
                f"Training diverged in epoch {len(outcome.losses)}: {cause}. The weights of the best epoch are kept. "
                f"{remedy}; or choose a smaller learning_rate.",
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
        """X as the forward pass takes it.

        scikit-learn's checks take several times as long as the prediction for one row. Up to a batch of rows whose
        values they would only confirm are spared them; all they would change or refuse, and the features' names, are
        left to them.
        """
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        dtype = self.coefs_[0].dtype
        values = X if type(X) is np.ndarray or not _is_small_frame(X, dtype) else X.to_numpy()
        confirmed = (
            type(values) is np.ndarray
            and values.dtype == dtype
            and values.ndim == 2
            and values.shape[1] == self.n_features_in_
            and 0 < len(values) <= BATCH
            and np.isfinite(values).all()
        )
        if not confirmed:
            accept_sparse = "csr" if self.__sklearn_tags__().input_tags.sparse else False
            return validate_data(self, X, accept_sparse=accept_sparse, dtype=dtype, reset=False)
        if values is not X or hasattr(self, "feature_names_in_"):
            validate_data(self, X, reset=False, skip_check_array=True)  # the names of the features
        return values

    @property
    def _activations(self):
        """Names of the activations of layers 1, ..., L."""
        return *self._hidden_activations, self.out_activation_

    def _z(self, X, l):
        """z^l of validated samples."""
        names = (*self._hidden_activations[: l - 1], "identity")
        return last_layer(X, self.coefs_[:l], self.intercepts_[:l], names)

    def _a(self, X, l, start=0):
        """a^l, where a^start is X, validated."""
        return last_layer(X, self.coefs_[start:l], self.intercepts_[start:l], self._activations[start:l])

    #: The output activation for gradients; None is the network's own.
    _gradient_activation = None

    def _input_gradients(self, X, output=None):
        """See the subclasses' `input_gradients`."""
        X = self._validate_for_output(X)
        self._check_output(output)
        gradients = self._gradients_at(X, range(self.n_outputs_) if output is None else [output])
        return gradients[:, 0] if gradients.shape[1] == 1 else gradients

    def _gradients_at(self, X, outputs):
        """∂ output_k / ∂x for each k of `outputs` at validated samples; of shape (n_samples, n_outputs, n_features)."""
        names = (*self._hidden_activations, self._gradient_activation or self.out_activation_)
        return input_gradients(X, self.coefs_, self.intercepts_, names, outputs)

    def _check_output(self, output):
        """Raise ValueError unless `output` is None or the number of an output."""
        if output is not None and not (isinstance(output, Integral) and 0 <= output < self.n_outputs_):
            raise ValueError(f"output must be None or an integer from 0 to {self.n_outputs_ - 1}; got {output!r}")

    def transform(self, X):
        """The outputs a^(L-1) of the last hidden layer: the features that the network has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        features : ndarray of shape (n_samples, M_(L-1))
            With ``hidden_layer_sizes=()`` X itself; where a data frame is wanted (`set_output`), dense.
        """
        X = self._validate_for_output(X)
        if len(self.coefs_) > 1:
            return self._a(X, len(self.coefs_) - 1)
        frame = _get_output_config("transform", self)["dense"] != "default"
        return X.toarray() if frame and issparse(X) else X  # scikit-learn makes no data frame of a sparse matrix

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
        return [a for _, a, _ in forward(X, self.coefs_, self.intercepts_, self._activations)]

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
