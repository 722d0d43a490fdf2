"""X is used as it is: not copied, not changed, not made dense."""

import tracemalloc

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, fitted, make_data, same_bits, trained_by

from skbackprop import BackpropRegressor, _kernel

DTYPES = [np.float32, np.float64]


def arrays_of(X):
    return [X.data, X.indices, X.indptr] if sp.issparse(X) else [X]


@pytest.mark.parametrize(
    "kind", ["dense", "read-only", "memory-mapped", "csr32", "csr64", "read-only csr", "memory-mapped csr"]
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_x_is_not_copied(estimator, dtype, kind, tmp_path):
    """The kernel works on the memory that the caller gave."""
    X, y = make_data(estimator, dtype=dtype)
    plain = fitted(estimator, sp.csr_array(X) if "csr" in kind else X, y)
    if "csr" in kind:
        X = sp.csr_array(X)
        index_type = np.int64 if kind == "csr64" else np.int32
        X.indices, X.indptr = X.indices.astype(index_type), X.indptr.astype(index_type)
    if "read-only" in kind:
        for a in arrays_of(X):
            a.flags.writeable = False
    if "memory-mapped" in kind:  # as joblib hands large arrays to its workers
        joblib.dump(X, tmp_path / "X")
        X = joblib.load(tmp_path / "X", mmap_mode="r")
        assert all(isinstance(a, np.memmap) for a in arrays_of(X))

    given = []

    def steps(network, samples, *how):
        given.append(samples.X)
        return _kernel.steps(network, samples, *how)

    model = fit_quietly(trained_by(steps, plain), X, y)
    fit_quietly(trained_by(steps, plain), X, y, sample_weight=np.linspace(1, 2, 40))
    assert len(given) > 2
    for samples_X in given:
        for own, callers in zip(arrays_of(samples_X), arrays_of(X), strict=True):
            assert np.shares_memory(own, callers)
            assert own.size == callers.size
    assert same_bits(model, plain)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


@pytest.mark.parametrize("oddity", ["indices of two types", "arrays longer than needed"])
def test_the_callers_csr_matrix_is_left_alone(oddity):
    X, y = make_data(BackpropRegressor)
    plain, odd = sp.csr_array(X), sp.csr_array(X)
    if oddity == "indices of two types":
        odd.indptr = odd.indptr.astype(np.int64)
    else:
        odd.data, odd.indices = np.append(odd.data, 9.0), np.append(odd.indices, odd.indices[:1])
    before = arrays_of(odd)
    model = fitted(BackpropRegressor, odd, y)
    assert all(a is b for a, b in zip(arrays_of(odd), before, strict=True))
    assert same_bits(model, fitted(BackpropRegressor, plain, y))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_csr_is_never_made_dense(estimator):
    """1000 x 50000 in float64 would be 400 MB; W^1 is 0.4 MB."""
    rng = np.random.default_rng(0)
    columns = np.sort(rng.integers(50_000, size=(1000, 5)))
    columns += np.arange(5)  # distinct
    X = sp.csr_array((rng.random(5000), columns.ravel() % 50_000, np.arange(0, 5001, 5)), shape=(1000, 50_000))
    X.sort_indices()
    y = np.arange(1000) % 3 / 2 if estimator is BackpropRegressor else np.arange(1000) % 3
    tracemalloc.start()
    try:
        model = fitted(estimator, X, y, (1,), max_iter=2, alpha=0.1)
        model.predict(X)
        model.partial_fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def test_dense_memory():
    """Training needs memory for the parameters and for some numbers a row, not for a second X."""
    X = np.random.default_rng(0).random((2000, 1000))
    tracemalloc.start()
    try:
        fitted(BackpropRegressor, X, X[:, 0], (2,), max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2
