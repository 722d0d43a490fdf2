"""Batches, momentum, Adam, L-BFGS, dropout through the estimators: what holds for plain steps holds for them."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, fitted, make_data, same_bits, trained_by, weights_of
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import has_fit_parameter

from skbackprop import BackpropClassifier, BackpropRegressor, _kernel

STEPS = {
    "batches": dict(batch_size=4),
    "momentum": dict(momentum=0.9),
    "nesterov": dict(momentum=0.9, nesterovs_momentum=True, batch_size=3),
    "adam": dict(solver="adam", learning_rate=0.01),
    "adam batches": dict(solver="adam", learning_rate=0.01, batch_size=16, sampling="shuffle"),
    "dropout": dict(dropout=0.3, hidden_layer_sizes=(8, 5)),
    "dropout batches": dict(dropout=0.3, batch_size=4, momentum=0.5),
    "dropout of the input": dict(dropout=(0.2, 0.3)),
    "invscaling": dict(learning_rate_schedule="invscaling"),
    "cosine": dict(learning_rate_schedule="cosine", solver="adam", learning_rate=0.01, max_iter=5),
}
ALL = STEPS | {"lbfgs": dict(solver="lbfgs", max_iter=15)}
steps_only = pytest.mark.parametrize("settings", STEPS.values(), ids=STEPS)
every_solver = pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def make(estimator, settings, **more):
    settings = dict(hidden_layer_sizes=(6,), max_iter=6, n_iter_no_change=np.inf, random_state=0) | settings
    return estimator(**settings | more)


@every_estimator
@steps_only
def test_partial_fits_are_the_epochs_of_a_fit(settings, estimator):
    X, y = make_data(estimator)
    whole = fit_quietly(make(estimator, settings), X, y)
    parts = make(estimator, settings)
    for _ in range(whole.max_iter):
        parts = pickle.loads(pickle.dumps(parts))
        parts.partial_fit(X, y, *[np.unique(y)] * (estimator is BackpropClassifier))
    assert same_bits(parts, whole)
    assert parts.n_iter_ == whole.n_iter_ == whole.max_iter
    assert whole.t_ == whole.max_iter * -(-len(y) // whole.batch_size)


@every_estimator
@steps_only
def test_a_warm_start_goes_on(settings, estimator):
    X, y = make_data(estimator)
    whole = fit_quietly(make(estimator, settings), X, y)
    parts = make(estimator, settings, warm_start=True)
    if settings.get("learning_rate_schedule") == "cosine":
        pytest.skip("the period is max_iter")
    for part in (2, 4):
        fit_quietly(parts.set_params(max_iter=part), X, y)
        parts = pickle.loads(pickle.dumps(parts))
    assert same_bits(parts, whole)


@every_estimator
@every_solver
def test_repetition_and_order(settings, estimator):
    """Whole-number weights repeat rows, to the bit, and the order of the rows does not matter."""
    X, y = make_data(estimator, dtype=np.float32)
    weight = np.random.default_rng(0).integers(0, 4, size=len(y))
    more = {"class_weight": "balanced"} if estimator is BackpropClassifier else {}
    weighted = fit_quietly(make(estimator, settings, **more), X, y, sample_weight=weight)
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(len(y)), weight))
    assert same_bits(fit_quietly(make(estimator, settings, **more), X[rows], y[rows]), weighted)


@every_estimator
@every_solver
def test_repetition_with_early_stopping(settings, estimator):
    """Equal rows are on the same side of the split."""
    X, y = make_data(estimator)
    weight = np.random.default_rng(0).integers(1, 4, size=len(y))
    settings = settings | dict(early_stopping=True, validation_fraction=0.3)
    weighted = fit_quietly(make(estimator, settings), X, y, sample_weight=weight)
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(len(y)), weight))
    repeated = fit_quietly(make(estimator, settings), X[rows], y[rows])
    assert same_bits(repeated, weighted)
    np.testing.assert_allclose(repeated.validation_scores_, weighted.validation_scores_, rtol=1e-12)


@every_estimator
@every_solver
def test_a_common_factor_of_the_weights_changes_nothing(settings, estimator):
    X, y = make_data(estimator)
    weight = np.random.default_rng(0).random(len(y)) + 0.1
    settings = settings | dict(sampling="shuffle")
    first, second = (fit_quietly(make(estimator, settings), X, y, weight * c) for c in (1, 7.3))
    for own, other in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-9)


@every_solver
def test_class_weight_is_sample_weight(settings):
    X, y = make_data(BackpropClassifier)
    weighted = fit_quietly(make(BackpropClassifier, settings, class_weight={0: 0.5, 1: 2.5, 2: 1}), X, y)
    sample_weight = np.array([0.5, 2.5, 1])[y]
    given = fit_quietly(make(BackpropClassifier, settings), X, y, sample_weight)
    assert same_bits(weighted, given)


@every_estimator
@every_solver
def test_dense_is_sparse(settings, estimator):
    """Rows without zeros, where lazy rules have nothing to leave out."""
    X, y = make_data(estimator)
    dense, sparse = (fit_quietly(make(estimator, settings), A, y) for A in (X, sp.csr_array(X)))
    for own, other in zip(weights_of(dense), weights_of(sparse), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "adam batches"])
def test_lazy_on_sparse_samples(name):
    """Weights of inputs that are 0 in every sample do not move, with a penalty either."""
    X, y = make_data(BackpropRegressor, n_features=6)
    X[:, 3] = 0
    model = make(BackpropRegressor, STEPS[name], alpha=0.1)
    start = fit_quietly(make(BackpropRegressor, {}, learning_rate=1e-300), X, y).coefs_[0]
    fit_quietly(model, sp.csr_array(X), y)
    np.testing.assert_array_equal(model.coefs_[0][3], start[3])
    assert (model.coefs_[0][:3] != start[:3]).all()


# ---- beside scikit-learn, whose steps are the same where all samples are in one batch ------------------------------


@pytest.mark.parametrize("alpha", [0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, dict(solver="sgd", momentum=0)),
        (dict(momentum=0.8), dict(solver="sgd", momentum=0.8, nesterovs_momentum=False)),
        (dict(momentum=0.8, nesterovs_momentum=True), dict(solver="sgd", momentum=0.8)),
        (dict(solver="adam"), dict(solver="adam")),
    ],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
@every_estimator
def test_the_steps_of_scikit_learn(estimator, ours, theirs, weighted, alpha):
    """Their penalty is divided by the samples of a batch; their squared error has a half."""
    if weighted and not has_fit_parameter(MLPClassifier, "sample_weight"):
        pytest.skip("scikit-learn < 1.7")
    X, y = make_data(estimator)
    n, classifier = len(y), estimator is BackpropClassifier
    half = 1 if classifier or ours.get("solver") == "adam" else 2
    penalty = 1 if classifier else 2  # of a loss that is twice theirs
    sample_weight = np.linspace(0.5, 1.5, n) if weighted else None
    peer = (MLPClassifier if classifier else MLPRegressor)(
        hidden_layer_sizes=(5, 4),
        activation="tanh",
        batch_size=n,
        alpha=alpha,
        learning_rate_init=0.1,
        max_iter=1,
        random_state=0,
        **theirs,
    )
    start = peer.partial_fit(X, y, **{"classes": np.unique(y)} if classifier else {})
    model = estimator(
        (5, 4),
        "tanh",
        loss="log_loss" if classifier else "squared_error",
        batch_size=n,
        sampling="shuffle",
        learning_rate=0.1 / half,
        alpha=penalty * alpha / n,
        max_iter=30,
        n_iter_no_change=np.inf,
        epsilon=1e-8 * penalty,  # Adam divides by the gradient's size
        **ours,
    )
    coefs, intercepts = [W.copy() for W in start.coefs_], [b.copy() for b in start.intercepts_]
    # a new optimiser on given weights, which MLP has no parameter for
    peer = peer.set_params(max_iter=30, n_iter_no_change=1000, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(X, y, *[sample_weight] * weighted)
    fit_quietly(model, X, y, sample_weight, coefs_init=coefs, intercepts_init=intercepts)
    for own, other in zip(model.coefs_ + model.intercepts_, peer.coefs_ + peer.intercepts_, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-8, atol=1e-10)


# ---- dropout --------------------------------------------------------------------------------------------------------


def test_dropout_leaves_units_out_in_training_alone():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    plain, thinned = (
        fit_quietly(BackpropClassifier((50,), dropout=p, max_iter=8, random_state=0), X, y) for p in (0, 0.5)
    )
    assert thinned.loss_ > plain.loss_
    assert thinned.score(X, y) > 0.9
    np.testing.assert_array_equal(thinned.predict_proba(X), thinned.predict_proba(X))


def test_without_hidden_layers_there_is_nothing_to_drop():
    X, y = make_data(BackpropClassifier)
    models = [fit_quietly(BackpropClassifier((), dropout=p, max_iter=3, random_state=0), X, y) for p in (0, 0.5)]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])


def test_without_hidden_layers_a_sequence_drops_inputs():
    X, y = make_data(BackpropClassifier)
    models = [fit_quietly(BackpropClassifier((), dropout=p, max_iter=3, random_state=0), X, y) for p in (0, [0.5])]
    assert (models[0].coefs_[0] != models[1].coefs_[0]).all()


@every_estimator
def test_a_number_is_a_sequence_with_0_for_the_input(estimator):
    X, y = make_data(estimator)
    one, *others = (
        fitted(estimator, X, y, (6, 5), dropout=p) for p in (0.3, (0, 0.3, 0.3), np.array([0, 0.3, 0.3]), np.array(0.3))
    )
    assert all(same_bits(one, other) for other in others)
    plain, zero = (fitted(estimator, X, y, (6, 5), dropout=p) for p in (0, (0, 0, 0)))
    assert same_bits(plain, zero)


@pytest.mark.parametrize("settings", [{}, dict(batch_size=4), dict(sampling="shuffle")], ids=str)
@every_estimator
def test_dense_and_sparse_samples_lose_the_same_inputs(estimator, settings):
    X, y = make_data(estimator)
    X[X < 0] = 0
    dense, sparse = (fitted(estimator, form, y, dropout=(0.4, 0.2), **settings) for form in (X, sp.csr_array(X)))
    for own, other in zip(weights_of(dense), weights_of(sparse), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-12)


@every_estimator
def test_how_an_epoch_is_cut_into_calls_makes_no_difference_to_dropout(estimator):
    X, y = make_data(estimator)
    model = estimator((6,), dropout=(0.4, 0.2), max_iter=3, random_state=0)
    whole, parts = (fit_quietly(trained_by(_kernel.steps, model, chunk), X, y) for chunk in (None, 7))
    for own, other in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(own, other)


# ---- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_estimator
@every_solver
def test_never_nan(settings, estimator, dtype):
    """Features of 1e30 and a step size of 1e10: a warning, and finite weights no worse than the start weights."""
    X, y = make_data(estimator, dtype=dtype)
    model = make(estimator, settings, activation="relu").set_params(learning_rate=1e10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X * dtype(1e30), y)
    assert all(np.isfinite(w).all() for w in weights_of(model))
    assert np.isfinite(model.predict(X)).all() if estimator is BackpropRegressor else model.predict(X) is not None
    assert len(model.loss_curve_) <= 6 or settings.get("solver") == "lbfgs"


def test_one_batch_that_diverges():
    """An epoch of one step: its loss is that of the start weights, but the step's weights are looked at as well."""
    X, y = make_data(BackpropRegressor)
    start = fit_quietly(BackpropRegressor(learning_rate=1e-300, max_iter=1, random_state=0), X, y)
    model = BackpropRegressor(batch_size=100, learning_rate=1e6, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 1"):
        model.fit(X, y)
    for own, other in zip(weights_of(model), weights_of(start), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-200)


def test_predictions_of_exponential_outputs_stay_finite():
    X, y = make_data(BackpropRegressor)
    model = fit_quietly(BackpropRegressor(loss="poisson", max_iter=5, random_state=0), X, y)
    for dtype in (np.float64, np.float32):
        fit_quietly(model, X.astype(dtype), y)
        model.intercepts_[-1][:] = 1e4
        assert np.isfinite(model.predict(X)).all()


@every_estimator
@every_solver
def test_batches_of_weight_zero(settings, estimator):
    """Samples of weight 0 are as if absent: no batch consists of them."""
    X, y = make_data(estimator)
    weight = np.ones(len(y))
    weight[::2] = 0
    model = fit_quietly(make(estimator, settings), X, y, weight)
    assert same_bits(model, fit_quietly(make(estimator, settings), X[1::2], y[1::2]))


def test_partial_fit_draws_anew():
    """Two calls on the same chunk do not take the samples in the same order."""
    X, y = make_data(BackpropRegressor)
    orders = []

    def steps(network, samples, rows, tau, *how):
        orders.extend([rows.tolist()] * (tau > 0))
        return _kernel.steps(network, samples, rows, tau, *how)

    model = trained_by(steps, BackpropRegressor(sampling="shuffle", random_state=0)).partial_fit(X, y).partial_fit(X, y)
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(len(y)))
    assert orders[0] != orders[1]
    assert model.n_iter_ == 2


def test_the_state_does_not_grow():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor((5,), momentum=0.9, random_state=0)
    sizes = []
    for _ in range(30):
        model.partial_fit(X, y)
        sizes.append(len(pickle.dumps(model)) - len(pickle.dumps(model.loss_curve_)))
    assert max(sizes[1:]) - min(sizes[1:]) < 100


@every_estimator
def test_a_change_of_solver_starts_its_moments_anew(estimator):
    X, y = make_data(estimator)
    model = fit_quietly(make(estimator, STEPS["momentum"], warm_start=True), X, y)
    fit_quietly(model.set_params(solver="adam", learning_rate=0.001), X, y)
    fit_quietly(model.set_params(solver="lbfgs"), X, y)
    fit_quietly(model.set_params(solver="sgd"), X, y)
    assert len(model.loss_curve_) >= 3 * model.max_iter
    assert all(np.isfinite(w).all() for w in weights_of(model))
