"""The loss curve, and what verbose prints of it."""

import re

import numpy as np
import pytest
from helpers import ESTIMATORS, fit_quietly, make_data, trained_by

from skbackprop import BackpropRegressor, _kernel


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_verbose(estimator, capsys):
    X, y = make_data(estimator)
    fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    assert capsys.readouterr().out == ""
    model = fit_quietly(estimator(max_iter=3, random_state=0, verbose=True), X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for k, (line, loss) in enumerate(zip(lines, model.loss_curve_, strict=True)):
        pattern = r"Iteration (\d+), loss = ([\d.]+), tau = ([\d.]+), ([\d,]+) samples/s"
        number, shown, tau, speed = re.fullmatch(pattern, line).groups()
        assert int(number) == k + 1
        assert float(shown) == pytest.approx(loss, rel=1e-3)
        assert float(tau) == model.learning_rate
        assert int(speed.replace(",", "")) > 0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_loss_curve_is_the_mean_loss_of_the_draws(estimator):
    """Each at the weights of its own step, without the penalty."""
    X, y = make_data(estimator)
    sums = []

    def steps(network, samples, rows, tau, *how):
        # one draw at a time, each measured before its step
        if not tau:
            return _kernel.steps(network, samples, rows, tau, *how)
        total = 0.0
        for k in range(len(rows)):
            total += _kernel.steps(network, samples, rows[k : k + 1], 0.0, 0.0)
            _kernel.steps(network, samples, rows[k : k + 1], tau, *how)
        sums.append(total)
        return total

    model = estimator(max_iter=4, alpha=0.1, random_state=0)
    measured = fit_quietly(trained_by(steps, model), X, y)
    fit_quietly(model, X, y)
    assert model.loss_curve_ == pytest.approx(measured.loss_curve_, rel=1e-12)
    assert model.loss_curve_ == pytest.approx([total / len(X) for total in sums], rel=1e-12)
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)


def test_the_loss_of_a_fit_is_the_squared_error_without_a_half():
    """tau so small that nothing moves: the mean over the draws of (y - ŷ)^2, here the same for every row."""
    X, y = np.ones((10, 2)), np.full(10, 3.0)
    model = fit_quietly(BackpropRegressor(learning_rate=1e-300, max_iter=1, random_state=0), X, y)
    assert model.loss_ == pytest.approx((3 - model.predict(X)[0]) ** 2, rel=1e-12)
