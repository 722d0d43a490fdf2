"""What Ctrl-C leaves behind, wherever it hits: the estimator as it was, or what is learned so far; never a mixture."""

import copy
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from faults import (
    HUGE,
    Failing,
    assert_one_fit,
    assert_sound,
    every_estimator,
    every_solver,
    fitted_on_other_data,
    late,
    new,
    wide_csr,
)
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, snapshot, trained_by
from sklearn.exceptions import ConvergenceWarning

import skbackprop
from skbackprop import BackpropRegressor, _kernel


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
@pytest.mark.parametrize("call", range(2, 31, 4))  # the first measures the start weights
def test_interrupt_within_an_epoch(estimator, call):
    """The kernel is called for 7 draws at a time, so that an epoch is 6 calls."""
    X, y = make_data(estimator, n=40)
    model = trained_by(interrupt_at(call, _kernel.steps), estimator(random_state=0), chunk=7)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_sound(model, X)
    assert model.n_iter_ == len(model.loss_curve_)
    assert 40 * (model.n_iter_ - 1) < model.t_ + (model.n_iter_ == 0) <= 40 * max(model.n_iter_, 1)
    assert model.score(X, y) <= 1


def test_what_an_interrupted_epoch_has_learned_is_kept():
    """Interrupted after 14 of 40 steps: the weights are those after 14 steps, the loss is the mean of 14."""
    X, y = make_data(BackpropRegressor, n=40)
    recorded = []

    def steps(network, samples, rows, tau, *how):
        if tau and len(recorded) == 2:
            raise KeyboardInterrupt
        loss = _kernel.steps(network, samples, rows, tau, *how)
        if tau:
            recorded.append((loss, len(rows), [W.copy() for W in network.coefs]))
        return loss

    model = trained_by(steps, BackpropRegressor(random_state=0), chunk=7)
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


def test_interrupt_on_the_way_back():
    """After a divergence the epochs up to the best one may have to be trained again: that, too, can be interrupted."""
    X, y = wide_csr()
    draws = [0]

    def steps(network, samples, rows, tau, *how):
        draws[0] += len(rows) * (tau > 0)
        if draws[0] > 7 * len(y):  # the seventh epoch diverges
            raise KeyboardInterrupt
        return _kernel.steps(network, samples, rows, tau, *how)

    model = trained_by(steps, BackpropRegressor((5,), "relu", learning_rate=late, random_state=0))
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


def soon(epoch):
    """A step size that is good for two epochs, and breaks everything in the third."""
    return 0.01 if epoch < 2 else HUGE


@pytest.mark.parametrize("tau", [0.01, soon])
@pytest.mark.parametrize("fitted", [False, True])
def test_interrupt_anywhere(fitted, tau):
    """Wherever it hits, the estimator is as it was before, or it is sound and complete."""
    X, y = make_data(BackpropRegressor, n=10)
    complete = set(vars(fit_quietly(BackpropRegressor(max_iter=1), X, y)))
    start = BackpropRegressor((3,), learning_rate=0.01, max_iter=3, n_iter_no_change=np.inf, random_state=0)
    if fitted:
        fit_quietly(start, X[:, :2], y)
    start.set_params(learning_rate=tau)
    n, hit = 0, True
    while hit:
        n += 1
        model = copy.copy(start)
        before = {name: id(value) for name, value in vars(model).items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            hit = interrupt_at_line(n, lambda model=model: model.fit(X, y))
        if {name: id(value) for name, value in vars(model).items()} != before:
            assert set(vars(model)) == complete
            assert_sound(model, X)
    assert n > 100


def test_interrupt_in_partial_fit():
    X, y = make_data(BackpropRegressor)  # an epoch is six calls, and one before measures the loss
    model = trained_by(interrupt_at(10, _kernel.steps), BackpropRegressor(random_state=0), chunk=7).partial_fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert_sound(model, X)
    assert 40 < model.t_ < 80


ROOT = Path(__file__).parents[1]


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


# a signal may hit a callback of the garbage collector, hypothesis's for one, where Python ignores the interrupt
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer")
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs", "early_stopping"])
@every_estimator
def test_interrupts_at_any_time(estimator, solver):
    """A signal, at random times from before the first epoch on to after the last: old or new, and it can go on."""
    X, y = make_data(estimator, n=1000)
    model = fitted_on_other_data(estimator, new(estimator, solver))
    begin = time.perf_counter()
    fit_quietly(new(estimator, solver), X, y)
    whole = time.perf_counter() - begin
    rng = np.random.default_rng(0)
    outcomes, settings = [], sklearn.get_config()
    before_handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(20):
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
import numpy as np
from skbackprop import BackpropRegressor
rng = np.random.default_rng(0)
X = rng.normal(size=(100_000, 50))

def learning_rate(epoch):
    print("epoch", epoch, flush=True)
    return 0.001

model = BackpropRegressor((50,), learning_rate=learning_rate, n_iter_no_change=np.inf, random_state=0)
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
        assert [process.stdout.readline() for _ in range(2)] == [b"epoch 0\n", b"epoch 1\n"]
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out.splitlines()[-1].split() == [b"True"] * 3, err
    assert b"KeyboardInterrupt" in err
    assert process.returncode == -signal.SIGINT
