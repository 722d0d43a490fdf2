"""Mini-batches, momentum, Adam and dropout in the kernel: the same weights and losses as the oracle."""

import os
import subprocess
import sys

import numpy as np
import oracle_extensions
import pytest
from helpers import OUTPUTS, as_layout, distance, duplicate, lecture_weights, make_network, make_samples

from skbackprop._kernel import gradient, noise_of_a_draw, steps
from skbackprop._network import HIDDEN_ACTIVATIONS, LOSSES
from skbackprop._training.rules import RULES, Rule
from skbackprop._training.sampling import Samples

#: After 40 steps, relative to the largest weight of each array.
BOUND = {np.float64: 1e-12, np.float32: 1e-4}
HYPER = {
    "sgd": {},
    "momentum": {"momentum": 0.7},
    "nesterov": {"momentum": 0.7},
    "adam": {"momentum": 0.8, "beta_2": 0.95, "epsilon": 1e-6},
}


def of_inputs(noise, n):
    """The numbers of n inputs, made of the draw's four: mixed as at the end of MurmurHash3, the upper half of it."""
    first, second = (int(low) + (int(high) << 16) for low, high in noise.reshape(2, 2))
    bits = (first + 0x9E3779B9 * np.arange(n, dtype=np.uint64)) % 2**32
    bits = (bits ^ bits >> 16) * 0x85EBCA6B % 2**32
    bits = (bits ^ bits >> 13 ^ second) * 0xC2B2AE35 % 2**32
    return bits >> 16


def masks_of(noise, network, dropout):
    """What dropout multiplies the layers 0 to L - 1 of each draw by."""
    masks = [[] for _ in noise]
    for row, layers in zip(noise, masks, strict=True):
        for l, p in enumerate(dropout):
            numbers = np.full(network.M[l], 2**16)
            if p > 0:
                n = 4 if l == 0 else network.stride[l]
                own, row = row[:n], row[n:]
                numbers = of_inputs(own, network.M[0]) if l == 0 else own[: network.M[l]]
            layers.append((numbers >= p * 2**16) / (1 - p))
        assert len(row) == 0
    return masks


def both(network, samples, name, batch_size, tau=0.05, alpha=0.0, dropout=None, n_steps=40):
    """The same draws through kernel and oracle: compares the losses, and returns the distance of the weights."""
    W, b = lecture_weights(network)
    rng = np.random.default_rng(7)
    draws = rng.integers(len(samples), size=n_steps * batch_size - batch_size // 2)  # the last batch is not full
    rule = Rule(network, name, batch_size=batch_size, dropout=dropout, **HYPER[name])
    noise = masks = None
    if dropout:
        noise = rng.integers(2**16, size=(len(draws), noise_of_a_draw(network, dropout)), dtype=np.uint16)
        masks = masks_of(noise, network, dropout)
    sparse = not isinstance(samples.X, np.ndarray)
    total = steps(network, samples, draws, tau, alpha, rule, noise)
    network.fold_scale()
    losses = oracle_extensions.batches(
        W,
        b,
        np.asarray(samples.X.toarray() if sparse else samples.X, dtype=np.float64),
        samples.targets.astype(np.float64),
        draws,
        tau,
        network.activations,
        LOSSES[network.loss_code],
        alpha,
        samples.weights,
        network.quantile,
        batch_size=batch_size,
        rule=name,
        masks=masks,
        lazy=sparse,
        **HYPER[name],
    )
    assert rule.t == n_steps
    assert total == pytest.approx(losses.sum(), rel=BOUND[network.params.dtype.type])
    padding = duplicate(network)
    for w in padding.coefs + padding.intercepts:
        w[...] = 0
    assert (network.params[padding.params != 0] == 0).all() and not padding.params.any()
    return distance(network, W, b)


@pytest.mark.parametrize(
    ("layout", "dtype"), [("dense", np.float32), ("dense", np.float64), ("csr32", np.float64), ("csr64", np.float32)]
)
@pytest.mark.parametrize("batch_size", [1, 2, 7])
@pytest.mark.parametrize("rule", RULES)
def test_rules(rule, batch_size, layout, dtype, level):
    for sizes, alpha in (((5, 3), 0.01), ((5, 17, 2), 0.0), ((20, 9, 33, 4, 2), 0.01)):
        network = make_network(sizes, ["tanh"] * (len(sizes) - 2) + ["identity"], dtype=dtype)
        samples = make_samples(sizes, dtype=dtype, layout=layout)
        assert both(network, samples, rule, batch_size, alpha=alpha) < BOUND[dtype]


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
def test_outputs(output, loss, rule, batch_size):
    sizes = (4, 6, 3)
    network = make_network(sizes, ["logistic", output], loss)
    assert both(network, make_samples(sizes, loss), rule, batch_size) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_activations(activation, rule):
    sizes = (4, 6, 3)
    assert both(make_network(sizes, [activation, "identity"]), make_samples(sizes), rule, 4, tau=0.01) < 1e-12


@pytest.mark.parametrize("dropout", [(0, 0.375, 0.375), (0.5, 0, 0), (0.25, 0.375, 0.5), (0.25, 0, 0.625)])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("rule", RULES)
def test_dropout_and_weights(rule, batch_size, layout, dropout, level):
    sizes = (6, 20, 5, 2)
    network = make_network(sizes, ["logistic", "relu", "identity"])
    samples = make_samples(sizes, layout=layout)
    samples.weights = np.linspace(0.2, 2, 9)
    assert both(network, samples, rule, batch_size, dropout=dropout) < 1e-12


@pytest.mark.parametrize("nonzeros", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", BOUND)
def test_dropout_of_inputs_whose_zeros_are_looked_for(dtype, rule, batch_size, layout, nonzeros):
    """With so many weights in W^1 that a step looks for the zeros of a dense sample."""
    sizes = (90, 64, 2)
    network = make_network(sizes, ["tanh", "identity"], dtype=dtype)
    samples = make_samples(sizes, dtype=dtype, layout=layout, nonzeros=nonzeros)
    assert both(network, samples, rule, batch_size, tau=0.002, alpha=0.01, dropout=(0.375, 0.25)) < BOUND[dtype]


def test_dropout_without_hidden_layers_is_of_the_input(level):
    network = make_network((7, 3), ["logistic"])
    assert both(network, make_samples((7, 3)), "sgd", 1, dropout=(0.5,)) < 1e-12


def test_inputs_are_left_out_independently_and_as_often_as_dropout_says():
    """The mean and the correlations of masks, over samples of ones, as the kernel makes them."""
    n, p = 40, 0.375
    network = make_network((n, 1), ["identity"], dtype=np.float64)
    samples = Samples(np.ones((1, n)), np.zeros((1, 1)))
    rule = Rule(network, dropout=[p])
    masks = []
    for noise in np.random.default_rng(0).integers(2**16, size=(4000, 4), dtype=np.uint16):
        network.params[:] = 0
        network.intercepts[0][:] = -0.5  # δ = -1: the step adds the thinned sample to W
        steps(network, samples, np.zeros(1, dtype=np.int64), 1.0, 0.0, rule, noise[None])
        masks.append(network.coefs[0].ravel().copy())
    masks = np.array(masks)
    assert set(np.unique(masks)) == {0, 1 / (1 - p)}
    assert abs((masks == 0).mean() - p) < 4 * np.sqrt(p * (1 - p) / masks.size)
    np.testing.assert_allclose(masks.mean(axis=0), 1, atol=4.5 * np.sqrt(p / (1 - p) / len(masks)))
    assert abs(np.corrcoef(masks.T) - np.eye(n)).max() < 5 / np.sqrt(len(masks))
    assert abs(np.corrcoef(masks[:200]) - np.eye(200)).max() < 5.5 / np.sqrt(n)


def test_a_batch_in_several_slices():
    sizes = (3, 5, 2)
    network = make_network(sizes, ["logistic", "identity"])
    assert both(network, make_samples(sizes), "adam", 600, n_steps=3) < 1e-12


@pytest.mark.parametrize("units", [1, 4, 7, 9, 12, 15, 17, 20, 25, 29, 33, 52])
@pytest.mark.parametrize("dtype", BOUND)
def test_any_number_of_units(dtype, units, level):
    """The last columns of a product are summed in smaller tiles; here in two slices, too."""
    sizes = (170, units, units + 3, 2)
    network = make_network(sizes, ["tanh", "tanh", "identity"], dtype=dtype)
    for batch_size in (15, 300):
        assert both(network, make_samples(sizes, dtype=dtype), "sgd", batch_size, n_steps=2, tau=0.001) < BOUND[dtype]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
@pytest.mark.parametrize("dtype", BOUND)
def test_the_loss_alone_is_that_of_the_gradient(dtype, layout, weighted, level):
    sizes = (90, 64, 3)
    network = make_network(sizes, ["tanh", "softmax"], "multinomial_log_loss", dtype=dtype)
    samples = make_samples(sizes, "multinomial_log_loss", dtype=dtype, layout=layout, nonzeros=0.2)
    if weighted:
        samples.weights = np.linspace(0.2, 2, 9)
    before = network.params.copy()
    for draws in (np.array([3]), np.arange(9), np.arange(600) % 9):
        assert steps(network, samples, draws, 0.0) == gradient(network, samples, draws)[0]
    assert network.params.tobytes() == before.tobytes()


def test_a_batch_of_one_is_a_step():
    sizes = (5, 4, 3)
    samples = make_samples(sizes)
    one = make_network(sizes, ["logistic", "logistic"])
    plain, matrices = duplicate(one), duplicate(one)
    draws = np.arange(9)
    steps(plain, samples, draws, 0.1, 0.01)
    # an epoch of batches of nine, of which each call fills one place only
    rule = Rule(matrices, batch_size=9)
    for i in draws:
        steps(matrices, samples, np.array([i]), 0.1, 0.01, rule)
    plain.fold_scale()
    np.testing.assert_allclose(matrices.params, plain.params, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_cut_into_calls_makes_no_difference(batch_size):
    sizes = (5, 4, 3)
    samples = make_samples(sizes)
    whole = make_network(sizes, ["logistic", "logistic"])
    parts = duplicate(whole)
    draws = np.random.default_rng(0).integers(9, size=40)
    rules = [Rule(whole, "momentum", batch_size=batch_size, momentum=0.9) for _ in range(2)]
    steps(whole, samples, draws, 0.1, 0.01, rules[0])
    for k in range(0, 40, 8):
        steps(parts, samples, draws[k : k + 8], 0.1, 0.01, rules[1])
    assert whole.params.tobytes() == parts.params.tobytes()


@pytest.mark.parametrize("dropout", [None, (0.25, 0.25)])
@pytest.mark.parametrize("nonzeros", [0.2, 1.0])
@pytest.mark.parametrize("layout", ["dense", "csr32"])
@pytest.mark.parametrize("rule", ["momentum", "adam"])
@pytest.mark.parametrize("dtype", BOUND)
def test_the_cut_into_calls_makes_no_difference_with_a_large_first_layer(dtype, rule, layout, nonzeros, dropout, level):
    """There, the update for a sample and the product by the next one of the same call are one pass."""
    sizes = (90, 64, 2)
    whole = make_network(sizes, ["tanh", "identity"], dtype=dtype)
    parts = duplicate(whole)
    samples = make_samples(sizes, dtype=dtype, layout=layout, nonzeros=nonzeros)
    rng = np.random.default_rng(0)
    draws = rng.integers(len(samples), size=12)
    rules = [Rule(n, rule, dropout=dropout, **HYPER[rule]) for n in (whole, parts)]
    noise = rng.integers(2**16, size=(12, noise_of_a_draw(whole, rules[0].dropout)), dtype=np.uint16)
    steps(whole, samples, draws, 0.01, 0.01, rules[0], noise)
    for part in (slice(0, 1), slice(1, 2), slice(2, 7), slice(7, 12)):
        steps(parts, samples, draws[part], 0.01, 0.01, rules[1], noise[part])
    assert whole.params.tobytes() == parts.params.tobytes()


@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("rule", RULES)
def test_sparse_batches_in_several_slices(rule, dtype, level):
    """Inputs that have values in the first slice only, in the second only, in both, and in one sample only."""
    sizes, n = (200, 20, 2), 300
    network = make_network(sizes, ["tanh", "identity"], dtype=dtype)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 200)) * (rng.random((n, 200)) < 0.1)
    X[:256, :50], X[256:, 50:100], X[:, 100:110] = 0, 0, 0
    X[5, 100], X[299, 101] = 1, -1
    W, b = lecture_weights(network)
    samples = Samples(as_layout(X.astype(dtype), "csr32"), rng.normal(size=(n, 2)).astype(dtype))
    draws = np.tile(np.arange(n), 3)
    how = Rule(network, rule, batch_size=n, **HYPER[rule])
    steps(network, samples, draws, 0.05, 0.01, how)
    network.fold_scale()
    oracle_extensions.batches(
        W,
        b,
        X.astype(dtype).astype(np.float64),
        samples.targets.astype(np.float64),
        draws,
        0.05,
        network.activations,
        LOSSES[network.loss_code],
        0.01,
        batch_size=n,
        rule=rule,
        lazy=True,
        **HYPER[rule],
    )
    assert distance(network, W, b) < BOUND[dtype]


@pytest.mark.parametrize("layout", ["dense", "csr32"])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", BOUND)
def test_many_inputs_most_of_them_zero(dtype, rule, layout, level):
    """So many nonzeros that they are multiplied in shares, by panels of units that are not equally wide."""
    sizes = (500, 170, 2)
    network = make_network(sizes, ["tanh", "identity"], dtype=dtype)
    samples = make_samples(sizes, dtype=dtype, layout=layout, nonzeros=0.2)
    assert both(network, samples, rule, 7, tau=0.002, n_steps=10) < BOUND[dtype]


def test_epsilon_of_zero_in_float32():
    network = make_network((3, 2), ["identity"], dtype=np.float32)
    samples = make_samples((3, 2), dtype=np.float32)
    samples.X = as_layout(np.zeros_like(samples.X), "dense")
    steps(network, samples, np.arange(9), 0.1, 0.0, Rule(network, "adam", momentum=0.9, beta_2=0.99, epsilon=1e-60))
    assert np.isfinite(network.params).all()


def test_arrays_must_fit():
    network, other = make_network((3, 4, 2), ["relu", "identity"]), make_network((3, 30, 2), ["relu", "identity"])
    samples = make_samples((3, 4, 2))
    for rule in (Rule(other, batch_size=2), Rule(other, "adam")):
        with pytest.raises(ValueError, match="another network"):
            steps(network, samples, np.arange(9), 0.1, 0.0, rule)
    with pytest.raises(ValueError, match="noise has shape"):
        steps(network, samples, np.arange(9), 0.1, 0.0, Rule(network, dropout=[0, 0.5]), np.zeros((8, 8), np.uint16))
    with pytest.raises(ValueError, match="another network"):
        steps(network, samples, np.arange(9), 0.1, 0.0, Rule(network, dropout=[0.5]), np.zeros((9, 4), np.uint16))


FITS = """
import hashlib, warnings
import os
import subprocess
import sys

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from helpers import make_network
from skbackprop import BackpropClassifier
from skbackprop._kernel import gradient
from skbackprop._training.sampling import Samples
warnings.simplefilter("ignore", ConvergenceWarning)
rng = np.random.default_rng(0)
X, y = rng.normal(size=(600, 200)), rng.integers(5, size=600)
wide, narrow = (100, 60), (40,)
for sizes, settings in (
    (wide, dict(batch_size=300)),
    (wide, dict(batch_size=40, solver="adam", learning_rate=0.001)),
    (wide, dict(batch_size=300, momentum=0.9, alpha=0.01)),
    (narrow, dict(solver="lbfgs")),  # of more than 10,000 parameters, SciPy's own BLAS takes several threads
):
    for type_ in (np.float32, np.float64):
        settings = {"max_iter": 5, "random_state": 0} | settings
        model = BackpropClassifier(sizes, "relu", loss="log_loss", **settings).fit(X.astype(type_), y)
        weights = [w.tobytes() for w in model.coefs_ + model.intercepts_]
        print(hashlib.sha256(b"".join(weights)).hexdigest(), model.loss_)

network = make_network((200, 100, 60, 5), ["relu", "relu", "softmax"], "multinomial_log_loss")
f, G = gradient(network, Samples(X, y.astype(np.int32)), np.arange(600))
print(f, hashlib.sha256(G.tobytes()).hexdigest())
"""


def test_the_bits_do_not_depend_on_the_number_of_threads():
    """Of BLAS and OpenMP: with these sizes, a product by BLAS takes as many as it may."""
    outputs = set()
    for threads in ("1", "2", "5"):
        limits = dict.fromkeys(["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"], threads)
        environment = os.environ | limits | {"PYTHONPATH": os.path.dirname(__file__)}
        run = subprocess.run([sys.executable, "-c", FITS], env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        outputs.add(run.stdout)
    assert len(outputs) == 1


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("rule", ["momentum", "nesterov", "adam"])
def test_moments_decay_to_zero_not_to_subnormal_numbers(rule, batch_size):
    """A dead unit's gradient is 0 for good, and processors are slow with subnormal numbers."""
    network = make_network((3, 4, 2), ["relu", "identity"], dtype=np.float32)
    samples = make_samples((3, 4, 2), dtype=np.float32)
    how = Rule(network, rule, batch_size=batch_size, momentum=0.9, beta_2=0.9, epsilon=1e-8)
    network.intercepts[0][...] = 10
    steps(network, samples, np.arange(batch_size), 1e-5, 0.0, how)
    moments = network.views(how.moments[0])[0][0]
    assert moments.any()
    network.intercepts[0][...] = -1e3
    steps(network, samples, np.zeros(1500 * batch_size, dtype=np.int64), 1e-5, 0.0, how)
    assert not moments.any()


@pytest.mark.parametrize("batch_size", [1, 3])
def test_nor_does_adam_multiply_moments_into_subnormal_numbers(batch_size):
    network = make_network((3, 4, 2), ["relu", "identity"], dtype=np.float32)
    samples = make_samples((3, 4, 2), dtype=np.float32)
    how = Rule(network, "adam", batch_size=batch_size, momentum=0.9, beta_2=0.999, epsilon=1e-8)
    tau, seen = 1e-3, []
    network.intercepts[0][...] = 10
    steps(network, samples, np.arange(batch_size), tau, 0.0, how)
    network.intercepts[0][...] = -1e3
    for _ in range(300):
        steps(network, samples, np.zeros(5 * batch_size, dtype=np.int64), tau, 0.0, how)
        seen.append(abs(tau * network.views(how.moments[0])[0][0]))
    assert seen[0].any() and not seen[-1].any()
    assert all((step[step > 0] >= np.finfo(np.float32).tiny).all() for step in seen)
