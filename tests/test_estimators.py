"""What the estimators hold and return: attributes, types, shapes, probabilities, features."""

import threading
import tracemalloc
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, weights_of
from oracle import ACTIVATIONS, sigmoid
from scipy.special import log_softmax, softmax
from sklearn import config_context
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, _base

DTYPES = [np.float32, np.float64]


def fitted(estimator, X, y, *args, **kwargs):
    return fit_quietly(estimator(*args, **{"max_iter": 5, "random_state": 0} | kwargs), X, y)


def multilabel_data():
    X, _ = make_data(BackpropClassifier)
    return X, (X[:, :3] > 0).astype(int)


# ---- attributes ----------------------------------------------------------------------------------------------------


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


# ---- types ---------------------------------------------------------------------------------------------------------


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


# ---- X is used as it is --------------------------------------------------------------------------------------------


def arrays_of(X):
    return [X.data, X.indices, X.indptr] if sp.issparse(X) else [X]


@pytest.mark.parametrize(
    "kind", ["dense", "read-only", "memory-mapped", "csr32", "csr64", "read-only csr", "memory-mapped csr"]
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_x_is_not_copied(estimator, dtype, kind, monkeypatch, tmp_path):
    """The kernel works on the memory that the caller gave."""
    X, y = make_data(estimator, dtype=dtype)
    plain = fitted(estimator, sp.csr_array(X) if "csr" in kind else X, y)
    if "csr" in kind:
        X = sp.csr_array(X)
        index_type = np.int64 if kind == "csr64" else np.int32
        X.indices, X.indptr = X.indices.astype(index_type), X.indptr.astype(index_type)
    if "read-only" in kind:
        for a in arrays_of(X):
            a.flags.writeable = False
    if "memory-mapped" in kind:  # as joblib hands large arrays to its workers
        joblib.dump(X, tmp_path / "X")
        X = joblib.load(tmp_path / "X", mmap_mode="r")
        assert all(isinstance(a, np.memmap) for a in arrays_of(X))

    given, real = [], _base.train

    def train(network, samples, *args, **kwargs):
        given.append(samples.X)
        return real(network, samples, *args, **kwargs)

    monkeypatch.setattr(_base, "train", train)
    model = fitted(estimator, X, y)
    fit_quietly(estimator(max_iter=2), X, y, sample_weight=np.linspace(1, 2, 40))
    assert len(given) == 2
    for samples_X in given:
        for own, callers in zip(arrays_of(samples_X), arrays_of(X), strict=True):
            assert np.shares_memory(own, callers)
            assert own.size == callers.size
    assert same_bits(model, plain)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


@pytest.mark.parametrize("oddity", ["indices of two types", "arrays longer than needed"])
def test_the_callers_csr_matrix_is_left_alone(oddity):
    X, y = make_data(BackpropRegressor)
    plain, odd = sp.csr_array(X), sp.csr_array(X)
    if oddity == "indices of two types":
        odd.indptr = odd.indptr.astype(np.int64)
    else:
        odd.data, odd.indices = np.append(odd.data, 9.0), np.append(odd.indices, odd.indices[:1])
    before = arrays_of(odd)
    model = fitted(BackpropRegressor, odd, y)
    assert all(a is b for a, b in zip(arrays_of(odd), before, strict=True))
    assert same_bits(model, fitted(BackpropRegressor, plain, y))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_csr_is_never_made_dense(estimator):
    """1000 x 50000 in float64 would be 400 MB; W^1 is 0.4 MB."""
    rng = np.random.default_rng(0)
    columns = np.sort(rng.integers(50_000, size=(1000, 5)))
    columns += np.arange(5)  # distinct
    X = sp.csr_array((rng.random(5000), columns.ravel() % 50_000, np.arange(0, 5001, 5)), shape=(1000, 50_000))
    X.sort_indices()
    y = np.arange(1000) % 3 / 2 if estimator is BackpropRegressor else np.arange(1000) % 3
    tracemalloc.start()
    try:
        model = fitted(estimator, X, y, (1,), max_iter=2, alpha=0.1)
        model.predict(X)
        model.partial_fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def test_dense_memory():
    """Training needs memory for the parameters and for some numbers a row, not for a second X."""
    X = np.random.default_rng(0).random((2000, 1000))
    tracemalloc.start()
    try:
        fitted(BackpropRegressor, X, X[:, 0], (2,), max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2


# ---- the random stream ---------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fits_in_several_threads_at_once(estimator):
    X, y = make_data(estimator, n=400)
    models = [None] * 4

    def work(k):
        models[k] = estimator(max_iter=20, n_iter_no_change=5, tol=10.0, random_state=0).fit(X, y)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = estimator(max_iter=20, n_iter_no_change=5, tol=10.0, random_state=0).fit(X, y)
    assert all(same_bits(model, alone) for model in models)


# ---- what is predicted ---------------------------------------------------------------------------------------------


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
    a = sigmoid(model.decision_function(X))
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


# ---- features ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_activations_of_every_layer(estimator):
    X, y = make_data(estimator)
    model = fitted(estimator, X, y, (6, 3), ("tanh", "softplus"))
    first, second, output = model.activations(X)
    np.testing.assert_allclose(first, np.tanh(X @ model.coefs_[0] + model.intercepts_[0]), rtol=1e-12)
    np.testing.assert_allclose(second, np.log1p(np.exp(first @ model.coefs_[1] + model.intercepts_[1])), rtol=1e-12)
    z = second @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(output, sigmoid(z) if estimator is BackpropClassifier else z, rtol=1e-12)
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


def test_metadata_routing():
    """fit and partial_fit may ask for sample_weight; without asking it is not handed on."""
    X, y = make_data(BackpropClassifier)
    weight = np.arange(40) % 3 + 1
    with config_context(enable_metadata_routing=True):
        network = BackpropClassifier(max_iter=5, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = fit_quietly(make_pipeline(scaler, network), X, y, sample_weight=weight)
    alone = fit_quietly(BackpropClassifier(max_iter=5, random_state=0), StandardScaler().fit_transform(X), y, weight)
    assert same_bits(model[-1], alone)
