"""One search, by each of joblib's backends on two cores: what spreading the work costs, and from when on it pays.

    python docs/benchmarks/scaling.py

Needs the extra ``dask``. The workers of loky and of Dask are started before the clock; medians of interleaved rounds,
by the clock on the wall.
"""

from functools import partial

import joblib
import numpy as np
from _timing import interleaved_seconds, one_thread
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skbackprop import BackpropClassifier

BACKENDS = {"threading": "two threads", "loky": "two processes (loky, the default)", "dask": "Dask, two workers"}
FITS = 24
ROUNDS = 5


def main():
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
        search(backend, 1)  # its workers import what they need
    print(f"{FITS} fits and their scores; seconds, and the time of one process over it")
    print("| epochs a fit | one fit, ms | one process | " + " | ".join(BACKENDS.values()) + " |")
    print("|" + "---|" * (3 + len(BACKENDS)))
    for max_iter in (1, 10, 100, 500):
        calls = [partial(search, backend, max_iter) for backend in (None, *BACKENDS)]
        one, *others = interleaved_seconds(calls, ROUNDS)
        cells = " | ".join(f"{seconds:.2f} ({one / seconds:.2f}x)" for seconds in others)
        print(f"| {max_iter} | {one / FITS * 1e3:.1f} | {one:.2f} | {cells} |")


if __name__ == "__main__":
    one_thread()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        main()
