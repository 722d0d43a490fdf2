/* The hashes of dense rows (see rows.pyx), for float and double and for every level of the processor: they consist of
   products of 64-bit integers, for which AVX-512 has an instruction. All levels give the same numbers. */

#ifndef SKBACKPROP_HASHES_H
#define SKBACKPROP_HASHES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "processor.h"

/* The value's bits, mixed; 0 for both zeros. */
static inline uint64_t value_bits(double value) {
    uint64_t bits;
    value += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &value, sizeof bits);
    bits *= 0xBF58476D1CE4E5B9u;
    return bits ^ bits >> 32;
}

/* hashes_i += sum_k value_bits(x_ik) factor_k for n rows of m values; a 0 adds 0, so no branch is needed.
   IN X, factor   IN/OUT hashes */
#define ADD_HASHES(real, level)                                                                                       \
    static void JOIN(add_hashes, real, level)(const real *X, ptrdiff_t n, ptrdiff_t m, const uint64_t *factor,        \
                                              uint64_t *hashes) {                                                     \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
            uint64_t sum = 0;                                                                                         \
            SIMD(reduction(+ : sum)) for (ptrdiff_t k = 0; k < m; k++) sum += value_bits(X[i * m + k]) * factor[k];   \
            hashes[i] += sum;                                                                                         \
        }                                                                                                             \
    }
ADD_HASHES(float, baseline)
ADD_HASHES(double, baseline)
#ifdef X86_LEVELS
TARGET(AVX2)
ADD_HASHES(float, avx2)
ADD_HASHES(double, avx2)
END_TARGET
TARGET(AVX512)
ADD_HASHES(float, avx512)
ADD_HASHES(double, avx512)
END_TARGET
#endif

/* By level, lowest first. */
static void (*const ADD_HASHES_FLOAT[])(const float *, ptrdiff_t, ptrdiff_t, const uint64_t *, uint64_t *) = {
    add_hashes_float_baseline,
#ifdef X86_LEVELS
    add_hashes_float_avx2, add_hashes_float_avx512,
#endif
};
static void (*const ADD_HASHES_DOUBLE[])(const double *, ptrdiff_t, ptrdiff_t, const uint64_t *, uint64_t *) = {
    add_hashes_double_baseline,
#ifdef X86_LEVELS
    add_hashes_double_avx2, add_hashes_double_avx512,
#endif
};
#endif
