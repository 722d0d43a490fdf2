"""The solver "lbfgs"."""

import numpy as np
import pytest
from faults import every_estimator
from helpers import fit_quietly, make_data, same_bits, weights_of
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._training import lbfgs


@pytest.mark.parametrize("weighted", [False, True])
@every_estimator
def test_lbfgs_finds_a_minimum(estimator, weighted):
    """Of the mean f_i plus alpha / 2 |W|^2: a plain step with a full batch no longer moves the weights."""
    X, y = make_data(estimator)
    weight = np.linspace(0.5, 1.5, len(y)) if weighted else None
    settings = dict(hidden_layer_sizes=(4,), activation="tanh", alpha=0.01, random_state=0)
    model = estimator(solver="lbfgs", tol=1e-9, max_iter=2000, **settings).fit(X, y, weight)
    assert model.n_iter_ < 2000
    after = estimator(batch_size=len(y), sampling="shuffle", learning_rate=1, max_iter=1, **settings)
    fit_quietly(after, X, y, weight, coefs_init=model.coefs_, intercepts_init=model.intercepts_)
    for own, other in zip(weights_of(model), weights_of(after), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-3)
    # the loss of the curve is that of the weights, without the penalty
    assert after.loss_ == pytest.approx(model.loss_, rel=1e-9)


def test_lbfgs_stops_at_max_iter_and_max_fun():
    X, y = make_data(BackpropClassifier)
    for settings, message in (
        (dict(max_iter=3), r"Maximum iterations \(3\) reached"),
        (dict(max_fun=4), r"Maximum evaluations of the loss \(max_fun=4\) reached after . iterations"),
    ):
        model = BackpropClassifier(solver="lbfgs", tol=0, random_state=0, **settings)
        with pytest.warns(ConvergenceWarning, match=message):
            model.fit(X, y)
        assert 1 <= model.n_iter_ <= 4


@every_estimator
def test_lbfgs_has_no_partial_fit(estimator):
    assert not hasattr(estimator(solver="lbfgs"), "partial_fit")
    X, y = make_data(estimator)
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as caught:
        estimator(solver="lbfgs").partial_fit(X, y)
    assert "lbfgs" in str(caught.value.__cause__)


def test_lbfgs_interrupted(monkeypatch):
    X, y = make_data(BackpropRegressor)
    real, calls = lbfgs.gradient, [0]

    def gradient(*args):
        calls[0] += 1
        if calls[0] == 8:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(lbfgs, "gradient", gradient)
    model = BackpropRegressor(solver="lbfgs", random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ >= 1
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    monkeypatch.undo()
    whole = fit_quietly(BackpropRegressor(solver="lbfgs", random_state=0, max_iter=model.n_iter_), X, y)
    assert same_bits(model, whole)
