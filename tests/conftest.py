"""Fixtures for all tests."""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from skbackprop._kernel import AVAILABLE_LEVELS, use_level

pytest.register_assert_rewrite("faults")
os.environ["MPLBACKEND"] = "Agg"  # matplotlib then draws into memory

# For matrices as small as the tests' a second thread of BLAS costs more than it gains: here, and in child processes.
threadpool_limits(1, user_api="blas")
os.environ |= dict.fromkeys(["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")

# A shell script that starts pytest in the background has it ignore interrupts; their tests need them.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: `pytest --hypothesis-profile=long` tries each property on thousands of examples.
COMMON = dict(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("short", derandomize=True, max_examples=60, **COMMON)
settings.register_profile("long", max_examples=2000, **COMMON)
settings.load_profile("short")


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test, or an example of the documentation, has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(params=AVAILABLE_LEVELS)
def level(request):
    """Run the test with the kernel of each level of the processor that this machine has."""
    before = use_level(request.param)
    yield request.param
    use_level(before)
