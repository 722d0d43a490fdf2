"""The estimators inside scikit-learn's tools."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import ESTIMATORS, MAX_ITER, fit_quietly, make_data, same_bits
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")
GRIDS = {
    BackpropClassifier: {"hidden_layer_sizes": [(), (5,)], "learning_rate": [0.01, 0.3]},
    BackpropRegressor: {"hidden_layer_sizes": [(), (5,)], "activation": ["logistic", "relu"]},
}


def quick(estimator, **kwargs):
    return estimator(**{"hidden_layer_sizes": (8,), "max_iter": 40, "random_state": 0} | kwargs)


def learned(estimator):
    """Parameters with which the small data are learned well."""
    return quick(estimator, learning_rate=0.3 if estimator is BackpropClassifier else 0.03, max_iter=150)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_kind(estimator):
    assert is_classifier(estimator()) == (estimator is BackpropClassifier)
    assert is_regressor(estimator()) == (estimator is BackpropRegressor)
    tags = estimator().__sklearn_tags__()
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.target_tags.multi_output == (estimator is BackpropRegressor)
    if estimator is BackpropClassifier:
        assert tags.classifier_tags.multi_label


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clone(estimator):
    X, y = make_data(estimator)
    model = fit_quietly(quick(estimator, hidden_layer_sizes=(4, 3), activation=["tanh", "relu"], alpha=0.1), X, y)
    copy = clone(model)
    assert not hasattr(copy, "coefs_")
    assert repr(copy) == repr(model)
    assert same_bits(fit_quietly(copy, X, y), model)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pickle_and_joblib(estimator, tmp_path):
    X, y = make_data(estimator)
    model = fit_quietly(make_pipeline(StandardScaler(), quick(estimator)), X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for loaded in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        assert same_bits(loaded[-1], model[-1])
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pipeline_and_cross_val_score(estimator):
    X, y = make_data(estimator, n=120)
    scores = cross_val_score(make_pipeline(StandardScaler(), learned(estimator)), 100 * X + 7, y)
    assert scores.shape == (5,)
    assert scores.mean() > 0.8


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_as_a_transformer_in_a_pipeline(estimator):
    """The features of the last hidden layer, for a linear model."""
    X, y = make_data(estimator, n=120)
    last = LogisticRegression() if estimator is BackpropClassifier else LinearRegression()
    model = make_pipeline(StandardScaler(), learned(estimator), last).fit(X, y)
    assert model[:-1].transform(X).shape == (120, 8)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_grid_search(estimator, backend):
    """Two jobs find bit for bit what one finds."""
    X, y = make_data(estimator, n=60)
    one = GridSearchCV(quick(estimator), GRIDS[estimator], cv=3).fit(X, y)
    with joblib.parallel_backend(backend):
        two = GridSearchCV(quick(estimator), GRIDS[estimator], cv=3, n_jobs=2).fit(X, y)
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert np.isfinite(one.cv_results_["mean_test_score"]).all()
    assert len(set(one.cv_results_["mean_test_score"])) > 1
    assert one.best_params_ == two.best_params_
    assert same_bits(one.best_estimator_, two.best_estimator_)


@pytest.mark.parametrize(
    "estimator", [AdaBoostClassifier, BaggingClassifier, CalibratedClassifierCV, OneVsRestClassifier]
)
def test_meta_classifiers(estimator):
    X, y = make_data(BackpropClassifier, n=120)
    y = np.array(["low", "middle", "high"])[y]
    model = estimator(estimator=learned(BackpropClassifier))
    for name, value in {"n_estimators": 4, "random_state": 0, "cv": 3}.items():
        if name in model.get_params():
            model.set_params(**{name: value})
    model.fit(X, y)
    assert model.score(X, y) > 0.9
    p = model.predict_proba(X)
    assert p.shape == (120, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)


def test_ada_boost_needs_its_weights():
    """Its weights sum to 1: they are relative, and the first round's are all equal."""
    X, y = make_data(BackpropClassifier, n=120)
    model = AdaBoostClassifier(quick(BackpropClassifier), n_estimators=4, random_state=0).fit(X, y)
    assert [network.t_ for network in model.estimators_] == [120 * network.n_iter_ for network in model.estimators_]
    assert len(model.estimators_) == 4


@pytest.mark.parametrize("estimator", [AdaBoostRegressor, BaggingRegressor, MultiOutputRegressor])
def test_meta_regressors(estimator):
    X, y = make_data(BackpropRegressor, n=120)
    model = estimator(estimator=learned(BackpropRegressor))
    if "n_estimators" in model.get_params():
        model.set_params(n_estimators=4, random_state=0)
    else:
        y = np.column_stack([y, -y])
    assert model.fit(X, y).score(X, y) > 0.8


def test_multi_output_classifier():
    """Several columns of labels, which the estimator itself refuses."""
    X, y = make_data(BackpropClassifier, n=120)
    Y = np.column_stack([y, y[::-1]])
    model = MultiOutputClassifier(learned(BackpropClassifier)).fit(X, Y)
    assert model.predict(X).shape == (120, 2)


def test_stacking_and_voting():
    X, y = make_data(BackpropClassifier, n=120)
    stack = StackingClassifier([("net", learned(BackpropClassifier)), ("linear", LogisticRegression())], cv=3)
    assert stack.fit(X, y).score(X, y) > 0.9
    X, y = make_data(BackpropRegressor, n=120)
    assert VotingRegressor([("a", learned(BackpropRegressor)), ("b", LinearRegression())]).fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_permutation_importance(estimator):
    """y is made from the first two features; the others do not matter."""
    X, y = make_data(estimator, n=200)
    model = learned(estimator).fit(X, y)
    importance = permutation_importance(model, X, y, random_state=0).importances_mean
    assert importance[:2].min() > 5 * abs(importance[2:]).max()


def test_transformed_target_regressor():
    X, y = make_data(BackpropRegressor, n=120)
    y = 1e4 * y - 3e6
    model = TransformedTargetRegressor(learned(BackpropRegressor), transformer=StandardScaler()).fit(X, y)
    assert model.score(X, y) > 0.8


def test_cross_val_predict_of_string_labels():
    X, y = make_data(BackpropClassifier, n=120)
    frame = pd.DataFrame(X, columns=list("abcd"))
    labels = pd.Series(np.array(["low", "middle", "high"])[y], dtype="category")
    model = make_pipeline(StandardScaler(), learned(BackpropClassifier))
    predicted = cross_val_predict(model, frame, labels)
    assert set(predicted) == {"low", "middle", "high"}
    assert (predicted == labels.to_numpy()).mean() > 0.85
    p = cross_val_predict(model, frame, labels, method="predict_proba")
    np.testing.assert_array_equal(np.array(["high", "low", "middle"])[p.argmax(axis=1)], predicted)


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
