"""Networks with a wide first layer, whose units several threads divide among themselves."""

from itertools import cycle

import numpy as np
import pytest
from helpers import OUTPUTS, distance, duplicate, lecture_weights, make_network, make_samples
from oracle import backpropagation

from skbackprop._kernel import noise_of_a_draw, steps
from skbackprop._kernel.kernel import _forget_teams
from skbackprop._network import HIDDEN_ACTIVATIONS
from skbackprop._training.rules import RULES, Rule
from skbackprop._training.sampling import Samples

SIZES, N = (520, 270, 7), 320
THREADS = (2, 3, 4)


def trained(network, samples, threads, alpha=0.0, dropout=None, cut=None, tau=1e-4):
    """Bits of the weights, the scale and the loss after steps on N draws, in calls of `cut` draws."""
    network, total = duplicate(network), 0.0
    rng = np.random.default_rng(0)
    draws = rng.integers(len(samples), size=N)
    rule = Rule(network, dropout=dropout)
    noise = None
    if dropout:
        noise = rng.integers(2**16, size=(N, noise_of_a_draw(network, rule.dropout)), dtype=np.uint16)
    for k in range(0, N, cut or N):
        _forget_teams()  # nor what their threads have cost, so that they take part
        part = slice(k, k + (cut or N))
        of_part = None if noise is None else noise[part]
        total += steps(network, samples, draws[part], tau, alpha, rule, of_part, threads)
    return total, network.params.tobytes(), network.scale.tobytes()


def assert_same_bits_for_all_threads(network, samples, counts=THREADS, **settings):
    one = trained(network, samples, 1, **settings)
    assert np.isfinite(one[0])
    for threads in counts:
        assert trained(network, samples, threads, **settings) == one


@pytest.mark.parametrize(("output", "loss", "threads"), [(*case, n) for case, n in zip(OUTPUTS, cycle(THREADS))])
def test_same_bits_with_every_output_and_loss(output, loss, threads):
    network = make_network(SIZES, ["tanh", output], loss)
    assert_same_bits_for_all_threads(network, make_samples(SIZES, loss, n=30), (threads,))


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_same_bits_with_every_activation(activation):
    network = make_network(SIZES, [activation, "identity"], dtype=np.float32)
    assert_same_bits_for_all_threads(network, make_samples(SIZES, n=30, dtype=np.float32))


LAYOUTS = ["dense", "csr32", "csr64"]
ALPHAS = [0.0, 0.1, 9e3]  # 9e3: so large that the scale of W^1 is folded into it
DROPOUTS = [None, (0.25, 0.25), (0.0, 0.5)]


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_bits_with_every_layout(layout, alpha, dropout, level):
    """Of each two of these and a number of threads, all combinations: a Latin square in place of the full product."""
    threads = THREADS[(LAYOUTS.index(layout) + ALPHAS.index(alpha) + DROPOUTS.index(dropout)) % 3]
    network = make_network(SIZES, ["relu", "identity"])
    samples = make_samples(SIZES, n=30, layout=layout)
    samples.X[::3] *= np.repeat([1, 0], [100, 420])  # dense rows of both kinds, with and without lists of nonzeros
    samples.weights = np.linspace(0.2, 2, 30)
    assert_same_bits_for_all_threads(network, samples, (threads,), alpha=alpha, dropout=dropout)


@pytest.mark.parametrize("layout", ["dense", "csr32"])
def test_same_bits_in_float32(layout, level):
    network = make_network(SIZES, ["relu", "identity"], dtype=np.float32)
    samples = make_samples(SIZES, n=30, layout=layout, dtype=np.float32)
    assert_same_bits_for_all_threads(network, samples, alpha=0.1, dropout=(0.25, 0.25))


@pytest.mark.parametrize("hidden", [256, 300, 1030, 2100])
def test_same_bits_with_any_number_of_units(hidden):
    sizes = (520, hidden, 10)
    network = make_network(sizes, ["logistic", "softmax"], "multinomial_log_loss", dtype=np.float32)
    samples = make_samples(sizes, n=30, dtype=np.float32)
    samples = Samples(samples.X, np.arange(30, dtype=np.int32) % 10)
    assert_same_bits_for_all_threads(network, samples)
    assert_same_bits_for_all_threads(network, samples, tau=0.0)


def test_same_bits_wherever_the_draws_are_cut():
    network, samples = make_network(SIZES, ["relu", "identity"]), make_samples(SIZES, n=30)
    whole = trained(network, samples, 1)
    assert trained(network, samples, 2, cut=160)[1:] == whole[1:]
    assert trained(network, samples, 1, cut=160)[1:] == whole[1:]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_lecture(threads):
    network, samples = make_network(SIZES, ["logistic", "logistic"]), make_samples(SIZES, n=30)
    W, b = lecture_weights(network)
    draws = np.random.default_rng(0).integers(30, size=N)
    backpropagation(W, b, samples.X, samples.targets, draws, 0.05)
    _forget_teams()
    steps(network, samples, draws, 0.05, 0.0, None, None, threads)
    assert distance(network, W, b) < 1e-11


# ---- batches --------------------------------------------------------------------------------------------------------


def assert_same_bits_in_batches(
    sizes, rule, batch_size, n, threads, *, dtype=np.float64, alpha=0.0, dropout=None, **kind
):
    """The weights, moments, scale and loss after n draws are those that one thread finds."""
    start = make_network(sizes, ["relu"] * (len(sizes) - 2) + ["identity"], dtype=dtype)
    samples = make_samples(sizes, n=300, dtype=dtype, **kind)
    found = []
    for size in (1, threads):
        network, rng = duplicate(start), np.random.default_rng(0)
        how = Rule(network, rule, batch_size=batch_size, dropout=dropout, momentum=0.9, beta_2=0.99, epsilon=1e-6)
        noise = None
        if dropout:
            noise = rng.integers(2**16, size=(n, noise_of_a_draw(network, how.dropout)), dtype=np.uint16)
        _forget_teams()
        f = steps(network, samples, rng.integers(300, size=n), 1e-3, alpha, how, noise, size)
        found.append((f, network.params.tobytes(), network.scale.tobytes(), how.moments.tobytes()))
    assert np.isfinite(found[0][0])
    assert found[1] == found[0]


@pytest.mark.parametrize(("layout", "nonzeros"), [("dense", 0.7), ("dense", 0.1), ("csr32", 0.7), ("csr64", 0.1)])
def test_same_bits_in_batches(layout, nonzeros, level):
    """So many that moments are flushed."""
    for rule, threads, hidden, settings in zip(
        RULES,
        [2, 3, 3, 2],
        [(250,), (250, 20), (250,), (250, 20)],
        [{"alpha": 0.1}, {"dropout": (0.25, 0.25, 0.25)}, {"dropout": (0.25, 0.0)}, {"alpha": 0.01}],
        strict=True,
    ):
        sizes = (150, *hidden, 7)
        assert_same_bits_in_batches(sizes, rule, 16, 1120, threads, layout=layout, nonzeros=nonzeros, **settings)


@pytest.mark.parametrize("layout", ["dense", "csr32"])
def test_same_bits_in_batches_in_float32(layout, level):
    for rule, threads, nonzeros in zip(RULES, [3, 2, 2, 3], [0.7, 0.1, 0.1, 0.7], strict=True):
        how = {"dtype": np.float32, "layout": layout, "nonzeros": nonzeros}
        assert_same_bits_in_batches((150, 250, 7), rule, 64, 1024, threads, alpha=0.1, **how)


def test_same_bits_in_batches_of_two_slices():
    assert_same_bits_in_batches((150, 250, 7), "adam", 300, 2400, 2, dtype=np.float32)
