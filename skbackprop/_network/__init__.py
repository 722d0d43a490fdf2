"""The network: its layers, weights and activations, and what it computes outside of training."""

from .activations import (
    ACTIVATIONS,
    HIDDEN_ACTIVATIONS,
    LEAKY_RELU_SLOPE,
    OUTPUT_RANGES,
    activation_code,
    softmax,
)
from .forward import BATCH, forward, input_gradients, last_layer
from .network import LOSSES, Network, aligned_zeros
from .start_weights import start_weights

__all__ = [
    "ACTIVATIONS",
    "BATCH",
    "HIDDEN_ACTIVATIONS",
    "LEAKY_RELU_SLOPE",
    "LOSSES",
    "OUTPUT_RANGES",
    "Network",
    "activation_code",
    "aligned_zeros",
    "forward",
    "input_gradients",
    "last_layer",
    "softmax",
    "start_weights",
]
