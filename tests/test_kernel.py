"""The compiled kernel does what the lecture says: the same weights and losses as the oracle for the same draws."""

import threading

import numpy as np
import pytest
from helpers import OUTPUTS, as_layout, distance, duplicate, lecture_weights, make_network, make_samples
from oracle import backpropagation, two_layer_network
from oracle_extensions import extended_backpropagation

from skbackprop._kernel import AVAILABLE_LEVELS, steps, use_level
from skbackprop._network import HIDDEN_ACTIVATIONS, LOSSES, Network
from skbackprop._training.sampling import Samples

#: After 200 steps, relative to the largest weight of each array. Measured: at most 1.3e-14 and 5.3e-6.
BOUND = {np.float64: 1e-12, np.float32: 2e-5}
DTYPES = list(BOUND)
LAYOUTS = ["dense", "csr32", "csr64"]
#: L = 1, 2, 3, 4; layers of one unit; widths that fill no register, and more than one
SIZES = [
    (1, 1),
    (5, 1),
    (7, 3),
    (3, 1, 1),
    (5, 4, 3),
    (6, 17, 2),
    (2, 35, 19),
    (4, 1, 5, 1),
    (9, 16, 8, 2),
    (3, 7, 5, 9, 2),
]
#: In the larger one, dense samples of more zeros than nonzeros are turned into lists of their nonzeros.
LAYOUT_SIZES = [(13, 6, 2), (90, 60, 2)]


def dense(X):
    return np.asarray(X if isinstance(X, np.ndarray) else X.toarray(), dtype=np.float64)


def both(network, samples, n_steps=200, tau=0.1, alpha=0.0, lecture=False):
    """The same draws through kernel and oracle: compares the losses, and returns the distance of the weights."""
    W, b = lecture_weights(network)
    start_W, start_b = lecture_weights(network)
    draws = np.random.default_rng(7).integers(len(samples), size=n_steps)
    total = steps(network, samples, draws, tau, alpha)
    network.fold_scale()
    given = W, b, dense(samples.X), samples.targets.astype(np.float64), draws, tau
    if lecture:
        losses = backpropagation(*given)
    else:
        loss = LOSSES[network.loss_code]
        losses = extended_backpropagation(*given, network.activations, loss, alpha, samples.weights, network.quantile)
    assert total == pytest.approx(losses.sum(), rel=BOUND[network.params.dtype.type])
    # the comparison means something: the weights of every layer have moved by far more than the bound
    assert all(abs(new - old).max() > 1e-3 for new, old in zip(W + b, start_W + start_b, strict=True))
    return distance(network, W, b)


def n_steps_and_tau(loss, dtype):
    """Where a loss has kinks, float32 soon goes another way than float64: then only few steps."""
    if dtype is np.float64 or loss not in ("absolute_error", "huber", "quantile"):
        return 200, 0.02
    return 40, 0.02 if loss == "huber" else 0.05


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_lecture(sizes, dtype, level):
    """Section 3, for networks of any depth and width."""
    network = make_network(sizes, ["logistic"] * (len(sizes) - 1), dtype=dtype)
    assert both(network, make_samples(sizes, dtype=dtype), tau=1.0, lecture=True) < BOUND[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_hidden_activation(activation, dtype, level):
    sizes = (5, 11, 6, 2)
    network = make_network(sizes, [activation, activation, "logistic"], dtype=dtype)
    assert both(network, make_samples(sizes, dtype=dtype)) < BOUND[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_different_activation_in_each_layer(dtype, level):
    sizes = (4, 5, 6, 7, 2)
    network = make_network(sizes, ["relu", "gelu", "tanh", "identity"], dtype=dtype)
    assert both(network, make_samples(sizes, dtype=dtype), tau=0.01) < BOUND[dtype]


OUTPUT_SIZES = [(5, 3), (5, 6, 3), (4, 7, 18), (4, 6, 1)]


@pytest.mark.parametrize(
    ("sizes", "dtype", "activation", "loss"),
    [
        (OUTPUT_SIZES[(k + j) % (3 if activation == "softmax" else 4)], dtype, activation, loss)
        # a softmax of one unit is 1: its weights never move
        for k, (activation, loss) in enumerate(OUTPUTS)
        for j, dtype in enumerate(DTYPES)
    ],
)
def test_output_and_loss(sizes, activation, loss, dtype, level):
    """Each output for each type and level; the widths take turns, and test_properties mixes all of them."""
    network = make_network(sizes, ["tanh"] * (len(sizes) - 2) + [activation], loss, dtype)
    assert both(network, make_samples(sizes, loss, dtype), *n_steps_and_tau(loss, dtype)) < BOUND[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("sizes", LAYOUT_SIZES, ids=str)
def test_layout(sizes, alpha, layout, dtype, level):
    network = make_network(sizes, ["logistic"] * 2, dtype=dtype)
    samples = make_samples(sizes, dtype=dtype, layout=layout, nonzeros=0.5)
    assert both(network, samples, tau=0.2, alpha=alpha) < BOUND[dtype]


@pytest.mark.parametrize("layout", ["csr32", "csr64"])
def test_stored_zeros_and_empty_rows(layout, level):
    sizes = (6, 4, 2)
    samples = make_samples(sizes, layout=layout)
    samples.X.data[::3] = 0
    assert np.diff(samples.X.indptr).min() == 0
    assert both(make_network(sizes, ["logistic"] * 2), samples) < BOUND[np.float64]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_that_are_all_zero(layout, level):
    network = make_network((3, 4, 2), ["logistic"] * 2)
    W1 = network.coefs[0].copy()
    steps(network, Samples(as_layout(np.zeros((2, 3)), layout), np.ones((2, 2))), np.array([0, 1, 1]), 0.5)
    np.testing.assert_array_equal(network.coefs[0], W1)
    assert abs(network.coefs[1]).sum() > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["squared_error", "multinomial_log_loss"])
def test_codes_are_one_hot_targets(loss, dtype, level):
    """The target as the number of a unit: bit for bit the same as a row of zeros with a 1."""
    sizes = (5, 6, 4)
    network = make_network(sizes, ["logistic", "softmax" if "log" in loss else "logistic"], loss, dtype)
    twin = duplicate(network)
    X = make_samples(sizes, dtype=dtype).X
    codes = np.array([0, 1, 2, 3, 3, 2, 1, 0, 2], dtype=np.int32)
    draws = np.random.default_rng(0).integers(9, size=200)
    total = steps(network, Samples(X, codes), draws, 0.3)
    assert total == steps(twin, Samples(X, np.eye(4, dtype=dtype)[codes]), draws, 0.3)
    np.testing.assert_array_equal(network.params, twin.params)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("activation", "loss"), OUTPUTS)
def test_loss_weights(activation, loss, dtype, level):
    sizes = (5, 6, 3)
    network = make_network(sizes, ["tanh", activation], loss, dtype)
    samples = make_samples(sizes, loss, dtype)
    samples.weights = np.array([0, 0.1, 0.5, 1, 1.5, 2, 0.01, 1, 3])
    assert both(network, samples, *n_steps_and_tau(loss, dtype)) < BOUND[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(5, 2), (5, 6, 2), (5, 6, 7, 2)], ids=str)
@pytest.mark.parametrize(
    ("tau", "alpha"), [(0.5, 0.001), (0.5, 0.1), (0.5, 1.0), (0.5, 2.0), (0.5, 2.5), (0.5, 4.0), (1.0, 1.0)]
)
def test_penalty(tau, alpha, sizes, dtype, level):
    """tau alpha = 1 wipes the weights out at every step, beyond it they change their sign, at 2 they stop shrinking."""
    network = make_network(sizes, ["logistic"] * (len(sizes) - 1), dtype=dtype)
    assert both(network, make_samples(sizes, dtype=dtype), tau=tau, alpha=alpha) < BOUND[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_penalty_over_many_steps(alpha, layout, dtype, level):
    """2^-1500 is far below the smallest number: on the way the scale of W^1 is folded back into it many times."""
    sizes = (5, 3, 2)
    network = make_network(sizes, ["logistic"] * 2, dtype=dtype)
    samples = make_samples(sizes, dtype=dtype, layout=layout)
    assert both(network, samples, n_steps=1500, tau=0.5, alpha=alpha) < BOUND[dtype]


def test_penalty_of_a_feature_that_is_never_drawn(level):
    """Its weights shrink all the same: by (1 - tau alpha) a step."""
    network = make_network((3, 2, 1), ["logistic"] * 2)
    before = network.coefs[0][2].copy()
    X = np.array([[1.0, 2.0, 0.0]])
    steps(network, Samples(X, np.ones((1, 1))), np.zeros(100, dtype=np.int64), 0.1, 0.2)
    network.fold_scale()
    np.testing.assert_allclose(network.coefs[0][2], before * 0.98**100, rtol=1e-13)


def test_the_two_layer_form(level):
    """Section 4 of the lecture, a second oracle: W and V with absorbed biases."""
    sizes = (5, 7, 3)
    network, samples = make_network(sizes, ["logistic"] * 2), make_samples(sizes)
    (W1, W2), (b1, b2) = lecture_weights(network)
    W, V = np.column_stack([b1, W1]), np.column_stack([b2, W2])
    draws = np.random.default_rng(3).integers(len(samples), size=200)
    steps(network, samples, draws, 1.0)
    two_layer_network(W, V, samples.X, samples.targets, draws, 1.0)
    assert distance(network, [W[:, 1:], V[:, 1:]], [W[:, 0], V[:, 0]]) < BOUND[np.float64]


def test_one_neuron_by_hand(level):
    """Section 1. w = (0, 0), b = 0, x = (2, -1), y = 1, tau = 4.

    z = 0, so ŷ = 1/2, f = (1 - 1/2)^2 = 1/4, and the gradient with respect to b is
    2 (ŷ - y) ŷ (1 - ŷ) = 2 (-1/2) (1/2) (1/2) = -1/4. Times -tau it is 1: b becomes 1, w becomes x.
    """
    network = Network((2, 1), ["logistic"], "squared_error", np.float64)
    samples = Samples(np.array([[2.0, -1.0]]), np.array([[1.0]]))
    assert steps(network, samples, np.array([0]), 4.0) == 0.25
    assert network.coefs[0].tolist() == [[2.0], [-1.0]]
    assert network.intercepts[0].tolist() == [1.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_step_by_hand(dtype, level):
    """Two inputs, two hidden units, one output; all numbers are multiples of powers of two, so the result is exact.

    x = (1, 2), y = 0, tau = 8.
    forward     W^1 = [[2, -1], [-4, 2]], b^1 = (0, 0):  z^1 = (2 - 2, -4 + 4) = (0, 0),  a^1 = (1/2, 1/2)
                W^2 = [[4, 2]], b^2 = -3:                z^2 = 4/2 + 2/2 - 3 = 0,         a^2 = 1/2
    loss        f = (1/2 - 0)^2 = 1/4
    backprop    delta^2 = 2 (1/2 - 0) (1/2) (1/2) = 1/4
                delta^1 = (4, 2) (1/4) (1/2) (1/2) = (1/4, 1/8), with the old W^2
    update      W^2 = (4, 2) - 8 (1/4) (1/2, 1/2) = (3, 1),    b^2 = -3 - 8 (1/4) = -5
                W^1 = [[2, -1], [-4, 2]] - 8 [[1/4], [1/8]] (1, 2) = [[0, -5], [-5, 0]]
                b^1 = -8 (1/4, 1/8) = (-2, -1)
    """
    network = Network((2, 2, 1), ["logistic", "logistic"], "squared_error", dtype)
    network.set([np.array([[2, -4], [-1, 2]]), np.array([[4], [2]])], [np.zeros(2), np.array([-3])])
    samples = Samples(np.array([[1, 2]], dtype=dtype), np.zeros((1, 1), dtype=dtype))
    assert steps(network, samples, np.array([0]), 8.0) == 0.25
    assert network.coefs[1].T.tolist() == [[3, 1]]
    assert network.intercepts[1].tolist() == [-5]
    assert network.coefs[0].T.tolist() == [[0, -5], [-5, 0]]
    assert network.intercepts[0].tolist() == [-2, -1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(3, 5, 3, 2), (3, 19), (3, 1, 9)], ids=str)
def test_padding_stays_zero(sizes, activation, dtype, level):
    """softplus and others are not 0 at 0: what lies beside the weights must not notice."""
    hidden = [activation] * (len(sizes) - 2)
    network = make_network(sizes, [*hidden, "softplus"], dtype=dtype)
    draws = np.random.default_rng(0).integers(9, size=100)
    steps(network, make_samples(sizes, dtype=dtype), draws, 0.01, 0.1)
    for w in network.coefs + network.intercepts:
        assert np.isfinite(w).all()
        w[...] = 0
    assert not network.params.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("sizes", LAYOUT_SIZES, ids=str)
def test_how_the_draws_are_cut_makes_no_difference(sizes, alpha, layout, dtype, level):
    network = make_network(sizes, ["logistic"] * 2, dtype=dtype)
    twin = duplicate(network)
    samples = make_samples(sizes, dtype=dtype, layout=layout, nonzeros=0.5)
    draws = np.random.default_rng(0).integers(9, size=400)
    whole = steps(network, samples, draws, 0.5, alpha)
    parts = sum(steps(twin, samples, part, 0.5, alpha) for part in np.split(draws, [0, 1, 3, 10, 399]))
    assert whole == pytest.approx(parts, rel=1e-14)  # the sums are rounded in another order
    assert network.scale[0] == twin.scale[0]
    np.testing.assert_array_equal(network.params, twin.params)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("activation", "loss"), OUTPUTS)
def test_tau_0_measures_and_changes_nothing(activation, loss, dtype, level):
    sizes = (5, 6, 3)
    network = make_network(sizes, ["gelu", activation], loss, dtype)
    before = network.params.tobytes()
    samples, draws = make_samples(sizes, loss, dtype), np.arange(9)
    total = steps(network, samples, draws, 0.0, 0.3)
    assert network.params.tobytes() == before
    assert network.scale[0] == 1
    assert 0 < total == pytest.approx(steps(network, samples, draws[::-1].copy(), 0.0, 0.3), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tau_0_changes_nothing_where_the_gradient_overflows(dtype, level):
    """0 times infinity is not 0: nothing may be multiplied."""
    network = make_network((2, 3, 1), ["identity", "identity"], dtype=dtype)
    for w in network.coefs:
        w[...] = np.finfo(dtype).max / 8
    before = network.params.tobytes()
    samples = Samples(np.ones((1, 2), dtype), np.ones((1, 1), dtype))
    assert not np.isfinite(steps(network, samples, np.zeros(3, dtype=np.int64), 0.0))
    assert network.params.tobytes() == before


def test_levels_agree():
    """Processors of different levels round sums differently, and no more than that."""
    sizes = (6, 33, 17, 3)
    results = []
    for name in AVAILABLE_LEVELS:
        before = use_level(name)
        network = make_network(sizes, ["tanh", "silu", "logistic"])
        steps(network, make_samples(sizes), np.arange(9).repeat(20), 0.1)
        results.append(network.params)
        assert use_level(before) == name
    for params in results[1:]:
        np.testing.assert_allclose(params, results[0], rtol=1e-11, atol=1e-13)


def test_unknown_level():
    with pytest.raises(ValueError, match="sse9"):
        use_level("sse9")


@pytest.mark.parametrize("draw", [-1, 9, 2**40, -(2**40)])
def test_draw_out_of_range(draw, level):
    network, samples = make_network((3, 2), ["logistic"]), make_samples((3, 2))
    before = network.params.tobytes()
    with pytest.raises(IndexError, match="9 rows"):
        steps(network, samples, np.array([0, 1, draw]), 0.1)
    assert network.params.tobytes() == before


def test_no_draws(level):
    network = make_network((3, 2), ["logistic"])
    before = network.params.tobytes()
    assert steps(network, make_samples((3, 2)), np.array([], dtype=np.int64), 0.1) == 0
    assert network.params.tobytes() == before


X, Y, CODES = np.ones((4, 3)), np.ones((4, 2)), np.array([0, 1, 1, 0], dtype=np.int32)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param((X[:, :2].copy(), Y), id="features"),
        pytest.param((as_layout(X[:, :2], "csr32"), Y), id="features of CSR"),
        pytest.param((np.asfortranarray(X), Y), id="Fortran order"),
        pytest.param((X, Y[:, :1].copy()), id="too few outputs"),
        pytest.param((X, np.ones((4, 3))), id="too many outputs"),
        pytest.param((X, Y[:3]), id="too few targets"),
        pytest.param((X, CODES[:3]), id="too few codes"),
        pytest.param((X, CODES + np.int32(2)), id="code too large"),
        pytest.param((X, CODES - np.int32(1)), id="code negative"),
        pytest.param((X, Y, np.ones(3)), id="too few weights"),
        pytest.param((X.astype(np.float32), Y), id="type of X"),
        pytest.param((as_layout(X.astype(np.float32), "csr32"), Y), id="type of CSR"),
        pytest.param((X, Y.astype(np.float32)), id="type of Y"),
        pytest.param((X.astype(np.float32), Y.astype(np.float32)), id="type of X and Y"),
        pytest.param((X, CODES.astype(np.int64)), id="type of codes"),
    ],
)
def test_arrays_that_do_not_fit_together(samples):
    network = make_network((3, 2), ["logistic"])
    before = network.params.tobytes()
    with pytest.raises(ValueError):
        steps(network, Samples(*samples), np.array([0]), 0.1)  # a draw that is in range of every array
    assert network.params.tobytes() == before


def test_other_threads_run_meanwhile():
    """The kernel works without the GIL: while one call of it lasts, another thread gets on."""
    network, samples = make_network((50, 200, 5), ["logistic"] * 2), make_samples((50, 200, 5))
    started, finished = threading.Event(), threading.Event()

    def work():
        started.set()
        steps(network, samples, np.zeros(50_000, dtype=np.int64), 0.01)
        finished.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    count = 0
    while not finished.wait(0.001):
        count += 1
    thread.join()
    assert count > 20


def test_the_network_is_one_vector():
    """coefs and intercepts are views of params, and together with padding they are all of it."""
    network = make_network((5, 4, 3), ["logistic"] * 2)
    assert [W.shape for W in network.coefs] == [(5, 4), (4, 3)]
    assert [b.shape for b in network.intercepts] == [(4,), (3,)]
    assert network.n_params == 5 * 4 + 4 + 4 * 3 + 3
    views = network.coefs + network.intercepts
    assert all(np.shares_memory(network.params, w) for w in views)
    assert not any(np.shares_memory(v, w) for k, v in enumerate(views) for w in views[:k])
