"""How many threads the kernel and BLAS may use."""

import multiprocessing
import os
import threading
from functools import cache

import joblib
from threadpoolctl import ThreadpoolController

__all__ = ["allowed_threads", "one_blas_thread"]


def allowed_threads():
    """How many threads may be at work in this process, by the same rule as in scikit-learn's own OpenMP code.

    As many as the process has cores (affinity, cgroups, ``LOKY_MAX_CPU_COUNT``), or fewer if ``OMP_NUM_THREADS``,
    `threadpoolctl.threadpool_limits` or, in the processes that it starts, joblib says so. A daemonic process
    has one, as in joblib.

    Returns
    -------
    int
        At least 1.
    """
    if multiprocessing.current_process().daemon:
        return 1
    limits = [_cpu_count(), *(library["num_threads"] for library in _libraries("openmp").info())]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))  # it may have changed
    return max(1, min(limits))


@cache
def _cpu_count():
    """The number of cores; asking joblib takes a tenth of a millisecond."""
    return joblib.cpu_count()


@cache
def _libraries(user_api):
    """The process's libraries of this kind, including scikit-learn's own; searching for them takes milliseconds."""
    return ThreadpoolController().select(user_api=user_api)


class _Limit:
    """A limit for all threads of the process: the first user sets it, and the last one lifts it."""

    def __init__(self):
        self.lock, self.users, self.limiter = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.users == 0:
                self.limiter = _libraries("blas").limit(limits=1)
            self.users += 1

    def __exit__(self, *error):
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self.limiter.restore_original_limits()


#: In the body of this context, BLAS uses one thread, so that its sums do not depend on the number of threads.
one_blas_thread = _Limit()
