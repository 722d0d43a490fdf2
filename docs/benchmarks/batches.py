"""Time per sample in mini-batches of 32 and 200, with relu and a softmax and the log loss, on one core.

    python docs/benchmarks/batches.py [--rounds 7] [--batches 32 200] [--zeros 0] [--contestants NAME ...] [NET ...]

The contestants are ours and scikit-learn's MLPClassifier, both with Adam and with plain SGD, and a torch loop with
fused Adam over rows that are already tensors. All of them shuffle the rows in each epoch. They take turns, as in
steps.py. Medians in µs per sample, their ratios, and the time of the arithmetic alone on this machine are printed;
the arithmetic is that of inputs without zeros, of which `--zeros` is the share.
"""

import argparse
from itertools import pairwise

import numpy as np
from _timing import contest, limits, one_core, per_step
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier

try:
    import torch
except ImportError:
    torch = None

NETS = {"64-100-10": (64, 100, 10), "784-100-10": (784, 100, 10), "784-300-10": (784, 300, 10)}
BATCHES = (32, 200)
ROWS = 4000


def ours(sizes, X, y, batch_size, solver="sgd", learning_rate=0.1):
    model = BackpropClassifier(
        sizes[1:-1],
        activation="relu",
        loss="log_loss",
        solver=solver,
        batch_size=batch_size,
        learning_rate=learning_rate,
        sampling="shuffle",
        n_iter_no_change=np.inf,
        random_state=0,
    )
    return lambda epochs: model.set_params(max_iter=epochs).fit(X, y)


def ours_adam(sizes, X, y, batch_size):
    return ours(sizes, X, y, batch_size, solver="adam", learning_rate=1e-3)


def mlp(sizes, X, y, batch_size, solver="sgd", **settings):
    model = MLPClassifier(
        sizes[1:-1], solver=solver, batch_size=batch_size, alpha=0, n_iter_no_change=np.inf, random_state=0, **settings
    )
    return lambda epochs: model.set_params(max_iter=epochs).fit(X, y)


def mlp_sgd(sizes, X, y, batch_size):
    return mlp(sizes, X, y, batch_size, momentum=0, nesterovs_momentum=False, learning_rate_init=0.1)


def mlp_adam(sizes, X, y, batch_size):
    return mlp(sizes, X, y, batch_size, solver="adam")


def torch_adam(sizes, X, y, batch_size):
    if torch is None:
        return None
    torch.set_num_threads(1)
    layers = [layer for s in pairwise(sizes) for layer in (torch.nn.Linear(*s), torch.nn.ReLU())]
    network, loss = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    descent = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def run(epochs):
        for _ in range(epochs):
            for rows in torch.randperm(len(y)).split(batch_size):
                descent.zero_grad()
                loss(network(X[rows]), y[rows]).backward()
                descent.step()

    return run


CONTESTANTS = {"ours_adam": ours_adam, "ours_sgd": ours} | {f.__name__: f for f in (mlp_adam, mlp_sgd, torch_adam)}


def arithmetic(sizes):
    """A measurement: µs for a sample's products, three per layer, two in the first, whose input needs no gradient."""
    n = [M * N for M, N in pairwise(sizes)]
    flop, _, _ = limits(sum(n))
    return lambda: flop() * (6 * sum(n) - 2 * n[0]) * 1e6


def measure(nets=tuple(NETS), contestants=tuple(CONTESTANTS), rounds=7, batches=BATCHES, zeros=0.0):
    """µs per sample: {"net, batches of B": {contestant or limit: median}}."""
    one_core()
    figures = {}
    for net in nets:
        sizes, rng = NETS[net], np.random.default_rng(0)
        X, y = rng.random((ROWS, sizes[0]), dtype=np.float32), rng.integers(sizes[-1], size=ROWS)
        X[rng.random(X.shape) < zeros] = 0
        for batch_size in batches:
            label = f"{net}, batches of {batch_size}"
            runs = {name: CONTESTANTS[name](sizes, X, y, batch_size) for name in contestants}
            measures = {name: per_step(run, ROWS) for name, run in runs.items() if run}
            figures[label] = contest(label, measures | {"arithmetic": arithmetic(sizes)}, rounds)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), metavar="NET", help=", ".join(NETS))
    parser.add_argument("--contestants", nargs="*", default=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", nargs="*", type=int, default=BATCHES, metavar="SIZE")
    parser.add_argument("--zeros", type=float, default=0.0, metavar="SHARE")
    options = parser.parse_args()
    print(f"µs per sample, medians of {options.rounds} rounds (ratio to the first)")
    measure(**vars(options))
