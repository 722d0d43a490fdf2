"""What is predicted: labels, probabilities, numbers."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fitted, make_data, multilabel_data, same_bits, weights_of
from oracle import sigma
from oracle_extensions import ACTIVATIONS
from scipy.special import log_softmax, softmax
from sklearn.exceptions import DataConversionWarning

from skbackprop import BackpropClassifier, BackpropRegressor

DTYPES = [np.float32, np.float64]


def probabilities(model, X):
    """predict_proba and predict_log_proba, which must agree wherever a probability is not 0 in floating point."""
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    eps, large = np.finfo(p.dtype).eps, p > 1e6 * np.finfo(p.dtype).tiny
    np.testing.assert_allclose(np.log(p[large]), log_p[large], rtol=200 * eps, atol=4 * eps)
    return p


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1, 100, 1e4, 1e8])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_probabilities(kind, loss, scale, dtype):
    """Also with z^L far beyond what e^z can hold, of either sign, and negative in all outputs."""
    X, y = multilabel_data() if kind == "multilabel" else make_data(BackpropClassifier)
    if kind == "binary":
        y = (y > 0) * 1
    model = fitted(BackpropClassifier, X.astype(dtype), y, loss=loss)
    model.coefs_[-1] *= dtype(scale)
    for shift in (0, -scale, scale):
        model.intercepts_[-1][:] = shift
        p = probabilities(model, X)
        assert p.dtype == dtype
        z = model.decision_function(X).astype(np.float64)
        predicted = model.predict(X)
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        if kind == "multilabel":
            assert ((p > 0) & (p < 1)).all()
            np.testing.assert_array_equal(predicted, p > 0.5)
            continue
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=tolerance)
        if kind == "binary":
            np.testing.assert_array_equal(predicted, z > 0)
            expected = softmax(np.column_stack([np.zeros(40), z]), axis=1)
        elif loss == "log_loss":
            np.testing.assert_array_equal(predicted, z.argmax(axis=1))
            expected = softmax(z, axis=1)
        else:  # sigma(z_k) / sum_j sigma(z_j), with log sigma(z) = -log(1 + e^-z)
            np.testing.assert_array_equal(predicted, z.argmax(axis=1))
            expected = np.exp(log_softmax(-np.logaddexp(0, -z), axis=1))
        np.testing.assert_allclose(p, expected, rtol=100 * tolerance, atol=1e-30)


def test_probabilities_under_the_squared_error():
    """Written out, where nothing overflows: the outputs of the units, divided by their sum."""
    X, y = make_data(BackpropClassifier)
    model = fitted(BackpropClassifier, X, y)
    a = sigma(model.decision_function(X))
    np.testing.assert_allclose(model.predict_proba(X), a / a.sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(model.activations(X)[-1], a, rtol=1e-12)


def test_multilabel():
    X, Y = multilabel_data()
    model = fitted(BackpropClassifier, X, Y, max_iter=200)
    assert model.predict(X).shape == Y.shape
    assert model.predict(X).dtype.kind == "i"
    assert model.score(X, Y) > 0.8
    for other in (Y.tolist(), Y.astype(bool), Y.astype(float), sp.csr_array(Y)):
        assert same_bits(fitted(BackpropClassifier, X, other, max_iter=200), model)


def test_multilabel_in_parts():
    X, Y = multilabel_data()
    whole = fitted(BackpropClassifier, X, Y, max_iter=3, n_iter_no_change=np.inf)
    parts = BackpropClassifier(random_state=0)
    for _ in range(3):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    assert same_bits(whole, parts)


@pytest.mark.parametrize("dtype", DTYPES)
def test_multi_output_regression(dtype):
    X, y = make_data(BackpropRegressor, dtype=dtype)
    Y = np.column_stack([y, -y, 2 * y])
    model = fitted(BackpropRegressor, X, Y, max_iter=500, learning_rate=0.01, n_iter_no_change=np.inf)
    assert model.n_outputs_ == 3
    assert model.predict(X).shape == (40, 3)
    assert model.score(X, Y) > 0.8
    single = fitted(BackpropRegressor, X, y)
    assert single.predict(X).shape == (40,)
    assert single.n_outputs_ == 1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_column_is_a_vector_with_a_warning(estimator):
    X, y = make_data(estimator)
    with pytest.warns(DataConversionWarning):
        model = fitted(estimator, X, y.reshape(-1, 1))
    assert same_bits(model, fitted(estimator, X, y))
    assert model.predict(X).shape == (40,)


@pytest.mark.parametrize(
    ("output_activation", "low", "high"),
    [("logistic", 0, 1), ("tanh", -1, 1), ("exp", 0, np.inf), ("softplus", 0, np.inf), ("identity", -np.inf, np.inf)],
)
def test_output_activation(output_activation, low, high):
    """The predictions are a^L, in its range; values at the ends of the range may be trained on."""
    X, y = make_data(BackpropRegressor)
    y = np.clip(y, 0.2, 0.8) if np.isinf(high) else np.round(y) * (high - low) + low
    y[0], y[1] = max(low, -3), min(high, 3)
    model = fitted(BackpropRegressor, X, y, output_activation=output_activation)
    assert model.out_activation_ == output_activation
    z = model.transform(X) @ model.coefs_[-1] + model.intercepts_[-1]
    np.testing.assert_allclose(model.predict(X), ACTIVATIONS[output_activation][0](z).ravel(), rtol=1e-12)
    far = model.predict(100 * X)
    assert ((far >= low) & (far <= high)).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_predictions_do_not_depend_on_the_batch(estimator, layout):
    X, y = make_data(estimator, n=2500)
    model = fitted(estimator, X[:40], y[:40], (6, 3))
    X = layout(X)
    whole = model.activations(X)
    for k in (0, 999, 1000, 1001, 2499):
        for layer, row in zip(whole, model.activations(X[k : k + 1]), strict=True):
            np.testing.assert_allclose(layer[k], row[0], rtol=1e-12)
    assert len(model.predict(X)) == 2500


def test_predictions_change_nothing():
    X, y = make_data(BackpropClassifier)
    model = fitted(BackpropClassifier, X, y, (), loss="log_loss")
    before = X.copy(), weights_of(model)
    for method in (model.predict, model.predict_proba, model.predict_log_proba, model.activations, model.transform):
        method(X)
    np.testing.assert_array_equal(X, before[0])
    for a, b in zip(weights_of(model), before[1], strict=True):
        np.testing.assert_array_equal(a, b)
