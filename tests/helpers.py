"""Shared by several test modules: small data, quiet fits, comparisons."""

import pickle
import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor, _kernel
from skbackprop._network import LOSSES, Network
from skbackprop._training.loop import Epochs
from skbackprop._training.sampling import Samples

#: The ConvergenceWarning for a training that ends at `max_iter`, as opposed to one that diverged.
MAX_ITER = "Maximum iterations"
ESTIMATORS = (BackpropClassifier, BackpropRegressor)


def fit_quietly(estimator, *args, **kwargs):
    """`estimator.fit`, for trainings that are cut off at `max_iter`; any other warning is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MAX_ITER, category=ConvergenceWarning)
        return estimator.fit(*args, **kwargs)


def make_data(estimator, n=40, n_features=4, seed=0, dtype=np.float64):
    """A few normal rows; y has three classes, or is a smooth function in [0, 1]."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)).astype(dtype)
    score = X[:, 0] - X[:, 1]
    if isinstance(estimator, BackpropClassifier) or estimator is BackpropClassifier:
        return X, np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))
    return X, (1 / (1 + np.exp(-score))).astype(dtype)


def fitted(estimator, X, y, *args, **kwargs):
    """An estimator of the class, fitted in five epochs."""
    return fit_quietly(estimator(*args, **{"max_iter": 5, "random_state": 0} | kwargs), X, y)


def multilabel_data():
    """X, and one label for each of three features: whether it is positive."""
    X, _ = make_data(BackpropClassifier)
    return X, (X[:, :3] > 0).astype(int)


def weights_of(estimator):
    """Copies of the arrays W^1, ..., W^L, b^1, ..., b^L."""
    return [w.copy() for w in estimator.coefs_ + estimator.intercepts_]


def same_bits(first, second):
    """Whether two fitted estimators have bit for bit the same weights and losses."""
    pairs = list(zip(weights_of(first), weights_of(second), strict=True))
    return (
        all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
        and first.loss_curve_ == second.loss_curve_
        and first.t_ == second.t_
    )


def snapshot(estimator):
    """Everything that an estimator holds, as bytes to compare."""
    return {name: pickle.dumps(value) for name, value in vars(estimator).items()}


def trained_by(steps, estimator, chunk=None):
    """The unfitted estimator with a function in place of the kernel's `steps`, called once per `chunk` draws."""

    class TrainedBy(type(estimator)):
        def _epochs(self, progress, plan):
            return Epochs(progress, plan, self.alpha, steps, chunk)

    return TrainedBy(**estimator.get_params())


def scripted(start, losses, estimator, n):
    """The kernel works as usual but reports given losses: that of the initial weights, then one for each epoch."""
    done = [0]

    def steps(network, samples, rows, tau, *how):
        _kernel.steps(network, samples, rows, tau, *how)
        if tau == 0:
            return start * len(rows)
        epoch, done[0] = done[0] // n, done[0] + len(rows)
        # replaying epochs that have already been reported goes beyond the end of the script
        return losses[min(epoch, len(losses) - 1)] * len(rows)

    return trained_by(steps, estimator)


class Observer:
    """A callback that calls a function after each epoch, with the number of epochs so far."""

    def __init__(self, function):
        self.function = function

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.function(context.task_id + 1)


# ---- the kernel ---------------------------------------------------------------------------------------------------

#: (activation of the output layer, the kernel's loss), of all that the estimators allow
OUTPUTS = [
    *(
        (output, loss)
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
        for output in ("identity", "logistic", "tanh", "exp", "softplus")
    ),
    ("exp", "poisson"),
    ("softplus", "poisson"),
    ("logistic", "binary_log_loss"),
    ("softmax", "multinomial_log_loss"),
]


def make_network(sizes, activations, loss="squared_error", dtype=np.float64, seed=0):
    """A network with random weights of size 1 / sqrt(M_{l-1})."""
    network = Network(sizes, activations, loss, dtype, quantile=0.3)
    rng = np.random.default_rng(seed)
    for W, b in zip(network.coefs, network.intercepts, strict=True):
        W[...] = rng.normal(size=W.shape) / np.sqrt(W.shape[0])
        b[...] = rng.normal(size=b.shape)
    return network


def as_layout(X, layout):
    """X dense, or CSR with 32- or 64-bit indices."""
    if layout == "dense":
        return np.ascontiguousarray(X)
    X = sp.csr_array(X)
    index_type = np.int32 if layout == "csr32" else np.int64
    X.indices, X.indptr = X.indices.astype(index_type), X.indptr.astype(index_type)
    return X


def make_samples(sizes, loss="squared_error", dtype=np.float64, seed=0, n=9, layout="dense", nonzeros=0.7):
    """Rows with some zeros in them (the last is all zeros), and targets in [0, 1] that suit the loss."""
    rng = np.random.default_rng(seed + 1)
    X = rng.normal(size=(n, sizes[0])) * (rng.random((n, sizes[0])) < nonzeros)
    X[-1] = 0
    Y = rng.random((n, sizes[-1]))
    if loss == "multinomial_log_loss":
        Y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=n)]
    elif loss == "binary_log_loss":
        Y = (Y > 0.5) * 1.0
    elif loss in ("huber", "poisson"):
        Y = np.floor(Y * 4)  # errors on both sides of 1; counts, some of them 0
    return Samples(as_layout(X.astype(dtype), layout), Y.astype(dtype))


def lecture_weights(network):
    """W^1, ..., W^L (M_l x M_{l-1}) and b^1, ..., b^L in float64, for the oracle."""
    return (
        [W.T.astype(np.float64, order="C") for W in network.coefs],
        [b.astype(np.float64) for b in network.intercepts],
    )


def distance(network, W, b):
    """The largest difference between a network's weights and the oracle's, over each array's largest weight."""
    own_W, own_b = lecture_weights(network)
    return max(
        np.abs(own - given).max() / np.abs(given).max()
        for own, given in zip(own_W + own_b, W + b, strict=True)
        if given.any() or own.any()
    )


def duplicate(network):
    """A second network with the same weights."""
    twin = Network(network.M, network.activations, LOSSES[network.loss_code], network.params.dtype, network.quantile)
    twin.set(network.coefs, network.intercepts)
    return twin
