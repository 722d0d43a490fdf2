"""BackpropClassifier: labels to targets, outputs to probabilities and labels."""

from math import fsum

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import ClassifierMixin
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
    """The check of `available_if`: "balanced" class weights rule `partial_fit` out, too."""
    if estimator.class_weight == "balanced":
        raise AttributeError(
            'class_weight="balanced" cannot be known from a part of the data: compute the weights with '
            "sklearn.utils.class_weight.compute_class_weight and give them as a dict"
        )
    return has_partial_fit(estimator)


class BackpropClassifier(ClassifierMixin, BaseBackprop):
    """A neural network classifier, trained by the backpropagation algorithm of the lecture.

    Every step draws one sample i uniformly, with replacement, and moves all weights against the gradient of its loss
    f_i (lecture.md, section 3; docs/algorithm.md, equations 2 to 7)::

        forward pass   z^l = W^l a^(l-1) + b^l,  a^l = σ(z^l)             l = 1..L,  a^0 = x_i
        backprop       δ^L = ∇f_i(a^L) ⊙ σ'(z^L),  δ^l = [(W^(l+1))ᵀ δ^(l+1)] ⊙ σ'(z^l)
        update         W^l ← W^l − τ δ^l (a^(l-1))ᵀ,  b^l ← b^l − τ δ^l

    Scale the features (StandardScaler) before.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units M_1, ..., M_(L-1) of each hidden layer; an int is one layer. ``()`` is the lecture's single
        layer of neurons.

    activation : str or sequence of str, default="logistic"
        The hidden units' σ: "identity", "logistic", "tanh", "relu", "leaky_relu", "softplus", "silu" or "gelu"; one
        name for all, or one for each hidden layer.

    output_activation : {"auto"}, default="auto"
        Logistic units under "squared_error"; under "log_loss" a softmax, or logistic units with two classes or
        multilabel y.

    loss : {"squared_error", "log_loss"}, default="squared_error"
        f_i: Σ_k (ŷ_k − y_k)², without a ½ (the lecture); or −log of the probability given to the right class.

    learning_rate : float, callable or "auto", default=0.05
        The step size τ > 0, or a function of the epoch (0, 1, ...) that returns it. Epochs are counted over all
        trainings of the estimator, so that a warm start or `partial_fit` goes on where the last one stopped. With
        "auto", `fit` first finds a constant τ by a short trial: it trains with ten values from 0.0003 to 10, compares
        the losses of held-out samples, and scales the best τ down for a training of `max_iter` epochs (200 at most).
        The trial takes up to a tenth of the samples of those epochs. Where it has learned nothing, τ is the usual one:
        the default, a fifth of it for other than logistic units, times 1 − μ with `momentum`; 0.002 for "adam".

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

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, {label: weight}, which multiply `sample_weight`; "balanced" makes the classes equally
        important, n_samples / (n_classes · count of the class). Not for multilabel y; "balanced" not in `partial_fit`.

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
        The part of the distinct samples that is held out, of each class alike where that is possible.

    scoring : str, callable or None, default=None
        scikit-learn's name of a scorer, or a scorer, for the held-out samples; None is the accuracy.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights, and the random stream, of the last training.

    random_state : int, RandomState instance or None, default=None
        Determines the start weights and the draws. With an int, `fit` on the same data gives the same bits.

    verbose : bool, default=False
        Whether to print a line for each epoch: loss, validation score, τ, samples per second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel y the numbers of its columns.

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
    BackpropRegressor : The same network for regression.
    sklearn.neural_network.MLPClassifier : Mini-batches of the log loss, by Adam.

    Notes
    -----
    Two classes have one output unit, for the second class; more have one each, trained towards 1 for the own class and
    0 for the others. Only one class in y: it is predicted always.

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
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any type that numpy can sort; or for multilabel classification a matrix of 0 and 1.
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
        self : BackpropClassifier
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

    @available_if(_has_partial_fit)
    @fit_context
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch over the given samples.

        The random stream goes on from call to call, and so do momentum, Adam's means and the schedule: k calls on the
        same X and y equal ``fit`` with ``max_iter=k``. Not there with ``solver="lbfgs"``, nor with
        ``class_weight="balanced"``. There is no trial for ``learning_rate="auto"``: before a `fit` it is the
        usual step size.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples; computed with in the type of the first call.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, among `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur; needed in the first call, and may be left out later.
        sample_weight : array-like of shape (n_samples,), default=None
            Whole numbers are repetitions; other weights, and `class_weight`, multiply f_i. Samples of weight 0 are as
            if absent.

        Returns
        -------
        self : BackpropClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If anything is not allowed, unseen classes among it; the estimator stays as it was.
        """
        return self._fit(X, y, sample_weight, partial=True, classes=classes)

    # ---- y to targets ----

    def _encode(self, y, dtype, continues, partial, classes):
        target_type = type_of_target(y, input_name="y")
        if target_type.endswith("-multioutput"):
            raise ValueError(
                f"y has {y.shape[1]} columns and is {target_type}; allowed are one column of labels, or a matrix of 0 "
                "and 1. For several columns of labels use sklearn.multioutput.MultiOutputClassifier"
            )
        check_classification_targets(y)
        multilabel = target_type == "multilabel-indicator"
        if partial:
            _check_partial_fit_first_call(self, classes)
        if multilabel:
            y = y.toarray() if issparse(y) else y
            if not np.isin(y, (0, 1)).all():
                raise ValueError(f"multilabel y must consist of 0 and 1; it has {np.unique(y)}")
            if self.class_weight is not None:
                raise ValueError("class_weight is not defined for multilabel y: use sample_weight")
            seen = np.arange(y.shape[1])
        else:
            y = column_or_1d(y, warn=True)
            seen = np.unique(y)
        if continues and multilabel != self._multilabel:
            raise ValueError(
                f"the last training was {'' if self._multilabel else 'not '}multilabel, this y is the opposite"
            )
        if partial:
            if not np.isin(seen, self.classes_).all():
                raise ValueError(f"`y` has classes not in `self.classes_`: {seen} in y, {self.classes_} in classes_")
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
            unknown = np.array(list(dict.fromkeys(y[is_unknown].tolist())), dtype=object)  # not all need have an order
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
                raise ValueError(f"class weights must be finite, not negative, and not all 0; got {self.class_weight}")
        else:
            if sample_weight is None:
                sample_weight = np.ones(len(codes))
            # fsum: a sum that the order of the rows does not change
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
            With two classes positive where the second is predicted; else one column for each class or label.
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
            One output k; None takes all.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features) or (n_samples, M_L, n_features)
            The former for one output, or where there is only one.
        """
        return self._input_gradients(X, output)

    def predict(self, X):
        """The class whose output is largest; for multilabel y, the labels of probability above one half.

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

        With a = σ(z^L): under the log loss they are the outputs, under the squared error ``a_k / Σ_j a_j`` for more
        than two classes. They are taken from log a, and so are defined where all a are 0 in floating point.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Rows sum to 1; for multilabel y each column is the probability of its label, strictly between 0 and 1.
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
        """Logarithms of `predict_proba`, finite also where a probability is 0 in floating point.

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
        """What a softmax makes probabilities of: z under the log loss, log σ(z) under the squared error."""
        return z if self.out_activation_ == "softmax" else log_expit(z)
