"""Held-out samples: which they are, and how the network does on them."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .._kernel import steps
from .sampling import Samples, distinct

__all__ = ["Validation", "split"]


@dataclass
class Validation:
    """Samples to look at after each epoch.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    y : ndarray
        Labels or values, for the scorer.
    samples : Samples
        The same for the kernel.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights in loss and score.
    scorer : callable
        scikit-learn's ``scorer(estimator, X, y)``; higher is better.
    """

    X: object
    y: np.ndarray
    samples: Samples
    sample_weight: np.ndarray | None
    scorer: object

    def loss(self, network):
        """The mean f_i."""
        total = steps(network, self.samples, np.arange(len(self.samples)), 0.0)
        return total / (len(self.samples) if self.sample_weight is None else self.sample_weight.sum())

    def score(self, estimator):
        """The scorer's verdict on a fitted estimator."""
        weight = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        score = float(self.scorer(estimator, self.X, self.y, **weight))
        if np.isnan(score):
            raise ValueError(
                f"The validation set is too small: the score of its {len(self.samples)} samples is not a number. "
                "Increase validation_fraction, give more samples, or choose another scoring"
            )
        return score


def split(X, targets, order, fraction, labels, rng):
    """Divide the rows into training and validation rows, both in canonical order.

    Equal rows stay together, so that the model does not depend on whether a row is repeated or has a weight.

    Parameters
    ----------
    X, targets : ndarrays
        As in `Samples`.
    order : ndarray of int64
        The canonical order.
    fraction : float
        The share of distinct rows for validation.
    labels : ndarray of shape (n_samples,) or None
        Classes whose shares are to be the same in both parts, where each class has two distinct rows.
    rng : numpy.random.Generator
        The random stream.

    Returns
    -------
    training, validation : ndarray of int64
        Rows.
    """
    first = np.flatnonzero(distinct(X, targets, order))
    groups = np.arange(len(first))
    if len(groups) < 2:
        raise ValueError(
            "early_stopping needs two different samples at least, one of them for validation; got 1 sample"
        )
    # two at least where that leaves as many, because R² is not defined for one
    size = int(np.clip(np.ceil(fraction * len(groups)), min(2, len(groups) // 2), len(groups) - 1))
    if labels is not None:
        labels = labels[order[first]]
        classes, count = np.unique(labels, return_counts=True)
        if count.min() < 2 or not len(classes) <= size <= len(groups) - len(classes):
            labels = None
    seed = int(rng.integers(2**32))
    _, held_out = train_test_split(groups, test_size=size, stratify=labels, random_state=seed)
    is_held_out = np.zeros(len(groups), dtype=bool)
    is_held_out[held_out] = True
    is_held_out = np.repeat(is_held_out, np.diff(first, append=len(order)))
    return order[~is_held_out], order[is_held_out]
