"""AveragedClassifier and AveragedRegressor: several networks, and the mean of what they say."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import fit_quietly, make_data
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbackprop import AveragedClassifier, AveragedRegressor, BackpropClassifier, BackpropRegressor

PAIRS = {AveragedClassifier: BackpropClassifier, AveragedRegressor: BackpropRegressor}


def averaged(kind, n=3, *, n_jobs=None, **parameters):
    return kind(PAIRS[kind]((4,), **{"max_iter": 5} | parameters), n, n_jobs=n_jobs, random_state=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([AveragedClassifier(BackpropClassifier()), AveragedRegressor(BackpropRegressor())])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", PAIRS)
def test_the_outputs_are_the_mean_of_the_members_outputs(kind, dtype):
    X, y = make_data(PAIRS[kind], dtype=dtype)
    model = fit_quietly(averaged(kind), X, y)
    method = "predict_proba" if kind is AveragedClassifier else "predict"
    outputs = [getattr(member, method)(X) for member in model.estimators_]
    mean = getattr(model, method)(X)
    assert mean.dtype == dtype
    np.testing.assert_allclose(mean, np.mean(outputs, axis=0), rtol=1e-5)
    assert np.ptp(outputs, axis=0).max() > 0  # they differ


def test_the_class_of_the_largest_mean_probability_is_predicted():
    X, y = make_data(BackpropClassifier)
    y = np.array(["a", "b", "c"])[y]
    model = fit_quietly(averaged(AveragedClassifier), X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)))


@pytest.mark.parametrize("kind", PAIRS)
def test_a_member_is_what_the_estimator_with_its_seed_would_be(kind):
    X, y = make_data(PAIRS[kind])
    model = fit_quietly(averaged(kind), X, y)
    member = model.estimators_[1]
    alone = fit_quietly(clone(model.estimator).set_params(random_state=member.random_state), X, y)
    np.testing.assert_array_equal(member.coefs_[0], alone.coefs_[0])


@pytest.mark.parametrize("kind", PAIRS)
def test_the_same_bits_again_in_threads_and_out_of_a_pickle(kind):
    X, y = make_data(PAIRS[kind])
    first = fit_quietly(averaged(kind), X, y)
    threads = fit_quietly(averaged(kind, n_jobs=2), X, y)
    for other in (threads, fit_quietly(clone(first), X, y), pickle.loads(pickle.dumps(first))):
        np.testing.assert_array_equal(other.predict(X), first.predict(X))


@pytest.mark.parametrize("kind", PAIRS)
def test_weights_mean_repetition_as_for_the_members(kind):
    X, y = make_data(PAIRS[kind])
    weight = np.arange(len(y)) % 3
    weighted = fit_quietly(averaged(kind), X, y, weight)
    repeated = fit_quietly(averaged(kind), X.repeat(weight, axis=0), y.repeat(weight, axis=0))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_sparse_samples_and_targets_of_several_columns():
    X, y = make_data(BackpropRegressor)
    model = fit_quietly(averaged(AveragedRegressor), sp.csr_array(X), np.column_stack([y, -y]))
    assert model.predict(sp.csr_array(X)).shape == (len(X), 2)


def test_names_of_the_features():
    X, y = make_data(BackpropRegressor)
    model = fit_quietly(averaged(AveragedRegressor), pd.DataFrame(X, columns=list("abcd")), y)
    assert model.feature_names_in_.tolist() == list("abcd")
    fit_quietly(model, X, y)
    assert not hasattr(model, "feature_names_in_")


def test_parameters_of_the_members_in_a_search():
    X, y = make_data(BackpropRegressor)
    search = GridSearchCV(averaged(AveragedRegressor), {"estimator__alpha": [0, 0.1]}, cv=2)
    assert "estimator__alpha" in fit_quietly(search, X, y).best_params_


def test_multilabel_targets_are_refused():
    X, _ = make_data(BackpropClassifier)
    with pytest.raises(ValueError, match="does not take multilabel y"):
        averaged(AveragedClassifier).fit(X, np.eye(2, dtype=int)[np.arange(len(X)) % 2])


def test_not_fitted():
    with pytest.raises(NotFittedError):
        averaged(AveragedClassifier).predict_proba([[1.0]])
    assert not hasattr(averaged(AveragedClassifier), "classes_")


@pytest.mark.parametrize(("name", "value"), [("n_estimators", 0), ("n_jobs", "two"), ("estimator", 3)])
def test_parameters_are_checked(name, value):
    X, y = make_data(BackpropClassifier)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of AveragedClassifier must be"):
        averaged(AveragedClassifier).set_params(**{name: value}).fit(X, y)
