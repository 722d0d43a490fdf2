/* The arithmetic of one layer, for one type REAL and one level of the processor (see _kernel.h).

   A layer with m units and n inputs: W is m x n, z = W a + b. The first layer's weights lie input by input (row k
   holds the weights of input k in every unit), so that an input of 0 costs nothing and a sparse sample touches only the
   rows of its nonzeros. The others' lie unit by unit, as in the lecture. Rows are `stride` apart and padded with zeros
   up to it; `n` and `m` below may count the padding, which every function leaves at zero.

   Four rows are taken at a time: z (or e) is then read and written once for four rows of weights. */

/* ---- First layer ---- */

/* A sample: x[k] for every input k, or (index not NULL) the list of its nonzeros, x[index[q]] = value[q]. */
typedef struct {
    const REAL *value;
    const int32_t *index;
    ptrdiff_t count;
} FN(row_t);

/* One pass over W does two things, so that each weight is read and written once a step: the update with the gradient
   delta of the last sample, and the sum z = W x for the next.

   W <- W - delta last^T,  z = W x               IN delta (times the step size), last, x   IN/OUT W   OUT z */
static void FN(first_update_and_forward)(REAL *restrict W, ptrdiff_t m, const REAL *restrict delta,
                                         const REAL *restrict last, const REAL *restrict x, REAL *restrict z,
                                         ptrdiff_t n) {
    ptrdiff_t k = 0;
    for (ptrdiff_t j = 0; j < m; j++) z[j] = 0;
    for (; k + 4 <= n; k += 4) {
        REAL *restrict w0 = W + k * m, *restrict w1 = w0 + m, *restrict w2 = w1 + m, *restrict w3 = w2 + m;
        const REAL g0 = last[k], g1 = last[k + 1], g2 = last[k + 2], g3 = last[k + 3];
        const REAL x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) {
            const REAL v0 = w0[j] - g0 * delta[j], v1 = w1[j] - g1 * delta[j];
            const REAL v2 = w2[j] - g2 * delta[j], v3 = w3[j] - g3 * delta[j];
            w0[j] = v0;
            w1[j] = v1;
            w2[j] = v2;
            w3[j] = v3;
            z[j] += (x0 * v0 + x1 * v1) + (x2 * v2 + x3 * v3);
        }
    }
    for (; k < n; k++) {
        REAL *restrict w0 = W + k * m;
        const REAL g0 = last[k], x0 = x[k];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) {
            w0[j] -= g0 * delta[j];
            z[j] += x0 * w0[j];
        }
    }
}

/* The same two for samples given by their nonzeros, whose rows of W are in general not the same: two passes.
   z = W x                                                                    IN W, x   OUT z */
static void FN(first_forward)(const REAL *restrict W, ptrdiff_t m, FN(row_t) x, REAL *restrict z) {
    ptrdiff_t q = 0;
    for (ptrdiff_t j = 0; j < m; j++) z[j] = 0;
    for (; q + 4 <= x.count; q += 4) {
        const REAL *restrict w0 = W + x.index[q] * m, *restrict w1 = W + x.index[q + 1] * m;
        const REAL *restrict w2 = W + x.index[q + 2] * m, *restrict w3 = W + x.index[q + 3] * m;
        const REAL x0 = x.value[q], x1 = x.value[q + 1], x2 = x.value[q + 2], x3 = x.value[q + 3];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += (x0 * w0[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j]);
    }
    for (; q < x.count; q++) {
        const REAL *restrict w0 = W + x.index[q] * m;
        const REAL x0 = x.value[q];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += x0 * w0[j];
    }
}

/* W <- W - delta last^T                                                      IN delta, last   IN/OUT W */
static void FN(first_update)(REAL *restrict W, ptrdiff_t m, const REAL *restrict delta, FN(row_t) last) {
    for (ptrdiff_t q = 0; q < last.count; q++) {
        REAL *restrict w0 = W + last.index[q] * m;
        const REAL g0 = last.value[q];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) w0[j] -= g0 * delta[j];
    }
}

/* ---- Every other layer ---- */

/* z = W a + b                                                                IN W, b, a   OUT z */
static void FN(forward)(const REAL *restrict W, ptrdiff_t stride, const REAL *restrict b, const REAL *restrict a,
                        REAL *restrict z, ptrdiff_t m, ptrdiff_t n) {
    ptrdiff_t j = 0;
    for (; j + 4 <= m; j += 4) {
        const REAL *restrict w0 = W + j * stride, *restrict w1 = w0 + stride;
        const REAL *restrict w2 = w1 + stride, *restrict w3 = w2 + stride;
        REAL z0 = 0, z1 = 0, z2 = 0, z3 = 0;
        SIMD(reduction(+ : z0, z1, z2, z3)) for (ptrdiff_t k = 0; k < n; k++) {
            z0 += w0[k] * a[k];
            z1 += w1[k] * a[k];
            z2 += w2[k] * a[k];
            z3 += w3[k] * a[k];
        }
        z[j] = z0 + b[j];
        z[j + 1] = z1 + b[j + 1];
        z[j + 2] = z2 + b[j + 2];
        z[j + 3] = z3 + b[j + 3];
    }
    for (; j < m; j++) {
        const REAL *restrict w0 = W + j * stride;
        REAL z0 = 0;
        SIMD(reduction(+ : z0)) for (ptrdiff_t k = 0; k < n; k++) z0 += w0[k] * a[k];
        z[j] = z0 + b[j];
    }
}

/* In one pass over W, so that each weight is read and written once:
   e = W^T delta, at the weights before the update; then
   W <- decay W - tau delta a^T,  b <- b - tau delta                          IN delta, a   IN/OUT W, b   OUT e */
static void FN(backprop_and_update)(REAL *restrict W, ptrdiff_t stride, REAL *restrict b, const REAL *restrict delta,
                                    const REAL *restrict a, REAL *restrict e, REAL tau, REAL decay, ptrdiff_t m,
                                    ptrdiff_t n) {
    ptrdiff_t j = 0;
    for (ptrdiff_t k = 0; k < n; k++) e[k] = 0;
    for (; j + 4 <= m; j += 4) {
        REAL *restrict w0 = W + j * stride, *restrict w1 = w0 + stride;
        REAL *restrict w2 = w1 + stride, *restrict w3 = w2 + stride;
        const REAL d0 = delta[j], d1 = delta[j + 1], d2 = delta[j + 2], d3 = delta[j + 3];
        const REAL g0 = tau * d0, g1 = tau * d1, g2 = tau * d2, g3 = tau * d3;
        SIMD() for (ptrdiff_t k = 0; k < n; k++) {
            e[k] += (d0 * w0[k] + d1 * w1[k]) + (d2 * w2[k] + d3 * w3[k]);
            w0[k] = decay * w0[k] - g0 * a[k];
            w1[k] = decay * w1[k] - g1 * a[k];
            w2[k] = decay * w2[k] - g2 * a[k];
            w3[k] = decay * w3[k] - g3 * a[k];
        }
    }
    for (; j < m; j++) {
        REAL *restrict w0 = W + j * stride;
        const REAL d0 = delta[j], g0 = tau * d0;
        SIMD() for (ptrdiff_t k = 0; k < n; k++) {
            e[k] += d0 * w0[k];
            w0[k] = decay * w0[k] - g0 * a[k];
        }
    }
    for (j = 0; j < m; j++) b[j] -= tau * delta[j];
}
