"""Training that diverges: a warning that names the cause, the weights of the best epoch, and never a NaN."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from faults import HUGE, assert_one_fit, assert_sound, every_estimator, every_solver, late, new, wide_csr
from helpers import fit_quietly, make_data, scripted, weights_of
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS

UNBOUNDED = [name for name in HIDDEN_ACTIVATIONS if name not in ("logistic", "tanh")]


def start_weights(model, X, y):
    """The weights that training starts from, up to 1e-300."""
    return weights_of(fit_quietly(clone(model).set_params(max_iter=1, learning_rate=1e-300), X, y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
@pytest.mark.parametrize("layers", [(), (8,), (8, 5)], ids=str)
def test_a_huge_step_diverges(layers, activation, dtype):
    X, y = make_data(BackpropRegressor, dtype=dtype)
    model = BackpropRegressor(layers, activation, learning_rate=1e6, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged") as record:
        model.fit(X, y)
    assert len(record) == 1
    assert_sound(model, X)
    assert model.n_iter_ == len(model.loss_curve_) == 1  # training stops in that epoch
    for own, start in zip(weights_of(model), start_weights(model, X, y), strict=True):
        np.testing.assert_allclose(own, start, rtol=0, atol=1e-290)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", UNBOUNDED)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_unscaled_features_diverge(layout, activation, dtype):
    X, y = make_data(BackpropRegressor, dtype=dtype)
    X = layout(X * dtype(1e6))
    model = BackpropRegressor(activation=activation, learning_rate=0.01, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert_sound(model, X)
    assert model.n_iter_ < model.max_iter


def test_the_warning_names_cause_and_remedy():
    X, y = make_data(BackpropRegressor)
    X *= 4.5e6 / abs(X).max()
    with pytest.warns(ConvergenceWarning, match="diverged") as record:
        BackpropRegressor(activation="relu", learning_rate=0.0123, random_state=0).fit(X, y)
    message = str(record[0].message)
    for part in ("0.0123", "4.5e+06", "StandardScaler", "learning_rate", "smaller"):
        assert part in message


def test_the_warning_names_the_step_size_of_a_callable():
    X, y = make_data(BackpropRegressor)
    with pytest.warns(ConvergenceWarning, match="diverged.*76543"):
        BackpropRegressor(learning_rate=lambda epoch: 76543.0, random_state=0).fit(X, y)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("layout", ["dense", "csr", "wide"])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_epoch_comes_back(seed, layout, alpha):
    """Divergence in the seventh epoch leaves the weights of the best epoch, as if training had ended there."""
    X, y = wide_csr() if layout == "wide" else make_data(BackpropRegressor)
    if layout == "csr":
        X = sp.csr_array(X)
    model = BackpropRegressor((5,), "relu", learning_rate=late, alpha=alpha, random_state=seed)
    until = clone(model)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert model.n_iter_ == 7
    assert_sound(model, X)
    best = int(np.argmin(model.loss_curve_)) + 1
    assert 1 < best <= 6
    assert model.best_loss_ == model.loss_curve_[best - 1]
    fit_quietly(until.set_params(max_iter=best), X, y)
    for own, expected in zip(weights_of(model), weights_of(until), strict=True):
        if alpha:  # W^1's factor is folded into it at other times
            np.testing.assert_allclose(own, expected, rtol=1e-12)
        else:
            np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("layout", ["dense", "wide"])
@pytest.mark.parametrize(
    ("start", "losses", "best"),
    [
        (1.0, [0.9, 0.5, 0.7, 101.0], 2),
        (1.0, [0.9, 0.5, 0.7, np.nan], 2),
        (1.0, [0.9, 0.5, 0.7, -np.inf], 2),
        (1.0, [1.2, 1.1, 1.3, 101.0], 0),  # the start weights count
        (1.0, [0.9, 0.95, 0.7, 101.0], 3),
        (1.0, [101.0], 0),
        (1.0, [np.nan], 0),
        (1e-3, [0.05, 3.0, 30.0], 0),  # the variance of y is 0.05
    ],
)
def test_which_epoch_is_the_best(start, losses, best, layout):
    X, y = wide_csr() if layout == "wide" else make_data(BackpropRegressor)
    model = BackpropRegressor((3,), max_iter=10, random_state=0)
    if best:
        expected = weights_of(fit_quietly(BackpropRegressor((3,), max_iter=best, random_state=0), X, y))
    else:
        expected = start_weights(model, X, y)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model = scripted(start, losses, model, X.shape[0]).fit(X, y)
    assert model.n_iter_ == len(losses)
    assert np.isfinite(model.loss_curve_).all()
    for own, weights in zip(weights_of(model), expected, strict=True):
        np.testing.assert_allclose(own, weights, rtol=0, atol=1e-290)


def test_a_hundred_times_the_loss_of_the_start_is_allowed():
    X, y = make_data(BackpropRegressor)
    model = scripted(1.0, [99.0, 50.0, 30.0], BackpropRegressor(max_iter=3), X.shape[0])
    assert fit_quietly(model, X, y).n_iter_ == 3


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_the_luck_of_the_draws_is_no_divergence(rows):
    """Of two rows, the first epoch may draw only the one that the start weights predict well."""
    X, y = np.zeros((rows, 1)), np.arange(rows) / rows
    for seed in range(100):
        fit_quietly(BackpropRegressor((3,), learning_rate=0.003, max_iter=5, random_state=seed), X, y)


def test_a_rare_event_is_no_divergence():
    """One large target in 400: epochs that draw it have a loss of 1000 and more, those that do not of nearly 0."""
    X, y = make_data(BackpropRegressor, n=400)
    y *= 0.01
    y[0] = 1000
    for seed in range(15):
        fit_quietly(BackpropRegressor((3,), learning_rate=0.003, max_iter=5, random_state=seed), X, y)


def test_the_last_step_of_all_overflows():
    """Its loss is finite, the weights after it are not; there is no further loss to tell."""
    X, y = np.ones((1, 1)), np.array([1e150])
    model = BackpropRegressor((), learning_rate=1e200, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert_sound(model, X)


# scikit-learn's own check for NaN and infinity sums X
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")
def test_even_the_start_weights_overflow():
    X, y = make_data(BackpropRegressor, dtype=np.float32)
    X *= np.float32(3e38) / abs(X).max()
    model = BackpropRegressor(activation="identity", random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert_sound(model, make_data(BackpropRegressor, dtype=np.float32)[0])


@pytest.mark.parametrize("tau", [1e3, 1e30])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_a_classifier_survives_anything(tau, loss):
    """Logistic outputs bound the squared error: it is not larger than the number of outputs, however wrong they are."""
    X, y = make_data(BackpropClassifier)
    model = BackpropClassifier(activation="relu", loss=loss, learning_rate=tau, max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(1e6 * X, y)
    assert_sound(model, 1e6 * X)
    assert np.isfinite(model.predict_proba(X)).all()


def test_divergence_in_partial_fit():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(random_state=0).partial_fit(X, y)
    before = weights_of(model)
    model.set_params(learning_rate=HUGE)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.partial_fit(X, y)
    assert_sound(model, X)
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 2)
    for own, expected in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(own, expected)
    model.set_params(learning_rate=0.01).partial_fit(X, y)  # and it goes on
    assert model.n_iter_ == 3


def test_a_penalty_too_strong_diverges():
    """tau alpha > 2: the weights change their sign and grow at every step."""
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(alpha=30.0, learning_rate=0.1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert_sound(model, X)


def outlier(X, y):
    X[7] *= 1e8
    return X, y


def unscaled(X, y):
    return X * X.dtype.type(1e6), y


def beyond_float32(X, y):
    """The squares of the features, and of the outputs, are beyond the largest float32."""
    return X.astype(np.float32) * np.float32(1e25), y


def unchanged(X, y):
    return X, y


#: name -> what is done to the data, parameters, what the warning has to name
FAULTS = {
    "tau": (unchanged, {"learning_rate": 1e6}, r"learning_rate=1e\+06 is too large"),
    "unscaled features": (unscaled, {}, r"features of size up to 2\.4e\+06.*StandardScaler"),
    "outlier": (outlier, {}, r"features of size up to 1\.01e\+08.*StandardScaler"),
    "float32": (beyond_float32, {}, r"features of size up to 2\.4e\+25.*StandardScaler"),
    "alpha": (unchanged, {"alpha": 1e6}, r"alpha=1e\+06.*smaller alpha"),
}


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("fault", FAULTS)
@every_solver
@every_estimator
def test_nothing_that_diverges_leaves_a_nan(estimator, solver, fault, layout):
    """Finite weights, losses and predictions, and a warning that names the cause where training diverged.

    Adam's steps and L-BFGS's line search bound what a fault can do, and so do logistic outputs under the squared error.
    """
    change, settings, cause = FAULTS[fault]
    X, y = change(*make_data(estimator))
    X = layout(X)
    for loss in ("squared_error", "log_loss") if estimator is BackpropClassifier else ("squared_error",):
        model = new(estimator, solver, activation="relu", loss=loss, **settings)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        assert_one_fit(model, X)
        assert all(w.category is ConvergenceWarning for w in caught)
        diverged = [str(w.message) for w in caught if "diverged" in str(w.message)]
        assert len(caught) <= 1
        assert all(re.search(cause, message) for message in diverged)
        if solver not in ("adam", "lbfgs") and (
            estimator is BackpropRegressor or fault == "alpha" or (loss == "log_loss" and fault != "outlier")
        ):
            assert diverged


# ---- what a divergence is measured by ------------------------------------------------------------------------------


def perfect_model(**settings):
    """A linear network with the weights that y was made of, given as start weights."""
    X, _ = make_data(BackpropRegressor)
    W1, W2, b1, b2 = np.zeros((4, 3)), np.zeros((3, 1)), np.zeros(3), np.zeros(1)
    W1[:, 0], W2[0, 0] = [1, -2, 0.5, 1], 1
    model = BackpropRegressor((3,), "identity", max_iter=5, random_state=0, **settings)
    return model, X, X @ W1[:, 0], dict(coefs_init=[W1, W2], intercepts_init=[b1, b2])


RISES = {
    "alpha": dict(alpha=0.01),
    "adam": dict(solver="adam", learning_rate=0.01, alpha=0.001),
    "dropout": dict(dropout=0.5),
}


@pytest.mark.parametrize("rise", RISES)
def test_a_perfect_model_may_lose_a_little(rise):
    """From a loss of nearly 0, a small loss is hundreds of times as much; it is small beside that of a constant."""
    model, X, y, start = perfect_model(**RISES[rise])
    fit_quietly(model, X, y, **start)  # any warning but that of max_iter is an error
    assert model.n_iter_ == 5
    assert model.loss_ > 1e-12
    fit_quietly(model.set_params(warm_start=True), X, y)
    assert model.n_iter_ == 5
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.set_params(learning_rate=HUGE, solver="sgd", dropout=0.0).fit(X, y)


@pytest.mark.parametrize("rise", RISES)
def test_a_perfect_model_of_one_value(rise):
    """Nothing but the start loss is there to measure by, and it is 0: no finite loss is called a divergence."""
    model, X, _, _ = perfect_model(**RISES[rise])
    start = dict(coefs_init=[np.zeros((4, 3)), np.ones((3, 1))], intercepts_init=[np.zeros(3), np.full(1, 0.5)])
    fit_quietly(model, X, np.full(len(X), 0.5), **start)
    assert model.n_iter_ == 5


def test_a_stream_of_single_rows_that_are_learned():
    """The best constant for a single row has no loss, so the largest loss met before counts."""
    model, X, y, _ = perfect_model(solver="adam", learning_rate=0.01)
    for k in range(400):
        model.partial_fit(X[k % 40 : k % 40 + 1], y[k % 40 : k % 40 + 1])
    assert model.n_iter_ == 400
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.set_params(solver="sgd", learning_rate=HUGE).partial_fit(X, y)
