"""`learning_rate="auto"`, compared with the best of nine fixed step sizes.

    SKBACKPROP_DATA=/folder python docs/benchmarks/step_size.py

For each set of `_suite` and each of three networks (the default; relu units and, in classification, log_loss; Adam
with batches of 32), this computes the mean score over three splits, training for max_iter epochs on at most 1,200 rows,
with τ = 0.001 ... 1, with the τ found by "auto" from the training rows, and with `usual_tau`, which does not know the
data. A hit is a mean score within 0.005 of that of the best fixed τ. "other split" shows how much of that is chance:
the hits of the τ chosen by whole training runs with all nine and the test scores of another split.

The rule of "auto" was chosen on the first half of the sets, not on the second. Without SKBACKPROP_DATA the fifteen
tables are left out. Results are kept in step_size.jsonl in the folder named by --cache.
"""

import argparse

import numpy as np
from _suite import Cache, add_cache_option, whole_set, whole_sets
from _timing import one_thread, seconds_of
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor

TAUS = np.logspace(-3, 0, 9).tolist()
SPLITS = 3
HIT = 0.005
NETWORKS = {
    "default": {},
    "relu": {"activation": "relu", "loss": "log_loss"},
    "adam": {"solver": "adam", "batch_size": 32},
}


def usual_tau(estimator):
    """The constant that suits most data: the default for logistic units and plain steps, otherwise less."""
    if estimator.solver == "adam":
        return 0.002 if is_classifier(estimator) else 0.001
    tau = 0.05 if is_classifier(estimator) else 0.005
    return tau if estimator.activation == "logistic" else tau / 5


def split(kind, name, seed):
    """Standardised training and test samples."""
    X, y = whole_set(kind, name)
    n = min(1200, int(0.6 * len(y)))
    labels = y if kind == "classification" else None
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n, test_size=min(1500, len(y) - n), stratify=labels, random_state=seed
    )
    scale = StandardScaler().fit(X)
    if kind == "regression":
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
    return scale.transform(X), scale.transform(X_test), y, y_test


def network(kind, name, seed, **parameters):
    """One of `NETWORKS`, to be trained for all max_iter epochs."""
    parameters |= NETWORKS[name] | {"n_iter_no_change": np.inf, "random_state": seed}
    if kind == "classification":
        return BackpropClassifier(**parameters)
    parameters.pop("loss", None)
    return BackpropRegressor(**parameters)


def score(kind, name, network_name, seed, tau):
    """The score after training with a fixed τ."""
    X, X_test, y, y_test = split(kind, name, seed)
    return network(kind, network_name, seed, learning_rate=tau).fit(X, y).score(X_test, y_test)


def found(kind, name, network_name, seed):
    """The τ found by "auto", the score, and the seconds of this training and of the same training with that τ given."""
    X, X_test, y, y_test = split(kind, name, seed)
    model = network(kind, network_name, seed, learning_rate="auto")
    seconds = seconds_of(lambda: model.fit(X, y))
    tau = model.learning_rate_
    given = network(kind, network_name, seed, learning_rate=tau)
    return tau, model.score(X_test, y_test), seconds, seconds_of(lambda: given.fit(X, y))


def compare(kind, name, network_name, cache):
    """Differences to the score of the best fixed τ (τ found, usual, of another split); seconds found and given."""
    seeds = range(SPLITS)
    fixed = np.array([[cache(score, kind, name, network_name, seed, tau) for tau in TAUS] for seed in seeds])
    tau = usual_tau(network(kind, network_name, 0))
    usual = [cache(score, kind, name, network_name, seed, tau) for seed in seeds]
    taus, scores, *seconds = zip(*[cache(found, kind, name, network_name, seed) for seed in seeds], strict=True)
    best = fixed.mean(axis=0).max()
    others = [fixed[seed, fixed[(seed + 1) % SPLITS].argmax()] for seed in seeds]
    gaps = [np.mean(s) - best for s in (scores, usual, others)]
    within = "".join("#" if s >= best - HIT else "." for s in fixed.mean(axis=0))
    print(
        f"{name:24} {within} {best:6.3f}  ",
        *(f"{tau:.1e}" for tau in taus),
        *(f"{gap:+.3f}" for gap in gaps),
        flush=True,
    )
    return *gaps, *np.mean(seconds, axis=1)


def summary(label, rows):
    gaps, (with_trial, given) = np.array(rows)[:, :3], np.mean(rows, axis=0)[3:]
    hits, means = (gaps >= -HIT).sum(axis=0), np.clip(gaps, -0.2, 0.2).mean(axis=0)
    figures = zip(("found", "usual", "other split"), hits, means, strict=True)
    print(f"{label}, hits of {len(rows)} and mean difference:", *(f"{n} {h} {m:+.4f};" for n, h, m in figures), end=" ")
    print(f"the trial took {with_trial / given - 1:.1%} of the training's time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="|".join(NETWORKS))
    add_cache_option(parser)
    options = parser.parse_args()
    one_thread()
    cache = Cache(options.cache, "step_size")
    for network_name in options.networks:
        halves = [], []
        for kind in ("classification", "regression"):
            print(f"{network_name}, {kind}: # near the best; best; found; differences of found, usual, other split's")
            for i, name in enumerate(whole_sets(kind)):
                halves[i % 2].append(compare(kind, name, network_name, cache))
        summary(f"{network_name}, first half", halves[0])
        summary(f"{network_name}, second half", halves[1])
