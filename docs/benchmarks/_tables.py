"""Tables as they come, and what tables.py and tables_defaults.py do with them: fit on one part, measure on the rest."""

import os
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from _suite import tables
from sklearn import datasets
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split

SHIPPED = {"classification": ["breast_cancer", "digits", "wine"], "regression": ["diabetes"]}


def names():
    """{name of a table: whether it is for classification}: those of SKBACKPROP_DATA, or else scikit-learn's own."""
    return {name: kind == "classification" for kind, group in (tables() or SHIPPED).items() for name in group}


@cache
def load(name):
    """A table as a data frame of numbers and strings, and its target."""
    if not tables():
        return getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    frame = pd.read_csv(Path(os.environ["SKBACKPROP_DATA"], "tables", f"{name}.csv.gz"))
    return frame, frame.pop("target")


def split(name, seed):
    """X_train, X_test, y_train, y_test: a quarter of the rows is for testing."""
    X, y = load(name)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y if names()[name] else None)
    return X_train, X_test, y_train.to_numpy(), y_test.to_numpy()


def measure(model, name, seed, clock=time.process_time):
    """{score: accuracy or R², log_loss: of classes, fit and predict: seconds} of a model on a division of a table."""
    X, X_test, y, y_test = split(name, seed)
    start = clock()
    model.fit(X, y)
    fitted = clock()
    outputs = model.predict_proba(X_test) if names()[name] else model.predict(X_test)
    seconds = {"fit": fitted - start, "predict": clock() - fitted}
    if not names()[name]:
        return seconds | {"score": float(r2_score(y_test, outputs)), "log_loss": None}
    outputs = outputs / outputs.sum(axis=1, keepdims=True)  # of float32, to the precision that log_loss asks for
    return seconds | {
        "score": float(accuracy_score(y_test, model.classes_[outputs.argmax(axis=1)])),
        "log_loss": float(log_loss(y_test, outputs.astype(float), labels=model.classes_)),
    }


def mean_and_error(values):
    """The mean and its standard error."""
    return np.mean(values), np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
