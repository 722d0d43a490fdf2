"""How many threads a call of the kernel may take."""

import multiprocessing
import os
from functools import cache

import joblib
from threadpoolctl import ThreadpoolController

__all__ = ["allowed_threads"]


def allowed_threads():
    """How many threads may be at work in this process, by the rule that scikit-learn's own OpenMP code follows.

    As many as the process may use cores (affinity, cgroups, ``LOKY_MAX_CPU_COUNT``), unless ``OMP_NUM_THREADS``,
    `threadpoolctl.threadpool_limits` or, in the processes that it starts, joblib says fewer. One in the daemonic
    processes of `multiprocessing`, as joblib has it.

    Returns
    -------
    int
        1 at least.
    """
    if multiprocessing.current_process().daemon:
        return 1
    limits = [_cpu_count(), *(library["num_threads"] for library in _openmp_libraries().info())]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))  # it may have changed
    return max(1, min(limits))


@cache
def _cpu_count():
    """Asking for it takes a tenth of a millisecond."""
    return joblib.cpu_count()


@cache
def _openmp_libraries():
    """The OpenMP libraries of the process, scikit-learn's among them; looking for them takes milliseconds."""
    return ThreadpoolController().select(user_api="openmp")
