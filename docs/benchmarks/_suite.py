"""The data sets on which rules and defaults are compared: generated ones, those included in scikit-learn, and tables.

There are two suites: `suite` makes new samples, or a new split, for each seed; the sets of `whole_sets` are always the
same, for cross-validation. Tables are read from SKBACKPROP_DATA/tables, and skipped if SKBACKPROP_DATA is not set.
Results can be kept in a folder (`add_cache_option`, `Cache`).
"""

import json
import os
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

N_TEST = 2000  # rows of a generated test set
MAX_ROWS = 4000  # training rows of a table
WHOLE_ROWS = 3000  # the most rows that `whole_sets` takes from a table
TABLES = {
    "classification": (
        "airbag_deaths contraceptive credit_data german lending_club optdigits phoneme segment spambase texture"
    ).split(),
    "regression": "check_times chicago_rides computers cps1988_wage movies_rating".split(),
}


@dataclass
class DataSet:
    """How the samples for one seed are made.

    Parameters
    ----------
    name : str
        Its name.
    classify : bool
        Classification if true, otherwise regression.
    make : callable
        Called with a seed; returns X_train, X_test, y_train, y_test as the estimator should see them.
    kind : {"learnable", "noise", "converged", "raw"}
        Whether there is something to learn. "converged" is learned within a few epochs; "raw" has features of very
        different sizes.
    scoring : str
        scikit-learn's name of the score.
    """

    name: str
    classify: bool
    make: object
    kind: str = "learnable"
    scoring: str = ""

    def __post_init__(self):
        self.scoring = self.scoring or ("accuracy" if self.classify else "r2")


def scaled(X, X_test, y, y_test, classify):
    """Standardise the features and, in regression, y."""
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    if not classify:
        mean, size = y.mean(axis=0), y.std(axis=0)
        y, y_test = (y - mean) / size, (y_test - mean) / size
    return X, X_test, y, y_test


def divided(load, classify, seed, n_train=0.75, scale=True):
    """A random split of given data into training and test rows."""
    X, y = load()
    if n_train > 1:
        n_train = min(n_train, int(0.75 * len(X)))
    parts = train_test_split(
        X,
        y,
        train_size=n_train,
        test_size=min(N_TEST, len(X) - (n_train if n_train > 1 else int(n_train * len(X)) + 1)),
        stratify=y if classify else None,
        random_state=seed,
    )
    return scaled(*parts, classify) if scale else tuple(parts)


def drawn(sample, n, classify, seed, scale=True):
    """n training and N_TEST test rows from a distribution: ``sample(rng, n)`` returns X, y."""
    rng = np.random.default_rng(seed)
    (X, y), (X_test, y_test) = sample(rng, n), sample(rng, N_TEST)
    return scaled(X, X_test, y, y_test, classify) if scale else (X, X_test, y, y_test)


def sklearn_made(make, classify, n, seed, **parameters):
    """Training and test rows from one call to a generator of scikit-learn."""
    X, y = make(n_samples=n + N_TEST, random_state=seed, **parameters)[:2]
    rows = np.random.default_rng(seed).permutation(len(X))
    a, b = rows[:n], rows[n:]
    return scaled(X[a], X[b], y[a], y[b], classify)


# ---- distributions -------------------------------------------------------------------------------------------------


def parity(rng, n, d=2, noise=0, normal=False):
    """The parity of the signs of d features; XOR for two."""
    X = rng.normal(size=(n, d + noise)) if normal else rng.uniform(-1, 1, (n, d + noise))
    return X, (np.prod(X[:, :d], axis=1) > 0).astype(int)


def checkerboard(rng, n, squares=3):
    X = rng.uniform(0, squares, (n, 2))
    return X, (np.floor(X).sum(axis=1) % 2).astype(int)


def spirals(rng, n):
    """Two interleaved spirals."""
    t, y = rng.random(n) * 3 * np.pi, rng.integers(2, size=n)
    r = t + 0.3 * rng.normal(size=n)
    return np.column_stack([r * np.cos(t + np.pi * y), r * np.sin(t + np.pi * y)]), y


def noise(rng, n, d, classes=0):
    return rng.normal(size=(n, d)), rng.integers(classes, size=n) if classes else rng.normal(size=n)


def rare(rng, n):
    """Five positives in 20,000 rows, separated in two of five features; half of the test rows are positive."""
    y = np.arange(n) < (5 if n > N_TEST else n // 2)
    return rng.normal(size=(n, 5)) + 3 * np.outer(y, [1, 1, 0, 0, 0]), y.astype(int)


def year(rng, n):
    """Four standardised features that matter, and a year that does not."""
    X = rng.normal(size=(n, 4))
    return np.column_stack([X, rng.integers(1950, 2020, n)]), (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def wave(rng, n, frequency=2, noise=0.1):
    X = rng.uniform(-3, 3, (n, 1))
    return X, np.sin(frequency * X[:, 0]) + noise * rng.normal(size=n)


def thousandth(rng, n):
    X = rng.normal(size=(n, 1))
    return X, 0.001 * X[:, 0]


def waves(rng, n):
    X = rng.uniform(-3, 3, (n, 2))
    return X, np.sin(2 * X[:, 0]) * np.cos(X[:, 1]) + 0.1 * rng.normal(size=n)


def products(rng, n):
    X = rng.normal(size=(n, 8))
    return X, X[:, 0] * X[:, 1] + abs(X[:, 2]) + 0.5 * X[:, 3] + 0.3 * rng.normal(size=n)


def heavy_tails(rng, n):
    X = rng.normal(size=(n, 10))
    return np.sinh(X), np.exp(X[:, 0] / 2) + X[:, 1] * (X[:, 2] > 0) + 0.3 * rng.normal(size=n)


def sawtooth(rng, n):
    X = rng.uniform(0, 3, (n, 1))
    return X, X[:, 0] % 1 + 0.05 * rng.normal(size=n)


def two_outputs(rng, n):
    X = rng.uniform(-2, 2, (n, 3))
    return X, np.column_stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]]) + 0.1 * rng.normal(size=(n, 2))


def linear(rng, n, d=5, noise=0.0):
    X = rng.normal(size=(n, d))
    return X, X.sum(axis=1) + noise * rng.normal(size=n)


def weak_signal(rng, n):
    """R² of at most 0.05."""
    X = rng.normal(size=(n, 8))
    return X, 0.23 * X[:, 0] + rng.normal(size=n)


def california(rng, n):
    """Features and a target on the scales of the California housing data: income, age, rooms, population, location."""
    income, age, place = rng.gamma(4, 1, n), rng.integers(1, 53, n), rng.normal(size=(n, 2)) * 2 + [35.6, -119.6]
    rooms, population = rng.gamma(6, 0.9, n), rng.lognormal(7, 0.8, n)
    y = (
        0.45 * income
        + 0.01 * age
        - 0.3 * np.hypot(*(place - [34, -118]).T)
        + 0.5 * np.sin(income)
        + 0.3 * rng.normal(size=n)
    )
    return np.column_stack([income, age, rooms, population, place]), y


def steps(rng, n):
    X = rng.uniform(0, 1, (n, 2))
    return X, np.floor(4 * X[:, 0]) * (X[:, 1] > 0.5) + 0.1 * rng.normal(size=n)


def steps_and_kinks(rng, n):
    X = rng.uniform(-1, 1, (n, 4))
    return X, np.floor(3 * X[:, 0]) + 2 * abs(X[:, 1]) + (X[:, 2] > X[:, 3]) + 0.2 * rng.normal(size=n)


def ripples(rng, n):
    X = rng.uniform(-1, 1, (n, 2))
    return X, np.cos(8 * np.hypot(*X.T)) + 0.1 * rng.normal(size=n)


def low_rank(rng, n):
    hidden = rng.normal(size=(n, 3))
    mix = np.random.default_rng(0).normal(size=(3, 50))
    return hidden @ mix + 0.5 * rng.normal(size=(n, 50)), np.tanh(2 * hidden[:, 0]) * hidden[:, 1]


def counts(rng, n):
    X = rng.normal(size=(n, 4))
    return X, rng.poisson(np.exp(0.7 * X[:, 0] - 0.5 * X[:, 1] * X[:, 2])).astype(float)


def rings(rng, n):
    y, angle = rng.integers(4, size=n), rng.uniform(0, 2 * np.pi, n)
    r = 1 + y + 0.2 * rng.normal(size=n)
    return np.column_stack([r * np.cos(angle), r * np.sin(angle)]), y


def hastie(n_samples, random_state):
    X, y = datasets.make_hastie_10_2(n_samples=n_samples, random_state=random_state)
    return X, (y > 0).astype(int)


def shells(n, seed, d=6, classes=5):
    return sklearn_made(datasets.make_gaussian_quantiles, True, n, seed, n_features=d, n_classes=classes)


# ---- the sets ------------------------------------------------------------------------------------------------------


def shipped(name):
    """X and y of data included in scikit-learn."""
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def column(name, k):
    """Column k of data included in scikit-learn, to be predicted from the others."""
    X, _ = shipped(name)
    return np.delete(X, k, axis=1), X[:, k]


def table(name, kind, rows=None, min_frequency=20):
    """X and y of a table, or of its first rows, with gaps filled and a column for each frequent category."""
    import pandas as pd

    frame = pd.read_csv(Path(os.environ["SKBACKPROP_DATA"], "tables", f"{name}.csv.gz"), nrows=rows)
    y = frame.pop("target")
    one_hot = OneHotEncoder(sparse_output=False, min_frequency=min_frequency)
    columns = make_column_transformer(
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    y = LabelEncoder().fit_transform(y) if kind == "classification" else y.to_numpy(float)
    return columns.fit_transform(frame).astype(float), y


def tables():
    """Names of the available tables, by kind."""
    return TABLES if os.environ.get("SKBACKPROP_DATA") else {}


def _sets():
    """Neighbours are similar, so that the two halves of the suite are as well."""
    make, cl, re = sklearn_made, True, False
    classification, clusters = datasets.make_classification, {"n_informative": 12, "n_features": 16, "n_classes": 10}
    yield "sin(2x), 300", re, partial(drawn, wave, 300, re)
    yield "sin(3x), 1000", re, partial(drawn, partial(wave, frequency=3), 1000, re)
    yield "moons .1, 400", cl, partial(make, datasets.make_moons, cl, 400, noise=0.1)
    yield "moons .25, 800", cl, partial(make, datasets.make_moons, cl, 800, noise=0.25)
    yield "friedman1, 500", re, partial(make, datasets.make_friedman1, re, 500, noise=1)
    yield "friedman1, 20000", re, partial(make, datasets.make_friedman1, re, 20000, noise=1)
    yield "friedman2, 1000", re, partial(make, datasets.make_friedman2, re, 1000, noise=50)
    yield "friedman3, 1000", re, partial(make, datasets.make_friedman3, re, 1000, noise=0.1)
    yield "XOR, 400", cl, partial(drawn, parity, 400, cl)
    yield "XOR and 4 of noise, 1000", cl, partial(drawn, partial(parity, noise=4), 1000, cl)
    yield "parity of 3, 2000", cl, partial(drawn, partial(parity, d=3), 2000, cl)
    yield "checkerboard, 1500", cl, partial(drawn, checkerboard, 1500, cl)
    yield "shells in 6, 2000", cl, partial(shells, 2000)
    yield "shells in 3, 1000", cl, partial(shells, 1000, d=3, classes=3)
    yield "spirals, 2000", cl, partial(drawn, spirals, 2000, cl)
    yield "spirals, 600", cl, partial(drawn, spirals, 600, cl)
    yield "noise, 2 classes, 500", cl, partial(drawn, partial(noise, d=10, classes=2), 500, cl), "noise"
    yield "noise, 3 classes, 3000", cl, partial(drawn, partial(noise, d=5, classes=3), 3000, cl), "noise"
    yield "noise, 300", re, partial(drawn, partial(noise, d=5), 300, re), "noise"
    yield "noise, 3000", re, partial(drawn, partial(noise, d=3), 3000, re), "noise"
    yield "weak signal, 2000", re, partial(drawn, weak_signal, 2000, re)
    yield "noisy labels, 1000", cl, partial(make, classification, cl, 1000, n_informative=5, n_redundant=5, flip_y=0.3)
    yield "blobs, 300", cl, partial(make, datasets.make_blobs, cl, 300, centers=3), "converged"
    yield "blobs, 5000", cl, partial(make, datasets.make_blobs, cl, 5000, centers=[[-3, 0], [3, 0]]), "converged"
    yield "line without noise, 1000", re, partial(drawn, linear, 1000, re), "converged"
    yield "line, noise 1, 4000", re, partial(drawn, partial(linear, noise=1.0), 4000, re), "converged"
    yield "y = 0.001 x, 400", re, partial(drawn, thousandth, 400, re, scale=False)
    yield "5 rare among 20000", cl, partial(drawn, rare, 20000, cl), "learnable", "balanced_accuracy"
    yield (
        "imbalanced, 2000",
        cl,
        partial(make, classification, cl, 2000, n_informative=6, n_classes=3, weights=[0.85, 0.1, 0.05]),
    )
    yield "clusters, 3000", cl, partial(make, classification, cl, 3000, class_sep=2, n_clusters_per_class=3, **clusters)
    yield "many rows, 20000", cl, partial(make, classification, cl, 20000, n_informative=6, flip_y=0.05)
    yield "wide, 400 x 200", cl, partial(make, classification, cl, 400, n_features=200, n_informative=20, n_classes=4)
    yield "15 rows, 2 classes", cl, partial(make, classification, cl, 15, n_features=5)
    yield "15 rows, line", re, partial(drawn, partial(linear, d=2, noise=0.1), 15, re)
    yield "40 rows, moons", cl, partial(make, datasets.make_moons, cl, 40, noise=0.1)
    yield "40 rows, sin(2x)", re, partial(drawn, wave, 40, re)
    yield "60 rows, 3 classes", cl, partial(make, classification, cl, 60, n_informative=5, n_classes=3)
    yield "60 rows, products", re, partial(drawn, products, 60, re)
    yield "circles, 800", cl, partial(make, datasets.make_circles, cl, 800, noise=0.1, factor=0.5)
    yield "circles, 150", cl, partial(make, datasets.make_circles, cl, 150, noise=0.1, factor=0.5)
    yield "waves, 2000", re, partial(drawn, waves, 2000, re)
    yield "products, 1500", re, partial(drawn, products, 1500, re)
    yield "heavy tails, 3000", re, partial(drawn, heavy_tails, 3000, re)
    yield "swiss roll, 2000", re, partial(make, datasets.make_swiss_roll, re, 2000, noise=0.3)
    yield "sawtooth, 500", re, partial(drawn, sawtooth, 500, re)
    yield "two outputs, 800", re, partial(drawn, two_outputs, 800, re)
    yield "sparse uncorrelated, 800", re, partial(make, datasets.make_sparse_uncorrelated, re, 800)
    yield "linear, 500 x 30", re, partial(make, datasets.make_regression, re, 500, n_features=30, noise=20)
    yield "year, raw, 1000", cl, partial(drawn, year, 1000, cl, scale=False), "raw"
    yield "wine, raw", cl, partial(divided, partial(shipped, "wine"), cl, n_train=0.5, scale=False), "raw"
    yield (
        "breast cancer, raw",
        cl,
        partial(divided, partial(shipped, "breast_cancer"), cl, n_train=0.5, scale=False),
        "raw",
    )
    yield "california-like, raw, 2000", re, partial(drawn, california, 2000, re, scale=False), "raw"
    yield "california-like, 2000", re, partial(drawn, california, 2000, re)
    yield "diabetes", re, partial(divided, partial(shipped, "diabetes"), re, n_train=0.5)
    for name in ("iris", "wine", "breast_cancer", "digits"):
        yield name, cl, partial(divided, partial(shipped, name), cl, n_train=0.5)
    for name, kind in sorted((name, kind) for kind, names in tables().items() for name in names):
        classify = kind == "classification"
        yield name, classify, partial(divided, partial(table, name, kind), classify, n_train=MAX_ROWS)


def _fresh_sets():
    make, cl, re = sklearn_made, True, False
    yield "sin(4x), 700", re, partial(drawn, partial(wave, frequency=4), 700, re)
    yield "sin(x), 150", re, partial(drawn, partial(wave, frequency=1), 150, re)
    yield "steps, 1200", re, partial(drawn, steps, 1200, re)
    yield "ripples, 1500", re, partial(drawn, ripples, 1500, re)
    yield "friedman1, 200", re, partial(make, datasets.make_friedman1, re, 200, noise=1)
    yield "low rank, 600 x 50", re, partial(drawn, low_rank, 600, re)
    yield "counts, 1000", re, partial(drawn, counts, 1000, re)
    yield "noise, 1000", re, partial(drawn, partial(noise, d=2), 1000, re), "noise"
    yield "line, 6000", re, partial(drawn, partial(linear, d=3, noise=0.3), 6000, re), "converged"
    yield "breast cancer, column 3", re, partial(divided, partial(column, "breast_cancer", 3), re, n_train=0.5)
    yield "wine, column 0", re, partial(divided, partial(column, "wine", 0), re, n_train=0.5)
    yield "digits, column 27", re, partial(divided, partial(column, "digits", 27), re, n_train=0.5)
    yield "XOR and 8 of noise, 3000", cl, partial(drawn, partial(parity, noise=8), 3000, cl)
    yield "parity of 4, 3000", cl, partial(drawn, partial(parity, d=4), 3000, cl)
    yield "Hastie's, 2000", cl, partial(make, hastie, cl, 2000)
    yield "rings, 1000", cl, partial(drawn, rings, 1000, cl)
    yield "moons .15, 120", cl, partial(make, datasets.make_moons, cl, 120, noise=0.15)
    yield "shells in 4, 1500", cl, partial(shells, 1500, d=4, classes=4)
    yield "noise, 2 classes, 4000", cl, partial(drawn, partial(noise, d=2, classes=2), 4000, cl), "noise"
    yield (
        "apart, 1000",
        cl,
        partial(make, datasets.make_blobs, cl, 1000, centers=[[-4, 0], [4, 0], [0, 6]]),
        "converged",
    )


def suite(fresh=False):
    """All data sets, or the `fresh` ones, which test what has been chosen on the others."""
    return [DataSet(*row) for row in (_fresh_sets() if fresh else _sets())]


def once(sample, *args, **parameters):
    """X and y from a distribution, always the same."""
    return sample(np.random.default_rng(0), *args, **parameters)


def whole_sets(kind):
    """{name: function that returns X and y}, in alphabetical order; kind is "classification" or "regression".

    Defaults are chosen on every other set (the first, third, ...); the others are only reported.
    """
    classification = partial(partial, datasets.make_classification)
    concentric = partial(partial, datasets.make_gaussian_quantiles, random_state=4)
    if kind == "classification":
        sets = {name: partial(shipped, name) for name in ("iris", "wine", "breast_cancer", "digits")} | {
            "moons": partial(datasets.make_moons, 400, noise=0.1, random_state=0),
            "moons, noisy": partial(datasets.make_moons, 800, noise=0.25, random_state=3),
            "circles": partial(datasets.make_circles, 800, noise=0.1, factor=0.5, random_state=3),
            "spirals": partial(once, spirals, 1000),
            "shells, 5 in 6-d": concentric(n_samples=2000, n_features=6, n_classes=5),
            "shells, 3 in 10-d": concentric(n_samples=2000, n_features=10, n_classes=3),
            "shells, 2 in 4-d": concentric(n_samples=1000, n_features=4, n_classes=2),
            "xor": partial(once, parity, 500, normal=True),
            "checkerboard": partial(once, checkerboard, 1500, squares=4),
            "parity": partial(once, parity, 1500, d=3, noise=5, normal=True),
            "clusters": classification(
                2000, 16, n_informative=12, n_classes=10, n_clusters_per_class=3, class_sep=2, random_state=1
            ),
            "noisy labels": classification(1000, 20, n_informative=5, n_redundant=5, flip_y=0.1, random_state=2),
            "wide": classification(300, 500, n_informative=20, n_redundant=20, n_classes=3, random_state=5),
            "imbalanced": classification(2000, 12, n_informative=6, n_classes=3, weights=[0.85, 0.1], random_state=6),
        }
    else:
        sets = {
            "diabetes": partial(shipped, "diabetes"),
            "friedman1": partial(datasets.make_friedman1, 500, noise=0.5, random_state=0),
            "friedman2": partial(datasets.make_friedman2, 1000, noise=20, random_state=0),
            "friedman3": partial(datasets.make_friedman3, 1000, noise=0.05, random_state=0),
            "linear": partial(datasets.make_regression, 500, 30, n_informative=10, noise=20, random_state=1),
            "wide": partial(datasets.make_regression, 200, 300, n_informative=10, noise=5, random_state=1),
            "sparse uncorrelated": partial(datasets.make_sparse_uncorrelated, 800, random_state=0),
            "swiss roll": partial(datasets.make_swiss_roll, 1500, noise=0.3, random_state=0),
            "sin(2x)": partial(once, wave, 300),
            "waves": partial(once, waves, 2000),
            "products": partial(once, products, 1500),
            "heavy tails": partial(once, heavy_tails, 2000),
            "steps": partial(once, steps_and_kinks, 1500),
            "breast cancer, column 9": partial(column, "breast_cancer", 9),
            "wine, column 0": partial(column, "wine", 0),
            "digits, a pixel": partial(column, "digits", 27),
        }
    sets |= {name: partial(table, name, kind, WHOLE_ROWS, min_frequency=5) for name in tables().get(kind, ())}
    return dict(sorted(sets.items(), key=lambda item: item[0].lower()))


@cache
def whole_set(kind, name):
    """X and y of one of them."""
    return whole_sets(kind)[name]()


# ---- results that are kept -----------------------------------------------------------------------------------------


def add_cache_option(parser):
    """``--cache FOLDER``: where a benchmark keeps its results, so that an interrupted run can continue."""
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "skbackprop",
        metavar="FOLDER",
        help="where results are kept; use an empty one after changes to the package (default: %(default)s)",
    )


class Cache:
    """Results by key, in a JSON Lines file.

    Parameters
    ----------
    folder : Path
        Where the file is.
    name : str
        The file's name without its suffix, .jsonl.
    """

    def __init__(self, folder, name):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{name}.jsonl"
        self.results = dict(map(json.loads, self.file.read_text().splitlines())) if self.file.exists() else {}

    def __call__(self, function, *args):
        """What the function returned for these arguments; estimators among them stand for all their parameters."""
        key = repr([a.get_params() if isinstance(a, BaseEstimator) else a for a in args])
        if key not in self.results:
            self.results[key] = function(*args)
            with self.file.open("a") as file:
                file.write(json.dumps([key, self.results[key]]) + "\n")
        return self.results[key]
