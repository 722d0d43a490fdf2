"""When training ends before `max_iter`: a rule that allows for the noise of the loss. docs/stopping.md compares it.

A curve is a list of numbers, one per epoch, that should fall: losses, or scores with their sign reversed.
"""

from dataclasses import dataclass
from math import ceil, dist, inf, sqrt

__all__ = ["SHARE", "Stop", "decrease"]

#: A window is at least one in this many of the epochs so far, because training slows down.
SHARE = 4
#: The number of standard errors allowed for.
ERRORS = 2.0
#: n_iter_no_change="auto" is this many epochs, ...
EPOCHS = 10
#: ... and at least this many draws, since an epoch of few samples teaches little. They take about ten milliseconds.
DRAWS = 10_000


@dataclass
class Stop:
    """The stopping rule.

    It compares the mean of the last w epochs with that of the w epochs before, where w is a quarter of the epochs so
    far, or `n_iter_no_change` if that is more. Training ends when the decrease plus two standard errors is at most
    `tol` times the loss of the best constant prediction.

    Parameters
    ----------
    tol : float
        The smallest decrease that counts, relative to the loss of the best constant prediction; absolute for scores.
    n_iter_no_change : int, inf or "auto"
        Number of epochs in the shortest window. "auto" is 10, or as many as 10,000 draws take if that is more; `inf`
        never stops.
    epoch_length : int or inf
        Number of draws in an epoch; `inf` if every step uses all samples, as with L-BFGS.
    """

    tol: float
    n_iter_no_change: float | str = "auto"
    epoch_length: float = inf

    @property
    def shortest(self):
        """Number of epochs in the shortest window."""
        if self.n_iter_no_change == "auto":
            return max(EPOCHS, ceil(DRAWS / self.epoch_length))
        return self.n_iter_no_change

    def window(self, n_epochs):
        """Epochs of each of the two windows that are compared after so many epochs."""
        return max(self.shortest, -(-n_epochs // SHARE))

    def is_due(self, n_epochs):
        """Whether to check the rule after this many epochs: two shortest windows, then a quarter more each time.

        A rule that is checked after every epoch is sooner or later deceived by the noise. Besides, looking back takes
        time in proportion to the number of epochs; checking rarely spreads this cost.
        """
        due = 2 * self.shortest
        while due < n_epochs:
            due += -(-due // SHARE)
        return n_epochs == due

    def has_stalled(self, progress):
        """Whether the rule is checked after this epoch and ends the training."""
        return self.is_due(progress.n_in_window) and self.is_flat(progress)

    def is_flat(self, progress):
        """Whether the loss, or with `early_stopping` the score on held-out samples, no longer improves."""
        n_epochs = progress.n_in_window
        if n_epochs < 2 * self.shortest:
            return False
        w = self.window(n_epochs)
        if progress.by_score:
            curve, least = [-score for score in progress.validation_scores[-2 * w :]], self.tol
        else:
            # if all targets are equal, the first loss is the only scale there is
            curve, least = progress.last_losses(2 * w), self.tol * (progress.constant_loss or progress.start_loss)
        difference, error = decrease(curve)
        return difference + ERRORS * error <= least


def decrease(curve):
    """By how much the mean of a curve's second half is below that of its first, and the standard error of this.

    The noise of one entry is estimated from the differences of neighbours, σ² = Σ (f_t − f_(t−1))² / (2 (2w − 1)),
    which a slow trend hardly affects (von Neumann 1941). The difference of two means of w entries has the standard
    error √(2 σ² / w).

    Parameters
    ----------
    curve : list of float
        2w entries.

    Returns
    -------
    difference, error : float
    """
    w = len(curve) // 2
    return (sum(curve[:w]) - sum(curve[w:])) / w, dist(curve[1:], curve[:-1]) / sqrt((2 * w - 1) * w)
