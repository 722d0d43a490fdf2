"""What all estimators share: the whole of `fit`, from the checks to the fitted attributes, and the outputs."""

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
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, column_or_1d, validate_data

from ._callbacks import CallbackSupportMixin, callback_tasks
from ._checks import canonical_csr, check_scorer, feature_size, positive_weights, set_start_weights
from ._from_mlp import check_mlp, parameters_of, take_over_optimizer
from ._network import BATCH, HIDDEN_ACTIVATIONS, Network, forward, input_gradients, last_layer, start_weights
from ._persistence import VersionedState
from ._training import sampling
from ._training.heldout import HeldOut, Split
from ._training.lbfgs import train_by_lbfgs
from ._training.loop import Epochs, train
from ._training.progress import Progress, given_step_size
from ._training.rules import Rule
from ._training.schedules import SCHEDULES, Schedule
from ._training.step_size import find_step_size
from ._training.stopping import Stop
from ._training.verdict import verdict
from ._training.watch import Watch

__all__ = ["BaseBackprop", "fit_context", "has_partial_fit"]

#: Stack level of the caller of `fit`, seen from `_fit`: `fit` and scikit-learn's wrappers lie in between.
CALLER_OF_FIT = 4

# With True, fit would turn scikit-learn's validation off for the whole thread while it runs, and an interrupt at the
# wrong moment could leave it off for good.
fit_context = _fit_context(prefer_skip_nested_validation=False)


@contextmanager
def _unchanged_on_error(estimator):
    """Undo every change to the estimator's attributes if the body raises."""
    state = vars(estimator).copy()
    n_epochs = len(state.get("loss_curve_", ()))
    try:
        yield
    except BaseException:
        if n_epochs:
            del state["loss_curve_"][n_epochs:]  # it grows in place
        estimator.__dict__ = state  # all at once, so that an interrupt cannot leave half of it
        raise


def has_partial_fit(estimator):
    """The check for `available_if`: return True, or raise AttributeError saying why there is no `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit is not available with solver="lbfgs"; choose "sgd" or "adam"')
    return True


def _is_auto(learning_rate):
    return isinstance(learning_rate, str) and learning_rate == "auto"


def _random_stream(random_state):
    """A new random stream, seeded from scikit-learn's random_state."""
    seed = check_random_state(random_state).randint(0, 2**32, size=4, dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(seed))


def _one_or_list(values, name):
    """A parameter that may be a single value or a sequence: returns the value or a list."""
    if isinstance(values, (Set, Mapping)):
        raise ValueError(f"{name} must be ordered, such as a list or a tuple; got {values!r}")
    if isinstance(values, np.ndarray):
        return values.tolist()  # a 0-dimensional array gives a single value
    return values if isinstance(values, (Real, str)) else list(values)


def _is_small_frame(X, dtype):
    """Whether X is a pandas DataFrame of at most `BATCH` rows whose columns are all NumPy arrays of this type."""
    pandas = sys.modules.get("pandas")  # whoever has a DataFrame has imported it
    return type(X) is getattr(pandas, "DataFrame", None) and len(X) <= BATCH and set(X.dtypes) == {dtype}


class BaseBackprop(
    ClassNamePrefixFeaturesOutMixin,
    CallbackSupportMixin,
    TransformerMixin,
    VersionedState,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """A feedforward network trained with the lecture's backpropagation algorithm.

    Subclasses define how y becomes targets (`_encode`, `_resolve_output`) and how outputs become predictions.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), "array-like"],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), callable, StrOptions({"auto"})],
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
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf}), StrOptions({"auto"})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    _encoding_attributes = ("n_features_in_",)

    @abstractmethod
    def _encode(self, y, dtype, continues, partial, classes):
        """Targets for the kernel. Checks y and remembers what predictions need to know about it."""

    @abstractmethod
    def _encode_more(self, y, dtype, name="y_val"):
        """Targets of other samples, once y has been encoded; `name` is what error messages call their y."""

    @abstractmethod
    def _resolve_output(self, targets):
        """The number of outputs, the name of their activation and the kernel's name for the loss."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # ---- fit -----------------------------------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight, *, partial=False, classes=None, held_out=(None,) * 3, start=(None,) * 2):
        """Fit from scratch or from a warm start, or train for one more epoch (`partial`)."""
        fitted = hasattr(self, "coefs_")
        continues = fitted and (partial or (self.warm_start and all(w is None for w in start)))
        if continues and partial:
            self._validate_params()  # the fit context only does so in the first call of partial_fit
        with callback_tasks(self, X, y, sample_weight, partial) as epoch_done, _unchanged_on_error(self):
            dtype = self.coefs_[0].dtype if continues else (np.float64, np.float32)
            X, y, sample_weight = self._check_data(X, y, sample_weight, dtype, reset=not (continues and partial))
            targets = self._encode(y, X.dtype, continues, partial, classes)
            network = self._build_network(X, targets)
            if continues:
                self._check_same_shape(network)
                progress = Progress.of(self, network, self._build_rule(network), partial)
            else:
                progress = Progress(network, self._build_rule(network), _random_stream(self.random_state), partial)
            progress.by_score = self.early_stopping and not partial
            plan, held_out = self._plan(X, y, targets, sample_weight, held_out, progress)
            if continues and partial and plan.counts_for_nothing:
                return self  # all classes present have weight 0
            if not continues:
                start_weights(network, progress.rng, feature_size(X, sample_weight))
                set_start_weights(network, *start)
            self._choose_step_size(progress, plan)
            self._train(progress, plan, Watch(progress, self, held_out, epoch_done))
            progress.write_to(self)
        if progress.interrupt is not None:
            raise progress.interrupt
        message = verdict(progress, plan, self)
        if message is not None:
            warnings.warn(message, ConvergenceWarning, stacklevel=CALLER_OF_FIT)
        return self

    def _check_data(self, X, y, sample_weight, dtype, reset):
        """X, y and sample_weight as arrays, without rows of weight 0."""
        X, y = self._check_X_y(X, y, dtype, reset)
        if issparse(X):
            X = canonical_csr(X)
        return (X, y, None) if sample_weight is None else positive_weights(X, y, sample_weight)

    def _check_X_y(self, X, y, dtype, reset):
        X, y = validate_data(
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
        is_column = y.ndim == 2 and y.shape[1] == 1 and not issparse(y)
        return X, column_or_1d(y, warn=True) if is_column else y

    def _build_network(self, X, targets):
        """The network that the parameters and the data call for."""
        hidden, activations = self._resolve_hidden()
        n_outputs, out_activation, loss = self._resolve_output(targets)
        sizes = (X.shape[1], *hidden, n_outputs)
        return Network(sizes, (*activations, out_activation), loss, X.dtype, getattr(self, "quantile", 0.5))

    def _build_rule(self, network):
        """How gradients become steps; None for L-BFGS, which has its own way."""
        dropout = self._resolve_dropout(len(network.M) - 2)
        if self.solver == "lbfgs":
            return None
        name = self.solver
        if name == "sgd" and self.momentum > 0:
            name = "nesterov" if self.nesterovs_momentum else "momentum"
        return Rule(
            network,
            name,
            batch_size=self.batch_size,
            dropout=dropout,
            momentum=self.beta_1 if name == "adam" else self.momentum,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )

    def _choose_step_size(self, progress, plan):
        """Set the step size that the schedule multiplies: given, kept from earlier training, or found by a trial."""
        if not _is_auto(self.learning_rate) or self.solver == "lbfgs":
            progress.learning_rate, progress.trial = given_step_size(self.learning_rate, self.solver), None
        elif progress.learning_rate is None and progress.partial:  # no trial on part of the data
            progress.learning_rate = self._usual_step_size()
        elif progress.learning_rate is None:
            progress.learning_rate, progress.trial = find_step_size(
                progress,
                plan,
                self._epochs,
                classes=self._strata(plan.samples.targets),
                max_iter=self.max_iter,
                usual=self._usual_step_size(),
            )
            if self.verbose:
                print(f"Trial of step sizes: learning_rate = {progress.learning_rate:.3g}")

    #: The step sizes that suit most data: of plain steps with logistic units, and of Adam.
    _usual_step_sizes = None

    def _usual_step_size(self):
        """The step size for this network when nothing is known about the data."""
        plain, adam = self._usual_step_sizes
        if self.solver == "adam":
            return adam
        names = {self.activation} if isinstance(self.activation, str) else set(self.activation)
        return plain * (1 if names <= {"logistic"} else 0.2) * (1 - self.momentum)

    def _schedule(self, learning_rate):
        """The step size τ of each epoch; with "auto", `learning_rate` is the fitted one."""
        tau = learning_rate if _is_auto(self.learning_rate) else self.learning_rate
        return Schedule(tau, self.learning_rate_schedule, self.power_t, self.max_iter)

    def _plan(self, X, y, targets, sample_weight, held_out, progress):
        """What to train on, and the held-out samples: those given or, with `early_stopping`, a part of X."""
        given = any(part is not None for part in held_out)
        if given:
            held_out = self._given_held_out(*held_out, progress.network)
        divides = progress.by_score and not given
        plan = sampling.plan(
            X,
            targets,
            sample_weight,
            self._class_importance(targets, sample_weight),
            sampling=self.sampling,
            lbfgs=self.solver == "lbfgs",
            partial=progress.partial,
            hold_out=Split(self.validation_fraction, self._strata(targets), progress.rng) if divides else None,
        )
        if divides:
            rows = plan.held_out
            weight = None if sample_weight is None else sample_weight[rows]
            held_out = HeldOut(X[rows], y[rows], targets[rows], weight, self._scorer(weight))
        if not (given or divides):
            return plan, None
        progress.validation_losses, progress.validation_scores = [], []
        return plan, held_out

    def _given_held_out(self, X, y, sample_weight, network):
        """The held-out samples that the user passed to fit."""
        if X is None or y is None:
            raise ValueError("X_val and y_val must be given together; sample_weight_val can only be given with them")
        dtype, n_outputs = network.params.dtype, int(network.M[-1])
        try:
            X, y, sample_weight = self._check_data(X, y, sample_weight, dtype, reset=False)
        except (TypeError, ValueError) as error:
            error.add_note("X, y and sample_weight are X_val, y_val and sample_weight_val here")
            raise
        targets = self._encode_more(y, dtype)
        if targets.ndim == 2 and targets.shape[1] != n_outputs:
            raise ValueError(f"y_val has {targets.shape[1]} column(s), y has {n_outputs}")
        return HeldOut(X, y, targets, sample_weight, self._scorer(sample_weight))

    def _train(self, progress, plan, watch):
        """Train with the solver chosen."""
        epoch_length = np.inf if self.solver == "lbfgs" else plan.draws.epoch_length
        stop = Stop(self.tol, self.n_iter_no_change, epoch_length)
        common = dict(stop=stop, max_iter=1 if progress.partial else self.max_iter, watch=watch)
        if self.solver == "lbfgs":
            train_by_lbfgs(progress, plan, alpha=self.alpha, max_fun=self.max_fun, **common)
        else:
            train(progress, self._epochs(progress, plan), schedule=self._schedule(progress.learning_rate), **common)

    def _epochs(self, progress, plan):
        """The object that runs the epochs."""
        return Epochs(progress, plan, self.alpha)

    def _resolve_hidden(self):
        """The sizes and activations of the hidden layers."""
        hidden = _one_or_list(self.hidden_layer_sizes, "hidden_layer_sizes")
        hidden = hidden if isinstance(hidden, list) else [hidden]
        if not all(isinstance(m, Integral) and m > 0 for m in hidden):
            raise ValueError(f"hidden_layer_sizes must be integers > 0; got {self.hidden_layer_sizes}")
        activations = _one_or_list(self.activation, "activation")
        activations = activations if isinstance(activations, list) else [activations] * len(hidden)
        for name in activations:
            if name not in HIDDEN_ACTIVATIONS:
                raise ValueError(f"activation must be one of {HIDDEN_ACTIVATIONS}; got {name!r}")
        if len(activations) != len(hidden):
            raise ValueError(
                f"activation must be one name, or one for each of the {len(hidden)} hidden layers; got {activations}"
            )
        return hidden, activations

    def _resolve_dropout(self, n_hidden):
        """The rates of dropout of the input and of each hidden layer."""
        given = self.dropout
        rates = _one_or_list(given, "dropout")
        rates = rates if isinstance(rates, list) else [0.0, *[rates] * n_hidden]
        if not all(isinstance(p, Real) and 0 <= p < 1 for p in rates):
            raise ValueError(f"dropout must be in [0, 1); got {given!r}")
        if len(rates) != 1 + n_hidden:
            raise ValueError(
                "dropout must be one number for all hidden layers, or a sequence with one for the input and one for "
                f"each of the {n_hidden} hidden layers; got {given!r}"
            )
        return rates

    def _check_same_shape(self, network):
        given, own = ([W.shape for W in coefs] for coefs in (network.coefs, self.coefs_))
        if given != own:
            raise ValueError(
                f"training can only continue with layers of the same sizes: the fitted weights have shapes {own}, but "
                f"hidden_layer_sizes={self.hidden_layer_sizes} with this X and y needs {given}"
            )

    def _scorer(self, sample_weight):
        """The scorer for held-out samples with these sample weights."""
        return check_scorer(self, getattr(self, "scoring", None), sample_weight)

    def _strata(self, targets):
        """The class of each sample, for a stratified split; None without classes."""
        return None

    def _class_importance(self, targets, sample_weight):
        """The class weight of each sample, or None."""
        return None

    # ---- from scikit-learn's network ----

    @classmethod
    def _from_mlp(cls, mlp, kind, given):
        """See the subclasses' `from_mlp`; `kind` is the class of `mlp`."""
        check_mlp(mlp, kind)
        estimator = cls(**(parameters_of(mlp, given) | given))
        estimator._validate_params()
        estimator._encode_as(mlp)
        # the network depends only on the columns and the type of X and the targets
        network = estimator._build_network(mlp.coefs_[0].T, mlp.coefs_[-1])
        sizes = [mlp.coefs_[0].shape[0], *(W.shape[1] for W in mlp.coefs_)]
        activations = (*[mlp.activation] * (len(sizes) - 2), mlp.out_activation_)
        if (network.M.tolist(), network.activations) != (sizes, activations):
            raise ValueError(
                f"parameters must not change the network of mlp, layers of {sizes} units with the activations "
                f"{activations}; got {given}"
            )
        network.set(mlp.coefs_, mlp.intercepts_)
        progress = Progress(network, estimator._build_rule(network), _random_stream(estimator.random_state), True)
        progress.learning_rate = given_step_size(estimator.learning_rate, estimator.solver)
        take_over_optimizer(mlp, progress)
        # no epoch has been run, so there is no loss
        vars(estimator).update(progress.fitted_attributes() | {"loss_": None, "best_loss_": None})
        estimator.n_features_in_ = mlp.n_features_in_
        if hasattr(mlp, "feature_names_in_"):
            estimator.feature_names_in_ = mlp.feature_names_in_.copy()
        return estimator

    def _encode_as(self, mlp):
        """Remember what predictions need to know about the y that `mlp` was fitted on."""

    # ---- outputs -------------------------------------------------------------------------------------------------

    def _validate_for_output(self, X):
        """X in the form that the forward pass takes.

        For one row, scikit-learn's checks take several times as long as the prediction. They are skipped for up to
        `BATCH` rows that they would pass unchanged. Everything that they would convert or reject, and feature names, is
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
            validate_data(self, X, reset=False, skip_check_array=True)  # checks the feature names
        return values

    @property
    def _activations(self):
        """The names of the activations of layers 1, ..., L."""
        return *self._hidden_activations, self.out_activation_

    def _z(self, X, l):
        """z^l of validated samples."""
        names = (*self._hidden_activations[: l - 1], "identity")
        return last_layer(X, self.coefs_[:l], self.intercepts_[:l], names)

    def _a(self, X, l, start=0):
        """a^l, where a^start is X, validated."""
        return last_layer(X, self.coefs_[start:l], self.intercepts_[start:l], self._activations[start:l])

    #: The output activation to use for gradients; None means the network's own.
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
        """Raise ValueError unless `output` is None or the index of an output."""
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
            With ``hidden_layer_sizes=()``, X itself, made dense if `set_output` asks for a data frame.
        """
        X = self._validate_for_output(X)
        if len(self.coefs_) > 1:
            return self._a(X, len(self.coefs_) - 1)
        frame = _get_output_config("transform", self)["dense"] != "default"
        return X.toarray() if frame and issparse(X) else X  # scikit-learn cannot make a data frame from a sparse matrix

    def activations(self, X):
        """The outputs a^l of every layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        layers : list of ndarray of shape (n_samples, M_l)
            a^1, ..., a^L; the last one is ŷ.
        """
        X = self._validate_for_output(X)
        return [a for _, a, _ in forward(X, self.coefs_, self.intercepts_, self._activations)]

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[0]

    def get_feature_names_out(self, input_features=None):
        """The names of the features that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of X. Only used with ``hidden_layer_sizes=()``.

        Returns
        -------
        names : ndarray of str
            The lowercased class name followed by a number; with ``hidden_layer_sizes=()``, the feature names of X.
        """
        check_is_fitted(self)
        if len(self.coefs_) == 1:
            return _check_feature_names_in(self, input_features)
        return super().get_feature_names_out(input_features)
