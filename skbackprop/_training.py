"""Training: one epoch after another, until the loss stops falling or `max_iter` is reached.

The kernel does the steps; this module decides how many, in calls short enough to be interrupted, watches the loss, and
sees to it that what comes out is finite.
"""

import copy
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

import numpy as np

from ._backprop import steps
from ._sampling import Samples

__all__ = ["Outcome", "train"]

#: One call of the kernel touches about so many weights (some tens of milliseconds), and takes at most so many draws.
CHUNK_WEIGHTS = 2**27
CHUNK_DRAWS = 2**16
#: An epoch has diverged when its loss is so many times that of the start weights.
DIVERGED = 100
#: The start weights' loss is first estimated from so many draws.
START_DRAWS = 100
#: Looking at all weights, to check or to copy them, may touch one for every so many that the steps have touched; up to
#: so many weights are looked at after every epoch all the same.
STEPS_PER_LOOK = 16
FREE_LOOK = 2**16
LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Outcome:
    """What came of a training.

    Attributes
    ----------
    losses : list of float
        For each epoch the mean f_i of its draws, each at the weights of its own step.
    start_loss : float
        The loss of the start weights, on the first draws.
    tau : float
        The step size of the last epoch.
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
    tau: float = np.nan
    n_steps: int = 0
    converged: bool = False
    diverged: bool = False
    interrupted: BaseException | None = None


class _Trainer:
    """Runs epochs of steps on one network, samples and draws."""

    def __init__(self, network, samples, draws, alpha):
        self.network, self.samples, self.draws, self.alpha = network, samples, draws, alpha
        M = [int(m) for m in network.M[1:]]
        touched = samples.values_per_row * M[0] + sum(m * n for m, n in pairwise(M)) + sum(M)
        self.chunk = int(np.clip(CHUNK_WEIGHTS / touched, 1, CHUNK_DRAWS))
        self.epochs_per_look = 1
        if network.n_params > FREE_LOOK:
            self.epochs_per_look = int(np.ceil(STEPS_PER_LOOK * network.n_params / (touched * draws.epoch_length)))

    def run(self, rng, tau, n_draws=None):
        """The steps of an epoch, or of its first `n_draws`, in chunks: yields (sum of f_i, number of steps)."""
        left = n_draws or self.draws.epoch_length
        for rows in self.draws.epoch(rng, min(self.chunk, left)):
            yield steps(self.network, self.samples, rows, tau, self.alpha), len(rows)
            left -= len(rows)
            if left <= 0:
                break

    def first_loss(self, rng):
        """The mean f_i of the first few draws, at the weights as they are."""
        sums = list(self.run(copy.deepcopy(rng), 0.0, min(START_DRAWS, self.draws.epoch_length)))
        return sum(f for f, _ in sums) / sum(n for _, n in sums)

    def expected_loss(self, params):
        """The mean f_i over all rows, as often as each is expected in an epoch, at other parameters."""
        other = copy.copy(self.network)
        other.params, other.scale = params.copy(), np.ones(1)
        frequency = self.draws.frequency()
        weights = frequency if self.samples.weights is None else frequency * self.samples.weights
        samples = Samples(self.samples.X, self.samples.targets, weights)
        rows = np.arange(len(samples))
        return (
            sum(steps(other, samples, rows[k : k + self.chunk], 0.0, 0.0) for k in range(0, len(rows), self.chunk))
            / frequency.sum()
        )


@dataclass
class _Checkpoint:
    """The parameters and the random stream after so many epochs, and the loss of the last of them."""

    params: np.ndarray
    scale: np.ndarray
    stream: dict
    epochs: int
    loss: float

    @classmethod
    def of(cls, network, rng, epochs, loss):
        return cls(network.params.copy(), network.scale.copy(), rng.bit_generator.state, epochs, loss)

    def restore(self, network):
        network.params[:], network.scale[:] = self.params, self.scale

    def rng(self):
        """A random stream of its own, as it was."""
        rng = np.random.Generator(np.random.PCG64())
        rng.bit_generator.state = self.stream
        return rng


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
    trainer = _Trainer(network, samples, draws, alpha)
    outcome = Outcome(start_loss=float(trainer.first_loss(rng)))
    losses = outcome.losses
    start = best = _Checkpoint.of(network, rng, 0, outcome.start_loss)

    def finite():
        with np.errstate(over="ignore", invalid="ignore"):
            return isfinite(network.params.sum(dtype=np.float64))

    def diverged():
        # The estimate from a few draws rules most epochs out; where it does not, all rows are measured.
        if not losses or not isfinite(losses[-1]):
            return bool(losses)
        tiny = np.finfo(network.params.dtype).eps
        return losses[-1] > DIVERGED * max(outcome.start_loss, tiny) and (
            losses[-1] > DIVERGED * max(trainer.expected_loss(start.params), tiny)
        )

    def go_back():
        """To the weights of the best epoch. Those since the last checkpoint were not kept: they are trained again."""
        best.restore(network)
        since = losses[best.epochs : -1]
        if since and min(since) < best.loss:
            stream = best.rng()
            for epoch in range(best.epochs, best.epochs + int(np.argmin(since)) + 1):
                for _ in trainer.run(stream, tau(epoch)):
                    pass
            if not finite():
                best.restore(network)

    try:
        for epoch in range(max_iter):
            outcome.tau, total, n = tau(epoch), 0.0, 0
            try:
                for f, k in trainer.run(rng, outcome.tau):
                    total, n = total + f, n + k
                    if not isfinite(total):
                        break
            finally:
                if n:
                    outcome.n_steps += n
                    losses.append(total / n)
            look = (epoch + 1) % trainer.epochs_per_look == 0
            if trainer.epochs_per_look == 1:
                network.fold_scale()  # as partial_fit does after each epoch: so both round alike
            if diverged() or (look and not finite()):
                break
            if look and losses[-1] < best.loss and epoch + 1 < max_iter:
                best = _Checkpoint.of(network, rng, epoch + 1, losses[-1])
            if report is not None:
                report(epoch, losses[-1])
            if _stopped_falling(losses, tol, n_iter_no_change):
                outcome.converged = True
                break
    except KeyboardInterrupt as interrupt:
        outcome.interrupted = interrupt
    if not finite() or diverged():
        outcome.diverged = True
        try:
            go_back()
        except KeyboardInterrupt as interrupt:
            outcome.interrupted = interrupt
            best.restore(network)
    network.fold_scale()
    # a loss that is no number is reported as the largest there is
    outcome.losses = [f if isfinite(f) else LARGEST for f in losses]
    outcome.start_loss = outcome.start_loss if isfinite(outcome.start_loss) else LARGEST
    return outcome


def _stopped_falling(losses, tol, k):
    """Whether the mean of the last k losses is not lower by tol than the mean of the k losses before them."""
    return len(losses) >= 2 * k and sum(losses[-k:]) / k > sum(losses[-2 * k : -k]) / k - tol
