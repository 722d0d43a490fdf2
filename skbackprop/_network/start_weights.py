"""The weights that training starts from."""

import numpy as np

__all__ = ["start_weights"]


def start_weights(network, rng, feature_size):
    """Draw the start weights: W^l uniform in ±gain √(3 / M_{l-1}), b^l uniform around a centre, or 0.

    Gain 1 is LeCun's rule (LeCun et al. 1998, section 4.6): inputs of unit variance give a z^l of unit variance. A
    single layer of neurons starts at 0: it has no symmetry to break.

    Logistic hidden units have larger weights, and start with few of them active: the centre of b^l is negative, in the
    first layer -log(M_1 / 2), with which about two units are active however many there are. Where they start at
    σ(0) = ½, all of them share in every step, and what a step does for one sample it does for all: the outputs are
    driven into saturation before the hidden units have become different, and under the squared error a part of a class
    may stay there for ever. docs/start_weights.md has the measurements.

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
            # σ(-log(M / 2)) = 2 / (M + 2): about two of the M units are active at z = b
            centre = -np.log(max(len(b) / 2, 1)) * feature_size
            gain, spread = 2.0 if saturating_output else 1.0, -centre / 2
        elif activation == "logistic" and l < last:
            gain, centre, spread = 8.0, -2.0, 1.0
        bound = gain * np.sqrt(3 / W.shape[0])
        W[...] = rng.uniform(-bound, bound, size=W.shape)
        b[...] = rng.uniform(centre - spread, centre + spread, size=b.shape)
