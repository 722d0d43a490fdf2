"""scikit-learn's callbacks: one task for a fit, one in it for each epoch."""

import pickle

import numpy as np
import pandas as pd
import pytest
from faults import every_estimator
from helpers import fit_quietly, make_data, same_bits, snapshot
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, Checkpoint, _callbacks

callback = pytest.importorskip("sklearn.callback")


class Recorder:
    """Writes down the tasks; ends training after `last` epochs, or raises then."""

    def __init__(self, last=None, error=None):
        self.tasks, self.last, self.error = [], last, error

    def setup(self, estimator, context):
        self.tasks.append("setup")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.tasks.append(("end", context.task_name, context.task_id))
        if context.task_name == "epoch":
            assert fitted_estimator.n_iter_ == context.task_id + 1
            assert np.isfinite(fitted_estimator.score(X, y))
            if context.task_id + 1 == self.last:
                if self.error is not None:
                    raise self.error
                return True


@pytest.mark.parametrize("settings", [{}, dict(solver="adam", batch_size=4), dict(solver="lbfgs")])
@every_estimator
def test_tasks(estimator, settings):
    X, y = make_data(estimator)
    recorder = Recorder()
    model = estimator(max_iter=3, random_state=0, **settings).set_callbacks(recorder)
    fit_quietly(model, X, y)
    epochs = [(when, "epoch", k) for k in range(3) for when in ("begin", "end")]
    assert recorder.tasks == ["setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"]
    assert same_bits(model, fit_quietly(estimator(max_iter=3, random_state=0, **settings), X, y))


@pytest.mark.parametrize("settings", [{}, dict(solver="lbfgs")])
def test_a_callback_ends_the_training(settings):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(random_state=0, **settings).set_callbacks(Recorder(last=4)).fit(X, y)
    assert model.n_iter_ == 4


def test_an_error_in_a_callback_loses_nothing():
    X, y = make_data(BackpropClassifier)
    model = fit_quietly(BackpropClassifier(max_iter=3, random_state=0), X, y)
    recorder = Recorder(last=2, error=RuntimeError("mine"))
    model.set_callbacks(recorder)
    before = {name: value for name, value in snapshot(model).items() if name != "_skl_callbacks"}
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X[:, :2], y)
    assert {name: value for name, value in snapshot(model).items() if name != "_skl_callbacks"} == before
    assert recorder.tasks[-1] == "teardown"


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_the_scoring_monitor_everywhere():
    X, y = make_data(BackpropClassifier)
    frame = pd.DataFrame(X, columns=list("abcd"))
    for data in (X, frame):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        model = BackpropClassifier(max_iter=4, random_state=0).set_callbacks(monitor).fit(data, y)
        scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
        assert len(scores) == 4
        assert scores[-1] == model.score(data, y)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    inner = BackpropClassifier(max_iter=4, random_state=0).set_callbacks(monitor)
    make_pipeline(StandardScaler(), inner).fit(frame, y)
    assert sum(row["task_name"] == "epoch" for row in monitor.get_logs().data) == 4


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
def test_the_progress_bar_everywhere(capsys):
    pytest.importorskip("rich")
    X, y = make_data(BackpropClassifier)
    models = [BackpropClassifier(max_iter=3, random_state=0) for _ in range(3)]
    models[1] = make_pipeline(StandardScaler(), models[1])
    models[2] = GridSearchCV(models[2], {"learning_rate": [0.01, 0.1]}, cv=2)
    for model in models:
        model.set_callbacks(callback.ProgressBar()).fit(X, y)
        assert "BackpropClassifier" in capsys.readouterr().out


def test_clones_and_pickles():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(max_iter=2, random_state=0).set_callbacks(Recorder())
    fit_quietly(model, X, y)
    fit_quietly(clone(model), X, y)
    assert same_bits(pickle.loads(pickle.dumps(model)), model)


def test_partial_fit_has_no_tasks():
    X, y = make_data(BackpropRegressor)
    recorder = Recorder()
    BackpropRegressor().set_callbacks(recorder).partial_fit(X, y)
    assert recorder.tasks == []


def test_a_checkpoint_where_scikit_learn_has_no_callbacks(monkeypatch, tmp_path):
    """The error says what works everywhere."""

    class Without:
        __module__ = _callbacks.__name__

    monkeypatch.setattr(_callbacks, "CallbackSupportMixin", Without)
    with pytest.raises(ImportError, match=r"1\.9.*partial_fit.*joblib\.dump"):
        Checkpoint(tmp_path / "model.joblib")
