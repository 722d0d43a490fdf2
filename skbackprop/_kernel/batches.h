/* The same algorithm for several samples at a time (mini-batches), for one type REAL and one level of the processor (see
   precisions.h). What steps.h does with vectors is done here with matrices, of one row a sample, by BLAS: the sum of the
   samples' gradients is written down, and the rule makes a step of their mean. */

/* A batch is taken in slices, of at most so many samples and about so many values in all layers together, which should
   stay in the cache; the sum of the gradients goes on from slice to slice. */
#undef SLICE_ROWS
#undef SLICE_VALUES
#define SLICE_ROWS 256
#define SLICE_VALUES ((ptrdiff_t)1 << 22)

/* C (m x n) = A B + beta C, row by row in memory; lda, ldb, ldc apart. 't' takes a matrix transposed. BLAS counts by
   columns: it is given B^T A^T = C^T. */
static void FN(product)(char trans_a, char trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, REAL *A, ptrdiff_t lda, REAL *B,
                        ptrdiff_t ldb, REAL beta, REAL *C, ptrdiff_t ldc) {
    int m_ = (int)m, n_ = (int)n, k_ = (int)k, lda_ = (int)lda, ldb_ = (int)ldb, ldc_ = (int)ldc;
    REAL one = 1;
    GEMM(REAL)(&trans_b, &trans_a, &n_, &m_, &k_, &one, B, &ldb_, A, &lda_, &beta, C, &ldc_);
}

/* Forward pass and backprop of the samples draws[0..n): a, delta. Returns the sum of their f_i. */
static double FN(forward_and_backprop)(const FN(state_t) * s, const network_t *net, const samples_t *samples,
                                       const int64_t *draws, ptrdiff_t n, double scale, const uint16_t *noise,
                                       double dropout) {
    const ptrdiff_t L = net->L, *M = net->M, *units = net->units;
    const ptrdiff_t n_hidden = noise ? n_hidden_units(net) : 0;
    double sum = 0;

    for (ptrdiff_t r = 0; r < n; r++)
        if (samples->indptr)
            FN(first_forward)(s->W[1], units[1], FN(sample)(net, samples, draws[r], s->index[0], s->value[0]),
                              s->z[1] + r * units[1]);
        else
            memcpy(s->a[0] + r * M[0], FN(dense_sample)(net, samples, draws[r]), M[0] * sizeof(REAL));
    for (ptrdiff_t l = 1; l <= L; l++) {
        if (l > 1)
            FN(product)('n', 't', n, M[l], M[l - 1], s->a[l - 1], units[l - 1], s->W[l], units[l - 1], 0, s->z[l], units[l]);
        else if (!samples->indptr)
            FN(product)('n', 'n', n, M[1], M[0], s->a[0], M[0], s->W[1], units[1], 0, s->z[1], units[1]);
        for (ptrdiff_t r = 0; r < n; r++) {
            REAL *restrict z = s->z[l] + r * units[l];
            const REAL *restrict b = s->b[l], c = l == 1 ? (REAL)scale : 1;
            SIMD() for (ptrdiff_t j = 0; j < units[l]; j++) z[j] = c * z[j] + b[j];
            FN(activate)(s, net, l, r, noise ? noise + r * n_hidden : NULL, dropout);
        }
        if (noise && l < L) noise += units[l];
    }
    for (ptrdiff_t r = 0; r < n; r++) sum += FN(loss)(s, net, samples, draws[r], r);
    for (ptrdiff_t l = L; l >= 2; l--) {
        REAL *restrict e = s->delta[l - 1], *restrict da = s->da[l - 1];
        FN(product)('n', 'n', n, M[l - 1], M[l], s->delta[l], units[l], s->W[l], units[l - 1], 0, e, units[l - 1]);
        SIMD() for (ptrdiff_t j = 0; j < n * units[l - 1]; j++) e[j] *= da[j];
    }
    return sum;
}

/* The rows of W^1 that a batch of sparse samples touches: the inputs that are not 0 in all of them. */
typedef struct {
    int32_t *list;
    uint8_t *is_in_list; /* by input */
    ptrdiff_t count;
} FN(touched_t);

/* G <- beta G + sum of the gradients (6), (7) of the samples that s is filled with; beta is 0 or 1. */
static void FN(add_gradient)(const FN(state_t) * s, const network_t *net, const samples_t *samples,
                             const int64_t *draws, ptrdiff_t n, REAL beta, REAL *restrict G, FN(touched_t) * touched) {
    const ptrdiff_t L = net->L, *M = net->M, *units = net->units;
    for (ptrdiff_t l = 1; l <= L; l++) {
        const REAL *restrict delta = s->delta[l];
        REAL *restrict b = G + net->b[l];
        if (beta == 0)
            for (ptrdiff_t j = 0; j < units[l]; j++) b[j] = 0;
        for (ptrdiff_t r = 0; r < n; r++)
            SIMD() for (ptrdiff_t j = 0; j < units[l]; j++) b[j] += delta[r * units[l] + j];
        if (l > 1)
            FN(product)('t', 'n', M[l], M[l - 1], n, s->delta[l], units[l], s->a[l - 1], units[l - 1], beta, G + net->W[l],
                        units[l - 1]);
    }
    if (!samples->indptr) {
        FN(product)('t', 'n', M[0], M[1], n, s->a[0], M[0], s->delta[1], units[1], beta, G + net->W[1], units[1]);
        return;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        const FN(row_t) x = FN(sample)(net, samples, draws[r], s->index[0], s->value[0]);
        for (ptrdiff_t q = 0; q < x.count; q++) {
            const int32_t k = x.index[q];
            if (!touched->is_in_list[k]) touched->list[touched->count++] = k;
            touched->is_in_list[k] = 1;
        }
        for (ptrdiff_t j = 0; j < units[1]; j++) s->step[j] = -s->delta[1][r * units[1] + j];
        FN(first_update)(G + net->W[1], units[1], s->step, x);
    }
}

/* One step by the rule, with the mean of n samples' gradients. Leaves the rows of G that sparse samples touched at 0. */
static void FN(update)(const FN(state_t) * s, const network_t *net, const solver_t *solver, const FN(rule_t) * r,
                       double *scale, ptrdiff_t n, REAL *restrict G, FN(touched_t) * touched) {
    const FN(update_t) update = FN(RULES)[solver->rule];
    const REAL alpha = (REAL)solver->alpha;
    const ptrdiff_t m = net->units[1];
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        update(r, net->b[l], 1 / (REAL)n, G + net->b[l], net->M[l], 0);
        if (l > 1 || !touched)
            update(r, net->W[l], 1 / (REAL)n, G + net->W[l], l == 1 ? net->M[0] * m : net->M[l] * net->units[l - 1], alpha);
    }
    if (!touched) return;
    if (solver->rule == SGD) FN(shrink)(s, net, scale, 1 - solver->tau * solver->alpha);
    for (ptrdiff_t q = 0; q < touched->count; q++) {
        const ptrdiff_t k = touched->list[q], at = net->W[1] + k * m;
        update(r, at, (REAL)(1 / (*scale * n)), G + at, m, solver->rule == SGD ? 0 : alpha);
        for (ptrdiff_t j = 0; j < m; j++) G[at + j] = 0;
        touched->is_in_list[k] = 0;
    }
    touched->count = 0;
}

static double FN(batches)(const network_t *net, const solver_t *solver, void *params, double *scale,
                          const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t n_hidden = n_hidden_units(net);
    ptrdiff_t rows = SLICE_VALUES / (net->M[0] + n_hidden + net->units[net->L]);
    rows = rows < 16 ? 16 : rows < SLICE_ROWS ? rows : SLICE_ROWS;
    rows = rows < solver->batch_size ? rows : solver->batch_size;
    FN(rule_t) rule = FN(make_rule)(solver, params);
    FN(touched_t) touched = {NULL, NULL, 0};
    FN(state_t) s;
    double sum = 0;
    if (!FN(allocate)(&s, net, params, samples, rows)) return -1;
    if (samples->indptr) {
        touched.list = calloc(net->M[0], sizeof *touched.list + sizeof *touched.is_in_list);
        if (!touched.list) return free(s.memory), -1;
        touched.is_in_list = (uint8_t *)(touched.list + net->M[0]);
    }

    for (ptrdiff_t start = 0; start < n_draws; start += solver->batch_size) {
        const ptrdiff_t n = n_draws - start < solver->batch_size ? n_draws - start : solver->batch_size;
        for (ptrdiff_t k = start; k < start + n; k += rows) {
            const ptrdiff_t in_slice = start + n - k < rows ? start + n - k : rows;
            sum += FN(forward_and_backprop)(&s, net, samples, draws + k, in_slice, *scale,
                                            solver->noise ? solver->noise + k * n_hidden : NULL, solver->dropout);
            FN(add_gradient)(&s, net, samples, draws + k, in_slice, k > start, solver->gradient, &touched);
        }
        if (solver->rule == GRADIENT_ONLY) continue;
        FN(advance)(&rule, solver);
        FN(update)(&s, net, solver, &rule, scale, n, solver->gradient, samples->indptr ? &touched : NULL);
    }
    free(touched.list);
    free(s.memory);
    return sum;
}
