/* The same algorithm for several samples at a time (mini-batches), for one type REAL and one level of the processor
   (see precisions.h). What steps.h does with vectors is done here with matrices, one row per sample (products.h). The
   sum of the samples' gradients is stored, and the rule makes a step from their mean. */

/* A batch is processed in slices, over which the gradients are summed. A slice has about SLICE_VALUES values in all
   layers together, so that it stays in the cache, but at least SLICE_ROWS_MIN samples, below which the products are
   slow, and at most SLICE_ROWS_MAX, above which they get no faster. The number depends only on the network's shape. */
#undef SLICE_VALUES
#undef SLICE_ROWS_MIN
#undef SLICE_ROWS_MAX
#define SLICE_VALUES ((ptrdiff_t)1 << 22)
#define SLICE_ROWS_MIN 16
#define SLICE_ROWS_MAX 256

/* ---- Nonzeros of W^1's inputs --------------------------------------------------------------------------------------
   If most inputs are 0, the products of layer 1 use lists of the nonzeros of a slice's samples: sample by sample in the
   forward pass, input by input in the gradient. CSR matrices always do so; dense ones do if at most one input in DENSE
   is nonzero. */
#undef DENSE
#define DENSE 3

typedef struct {
    int in_use;            /* for this slice */
    FN(row_t) *x;          /* of each sample, its nonzeros: */
    int32_t *index;        /* stored here if they have to be copied */
    REAL *of_x;
    int32_t *sample;       /* of each input, the samples in which it is nonzero, and its values there: */
    REAL *value;           /* as many as `count` says, up to the position `end` */
    ptrdiff_t *end;
    int32_t *count;
    int32_t *inputs;       /* the inputs that have such lists */
    ptrdiff_t n_inputs;
    int32_t *touched;      /* the same for a whole batch of sparse samples: their rows of W^1 move */
    ptrdiff_t n_touched;
    uint8_t *is_touched;
    void *memory;
} FN(lists_t);

/* Returns whether a sample of this batch has already touched input k, and marks it as touched. */
static inline int FN(touch)(FN(lists_t) * lists, int32_t k) {
    if (lists->is_touched[k]) return 1;
    lists->touched[lists->n_touched++] = k;
    lists->is_touched[k] = 1;
    return 0;
}

/* The number of values in CSR row i. */
static ptrdiff_t FN(row_length)(const samples_t *samples, int64_t i) {
    if (samples->wide_indices)
        return (ptrdiff_t)(((const int64_t *)samples->indptr)[i + 1] - ((const int64_t *)samples->indptr)[i]);
    return ((const int32_t *)samples->indptr)[i + 1] - ((const int32_t *)samples->indptr)[i];
}

/* Allocates one block of zeroed memory for the lists of any slice of these draws. Returns 0 if out of memory. */
static int FN(allocate_lists)(FN(lists_t) * lists, const network_t *net, const rule_t *rule, const samples_t *samples,
                              const int64_t *draws, ptrdiff_t n_draws, ptrdiff_t rows) {
    const size_t M = net->M[0];
    size_t most = rows * M / DENSE; /* of the nonzeros in a slice */
    if (samples->indptr) {
        most = 0;
        for (ptrdiff_t start = 0; start < n_draws; start += rule->batch_size)
            for (ptrdiff_t t = start; t < start + rule->batch_size && t < n_draws; t += rows) {
                size_t sum = 0;
                for (ptrdiff_t r = t; r < t + rows && r < start + rule->batch_size && r < n_draws; r++)
                    sum += FN(row_length)(samples, draws[r]);
                most = sum > most ? sum : most;
            }
    }
    const int in_place = samples->indptr && !samples->wide_indices && !rule->noise;
    const size_t written = in_place ? 0 : most + M; /* see list_nonzeros */
    const size_t x = aligned(rows * sizeof *lists->x), index = aligned(written * sizeof *lists->index);
    const size_t of_x = aligned(written * sizeof(REAL)), sample = aligned(most * sizeof *lists->sample);
    const size_t value = aligned(most * sizeof(REAL)), end = aligned(M * sizeof *lists->end);
    const size_t by_input = aligned(M * sizeof(int32_t));
    *lists = (FN(lists_t)){.memory = calloc(x + index + of_x + sample + value + end + 4 * by_input, 1)};
    if (!lists->memory) return 0;
    char *rest = lists->memory;
#define TAKE(size) (rest += (size), (void *)(rest - (size)))
    lists->x = TAKE(x);
    lists->index = TAKE(index);
    lists->of_x = TAKE(of_x);
    lists->sample = TAKE(sample);
    lists->value = TAKE(value);
    lists->end = TAKE(end);
    lists->count = TAKE(by_input);
    lists->inputs = TAKE(by_input);
    lists->touched = TAKE(by_input);
    lists->is_touched = TAKE(by_input);
#undef TAKE
    return 1;
}

/* Makes the lists of n samples, the draws t, t+1, ..., if they pay off. */
static void FN(make_lists)(FN(lists_t) * lists, const FN(state_t) * s, const int64_t *draws, ptrdiff_t t, ptrdiff_t n) {
    const ptrdiff_t M = s->net->M[0];
    const int sparse = s->samples->indptr != NULL;
    ptrdiff_t nonzeros = 0, written = 0;
    lists->in_use = sparse;
    if (!sparse && M * s->net->stride[1] > SMALL_W1) {
        for (ptrdiff_t r = 0; r < n; r++)
            nonzeros += FN(count_nonzeros)(FN(dense_sample)(s, draws[t + r]).value, M);
        lists->in_use = nonzeros <= n * M / DENSE;
    }
    if (!lists->in_use) return;

    lists->n_inputs = 0;
    for (ptrdiff_t r = 0; r < n; r++) {
        FN(row_t) x = sparse ? FN(sample)(s, draws[t + r], t + r, 0) : FN(dense_sample)(s, draws[t + r]);
        if (!sparse) x = FN(thinned)(s, x, t + r, NULL, s->value[0]);
        if (!sparse)
            x = FN(list_nonzeros)(x, lists->index + written, lists->of_x + written);
        else if (x.index == s->index[0]) { /* the next sample takes the room */
            x.index = memcpy(lists->index + written, x.index, x.count * sizeof *x.index);
            x.value = memcpy(lists->of_x + written, x.value, x.count * sizeof *x.value);
        }
        written += x.count;
        lists->x[r] = x;
        for (ptrdiff_t q = 0; q < x.count; q++)
            if (!lists->count[x.index[q]]++ && sparse) lists->inputs[lists->n_inputs++] = x.index[q];
    }
    if (!sparse) /* the gradient of the others has to be stored as well */
        for (lists->n_inputs = 0; lists->n_inputs < M; lists->n_inputs++)
            lists->inputs[lists->n_inputs] = (int32_t)lists->n_inputs;
    ptrdiff_t end = 0;
    for (ptrdiff_t q = 0; q < lists->n_inputs; q++) {
        const int32_t k = lists->inputs[q];
        lists->end[k] = end; /* where the next value goes, and so the end once all are in place */
        end += lists->count[k];
    }
    for (ptrdiff_t r = 0; r < n; r++)
        for (ptrdiff_t q = 0; q < lists->x[r].count; q++) {
            const ptrdiff_t place = lists->end[lists->x[r].index[q]]++;
            lists->sample[place] = (int32_t)r;
            lists->value[place] = lists->x[r].value[q];
        }
}

/* ---- Forward pass, backprop, gradient ---------------------------------------------------------------------------- */

/* Z^l = A^(l-1) (W^l)^T + b^l (2) for n samples. */
static void FN(forward_batch)(const FN(state_t) * s, const FN(lists_t) * lists, ptrdiff_t l, ptrdiff_t n) {
    const ptrdiff_t *M = s->net->M, *stride = s->net->stride, m = stride[l];
    const REAL *restrict b = s->b[l], scale = l == 1 ? (REAL)*s->scale : 1;
    REAL *restrict z = s->z[l];
    if (l > 1)
        FN(product_by_transpose)(n, M[l], stride[l - 1], s->a[l - 1], stride[l - 1], s->W[l], stride[l - 1], z, m);
    else if (lists->in_use)
        for (ptrdiff_t r = 0; r < n; r++) FN(first_forward)(s->W[1], m, lists->x + r, z + r * m);
    else
        FN(product)(n, m, M[0], s->a[0], M[0], 1, s->W[1], m, 0, z, m);
    for (ptrdiff_t r = 0; r < n; r++)
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[r * m + j] = scale * z[r * m + j] + b[j];
}

/* Forward pass and backprop of n samples, the draws t, t+1, ...: a, delta. Returns the sum of their f_i. */
static double FN(forward_and_backprop)(const FN(state_t) * s, const FN(lists_t) * lists, const int64_t *draws,
                                       ptrdiff_t t, ptrdiff_t n) {
    const network_t *net = s->net;
    const ptrdiff_t L = net->L, *M = net->M, *stride = net->stride;
    double sum = 0;
    if (!lists->in_use)
        for (ptrdiff_t r = 0; r < n; r++) {
            const FN(row_t) x = FN(thinned)(s, FN(dense_sample)(s, draws[t + r]), t + r, NULL, s->a[0] + r * M[0]);
            if (x.value != s->a[0] + r * M[0]) memcpy(s->a[0] + r * M[0], x.value, M[0] * sizeof(REAL));
        }
    for (ptrdiff_t l = 1; l <= L; l++) {
        FN(forward_batch)(s, lists, l, n);
        for (ptrdiff_t r = 0; r < n; r++) FN(activate)(s, l, r, t + r);
    }
    for (ptrdiff_t r = 0; r < n; r++) sum += FN(output_delta)(s, draws[t + r], r);
    for (ptrdiff_t l = L; l >= 2; l--) {
        REAL *restrict below = s->delta[l - 1], *restrict da = s->da[l - 1];
        FN(product)(n, stride[l - 1], M[l], s->delta[l], stride[l], 1, s->W[l], stride[l - 1], 0, below,
                    stride[l - 1]);
        SIMD() for (ptrdiff_t j = 0; j < n * stride[l - 1]; j++) below[j] *= da[j];
    }
    return sum;
}

/* G = the sum of the gradients (6), (7) of n samples, whose a and delta are in s; with `add`, G += that sum. */
static void FN(add_gradient)(const FN(state_t) * s, FN(lists_t) * lists, ptrdiff_t n, int add, REAL *restrict G) {
    const network_t *net = s->net;
    const ptrdiff_t *M = net->M, *stride = net->stride, m = stride[1];
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        const REAL *restrict delta = s->delta[l];
        REAL *restrict b = G + net->b[l];
        if (!add) EACH(j, stride[l]) b[j] = 0;
        for (ptrdiff_t r = 0; r < n; r++) EACH(j, stride[l]) b[j] += delta[r * stride[l] + j];
        if (l > 1)
            FN(product)(M[l], stride[l - 1], n, delta, 1, stride[l], s->a[l - 1], stride[l - 1], add, G + net->W[l],
                        stride[l - 1]);
        else if (!lists->in_use)
            FN(product)(M[0], m, n, s->a[0], 1, M[0], delta, m, add, G + net->W[1], m);
    }
    if (!lists->in_use) return;
    for (ptrdiff_t q = 0; q < lists->n_inputs; q++) { /* row k of W^1 has the gradient sum_i x_ik delta_i */
        const int32_t k = lists->inputs[q];
        const ptrdiff_t end = lists->end[k], count = lists->count[k];
        const FN(row_t) x = {lists->value + end - count, lists->sample + end - count, count};
        REAL *restrict g = G + net->W[1] + k * m;
        const int add_row = s->samples->indptr ? FN(touch)(lists, k) : add;
        FN(first_forward)(s->delta[1], m, &x, add_row ? s->step : g);
        if (add_row) EACH(j, m) g[j] += s->step[j];
        lists->count[k] = 0;
    }
}

/* One step by the rule, with the mean of n samples' gradients, whose sum is G. Sparse samples only move the rows of W^1
   that they touched. */
static void FN(move)(const FN(state_t) * s, const FN(mover_t) * r, ptrdiff_t n, const REAL *restrict G,
                     FN(lists_t) * lists) {
    const network_t *net = s->net;
    const FN(move_t) move = FN(RULES)[s->rule->code];
    const REAL alpha = (REAL)s->rule->alpha;
    const ptrdiff_t m = net->stride[1];
    const int plain = s->rule->code == SGD; /* its penalty is exact on sparse samples as well */
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        move(r, net->b[l], 1 / (REAL)n, G + net->b[l], net->stride[l], 0);
        if (l > 1)
            move(r, net->W[l], 1 / (REAL)n, G + net->W[l], net->M[l] * net->stride[l - 1], alpha);
        else if (!s->samples->indptr)
            move(r, net->W[1], 1 / (REAL)n, G + net->W[1], net->M[0] * m, alpha);
    }
    if (!s->samples->indptr) return;
    if (plain) FN(shrink)(s);
    for (ptrdiff_t q = 0; q < lists->n_touched; q++) {
        const ptrdiff_t k = lists->touched[q], at = net->W[1] + k * m;
        move(r, at, (REAL)(1 / (*s->scale * n)), G + at, m, plain ? 0 : alpha);
        lists->is_touched[k] = 0;
    }
    lists->n_touched = 0;
}

/* The number of samples in a slice. */
static ptrdiff_t FN(slice_rows)(const network_t *net, const rule_t *rule) {
    const ptrdiff_t fit = SLICE_VALUES / (net->M[0] + units_before(net, net->L + 1));
    const ptrdiff_t rows = fit < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : fit < SLICE_ROWS_MAX ? fit : SLICE_ROWS_MAX;
    return rows < rule->batch_size ? rows : rule->batch_size;
}

static double FN(batches)(const network_t *net, const rule_t *rule, void *params, double *scale,
                          const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t rows = FN(slice_rows)(net, rule);
    FN(mover_t) mover = FN(make_mover)(rule, params);
    FN(lists_t) lists;
    FN(state_t) s;
    double sum = 0;
    if (!FN(allocate)(&s, net, rule, params, scale, samples, rows)) return NO_MEMORY;
    if (!FN(allocate_lists)(&lists, net, rule, samples, draws, n_draws, rows)) return free(s.memory), NO_MEMORY;

    for (ptrdiff_t start = 0; start < n_draws; start += rule->batch_size) {
        const ptrdiff_t n = n_draws - start < rule->batch_size ? n_draws - start : rule->batch_size;
        for (ptrdiff_t t = start; t < start + n; t += rows) {
            const ptrdiff_t in_slice = start + n - t < rows ? start + n - t : rows;
            FN(make_lists)(&lists, &s, draws, t, in_slice);
            sum += FN(forward_and_backprop)(&s, &lists, draws, t, in_slice);
            FN(add_gradient)(&s, &lists, in_slice, t > start, rule->gradient);
        }
        if (rule->code == GRADIENT_ONLY) continue;
        FN(advance)(&mover, &s);
        FN(move)(&s, &mover, n, rule->gradient, &lists);
    }
    free(lists.memory);
    free(s.memory);
    return sum;
}
