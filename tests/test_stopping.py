"""When training stops."""

import numpy as np
import pytest
from helpers import ESTIMATORS, MAX_ITER, fit_quietly, make_data, scripted
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropRegressor
from skbackprop._training.progress import Progress
from skbackprop._training.stopping import Stop


def after(losses):
    """The state of a training that has had these losses."""
    return Progress(None, None, None, losses=list(losses))


@pytest.mark.parametrize(
    ("losses", "tol", "k", "stop"),
    [
        ([], 0.1, 1, False),
        ([1.0], 0.1, 1, False),
        ([1.0, 0.95], 0.1, 1, True),  # lower, but not by tol
        ([1.0, 0.75], 0.1, 1, False),
        ([1.0, 0.75], 0.25, 1, False),  # lower by exactly tol
        ([1.0, 2.0], 0.1, 1, True),
        ([1.0, 1.0, 1.0], 0.1, 2, False),  # not enough epochs
        ([1.0, 1.0, 1.0, 1.0], 0.1, 2, True),
        ([9.0, 1.0, 1.0, 1.0, 1.0], 0.1, 2, True),  # only the last 2 k count
        ([1.0, 1.0, 3.0, -2.0], 0.1, 2, False),  # one noisy epoch decides nothing
        ([1.0, 0.0, 1.0, 0.0], 0.1, 2, True),
        ([1.0] * 100, 0.1, np.inf, False),
    ],
)
def test_stopping_rule(losses, tol, k, stop):
    assert Stop(tol, k).stalled(after(losses)) == stop


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("tol", [0.03, 0.2])
def test_fit_stops_where_the_rule_says(k, tol):
    losses = list(1 + np.exp(-np.arange(60) / 12) + 0.1 * np.cos(np.arange(60)))
    expected = next(
        n for n in range(2 * k, 60) if np.mean(losses[n - k : n]) > np.mean(losses[n - 2 * k : n - k]) - tol
    )
    X, y = make_data(BackpropRegressor)
    model = scripted(2.0, losses, BackpropRegressor(tol=tol, n_iter_no_change=k, max_iter=60, random_state=0), len(X))
    model.fit(X, y)  # no warning: it converged
    assert model.n_iter_ == expected < 60
    assert model.loss_curve_ == pytest.approx(losses[:expected])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fit_stops_by_itself(estimator):
    """The same on true losses: at the first epoch at which the rule holds, and at no earlier one."""
    X, y = make_data(estimator)
    model = estimator(random_state=0, tol=1e-3, n_iter_no_change=4, max_iter=1000).fit(X, y)
    holds = [Stop(1e-3, 4).stalled(after(model.loss_curve_[:n])) for n in range(len(model.loss_curve_) + 1)]
    assert holds.index(True) == model.n_iter_ == len(model.loss_curve_) < 1000


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_iter_no_change", [3, 10, np.inf])
def test_warning_at_max_iter(estimator, n_iter_no_change):
    X, y = make_data(estimator)
    with pytest.warns(ConvergenceWarning, match=rf"{MAX_ITER} \(5\)"):
        model = estimator(max_iter=5, n_iter_no_change=n_iter_no_change, random_state=0).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 5
    assert model.t_ == 5 * len(X)


def test_stopping_in_the_last_epoch_is_no_reason_to_warn():
    X, y = make_data(BackpropRegressor)
    scripted(1.0, [1.0], BackpropRegressor(max_iter=6, n_iter_no_change=3), len(X)).fit(X, y)


def test_infinite_patience():
    X, y = make_data(BackpropRegressor)
    model = scripted(1.0, [1.0], BackpropRegressor(max_iter=50, n_iter_no_change=np.inf), len(X))
    assert fit_quietly(model, X, y).n_iter_ == 50
