"""What the plain algorithm can do, and what each addition is worth, on real data.

    SKBACKPROP_DATA=/folder python docs/benchmarks/additions.py [mnist | news | imbalance | quantile ...]

mnist      784-800-10 without distortions, with the lecture's algorithm and with one addition after another. For
           comparison, Simard, Steinkraus, Platt (2003) report 1.6 % for 800 hidden units with cross-entropy.
news       20 Newsgroups with sparse TF-IDF, compared with SGDClassifier, MLPClassifier and ComplementNB.
imbalance  one newsgroup versus the other 19, with and without class_weight.
quantile   quantiles of the disease progression (load_diabetes), and the share of held-out targets below them.

Settings were chosen on a part of the training rows (the last 10,000 of MNIST, a random fifth of the newsgroups). The
test rows were used once.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from _data import mnist, news20
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import QuantileRegressor, SGDClassifier
from sklearn.metrics import balanced_accuracy_score, mean_pinball_loss, recall_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.naive_bayes import ComplementNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor

COSINE = dict(learning_rate_schedule="cosine", n_iter_no_change=np.inf, random_state=0)
CROSS_ENTROPY = dict(loss="log_loss", activation="relu")

MNIST = {
    "the lecture, constant tau": dict(learning_rate=0.1, max_iter=25, n_iter_no_change=np.inf, random_state=0),
    "the lecture, tau falling": dict(learning_rate=0.2, max_iter=25, **COSINE),
    "  shuffled epochs": dict(learning_rate=0.2, max_iter=25, sampling="shuffle", **COSINE),
    "  dropout": dict(learning_rate=0.2, max_iter=25, dropout=0.3, **COSINE),
    "  log loss": dict(loss="log_loss", learning_rate=0.1, max_iter=25, **COSINE),
    "relu, log loss": dict(learning_rate=0.03, max_iter=25, **CROSS_ENTROPY, **COSINE),
    "  L2 penalty": dict(learning_rate=0.02, max_iter=25, alpha=1e-5, **CROSS_ENTROPY, **COSINE),
    "  dropout, 30 epochs": dict(learning_rate=0.01, max_iter=30, dropout=0.5, **CROSS_ENTROPY, **COSINE),
    "  dropout, 100 epochs": dict(learning_rate=0.01, max_iter=100, dropout=0.5, **CROSS_ENTROPY, **COSINE),
    "  Adam, batches of 128": dict(
        solver="adam", batch_size=128, learning_rate=0.001, max_iter=20, **CROSS_ENTROPY, **COSINE
    ),
    "  momentum, batches of 32, dropout": dict(
        momentum=0.9, batch_size=32, learning_rate=0.02, max_iter=30, dropout=0.5, **CROSS_ENTROPY, **COSINE
    ),
}


def fitted(model, X, y):
    """The model and the seconds that its fit took."""
    start = time.perf_counter()
    model.fit(X, y)
    return model, time.perf_counter() - start


def show_mnist():
    X_train, y_train, X_test, y_test = mnist()
    print("MNIST, 784-800-10                    test error   seconds")
    for name, settings in MNIST.items():
        model, seconds = fitted(BackpropClassifier((800,), **settings), X_train, y_train)
        print(f"{name:36} {1 - model.score(X_test, y_test):10.2%} {seconds:9.1f}", flush=True)


def show_news():
    X_train, y_train, X_test, y_test = news20()
    models = {
        "SGDClassifier": SGDClassifier(random_state=0),
        "ComplementNB": ComplementNB(),
        "MLPClassifier, 50 units": MLPClassifier((50,), max_iter=10, random_state=0),
        "no hidden layer, log loss": BackpropClassifier((), loss="log_loss", learning_rate=0.5, max_iter=20, **COSINE),
        "the lecture, 100 units": BackpropClassifier(learning_rate=0.5, max_iter=30, **COSINE),
        "Adam, batches of 32, 50 units": BackpropClassifier(
            (50,), solver="adam", batch_size=32, learning_rate=0.003, max_iter=10, **CROSS_ENTROPY, **COSINE
        ),
    }
    print("20 Newsgroups                          accuracy   seconds")
    for name, model in models.items():
        model, seconds = fitted(model, X_train, y_train)
        print(f"{name:36} {model.score(X_test, y_test):10.1%} {seconds:9.2f}", flush=True)


def show_imbalance():
    X_train, y_train, X_test, y_test = news20()
    print(f"one newsgroup of 20 ({np.mean(y_train == 0):.1%})         recall   balanced accuracy")
    for class_weight in (None, "balanced"):
        model = BackpropClassifier((), learning_rate=0.5, max_iter=20, class_weight=class_weight, **COSINE)
        predicted = model.fit(X_train, y_train == 0).predict(X_test)
        figures = [f(y_test == 0, predicted) for f in (recall_score, balanced_accuracy_score)]
        print(f"class_weight={class_weight!s:24} {figures[0]:7.1%} {figures[1]:12.1%}", flush=True)


def show_quantile():
    X, y = load_diabetes(return_X_y=True)
    folds = KFold(10, shuffle=True, random_state=0)
    print("quantile       share below   pinball loss   the same of QuantileRegressor")
    for q in (0.1, 0.25, 0.5, 0.75, 0.9):
        row = []
        for model in (
            BackpropRegressor((20,), loss="quantile", quantile=q, max_iter=50, learning_rate=0.02, **COSINE),
            QuantileRegressor(quantile=q, alpha=0),
        ):
            model = TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())
            predicted = cross_val_predict(model, X, y, cv=folds)
            row += [np.mean(y < predicted), mean_pinball_loss(y, predicted, alpha=q)]
        print(f"{q:8} {row[0]:16.1%} {row[1]:14.2f} {row[2]:16.1%} {row[3]:8.2f}", flush=True)


SHOWS = {"mnist": show_mnist, "news": show_news, "imbalance": show_imbalance, "quantile": show_quantile}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=list(SHOWS), metavar="WHAT", help=", ".join(SHOWS))
    warnings.simplefilter("ignore", ConvergenceWarning)
    for what in parser.parse_args().what:
        SHOWS[what]()
