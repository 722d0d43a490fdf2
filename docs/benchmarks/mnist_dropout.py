"""MNIST without deformations, its pixels in no order: 2048 relu units, softmax and dropout, one sample per step.

    SKBACKPROP_DATA=/folder/of/mnist.npz python docs/benchmarks/mnist_dropout.py [--seeds 0 1 2] [--epochs 40]
    SKBACKPROP_DATA=/folder/of/mnist.npz python docs/benchmarks/mnist_dropout.py --held-out [NAME=VALUE ...]

Without SKBACKPROP_DATA the data are fetched from OpenML. Dropout as in Srivastava et al. (2014, JMLR 15): a fifth of
the pixels, half of the hidden units. They report 1.05 % for 3 x 1024 relu units with a bound on the norm of each unit's
weights, 0.95 % for 2 x 8192. The step size falls to 0 along a cosine.

What is reported is the error after the last epoch. Settings were chosen without the test digits: ``--held-out`` trains
on the first 50,000 training digits and measures the error on the other 10,000; ``NAME=VALUE`` changes a parameter, as
in ``learning_rate=0.02``. Seconds are CPU time on one core. Writes mnist_dropout.json beside
this file, unless ``--held-out``.
"""

import argparse
import ast
import json
import statistics
import time
from pathlib import Path

from _data import mnist
from _report import versions
from _timing import one_thread

from skbackprop import BackpropClassifier

SETTINGS = {
    "hidden_layer_sizes": (2048,),
    "activation": "relu",
    "loss": "log_loss",
    "learning_rate": 0.01,
    "learning_rate_schedule": "cosine",
    "sampling": "shuffle",
    "dropout": (0.2, 0.5),
}


def train(settings, seed, epochs, X, y, X_test, y_test):
    """Train a network epoch by epoch; returns the results for the file."""
    network = BackpropClassifier(**settings, max_iter=epochs, random_state=seed)
    seconds, curve = 0.0, []
    for epoch in range(1, epochs + 1):
        start = time.process_time()
        network.partial_fit(X, y, classes=range(10))
        seconds += time.process_time() - start
        if epoch % 5 == 0 or epoch == epochs:
            curve.append((epoch, 1 - network.score(X_test, y_test)))
            print(f"{seed:4} {epoch:6} {network.loss_:9.5f} {curve[-1][1]:7.2%} {seconds:8.0f}", flush=True)
    return {"seed": seed, "error": curve[-1][1], "seconds": seconds, "curve": curve}


def setting(text):
    name, value = text.split("=", 1)
    try:
        return name, ast.literal_eval(value)
    except ValueError:  # a name, not a number
        return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", type=setting, nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--held-out", action="store_true", help="hold out training digits, leave the test digits alone")
    options = parser.parse_args()
    one_thread()
    X, y, X_test, y_test = mnist(options.held_out)
    settings = SETTINGS | dict(options.settings)
    print(settings, "\nseed  epoch      loss   error  seconds")
    runs = [train(settings, seed, options.epochs, X, y, X_test, y_test) for seed in options.seeds]
    mean = statistics.mean(run["error"] for run in runs)
    print(f"mean error after the last epoch {mean:.2%}")
    if not options.held_out:
        result = {"measured": versions(), "settings": settings, "mean_error": mean, "runs": runs}
        (Path(__file__).parent / "mnist_dropout.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
