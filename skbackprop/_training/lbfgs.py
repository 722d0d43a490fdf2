"""Training by L-BFGS: SciPy minimises, and the kernel computes the loss and gradient. An iteration is an epoch."""

import time
from math import isfinite

import numpy as np
from scipy.optimize import minimize

from .._kernel import allowed_threads, gradient, one_blas_thread
from .chunks import chunk_length
from .reference import constant_loss

__all__ = ["train_by_lbfgs"]

#: SciPy stops when no component of the gradient is larger than this, its default, or than `tol` if that is smaller.
GRADIENT = 1e-5
#: Number of chunks in a call of the kernel: products of matrices are that much faster than steps.
CHUNKS = 4
#: SciPy's status code for reaching maxiter or maxfun.
LIMIT_REACHED = 1


class _Objective:
    """The mean of f_i plus ``alpha / 2 * sum(W**2)``, and its gradient, as functions of the parameters."""

    def __init__(self, network, samples, rows, alpha):
        self.network, self.samples, self.alpha = network, samples, alpha
        chunk = CHUNKS * chunk_length(network, samples)
        self.chunks = [rows[k : k + chunk] for k in range(0, len(rows), chunk)]
        self.part = np.empty_like(network.params)  # of the gradient
        self.total_weight = samples.weights[rows].sum()
        self.penalised = [slice(*ends) for ends in zip(network.W_at[1:], network.b_at[1:], strict=True)]

    def penalty(self, params):
        return self.alpha and self.alpha / 2 * sum((params[W] ** 2).sum() for W in self.penalised)

    def __call__(self, params):
        self.network.params[:] = params
        f, G = 0.0, np.zeros(len(params))
        threads = allowed_threads()
        for rows in self.chunks:
            f_part, _ = gradient(self.network, self.samples, rows, threads, self.part)
            f += f_part
            G += self.part
        G /= self.total_weight
        if self.alpha:
            for W in self.penalised:
                G[W] += self.alpha * params[W]
        return f / self.total_weight + self.penalty(params), G


class _Iterations:
    """SciPy's callback: records each iteration, and ends training when it is time to."""

    def __init__(self, progress, objective, stop, watch, params):
        self.progress, self.objective, self.stop, self.watch = progress, objective, stop, watch
        self.params, self.begin = params, time.perf_counter()

    def __call__(self, intermediate_result):
        progress, objective = self.progress, self.objective
        self.params = intermediate_result.x.copy()
        objective.network.params[:] = self.params
        progress.objectives.append(float(intermediate_result.fun))
        progress.losses.append(float(intermediate_result.fun - objective.penalty(self.params)))
        progress.n_steps += 1
        progress.samples_per_second = sum(map(len, objective.chunks)) / (time.perf_counter() - self.begin)
        if self.watch():
            progress.ended = "callback"
            raise StopIteration
        if self.stop.has_stalled(progress):
            progress.ended = "converged"
            raise StopIteration
        self.begin = time.perf_counter()


def train_by_lbfgs(progress, plan, *, alpha, stop, max_iter, max_fun, watch):
    """Train by L-BFGS. Whatever happens, the weights are finite on return.

    Parameters
    ----------
    progress : Progress
        The state of the training, which continues from there.
    plan : Plan
        The samples, whose weights multiply f_i in the mean.
    alpha : float
        L2 penalty.
    stop : Stop
        When to end before `max_iter`. SciPy also stops when the gradient is almost 0 or the loss no longer changes.
    max_iter : int
        Maximum number of iterations.
    max_fun : int
        Maximum number of evaluations of the loss and gradient.
    watch : Watch
        Called after each iteration; returns whether training should end.
    """
    network = progress.network
    objective = _Objective(network, plan.samples, plan.draws.order, alpha)
    start = network.params.astype(np.float64)
    progress.start_loss = objective(start)[0] - objective.penalty(start)
    progress.constant_loss = constant_loss(network, *plan.distinct_targets())
    progress.objectives = []
    iterations = _Iterations(progress, objective, stop, watch, start)
    try:
        with np.errstate(over="ignore", invalid="ignore"), one_blas_thread:  # SciPy multiplies vectors by BLAS
            result = minimize(
                objective,
                start,
                method="L-BFGS-B",
                jac=True,
                callback=iterations,
                options={"maxiter": max_iter, "maxfun": max_fun, "gtol": min(GRADIENT, stop.tol)},
            )
        iterations.params = result.x
        if progress.ended == "max_iter":
            if result.status != LIMIT_REACHED or stop.is_flat(progress):
                progress.ended = "converged"
            elif len(progress.losses) < max_iter:
                progress.ended = "max_fun"
    except KeyboardInterrupt as interrupt:
        progress.interrupt, progress.ended = interrupt, "interrupted"
    if not np.isfinite(iterations.params).all() or not isfinite([progress.start_loss, *progress.losses][-1]):
        progress.ended = "diverged"
        iterations.params = start
    network.params[:] = iterations.params
    watch.measure()
    progress.finish()
