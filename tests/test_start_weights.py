"""Start weights: those of one's own, and what the drawn ones depend on."""

import numpy as np
from helpers import fit_quietly, make_data, same_bits
from sklearn.datasets import load_digits

from skbackprop import BackpropClassifier


def test_start_weights_of_ones_own():
    """The same start weights and random stream: the same model; and they are where training starts."""
    X, y = load_digits(return_X_y=True)
    start = BackpropClassifier((20,), learning_rate=1e-300, max_iter=1, random_state=0, n_iter_no_change=np.inf)
    fit_quietly(start, X, y)
    drawn, given, halves = (BackpropClassifier((20,), max_iter=3, random_state=0, warm_start=True) for _ in range(3))
    fit_quietly(drawn, X, y)
    for _ in range(2):  # with warm_start, too, training starts from the given weights
        fit_quietly(given, X, y, coefs_init=start.coefs_, intercepts_init=start.intercepts_)
        assert same_bits(drawn, given)
    fit_quietly(halves, X, y, coefs_init=start.coefs_)
    assert same_bits(drawn, halves)


def test_the_median_row_of_repeated_rows():
    """The start weights, which depend on it, are those of the rows repeated."""
    X, y = make_data(BackpropClassifier, n=60)
    X *= np.arange(1, 61)[:, np.newaxis] / 10
    weight = np.arange(60) % 4 + 1
    weighted = fit_quietly(BackpropClassifier(max_iter=1, random_state=0), X, y, sample_weight=weight)
    repeated = fit_quietly(BackpropClassifier(max_iter=1, random_state=0), X.repeat(weight, axis=0), y.repeat(weight))
    assert same_bits(weighted, repeated)
