"""The τ found by a short trial, compared with the best of nine fixed ones.

    SKBACKPROP_DATA=/folder python docs/benchmarks/step_size.py

For each set of `_suite` and each of three networks (the default; relu units and, in classification, log_loss; Adam
with batches of 32), this computes the mean score over three splits, training for max_iter epochs on at most 1,200 rows,
with τ = 0.001 ... 1, with the τ that `choose_tau` finds from the training rows, and with `usual_tau`, which does not
know the data. A hit is a mean score within 0.005 of that of the best fixed τ. "other split" shows how much of that is
chance: the hits of the τ chosen by whole training runs with all nine and the test scores of another split.

`choose_tau` is a prototype of ``learning_rate="auto"`` that only uses public methods: the same algorithm with different
draws.

The rule was chosen on the first half of the sets, not on the second. Without SKBACKPROP_DATA the fifteen tables are
left out. Results are kept in step_size.jsonl in the folder named by --cache.
"""

import argparse

import numpy as np
from _suite import Cache, add_cache_option, whole_set, whole_sets
from _timing import one_thread, seconds_of
from sklearn.base import clone, is_classifier
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

#: The candidates, and the rounds of the trial: how many of them continue, up to how many epochs.
LADDER = (10.0 ** np.arange(-3.5, 1.5, 0.5)).tolist()
ROUNDS = ((10, 1), (4, 2), (2, 4), (1, 8))
#: The share of the rows held out to compare the candidates.
HELD_OUT = 0.2
#: The best τ hardly depends on the number of epochs up to about this number, and is inversely proportional beyond.
EPOCHS = 10
#: A trial has learned something if its loss is lower than that of the best constant prediction by this share.
LEARNED = 0.1


def usual_tau(estimator):
    """The constant that suits most data: the default for logistic units and plain steps, otherwise less."""
    if estimator.solver == "adam":
        return 0.002 if is_classifier(estimator) else 0.001
    tau = 0.05 if is_classifier(estimator) else 0.005
    return tau if estimator.activation == "logistic" else tau / 5


def mean_loss(estimator, outputs, targets):
    """The mean f_i of outputs ŷ: squared_error or log_loss."""
    if getattr(estimator, "loss", None) != "log_loss":
        return np.mean(np.sum((outputs - targets) ** 2, axis=1))
    if targets.shape[1] == 1:
        outputs, targets = np.hstack([outputs, 1 - outputs]), np.hstack([targets, 1 - targets])
    return -np.mean(np.sum(targets * np.log(np.maximum(outputs, 1e-300)), axis=1))


def encode(y, classes):
    """Targets: y itself in regression (no classes), one column for two classes, otherwise one-hot."""
    if classes is None:
        return y[:, None]
    return (y[:, None] == (classes[1:] if len(classes) == 2 else classes)).astype(float)


def choose_tau(estimator, X, y):
    """Find a constant step size for training `estimator` on X and y in a short trial.

    The candidates are trained from the same initial weights with the same draws. After each round, those with the
    lowest loss on held-out rows continue; the loss is the mean over the second half of a candidate's epochs, since
    single ones are noisy. The τ that is best in a short trial is too large for the whole training: where there is noise
    to overfit, a network has learned enough after a certain τ · steps, whatever τ is; elsewhere, the closer the loss is
    to its minimum, the more the noise of the last steps matters. So the winner's τ is multiplied by (EPOCHS + epochs of
    its trial) / (EPOCHS + epochs of the training), where an epoch is as many draws as X has rows. If even the winner
    has hardly learned anything, the trial was too short to tell, and `usual_tau` is returned.

    Returns
    -------
    tau : float
    cost : float
        The number of steps of the trial, for all candidates together, relative to that of the training.
    """
    classes = np.unique(y) if is_classifier(estimator) else None
    X_trial, X_held_out, y_trial, y_held_out = train_test_split(
        X, y, test_size=HELD_OUT, stratify=None if classes is None else y, random_state=estimator.random_state
    )
    first = {} if classes is None else {"classes": classes}
    targets = encode(y_held_out, classes)

    # For a short training the trial is short: its epochs are parts of the rows, one after another.
    n = len(y_trial)
    size = int(np.ceil(n * min(1, estimator.max_iter / 200)))
    order = np.random.default_rng(0).permutation(n)

    trials = [(clone(estimator).set_params(learning_rate=tau), []) for tau in LADDER]
    losses, begin, steps = [0.0] * len(trials), 0, 0
    for n_candidates, end in ROUNDS:
        trials = [trials[i] for i in np.argsort(losses, kind="stable")[:n_candidates]]
        for model, curve in trials:
            for epoch in range(begin, end):
                rows = order[(epoch * size + np.arange(size)) % n]
                model.partial_fit(X_trial[rows], y_trial[rows], **first)
                curve.append(mean_loss(estimator, model.activations(X_held_out)[-1], targets))
            steps += model.t_ * (end - begin) / end
        losses = [np.mean(curve[end // 2 :]) for _, curve in trials]
        begin = end
    epochs = ROUNDS[-1][1] * size / len(X)
    tau = trials[0][0].learning_rate * (EPOCHS + epochs) / (EPOCHS + estimator.max_iter)
    constant = mean_loss(estimator, np.broadcast_to(encode(y_trial, classes).mean(axis=0), targets.shape), targets)
    learned = losses[0] < (1 - LEARNED) * constant
    return float(tau if learned else usual_tau(estimator)), float(
        steps / (estimator.max_iter * np.ceil(len(X) / estimator.batch_size))
    )


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


def chosen(kind, name, network_name, seed):
    """The τ of `choose_tau`, its cost in steps, the seconds of the trial and of the training, and the score."""
    X, X_test, y, y_test = split(kind, name, seed)
    model, trial = network(kind, network_name, seed), []
    trial_seconds = seconds_of(lambda: trial.extend(choose_tau(model, X, y)))
    tau, cost = trial
    training_seconds = seconds_of(lambda: model.set_params(learning_rate=tau).fit(X, y))
    return tau, cost, trial_seconds, training_seconds, model.score(X_test, y_test)


def compare(kind, name, network_name, cache):
    """Differences to the score of the best fixed τ (τ chosen, usual, of another split); share of steps, seconds."""
    seeds = range(SPLITS)
    fixed = np.array([[cache(score, kind, name, network_name, seed, tau) for tau in TAUS] for seed in seeds])
    tau = usual_tau(network(kind, network_name, 0))
    usual = [cache(score, kind, name, network_name, seed, tau) for seed in seeds]
    taus, *costs, scores = zip(*[cache(chosen, kind, name, network_name, seed) for seed in seeds], strict=True)
    best = fixed.mean(axis=0).max()
    others = [fixed[seed, fixed[(seed + 1) % SPLITS].argmax()] for seed in seeds]
    gaps = [np.mean(s) - best for s in (scores, usual, others)]
    within = "".join("#" if s >= best - HIT else "." for s in fixed.mean(axis=0))
    found = " ".join(f"{tau:.1e}" for tau in taus)
    print(f"{name:24} {within} {best:6.3f}   {found}", *(f"{gap:+.3f}" for gap in gaps), flush=True)
    return *gaps, *np.mean(costs, axis=1)


def summary(label, rows):
    gaps, (share, trial, training) = np.array(rows)[:, :3], np.mean(rows, axis=0)[3:]
    hits, means = (gaps >= -HIT).sum(axis=0), np.clip(gaps, -0.2, 0.2).mean(axis=0)
    figures = zip(("chosen", "usual", "other split"), hits, means, strict=True)
    print(f"{label}, hits of {len(rows)} and mean difference:", *(f"{n} {h} {m:+.4f};" for n, h, m in figures), end=" ")
    print(f"the trial took {share:.1%} of the training's steps, {trial / training:.1%} of its time")


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
