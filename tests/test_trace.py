"""trace_step: every number of one step, held against the lecture in plain NumPy and against what training does."""

import numpy as np
import pytest
from helpers import fit_quietly, make_data, snapshot
from oracle_extensions import one_sample
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS
from skbackprop.inspection import trace_step

MODELS = [
    BackpropClassifier(()),
    BackpropClassifier((3, 2), alpha=0.1),
    BackpropClassifier((3,), loss="log_loss"),
    *(BackpropRegressor((3, 2), activation=name) for name in HIDDEN_ACTIVATIONS),
    BackpropRegressor((3,), output_activation="logistic"),
    BackpropRegressor((3,), loss="absolute_error"),
    BackpropRegressor((3,), loss="huber"),
    BackpropRegressor((3,), loss="quantile", quantile=0.2),
    BackpropRegressor((3,), loss="poisson"),
    BackpropAutoencoder(hidden_layer_sizes=(3,), activation="tanh"),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_is_the_step_of_the_lecture(model):
    X, y = make_data(model)
    fit_quietly(model.set_params(max_iter=3, random_state=0), X, y)
    step = trace_step(model, X[5], y[5], learning_rate=0.1)

    layers = range(1, model.n_layers_)
    W, b = [W.T for W in model.coefs_], list(model.intercepts_)
    loss = {"log_loss": "multinomial_log_loss"}.get(
        getattr(model, "loss", None), getattr(model, "loss", "squared_error")
    )
    quantile = getattr(model, "quantile", 0.5)
    names = list(step.activations.values())
    f, grad_W, grad_b = one_sample(W, b, X[5], step.y, names, loss, quantile=quantile)
    assert step.loss == pytest.approx(f, rel=1e-12)
    assert np.array_equal(step.a[0], X[5])
    for l, a in zip(layers, model.activations(X[[5]]), strict=True):
        np.testing.assert_allclose(step.a[l], a[0], rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(step.z[l], W[l - 1] @ step.a[l - 1] + b[l - 1], rtol=1e-12)
        np.testing.assert_allclose(step.grad_W[l], grad_W[l - 1], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(step.delta[l], grad_b[l - 1], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(step.grad_W[l], np.outer(step.delta[l], step.a[l - 1]), rtol=1e-12)
        np.testing.assert_allclose(
            step.W_after[l], W[l - 1] - 0.1 * (step.grad_W[l] + model.alpha * W[l - 1]), rtol=1e-12
        )
        np.testing.assert_allclose(step.b_after[l], b[l - 1] - 0.1 * step.grad_b[l], rtol=1e-12)
    for l in layers[:-1]:
        delta = (W[l].T @ step.delta[l + 1]) * step.derivative[l]
        np.testing.assert_allclose(step.delta[l], delta, rtol=1e-10, atol=1e-14)


def harmonic(epoch):
    return 1 / (1 + epoch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_step_that_training_makes(dtype):
    X, y = make_data(BackpropClassifier, dtype=dtype)
    model = fit_quietly(BackpropClassifier((5,), learning_rate=harmonic, max_iter=2, random_state=0), X, y)
    before = snapshot(model)
    step = trace_step(model, X[0], y[0])
    assert step.tau == 1 / 3  # of the epoch to come
    assert snapshot(model) == before
    model.partial_fit(X[:1], y[:1])
    for l in (1, 2):
        assert step.W_after[l].dtype == dtype
        assert np.array_equal(step.W_after[l], model.coefs_[l - 1].T)
        assert np.array_equal(step.b_after[l], model.intercepts_[l - 1])


def test_targets_of_every_kind():
    X, y = make_data(BackpropClassifier)
    names = np.array(["no", "yes", "maybe"])[y]
    model = BackpropClassifier((2,)).partial_fit(X, names, classes=["maybe", "no", "yes"])
    assert np.array_equal(trace_step(model, X[0], "no").y, [0, 1, 0])
    assert np.array_equal(trace_step(model, X[:1], ["no"]).y, [0, 1, 0])
    labels = np.column_stack([y > 0, y > 1])
    assert np.array_equal(
        trace_step(BackpropClassifier((2,)).partial_fit(X, labels, classes=[0, 1]), X[0], [1, 0]).y, [1, 0]
    )
    two = BackpropRegressor((2,)).partial_fit(X, labels * 1.0)
    assert np.array_equal(trace_step(two, X[0], [0.25, 3]).y, [0.25, 3])


def test_table_shows_every_array():
    model = BackpropRegressor((2,), random_state=0).partial_fit([[0.0, 0.0]], [0.0])
    step = trace_step(model, [1, 2], 3)
    for table in (repr(step), step._repr_html_()):
        for symbol in ("a⁰", "W¹", "b¹", "z¹", "a²", "σ′(z¹)", "δ²", "δ¹", "∇W¹", "new W¹", "∇b²", "new b²", "fᵢ"):
            assert symbol in table
        assert np.array2string(step.grad_W[1], precision=4).splitlines()[0] in table
        assert "α" not in table
        assert table.index("z²") < table.index("δ²") < table.index("δ¹") < table.index("new W²") < table.index("new W¹")
    assert step._repr_html_().count("<tr>") == 24  # head, a⁰, 2 × 4 forward, y, f, 2 × 2 backprop, 2 × 4 update


def test_in_a_pipeline():
    """The sample passes the steps before the network."""
    X, y = make_data(BackpropClassifier)
    pipeline = make_pipeline(StandardScaler(), BackpropClassifier((2,), max_iter=3, n_iter_no_change=1, tol=9.0))
    step = trace_step(pipeline.fit(X, y), X[0], y[0])
    alone = trace_step(pipeline[-1], pipeline[:-1].transform(X[:1]), y[0])
    assert np.array_equal(step.W_after[1], alone.W_after[1])
    assert not np.allclose(step.a[0], X[0])


def test_what_is_wrong_is_named():
    X, y = make_data(BackpropClassifier)
    model = BackpropClassifier((2,)).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(TypeError, match="LogisticRegression"):
        trace_step(LogisticRegression(), X[0], y[0])
    with pytest.raises(NotFittedError):
        trace_step(BackpropClassifier(), X[0], y[0])
    with pytest.raises(ValueError, match="one sample; got 40"):
        trace_step(model, X, y)
    with pytest.raises(ValueError, match=r"^y has classes .*: \[7\]"):
        trace_step(model, X[0], 7)
    with pytest.raises(ValueError, match=r"^y must .* the shape \(1, 2\)"):
        trace_step(model, X[0], [1, 2])
    several = BackpropRegressor((2,)).partial_fit(X, X[:, :2])
    with pytest.raises(ValueError, match=r"^y must have 2 value\(s\); got 3"):
        trace_step(several, X[0], [1, 2, 3])
    for without_y in (model, several):
        with pytest.raises(ValueError, match=r"^y must be given"):
            trace_step(without_y, X[0])
    labels = BackpropClassifier((2,)).partial_fit(X, (X > 0).astype(int), classes=range(4))
    for bad in ([0, 1, 1], [0, 1, 1, 7], 1):
        with pytest.raises(ValueError, match=r"^y must"):
            trace_step(labels, X[0], bad)
    counts = BackpropRegressor((2,), output_activation="logistic").partial_fit(X, y / 2)
    with pytest.raises(ValueError, match=r"; y goes from 3\.0 to 3\.0"):
        trace_step(counts, X[0], 3.0)
    autoencoder = BackpropAutoencoder(hidden_layer_sizes=(2,), output_activation="softplus").partial_fit(abs(X))
    with pytest.raises(ValueError, match="; X goes from"):
        trace_step(autoencoder, -abs(X[0]))
    with pytest.raises(ValueError, match="expecting 4 features"):
        trace_step(model, X[0, :3], 1)
    for bad in (0.0, -1.0, np.nan, np.inf, "0.1"):
        with pytest.raises(ValueError, match=f"learning_rate must be a finite number > 0; got {bad!r}"):
            trace_step(model, X[0], 1, learning_rate=bad)
