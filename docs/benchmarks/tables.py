"""tabular_pipeline compared with gradient boosting and others, on tables as they come.

    SKBACKPROP_DATA=/folder python docs/benchmarks/tables.py [--splits 3] [--models ...] [--all-cores] [--write]

Accuracy or R², log loss, seconds of fit and prediction of all models, with their defaults, on the same random divisions
(three quarters of the rows for training, the rest for testing). Uses one thread and CPU time or, with --all-cores, all
cores and wall-clock time. With --write, the results go into tables.md and tables.svg beside this file.

The tables are those of SKBACKPROP_DATA/tables, or else scikit-learn's own. LightGBM, XGBoost, CatBoost and RealMLP-TD
(pytabkit, with torch) are measured if they are installed. Measurements are kept in the folder named by --cache.
"""

import argparse
import os
import time
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _report import number, versions
from _suite import Cache, add_cache_option
from _tables import mean_and_error, measure, names
from _timing import one_thread
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from skbackprop import BackpropClassifier, BackpropRegressor, tabular_pipeline

FOLDER = Path(__file__).parent
OURS, RIVAL = "tabular_pipeline", "HistGradientBoosting"


def categories(X):
    """The frame with its strings as categories."""
    return X.astype({name: "category" for name in X.select_dtypes(exclude=("number", "bool"))})


def ordinal(model):
    """A number for each category; trees accept numbers, and missing ones."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    return make_pipeline(
        make_column_transformer(
            (codes, make_column_selector(dtype_exclude=("number", "bool"))),
            remainder="passthrough",
            verbose_feature_names_out=False,
        ),
        model,
    )


def ours(classify, jobs):
    pipeline = tabular_pipeline("classifier" if classify else "regressor")
    return pipeline.set_params(**{("model__" if classify else "model__regressor__") + "n_jobs": jobs})


def boosting(classify, jobs):
    estimator = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return make_pipeline(FunctionTransformer(categories), estimator())


def forest(classify, jobs):
    return ordinal((RandomForestClassifier if classify else RandomForestRegressor)(n_jobs=jobs))


def same_inputs(classifier, regressor, classify, jobs, **parameters):
    """Another estimator in our pipeline."""
    return tabular_pipeline((classifier if classify else regressor)(**parameters))


def linear(classify, jobs):
    return tabular_pipeline(LogisticRegression(max_iter=1000) if classify else Ridge())


def lightgbm(classify, jobs):
    from lightgbm import LGBMClassifier, LGBMRegressor

    return ordinal((LGBMClassifier if classify else LGBMRegressor)(n_jobs=jobs or 1, verbose=-1))


def xgboost(classify, jobs):
    from xgboost import XGBClassifier, XGBRegressor

    if not classify:
        return ordinal(XGBRegressor(n_jobs=jobs or 1))
    return ordinal(OrdinalTargets(XGBClassifier(n_jobs=jobs or 1)))


def catboost(classify, jobs):
    from catboost import CatBoostClassifier, CatBoostRegressor

    parameters = dict(thread_count=jobs or 1, verbose=False, allow_writing_files=False)
    return ordinal((CatBoostClassifier if classify else CatBoostRegressor)(**parameters))


def realmlp(classify, jobs):
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    estimator = RealMLP_TD_Classifier if classify else RealMLP_TD_Regressor
    return estimator(device="cpu", n_threads=os.cpu_count() if jobs == -1 else 1)


class OrdinalTargets(ClassifierMixin, BaseEstimator):
    """XGBoost's classifier accepts only class numbers as targets."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.estimator.fit(X, codes)
        return self

    def predict_proba(self, X):
        return self.estimator.predict_proba(X)


#: Label -> model for classify (or not) and n_jobs; the library that it needs; whether one division must do, for time.
MODELS = {
    OURS: (ours, None, False),
    "our plain defaults": (partial(same_inputs, BackpropClassifier, BackpropRegressor), None, True),
    "MLP": (partial(same_inputs, MLPClassifier, MLPRegressor), None, True),
    "LogisticRegression, Ridge": (linear, None, True),
    RIVAL: (boosting, None, False),
    "RandomForest": (forest, None, True),
    "LightGBM": (lightgbm, "lightgbm", True),
    "XGBoost": (xgboost, "xgboost", True),
    "CatBoost": (catboost, "catboost", True),
    "RealMLP-TD": (realmlp, "pytabkit", True),
}


def measured(label, jobs, name, seed):
    """What one model reaches on one division of a table."""
    np.random.seed(seed)  # noqa: NPY002, all models with random_state=None draw from it
    model = MODELS[label][0](classify=names()[name], jobs=jobs)
    return measure(model, name, seed, time.perf_counter if jobs == -1 else time.process_time)


def splits_of(label, options):
    return range(1 if MODELS[label][2] else options.splits)


def mean_of(results, label, name, what, splits):
    return np.mean([results[label, name, s][what] for s in splits])


def scores(results, options):
    """Accuracy or R² of all models by table, on the division that all of them were measured on, in Markdown."""
    lines = [["table", *options.models], ["---"] * (len(options.models) + 1)]
    for name in names():
        values = [results[m, name, 0]["score"] for m in options.models]
        lines.append([name, *(f"**{v:.3f}**" if v == max(values) else f"{v:.3f}" for v in values)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def compare(results, label, rival, options):
    """Two models on the same divisions: points of score, log loss, tables ahead, ratios of seconds."""
    splits = range(min(len(splits_of(label, options)), len(splits_of(rival, options))))

    def both(what, tables):
        return np.array([[mean_of(results, m, t, what, splits) for m in (label, rival)] for t in tables]).T

    points, rivals = both("score", names())
    loss = np.subtract(*both("log_loss", [t for t in names() if names()[t]]))
    ratios = {what: np.divide(*both(what, names())) for what in ("fit", "predict")}
    return {
        "points": mean_and_error(100 * (points - rivals)),
        "ahead": int((points >= rivals).sum()),
        "log_loss": mean_and_error(loss),
        "fit": np.median(ratios["fit"]),
        "slowest": ratios["fit"].max(),
        "predict": np.median(ratios["predict"]),
    }


def summary(results, options):
    """Each model compared with HistGradientBoosting, in Markdown."""
    lines = [
        ["model", "points", "tables at least as good", "log loss", "fit, s", "fit, ratio", "predict, ratio"],
        ["---"] * 7,
    ]
    for label in options.models:
        row = compare(results, label, RIVAL, options)
        fit = np.median([mean_of(results, label, t, "fit", splits_of(label, options)) for t in names()])
        lines.append(
            [
                label,
                "{:+.2f} ± {:.2f}".format(*row["points"]),
                f"{row['ahead']} of {len(names())}",
                "{:+.3f} ± {:.3f}".format(*row["log_loss"]),
                number(fit),
                number(row["fit"]),
                number(row["predict"]),
            ]
        )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def plot(results, options, path):
    """Points above HistGradientBoosting, over the median seconds of fit."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "skbackprop"
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for label in options.models:
        row = compare(results, label, RIVAL, options)
        seconds = np.median([mean_of(results, label, t, "fit", splits_of(label, options)) for t in names()])
        points, error = row["points"]
        error = 0 if label == RIVAL else error
        axes.errorbar(seconds, points, error, fmt="o", capsize=3, color="C3" if label == OURS else "0.4")
        axes.annotate(label, (seconds, points), xytext=(7, 5), textcoords="offset points")
    axes.axhline(0, color="0.8", zorder=0)
    axes.set(xscale="log", xlabel="seconds of fit, median of the tables, one core", ylabel="points above " + RIVAL)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(x=0.2, y=0.1)
    axes.set_title(f"Accuracy and R², mean of {len(names())} tables, ± standard error", loc="left")
    figure.savefig(path, metadata={"Date": None})


def write(results, options):
    libraries = ("pandas", *(needs for _, needs, _ in map(MODELS.get, options.models) if needs))
    (FOLDER / "tables.md").write_text(
        f"""# Tables

Written by `tables.py`. {versions(libraries)}.

All models have their defaults. {options.splits} random divisions of each table for {OURS} and {RIVAL}, the first of
them for the others; three quarters of the rows to train and the rest to test.

![points above HistGradientBoosting by seconds of fit](tables.svg)

Against HistGradientBoosting on the same divisions: mean difference of accuracy or R² in points (hundredths) and of log
loss, ± standard error over the tables; seconds of fit, and ratios of the seconds of fit and of prediction, medians of
the tables.

{summary(results, options)}
Accuracy, or R² of the last {sum(not classify for classify in names().values())}, on the first division:

{scores(results, options)}"""
    )
    plot(results, options, FOLDER / "tables.svg")


def main():
    available = [label for label, (_, needs, _) in MODELS.items() if needs is None or find_spec(needs)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=3, help="random divisions of each table")
    parser.add_argument("--models", nargs="*", default=available, choices=available, metavar="MODEL")
    parser.add_argument("--all-cores", action="store_true", help="n_jobs=-1, threads, and the clock on the wall")
    parser.add_argument("--write", action="store_true", help="write tables.md and tables.svg")
    add_cache_option(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.all_cores:
        one_thread()
    cache, jobs = Cache(options.cache, "tables"), -1 if options.all_cores else None
    options.models = sorted({*options.models, RIVAL}, key=list(MODELS).index)
    results = {
        (m, t, s): cache(measured, m, jobs, t, s)
        for m in options.models
        for t in names()
        for s in splits_of(m, options)
    }
    print(summary(results, options))
    print(scores(results, options))
    for label in options.models:
        if label != OURS and OURS in options.models:
            print(OURS, "against", label, compare(results, OURS, label, options))
    if options.write:
        write(results, options)


if __name__ == "__main__":
    main()
