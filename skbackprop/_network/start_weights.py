"""The weights that training starts from."""

import numpy as np

__all__ = ["start_weights"]


def start_weights(network, rng, feature_size):
    """Draw the initial weights: W^l uniform in ±gain √(3 / M_{l-1}), b^l uniform around a centre, or 0.

    A gain of 1 is LeCun's rule (LeCun et al. 1998, section 4.6): inputs of unit variance give a z^l of unit variance. A
    single layer of neurons starts at 0, since it has no symmetry to break.

    Logistic hidden units get larger weights, and few of them are active at the start. The centre of b^l is negative; in
    the first layer it is -log(M_1 / 2), so that about two units are active, however many there are. If they all started
    at σ(0) = ½, every unit would take part in every step, and a step for one sample would act on all samples. The
    outputs would saturate before the hidden units had become different, and with the squared error part of a class
    might never leave saturation. docs/start_weights.md has the measurements.

    Parameters
    ----------
    network : Network
        Its parameters are set.
    rng : numpy.random.Generator
        The random stream.
    feature_size : float
        The root mean square of the features, about 1 if they are standardised. The first layer's z is proportional to
        it, and so is the centre of b^1.
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
