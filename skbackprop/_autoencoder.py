"""BackpropAutoencoder: a network that learns to reproduce its input through a narrow layer."""

from numbers import Integral, Real

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
    """Latent low-dimensional features from a network trained to reproduce its input through a narrow layer.

    The outputs of a layer with few units are latent features of the sample
    (:ref:`the lecture, section 5 <lecture-5>`). The layers are::

        encoder   M_0 features → hidden_layer_sizes → n_components units, the code: `transform`
        decoder   code → hidden_layer_sizes reversed → M_0 outputs: `inverse_transform`

    The algorithm is the regressor's, with each sample x_i as its own target: f_i = Σ_k (ŷ_ik − x_ik)². With
    ``hidden_layer_sizes=()`` the network is linear, and the code spans the same subspace as the first principal
    components (Baldi and Hornik 1989).

    Scale the features first (StandardScaler, MinMaxScaler).

    Parameters
    ----------
    n_components : int, default=2
        Number of units in the code.

    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units in each hidden layer of the encoder. The decoder has the same layers in reverse order.

    activation : str or sequence of str, default="logistic"
        Activation function σ of the hidden units: "identity", "logistic", "tanh", "relu", "leaky_relu", "softplus",
        "silu" or "gelu". Either one name for all hidden layers or a sequence with one name per layer of the encoder.

    code_activation : str, default="identity"
        Activation function of the code, one of the names above. With "logistic", the features lie between 0 and 1.

    output_activation : {"identity", "logistic", "tanh", "exp", "softplus"}, default="identity"
        Activation function of the output units. With "logistic", X must lie in [0, 1]; with "tanh", in [-1, 1]; with
        "exp" or "softplus", it must not be negative.

    learning_rate : float, callable or "auto", default=0.002
        The step size τ > 0, or a function that returns it for each epoch (0, 1, ...). Epochs are counted across warm
        starts and calls to `partial_fit`. With "auto", `fit` first finds a constant τ in a short trial: it trains with
        ten values from 0.0003 to 10, compares their losses on held-out samples, and scales the best τ down for a
        training of `max_iter` epochs (at most 200). The trial processes at most a tenth as many samples as those epochs
        would. If the trial learns nothing, τ is the default, or a fifth of it if a hidden layer is not logistic, times
        1 − μ with `momentum`; for "adam" it is 0.001.

    learning_rate_schedule : {"constant", "invscaling", "adaptive", "cosine", "coslog4"}, default="constant"
        The factor applied to τ in epoch e = 0, 1, ..., counted as for `learning_rate`:

        - "constant": 1
        - "invscaling": ``(e + 1) ** -power_t``
        - "adaptive": 1/5 for each time training would otherwise have stopped; it does stop once τ is 1e-6 or less
        - "cosine": (1 + cos(π e / max_iter)) / 2, restarting every `max_iter` epochs
        - "coslog4": (1 − cos(2π log₂(1 + 15 (e + ½) / max_iter))) / 2, four cycles of growing length (Holzmüller et al.
          2024), restarting likewise. With `early_stopping`, held-out samples choose between four lengths of training

    power_t : float, default=0.5
        Exponent of the "invscaling" schedule.

    max_iter : int, default=200
        Maximum number of epochs. An epoch draws as many samples as the training set has.

    batch_size : int, default=1
        Number of samples per step. A step follows the mean gradient of its batch; the last batch of an epoch may be
        smaller.

    sampling : {"uniform", "shuffle"}, default="uniform"
        "uniform" draws each i_t uniformly with replacement, as in the lecture; "shuffle" takes each sample once per
        epoch, in random order.

    solver : {"sgd", "adam", "lbfgs"}, default="sgd"
        "sgd" takes the lecture's steps, optionally with `momentum`; "adam" takes those of Kingma and Ba (2015), which
        need τ ≈ 0.001; "lbfgs" minimises the mean of f_i plus ``alpha / 2 * sum(W**2)`` with SciPy's L-BFGS-B. With
        "lbfgs", each iteration counts as an epoch, SciPy's own tolerances may also end training, and `learning_rate`,
        `batch_size`, `sampling` and `masking_noise` are ignored.

    momentum : float, default=0.0
        Momentum μ, in [0, 1), of "sgd": v ← μ v − τ g, w ← w + v.

    nesterovs_momentum : bool, default=False
        Whether to use Nesterov's momentum, w ← w + μ v − τ g. Only used if ``momentum > 0``.

    beta_1 : float, default=0.9
        Decay rate, in [0, 1), of the running mean of g in "adam".

    beta_2 : float, default=0.999
        Decay rate, in [0, 1), of the running mean of g² in "adam".

    epsilon : float, default=1e-8
        Small constant that keeps "adam" from dividing by 0.

    max_fun : int, default=15000
        Maximum number of loss evaluations with "lbfgs".

    alpha : float, default=0.0
        Strength of the L2 penalty. Each step adds ``alpha * W`` to the gradient of every weight matrix W, but not of b,
        whatever the `batch_size`.

    masking_noise : float, default=0.0
        Probability, in [0, 1), of setting each input feature to 0 in a sample's step, while the target keeps all of
        them: a denoising autoencoder (Vincent et al. 2008). The remaining features are scaled by
        1 / (1 − masking_noise). `transform` and `score` add no noise; `loss_curve_` is that of the noisy samples.
        Ignored by "lbfgs". For other kinds of noise, fit a `BackpropRegressor` to noisy X with the clean samples as y.

    tol : float, default=0.005
        Relative tolerance for stopping. Let d be the decrease of the mean loss from the second-to-last to the last
        quarter of the epochs so far. Training stops when d plus two standard errors is at most `tol` times the loss of
        the best constant prediction (docs/stopping.md). This is checked each time training has become a quarter longer.

    n_iter_no_change : int, inf or "auto", default="auto"
        Minimum number of epochs in each of the two windows that are compared. "auto" is 10, or as many as 10,000 draws
        take if that is more. With `inf`, training runs for `max_iter` epochs.

    early_stopping : bool, default=False
        Whether to stop by the `score` on held-out samples instead of the training loss. The rule is the same: training
        stops when the score no longer rises by `tol`. The weights with the best score are kept; among equal scores,
        those with the lowest held-out loss. The held-out samples are the `X_val` passed to `fit`, or else a random part
        of X. `partial_fit` neither stops early nor holds out samples.

    validation_fraction : float, default=0.1
        Fraction of the distinct samples to hold out. Equal samples stay together.

    warm_start : bool, default=False
        Whether `fit` continues from the weights and the random stream of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines the initial weights and the draws. With an int, `fit` on the same data is reproducible bit for bit.

    verbose : bool, default=False
        Whether to print a line after each epoch: loss, validation score, τ and samples per second.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (M_(l-1), M_l)
        Weights between consecutive layers, l = 1..L: ``coefs_[l - 1]`` is the transpose of the lecture's W^l.

    intercepts_ : list of ndarray of shape (M_l,)
        Biases b^l, l = 1..L.

    loss_curve_ : list of float
        Mean f_i over the draws of each epoch, each taken with the weights of its own step, without the penalty. Warm
        starts and `partial_fit` append to it.

    loss_ : float
        The last entry of `loss_curve_`.

    best_loss_ : float or None
        The smallest entry of `loss_curve_`; after a divergence, the loss of the initial weights if that is smaller.
        None with `early_stopping`, which goes by `best_validation_score_`.

    validation_loss_curve_ : list of float or None
        Mean f_i over the held-out samples after each epoch; None without held-out samples.

    validation_scores_ : list of float or None
        Score on the held-out samples after each epoch; None without held-out samples.

    best_validation_score_ : float or None
        The highest score in the last call; None without held-out samples.

    learning_rate_ : float or None
        τ before the schedule: the number given, or the one found by "auto", which warm starts and `partial_fit` reuse.
        Passing it as `learning_rate` gives the same model bit for bit. None if `learning_rate` is a function, and with
        "lbfgs".

    learning_rate_trial_ : dict or None
        The trial of "auto": for each τ tried, before scaling, the mean f_i over held-out samples after each epoch,
        `inf` after a divergence. Empty if there were too few samples for a trial; None without "auto".

    n_iter_ : int
        Number of epochs in the last `fit` and in all `partial_fit` calls since.

    t_ : int
        Number of steps taken (batches, or iterations of "lbfgs"), including earlier calls that training continued from.

    stopped_ : str or None
        Why the last `fit` ended: "converged", "early_stopping", "max_iter", "max_fun", "callback", "interrupted"
        (Ctrl-C) or "diverged". None after `partial_fit`, which is a single epoch, unless it diverged or was
        interrupted.

    n_layers_ : int
        Number of layers including the input, L + 1.

    n_outputs_ : int
        Number of outputs, M_L = M_0.

    out_activation_ : str
        Activation function of the output units.

    n_features_in_ : int
        Number of features, M_0.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features; only defined if all feature names of X are strings.

    See Also
    --------
    BackpropRegressor : The same network with separate targets; its `transform` returns the last hidden layer.
    sklearn.decomposition.PCA : Linear features, ordered by their variance.

    References
    ----------
    P. Baldi, K. Hornik, "Neural networks and principal component analysis: learning from examples without local
    minima", Neural Networks 2 (1989), 53-58.

    P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and composing robust features with denoising
    autoencoders", ICML (2008), 1096-1103.

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
    >>> model.score(X) > 0.4  # two principal components explain 0.28 of the variance
    True
    """

    _parameter_constraints = {
        name: allowed
        for name, allowed in BaseBackprop._parameter_constraints.items()
        if name not in ("dropout", "scoring")
    } | {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "masking_noise": [Interval(Real, 0, 1, closed="left")],
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
        masking_noise=0.0,
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
        self.masking_noise = masking_noise
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
        """Train from new initial weights, or with `warm_start` from the current ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples. float32 data are trained on in float32, all others in float64.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `BackpropRegressor.fit`.
        X_val : array-like of shape (n_val_samples, n_features), default=None
            Held-out samples, whose loss and score are recorded after each epoch. `early_stopping` goes by them.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the held-out samples in their loss and score.
        coefs_init, intercepts_init : list of arrays like `coefs_` and `intercepts_`, default=None
            Initial weights to use instead of random ones; one list or both. With either, `warm_start` is ignored.

        Returns
        -------
        self : BackpropAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or sample_weight is invalid. The estimator is left unchanged.
        KeyboardInterrupt
            On Ctrl-C. The estimator keeps what it has learned so far, or is left unchanged if training had not begun.

        Warns
        -----
        ConvergenceWarning
            If training reached `max_iter`, diverged (the weights of the best epoch are kept) or learned nothing. The
            message says what was measured and what to do.
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
        """Train for one epoch on the given samples.

        Not available with ``solver="lbfgs"``. ``learning_rate="auto"`` makes no trial here: before the first `fit`, it
        is the step size that `fit` falls back on when a trial learns nothing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples, converted to the floating-point type of the first call.
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
            If an argument is invalid. The estimator is left unchanged.
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

    def _resolve_dropout(self, n_hidden):
        return [self.masking_noise, *[0.0] * n_hidden]

    def _resolve_output(self, targets):
        return targets.shape[1], self.output_activation, "squared_error"

    # ---- features ----

    @property
    def _code_layer(self):
        """The index l of the code, the middle one of the L layers."""
        return len(self.coefs_) // 2

    @property
    def _n_features_out(self):
        return self.coefs_[self._code_layer].shape[0]

    def transform(self, X):
        """The code, that is the latent features of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components)
            The outputs a^l of the narrow layer.
        """
        return self._a(self._validate_for_output(X), self._code_layer)

    def inverse_transform(self, X):
        """The samples that the decoder produces from latent features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latent features, returned by `transform` or chosen freely.

        Returns
        -------
        samples : ndarray of shape (n_samples, n_features)
            The outputs ŷ.
        """
        check_is_fitted(self)
        code = check_array(X, dtype=self.coefs_[0].dtype)
        if code.shape[1] != self._n_features_out:
            raise ValueError(f"X has {code.shape[1]} latent features; this network expects {self._n_features_out}")
        return self._a(code, len(self.coefs_), start=self._code_layer)

    def score(self, X, y=None, sample_weight=None):
        """The fraction of the variance of X that the code preserves.

        1 − Σ_i ‖x_i − ŷ_i‖² / Σ_i ‖x_i − x̄‖², which for PCA on its training data is the sum of
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
            At most 1; always predicting the mean of X gives 0.
        """
        X = self._validate_for_output(X)
        output = self._a(X, len(self.coefs_))
        return r2_score(X, output, sample_weight=sample_weight, multioutput="variance_weighted")
