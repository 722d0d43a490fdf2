"""How gradients become steps: the kernel's rules and their state."""

import copy

import numpy as np

from .._network import aligned_zeros

__all__ = ["RULES", "Rule"]

#: The kernel's rules, in the order of its table, and the number of moments of each.
RULES = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}


class Rule:
    """The rule by which the kernel turns gradients into steps, and the state it keeps from step to step.

    With g the mean gradient of a batch plus ``alpha * W``, and all operations elementwise:

    - sgd, the lecture's: w ← w − τ g
    - momentum: v ← μ v − τ g, w ← w + v
    - nesterov: v ← μ v − τ g, w ← w + μ v − τ g
    - adam: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − τ_t m / (√v + ε) with
      τ_t = τ √(1 − β₂ᵗ) / (1 − β₁ᵗ)

    With sparse samples, the first layer's weights and moments are only updated for inputs that have a value in some
    sample of the batch.

    Parameters
    ----------
    network : Network
        The network to train.
    name : str
        One of `RULES`.
    batch_size : int
        Number of samples per step.
    dropout : sequence of float, default=None
        The probability of leaving out a unit of layers 0 to L - 1, the input's first. None means 0.
    momentum : float
        μ, or β₁ of adam.
    beta_2, epsilon : float
        Of adam, as above.

    Attributes
    ----------
    moments : ndarray of shape (n_moments, n_params)
        v; m and v of adam.
    t : int
        Number of steps made.
    gradient : ndarray of shape (n_params,) or None
        The kernel's workspace for the gradient of a batch.
    """

    def __init__(self, network, name="sgd", *, batch_size=1, dropout=None, momentum=0.0, beta_2=0.0, epsilon=0.0):
        dtype, size = network.params.dtype, len(network.params)
        self.name = name
        self.code = list(RULES).index(name)
        self.batch_size = batch_size
        self.dropout = np.zeros(len(network.M) - 1) if dropout is None else np.array(dropout, dtype=np.float64)
        self.momentum = momentum
        self.beta_2 = beta_2
        self.epsilon = max(epsilon, np.finfo(dtype).tiny)  # not 0 in float32: 0 / 0 where a gradient is 0
        self.moments = aligned_zeros(RULES[name] * size, dtype).reshape(RULES[name], size)
        self.t = 0
        self.gradient = aligned_zeros(size, dtype) if batch_size > 1 else None

    def copy(self):
        """The same rule with its own copy of the moments."""
        other = copy.copy(self)
        other.moments = aligned_zeros(self.moments.size, self.moments.dtype).reshape(self.moments.shape)
        other.moments[:] = self.moments
        return other
