"""Defaults versus defaults: BackpropClassifier and BackpropRegressor, and MLPClassifier and MLPRegressor.

    SKBACKPROP_DATA=/folder python docs/benchmarks/defaults.py

Features and, in regression, y are standardised; everything else is at its default. Prints, for each of 49 sets, the
mean score of five folds and the CPU time of the five fits (with one thread); and for each half of the sets, the mean
difference, the worst sets and the ratio of the times. The defaults were chosen on the first half, not on the second.
Without SKBACKPROP_DATA the fifteen tables are left out.

Other values can be compared with the defaults:

    python docs/benchmarks/defaults.py regression --start 1 -3.5 2 --set learning_rate=0.01
    python docs/benchmarks/defaults.py classification --set activation=relu loss=log_loss learning_rate=0.003

--figure draws the front page's figure in both themes, docs/_static/defaults.png and defaults-dark.png.
Results are kept in the file defaults.jsonl in the folder named by --cache, so that an interrupted run can continue.
"""

import argparse
import ast
import sys
import time
from pathlib import Path

import numpy as np
from _suite import Cache, add_cache_option, whole_set, whole_sets
from _timing import one_thread
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor

DOCS = Path(__file__).resolve().parents[1]
FOLDS = 5
SHOWN = 0.25  # larger differences are drawn at the edge of the figure
PAIRS = {
    "classification": (MLPClassifier, BackpropClassifier, StratifiedKFold),
    "regression": (MLPRegressor, BackpropRegressor, KFold),
}


def start_weights(X, hidden, n_outputs, gain, centre, spread):
    """Arguments of fit for one hidden layer: W^1 with a gain relative to LeCun's rule, b^1 within a spread of a centre.

    As in the package, the centre and spread are in units of the size of the features in the median row.
    """
    rng = np.random.default_rng(0)
    M0, size = X.shape[1], np.sqrt(np.median((X**2).mean(axis=1)))
    bounds, shapes = [gain * np.sqrt(3 / M0), np.sqrt(3 / hidden)], [(M0, hidden), (hidden, n_outputs)]
    biases = size * rng.uniform(centre - spread, centre + spread, hidden)
    return {
        "network__coefs_init": [rng.uniform(-w, w, shape) for w, shape in zip(bounds, shapes, strict=True)],
        "network__intercepts_init": [biases, np.zeros(n_outputs)],
    }


def one_fold(kind, name, network, fold, start=None):
    """The score on the held-out fold, and the seconds of the fit."""
    X, y = whole_set(kind, name)
    train, test = list(PAIRS[kind][2](FOLDS, shuffle=True, random_state=0).split(X, y))[fold]
    model, n_outputs = Pipeline([("scale", StandardScaler()), ("network", network)]), len(np.unique(y))
    if kind == "regression":
        model, n_outputs = TransformedTargetRegressor(model, transformer=StandardScaler()), 1
    weights = {}
    if start:
        X_scaled = StandardScaler().fit_transform(X[train])
        weights = start_weights(X_scaled, network.hidden_layer_sizes[0], 1 if n_outputs == 2 else n_outputs, *start)
    begin = time.process_time()
    model.fit(X[train], y[train], **weights)
    seconds = time.process_time() - begin
    return model.score(X[test], y[test]), seconds


def mean_and_seconds(results):
    scores, seconds = zip(*results, strict=True)
    return np.mean(scores), np.sum(seconds)


def summary(label, rows):
    """Summarise rows (name, difference, our seconds, MLP's seconds). In the mean, no set counts for more than 0.2."""
    names, differences, ours, theirs = zip(*rows, strict=True)
    mean, ratio = np.clip(differences, -0.2, 0.2).mean(), sum(ours) / sum(theirs)
    worst = ", ".join(f"{names[i]} {differences[i]:+.3f}" for i in np.argsort(differences)[:5])
    print(f"{label}: {len(rows)} sets, mean {mean:+.4f}, {ratio:.2f} of the seconds; worst {worst}", flush=True)


def draw(results):
    """The figure, in both themes, of {kind: rows as in `summary`}: how much better and how much faster."""
    sys.path.append(str(DOCS / "_extensions"))
    import matplotlib.pyplot as plt
    from themes import save_for_both_themes

    figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    styles = {"classification": ("accuracy", "o", "#00879a"), "regression": ("R²", "^", "#e76300")}
    for kind, rows in results.items():
        score, marker, color = styles[kind]
        names, differences, ours, theirs = zip(*rows, strict=True)
        x, y = np.divide(theirs, ours), np.clip(differences, -SHOWN, SHOWN)
        ax.scatter(x, y, 42, color, marker, alpha=0.9, edgecolors="white", linewidths=0.6, label=f"{kind}, {score}")
        for name, *at, difference in zip(names, x, y, differences, strict=True):
            if abs(difference) > SHOWN:
                ax.annotate(f"{name}: {difference:+.2f}", at, (8, 0), textcoords="offset points", va="center")
    ax.axhline(0, color="0.5", linewidth=1, zorder=0)
    ax.axvline(1, color="0.5", linewidth=1, zorder=0)
    ax.set(xscale="log", xlim=(0.2, 20), ylim=(-1.1 * SHOWN, 1.1 * SHOWN), xticks=[0.25, 0.5, 1, 2, 4, 8, 16])
    ax.set_xticks([], minor=True)
    ax.set_xticklabels(["¼×", "½×", "equal", "2×", "4×", "8×", "16×"])
    ax.set(xlabel="speed of a fit: MLP's seconds / ours", ylabel="score: ours − MLP's")
    ax.text(0.98, 0.97, "better and faster", ha="right", va="top", transform=ax.transAxes)
    ax.legend(loc="lower left")
    save_for_both_themes(figure, DOCS / "_static" / "defaults")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(PAIRS), metavar="classification|regression")
    names = ("GAIN", "CENTRE", "SPREAD")
    parser.add_argument("--start", type=float, nargs=3, metavar=names, help="other initial weights")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other parameters of our estimator")
    parser.add_argument("--half", action="store_true", help="only the sets on which the defaults were chosen")
    parser.add_argument("--figure", action="store_true", help="draw the front page's figure")
    add_cache_option(parser)
    options = parser.parse_args()
    settings = {}
    for name, value in (setting.split("=") for setting in options.set):
        try:
            settings[name] = ast.literal_eval(value)
        except ValueError:
            settings[name] = value
    one_thread()
    cache = Cache(options.cache, "defaults")
    results = {}
    for kind in options.kinds:
        peer, ours, _ = PAIRS[kind]
        rows = results[kind] = []
        for name in list(whole_sets(kind))[:: 2 if options.half else 1]:
            network = ours(**({"random_state": 0} | settings))
            theirs, seconds = mean_and_seconds(
                [cache(one_fold, kind, name, peer(random_state=0), fold) for fold in range(FOLDS)]
            )
            score, our_seconds = mean_and_seconds(
                [cache(one_fold, kind, name, network, fold, options.start) for fold in range(FOLDS)]
            )
            rows.append((name, score - theirs, our_seconds, seconds))
            scores = f"{theirs:.3f} -> {score:.3f} {score - theirs:+.3f}"
            print(f"{name:24} {scores}  {seconds:.2f} s -> {our_seconds:.2f} s", flush=True)
        summary(f"{kind}, first half", rows if options.half else rows[::2])
        if not options.half:
            summary(f"{kind}, second half", rows[1::2])
            summary(f"{kind}, all", rows)
    if options.figure:
        draw(results)
