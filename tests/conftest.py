"""Fixtures for all tests."""

import os

import pytest

from skbackprop._backprop import AVAILABLE_LEVELS, use_level

os.environ.setdefault("MPLBACKEND", "Agg")  # pictures without a screen


@pytest.fixture(params=AVAILABLE_LEVELS)
def level(request):
    """Run the test with the kernel of each level of the processor that this machine has."""
    before = use_level(request.param)
    yield request.param
    use_level(before)
