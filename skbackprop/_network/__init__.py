"""The network: layers, weights, activations; and what it computes outside of training."""

from .activations import ACTIVATIONS, HIDDEN_ACTIVATIONS, OUTPUT_RANGES, activation_code, softmax
from .network import LOSSES, Network, aligned_zeros, forward, start_weights

__all__ = [
    "ACTIVATIONS",
    "HIDDEN_ACTIVATIONS",
    "LOSSES",
    "OUTPUT_RANGES",
    "Network",
    "activation_code",
    "aligned_zeros",
    "forward",
    "softmax",
    "start_weights",
]
