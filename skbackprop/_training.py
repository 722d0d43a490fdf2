"""Training: one epoch after another, until the loss stops falling or `max_iter` is reached.

The kernel does the steps; this module decides how many, in calls short enough to be interrupted, watches the loss, and
sees to it that what comes out is finite.
"""

import copy
from dataclasses import dataclass, field

import numpy as np

from ._backprop import steps

__all__ = ["Outcome", "train"]

#: One call of the kernel touches about so many weights (some tens of milliseconds), and takes at most so many draws.
CHUNK_WEIGHTS = 2**27
CHUNK_DRAWS = 2**16
#: An epoch has diverged when its loss is so many times that of the start weights.
DIVERGED = 100
#: The start weights' loss is first estimated from so many draws.
START_DRAWS = 100
#: Looking at all weights, to check or to copy them, may touch one for every so many that the steps have touched.
STEPS_PER_LOOK = 16


@dataclass
class Outcome:
    """What came of a training.

    Attributes
    ----------
    losses : list of float
        For each epoch the mean f_i of its draws, each at the weights of its own step.
    start_loss : float
        The loss of the start weights, on the first draws.
    n_steps : int
        Steps taken.
    converged : bool
        The loss stopped falling before `max_iter`.
    diverged : bool
        The last epoch diverged; the weights are those of the best epoch before it.
    interrupted : KeyboardInterrupt or None
        Ctrl-C. The weights are what was learned so far; the last of `losses` may stem from a part of an epoch.
    """

    losses: list = field(default_factory=list)
    start_loss: float = np.nan
    n_steps: int = 0
    converged: bool = False
    diverged: bool = False
    interrupted: BaseException | None = None


class _Trainer:
    """Runs epochs of steps on one network, samples and draws."""

    def __init__(self, network, samples, draws, alpha):
        self.network, self.samples, self.draws, self.alpha = network, samples, draws, alpha
        M = [int(m) for m in network.M]
        touched = samples.values_per_row * M[1] + sum(m * n for m, n in zip(M[1:], M[2:], strict=False)) + sum(M[1:])
        self.chunk = int(np.clip(CHUNK_WEIGHTS / touched, 1, CHUNK_DRAWS))
        self.epochs_per_look = int(np.ceil(STEPS_PER_LOOK * network.n_params / (touched * draws.epoch_length)))

    def run(self, rng, tau, n_draws=None):
        """The steps of an epoch (or of its first `n_draws`), a chunk at a time: yields (sum of f_i, number of steps)."""
        left = n_draws or self.draws.epoch_length
        for rows in self.draws.epoch(rng, min(self.chunk, left)):
            yield steps(self.network, self.samples, rows, tau, self.alpha), len(rows)
            left -= len(rows)
            if left <= 0:
                break

    def loss_of(self, params, rng, n_draws=None):
        """The mean f_i of other parameters, on an epoch of draws (or on its first `n_draws`)."""
        own, scale = self.network.params.copy(), self.network.scale.copy()
        self.network.params[:], self.network.scale[:] = params, 1
        try:
            total, n = np.sum(list(self.run(copy.deepcopy(rng), 0.0, n_draws)), axis=0)
        finally:
            self.network.params[:], self.network.scale[:] = own, scale
        return total / n


@dataclass
class _Checkpoint:
    """The parameters and the random stream after so many epochs, and the loss of the last of them."""

    params: np.ndarray
    rng: np.random.Generator
    epochs: int
    loss: float


def train(network, samples, draws, rng, *, tau, alpha, max_iter, tol=0.0, n_iter_no_change=np.inf, report=None):
    """Train the network in place. Its parameters are finite when this returns, whatever happens.

    Parameters
    ----------
    network : Network
        Starts from the parameters it has.
    samples : Samples
        X, targets and loss weights.
    draws : Draws
        What an epoch is.
    rng : numpy.random.Generator
        The random stream; it goes on.
    tau : callable
        The step size in epoch 0, 1, ... of this training.
    alpha : float
        L2 penalty.
    max_iter : int
        The most epochs.
    tol, n_iter_no_change : float, int or inf
        Stop when the mean of the last `n_iter_no_change` losses is not lower by `tol` than that of as many before.
    report : callable, default=None
        Called with (epoch, loss) after each epoch.

    Returns
    -------
    Outcome
    """
    trainer, outcome = _Trainer(network, samples, draws, alpha), Outcome()
    start = best = _Checkpoint(network.params.copy(), copy.deepcopy(rng), 0, np.inf)
    losses = outcome.losses

    def finite():
        network.fold_scale()
        return bool(np.isfinite(network.params.sum(dtype=np.float64)))

    def diverged(loss):
        # The estimate from a few draws rules most epochs out; only where it does not are the start weights measured on
        # a whole epoch of draws.
        if not np.isfinite(loss):
            return True
        limit = DIVERGED * max(outcome.start_loss, np.finfo(network.params.dtype).eps)
        return loss > limit and loss > DIVERGED * trainer.loss_of(start.params, start.rng)

    def go_back():
        """To the weights of the best epoch. Those since the last checkpoint were not kept: they are trained again."""
        outcome.diverged = True
        network.params[:], network.scale[:] = best.params, 1
        since = losses[best.epochs : -1]
        if since and min(since) < best.loss:
            for epoch in range(best.epochs, best.epochs + int(np.argmin(since)) + 1):
                list(trainer.run(best.rng, tau(epoch)))
            if not finite():
                network.params[:], network.scale[:] = best.params, 1

    try:
        outcome.start_loss = best.loss = trainer.loss_of(start.params, rng, min(START_DRAWS, draws.epoch_length))
        for epoch in range(max_iter):
            total, n = 0.0, 0
            try:
                for f, k in trainer.run(rng, tau(epoch)):
                    total, n = total + f, n + k
                    if not np.isfinite(total):
                        break
            finally:
                if n:
                    outcome.n_steps += n
                    losses.append(total / n)
            look = (epoch + 1) % trainer.epochs_per_look == 0
            if diverged(losses[-1]) or (look and not finite()):
                break
            if look and losses[-1] < best.loss and epoch + 1 < max_iter:
                best = _Checkpoint(network.params.copy(), copy.deepcopy(rng), epoch + 1, losses[-1])
            if report is not None:
                report(epoch, losses[-1])
            if _stopped_falling(losses, tol, n_iter_no_change):
                outcome.converged = True
                break
    except KeyboardInterrupt as interrupt:
        outcome.interrupted = interrupt
    if not finite() or (losses and diverged(losses[-1])):
        go_back()
    largest = np.finfo(np.float64).max
    outcome.losses = [float(np.nan_to_num(f, nan=largest, posinf=largest)) for f in losses]
    return outcome


def _stopped_falling(losses, tol, k):
    """Whether the mean of the last k losses is not lower by tol than the mean of the k losses before them."""
    return len(losses) >= 2 * k and np.mean(losses[-k:]) > np.mean(losses[-2 * k : -k]) - tol
