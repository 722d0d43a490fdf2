"""The network: its layers, and its parameters as one vector."""

import copy
from math import isfinite

import numpy as np

from .activations import activation_code

__all__ = ["LOSSES", "Network", "aligned_zeros"]

#: Losses of the kernel, in the order of its table. log_loss is binary_log_loss through logistic outputs and
#: multinomial_log_loss through softmax.
LOSSES = (
    "squared_error",
    "binary_log_loss",
    "multinomial_log_loss",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
)


#: Bytes of the widest register; vectors and rows of weights begin at multiples of it.
REGISTER_BYTES = 64
#: The kernel takes so many rows of weights at a time, from the second layer on.
ROWS_AT_A_TIME = 4


class Network:
    """Layers 1..L of the lecture, with their weights W^l and b^l.

    All parameters lie in one vector, so that copying, comparing or saving them is one operation. Each row of weights
    is padded with zeros to whole 64-byte registers, and from the second layer on there are whole fours of rows, for the
    kernel's sake: `coefs` and `intercepts` are views of the vector that leave the padding out.

    Parameters
    ----------
    sizes : sequence of int
        M_0, ..., M_L: the number of features, of units in each hidden layer, of outputs.
    activations : sequence of str
        The activations of layers 1..L.
    loss : str
        One of `LOSSES`.
    dtype : dtype
        float32 or float64.
    quantile : float, default=0.5
        What the loss "quantile" is for.

    Attributes
    ----------
    params : ndarray
        All parameters.
    coefs : list of ndarray of shape (M_{l-1}, M_l)
        The transposes of W^l, l = 1..L; views of `params`.
    intercepts : list of ndarray of shape (M_l,)
        b^l; views of `params`.
    scale : ndarray of shape (1,)
        W^1 is `scale` times what `params` holds while the kernel is at work with an L2 penalty: see `fold_scale`.
    """

    def __init__(self, sizes, activations, loss, dtype, quantile=0.5):
        self.activations = tuple(activations)
        lanes = REGISTER_BYTES // np.dtype(dtype).itemsize
        L = len(sizes) - 1
        # what the kernel wants to know, an entry a layer
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
        """W^l as it lies in memory."""
        return (self.M[0], self.stride[1]) if l == 1 else (_padded(self.M[l], ROWS_AT_A_TIME), self.stride[l - 1])

    def views(self, vector):
        """The W^l, transposed, and b^l of a vector like `params`."""
        coefs, intercepts = [], []
        for l in range(1, len(self.M)):
            W = vector[self.W_at[l] :][: np.prod(self._shape(l))].reshape(self._shape(l))
            coefs.append(W[:, : self.M[1]] if l == 1 else W[: self.M[l], : self.M[l - 1]].T)
            intercepts.append(vector[self.b_at[l] :][: self.M[l]])
        return coefs, intercepts

    @property
    def n_params(self):
        """Number of parameters, padding not counted."""
        return sum(W.size + b.size for W, b in zip(self.coefs, self.intercepts, strict=True))

    def set(self, coefs, intercepts):
        """Copy weights of `coefs`' and `intercepts`' shapes into the network."""
        for own, given in zip(self.coefs + self.intercepts, [*coefs, *intercepts], strict=True):
            own[...] = given

    def copy(self):
        """A network of the same layers, with parameters of its own."""
        other = copy.copy(self)
        other.params, other.scale = aligned_zeros(len(self.params), self.params.dtype), self.scale.copy()
        other.params[:] = self.params
        other.coefs, other.intercepts = other.views(other.params)
        return other

    def is_finite(self):
        """Whether all parameters are numbers, and so is their sum."""
        with np.errstate(over="ignore", invalid="ignore"):
            return isfinite(self.params.sum(dtype=np.float64))

    def folded(self):
        """A copy of the parameters with W^1 multiplied by its `scale`."""
        params = self.params.copy()
        if self.scale[0] != 1:
            params[self.W_at[1] : self.b_at[1]] *= params.dtype.type(self.scale[0])
        return params

    def fold_scale(self):
        """Multiply W^1 by its `scale`, which is 1 from then on."""
        if self.scale[0] != 1:
            self.params[self.W_at[1] : self.b_at[1]] *= self.params.dtype.type(self.scale[0])
            self.scale[0] = 1


def aligned_zeros(size, dtype):
    """A vector of zeros that begins at a multiple of `REGISTER_BYTES`, as the rows of weights in it then do."""
    memory = np.zeros(size + REGISTER_BYTES // np.dtype(dtype).itemsize, dtype=dtype)
    start = -memory.ctypes.data % REGISTER_BYTES // memory.itemsize
    return memory[start : start + size]


def _padded(size, multiple):
    """The least multiple of a number that is not below `size`."""
    return -(-int(size) // multiple) * multiple
