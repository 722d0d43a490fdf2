"""τ found by a short trial, beside the best of nine fixed ones.

    SKBACKPROP_DATA=/folder python docs/benchmarks/step_size.py

For each set of `_suite` and each of three networks (the default one; relu units and, in classification, log_loss; Adam
with batches of 32): the mean score over three splits of trainings of max_iter epochs with τ = 0.001 ... 1, with the τ
that `choose_tau` finds from the training rows, and with `usual_tau`, which knows nothing of the data. At most 1,200
rows are trained on. A hit is a mean score within 0.005 of that of the best fixed τ. How much of that is chance, "other
split" tells: the hits of the τ that whole trainings with all nine, and the test scores of another split, would choose.

`choose_tau` is the prototype, by public methods alone, of what ``learning_rate="auto"`` does in the package: the same
algorithm, with draws of its own.

The first half of the sets served to choose the rule, the second did not. Without SKBACKPROP_DATA the fifteen tables are
left out. Results are kept in step_size.jsonl of the folder named by --cache.
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

#: The candidates, and the rounds of the trial: how many of them run on, until how many epochs.
LADDER = (10.0 ** np.arange(-3.5, 1.5, 0.5)).tolist()
ROUNDS = ((10, 1), (4, 2), (2, 4), (1, 8))
#: The share of the rows that are held out to compare the candidates.
HELD_OUT = 0.2
#: The best τ hardly changes over the first so many epochs of a training, and is inversely proportional to later ones.
EPOCHS = 10
#: A trial tells something if its loss is lower than that of the best constant prediction by this share.
LEARNED = 0.1


def usual_tau(estimator):
    """The constant that suits most data: the default one for logistic units and plain steps, less elsewhere."""
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
    """Targets: y itself in regression (no classes), one column for two classes, else one-hot."""
    if classes is None:
        return y[:, None]
    return (y[:, None] == (classes[1:] if len(classes) == 2 else classes)).astype(float)


def choose_tau(estimator, X, y):
    """A constant step size for a training of `estimator` on X and y, from a short trial.

    The candidates are trained from the same start weights with the same draws. After each round those with the lowest
    loss of held-out rows run on; the loss is the mean over the second half of a candidate's epochs, for single ones are
    noisy. What is best after a short trial is too large for the training: where there is noise to fit, a network has
    learned what it should after a certain τ · steps, whatever τ; elsewhere the noise of the last steps counts the more,
    the closer the loss has come to its minimum. So the winner's τ is multiplied by (EPOCHS + epochs of its trial) /
    (EPOCHS + epochs of the training), where an epoch is as many draws as X has rows. If even the winner has hardly
    learned anything, the trial was too short to tell: `usual_tau`.

    Returns
    -------
    tau : float
    cost : float
        The trial's steps, all candidates' together, over those of the training.
    """
    classes = np.unique(y) if is_classifier(estimator) else None
    X_trial, X_held_out, y_trial, y_held_out = train_test_split(
        X, y, test_size=HELD_OUT, stratify=None if classes is None else y, random_state=estimator.random_state
    )
    first = {} if classes is None else {"classes": classes}
    targets = encode(y_held_out, classes)

    # A short training has a short trial: its epochs are parts of the rows, one after the other.
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
    """One of `NETWORKS`, to be trained for all of max_iter."""
    parameters |= NETWORKS[name] | {"n_iter_no_change": np.inf, "random_state": seed}
    if kind == "classification":
        return BackpropClassifier(**parameters)
    parameters.pop("loss", None)
    return BackpropRegressor(**parameters)


def score(kind, name, network_name, seed, tau):
    """Of a training with a fixed τ."""
    X, X_test, y, y_test = split(kind, name, seed)
    return network(kind, network_name, seed, learning_rate=tau).fit(X, y).score(X_test, y_test)


def chosen(kind, name, network_name, seed):
    """The τ of `choose_tau`, its cost in steps, the seconds of the trial and of the training, the score."""
    X, X_test, y, y_test = split(kind, name, seed)
    model, trial = network(kind, network_name, seed), []
    trial_seconds = seconds_of(lambda: trial.extend(choose_tau(model, X, y)))
    tau, cost = trial
    training_seconds = seconds_of(lambda: model.set_params(learning_rate=tau).fit(X, y))
    return tau, cost, trial_seconds, training_seconds, model.score(X_test, y_test)


def compare(kind, name, network_name, cache):
    """Differences to the best fixed τ's score (τ chosen, usual, best of another split); share of steps, seconds."""
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
