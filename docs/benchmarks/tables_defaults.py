"""The procedure by which tabular_pipeline's defaults were chosen: alternatives compared with each.

    SKBACKPROP_DATA=/folder python docs/benchmarks/tables_defaults.py [--splits 2] [--only NAME ...] [--write]

Every variation changes one thing in the default pipeline. It is compared with the default on the same divisions of all
tables: mean difference of accuracy or R² in points (hundredths), of log loss, their standard
errors over the tables, and the ratio of the seconds of fit (processor time, one thread; the median). A variation
earns its place if it gains more than about two standard errors, or costs nothing and saves time.

To see how much of such gains is chance, the choices are also made on a random half of the tables alone, and measured on
the other half: between each variation and the default, and between all of them.

Measurements are kept in the folder named by --cache; one variation takes about a minute per division.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _report import versions
from _suite import Cache, add_cache_option
from _tables import mean_and_error, measure, names
from _timing import one_thread
from sklearn.compose import TransformedTargetRegressor

from skbackprop import tabular_pipeline

FOLDER = Path(__file__).parent
#: What was tried outside of the package, and is not in it.
LEFT_OUT = """Not adopted, and not in the package; each was measured in the same way, on one division:

| in place of the default | points | log loss |
| --- | --- | --- |
| weights averaged over the epochs, exponentially, by .5 (30 November 2026) | -0.21 ± 0.23 | -0.0001 ± 0.0013 |
| the same by .8 | -0.34 ± 0.24 | -0.0006 ± 0.0015 |
| two of the four networks without splines | -0.04 ± 0.15 | +0.0011 ± 0.0021 |
| splines times 1/4 | -0.29 ± 0.17 | -0.0005 ± 0.0020 |
| splines times 1/10 | -0.18 ± 0.17 | -0.0023 ± 0.0022 |
| one_cycle (24 November 2026, batches of 128, tol .005, as all that follow) | -0.10 ± 0.08 | -0.0012 ± 0.0010 |
| label smoothing .1 | +0.11 ± 0.08 | +0.0309 ± 0.0115 |
| adamw, alpha .02 | +0.04 ± 0.07 | -0.0008 ± 0.0004 |
| adamw, alpha .2 | -0.05 ± 0.12 | -0.0013 ± 0.0011 |

With averaging (Polyak and Ruppert 1992), held-out samples judge the mean of the weights after each epoch. The small
steps at the end of each cycle of "coslog4" have much the same effect. One cycle is of Smith and Topin (2019), label
smoothing of Szegedy et al. (2016), and "adamw" of Loshchilov and Hutter (2019).

`tol` is .0005 because where R² is .99, .005 of the variance is more than most of what is left to learn: on Friedman's
first function (4,000 rows, noise .3) R² rises from .990 to .9917."""


def network(**parameters):
    """A change of the networks' parameters."""
    return lambda pipeline, average: average.estimator.set_params(**parameters)


def networks(n):
    return lambda pipeline, average: average.set_params(n_estimators=n)


def columns(**parameters):
    return lambda pipeline, average: pipeline.set_params(**{f"columns__{k}": v for k, v in parameters.items()})


VARIATIONS = {
    "one network": networks(1),
    "2 networks": networks(2),
    "6 networks": networks(6),
    "no splines": columns(splines="drop"),
    "3 knots": columns(splines__splines__n_knots=3),
    "5 knots": columns(splines__splines__n_knots=5),
    "13 knots": columns(splines__splines__n_knots=13),
    "trained to the end": network(n_iter_no_change=np.inf),
    "cosine": network(learning_rate_schedule="cosine"),
    "silu": network(activation="silu"),
    "(64, 32)": network(hidden_layer_sizes=(64, 32)),
    "(256, 128)": network(hidden_layer_sizes=(256, 128)),
    "batches of 128": network(batch_size=128, learning_rate=0.005),
    "learning_rate .0015": network(learning_rate=0.0015),
    "learning_rate .006": network(learning_rate=0.006),
    "tol .005": network(tol=0.005),
    "no dropout": network(dropout=0.0),
    "dropout .35": network(dropout=0.35),
    "dropout of inputs .1": network(dropout=(0.1, 0.2, 0.2)),
    "alpha .001": network(alpha=0.001),
    "a fifth held out": network(validation_fraction=0.2),
}


def varied(variation, name, seed):
    """The measurements of the pipeline with a variation; "" is the default."""
    pipeline = tabular_pipeline("classifier" if names()[name] else "regressor")
    model = pipeline["model"]
    average = model.regressor if isinstance(model, TransformedTargetRegressor) else model
    average.set_params(random_state=seed)
    if variation:
        VARIATIONS[variation](pipeline, average)
    return measure(pipeline, name, seed)


def differences(variation, results, splits):
    """The variation's points above the default, log loss above it, and ratio of the seconds of fit, by table."""

    def by_table(difference, tables):
        pairs = {t: [(results[variation, t, s], results["", t, s]) for s in splits] for t in tables}
        return np.array([np.mean([difference(*pair) for pair in pairs[t]]) for t in tables])

    return (
        by_table(lambda a, b: 100 * (a["score"] - b["score"]), names()),
        by_table(lambda a, b: a["log_loss"] - b["log_loss"], [t for t in names() if names()[t]]),
        by_table(lambda a, b: a["fit"] / b["fit"], names()),
    )


def row(variation, points, loss, ratio):
    """The differences in Markdown; the last one is of the points that the choice is worth (`left_out`)."""
    _, other = left_out(points)
    numbers = "{:+.2f} ± {:.2f} | {:+.4f} ± {:.4f}".format(*mean_and_error(points), *mean_and_error(loss))
    return f"| {variation} | {numbers} | {np.median(ratio):.2f} | {other - points.mean():+.2f} |"


def left_out(*points, n=2000):
    """What the default or the best of some variations, chosen on a random half of the tables, gains over the default.

    Parameters
    ----------
    points : ndarrays of shape (n_tables,)
        The points of each variation above the default.
    n : int
        The number of random halves.

    Returns
    -------
    gain, other_gain : float
        On the half on which it was chosen, and on the other half; means.
    """
    points, rng, gains = np.array([np.zeros_like(points[0]), *points]), np.random.default_rng(0), []
    for _ in range(n):
        one, other = np.array_split(rng.permutation(points.shape[1]), 2)
        best = points[:, one].mean(axis=1).argmax()
        gains.append((points[best, one].mean(), points[best, other].mean()))
    return np.mean(gains, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=2, help="random divisions of each table")
    parser.add_argument("--only", nargs="*", default=list(VARIATIONS), choices=VARIATIONS, metavar="NAME")
    parser.add_argument("--write", action="store_true", help="write tables_defaults.md beside this file")
    add_cache_option(parser)
    options = parser.parse_args()
    one_thread()
    warnings.simplefilter("ignore")
    cache, splits = Cache(options.cache, "tables_defaults"), range(options.splits)
    lines = [
        "| in place of the default | points | log loss | seconds of fit, ratio | worth of the choice, points |",
        "| --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines))
    results = {("", t, s): cache(varied, "", t, s) for t in names() for s in splits}
    points = {}
    for variation in options.only:
        results |= {(variation, t, s): cache(varied, variation, t, s) for t in names() for s in splits}
        found = differences(variation, results, splits)
        points[variation] = found[0]
        lines.append(row(variation, *found))
        print(lines[-1], flush=True)
    gain, other = left_out(*points.values())
    best = (
        f"The best of all {len(points) + 1}, chosen on a random half of the tables, gains {gain:+.2f} points over the "
        f"default on that half, and {other:+.2f} on the other half."
    )
    print(best)
    if options.write:
        text = "\n".join(lines)
        (FOLDER / "tables_defaults.md").write_text(
            f"""# The defaults for tables

Written by `tables_defaults.py`, which says what was done: {len(names())} tables, {options.splits} random division(s) of
each. {versions(("pandas",))}.

Differences from the default pipeline, ± their standard error over the tables; plus is better for the points, minus for
the log loss. The last column is the gain over the variation on one half of the tables if the
better of the two on the other half is chosen: what the choice is worth on tables on which it was not made.

{text}

{best}

{LEFT_OUT}
"""
        )


if __name__ == "__main__":
    main()
