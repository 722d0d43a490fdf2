"""Training in parts: partial_fit, warm starts and pickles go on as if there had been no break."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, weights_of
from oracle_extensions import extended_backpropagation

from skbackprop import BackpropClassifier, BackpropRegressor

LAYERS = [(), (5,), (7, 3, 4)]  # L = 1, 2, 4


def oracle_step(model, x, target, tau, loss="squared_error", alpha=0.0, weight=1.0, n_steps=1):
    """The weights of a fitted model after steps of the lecture on one sample, W^1..W^L transposed, then b^1..b^L."""
    W, b = [W.T.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
    activations = [model.activation] * (len(W) - 1) + [model.out_activation_]
    X, Y = np.atleast_2d(x), np.atleast_2d(target)
    extended_backpropagation(W, b, X, Y, [0] * n_steps, tau, activations, loss, alpha, [weight])
    return [W.T for W in W] + b


def assert_close(model, expected, bound=1e-12):
    for own, w in zip(weights_of(model), expected, strict=True):
        assert abs(own - w).max() <= bound * max(abs(w).max(), 1)


# ---- one row, one step ---------------------------------------------------------------------------------------------

STEP_X = np.array([[0.5, -1.0, 0.0, 2.0]])


@pytest.mark.parametrize("layers", LAYERS, ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_one_row_is_one_step_of_the_classifier(layout, loss, layers):
    """Two classes: one unit; three: one each; multilabel: one a label."""
    for classes, y, target in (
        ([0, 1], [1], [1.0]),
        (["a", "b"], ["a"], [0.0]),
        ([0, 1, 2], [1], [0.0, 1.0, 0.0]),
        ([0, 1, 2], [[1, 0, 1]], [1.0, 0.0, 1.0]),
    ):
        model = BackpropClassifier(layers, loss=loss, learning_rate=0.7, random_state=0)
        model.partial_fit(layout(STEP_X), y, classes=classes)
        before = weights_of(model)
        kernel_loss = loss
        if loss == "log_loss":
            kernel_loss = "multinomial_log_loss" if model.out_activation_ == "softmax" else "binary_log_loss"
        expected = oracle_step(model, STEP_X, target, 0.7, kernel_loss)
        model.partial_fit(layout(STEP_X), y)
        assert_close(model, expected)
        assert all(abs(new - old).max() > 1e-6 for new, old in zip(weights_of(model), before, strict=True))
        assert (model.t_, model.n_iter_) == (2, 2)


@pytest.mark.parametrize("layers", LAYERS, ids=str)
@pytest.mark.parametrize("output", ["identity", "logistic", "tanh", "exp", "softplus"])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_one_row_is_one_step_of_the_regressor(layout, output, layers):
    for y in ([0.3], [[0.3, 0.9]]):
        model = BackpropRegressor(layers, output_activation=output, learning_rate=0.02, alpha=0.1, random_state=0)
        model.partial_fit(layout(STEP_X), y)
        expected = oracle_step(model, STEP_X, np.atleast_2d(y), 0.02, alpha=0.1)
        model.partial_fit(layout(STEP_X), y)
        assert_close(model, expected)


def test_the_weight_of_a_row_in_partial_fit():
    """Whole numbers are steps; other weights, and class_weight, multiply the loss, not divided by their mean."""
    X, y, target = STEP_X, [1], [0.0, 1.0, 0.0]
    for kwargs, class_weight, weight, n_steps in (
        ({"sample_weight": [3]}, None, 1.0, 3),
        ({"sample_weight": [0.3]}, None, 0.3, 1),
        ({}, {0: 1, 1: 0.25, 2: 4}, 0.25, 1),
        ({"sample_weight": [0.5]}, {0: 1, 1: 0.25, 2: 4}, 0.125, 1),
        ({"sample_weight": [2]}, {0: 1, 1: 0.25, 2: 4}, 0.25, 2),
    ):
        for sampling in ("uniform", "shuffle"):
            model = BackpropClassifier((5,), sampling=sampling, random_state=0).partial_fit(X, y, classes=[0, 1, 2])
            model.set_params(class_weight=class_weight)
            expected = oracle_step(model, X, target, model.learning_rate, weight=weight, n_steps=n_steps)
            model.partial_fit(X, y, **kwargs)
            assert_close(model, expected)
            assert model.t_ == 1 + n_steps


# ---- the same bits in parts ----------------------------------------------------------------------------------------

CONFIGURATIONS = [
    {},
    {"sampling": "shuffle"},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (5, 4), "activation": ("tanh", "relu")},
    {"alpha": 0.01},
    {"alpha": 0.01, "sampling": "shuffle"},
    {"learning_rate": 0.01},
]


def new(estimator, **kwargs):
    return estimator(**{"hidden_layer_sizes": (6,), "random_state": 3, "n_iter_no_change": np.inf} | kwargs)


def first_call(estimator, y):
    return {"classes": np.unique(y)} if estimator is BackpropClassifier else {}


@pytest.mark.parametrize("n", [1, 5, 40])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fits_are_a_fit(estimator, configuration, layout, n):
    X, y = make_data(estimator, n=max(n, 3))
    X, y = layout(X[:n]), y[:n]
    whole = fit_quietly(new(estimator, max_iter=4, **configuration), X, y)
    parts = new(estimator, **configuration)
    for _ in range(4):
        parts.partial_fit(X, y, **first_call(estimator, y))
    assert same_bits(whole, parts)
    assert whole.n_iter_ == parts.n_iter_ == 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_warm_fits_are_a_fit(estimator, configuration, layout, dtype):
    X, y = make_data(estimator, dtype=dtype)
    X = layout(X)
    whole = fit_quietly(new(estimator, max_iter=5, **configuration), X, y)
    warm = fit_quietly(new(estimator, max_iter=2, warm_start=True, **configuration), X, y)
    assert (warm.n_iter_, warm.t_) == (2, 80)
    fit_quietly(warm.set_params(max_iter=3), X, y)
    assert same_bits(whole, warm)
    assert (warm.n_iter_, warm.t_) == (3, 200)  # epochs of this fit, steps of all
    assert len(warm.loss_curve_) == 5
    assert warm.best_loss_ == min(warm.loss_curve_)


@pytest.mark.parametrize("n_features", [6, 600, 30_000])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_parts_of_a_sparse_fit_with_a_penalty(alpha, n_features):
    """W^1 is kept with a common factor while the kernel is at work; when it is multiplied in must not show, but for its
    rounding where that would cost more than an epoch."""
    rng = np.random.default_rng(0)
    columns = np.sort([rng.choice(n_features, size=3, replace=False) for _ in range(30)])
    X = sp.csr_array((rng.normal(size=90), columns.ravel(), np.arange(0, 91, 3)), shape=(30, n_features))
    y = rng.random(30)
    whole = fit_quietly(new(BackpropRegressor, max_iter=5, alpha=alpha), X, y)
    warm = fit_quietly(new(BackpropRegressor, max_iter=2, warm_start=True, alpha=alpha), X, y)
    fit_quietly(warm.set_params(max_iter=3), X, y)
    parts = new(BackpropRegressor, alpha=alpha)
    for _ in range(5):
        parts.partial_fit(X, y)
    for model in (warm, parts):
        if alpha and n_features == 30_000:
            for own, expected in zip(weights_of(model), weights_of(whole), strict=True):
                np.testing.assert_allclose(own, expected, rtol=1e-12)
        else:
            assert same_bits(whole, model)


def save_by_pickle(model, path):
    return pickle.loads(pickle.dumps(model))


def save_by_joblib(model, path):
    joblib.dump(model, path / "model.joblib")
    return joblib.load(path / "model.joblib")


def save_memory_mapped(model, path):
    """The arrays of a model loaded like this are read-only."""
    joblib.dump(model, path / "model.joblib")
    return joblib.load(path / "model.joblib", mmap_mode="r")


@pytest.mark.parametrize("save", [save_by_pickle, save_by_joblib, save_memory_mapped])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_saved_estimator_resumes(estimator, save, tmp_path):
    X, y = make_data(estimator)
    for model in (
        fit_quietly(new(estimator, max_iter=3, warm_start=True), X, y),
        new(estimator, warm_start=True, max_iter=3).partial_fit(X, y, **first_call(estimator, y)),
    ):
        loaded = save(model, tmp_path)
        assert same_bits(loaded, model)
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert same_bits(fit_quietly(loaded, X, y), fit_quietly(model, X, y))
        assert same_bits(loaded.partial_fit(X, y), model.partial_fit(X, y))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_warm_start_on_other_data(estimator):
    """Other rows, in the other type: training goes on in the type of the first."""
    X, y = make_data(estimator, dtype=np.float32)
    other_X, other_y = make_data(estimator, n=25, seed=1, dtype=np.float64)
    model = fit_quietly(new(estimator, max_iter=2, warm_start=True), X, y)
    fit_quietly(model, other_X, other_y)
    assert model.t_ == 2 * 40 + 2 * 25
    assert all(w.dtype == np.float32 for w in weights_of(model))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_after_fit(estimator):
    X, y = make_data(estimator)
    whole = fit_quietly(new(estimator, max_iter=4), X, y)
    model = fit_quietly(new(estimator, max_iter=3), X, y).partial_fit(X, y)
    assert same_bits(whole, model)
    assert model.n_iter_ == 4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_cold_fit_forgets(estimator):
    """Without warm_start a fit is the same whatever came before."""
    X, y = make_data(estimator)
    fresh = fit_quietly(new(estimator, max_iter=3), X, y)
    model = fit_quietly(new(estimator, max_iter=3), *make_data(estimator, n_features=7, n=13))
    model.partial_fit(*make_data(estimator, n_features=7, n=13))
    fit_quietly(model, X, y)
    assert same_bits(fresh, model)
    assert (model.n_iter_, model.t_, len(model.loss_curve_), model.n_features_in_) == (3, 120, 3, 4)


def test_partial_fit_learns_online():
    """A stream of chunks, the classes given once; some chunks lack classes."""
    X, y = make_data(BackpropClassifier, n=600)
    labels = np.array(["low", "middle", "high"])[y]
    model = BackpropClassifier(random_state=0, learning_rate=0.5)
    for epoch in range(10):
        for k in range(0, 600, 7):
            model.partial_fit(X[k : k + 7], labels[k : k + 7], classes=["low", "middle", "high"] if not epoch else None)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert model.score(X, labels) > 0.9
    assert model.t_ == 6000
