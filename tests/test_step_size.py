"""The step size of each epoch: a number, a function of the epoch, a schedule."""

import re

import numpy as np
import pytest
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, snapshot, trained_by

from skbackprop import BackpropClassifier, BackpropRegressor, _kernel
from skbackprop._training.schedules import Schedule


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_callable_gets_the_epoch(estimator):
    X, y = make_data(estimator)
    epochs = []

    def tau(epoch):
        epochs.append(epoch)
        return 0.01

    model = fit_quietly(estimator(learning_rate=tau, max_iter=4, warm_start=True, random_state=0), X, y)
    assert epochs == [0, 1, 2, 3]
    fit_quietly(model, X, y)
    assert epochs == list(range(8))
    model.partial_fit(X, y)
    assert epochs == list(range(9))
    fit_quietly(model.set_params(warm_start=False), X, y)
    assert epochs == [*range(9), *range(4)]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constant_callable_is_a_number(estimator):
    X, y = make_data(estimator)
    number = fit_quietly(estimator(learning_rate=0.02, max_iter=4, random_state=0), X, y)
    for tau in (0.02, np.float64(0.02)):
        function = fit_quietly(estimator(learning_rate=lambda epoch, tau=tau: tau, max_iter=4, random_state=0), X, y)
        assert same_bits(number, function)


def test_each_epoch_has_its_own_step_size():
    """Two epochs at 0.1 and 0.01 are one at 0.1, then a warm one at 0.01."""
    X, y = make_data(BackpropClassifier)
    falling = fit_quietly(BackpropClassifier(learning_rate=lambda k: 0.1 / 10**k, max_iter=2, random_state=0), X, y)
    parts = fit_quietly(BackpropClassifier(learning_rate=0.1, max_iter=1, warm_start=True, random_state=0), X, y)
    fit_quietly(parts.set_params(learning_rate=0.01), X, y)
    assert same_bits(falling, parts)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("tau", [0, -0.1, np.nan, np.inf, "0.1", None, [0.1]])
def test_a_callable_that_returns_nonsense(estimator, tau):
    X, y = make_data(estimator)
    model = fit_quietly(estimator(max_iter=2, random_state=0), X, y)
    model.set_params(learning_rate=lambda epoch: 0.01 if epoch < 1 else tau)
    before = snapshot_without_callables(model)
    with pytest.raises(ValueError, match=r"learning_rate.*epoch 1"):
        model.fit(X, y)
    assert snapshot_without_callables(model) == before


def snapshot_without_callables(model):
    rate = model.learning_rate
    del model.learning_rate  # a lambda has no pickle
    state = snapshot(model)
    model.learning_rate = rate
    return state


class Taus(list):
    """The step sizes that the kernel is given, one for each change; called in the kernel's place."""

    def __call__(self, network, samples, rows, tau, *how):
        if tau and (not self or self[-1] != tau):
            self.append(tau)
        return _kernel.steps(network, samples, rows, tau, *how)


def regressor(**settings):
    """An estimator, and the step sizes with which it will have been trained."""
    taus = Taus()
    return trained_by(taus, BackpropRegressor((5,), **settings)), taus


def expected(name, n):
    e = np.arange(n)
    return {
        "invscaling": (e + 1.0) ** -0.7,
        "cosine": (1 + np.cos(np.pi * e / 6)) / 2,
        "coslog4": np.sin(np.pi * np.log2(1 + 15 * (e + 0.5) / 6)) ** 2,
    }[name]


@pytest.mark.parametrize("name", ["invscaling", "cosine", "coslog4"])
@pytest.mark.parametrize("learning_rate", [0.02, lambda epoch: 0.02])
def test_epoch_by_epoch(name, learning_rate):
    X, y = make_data(BackpropRegressor)
    settings = dict(learning_rate=learning_rate, learning_rate_schedule=name, power_t=0.7, max_iter=6, random_state=0)
    model, taus = regressor(**settings)
    fit_quietly(model, X, y)
    np.testing.assert_allclose(taus, 0.02 * expected(name, 6), rtol=1e-12)
    model, taus = regressor(**settings)
    for _ in range(6):
        model.partial_fit(X, y)
    np.testing.assert_allclose(taus, 0.02 * expected(name, 6), rtol=1e-12)
    model.partial_fit(X, y)  # those with a period start again
    assert taus[-1] == pytest.approx(0.02 * 7**-0.7 if name == "invscaling" else taus[0])


def test_adaptive():
    """A fifth each time that training would have stopped; it does when tau is 1e-6 or less."""
    X, y = make_data(BackpropRegressor)
    settings = dict(learning_rate=0.01, learning_rate_schedule="adaptive", tol=1e9, n_iter_no_change=2, random_state=0)
    model, taus = regressor(**settings)
    model.fit(X, y)
    np.testing.assert_allclose(taus, 0.01 * 0.2 ** np.arange(7), rtol=1e-12)
    assert taus[-1] <= 1e-6 < taus[-2]
    assert model.n_iter_ == 7 * 4  # two epochs to compare with two before
    part, taus = regressor(**settings)
    for _ in range(12):
        part.partial_fit(X, y)
    np.testing.assert_allclose(taus, 0.01 * 0.2 ** np.arange(3), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:The network has learned nothing:sklearn.exceptions.ConvergenceWarning")
def test_adaptive_with_early_stopping():
    X, y = make_data(BackpropRegressor)
    settings = dict(learning_rate=0.01, learning_rate_schedule="adaptive", tol=1e9, n_iter_no_change=3, random_state=0)
    model, taus = regressor(early_stopping=True, **settings)
    model.fit(X, y)
    np.testing.assert_allclose(taus, 0.01 * 0.2 ** np.arange(7), rtol=1e-12)


def test_a_warm_start_keeps_what_was_lowered():
    X, y = make_data(BackpropRegressor)
    model, taus = regressor(
        learning_rate=0.01,
        learning_rate_schedule="adaptive",
        tol=1e9,
        n_iter_no_change=2,
        warm_start=True,
        random_state=0,
    )
    fit_quietly(model.set_params(max_iter=5), X, y)
    assert taus[-1] == pytest.approx(0.002)
    fit_quietly(model.set_params(max_iter=1), X, y)
    assert taus[-1] == pytest.approx(0.002)


def test_it_is_shown(capsys):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(
        (5,), learning_rate=0.01, learning_rate_schedule="cosine", max_iter=4, early_stopping=True, verbose=True
    )
    fit_quietly(model, X, y)
    lines = capsys.readouterr().out.splitlines()
    shown = [re.search(r"validation score = (\S+), tau = (\S+), [\d,]+ samples/s$", line).groups() for line in lines]
    np.testing.assert_allclose([float(score) for score, _ in shown], model.validation_scores_, atol=1e-6)
    np.testing.assert_allclose(
        [float(tau) for _, tau in shown], 0.01 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2, rtol=1e-2
    )


def test_what_a_function_must_return():
    schedule = Schedule(lambda epoch: -1.0)
    with pytest.raises(ValueError, match="must return a finite number > 0; for epoch 3"):
        schedule(3)
