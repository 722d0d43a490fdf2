"""Fits side by side, in threads and in processes: the bits of fits one after the other."""

import multiprocessing
import pickle
import random
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, make_data, same_bits
from sklearn.base import clone

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

START_METHODS = multiprocessing.get_all_start_methods()
#: Trainings that count as converged: a warning of one thread would be caught, or not, by what another does.
FEW = dict(tol=1e9, n_iter_no_change=2)
MODELS = [
    BackpropClassifier((8,), random_state=0, **FEW),
    BackpropClassifier((8, 4), loss="log_loss", dropout=0.2, alpha=0.01, random_state=1, **FEW),
    BackpropClassifier((8,), "relu", solver="adam", batch_size=16, learning_rate=0.001, random_state=2, **FEW),
    BackpropRegressor((8,), momentum=0.9, learning_rate=0.001, random_state=3, **FEW),
    BackpropRegressor((8,), solver="lbfgs", tol=0.1, random_state=4),
    BackpropRegressor((8,), early_stopping=True, random_state=5, **FEW),
]


def make_X_y(sparse=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 10)) * (rng.random((400, 10)) < 0.5)
    return (sp.csr_array(X) if sparse else X), (X[:, 0] > 0).astype(int)


def fit_one(model, X, y):
    return model.fit(X, y)


def submit_all(pool, X, y):
    """Each model twice, so that fits of the same model run side by side as well."""
    copies = [clone(model) for model in MODELS * 2]
    return [future.result() for future in [pool.submit(fit_one, model, X, y) for model in copies]]


@pytest.fixture(params=[False, True], ids=["dense", "csr"])
def data(request):
    return make_X_y(request.param)


@pytest.fixture
def serial(data):
    return [fit_one(clone(model), *data) for model in MODELS]


def test_in_two_threads(data, serial):
    """On one X, which they share."""
    with ThreadPoolExecutor(2) as pool:
        together = submit_all(pool, *data)
    assert all(same_bits(one, other) for one, other in zip(together, serial * 2, strict=True))


@pytest.mark.parametrize(
    ("data", "start"),
    [(sparse, start) for sparse, start in ((False, "spawn"), (True, "forkserver")) if start in START_METHODS],
    indirect=["data"],
)
def test_in_two_processes(data, serial, start):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(start)) as pool:
        together = submit_all(pool, *data)
    assert all(same_bits(one, other) for one, other in zip(together, serial * 2, strict=True))


def test_processes_that_share_a_memory_mapped_X():
    """joblib maps an array of some size into its workers, read-only."""
    X, y = make_X_y()
    serial = [fit_one(clone(model), X, y) for model in MODELS]
    together = joblib.Parallel(n_jobs=2, max_nbytes=1000)(
        joblib.delayed(fit_one)(clone(model), X, y) for model in MODELS
    )
    assert all(same_bits(one, other) for one, other in zip(together, serial, strict=True))


def test_predictions_and_partial_fits_side_by_side():
    X, y = make_X_y()
    model = fit_one(clone(MODELS[0]), X, y)
    expected = model.predict_proba(X)
    alone = [BackpropClassifier((8,), random_state=k) for k in range(4)]
    for other in alone * 20:
        other.partial_fit(X, y, classes=[0, 1])

    def learn(k):
        other = BackpropClassifier((8,), random_state=k)
        for _ in range(20):
            other.partial_fit(X, y, classes=[0, 1])
        return other

    with ThreadPoolExecutor(4) as pool:
        learners = [pool.submit(learn, k) for k in range(4)]
        predictions = [pool.submit(model.predict_proba, X) for _ in range(40)]
        assert all(np.array_equal(p.result(), expected) for p in predictions)
        assert all(same_bits(other.result(), one) for other, one in zip(learners, alone, strict=True))


def numpys_state():
    return pickle.dumps(np.random.get_state())  # noqa: NPY002


def test_global_random_states_stay_as_they_are(data):
    X, y = data
    before = numpys_state(), random.getstate()
    for model in [*MODELS, *([BackpropAutoencoder(random_state=0, **FEW)] if not sp.issparse(X) else [])]:
        model = fit_one(clone(model), X, y)
        getattr(model, "predict", model.transform)(X)
        if hasattr(model, "partial_fit"):
            model.partial_fit(X, y)
    assert (numpys_state(), random.getstate()) == before


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
