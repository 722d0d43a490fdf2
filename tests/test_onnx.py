"""ONNX: the converted graph, run by onnxruntime, gives the estimator's predictions."""

import warnings

import numpy as np
import pytest
from helpers import fit_quietly, make_data
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries, when they are imported
    import onnxruntime
    from skl2onnx import to_onnx

    import skbackprop.onnx  # noqa: F401


def run(model, X, options=None):
    """The outputs of the converted model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = to_onnx(model, X[:1], options=options)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})


def check_classifier(model, X):
    label, p = run(model, X, {"zipmap": False})
    assert np.array_equal(label, model.predict(X))
    np.testing.assert_allclose(p, model.predict_proba(X), atol=1e-5)
    assert p.dtype == X.dtype


def check_regressor(model, X):
    (y,) = run(model, X)
    expected = model.predict(X)
    assert y.shape == (len(X), model.n_outputs_)
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@both
@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_hidden_activations(activation, dtype):
    X, y = make_data(BackpropRegressor, dtype=dtype)
    check_regressor(fit_quietly(BackpropRegressor((6, 3), activation, max_iter=5, random_state=0), X, y), X)


@both
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("n_classes", [1, 2, 3, "multilabel"])
def test_classifiers(loss, n_classes, dtype):
    X, y = make_data(BackpropClassifier, dtype=dtype)
    if n_classes == "multilabel":
        y = np.column_stack([y > 0, y > 1, y == 1])
    else:
        y = np.minimum(y, n_classes - 1)
    check_classifier(fit_quietly(BackpropClassifier((5,), loss=loss, max_iter=5, random_state=0), X, y), X)


@pytest.mark.parametrize("labels", [["no", "yes", "é"], [-5, 7, 100], [0.0, 1.0, 2.0]])
def test_labels(labels):
    X, y = make_data(BackpropClassifier, dtype=np.float32)
    check_classifier(fit_quietly(BackpropClassifier((), max_iter=5), X, np.array(labels)[y]), X)


def test_boolean_labels_become_numbers():
    X, y = make_data(BackpropClassifier, dtype=np.float32)
    model = fit_quietly(BackpropClassifier((), max_iter=5), X, y > 0)
    assert np.array_equal(run(model, X, {"zipmap": False})[0], model.predict(X).astype(int))


@both
@pytest.mark.parametrize(
    "parameters",
    [
        *(dict(output_activation=name) for name in ("identity", "logistic", "tanh", "exp", "softplus")),
        *(dict(loss=name) for name in ("squared_error", "absolute_error", "huber", "quantile", "poisson")),
        dict(hidden_layer_sizes=()),
    ],
)
def test_regressors(parameters, dtype):
    X, y = make_data(BackpropRegressor, dtype=dtype)
    model = BackpropRegressor(**{"hidden_layer_sizes": (6,), "max_iter": 5} | parameters)
    check_regressor(fit_quietly(model, X, y), X)
    check_regressor(fit_quietly(model, X, np.column_stack([y, y**2])), X)


def test_the_autoencoders_code():
    X, _ = make_data(BackpropRegressor, dtype=np.float32)
    model = fit_quietly(BackpropAutoencoder(code_activation="tanh", max_iter=5), X)
    np.testing.assert_allclose(run(model, X)[0], model.transform(X), atol=1e-5)


def test_in_a_pipeline():
    X, y = make_data(BackpropClassifier, dtype=np.float32)
    X = 10 + 5 * X
    check_classifier(fit_quietly(make_pipeline(StandardScaler(), BackpropClassifier((5,), max_iter=5)), X, y), X)
    model = make_pipeline(StandardScaler(), BackpropAutoencoder(max_iter=5), BackpropRegressor((5,), max_iter=5))
    fit_quietly(model, X, y)
    np.testing.assert_allclose(run(model, X)[0][:, 0], model.predict(X), atol=1e-5)


def test_a_dictionary_for_each_row_by_default():
    X, y = make_data(BackpropClassifier, dtype=np.float32)
    model = fit_quietly(BackpropClassifier((5,), max_iter=5), X, y)
    p = run(model, X)[1]
    np.testing.assert_allclose([[row[k] for k in model.classes_] for row in p], model.predict_proba(X), atol=1e-5)
