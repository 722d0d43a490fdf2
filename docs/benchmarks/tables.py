"""tabular_pipeline compared with gradient boosting and others, on tables as they come.

    SKBACKPROP_DATA=/folder python docs/benchmarks/tables.py [--splits 3] [--models ...] [--all-cores] [--write]

Accuracy or R², log loss, seconds of fit and prediction of all models, with their defaults, on the same random divisions
(three quarters of the rows for training, the rest for testing). Uses one thread and CPU time or, with --all-cores, all
cores and wall-clock time. With --write, the results of these models go into tables.json beside this file, in place of
earlier ones, and tables.md and tables.svg are written from all that is there. So the models can be measured one by one,
and in different environments.

The tables are those of SKBACKPROP_DATA/tables, or else scikit-learn's own. LightGBM, XGBoost, CatBoost and RealMLP-TD
(pytabkit, with torch) are measured if they are installed. Measurements are kept in the folder named by --cache.
"""

import argparse
import json
import os
import re
import time
import warnings
from datetime import date
from functools import partial
from importlib.metadata import version
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
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from skbackprop import BackpropClassifier, BackpropRegressor, tabular_pipeline

FOLDER = Path(__file__).parent
KEPT = FOLDER / "tables.json"
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
    filled = make_column_transformer(  # it takes strings, but no missing numbers
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include=("number", "bool"))),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    threads = os.cpu_count() if jobs == -1 else 1
    return make_pipeline(filled.set_output(transform="pandas"), estimator(device="cpu", n_threads=threads))


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


#: Label -> model for classify (or not) and n_jobs; the optional library it needs; whether one division is enough.
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


# ---- measurements, and where they are kept -------------------------------------------------------------------------


def measured(label, jobs, name, seed):
    """What one model reaches on one division of a table, and when."""
    np.random.seed(seed)  # noqa: NPY002, all models with random_state=None draw from it
    model = MODELS[label][0](classify=names()[name], jobs=jobs)
    results = measure(model, name, seed, time.perf_counter if jobs == -1 else time.process_time)
    return {what: value and round(value, 6) for what, value in results.items()} | {"date": str(date.today())}


def run(label, options, cache):
    """All results of a model: {library: name and version, results: {table: one for each division}}."""
    jobs = -1 if options.all_cores else None
    splits = range(1 if MODELS[label][2] else options.splits)
    library = MODELS[label][1] or ("skbackprop" if label in (OURS, "our plain defaults") else "scikit-learn")
    results = {name: [cache(measured, label, jobs, name, seed) for seed in splits] for name in names()}
    return {"library": f"{library} {version(library)}", "results": results}


def kept():
    """What tables.json has: {"one core" or "all cores": {label of a model: what `run` returned}}."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(cores, models):
    """Put models into tables.json, in place of earlier results; one line for each table."""
    everything = kept()
    known = everything.get(cores, {}) | models
    everything[cores] = {m: known[m] for m in MODELS if m in known and list(known[m]["results"]) == list(names())}
    text = json.dumps(everything, indent=1)
    KEPT.write_text(re.sub(r"\s*\n {5,}\s*|\s*\n {4}(?=])", " ", text) + "\n")


# ---- the report ----------------------------------------------------------------------------------------------------


def mean_of(model, name, what, n_splits=None):
    return np.mean([result[what] for result in model["results"][name][:n_splits]])


def median_seconds(model):
    """Seconds of fit, median of the tables."""
    return np.median([mean_of(model, name, "fit") for name in names()])


def compare(model, rival):
    """Two models on the same divisions: points of score, log loss, tables ahead, ratios of seconds."""
    n_splits = min(len(next(iter(m["results"].values()))) for m in (model, rival))

    def both(what, tables):
        return np.array([[mean_of(m, name, what, n_splits) for m in (model, rival)] for name in tables]).T

    points, rivals = both("score", names())
    ratios = {what: np.divide(*both(what, names())) for what in ("fit", "predict")}
    return {
        "points": mean_and_error(100 * (points - rivals)),
        "ahead": int((points >= rivals).sum()),
        "log_loss": mean_and_error(np.subtract(*both("log_loss", [t for t in names() if names()[t]]))),
        **{what: (np.median(ratio), ratio.max()) for what, ratio in ratios.items()},
    }


def markdown(head, rows):
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rows])


def compared(pairs):
    """Comparisons of a model with a rival, in Markdown: {label of the row: (model, rival)}."""
    head = ["", "points", "tables at least as good", "log loss", "fit, ratio (largest)", "predict, ratio (largest)"]
    rows = []
    for label, (model, rival) in pairs.items():
        row = compare(model, rival)
        rows.append(
            [
                label,
                "{:+.2f} ± {:.2f}".format(*row["points"]),
                f"{row['ahead']} of {len(names())}",
                "{:+.3f} ± {:.3f}".format(*row["log_loss"]),
                *("{} ({})".format(*map(number, row[what])) for what in ("fit", "predict")),
            ]
        )
    return markdown(head, rows)


def scores(models):
    """Accuracy or R² of all models by table, on the division that all of them were measured on, in Markdown."""
    rows = []
    for name in names():
        values = [model["results"][name][0]["score"] for model in models.values()]
        rows.append([name, *(f"**{v:.3f}**" if v == max(values) else f"{v:.3f}" for v in values)])
    return markdown(["table", *models], rows)


def seconds(models):
    """Seconds of fit and prediction of all models, in Markdown."""
    rows = []
    for label, model in models.items():
        days = sorted({result["date"] for results in model["results"].values() for result in results})
        medians = [np.median([mean_of(model, name, what) for name in names()]) for what in ("fit", "predict")]
        rows.append([label, *map(number, medians), model["library"], days[-1]])
    return markdown(["model", "fit, s", "predict, s", "library", "measured"], rows)


def plot(models, path):
    """Points above HistGradientBoosting, over the median seconds of fit."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "skbackprop"
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for label, model in models.items():
        fit = median_seconds(model)
        points, error = compare(model, models[RIVAL])["points"]
        error = 0 if label == RIVAL else error
        axes.errorbar(fit, points, error, fmt="o", capsize=3, color="C3" if label == OURS else "0.4")
        down, left = label == RIVAL, label in (RIVAL, "LightGBM", "RealMLP-TD", OURS)
        place = dict(xytext=(-7 if left else 7, -14 if down else 5), ha="right" if left else "left")
        axes.annotate(label, (fit, points), textcoords="offset points", **place)
    axes.axhline(0, color="0.8", zorder=0)
    axes.set(xscale="log", xlabel="seconds of fit, median of the tables, one core", ylabel="points above " + RIVAL)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(x=0.2, y=0.1)
    axes.set_title(f"Accuracy and R², mean of {len(names())} tables, ± standard error", loc="left")
    figure.savefig(path, metadata={"Date": None})


def report(models, all_cores):
    """Write tables.md and tables.svg."""
    ours, rival = models[OURS], models[RIVAL]
    n_splits = len(next(iter(ours["results"].values())))
    text = f"""# Tables

Written by `tables.py`. {versions(("pandas",))}.

All models have their defaults. {n_splits} random divisions of each table for {OURS} and {RIVAL}, the first of them for
the others; three quarters of the rows to train and the rest to test.

![points above HistGradientBoosting by seconds of fit](tables.svg)

Against HistGradientBoosting on the same divisions: mean difference of accuracy or R² in points (hundredths) and of log
loss, ± standard error over the tables; ratios of the seconds of fit and of prediction on one core, median of the tables
(and the largest).

{compared({label: (model, rival) for label, model in models.items() if label != RIVAL})}
{OURS} against each of the others, in the same way:

{compared({label: (ours, model) for label, model in models.items() if label != OURS})}
Seconds on one core, processor time, median of the tables:

{seconds(models)}
Accuracy, or R² of the last {sum(not classify for classify in names().values())}, on the first division:

{scores(models)}"""
    if all_cores:
        text += f"""
With {os.cpu_count()} cores (`--all-cores`), seconds on the clock:

{seconds(all_cores)}
{compared({label: (model, all_cores[RIVAL]) for label, model in all_cores.items() if label != RIVAL})}"""
    (FOLDER / "tables.md").write_text(text)
    plot(models, FOLDER / "tables.svg")


def main():
    available = [label for label, (_, needs, _) in MODELS.items() if needs is None or find_spec(needs)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=3, help="random divisions of each table")
    parser.add_argument("--models", nargs="*", default=available, choices=available, metavar="MODEL")
    parser.add_argument("--all-cores", action="store_true", help="n_jobs=-1, threads, and the clock on the wall")
    parser.add_argument("--write", action="store_true", help="write tables.json, tables.md and tables.svg")
    add_cache_option(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.all_cores:
        one_thread()
    cache = Cache(options.cache, "tables")
    models = {label: run(label, options, cache) for label in options.models}
    rival = models.get(RIVAL) or run(RIVAL, options, cache)
    print(seconds(models))
    print(compared({label: (model, rival) for label, model in models.items() if label != RIVAL}))
    if options.write:
        keep("all cores" if options.all_cores else "one core", models)
        everything = kept()
        report(everything["one core"], everything.get("all cores"))


if __name__ == "__main__":
    main()
