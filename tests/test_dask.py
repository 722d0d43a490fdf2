"""Dask: every way to spread the work over processes, on a real cluster of two workers."""

import joblib
import numpy as np
import pytest
from helpers import same_bits
from packaging.version import Version
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from skbackprop import BackpropClassifier, BackpropRegressor

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # theirs are many, and change from version to version

#: Its searches compute with the synchronous dask.persist inside an asynchronous client, which newer versions refuse.
needs_old_dask = pytest.mark.skipif(
    Version(dask.__version__) >= Version("2025.2"), reason="dask-ml 2025.1's searches do not work with dask >= 2025.2"
)
GRID = {"learning_rate": [0.02, 0.1, 0.5], "hidden_layer_sizes": [(4,), (8,)]}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def make_X_y(classifier=True):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = X[:, 0] - X[:, 1]
    return X, (y > 0).astype(int) if classifier else y


def in_chunks(X, y):
    import dask.array as da

    return da.from_array(X, chunks=(100, 5)), da.from_array(y, chunks=100)


def model():
    return BackpropClassifier((4,), max_iter=20, tol=1e9, n_iter_no_change=5, random_state=0)


@pytest.mark.parametrize("Search", [GridSearchCV, HalvingGridSearchCV])
def test_searches_of_scikit_learn_by_joblib(Search):
    """The workers find bit for bit what this process finds."""
    X, y = make_X_y()
    settings = dict(random_state=0) if Search is HalvingGridSearchCV else {}
    here = Search(model(), GRID, cv=3, **settings).fit(X, y)
    with joblib.parallel_config("dask"):
        there = Search(model(), GRID, cv=3, **settings).fit(X, y)
    assert here.best_params_ == there.best_params_
    assert np.array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])
    assert len(set(here.cv_results_["mean_test_score"])) > 1
    assert same_bits(here.best_estimator_, there.best_estimator_)


@pytest.mark.parametrize("classifier", [True, False])
def test_incremental(classifier):
    """Chunk after chunk on the workers is chunk after chunk here."""
    wrappers = pytest.importorskip("dask_ml.wrappers")
    X, y = make_X_y(classifier)
    estimator = BackpropClassifier((4,), random_state=0) if classifier else BackpropRegressor((4,), random_state=0)
    given = dict(classes=[0, 1]) if classifier else {}
    spread = wrappers.Incremental(estimator, shuffle_blocks=False).fit(*in_chunks(X, y), **given)
    for rows in np.split(np.arange(400), 4):
        estimator.partial_fit(X[rows], y[rows], **given)
    assert same_bits(spread.estimator_, estimator)
    assert np.array_equal(spread.predict(in_chunks(X, y)[0]).compute(), estimator.predict(X))


@needs_old_dask
@pytest.mark.parametrize(
    "name, settings",
    [
        ("HyperbandSearchCV", dict(max_iter=9)),
        ("SuccessiveHalvingSearchCV", dict(n_initial_parameters=6, n_initial_iter=3)),
    ],
)
def test_searches_by_partial_fit(name, settings):
    model_selection = pytest.importorskip("dask_ml.model_selection")
    X, y = make_X_y()
    rates = {"learning_rate": [1e-6, 1e-5, 1e-4, 0.1, 0.3, 1.0]}
    search = getattr(model_selection, name)(BackpropClassifier((4,), random_state=0), rates, random_state=0, **settings)
    search.fit(*in_chunks(X, y), classes=[0, 1])
    assert search.best_params_["learning_rate"] >= 0.1
    assert search.best_score_ > 0.8
    assert search.best_estimator_.n_iter_ >= 3
