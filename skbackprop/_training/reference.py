"""The best constant prediction: the loss that a network has to beat, and the scale of all losses on these targets."""

import numpy as np
from scipy.special import logit
from sklearn.dummy import DummyRegressor

from .._network import Network
from .chunks import CHUNK_DRAWS, total_loss
from .sampling import Samples

__all__ = ["constant_loss"]


def constant_loss(network, targets, frequency):
    """The mean f_i of the best prediction that does not depend on x.

    That is the weighted mean of the targets for the squared error, for both log losses and for "poisson"; their median
    for the absolute error; their quantile; and for "huber" the better of mean and median.

    Parameters
    ----------
    network : Network
        Says what the loss is.
    targets : ndarray of shape (n_samples,) or (n_samples, M_L)
        As in `Samples`.
    frequency : ndarray of shape (n_samples,)
        How often each sample counts.

    Returns
    -------
    float
        At least 0; 0 where all targets are the same.
    """
    n_outputs = int(network.M[-1])
    if targets.ndim == 1:  # codes of classes: one row a class will do
        frequency = np.bincount(targets, frequency, minlength=n_outputs)
        targets = np.arange(n_outputs, dtype=np.int32)
        columns = np.eye(n_outputs)
    else:
        columns = targets.astype(np.float64)
    counted = frequency > 0
    strategies = {"absolute_error": ["median"], "quantile": ["quantile"], "huber": ["mean", "median"]}
    losses = []
    for strategy in strategies.get(network.loss, ["mean"]):
        dummy = DummyRegressor(strategy=strategy, quantile=network.quantile if strategy == "quantile" else None)
        dummy.fit(np.zeros((counted.sum(), 1)), columns[counted], frequency[counted])
        losses.append(_loss_of_constant(network, dummy.constant_.ravel(), targets, frequency))
    return min(losses)


#: name of the loss -> (activation of output units, its inverse), with which the kernel takes any constant.
_LINKS = {
    "binary_log_loss": ("logistic", logit),
    "multinomial_log_loss": ("softmax", np.log),
    "poisson": ("exp", np.log),
}


def _loss_of_constant(network, constant, targets, frequency):
    """The mean f_i of one constant prediction: of a network with nothing but the bias of its outputs."""
    activation, inverse = _LINKS.get(network.loss, ("identity", np.asarray))
    dtype = np.float64 if targets.ndim == 1 else targets.dtype
    biases = Network((1, len(constant)), [activation], network.loss, dtype, network.quantile)
    with np.errstate(divide="ignore"):
        biases.intercepts[0][:] = np.clip(inverse(constant), np.finfo(dtype).min, np.finfo(dtype).max)
    total = 0.0
    for k in range(0, len(targets), CHUNK_DRAWS):
        part = slice(k, k + CHUNK_DRAWS)
        no_features = np.zeros((len(targets[part]), 1), dtype=dtype)
        samples = Samples(no_features, targets[part], frequency[part])
        total += total_loss(biases, samples, np.flatnonzero(frequency[part]))
    return float(total / frequency.sum())
