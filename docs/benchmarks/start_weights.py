"""Start weights and step sizes compared: 5-fold scores against the default MLPClassifier and MLPRegressor.

    python docs/benchmarks/start_weights.py classification
    python docs/benchmarks/start_weights.py regression

Real data that scikit-learn ships, MNIST (a part of it, averaged to fewer pixels) and generated sets; features
standardised, and y in regression; all else default. Prints, for each start, the mean difference to scikit-learn's
score, the worst sets, the smallest training recall of any class (a class of which a part was not learned shows here)
and the seconds of training. docs/start_weights.md says what followed from it.
"""

import argparse
import time

import numpy as np
from _data import mnist
from _timing import one_thread
from sklearn import datasets
from sklearn.metrics import recall_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, _base


def small_mnist(n, pool):
    """The first n images, averaged over squares of pool x pool pixels."""
    X, y, _, _ = mnist()
    return X[:n].reshape(n, 28 // pool, pool, 28 // pool, pool).mean(axis=(2, 4)).reshape(n, -1).astype(float), y[:n]


def strokes(seed, n=4000, styles=3):
    """Like pen-digits: 8 points along a stroke in a box of 100 x 100; ten classes with a few styles of writing each."""
    rng = np.random.default_rng(seed)
    prototypes = rng.normal(size=(10, styles, 4, 2))
    share = rng.dirichlet([1.2] * styles, 10)
    t = np.linspace(0, 1, 8)
    basis = np.column_stack([np.ones(8), 2 * t - 1, np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])
    y = rng.integers(10, size=n)
    X = np.empty((n, 16))
    for i in range(n):
        style = rng.choice(styles, p=share[y[i]])
        points = basis @ (prototypes[y[i], style] + 0.18 * rng.normal(size=(4, 2)))
        angle = 0.15 * rng.normal()
        points = points @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        points -= points.min(axis=0)
        X[i] = np.round(100 * points / points.max()).ravel()
    return X, y


def spirals(n=2000):
    rng = np.random.default_rng(0)
    t, y = rng.random(n) * 3 * np.pi, rng.integers(2, size=n)
    r = t + 0.3 * rng.normal(size=n)
    return np.column_stack([r * np.cos(t + np.pi * y), r * np.sin(t + np.pi * y)]), y


def classification():
    make = datasets.make_classification
    sets = {name: getattr(datasets, f"load_{name}")(return_X_y=True) for name in ("iris", "wine", "breast_cancer")}
    X, y = sets["digits"] = datasets.load_digits(return_X_y=True)
    sets["digits 4x4"] = X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(X), -1), y
    sets["mnist 4x4"] = small_mnist(6000, 7)
    sets["mnist 14x14"] = small_mnist(3000, 2)
    clusters = {"n_features": 16, "n_informative": 12, "n_redundant": 2, "n_classes": 10, "n_clusters_per_class": 3}
    sets["clusters, near"] = make(3000, class_sep=1.5, random_state=1, **clusters)
    sets["clusters, far 0"] = make(4000, class_sep=2.5, random_state=0, **clusters)
    sets["clusters, far 1"] = make(4000, class_sep=2.5, random_state=1, **clusters)
    sets["noisy labels"] = make(1000, 20, n_informative=5, n_redundant=5, flip_y=0.1, random_state=2)
    sets["wide"] = make(400, 200, n_informative=20, n_redundant=20, n_classes=4, random_state=5)
    sets["imbalanced"] = make(2000, 12, n_informative=6, n_classes=3, weights=[0.85, 0.1, 0.05], random_state=6)
    sets["moons"] = datasets.make_moons(800, noise=0.25, random_state=3)
    sets["circles"] = datasets.make_circles(800, noise=0.1, factor=0.5, random_state=3)
    sets["shells"] = datasets.make_gaussian_quantiles(n_samples=2000, n_features=6, n_classes=5, random_state=4)
    sets["spirals"] = spirals()
    return sets | {f"strokes {seed}": strokes(seed) for seed in range(3)}


def regression():
    rng = np.random.default_rng(1)
    sets = {"diabetes": datasets.load_diabetes(return_X_y=True)}
    for name, noise in (("friedman1", 1), ("friedman2", 50), ("friedman3", 0.1)):
        sets[name] = getattr(datasets, f"make_{name}")(1500, noise=noise, random_state=0)
    sets["linear"] = datasets.make_regression(500, 30, n_informative=10, noise=20, random_state=1)
    sets["sparse uncorrelated"] = datasets.make_sparse_uncorrelated(800, random_state=0)
    sets["swiss roll"] = datasets.make_swiss_roll(2000, noise=0.3, random_state=0)
    for name, column in (("breast_cancer", 3), ("breast_cancer", 9), ("wine", 0), ("digits", 27)):
        X, _ = getattr(datasets, f"load_{name}")(return_X_y=True)
        sets[f"{name}, column {column}"] = np.delete(X, column, axis=1), X[:, column]
    X = rng.uniform(-3, 3, (2000, 2))
    sets["waves"] = X, np.sin(2 * X[:, 0]) * np.cos(X[:, 1]) + 0.1 * rng.normal(size=2000)
    X = rng.normal(size=(1500, 8))
    sets["products"] = X, X[:, 0] * X[:, 1] + abs(X[:, 2]) + 0.5 * X[:, 3] + 0.3 * rng.normal(size=1500)
    X = rng.normal(size=(3000, 10))
    sets["heavy tails"] = np.sinh(X), np.exp(X[:, 0] / 2) + X[:, 1] * (X[:, 2] > 0) + 0.3 * rng.normal(size=3000)
    return sets


def cross_validate(make_estimator, X, y, classify):
    """Mean score, smallest training recall of a class, seconds of fit."""
    folds = (StratifiedKFold if classify else KFold)(5, shuffle=True, random_state=0)
    scores, recalls, seconds = [], [1.0], 0.0
    for train, test in folds.split(X, y):
        scale = StandardScaler().fit(X[train])
        mean, size = (0, 1) if classify else (y[train].mean(), y[train].std())
        y_train, y_test = (y[train], y[test]) if classify else ((y[train] - mean) / size, (y[test] - mean) / size)
        X_train = scale.transform(X[train])
        estimator, start = make_estimator(), time.perf_counter()
        estimator.fit(X_train, y_train)
        seconds += time.perf_counter() - start
        scores.append(estimator.score(scale.transform(X[test]), y_test))
        if classify:
            recalls.append(recall_score(y_train, estimator.predict(X_train), average=None).min())
    return np.array([np.mean(scores), min(recalls), seconds])


def first_layer(gain, centre):
    """Start weights with another first layer: W^1 of a gain over LeCun's, b^1 in ±1 around a centre (0: all 0)."""

    def start_weights(network, rng, feature_size):
        default_start(network, rng, feature_size)
        bound = gain * np.sqrt(3 / network.coefs[0].shape[0])
        network.coefs[0][...] = rng.uniform(-bound, bound, size=network.coefs[0].shape)
        spread = 1 if centre else 0
        network.intercepts[0][...] = rng.uniform(centre - spread, centre + spread, size=network.intercepts[0].shape)

    return start_weights


def glorot(network, rng, feature_size):
    """±√(2 / (M_{l-1} + M_l)) for weights and biases, as in MLPClassifier with logistic units."""
    for W, b in zip(network.coefs, network.intercepts, strict=True):
        bound = np.sqrt(2 / sum(W.shape))
        W[...], b[...] = rng.uniform(-bound, bound, W.shape), rng.uniform(-bound, bound, b.shape)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("kind", choices=["classification", "regression"])
parser.add_argument("--default", action="store_true", help="only the default start weights and step size")
parser.add_argument("--seeds", type=int, default=1)
options = parser.parse_args()
classify = options.kind == "classification"
sets = classification() if classify else regression()
peer, estimator = (MLPClassifier, BackpropClassifier) if classify else (MLPRegressor, BackpropRegressor)
default_start = _base.start_weights
starts = {"default": default_start, "Glorot": glorot}
middle = 2 if classify else 1
for gain, centre in ((1, 0), (2, 0), (4, 0), (middle, -2), (middle, -4), (middle, -6), (4 / middle, -4)):
    starts[f"gain {gain:g}, b around {centre}"] = first_layer(gain, centre)
one_thread()

reference = {name: cross_validate(lambda: peer(random_state=0), X, y, classify) for name, (X, y) in sets.items()}
print(f"{peer.__name__}: {sum(r[2] for r in reference.values()):.0f} s")
for tau in (0.02, 0.05, 0.1) if classify else (0.003, 0.005, 0.01):
    for label, start in starts.items():
        if options.default and (label != "default" or tau != estimator().learning_rate):
            continue
        _base.start_weights = start
        result = {
            name: np.mean(
                [
                    cross_validate(lambda t=tau, s=s: estimator(learning_rate=t, random_state=s), X, y, classify)
                    for s in range(options.seeds)
                ],
                axis=0,
            )
            for name, (X, y) in sets.items()
        }
        gap = {name: result[name][0] - reference[name][0] for name in sets}
        worst = ", ".join(f"{name} {gap[name]:+.3f}" for name in sorted(gap, key=gap.get)[:3])
        recall = f", recall {np.mean([r[1] for r in result.values()]):.3f}" if classify else ""
        seconds = sum(r[2] for r in result.values())
        mean = np.mean(list(gap.values()))
        print(f"tau {tau:<5} {label:24} mean gap {mean:+.4f}{recall}, {seconds:4.0f} s; worst: {worst}", flush=True)
        if label == "default" and tau == estimator().learning_rate:
            for name, (score, _, seconds) in result.items():
                peer_score, _, peer_seconds = reference[name]
                print(f"    {name:24} {peer_score:.3f} -> {score:.3f}, {peer_seconds:.2f} s -> {seconds:.2f} s")
