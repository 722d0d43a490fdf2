"""Faults of all kinds: what is learned is kept, or the estimator stays as it was; never a mixture, never a NaN.

What a bad argument does is in test_bad_input.py, an interrupt at each line of the code in test_training.py.
"""

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from helpers import ESTIMATORS, Observer, fit_quietly, make_data, same_bits, snapshot, weights_of
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor, Checkpoint, _base, _callbacks
from skbackprop._training import loop

ROOT = Path(__file__).parents[1]
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
    """Fitted, on two features and two classes: a mixture of this fit and one on the usual data would show."""
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


# ---- interrupts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 2, 5, 8])
@every_solver
@every_estimator
def test_interrupt_in_a_callback(estimator, solver, epochs):
    """What is learned until then is kept: it is the fit of so many epochs."""
    pytest.importorskip("sklearn.callback")
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator, solver))
    model.set_callbacks(Failing(KeyboardInterrupt, epochs).callback())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_one_fit(model, X)
    assert model.n_iter_ == epochs
    if solver != "early_stopping":  # it keeps the best weights
        assert same_bits(model, fit_quietly(new(estimator, solver, max_iter=epochs), X, y))


@pytest.mark.parametrize("call", [1, 2, 6])
@every_estimator
def test_interrupt_in_a_scorer(estimator, call):
    X, y = make_data(estimator)
    model = new(estimator, "early_stopping", scoring=Failing(KeyboardInterrupt, call).scorer)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_one_fit(model, X)
    assert (model.n_iter_, len(model.validation_scores_)) == (call, call - 1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer")
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs", "early_stopping"])
@every_estimator
def test_interrupts_at_any_time(estimator, solver):
    """A signal, at random times from before the first epoch on to after the last: old or new, and it can go on."""
    X, y = make_data(estimator, n=2000)
    model = fitted_on_other_data(estimator, new(estimator, solver))
    begin = time.perf_counter()
    fit_quietly(new(estimator, solver), X, y)
    whole = time.perf_counter() - begin
    rng = np.random.default_rng(0)
    outcomes, settings = [], sklearn.get_config()
    before_handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(40):
            model = fitted_on_other_data(estimator, new(estimator, solver))
            before = snapshot(model)
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0001, whole))
                    fit_quietly(model, X, y)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            assert sklearn.get_config() == settings
            if snapshot(model) == before:
                outcomes.append("old")
                continue
            outcomes.append("new")
            assert_one_fit(model, X)
            epochs = model.n_iter_
            fit_quietly(model.set_params(warm_start=True, max_iter=2), X, y)
            assert len(model.loss_curve_) == epochs + model.n_iter_
    finally:
        signal.signal(signal.SIGALRM, before_handler)
    assert "new" in outcomes


def test_fit_changes_no_setting_of_scikit_learn():
    """Not even while it runs: an interrupt could leave it changed."""
    seen = []

    def learning_rate(epoch):
        seen.append(sklearn.get_config())
        return 0.01

    fit_quietly(BackpropRegressor(max_iter=2, learning_rate=learning_rate), *make_data(BackpropRegressor))
    assert seen == [sklearn.get_config()] * 2


CTRL_C = """
import time
import numpy as np
from skbackprop import BackpropRegressor
rng = np.random.default_rng(0)
X = rng.normal(size=(200_000, 50))
model = BackpropRegressor((50,), max_iter=10**6, n_iter_no_change=np.inf, random_state=0)
print("start", flush=True)
try:
    model.fit(X, X[:, 0])
except KeyboardInterrupt:
    print(model.t_ > 0, len(model.loss_curve_) == model.n_iter_, bool(np.isfinite(model.predict(X[:9])).all()))
    raise
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGINT")
def test_ctrl_c():
    """In a process of its own, in the middle of an epoch that takes long."""
    process = subprocess.Popen([sys.executable, "-c", CTRL_C], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"start\n"
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out.split() == [b"True"] * 3, err
    assert b"KeyboardInterrupt" in err
    assert process.returncode == -signal.SIGINT


# ---- errors in what the user gave ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [RuntimeError("mine"), MemoryError("mine"), SystemExit("mine"), StopIteration("mine")]
)
@pytest.mark.parametrize("where", ["scorer", "learning_rate", "callback"])
@pytest.mark.parametrize("fitted", [False, True])
@every_estimator
def test_errors_in_functions_of_the_user(estimator, fitted, where, error):
    X, y = make_data(estimator)
    model = new(estimator)
    if fitted:
        fitted_on_other_data(estimator, model)
    failing = Failing(error, 3)
    if where == "callback":
        pytest.importorskip("sklearn.callback")
        model.set_callbacks(failing.callback())
    elif where == "scorer":
        model.set_params(early_stopping=True, scoring=failing.scorer)
    else:
        model.set_params(learning_rate=failing.learning_rate)
    before = {name: id(value) for name, value in vars(model).items()}
    kept = weights_of(model) if fitted else []
    with pytest.raises(type(error), match="mine"):
        model.fit(X, y)
    assert {name: id(value) for name, value in vars(model).items()} == before
    for own, weights in zip(weights_of(model) if fitted else [], kept, strict=True):
        np.testing.assert_array_equal(own, weights)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, "0.1", None, 1j])
@every_estimator
def test_a_learning_rate_that_turns_bad(estimator, bad):
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator))
    before = snapshot(model)
    model.learning_rate = lambda epoch: 0.01 if epoch < 2 else bad
    with pytest.raises(ValueError, match="learning_rate must return a finite number > 0; for epoch 2"):
        model.fit(X, y)
    model.learning_rate = new(estimator).learning_rate
    assert snapshot(model) == before


def test_a_checkpoint_where_scikit_learn_has_no_callbacks(monkeypatch, tmp_path):
    """The error says what works everywhere."""

    class Without:
        __module__ = _callbacks.__name__

    monkeypatch.setattr(_callbacks, "CallbackSupportMixin", Without)
    with pytest.raises(ImportError, match=r"1\.9.*partial_fit.*joblib\.dump"):
        Checkpoint(tmp_path / "model.joblib")


# ---- memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize(
    "place",
    [
        (_base, "validate_data"),
        (_base, "canonical_order"),
        (_base, "Samples"),
        (_base, "Draws"),
        (_base, "Network"),
        (_base, "start_weights"),
        (_base, "Solver"),
        (_base, "Validation"),
        (_base.Network, "folded"),
        (_base.Network, "views"),
        (loop, "steps"),
        (loop._Checkpoint, "of"),
    ],
    ids=lambda place: place[1],
)
@every_estimator
def test_out_of_memory(estimator, place, n, monkeypatch):
    """At each place that allocates: the error is raised, the estimator is as it was, and works once there is memory."""
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator, "early_stopping"))
    before = snapshot(model)
    owner, name = place
    real, calls = getattr(owner, name), []

    def without_memory(*args, **kwargs):
        calls.append(name)
        if len(calls) == n:
            raise MemoryError("Unable to allocate")
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, without_memory)
        try:
            fit_quietly(model, X, y)
        except MemoryError:
            assert snapshot(model) == before
        else:
            assert len(calls) < n  # it allocates less often than that
    fit_quietly(model, X, y)
    assert same_bits(model, fit_quietly(new(estimator, "early_stopping"), X, y))


@every_estimator
def test_a_network_too_large_for_any_machine(estimator):
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator))
    model.set_params(hidden_layer_sizes=(10**13,))
    before = snapshot(model)
    for method in (model.fit, estimator(10**13).fit):
        with pytest.raises(MemoryError):
            method(X, y)
    assert snapshot(model) == before


# ---- divergence ----------------------------------------------------------------------------------------------------


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


@every_estimator
def test_held_out_samples_leave_lists_even_if_the_first_epoch_diverges(estimator):
    X, y = make_data(estimator)
    settings = dict(activation="relu", alpha=1e6)
    for model, given in (
        (new(estimator, "early_stopping", **settings), {}),
        (new(estimator, **settings), dict(X_val=X[:9], y_val=y[:9])),
    ):
        with pytest.warns(ConvergenceWarning, match="diverged"):
            model.fit(X, y, **given)
        assert (model.n_iter_, model.validation_scores_, model.validation_loss_curve_) == (1, [], [])
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert model.validation_scores_ is model.validation_loss_curve_ is None


# ---- bad input -----------------------------------------------------------------------------------------------------

X, Y = make_data(BackpropRegressor)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "bad",
    [
        dict(X=None),
        dict(X="X"),
        dict(X={"a": 1}),
        dict(X=[[1.0, 2.0], [3.0]]),
        dict(X=np.full((40, 4), {}, dtype=object)),
        dict(X=sp.csr_array(np.full((40, 4), 1j))),
        dict(y=np.full(40, {}, dtype=object)),
        dict(y=sp.csr_array(np.ones((40, 1)))),
        dict(sample_weight="balanced"),
        dict(sample_weight=[1j] * 40),
        dict(sample_weight=np.full(40, None)),
    ],
    ids=str,
)
@every_estimator
def test_what_is_no_data(estimator, bad, method):
    """TypeError or ValueError, and byte for byte the estimator of before."""
    X, y = make_data(estimator)
    model = fit_quietly(new(estimator, warm_start=True), X, y)
    before = snapshot(model)
    with pytest.raises((TypeError, ValueError)):
        getattr(model, method)(**{"X": X, "y": y} | bad)
    assert snapshot(model) == before


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        dict(X_val=X[:9, :3], y_val=Y[:9]),
        dict(X_val=X[:9], y_val=Y[:8]),
        dict(X_val=X[:0], y_val=Y[:0]),
        dict(X_val=np.full((9, 4), np.inf), y_val=Y[:9]),
        dict(X_val="X", y_val=Y[:9]),
        dict(X_val=X[:9], y_val=np.full(9, np.nan)),
        dict(X_val=X[:9], y_val=Y[:9], sample_weight_val=np.zeros(9)),
        dict(X_val=X[:9], y_val=np.ones((9, 2))),
    ],
)
def test_bad_held_out_samples(bad, warm_start):
    model = fit_quietly(new(BackpropRegressor, "early_stopping", warm_start=warm_start), X, Y)
    before = snapshot(model)
    with pytest.raises(ValueError):
        model.fit(X, Y, **bad)
    assert snapshot(model) == before
