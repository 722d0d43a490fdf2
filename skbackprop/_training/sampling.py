"""The draws i_t: which sample each step of the algorithm takes.

Draws are positions in a canonical order of the rows, which depends on the values of the rows and not on their places.
With the same random stream, shuffled rows therefore give the same sequence of samples, and a row of weight 3 gives the
same sequence as three equal rows, and so bit for bit the same model.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import issparse

from .._kernel import add_csr, add_dense

__all__ = ["Draws", "Plan", "Samples", "canonical_order", "distinct", "plan", "relative", "repetitions"]

#: Whole-number weights are repetitions only if they make an epoch at most this many times as long as the rows.
MAX_REPETITION = 100
#: Number of rows compared with their neighbours at a time.
COMPARED_ROWS = 2**16
#: One call of the kernel hashes about this many values.
HASHED_VALUES = 2**24
#: Rows of equal hashes are compared in parts of about this many values.
COMPARED_VALUES = 2**20


@dataclass
class Samples:
    """The training samples in the form that the kernel takes.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        C-contiguous; never copied.
    targets : ndarray
        Either of shape (n_samples, M_L) and X's type, or int32 of shape (n_samples,): the index of the output that
        should be 1.
    weights : ndarray of shape (n_samples,), default=None
        Each sample's loss f_i is multiplied by its weight.
    """

    X: object
    targets: np.ndarray
    weights: np.ndarray | None = None

    def __post_init__(self):
        if issparse(self.X):
            self.longest_row = int(np.diff(self.X.indptr).max(initial=0))

    def __len__(self):
        return self.X.shape[0]

    @property
    def values_per_row(self):
        """Mean number of values per row that a step has to look at."""
        return self.X.nnz / len(self) if issparse(self.X) else self.X.shape[1]


@dataclass
class Plan:
    """What a training run works on.

    Parameters
    ----------
    samples : Samples
        The samples.
    draws : Draws
        How they are drawn.
    order, repeats, importance : ndarray or None
        The rows in canonical order; how often each row of X counts, and with what weight.
    held_out : ndarray of int64 or None
        The rows held out.
    """

    samples: Samples
    draws: "Draws"
    order: np.ndarray
    repeats: np.ndarray | None
    importance: np.ndarray | None
    held_out: np.ndarray | None

    @property
    def counts_for_nothing(self):
        """Whether the weight of every sample is 0."""
        return self.importance is not None and not self.importance.any()

    def distinct(self):
        """The distinct rows in canonical order, and the weight of each row of X: 0 if an equal row stands for it.

        Sums over them give the same bits however rows are repeated or weighted.
        """
        return _each_row_once(self.samples.X, self.samples.targets, self.order, self.repeats, self.importance)

    def distinct_targets(self):
        """The targets of the distinct rows, and their weights."""
        X, targets, order = self.samples.X, self.samples.targets, self.order
        if self.repeats is None and self.importance is None and distinct(X, targets, order).all():
            return targets[order], np.broadcast_to(1.0, len(order))  # to save memory
        rows, weights = self.distinct()
        return targets[rows], weights[rows]

    def part(self, rows):
        """The plan for some of the rows, given in canonical order; the samples are the same."""
        importance = None if self.draws.mass is None else self.importance
        draws = Draws(rows, self.draws.sampling, self.repeats, importance)
        return replace(self, order=rows, draws=draws, held_out=None)


def plan(
    X,
    targets,
    sample_weight=None,
    class_importance=None,
    *,
    sampling="uniform",
    lbfgs=False,
    partial=False,
    hold_out=None,
):
    """Turn weights into samples and draws.

    A sample's weight w is its `sample_weight` times its class weight. Its effect depends on the method and sampling:

    ==================== ============================== ================================ =============== ============
    weights              fit, "uniform"                 fit, "shuffle"                   partial_fit     lbfgs
    ==================== ============================== ================================ =============== ============
    whole sample_weight  w places among the draws       w turns per epoch                as in fit       w f_i
    all others           drawn in proportion to w       one turn per epoch, w f_i        as "shuffle"    w f_i
    ==================== ============================== ================================ =============== ============

    Whole-number weights are repetitions, as long as an epoch is at most `MAX_REPETITION` times as long as the rows: w
    equal rows give the same bits. All others are relative importance. `fit` divides them by their mean, so a common
    factor changes nothing. `partial_fit` only sees part of the data, so it cannot know their mean: there they multiply
    f_i as they are, even with "uniform". Class weights are never repetitions. L-BFGS draws nothing: each distinct row
    counts once, with its weight.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples, of positive weight.
    targets : ndarray of shape (n_samples,) or (n_samples, M_L)
        As in `Samples`.
    sample_weight : ndarray of shape (n_samples,), default=None
        Positive weights.
    class_importance : ndarray of shape (n_samples,), default=None
        The weight of each sample's class.
    sampling : {"uniform", "shuffle"}, default="uniform"
        How samples are drawn.
    lbfgs : bool, default=False
        Whether all rows count in every step.
    partial : bool, default=False
        Whether the rows are only part of the data.
    hold_out : callable, default=None
        Splits the rows, as `heldout.Split` does.

    Returns
    -------
    Plan
    """
    repeats = None if sample_weight is None else repetitions(sample_weight)
    importance = sample_weight if repeats is None else None
    if class_importance is not None:
        importance = class_importance if importance is None else importance * class_importance
    if importance is not None and not partial:
        importance = relative(importance, repeats)
    order, held_out = canonical_order(X, targets, importance), None
    if hold_out is not None:
        order, held_out = hold_out(X, targets, order)
    if lbfgs:
        distinct_rows, weights = _each_row_once(X, targets, order, repeats, importance)
        samples, draws = Samples(X, targets, weights), Draws(distinct_rows, "shuffle")
    elif sampling == "uniform" and not partial:
        samples, draws = Samples(X, targets), Draws(order, "uniform", repeats, importance)
    else:
        samples, draws = Samples(X, targets, importance), Draws(order, sampling, repeats)
    return Plan(samples, draws, order, repeats, importance, held_out)


def _each_row_once(X, targets, order, repeats, importance):
    """The distinct rows in canonical order, and for each row of X the weight of all rows equal to it (or 0)."""
    new = distinct(X, targets, order)
    if importance is not None:  # equal rows of different importance stay apart, as they have no common factor
        new[1:] |= np.diff(importance[order]) != 0
    first = np.flatnonzero(new)
    weights = np.zeros(X.shape[0])
    weights[order[first]] = np.add.reduceat(np.ones(len(order)) if repeats is None else repeats[order], first)
    return order[first], weights if importance is None else weights * importance


def repetitions(sample_weight):
    """Whole-number weights as integers; None if the weights are not whole, or too large to mean repetition."""
    whole = (sample_weight == np.floor(sample_weight)).all()
    if whole and sample_weight.sum() <= MAX_REPETITION * len(sample_weight):
        return sample_weight.astype(np.int64)
    return None


def relative(importance, repeats):
    """Importance divided by its mean over all repetitions; None if all are equal.

    The sum is taken over distinct values times their counts, so repeated rows and whole-number weights give the same
    bits, in any order of the rows.
    """
    if repeats is None:
        value, count = np.unique(importance, return_counts=True)
    else:
        order = np.argsort(importance)
        value, first = np.unique(importance[order], return_index=True)
        count = np.add.reduceat(repeats[order], first)
    mean = value @ count / count.sum()
    return None if np.ptp(value / mean) <= 4 * np.finfo(float).eps else importance / mean


def canonical_order(X, targets, importance=None):
    """The rows sorted by a hash of their values, with ties broken by the values themselves.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Dense and CSR rows with the same values get the same place.
    targets : ndarray of shape (n_samples,) or (n_samples, M_L)
        Targets, as in `Samples`.
    importance : ndarray of shape (n_samples,), default=None
        Breaks ties between rows that are otherwise equal. It is not part of the hash, because multiplying it by a
        common factor, with rounding, must not change the order.

    Returns
    -------
    ndarray of int64 of shape (n_samples,)
        ``order[k]`` is the row in place k.
    """
    hashes = _row_hashes(X, targets)
    order = np.argsort(hashes) if importance is None else np.lexsort((importance, hashes))

    # Equal hashes almost always mean equal rows, whose order does not matter. A true collision is sorted by value.
    if not any(differ.any() for _, differ in _ties(X, targets, order, hashes)):
        return order
    hashes.sort()
    runs = np.split(order, np.flatnonzero(np.diff(hashes)) + 1)
    for run in runs:
        if len(run) > 1:
            keys = _values(X, targets, run).T[::-1]
            run[:] = run[np.lexsort(keys if importance is None else [importance[run], *keys])]
    return np.concatenate(runs)


def distinct(X, targets, order):
    """Whether each row, in canonical order, differs from the one before: bool of shape (n_samples,)."""
    hashes = _row_hashes(X, targets)
    new = np.ones(len(order), dtype=bool)
    for k in range(1, len(order), COMPARED_ROWS):  # in parts, to save memory
        part = order[k - 1 : k + COMPARED_ROWS]
        new[k : k + COMPARED_ROWS] = np.diff(hashes[part]) != 0
    for places, differ in _ties(X, targets, order, hashes):
        new[places + 1] = differ
    return new


def _row_hashes(X, targets):
    hashes = np.zeros(X.shape[0], dtype=np.uint64)
    values_per_row = X.nnz / X.shape[0] if issparse(X) else X.shape[1]
    rows = max(1, int(HASHED_VALUES / max(1, values_per_row)))
    for k in range(0, len(hashes), rows):  # short calls of the kernel, for the sake of Ctrl-C
        part = slice(k, k + rows)
        if issparse(X):
            add_csr(hashes[part], X.data, X.indices, X.indptr[k : k + rows + 1])
        else:
            add_dense(hashes[part], X[part])
        columns = targets[part].reshape(len(hashes[part]), -1)
        dtype = columns.dtype if columns.dtype.kind == "f" else np.float64
        add_dense(hashes[part], np.ascontiguousarray(columns, dtype=dtype), X.shape[1])
    return hashes


def _values(X, targets, rows):
    """The features and targets of some rows, side by side."""
    targets = targets[rows].reshape(len(rows), -1)
    return np.hstack([X[rows].toarray() if issparse(X) else X[rows], targets])


def _ties(X, targets, order, hashes):
    """Yield, in parts, the places whose row has the same hash as the next, and whether the two rows differ."""
    step = max(1, COMPARED_VALUES // (X.shape[1] + targets[:1].size))
    for k in range(0, len(order), step):
        part = order[k : k + step + 1]
        here = np.flatnonzero(np.diff(hashes[part]) == 0)
        if len(here):
            yield k + here, (_values(X, targets, part[here]) != _values(X, targets, part[here + 1])).any(axis=1)


class Draws:
    """Epochs of draws from the rows.

    Parameters
    ----------
    order : ndarray of int64
        The rows to draw from, in canonical order.
    sampling : {"uniform", "shuffle"}
        Uniform with replacement (the lecture), or each row once per epoch in random order.
    repeats : ndarray of int64, default=None
        How many equal rows each row stands for.
    importance : ndarray of float, default=None
        Rows are drawn in proportion to it (times `repeats`). Only with ``sampling="uniform"``.

    Attributes
    ----------
    n_places : int
        Number of rows, including repetitions.
    epoch_length : int
        Number of draws in an epoch: `n_places`, or fewer if the epochs have been `shortened`.
    """

    def __init__(self, order, sampling="uniform", repeats=None, importance=None):
        self.sampling = sampling
        self.mass = None
        if importance is not None:
            order = order[np.argsort(importance[order], kind="stable")]
        self.order = order
        self.ends = None if repeats is None else np.cumsum(repeats[order])
        self.n_places = self.epoch_length = len(order) if repeats is None else int(self.ends[-1])
        if importance is not None:
            self.mass = self._cumulative_mass(importance[order])

    def _cumulative_mass(self, importance):
        """The cumulative distribution over the rows, which are sorted into blocks of equal importance.

        Within a block it is the importance times a count, not a running sum, so that one row standing for three gives
        exactly the same numbers as three rows. Computed in place, since there may be ten million rows.
        """
        begins = np.append(True, importance[1:] != importance[:-1])
        mass = np.arange(1.0, len(importance) + 1) if self.ends is None else self.ends.astype(float)
        below = np.zeros(len(importance))  # first the counts below each block, later the mass
        below[1:][begins[1:]] = mass[:-1][begins[1:]]
        mass -= np.maximum.accumulate(below, out=below)
        mass *= importance
        blocks = mass[np.append(begins[1:], True)]
        np.cumsum(blocks, out=blocks)
        below[:] = 0
        below[1:][begins[1:]] = blocks[:-1]
        mass += np.maximum.accumulate(below, out=below)
        return mass

    def shortened(self, epoch_length):
        """The same draws in shorter epochs, of at most `n_places` draws."""
        other = copy.copy(self)
        other.epoch_length = epoch_length
        return other

    def frequency(self, n_samples):
        """How often each row is expected to be drawn in an epoch: shape (n_samples,)."""
        share = np.ones(len(self.order)) if self.ends is None else np.diff(self.ends, prepend=0).astype(float)
        if self.mass is not None:
            share = np.diff(self.mass, prepend=0.0) * (self.n_places / self.mass[-1])
        frequency = np.zeros(n_samples)
        frequency[self.order] = share * (self.epoch_length / self.n_places)
        return frequency

    def epoch(self, rng, chunk):
        """The rows drawn in one epoch, in arrays of at most `chunk` draws.

        Parameters
        ----------
        rng : numpy.random.Generator
            The random stream. The draws do not depend on how they are cut into chunks.
        chunk : int
            The maximum length of an array.

        Yields
        ------
        ndarray of int64
        """
        n = self.epoch_length
        permutation = rng.permutation(self.n_places) if self.sampling == "shuffle" else None
        for k in range(0, n, chunk):
            size = min(chunk, n - k)
            if self.mass is not None:
                place = np.searchsorted(self.mass, rng.random(size) * self.mass[-1], side="right")
                # random() < 1, but its product with the sum may round up to the sum
                yield self.order[np.minimum(place, len(self.order) - 1)]
                continue
            place = permutation[k : k + size] if permutation is not None else rng.integers(self.n_places, size=size)
            yield self.order[place if self.ends is None else np.searchsorted(self.ends, place, side="right")]
