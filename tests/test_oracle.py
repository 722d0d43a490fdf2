"""The extended oracle, where it is given what the lecture has, is the lecture's."""

from itertools import pairwise

import numpy as np
import oracle
import oracle_extensions
import pytest


@pytest.mark.parametrize("sizes", [(3, 2), (4, 5, 2), (3, 6, 5, 1)], ids=str)
def test_the_extensions_extend_the_lecture(sizes):
    rng = np.random.default_rng(0)
    W = [rng.normal(size=(m, k)) for k, m in pairwise(sizes)]
    b = [rng.normal(size=m) for m in sizes[1:]]
    X, Y, draws = rng.normal(size=(6, sizes[0])), rng.random((6, sizes[-1])), rng.integers(6, size=50)
    activations = ["logistic"] * len(W)

    def after(algorithm, *more, **settings):
        weights = [w.copy() for w in W], [w.copy() for w in b]
        losses = algorithm(*weights, X, Y, draws, 0.5, *more, **settings)
        return [*weights[0], *weights[1], losses]

    lecture = after(oracle.backpropagation)
    for other in (
        after(oracle_extensions.extended_backpropagation, activations),
        after(oracle_extensions.batches, activations, batch_size=1),
    ):
        for array, expected in zip(other, lecture, strict=True):
            np.testing.assert_allclose(array, expected, rtol=1e-13)
