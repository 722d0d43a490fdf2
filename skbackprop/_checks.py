"""Input checks: turn what the estimators accept into what the kernel takes."""

import copy
import inspect

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils.extmath import row_norms
from sklearn.utils.stats import _weighted_percentile
from sklearn.utils.validation import _check_sample_weight

from ._training.sampling import repetitions

__all__ = ["canonical_csr", "check_scorer", "feature_size", "positive_weights", "set_start_weights"]


def canonical_csr(X):
    """A CSR matrix that the kernel can trust: indices in range, sorted, without duplicates and of one integer type.

    Parameters
    ----------
    X : CSR matrix
        It is left unchanged. Arrays that are already right are not copied.

    Returns
    -------
    CSR matrix

    Raises
    ------
    ValueError
        If the indices do not fit the shape of the matrix.
    """
    X = copy.copy(X)  # shares the caller's arrays, but the checks may replace them
    try:
        X.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"X is not a valid CSR matrix: {error}") from None
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    if X.indices.dtype != X.indptr.dtype:
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def positive_weights(X, y, sample_weight):
    """The rows of positive weight and their weights.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    y : ndarray
        Labels or values.
    sample_weight : array-like of shape (n_samples,)
        Weights.

    Returns
    -------
    X, y, sample_weight
        These rows; the arrays themselves if all weights are positive.

    Raises
    ------
    ValueError
        If a weight is negative or all weights are 0.
    """
    sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (sample_weight < 0).any():
        raise ValueError(f"sample_weight must not be negative; the smallest weight is {sample_weight.min()}")
    keep = sample_weight > 0
    if not keep.any():
        raise ValueError("sample_weight is 0 for every sample: there is nothing to learn from")
    return (X, y, sample_weight) if keep.all() else (X[keep], y[keep], sample_weight[keep])


def feature_size(X, sample_weight):
    """The root mean square of the features in the median row, which is about 1 for standardised features.

    The median is the value of a single row, so unlike a sum it is not rounded differently when the rows are reordered.
    Weights only count if they are repetitions.
    """
    repeats = None if sample_weight is None else repetitions(sample_weight)
    with np.errstate(over="ignore"):
        squares = row_norms(X, squared=True)
    if repeats is None:
        middle = (len(squares) - 1) // 2
        squares.partition(middle)  # in place, to save memory
        median = squares[middle]
    else:  # in float64, where sums of whole numbers are exact
        median = X.dtype.type(_weighted_percentile(squares.astype(np.float64), repeats.astype(np.float64)))
    return float(np.sqrt(median / X.shape[1])) if 0 < median < np.inf else 1.0


def set_start_weights(network, coefs, intercepts):
    """Set a network to the initial weights that the user passed to fit.

    Parameters
    ----------
    network : Network
        It keeps its own weights wherever none are given.
    coefs, intercepts : list of array-like or None
        All weight matrices, all bias vectors or both, as in `Network`.

    Raises
    ------
    ValueError
        If they do not have the network's shapes or are not finite in its type.
    """
    dtype = network.params.dtype
    for name, own, given in (("coefs_init", network.coefs, coefs), ("intercepts_init", network.intercepts, intercepts)):
        if given is None:
            continue
        given = [np.asarray(w, dtype=np.float64) for w in given]
        shapes = [w.shape for w in own]
        if [w.shape for w in given] != shapes:
            raise ValueError(f"{name} must be arrays of shapes {shapes}; got {[w.shape for w in given]}")
        if not all(np.isfinite(w.astype(dtype)).all() for w in given):
            raise ValueError(f"{name} must be finite in {dtype}, the type of X")
        for w, start in zip(own, given, strict=True):
            w[...] = start


def check_scorer(estimator, scoring, sample_weight):
    """scikit-learn's scorer for the parameter `scoring`, checked before it is needed.

    Parameters
    ----------
    estimator : estimator
        The estimator to score.
    scoring : str, callable or None
        The parameter; "loss" needs no scorer.
    sample_weight : ndarray or None
        The weights that will be passed to the scorer.

    Returns
    -------
    callable or None

    Raises
    ------
    TypeError
        If it cannot be called like a scorer.
    """
    if isinstance(scoring, str) and scoring == "loss":
        return None
    scorer = check_scoring(estimator, scoring)
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    try:
        inspect.signature(scorer).bind(estimator, None, None, **weight)
    except ValueError:  # a callable without a signature
        pass
    except TypeError as error:
        raise TypeError(
            "scoring must be the name of a scorer or a callable scorer(estimator, X, y"
            f"{', sample_weight=...' if weight else ''}), such as sklearn.metrics.make_scorer makes from a metric; "
            f"got {scoring!r}: {error}"
        ) from None
    return scorer
