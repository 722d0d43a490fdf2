"""Activations sigma: name -> function of a batch of z.

Training and predictions use the kernel's own (``_kernel/functions.h``), which also return the derivative. Both tables
have the same order, and tests compare them. The functions may overwrite their argument.
"""

import numpy as np
from scipy.special import expit, ndtr

from .._kernel import EXP_MAX
from .._kernel import activation as kernel_activation

__all__ = [
    "ACTIVATIONS",
    "HIDDEN_ACTIVATIONS",
    "LEAKY_RELU_SLOPE",
    "OUTPUT_RANGES",
    "activation_code",
    "softmax",
    "value_and_derivative",
]

#: Slope of leaky_relu for z < 0.
LEAKY_RELU_SLOPE = 0.01


def identity(z):
    """z."""
    return z


def logistic(z):
    """1 / (1 + e^-z): the lecture's sigma."""
    return expit(z, out=z)


def tanh(z):
    """(e^z - e^-z) / (e^z + e^-z)."""
    return np.tanh(z, out=z)


def relu(z):
    """max(0, z)."""
    return np.maximum(z, 0, out=z)


def leaky_relu(z):
    """z if z > 0, else 0.01 z (Maas, Hannun, Ng 2013)."""
    return np.multiply(z, LEAKY_RELU_SLOPE, out=z, where=z < 0)


def softplus(z):
    """log(1 + e^z) (Dugas et al. 2001)."""
    return np.logaddexp(z, 0, out=z)


def silu(z):
    """z / (1 + e^-z) (Elfwing, Uchibe, Doya 2018)."""
    z *= expit(z)
    return z


def gelu(z):
    """z P(N <= z), N standard normal (Hendrycks, Gimpel 2016)."""
    z *= ndtr(z)
    return z


def exp(z):
    """e^z, for outputs only; capped at the largest value that the kernel returns, so that it cannot overflow."""
    return np.exp(np.minimum(z, EXP_MAX[z.dtype.name], out=z), out=z)


def softmax(z):
    """e^z_k / sum_j e^z_j over the units of the layer, for outputs only."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


#: In the order of the kernel's table.
ACTIVATIONS = {f.__name__: f for f in (identity, logistic, tanh, relu, leaky_relu, softplus, silu, gelu, exp, softmax)}
HIDDEN_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name not in ("exp", "softmax"))
#: The closed range of each activation that a regressor's outputs may have.
OUTPUT_RANGES = {
    "identity": (-np.inf, np.inf),
    "logistic": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "exp": (0.0, np.inf),
    "softplus": (0.0, np.inf),
}


def activation_code(name):
    """The position of an activation in the kernel's table."""
    return list(ACTIVATIONS).index(name)


def value_and_derivative(name, z):
    """σ(z) and σ'(z), computed by the kernel; for a softmax, σ' is None. z is not changed."""
    if name == "softmax":
        return softmax(z), None
    values = kernel_activation(z.ravel(), activation_code(name))
    return tuple(np.asarray(v).reshape(z.shape) for v in values)
