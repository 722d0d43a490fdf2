"""The loss of the best constant prediction, against formulas and against a search for something better."""

import numpy as np
import pytest
from oracle_extensions import loss as f
from scipy.optimize import minimize_scalar

from skbackprop._network import Network
from skbackprop._training.reference import constant_loss

OUTPUTS = {"squared_error": "identity", "absolute_error": "identity", "quantile": "identity", "huber": "identity"}


def weighted_targets(n=40, k=1, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) * 3 + 1, rng.integers(0, 4, size=n).astype(float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile", "poisson"])
def test_no_constant_is_better(loss, dtype):
    Y, frequency = weighted_targets()
    if loss == "poisson":
        Y = np.floor(abs(Y))
    network = Network((3, 1), [OUTPUTS.get(loss, "exp")], loss, dtype, quantile=0.3)

    def mean_loss(constant):
        return np.average([f(loss, np.array([constant]), y, 0.3) for y in Y], weights=frequency)

    best = minimize_scalar(mean_loss, bounds=(1e-3 if loss == "poisson" else -6, 6), method="bounded").fun
    assert constant_loss(network, Y.astype(dtype), frequency) == pytest.approx(best, rel=1e-3)


def test_huber_takes_the_better_of_mean_and_median():
    Y, frequency = np.array([[0.0], [0.0], [0.1], [30.0]]), np.ones(4)
    network = Network((3, 1), ["identity"], "huber", np.float64)
    constants = np.mean(Y), 0.0, 0.05, 0.1
    losses = [np.mean([f("huber", np.array([c]), y) for y in Y]) for c in constants]
    assert losses[0] > min(losses[1:]) == pytest.approx(constant_loss(network, Y, frequency), rel=1e-2)


def test_several_outputs_add_up():
    Y, frequency = weighted_targets(k=3)
    whole = constant_loss(Network((2, 3), ["identity"], "squared_error", np.float64), Y, frequency)
    one = Network((2, 1), ["identity"], "squared_error", np.float64)
    assert whole == pytest.approx(sum(constant_loss(one, Y[:, [k]], frequency) for k in range(3)))
    assert whole == pytest.approx(
        np.average((Y - np.average(Y, axis=0, weights=frequency)) ** 2, axis=0, weights=frequency).sum()
    )


@pytest.mark.parametrize("loss", ["squared_error", "multinomial_log_loss"])
def test_classes(loss):
    """Shares p_k of the classes: Σ p_k (1 − p_k), and −Σ p_k log p_k."""
    codes, frequency = np.array([0, 0, 1, 2, 2, 2], dtype=np.int32), np.array([1.0, 2, 1, 1, 1, 4])
    p = np.array([3, 1, 6]) / 10
    expected = {"squared_error": (p * (1 - p)).sum(), "multinomial_log_loss": -(p * np.log(p)).sum()}[loss]
    activation = "logistic" if loss == "squared_error" else "softmax"
    network = Network((2, 3), [activation], loss, np.float32)
    assert constant_loss(network, codes, frequency) == pytest.approx(expected)


def test_two_classes_and_labels():
    Y, frequency = np.array([[0.0, 1], [1, 1], [1, 0], [1, 1]]), np.array([1.0, 1, 1, 2])
    p = np.array([0.8, 0.8])
    network = Network((2, 2), ["logistic"], "binary_log_loss", np.float64)
    assert constant_loss(network, Y, frequency) == pytest.approx(-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum())


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("identity", "squared_error"),
        ("logistic", "binary_log_loss"),
        ("exp", "poisson"),
        ("identity", "absolute_error"),
    ],
)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_targets_that_are_all_the_same(activation, loss, value):
    network = Network((2, 1), [activation], loss, np.float64)
    assert constant_loss(network, np.full((5, 1), value), np.ones(5)) == pytest.approx(0, abs=1e-12)


def test_a_class_that_never_occurs():
    network = Network((2, 3), ["softmax"], "multinomial_log_loss", np.float64)
    codes = np.array([0, 2, 2, 0], dtype=np.int32)
    assert constant_loss(network, codes, np.ones(4)) == pytest.approx(np.log(2))
