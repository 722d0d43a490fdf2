/* What a step works on, and what both kinds of steps (steps.h, batches.h) do with it, for one type REAL and one level
   of the processor (see precisions.h). Equation numbers are those of docs/algorithm.md.

   Names: M[l] units in layer l; W[l], b[l] its weights; z[l] = W[l] a[l-1] + b[l] the input of its units, a[l] =
   sigma(z[l]) their output, da[l] = sigma'(z[l]); delta[l] the gradient of the sample's loss f_i with respect to z[l]. */

typedef struct {
    REAL **W, **b, **z, **a, **da, **delta; /* indexed by the layer, 1..L; one row of units[l] values a sample */
    REAL *y;                                /* the target, where it is given as the index of a unit */
    REAL *step;                             /* tau / scale * delta^1 of the last sample */
    REAL *zeros;                            /* a delta^1 of zeros */
    int32_t *index[2];                      /* the nonzeros of the drawn sample and of the last */
    REAL *value[2];
    void *memory;
} FN(state_t);

/* One block of zeroed memory for all of it, for so many samples at a time, which dense ones are copied to a[0] for: 0
   where there is none. */
static int FN(allocate)(FN(state_t) * s, const network_t *net, void *params, const samples_t *samples, ptrdiff_t rows) {
    const ptrdiff_t L = net->L, longest_row = samples->indptr ? samples->longest_row : net->M[0];
    const ptrdiff_t copied = rows > 1 && !samples->indptr ? rows * net->M[0] : 0;
    const size_t pointers = aligned((L + 1) * sizeof(REAL *));
    size_t bytes = 64 + 6 * pointers + 2 * aligned(longest_row * sizeof(int32_t)) +
                   2 * aligned(longest_row * sizeof(REAL)) + aligned(net->M[L] * sizeof(REAL)) +
                   2 * aligned(net->units[1] * sizeof(REAL)) + aligned(copied * sizeof(REAL));
    for (ptrdiff_t l = 1; l <= L; l++) bytes += 4 * aligned(rows * net->units[l] * sizeof(REAL));
    s->memory = calloc(bytes, 1);
    if (!s->memory) return 0;
    char *free_memory = (char *)aligned((size_t)s->memory);
#define TAKE(size) (free_memory += aligned(size), (void *)(free_memory - aligned(size)))
    s->W = TAKE(pointers);
    s->b = TAKE(pointers);
    s->z = TAKE(pointers);
    s->a = TAKE(pointers);
    s->da = TAKE(pointers);
    s->delta = TAKE(pointers);
    for (int k = 0; k < 2; k++) {
        s->index[k] = TAKE(longest_row * sizeof(int32_t));
        s->value[k] = TAKE(longest_row * sizeof(REAL));
    }
    s->step = TAKE(net->units[1] * sizeof(REAL));
    s->zeros = TAKE(net->units[1] * sizeof(REAL));
    s->y = TAKE(net->M[L] * sizeof(REAL));
    s->a[0] = TAKE(copied * sizeof(REAL));
    for (ptrdiff_t l = 1; l <= L; l++) {
        s->W[l] = (REAL *)params + net->W[l];
        s->b[l] = (REAL *)params + net->b[l];
        s->z[l] = TAKE(rows * net->units[l] * sizeof(REAL));
        s->a[l] = TAKE(rows * net->units[l] * sizeof(REAL));
        s->da[l] = TAKE(rows * net->units[l] * sizeof(REAL));
        s->delta[l] = TAKE(rows * net->units[l] * sizeof(REAL));
    }
#undef TAKE
    return 1;
}

/* a^0 = x_i, dense. */
static const REAL *FN(dense_sample)(const network_t *net, const samples_t *samples, ptrdiff_t i) {
    return (const REAL *)samples->X + i * net->M[0];
}

/* a^0 = x_i. A dense sample half of whose values are 0 is turned into the list of its nonzeros, in `index` and `value`;
   but where W^1 is small, looking for zeros would cost more than they save. */
static FN(row_t) FN(sample)(const network_t *net, const samples_t *samples, ptrdiff_t i, int32_t *restrict index,
                            REAL *restrict value) {
    const REAL *X = samples->X;
    FN(row_t) row = {value, index, 0};
    if (!samples->indptr) {
        const REAL *x = FN(dense_sample)(net, samples, i);
        const ptrdiff_t n = net->M[0];
        if (n * net->units[1] <= 4096) return (FN(row_t)){x, NULL, n};
        INT nonzeros = 0;
        SIMD(reduction(+ : nonzeros)) for (ptrdiff_t k = 0; k < n; k++) nonzeros += x[k] != 0;
        if (nonzeros > n / 2) return (FN(row_t)){x, NULL, n};
        for (ptrdiff_t k = 0; k < n; k++) { /* without a branch: what is written for a 0 is written over */
            index[row.count] = (int32_t)k;
            value[row.count] = x[k];
            row.count += x[k] != 0;
        }
    } else if (samples->wide_indices) {
        const int64_t *indptr = samples->indptr, *indices = samples->indices;
        row.value = X + indptr[i];
        row.count = (ptrdiff_t)(indptr[i + 1] - indptr[i]);
        for (ptrdiff_t q = 0; q < row.count; q++) index[q] = (int32_t)indices[indptr[i] + q];
    } else {
        const int32_t *indptr = samples->indptr, *indices = samples->indices;
        row.value = X + indptr[i];
        row.index = indices + indptr[i];
        row.count = indptr[i + 1] - indptr[i];
    }
    return row;
}

/* a^l = sigma(z^l) (3) of the sample in row r. The padding goes through sigma too, to leave no scalar remainder.

   Dropout leaves a hidden unit out, a^l_j = 0, with the probability `dropout`, and multiplies those that stay by
   1 / (1 - dropout), as in Srivastava et al. (2014), section 10; sigma' goes the same way, and with it delta^l. `noise`
   has a number for each unit of layers 1..L-1; the next layer's begin where the function returns. */
static const uint16_t *FN(activate)(const FN(state_t) * s, const network_t *net, ptrdiff_t l, ptrdiff_t r,
                                    const uint16_t *restrict noise, double dropout) {
    const ptrdiff_t with_padding = net->units[l];
    REAL *restrict a = s->a[l] + r * with_padding, *restrict da = s->da[l] + r * with_padding;
    FN(ACTIVATIONS)[net->activation[l]](s->z[l] + r * with_padding, a, da, net->M[l], with_padding);
    if (!noise || l == net->L) return noise;
    const REAL keep = (REAL)(1 / (1 - dropout));
    const int32_t left_out = (int32_t)(dropout * 65536);
    EACH(j, with_padding) {
        const REAL factor = noise[j] < left_out ? 0 : keep;
        a[j] *= factor;
        da[j] *= factor;
    }
    return noise + with_padding;
}

/* f_i and delta^L (4) of sample i, in row r. */
static double FN(loss)(const FN(state_t) * s, const network_t *net, const samples_t *samples, ptrdiff_t i,
                       ptrdiff_t r) {
    const ptrdiff_t L = net->L, m = net->M[L], at = r * net->units[L];
    const REAL *y = s->y;
    REAL *delta = s->delta[L] + at;
    if (samples->Y)
        y = (const REAL *)samples->Y + i * m;
    else
        s->y[samples->codes[i]] = 1;
    double f = FN(LOSSES)[net->loss](s->z[L] + at, s->a[L] + at, s->da[L] + at, y, delta, m, net->quantile);
    if (!samples->Y) s->y[samples->codes[i]] = 0;
    if (samples->weights) {
        f *= samples->weights[i];
        for (ptrdiff_t k = 0; k < m; k++) delta[k] *= (REAL)samples->weights[i];
    }
    return f;
}

#undef SCALE_MIN
#undef SCALE_MAX
#define SCALE_MIN (REAL_IS_DOUBLE ? 1e-100 : 1e-12)
#define SCALE_MAX (1 / SCALE_MIN)

/* W^1 is kept as scale * W: with an L2 penalty every weight shrinks at every plain step, also those of inputs that are 0
   in the drawn sample; that costs one multiplication of `scale`. Folding it back is needed only when it leaves the range
   in which nothing overflows (it may be negative or 0: where tau alpha >= 1). */
static void FN(shrink)(const FN(state_t) * s, const network_t *net, double *scale, double factor) {
    *scale *= factor;
    if (fabs(*scale) > SCALE_MIN && fabs(*scale) < SCALE_MAX) return;
    const REAL c = (REAL)*scale;
    const ptrdiff_t size = net->M[0] * net->units[1];
    SIMD() for (ptrdiff_t k = 0; k < size; k++) s->W[1][k] *= c;
    *scale = 1;
}
