"""Time of one step of one-sample SGD, through the public fit, compared with the alternatives, on one core.

    python docs/benchmarks/steps.py [--rounds 7] [--contestants NAME ...] [NET ...]

The contestants are ours in float32 and float64, and on sparse rows with a penalty; scikit-learn's MLPClassifier
(solver="sgd", batch_size=1); a NumPy loop; torch, by hand and in place, which is several times faster than autograd and
an optimizer (`torch_eager`, only if named); JAX, with a compiled scan; and FANN, from C. Those that are not installed
are skipped. All but ours and MLPClassifier have their initial weights ready, in the layout that suits them.

They take turns, round after round. The median of each in µs per step and its ratio to ours are printed. A turn is a
long run minus a short one, so that drawing the initial weights, for example of 500,000 features, is not part of a step.
The limit of the machine is printed as well; see `machine_limit`.
"""

import argparse
import ctypes
import os
import shlex
import subprocess
import tempfile
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from _data import mnist
from _timing import contest, limits, one_core, per_step
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier

try:
    import torch
except ImportError:
    torch = None
try:
    import jax

    jax.config.update("jax_platforms", "cpu")
except ImportError:
    jax = None

#: Name: sizes of the layers, share of zeros in X or kind of rows.
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
    "784-300-10 MNIST": ((784, 300, 10), "mnist"),
    "CSR 50000-50-20": ((50_000, 50, 20), "csr"),
    "CSR 500000-50-20": ((500_000, 50, 20), "csr"),
}
TAU = 0.05
NONZEROS = 100  # in each sparse row
PEER_STEPS = 200  # per epoch of the others, which would take minutes on all rows


def make_data(sizes, kind):
    """Random rows and classes in float32, or the first 10,000 rows of MNIST."""
    rng = np.random.default_rng(0)
    if kind == "mnist":
        X, y, _, _ = mnist()
        return X[:10_000], y[:10_000]
    if kind == "csr":
        columns = np.sort([rng.choice(sizes[0], NONZEROS, replace=False) for _ in range(2000)]).astype(np.int32)
        values = rng.random(columns.size, dtype=np.float32)
        starts = np.arange(0, columns.size + 1, NONZEROS, dtype=np.int32)
        X = sp.csr_array((values, columns.ravel(), starts), shape=(2000, sizes[0]))
    else:
        X = rng.random((1000, sizes[0]), dtype=np.float32)
        X[rng.random(X.shape) < kind] = 0
    return X, rng.integers(sizes[-1], size=X.shape[0])


def start(sizes):
    """W^l of shape (M_(l-1), M_l) and b^l, l = 1..L."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=s).astype(np.float32) / 20, np.zeros(s[1], dtype=np.float32)) for s in pairwise(sizes)]


def one_hot(sizes, y):
    return np.eye(sizes[-1], dtype=np.float32)[y]


def draw(y, epochs):
    return np.random.default_rng(0).integers(len(y), size=epochs * PEER_STEPS)


# ---- contestants: each takes (sizes, X, y) and returns a function that trains for so many epochs, and the steps of an
# ---- epoch; or None where it cannot take part


def ours(sizes, X, y, dtype=np.float32, **settings):
    X = X.astype(dtype)

    def run(epochs):
        BackpropClassifier(
            sizes[1:-1], learning_rate=TAU, max_iter=epochs, n_iter_no_change=np.inf, random_state=0, **settings
        ).fit(X, y)

    return run, len(y)


def ours_float64(sizes, X, y):
    return ours(sizes, X, y, np.float64)


def ours_penalty(sizes, X, y):
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
    part = slice(0, 20 if sp.issparse(X) else PEER_STEPS)

    def run(epochs):
        for _ in range(epochs):
            model.partial_fit(X[part], y[part], classes=np.arange(sizes[-1]))

    return run, part.stop


def numpy_loop(sizes, X, y):
    if sp.issparse(X):
        return None
    layers, Y = [(W.T.copy(), b) for W, b in start(sizes)], one_hot(sizes, y)
    tau = np.float32(TAU)

    def run(epochs):
        for i in draw(y, epochs):
            a = [X[i]]
            for W, b in layers:
                a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
            delta = 2 * (a[-1] - Y[i]) * a[-1] * (1 - a[-1])
            for l in range(len(layers) - 1, -1, -1):
                W, b = layers[l]
                below = (delta @ W) * a[l] * (1 - a[l]) if l else None
                W -= tau * delta[:, None] * a[l]
                b -= tau * delta
                delta = below

    return run, PEER_STEPS


def torch_by_hand(sizes, X, y):
    if torch is None or sp.issparse(X):
        return None
    torch.set_num_threads(1)
    layers = [(torch.from_numpy(W.T.copy()), torch.from_numpy(b)) for W, b in start(sizes)]
    rows, targets = torch.from_numpy(X), torch.from_numpy(one_hot(sizes, y))
    through_sigmoid = torch.ops.aten.sigmoid_backward

    @torch.inference_mode()
    def run(epochs):
        for i in draw(y, epochs):
            a = [rows[i]]
            for W, b in layers:
                a.append(torch.addmv(b, W, a[-1]).sigmoid_())
            delta = through_sigmoid(a[-1] - targets[i], a[-1])
            for l in range(len(layers) - 1, -1, -1):
                W, b = layers[l]
                below = through_sigmoid(W.T.mv(delta), a[l]) if l else None
                W.addr_(delta, a[l], alpha=-2 * TAU)
                b.add_(delta, alpha=-2 * TAU)
                delta = below

    return run, PEER_STEPS


def torch_eager(sizes, X, y):
    if torch is None or sp.issparse(X):
        return None
    torch.set_num_threads(1)
    layers = [layer for s in pairwise(sizes) for layer in (torch.nn.Linear(*s), torch.nn.Sigmoid())]
    network, loss = torch.nn.Sequential(*layers), torch.nn.MSELoss(reduction="sum")
    descent = torch.optim.SGD(network.parameters(), lr=TAU, fused=True)
    rows, targets = torch.from_numpy(X), torch.from_numpy(one_hot(sizes, y))

    def run(epochs):
        for i in draw(y, epochs):
            descent.zero_grad()
            loss(network(rows[i]), targets[i]).backward()
            descent.step()

    return run, PEER_STEPS


def jax_scan(sizes, X, y):
    """Rows in order, which saves JAX the draws; the fastest of sixteen formulations that were tried, by size."""
    if jax is None:
        return None
    layers, rows = start(sizes), X
    if sp.issparse(X):
        rows, step = (X.indices.reshape(-1, NONZEROS), X.data.reshape(-1, NONZEROS)), jax_sparse_step
    elif sizes[0] < 64:
        step = jax_small_step
    else:
        layers, step = [(W.T, b) for W, b in layers], jax_step
    layers, samples = jax.tree.map(jax.numpy.asarray, (layers, (rows, one_hot(sizes, y))))

    @partial(jax.jit, donate_argnums=0)
    def train(layers, epochs):
        return jax.lax.fori_loop(0, epochs, lambda _, now: jax.lax.scan(step, now, samples, unroll=4)[0], layers)

    def run(epochs):
        nonlocal layers
        layers = jax.block_until_ready(train(layers, epochs))

    return run, len(y)


def jax_step(layers, sample):
    def loss(layers):
        a, target = sample
        for W, b in layers:
            a = jax.nn.sigmoid(W @ a + b)
        return ((a - target) ** 2).sum()

    return jax.tree.map(lambda p, g: p - TAU * g, layers, jax.grad(loss)(layers)), None


def jax_small_step(layers, sample):
    """Sums of products, which JAX fuses with the rest of the step, instead of calls to matrix products."""
    a, target = [sample[0]], sample[1]
    for W, b in layers:
        a.append(jax.nn.sigmoid((W * a[-1][:, None]).sum(axis=0) + b))
    delta, after = 2 * (a[-1] - target) * a[-1] * (1 - a[-1]), []
    for (W, b), below in zip(layers[::-1], a[-2::-1], strict=True):
        after.insert(0, (W - TAU * below[:, None] * delta, b - TAU * delta))
        delta = (W * delta).sum(axis=1) * below * (1 - below)
    return after, None


def jax_sparse_step(layers, sample):
    """By hand, since autograd would make a gradient as large as all weights."""
    ((W, b), (V, c)), ((columns, values), target) = layers, sample
    rows, promise = W.at[columns], {"mode": "promise_in_bounds", "indices_are_sorted": True, "unique_indices": True}
    h = jax.nn.sigmoid(values @ rows.get(**promise) + b)
    a = jax.nn.sigmoid(h @ V + c)
    delta = 2 * (a - target) * a * (1 - a)
    below = (V @ delta) * h * (1 - h)
    W = rows.add(-TAU * values[:, None] * below, **promise)
    return [(W, b - TAU * below), (V - TAU * h[:, None] * delta, c - TAU * delta)], None


@cache
def fann_library():
    """fann_steps.c as a library, compiled if FANN's headers and a C compiler are available; otherwise None."""
    source = Path(__file__).with_name("fann_steps.c")
    library = Path(tempfile.mkdtemp()) / "fann_steps.so"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, "-O3", "-shared", "-fPIC", source, "-o", library, "-lfloatfann", "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    library = ctypes.CDLL(library)
    library.network.restype = ctypes.c_void_p
    library.network.argtypes = ctypes.c_uint, ctypes.c_void_p, ctypes.c_float
    library.steps.argtypes = *(ctypes.c_void_p,) * 4, ctypes.c_long
    return library


def fann(sizes, X, y):
    library = None if sp.issparse(X) else fann_library()
    if library is None:
        return None
    units, Y = np.array(sizes, dtype=np.uintc), one_hot(sizes, y)
    network = library.network(len(units), units.ctypes.data, TAU)

    def run(epochs):
        rows = draw(y, epochs).astype(np.int_)
        library.steps(network, X.ctypes.data, Y.ctypes.data, rows.ctypes.data, len(rows))

    return run, PEER_STEPS


CONTESTANTS = {
    f.__name__: f
    for f in (ours, ours_float64, ours_penalty, scikit_learn, numpy_loop, torch_by_hand, jax_scan, fann, torch_eager)
}
NAMES = tuple(CONTESTANTS)[:-1]  # without torch_eager


def machine_limit(sizes, X):
    """Measurements in µs: the arithmetic of a step, and reading and updating each weight that it touches.

    A step reads and writes every weight that its sample's nonzeros touch at least once (the forward pass of the next
    sample can be done at the same time), and multiplies and adds it two or three times. So no step can be faster than
    the longer of arithmetic and update, as long as the weights of all samples are in the same cache as those of
    `limits`.
    """
    n = [M * N for M, N in pairwise(sizes)]
    density = X.nnz / np.prod(X.shape) if sp.issparse(X) else np.count_nonzero(X) / X.size
    touched = sum(n) - n[0] * (1 - density)
    flops = 6 * touched - 2 * n[0] * density
    flop, read, update = limits(sum(n))
    return {
        "arithmetic": lambda: flop() * flops * 1e6,
        "read": lambda: read() * touched / sum(n) * 1e6,
        "update": lambda: update() * touched / sum(n) * 1e6,
    }


def measure(nets=tuple(NETS), contestants=NAMES, rounds=7):
    """µs per step: {net: {contestant or limit: median}}."""
    one_core()
    figures = {}
    for net in nets:
        sizes, kind = NETS[net]
        try:
            X, y = make_data(sizes, kind)
        except OSError as error:
            print(f"{net} left out: {error}")
            continue
        measures = {}
        for name in contestants:
            if taking_part := CONTESTANTS[name](sizes, X, y):
                # with many features, a fit mostly draws initial weights; only many epochs show what a step costs
                least = 100 if kind == "csr" and name.startswith("ours") else 1
                measures[name] = per_step(*taking_part, least)
        figures[net] = contest(net, measures | machine_limit(sizes, X), rounds)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), metavar="NET", help=", ".join(NETS).replace("%", "%%"))
    parser.add_argument("--contestants", nargs="*", default=NAMES, metavar="NAME", help=", ".join(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(f"µs per step, medians of {options.rounds} rounds (ratio to the first)")
    measure(**vars(options))
