"""When a training ends before `max_iter`: the rule that allows for the noise of the loss. docs/stopping.md compares it.

A curve is a list of one number an epoch that should fall: losses, or scores with the sign changed.
"""

from dataclasses import dataclass
from math import ceil, dist, inf, sqrt

__all__ = ["SHARE", "Stop", "decrease"]

#: A window is at least one in so many of the epochs so far, because training slows down.
SHARE = 4
#: So many standard errors are allowed for.
ERRORS = 2.0
#: n_iter_no_change="auto" is so many epochs, ...
EPOCHS = 10
#: ... and so many draws, because an epoch of few samples teaches little: they take about ten milliseconds.
DRAWS = 10_000


@dataclass
class Stop:
    """The stopping rule.

    It compares the mean of the last w epochs with that of the w epochs before them, where w is a quarter of the epochs
    so far, or `n_iter_no_change` if that is more. Training ends when the mean, even if it has fallen by two standard
    errors more than measured, has not fallen by `tol` times the loss of the best constant prediction.

    Parameters
    ----------
    tol : float
        The least decrease that counts, relative to the loss of the best constant prediction. Scores count as they are.
    n_iter_no_change : int, inf or "auto"
        Epochs of the shortest window; "auto" is 10, and at least as many as 10,000 draws take. `inf` never stops.
    epoch_length : int or inf
        Draws in an epoch; `inf` where all samples count, as with L-BFGS.
    """

    tol: float
    n_iter_no_change: float | str = "auto"
    epoch_length: float = inf

    @property
    def shortest(self):
        """Epochs of the shortest window."""
        if self.n_iter_no_change == "auto":
            return max(EPOCHS, ceil(DRAWS / self.epoch_length))
        return self.n_iter_no_change

    def window(self, n_epochs):
        """Epochs of each of the two windows that are compared after so many epochs."""
        return max(self.shortest, -(-n_epochs // SHARE))

    def is_due(self, n_epochs):
        """Whether the rule is asked after so many epochs: two shortest windows, then each time a quarter more.

        Who asks after every epoch is sooner or later deceived by the noise; and looking back costs as much as training
        is long, which so is spread over all of its epochs.
        """
        due = 2 * self.shortest
        while due < n_epochs:
            due += -(-due // SHARE)
        return n_epochs == due

    def has_stalled(self, progress):
        """Whether the rule is asked after this epoch, and ends the training."""
        return self.is_due(progress.n_in_window) and self.is_flat(progress)

    def is_flat(self, progress):
        """Whether the loss, or with `early_stopping` the score of the held-out samples, no longer gets better."""
        n_epochs = progress.n_in_window
        if n_epochs < 2 * self.shortest:
            return False
        w = self.window(n_epochs)
        if progress.by_score:
            curve, least = [-score for score in progress.validation_scores[-2 * w :]], self.tol
        else:
            # where all targets are the same, the first loss is the only scale there is
            curve, least = progress.last_losses(2 * w), self.tol * (progress.constant_loss or progress.start_loss)
        difference, error = decrease(curve)
        return difference + ERRORS * error <= least


def decrease(curve):
    """By how much the mean of the second half of a curve is below that of the first, and the standard error of this.

    The noise of one entry is taken from the steps between neighbours, σ² = Σ (f_t − f_(t−1))² / (2 (2w − 1)), which a
    slow trend hardly touches (von Neumann 1941); the difference of two means of w entries has the error √(2 σ² / w).

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
