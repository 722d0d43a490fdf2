"""∂ output / ∂ x by backprop to layer 0: central differences."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import fit_quietly, make_data

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS, OUTPUT_RANGES

STEP = 1e-6


def central_differences(function, X):
    """Shape (n_samples, ..., n_features)."""
    steps = STEP * np.eye(X.shape[1])
    return np.stack([(function(X + h) - function(X - h)) / (2 * STEP) for h in steps], axis=-1)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_decision_function(activation):
    X, y = make_data(BackpropClassifier)
    model = fit_quietly(BackpropClassifier((6, 5), activation, loss="log_loss", max_iter=3, random_state=0), X, y)
    expected = central_differences(model.decision_function, X)
    gradients = model.input_gradients(X)
    assert gradients.shape == (40, 3, 4)
    np.testing.assert_allclose(gradients, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(model.input_gradients(sp.csr_array(X)), expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(model.input_gradients(X, output=1), gradients[:, 1])


@pytest.mark.parametrize("hidden", [(), (6,), (4, 3, 5)])
@pytest.mark.parametrize("output", OUTPUT_RANGES)
def test_predict(output, hidden):
    X, y = make_data(BackpropRegressor)
    settings = dict(output_activation=output, max_iter=3, random_state=0)
    one = fit_quietly(BackpropRegressor(hidden, **settings), X, y)
    assert one.input_gradients(X).shape == X.shape
    np.testing.assert_allclose(one.input_gradients(X), central_differences(one.predict, X), rtol=1e-6, atol=1e-8)
    two = fit_quietly(BackpropRegressor(hidden, **settings), X, np.column_stack([y, y / 2]))
    assert two.input_gradients(X).shape == (40, 2, 4)
    np.testing.assert_allclose(two.input_gradients(X), central_differences(two.predict, X), rtol=1e-6, atol=1e-8)


def test_two_classes_many_rows_and_float32():
    X, y = make_data(BackpropClassifier, n=2500, dtype=np.float32)
    model = fit_quietly(BackpropClassifier((3,), max_iter=1, random_state=0), X, y == 1)
    gradients = model.input_gradients(X)
    assert gradients.dtype == np.float32
    assert gradients.shape == X.shape
    np.testing.assert_allclose(gradients[-5:], model.input_gradients(X[-5:]), rtol=1e-5)


@pytest.mark.parametrize("output", [-1, 3, 1.5, "0"])
def test_bad_output(output):
    X, y = make_data(BackpropClassifier)
    model = fit_quietly(BackpropClassifier(max_iter=1), X, y)
    with pytest.raises(ValueError, match="integer from 0 to 2"):
        model.input_gradients(X, output=output)
