"""Epoch after epoch: when training stops, when it has diverged, and what Ctrl-C leaves behind."""

import os
import re
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, MAX_ITER, fit_quietly, make_data, same_bits, snapshot, weights_of
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import skbackprop
from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS
from skbackprop._training import loop
from skbackprop._training.loop import Stop

HUGE = 1e12


def assert_sound(model, X):
    """Everything is finite, and predictions can be made."""
    assert all(np.isfinite(w).all() for w in weights_of(model))
    assert np.isfinite([model.loss_, model.best_loss_, *model.loss_curve_]).all()
    predicted = model.predict(X)
    assert len(predicted) == X.shape[0]
    assert predicted.dtype.kind != "f" or np.isfinite(predicted).all()


@pytest.fixture
def script(monkeypatch):
    """Let the kernel work as it does, but report given losses: that of the start weights, then one for each epoch."""

    def install(start, losses, estimator, n):
        real, done = loop.steps, [0]

        def steps(network, samples, rows, tau, *how):
            real(network, samples, rows, tau, *how)
            if tau == 0:
                return start * len(rows)
            epoch, done[0] = done[0] // n, done[0] + len(rows)
            # a replay of epochs that have been reported already goes beyond the end of the script
            return losses[min(epoch, len(losses) - 1)] * len(rows)

        monkeypatch.setattr(loop, "steps", steps)
        return estimator

    return install


# ---- the stopping rule ---------------------------------------------------------------------------------------------


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
    assert Stop(tol, k).stalled(losses, []) == stop


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("tol", [0.03, 0.2])
def test_fit_stops_where_the_rule_says(k, tol, script):
    losses = list(1 + np.exp(-np.arange(60) / 12) + 0.1 * np.cos(np.arange(60)))
    expected = next(
        n for n in range(2 * k, 60) if np.mean(losses[n - k : n]) > np.mean(losses[n - 2 * k : n - k]) - tol
    )
    X, y = make_data(BackpropRegressor)
    model = script(2.0, losses, BackpropRegressor(tol=tol, n_iter_no_change=k, max_iter=60, random_state=0), len(X))
    model.fit(X, y)  # no warning: it converged
    assert model.n_iter_ == expected < 60
    assert model.loss_curve_ == pytest.approx(losses[:expected])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fit_stops_by_itself(estimator):
    """The same on true losses: at the first epoch at which the rule holds, and at no earlier one."""
    X, y = make_data(estimator)
    model = estimator(random_state=0, tol=1e-3, n_iter_no_change=4, max_iter=1000).fit(X, y)
    holds = [Stop(1e-3, 4).stalled(model.loss_curve_[:n], []) for n in range(len(model.loss_curve_) + 1)]
    assert holds.index(True) == model.n_iter_ == len(model.loss_curve_) < 1000


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_iter_no_change", [3, 10, np.inf])
def test_warning_at_max_iter(estimator, n_iter_no_change):
    X, y = make_data(estimator)
    with pytest.warns(ConvergenceWarning, match=rf"{MAX_ITER} \(5\)"):
        model = estimator(max_iter=5, n_iter_no_change=n_iter_no_change, random_state=0).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 5
    assert model.t_ == 5 * len(X)


def test_stopping_in_the_last_epoch_is_no_reason_to_warn(script):
    X, y = make_data(BackpropRegressor)
    script(1.0, [1.0], BackpropRegressor(max_iter=6, n_iter_no_change=3), len(X)).fit(X, y)


def test_infinite_patience(script):
    X, y = make_data(BackpropRegressor)
    model = script(1.0, [1.0], BackpropRegressor(max_iter=50, n_iter_no_change=np.inf), len(X))
    assert fit_quietly(model, X, y).n_iter_ == 50


# ---- divergence ----------------------------------------------------------------------------------------------------

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


def late(epoch):
    """A step size that is good for six epochs, another in each, and breaks everything in the seventh."""
    return 0.01 + 0.002 * epoch if epoch < 6 else HUGE


def wide_csr(n=30, n_features=20_000, seed=0):
    """So many features, and so few nonzeros, that looking at all weights after each epoch would cost more than it."""
    rng = np.random.default_rng(seed)
    columns = np.sort([rng.choice(n_features, size=3, replace=False) for _ in range(n)])
    X = sp.csr_array((rng.normal(size=3 * n), columns.ravel(), np.arange(0, 3 * n + 1, 3)), shape=(n, n_features))
    return X, rng.random(n)


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
        (1e-3, [0.05, 0.09, 0.11], 0),
    ],
)
def test_which_epoch_is_the_best(start, losses, best, layout, script, monkeypatch):
    X, y = wide_csr() if layout == "wide" else make_data(BackpropRegressor)
    model = BackpropRegressor((3,), max_iter=10, random_state=0)
    if best:
        expected = weights_of(fit_quietly(BackpropRegressor((3,), max_iter=best, random_state=0), X, y))
    else:
        expected = start_weights(model, X, y)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        script(start, losses, model, X.shape[0]).fit(X, y)
    assert model.n_iter_ == len(losses)
    assert np.isfinite(model.loss_curve_).all()
    for own, weights in zip(weights_of(model), expected, strict=True):
        np.testing.assert_allclose(own, weights, rtol=0, atol=1e-290)


def test_a_hundred_times_the_loss_of_the_start_is_allowed(script):
    X, y = make_data(BackpropRegressor)
    model = script(1.0, [99.0, 50.0, 30.0], BackpropRegressor(max_iter=3), X.shape[0])
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


# ---- Ctrl-C --------------------------------------------------------------------------------------------------------


def interrupt_at(n, function):
    """A function that raises KeyboardInterrupt when it is called for the n-th time, and works otherwise."""
    calls = [0]

    def wrapper(*args, **kwargs):
        calls[0] += 1
        if calls[0] == n:
            raise KeyboardInterrupt
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_interrupt_between_epochs(estimator, epochs):
    X, y = make_data(estimator)
    model = estimator(random_state=0, learning_rate=interrupt_at(epochs + 1, lambda epoch: 0.01))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_sound(model, X)
    assert (model.n_iter_, model.t_) == (epochs, epochs * len(X))
    if epochs:
        same = fit_quietly(estimator(random_state=0, learning_rate=0.01, max_iter=epochs), X, y)
        assert same_bits(model, same)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("call", range(7, 36, 4))  # the first six measure the start weights
def test_interrupt_within_an_epoch(estimator, call, monkeypatch):
    """The kernel is called for 7 draws at a time, so that an epoch is 6 calls."""
    X, y = make_data(estimator, n=40)
    monkeypatch.setattr(loop, "CHUNK_DRAWS", 7)
    monkeypatch.setattr(loop, "steps", interrupt_at(call, loop.steps))
    model = estimator(random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_sound(model, X)
    assert model.n_iter_ == len(model.loss_curve_)
    assert 40 * (model.n_iter_ - 1) < model.t_ + (model.n_iter_ == 0) <= 40 * max(model.n_iter_, 1)
    assert model.score(X, y) <= 1


def test_what_an_interrupted_epoch_has_learned_is_kept(monkeypatch):
    """Interrupted after 14 of 40 steps: the weights are those after 14 steps, the loss is the mean of 14."""
    X, y = make_data(BackpropRegressor, n=40)
    recorded, real = [], loop.steps

    def steps(network, samples, rows, tau, *how):
        if tau and len(recorded) == 2:
            raise KeyboardInterrupt
        loss = real(network, samples, rows, tau, *how)
        if tau:
            recorded.append((loss, len(rows), [W.copy() for W in network.coefs]))
        return loss

    monkeypatch.setattr(loop, "CHUNK_DRAWS", 7)
    monkeypatch.setattr(loop, "steps", steps)
    model = BackpropRegressor(random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.t_ == 14
    assert model.loss_curve_ == pytest.approx([sum(loss for loss, *_ in recorded) / 14])
    for own, expected in zip(model.coefs_, recorded[-1][2], strict=True):
        np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_training_goes_on_after_an_interrupt(estimator):
    """Interrupted between epochs, then warm started: as if nothing had happened."""
    X, y = make_data(estimator)
    model = estimator(random_state=0, warm_start=True, max_iter=7, learning_rate=interrupt_at(4, lambda epoch: 0.01))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    fit_quietly(model.set_params(max_iter=4), X, y)
    whole = fit_quietly(estimator(random_state=0, max_iter=7, learning_rate=0.01), X, y)
    assert same_bits(model, whole)


def test_interrupt_on_the_way_back(monkeypatch):
    """After a divergence the epochs up to the best one may have to be trained again: that, too, can be interrupted."""
    X, y = wide_csr()
    real, draws = loop.steps, [0]

    def steps(network, samples, rows, tau, *how):
        draws[0] += len(rows) * (tau > 0)
        if draws[0] > 7 * len(y):  # the seventh epoch diverges
            raise KeyboardInterrupt
        return real(network, samples, rows, tau, *how)

    monkeypatch.setattr(loop, "steps", steps)
    model = BackpropRegressor((5,), "relu", learning_rate=late, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(model.loss_curve_) == 7
    assert_sound(model, X)


def interrupt_at_line(n, function):
    """Call a function, and raise KeyboardInterrupt at the n-th line of the package that it executes; was it reached?"""
    folder, lines, before = os.path.dirname(skbackprop.__file__), [0], sys.gettrace()

    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(folder):
            return None
        if event == "line":
            lines[0] += 1
            if lines[0] == n:
                sys.settrace(before)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return lines[0] >= n


@pytest.mark.parametrize("tau", [0.01, late])
@pytest.mark.parametrize("fitted", [False, True])
def test_interrupt_anywhere(fitted, tau):
    """Wherever it hits, the estimator is as it was before, or it is sound and complete."""
    X, y = make_data(BackpropRegressor, n=10)
    complete = set(vars(fit_quietly(BackpropRegressor(max_iter=1), X, y)))
    n, hit = 0, True
    while hit:
        n += 1
        model = BackpropRegressor((3,), learning_rate=0.01, max_iter=8, n_iter_no_change=np.inf, random_state=0)
        if fitted:
            fit_quietly(model, X[:, :2], y)
        model.set_params(learning_rate=tau)
        before = {name: id(value) for name, value in vars(model).items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            hit = interrupt_at_line(n, lambda model=model: model.fit(X, y))
        if {name: id(value) for name, value in vars(model).items()} != before:
            assert set(vars(model)) == complete
            assert_sound(model, X)
    assert n > 100


def test_interrupt_in_partial_fit(monkeypatch):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(random_state=0).partial_fit(X, y)
    monkeypatch.setattr(loop, "CHUNK_DRAWS", 7)
    monkeypatch.setattr(loop, "steps", interrupt_at(9, loop.steps))
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert_sound(model, X)
    assert 40 < model.t_ < 80


# ---- the step size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_callable_gets_the_epoch(estimator):
    X, y = make_data(estimator)
    epochs = []

    def tau(epoch):
        epochs.append(epoch)
        return 0.01

    model = fit_quietly(estimator(learning_rate=tau, max_iter=4, warm_start=True, random_state=0), X, y)
    assert epochs == [0, 1, 2, 3]
    fit_quietly(model, X, y)
    assert epochs == list(range(8))
    model.partial_fit(X, y)
    assert epochs == list(range(9))
    fit_quietly(model.set_params(warm_start=False), X, y)
    assert epochs == [*range(9), *range(4)]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constant_callable_is_a_number(estimator):
    X, y = make_data(estimator)
    number = fit_quietly(estimator(learning_rate=0.02, max_iter=4, random_state=0), X, y)
    for tau in (0.02, np.float64(0.02)):
        function = fit_quietly(estimator(learning_rate=lambda epoch, tau=tau: tau, max_iter=4, random_state=0), X, y)
        assert same_bits(number, function)


def test_each_epoch_has_its_own_step_size():
    """Two epochs at 0.1 and 0.01 are one at 0.1, then a warm one at 0.01."""
    X, y = make_data(BackpropClassifier)
    falling = fit_quietly(BackpropClassifier(learning_rate=lambda k: 0.1 / 10**k, max_iter=2, random_state=0), X, y)
    parts = fit_quietly(BackpropClassifier(learning_rate=0.1, max_iter=1, warm_start=True, random_state=0), X, y)
    fit_quietly(parts.set_params(learning_rate=0.01), X, y)
    assert same_bits(falling, parts)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("tau", [0, -0.1, np.nan, np.inf, "0.1", None, [0.1]])
def test_a_callable_that_returns_nonsense(estimator, tau):
    X, y = make_data(estimator)
    model = fit_quietly(estimator(max_iter=2, random_state=0), X, y)
    model.set_params(learning_rate=lambda epoch: 0.01 if epoch < 1 else tau)
    before = snapshot_without_callables(model)
    with pytest.raises(ValueError, match=r"learning_rate.*epoch 1"):
        model.fit(X, y)
    assert snapshot_without_callables(model) == before


def snapshot_without_callables(model):
    rate = model.learning_rate
    del model.learning_rate  # a lambda has no pickle
    state = snapshot(model)
    model.learning_rate = rate
    return state


# ---- how it looks from outside -------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_chunks_of_draws_make_no_difference(estimator, monkeypatch):
    X, y = make_data(estimator)
    whole = fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    monkeypatch.setattr(loop, "CHUNK_DRAWS", 3)
    parts = fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    for a, b in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.loss_curve_ == pytest.approx(parts.loss_curve_, rel=1e-13)


def test_a_call_of_the_kernel_is_short(monkeypatch):
    """So that Ctrl-C is heard: a call touches no more weights than CHUNK_WEIGHTS, and has at least one draw."""
    X, y = make_data(BackpropRegressor, n=50)
    sizes, real = [], loop.steps

    def steps(network, samples, rows, tau, *how):
        sizes.append(len(rows))
        return real(network, samples, rows, tau, *how)

    monkeypatch.setattr(loop, "steps", steps)
    for weights, longest in ((10_000, 9), (1, 1)):  # a step on 4-200-1 touches 4 * 200 + 200 weights and 201 biases
        sizes.clear()
        monkeypatch.setattr(loop, "CHUNK_WEIGHTS", weights)
        fit_quietly(BackpropRegressor((200,), max_iter=1), X, y)
        assert 1 <= max(sizes) <= longest


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_verbose(estimator, capsys):
    X, y = make_data(estimator)
    fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    assert capsys.readouterr().out == ""
    model = fit_quietly(estimator(max_iter=3, random_state=0, verbose=True), X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for k, (line, loss) in enumerate(zip(lines, model.loss_curve_, strict=True)):
        pattern = r"Iteration (\d+), loss = ([\d.]+), tau = ([\d.]+), ([\d,]+) samples/s"
        number, shown, tau, speed = re.fullmatch(pattern, line).groups()
        assert int(number) == k + 1
        assert float(shown) == pytest.approx(loss, rel=1e-3)
        assert float(tau) == model.learning_rate
        assert int(speed.replace(",", "")) > 0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_loss_curve_is_the_mean_loss_of_the_draws(estimator, monkeypatch):
    """Each at the weights of its own step, without the penalty."""
    X, y = make_data(estimator)
    sums, real = [], loop.steps

    def steps(network, samples, rows, tau, *how):
        # one draw at a time, each measured before its step
        if not tau:
            return real(network, samples, rows, tau, *how)
        total = 0.0
        for k in range(len(rows)):
            total += real(network, samples, rows[k : k + 1], 0.0, 0.0)
            real(network, samples, rows[k : k + 1], tau, *how)
        sums.append(total)
        return total

    model = fit_quietly(estimator(max_iter=4, alpha=0.1, random_state=0), X, y)
    monkeypatch.setattr(loop, "steps", steps)
    measured = fit_quietly(estimator(max_iter=4, alpha=0.1, random_state=0), X, y)
    assert model.loss_curve_ == pytest.approx(measured.loss_curve_, rel=1e-12)
    assert model.loss_curve_ == pytest.approx([total / len(X) for total in sums], rel=1e-12)
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)


def test_the_loss_of_a_fit_is_the_squared_error_without_a_half():
    """tau so small that nothing moves: the mean over the draws of (y - ŷ)^2, here the same for every row."""
    X, y = np.ones((10, 2)), np.full(10, 3.0)
    model = fit_quietly(BackpropRegressor(learning_rate=1e-300, max_iter=1, random_state=0), X, y)
    assert model.loss_ == pytest.approx((3 - model.predict(X)[0]) ** 2, rel=1e-12)
