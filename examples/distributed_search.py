"""Searches that Dask distributes over a cluster, here two processes of one machine.

    python examples/distributed_search.py

This needs Dask (``pip install -e ".[dask]"``). With the address of a running scheduler,
``Client("tcp://...")``, the same code uses all of its machines. docs/parallel.md says when that
is worth it.
"""

import sys

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from skbackprop import BackpropClassifier

try:
    import dask.array as da
    from dask.distributed import Client, LocalCluster
    from dask_ml.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
    from dask_ml.wrappers import Incremental
except ModuleNotFoundError as error:
    sys.exit(f'{error}: in a copy of the repository, pip install -e ".[dask]"')


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

    # scikit-learn's own search, whose fits are the tasks
    grid = {"learning_rate": [0.05, 0.1, 0.2, 0.4], "hidden_layer_sizes": [(30,), (100,)]}
    search = GridSearchCV(BackpropClassifier(random_state=0), grid, cv=3)
    with joblib.parallel_config("dask"):
        search.fit(X_train, y_train)
    right = search.score(X_test, y_test)
    print(f"GridSearchCV: {search.best_params_}, {right:.1%} of the test digits right")

    # data in chunks on the workers: one partial_fit per chunk, on the worker that holds it
    X_chunks = da.from_array(X_train, chunks=(200, 64))
    y_chunks = da.from_array(y_train, chunks=200)
    stream = Incremental(search.best_estimator_, shuffle_blocks=False, random_state=0)
    for _ in range(20):
        stream.partial_fit(X_chunks, y_chunks, classes=np.arange(10))
    print(f"Incremental: {stream.score(X_test, y_test):.1%} after 20 passes over the chunks")

    # many settings, most of them dropped after a few calls to partial_fit
    many = {
        "learning_rate": list(np.geomspace(1e-3, 1, 50)),
        "hidden_layer_sizes": [(30,), (100,)],
    }
    model = BackpropClassifier(random_state=0)
    for search in (
        HyperbandSearchCV(model, many, max_iter=81, random_state=0),
        SuccessiveHalvingSearchCV(model, many, n_initial_parameters=30, n_initial_iter=9),
    ):
        search.fit(X_chunks, y_chunks, classes=np.arange(10))
        calls = search.metadata_["partial_fit_calls"]
        found = f"{search.best_params_}, {search.score(X_test, y_test):.1%} after {calls} calls"
        print(f"{type(search).__name__}: {found}")


if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        main()
