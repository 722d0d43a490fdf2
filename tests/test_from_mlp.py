"""`from_mlp`: a fitted MLP is taken over, with its predictions and its training."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import fit_quietly, make_data, multilabel_data, snapshot, weights_of
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

X, CLASSES = make_data(BackpropClassifier)
VALUE = make_data(BackpropRegressor)[1]
#: What y may be, and who learns it.
TASKS = {
    "two classes": (BackpropClassifier, CLASSES > 0),
    "three classes, named": (BackpropClassifier, np.array(["small", "medium", "large"])[CLASSES]),
    "multilabel": (BackpropClassifier, multilabel_data()[1]),
    "regression": (BackpropRegressor, VALUE),
    "several outputs": (BackpropRegressor, np.column_stack([VALUE, -VALUE, VALUE**2])),
}
every_task = pytest.mark.parametrize("task", TASKS)
SOLVERS = {
    "adam": dict(solver="adam"),
    "plain steps": dict(solver="sgd", momentum=0),
    "momentum": dict(solver="sgd", nesterovs_momentum=False),
    "nesterov": dict(solver="sgd"),
}


def trained(task, X=X, **parameters):
    """An MLP that has learned the task for a while, and the estimator that can take it over."""
    ours, y = TASKS[task]
    theirs = MLPClassifier if ours is BackpropClassifier else MLPRegressor
    settings = dict(hidden_layer_sizes=(6, 5), max_iter=8, random_state=0, learning_rate_init=0.01) | parameters
    return quietly(theirs(**settings).fit, X, y), ours


def quietly(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return function(*args)


def assert_same_predictions(model, mlp, X, rtol=1e-12):
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(mlp, method):
            theirs, own = getattr(mlp, method)(X), getattr(model, method)(X)
            if theirs.dtype.kind == "f":
                np.testing.assert_allclose(own, theirs, rtol=rtol, atol=rtol)
                assert own.shape == theirs.shape
            else:
                np.testing.assert_array_equal(own, theirs)
    assert model.score(X, mlp.predict(X)) == mlp.score(X, mlp.predict(X))


# ---- the same predictions --------------------------------------------------------------------------------------------


@every_task
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5)], ids=str)
def test_it_predicts_the_same(task, activation, hidden):
    mlp, ours = trained(task, activation=activation, hidden_layer_sizes=hidden)
    model = ours.from_mlp(mlp)
    assert_same_predictions(model, mlp, X)
    assert_same_predictions(model, mlp, sp.csr_matrix(X))
    for own, theirs in zip(model.coefs_ + model.intercepts_, mlp.coefs_ + mlp.intercepts_, strict=True):
        np.testing.assert_array_equal(own, theirs)
        assert not np.shares_memory(own, theirs)
    assert (model.n_layers_, model.n_outputs_, model.out_activation_, model.n_features_in_) == (
        mlp.n_layers_,
        mlp.n_outputs_,
        mlp.out_activation_,
        mlp.n_features_in_,
    )


@every_task
def test_float32_stays_float32(task):
    mlp, ours = trained(task, X.astype(np.float32))
    model = ours.from_mlp(mlp)
    assert {w.dtype for w in weights_of(model)} == {np.dtype(np.float32)}
    assert_same_predictions(model, mlp, X.astype(np.float32), rtol=1e-5)
    model.partial_fit(X.astype(np.float32), TASKS[task][1])
    assert model.coefs_[0].dtype == np.float32


def test_a_single_class():
    mlp = quietly(MLPClassifier((3,), max_iter=2, random_state=0).fit, X, np.full(len(X), "all"))
    np.testing.assert_array_equal(BackpropClassifier.from_mlp(mlp).predict(X), mlp.predict(X))


def test_counts():
    try:
        mlp = quietly(MLPRegressor(loss="poisson", max_iter=5, random_state=0).fit, X, np.abs(X[:, 0]))
    except TypeError:
        pytest.skip("scikit-learn < 1.7")
    model = BackpropRegressor.from_mlp(mlp)
    assert (model.loss, model.out_activation_) == ("poisson", "exp")
    assert_same_predictions(model, mlp, X)


def test_names_of_features_come_along():
    frame, y = load_iris(return_X_y=True, as_frame=True)
    mlp = quietly(MLPClassifier((5,), max_iter=5, random_state=0).fit, frame, y)
    model = BackpropClassifier.from_mlp(mlp)
    assert model.feature_names_in_.tolist() == frame.columns.tolist()
    assert_same_predictions(model, mlp, frame)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pd.DataFrame(frame.to_numpy(), columns=list("abcd")))


# ---- the same training -----------------------------------------------------------------------------------------------


@every_task
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [0, 0.5])
def test_training_goes_on_as_theirs_would(task, solver, alpha):
    """With all samples in one batch their order does not matter: the very same steps, moments and all."""
    mlp, ours = trained(task, alpha=alpha, **SOLVERS[solver])
    model, y = ours.from_mlp(mlp), TASKS[task][1]
    start = weights_of(model)
    for _ in range(20):
        model.partial_fit(X, y)
        mlp.partial_fit(X, y)
    for own, theirs, first in zip(weights_of(model), mlp.coefs_ + mlp.intercepts_, start, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-8, atol=1e-10)
        assert not np.allclose(own, first, rtol=1e-4)
    assert (model.t_, model.n_iter_, len(model.loss_curve_)) == (20, 20, 20)
    assert model.loss_ == model.loss_curve_[-1] and model.best_loss_ == min(model.loss_curve_)


def test_a_step_size_that_they_have_lowered():
    mlp, ours = trained("regression", solver="sgd", learning_rate="adaptive", tol=10, n_iter_no_change=2, max_iter=10)
    lowered = round(np.log(mlp.learning_rate_init / mlp._optimizer.learning_rate) / np.log(5))
    assert lowered >= 2
    model = ours.from_mlp(mlp).partial_fit(X, VALUE)
    mlp.partial_fit(X, VALUE)
    for own, theirs in zip(weights_of(model), mlp.coefs_ + mlp.intercepts_, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-10)


def test_batches_are_as_large_as_theirs():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(450, 3)), rng.normal(size=450)
    for batch_size, expected in (("auto", 200), (32, 32), (450, 450)):
        mlp = quietly(MLPRegressor(batch_size=batch_size, alpha=0.3, max_iter=3).fit, X, y)
        model = BackpropRegressor.from_mlp(mlp)
        assert (model.batch_size, model.alpha) == (expected, 2 * 0.3 / expected)
    mlp = quietly(MLPRegressor(early_stopping=True, max_iter=3, validation_fraction=0.8).fit, X, y)
    assert BackpropRegressor.from_mlp(mlp).batch_size == 90


def test_a_solver_with_other_moments_begins_with_none():
    mlp, ours = trained("regression", solver="sgd")
    model = ours.from_mlp(mlp, solver="adam")
    assert not model._moments.any() and model._rule_t == 0
    mlp, ours = trained("regression")
    assert not ours.from_mlp(mlp, solver="sgd", momentum=0.5)._moments.any()


def test_lbfgs_makes_steps_once_told_how():
    mlp, ours = trained("regression", solver="lbfgs", alpha=0.1)
    model = ours.from_mlp(mlp, alpha=2 * 0.1 / len(X))
    assert_same_predictions(model, mlp, X)
    assert not hasattr(model, "partial_fit")
    model.set_params(solver="sgd", learning_rate=0.001).partial_fit(X, VALUE)
    assert model.t_ == len(X)


def test_a_warm_fit_goes_on_and_a_cold_one_does_not():
    mlp, ours = trained("regression", max_iter=100, early_stopping=False)
    warm = fit_quietly(ours.from_mlp(mlp, warm_start=True, max_iter=1), X, VALUE)
    np.testing.assert_allclose(warm.coefs_[0], mlp.coefs_[0], atol=0.1)
    cold = fit_quietly(ours.from_mlp(mlp, max_iter=1), X, VALUE)
    assert not np.allclose(cold.coefs_[0], mlp.coefs_[0], atol=0.1)


# ---- an estimator like any other -------------------------------------------------------------------------------------


@every_task
def test_it_is_saved_and_cloned_like_any_other(task):
    mlp, ours = trained(task)
    model, y = ours.from_mlp(mlp), TASKS[task][1]
    loaded = pickle.loads(pickle.dumps(model))
    assert_same_predictions(loaded, mlp, X)
    for own, other in zip(weights_of(model.partial_fit(X, y)), weights_of(loaded.partial_fit(X, y)), strict=True):
        np.testing.assert_array_equal(own, other)
    copy = clone(model)
    assert not hasattr(copy, "coefs_") and repr(copy) == repr(model)
    # it has all that a fitted estimator has, and nothing else
    assert vars(model).keys() == vars(fit_quietly(copy.set_params(max_iter=1), X, y)).keys()


@every_task
def test_the_mlp_stays_as_it_is(task):
    mlp, ours = trained(task, random_state=np.random.RandomState(0))
    before = snapshot(mlp)
    ours.from_mlp(mlp).partial_fit(X, TASKS[task][1])
    assert snapshot(mlp) == before


def test_without_an_epoch_there_is_no_loss():
    mlp, ours = trained("regression")
    model = ours.from_mlp(mlp)
    assert (model.loss_, model.best_loss_, model.loss_curve_, model.t_, model.n_iter_) == (None, None, [], 0, 0)
    assert model.stopped_ is model.validation_scores_ is None


def test_parameters_may_be_given():
    mlp, ours = trained("regression")
    model = ours.from_mlp(mlp, learning_rate=0.5, dropout=0.25, max_iter=3)
    assert (model.learning_rate, model.learning_rate_, model.dropout, model.max_iter) == (0.5, 0.5, 0.25, 3)
    assert ours.from_mlp(mlp, learning_rate="auto").learning_rate_ is None
    mlp, ours = trained("two classes")
    assert_same_predictions(ours.from_mlp(mlp, loss="squared_error", class_weight="balanced"), mlp, X)


# ---- what has no equivalent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "theirs", "given", "message"),
    [
        ("two classes", dict(solver="lbfgs"), dict(alpha=1e-6), r"give alpha=0.0001 / n_samples"),
        ("regression", dict(solver="lbfgs"), dict(alpha=1e-6), r"give alpha=2 \* 0.0001 / n_samples"),
        ("regression", dict(shuffle=False), dict(sampling="uniform"), "shuffle=False"),
        (
            "regression",
            dict(solver="sgd", learning_rate="invscaling"),
            dict(learning_rate_schedule="invscaling"),
            "counts samples",
        ),
    ],
)
def test_parameters_without_an_equivalent_must_be_given(task, theirs, given, message):
    mlp, ours = trained(task, **theirs)
    with pytest.raises(ValueError, match=message):
        ours.from_mlp(mlp)
    assert_same_predictions(ours.from_mlp(mlp, **given), mlp, X)


def test_all_parameters_without_an_equivalent_are_named():
    mlp, ours = trained("regression", solver="sgd", learning_rate="invscaling", shuffle=False)
    with pytest.raises(ValueError, match=r"give learning_rate_schedule; shuffle=False .* give sampling"):
        ours.from_mlp(mlp)


def test_parameters_that_are_not_in_use_need_no_equivalent():
    for theirs in (
        dict(solver="lbfgs", alpha=0, shuffle=False, learning_rate="invscaling"),
        dict(solver="adam", learning_rate="invscaling"),
    ):
        mlp, ours = trained("regression", **theirs)
        assert_same_predictions(ours.from_mlp(mlp), mlp, X)


def test_only_fitted_mlps_of_the_same_kind_are_taken_over():
    mlp, _ = trained("regression")
    with pytest.raises(TypeError, match="must be a fitted MLPClassifier; got MLPRegressor"):
        BackpropClassifier.from_mlp(mlp)
    with pytest.raises(TypeError, match="must be a fitted MLPRegressor; got Pipeline"):
        BackpropRegressor.from_mlp(make_pipeline(mlp))
    with pytest.raises(NotFittedError):
        BackpropRegressor.from_mlp(MLPRegressor())
    assert not hasattr(BackpropAutoencoder, "from_mlp")


@pytest.mark.parametrize(
    "given",
    [dict(hidden_layer_sizes=(5, 6)), dict(hidden_layer_sizes=5), dict(activation="tanh"), dict(loss="squared_error")],
    ids=str,
)
def test_the_network_cannot_be_changed_on_the_way(given):
    mlp, ours = trained("three classes, named")
    with pytest.raises(ValueError, match=r"must not change the network of mlp, layers of \[4, 6, 5, 3\] units"):
        ours.from_mlp(mlp, **given)


def test_bad_parameters():
    mlp, ours = trained("regression")
    with pytest.raises(TypeError, match="learning_rate_init"):
        ours.from_mlp(mlp, learning_rate_init=0.1)
    with pytest.raises(InvalidParameterError, match="learning_rate"):
        ours.from_mlp(mlp, learning_rate=-1)
