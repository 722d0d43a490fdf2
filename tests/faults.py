"""Shared by the tests of faults: estimators, what makes them fail, and what must hold afterwards."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, Observer, fit_quietly, make_data, weights_of

from skbackprop import BackpropClassifier, BackpropRegressor

HUGE = 1e12


def assert_sound(model, X):
    """Everything is finite, and predictions can be made."""
    assert all(np.isfinite(w).all() for w in weights_of(model))
    assert np.isfinite([model.loss_, model.best_loss_, *model.loss_curve_]).all()
    predicted = model.predict(X)
    assert len(predicted) == X.shape[0]
    assert predicted.dtype.kind != "f" or np.isfinite(predicted).all()


def late(epoch):
    """A step size that is good for six epochs, different in each, and breaks everything in the seventh."""
    return 0.01 + 0.002 * epoch if epoch < 6 else HUGE


def wide_csr(n=30, n_features=20_000, seed=0):
    """So many features and so few nonzeros that checking all weights after an epoch would cost more than the epoch."""
    rng = np.random.default_rng(seed)
    columns = np.sort([rng.choice(n_features, size=3, replace=False) for _ in range(n)])
    X = sp.csr_array((rng.normal(size=3 * n), columns.ravel(), np.arange(0, 3 * n + 1, 3)), shape=(n, n_features))
    return X, rng.random(n)


every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)
SOLVERS = {
    "sgd": {},
    "momentum": dict(momentum=0.9, nesterovs_momentum=True),
    "adam": dict(solver="adam", learning_rate=0.001, batch_size=4),
    "lbfgs": dict(solver="lbfgs", tol=0.0),
    "early_stopping": dict(early_stopping=True),
}
every_solver = pytest.mark.parametrize("solver", SOLVERS)


def new(estimator, solver="sgd", **kwargs):
    return estimator(**{"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 8} | SOLVERS[solver] | kwargs)


def fitted_on_other_data(estimator, model):
    """Fitted on two features and two classes, so that a mixture with a fit on the usual data would be noticed."""
    X, y = make_data(estimator, n_features=2, seed=5)
    return fit_quietly(model, X, y > 0.5 if estimator is BackpropRegressor else np.array(["a", "b"])[np.minimum(y, 1)])


def assert_one_fit(model, X):
    """All attributes are those of one fit, finite and consistent."""
    assert all(np.isfinite(w).all() for w in weights_of(model))
    assert np.isfinite([model.loss_, *model.loss_curve_]).all()
    assert model.n_features_in_ == model.coefs_[0].shape[0] == X.shape[1]
    assert model.n_outputs_ == model.coefs_[-1].shape[1] == model.intercepts_[-1].shape[0]
    if isinstance(model, BackpropClassifier):
        assert len(model.classes_) == model.n_outputs_ or (len(model.classes_), model.n_outputs_) == (2, 1)
    assert model.n_iter_ == len(model.loss_curve_)
    if model.validation_scores_ is not None:
        assert len(model.validation_scores_) == len(model.validation_loss_curve_) <= model.n_iter_
    assert len(model.predict(X)) == X.shape[0]


class Failing:
    """A scorer, a learning rate, or a callback, that raises an error when it is called for the n-th time."""

    def __init__(self, error, n):
        self.error, self.left = error, n

    def count(self):
        self.left -= 1
        if self.left == 0:
            raise self.error

    def scorer(self, estimator, X, y):
        self.count()
        return float(self.left)

    def learning_rate(self, epoch):
        self.count()
        return 0.01

    def callback(self):
        return Observer(lambda epoch: self.count())
