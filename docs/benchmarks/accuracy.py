"""Time to accuracy: seconds of training on one core until a 784-300-10 network reaches 3, 2 and 1.8 % error on MNIST.

    python docs/benchmarks/accuracy.py [--seeds 5] [CONTESTANT ...]
    python docs/benchmarks/accuracy.py --tune [--seeds 1] [CONTESTANT ...]

Contestants: ours, one sample per step, and with Adam; MLPClassifier with Adam and with SGD; a torch mini-batch loop,
with Adam and with SGD. All train on a quarter of an epoch at a time; then the clock is stopped while the error on the
test rows is measured. If the library can change step sizes in `partial_fit`, they fall linearly, over as many quarters
as suit the target. Prints medians over the seeds and their ratio to ours.

Each contestant has settings for each target (`CHOSEN`), chosen without the test rows: ``--tune`` trains on the first
50,000 training rows and measures the error on the other 10,000, for the combinations in `GRIDS`. The fastest was
chosen or, if none reached the target, the one that came closest. Ours had three seeds per combination, the others one;
ours with Adam, and torch, had only part of the combinations. MLPClassifier with Adam, which reached no target but 3 %,
has the settings for that one; with SGD, it was tuned by hand. A target that is not reached within `PATIENCE` epochs
counts as inf.
"""

import argparse
import statistics
from functools import partial
from itertools import count, groupby, product
from operator import itemgetter

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
PARTS = 4  # measurements per epoch
PATIENCE = 8  # epochs; falling step sizes are at their smallest by then


def falling(start, parts):
    """The step size of each part of an epoch: falling linearly over a number of parts, then constant."""
    return lambda part: start * max(1 - part / parts, 1 / parts)


def ours(seed, tau, parts, **settings):
    network = BackpropClassifier(
        (300,),
        loss="log_loss",
        learning_rate=falling(tau, parts),
        sampling="shuffle",
        random_state=seed,
        **settings,
    )
    return partial(network.partial_fit, classes=range(10)), network.predict


def mlp(solver, seed, **settings):
    network = MLPClassifier((300,), solver=solver, alpha=0, random_state=seed, **settings)
    return partial(network.partial_fit, classes=range(10)), network.predict


def torch_loop(optimizer, seed, lr, parts, batch_size):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.ReLU(), torch.nn.Linear(300, 10))
    loss, descent = torch.nn.CrossEntropyLoss(), optimizer(network.parameters(), lr=lr, fused=True)
    step_sizes = map(falling(lr, parts), count())

    def learn(X, y):
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        step_size = next(step_sizes)
        for group in descent.param_groups:
            group["lr"] = step_size
        for rows in torch.randperm(len(y)).split(batch_size):
            descent.zero_grad()
            loss(network(X[rows]), y[rows]).backward()
            descent.step()

    def predict(X):
        with torch.inference_mode():
            return network(torch.from_numpy(X)).argmax(dim=1).numpy()

    return learn, predict


#: Each takes a seed and settings, and returns functions that train for a part of an epoch and predict.
CONTESTANTS = {
    "ours": ours,
    "ours_adam": partial(ours, solver="adam"),
    "mlp_adam": partial(mlp, "adam"),
    "mlp_sgd": partial(mlp, "sgd"),
}
if torch is not None:
    CONTESTANTS["torch_adam"] = partial(torch_loop, torch.optim.Adam)
    CONTESTANTS["torch_sgd"] = partial(torch_loop, partial(torch.optim.SGD, momentum=0.9, nesterov=True))

#: settings for each of `TARGETS`
CHOSEN = {
    "ours": [
        {"activation": "relu", "tau": 0.03, "parts": 3},
        {"activation": "relu", "tau": 0.02, "parts": 12},
        {"activation": "relu", "tau": 0.03, "parts": 20},
    ],
    "ours_adam": [
        {"activation": "relu", "batch_size": 64, "tau": 0.004, "parts": 12},
        {"activation": "relu", "batch_size": 64, "tau": 0.004, "parts": 16},
        {"activation": "relu", "batch_size": 64, "tau": 0.004, "parts": 20},
    ],
    "mlp_adam": 3 * [{"batch_size": 200, "learning_rate_init": 0.004}],
    "mlp_sgd": 3 * [{"batch_size": 64, "learning_rate_init": 0.05}],
    "torch_adam": [
        {"batch_size": 128, "lr": 0.008, "parts": 6},
        {"batch_size": 128, "lr": 0.008, "parts": 20},
        {"batch_size": 128, "lr": 0.008, "parts": 20},
    ],
    "torch_sgd": [
        {"batch_size": 128, "lr": 0.4, "parts": 6},
        {"batch_size": 64, "lr": 0.1, "parts": 12},
        {"batch_size": 64, "lr": 0.2, "parts": 16},
    ],
}
GRIDS = {
    "ours": {"activation": ["relu"], "tau": [0.015, 0.02, 0.03, 0.04], "parts": [3, 4, 6, 8, 10, 12, 14, 16, 20]},
    "ours_adam": {
        "activation": ["relu"],
        "batch_size": [64, 128, 256],
        "tau": [0.002, 0.004, 0.008],
        "parts": [4, 6, 8, 12, 16, 20],
    },
    "mlp_adam": {"batch_size": [64, 128, 200], "learning_rate_init": [0.001, 0.002, 0.004]},
    "mlp_sgd": {"batch_size": [16, 32, 64], "learning_rate_init": [0.02, 0.05, 0.1]},
    "torch_adam": {"batch_size": [64, 128, 256], "lr": [0.002, 0.004, 0.008], "parts": [4, 6, 8, 12, 16, 20]},
    "torch_sgd": {"batch_size": [32, 64, 128], "lr": [0.05, 0.1, 0.2, 0.4], "parts": [4, 6, 8, 12, 16, 20]},
}


def seconds_to(targets, make, data, seed, settings):
    """Seconds of training at which the error first is no larger than each target; inf if it never is."""
    learn, predict = make(seed, **settings)
    X, y, X_test, y_test = data
    bounds = np.linspace(0, len(y), PARTS + 1).astype(int)
    seconds, reached = 0.0, []
    for _ in range(PATIENCE):
        for rows in map(slice, bounds[:-1], bounds[1:]):
            seconds += seconds_of(lambda rows=rows: learn(X[rows], y[rows]))
            error = np.mean(predict(X_test) != y_test)
            reached += [seconds] * sum(error <= target for target in targets[len(reached) :])
            if len(reached) == len(targets):
                return reached
    return reached + [np.inf] * (len(targets) - len(reached))


def seconds_as_chosen(name, data, seed):
    """Seconds to each of `TARGETS`, each with the settings chosen for it."""
    seconds = []
    for settings, group in groupby(zip(CHOSEN[name], TARGETS, strict=True), key=itemgetter(0)):
        targets = [target for _, target in group]
        seconds += seconds_to(targets, CONTESTANTS[name], data, seed, settings)
    return seconds


def medians(runs):
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def measure(contestants=tuple(CONTESTANTS), seeds=5):
    """Seconds to each of `TARGETS`: {target: {contestant: median}}."""
    one_core()
    data = mnist()
    runs = {name: [] for name in contestants}
    for seed in range(seeds):
        for name in contestants:
            runs[name].append(seconds_as_chosen(name, data, seed))
            print(f"seed {seed}, {name}:", *(f"{seconds:.2f}" for seconds in runs[name][-1]), flush=True)
    columns = zip(TARGETS, *map(medians, runs.values()), strict=True)
    return {f"{target:.1%}": show(f"{target:.1%}", dict(zip(runs, row, strict=True))) for target, *row in columns}


def tune(contestants=tuple(CONTESTANTS), seeds=1):
    """Print the seconds to each target on the last 10,000 training rows, for every combination in `GRIDS`."""
    one_core()
    data = mnist(held_out=True)
    for name in contestants:
        for values in product(*GRIDS[name].values()):
            settings = dict(zip(GRIDS[name], values, strict=True))
            runs = [seconds_to(TARGETS, CONTESTANTS[name], data, seed, settings) for seed in range(seeds)]
            print(name, settings, *(f"{s:.2f}" for s in medians(runs)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contestants", nargs="*", default=list(CONTESTANTS), metavar="CONTESTANT")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    print(f"seconds, medians of {options.seeds} seeds")
    (tune if options.tune else measure)(options.contestants, options.seeds)
