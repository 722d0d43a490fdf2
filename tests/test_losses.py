"""The regressor's losses: what they are smallest for, and what y they take."""

import numpy as np
import pytest
from helpers import fit_quietly, make_data
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_poisson_deviance

from skbackprop import BackpropRegressor

CONSTANT = dict(hidden_layer_sizes=(), learning_rate_schedule="invscaling", max_iter=400, n_iter_no_change=np.inf)


def fitted_constant(y, **settings):
    """The one number that is left of a network whose input is 0."""
    model = BackpropRegressor(batch_size=len(y), sampling="shuffle", random_state=0, **CONSTANT, **settings)
    return fit_quietly(model, np.zeros((len(y), 1)), y).predict([[0.0]])[0]


def test_what_the_losses_are_smallest_for():
    y = np.random.default_rng(0).exponential(size=301)
    assert fitted_constant(y, loss="absolute_error", learning_rate=0.5) == pytest.approx(np.median(y), abs=0.02)
    for q in (0.1, 0.8):
        constant = fitted_constant(y, loss="quantile", quantile=q, learning_rate=0.5)
        assert np.mean(y <= constant) == pytest.approx(q, abs=0.02)
    assert fitted_constant(y, loss="poisson", learning_rate=0.2) == pytest.approx(y.mean(), abs=0.02)
    assert fitted_constant(y, loss="squared_error", learning_rate=0.2) == pytest.approx(y.mean(), abs=0.02)
    y[:10] = 1e3  # an outlier pulls huber's constant by no more than its sign
    assert abs(fitted_constant(y, loss="huber", learning_rate=0.2) - np.mean(np.sort(y)[:-10])) < 0.2


@pytest.mark.parametrize(
    ("settings", "metric"),
    [
        (dict(loss="absolute_error"), mean_absolute_error),
        (dict(loss="quantile", quantile=0.7), lambda y, p: mean_pinball_loss(y, p, alpha=0.7)),
        (dict(loss="poisson"), lambda y, p: mean_poisson_deviance(y, p) / 2),
        (dict(loss="poisson", output_activation="softplus"), lambda y, p: mean_poisson_deviance(y, p) / 2),
    ],
)
def test_the_loss_is_the_metric(settings, metric):
    X, y = make_data(BackpropRegressor)
    y = np.floor(4 * y)
    model = fit_quietly(BackpropRegressor(max_iter=5, random_state=0, **settings), X, y, X_val=X, y_val=y)
    assert model.validation_loss_curve_[-1] == pytest.approx(metric(y, model.predict(X)), rel=1e-9)


def test_the_domain_of_y():
    X, y = make_data(BackpropRegressor)
    with pytest.raises(ValueError, match="y goes from"):
        BackpropRegressor(loss="poisson").fit(X, y - 1)
    for output in ("identity", "logistic", "tanh"):
        with pytest.raises(ValueError, match="needs outputs > 0"):
            BackpropRegressor(loss="poisson", output_activation=output).fit(X, y)
    assert fit_quietly(BackpropRegressor(loss="poisson", max_iter=2), X, y).out_activation_ == "exp"


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", "poisson"])
def test_several_outputs(loss):
    X, y = make_data(BackpropRegressor, n=200)
    Y = np.column_stack([y, 1 - y])
    model = fit_quietly(BackpropRegressor(loss=loss, learning_rate=0.02, random_state=0), X, Y)
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.5
