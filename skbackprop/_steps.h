/* The backpropagation algorithm, lecture.md section 3, for one type REAL and one level of the processor (see
   _kernel.h). Equation numbers are those of docs/algorithm.md.

   Names: M[l] units in layer l; W[l], b[l] its weights; z[l] = W[l] a[l-1] + b[l] the input of its units, a[l] =
   sigma(z[l]) their output, da[l] = sigma'(z[l]); delta[l] the gradient of the sample's loss f_i with respect to z[l]. */

/* Everything that one step of the algorithm works on. */
typedef struct {
    REAL **W, **b, **z, **a, **da, **delta; /* indexed by the layer, 1..L */
    REAL *y;                                /* the target, where it is given as the index of a unit */
    REAL *step;                             /* tau / scale * delta^1 of the last sample */
    REAL *zeros;                            /* a delta^1 of zeros */
    int32_t *index[2];                      /* the nonzeros of the drawn sample and of the last */
    REAL *value[2];
    void *memory;
} FN(state_t);

/* One block of zeroed memory for all of it: 0 where there is none. */
static int FN(allocate)(FN(state_t) * s, const network_t *net, const samples_t *samples) {
    const ptrdiff_t L = net->L, longest_row = samples->indptr ? samples->longest_row : net->M[0];
    const size_t pointers = aligned((L + 1) * sizeof(REAL *));
    size_t bytes = 64 + 6 * pointers + 2 * aligned(longest_row * sizeof(int32_t)) +
                   2 * aligned(longest_row * sizeof(REAL)) + aligned(net->M[L] * sizeof(REAL)) +
                   2 * aligned(net->units[1] * sizeof(REAL));
    for (ptrdiff_t l = 1; l <= L; l++) bytes += 4 * aligned(net->units[l] * sizeof(REAL));
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
    for (ptrdiff_t l = 1; l <= L; l++) {
        s->z[l] = TAKE(net->units[l] * sizeof(REAL));
        s->a[l] = TAKE(net->units[l] * sizeof(REAL));
        s->da[l] = TAKE(net->units[l] * sizeof(REAL));
        s->delta[l] = TAKE(net->units[l] * sizeof(REAL));
    }
#undef TAKE
    return 1;
}

/* a^0 = x_i. A dense sample half of whose values are 0 is turned into the list of its nonzeros, in `index` and
   `value`. */
static FN(row_t) FN(sample)(const network_t *net, const samples_t *samples, ptrdiff_t i, int32_t *restrict index,
                            REAL *restrict value) {
    const REAL *X = samples->X;
    FN(row_t) row = {value, index, 0};
    if (!samples->indptr) {
        const ptrdiff_t n = net->M[0];
        const REAL *x = X + i * n;
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

/* The first layer's update with the last sample, which was put off until the next is known, and z^1 of the next: in one
   pass where both are dense. Where only one is, or there is no other, the pass is the same with a gradient of zero, or
   with a z that nobody reads: so the same sample gives the same bits wherever the draws are cut into calls. */
static void FN(first_layer)(const FN(state_t) * s, const network_t *net, const FN(row_t) * last, const FN(row_t) * x) {
    REAL *W = s->W[1], *step = s->step, *z = s->z[1];
    const ptrdiff_t m = net->units[1], n = net->M[0];
    if (last && x && !last->index && !x->index) {
        FN(first_update_and_forward)(W, m, step, last->value, x->value, z, n);
        return;
    }
    if (last && last->index) FN(first_update)(W, m, step, *last);
    if (last && !last->index) FN(first_update_and_forward)(W, m, step, last->value, last->value, z, n);
    if (x && x->index) FN(first_forward)(W, m, *x, z);
    if (x && !x->index) FN(first_update_and_forward)(W, m, s->zeros, x->value, x->value, z, n);
}

/* a^l = sigma(z^l). The padding goes through sigma too, to leave no scalar remainder, and is set back to zero; but a
   softmax's sum must not count it. */
static void FN(activate)(const FN(state_t) * s, const network_t *net, ptrdiff_t l) {
    const ptrdiff_t m = net->M[l], with_padding = net->units[l];
    const int softmax = net->loss == MULTINOMIAL_LOG_LOSS && l == net->L;
    FN(ACTIVATIONS)[net->activation[l]](s->z[l], s->a[l], s->da[l], softmax ? m : with_padding);
    for (ptrdiff_t j = m; j < with_padding; j++) s->a[l][j] = s->da[l][j] = 0;
}

#undef SCALE_MIN
#undef SCALE_MAX
#define SCALE_MIN (REAL_IS_DOUBLE ? 1e-100 : 1e-12)
#define SCALE_MAX (1 / SCALE_MIN)

/* W^1 is kept as scale * W: with an L2 penalty every weight shrinks at every step, also those of inputs that are 0 in
   the drawn sample; that costs one multiplication of `scale`. Folding it back is needed only when it leaves the range
   in which nothing overflows (it may be negative or 0: where tau alpha >= 1). */
static void FN(fold_scale)(const FN(state_t) * s, const network_t *net, double *scale) {
    const REAL c = (REAL)*scale;
    const ptrdiff_t size = net->M[0] * net->units[1];
    SIMD() for (ptrdiff_t k = 0; k < size; k++) s->W[1][k] *= c;
    *scale = 1;
}

static double FN(steps)(const network_t *net, void *params, double *scale, const samples_t *samples,
                        const int64_t *draws, ptrdiff_t n_draws, double tau, double alpha) {
    const ptrdiff_t L = net->L;
    const REAL decay = (REAL)(1 - tau * alpha);
    double sum = 0;
    FN(state_t) s;
    if (!FN(allocate)(&s, net, samples)) return -1;
    for (ptrdiff_t l = 1; l <= L; l++) {
        s.W[l] = (REAL *)params + net->W[l];
        s.b[l] = (REAL *)params + net->b[l];
    }
    REAL **W = s.W, **b = s.b, **z = s.z, **a = s.a, **da = s.da, **delta = s.delta;
    FN(row_t) x, last;
    int pending = 0; /* W^1 still has to be updated with the last sample */

    for (ptrdiff_t t = 0; t < n_draws; t++) {
        const ptrdiff_t i = draws[t];
        const REAL *y = s.y;
        x = FN(sample)(net, samples, i, s.index[t % 2], s.value[t % 2]);
        if (samples->Y)
            y = (const REAL *)samples->Y + i * net->M[L];
        else
            s.y[samples->codes[i]] = 1;

        /* forward pass (2), (3) */
        FN(first_layer)(&s, net, pending ? &last : NULL, &x);
        SIMD() for (ptrdiff_t j = 0; j < net->units[1]; j++) z[1][j] = (REAL)*scale * z[1][j] + b[1][j];
        FN(activate)(&s, net, 1);
        for (ptrdiff_t l = 2; l <= L; l++) {
            FN(forward)(W[l], net->units[l - 1], b[l], a[l - 1], z[l], net->M[l], net->units[l - 1]);
            FN(activate)(&s, net, l);
        }

        /* backprop (4), (5) and update (6), (7), from the layer closest to the output back to the first: layer l's
           weights change only after delta^(l-1) has been taken from them */
        double f = FN(LOSSES)[net->loss](z[L], a[L], da[L], y, delta[L], net->M[L]);
        if (samples->weights) {
            f *= samples->weights[i];
            for (ptrdiff_t k = 0; k < net->M[L]; k++) delta[L][k] *= (REAL)samples->weights[i];
        }
        sum += f;
        if (!samples->Y) s.y[samples->codes[i]] = 0;
        if (tau == 0) continue; /* measure the loss, change nothing */

        for (ptrdiff_t l = L; l >= 2; l--) {
            REAL *e = delta[l - 1];
            FN(backprop_and_update)(W[l], net->units[l - 1], b[l], delta[l], a[l - 1], e, (REAL)tau, decay, net->M[l],
                                    net->units[l - 1]);
            SIMD() for (ptrdiff_t j = 0; j < net->units[l - 1]; j++) e[j] *= da[l - 1][j];
        }
        *scale *= 1 - tau * alpha;
        if (!(fabs(*scale) > SCALE_MIN && fabs(*scale) < SCALE_MAX)) FN(fold_scale)(&s, net, scale);
        SIMD() for (ptrdiff_t j = 0; j < net->units[1]; j++) {
            b[1][j] -= (REAL)tau * delta[1][j];
            s.step[j] = (REAL)(tau / *scale) * delta[1][j];
        }
        last = x;
        pending = 1;
    }
    if (pending) FN(first_layer)(&s, net, &last, NULL);
    free(s.memory);
    return sum;
}
