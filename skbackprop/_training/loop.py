"""Training by steps: one epoch after another, until a rule, a callback, `max_iter` or a divergence ends it.

The kernel makes the steps; this module decides how many, and sees to it that what comes out is finite.
"""

import time
from math import ceil, isfinite

import numpy as np

from .._kernel import allowed_threads, steps
from .chunks import chunk_length, mean_loss, total_loss, touched_weights
from .guard import Guard
from .reference import constant_loss

__all__ = ["Epochs", "train"]

#: The loss of given weights is first estimated from so many draws.
START_DRAWS = 100
#: One call of the kernel takes at most so many numbers for dropout.
CHUNK_NOISE = 2**24
#: An epoch of batches that touches fewer weights than this, which takes a millisecond, asks for no second thread.
LONG = 10**7
#: Looking at all weights, to check or to copy them, may touch one for every so many that the steps have touched; up to
#: so many weights are looked at after every epoch all the same.
STEPS_PER_LOOK = 16
FREE_LOOK = 2**16


class Epochs:
    """What runs the epochs of a training: the kernel on given samples and draws.

    Parameters
    ----------
    progress : Progress
        The training, which begins.
    plan : Plan
        The samples, and what an epoch draws of them.
    alpha : float
        L2 penalty.
    steps : callable, default=kernel.steps
        What makes the steps, and measures losses.
    chunk : int, default=None
        How many draws one call of it takes, rounded to whole batches; None: so many that a call is short.

    Attributes
    ----------
    epochs_per_look : int
        All weights are looked at after every so many epochs. It depends on the network and the samples alone, and so
        does every bit of the training: not on whether somebody watches.
    """

    def __init__(self, progress, plan, alpha, steps=steps, chunk=None):
        network, rule, samples, draws = progress.network, progress.rule, plan.samples, plan.draws
        self.plan, self.samples, self.draws, self.alpha, self.steps = plan, samples, draws, alpha, steps
        self.n_hidden = int(network.stride[1:-1].sum()) if rule.dropout else 0
        self.chunk = chunk_length(network, samples) if chunk is None else chunk
        if self.n_hidden:
            self.chunk = min(self.chunk, max(1, CHUNK_NOISE // self.n_hidden))
        self.chunk = max(1, self.chunk // rule.batch_size) * rule.batch_size  # whole batches
        n_values = network.n_params * (1 + len(rule.moments))
        touched = touched_weights(network, samples) * draws.epoch_length
        self.is_long = rule.batch_size > 1 and touched >= LONG
        self.epochs_per_look = 1 if n_values <= FREE_LOOK else ceil(STEPS_PER_LOOK * n_values / touched)

    def run(self, progress, tau):
        """The steps of an epoch, in chunks: yields (sum of f_i, number of draws)."""
        rng = progress.rng
        threads = allowed_threads() if self.is_long else 1
        # dropout has a stream of its own: neither stream depends on how an epoch is cut into chunks
        noise_bits = np.random.PCG64(rng.integers(2**63)) if self.n_hidden else None
        for rows in self.draws.epoch(rng, self.chunk):
            noise = None
            if noise_bits is not None:
                size = len(rows) * self.n_hidden
                noise = noise_bits.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(len(rows), -1)
            yield (
                self.steps(progress.network, self.samples, rows, tau, self.alpha, progress.rule, noise, threads),
                len(rows),
            )
        if self.epochs_per_look == 1:
            progress.network.fold_scale()  # as `partial_fit` does after each epoch: so both round alike

    def first_loss(self, progress, share=1.0):
        """The mean f_i of the next few draws, of at most this share of an epoch, at the weights as they are."""
        n = min(START_DRAWS, ceil(share * self.draws.epoch_length))
        rows = next(self.draws.epoch(progress.upcoming(), n))
        return float(total_loss(progress.network, self.samples, rows, self.steps) / n)

    def mean_loss(self, network):
        """The mean f_i of an epoch that draws every sample as often as expected, at the weights of a network."""
        return mean_loss(network, self.samples, self.draws.frequency(len(self.samples)), self.steps)

    def measure_constant(self, progress):
        """Measure the loss of the best constant prediction, unless that has been done."""
        if progress.constant_loss is None:
            progress.constant_loss = constant_loss(progress.network, *self.plan.distinct_targets())


def train(progress, epochs, *, schedule, stop, max_iter, watch):
    """Train by steps. The weights are finite when this returns, whatever happens.

    Parameters
    ----------
    progress : Progress
        The state of the training, which goes on from there.
    epochs : Epochs
        What runs its epochs.
    schedule : Schedule
        The step size of each epoch.
    stop : Stop
        When to end before `max_iter`.
    max_iter : int
        Maximum number of epochs.
    watch : Watch
        Called after each epoch; returns whether the training is to end.
    """
    progress.start_loss = epochs.first_loss(progress)
    may_stop = not progress.partial or schedule.adapts
    if may_stop:
        epochs.measure_constant(progress)
    guard = Guard(progress, epochs)
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
    """One epoch. An interrupt leaves the mean loss of the part that is done."""
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
