"""BackpropRegressor: target values as they are, outputs as predictions."""

from numbers import Real

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from ._base import BaseBackprop, fit_context, has_partial_fit
from ._network import OUTPUT_RANGES

__all__ = ["BackpropRegressor", "check_reachable"]


def check_reachable(targets, out_activation, name):
    """Raise ValueError where an output activation cannot give the targets."""
    low, high = OUTPUT_RANGES[out_activation]
    if targets.min() < low or targets.max() > high:
        raise ValueError(
            f"output_activation={out_activation!r} gives values in [{low}, {high}]; "
            f"{name} goes from {targets.min()} to {targets.max()}"
        )


class BackpropRegressor(MultiOutputMixin, RegressorMixin, BaseBackprop):
    """A neural network regressor, trained by the backpropagation algorithm of the lecture.

    Every step draws one sample i uniformly, with replacement, and moves all weights against the gradient of its loss
    f_i = Σ_k (ŷ_k − y_k)² (lecture.md, section 3; docs/algorithm.md, equations 2 to 7). The outputs are identity units
    unless `output_activation` says otherwise, so that δ^L = 2(ŷ − y).

    Scale the features (StandardScaler), and y (TransformedTargetRegressor) before.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units M_1, ..., M_(L-1) of each hidden layer; an int is one layer. ``()`` is the lecture's single
        layer of neurons.

    activation : str or sequence of str, default="logistic"
        The hidden units' σ: "identity", "logistic", "tanh", "relu", "leaky_relu", "softplus", "silu" or "gelu"; one
        name for all, or one for each hidden layer.

    output_activation : {"auto", "identity", "logistic", "tanh", "exp", "softplus"}, default="auto"
        Activation of the outputs; "auto" is "identity", for the Poisson loss "exp". With "logistic", ŷ = σ(V h) as in
        the lecture, and y must lie in [0, 1]; with "tanh" in [-1, 1]; with "exp" and "softplus" it must not be
        negative.

    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson"}, default="squared_error"
        f_i, a sum over the outputs, with e = ŷ_k − y_k:

        - "squared_error": e², without a ½
        - "absolute_error": abs(e), for the median
        - "huber": e² where abs(e) ≤ 1, else 2 abs(e) − 1 (Huber 1964)
        - "quantile": (1 − q) e where e > 0, else −q e, with q = `quantile` (Koenker and Bassett 1978)
        - "poisson": y log(y / ŷ) − y + ŷ, half of Poisson's deviance, for counts and rates y ≥ 0; its outputs are "exp"
          (the default) or "softplus"

    quantile : float, default=0.5
        q in (0, 1) of the quantile loss.

    learning_rate : float, callable or "auto", default=0.005
        The step size τ > 0, or a function of the epoch (0, 1, ...) that returns it. Epochs are counted over all
        trainings of the estimator, so that a warm start or `partial_fit` goes on where the last one stopped. With
        "auto", `fit` first finds a constant τ by a short trial: it trains with ten values from 0.0003 to 10, compares
        the losses of held-out samples, and scales the best τ down for a training of `max_iter` epochs (200 at most).
        The trial takes up to a tenth of the samples of those epochs. Where it has learned nothing, τ is the usual one:
        the default, a fifth of it for other than logistic units, times 1 − μ with `momentum`; 0.001 for "adam".

    learning_rate_schedule : {"constant", "invscaling", "adaptive", "cosine"}, default="constant"
        What τ is multiplied by in epoch e = 0, 1, ...: 1; ``(e + 1) ** -power_t``; a fifth for each time that training
        would have stopped (it does once τ is 1e-6 or less); or (1 + cos(π e / max_iter)) / 2, which starts again every
        `max_iter` epochs. Epochs are counted as for `learning_rate`.

    power_t : float, default=0.5
        Exponent of "invscaling".

    max_iter : int, default=200
        The most epochs. An epoch is as many steps as there are samples.

    batch_size : int, default=1
        Samples a step. A batch's step follows the mean of its samples' gradients; the last batch of an epoch may be
        smaller.

    sampling : {"uniform", "shuffle"}, default="uniform"
        "uniform" draws i_t uniformly with replacement (the lecture); "shuffle" takes each sample once an epoch, in
        random order.

    solver : {"sgd", "adam", "lbfgs"}, default="sgd"
        "sgd" is the lecture's step, with `momentum` if you like; "adam" that of Kingma and Ba (2015), with which τ is
        about 0.001; "lbfgs" minimises the mean of f_i plus ``alpha / 2 * sum(W**2)`` by SciPy's L-BFGS-B. For "lbfgs"
        an iteration counts as an epoch; SciPy's own tolerances may end it, too; and `learning_rate`, `batch_size`,
        `sampling` and `dropout` have no meaning. On sparse X, momentum and adam move the first layer's weights, and
        apply `alpha` to them, only where a step's samples are not 0.

    momentum : float, default=0.0
        μ in [0, 1) of "sgd": v ← μ v − τ g, w ← w + v.

    nesterovs_momentum : bool, default=False
        Whether momentum is Nesterov's: w ← w + μ v − τ g. Only with ``momentum > 0``.

    beta_1 : float, default=0.9
        Decay, in [0, 1), of adam's mean of g.

    beta_2 : float, default=0.999
        Decay, in [0, 1), of adam's mean of g².

    epsilon : float, default=1e-8
        Adam's guard against division by 0.

    max_fun : int, default=15000
        The most evaluations of the loss by "lbfgs".

    alpha : float, default=0.0
        L2 penalty: every step uses the gradient of f_i plus ``alpha * W`` for each weight matrix W, not for b, whatever
        `batch_size` is.

    dropout : float or sequence of float, default=0.0
        The probability, in [0, 1), with which each hidden unit is left out of a sample's step (Srivastava et al. 2014);
        those that stay count 1 / (1 − dropout) times. A sequence has one probability for each layer that can lose
        units, 0 to L − 1: the input's first, whose features are left out alike, then those of the hidden layers.
        Predictions use all units; `loss_curve_` is of the thinned networks. Not with "lbfgs".

    tol : float, default=0.005
        Training stops when the mean loss of the last quarter of its epochs, even if it is two standard errors lower
        than measured, is not lower by `tol` times the loss of the best constant prediction than that of the quarter
        before (docs/stopping.md). It is asked each time that training has become a quarter longer.

    n_iter_no_change : int, inf or "auto", default="auto"
        What is compared are at least so many epochs; "auto" is 10, and at least as many as 10,000 draws take. `inf`
        trains for `max_iter` epochs.

    early_stopping : bool, default=False
        Whether the score of held-out samples decides, not the training loss: training stops, by the same rule,
        when it no longer rises by `tol`, and the weights of the best score are kept, among equal scores those of the
        smallest held-out loss. The samples are `fit`'s X_val, or else a part of X; `partial_fit` does not stop, and
        holds nothing out.

    validation_fraction : float, default=0.1
        The part of the distinct samples that is held out, equal ones together.

    scoring : str, callable or None, default=None
        scikit-learn's name of a scorer, or a scorer, for the held-out samples; None is R².

    warm_start : bool, default=False
        Whether `fit` goes on from the weights, and the random stream, of the last training.

    random_state : int, RandomState instance or None, default=None
        Determines the start weights and the draws. With an int, `fit` on the same data gives the same bits.

    verbose : bool, default=False
        Whether to print a line for each epoch: loss, validation score, τ, samples per second.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (M_(l-1), M_l)
        The weights between two layers, l = 1..L: ``coefs_[l - 1]`` is the transpose of the lecture's W^l.

    intercepts_ : list of ndarray of shape (M_l,)
        b^l, l = 1..L.

    loss_curve_ : list of float
        For each epoch the mean f_i of its draws, each at the weights of its own step, without the penalty; over warm
        starts and `partial_fit` it grows.

    loss_ : float
        The last entry of `loss_curve_`.

    best_loss_ : float or None
        The smallest entry of `loss_curve_`; after a divergence, that of the start weights if it is smaller. None with
        `early_stopping`, where `best_validation_score_` decides.

    validation_loss_curve_ : list of float or None
        For each epoch the mean f_i of the held-out samples after it; None without such samples.

    validation_scores_ : list of float or None
        For each epoch their score.

    best_validation_score_ : float or None
        The largest score of the last training.

    learning_rate_ : float or None
        τ before the schedule: the number given, or the one that "auto" has found and that warm starts and `partial_fit`
        go on with. Given as `learning_rate`, it leads to the same bits. None for a function of the epoch, and with
        "lbfgs".

    learning_rate_trial_ : dict or None
        What "auto" has found τ by: for each value tried, before scaling, the list of the mean f_i of held-out samples
        after each epoch, `inf` after a divergence; empty where the data were too few to try. None without "auto".

    n_iter_ : int
        Epochs of the last `fit`, and of every `partial_fit` since.

    t_ : int
        Steps taken (batches; iterations of "lbfgs"), over warm starts and `partial_fit`.

    stopped_ : str or None
        Why the last `fit` ended: "converged", "early_stopping", "max_iter", "max_fun", "callback", "interrupted"
        (Ctrl-C) or "diverged". None after `partial_fit`, which is one epoch, unless that diverged or was interrupted.

    n_layers_ : int
        Number of layers, the input counted: L + 1.

    n_outputs_ : int
        M_L.

    out_activation_ : str
        Activation of the output layer.

    n_features_in_ : int
        Number of features, M_0.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    BackpropClassifier : The same network for classification.
    sklearn.neural_network.MLPRegressor : Mini-batches of half the squared error, by Adam.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323
    (1986), 533-536.

    Examples
    --------
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbackprop import BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = make_pipeline(StandardScaler(), BackpropRegressor(random_state=0))
    >>> model = TransformedTargetRegressor(network, transformer=StandardScaler()).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """

    _parameter_constraints = BaseBackprop._parameter_constraints | {
        "output_activation": [StrOptions({"auto", *OUTPUT_RANGES})],
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }
    _y_numeric = True

    _usual_step_sizes = 0.005, 0.001

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        output_activation="auto",
        loss="squared_error",
        quantile=0.5,
        learning_rate=0.005,
        learning_rate_schedule="constant",
        power_t=0.5,
        max_iter=200,
        batch_size=1,
        sampling="uniform",
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_fun=15000,
        alpha=0.0,
        dropout=0.0,
        tol=0.005,
        n_iter_no_change="auto",
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        warm_start=False,
        random_state=None,
        verbose=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.quantile = quantile
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.power_t = power_t
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.sampling = sampling
        self.solver = solver
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_fun = max_fun
        self.alpha = alpha
        self.dropout = dropout
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @fit_context
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        coefs_init=None,
        intercepts_init=None,
    ):
        """Train from new start weights, or with `warm_start` from those at hand.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. float32 is trained in float32, all else in float64. C-contiguous arrays and CSR matrices of
            either type are used as they are, read-only and memory-mapped ones too.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target values, trained on as they are: scale them (TransformedTargetRegressor) if they are not near 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Whole numbers (up to a hundred times the rows in sum) are repetitions: the model is bit for bit that of the
            repeated rows. Other weights are relative importance: probabilities of being drawn, or with
            ``sampling="shuffle"`` and "lbfgs" factors of f_i. Samples of weight 0 are as if absent.
        X_val, y_val : arrays like X and y, default=None
            Held-out samples, whose loss and score are recorded after each epoch; with `early_stopping` they decide.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights in loss and score.
        coefs_init, intercepts_init : list of arrays like `coefs_` and `intercepts_`, default=None
            Start weights in place of drawn ones, one list or both; with them `warm_start` goes on from nothing else.

        Returns
        -------
        self : BackpropRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is not allowed; the estimator stays as it was.
        KeyboardInterrupt
            After Ctrl-C; the estimator then holds what it has learned so far, or is as it was if the training had not
            begun.

        Warns
        -----
        ConvergenceWarning
            If training reached `max_iter`, diverged (then the weights of the best epoch are kept), or has learned
            nothing, with what was measured and what to do.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            held_out=(X_val, y_val, sample_weight_val),
            start=(coefs_init, intercepts_init),
        )

    @available_if(has_partial_fit)
    @fit_context
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch over the given samples.

        The random stream goes on from call to call, and so do momentum, Adam's means and the schedule: k calls on the
        same X and y equal ``fit`` with ``max_iter=k``. Not there with ``solver="lbfgs"``.
        There is no trial for ``learning_rate="auto"``: before a `fit` it is the usual step size.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples; computed with in the type of the first call.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Whole numbers are repetitions; other weights multiply f_i. Samples of weight 0 are as if absent.

        Returns
        -------
        self : BackpropRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If anything is not allowed; the estimator stays as it was.
        """
        return self._fit(X, y, sample_weight, partial=True)

    def _encode_more(self, y, dtype, name="y_val"):
        return self._encode(y, dtype, continues=True, partial=False, classes=None, name=name)

    def _encode(self, y, dtype, continues, partial, classes, name="y"):
        if y.ndim == 1 or y.shape[1] == 1:
            y = column_or_1d(y, warn=True).reshape(-1, 1)
        with np.errstate(over="ignore"):
            targets = np.ascontiguousarray(y, dtype=dtype)
        _, out_activation, _ = self._resolve_output(targets)
        if not np.isfinite(targets).all():
            raise ValueError(f"{name} has values that {np.dtype(dtype)}, the type of X, cannot hold: {abs(y).max()}")
        check_reachable(targets, out_activation, name)
        return targets

    def _resolve_output(self, targets):
        poisson = self.loss == "poisson"
        out_activation = self.output_activation
        if out_activation == "auto":
            out_activation = "exp" if poisson else "identity"
        if poisson and out_activation not in ("exp", "softplus"):
            raise ValueError(
                f'loss="poisson" needs outputs > 0: output_activation "exp" or "softplus", not {out_activation!r}'
            )
        return targets.shape[1], out_activation, self.loss

    def input_gradients(self, X, output=None):
        """The gradient of `predict` with respect to the features: ∂ŷ_k / ∂x, by backprop to layer 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        output : int, default=None
            One output k; None takes all.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs, n_features)
            The former for one output, or where there is only one.
        """
        return self._input_gradients(X, output)

    def predict(self, X):
        """The outputs ŷ = a^L.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted values.
        """
        y = self._a(self._validate_for_output(X), len(self.coefs_))
        return y.ravel() if self.n_outputs_ == 1 else y
