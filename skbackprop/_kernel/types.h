/* What the kernel is told: the network, the rule, the samples. kernel.pyx fills these structs. */

#ifndef SKBACKPROP_TYPES_H
#define SKBACKPROP_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the widest register, and of a line of the cache. */
#define REGISTER_BYTES 64

/* The exponential cuts its argument x at +-EXP_MAX, the largest whole number for which 2^(x / ln 2) and its inverse are
   both normal numbers. */
#define EXP_MAX_FLOAT 87
#define EXP_MAX_DOUBLE 708

/* The sum of losses that stands for "no memory". */
#define NO_MEMORY (-1.)

/* The network. Arrays have one entry a layer, 0..L; layer 0 is the input.

   W^1 has a row for each input, M[0] rows of stride[1] values; the other W^l have a row for each unit, M[l] rows of
   stride[l-1] values, and up to 3 rows of zeros to make whole fours. Every row, and every layer's vector, is padded with
   zeros, from M[l] to stride[l] values: whole registers. So no loop over them ends in a scalar remainder. */
typedef struct {
    ptrdiff_t L;
    const ptrdiff_t *M;      /* number of units; M[0] is the number of features */
    const ptrdiff_t *stride; /* the same, padding included (stride[0] is not used) */
    const ptrdiff_t *W, *b;  /* where W^l and b^l start in the parameter vector */
    const int *activation;   /* index into ACTIVATIONS */
    int loss;                /* index into LOSSES */
    double quantile;         /* which one the quantile loss is for */
} network_t;

/* The network of a fitted estimator, for predictions: W[l] has a row of M[l] values for each unit below. */
typedef struct {
    ptrdiff_t L;
    const ptrdiff_t *M;
    const int *activation;
    const void *const *W, *const *b;
} layers_t;

/* How steps are made of gradients. The moments and the gradient are vectors like the parameters. */
typedef struct {
    int code;                /* index into RULES, or GRADIENT_ONLY */
    ptrdiff_t batch_size;
    double tau, alpha;       /* step size, L2 penalty */
    double momentum;         /* of momentum and Nesterov's; beta_1 of Adam */
    double beta_2, epsilon;
    void *first, *second;    /* moments, where the rule has them */
    int64_t t;               /* updates made so far */
    void *gradient;          /* of a batch; for batch_size > 1 */
    double dropout;          /* a hidden unit is left out of a draw where noise / NOISE_RANGE < dropout */
    const uint16_t *noise;   /* for every draw a number for each hidden unit, padding included; NULL: no dropout */
    int threads;             /* of the process that may be at work in the kernel while this call is */
} rule_t;

enum { GRADIENT_ONLY = -1, SGD, MOMENTUM, NESTEROV, ADAM };
#define NOISE_RANGE 65536

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

/* Trains with the samples draws[0], draws[1], ...: changes params and scale, by which W^1 in them is multiplied (see
   `shrink` in sample.h). Returns the sum of the f_i, or NO_MEMORY. */
typedef double (*training_t)(const network_t *net, const rule_t *rule, void *params, double *scale,
                             const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws);

/* Writes a^L of n samples to `out`. Returns 0 where there is no memory. */
typedef int (*prediction_t)(const layers_t *net, const samples_t *samples, ptrdiff_t n, int threads, void *out);

/* The units of layers 1..l-1, padding included: in the noise of a draw, layer l's numbers begin there. */
static ptrdiff_t units_before(const network_t *net, ptrdiff_t l) {
    ptrdiff_t sum = 0;
    for (ptrdiff_t k = 1; k < l; k++) sum += net->stride[k];
    return sum;
}
#endif
