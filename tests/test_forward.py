"""The forward pass outside of training: what it keeps on request, and batches of rows."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import make_network, make_samples

from skbackprop import _kernel
from skbackprop._network import ACTIVATIONS, BATCH, HIDDEN_ACTIVATIONS, activation_code, forward, last_layer

X = np.random.default_rng(0).normal(size=(2 * BATCH + 3, 4))


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
@pytest.mark.parametrize("samples", [X[:7], sp.csr_array(X[:7])], ids=["dense", "csr"])
def test_keeps_z_and_the_derivative_on_request(samples, activation):
    network = make_network((4, 5, 3), (activation, "softmax"), loss="multinomial_log_loss")
    weights = network.coefs, network.intercepts
    kept = forward(samples, *weights, network.activations, keep=True)
    plain = forward(samples, *weights, network.activations)
    step = 1e-6
    below = X[:7]
    for W, b, name, (z, a, derivative), (no_z, same_a, no_derivative) in zip(
        *weights, network.activations, kept, plain, strict=True
    ):
        assert no_z is None and no_derivative is None
        np.testing.assert_allclose(z, below @ W + b, rtol=1e-12)
        np.testing.assert_allclose(a, ACTIVATIONS[name](z.copy()), rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(a, same_a, rtol=1e-12, atol=1e-300)
        if name == "softmax":
            assert derivative is None
        else:
            slope = (ACTIVATIONS[name](z + step) - ACTIVATIONS[name](z - step)) / (2 * step)
            np.testing.assert_allclose(derivative, slope, rtol=1e-6, atol=1e-8)
        below = a


def test_many_rows_are_taken_in_batches():
    """Each batch by itself: the same bits."""
    network = make_network((4, 5, 3), ("tanh", "identity"))
    layers = network.coefs, network.intercepts, network.activations
    together = last_layer(X, *layers)
    apart = np.concatenate([last_layer(X[k : k + BATCH], *layers) for k in range(0, len(X), BATCH)])
    assert together.tobytes() == apart.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
def test_the_kernel_predicts_as_numpy_does(layout, dtype, level):
    rng = np.random.default_rng(0)
    sizes, names = (12, 9, 33, 7), ("gelu", "tanh", "softmax")
    coefs = [rng.normal(size=s).astype(dtype) for s in pairwise(sizes)]
    intercepts = [rng.normal(size=w.shape[1]).astype(dtype) for w in coefs]
    samples = make_samples((12, 7), n=70, layout=layout, dtype=dtype).X
    out = np.empty((70, 7), dtype)
    _kernel.forward(samples, coefs, intercepts, [activation_code(name) for name in names], out, 1)
    a = samples.toarray() if sp.issparse(samples) else samples
    expected = forward(a, coefs, intercepts, names, keep=True)[-1][1]
    np.testing.assert_allclose(out, expected, rtol=1e-4 if dtype is np.float32 else 1e-12, atol=1e-6)
