"""When training ends, and what it says of itself: stopped_, and the warnings."""

import numpy as np
import pytest
from helpers import ESTIMATORS, MAX_ITER, Observer, fit_quietly, make_data, scripted
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._training.progress import Progress
from skbackprop._training.stopping import Stop


def after(losses, constant):
    """The state of a training that has had these losses."""
    return Progress(None, None, None, losses=list(losses), constant_loss=constant)


def first_stop(losses, constant=1.0, tol=0.005, k="auto", epoch_length=1000):
    stop = Stop(tol, k, epoch_length)
    return next((n for n in range(1, len(losses) + 1) if stop.has_stalled(after(losses[:n], constant))), None)


# ---- fit follows the rule ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("tol", [0.03, 0.2])
def test_fit_stops_where_the_rule_says(k, tol):
    losses = list(1 + np.exp(-np.arange(200) / 5) + 0.001 * np.cos(np.arange(200)))
    X, y = make_data(BackpropRegressor)
    expected = first_stop(losses, np.var(y), tol, k)
    model = scripted(2.0, losses, BackpropRegressor(tol=tol, n_iter_no_change=k, random_state=0), len(X))
    model.fit(X, y)  # no warning but that nothing is learned, of 20 epochs and more, as the script has it
    assert model.n_iter_ == expected < 200
    assert model.loss_curve_ == pytest.approx(losses[:expected])
    assert model.stopped_ == "converged"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fit_stops_by_itself(estimator):
    """The same on true losses: at the first epoch at which the rule holds, and at no earlier one."""
    X, y = make_data(estimator)
    model = estimator(random_state=0, tol=0.1, n_iter_no_change=4, max_iter=1000).fit(X, y)
    share = np.unique(y, return_counts=True)[1] / len(y)
    constant = np.var(y) if estimator is BackpropRegressor else (share * (1 - share)).sum()
    assert first_stop(model.loss_curve_, constant, 0.1, 4) == model.n_iter_ == len(model.loss_curve_) < 1000
    assert model.stopped_ == "converged"


def test_the_unit_of_y_does_not_matter():
    """tol is relative to the loss of the best constant prediction."""
    losses = 0.1 + np.exp(-np.arange(300) / 9)
    assert len({first_stop(losses * unit, unit) for unit in (2.0**-40, 1.0, 2.0**20)}) == 1


def test_a_plateau_is_crossed():
    """Two moons: the loss stays for a while at what a line can do."""
    for seed in range(5):
        X, y = make_moons(400, noise=0.1, random_state=seed)
        model = fit_quietly(BackpropClassifier(random_state=seed), X - X.mean(axis=0), y)
        assert model.score(X - X.mean(axis=0), y) > 0.97


def test_what_cannot_be_learned_ends_early():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 3)), rng.integers(2, size=4000)
    with pytest.warns(ConvergenceWarning, match="has learned nothing"):
        model = BackpropClassifier((10,), random_state=0).fit(X, y)
    assert model.n_iter_ < 100


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_whole_weights_stop_where_repeated_rows_do(solver):
    X, y = make_data(BackpropRegressor)
    weight = np.arange(len(y)) % 4
    settings = dict(solver=solver, tol=0.05, n_iter_no_change=2, max_iter=500, random_state=0)
    weighted = BackpropRegressor(**settings).fit(X, y, weight)
    repeated = BackpropRegressor(**settings).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert weighted.n_iter_ == repeated.n_iter_ < 500
    assert weighted.loss_curve_ == repeated.loss_curve_


def test_a_target_of_one_value_ends_training():
    X, _ = make_data(BackpropRegressor)
    for model, y in ((BackpropRegressor(), np.full(len(X), 7.0)), (BackpropClassifier(), np.full(len(X), "a"))):
        model.set_params(max_iter=3000, n_iter_no_change=10, random_state=0).fit(X, y)  # no warning
        assert model.stopped_ == "converged"


# ---- max_iter ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_iter_no_change", [3, "auto", np.inf])
def test_warning_at_max_iter(estimator, n_iter_no_change):
    X, y = make_data(estimator)
    with pytest.warns(ConvergenceWarning, match=rf"{MAX_ITER} \(5\)"):
        model = estimator(max_iter=5, n_iter_no_change=n_iter_no_change, random_state=0).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 5
    assert model.t_ == 5 * len(X)
    assert model.stopped_ == "max_iter"


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([1.0], "hasn't converged yet"),
        (0.1 * 0.99 ** np.arange(40), r"still falling, by about 1.* % per epoch"),
        (1 + 0.1 * np.cos(np.arange(40) ** 2), "noise of the loss hides"),
    ],
)
def test_the_warning_says_whether_the_loss_was_falling(losses, says):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(max_iter=len(losses), n_iter_no_change=np.inf, random_state=0)
    with pytest.warns(ConvergenceWarning, match=rf"Maximum iterations \({len(losses)}\) reached.*{says}"):
        scripted(1.0, list(losses), model, len(X)).fit(X, y)


def test_stopping_in_the_last_epoch_is_no_reason_to_warn():
    X, y = make_data(BackpropRegressor)
    for max_iter in (6, 7):  # also where the rule is asked at 6 and 8 epochs
        model = scripted(0.001, [0.001], BackpropRegressor(max_iter=max_iter, n_iter_no_change=3), len(X)).fit(X, y)
        assert model.stopped_ == "converged"


def test_infinite_patience():
    X, y = make_data(BackpropRegressor)
    model = scripted(0.001, [0.001], BackpropRegressor(max_iter=50, n_iter_no_change=np.inf), len(X))
    assert fit_quietly(model, X, y).n_iter_ == 50


# ---- why it ended --------------------------------------------------------------------------------------------------


def test_why_training_ended():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor((3,), max_iter=8, random_state=0)
    assert fit_quietly(model, X, y).stopped_ == "max_iter"
    assert model.partial_fit(X, y).stopped_ is None
    assert model.set_params(tol=1e9, n_iter_no_change=2).fit(X, y).stopped_ == "converged"
    assert model.set_params(early_stopping=True).fit(X, y).stopped_ == "early_stopping"
    model.set_params(early_stopping=False, learning_rate=1e9, activation="relu")
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert model.stopped_ == "diverged"
    model.set_params(learning_rate=lambda epoch: 0.01 if epoch < 3 else stop())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.stopped_ == "interrupted"
    with pytest.warns(ConvergenceWarning, match="max_fun=2"):
        model.set_params(solver="lbfgs", max_fun=2, tol=0).fit(X, y)
    assert model.stopped_ == "max_fun"


def stop():
    raise KeyboardInterrupt


def test_a_callback_is_a_reason():
    pytest.importorskip("sklearn.callback")

    class Ender(Observer):
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 2

    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor((3,), random_state=0).set_callbacks(Ender(None)).fit(X, y)
    assert (model.n_iter_, model.stopped_) == (3, "callback")


# ---- has it learned anything? --------------------------------------------------------------------------------------


def year(n=1500):
    """A year among four standardised features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    return np.column_stack([X[:, :4], rng.integers(1990, 2025, n)]), X[:, 0] + X[:, 1] > 0


def small_y():
    X, y = make_data(BackpropRegressor, n=300)
    return X, 0.001 * (y - y.mean())


def rare(n=6000):
    rng = np.random.default_rng(0)
    y = np.arange(n) < 4
    return rng.normal(size=(n, 4)) + 3 * y[:, np.newaxis], y


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        (
            BackpropClassifier(),
            year,
            r"% of the units of a hidden layer cannot learn.* to 2\..*e\+03.*Scale",
        ),
        (BackpropRegressor(), small_y, r"y has a standard deviation of 0\.000.*TransformedTargetRegressor"),
        (BackpropClassifier(), rare, r"rarest class makes up 0\.067 % .*class_weight=\"balanced\""),
    ],
)
def test_nothing_learned_is_said_with_its_cause(model, data, says):
    with pytest.warns(ConvergenceWarning, match="The network has learned nothing: after .*" + says) as record:
        model.set_params(random_state=0).fit(*data())
    assert len(record) == 1


def test_nothing_to_be_learned():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 4)), rng.normal(size=3000)
    with pytest.warns(ConvergenceWarning, match="has learned nothing.*X may say nothing about y"):
        BackpropRegressor((5,), random_state=0).fit(X, y)


def test_saturated_units_are_worth_a_warning_even_where_something_is_learned():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=500), rng.uniform(5000, 6000, 500)])
    y = X[:, 0] > 0
    with pytest.warns(ConvergenceWarning, match="cannot learn.*StandardScaler"):
        BackpropClassifier(random_state=0).fit(1000 * X, y)


@pytest.mark.parametrize("settings", [{}, dict(loss="log_loss"), dict(dropout=0.5), dict(solver="lbfgs")])
def test_no_false_alarm(settings):
    X, y = make_data(BackpropClassifier, n=200)
    fit_quietly(BackpropClassifier(random_state=0, max_iter=60, **settings), X, y)
    weak = np.random.default_rng(0).normal(size=200) + X[:, 0]
    settings.pop("loss", None)
    fit_quietly(BackpropRegressor(random_state=0, max_iter=60, **settings), X, weak / weak.std())


def test_an_autoencoder_learns():
    X, _ = make_data(BackpropRegressor, n=200)
    fit_quietly(BackpropAutoencoder(2, random_state=0), X)


def test_partial_fit_judges_nothing():
    X, y = year(300)
    model = BackpropClassifier(random_state=0)
    for _ in range(30):
        model.partial_fit(X, y, classes=[False, True])  # a warning would be an error
