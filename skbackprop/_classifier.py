"""BackpropClassifier: turns labels into targets, and outputs into probabilities and labels."""

from math import fsum

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from ._base import BaseBackprop, fit_context, has_partial_fit
from ._network import softmax

__all__ = ["BackpropClassifier"]


def _inside(p):
    """Probabilities strictly between 0 and 1."""
    kind = np.finfo(p.dtype)
    return np.clip(p, kind.tiny, 1 - kind.epsneg)


def _has_partial_fit(estimator):
    """The check for `available_if`: "balanced" class weights also rule out `partial_fit`."""
    if estimator.class_weight == "balanced":
        raise AttributeError(
            'class_weight="balanced" cannot be known from part of the data: compute the weights with '
            "sklearn.utils.class_weight.compute_class_weight and pass them as a dict"
        )
    return has_partial_fit(estimator)


class BackpropClassifier(ClassifierMixin, BaseBackprop):
    """A neural network classifier trained with the lecture's backpropagation algorithm.

    Each step draws one sample i uniformly with replacement and moves all weights against the gradient of its loss f_i
    (:ref:`the lecture, section 3 <lecture-3>`; :doc:`equations 2 to 7 </algorithm>`)::

        forward pass   z^l = W^l a^(l-1) + b^l,  a^l = σ(z^l)             l = 1..L,  a^0 = x_i
        backprop       δ^L = ∇f_i(a^L) ⊙ σ'(z^L),  δ^l = [(W^(l+1))ᵀ δ^(l+1)] ⊙ σ'(z^l)
        update         W^l ← W^l − τ δ^l (a^(l-1))ᵀ,  b^l ← b^l − τ δ^l

    Scale the features first (StandardScaler).

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units in each hidden layer, M_1, ..., M_(L-1). An int means one hidden layer; ``()`` means none, which
        is the lecture's single layer of neurons.

    activation : str or sequence of str, default="logistic"
        Activation function σ of the hidden units: "identity", "logistic", "tanh", "relu", "leaky_relu", "softplus",
        "silu" or "gelu". Either one name for all hidden layers or a sequence with one name per layer.

    output_activation : {"auto"}, default="auto"
        The output units are logistic with "squared_error". With "log_loss", they are a softmax, or logistic for two
        classes and for multilabel y.

    loss : {"squared_error", "log_loss"}, default="squared_error"
        The loss f_i of one sample. "squared_error" is Σ_k (ŷ_k − y_k)², without a factor ½, as in the lecture;
        "log_loss" is −log of the probability of the true class.

    learning_rate : float, callable or "auto", default=0.05
        The step size τ > 0, or a function that returns it for each epoch (0, 1, ...). Epochs are counted across warm
        starts and calls to `partial_fit`. With "auto", `fit` first finds a constant τ in a short trial: it trains with
        ten values from 0.0003 to 10, compares their losses on held-out samples, and scales the best τ down for a
        training of `max_iter` epochs (at most 200). The trial processes at most a tenth as many samples as those epochs
        would. If the trial learns nothing, τ is the default, or a fifth of it if a hidden layer is not logistic, times
        1 − μ with `momentum`; for "adam" it is 0.002.

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
        `batch_size`, `sampling` and `dropout` are ignored. On sparse X, momentum and "adam" update the first layer's
        weights, and apply `alpha` to them, only for features that are nonzero in the step's samples.

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

    dropout : float or sequence of float, default=0.0
        Probability, in [0, 1), of dropping each hidden unit from a sample's step (Srivastava et al. 2014). The
        remaining units are scaled by 1 / (1 − dropout). A sequence gives one probability for each of the layers 0 to
        L − 1: first that of dropping an input feature, then those of the hidden layers. Predictions use all units;
        `loss_curve_` is that of the thinned networks. Ignored by "lbfgs".

    class_weight : dict, "balanced" or None, default=None
        Class weights {label: weight}, multiplied by `sample_weight`. "balanced" gives every class the same total
        weight: n_samples / (n_classes · count of the class). Not for multilabel y, and "balanced" not with
        `partial_fit`.

    tol : float, default=0.005
        Relative tolerance for stopping. Let d be the decrease of the mean loss from the second-to-last to the last
        quarter of the epochs so far. Training stops when d plus two standard errors is at most `tol` times the loss of
        the best constant prediction (docs/stopping.md). This is checked each time training has become a quarter longer.

    n_iter_no_change : int, inf or "auto", default="auto"
        Minimum number of epochs in each of the two windows that are compared. "auto" is 10, or as many as 10,000 draws
        take if that is more. With `inf`, training runs for `max_iter` epochs.

    early_stopping : bool, default=False
        Whether to stop by the score on held-out samples instead of the training loss. The rule is the same: training
        stops when the score no longer rises by `tol`. The weights with the best score are kept; among equal scores,
        those with the lowest held-out loss. The held-out samples are the `X_val` passed to `fit`, or else a random part
        of X. `partial_fit` neither stops early nor holds out samples.

    validation_fraction : float, default=0.1
        Fraction of the distinct samples to hold out, stratified by class where possible.

    scoring : str, callable or None, default=None
        The scorer for the held-out samples, or its name in scikit-learn. None means accuracy; "loss" means minus the
        mean f_i, as in HistGradientBoosting, which takes no extra time.

    warm_start : bool, default=False
        Whether `fit` continues from the weights and the random stream of the previous call.

    random_state : int, RandomState instance or None, default=None
        Determines the initial weights and the draws. With an int, `fit` on the same data is reproducible bit for bit.

    verbose : bool, default=False
        Whether to print a line after each epoch: loss, validation score, τ and samples per second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel y, the column indices.

    coefs_ : list of ndarray of shape (M_(l-1), M_l)
        Weights between consecutive layers, l = 1..L: ``coefs_[l - 1]`` is the transpose of the lecture's W^l.

    intercepts_ : list of ndarray of shape (M_l,)
        Biases b^l, l = 1..L.

    loss_curve_ : list of float
        Mean f_i over the draws of each epoch, each taken with the weights of its own step, without the penalty. Warm
        starts and `partial_fit` append to it.

    loss_ : float or None
        The last entry of `loss_curve_`; None after `from_mlp`.

    best_loss_ : float or None
        The smallest entry of `loss_curve_`; after a divergence, the loss of the initial weights if that is smaller.
        None with `early_stopping`, which goes by `best_validation_score_`, and after `from_mlp`.

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
        Number of outputs, M_L.

    out_activation_ : str
        Activation function of the output units.

    n_features_in_ : int
        Number of features, M_0.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features; only defined if all feature names of X are strings.

    See Also
    --------
    BackpropRegressor : The same network for regression.
    sklearn.neural_network.MLPClassifier : Minimises the log loss on mini-batches with Adam.

    Notes
    -----
    With two classes there is one output unit, which stands for the second class. With more there is one unit per class,
    trained towards 1 for its own class and 0 for the others. If y has only one class, it is always predicted.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323
    (1986), 533-536.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbackprop import BackpropClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), BackpropClassifier(random_state=0)).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _parameter_constraints = BaseBackprop._parameter_constraints | {
        "output_activation": [StrOptions({"auto"})],
        "loss": [StrOptions({"squared_error", "log_loss"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _encoding_attributes = (*BaseBackprop._encoding_attributes, "classes_", "_multilabel")
    _y_numeric = False

    _usual_step_sizes = 0.05, 0.002

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        output_activation="auto",
        loss="squared_error",
        learning_rate=0.05,
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
        class_weight=None,
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
        self.class_weight = class_weight
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    @classmethod
    def from_mlp(cls, mlp, **params):
        """Convert a fitted MLPClassifier: the predictions are the same, and training continues in the same way.

        The estimator takes over the weights, `classes_`, `n_features_in_` and `feature_names_in_` of `mlp`, its
        parameters, converted so that training makes the same steps (docs/from_mlp.md), and the state of Adam or
        momentum. The stopping rule and the random stream are its own. There are no losses yet: `loss_curve_` is empty,
        `loss_` and `best_loss_` are None, and `t_` and `n_iter_` are 0.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPClassifier
            The fitted estimator. It is copied and left unchanged.
        **params : dict
            Parameters of this estimator that override the converted ones. They must not change the network's layers.

        Returns
        -------
        model : BackpropClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If `mlp` is not an MLPClassifier or `params` has an unknown name.
        NotFittedError
            If `mlp` is not fitted.
        ValueError
            If `params` would change the network, or if a parameter of `mlp` has no equivalent and `params` does not
            override it: ``learning_rate="invscaling"``, ``shuffle=False``, or with "lbfgs" `alpha`, which was divided
            by a number of samples that `mlp` does not store.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from skbackprop import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> mlp = MLPClassifier((8,), random_state=0, max_iter=3000).fit(X, y)
        >>> model = BackpropClassifier.from_mlp(mlp)
        >>> bool((model.predict(X) == mlp.predict(X)).all())
        True
        >>> model = model.partial_fit(X, y)
        """
        return cls._from_mlp(mlp, MLPClassifier, params)

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
        """Train from new initial weights, or with `warm_start` from the current ones.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples. float32 data are trained on in float32, all others in float64. C-contiguous arrays and CSR
            matrices of either type are used without a copy, even if read-only or memory-mapped.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any type that NumPy can sort, or for multilabel classification a matrix of 0s and 1s.
        sample_weight : array-like of shape (n_samples,), default=None
            Whole-number weights, if they sum to at most a hundred times the number of rows, are repetitions: a row of
            weight 3 gives exactly the same model as three copies of it. Other weights are relative: a sample is drawn
            in proportion to its weight or, with ``sampling="shuffle"`` or "lbfgs", its f_i is multiplied by it. Samples
            of weight 0 are ignored.
        X_val, y_val : arrays like X and y, default=None
            Held-out samples, whose loss and score are recorded after each epoch. `early_stopping` goes by them.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the held-out samples in their loss and score.
        coefs_init, intercepts_init : list of arrays like `coefs_` and `intercepts_`, default=None
            Initial weights to use instead of random ones; one list or both. With either, `warm_start` is ignored.

        Returns
        -------
        self : BackpropClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is invalid. The estimator is left unchanged.
        KeyboardInterrupt
            On Ctrl-C. The estimator keeps what it has learned so far, or is left unchanged if training had not begun.

        Warns
        -----
        ConvergenceWarning
            If training reached `max_iter`, diverged (the weights of the best epoch are kept) or learned nothing. The
            message says what was measured and what to do.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            held_out=(X_val, y_val, sample_weight_val),
            start=(coefs_init, intercepts_init),
        )

    @available_if(_has_partial_fit)
    @fit_context
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on the given samples.

        The random stream, momentum, Adam's means and the schedule continue from call to call: k calls with the same X
        and y equal ``fit`` with ``max_iter=k``. Not available with ``solver="lbfgs"`` or ``class_weight="balanced"``.
        ``learning_rate="auto"`` makes no trial here: before the first `fit`, it is the step size that `fit` falls back
        on when a trial learns nothing.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples, converted to the floating-point type of the first call.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, each of them in `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes that can ever occur. Required in the first call, optional afterwards.
        sample_weight : array-like of shape (n_samples,), default=None
            Whole-number weights are repetitions, as in `fit`; other weights, and `class_weight`, multiply f_i. Samples
            of weight 0 are ignored.

        Returns
        -------
        self : BackpropClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid, for example if y has unseen classes. The estimator is left unchanged.
        """
        return self._fit(X, y, sample_weight, partial=True, classes=classes)

    # ---- y to targets ----

    def _encode_as(self, mlp):
        self.classes_ = mlp.classes_.copy()
        self._multilabel = mlp.out_activation_ == "logistic" and mlp.n_outputs_ > 1

    def _encode(self, y, dtype, continues, partial, classes):
        target_type = type_of_target(y, input_name="y")
        if target_type.endswith("-multioutput"):
            raise ValueError(
                f"y has {y.shape[1]} columns and is {target_type}; it must be one column of labels or a matrix of 0s "
                "and 1s. For several columns of labels, use sklearn.multioutput.MultiOutputClassifier"
            )
        check_classification_targets(y)
        multilabel = target_type == "multilabel-indicator"
        if partial:
            _check_partial_fit_first_call(self, classes)
        if multilabel:
            y = y.toarray() if issparse(y) else y
            if not np.isin(y, (0, 1)).all():
                raise ValueError(f"multilabel y must contain only 0 and 1; got {np.unique(y)}")
            if self.class_weight is not None:
                raise ValueError("class_weight is not defined for multilabel y: use sample_weight")
            seen = np.arange(y.shape[1])
        else:
            y = column_or_1d(y, warn=True)
            seen = np.unique(y)
        if continues and multilabel != self._multilabel:
            raise ValueError(
                "y must be of the same kind as in the previous call: "
                f"it was {'' if self._multilabel else 'not '}multilabel then, and is {'' if multilabel else 'not '}now"
            )
        if partial:
            if not np.isin(seen, self.classes_).all():
                raise ValueError(f"`y` has classes not in `self.classes_`: got {seen}, allowed are {self.classes_}")
        elif continues and not np.array_equal(seen, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {seen}"
            )
        else:
            self.classes_ = seen
        self._multilabel = multilabel
        return self._to_targets(y, dtype)

    def _encode_more(self, y, dtype, name="y_val"):
        fitted = "y" if name == "y_val" else "the estimator's y"
        if self._multilabel:
            y = y.toarray() if issparse(y) else y
            n = len(self.classes_)
            if y.shape[1:] != (n,) or not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"{name} must be like {fitted}, a matrix of 0 and 1 with {n} columns; it has the shape {y.shape} "
                    f"and the values {np.unique(y)}"
                )
            return self._to_targets(y, dtype)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(f"{name} must be like {fitted}, one column of labels; it has the shape {y.shape}")
        y = column_or_1d(y, warn=True)
        is_unknown = ~np.isin(y, self.classes_)
        if is_unknown.any():
            unknown = np.array(list(dict.fromkeys(y[is_unknown].tolist())), dtype=object)  # they may not be sortable
            raise ValueError(f"{name} has classes that {fitted} does not have: {unknown}; {fitted} has {self.classes_}")
        return self._to_targets(y, dtype)

    def _to_targets(self, y, dtype):
        if self._multilabel:
            return np.ascontiguousarray(y, dtype=dtype)
        codes = np.searchsorted(self.classes_, y).astype(np.int32)
        if len(self.classes_) > 2:
            return codes
        return (codes == len(self.classes_) - 1).astype(dtype).reshape(-1, 1)

    def _resolve_output(self, targets):
        n_classes = len(self.classes_)
        n_outputs = n_classes if self._multilabel or n_classes > 2 else 1
        if self.loss == "squared_error":
            return n_outputs, "logistic", "squared_error"
        if self._multilabel or n_outputs == 1:
            return n_outputs, "logistic", "binary_log_loss"
        return n_outputs, "softmax", "multinomial_log_loss"

    def _strata(self, targets):
        if self._multilabel:
            return None
        return targets if targets.ndim == 1 else targets[:, 0].astype(np.intp)

    def _class_importance(self, targets, sample_weight):
        if self.class_weight is None or len(self.classes_) == 1:
            return None
        codes = self._strata(targets)
        if isinstance(self.class_weight, dict):
            weight = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_)
            if not (np.isfinite(weight) & (weight >= 0)).all() or not weight.any():
                raise ValueError(f"class weights must be finite, non-negative and not all 0; got {self.class_weight}")
        else:
            if sample_weight is None:
                sample_weight = np.ones(len(codes))
            # fsum: the result does not depend on the order of the rows
            count = np.array([fsum(sample_weight[codes == k]) for k in range(len(self.classes_))])
            weight = fsum(count) / (len(count) * count)
        return weight[codes]

    # ---- outputs to labels ----

    def decision_function(self, X):
        """The input z^L of the output units.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, M_L)
            With two classes, one value per sample, positive where the second class is predicted. Otherwise one column
            per class or label.
        """
        z = self._z(self._validate_for_output(X), len(self.coefs_))
        return z.ravel() if self.n_outputs_ == 1 and not self._multilabel else z

    _gradient_activation = "identity"  # decision_function is z^L

    def input_gradients(self, X, output=None):
        """The gradient of `decision_function` with respect to the features: ∂z^L_k / ∂x, by backprop to layer 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        output : int, default=None
            The index k of a single output. None means all of them.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features) or (n_samples, M_L, n_features)
            The former if `output` is given or there is only one output.
        """
        return self._input_gradients(X, output)

    def predict(self, X):
        """The class with the largest output; for multilabel y, all labels with a probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Predicted labels.
        """
        z = self.decision_function(X)
        if self._multilabel:
            return (z > 0).astype(np.int64)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(z))
        return self.classes_[(z > 0).astype(np.intp) if z.ndim == 1 else z.argmax(axis=1)]

    def predict_proba(self, X):
        """Probabilities of the classes.

        With the log loss they are the outputs a = σ(z^L). With the squared error and more than two classes they are
        ``a_k / Σ_j a_j``, computed from log a so that they are defined even if all a underflow to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Rows sum to 1. For multilabel y, each column is the probability of its label, strictly between 0 and 1.
        """
        z = self.decision_function(X)
        if self._multilabel:
            return _inside(expit(z))
        if z.ndim == 2:
            return softmax(self._log_scores(z))
        if len(self.classes_) == 1:
            return np.ones((len(z), 1), dtype=z.dtype)
        return np.column_stack([expit(-z), expit(z)])

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba`, finite even where a probability underflows to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            log of `predict_proba`.
        """
        z = self.decision_function(X)
        if self._multilabel:
            return np.log(_inside(expit(z)))
        if z.ndim == 2:
            return log_softmax(self._log_scores(z), axis=1)
        if len(self.classes_) == 1:
            return np.zeros((len(z), 1), dtype=z.dtype)
        return np.column_stack([log_expit(-z), log_expit(z)])

    def _log_scores(self, z):
        """What a softmax turns into probabilities: z with the log loss, log σ(z) with the squared error."""
        return z if self.out_activation_ == "softmax" else log_expit(z)
