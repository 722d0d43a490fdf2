"""What a network computes outside of training: the forward pass of many samples, and backprop down to their features.

Outputs come from the kernel. Where derivatives are wanted, the products are NumPy's.
"""

import numpy as np
from scipy.sparse import issparse

from .._kernel import allowed_threads
from .._kernel import forward as kernel_forward
from .activations import activation_code, value_and_derivative

__all__ = ["BATCH", "forward", "input_gradients", "last_layer"]

#: Number of rows in a batch, small enough for a layer's outputs to stay in the cache.
BATCH = 1000
#: A call of the kernel takes about so many products of a weight, some tens of milliseconds, but whole batches.
CALL_WEIGHTS = 2**30
#: Fewer than this, which take a millisecond at most, ask for no second thread.
LONG = 2**24


def forward(a, coefs, intercepts, activations, keep=False):
    """The forward pass: z^l = W^l a^(l-1) + b^l, a^l = σ(z^l) (docs/algorithm.md, equations 2 and 3).

    Parameters
    ----------
    a : {ndarray, CSR matrix} of shape (n_samples, M_0)
        The samples, a^0.
    coefs, intercepts : list of ndarray
        As in `Network`, for as many layers as are wanted.
    activations : sequence of str
        The activations of the same layers.
    keep : bool, default=False
        Whether to keep z^l, and to compute σ'(z^l). Otherwise a^l has the bits that `last_layer` gives it.

    Returns
    -------
    list of (z, a, derivative), ndarrays of shape (n_samples, M_l) or None
        z^l, a^l and σ'(z^l) for l = 1, 2, ...; without `keep`, only a^l. A softmax has no σ', since each of its outputs
        depends on all z of the layer.
    """
    layers = []
    for W, b, activation in zip(coefs, intercepts, activations, strict=True):
        if keep:
            z = a @ W
            z += b
            a, derivative = value_and_derivative(activation, z)
            layers.append((z, a, derivative))
        else:
            a = last_layer(a, [W], [b], [activation])
            layers.append((None, a, None))
    return layers


def last_layer(X, coefs, intercepts, activations):
    """a^l of the last of these layers, by the kernel, in calls that are short for the sake of Ctrl-C.

    Parameters
    ----------
    X, coefs, intercepts, activations
        As in `forward`.

    Returns
    -------
    ndarray of shape (n_samples, M_l)
        a^l.
    """
    if issparse(X):
        X.check_format(full_check=True)  # the kernel reads where its indices point
    n, n_weights = X.shape[0], sum(W.size for W in coefs)
    codes = [activation_code(name) for name in activations]
    out = np.empty((n, coefs[-1].shape[1]), dtype=coefs[0].dtype)
    rows = max(1, CALL_WEIGHTS // n_weights // BATCH) * BATCH
    threads = allowed_threads() if n * n_weights >= LONG else 1
    for k in range(0, n, rows):
        kernel_forward(X[k : k + rows], coefs, intercepts, codes, out[k : k + rows], threads)
    return out


def input_gradients(X, coefs, intercepts, activations, outputs):
    """The gradients of outputs with respect to the features: ∂a^L_k / ∂x, by backprop (equation 5) to layer 0.

    Parameters
    ----------
    X, coefs, intercepts, activations
        As in `forward`, for all layers. A softmax is not supported.
    outputs : sequence of int
        The indices k.

    Returns
    -------
    ndarray of shape (n_samples, len(outputs), M_0)
        The gradients.
    """
    gradients = np.empty((X.shape[0], len(outputs), X.shape[1]), dtype=coefs[0].dtype)
    for start in range(0, X.shape[0], BATCH):
        rows = slice(start, start + BATCH)
        layers = forward(X[rows], coefs, intercepts, activations, keep=True)
        *below, last = [derivative for _, _, derivative in layers]
        for place, k in enumerate(outputs):
            # (W^L)ᵀ δ^L: δ^L is σ'(z^L) for output k and 0 for all others, so one column of coefs is enough
            back = last[:, k : k + 1] * coefs[-1][:, k]
            for W, derivative in zip(coefs[-2::-1], below[::-1], strict=True):
                delta = back * derivative
                back = delta @ W.T
            gradients[rows, place] = back
    return gradients
