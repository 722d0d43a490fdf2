"""Comparison of stopping rules: epochs of training versus the score lost by stopping.

    SKBACKPROP_DATA=/folder python docs/benchmarks/stopping.py [--parts suite fresh ...] [--seeds N] [--max-rows N]

Trains on the sets of _suite.py to max_iter without stopping, and records the loss and test score of every epoch. Each
rule is then applied to the same curves to see when it would have stopped. The estimators are also trained with their
default rule, to check that they stop where the package's rule says and to count their warnings. Prints the tables of
docs/stopping.md and draws its figure, stopping.svg.

Curves are kept in the folder named by --cache and not recorded again. All of this takes about an hour on one core.
"""

import argparse
import time
import warnings
from dataclasses import dataclass
from functools import partial
from math import ceil, inf, sqrt
from pathlib import Path

import numpy as np
from _suite import add_cache_option, suite
from _timing import one_thread
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._network import Network
from skbackprop._training.progress import Progress
from skbackprop._training.reference import constant_loss
from skbackprop._training.stopping import Stop

FOLDER = Path(__file__).parent
TOL = BackpropClassifier().tol
ITERATION = 10**9  # in place of the draws of L-BFGS, which uses all samples
LOST = 0.02  # a training run that loses more was stopped too early


def falling(epoch, start=0.05):
    """The τ of a schedule that ends learning by itself."""
    return start * 0.95**epoch


#: Name -> parameters of the classifier and of the regressor.
SETTINGS = {
    "default": ({}, {}),
    "relu": (
        {"activation": "relu", "loss": "log_loss", "learning_rate": 0.01},
        {"activation": "relu", "learning_rate": 0.002},
    ),
    "adam": (
        {"solver": "adam", "batch_size": 32, "learning_rate": 0.001, "loss": "log_loss"},
        {"solver": "adam", "batch_size": 32, "learning_rate": 0.001},
    ),
    "lbfgs": ({"solver": "lbfgs", "tol": 0}, {"solver": "lbfgs", "tol": 0}),
    "shuffle": ({"sampling": "shuffle"}, {"sampling": "shuffle"}),
    "invscaling": ({"learning_rate_schedule": "invscaling"}, {"learning_rate_schedule": "invscaling"}),
    "falling": ({"learning_rate": falling}, {"learning_rate": partial(falling, start=0.005)}),
    "cosine": ({"learning_rate_schedule": "cosine"}, {"learning_rate_schedule": "cosine"}),
}


@dataclass
class Part:
    """What is trained: with which parameters, how long, with how many seeds and on which sets."""

    setting: str = "default"
    max_iter: int = 200
    seeds: int = 10
    max_rows: float = inf
    fresh: bool = False


PARTS = {
    "suite": Part(),
    "fresh": Part(fresh=True),
    "long": Part(max_iter=1000, seeds=2, max_rows=1200),
    **{name: Part(name, seeds=2, max_rows=3500) for name in SETTINGS if name != "default"},
}


# ---- training ------------------------------------------------------------------------------------------------------


def make_estimator(data, setting, seed, **parameters):
    estimator = BackpropClassifier if data.classify else BackpropRegressor
    parameters |= SETTINGS[setting][0 if data.classify else 1]
    return estimator(random_state=seed, **parameters)


def best_constant(estimator, y):
    """The loss that `tol` is relative to."""
    loss, activation, targets = "squared_error", "identity", y.reshape(len(y), -1)
    if is_classifier(estimator):
        n_classes = len(estimator.classes_)
        codes = np.searchsorted(estimator.classes_, y)
        targets = codes.astype(np.int32) if n_classes > 2 else codes[:, np.newaxis].astype(float)
        activation = estimator.out_activation_
        if estimator.loss == "log_loss":
            loss = "multinomial_log_loss" if n_classes > 2 else "binary_log_loss"
    network = Network((1, estimator.n_outputs_), [activation], loss, np.float64)
    return constant_loss(network, targets, np.ones(len(y)))


def padded(curve, max_iter, solver):
    """A curve of max_iter entries: repeats the last value if L-BFGS has ended, or has none if training diverged."""
    return np.append(curve, np.full(max_iter - len(curve), curve[-1] if solver == "lbfgs" else np.nan))


def record(data, part, seed):
    """Train to max_iter, recording the loss and test score of every epoch; also train with the default rule."""
    X, X_test, y, y_test = data.make(seed=seed)
    score = get_scorer(data.scoring)
    default = make_estimator(data, part.setting, seed, max_iter=part.max_iter)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.process_time()
        default.fit(X, y)
        seconds = (time.process_time() - start) / len(default.loss_curve_)
    said = " ".join(str(warning.message) for warning in caught)
    estimator = make_estimator(
        data, part.setting, seed, max_iter=part.max_iter, n_iter_no_change=inf, scoring=data.scoring
    )
    estimator.fit(X, y, X_val=X_test, y_val=y_test)
    return {
        "losses": padded(estimator.loss_curve_, part.max_iter, estimator.solver),
        "scores": padded(estimator.validation_scores_, part.max_iter, estimator.solver),
        "seconds": seconds,  # per epoch
        "n": ITERATION if estimator.solver == "lbfgs" else len(X),
        "constant": best_constant(estimator, y),
        "train_score": score(default, X, y),
        "share": np.unique(y, return_counts=True)[1].max() / len(y) if data.classify else 0.0,
        "default_epochs": len(default.loss_curve_),
        "default_score": score(default, X_test, y_test),
        "default_stopped": default.stopped_,
        "nothing": "learned nothing" in said,
        "saturated": "saturated on all" in said,
        "falling": "still falling, by" in said,
        "unclear": "hides whether" in said,
    }


def record_held_out(data, seed):
    """The same with a tenth of the training rows held out: their loss and score, and the test score, by epoch."""
    X, X_test, y, y_test = data.make(seed=seed)
    score, test_scores = get_scorer(data.scoring), []
    size = max(2, ceil(0.1 * len(X)))
    classes, count = np.unique(y, return_counts=True)
    stratify = y if data.classify and len(classes) <= size and count.min() > 1 else None
    X, X_val, y, y_val = train_test_split(X, y, test_size=size, stratify=stratify, random_state=seed)

    def scorer(estimator, X_val, y_val):  # sees the estimator after each epoch
        test_scores.append(score(estimator, X_test[:1000], y_test[:1000]))
        return score(estimator, X_val, y_val)

    estimator = make_estimator(data, "default", seed, n_iter_no_change=inf, scoring=scorer)
    estimator.fit(X, y, X_val=X_val, y_val=y_val)
    return {
        "val_loss": estimator.validation_loss_curve_,
        "val_score": estimator.validation_scores_,
        "test": test_scores,
    }


def kept(folder, sets, one, seeds):
    """What `one(data, seed)` returns for all sets and seeds, {set: {what: array}}; computed if not in the folder."""
    found = {}
    folder.mkdir(parents=True, exist_ok=True)
    for data in sets:
        path, stored = folder / f"{data.name}.npz", {}
        if path.exists():
            with np.load(path) as file:
                stored = dict(file)
        n_stored = len(next(iter(stored.values()), ()))
        if n_stored < seeds:
            records = [one(data, seed) for seed in range(n_stored, seeds)]
            new = {key: np.array([r[key] for r in records]) for key in records[0]}
            stored = {key: np.concatenate([stored[key], new[key]]) for key in new} if stored else new
            np.savez(path, **stored)
            print(f"{folder.name}: {data.name}", flush=True)
        found[data.name] = {key: values[:seeds] for key, values in stored.items()}
    return found


def train(folder, name, seeds, max_rows):
    """The curves of a part."""
    part = PARTS[name]
    sets, max_rows = suite(part.fresh), min(max_rows, part.max_rows)
    if max_rows < inf:
        sets = [data for data in sets if len(data.make(seed=0)[0]) <= max_rows]
    return kept(folder / name, sets, lambda data, seed: record(data, part, seed), min(seeds, part.seeds))


# ---- rules ---------------------------------------------------------------------------------------------------------


@dataclass
class Windows:
    """Stop when the mean loss of the last w epochs is not lower by tol · c than that of the w epochs before.

    Parameters
    ----------
    tol, k : float, int
        Like tol and n_iter_no_change of the estimators.
    absolute : bool
        Whether tol is absolute, not relative to the loss c of the best constant prediction.
    share, draws : float, int
        The window is at least this share of the epochs so far, and at least this many draws.
    errors : float
        The number of standard errors added to the decrease.
    slope : bool
        Whether the decrease and its error come from a regression line over both windows instead of their means.
    near : float
        Compare halves instead of quarters while the loss is above this share of c.
    looks : {"all", "quarter"}
        Whether to check after every epoch, or each time training is a quarter longer.
    """

    tol: float = TOL
    k: int = 10
    absolute: bool = False
    share: float = 0.25
    draws: int = 0
    errors: float = 0.0
    slope: bool = False
    near: float = inf
    looks: str = "all"

    def __call__(self, losses, n, c):
        T, least = len(losses), max(self.k, ceil(self.draws / n))
        if T < 2 * least or (self.looks == "quarter" and not Stop(0, least).is_due(T)):
            return False
        w = max(least, ceil(self.share * T))
        if np.mean(losses[-w:]) > self.near * c:
            w = max(least, T // 2)
        f = losses[-2 * w :]
        if len(f) < 2 * w:
            return False
        step = f[1:] - f[:-1]
        sigma = sqrt(step @ step / (2 * len(step)))
        if self.slope:
            t = np.arange(2 * w) - (w - 0.5)
            decrease, error = -(t @ f) / (t @ t) * w, sigma / sqrt(t @ t) * w
        else:
            decrease, error = (f[:w].sum() - f[w:].sum()) / w, sigma * sqrt(2 / w)
        return decrease + self.errors * error <= self.tol * (1 if self.absolute else c)


@dataclass
class Patience:
    """Stop when none of the last k losses is lower by tol than the best one before (MLPClassifier)."""

    tol: float = 1e-4
    k: int = 10

    def __call__(self, losses, n, c):
        return len(losses) > self.k and losses[-self.k :].min() > losses[: -self.k].min() - self.tol


@dataclass
class Doubt:
    """Stop as soon as it is not certain, by two standard errors, that the loss is falling."""

    k: int = 10

    def __call__(self, losses, n, c):
        return Windows(tol=0, k=self.k, errors=-2)(losses, n, c)


@dataclass
class Package:
    """The package's rule with its defaults."""

    tol: float = TOL

    def __call__(self, losses, n, c):
        progress = Progress(None, None, None, losses=losses.tolist(), constant_loss=c)
        return Stop(self.tol, "auto", n).has_stalled(progress)


RULES = {
    "best loss, 10 epochs, absolute tol = 1e-4 (MLP)": Patience(),
    "two windows of 10, absolute tol = 1e-4 (old rule)": Windows(1e-4, absolute=True, share=0),
    "… relative tol": Windows(share=0),
    "… and a quarter of the epochs": Windows(),
    "… and 20,000 draws": Windows(draws=20000),
    "quarters, until the decrease is in doubt (− 2 errors)": Doubt(),
    "quarters, until a decrease is ruled out (+ 2 errors)": Windows(errors=2),
    "… with a regression line": Windows(errors=2, slope=True),
    "… halves if the loss is above half the constant's": Windows(errors=2, near=0.5),
    "… and 10,000 draws": Windows(errors=2, draws=10000),
    "+ 2 errors, checked each quarter longer": Windows(errors=2, looks="quarter"),
    "… + 3 errors": Windows(errors=3, looks="quarter"),
    "+ 2 errors, checked each quarter longer, 10,000 draws": Package(),
    "… + 3 errors, 10,000 draws": Windows(errors=3, looks="quarter", draws=10000),
}
SO_FAR, CHOSEN = (
    "two windows of 10, absolute tol = 1e-4 (old rule)",
    "+ 2 errors, checked each quarter longer, 10,000 draws",
)
TOLS = (1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)


@dataclass
class Stops:
    """The training runs of a rule: for each, the set, epochs, score lost compared with max_iter, seconds per epoch."""

    names: np.ndarray
    epochs: np.ndarray
    lost: np.ndarray
    seconds: np.ndarray

    def only(self, names):
        keep = np.isin(self.names, list(names))
        return Stops(self.names[keep], self.epochs[keep], self.lost[keep], self.seconds[keep])

    @property
    def failed(self):
        """The share of training runs that lost more than LOST."""
        return np.mean(self.lost > LOST)


def first_stop(rule, losses, n, c):
    """The epoch after which a rule stops, or the last one."""
    return next((t for t in range(1, len(losses)) if rule(losses[:t], n, c)), len(losses))


def simulate(rule, curves):
    """When a rule would have stopped the training runs."""
    rows = []
    for name, curve in curves.items():
        for losses, scores, n, c, seconds in zip(
            *(curve[key] for key in ("losses", "scores", "n", "constant", "seconds")), strict=True
        ):
            if np.isfinite(losses).all():
                stop = first_stop(rule, losses, n, c)
                rows.append((name, stop, scores[-1] - scores[stop - 1], seconds))
    return Stops(*map(np.array, zip(*rows, strict=True)))


# ---- tables and figure ---------------------------------------------------------------------------------------------


def figures(stops, base):
    """Failures, mean epochs, and time relative to that of another rule."""
    time = (stops.epochs * stops.seconds).sum() / (base.epochs * base.seconds).sum()
    return f"{100 * stops.failed:.1f} % | {stops.epochs.mean():.0f} | {time:.2f}"


def compare(curves, groups):
    """The table of all rules for groups of sets {name: sets}. Returns the stops of each rule."""
    stops = {name: simulate(rule, curves) for name, rule in RULES.items()}
    print(f"\n| rule | {' | '.join(f'{name}: lost > {LOST} | epochs | time' for name in groups)} |")
    print("|---" * (1 + 3 * len(groups)) + "|")
    for name, found in stops.items():
        cells = (figures(found.only(sets), stops[SO_FAR].only(sets)) for sets in groups.values())
        print(f"| {name} | {' | '.join(cells)} |")
    return stops


def compare_tols(curves):
    """The chosen rule by tol: prints the table and returns (epochs, share of failures) for each."""
    base = simulate(RULES[SO_FAR], curves)
    print(f"\n| tol | lost > {LOST} | epochs | time |\n|---|---|---|---|")
    for tol in TOLS:
        print(f"| {tol:g} | {figures(simulate(Package(tol), curves), base)} |")


def compare_settings(found):
    """The old rule and the chosen one with other settings."""
    print(f"\n| setting | old rule: lost > {LOST} | epochs | time | chosen: lost > {LOST} | epochs | time |")
    print("|---" * 7 + "|")
    for name, curves in found.items():
        so_far, chosen = (simulate(RULES[rule], curves) for rule in (SO_FAR, CHOSEN))
        print(f"| {name} | {figures(so_far, so_far)} | {figures(chosen, so_far)} |", flush=True)


def by_set(stops, curves):
    """For each set, the epochs with both rules, and scores."""
    kinds = {data.name: data.kind for fresh in (False, True) for data in suite(fresh)}
    print("\n| set | kind | epochs, old | chosen | score, old | chosen | max_iter |\n|---|---|---|---|---|---|---|")
    for name, curve in curves.items():
        full = np.nanmean(curve["scores"][:, -1])
        cells = [stops[rule].only([name]) for rule in (SO_FAR, CHOSEN)]
        if len(cells[0].epochs):
            epochs = " | ".join(f"{c.epochs.mean():.0f}" for c in cells)
            scores = " | ".join(f"{full - c.lost.mean():.3f}" for c in cells)
            print(f"| {name} | {kinds[name]} | {epochs} | {scores} | {full:.3f} |")


def implemented(curves):
    """Whether the estimators do what the simulation says, what they lose by it, and how their training runs end."""
    stops = simulate(RULES[CHOSEN], curves)
    values = {key: [] for key in ("default_epochs", "default_stopped", "lost", "falling", "unclear")}
    for curve in curves.values():
        whole = np.isfinite(curve["losses"]).all(axis=1)
        lost = curve["scores"][:, -1] - curve["default_score"]
        for key, found in values.items():
            found.extend((lost if key == "lost" else curve[key])[whole])
    epochs, stopped, lost, falling, unclear = map(np.array, values.values())
    same = np.mean(epochs == stops.epochs)
    print(
        f"\n{len(epochs)} training runs by default: {same:.1%} end in the epoch of the simulation, on average after "
        f"{epochs.mean():.0f}; {np.mean(lost > LOST):.2%} lose more than {LOST}; "
        f"{np.mean(stopped == 'max_iter'):.0%} reach max_iter, {falling.mean():.0%} still falling, "
        f"{unclear.mean():.0%} perhaps"
    )


def has_learned(curves):
    """What the estimators say about what they have learned, compared with what was learned of the training rows."""
    print("\n| set | learned nothing | saturated | loss / constant | training score less the constant's |")
    print("|---|---|---|---|---|")
    for name, curve in curves.items():
        stops = curve["default_epochs"]
        means = [f[T - ceil(T / 4) : T].mean() for f, T in zip(curve["losses"], stops, strict=True)]
        ratio = np.array(means) / curve["constant"]
        gain, nothing, saturated = np.mean(curve["train_score"] - curve["share"]), curve["nothing"], curve["saturated"]
        if nothing.any() or saturated.any() or ratio.max() > 0.8:
            print(f"| {name} | {nothing.mean():.0%} | {saturated.mean():.0%} | {ratio.mean():.3f} | {gain:+.3f} |")


def draw(stops, curves, path):
    """Plot failures versus epochs by rule, and the score lost by each training with two of them."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "skbackprop"
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6), layout="constrained")
    for number, (name, found) in enumerate(stops.items(), 1):
        x, y = found.epochs.mean(), 100 * found.failed
        color = {SO_FAR: "C1", CHOSEN: "C3"}.get(name, "C0")
        left.plot(x, y, "o", color=color, ms=5, label=f"{number}  {name}")
        left.annotate(str(number), (x, y), (4, 3), textcoords="offset points", color=color, fontsize=9)
    lines = [simulate(Package(tol), curves) for tol in TOLS]
    left.plot([s.epochs.mean() for s in lines], [100 * s.failed for s in lines], color="C3", lw=1, zorder=0)
    left.axhline(2, color="0.5", ls=":", lw=1)
    left.set_yscale("symlog", linthresh=1)
    left.set_yticks([0, 0.5, 1, 2, 5, 10, 20], ["0", "0.5", "1", "2", "5", "10", "20"])
    left.set(xlabel="mean epochs, of 200", ylabel=f"% of training runs that lose more than {LOST}")
    left.set(xlim=(50, 200), ylim=(-0.1, 25))
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    for name, color in ((SO_FAR, "C1"), (CHOSEN, "C3")):
        found = stops[name]
        label = "old rule" if name == SO_FAR else "chosen"
        right.plot(found.epochs, found.lost, ".", color=color, ms=5, alpha=0.6, label=label, rasterized=True)
    right.axhline(LOST, color="0.5", ls=":", lw=1)
    right.set(xlabel="epochs", ylabel="score at 200 epochs, less the score at the stop", ylim=(-0.4, 1))
    right.legend()
    figure.savefig(path, dpi=150, metadata={"Date": None})


# ---- held-out samples ----------------------------------------------------------------------------------------------


def patient(values, k, share=0.0, tol=0.0):
    """The epoch after which the best value has not been exceeded by tol for k epochs and a share of all epochs."""
    for T in range(1, len(values) + 1):
        w = max(k, ceil(share * T))
        if T > w and values[T - w : T].max() < values[: T - w].max() + tol:
            return T
    return len(values)


def best(first, second=None):
    """The epoch with the largest first value; among equal ones, with the largest second value."""
    return int(np.lexsort((-np.arange(len(first)), first) if second is None else (second, first))[-1])


#: Name -> (scores, losses, n, c) -> (epoch of the stop, epoch of the best weights, counted from 0).
HELD_OUT = {
    "score, 10 epochs (old rule)": lambda score, loss, n, c: ((T := patient(score, 10, tol=1e-4)), best(score[:T])),
    "loss, 10 epochs": lambda score, loss, n, c: ((T := patient(-loss, 10)), best(-loss[:T])),
    "loss, 10 epochs and a quarter": lambda score, loss, n, c: ((T := patient(-loss, 10, 0.25)), best(-loss[:T])),
    "loss, 10 epochs and a half": lambda score, loss, n, c: ((T := patient(-loss, 10, 0.5)), best(-loss[:T])),
    "loss, the rule of the training loss": lambda score, loss, n, c: (
        (T := first_stop(Package(), loss, n, c)),
        best(-loss[:T]),
    ),
    "score, the same rule, ties by loss": lambda score, loss, n, c: (
        (T := first_stop(Package(), -score, n, 1)),
        best(score[:T], -loss[:T]),
    ),
    "200 epochs, best score": lambda score, loss, n, c: (len(score), best(score)),
    "200 epochs, best score, ties by loss": lambda score, loss, n, c: (len(score), best(score, -loss)),
    "200 epochs, best loss": lambda score, loss, n, c: (len(score), best(-loss)),
    "200 epochs, last epoch": lambda score, loss, n, c: (len(score), len(score) - 1),
}


def early_stopping(curves, reference):
    """The table of how to judge held-out samples, compared with the default on all rows after 200 epochs."""
    print(
        f"\n| held-out samples judged by | epochs | mean difference | lost > {LOST} | gained > {LOST} | moons .1, 400 |"
    )
    print("|---" * 6 + "|")
    for name, rule in HELD_OUT.items():
        epochs, gain, moons = [], [], []
        for key, curve in curves.items():
            for i, test in enumerate(curve["test"]):
                T, epoch = rule(
                    curve["val_score"][i],
                    curve["val_loss"][i],
                    0.9 * reference[key]["n"][i],
                    reference[key]["constant"][i],
                )
                epochs.append(T)
                gain.append(test[epoch] - reference[key]["scores"][i, -1])
                if key == "moons .1, 400":
                    moons.append(test[epoch])
        gain = np.array(gain)
        lost, gained = np.mean(gain < -LOST), np.mean(gain > LOST)
        clipped = np.clip(gain, -0.2, 0.2).mean()  # so that an R² far below 0 does not dominate
        print(f"| {name} | {np.mean(epochs):.0f} | {clipped:+.4f} | {lost:.0%} | {gained:.0%} | {np.mean(moons):.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=[*PARTS, "early"], choices=[*PARTS, "early"])
    parser.add_argument("--seeds", type=int, default=10, help="maximum number of seeds (default: %(default)s)")
    parser.add_argument("--max-rows", type=int, default=inf, help="leave out sets with more training rows")
    add_cache_option(parser)
    options = parser.parse_args()
    one_thread()
    found = {
        name: train(options.cache, name, options.seeds, options.max_rows) for name in options.parts if name != "early"
    }
    for name, curves in found.items():
        if PARTS[name].setting != "default":
            continue
        groups = {name: list(curves)}
        if name == "suite":
            groups = {"first half": list(curves)[::2], "second half": list(curves)[1::2]}
        print(f"\n{name}: {len(curves)} sets, {PARTS[name]}")
        stops = compare(curves, groups)
        compare_tols(curves)
        by_set(stops, curves)
        implemented(curves)
        has_learned(curves)
        if name == "suite" and options.max_rows == inf:
            draw(stops, curves, FOLDER / "stopping.svg")
    compare_settings({name: curves for name, curves in found.items() if PARTS[name].setting != "default"})
    if "early" in options.parts:
        reference = found.get("suite") or train(options.cache, "suite", options.seeds, options.max_rows)
        small = [d for d in suite() if d.kind != "raw" and len(d.make(seed=0)[0]) <= 1200]
        early_stopping(kept(options.cache / "early", small, record_held_out, options.seeds), reference)


if __name__ == "__main__":
    main()
