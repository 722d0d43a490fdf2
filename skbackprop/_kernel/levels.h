/* The compiled half of skbackprop.

   functions.h   activations and losses
   layers.h      the arithmetic of one layer: z = W a + b; backprop and update
   rules.h       how a gradient becomes a step: plain, momentum, Nesterov's, Adam
   sample.h      what a step works on: the drawn sample, z, a, delta; activation, dropout, loss
   steps.h       the lecture: forward pass, backprop, update, sample after sample
   batches.h     the same for several samples at a time: matrices in place of vectors
   precisions.h      these for float and for double

   The kernel is written once and compiled here for several levels of the processor, of which the best that it has is
   picked when the module is imported: one binary, built without -march=native, runs on every machine at its full speed.

   There is no -ffast-math: `omp simd` allows the compiler to reorder a sum in the loops that carry it, and nowhere else,
   so that NaN and infinity keep their meaning. */

#ifndef SKBACKPROP_LEVELS_H
#define SKBACKPROP_LEVELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define restrict __restrict
#define SIMD(...)
#else
#define SIMD_PRAGMA(text) _Pragma(#text)
#define SIMD(...) SIMD_PRAGMA(omp simd __VA_ARGS__)
#endif

/* The network. Arrays have one entry a layer, 0..L; layer 0 is the input.

   Every row of weights, and every layer's vector, is padded with zeros, from M[l] to units[l] values: whole registers of
   64 bytes; and the rows of W^2, ..., W^L to whole fours. So no loop over them ends in a scalar remainder. */
typedef struct {
    ptrdiff_t L;
    const ptrdiff_t *M;      /* number of units; M[0] is the number of features */
    const ptrdiff_t *units;  /* the same, padding included (units[0] is not used) */
    const ptrdiff_t *W;      /* where W^l starts in the parameter vector: W^1 has M[0] rows of units[1], */
    const ptrdiff_t *b;      /* the other W^l M[l] rows (and up to 3 of zeros) of units[l-1];  where b^l starts */
    const int *activation;   /* index into ACTIVATIONS */
    int loss;                /* index into LOSSES */
    double quantile;         /* which one the quantile loss is for */
} network_t;

enum { SQUARED_ERROR, BINARY_LOG_LOSS, MULTINOMIAL_LOG_LOSS };

/* How steps are made of gradients. The moments and the gradient are vectors like the parameters. */
typedef struct {
    int rule;                /* index into RULES */
    ptrdiff_t batch_size;
    double tau, alpha;       /* step size, L2 penalty */
    double momentum;         /* of momentum and Nesterov's; beta_1 of Adam */
    double beta_2, epsilon;
    void *first, *second;    /* moments, where the rule has them */
    int64_t t;               /* updates made so far */
    void *gradient;          /* of a batch; for batch_size > 1 */
    const uint16_t *noise;   /* dropout (NULL: none): for every draw one number for each hidden unit, padding */
    double dropout;          /* included; the unit is left out where noise / 2^16 < dropout */
} solver_t;

enum { GRADIENT_ONLY = -1, SGD, MOMENTUM, NESTEROV, ADAM };

/* The samples. X is dense (indptr NULL; rows of M[0] values) or CSR; the targets are rows of M[L] values, or (Y NULL)
   codes: the one output that is to be 1, all others 0. */
typedef struct {
    const void *X, *indices, *indptr;
    int wide_indices;        /* indices and indptr are 64-bit integers, not 32-bit */
    ptrdiff_t longest_row;   /* the most values stored for one sample */
    const void *Y;
    const int32_t *codes;
    const double *weights;   /* multiplies each sample's loss (NULL: 1) */
} samples_t;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* BLAS's matrix product, which scipy brings along: set when the module is imported. */
static void (*gemm_float)(char *, char *, int *, int *, int *, float *, float *, int *, float *, int *, float *, float *,
                          int *);
static void (*gemm_double)(char *, char *, int *, int *, int *, double *, double *, int *, double *, int *, double *,
                           double *, int *);

#define JOIN_(name, real, level) name##_##real##_##level
#define JOIN(name, real, level) JOIN_(name, real, level)
#define FN(name) JOIN(name, REAL, LEVEL)
#define GEMM_(real) gemm_##real
#define GEMM(real) GEMM_(real)

static ptrdiff_t n_hidden_units(const network_t *net) {
    ptrdiff_t sum = 0;
    for (ptrdiff_t l = 1; l < net->L; l++) sum += net->units[l];
    return sum;
}

#define LEVEL baseline
#include "precisions.h"
#undef LEVEL

#if defined(__x86_64__) && defined(__GNUC__)
#define X86_LEVELS 1
#include <cpuid.h>

/* AVX2: every x86-64 server and desktop since 2013 (Intel) and 2015 (AMD) */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define LEVEL avx2
#include "precisions.h"
#undef LEVEL
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")
#endif
#define LEVEL avx512
#include "precisions.h"
#undef LEVEL
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* One row of the table: the kernel's entry points at one level, for float and for double. */
typedef struct {
    const char *name;
    double (*steps[2])(const network_t *net, const solver_t *solver, void *params, double *scale,
                       const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws);
    double (*batches[2])(const network_t *net, const solver_t *solver, void *params, double *scale,
                         const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws);
    void (*activation_float)(const float *z, float *a, float *da, ptrdiff_t m, int index);
    void (*activation_double)(const double *z, double *a, double *da, ptrdiff_t m, int index);
} level_t;

#define ENTRY(level)                                                                                 \
    {                                                                                                \
        #level, {steps_float_##level, steps_double_##level},                                         \
            {batches_float_##level, batches_double_##level}, activation_float_##level,               \
            activation_double_##level                                                                \
    }
static const level_t LEVELS[] = {
    ENTRY(baseline),
#ifdef X86_LEVELS
    ENTRY(avx2),
    ENTRY(avx512),
#endif
};

/* How many of LEVELS, from the first, this machine can run. __builtin_cpu_supports would say so too, but with zig, which
   the build falls back to, it always answers no. */
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
