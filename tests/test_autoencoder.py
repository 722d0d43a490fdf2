"""BackpropAutoencoder: the regressor with X for its targets, cut open at the narrow layer."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import fit_quietly, same_bits, snapshot
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skbackprop import BackpropAutoencoder, BackpropRegressor


@pytest.fixture(scope="module")
def iris():
    return StandardScaler().fit_transform(load_iris().data)


def test_is_the_regressor_trained_towards_its_input(iris):
    regressor = fit_quietly(
        BackpropRegressor((5, 2, 5), ["tanh", "identity", "tanh"], learning_rate=0.002, random_state=0), iris, iris
    )
    model = fit_quietly(BackpropAutoencoder(hidden_layer_sizes=(5,), activation="tanh", random_state=0), iris)
    assert same_bits(model, regressor)
    assert np.array_equal(model.transform(iris), regressor.activations(iris)[1])
    assert np.array_equal(model.inverse_transform(model.transform(iris)), regressor.predict(iris))


@pytest.mark.parametrize("hidden, sizes", [((), [4, 3, 4]), (7, [4, 7, 3, 7, 4]), ((7, 5), [4, 7, 5, 3, 5, 7, 4])])
def test_decoder_mirrors_the_encoder(iris, hidden, sizes):
    model = fit_quietly(BackpropAutoencoder(3, hidden_layer_sizes=hidden, max_iter=2), iris)
    assert [W.shape[0] for W in model.coefs_] + [model.n_outputs_] == sizes
    assert model.transform(iris).shape == (150, 3)
    assert model.inverse_transform(np.zeros((2, 3))).shape == (2, 4)


def test_one_activation_per_layer_is_mirrored(iris):
    model = BackpropAutoencoder(hidden_layer_sizes=(7, 5), activation=["tanh", "relu"], code_activation="logistic")
    fit_quietly(model.set_params(max_iter=2), iris)
    a = model.activations(iris)
    assert (a[1] >= 0).all() and (a[3] >= 0).all() and (a[0] < 0).any() and (a[4] < 0).any()
    assert ((a[2] > 0) & (a[2] < 1)).all()


def test_linear_code_spans_the_plane_of_pca(iris):
    # L-BFGS, to come to the minimum itself
    model = BackpropAutoencoder(2, hidden_layer_sizes=(), solver="lbfgs", tol=1e-9, max_iter=5000, random_state=0)
    model.fit(iris)
    pca = PCA(2).fit(iris)
    assert model.score(iris) == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-5)
    onto_code = model.transform(iris) - model.transform(np.zeros((1, 4)))
    projected = onto_code @ np.linalg.lstsq(onto_code, pca.transform(iris), rcond=None)[0]
    assert np.allclose(projected, pca.transform(iris), atol=0.05)


def test_curved_code_keeps_more_than_pca():
    X = MinMaxScaler().fit_transform(load_digits().data)
    assert (
        fit_quietly(BackpropAutoencoder(random_state=0), X).score(X)
        > 1.5 * PCA(2).fit(X).explained_variance_ratio_.sum()
    )


def test_in_a_pipeline_and_a_search(iris):
    y = load_iris().target
    model = make_pipeline(StandardScaler(), BackpropAutoencoder(max_iter=300, random_state=0), LogisticRegression())
    search = fit_quietly(GridSearchCV(model, {"backpropautoencoder__n_components": [1, 2]}, cv=3), iris, y)
    assert search.best_score_ > 0.8
    assert list(search.best_estimator_[:-1].get_feature_names_out()) == [
        f"backpropautoencoder{k}" for k in range(search.best_params_["backpropautoencoder__n_components"])
    ]


def test_pandas_in_and_out(iris):
    X = pd.DataFrame(iris, columns=list("abcd"))
    model = fit_quietly(BackpropAutoencoder(max_iter=3).set_output(transform="pandas"), X)
    assert list(model.feature_names_in_) == list("abcd")
    assert list(model.transform(X).columns) == ["backpropautoencoder0", "backpropautoencoder1"]


def test_float32_throughout(iris):
    X = iris.astype(np.float32)
    model = fit_quietly(BackpropAutoencoder(max_iter=3), X)
    code = model.transform(X)
    assert code.dtype == model.inverse_transform(code).dtype == np.float32


def test_partial_fit_is_an_epoch(iris):
    whole = fit_quietly(BackpropAutoencoder(max_iter=3, tol=0, n_iter_no_change=np.inf, random_state=0), iris)
    model = BackpropAutoencoder(random_state=0)
    for _ in range(3):
        model.partial_fit(iris)
    assert same_bits(model, whole)


def test_a_weight_of_two_is_two_rows(iris):
    model = BackpropAutoencoder(max_iter=3, random_state=0)
    weight = np.arange(150) % 3
    repeated = fit_quietly(clone(model), np.repeat(iris, weight, axis=0))
    assert same_bits(fit_quietly(model, iris, sample_weight=weight), repeated)


def test_early_stopping_by_the_variance_kept(iris):
    model = BackpropAutoencoder(early_stopping=True, random_state=0).fit(iris, X_val=iris[::3])
    assert model.best_validation_score_ == model.score(iris[::3])
    assert fit_quietly(BackpropAutoencoder(early_stopping=True, max_iter=2), iris).validation_scores_


@pytest.mark.parametrize(
    "parameters, message",
    [
        (dict(n_components=0), "n_components"),
        (dict(code_activation="softmax"), "code_activation"),
        (
            dict(output_activation="logistic"),
            r"output_activation='logistic' gives values in \[0.0, 1.0\]; X goes from -",
        ),
        (dict(activation=["tanh", "relu"]), "one for each of the 1 hidden layers"),
    ],
)
def test_bad_parameters(iris, parameters, message):
    with pytest.raises(ValueError, match=message):
        BackpropAutoencoder(**parameters).fit(iris)


def test_bad_input_leaves_it_as_it_was(iris):
    model = fit_quietly(BackpropAutoencoder(max_iter=3), iris)
    before = snapshot(model)
    for bad in (
        lambda: model.partial_fit(iris[:, :2]),
        lambda: model.fit(np.full((3, 4), np.nan)),
        lambda: model.fit(iris, sample_weight_val=np.ones(3)),
        lambda: model.inverse_transform(iris),
    ):
        with pytest.raises(ValueError, match=r"features|NaN|X_val"):
            bad()
        assert snapshot(model) == before
    with pytest.raises(TypeError, match="dense data is required"):
        model.fit(sp.csr_array(iris))
