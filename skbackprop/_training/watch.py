"""What happens after each epoch besides training."""

from dataclasses import dataclass

from .heldout import HeldOut
from .progress import Progress

__all__ = ["Watch"]


@dataclass
class Watch:
    """Watches a training run after each epoch. It changes nothing, but a callback may end the training.

    Parameters
    ----------
    progress : Progress
        The training.
    estimator : estimator
        The estimator being trained; its `verbose` says whether to print a line.
    held_out : HeldOut or None
        Samples to measure.
    epoch_done : callable or None
        Notifies the callbacks; see `callback_tasks`.
    """

    progress: Progress
    estimator: object
    held_out: HeldOut | None
    epoch_done: object

    def __call__(self):
        """Return whether a callback has asked for the training to end."""
        self.measure()
        if self.estimator.verbose:
            print(self._line())
        return self.epoch_done is not None and self.epoch_done(self.progress.snapshot)

    def measure(self):
        """Measure the held-out samples, unless already done since the last epoch."""
        progress = self.progress
        if self.held_out is not None and len(progress.validation_losses) < len(progress.losses):
            self.held_out.measure(progress, self.estimator)

    def _line(self):
        progress = self.progress
        line = f"Iteration {len(progress.losses)}, loss = {progress.losses[-1]:.8f}"
        if progress.validation_scores:
            line += f", validation score = {progress.validation_scores[-1]:.6f}"
        if progress.taus:
            line += f", tau = {progress.taus[-1]:.3g}"
        return f"{line}, {progress.samples_per_second:,.0f} samples/s"
