"""Write estimators of every kind, as this version saves them, to version_<version>.joblib beside this file.

tests/test_old_pickles.py reads them with the versions that follow, and lets them go on. Run this once per version, with
the oldest versions of what it needs (.ci/oldest.txt): new NumPy reads what old NumPy has written, not the reverse.
"""

import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning

import skbackprop
from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 3))
LABELS = np.array(["a", "b", "c"] * 4)
NUMBERS = X[:, 0] - X[:, 1]
FEW = dict(hidden_layer_sizes=(3,), max_iter=3, random_state=0)

#: name -> an estimator and its y
FITTED = {
    "plain classifier": (BackpropClassifier(**FEW), LABELS),
    "log loss, Adam, dropout, batches": (
        BackpropClassifier(
            loss="log_loss", solver="adam", learning_rate=0.01, dropout=0.25, batch_size=4, sampling="shuffle", **FEW
        ),
        LABELS,
    ),
    "multilabel": (BackpropClassifier(**FEW), (X > 0).astype(int)),
    "held-out samples": (BackpropClassifier(early_stopping=True, **FEW), LABELS),
    "plain regressor, penalty": (BackpropRegressor(alpha=0.01, **FEW), NUMBERS),
    # a tol that no epoch reaches: the step size is lowered in each
    "momentum, adaptive": (
        BackpropRegressor(momentum=0.9, learning_rate_schedule="adaptive", tol=1e9, n_iter_no_change=1, **FEW),
        NUMBERS,
    ),
    "L-BFGS": (BackpropRegressor(solver="lbfgs", **FEW), NUMBERS),
    "autoencoder": (BackpropAutoencoder(2, **FEW), None),
}
#: The same, for partial_fit.
STREAMS = {
    "stream of a classifier": (BackpropClassifier(momentum=0.9, **FEW), LABELS),
    "stream of a regressor": (BackpropRegressor(alpha=0.01, **FEW), NUMBERS),
}


def saved(model, X, y, training):
    """The pickled model, what it predicts, and its weights after it has been trained on by that method."""
    methods = [name for name in ("predict", "predict_proba", "transform") if hasattr(model, name)]
    entry = {
        "pickle": pickle.dumps(model, protocol=4),
        "X": X,
        "y": y,
        "predictions": {name: getattr(model, name)(X) for name in methods},
        "training": training,
    }
    getattr(model, training)(X, y)
    return entry | {"weights": model.coefs_ + model.intercepts_}


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    estimators = {}
    for name, (model, y) in FITTED.items():
        estimators[name] = saved(model.fit(X, y).set_params(warm_start=True, max_iter=2), X, y, "fit")
    for name, (model, y) in STREAMS.items():
        more = {"classes": np.unique(y)} if y is LABELS else {}
        estimators[name] = saved(model.partial_fit(X, y, **more).partial_fit(X, y), X, y, "partial_fit")
    y = NUMBERS.astype(np.float32)
    estimators["float32"] = saved(BackpropRegressor(**FEW).partial_fit(X.astype(np.float32), y), X, y, "partial_fit")
    estimators["not fitted"] = {"pickle": pickle.dumps(BackpropClassifier((4,), random_state=0), protocol=4)}
    version = skbackprop.__version__.replace(".", "_")
    joblib.dump(estimators, Path(__file__).with_name(f"version_{version}.joblib"), compress=9)


if __name__ == "__main__":
    main()
