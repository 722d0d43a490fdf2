/* The backpropagation algorithm, docs/backpropagation.md, section 3, for one type REAL and one level of the processor
   (see precisions.h). `steps`, at the end, is its loop; equation numbers are those of docs/algorithm.md, names are
   explained in sample.h. Rules other than the lecture's are in rules.h. */

/* ---- Layer 1 ------------------------------------------------------------------------------------------------------
   It has most of the weights, and a step takes about as long as reading and writing them. So the update of W^1 for a
   sample is postponed until the next sample is known. Then a single pass over W^1 updates each weight and multiplies it
   by the next input. (Sparse samples touch different rows of W^1, so they take two passes: update, then product.)

   The postponed update is W^1 <- W^1 - step last^T. If there is none, last.value is NULL and step is 0. */

/* Postpones the update of W^1 (6) for the sample x. */
static inline void FN(postpone_update_1)(FN(state_t) * s, const FN(row_t) * x) {
    const REAL tau = (REAL)(s->rule->tau / *s->scale);
    EACH(j, s->net->stride[1]) s->step[j] = tau * s->delta[1][j];
    s->last = *x;
}

/* Makes the postponed update now. For a dense sample, this uses the same function as with a next sample, although its z
   is not needed, so that the bits do not depend on where the draws are cut into calls. */
static void FN(catch_up)(FN(state_t) * s) {
    const ptrdiff_t m = s->net->stride[1], n = s->net->M[0];
    if (s->last.index)
        FN(first_update)(s->W[1], m, s->step, &s->last);
    else if (s->last.value)
        FN(first_update_and_forward)(s->W[1], m, s->step, s->last.value, s->last.value, s->z[1], n);
    EACH(j, m) s->step[j] = 0;
    s->last = (FN(row_t)){NULL, NULL, 0};
}

/* z^1 <- scale z^1 + b^1 */
static inline void FN(add_bias)(FN(state_t) * s) {
    EACH(j, s->net->stride[1]) s->z[1][j] = (REAL)*s->scale * s->z[1][j] + s->b[1][j];
}

/* z^1 = W^1 x + b^1 (2), with the postponed update made before or in the same pass. After that no update is postponed,
   but last and step keep their values until backprop_and_update overwrites them with the next update. */
static inline void FN(forward_1)(FN(state_t) * s, const FN(row_t) * x) {
    const ptrdiff_t m = s->net->stride[1], n = s->net->M[0];
    REAL *z = s->z[1];
    if (x->index || s->last.index) FN(catch_up)(s);
    if (x->index)
        FN(first_forward)(s->W[1], m, m, x, z);
    else
        FN(first_update_and_forward)(s->W[1], m, s->step, s->last.value ? s->last.value : x->value, x->value, z, n);
    FN(add_bias)(s);
}

/* ---- The algorithm ----------------------------------------------------------------------------------------------- */

/* The first unit of part k of n of layer 1; parts consist of whole registers. */
static inline ptrdiff_t FN(first_of_part)(const network_t *net, ptrdiff_t k, ptrdiff_t n) {
    return net->stride[1] / LANES * k / n * LANES;
}

/* z^2 = W^2 a^1 + b^2 (2) as the sum of what the parts of layer 1 contribute. */
static void FN(forward_2_in_parts)(const FN(state_t) * s) {
    const network_t *net = s->net;
    REAL *restrict z = s->z[2], *restrict of_part = s->delta[2]; /* which has no other use yet */
    const REAL *restrict b = s->b[2], *zeros = s->y;
    EACH(j, net->stride[2]) z[j] = b[j];
    for (ptrdiff_t k = 0, parts = parts_of(net); k < parts; k++) {
        const ptrdiff_t first = FN(first_of_part)(net, k, parts), n = FN(first_of_part)(net, k + 1, parts) - first;
        FN(forward)(s->W[2] + first, net->stride[1], zeros, s->a[1] + first, of_part, net->M[2], n);
        EACH(j, net->stride[2]) z[j] += of_part[j];
    }
}

/* Forward pass of draw t, whose z^1 = W^1 x + b^1 is there: z^l = W^l a^(l-1) + b^l (2), a^l = sigma(z^l) (3), l = 1..L. */
static inline void FN(forward_pass)(FN(state_t) * s, ptrdiff_t t) {
    const network_t *net = s->net;
    FN(activate)(s, 1, 0, t);
    for (ptrdiff_t l = 2; l <= net->L; l++) {
        const ptrdiff_t n = net->stride[l - 1];
        if (parts_of(net) > 1)
            FN(forward_2_in_parts)(s);
        else
            FN(forward)(s->W[l], n, s->b[l], s->a[l - 1], s->z[l], net->M[l], n);
        FN(activate)(s, l, 0, t);
    }
}

/* Backprop (5) and update (6), (7), (9), from the layer closest to the output back to the first. W^l only changes after
   delta^(l-1) has been computed from it. */
static inline void FN(backprop_and_update)(FN(state_t) * s, const FN(row_t) * x) {
    const network_t *net = s->net;
    const REAL tau = (REAL)s->rule->tau, decay = (REAL)(1 - s->rule->tau * s->rule->alpha);
    for (ptrdiff_t l = net->L; l >= 1; l--) {
        if (l > 1)
            FN(backprop_and_update_layer)(s->W[l], s->delta[l], s->a[l - 1], s->da[l - 1], s->delta[l - 1], tau, decay,
                                          net->M[l], net->stride[l - 1]);
        EACH(j, net->stride[l]) s->b[l][j] -= tau * s->delta[l][j];
    }
    FN(shrink)(s);
    FN(postpone_update_1)(s, x);
}

static double FN(steps)(const network_t *net, const rule_t *rule, void *params, double *scale,
                        const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    FN(state_t) s;
    double sum = 0;
    if (!FN(allocate)(&s, net, rule, params, scale, samples, 1)) return NO_MEMORY;
    for (ptrdiff_t t = 0; t < n_draws; t++) {
        const ptrdiff_t i = draws[t];
        const FN(row_t) x = FN(sample)(&s, i, t, t % 2);
        FN(forward_1)(&s, &x);
        FN(forward_pass)(&s, t);
        sum += FN(output_delta)(&s, i, 0); /* f_i, and delta^L (4) */
        if (rule->tau != 0) FN(backprop_and_update)(&s, &x);
    }
    FN(catch_up)(&s);
    give_memory(s.memory);
    return sum;
}
