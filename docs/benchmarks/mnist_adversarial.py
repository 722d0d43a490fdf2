"""MNIST without deformations, its pixels in no order: relu units, softmax, Adam, and adversarial digits.

    SKBACKPROP_DATA=/folder/of/mnist.npz python docs/benchmarks/mnist_adversarial.py [--seeds 0 1 2] [--epochs 30]
    SKBACKPROP_DATA=/folder/of/mnist.npz python docs/benchmarks/mnist_adversarial.py --held-out [NAME=VALUE ...]

Without SKBACKPROP_DATA the data are fetched from OpenML. In each epoch, half of the digits are moved by a fixed length
in a direction in which the network's loss rises steeply, as in Goodfellow, Shlens and Szegedy (2015, ICLR). The
direction is the gradient without its smaller components, so that most pixels stay 0 and the steps fast; it is computed
for the next thousand digits at a time, by the weights after those before. The step size falls to 0 along a cosine.

What is reported is the error after the last epoch. Settings were chosen without the test digits: ``--held-out`` trains
on the first 50,000 training digits and measures the error on the other 10,000; ``NAME=VALUE`` changes a parameter, as
in ``learning_rate=0.002``, or ``length=0`` for no adversarial digits. Seconds are CPU time on one core. Writes
mnist_adversarial.json beside this file, unless ``--held-out``.

For comparison, with pixels in no order: Srivastava et al. (2014, JMLR 15) report 1.05 % for dropout, 3 x 1024 relu
units and a bound on the norm of each unit's weights, and 0.95 % for 2 x 8192; Goodfellow, Shlens and Szegedy 0.94 % for
dropout and maxout units, 0.78 to 0.84 % with adversarial digits.
"""

import argparse
import ast
import json
import statistics
import time
from pathlib import Path

import numpy as np
from _data import mnist
from _report import versions
from _timing import one_thread

from skbackprop import BackpropClassifier

SETTINGS = {
    "hidden_layer_sizes": (1600, 800),
    "activation": "relu",
    "loss": "log_loss",
    "solver": "adam",
    "learning_rate": 0.001,
    "learning_rate_schedule": "cosine",
    "batch_size": 100,
    "sampling": "shuffle",
}
ADVERSARIAL = {"share": 0.5, "length": 1.5}  # of the digits; in pixels
PARTS = 60  # of an epoch, each with adversarial digits for the weights after the part before
BLOCK = 500  # digits that are moved at a time, so that their arrays stay in the cache


def loss_gradients(network, X, y):
    """∂f/∂x of each digit: backprop down to the pixels. The classes are 0, 1, ..."""
    *hidden, delta = network.activations(X)
    delta[np.arange(len(y)), y] -= 1  # δ^L of softmax and log loss
    for W, a in zip(network.coefs_[:0:-1], hidden[::-1], strict=True):
        delta = (delta @ W.T) * (a > 0)
    return delta @ network.coefs_[0].T


def adversarial(network, X, y, length):
    """The digits, each moved by a vector of this length along its gradient."""
    out = np.empty_like(X)
    for k in range(0, len(X), BLOCK):
        block = X[k : k + BLOCK]
        move = loss_gradients(network, block, y[k : k + BLOCK])
        move[((block == 0) & (move < 0)) | ((block == 1) & (move > 0))] = 0  # pixels stay between 0 and 1
        move[np.abs(move) < np.sqrt(np.mean(move**2, axis=1, keepdims=True))] = 0
        move *= length / (np.linalg.norm(move, axis=1, keepdims=True) + np.float32(1e-30))
        out[k : k + BLOCK] = np.clip(block + move, 0, 1)
    return out


def learn_epoch(network, X, y, rng, share, length):
    for rows in np.array_split(rng.permutation(len(X)), PARTS):
        digits, labels = X[rows], y[rows]
        if length and hasattr(network, "coefs_"):
            moved = rng.random(len(rows)) < share
            digits[moved] = adversarial(network, digits[moved], labels[moved], length)
        network.partial_fit(digits, labels, classes=range(10))


def train(settings, moves, seed, epochs, X, y, X_test, y_test):
    """Train a network epoch by epoch; returns the results for the file."""
    network = BackpropClassifier(**settings, max_iter=epochs * PARTS, random_state=seed)
    rng = np.random.default_rng(seed)
    seconds, curve = 0.0, []
    for epoch in range(1, epochs + 1):
        start = time.process_time()
        learn_epoch(network, X, y, rng, **moves)
        seconds += time.process_time() - start
        if epoch % 5 == 0 or epoch == epochs:
            curve.append((epoch, float(np.mean(network.predict(X_test) != y_test))))
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
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--held-out", action="store_true", help="hold out training digits, leave the test digits alone")
    options = parser.parse_args()
    one_thread()
    X, y, X_test, y_test = mnist(options.held_out)
    settings, moves = SETTINGS | dict(options.settings), dict(ADVERSARIAL)
    moves |= {name: settings.pop(name) for name in ADVERSARIAL if name in settings}
    print(settings, moves, "\nseed  epoch      loss   error  seconds")
    runs = [train(settings, moves, seed, options.epochs, X, y, X_test, y_test) for seed in options.seeds]
    mean = statistics.mean(run["error"] for run in runs)
    print(f"mean error after the last epoch {mean:.2%}")
    if not options.held_out:
        what = {"measured": versions(()), "settings": settings | moves, "parts": PARTS}
        result = what | {"mean_error": mean, "runs": runs}
        (Path(__file__).parent / "mnist_adversarial.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
