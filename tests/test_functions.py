"""The kernel's activations and derivatives, against numpy and scipy, at every level of the processor.

Errors are given in units of ``eps * size``. Where the formula does not cancel, size is the value itself, and the bound
is one in units in the last place (up to a factor of 2). Where it does, size is the sum of its parts' absolute values.
"""

import numpy as np
import pytest
from scipy.special import ndtr

from skbackprop._kernel import EXP_MAX, activation
from skbackprop._network import ACTIVATIONS, HIDDEN_ACTIVATIONS, activation_code

WIDE = np.longdouble  # 64 bits of mantissa on x86-64; where it is but float64, the reference has errors of its own
SLACK = 0 if np.finfo(WIDE).eps < np.finfo(np.float64).eps else 2
DTYPES = [np.float32, np.float64]


def sigma(z):
    return 1 / (1 + np.exp(-z))


def density(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * WIDE(np.pi))


def cdf(z):
    return ndtr(z.astype(np.float64)).astype(WIDE)


def one(z):
    return np.ones_like(z)


def silu_parts(z):
    return sigma(z), z * sigma(z) * sigma(-z)


def gelu_parts(z):
    return cdf(z), z * density(z)


#: name -> (function, size of its error, largest error); the same for the derivative. The largest errors measured on
#: x86-64 (gcc, any level, either type) are a little below the bounds.
FUNCTIONS = {
    "identity": (lambda z: z, abs, 0),
    "logistic": (sigma, sigma, 2),
    "tanh": (np.tanh, lambda z: abs(np.tanh(z)), 2),
    "relu": (lambda z: np.maximum(z, 0), abs, 0),
    "leaky_relu": (lambda z: np.where(z > 0, z, z / 100), abs, 1),
    "softplus": (lambda z: np.logaddexp(z, 0), lambda z: np.logaddexp(z, 0), 2.5),
    "silu": (lambda z: z * sigma(z), lambda z: abs(z) * sigma(z), 2.5),
    # the rounding of z^2 / 2, which becomes an exponent, costs z^2 / 2 units; for the reference as well
    "gelu": (lambda z: z * cdf(z), lambda z: (1 + z * z / 4) * abs(z) * cdf(z), 5),
    "exp": (np.exp, np.exp, 1),
}
DERIVATIVES = {
    "identity": (one, one, 0),
    "logistic": (lambda z: sigma(z) * sigma(-z), sigma, 2),  # a (1 - a)
    "tanh": (lambda z: 1 - np.tanh(z) ** 2, one, 3.5),  # 1 - a^2
    "relu": (lambda z: (z > 0) * one(z), one, 0),
    "leaky_relu": (lambda z: np.where(z > 0, one(z), one(z) / 100), one, 1),
    "softplus": (sigma, sigma, 2),
    "silu": (lambda z: sum(silu_parts(z)), lambda z: sigma(z) * (1 + abs(z)), 2.5),
    "gelu": (lambda z: sum(gelu_parts(z)), lambda z: (1 + z * z / 4) * sum(map(abs, gelu_parts(z))), 4),
    "exp": (np.exp, np.exp, 1),
}


def kernel(name, z):
    a, da = activation(z, activation_code(name))
    return np.asarray(a), np.asarray(da)


def grid(dtype, largest):
    """Points of every size up to `largest`, of both signs, in an odd number."""
    sizes = np.concatenate([np.logspace(-30, np.log10(largest), 4001), np.linspace(0, min(largest, 20), 4000)])
    return np.concatenate([-sizes, sizes]).astype(dtype)[1:]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation_and_derivative(name, dtype, level):
    # e^-x must be a normal number for relative bounds to make sense; for gelu that is x = z^2 / 2
    largest = 87 if dtype == np.float32 else 700
    z = grid(dtype, np.sqrt(2 * largest) if name == "gelu" else largest)
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    with np.errstate(under="ignore"):
        for got, (function, size, bound) in zip(kernel(name, z), (FUNCTIONS[name], DERIVATIVES[name]), strict=True):
            assert got.dtype == dtype
            exact, scale = function(z.astype(WIDE)), size(z.astype(WIDE))
            ulps = abs(got.astype(WIDE) - exact) / (eps * scale + tiny)
            assert ulps.max() <= bound + SLACK


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_extremes(name, dtype, level):
    z = np.array([0.0, -0.0, 1e-30, -1e-30, 50, -50, 1e4, -1e4], dtype=dtype)
    a, da = kernel(name, z)
    eps, huge = np.finfo(dtype).eps, np.finfo(dtype).max
    tiny = 1e-30 if dtype == np.float32 else 1e-290
    with np.errstate(over="ignore", under="ignore"):
        # the derivatives cancel where they vanish
        for got, (function, *_), atol in ((a, FUNCTIONS[name], tiny), (da, DERIVATIVES[name], 4 * eps)):
            exact = function(z.astype(np.float64))
            fits = exact < huge / 10
            np.testing.assert_allclose(got[fits], exact[fits], rtol=50 * eps, atol=atol)
            assert (got[~fits] > huge / 1e4).all()  # e^z beyond the type's range: huge or infinite, nothing else


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_goes_as_far_as_both_powers_of_two_are_normal_numbers(dtype, level):
    """And beyond it stays where it is, in the kernel and in predictions."""
    largest, info = EXP_MAX[np.dtype(dtype).name], np.finfo(dtype)
    assert round(largest / np.log(2)) <= min(-info.minexp, info.maxexp - 1) < round((largest + 1) / np.log(2))
    z = np.array([largest, largest + 1, largest + 100], dtype=dtype)
    for values in (kernel("exp", z)[0], ACTIVATIONS["exp"](z[np.newaxis].copy())[0]):
        assert np.isfinite(values).all()
        assert values[0] == values[1] == values[2]


#: The limits at -inf and at inf of the functions that have finite ones there.
LIMITS = {
    "logistic": ((0, 1), (0, 0)),
    "tanh": ((-1, 1), (0, 0)),
    "relu": ((0, None), (0, 1)),
    "leaky_relu": ((None, None), (0.01, 1)),
    "softplus": ((0, None), (0, 1)),
    "exp": ((0, None), (0, None)),
    "identity": ((None, None), (1, 1)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LIMITS)
def test_infinity(name, dtype, level):
    for got, limits in zip(kernel(name, np.array([-np.inf, np.inf], dtype=dtype)), LIMITS[name], strict=True):
        for value, limit in zip(got, limits, strict=True):
            if limit is not None:
                assert value == pytest.approx(limit, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*HIDDEN_ACTIVATIONS, "exp"])
def test_nan_stays_nan(name, dtype, level):
    for n in (1, 5, 64):  # alone, and anywhere in a vector
        for k in {0, n // 2, n - 1}:
            z = np.zeros(n, dtype=dtype)
            z[k] = np.nan
            a, _ = kernel(name, z)
            np.testing.assert_array_equal(np.isnan(a), np.isnan(z))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [1, 2, 3, 10, 33])
def test_softmax(m, dtype, level):
    for size in (1, 30, 1e4):
        z = (size * np.random.default_rng(m).normal(size=m)).astype(dtype)
        e = np.exp(z.astype(WIDE) - z.max())
        a, _ = kernel("softmax", z)
        np.testing.assert_allclose(a, (e / e.sum()).astype(np.float64), rtol=50 * np.finfo(dtype).eps, atol=1e-30)
        assert np.sum(a, dtype=np.float64) == pytest.approx(1, rel=m * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_predictions_use_the_same_functions(name, dtype, level):
    """The NumPy table of predictions and the table of the kernel have the same order and the same values."""
    z = np.linspace(-9, 9, 601).astype(dtype)
    a, _ = kernel(name, z)
    table = ACTIVATIONS[name](z[np.newaxis].copy())
    assert table.dtype == dtype
    np.testing.assert_allclose(table[0], a, rtol=100 * np.finfo(dtype).eps)
