/* The arithmetic of one layer, for one type REAL and one level of the processor (see _kernel.h).

   A layer with m units and n inputs: W is m x n, z = W a + b. The first layer's weights lie input by input (row k
   holds the weights of input k in every unit), so that an input of 0 costs nothing and a sparse sample touches only the
   rows of its nonzeros. The others' lie unit by unit, as in the lecture. Rows are `stride` apart and padded with zeros
   up to it; `n` and `m` below may count the padding, which every function leaves at zero.

   Four rows are taken at a time: z (or e) is then read and written once for four rows of weights. */

/* A sample as the list of its nonzeros: x[index[q]] = value[q]. */
typedef struct {
    const int32_t *index;
    const REAL *value;
    ptrdiff_t count;
} FN(row_t);

/* ---- First layer ---- */

/* z = scale W x + b                                                          IN W, scale, b, x   OUT z */
static void FN(first_forward)(const REAL *restrict W, ptrdiff_t stride, REAL scale, const REAL *restrict b, FN(row_t) x,
                              REAL *restrict z, ptrdiff_t m) {
    ptrdiff_t q = 0;
    for (ptrdiff_t j = 0; j < m; j++) z[j] = 0;
    for (; q + 4 <= x.count; q += 4) {
        const REAL *restrict w0 = W + x.index[q] * stride, *restrict w1 = W + x.index[q + 1] * stride;
        const REAL *restrict w2 = W + x.index[q + 2] * stride, *restrict w3 = W + x.index[q + 3] * stride;
        const REAL x0 = x.value[q], x1 = x.value[q + 1], x2 = x.value[q + 2], x3 = x.value[q + 3];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += (x0 * w0[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j]);
    }
    for (; q < x.count; q++) {
        const REAL *restrict w0 = W + x.index[q] * stride;
        const REAL x0 = x.value[q];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += x0 * w0[j];
    }
    SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] = scale * z[j] + b[j];
}

/* W <- W - tau delta x^T,  b <- b - tau_b delta                             IN delta, x   IN/OUT W, b
   (tau is tau_b over the scale of W) */
static void FN(first_update)(REAL *restrict W, ptrdiff_t stride, REAL *restrict b, const REAL *restrict delta,
                             FN(row_t) x, REAL tau, REAL tau_b, ptrdiff_t m) {
    for (ptrdiff_t q = 0; q < x.count; q++) {
        REAL *restrict w0 = W + x.index[q] * stride;
        const REAL g0 = tau * x.value[q];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) w0[j] -= g0 * delta[j];
    }
    SIMD() for (ptrdiff_t j = 0; j < m; j++) b[j] -= tau_b * delta[j];
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
