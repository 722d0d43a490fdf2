"""What hypothesis draws: small networks with samples for the kernel."""

import numpy as np
from helpers import OUTPUTS, make_network, make_samples
from hypothesis import strategies as st

from skbackprop._network import HIDDEN_ACTIVATIONS

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(["dense", "csr32", "csr64"])


@st.composite
def problems(draw):
    """A network, samples, their weights or None, draws: any activations, loss, type of numbers and layout."""
    sizes = draw(st.lists(st.integers(1, 20), min_size=2, max_size=5))
    output, loss = draw(st.sampled_from(OUTPUTS))
    hidden = draw(st.lists(st.sampled_from(HIDDEN_ACTIVATIONS), min_size=3, max_size=3))[: len(sizes) - 2]
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    seed, n = draw(seeds), draw(st.integers(1, 6))
    network = make_network(sizes, [*hidden, output], loss, dtype, seed=seed)
    samples = make_samples(sizes, loss, dtype, seed, n, draw(layouts))
    rng = np.random.default_rng(seed)
    if loss == "multinomial_log_loss" and draw(st.booleans()):
        samples.targets = samples.targets.argmax(axis=1).astype(np.int32)
    if draw(st.booleans()):
        samples.weights = rng.random(n)
    return network, samples, rng.integers(n, size=draw(st.integers(0, 40)))
