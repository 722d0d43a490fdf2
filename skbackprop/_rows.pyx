# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A 64-bit hash of each row of a matrix, dense or CSR: the key of the canonical order of the samples (_sampling.py).

The hash is a sum over the row's nonzeros of a mixture of column and value. Zeros add nothing and the order of the terms
does not matter, so that the same matrix has the same hashes dense and CSR, in float32 and in float64.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy

ctypedef fused real:
    float
    double

ctypedef fused integer:
    int32_t
    int64_t


cdef inline uint64_t mix(uint64_t column, double value) noexcept nogil:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014) on the column and the value's bits."""
    cdef uint64_t bits
    memcpy(&bits, &value, 8)
    bits = (bits ^ (bits >> 32)) * <uint64_t>0xBF58476D1CE4E5B9 + (column + 1) * <uint64_t>0x9E3779B97F4A7C15
    bits = (bits ^ (bits >> 30)) * <uint64_t>0x94D049BB133111EB
    bits = (bits ^ (bits >> 27)) * <uint64_t>0xBF58476D1CE4E5B9
    return bits ^ (bits >> 31)


def add_dense(uint64_t[::1] hashes, const real[:, ::1] X, uint64_t first_column=0):
    """Add the hash of each row of X, whose columns count from ``first_column``, to ``hashes``."""
    cdef Py_ssize_t i, k
    cdef uint64_t h
    with nogil:
        for i in range(X.shape[0]):
            h = 0
            for k in range(X.shape[1]):
                if X[i, k] != 0:
                    h += mix(first_column + k, X[i, k])
            hashes[i] += h


def add_csr(uint64_t[::1] hashes, const real[::1] data, const integer[::1] indices, const integer[::1] indptr):
    """Add the hash of each row of a CSR matrix, whose indices have been checked, to ``hashes``."""
    cdef Py_ssize_t i
    cdef integer q
    cdef uint64_t h
    with nogil:
        for i in range(hashes.shape[0]):
            h = 0
            for q in range(indptr[i], indptr[i + 1]):
                if data[q] != 0:
                    h += mix(indices[q], data[q])
            hashes[i] += h
