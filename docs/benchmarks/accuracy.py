"""Time to accuracy: seconds of training on one core until a 784-300-10 network reaches 3, 2 and 1.8 % error on MNIST.

    python docs/benchmarks/accuracy.py [--seeds 3] [CONTESTANT ...]
    python docs/benchmarks/accuracy.py --tune [--seeds 3] [CONTESTANT ...]

The contestants are ours, with one sample per step; MLPClassifier with Adam and with SGD; and a torch mini-batch loop
with Adam and with SGD. All of them train on a quarter of an epoch at a time. Then the clock is stopped and the error on
the test rows is measured. Step sizes fall by a factor from epoch to epoch if the library can do that in `partial_fit`.
The medians over the seeds and their ratios to ours are printed.

The settings (`CHOSEN`) were chosen without the test rows: ``--tune`` trains on the first 50,000 training rows and
measures the error on the other 10,000, for every combination in `GRIDS`. The choice is the fastest to 2 % among those
that also reach 1.8 %, if there are any. What is not reached within `EPOCHS` is inf.
"""

import argparse
import statistics
from functools import partial
from itertools import product

import numpy as np
from _data import mnist
from _timing import one_core, seconds_of, show
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier

try:
    import torch
except ImportError:
    torch = None

TARGETS = (0.03, 0.02, 0.018)
PARTS = 4  # number of measurements per epoch
EPOCHS = 12


def ours(seed, tau, fall, **settings):
    network = BackpropClassifier(
        (300,),
        loss="log_loss",
        learning_rate=lambda part: tau * fall ** (part / PARTS),
        sampling="shuffle",
        random_state=seed,
        **settings,
    )
    return partial(network.partial_fit, classes=range(10)), network.predict


def mlp(solver, seed, **settings):
    network = MLPClassifier((300,), solver=solver, alpha=0, random_state=seed, **settings)
    return partial(network.partial_fit, classes=range(10)), network.predict


def torch_loop(optimizer, seed, lr, fall, batch_size):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.ReLU(), torch.nn.Linear(300, 10))
    loss, descent = torch.nn.CrossEntropyLoss(), optimizer(network.parameters(), lr=lr, fused=True)

    def learn(X, y):
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        for rows in torch.randperm(len(y)).split(batch_size):
            descent.zero_grad()
            loss(network(X[rows]), y[rows]).backward()
            descent.step()
        for group in descent.param_groups:
            group["lr"] *= fall ** (1 / PARTS)

    def predict(X):
        with torch.inference_mode():
            return network(torch.from_numpy(X)).argmax(dim=1).numpy()

    return learn, predict


#: Each takes a seed and settings, and returns functions that train for a part of an epoch and predict.
CONTESTANTS = {"ours": ours, "mlp_adam": partial(mlp, "adam"), "mlp_sgd": partial(mlp, "sgd")}
if torch is not None:
    CONTESTANTS["torch_adam"] = partial(torch_loop, torch.optim.Adam)
    CONTESTANTS["torch_sgd"] = partial(torch_loop, partial(torch.optim.SGD, momentum=0.9, nesterov=True))

# torch_sgd got to 1.8 % with fall 0.8 in the first seed; with 0.7 it is sooner at 2 %, and gets there in most seeds.
CHOSEN = {
    "ours": {"activation": "relu", "tau": 0.03, "fall": 0.7},
    "mlp_adam": {"batch_size": 64, "learning_rate_init": 0.002},
    "mlp_sgd": {"batch_size": 64, "learning_rate_init": 0.05},
    "torch_adam": {"batch_size": 128, "lr": 0.008, "fall": 0.8},
    "torch_sgd": {"batch_size": 64, "lr": 0.1, "fall": 0.7},
}
GRIDS = {
    "ours": {"activation": ["relu", "leaky_relu", "silu"], "tau": [0.01, 0.02, 0.03], "fall": [0.7, 0.8, 0.9]},
    "mlp_adam": {"batch_size": [64, 128, 200], "learning_rate_init": [0.001, 0.002, 0.004]},
    "mlp_sgd": {"batch_size": [16, 32, 64], "learning_rate_init": [0.02, 0.05, 0.1]},
    "torch_adam": {"batch_size": [64, 128, 256], "lr": [0.002, 0.004, 0.008], "fall": [0.8, 0.9]},
    "torch_sgd": {"batch_size": [32, 64, 128], "lr": [0.05, 0.1, 0.2], "fall": [0.7, 0.8]},
}


def seconds_to(make, data, seed, settings):
    """Seconds of training until the error first is at most each of `TARGETS`; inf if it never is."""
    learn, predict = make(seed, **settings)
    X, y, X_test, y_test = data
    bounds = np.linspace(0, len(y), PARTS + 1).astype(int)
    seconds, reached = 0.0, []
    for _ in range(EPOCHS):
        for rows in map(slice, bounds[:-1], bounds[1:]):
            seconds += seconds_of(lambda rows=rows: learn(X[rows], y[rows]))
            error = np.mean(predict(X_test) != y_test)
            reached += [seconds] * sum(error <= target for target in TARGETS[len(reached) :])
            if len(reached) == len(TARGETS):
                return reached
    return reached + [np.inf] * (len(TARGETS) - len(reached))


def medians(rows):
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def measure(contestants=tuple(CONTESTANTS), seeds=3):
    """Seconds to reach each of `TARGETS`: {target: {contestant: median}}."""
    one_core()
    data = mnist()
    runs = {name: [] for name in contestants}
    for seed in range(seeds):
        for name in contestants:
            runs[name].append(seconds_to(CONTESTANTS[name], data, seed, CHOSEN[name]))
    columns = zip(TARGETS, *map(medians, runs.values()), strict=True)
    return {f"{target:.1%}": show(f"{target:.1%}", dict(zip(runs, row, strict=True))) for target, *row in columns}


def tune(contestants=tuple(CONTESTANTS), seeds=1):
    """Print the seconds to each target on the last 10,000 training rows, for every combination in `GRIDS`."""
    one_core()
    X, y, _, _ = mnist()
    data = X[:50_000], y[:50_000], X[50_000:], y[50_000:]
    for name in contestants:
        for values in product(*GRIDS[name].values()):
            settings = dict(zip(GRIDS[name], values, strict=True))
            runs = [seconds_to(CONTESTANTS[name], data, seed, settings) for seed in range(seeds)]
            print(name, settings, *(f"{s:.2f}" for s in medians(runs)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contestants", nargs="*", default=list(CONTESTANTS), metavar="CONTESTANT")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    print(f"seconds, medians of {options.seeds} seeds")
    (tune if options.tune else measure)(options.contestants, options.seeds)
