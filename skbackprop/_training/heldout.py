"""Held-out samples: how they are chosen and how the network does on them."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .chunks import mean_loss
from .progress import LARGEST
from .sampling import Samples, distinct

__all__ = ["HeldOut", "Split"]


@dataclass
class HeldOut:
    """Samples to measure after each epoch.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    y : ndarray
        Labels or values, for the scorer.
    targets : ndarray
        The same, in the kernel's form.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights in loss and score.
    scorer : callable or None
        scikit-learn's ``scorer(estimator, X, y)``; higher is better. None is minus the mean loss.
    """

    X: object
    y: np.ndarray
    targets: np.ndarray
    sample_weight: np.ndarray | None
    scorer: object

    def measure(self, progress, estimator):
        """Append loss and score to the curves, and keep the weights if the score, or at equal scores the loss, is best.

        Parameters
        ----------
        progress : Progress
            The training so far.
        estimator : estimator
            The estimator being trained; it is not changed.
        """
        loss, score = self._loss(progress.network), -np.inf
        if np.isfinite(loss):  # otherwise training is about to end as diverged, with nothing to score
            score = -loss if self.scorer is None else self._score(_fitted_so_far(estimator, progress))
        loss = loss if np.isfinite(loss) else LARGEST
        epochs = zip(progress.validation_scores, progress.validation_losses, strict=True)
        if all((score, -loss) > (before, -f) for before, f in epochs):
            progress.best_params = progress.network.folded()
        progress.validation_losses.append(loss)
        progress.validation_scores.append(score)

    def _loss(self, network):
        weight = np.ones(self.X.shape[0]) if self.sample_weight is None else self.sample_weight
        return mean_loss(network, Samples(self.X, self.targets), weight)

    def _score(self, estimator):
        weight = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        with np.errstate(over="ignore", invalid="ignore"):  # the network may be diverging
            score = self.scorer(estimator, self.X, self.y, **weight)
        try:
            score = float(score)
        except (TypeError, ValueError):
            raise TypeError(f"scoring must return a number; got {score!r}") from None
        if np.isnan(score):
            raise ValueError(
                f"The validation set is too small: the score of its {self.X.shape[0]} samples is not a number. "
                "Increase validation_fraction, use more samples, or choose another scoring"
            )
        return score


def _fitted_so_far(estimator, progress):
    """A copy of the estimator as if training ended here, for samples that have already been validated."""
    view = object.__new__(type(estimator))
    vars(view).update(vars(estimator))
    vars(view).pop("feature_names_in_", None)
    vars(view).update(progress.fitted_attributes())
    return view


@dataclass
class Split:
    """Holds out a part of the training samples.

    Equal rows stay together, so the model does not depend on whether a row is repeated or given a weight.

    Parameters
    ----------
    fraction : float
        The fraction of the distinct rows to hold out.
    classes : ndarray of shape (n_samples,) or None
        Classes to stratify by, if every class has at least two distinct rows.
    rng : numpy.random.Generator
        The random stream.
    """

    fraction: float
    classes: np.ndarray | None
    rng: np.random.Generator

    def __call__(self, X, targets, order):
        """Split the rows into those to train on and those to hold out, both in canonical order.

        Parameters
        ----------
        X, targets : ndarrays
            As in `Samples`.
        order : ndarray of int64
            The canonical order.

        Returns
        -------
        training, held_out : ndarray of int64
            Rows.
        """
        first = np.flatnonzero(distinct(X, targets, order))
        groups = np.arange(len(first))
        if len(groups) < 2:
            raise ValueError(
                "early_stopping needs at least two distinct samples, one of them for validation; got 1 sample"
            )
        # at least two, if that leaves two or more, because R² is undefined for one
        size = int(np.clip(np.ceil(self.fraction * len(groups)), min(2, len(groups) // 2), len(groups) - 1))
        strata = None
        if self.classes is not None:
            strata = self.classes[order[first]]
            classes, count = np.unique(strata, return_counts=True)
            if count.min() < 2 or not len(classes) <= size <= len(groups) - len(classes):
                strata = None
        seed = int(self.rng.integers(2**32))
        _, held_out = train_test_split(groups, test_size=size, stratify=strata, random_state=seed)
        is_held_out = np.zeros(len(groups), dtype=bool)
        is_held_out[held_out] = True
        is_held_out = np.repeat(is_held_out, np.diff(first, append=len(order)))
        return order[~is_held_out], order[is_held_out]
