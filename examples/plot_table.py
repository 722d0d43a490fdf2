"""
A table with categories and gaps
================================

From a data frame to probabilities in one line, compared with gradient boosting; and which
columns matter.
"""

# %%
# Credit applications: numbers, categories and gaps. If SKBACKPROP_DATA names a folder with
# ``tables/credit_data.csv.gz``, they are the real ones from the R package modeldata; otherwise
# similar ones are made up.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from skbackprop import tabular_pipeline

plt.style.use("seaborn-v0_8-colorblind")


def made_up(n=2000, seed=0):
    """Applications, and whether the credit was paid back."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "Seniority": rng.gamma(1.2, 6, n).round(),
            "Home": rng.choice(["owner", "rent", "parents", None], n, p=[0.5, 0.25, 0.2, 0.05]),
            "Age": rng.integers(18, 68, n),
            "Job": rng.choice(["fixed", "freelance", "partime"], n, p=[0.65, 0.25, 0.1]),
            "Records": rng.choice(["no", "yes"], n, p=[0.8, 0.2]),
            "Income": rng.lognormal(4.8, 0.5, n).round(),
            "Amount": rng.gamma(5, 200, n).round(-1),
        }
    )
    burden = X["Amount"] / X["Income"] / 8 - np.log1p(X["Seniority"]) / 2
    burden += 1.5 * (X["Records"] == "yes") + 1.2 * (X["Job"] == "partime")
    y = np.where(burden + rng.logistic(scale=0.5, size=n) < 0.9, "good", "bad")
    X.loc[rng.random(n) < 0.08, "Income"] = np.nan
    return X, y


file = Path(os.environ.get("SKBACKPROP_DATA", ""), "tables", "credit_data.csv.gz")
if file.exists():
    X = pd.read_csv(file)
    y = X.pop("target").to_numpy()
else:
    X, y = made_up()
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
X.head()

# %%
# One line, and another for the rival:

network = tabular_pipeline("classifier").set_params(model__random_state=0)
network.fit(X_train, y_train)

strings = {name: "category" for name in X.select_dtypes(exclude="number")}
trees = HistGradientBoostingClassifier(random_state=0)
trees.fit(X_train.astype(strings), y_train)

results = {
    "tabular_pipeline": network.predict_proba(X_test),
    "HistGradientBoosting": trees.predict_proba(X_test.astype(strings)),
}
pd.DataFrame(
    {
        "accuracy": {
            name: accuracy_score(y_test, trees.classes_[p.argmax(axis=1)])
            for name, p in results.items()
        },
        "log loss": {name: log_loss(y_test, p) for name, p in results.items()},
    }
).round(3)

# %%
# The steps of the pipeline:

network

# %%
# Its probabilities can be taken at their word. Permuting a column of the table, before the
# pipeline, shows how much accuracy it contributes.

importance = permutation_importance(network, X_test, y_test, n_repeats=3, random_state=0)
order = importance.importances_mean.argsort()

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, p in results.items():
    CalibrationDisplay.from_predictions(
        y_test == "good", p[:, 1], n_bins=10, strategy="quantile", name=name, ax=left
    )
right.barh(X.columns[order], importance.importances_mean[order])
right.set(xlabel="accuracy lost when permuted")
plt.show()
