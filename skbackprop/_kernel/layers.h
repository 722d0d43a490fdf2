/* The arithmetic of one layer, for one type REAL and one level of the processor (see precisions.h).

   For a layer with m units and n inputs, W is m x n and z = W a + b. The first layer's weights are stored by input (row
   k holds the weights of input k in every unit), so that an input of 0 costs nothing and a sparse sample only touches
   the rows of its nonzeros. All others are stored by unit, as in the lecture. The length of a row includes its padding,
   which every function leaves at zero.

   Rows are processed four or eight at a time, so that sums over them are read and written once for so many rows. */

/* A loop over a row or a layer's vector. The division tells the compiler that it consists of whole registers. */
#undef EACH
#define EACH(j, n) SIMD() for (ptrdiff_t j = 0; j < (n) / LANES * LANES; j++)

/* ---- First layer ---- */

/* A sample: x[k] for every input k, or (index not NULL) the list of its nonzeros, x[index[q]] = value[q]. */
typedef struct {
    const REAL *value;
    const int32_t *index;
    ptrdiff_t count;
} FN(row_t);

/* In one pass over W, so that each weight is read and written once:
   W <- W - delta last^T,  z = W x               IN delta (times the step size), last, x   IN/OUT W   OUT z */
static void FN(first_update_and_forward)(REAL *restrict W, ptrdiff_t m, const REAL *restrict delta,
                                         const REAL *restrict last, const REAL *restrict x, REAL *restrict z,
                                         ptrdiff_t n) {
    ptrdiff_t k = 0;
    EACH(j, m) z[j] = 0;
    for (; k + 4 <= n; k += 4) {
        REAL *restrict w0 = W + k * m, *restrict w1 = w0 + m, *restrict w2 = w1 + m, *restrict w3 = w2 + m;
        const REAL g0 = last[k], g1 = last[k + 1], g2 = last[k + 2], g3 = last[k + 3];
        const REAL x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
        EACH(j, m) {
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
        EACH(j, m) {
            w0[j] -= g0 * delta[j];
            z[j] += x0 * w0[j];
        }
    }
}

/* The same for samples given by their nonzeros. Their rows of W generally differ, so this takes two passes.

   z = W x                                                                    IN W, x   OUT z
   Each z_j is summed in the order of the nonzeros, and is read and written once per eight of them. */
#undef ADD_ROWS
#define ADD_ROWS(rows)                                               \
    for (; q + rows <= x->count; q += rows) {                        \
        const REAL *w[rows];                                         \
        REAL x_q[rows];                                              \
        for (int i = 0; i < rows; i++) {                             \
            w[i] = W + x->index[q + i] * ld;                         \
            x_q[i] = x->value[q + i];                                \
        }                                                            \
        EACH(j, m) {                                                 \
            REAL sum = z[j];                                         \
            for (int i = 0; i < rows; i++) sum += x_q[i] * w[i][j];  \
            z[j] = sum;                                              \
        }                                                            \
    }

static void FN(first_forward)(const REAL *restrict W, ptrdiff_t ld, ptrdiff_t m, const FN(row_t) * x, REAL *restrict z) {
    ptrdiff_t q = 0;
    EACH(j, m) z[j] = 0;
    ADD_ROWS(8)
    ADD_ROWS(4)
    ADD_ROWS(2)
    ADD_ROWS(1)
}

/* W <- W - delta last^T                                                      IN delta, last   IN/OUT W */
static void FN(first_update)(REAL *restrict W, ptrdiff_t m, const REAL *restrict delta, const FN(row_t) * last) {
    for (ptrdiff_t q = 0; q < last->count; q++) {
        REAL *restrict w0 = W + last->index[q] * m;
        const REAL g0 = last->value[q];
        EACH(j, m) w0[j] -= g0 * delta[j];
    }
}

/* ---- Every other layer ---- */

/* The upper half of each of four sums, added to the lower half. */
static inline void FN(halve)(REAL sum[4][LANES], const int half) {
    for (int r = 0; r < 4; r++) SIMD() for (int v = 0; v < half; v++) sum[r][v] += sum[r][v + half];
}

/* z = W a + b, or the part of it that n columns of W give; W's rows are ld values apart.   IN W, b, a   OUT z
   A sum over k is kept in as many parts as a register has values. The compiler (`reduction`) would add these up one by
   one. */
static void FN(forward)(const REAL *restrict W, ptrdiff_t ld, const REAL *restrict b, const REAL *restrict a,
                        REAL *restrict z, ptrdiff_t m, ptrdiff_t n) {
    for (ptrdiff_t j = 0; j < m; j += 4) {
        const REAL *restrict w0 = W + j * ld, *restrict w1 = w0 + ld, *restrict w2 = w1 + ld, *restrict w3 = w2 + ld;
        REAL sum[4][LANES] = {{0}};
        for (ptrdiff_t k = 0; k < n; k += LANES) {
            SIMD() for (int v = 0; v < LANES; v++) {
                sum[0][v] += w0[k + v] * a[k + v];
                sum[1][v] += w1[k + v] * a[k + v];
                sum[2][v] += w2[k + v] * a[k + v];
                sum[3][v] += w3[k + v] * a[k + v];
            }
        }
        if (LANES > 8) FN(halve)(sum, 8);
        FN(halve)(sum, 4);
        for (int r = 0; r < 4; r++) z[j + r] = ((sum[r][0] + sum[r][2]) + (sum[r][1] + sum[r][3])) + b[j + r];
    }
}

/* In one pass over W, so that each weight is read and written once:
   below = (W^T delta) . da, at the weights before the update; then
   W <- decay W - tau delta a^T                                  IN delta, a, da   IN/OUT W   OUT below
   That is delta^(l-1) from delta^l, and the update of W^l. */
static void FN(backprop_and_update_layer)(REAL *restrict W, const REAL *restrict delta, const REAL *restrict a,
                                          const REAL *restrict da, REAL *restrict below, REAL tau, REAL decay,
                                          ptrdiff_t m, ptrdiff_t n) {
    EACH(k, n) below[k] = 0;
    for (ptrdiff_t j = 0; j < m; j += 4) {
        REAL *restrict w0 = W + j * n, *restrict w1 = w0 + n, *restrict w2 = w1 + n, *restrict w3 = w2 + n;
        const REAL d0 = delta[j], d1 = delta[j + 1], d2 = delta[j + 2], d3 = delta[j + 3];
        const REAL g0 = tau * d0, g1 = tau * d1, g2 = tau * d2, g3 = tau * d3;
        EACH(k, n) {
            below[k] += (d0 * w0[k] + d1 * w1[k]) + (d2 * w2[k] + d3 * w3[k]);
            w0[k] = decay * w0[k] - g0 * a[k];
            w1[k] = decay * w1[k] - g1 * a[k];
            w2[k] = decay * w2[k] - g2 * a[k];
            w3[k] = decay * w3[k] - g3 * a[k];
        }
    }
    EACH(k, n) below[k] *= da[k];
}
