"""What distributing work over two cores costs, by method, and when it pays off.

    python docs/benchmarks/scaling.py

This needs the extra ``dask``. The workers of loky and Dask are started beforehand. The figures are medians of
interleaved rounds, in wall-clock time.
"""

import warnings
from functools import partial

import dask.array as da
import joblib
import numpy as np
from _timing import interleaved_seconds, one_thread
from dask_ml.model_selection import HyperbandSearchCV
from dask_ml.wrappers import Incremental
from distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import GridSearchCV

from skbackprop import BackpropClassifier

BACKENDS = {"threading": "two threads", "loky": "two processes (loky, the default)", "dask": "Dask, two workers"}
FITS = 24
CHUNKS = 16
ROUNDS = 5


def searches():
    """One grid search with each of joblib's backends."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    grid = {"learning_rate": list(np.linspace(0.05, 0.4, 8))}

    def search(backend, max_iter):
        model = BackpropClassifier((50,), max_iter=max_iter, n_iter_no_change=np.inf, random_state=0)
        if backend is None:
            GridSearchCV(model, grid, cv=3, refit=False).fit(X, y)
            return
        with joblib.parallel_config(backend, n_jobs=2):
            GridSearchCV(model, grid, cv=3, refit=False).fit(X, y)

    for backend in BACKENDS:
        search(backend, 1)  # so that its workers have imported what they need
    print(f"{FITS} fits and their scores, in seconds, with the speed-up over one process")
    print("| epochs per fit | one fit, ms | one process | " + " | ".join(BACKENDS.values()) + " |")
    print("|" + "---|" * (3 + len(BACKENDS)))
    for max_iter in (1, 10, 100, 500):
        calls = [partial(search, backend, max_iter) for backend in (None, *BACKENDS)]
        one, *others = interleaved_seconds(calls, ROUNDS)
        cells = " | ".join(f"{seconds:.2f} ({one / seconds:.2f}x)" for seconds in others)
        print(f"| {max_iter} | {one / FITS * 1e3:.1f} | {one:.2f} | {cells} |", flush=True)


def passes():
    """One pass over data in chunks, with a loop of partial_fit and with Dask-ML's Incremental."""
    print(f"\none pass over {CHUNKS} chunks of 50 features; milliseconds per chunk")
    print("| rows per chunk | loop of partial_fit | Incremental | extra cost |")
    print("|---|---|---|---|")
    for rows in (100, 1_000, 10_000, 100_000):
        X, y = make_classification(rows * CHUNKS, 50, random_state=0)
        X_chunks, y_chunks = da.from_array(X, (rows, 50)).persist(), da.from_array(y, rows).persist()
        model = BackpropClassifier((50,), random_state=0)

        def loop(X=X, y=y, model=model):
            here = clone(model)
            for X_chunk, y_chunk in zip(np.split(X, CHUNKS), np.split(y, CHUNKS), strict=True):
                here.partial_fit(X_chunk, y_chunk, classes=[0, 1])

        def incremental(X=X_chunks, y=y_chunks, model=model):
            Incremental(clone(model), shuffle_blocks=False).fit(X, y, classes=[0, 1])

        incremental()
        here, there = (seconds / CHUNKS * 1e3 for seconds in interleaved_seconds([loop, incremental], ROUNDS))
        print(f"| {rows:,} | {here:.2f} | {there:.2f} | {there - here:.1f} ms |", flush=True)


def hyperband():
    """Hyperband, compared with the calls to partial_fit that it makes. It also computes scores after each."""
    print("\nHyperband(max_iter=27) on 10 chunks of 50 features, one per call, in seconds")
    print("| rows | Hyperband | its calls alone, one after the other | number of calls | extra cost per call |")
    print("|---|---|---|---|---|")
    rates = {"learning_rate": list(np.geomspace(1e-3, 1, 60))}
    for rows in (1_000, 10_000, 100_000):
        X, y = make_classification(rows, 50, random_state=0)
        X_chunks, y_chunks = da.from_array(X, (rows // 10, 50)), da.from_array(y, rows // 10)
        search = HyperbandSearchCV(BackpropClassifier((50,), random_state=0), rates, max_iter=27, random_state=0)
        calls = search.metadata["partial_fit_calls"]
        model, part = BackpropClassifier((50,), random_state=0), slice(rows // 10)

        def one_after_the_other(X=X, y=y, calls=calls, model=model, part=part):
            here = clone(model)
            for _ in range(calls):
                here.partial_fit(X[part], y[part], classes=[0, 1])

        def by_dask(X=X_chunks, y=y_chunks, search=search):
            clone(search).fit(X, y, classes=[0, 1])

        there, here = interleaved_seconds([by_dask, one_after_the_other], 3)
        print(f"| {rows:,} | {there:.2f} | {here:.2f} | {calls} | {(there - here) / calls * 1e3:.1f} ms |", flush=True)


if __name__ == "__main__":
    one_thread()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.run(warnings.simplefilter, "ignore")
        passes()
        hyperband()
        searches()
