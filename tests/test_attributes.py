"""What a fit leaves in the estimator: attributes, their types and shapes; the same again from the same random state."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, fitted, make_data, same_bits, weights_of
from oracle_extensions import ACTIVATIONS

from skbackprop import BackpropClassifier, BackpropRegressor


@pytest.mark.parametrize("hidden", [(), 5, (5,), [5, 3], np.array([5, 3, 2])], ids=str)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_attributes(estimator, hidden):
    X, y = make_data(estimator)
    model = fitted(estimator, X, y, hidden)
    sizes = [4, *np.atleast_1d(np.array(hidden, dtype=int)), 3 if estimator is BackpropClassifier else 1]
    assert [W.shape for W in model.coefs_] == list(pairwise(sizes))
    assert [b.shape for b in model.intercepts_] == [(m,) for m in sizes[1:]]
    assert model.n_layers_ == len(sizes)
    assert model.n_outputs_ == sizes[-1]
    assert model.n_features_in_ == 4
    assert model.n_iter_ == len(model.loss_curve_) == 5
    assert model.t_ == 5 * 40
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert all(type(loss) is float for loss in [model.loss_, model.best_loss_, *model.loss_curve_])
    assert model.out_activation_ == ("logistic" if estimator is BackpropClassifier else "identity")
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize(
    ("y", "loss", "classes", "n_outputs", "out_activation"),
    [
        ([0, 1] * 5, "squared_error", [0, 1], 1, "logistic"),
        ([0, 1] * 5, "log_loss", [0, 1], 1, "logistic"),
        ([True, False] * 5, "squared_error", [False, True], 1, "logistic"),
        (["b", "a"] * 5, "squared_error", ["a", "b"], 1, "logistic"),
        ([-1.0, 1.0] * 5, "squared_error", [-1.0, 1.0], 1, "logistic"),
        ([7, 3, 5, 3, 3] * 2, "squared_error", [3, 5, 7], 3, "logistic"),
        ([7, 3, 5, 3, 3] * 2, "log_loss", [3, 5, 7], 3, "softmax"),
        ([[0, 1], [1, 1]] * 5, "squared_error", [0, 1], 2, "logistic"),
        ([[0, 1], [1, 1]] * 5, "log_loss", [0, 1], 2, "logistic"),
        ([[1, 0, 1], [0, 0, 1]] * 5, "log_loss", [0, 1, 2], 3, "logistic"),
        (["only"] * 10, "squared_error", ["only"], 1, "logistic"),
        (["only"] * 10, "log_loss", ["only"], 1, "logistic"),
    ],
)
def test_classes_and_outputs(y, loss, classes, n_outputs, out_activation):
    X = np.random.default_rng(0).normal(size=(10, 2))
    model = fitted(BackpropClassifier, X, y, loss=loss)
    assert model.classes_.tolist() == classes
    assert (model.n_outputs_, model.out_activation_) == (n_outputs, out_activation)
    predicted = model.predict(X)
    assert predicted.shape == np.shape(y)
    assert np.isin(predicted, model.classes_ if predicted.ndim == 1 else [0, 1]).all()
    assert predicted.dtype.kind == np.array(y).dtype.kind
    n_columns = len(classes)
    assert model.predict_proba(X).shape == model.predict_log_proba(X).shape == (10, n_columns)
    assert model.decision_function(X).shape == ((10,) if n_outputs == 1 else (10, n_outputs))
    assert 0 <= model.score(X, y) <= 1


def test_one_class_only():
    X = np.random.default_rng(0).normal(size=(10, 2))
    for y in (["only"] * 10, [7] * 10):
        model = fitted(BackpropClassifier, X, y)
        assert (model.predict(X) == y).all()
        assert (model.predict_proba(X) == 1).all()
        assert (model.predict_log_proba(X) == 0).all()
    kept = fit_quietly(BackpropClassifier(max_iter=2), X, [0, 1] * 5, sample_weight=[0, 1] * 5)
    assert (kept.predict(X) == 1).all()


@pytest.mark.parametrize(
    "activation", ["logistic", ("tanh", "relu"), ["gelu", "softplus"], np.array(["silu", "identity"])]
)
def test_one_activation_for_all_or_one_for_each(activation):
    X, y = make_data(BackpropRegressor)
    model = fitted(BackpropRegressor, X, y, (5, 3), activation)
    a = X
    names = [activation] * 2 if isinstance(activation, str) else activation
    for W, b, name in zip(model.coefs_, model.intercepts_, [*names, "identity"], strict=True):
        a = ACTIVATIONS[name][0](a @ W + b)
    np.testing.assert_allclose(model.predict(X), a.ravel(), rtol=1e-12)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int64, np.float64),
        (np.int8, np.float64),
        (bool, np.float64),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_types(estimator, dtype, expected, layout):
    X, y = make_data(estimator)
    X = layout((3 * X).astype(dtype))
    classes = {"classes": [0, 1, 2]} if estimator is BackpropClassifier else {}
    for model in (
        fitted(estimator, X, y),
        fitted(estimator, X, y, ()),
        estimator(random_state=0).partial_fit(X, y, **classes),
    ):
        assert {w.dtype for w in weights_of(model)} == {np.dtype(expected)}
        for other in (np.float32, np.float64):  # what is predicted from, does not matter
            assert {a.dtype for a in model.activations(X.astype(other))} == {np.dtype(expected)}
            assert model.transform(X.astype(other)).dtype == expected
            if estimator is BackpropRegressor:
                assert model.predict(X.astype(other)).dtype == expected
            else:
                for method in (model.decision_function, model.predict_proba, model.predict_log_proba):
                    assert method(X.astype(other)).dtype == expected


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_type_of_y_does_not_matter(estimator):
    X, y = make_data(estimator, dtype=np.float32)
    if estimator is BackpropRegressor:
        y = np.round(10 * y)
    model = fitted(estimator, X, y)
    for other in (y.astype(np.float64), y.astype(np.int8), y.astype(np.int64), y.tolist()):
        assert same_bits(fitted(estimator, X, other), model)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_random_state(estimator):
    X, y = make_data(estimator)

    def fit(random_state):
        return fitted(estimator, X, y, random_state=random_state)

    assert same_bits(fit(3), fit(3))
    assert same_bits(fit(3), fit(np.random.RandomState(3)))
    assert not same_bits(fit(3), fit(4))
    assert not same_bits(fit(None), fit(None))
    stream = np.random.RandomState(3)
    assert not same_bits(fit(stream), fit(stream))
    model = fit(3)
    assert same_bits(fit_quietly(model, X, y), fit(3))  # a second fit starts again
