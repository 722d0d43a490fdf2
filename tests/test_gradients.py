"""The gradient that the kernel follows is the derivative of the loss that it reports: central differences."""

import numpy as np
import pytest
from helpers import OUTPUTS, duplicate, make_network, make_samples

from skbackprop._kernel import gradient, steps
from skbackprop._network import HIDDEN_ACTIVATIONS

SIZES = [(3, 2), (3, 4, 2), (3, 4, 5, 2)]
STEP = 1e-5


def gradient_of_a_step(network, samples, row, alpha):
    """From one step of the algorithm with tau = 1: what it takes away from each parameter."""
    after = duplicate(network)
    steps(after, samples, np.array([row]), 1.0, alpha)
    after.fold_scale()
    return network.params - after.params


def central_differences(network, samples, rows, alpha):
    """(f(w + h) - f(w - h)) / 2h for each parameter w, where f sums f_i over the rows and alpha / 2 sum_l |W^l|^2."""

    def f():
        penalty = alpha / 2 * sum((W**2).sum() for W in network.coefs)
        return steps(network, samples, np.array(rows), 0.0) + penalty

    differences = np.zeros_like(network.params)
    is_parameter = duplicate(network)  # marks what is a parameter and what is padding
    is_parameter.params[:] = 0
    for w in is_parameter.coefs + is_parameter.intercepts:
        w[...] = 1
    for k in np.flatnonzero(is_parameter.params):
        w = network.params[k]
        network.params[k] = w + STEP
        above = f()
        network.params[k] = w - STEP
        below = f()
        network.params[k] = w
        differences[k] = (above - below) / (2 * STEP)
    return differences


@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
@pytest.mark.parametrize(
    ("sizes", "activation"),
    [(SIZES[0], None), (SIZES[1], "tanh"), *((SIZES[2], activation) for activation in HIDDEN_ACTIVATIONS)],
)
def test_central_differences(sizes, activation, output, loss):
    network = make_network(sizes, [activation] * (len(sizes) - 2) + [output], loss, seed=3)
    for layout in ("dense", "csr32"):
        samples = make_samples(sizes, loss, seed=3, layout=layout)
        for weights, alpha in ((None, 0.3), (np.linspace(0.2, 2, 9), 0.0)):
            samples.weights = weights
            for row in (0, 8):  # the last is all zeros
                exact = gradient_of_a_step(network, samples, row, alpha)
                assert abs(exact).max() > 1e-3
                differences = central_differences(network, samples, [row], alpha)
                np.testing.assert_allclose(differences, exact, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layout", ["dense", "csr32"])
@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
def test_gradient_of_many_rows(output, loss, layout):
    sizes = (3, 4, 5, 2)
    network = make_network(sizes, ["tanh", "silu", output], loss, seed=3)
    samples = make_samples(sizes, loss, seed=3, layout=layout)
    for weights in (None, np.linspace(0.2, 2, 9)):
        samples.weights = weights
        rows = np.array([0, 1, 1, 8, 5])
        f, exact = gradient(network, samples, rows)
        assert f == pytest.approx(steps(network, samples, rows, 0.0), rel=1e-14)
        np.testing.assert_allclose(central_differences(network, samples, rows, 0.0), exact, rtol=1e-6, atol=1e-8)
