"""Checkpoint: after kill -9 the file is whole, and training goes on from it to the bit."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, Observer, fit_quietly, make_data, same_bits, snapshot
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, Checkpoint, _callbacks

pytest.importorskip("sklearn.callback")
ROOT = Path(__file__).parents[1]
FOREVER = 10**6
#: a function of the epoch that can be pickled
FALLING = partial(np.interp, xp=[0, 1000], fp=[0.05, 0.01])
#: name -> parameters, layout of X, type of X
RESUMABLE = {
    "lecture": ({}, np.asarray, np.float64),
    "one layer, float32": ({"hidden_layer_sizes": ()}, np.asarray, np.float32),
    "csr, penalty": ({"alpha": 0.01}, sp.csr_array, np.float64),
    "shuffle, nesterov, invscaling": (
        {"sampling": "shuffle", "momentum": 0.9, "nesterovs_momentum": True, "learning_rate_schedule": "invscaling"},
        np.asarray,
        np.float64,
    ),
    "adam, batches, csr": ({"solver": "adam", "batch_size": 4, "learning_rate": 0.001}, sp.csr_array, np.float32),
    "dropout, callable": ({"dropout": 0.3, "learning_rate": FALLING}, np.asarray, np.float64),
}
every_case = pytest.mark.parametrize("name", RESUMABLE)
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def case(estimator, name, **kwargs):
    """An unfitted estimator that does not stop by itself, X and y."""
    settings, layout, dtype = RESUMABLE[name]
    X, y = make_data(estimator, dtype=dtype)
    settings = {"hidden_layer_sizes": (6,), "n_iter_no_change": np.inf, "random_state": 0} | settings | kwargs
    return estimator(**settings), layout(X), y


def resume(path, X, y, epochs=None, **kwargs):
    """As the docstring shows; `epochs` in place of those that are left."""
    model = joblib.load(path)
    left = model.max_iter - model.n_iter_ if epochs is None else epochs
    return fit_quietly(model.set_params(warm_start=True, max_iter=left), X, y, **kwargs)


# ---- what is saved, and when ---------------------------------------------------------------------------------------


@every_case
@every_estimator
def test_from_every_epoch_on(estimator, name, tmp_path):
    """Whatever epoch the process was killed after, the rest gives the weights, losses and steps of the whole."""
    model, X, y = case(estimator, name, max_iter=5)
    files = []

    def keep(epoch):
        files.append(tmp_path / f"{epoch}.joblib")
        os.link(tmp_path / "model.joblib", files[-1])

    fit_quietly(model.set_callbacks(Checkpoint(tmp_path / "model.joblib"), Observer(keep)), X, y)
    plain, *_ = case(estimator, name, max_iter=5)
    assert same_bits(model, fit_quietly(plain, X, y))
    for file in files[:-1]:
        assert same_bits(resume(file, X, y), model)
    assert joblib.load(files[-1]).n_iter_ == 5


@every_case
def test_what_a_callback_keeps_is_a_copy(name):
    """The stream, the moments and the weights of an epoch stay what they were while the training goes on."""
    model, X, y = case(BackpropClassifier, name, max_iter=5)
    kept = []

    class Keep(Observer):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            kept.append(fitted_estimator)

    fit_quietly(model.set_callbacks(Keep(None)), X, y)
    for epochs, earlier in enumerate(kept[:4], 1):
        earlier.set_callbacks().set_params(warm_start=True, max_iter=5 - epochs)
        assert same_bits(fit_quietly(earlier, X, y), model)


@pytest.mark.parametrize("weight", [np.arange(40) % 3 + 1, np.linspace(0.5, 2, 40)], ids=["whole", "relative"])
def test_with_weights_and_a_validation_set(weight, tmp_path):
    X, y = make_data(BackpropClassifier)
    given = dict(sample_weight=weight, X_val=X[:10], y_val=y[:10])
    whole = fit_quietly(BackpropClassifier(max_iter=5, random_state=0), X, y, **given)
    model = BackpropClassifier(max_iter=3, random_state=0).set_callbacks(Checkpoint(tmp_path / "model"))
    fit_quietly(model, X, y, **given)
    resumed = resume(tmp_path / "model", X, y, epochs=2, **given)
    assert same_bits(resumed, whole)
    assert resumed.validation_scores_ == whole.validation_scores_
    assert resumed.validation_loss_curve_ == whole.validation_loss_curve_


def test_adaptive_keeps_the_step_size_reached(tmp_path):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(learning_rate=0.01, learning_rate_schedule="adaptive", random_state=0, max_iter=5)
    model.set_params(tol=1e9, n_iter_no_change=1)  # lowered after the epochs 2 and 4
    fit_quietly(model.set_callbacks(Checkpoint(tmp_path / "model")), X, y)
    resumed = resume(tmp_path / "model", X, y, epochs=1)
    constant = joblib.load(tmp_path / "model")
    constant.set_params(learning_rate=0.01 * 0.2**2, learning_rate_schedule="constant", warm_start=True, max_iter=1)
    assert same_bits(resumed, fit_quietly(constant, X, y))


def test_lbfgs_goes_on(tmp_path):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(solver="lbfgs", max_iter=4, random_state=0).set_callbacks(Checkpoint(tmp_path / "model"))
    fit_quietly(model, X, y)
    resumed = resume(tmp_path / "model", X, y, epochs=20)
    assert resumed.loss_ < model.loss_
    assert len(resumed.loss_curve_) == 24


def test_every_so_many_epochs_and_at_the_end(tmp_path):
    path, seen = tmp_path / "model", []
    X, y = make_data(BackpropRegressor)
    observer = Observer(lambda epoch: seen.append(joblib.load(path).n_iter_ if path.exists() else 0))
    model = BackpropRegressor(max_iter=8, random_state=0).set_callbacks(Checkpoint(path, every=3), observer)
    fit_quietly(model, X, y)
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6]
    assert joblib.load(path).n_iter_ == 8


def test_the_last_file_is_the_finished_fit(tmp_path):
    """With early_stopping, too, where it has the weights of the best epoch."""
    X, y = make_data(BackpropClassifier, n=100)
    model = BackpropClassifier(early_stopping=True, n_iter_no_change=3, random_state=0)
    model.set_callbacks(Checkpoint(tmp_path / "model")).fit(X, y)
    saved, own = snapshot(joblib.load(tmp_path / "model")), snapshot(model)
    assert not any("callback" in name for name in saved)
    assert saved == {name: value for name, value in own.items() if "callback" not in name}
    assert os.listdir(tmp_path) == ["model"]


def test_the_callbacks_are_left_as_they_are(tmp_path):
    """What is saved is a copy: other callbacks, and the estimator, keep theirs."""
    X, y = make_data(BackpropRegressor)
    checkpoints = [Checkpoint(tmp_path / name) for name in ("first", "second")]
    model = BackpropRegressor(max_iter=2, random_state=0).set_callbacks(*checkpoints)
    fit_quietly(model, X, y)
    assert model._skl_callbacks == checkpoints
    assert snapshot(joblib.load(tmp_path / "first")) == snapshot(joblib.load(tmp_path / "second"))


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_within_pipelines_and_searches(tmp_path):
    """The network alone is saved; several fits at once, with one file, leave a whole one of one of them."""
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(max_iter=5, random_state=0).set_callbacks(Checkpoint(tmp_path / "model"))
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    saved = joblib.load(tmp_path / "model")
    assert same_bits(saved, pipeline[-1])
    assert not any("callback" in name for name in vars(saved))
    with joblib.parallel_backend("threading"):
        GridSearchCV(pipeline, {"backpropregressor__alpha": [0, 0.1]}, n_jobs=2).fit(X, y)
    assert joblib.load(tmp_path / "model").n_iter_ == 5
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("every", [0, -1, 1.5, None])
def test_a_bad_interval(every, tmp_path):
    with pytest.raises(ValueError, match="every must be an integer > 0"):
        Checkpoint(tmp_path / "model", every=every)


def test_a_folder_that_is_not_there(tmp_path, capsys):
    """It is missed before the training, not after."""
    X, y = make_data(BackpropRegressor)
    model = fit_quietly(BackpropRegressor(max_iter=2, random_state=0), X, y)
    model.set_callbacks(Checkpoint(tmp_path / "not there" / "model"), Observer(print))
    before = snapshot(model)
    with pytest.raises(FileNotFoundError, match="not there"):
        model.fit(X, y)
    assert snapshot(model) == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("step", ["joblib.dump", "os.fsync", "os.replace"])
def test_a_disk_that_is_full(step, tmp_path, monkeypatch):
    """The error is raised, the estimator stays as it was, and so does the file of the epoch before."""
    X, y = make_data(BackpropRegressor)
    model = fit_quietly(BackpropRegressor(max_iter=2, random_state=0), X, y)
    model.set_callbacks(Checkpoint(tmp_path / "model"))
    before = snapshot(model)
    module, name = step.split(".")
    real, calls = getattr(getattr(_callbacks, module), name), []

    def full(*args):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(f"skbackprop._callbacks.{module}.{name}", full)
    with pytest.raises(OSError, match="No space"):
        model.set_params(max_iter=9).fit(X, y)
    before["max_iter"] = snapshot(model)["max_iter"]
    assert snapshot(model) == before
    assert joblib.load(tmp_path / "model").n_iter_ == 2
    assert os.listdir(tmp_path) == ["model"]


# ---- kill -9 -------------------------------------------------------------------------------------------------------

CHILD = """
import os, sys, joblib
from skbackprop import Checkpoint
{before}
model, X, y, path = joblib.load(sys.argv[1])
model.set_callbacks(Checkpoint(path)).fit(X, y)
"""


def start(folder, model, X, y, before=""):
    """Fit in another process, whose checkpoint is folder / "model"; `before` is run first."""
    joblib.dump((model, X, y, folder / "model"), folder / "job")
    return subprocess.Popen([sys.executable, "-c", CHILD.format(before=before), folder / "job"], cwd=ROOT)


def kill_after(process, path, seconds):
    """Kill it in the midst of its training, so many seconds after its first file."""
    try:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(seconds)
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("name", ["shuffle, nesterov, invscaling", "adam, batches, csr"])
def test_killed_twice(name, tmp_path):
    """Killed, resumed, killed again and resumed: bit for bit the weights of a fit that was left alone.

    What other files hold is in test_from_every_epoch_on.
    """
    model, X, y = case(BackpropRegressor, name, max_iter=FOREVER)
    path = tmp_path / "model"
    for seconds in (0.0, 0.1):
        path.unlink(missing_ok=True)
        kill_after(start(tmp_path, model, X, y), path, seconds)
        model = joblib.load(path)
        model.set_params(warm_start=True, max_iter=model.max_iter - model.n_iter_)
    resumed = resume(path, X, y, epochs=3)
    whole, *_ = case(BackpropRegressor, name, max_iter=len(resumed.loss_curve_))
    assert len(resumed.loss_curve_) > 5
    assert same_bits(resumed, fit_quietly(whole, X, y))


KILL = """
import os, pickle, signal
real, calls = {function}, []
def kill_in_the_third(*args):
    calls.append(args)
    if len(calls) == 3:
        {first}
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)
{function} = kill_in_the_third
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize(
    ("function", "first", "epochs"),
    [
        ("joblib.dump", "args[1].write(pickle.dumps(args[0])[:500]); args[1].flush()", 2),  # a part is written
        ("os.fsync", "pass", 2),  # all is written
        ("os.replace", "pass", 2),  # it is on the disk
        ("os.replace", "real(*args)", 3),  # it is in its place
    ],
)
def test_killed_while_saving(function, first, epochs, tmp_path):
    model, X, y = case(BackpropClassifier, "lecture", max_iter=9)
    process = start(tmp_path, model, X, y, before=KILL.format(function=function, first=first))
    assert process.wait() == -signal.SIGKILL
    assert joblib.load(tmp_path / "model").n_iter_ == epochs
    whole, *_ = case(BackpropClassifier, "lecture", max_iter=9)
    assert same_bits(resume(tmp_path / "model", X, y), fit_quietly(whole, X, y))


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_time(seed, tmp_path):
    """The file is large and an epoch short, so that nearly all the time is spent saving."""
    X, y = make_data(BackpropRegressor, n=3, n_features=100)
    model = BackpropRegressor((5000,), max_iter=FOREVER, n_iter_no_change=np.inf, random_state=0)
    kill_after(start(tmp_path, model, X, y), tmp_path / "model", np.random.default_rng(seed).uniform(0, 0.3))
    saved = joblib.load(tmp_path / "model")
    assert saved.n_iter_ == len(saved.loss_curve_) >= 1
    whole = fit_quietly(model.set_params(max_iter=saved.n_iter_), X, y)
    assert same_bits(saved, whole)
