"""Time of one step of one-sample SGD, through the public fit, beside what else a user could pick. One thread.

    python docs/benchmarks/steps.py [--rounds 7] [--dtype float32] [NET ...]

Contestants: scikit-learn's MLPClassifier (solver="sgd", batch_size=1), a NumPy loop, and JAX (jit and scan) where it is
installed. They take turns, round after round; printed are each one's median in µs a step, and its ratio to ours. A turn
is the difference of a long fit and a short one: start weights, of all 500,000 features say, are no part of a step.
"""

import argparse
import os
import statistics
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_ENABLE_X64", "1")

import numpy as np
import scipy.sparse as sp
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier

try:
    import jax
except ImportError:
    jax = None

#: name: sizes of the layers, share of zeros in X
NETS = {
    "4-8-3": ((4, 8, 3), 0),
    "20-50-3": ((20, 50, 3), 0),
    "64-100-10": ((64, 100, 10), 0),
    "784-100-10": ((784, 100, 10), 0),
    "784-300-10": ((784, 300, 10), 0),
    "784-800-10": ((784, 800, 10), 0),
    "784-300-100-10": ((784, 300, 100, 10), 0),
    "784-300-10 80% zeros": ((784, 300, 10), 0.8),
    "784-800-10 80% zeros": ((784, 800, 10), 0.8),
    "CSR 50000-50-20": ((50_000, 50, 20), "csr"),
    "CSR 500000-50-20": ((500_000, 50, 20), "csr"),
}
TAU = 0.05
SECONDS = 0.3  # about so long is a contestant's turn


def make_data(sizes, zeros, dtype):
    """Random rows and classes; the sparse ones have 100 nonzeros each."""
    rng = np.random.default_rng(0)
    if zeros == "csr":
        columns = np.sort([rng.choice(sizes[0], 100, replace=False) for _ in range(2000)])
        X = sp.csr_array(
            (rng.random(200_000).astype(dtype), columns.ravel().astype(np.int32), np.arange(0, 200_001, 100, np.int32)),
            shape=(2000, sizes[0]),
        )
    else:
        X = rng.random((1000, sizes[0])).astype(dtype)
        X[rng.random(X.shape) < zeros] = 0
    return X, rng.integers(sizes[-1], size=X.shape[0])


def ours(sizes, X, y, alpha=0.0):
    def run(epochs):
        BackpropClassifier(
            sizes[1:-1], learning_rate=TAU, alpha=alpha, max_iter=epochs, n_iter_no_change=np.inf, random_state=0
        ).fit(X, y)

    return run


def ours_with_penalty(sizes, X, y):
    return ours(sizes, X, y, alpha=1e-5) if sp.issparse(X) else None


def scikit_learn(sizes, X, y):
    model = MLPClassifier(
        sizes[1:-1],
        activation="logistic",
        solver="sgd",
        batch_size=1,
        learning_rate_init=TAU,
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        random_state=0,
    )
    part = slice(0, 50 if sizes[0] > 1000 else None)  # an epoch of the sparse rows would take a minute

    def run(epochs):
        for _ in range(epochs):
            model.partial_fit(X[part], y[part], classes=np.arange(sizes[-1]))

    run.rows = len(y[part])
    return run


def numpy_loop(sizes, X, y):
    if sp.issparse(X):
        return None
    rng = np.random.default_rng(0)
    W = [rng.normal(size=s).astype(X.dtype) / 20 for s in zip(sizes[1:], sizes[:-1], strict=True)]
    b = [np.zeros(m, dtype=X.dtype) for m in sizes[1:]]
    Y = np.eye(sizes[-1], dtype=X.dtype)[y]
    tau = X.dtype.type(TAU)

    def run(epochs):
        for i in np.random.default_rng(0).integers(len(X), size=epochs * len(X)):
            a = [X[i]]
            for W_l, b_l in zip(W, b, strict=True):
                a.append(1 / (1 + np.exp(-(W_l @ a[-1] + b_l))))
            delta = 2 * (a[-1] - Y[i]) * a[-1] * (1 - a[-1])
            for l in range(len(W) - 1, -1, -1):
                below = (delta @ W[l]) * a[l] * (1 - a[l]) if l else None
                W[l] -= tau * delta[:, None] * a[l]
                b[l] -= tau * delta
                delta = below

    return run


def jax_scan(sizes, X, y):
    if jax is None or sp.issparse(X):
        return None
    rng = np.random.default_rng(0)
    W = [jax.numpy.asarray(rng.normal(size=s) / 20, X.dtype) for s in zip(sizes[1:], sizes[:-1], strict=True)]
    state = [[(W_l, jax.numpy.zeros(len(W_l), X.dtype)) for W_l in W]]
    X_device, Y = jax.numpy.asarray(X), jax.numpy.eye(sizes[-1], dtype=X.dtype)[y]

    def loss(parameters, x, target):
        for W_l, b_l in parameters:
            x = jax.nn.sigmoid(W_l @ x + b_l)
        return ((x - target) ** 2).sum()

    def step(parameters, i):
        gradient = jax.grad(loss)(parameters, X_device[i], Y[i])
        return jax.tree.map(lambda p, g: p - TAU * g, parameters, gradient), None

    steps = jax.jit(lambda parameters, draws: jax.lax.scan(step, parameters, draws)[0], donate_argnums=0)

    def run(epochs):
        for _ in range(epochs):
            state[0] = steps(state[0], np.random.default_rng(0).integers(len(y), size=len(y)))
        jax.block_until_ready(state[0])

    return run


def timed(run, epochs):
    """Seconds of so many epochs more."""
    start = time.perf_counter()
    run(1)
    middle = time.perf_counter()
    run(1 + epochs)
    return max((time.perf_counter() - middle) - (middle - start), 1e-9)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), metavar="NET", help=", ".join(NETS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    contestants = (ours, ours_with_penalty, scikit_learn, numpy_loop, jax_scan)
    print(f"µs a step, {options.dtype}; medians of {options.rounds} rounds (ratio to ours)")
    for net in options.nets:
        sizes, zeros = NETS[net]
        X, y = make_data(sizes, zeros, np.dtype(options.dtype))
        runs = {f.__name__: run for f in contestants if (run := f(sizes, X, y))}
        epochs = {}
        for name, run in runs.items():
            run(1)
            # a fit on many features is mostly start weights: only many epochs show what a step costs
            least = epochs[name] = 200 if sp.issparse(X) and name.startswith("ours") else 1
            while (seconds := timed(run, epochs[name])) < SECONDS / 4:
                epochs[name] *= 4
            epochs[name] = max(least, round(SECONDS / seconds * epochs[name]))
        times = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                steps = epochs[name] * getattr(run, "rows", X.shape[0])
                times[name].append(timed(run, epochs[name]) / steps * 1e6)
        median = {name: statistics.median(values) for name, values in times.items()}
        row = "  ".join(f"{name} {value:.3g} ({value / median['ours']:.3g}x)" for name, value in median.items())
        print(f"{net:22} {row}", flush=True)
