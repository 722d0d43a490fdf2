# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A 64-bit hash of each row of a matrix, dense or CSR: the key for the canonical order of the samples.

The hash is a sum over the row's values, each mixed and multiplied by a number that depends on its column (a
multilinear hash, Carter, Wegman 1979). Zeros add nothing, and the order of the terms does not matter, so the hashes are
the same for dense and CSR matrices, and for float32 and float64.
"""

import numpy as np

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "hashes.h":
    uint64_t value_bits(double) noexcept nogil
    void (**ADD_HASHES_FLOAT)(
        const float *, ptrdiff_t, ptrdiff_t, const uint64_t *, uint64_t *
    ) noexcept nogil
    void (**ADD_HASHES_DOUBLE)(
        const double *, ptrdiff_t, ptrdiff_t, const uint64_t *, uint64_t *
    ) noexcept nogil
    int n_levels() noexcept nogil

ctypedef fused real:
    float
    double

ctypedef fused integer:
    int32_t
    int64_t


cdef inline uint64_t column_factor(uint64_t column) noexcept nogil:
    """A pseudo-random odd number for each column: SplitMix64 (Steele, Lea, Flood 2014)."""
    cdef uint64_t bits = (column + 1) * <uint64_t>0x9E3779B97F4A7C15
    bits = (bits ^ (bits >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    bits = (bits ^ (bits >> 27)) * <uint64_t>0x94D049BB133111EB
    return (bits ^ (bits >> 31)) | 1


def add_dense(uint64_t[::1] hashes, const real[:, ::1] X, uint64_t first_column=0, level=None):
    """Add to ``hashes`` the hash of each row of X, whose columns are numbered from ``first_column``.

    ``level`` is the processor level to compute them with, counted from the lowest; None takes the best.
    """
    cdef Py_ssize_t k, n = hashes.shape[0], m = X.shape[1]
    cdef int best = n_levels() - 1, used = best if level is None else level
    cdef uint64_t[::1] factor = np.empty(m, dtype=np.uint64)
    if X.shape[0] != n or not 0 <= used <= best:
        raise ValueError(f"there are {n} hashes for {X.shape[0]} rows, and levels 0 to {best}; got level {level}")
    if n == 0 or m == 0:
        return
    with nogil:
        for k in range(m):
            factor[k] = column_factor(first_column + k)
        if real is float:
            ADD_HASHES_FLOAT[used](&X[0, 0], n, m, &factor[0], &hashes[0])
        else:
            ADD_HASHES_DOUBLE[used](&X[0, 0], n, m, &factor[0], &hashes[0])


def add_csr(uint64_t[::1] hashes, const real[::1] data, const integer[::1] indices, const integer[::1] indptr):
    """Add to ``hashes`` the hash of each row of a CSR matrix, whose indices must have been checked."""
    cdef Py_ssize_t i
    cdef integer q
    cdef uint64_t h
    with nogil:
        for i in range(hashes.shape[0]):
            h = 0
            for q in range(indptr[i], indptr[i + 1]):
                h += value_bits(data[q]) * column_factor(indices[q])
            hashes[i] += h
