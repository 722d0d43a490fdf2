/* The compiled half of skbackprop.

   processor.h   the levels of the processor
   types.h       what the kernel is told: the network, the rule, the samples
   threads.h     several threads for one call
   memory.h      memory that one call leaves for the next
   functions.h   activations and losses
   layers.h      the arithmetic of one layer: z = W a; backprop and update
   products.h    the arithmetic of a layer for several samples: products of matrices
   sample.h      what a step works on: the drawn sample, z, a, delta; activation, dropout, loss
   steps.h       the lecture: forward pass, backprop, update, sample after sample
   parts.h       the same with a wide hidden layer, on several threads
   rules.h       the other rules: momentum, Nesterov's, Adam
   lists.h       the nonzeros of a batch, if most of its inputs are 0
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

#include "memory.h"
#include "processor.h"
#include "threads.h"
#include "types.h"

/* Bytes, rounded up to whole registers. */
static size_t aligned(size_t bytes) {
    return (bytes + REGISTER_BYTES - 1) / REGISTER_BYTES * REGISTER_BYTES;
}

/* What every processor of this kind has: SSE2 on x86-64, NEON on arm64 */
#define LEVEL baseline
#define VECTOR_BYTES 16
#include "precisions.h"
#undef LEVEL
#undef VECTOR_BYTES

#ifdef X86_LEVELS
TARGET(AVX2)
#define LEVEL avx2
#define VECTOR_BYTES 32
#include "precisions.h"
#undef LEVEL
#undef VECTOR_BYTES
END_TARGET

TARGET(AVX512)
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
        #level, BOTH(steps_on_threads, level), BOTH(steps_by_rule, level), BOTH(batches, level),               \
            BOTH(predict, level), activation_float_##level, activation_double_##level                                     \
    }
static const level_t LEVELS[] = {
    ENTRY(baseline),
#ifdef X86_LEVELS
    ENTRY(avx2),
    ENTRY(avx512),
#endif
};

#endif
