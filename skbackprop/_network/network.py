"""The network: its layers, with all parameters in one vector."""

import copy
from math import isfinite

import numpy as np

from .activations import activation_code

__all__ = ["LOSSES", "Network", "aligned_zeros"]

#: The kernel's losses, in the order of its table. log_loss is binary_log_loss with logistic outputs and
#: multinomial_log_loss with a softmax.
LOSSES = (
    "squared_error",
    "binary_log_loss",
    "multinomial_log_loss",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
)


#: Size in bytes of the widest register; vectors and rows of weights start at multiples of it.
REGISTER_BYTES = 64
#: From the second layer on, the kernel takes this many rows of weights at a time.
ROWS_AT_A_TIME = 4


class Network:
    """Layers 1..L of the lecture, with their weights W^l and b^l.

    All parameters are in one vector, so that copying, comparing or saving them is a single operation. For the kernel,
    each row of weights is padded with zeros to a whole number of 64-byte registers and, from the second layer on, the
    number of rows is padded to a multiple of four. `coefs` and `intercepts` are views that leave out the padding.

    Parameters
    ----------
    sizes : sequence of int
        M_0, ..., M_L: the numbers of features, of units in each hidden layer, and of outputs.
    activations : sequence of str
        The activations of layers 1..L.
    loss : str
        One of `LOSSES`.
    dtype : dtype
        float32 or float64.
    quantile : float, default=0.5
        The quantile of the loss "quantile".

    Attributes
    ----------
    params : ndarray
        All parameters.
    coefs : list of ndarray of shape (M_{l-1}, M_l)
        The transposes of W^l, l = 1..L; views of `params`.
    intercepts : list of ndarray of shape (M_l,)
        b^l; views of `params`.
    scale : ndarray of shape (1,)
        With an L2 penalty, W^1 is `scale` times its values in `params` during training; see `fold_scale`.
    """

    def __init__(self, sizes, activations, loss, dtype, quantile=0.5):
        self.activations = tuple(activations)
        lanes = REGISTER_BYTES // np.dtype(dtype).itemsize
        L = len(sizes) - 1
        # what the kernel needs to know, one entry per layer
        self.M = np.array(sizes, dtype=np.intp)
        self.stride = np.array([_padded(m, lanes) for m in sizes], dtype=np.intp)
        self.W_at = np.zeros(L + 1, dtype=np.intp)
        self.b_at = np.zeros(L + 1, dtype=np.intp)
        self.activation_codes = np.array([0, *map(activation_code, activations)], dtype=np.intc)
        self.loss = loss
        self.loss_code = LOSSES.index(loss)
        self.quantile = quantile

        end = 0
        for l in range(1, L + 1):
            self.W_at[l], end = end, end + _padded(int(np.prod(self._shape(l))), lanes)
            self.b_at[l], end = end, end + _padded(self.stride[l], lanes)
        self.params = aligned_zeros(end, dtype)
        self.scale = np.ones(1)
        self.coefs, self.intercepts = self.views(self.params)

    def _shape(self, l):
        """The shape of W^l in memory."""
        return (self.M[0], self.stride[1]) if l == 1 else (_padded(self.M[l], ROWS_AT_A_TIME), self.stride[l - 1])

    def views(self, vector):
        """Views of the transposed W^l and the b^l in a vector like `params`."""
        coefs, intercepts = [], []
        for l in range(1, len(self.M)):
            W = vector[self.W_at[l] :][: np.prod(self._shape(l))].reshape(self._shape(l))
            coefs.append(W[:, : self.M[1]] if l == 1 else W[: self.M[l], : self.M[l - 1]].T)
            intercepts.append(vector[self.b_at[l] :][: self.M[l]])
        return coefs, intercepts

    @property
    def n_params(self):
        """Number of parameters, not counting padding."""
        return sum(W.size + b.size for W, b in zip(self.coefs, self.intercepts, strict=True))

    def set(self, coefs, intercepts):
        """Copy weights with the shapes of `coefs` and `intercepts` into the network."""
        for own, given in zip(self.coefs + self.intercepts, [*coefs, *intercepts], strict=True):
            own[...] = given

    def copy(self):
        """A network with the same layers and its own copy of the parameters."""
        other = copy.copy(self)
        other.params, other.scale = aligned_zeros(len(self.params), self.params.dtype), self.scale.copy()
        other.params[:] = self.params
        other.coefs, other.intercepts = other.views(other.params)
        return other

    def is_finite(self):
        """Whether all parameters, and their sum, are finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            return isfinite(self.params.sum(dtype=np.float64))

    def folded(self):
        """A copy of the parameters with W^1 multiplied by its `scale`."""
        params = self.params.copy()
        if self.scale[0] != 1:
            params[self.W_at[1] : self.b_at[1]] *= params.dtype.type(self.scale[0])
        return params

    def fold_scale(self):
        """Multiply W^1 by its `scale`, and reset that to 1."""
        if self.scale[0] != 1:
            self.params[self.W_at[1] : self.b_at[1]] *= self.params.dtype.type(self.scale[0])
            self.scale[0] = 1


def aligned_zeros(size, dtype):
    """A vector of zeros that starts at a multiple of `REGISTER_BYTES`, so that the rows of weights in it do too."""
    memory = np.zeros(size + REGISTER_BYTES // np.dtype(dtype).itemsize, dtype=dtype)
    start = -memory.ctypes.data % REGISTER_BYTES // memory.itemsize
    return memory[start : start + size]


def _padded(size, multiple):
    """`size` rounded up to a multiple."""
    return -(-int(size) // multiple) * multiple
