"""The draws are given to the kernel in chunks: short ones, and the cut makes no difference."""

import numpy as np
import pytest
from helpers import ESTIMATORS, fit_quietly, make_data, weights_of

from skbackprop import BackpropRegressor
from skbackprop._training import loop


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_chunks_of_draws_make_no_difference(estimator, monkeypatch):
    X, y = make_data(estimator)
    whole = fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    monkeypatch.setattr(loop, "CHUNK_DRAWS", 3)
    parts = fit_quietly(estimator(max_iter=3, random_state=0), X, y)
    for a, b in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.loss_curve_ == pytest.approx(parts.loss_curve_, rel=1e-13)


def test_a_call_of_the_kernel_is_short(monkeypatch):
    """So that Ctrl-C is heard: a call touches no more weights than CHUNK_WEIGHTS, and has at least one draw."""
    X, y = make_data(BackpropRegressor, n=50)
    sizes, real = [], loop.steps

    def steps(network, samples, rows, tau, *how):
        sizes.append(len(rows))
        return real(network, samples, rows, tau, *how)

    monkeypatch.setattr(loop, "steps", steps)
    for weights, longest in ((10_000, 9), (1, 1)):  # a step on 4-200-1 touches 4 * 200 + 200 weights and 201 biases
        sizes.clear()
        monkeypatch.setattr(loop, "CHUNK_WEIGHTS", weights)
        fit_quietly(BackpropRegressor((200,), max_iter=1), X, y)
        assert 1 <= max(sizes) <= longest
