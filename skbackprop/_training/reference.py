"""The loss of the best constant prediction, which a network has to beat: the scale for all losses on these targets."""

import numpy as np
from scipy.special import logit
from sklearn.dummy import DummyRegressor

from .._network import Network
from .chunks import CHUNK_DRAWS, total_loss
from .sampling import Samples

__all__ = ["constant_loss"]


def constant_loss(network, targets, frequency):
    """The mean f_i of the best prediction that does not depend on x.

    This is the weighted mean of the targets for the squared error, both log losses and "poisson", their median for the
    absolute error, their quantile for "quantile", and the better of mean and median for "huber".

    Parameters
    ----------
    network : Network
        Determines the loss.
    targets : ndarray of shape (n_samples,) or (n_samples, M_L)
        As in `Samples`.
    frequency : ndarray of shape (n_samples,)
        How often each sample counts.

    Returns
    -------
    float
        At least 0; 0 if all targets are equal.
    """
    n_outputs = int(network.M[-1])
    if targets.ndim == 1:  # class codes: one row per class is enough
        frequency = np.bincount(targets, frequency, minlength=n_outputs)
        targets = np.arange(n_outputs, dtype=np.int32)
        constants = [frequency / frequency.sum()]
    else:
        statistics = _STATISTICS.get(network.loss, [_mean])
        constants = [statistic(targets, frequency, network.quantile) for statistic in statistics]
    return min(_loss_of_constant(network, constant, targets, frequency) for constant in constants)


def _mean(Y, frequency, quantile=None):
    """The weighted means of the columns, computed in parts to save memory, and without BLAS, whose rounding depends on
    its number of threads."""
    rows = max(1, CHUNK_DRAWS // Y.shape[1])
    parts = (slice(k, k + rows) for k in range(0, len(Y), rows))
    return sum((Y[part] * frequency[part, np.newaxis]).sum(axis=0) for part in parts) / frequency.sum()


def _median(Y, frequency, quantile=None):
    return _quantile(Y, frequency, 0.5)


def _quantile(Y, frequency, quantile):
    """The weighted quantiles of the columns."""
    dummy = DummyRegressor(strategy="quantile", quantile=quantile)
    return dummy.fit(np.zeros((len(Y), 1)), Y.astype(np.float64), frequency).constant_.ravel()


#: Name of the loss -> functions that give its best constant; "huber" takes the better of two.
_STATISTICS = {"absolute_error": [_median], "quantile": [_quantile], "huber": [_mean, _median]}
#: Name of the loss -> (output activation, its inverse), with which the kernel can represent any constant.
_LINKS = {
    "binary_log_loss": ("logistic", logit),
    "multinomial_log_loss": ("softmax", np.log),
    "poisson": ("exp", np.log),
}


def _loss_of_constant(network, constant, targets, frequency):
    """The mean f_i of one constant prediction, that is of a network that has only output biases."""
    activation, inverse = _LINKS.get(network.loss, ("identity", np.asarray))
    dtype = np.float64 if targets.ndim == 1 else targets.dtype
    biases = Network((1, len(constant)), [activation], network.loss, dtype, network.quantile)
    with np.errstate(divide="ignore"):
        biases.intercepts[0][:] = np.clip(inverse(constant), np.finfo(dtype).min, np.finfo(dtype).max)
    total = 0.0
    for k in range(0, len(targets), CHUNK_DRAWS):
        part = slice(k, k + CHUNK_DRAWS)
        no_features = np.zeros((len(targets[part]), 1), dtype=dtype)
        weights = np.ascontiguousarray(frequency[part], dtype=np.float64)
        total += total_loss(biases, Samples(no_features, targets[part], weights), np.flatnonzero(weights))
    return float(total / frequency.sum())
