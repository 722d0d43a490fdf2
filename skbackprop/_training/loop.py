"""Training by steps: one epoch after another, until a rule, a callback, `max_iter` or a divergence ends it.

The kernel makes the steps; this module decides how many, and ensures that the result is finite.
"""

import time
from math import ceil, isfinite

import numpy as np

from .._kernel import allowed_threads, noise_of_a_draw, steps
from .chunks import chunk_length, mean_loss, total_loss, touched_weights
from .guard import Guard
from .reference import constant_loss

__all__ = ["Epochs", "train"]

#: The loss of the initial weights is estimated from this many draws.
START_DRAWS = 100
#: One call of the kernel takes at most this many random numbers for dropout.
CHUNK_NOISE = 2**24
#: An epoch that touches fewer weights than this takes about a millisecond, and does without more threads.
LONG = 10**7
#: Checking or copying all weights may touch one weight for every this many that the steps have touched. Networks of up
#: to FREE_LOOK weights are checked after every epoch regardless.
STEPS_PER_LOOK = 16
FREE_LOOK = 2**16


class Epochs:
    """Runs the epochs of training: the kernel on given samples and draws.

    Parameters
    ----------
    progress : Progress
        The training, which is about to begin.
    plan : Plan
        The samples, and how an epoch draws from them.
    alpha : float
        L2 penalty.
    steps : callable, default=kernel.steps
        The function that makes the steps and measures losses.
    chunk : int, default=None
        Number of draws per call, rounded to whole batches. None chooses a number that keeps the calls short.

    Attributes
    ----------
    epochs_per_look : int
        All weights are checked every `epochs_per_look` epochs. This depends only on the network and the samples, so
        that training gives the same bits whether or not it is being watched.
    """

    def __init__(self, progress, plan, alpha, steps=steps, chunk=None):
        network, rule, samples, draws = progress.network, progress.rule, plan.samples, plan.draws
        self.plan, self.samples, self.draws, self.alpha, self.steps = plan, samples, draws, alpha, steps
        self.n_noise = noise_of_a_draw(network, rule.dropout)
        self.chunk = chunk_length(network, samples) if chunk is None else chunk
        if self.n_noise:
            self.chunk = min(self.chunk, max(1, CHUNK_NOISE // self.n_noise))
        self.chunk = max(1, self.chunk // rule.batch_size) * rule.batch_size  # whole batches
        n_values = network.n_params * (1 + len(rule.moments))
        touched = touched_weights(network, samples) * draws.epoch_length
        self.is_long = touched >= LONG
        self.epochs_per_look = 1 if n_values <= FREE_LOOK else ceil(STEPS_PER_LOOK * n_values / touched)

    def run(self, progress, tau):
        """Make the steps of an epoch in chunks; yields (sum of f_i, number of draws) for each."""
        rng = progress.rng
        threads = allowed_threads() if self.is_long else 1
        # dropout has its own stream, so that neither depends on how an epoch is cut into chunks
        noise_bits = np.random.PCG64(rng.integers(2**63)) if self.n_noise else None
        for rows in self.draws.epoch(rng, self.chunk):
            noise = None
            if noise_bits is not None:
                size = len(rows) * self.n_noise
                noise = noise_bits.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(len(rows), -1)
            yield (
                self.steps(progress.network, self.samples, rows, tau, self.alpha, progress.rule, noise, threads),
                len(rows),
            )
        if self.epochs_per_look == 1:
            progress.network.fold_scale()  # `partial_fit` does so after each epoch, so both round alike

    def first_draws(self, progress):
        """The next few draws; the training's own stream does not advance."""
        n = min(START_DRAWS, self.draws.epoch_length)
        return next(self.draws.epoch(progress.upcoming(), n))

    def loss_of(self, network, rows):
        """The mean f_i of some draws, with the weights of a network."""
        return float(total_loss(network, self.samples, rows, self.steps) / len(rows))

    def mean_loss(self, network):
        """The mean f_i of an epoch that draws each sample as often as expected, with the weights of a network."""
        return mean_loss(network, self.samples, self.draws.frequency(len(self.samples)), self.steps)

    def measure_constant(self, progress):
        """Measure the loss of the best constant prediction, unless already done."""
        if progress.constant_loss is None:
            progress.constant_loss = constant_loss(progress.network, *self.plan.distinct_targets())


def train(progress, epochs, *, schedule, stop, max_iter, watch):
    """Train by steps. Whatever happens, the weights are finite on return.

    Parameters
    ----------
    progress : Progress
        The state of the training, which continues from there.
    epochs : Epochs
        The object that runs its epochs.
    schedule : Schedule
        The step size of each epoch.
    stop : Stop
        When to end before `max_iter`.
    max_iter : int
        Maximum number of epochs.
    watch : Watch
        Called after each epoch; returns whether training should end.
    """
    few = epochs.first_draws(progress)
    progress.start_loss = epochs.loss_of(progress.network, few)
    may_stop = not progress.partial or schedule.adapts
    if may_stop:
        epochs.measure_constant(progress)
    guard = Guard(progress, epochs, few)
    try:
        while len(progress.losses) < max_iter:
            _run_epoch(progress, epochs, schedule(progress.n_epochs, progress.lowered))
            if guard.has_diverged():
                break
            if len(progress.losses) < max_iter:
                guard.keep_best()
            if watch():
                progress.ended = "callback"
                break
            if may_stop and stop.has_stalled(progress):
                progress.window_start = progress.n_epochs
                if not schedule.can_lower(progress.taus[-1]):
                    progress.ended = "converged"
                    break
                progress.lowered += 1
        else:
            if not progress.partial and stop.is_flat(progress) and not schedule.can_lower(progress.taus[-1]):
                progress.ended = "converged"
    except KeyboardInterrupt as interrupt:
        progress.interrupt, progress.ended = interrupt, "interrupted"
    try:
        if not progress.network.is_finite() or (progress.losses and guard.has_diverged()):
            progress.ended = "diverged"
            guard.go_back()
            watch.measure()
    except KeyboardInterrupt as interrupt:
        progress.interrupt = interrupt
        progress.return_to(guard.best)
    progress.network.fold_scale()
    progress.finish()


def _run_epoch(progress, epochs, tau):
    """Run one epoch. After an interrupt, its loss is the mean over the part that was done."""
    total, n, begin = 0.0, 0, time.perf_counter()
    progress.taus.append(tau)
    try:
        for f, k in epochs.run(progress, tau):
            total, n = total + f, n + k
            if not isfinite(total):
                break
    finally:
        if n:
            progress.n_steps += -(-n // progress.rule.batch_size)
            progress.losses.append(total / n)
            progress.samples_per_second = n / (time.perf_counter() - begin)
