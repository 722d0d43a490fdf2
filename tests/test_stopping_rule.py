"""The stopping rule by itself, on curves that are made up; and the constant that its `tol` is relative to."""

from math import inf

import numpy as np
import pytest

from skbackprop._network import Network
from skbackprop._training.progress import Progress
from skbackprop._training.reference import constant_loss
from skbackprop._training.sampling import plan
from skbackprop._training.stopping import Stop, decrease


def last_epoch(curve, k=10, tol=0.005, constant=1.0):
    """The epoch after which the rule stops; None where it never does."""
    curve, stop = [float(f) for f in curve], Stop(tol, k)
    states = (Progress(None, None, None, losses=curve[:t], constant_loss=constant) for t in range(1, len(curve) + 1))
    return next((len(state.losses) for state in states if stop.has_stalled(state)), None)


def noisy(curve, size, seed):
    return curve + size * np.random.default_rng(seed).normal(size=len(curve))


# ---- the rule ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 10, 25])
def test_a_constant_loss_ends_training_after_two_windows(k):
    assert last_epoch(np.ones(200), k) == 2 * k


def test_training_never_ends_where_n_iter_no_change_is_infinite():
    assert last_epoch(np.ones(1000), inf) is None


def test_a_slow_descent_within_the_noise_is_seldom_stopped():
    curve = np.linspace(0.9, 0.7, 200)  # 0.001 an epoch, a fiftieth of the noise
    stopped = [last_epoch(noisy(curve, 0.05, seed)) for seed in range(200)]
    assert sum(epoch is not None for epoch in stopped) < 30


def test_the_rule_is_asked_each_time_that_training_is_a_quarter_longer():
    stop = Stop(0.005, 10)
    assert [t for t in range(200) if stop.is_due(t)] == [20, 25, 32, 40, 50, 63, 79, 99, 124, 155, 194]


@pytest.mark.parametrize("seed", range(20))
def test_a_descent_that_has_ended_ends_training(seed):
    curve = 0.1 + np.exp(-np.arange(400) / 8)
    assert 20 < last_epoch(noisy(curve, 0.001, seed)) < 150


@pytest.mark.parametrize("seed", range(20))
def test_noise_without_trend_ends_training_in_the_long_run(seed):
    assert last_epoch(noisy(np.ones(2000), 0.02, seed)) is not None


def test_by_default_a_window_has_so_many_draws_however_few_the_samples():
    assert [Stop(0.005, "auto", n).shortest for n in (100, 999, 5000, inf)] == [100, 11, 10, 10]
    assert Stop(0.005, 3, 100).shortest == 3
    assert Stop(0.005, inf, 100).shortest == inf


def test_epochs_before_the_window_do_not_count():
    losses = [5.0] * 30 + [1.0] * 20
    state = Progress(None, None, None, losses=losses, constant_loss=1.0, window_start=30)
    assert Stop(0.005, 10).has_stalled(state)
    state.window_start = 0
    assert not Stop(0.005, 10).has_stalled(state)


def test_a_rising_loss_ends_training():
    assert last_epoch(np.linspace(1, 2, 200)) == 20


def test_huge_losses_overflow_nowhere():
    assert last_epoch(np.append(np.full(30, 1e308), np.ones(300))) is not None


def test_scores_are_to_rise_by_tol_as_it_is():
    """Whatever the loss of the best constant: a score has a scale of its own."""
    rising = np.arange(40) / 1000  # a window's mean is higher by 0.01 than the one before
    for tol, stalled in ((0.0099, False), (0.0101, True)):
        state = Progress(
            None, None, None, by_score=True, losses=[1.0] * 20, constant_loss=100.0, validation_scores=list(rising[:20])
        )
        # the error of a curve without noise is that of its steps
        _, error = decrease(list(-rising[:20]))
        assert Stop(tol + 2 * error, 10).is_flat(state) == stalled


def test_where_all_targets_are_the_same_the_first_loss_is_the_scale():
    state = Progress(None, None, None, losses=list(np.geomspace(1, 1e-9, 20)), constant_loss=0.0, start_loss=1e3)
    assert Stop(0.005, 10).is_flat(state)
    state.start_loss = 1e-3
    assert not Stop(0.005, 10).is_flat(state)


def test_the_standard_error_is_that_of_independent_noise():
    rng = np.random.default_rng(0)
    found = np.array([decrease(list(row)) for row in rng.normal(size=(2000, 40))])
    np.testing.assert_allclose(found[:, 0].std(), np.sqrt(2 / 20), rtol=0.05)
    np.testing.assert_allclose(np.sqrt((found[:, 1] ** 2).mean()), np.sqrt(2 / 20), rtol=0.02)


# ---- the constant --------------------------------------------------------------------------------------------------

#: loss -> activation of the output units
LOSSES = {
    "squared_error": "identity",
    "absolute_error": "identity",
    "huber": "identity",
    "quantile": "identity",
    "poisson": "exp",
    "binary_log_loss": "logistic",
}


def targets_of(loss, rng, n=300):
    if loss == "binary_log_loss":
        return (rng.random((n, 2)) < [0.2, 0.6]).astype(float)
    return rng.poisson(3, (n, 2)).astype(float) if loss == "poisson" else 2 * rng.standard_t(3, (n, 2))


@pytest.mark.parametrize("loss", LOSSES)
def test_repeated_rows_shuffled_rows_and_weights_have_the_same_constant_to_the_bit(loss):
    rng = np.random.default_rng(1)
    X, Y, weights = rng.normal(size=(300, 3)), targets_of(loss, rng), rng.integers(1, 4, 300)
    rows = rng.permutation(np.repeat(np.arange(300), weights))
    network = Network((3, 2), [LOSSES[loss]], loss, np.float64, quantile=0.8)
    weighted = constant_loss(network, *plan(X, Y, weights.astype(float)).distinct_targets())
    repeated = constant_loss(network, *plan(X[rows], Y[rows]).distinct_targets())
    assert weighted == repeated > 0
