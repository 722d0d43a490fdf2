/* The backpropagation algorithm, lecture.md section 3, for one type REAL and one level of the processor (see
   precisions.h). Equation numbers are those of docs/algorithm.md; names are explained in sample.h.

   The plain rule is the lecture's: delta, and with it the step, goes into W in the pass that takes e from W. Every other
   rule moves W row by row, in a pass of its own. */

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

/* Layer l by another rule than the plain one. In the first layer of a sparse sample only the weights of its nonzeros
   move. */
static void FN(update_rows)(const FN(state_t) * s, const network_t *net, const solver_t *solver, const FN(rule_t) * r,
                            ptrdiff_t l, FN(row_t) x) {
    const FN(update_t) update = FN(RULES)[solver->rule];
    const REAL alpha = (REAL)solver->alpha;
    const ptrdiff_t m = net->units[1];
    if (l == 1)
        for (ptrdiff_t q = 0; q < x.count; q++)
            update(r, net->W[1] + (x.index ? x.index[q] : q) * m, x.value[q], s->delta[1], m, alpha);
    else
        for (ptrdiff_t j = 0; j < net->M[l]; j++)
            update(r, net->W[l] + j * net->units[l - 1], s->delta[l][j], s->a[l - 1], net->units[l - 1], alpha);
    update(r, net->b[l], 1, s->delta[l], net->M[l], 0);
}

static double FN(steps)(const network_t *net, const solver_t *solver, void *params, double *scale,
                        const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t L = net->L;
    const double tau = solver->tau, alpha = solver->alpha;
    const int plain = solver->rule == SGD;
    const REAL decay = (REAL)(1 - tau * alpha);
    const uint16_t *noise = solver->noise;
    double sum = 0;
    FN(state_t) s;
    if (!FN(allocate)(&s, net, params, samples, 1)) return -1;
    REAL **W = s.W, **b = s.b, **z = s.z, **a = s.a, **da = s.da, **delta = s.delta;
    FN(rule_t) rule = FN(make_rule)(solver, params);
    FN(row_t) x, last;
    int pending = 0; /* W^1 still has to be updated with the last sample */

    for (ptrdiff_t t = 0; t < n_draws; t++) {
        const ptrdiff_t i = draws[t];
        x = FN(sample)(net, samples, i, s.index[t % 2], s.value[t % 2]);

        /* forward pass (2), (3) */
        FN(first_layer)(&s, net, pending ? &last : NULL, &x);
        EACH(j, net->units[1]) z[1][j] = (REAL)*scale * z[1][j] + b[1][j];
        noise = FN(activate)(&s, net, 1, 0, noise, solver->dropout);
        for (ptrdiff_t l = 2; l <= L; l++) {
            FN(forward)(W[l], b[l], a[l - 1], z[l], net->M[l], net->units[l - 1]);
            noise = FN(activate)(&s, net, l, 0, noise, solver->dropout);
        }

        /* backprop (4), (5) and update (6), (7), from the layer closest to the output back to the first: layer l's
           weights change only after delta^(l-1) has been taken from them */
        sum += FN(loss)(&s, net, samples, i, 0);
        if (tau == 0) continue; /* measure the loss, change nothing */
        if (!plain) FN(advance)(&rule, solver);

        for (ptrdiff_t l = L; l >= 2; l--) {
            REAL *e = delta[l - 1];
            FN(backprop_and_update)(W[l], delta[l], a[l - 1], e, plain ? (REAL)tau : 0, plain ? decay : 1, net->M[l],
                                    net->units[l - 1]);
            EACH(j, net->units[l - 1]) e[j] *= da[l - 1][j];
            if (!plain)
                FN(update_rows)(&s, net, solver, &rule, l, x);
            else
                EACH(j, net->units[l]) b[l][j] -= (REAL)tau * delta[l][j];
        }
        if (!plain) {
            if (!samples->indptr) x = (FN(row_t)){FN(dense_sample)(net, samples, i), NULL, net->M[0]};
            FN(update_rows)(&s, net, solver, &rule, 1, x);
            continue;
        }
        FN(shrink)(&s, net, scale, 1 - tau * alpha);
        EACH(j, net->units[1]) {
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
