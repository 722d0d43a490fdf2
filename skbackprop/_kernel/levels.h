/* The compiled half of skbackprop.

   types.h       what the kernel is told: the network, the rule, the samples
   threads.h     several threads for one call
   functions.h   activations and losses
   layers.h      the arithmetic of one layer: z = W a; backprop and update
   products.h    the arithmetic of a layer for several samples: products of matrices
   sample.h      what a step works on: the drawn sample, z, a, delta; activation, dropout, loss
   steps.h       the lecture: forward pass, backprop, update, sample after sample
   rules.h       the other rules: momentum, Nesterov's, Adam
   batches.h     the same for several samples at a time: matrices in place of vectors
   predictions.h the forward pass alone, with the weights of a fitted estimator
   precisions.h  these for float and for double
   levels.h      these for every level of the processor

   The kernel is written once and compiled here for several levels of the processor. The best one available is chosen
   when the module is imported, so that one binary, built without -march=native, runs at full speed on every machine.

   There is no -ffast-math, so that NaN and infinity keep their meaning. `omp simd` lets the compiler reorder sums, but
   only in the loops that carry it. */

#ifndef SKBACKPROP_LEVELS_H
#define SKBACKPROP_LEVELS_H

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "threads.h"
#include "types.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define restrict __restrict
#define SIMD(...)
#else
#define PRAGMA(...) _Pragma(#__VA_ARGS__)
#define SIMD(...) PRAGMA(omp simd __VA_ARGS__)
#endif

/* Bytes, rounded up to whole registers. */
static size_t aligned(size_t bytes) {
    return (bytes + REGISTER_BYTES - 1) / REGISTER_BYTES * REGISTER_BYTES;
}

#define JOIN_(name, real, level) name##_##real##_##level
#define JOIN(name, real, level) JOIN_(name, real, level)
#define FN(name) JOIN(name, REAL, LEVEL)

/* What every processor of this kind has: SSE2 on x86-64, NEON on arm64 */
#define LEVEL baseline
#define VECTOR_BYTES 16
#include "precisions.h"
#undef LEVEL
#undef VECTOR_BYTES

#if defined(__x86_64__) && defined(__GNUC__)
#define X86_LEVELS 1
#include <cpuid.h>

#ifdef __clang__
#define TARGET(features) PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#else
#define TARGET(features) PRAGMA(GCC push_options) PRAGMA(GCC target(features))
#define END_TARGET PRAGMA(GCC pop_options)
#endif

/* AVX2: every x86-64 server and desktop since 2013 (Intel) and 2015 (AMD) */
TARGET("avx2,fma")
#define LEVEL avx2
#define VECTOR_BYTES 32
#include "precisions.h"
#undef LEVEL
#undef VECTOR_BYTES
END_TARGET

TARGET("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")
#define LEVEL avx512
#define VECTOR_BYTES 64
#include "precisions.h"
#undef LEVEL
#undef VECTOR_BYTES
END_TARGET
#endif

/* One row of the table: the kernel's entry points at one level, for float and for double. */
typedef struct {
    const char *name;
    training_t steps[2], steps_by_rule[2], batches[2];
    prediction_t predict[2];
    void (*activation_float)(const float *z, float *a, float *da, ptrdiff_t m, int index);
    void (*activation_double)(const double *z, double *a, double *da, ptrdiff_t m, int index);
} level_t;

#define BOTH(name, level) {name##_float_##level, name##_double_##level}
#define ENTRY(level)                                                                                \
    {                                                                                               \
        #level, BOTH(steps, level), BOTH(steps_by_rule, level), BOTH(batches, level),               \
            BOTH(predict, level), activation_float_##level, activation_double_##level                                     \
    }
static const level_t LEVELS[] = {
    ENTRY(baseline),
#ifdef X86_LEVELS
    ENTRY(avx2),
    ENTRY(avx512),
#endif
};

/* How many of LEVELS, from the first, this machine can run. __builtin_cpu_supports cannot be used, because with zig, to
   which the build falls back, it always returns 0. */
static int n_levels(void) {
#ifdef X86_LEVELS
    const unsigned avx2 = bit_AVX2, avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const unsigned needed = bit_FMA | bit_OSXSAVE;
    unsigned eax, ebx, ecx, edx, saved, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & needed) != needed) return 1;
    /* which registers the operating system saves: 0x06 up to ymm, 0xe6 up to zmm and the masks */
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & avx2) || (saved & 0x06) != 0x06) return 1;
    return (ebx & avx512) == avx512 && (saved & 0xe6) == 0xe6 ? 3 : 2;
#else
    return 1;
#endif
}
#endif
