"""Divergence: detecting it and going back to the best epoch."""

from math import ceil, isfinite

import numpy as np

__all__ = ["Guard"]

#: Training has diverged when a loss exceeds those of the initial weights and of the best constant this many times.
DIVERGED = 100
#: After an epoch, a few samples check the weights: one for every this many draws of the epoch.
DRAWS_PER_CHECK = 16


class Guard:
    """Checks after each epoch whether training has diverged, and remembers the best epoch.

    Parameters
    ----------
    progress : Progress
        The training, which is about to begin.
    epochs : Epochs
        What runs its epochs.
    few : ndarray of int64
        The draws that gave the loss of the initial weights; the first of them also check the weights after an epoch.
    """

    def __init__(self, progress, epochs, few):
        self.progress, self.epochs = progress, epochs
        self.few = few[: ceil(epochs.draws.epoch_length / DRAWS_PER_CHECK)]
        self.best, self.best_epoch, self.best_loss = progress.copy(), 0, progress.start_loss
        self.start = self.best.network
        self._enlarge_scale(progress.start_loss)

    def has_diverged(self):
        """Whether the epoch just done had too large a loss or left useless weights.

        Weights are useless if they are not finite, which is only checked in some epochs, or if the loss is too large on
        a few samples and then on all. The latter is only measured with batches: an epoch may then be a
        single batch, whose loss is taken before its step.
        """
        progress, epochs = self.progress, self.epochs
        return (
            self._too_large(progress.losses[-1])
            or (self._is_looked_at() and not progress.network.is_finite())
            or (
                progress.rule.batch_size > 1
                and self._too_large(epochs.loss_of(progress.network, self.few))
                and self._too_large(epochs.mean_loss(progress.network))
            )
        )

    def keep_best(self):
        """Remember the epoch just done if it is the best of those checked."""
        progress = self.progress
        if not self._is_looked_at() or progress.losses[-1] >= self.best_loss:
            return
        if self.best.network is self.start:
            self.best = progress.copy()
        else:
            self.best.return_to(progress)
        self.best_epoch, self.best_loss = len(progress.losses), progress.losses[-1]

    def go_back(self):
        """After a divergence, return to the weights of the best epoch.

        The weights of epochs that were not checked have not been kept. If one of these is the best, the epochs up to it
        are trained again with the same draws.
        """
        progress, best = self.progress, self.best
        since = progress.losses[self.best_epoch : -1]
        if since and min(since) < self.best_loss:
            again, end = best.copy(), self.best_epoch + int(np.argmin(since)) + 1
            for tau in progress.taus[self.best_epoch : end]:
                for _ in self.epochs.run(again, tau):
                    pass
            if again.network.is_finite():
                best = again
        progress.return_to(best)

    def _is_looked_at(self):
        return len(self.progress.losses) % self.epochs.epochs_per_look == 0

    def _too_large(self, loss):
        """Whether a loss means divergence. Most losses are ruled out by that of the initial weights, already known."""
        progress = self.progress
        if not isfinite(loss):
            return True
        if loss > DIVERGED * progress.loss_scale:
            self._enlarge_scale(self.epochs.mean_loss(self.start))
            self.epochs.measure_constant(progress)
            self._enlarge_scale(progress.constant_loss)
        return loss > DIVERGED * progress.loss_scale > 0  # if all targets are equal, no finite loss is too large

    def _enlarge_scale(self, loss):
        if isfinite(loss):
            self.progress.loss_scale = max(self.progress.loss_scale, loss)
