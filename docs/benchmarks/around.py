"""What surrounds the kernel: memory of a fit, predictions, draws and a search on two cores.

    python docs/benchmarks/around.py [memory | predictions | draws | search ...]

Memory is the growth of the peak in a separate process (Linux only); times are medians of interleaved runs.
"""

import subprocess
import sys
from functools import partial

import joblib
import numpy as np
from _timing import interleaved_seconds, one_thread
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._training.sampling import Draws, canonical_order


def memory():
    """Memory needed in addition to X for one epoch on 1,000,000 x 100 float32 values."""
    for kind in ("regression", "classification"):
        subprocess.run([sys.executable, __file__, f"memory-{kind}"], check=True)


def memory_of(kind):
    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    rng = np.random.default_rng(0)
    X = rng.random((1_000_000, 100), dtype=np.float32)
    y = rng.random(len(X), dtype=np.float32) if kind == "regression" else rng.integers(10, size=len(X))
    model = (BackpropRegressor if kind == "regression" else BackpropClassifier)((4,), max_iter=1)
    model.fit(X[:1000], y[:1000])
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")  # forget the peak so far
    before = peak()
    model.fit(X, y)
    print(f"{kind}: {(peak() - before) / X.nbytes:.1%} of X")


def predictions():
    """Predictions with 64-100-10, compared with MLPClassifier."""
    rng = np.random.default_rng(0)
    X, y = rng.random((100_000, 64)), rng.integers(10, size=100_000)
    ours = BackpropClassifier(max_iter=1, random_state=0).fit(X[:2000], y[:2000])
    theirs = MLPClassifier(max_iter=1, activation="logistic", random_state=0).fit(X[:2000], y[:2000])
    for method in ("predict", "predict_proba"):
        for rows, rounds in ((X, 9), (X[:1], 500)):
            calls = [partial(getattr(model, method), rows) for model in (ours, theirs)]
            own, peer = (seconds * 1e3 for seconds in interleaved_seconds(calls, rounds))
            print(f"{method}, {len(rows)} rows: {own:.3f} ms, MLPClassifier {peer:.3f} ms ({peer / own:.2f}x)")


def draws():
    """The time of one draw from 60,000 rows, by kind of weights, and of the canonical order."""
    rng = np.random.default_rng(0)
    n = 60_000
    order = np.arange(n)
    kinds = {
        "uniform": Draws(order),
        "shuffle": Draws(order, "shuffle"),
        "whole-number weights": Draws(order, repeats=rng.integers(1, 4, n)),
        "other weights": Draws(order, importance=rng.random(n)),
    }
    for label, kind in kinds.items():
        (seconds,) = interleaved_seconds([lambda k=kind: list(k.epoch(rng, 2**16))], 9)
        print(f"{label}: {seconds / kind.epoch_length * 1e9:.0f} ns per draw")
    X, y = rng.random((n, 64), dtype=np.float32), rng.integers(10, size=n).astype(np.int32)
    (seconds,) = interleaved_seconds([lambda: canonical_order(X, y)], 9)
    print(f"canonical order of 64 features: {seconds / n * 1e9:.0f} ns per row, once")


def search():
    """GridSearchCV with the threading backend, with one job and two."""
    X, y = load_digits(return_X_y=True)
    grid = {"learning_rate": [0.02, 0.05, 0.1, 0.2], "hidden_layer_sizes": [(100,), (200,)]}
    model = BackpropClassifier(max_iter=120, n_iter_no_change=np.inf, random_state=0)

    def fit(n_jobs):
        with joblib.parallel_backend("threading"):
            GridSearchCV(model, grid, n_jobs=n_jobs).fit(X / 16, y)

    one, two = interleaved_seconds([lambda: fit(1), lambda: fit(2)], 3)
    print(f"search: {one:.1f} s with one job, {two:.1f} s with two ({one / two:.2f}x)")


if __name__ == "__main__":
    one_thread()
    parts = {f.__name__: f for f in (memory, predictions, draws, search)}
    for part in sys.argv[1:] or parts:
        if part.startswith("memory-"):
            memory_of(part.removeprefix("memory-"))
        else:
            print(f"--- {part}: {parts[part].__doc__}")
            parts[part]()
