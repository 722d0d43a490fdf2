"""The network: its layers, its parameters as one vector, its start weights and its batched forward pass."""

import numpy as np

from ._activations import ACTIVATIONS, activation_code

__all__ = ["LOSSES", "Network", "forward"]

#: Losses of the kernel, in the order of its table. log_loss is binary_log_loss through logistic outputs and
#: multinomial_log_loss through softmax.
LOSSES = ("squared_error", "binary_log_loss", "multinomial_log_loss")


class Network:
    """Layers 1..L of the lecture, with their weights W^l and b^l.

    All parameters lie in one vector, so that copying, comparing or saving them is one operation. Each row of weights is
    padded with zeros to whole 64-byte registers, for the kernel's sake: `coefs` and `intercepts` are views of the vector
    that leave the padding out.

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

    def __init__(self, sizes, activations, loss, dtype):
        self.activations = tuple(activations)
        lanes = 64 // np.dtype(dtype).itemsize
        L = len(sizes) - 1
        # what the kernel wants to know, an entry a layer
        self.M = np.array(sizes, dtype=np.intp)
        self.units = np.array([_padded(m, lanes) for m in sizes], dtype=np.intp)
        self.W_at = np.zeros(L + 1, dtype=np.intp)
        self.b_at = np.zeros(L + 1, dtype=np.intp)
        self.activation_codes = np.array([0, *map(activation_code, activations)], dtype=np.intc)
        self.loss_code = LOSSES.index(loss)

        shapes = [None, (self.M[0], self.units[1])] + [(self.M[l], self.units[l - 1]) for l in range(2, L + 1)]
        end = 0
        for l in range(1, L + 1):
            self.W_at[l], end = end, end + _padded(int(np.prod(shapes[l])), lanes)
            self.b_at[l], end = end, end + _padded(self.units[l], lanes)
        memory = np.zeros(end + lanes, dtype=dtype)
        start = -memory.ctypes.data % 64 // memory.itemsize
        self.params = memory[start : start + end]
        self.scale = np.ones(1)

        self.coefs, self.intercepts = [], []
        for l in range(1, L + 1):
            W = self.params[self.W_at[l] :][: np.prod(shapes[l])].reshape(shapes[l])
            self.coefs.append(W[:, : self.M[1]] if l == 1 else W[:, : self.M[l - 1]].T)
            self.intercepts.append(self.params[self.b_at[l] :][: self.M[l]])

    @property
    def n_params(self):
        """Number of parameters, padding not counted."""
        return sum(W.size + b.size for W, b in zip(self.coefs, self.intercepts, strict=True))

    def set(self, coefs, intercepts):
        """Copy weights of `coefs`' and `intercepts`' shapes into the network."""
        for own, given in zip(self.coefs + self.intercepts, [*coefs, *intercepts], strict=True):
            own[...] = given

    def fold_scale(self):
        """Multiply W^1 by its `scale`, which is 1 from then on."""
        if self.scale[0] != 1:
            self.coefs[0] *= self.params.dtype.type(self.scale[0])
            self.scale[0] = 1


def _padded(size, lanes):
    """The next multiple of `lanes`, or for short rows the next power of two."""
    size = int(size)
    return 1 << (size - 1).bit_length() if size <= lanes // 2 else -(-size // lanes) * lanes


def forward(a, coefs, intercepts, activations):
    """The forward pass for a batch: rows of ``z^L``, and of ``a^l`` of the last hidden layer.

    Parameters
    ----------
    a : {ndarray, CSR matrix} of shape (n_samples, M_0)
        The samples, a^0.
    coefs, intercepts : list of ndarray
        As in `Network`.
    activations : sequence of str
        Of the hidden layers.

    Yields
    ------
    ndarray of shape (n_samples, M_l)
        a^l for l = 1..L-1, then z^L.
    """
    for W, b, activation in zip(coefs, intercepts, (*activations, "identity"), strict=True):
        z = a @ W
        z += b
        a = ACTIVATIONS[activation](z)
        yield a


#: Start weights of layer l are uniform in +-gain sqrt(3 / M_(l-1)); the gain of the first layer, of further hidden layers
#: and of the output layer, and of the first layer's b.
START_GAINS = [1.0, 1.0, 1.0, 0.0]


def start_weights(network, rng):
    """Draw the start weights: W^l uniform in +-gain sqrt(3 / M_{l-1}), b^l = 0.

    Parameters
    ----------
    network : Network
        Its parameters are set.
    rng : numpy.random.Generator
        The random stream.
    """
    L = len(network.coefs)
    gains = [START_GAINS[0] if l == 0 else START_GAINS[1] for l in range(L - 1)] + [START_GAINS[2]]
    for l, (W, b, gain) in enumerate(zip(network.coefs, network.intercepts, gains, strict=True)):
        bound = gain * np.sqrt(3 / W.shape[0])
        W[...] = rng.uniform(-bound, bound, size=W.shape)
        b[...] = 0
        if l == 0 and START_GAINS[3]:
            b[...] = rng.uniform(-START_GAINS[3], START_GAINS[3], size=b.shape)
