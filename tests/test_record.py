"""record: the steps are those that training makes, and their numbers the kernel's and the lecture's."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import MAX_ITER, fit_quietly, make_data, snapshot
from oracle import backpropagation
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop.inspection import record, trace_step

X, Y = make_moons(30, noise=0.15, random_state=0)
MODELS = [
    BackpropClassifier((8,), random_state=1),
    BackpropClassifier((3, 2), loss="log_loss", learning_rate_schedule="invscaling", random_state=1),
    BackpropClassifier((4,), sampling="shuffle", alpha=0.01, random_state=1),
    BackpropClassifier((4,), class_weight={0: 1.5, 1: 1.0}, random_state=1),
    BackpropClassifier((4,), class_weight={0: 1.5, 1: 1.0}, sampling="shuffle", random_state=1),
    BackpropClassifier((4,), early_stopping=True, random_state=1),
    BackpropClassifier((), random_state=1),
    BackpropRegressor((5,), activation="tanh", loss="huber", random_state=1),
    BackpropAutoencoder(hidden_layer_sizes=(1,), random_state=1),
]


def end_of(recording):
    last = recording[len(recording) - 1]
    return [last.W_after[l].T for l in sorted(last.W)], [last.b_after[l] for l in sorted(last.b)]


def same_weights(recording, model):
    W, b = end_of(recording)
    return all(map(np.array_equal, W + b, model.coefs_ + model.intercepts_))


def test_all_draws_of_a_fit_can_be_recorded():
    model = BackpropClassifier((3,), max_iter=50, tol=0.05, random_state=0)
    recording = record(model, X, Y, n_steps=10**9)
    fitted = fit_quietly(clone(model), X, Y)
    assert len(recording) == fitted.t_ == fitted.n_iter_ * len(X)
    assert same_weights(recording, fitted)
    assert len(np.unique(recording.draws)) == len(X)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_first_steps_are_those_of_fit(model):
    model = clone(model).set_params(max_iter=4)
    data = (X,) if isinstance(model, BackpropAutoencoder) else (X, Y)
    before = snapshot(model)
    recording = record(model, *data, n_steps=1000)
    assert snapshot(model) == before
    fitted = fit_quietly(model, *data)
    assert len(recording) == fitted.t_ == 4 * recording.epoch_length
    if not model.get_params().get("early_stopping"):  # else the weights of the best epoch count
        assert same_weights(recording, fitted)
    means = recording.losses.reshape(4, -1).mean(axis=1)
    np.testing.assert_allclose(means, fitted.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_next_steps_are_those_of_partial_fit(dtype):
    data, y = X.astype(dtype), Y
    model = fit_quietly(BackpropClassifier((6,), alpha=0.1, max_iter=3, random_state=2), data, y)
    before = snapshot(model)
    recording = record(model, data, y, n_steps=2 * len(data))
    assert snapshot(model) == before
    model.partial_fit(data, y).partial_fit(data, y)
    assert same_weights(recording, model)
    assert recording[0].W[1].dtype == dtype


def test_a_part_of_a_training_is_its_beginning():
    model = BackpropClassifier((4,), random_state=0)
    long, short = record(model, X, Y, n_steps=70), record(model, X, Y, n_steps=45)
    assert len(short) == 45
    assert np.array_equal(short.draws, long.draws[:45])
    assert np.array_equal(short[44].W_after[1], long[44].W_after[1])
    assert np.array_equal(short.losses_after, long.losses_after[:45])


def test_the_steps_are_those_of_the_lecture():
    """Draw for draw the oracle in plain NumPy."""
    recording = record(BackpropClassifier((8,), learning_rate=0.5, random_state=0), X, Y, n_steps=80)
    first = recording[0]
    W, b = [first.W[l].copy() for l in (1, 2)], [first.b[l].copy() for l in (1, 2)]
    losses = backpropagation(W, b, X, Y[:, np.newaxis].astype(float), recording.draws, 0.5)
    np.testing.assert_allclose(recording.losses, losses, rtol=1e-10)
    last = recording[-1]
    for l in (1, 2):
        np.testing.assert_allclose(last.W_after[l], W[l - 1], rtol=1e-10)
        np.testing.assert_allclose(last.b_after[l], b[l - 1], rtol=1e-10)


def test_each_step_is_what_trace_step_says():
    model = BackpropClassifier((5,), random_state=0).partial_fit(X, Y, classes=[0, 1])
    recording = record(model, X, Y, n_steps=len(X) + 5)
    for t in (0, 1, len(X) + 4):
        step, row = recording[t], recording.draws[t]
        model.coefs_ = [step.W[l].T for l in (1, 2)]
        model.intercepts_ = [step.b[l] for l in (1, 2)]
        one = trace_step(model, X[row], Y[row], learning_rate=recording.taus[t])
        for name in ("z", "a", "derivative", "delta", "grad_W", "grad_b", "W_after", "b_after"):
            for l, values in getattr(one, name).items():
                assert np.array_equal(values, getattr(step, name)[l]), (t, name, l)
        assert one.loss == step.loss == recording.losses[t]
        assert one.loss_after == step.loss_after == recording.losses_after[t]


def test_a_training_that_stops_ends_the_recording():
    model = BackpropClassifier((2,), tol=1e6, n_iter_no_change=1, random_state=0)
    fitted = clone(model).fit(X, Y)
    assert len(record(model, X, Y, n_steps=10_000)) == fitted.t_ < 10_000


def test_a_training_that_diverges_ends_the_recording():
    model = BackpropRegressor((3,), activation="relu", learning_rate=1e4, random_state=0)
    recording = record(model, X, Y, n_steps=500)
    assert 0 < len(recording) < 500
    assert np.isfinite(recording.losses).all()
    assert np.isfinite(recording[-1].W_after[1]).all()
    fitted = BackpropRegressor((3,), activation="relu", random_state=0).partial_fit(X, Y)
    assert 0 < len(record(fitted.set_params(learning_rate=1e4), X, Y, n_steps=500)) < 500
    with pytest.raises(ValueError, match="first step diverges"):
        record(clone(model).set_params(learning_rate=1e308), X * 1e150, Y)


def test_sparse_samples():
    model = BackpropClassifier((4,), random_state=0)
    dense, sparse = record(model, X, Y, n_steps=9), record(model, sp.csr_array(X), Y, n_steps=9)
    assert np.array_equal(dense.draws, sparse.draws)
    np.testing.assert_allclose(dense[8].W_after[1], sparse[8].W_after[1], rtol=1e-12)
    assert np.array_equal(dense[8].a[0], sparse[8].a[0])


def test_in_a_pipeline_and_in_a_search():
    pipeline = make_pipeline(StandardScaler(), BackpropClassifier((3,), max_iter=3, random_state=0))
    unfitted = record(pipeline, X, Y, n_steps=40)
    alone = record(pipeline[-1], StandardScaler().fit_transform(X), Y, n_steps=40)
    assert np.array_equal(unfitted[39].W_after[1], alone[39].W_after[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MAX_ITER)
        search = GridSearchCV(pipeline, {"backpropclassifier__alpha": [0.0]}, cv=2).fit(X, Y)
    best = search.best_estimator_
    assert np.array_equal(record(search, X, Y, n_steps=5).losses, record(best, X, Y, n_steps=5).losses)


def test_callbacks_are_not_called():
    if not hasattr(BackpropClassifier, "set_callbacks"):
        pytest.skip("scikit-learn has no callbacks")
    from helpers import Observer

    calls = []
    model = BackpropClassifier((2,), max_iter=2).set_callbacks(Observer(calls.append))
    record(model, X, Y, n_steps=1000)
    assert not calls


def test_names_come_from_the_data():
    frame, labels = pd.DataFrame(X, columns=["width", "$height"]), np.array(["red", "<b>"])[Y]
    for model in (BackpropClassifier((2,)), BackpropClassifier((2,)).partial_fit(frame, labels, ["red", "<b>"])):
        setting = record(model, frame, labels, n_steps=1)[0].setting
        assert setting.features == ["width", "$height"]
        assert setting.classes == ["<b>", "red"]
        assert setting.outputs == ["red"]
    X4, y4 = make_data(BackpropClassifier)
    setting = record(BackpropClassifier((2,)), X4, y4, n_steps=1, class_names=["u", "v", "w"])[0].setting
    assert setting.features == ["x₁", "x₂", "x₃", "x₄"]
    assert setting.outputs == setting.classes == ["u", "v", "w"]
    assert record(BackpropRegressor((2,)), X, X, n_steps=1)[0].setting.outputs == ["ŷ₁", "ŷ₂"]


def test_steps_are_counted_as_in_a_list():
    recording = record(BackpropClassifier((2,), random_state=0), X, Y, n_steps=3)
    assert len(recording) == len(list(recording)) == 3
    assert repr(recording) == "<Recording: 3 steps of a 2-2-1 network on 30 samples>"
    assert recording[-1].loss == recording[2].loss
    for bad in (3, -4):
        with pytest.raises(IndexError, match="steps 0 to 2"):
            recording[bad]
    with pytest.raises(TypeError, match="integer"):
        recording[0:2]


def test_what_is_wrong_is_named():
    for bad in (0, -1, 1.5, True, None):
        with pytest.raises(ValueError, match=r"n_steps must be an integer of at least 1"):
            record(BackpropClassifier(), X, Y, n_steps=bad)
    for wrong in (
        {"solver": "adam"},
        {"solver": "lbfgs"},
        {"batch_size": 2},
        {"momentum": 0.5},
        {"dropout": 0.5},
        {"dropout": [0.5, 0]},
    ):
        (name, value), *_ = wrong.items()
        with pytest.raises(ValueError, match=f"the lecture's steps.* has {name}={re.escape(repr(value))}"):
            record(BackpropClassifier(**wrong), X, Y)
    with pytest.raises(TypeError, match="LogisticRegression"):
        record(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="NaN"):
        record(BackpropClassifier(), X * np.nan, Y)
    with pytest.raises(ValueError, match="feature_names must be 2 names"):
        record(BackpropClassifier(), X, Y, n_steps=1, feature_names=["one"])
