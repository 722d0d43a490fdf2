"""How the benchmarks measure: on one core, with one thread, the contestants in turn, medians."""

import os
import statistics
import time
import warnings
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

SECONDS = 0.3  # about so long is a contestant's turn


def one_thread():
    """One thread for BLAS and OpenMP; no warnings, for training is cut short on purpose."""
    threadpool_limits(1)
    warnings.simplefilter("ignore")


def one_core():
    """One thread, on one core where the system can pin it there; call it before JAX's first computation."""
    one_thread()
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def seconds_of(call, clock=time.process_time):
    """Seconds of work, by default: when other processes have their turn on the core, that clock stands still."""
    start = clock()
    call()
    return clock() - start


def interleaved(measures, rounds):
    """Call the functions in turn, round after round; the median of what each returned."""
    return [statistics.median(values) for values in zip(*([m() for m in measures] for _ in range(rounds)), strict=True)]


def interleaved_seconds(calls, rounds):
    """Median seconds, by the clock on the wall, of each function, called in turn."""
    return interleaved([partial(seconds_of, call, time.perf_counter) for call in calls], rounds)


def contest(label, measures, rounds):
    """Take measures {name: function} in turn, print and return their medians."""
    return show(label, dict(zip(measures, interleaved(measures.values(), rounds), strict=True)))


def show(label, figures):
    """Print {name: figure}, with ratios to the first."""
    first = next(iter(figures.values()))
    row = "  ".join(f"{name} {value:.3g} ({value / first:.3g}x)" for name, value in figures.items())
    print(f"{label:22} {row}", flush=True)
    return figures


def per_step(run, steps, least=1):
    """A measure: µs a step of a long run less a short one, so that what comes before the first step does not count.

    Parameters
    ----------
    run : callable
        Called with a number of epochs to train.
    steps : int
        Steps of an epoch.
    least : int, default=1
        The fewest epochs by which the runs differ.
    """

    def seconds(epochs):
        short = seconds_of(lambda: run(1))
        return max(seconds_of(lambda: run(1 + epochs)) - short, 1e-9)

    run(1)
    epochs = least
    while (taken := seconds(epochs)) < SECONDS / 4:
        epochs *= 4
    epochs = max(least, round(SECONDS / taken * epochs))
    return lambda: seconds(epochs) / (epochs * steps) * 1e6


def per_call(call):
    """A measure: seconds of one call, of as many as take about a tenth of a turn."""
    calls = max(3, round(SECONDS / 10 / max(seconds_of(call), 1e-6)))
    return lambda: seconds_of(lambda: [call() for _ in range(calls)]) / calls


def aligned_ones(n):
    """Float32 that start with a line of the cache: an update of others takes up to half as long again."""
    array = np.ones(n + 16, np.float32)
    first = -array.ctypes.data % 64 // array.itemsize
    return array[first : first + n]


def limits(n):
    """What the machine can do at the most, on one core in float32: three measures.

    Parameters
    ----------
    n : int
        Size of the working set: the weights of a network.

    Returns
    -------
    flop : callable
        Seconds of a floating-point operation: a product of two 512 x 512 matrices by BLAS.
    read : callable
        Seconds of reading n numbers: a BLAS dot product of their halves.
    update : callable
        Seconds of updating n numbers in place: NumPy's multiplication by a constant. As in `read`, the working set
        stays in the cache it fits, and the cost of the call itself, measured on a few numbers, is taken off.
    """
    A, product = np.ones((512, 512), np.float32), np.empty((512, 512), np.float32)
    size = max(n, 2**13) // 2 * 2  # fewer, which the first cache holds as well, take too short a time to be measured
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
