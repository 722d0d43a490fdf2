"""Training: one epoch after another, until the loss stops falling or `max_iter` is reached.

The kernel does the steps; this module decides how many, in calls short enough to be interrupted, watches the loss and
the held-out samples, and sees to it that what comes out is finite.
"""

import copy
import time
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

import numpy as np
from scipy.optimize import minimize

from .._kernel import gradient, steps
from .sampling import Samples

__all__ = ["Outcome", "Stop", "train", "train_by_lbfgs"]

#: One call of the kernel touches about so many weights (some tens of milliseconds), and takes at most so many draws,
#: with at most so many numbers for dropout.
CHUNK_WEIGHTS = 2**27
CHUNK_DRAWS = 2**16
CHUNK_NOISE = 2**24
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
    """What came of a training, or has come of it so far.

    Attributes
    ----------
    losses : list of float
        For each epoch the mean f_i of its draws, each at the weights of its own step.
    validation_losses, validation_scores : list of float
        For each epoch those of the held-out samples; empty where there are none.
    start_loss : float
        The loss of the start weights, on the first draws.
    taus : list of float
        The step size of each epoch.
    n_steps : int
        Steps taken.
    samples_per_second : float
        Draws in the last epoch, over the time that they took.
    converged : bool
        The loss, or the validation score, stopped getting better before `max_iter`; or a callback ended the training.
    diverged : bool
        The last epoch diverged; the weights are those of the best epoch before it.
    interrupted : KeyboardInterrupt or None
        Ctrl-C. The weights are what was learned so far; the last of `losses` may stem from a part of an epoch.
    best_params : ndarray or None
        The parameters of the best validation score.
    """

    losses: list = field(default_factory=list)
    validation_losses: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)
    start_loss: float = np.nan
    taus: list = field(default_factory=list)
    n_steps: int = 0
    samples_per_second: float = np.nan
    converged: bool = False
    diverged: bool = False
    interrupted: BaseException | None = None
    best_params: np.ndarray | None = None

    def keep_best(self, network):
        """Copy the parameters if the last validation score is the best so far."""
        scores = self.validation_scores
        if scores and scores[-1] > max(scores[:-1], default=-np.inf):
            self.best_params = network.folded()


@dataclass
class Stop:
    """When a training ends, besides at `max_iter`.

    Parameters
    ----------
    tol : float
        The least improvement that counts.
    n_iter_no_change : int or inf
        The number of epochs within which it is to come.
    early : bool, default=False
        Look at the validation scores, not at the losses.
    """

    tol: float = 0.0
    n_iter_no_change: float = np.inf
    early: bool = False

    def stalled(self, losses, scores):
        """Whether loss or score has stopped getting better.

        The loss has if the mean of the last k losses is not lower by tol than the mean of the k before them; the score
        has if none of the last k is higher by tol than the best before them.
        """
        k = self.n_iter_no_change
        if self.early:
            return len(scores) > k and max(scores[-k:]) < max(scores[:-k]) + self.tol
        return len(losses) >= 2 * k and sum(losses[-k:]) / k > sum(losses[-2 * k : -k]) / k - self.tol


def _touched_weights(network, samples):
    """About how many weights one sample's step reads."""
    M = [int(m) for m in network.M[1:]]
    return samples.values_per_row * M[0] + sum(m * n for m, n in pairwise(M)) + sum(M)


def _chunk(network, samples):
    """How many draws one call of the kernel takes."""
    return int(np.clip(CHUNK_WEIGHTS / _touched_weights(network, samples), 1, CHUNK_DRAWS))


class _Trainer:
    """Runs epochs of steps on one network, samples and draws."""

    def __init__(self, network, samples, draws, solver, alpha, watched):
        self.network, self.samples, self.draws, self.solver, self.alpha = network, samples, draws, solver, alpha
        self.n_hidden = int(network.stride[1:-1].sum()) if solver.dropout else 0
        self.chunk = _chunk(network, samples)
        if self.n_hidden:
            self.chunk = min(self.chunk, max(1, CHUNK_NOISE // self.n_hidden))
        self.chunk = max(1, self.chunk // solver.batch_size) * solver.batch_size  # whole batches
        self.epochs_per_look = 1
        n_values = network.n_params * (1 + len(solver.moments))
        if n_values > FREE_LOOK and not watched:
            touched = _touched_weights(network, samples) * draws.epoch_length
            self.epochs_per_look = int(np.ceil(STEPS_PER_LOOK * n_values / touched))

    def run(self, rng, tau):
        """The steps of an epoch, in chunks: yields (sum of f_i, number of draws)."""
        # dropout has a stream of its own: neither stream depends on how an epoch is cut into chunks
        noise_bits = np.random.PCG64(rng.integers(2**63)) if self.n_hidden else None
        for rows in self.draws.epoch(rng, self.chunk):
            noise = None
            if noise_bits is not None:
                size = len(rows) * self.n_hidden
                noise = noise_bits.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(len(rows), -1)
            yield steps(self.network, self.samples, rows, tau, self.alpha, self.solver, noise), len(rows)

    def first_loss(self, rng):
        """The mean f_i of the first few draws, at the weights as they are."""
        n = min(START_DRAWS, self.draws.epoch_length)
        rows = next(self.draws.epoch(copy.deepcopy(rng), n))
        return self._measure(self.network, self.samples, rows) / n

    def _measure(self, network, samples, rows):
        """The sum of f_i over some rows."""
        return sum(steps(network, samples, rows[k : k + self.chunk], 0.0) for k in range(0, len(rows), self.chunk))

    def expected_loss(self, params):
        """The mean f_i over all rows, as often as each is expected in an epoch, at other parameters."""
        other = copy.copy(self.network)
        other.params, other.scale = params.copy(), np.ones(1)
        frequency = self.draws.frequency(len(self.samples))
        weights = frequency if self.samples.weights is None else frequency * self.samples.weights
        samples = Samples(self.samples.X, self.samples.targets, weights)
        return self._measure(other, samples, np.arange(len(samples))) / frequency.sum()


@dataclass
class _Checkpoint:
    """Parameters, moments and random stream after so many epochs, and the loss of the last of them."""

    params: np.ndarray
    scale: np.ndarray
    moments: np.ndarray
    t: int
    stream: dict
    epochs: int
    loss: float

    @classmethod
    def of(cls, trainer, rng, epochs, loss):
        network, solver = trainer.network, trainer.solver
        return cls(
            network.params.copy(),
            network.scale.copy(),
            solver.moments.copy(),
            solver.t,
            rng.bit_generator.state,
            epochs,
            loss,
        )

    def restore(self, trainer):
        trainer.network.params[:], trainer.network.scale[:] = self.params, self.scale
        trainer.solver.moments[:], trainer.solver.t = self.moments, self.t

    def rng(self):
        """A random stream of its own, as it was."""
        rng = np.random.Generator(np.random.PCG64())
        rng.bit_generator.state = self.stream
        return rng


def train(network, samples, draws, rng, *, solver, schedule, alpha, max_iter, stop, earlier=(), watch=None):
    """Train the network in place, by steps. Its parameters are finite when this returns, whatever happens.

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
    solver : Solver
        How gradients become steps; its moments go on.
    schedule : Schedule
        The step size of each epoch.
    alpha : float
        L2 penalty.
    max_iter : int
        The most epochs.
    stop : Stop
        When to end before.
    earlier : sequence of float
        Losses of earlier trainings that count when the schedule asks whether the loss still falls.
    watch : callable, default=None
        Called with the outcome so far after each epoch; may add validation scores; returns whether training is to end.

    Returns
    -------
    Outcome
    """
    trainer = _Trainer(network, samples, draws, solver, alpha, watched=watch is not None)
    outcome = Outcome(start_loss=float(trainer.first_loss(rng)))
    losses, scores = outcome.losses, outcome.validation_scores
    start = best = _Checkpoint.of(trainer, rng, 0, outcome.start_loss)
    since = 0  # the epoch in which the schedule last lowered tau

    def finite():
        with np.errstate(over="ignore", invalid="ignore"):
            return isfinite(network.params.sum(dtype=np.float64))

    def too_large(loss):
        # The estimate from a few draws rules most epochs out; where it does not, all rows are measured.
        tiny = np.finfo(network.params.dtype).eps
        return not isfinite(loss) or (
            loss > DIVERGED * max(outcome.start_loss, tiny)
            and loss > DIVERGED * max(trainer.expected_loss(start.params), tiny)
        )

    def diverged():
        return bool(losses) and too_large(losses[-1])

    def diverged_at_last():
        # An epoch may be one batch, whose loss is taken before its step.
        return solver.batch_size > 1 and bool(losses) and too_large(trainer.first_loss(rng))

    def go_back():
        """To the weights of the best epoch. Those since the last checkpoint were not kept: they are trained again."""
        best.restore(trainer)
        since = losses[best.epochs : -1]
        if since and min(since) < best.loss:
            stream = best.rng()
            for epoch in range(best.epochs, best.epochs + int(np.argmin(since)) + 1):
                for _ in trainer.run(stream, outcome.taus[epoch]):
                    pass
            if not finite():
                best.restore(trainer)

    try:
        for epoch in range(max_iter):
            outcome.taus.append(schedule(epoch))
            total, n, begin = 0.0, 0, time.perf_counter()
            try:
                for f, k in trainer.run(rng, outcome.taus[-1]):
                    total, n = total + f, n + k
                    if not isfinite(total):
                        break
            finally:
                if n:
                    outcome.n_steps += -(-n // solver.batch_size)
                    losses.append(total / n)
                    outcome.samples_per_second = n / (time.perf_counter() - begin)
            look = (epoch + 1) % trainer.epochs_per_look == 0
            if trainer.epochs_per_look == 1:
                network.fold_scale()  # as partial_fit does after each epoch: so both round alike
            if diverged() or (look and not finite()) or (watch is not None and diverged_at_last()):
                break
            if look and losses[-1] < best.loss and epoch + 1 < max_iter:
                best = _Checkpoint.of(trainer, rng, epoch + 1, losses[-1])
            if watch is not None:
                outcome.converged = watch(outcome)
                outcome.keep_best(network)
            if not outcome.converged and stop.stalled([*earlier, *losses[since:]], scores[since:]):
                earlier, since = (), epoch + 1
                outcome.converged = not schedule.lower(outcome.taus[-1])
            if outcome.converged:
                break
    except KeyboardInterrupt as interrupt:
        outcome.interrupted = interrupt
    if not finite() or diverged() or diverged_at_last():
        outcome.diverged = True
        try:
            go_back()
        except KeyboardInterrupt as interrupt:
            outcome.interrupted = interrupt
            best.restore(trainer)
    network.fold_scale()
    if stop.early and outcome.best_params is not None:
        network.params[:] = outcome.best_params
    # a loss that is no number is reported as the largest there is
    outcome.losses = [f if isfinite(f) else LARGEST for f in losses]
    outcome.start_loss = outcome.start_loss if isfinite(outcome.start_loss) else LARGEST
    return outcome


def train_by_lbfgs(network, samples, rows, *, alpha, max_iter, max_fun, stop, watch=None):
    """Train the network in place by L-BFGS on the mean of f_i plus ``alpha / 2 * sum(W**2)``; an iteration is an epoch.

    Parameters
    ----------
    network : Network
        Starts from the parameters it has.
    samples : Samples
        With weights, which multiply f_i in the mean.
    rows : ndarray of int64
        The rows of the mean.
    alpha : float
        L2 penalty.
    max_iter : int
        The most iterations.
    max_fun : int
        The most evaluations of loss and gradient.
    stop : Stop
        `tol` is the largest component of the gradient to stop at.
    watch : callable, default=None
        As in `train`.

    Returns
    -------
    Outcome
    """
    chunk = _chunk(network, samples)
    chunks = [rows[k : k + chunk] for k in range(0, len(rows), chunk)]
    total_weight = samples.weights[rows].sum()
    penalised = [slice(*ends) for ends in zip(network.W_at[1:], network.b_at[1:], strict=True)]

    def penalty(x):
        return alpha / 2 * sum((x[W] ** 2).sum() for W in penalised)

    def loss_and_gradient(x):
        network.params[:] = x
        f, G = 0.0, np.zeros(len(x))
        for part in chunks:
            f_part, G_part = gradient(network, samples, part)
            f, G = f + f_part, G + G_part
        G /= total_weight
        for W in penalised:
            G[W] += alpha * x[W]
        return f / total_weight + penalty(x), G

    start = network.params.astype(np.float64)
    outcome = Outcome(start_loss=loss_and_gradient(start)[0] - penalty(start))
    best, begin = start, time.perf_counter()

    def iteration_done(intermediate_result):
        nonlocal best, begin
        best = intermediate_result.x.copy()
        network.params[:] = best
        outcome.losses.append(float(intermediate_result.fun - penalty(best)))
        outcome.n_steps += 1
        outcome.samples_per_second = len(rows) / (time.perf_counter() - begin)
        begin = time.perf_counter()
        if watch is not None:
            outcome.converged = watch(outcome)
            outcome.keep_best(network)
        if outcome.converged or (stop.early and stop.stalled(outcome.losses, outcome.validation_scores)):
            outcome.converged = True
            raise StopIteration

    try:
        with np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                loss_and_gradient,
                start,
                method="L-BFGS-B",
                jac=True,
                callback=iteration_done,
                options={"maxiter": max_iter, "maxfun": max_fun, "gtol": stop.tol},
            )
        best = result.x
        outcome.converged |= result.status != 1  # 1: max_iter or max_fun is reached
    except KeyboardInterrupt as interrupt:
        outcome.interrupted = interrupt
    outcome.diverged = not np.isfinite(best).all() or not isfinite([outcome.start_loss, *outcome.losses][-1])
    network.params[:] = start if outcome.diverged else best
    if stop.early and outcome.best_params is not None and not outcome.diverged:
        network.params[:] = outcome.best_params
    outcome.losses = [f if isfinite(f) else LARGEST for f in outcome.losses]
    outcome.start_loss = outcome.start_loss if isfinite(outcome.start_loss) else LARGEST
    return outcome
