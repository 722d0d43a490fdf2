"""Estimators that earlier versions saved (tests/data) load, predict the same, and train on as they would have then."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from helpers import fit_quietly, make_data, weights_of

from skbackprop import BackpropClassifier

SAVED = {
    f"{path.stem}: {name}": entry
    for path in sorted((Path(__file__).parent / "data").glob("version_*.joblib"))
    for name, entry in joblib.load(path).items()
}
each_fitted = pytest.mark.parametrize("entry", [pytest.param(e, id=name) for name, e in SAVED.items() if "X" in e])


def test_there_are_saved_estimators():
    assert any(name.startswith("version_0_1_0") for name in SAVED)


@each_fitted
def test_it_predicts_the_same(entry):
    model = pickle.loads(entry["pickle"])
    for method, expected in entry["predictions"].items():
        predicted = getattr(model, method)(entry["X"])
        assert predicted.dtype == expected.dtype
        if expected.dtype.kind == "f":
            # the sums of a layer are rounded differently by other versions of BLAS
            rtol = 1e-12 if expected.dtype == np.float64 else 1e-5
            np.testing.assert_allclose(predicted, expected, rtol=rtol, atol=rtol / 10)
        else:
            np.testing.assert_array_equal(predicted, expected)


@each_fitted
def test_it_trains_on(entry):
    """From the same weights, moments, place in the schedule and random stream, to the same weights."""
    model = pickle.loads(entry["pickle"])
    if entry["training"] == "fit":
        fit_quietly(model, entry["X"], entry["y"])
    else:
        model.partial_fit(entry["X"], entry["y"])
    for own, expected in zip(weights_of(model), entry["weights"], strict=True):
        assert own.dtype == expected.dtype
        rtol = 1e-9 if own.dtype == np.float64 else 1e-4
        np.testing.assert_allclose(own, expected, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("name", [name for name, entry in SAVED.items() if "X" not in entry])
def test_one_that_is_not_fitted_can_be(name):
    model = pickle.loads(SAVED[name]["pickle"])
    assert (model.hidden_layer_sizes, model.random_state) == ((4,), 0)
    X, y = make_data(BackpropClassifier)
    assert len(fit_quietly(model, X, y).predict(X)) == len(X)
