"""The network: its layers, its parameters as one vector, its start weights and its batched forward pass."""

import copy
from math import isfinite

import numpy as np

from .activations import ACTIVATIONS, activation_code

__all__ = ["LOSSES", "Network", "aligned_zeros", "forward", "start_weights"]

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
        lanes = 64 // np.dtype(dtype).itemsize
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
        return (self.M[0], self.stride[1]) if l == 1 else (_padded(self.M[l], 4), self.stride[l - 1])

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
    """A vector of zeros that begins at a multiple of 64 bytes, as the rows of weights in it then do."""
    memory = np.zeros(size + 64 // np.dtype(dtype).itemsize, dtype=dtype)
    start = -memory.ctypes.data % 64 // memory.itemsize
    return memory[start : start + size]


def _padded(size, lanes):
    """The next multiple of `lanes`."""
    return -(-int(size) // lanes) * lanes


def forward(a, coefs, intercepts, activations):
    """The forward pass for a batch of samples.

    Parameters
    ----------
    a : {ndarray, CSR matrix} of shape (n_samples, M_0)
        The samples, a^0.
    coefs, intercepts : list of ndarray
        As in `Network`; of as many layers as are wanted.
    activations : sequence of str
        Of the same layers.

    Returns
    -------
    list of ndarray of shape (n_samples, M_l)
        a^1, a^2, ...
    """
    layers = []
    for W, b, activation in zip(coefs, intercepts, activations, strict=True):
        z = a @ W
        z += b
        a = ACTIVATIONS[activation](z)
        layers.append(a)
    return layers


def start_weights(network, rng, feature_size):
    """Draw the start weights: W^l uniform in ±gain √(3 / M_{l-1}), b^l uniform around a centre, or 0.

    Gain 1 is LeCun's rule (LeCun et al. 1998, section 4.6): inputs of unit variance give a z^l of unit variance. A
    single layer of neurons starts at 0: it has no symmetry to break.

    Logistic hidden units have larger weights, and start with few of them active: the centre of b^l is negative. Where
    they start at σ(0) = ½, all of them share in every step, and what a step does for one sample it does for all: the
    outputs are driven into saturation before the hidden units have become different, and under the squared error a part
    of a class may stay there for ever. docs/start_weights.md has the measurements.

    Parameters
    ----------
    network : Network
        Its parameters are set.
    rng : numpy.random.Generator
        The random stream.
    feature_size : float
        The root mean square of the features, 1 where they are standardised. The first layer's z is proportional to it,
        and so is the centre of its b.
    """
    saturating_output = network.activations[-1] in ("logistic", "softmax")
    last = len(network.coefs)
    for l, (W, b, activation) in enumerate(
        zip(network.coefs, network.intercepts, network.activations, strict=True), start=1
    ):
        gain, centre, spread = 1.0, 0.0, 0.0
        if last == 1:
            gain = 0.0
        elif activation == "logistic" and l == 1:
            gain, centre, spread = 2.0 if saturating_output else 1.0, -4.0 * feature_size, feature_size
        elif activation == "logistic" and l < last:
            gain, centre, spread = 8.0, -2.0, 1.0
        bound = gain * np.sqrt(3 / W.shape[0])
        W[...] = rng.uniform(-bound, bound, size=W.shape)
        b[...] = rng.uniform(centre - spread, centre + spread, size=b.shape)
