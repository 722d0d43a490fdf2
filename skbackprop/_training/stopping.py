"""When a training ends, besides at `max_iter`."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Stop"]


@dataclass
class Stop:
    """The stopping rule.

    Parameters
    ----------
    tol : float
        The least improvement that counts.
    n_iter_no_change : int or inf
        The number of epochs within which it is to come.
    """

    tol: float = 0.0
    n_iter_no_change: float = np.inf

    def stalled(self, progress):
        """Whether the loss, or with `early_stopping` the validation score, has stopped getting better.

        The loss has if the mean of the last k losses is not lower by tol than the mean of the k before them; the score
        has if none of the last k is higher by tol than the best before them.
        """
        k = self.n_iter_no_change
        if k == np.inf:
            return False
        if progress.by_score:
            scores = progress.scores_in_window()
            return len(scores) > k and max(scores[-k:]) < max(scores[:-k]) + self.tol
        losses = progress.in_window(2 * k)
        return len(losses) == 2 * k and sum(losses[-k:]) / k > sum(losses[:k]) / k - self.tol
