"""Memory of a fit on a memory-mapped file that is larger than what the process may allocate.

    python docs/benchmarks/memmap.py [--rows 10000000] [--folder /folder/with/room] [KIND ...]

Writes rows x 200 float32 values (8 GB by default; deleted at the end) and fits one epoch, each kind in its own process.
Prints the anonymous memory of the process (RssAnon, Linux only; the pages of the file are in the system's cache, and
can be dropped at any time): before the fit, including y, and the peak of 100 samples per second during the fit.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from skbackprop import BackpropClassifier, BackpropRegressor

N_FEATURES = 200
CHUNK = 100_000
KINDS = {
    "regression": {},
    "regression, shuffle": dict(sampling="shuffle"),
    "classification": {},
    "classification, shuffle": dict(sampling="shuffle"),
    "classification, Adam": dict(solver="adam", batch_size=32, learning_rate=0.001),
    "classification, class_weight": dict(class_weight="balanced"),
    "classification, whole-number weights": {},
    "classification, other weights": {},
    "classification, X_val": {},
    "classification, early_stopping": dict(early_stopping=True),
    "classification, L-BFGS": dict(solver="lbfgs"),
    "classification, partial_fit": {},
    "classification, CSR": {},
    "regression, diverging": dict(learning_rate=1e9),
}


def anonymous():
    """The anonymous memory of the process in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


class Peak(threading.Thread):
    """Samples the anonymous memory until the context is left."""

    def __enter__(self):
        self.before = self.most = anonymous()
        self.done = threading.Event()
        self.start()
        return self

    def run(self):
        while not self.done.wait(0.01):
            self.most = max(self.most, anonymous())

    def __exit__(self, *error):
        self.done.set()
        self.join()


def write(path, rows):
    """Standard normal features."""
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        for k in range(0, rows, CHUNK):
            rng.standard_normal((min(CHUNK, rows - k), N_FEATURES), dtype=np.float32).tofile(file)


def read(path):
    """X, memory-mapped, and y with ten classes of about the same size."""
    X = np.memmap(path, dtype=np.float32, mode="r").reshape(-1, N_FEATURES)
    y = np.empty(len(X), dtype=np.int64)
    for k in range(0, len(X), CHUNK):
        y[k : k + CHUNK] = np.clip(3 * X[k : k + CHUNK, 0] + X[k : k + CHUNK, 1] + 5, 0, 9)
    return X, y


def fit(path, kind):
    """Fit the rows of the file in this process and print a line."""
    X, y = read(path)
    given = {}
    if kind.startswith("regression"):
        y = y.astype(np.float32)
        model = BackpropRegressor((10,), max_iter=1, random_state=0, **KINDS[kind])
    else:
        model = BackpropClassifier((10,), max_iter=1, random_state=0, **KINDS[kind])
    if kind.endswith("CSR"):  # the same values, in the columns 40 k + i % 40 of 8,000; the columns are a file too
        columns = np.memmap(f"{path}.columns", dtype=np.int32, mode="w+", shape=X.shape)
        for k in range(0, len(X), CHUNK):
            i = np.arange(k, min(k + CHUNK, len(X)), dtype=np.int32)[:, np.newaxis]
            columns[k : k + CHUNK] = i % 40 + np.arange(0, 40 * N_FEATURES, 40, dtype=np.int32)
        ends = np.arange(0, X.size + 1, N_FEATURES, dtype=np.int32)
        X = csr_array((X.ravel(), columns.ravel(), ends), shape=(len(X), 40 * N_FEATURES))
    if "weights" in kind:
        rng = np.random.default_rng(0)
        given["sample_weight"] = rng.integers(1, 4, len(y)) if "whole" in kind else rng.random(len(y))
    if kind.endswith("X_val"):
        held_out = len(X) // 10
        given |= dict(X_val=X[:held_out], y_val=y[:held_out])
        X, y = X[held_out:], y[held_out:]
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    with Peak() as peak:
        if kind.endswith("partial_fit"):
            for k in range(0, len(X), CHUNK):
                model.partial_fit(X[k : k + CHUNK], y[k : k + CHUNK], classes=np.arange(10))
        else:
            model.fit(X, y, **given)
    before, most = peak.before / 2**20, peak.most / 2**20
    seconds = time.perf_counter() - start
    print(f"{kind:38} {before:6.0f} MiB {most:6.0f} MiB {seconds:8.1f} s   loss {model.loss_:.4g}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", help="for the temporary file; the default is the system's")
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND", help="; ".join(KINDS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "X.float32"
        write(path, arguments.rows)
        size = path.stat().st_size / 1e9
        print(f"{arguments.rows:,} rows, {size:.1f} GB; anonymous memory before and during fit", flush=True)
        for kind in arguments.kinds:
            process = multiprocessing.get_context("fork").Process(target=fit, args=(path, kind))
            process.start()
            process.join()
            for other in Path(folder).glob("X.float32.*"):
                other.unlink()
