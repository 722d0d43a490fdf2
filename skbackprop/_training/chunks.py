"""Short calls of the kernel, so that Ctrl-C takes effect quickly and the draws need little memory."""

from itertools import pairwise

import numpy as np

from .._kernel import steps
from .sampling import Samples

__all__ = ["chunk_length", "mean_loss", "total_loss", "touched_weights"]

#: One call of the kernel touches about this many weights (tens of milliseconds) and takes at most this many draws.
CHUNK_WEIGHTS = 2**30
CHUNK_DRAWS = 2**16


def touched_weights(network, samples):
    """Approximately how many weights one sample's step reads."""
    M = [int(m) for m in network.M[1:]]
    return samples.values_per_row * M[0] + sum(m * n for m, n in pairwise(M)) + sum(M)


def chunk_length(network, samples):
    """How many draws one call of the kernel takes."""
    return max(1, min(int(CHUNK_WEIGHTS / touched_weights(network, samples)), CHUNK_DRAWS))


def total_loss(network, samples, rows, steps=steps):
    """The sum of f_i over some rows, computed in chunks by the kernel's `steps`."""
    chunk = chunk_length(network, samples)
    return sum(steps(network, samples, rows[k : k + chunk], 0.0) for k in range(0, len(rows), chunk))


def mean_loss(network, samples, frequency, steps=steps):
    """The mean of f_i over the rows, each counted `frequency` times, an array of shape (n_samples,)."""
    weights = frequency if samples.weights is None else frequency * samples.weights
    rows = np.flatnonzero(weights)
    return float(total_loss(network, Samples(samples.X, samples.targets, weights), rows, steps) / frequency.sum())
