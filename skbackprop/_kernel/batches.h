/* The same algorithm for several samples at a time (mini-batches), for one type REAL and one level of the processor
   (see precisions.h). What steps.h does with vectors is done here with matrices, of one row a sample, by BLAS: the sum
   of the samples' gradients is written down, and the rule makes a step of their mean. */

/* A batch is taken in slices; the sum of the gradients goes on from slice to slice. A slice has about SLICE_VALUES values
   in all layers together, so that it stays in the cache; but at least SLICE_ROWS_MIN samples, below which BLAS is slow,
   and at most SLICE_ROWS_MAX, above which it gets no faster. */
#undef SLICE_VALUES
#undef SLICE_ROWS_MIN
#undef SLICE_ROWS_MAX
#define SLICE_VALUES ((ptrdiff_t)1 << 22)
#define SLICE_ROWS_MIN 16
#define SLICE_ROWS_MAX 256

/* C (m x n) = A B + beta C, row by row in memory; lda, ldb, ldc apart. 't' takes a matrix transposed. BLAS counts by
   columns: it is given B^T A^T = C^T. */
static void FN(product)(char trans_a, char trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, REAL *A, ptrdiff_t lda,
                        REAL *B, ptrdiff_t ldb, REAL beta, REAL *C, ptrdiff_t ldc) {
    int m_ = (int)m, n_ = (int)n, k_ = (int)k, lda_ = (int)lda, ldb_ = (int)ldb, ldc_ = (int)ldc;
    REAL one = 1;
    GEMM(REAL)(&trans_b, &trans_a, &n_, &m_, &k_, &one, B, &ldb_, A, &lda_, &beta, C, &ldc_);
}

/* Z^l = A^(l-1) (W^l)^T + b^l (2) for n samples, the draws t, t+1, ... */
static void FN(forward_batch)(const FN(state_t) * s, ptrdiff_t l, const int64_t *draws, ptrdiff_t t, ptrdiff_t n) {
    const ptrdiff_t *M = s->net->M, *stride = s->net->stride, m = stride[l];
    const REAL *restrict b = s->b[l], scale = l == 1 ? (REAL)*s->scale : 1;
    REAL *restrict z = s->z[l];
    if (l > 1)
        FN(product)('n', 't', n, M[l], M[l - 1], s->a[l - 1], stride[l - 1], s->W[l], stride[l - 1], 0, z, m);
    else if (s->samples->indptr)
        for (ptrdiff_t r = 0; r < n; r++) {
            const FN(row_t) x = FN(sample)(s, draws[t + r], 0);
            FN(first_forward)(s->W[1], m, &x, z + r * m);
        }
    else
        FN(product)('n', 'n', n, M[1], M[0], s->a[0], M[0], s->W[1], m, 0, z, m);
    for (ptrdiff_t r = 0; r < n; r++)
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[r * m + j] = scale * z[r * m + j] + b[j];
}

/* Forward pass and backprop of n samples, the draws t, t+1, ...: a, delta. Returns the sum of their f_i. */
static double FN(forward_and_backprop)(const FN(state_t) * s, const int64_t *draws, ptrdiff_t t, ptrdiff_t n) {
    const network_t *net = s->net;
    const ptrdiff_t L = net->L, *M = net->M, *stride = net->stride;
    double sum = 0;
    if (!s->samples->indptr)
        for (ptrdiff_t r = 0; r < n; r++)
            memcpy(s->a[0] + r * M[0], FN(dense_sample)(s, draws[t + r]).value, M[0] * sizeof(REAL));
    for (ptrdiff_t l = 1; l <= L; l++) {
        FN(forward_batch)(s, l, draws, t, n);
        for (ptrdiff_t r = 0; r < n; r++) FN(activate)(s, l, r, t + r);
    }
    for (ptrdiff_t r = 0; r < n; r++) sum += FN(output_delta)(s, draws[t + r], r);
    for (ptrdiff_t l = L; l >= 2; l--) {
        REAL *restrict below = s->delta[l - 1], *restrict da = s->da[l - 1];
        FN(product)('n', 'n', n, M[l - 1], M[l], s->delta[l], stride[l], s->W[l], stride[l - 1], 0, below,
                    stride[l - 1]);
        SIMD() for (ptrdiff_t j = 0; j < n * stride[l - 1]; j++) below[j] *= da[j];
    }
    return sum;
}

/* The rows of W^1 that a batch of sparse samples touches: the inputs that at least one of them has a value for. */
typedef struct {
    int32_t *list;
    uint8_t *is_in_list; /* by input */
    ptrdiff_t count;
} FN(touched_t);

/* G <- beta G + the sum of the gradients (6), (7) of n samples, whose a and delta s holds; beta is 0 or 1. In the
   part of W^1 sparse samples add to what is there: `move` has left it at 0. */
static void FN(add_gradient)(const FN(state_t) * s, const int64_t *draws, ptrdiff_t t, ptrdiff_t n, REAL beta,
                             REAL *restrict G, FN(touched_t) * touched) {
    const network_t *net = s->net;
    const ptrdiff_t *M = net->M, *stride = net->stride;
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        const REAL *restrict delta = s->delta[l];
        REAL *restrict b = G + net->b[l];
        if (beta == 0)
            for (ptrdiff_t j = 0; j < stride[l]; j++) b[j] = 0;
        for (ptrdiff_t r = 0; r < n; r++)
            SIMD() for (ptrdiff_t j = 0; j < stride[l]; j++) b[j] += delta[r * stride[l] + j];
        if (l > 1)
            FN(product)('t', 'n', M[l], M[l - 1], n, s->delta[l], stride[l], s->a[l - 1], stride[l - 1], beta,
                        G + net->W[l], stride[l - 1]);
    }
    if (!s->samples->indptr) {
        FN(product)('t', 'n', M[0], M[1], n, s->a[0], M[0], s->delta[1], stride[1], beta, G + net->W[1], stride[1]);
        return;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        const FN(row_t) x = FN(sample)(s, draws[t + r], 0);
        for (ptrdiff_t q = 0; q < x.count; q++) {
            const int32_t k = x.index[q];
            if (!touched->is_in_list[k]) touched->list[touched->count++] = k;
            touched->is_in_list[k] = 1;
        }
        for (ptrdiff_t j = 0; j < stride[1]; j++) s->step[j] = -s->delta[1][r * stride[1] + j];
        FN(first_update)(G + net->W[1], stride[1], s->step, &x);
    }
}

/* One step by the rule, with the mean of n samples' gradients, whose sum is G. The rows of G that sparse samples
   touched are 0 afterwards. */
static void FN(move)(const FN(state_t) * s, const FN(mover_t) * r, ptrdiff_t n, REAL *restrict G,
                     FN(touched_t) * touched) {
    const network_t *net = s->net;
    const FN(move_t) move = FN(RULES)[s->rule->code];
    const REAL alpha = (REAL)s->rule->alpha;
    const ptrdiff_t m = net->stride[1];
    const int plain = s->rule->code == SGD; /* its penalty is exact on sparse samples, too */
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        move(r, net->b[l], 1 / (REAL)n, G + net->b[l], net->M[l], 0);
        if (l > 1)
            move(r, net->W[l], 1 / (REAL)n, G + net->W[l], net->M[l] * net->stride[l - 1], alpha);
        else if (!s->samples->indptr)
            move(r, net->W[1], 1 / (REAL)n, G + net->W[1], net->M[0] * m, alpha);
    }
    if (!s->samples->indptr) return;
    if (plain) FN(shrink)(s);
    for (ptrdiff_t q = 0; q < touched->count; q++) {
        const ptrdiff_t k = touched->list[q], at = net->W[1] + k * m;
        move(r, at, (REAL)(1 / (*s->scale * n)), G + at, m, plain ? 0 : alpha);
        for (ptrdiff_t j = 0; j < m; j++) G[at + j] = 0;
        touched->is_in_list[k] = 0;
    }
    touched->count = 0;
}

/* How many samples a slice has. */
static ptrdiff_t FN(slice_rows)(const network_t *net, const rule_t *rule) {
    const ptrdiff_t fit = SLICE_VALUES / (net->M[0] + units_before(net, net->L + 1));
    const ptrdiff_t rows = fit < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : fit < SLICE_ROWS_MAX ? fit : SLICE_ROWS_MAX;
    return rows < rule->batch_size ? rows : rule->batch_size;
}

static double FN(batches)(const network_t *net, const rule_t *rule, void *params, double *scale,
                          const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t rows = FN(slice_rows)(net, rule);
    FN(mover_t) mover = FN(make_mover)(rule, params);
    FN(touched_t) touched = {NULL, NULL, 0};
    FN(state_t) s;
    double sum = 0;
    if (!FN(allocate)(&s, net, rule, params, scale, samples, rows)) return NO_MEMORY;
    if (samples->indptr) {
        touched.list = calloc(net->M[0], sizeof *touched.list + sizeof *touched.is_in_list);
        if (!touched.list) return free(s.memory), NO_MEMORY;
        touched.is_in_list = (uint8_t *)(touched.list + net->M[0]);
    }

    for (ptrdiff_t start = 0; start < n_draws; start += rule->batch_size) {
        const ptrdiff_t n = n_draws - start < rule->batch_size ? n_draws - start : rule->batch_size;
        for (ptrdiff_t t = start; t < start + n; t += rows) {
            const ptrdiff_t in_slice = start + n - t < rows ? start + n - t : rows;
            sum += FN(forward_and_backprop)(&s, draws, t, in_slice);
            FN(add_gradient)(&s, draws, t, in_slice, t > start, rule->gradient, &touched);
        }
        if (rule->code == GRADIENT_ONLY) continue;
        FN(advance)(&mover, rule);
        FN(move)(&s, &mover, n, rule->gradient, &touched);
    }
    free(touched.list);
    free(s.memory);
    return sum;
}
