"""trace_step: every number of one step, held against the lecture in plain NumPy and against what training does."""

import re

import numpy as np
import pytest
from helpers import OUTPUTS, fit_quietly, make_data, make_network, make_samples, snapshot
from oracle_extensions import one_sample
from scipy.special import expit, xlogy
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS
from skbackprop.inspection import trace_step
from skbackprop.inspection._page import Setting
from skbackprop.inspection._trace import LOSSES, trace

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
    static = step._table()
    for table in (repr(step), static):
        for symbol in ("a⁰", "W¹", "b¹", "z¹", "a²", "σ′(z¹)", "δ²", "δ¹", "∇W¹", "new W¹", "∇b²", "new b²", "fᵢ"):
            assert symbol in table
        for array in (step.a, step.z, step.delta, step.derivative, step.grad_W, step.W_after, step.b_after):
            for value in np.concatenate([part.ravel() for part in array.values()]):
                text = "0" if value == 0 else f"{value:#.4g}".removesuffix(".").replace("-", "−").replace("e−0", "e−")
                assert re.search(rf"(?<![\d.]){re.escape(text)}(?![\d.e])", table), text
        assert "α" not in table
        assert table.index("z²") < table.index("δ²") < table.index("δ¹") < table.index("new W²") < table.index("new W¹")
        assert table.index("new b¹") < table.index("fᵢ at the new weights") < table.rindex(f"{step.loss_after:#.4g}")
    assert static in step._repr_html_()  # where scripts do not run
    assert static.count("<td>fᵢ") == 2


def test_table_has_one_notation_of_numbers():
    model = BackpropRegressor((3,), random_state=0).partial_fit([[1e3, 1e-7], [-2.0, 0.0]], [0.0, 1.0])
    step = trace_step(model, [1e-7, -2345.678], 1e6)
    numbers = re.findall(r"(?<!\S)−?\d[\d.e+−]*(?=[*]?(?:\s|$))", "\n".join(repr(step).splitlines()[1:]))
    four_digits = r"−?(0|0\.0*[1-9]\d{3}|[1-9](\.\d{3})(e−?[1-9]\d*)?|[1-9]\d(\.\d\d)|[1-9]\d\d(\.\d)|[1-9]\d{3}|[123])"
    assert len(numbers) > 50
    assert [number for number in numbers if not re.fullmatch(four_digits, number)] == []
    assert "-" not in re.sub(r"<[^>]*>", "", step._table())


def test_table_lights_what_the_step_changes():
    """With x₂ = 0 the weights of x₂ stay."""
    X, y = np.array([[0.5, -1.0], [1.0, 2.0]]), [0, 1]
    step = trace_step(BackpropClassifier((3,), random_state=0).partial_fit(X, y, classes=y), [1.0, 0.0], 1)
    for marked, pattern in ((step._table(), r"<mark>(−?\d[^<]*)</mark>"), (repr(step), r"(−?\d[\d.e−+]*)\*")):
        numbers = [float(text.replace("−", "-")) for text in re.findall(pattern, marked)]
        changed = [*step.W_after[2].ravel(), *step.b_after[2], *step.W_after[1][:, 0], *step.b_after[1]]
        np.testing.assert_allclose(numbers, [*changed, step.loss_after], rtol=1e-3)


@pytest.mark.parametrize("name", HIDDEN_ACTIVATIONS)
def test_table_says_the_formula_of_the_derivative(name):
    model = BackpropRegressor((3,), activation=name, random_state=0).partial_fit(np.eye(2), [0.0, 1.0])
    step = trace_step(model, [0.3, -0.7], 1.0)
    (line,) = re.findall(r"^  σ′\(z¹\) = (.*?)(?:  |\n)", repr(step), re.MULTILINE)
    a, z = step.a[1], step.z[1]
    value = {
        "1": np.ones(3),
        "a¹ ⊙ (1 − a¹)": a * (1 - a),
        "1 − (a¹)²": 1 - a**2,
        "1 if z > 0, else 0": np.where(z > 0, 1, 0),
        "1 if z > 0, else 0.01": np.where(z > 0, 1, 0.01),
        "1 / (1 + e^−z)": expit(z),
        "s + z s (1 − s), s = 1 / (1 + e^−z)": expit(z) + z * expit(z) * (1 - expit(z)),
        "Φ(z) + z φ(z)": norm.cdf(z) + z * norm.pdf(z),
    }[line]
    np.testing.assert_allclose(value, step.derivative[1], rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_table_says_the_formula_of_the_loss(loss):
    network = make_network([3, 4, 2], ["tanh", dict((v, k) for k, v in OUTPUTS)[loss]], loss)
    samples = make_samples([3, 4, 2], loss)
    names = ["x₁", "x₂", "x₃"], ["1", "2"]
    step = trace(network, Setting(samples, loss, network.quantile, *names, []), 0, 0.1, 0.0, network.folded())
    (line,) = re.findall(r"^  fᵢ = (.*?)(?:  |\n)", repr(step), re.MULTILINE)
    y, a, q = step.y, step.a[2], network.quantile
    e = a - y
    value = {
        "Σₖ (a² − y)²": e**2,
        "Σₖ |a² − y|": abs(e),
        "Σₖ e² if |e| ≤ 1, else 2 |e| − 1; e = a² − y": np.where(abs(e) <= 1, e**2, 2 * abs(e) - 1),
        f"Σₖ (1 − q) e if e > 0, else −q e; e = a² − y, q = {q:g}": np.where(e > 0, (1 - q) * e, -q * e),
        "Σₖ y log(y / a²) − y + a²": xlogy(y, y / abs(a)) - y + a,
        "−Σₖ [y log a² + (1 − y) log(1 − a²)]": -xlogy(y, abs(a)) - xlogy(1 - y, abs(1 - a)),
        "−Σₖ y log a²": -xlogy(y, abs(a)),
    }[line]
    np.testing.assert_allclose(value.sum(), step.loss, rtol=1e-12)


def test_table_has_names():
    iris, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "<i>versicolor</i>", "virginica"])[y]
    model = BackpropClassifier((2,), random_state=0).partial_fit(iris, names, classes=sorted(set(names)))
    step = trace_step(model, iris[:1], "setosa")
    text, html = repr(step), step._table()
    assert "y = setosa " in text and "sepal length …" in text and "virginica" in text
    assert "<th>sepal length (cm)</th>" in html
    assert "<th>&lt;i&gt;versicolor&lt;/i&gt;</th>" in html
    assert "<i>" not in html


def test_table_of_a_large_network_leaves_out_the_middle():
    X = np.linspace(-1, 1, 200).reshape(2, 100)
    step = trace_step(BackpropRegressor((50,), random_state=0).partial_fit(X, [0.0, 1.0]), X[0], 1.0)
    assert "…" in repr(step) and "x₁₀₀" in repr(step)
    assert max(map(len, repr(step).splitlines())) < 130
    assert repr(step).count("\n") < 100


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
