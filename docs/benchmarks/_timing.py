"""How the benchmarks measure: on one core, with one thread, with contestants in turn, as medians."""

import os
import statistics
import time
import warnings
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

SECONDS = 0.3  # approximate length of a contestant's turn


def one_thread():
    """Use one thread for BLAS and OpenMP, and ignore warnings, since training is cut short on purpose."""
    threadpool_limits(1)
    warnings.simplefilter("ignore")


def one_core():
    """Use one thread, pinned to one core if the system can do that. Call this before JAX's first computation."""
    one_thread()
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def seconds_of(call, clock=time.process_time):
    """Seconds of CPU time by default: this clock stops while other processes use the core."""
    start = clock()
    call()
    return clock() - start


def interleaved(measures, rounds):
    """Call the functions in turn, round after round, and return the median of each one's results."""
    return [statistics.median(values) for values in zip(*([m() for m in measures] for _ in range(rounds)), strict=True)]


def interleaved_seconds(calls, rounds):
    """Median wall-clock seconds of each function, called in turn."""
    return interleaved([partial(seconds_of, call, time.perf_counter) for call in calls], rounds)


def contest(label, measures, rounds):
    """Take the measurements {name: function} in turn; print and return their medians."""
    return show(label, dict(zip(measures, interleaved(measures.values(), rounds), strict=True)))


def show(label, figures):
    """Print {name: figure}, with ratios to the first one."""
    first = next(iter(figures.values()))
    row = "  ".join(f"{name} {value:.3g} ({value / first:.3g}x)" for name, value in figures.items())
    print(f"{label:22} {row}", flush=True)
    return figures


def per_step(run, steps, least=1, clock=time.process_time, epochs=None):
    """A measurement of µs per step: a long run minus a short one, so that what precedes the first step does not count.

    Parameters
    ----------
    run : callable
        Called with a number of epochs to train.
    steps : int
        Number of steps in an epoch.
    least : int, default=1
        The minimum number of epochs by which the runs differ.
    clock : callable, default=time.process_time
        Returns seconds.
    epochs : int, default=None
        The number of epochs by which they differ; None chooses it (`enough_epochs`).
    """
    if epochs is None:
        epochs = enough_epochs(run, least, clock)
    return lambda: _seconds(run, epochs, clock) / (epochs * steps) * 1e6


def enough_epochs(run, least=1, clock=time.process_time):
    """The number of epochs that fills a contestant's turn; see `per_step`."""
    run(1)
    epochs = least
    while (taken := _seconds(run, epochs, clock)) < SECONDS / 4:
        epochs *= 4
    return max(least, round(SECONDS / taken * epochs))


def _seconds(run, epochs, clock):
    """How much longer a run of 1 + `epochs` epochs takes than one of a single epoch."""
    short = seconds_of(lambda: run(1), clock)
    return max(seconds_of(lambda: run(1 + epochs), clock) - short, 1e-9)


def per_call(call):
    """A measurement of seconds per call, over as many calls as take about a tenth of a turn."""
    calls = max(3, round(SECONDS / 10 / max(seconds_of(call), 1e-6)))
    return lambda: seconds_of(lambda: [call() for _ in range(calls)]) / calls


def aligned_ones(n):
    """float32 values that start at a cache line; otherwise an update takes up to half as long again."""
    array = np.ones(n + 16, np.float32)
    first = -array.ctypes.data % 64 // array.itemsize
    return array[first : first + n]


def limits(n):
    """The limits of the machine, on one core in float32, as three measurements.

    Parameters
    ----------
    n : int
        Size of the working set: the weights of a network.

    Returns
    -------
    flop : callable
        Seconds per floating-point operation, in a BLAS product of two 512 x 512 matrices.
    read : callable
        Seconds for reading n numbers, in a BLAS dot product of their halves.
    update : callable
        Seconds for updating n numbers in place, in NumPy's multiplication by a constant. As in `read`, the working set
        stays in the cache that it fits, and the cost of the call itself, measured on a few numbers, is subtracted.
    """
    A, product = np.ones((512, 512), np.float32), np.empty((512, 512), np.float32)
    size = max(n, 2**13) // 2 * 2  # fewer, which also fit in the first cache, are too fast to measure
    w, few = aligned_ones(size), aligned_ones(16)
    multiply = per_call(lambda: np.matmul(A, A, out=product))

    def beyond_the_call(operation):
        whole, call = per_call(operation(w)), per_call(operation(few))
        return lambda: max(whole() - call(), 0.0) * n / size

    return (
        lambda: multiply() / (2 * 512**3),
        beyond_the_call(lambda v: partial(np.dot, v[: v.size // 2], v[v.size // 2 :])),
        beyond_the_call(lambda v: partial(np.multiply, v, v.dtype.type(1), out=v)),
    )
