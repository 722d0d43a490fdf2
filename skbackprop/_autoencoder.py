"""BackpropAutoencoder: a network that learns to give back its input through a narrow layer."""

from numbers import Integral

from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._base import BaseBackprop, fit_context, has_partial_fit
from ._network import HIDDEN_ACTIVATIONS, OUTPUT_RANGES
from ._regressor import check_reachable

__all__ = ["BackpropAutoencoder"]


class BackpropAutoencoder(BaseBackprop):
    """Latent low-dimensional features: a network trained to give back its input through a narrow layer.

    Where a layer has few units, their outputs are latent features of the sample
    (:ref:`the lecture, section 5 <lecture-5>`). The layers::

        encoder   M_0 features → hidden_layer_sizes → n_components units, the code: `transform`
        decoder   code → hidden_layer_sizes backwards → M_0 outputs: `inverse_transform`

    and the algorithm is the regressor's, with the target x_i for the sample x_i: f_i = Σ_k (ŷ_ik − x_ik)². With
    ``hidden_layer_sizes=()`` all is linear, and the code spans the plane of PCA's first components (Baldi and Hornik
    1989).

    Scale the features (StandardScaler, MinMaxScaler) before.

    Parameters
    ----------
    n_components : int, default=2
        Number of units of the code.

    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer of the encoder; the decoder has the same, backwards.

    activation : str or sequence of str, default="logistic"
        Their σ: "identity", "logistic", "tanh", "relu", "leaky_relu", "softplus", "silu" or "gelu"; one name for all,
        or one for each hidden layer of the encoder.

    code_activation : str, default="identity"
        The σ of the code, one of the same; with "logistic" the features lie between 0 and 1.

    output_activation : {"identity", "logistic", "tanh", "exp", "softplus"}, default="identity"
        Activation of the outputs. With "logistic" X must lie in [0, 1], with "tanh" in [-1, 1]; with "exp" and
        "softplus" it must not be negative.

    learning_rate : float, callable or "auto", default=0.002
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
        an iteration counts as an epoch; SciPy's own tolerances may end it, too; and `learning_rate`, `batch_size` and
        `sampling` have no meaning.

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

    tol : float, default=0.005
        Training stops when the mean loss of the last quarter of its epochs, even if it is two standard errors lower
        than measured, is not lower by `tol` times the loss of the best constant prediction than that of the quarter
        before (docs/stopping.md). It is asked each time that training has become a quarter longer.

    n_iter_no_change : int, inf or "auto", default="auto"
        What is compared are at least so many epochs; "auto" is 10, and at least as many as 10,000 draws take. `inf`
        trains for `max_iter` epochs.

    early_stopping : bool, default=False
        Whether `score` on held-out samples decides, not the training loss: training stops, by the same rule,
        when it no longer rises by `tol`, and the weights of the best score are kept, among equal scores those of the
        smallest held-out loss. The samples are `fit`'s X_val, or else a part of X; `partial_fit` does not stop, and
        holds nothing out.

    validation_fraction : float, default=0.1
        The part of the distinct samples that is held out, equal ones together.

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
        For each epoch their `score`.

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
        M_L, the same as M_0.

    out_activation_ : str
        Activation of the output layer.

    n_features_in_ : int
        Number of features, M_0.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    BackpropRegressor : The same network with targets of its own; its `transform` gives the last hidden layer.
    sklearn.decomposition.PCA : Linear features, in the order of their variance.

    References
    ----------
    P. Baldi, K. Hornik, "Neural networks and principal component analysis: learning from examples without local
    minima", Neural Networks 2 (1989), 53-58.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skbackprop import BackpropAutoencoder
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(MinMaxScaler(), BackpropAutoencoder(n_components=2, random_state=0))
    >>> model.fit_transform(X).shape
    (1797, 2)
    >>> model.score(X) > 0.4  # two principal components keep 0.28 of the variance
    True
    """

    _parameter_constraints = {
        name: allowed
        for name, allowed in BaseBackprop._parameter_constraints.items()
        if name not in ("dropout", "scoring")
    } | {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "code_activation": [StrOptions(set(HIDDEN_ACTIVATIONS))],
        "output_activation": [StrOptions(set(OUTPUT_RANGES))],
    }

    _usual_step_sizes = 0.002, 0.001

    def __init__(
        self,
        n_components=2,
        *,
        hidden_layer_sizes=(100,),
        activation="logistic",
        code_activation="identity",
        output_activation="identity",
        learning_rate=0.002,
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
        tol=0.005,
        n_iter_no_change="auto",
        early_stopping=False,
        validation_fraction=0.1,
        warm_start=False,
        random_state=None,
        verbose=False,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.output_activation = output_activation
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
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False  # the targets would have to be dense
        return tags

    @fit_context
    def fit(
        self,
        X,
        y=None,
        sample_weight=None,
        *,
        X_val=None,
        sample_weight_val=None,
        coefs_init=None,
        intercepts_init=None,
    ):
        """Train from new start weights, or with `warm_start` from those at hand.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples. float32 is trained in float32, all else in float64.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `BackpropRegressor.fit`.
        X_val : array-like of shape (n_val_samples, n_features), default=None
            Held-out samples, whose loss and score are recorded after each epoch; with `early_stopping` they decide.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights in loss and score.
        coefs_init, intercepts_init : list of arrays like `coefs_` and `intercepts_`, default=None
            Start weights in place of drawn ones, one list or both; with them `warm_start` goes on from nothing else.

        Returns
        -------
        self : BackpropAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or sample_weight is not allowed; the estimator stays as it was.
        KeyboardInterrupt
            After Ctrl-C; the estimator then holds what it has learned so far, or is as it was if the training had not
            begun.

        Warns
        -----
        ConvergenceWarning
            If training reached `max_iter`, diverged (then the weights of the best epoch are kept), or has learned
            nothing, with what was measured and what to do.
        """
        if X_val is None and sample_weight_val is not None:
            raise ValueError("sample_weight_val can only be given with X_val")
        return self._fit(
            X,
            None,
            sample_weight,
            held_out=(X_val, X_val, sample_weight_val),
            start=(coefs_init, intercepts_init),
        )

    @available_if(has_partial_fit)
    @fit_context
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one epoch over the given samples.

        Not there with ``solver="lbfgs"``. There is no trial for ``learning_rate="auto"``: before a `fit` it is the
        usual step size.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples; computed with in the type of the first call.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `BackpropRegressor.partial_fit`.

        Returns
        -------
        self : BackpropAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If anything is not allowed; the estimator stays as it was.
        """
        return self._fit(X, None, sample_weight, partial=True)

    # ---- the samples are the targets ----

    def _check_X_y(self, X, y, dtype, reset):
        X = validate_data(self, X, dtype=dtype, order="C", reset=reset)
        return X, X

    def _encode(self, y, dtype, continues, partial, classes, name="y"):
        check_reachable(y, self.output_activation, name.replace("y", "X"))
        return y

    def _encode_more(self, y, dtype, name="y_val"):
        return self._encode(y, dtype, continues=True, partial=False, classes=None, name=name)

    def _resolve_hidden(self):
        sizes, activations = super()._resolve_hidden()
        return [*sizes, self.n_components, *sizes[::-1]], [*activations, self.code_activation, *activations[::-1]]

    def _resolve_output(self, targets):
        return targets.shape[1], self.output_activation, "squared_error"

    # ---- features ----

    @property
    def _code_layer(self):
        """The number l of the code, in the middle of the L layers."""
        return len(self.coefs_) // 2

    @property
    def _n_features_out(self):
        return self.coefs_[self._code_layer].shape[0]

    def transform(self, X):
        """The code: the latent features of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components)
            a^l of the narrow layer.
        """
        return self._a(self._validate_for_output(X), self._code_layer)

    def inverse_transform(self, X):
        """The samples that the decoder makes of latent features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latent features, those that `transform` returns or any others.

        Returns
        -------
        samples : ndarray of shape (n_samples, n_features)
            The outputs ŷ.
        """
        check_is_fitted(self)
        code = check_array(X, dtype=self.coefs_[0].dtype)
        if code.shape[1] != self._n_features_out:
            raise ValueError(f"X has {code.shape[1]} latent features; this network has {self._n_features_out}")
        return self._a(code, len(self.coefs_), start=self._code_layer)

    def score(self, X, y=None, sample_weight=None):
        """The part of the variance of X that the code keeps.

        1 − Σ_i ‖x_i − ŷ_i‖² / Σ_i ‖x_i − x̄‖²: on the data of the fit the same as the sum of PCA's
        ``explained_variance_ratio_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        score : float
            1 at best; 0 is as good as the mean of X.
        """
        X = self._validate_for_output(X)
        output = self._a(X, len(self.coefs_))
        return r2_score(X, output, sample_weight=sample_weight, multioutput="variance_weighted")
