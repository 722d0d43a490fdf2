/* The input of the kernel: the network, the rule and the samples. kernel.pyx fills these structs. */

#ifndef SKBACKPROP_TYPES_H
#define SKBACKPROP_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Size in bytes of the widest register and of a cache line. */
#define REGISTER_BYTES 64

/* The exponential clips its argument x to +-EXP_MAX, the largest integer for which 2^(x / ln 2) and its inverse are
   both normal numbers. */
#define EXP_MAX_FLOAT 87
#define EXP_MAX_DOUBLE 708

/* Returned in place of the sum of losses if out of memory. */
#define NO_MEMORY (-1.)

/* The network. Arrays have one entry per layer, 0..L; layer 0 is the input.

   W^1 has a row for each input: M[0] rows of stride[1] values. The other W^l have a row for each unit: M[l] rows of
   stride[l-1] values, plus up to 3 rows of zeros to make a multiple of four. Every row and every layer's vector is
   padded with zeros from M[l] to stride[l] values, which fill whole registers, so that no loop ends in a scalar
   remainder. */
typedef struct {
    ptrdiff_t L;
    const ptrdiff_t *M;      /* number of units; M[0] is the number of features */
    const ptrdiff_t *stride; /* the same, including padding (stride[0] is not used) */
    const ptrdiff_t *W, *b;  /* where W^l and b^l start in the parameter vector */
    const int *activation;   /* index into ACTIVATIONS */
    int loss;                /* index into LOSSES */
    double quantile;         /* of the quantile loss */
} network_t;

/* The network of a fitted estimator, for predictions: W[l] has a row of M[l] values for each unit below. */
typedef struct {
    ptrdiff_t L;
    const ptrdiff_t *M;
    const int *activation;
    const void *const *W, *const *b;
} layers_t;

/* How gradients become steps. The moments and the gradient are vectors like the parameters. */
typedef struct {
    int code;                /* index into RULES, or GRADIENT_ONLY, or LOSS_ONLY */
    ptrdiff_t batch_size;
    double tau, alpha;       /* step size, L2 penalty */
    double momentum;         /* of momentum and Nesterov's; beta_1 of Adam */
    double beta_2, epsilon;
    void *first, *second;    /* moments, if the rule has them */
    int64_t t;               /* updates made so far */
    void *gradient;          /* of a batch; for batch_size > 1 */
    const double *dropout;   /* of layer l = 0..L-1, the input's first: see drop_out in sample.h */
    const uint16_t *noise;   /* random numbers, one row per draw; NULL: no dropout */
    int threads;             /* of the process that may be at work in the kernel during this call */
} rule_t;

enum { LOSS_ONLY = -2, GRADIENT_ONLY, SGD, MOMENTUM, NESTEROV, ADAM };
#define NOISE_RANGE 65536
#define NOISE_OF_INPUT 4

/* The samples. X is dense (indptr NULL; rows of M[0] values) or CSR. The targets are rows of M[L] values or (Y NULL)
   codes: the index of the one output that should be 1, all others being 0. */
typedef struct {
    const void *X, *indices, *indptr;
    int wide_indices;        /* indices and indptr are 64-bit integers, not 32-bit */
    ptrdiff_t longest_row;   /* the largest number of values stored for a sample */
    const void *Y;
    const int32_t *codes;
    const double *weights;   /* multiplies each sample's loss (NULL: 1) */
} samples_t;

/* Trains on the samples draws[0], draws[1], .... Changes params, and scale, by which their W^1 is multiplied (see
   `shrink` in sample.h). Returns the sum of the f_i, or NO_MEMORY. */
typedef double (*training_t)(const network_t *net, const rule_t *rule, void *params, double *scale,
                             const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws);

/* Writes a^L of n samples to `out`. Returns 0 where there is no memory. */
typedef int (*prediction_t)(const layers_t *net, const samples_t *samples, ptrdiff_t n, int threads, void *out);

/* The units of a wide hidden layer are divided into parts that threads can work on side by side (parts.h). Only the
   network's shape decides into how many, as the order of the sums in z^2 depends on it. */
#define WIDE ((ptrdiff_t)1 << 17) /* values in W^1 from which on a network with one hidden layer has parts, */
#define WIDE_UNITS 1024           /* two, and two more for so many units */
static ptrdiff_t parts_of(const network_t *net) {
    return net->L == 2 && net->M[0] * net->stride[1] >= WIDE ? 2 * (1 + net->stride[1] / WIDE_UNITS) : 1;
}

/* The number of units in layers 1..l-1, including padding. */
static ptrdiff_t units_before(const network_t *net, ptrdiff_t l) {
    ptrdiff_t sum = 0;
    for (ptrdiff_t k = 1; k < l; k++) sum += net->stride[k];
    return sum;
}

/* In the noise of a draw, layer l's numbers begin here: the layers before it have NOISE_OF_INPUT and one for each unit,
   padding included, unless nothing of them is left out. */
static ptrdiff_t noise_before(const network_t *net, const double *dropout, ptrdiff_t l) {
    ptrdiff_t sum = 0;
    for (ptrdiff_t k = 0; k < l; k++)
        if (dropout[k] > 0) sum += k ? net->stride[k] : NOISE_OF_INPUT;
    return sum;
}
#endif
