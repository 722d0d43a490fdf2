"""The features that a network makes of its input: activations, transform, their names."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fitted, make_data, same_bits
from oracle import sigma

from skbackprop import BackpropClassifier, BackpropRegressor


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_activations_of_every_layer(estimator):
    X, y = make_data(estimator)
    model = fitted(estimator, X, y, (6, 3), ("tanh", "softplus"))
    first, second, output = model.activations(X)
    np.testing.assert_allclose(first, np.tanh(X @ model.coefs_[0] + model.intercepts_[0]), rtol=1e-12)
    np.testing.assert_allclose(second, np.log1p(np.exp(first @ model.coefs_[1] + model.intercepts_[1])), rtol=1e-12)
    z = second @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(output, sigma(z) if estimator is BackpropClassifier else z, rtol=1e-12)
    np.testing.assert_array_equal(model.transform(X), second)
    if estimator is BackpropRegressor:
        np.testing.assert_array_equal(model.predict(X), output.ravel())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_hidden_layer(estimator):
    """The lecture's single layer of neurons; its features are the given ones."""
    X, y = make_data(estimator)
    model = fitted(estimator, X, y, ())
    assert len(model.coefs_) == 1
    assert model.n_layers_ == 2
    np.testing.assert_array_equal(model.transform(X), X)
    assert len(model.activations(X)) == 1
    assert model.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]
    assert model.get_feature_names_out(list("abcd")).tolist() == list("abcd")
    sparse = model.transform(sp.csr_array(X))
    assert sp.issparse(sparse)
    np.testing.assert_array_equal(sparse.toarray(), X)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_feature_names_out(estimator):
    X, y = make_data(estimator)
    name = estimator.__name__.lower()
    model = fitted(estimator, X, y, (5, 3))
    assert model.get_feature_names_out().tolist() == [f"{name}{k}" for k in range(3)]


@pytest.mark.parametrize("hidden", [(), (3,)])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pandas(estimator, hidden):
    X, y = make_data(estimator)
    frame = pd.DataFrame(X, columns=["height", "width", "length", "weight"])
    if estimator is BackpropClassifier:
        y = np.array(["low", "middle", "high"])[y]
    target = pd.Series(y, name="target")
    model = fitted(estimator, frame, target, hidden).set_output(transform="pandas")
    assert model.feature_names_in_.tolist() == list(frame.columns)
    features = model.transform(frame)
    assert isinstance(features, pd.DataFrame)
    assert features.columns.tolist() == model.get_feature_names_out().tolist()
    assert features.columns.tolist() == (
        [f"{estimator.__name__.lower()}{k}" for k in range(3)] if hidden else list(frame.columns)
    )
    np.testing.assert_array_equal(features, model.set_output(transform="default").transform(frame))
    assert same_bits(model, fitted(estimator, X, y, hidden))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("hidden", [(), (3,)])
def test_sparse_samples_in_a_data_frame_of_features(hidden, library):
    X, y = make_data(BackpropClassifier)
    model = fitted(BackpropClassifier, sp.csr_array(X), y, hidden)
    expected = fitted(BackpropClassifier, X, y, hidden).transform(X)
    features = model.set_output(transform=library).transform(sp.csr_array(X))
    np.testing.assert_allclose(features.to_numpy(), expected)
    assert list(features.columns) == model.get_feature_names_out().tolist()
