/* How a gradient becomes a step, for one type REAL and one level of the processor (see precisions.h): the rules other
   than the lecture's, and the lecture's for batches.

   A rule moves n parameters, starting at position `at` of the parameter vector. Their gradient is d a_k + alpha w_k.
   For one sample, d = delta_j and a = a^(l-1) give that of row j of W^l, which is never stored. For a batch of B samples,
   d = 1 / B and a is the sum of the samples' gradients.

   n includes the padding of rows, whose gradient is 0: all rules leave it at 0. */

/* A rule_t at work: in REAL, and at a particular step t, on which Adam's tau depends. */
typedef struct {
    REAL *params, *first, *second;
    REAL tau, momentum, rest_1, beta_2, rest_2, epsilon; /* rest: 1 - beta */
    double power_1, power_2;                             /* beta^t */
    int64_t t;                                           /* steps made, including this one */
} FN(mover_t);

#undef RULE
#define RULE(name)                                                                                                    \
    static void FN(name)(const FN(mover_t) * r, ptrdiff_t at, REAL d, const REAL *restrict a, ptrdiff_t n, REAL alpha)
#define EACH_WEIGHT EACH(k, n)

/* w <- w - tau g */
RULE(sgd) {
    REAL *restrict w = r->params + at;
    const REAL decay = 1 - r->tau * alpha, step = r->tau * d;
    EACH_WEIGHT w[k] = decay * w[k] - step * a[k];
}

/* v <- mu v - tau g;  w <- w + v                                  (Polyak 1964; Sutskever et al. 2013, equation 1) */
RULE(momentum) {
    REAL *restrict w = r->params + at, *restrict v = r->first + at;
    const REAL mu = r->momentum, tau = r->tau;
    EACH_WEIGHT {
        v[k] = mu * v[k] - tau * (d * a[k] + alpha * w[k]);
        w[k] += v[k];
    }
}

/* v <- mu v - tau g;  w <- w + mu v - tau g: Nesterov's momentum, where w is the point of the gradient (Bengio,
   Boulanger-Lewandowski, Pascanu 2013, equations 6 and 7) */
RULE(nesterov) {
    REAL *restrict w = r->params + at, *restrict v = r->first + at;
    const REAL mu = r->momentum, tau = r->tau;
    EACH_WEIGHT {
        const REAL step = tau * (d * a[k] + alpha * w[k]);
        v[k] = mu * v[k] - step;
        w[k] += mu * v[k] - step;
    }
}

/* m <- beta_1 m + (1 - beta_1) g;  v <- beta_2 v + (1 - beta_2) g^2;
   w <- w - tau_t m / (sqrt(v) + epsilon),  tau_t = tau sqrt(1 - beta_2^t) / (1 - beta_1^t)
                                                                   (Kingma, Ba 2015, end of section 2) */
RULE(adam) {
    REAL *restrict w = r->params + at, *restrict m = r->first + at, *restrict v = r->second + at;
    const REAL tau = r->tau, beta_1 = r->momentum, rest_1 = r->rest_1, beta_2 = r->beta_2, rest_2 = r->rest_2;
    const REAL epsilon = r->epsilon;
    EACH_WEIGHT {
        const REAL g = d * a[k] + alpha * w[k];
        m[k] = beta_1 * m[k] + rest_1 * g;
        v[k] = beta_2 * v[k] + rest_2 * g * g;
        w[k] -= tau * m[k] / (SQRT(v[k]) + epsilon);
    }
}

typedef void (*FN(move_t))(const FN(mover_t) *, ptrdiff_t, REAL, const REAL *restrict, ptrdiff_t, REAL);
static const FN(move_t) FN(RULES)[] = {FN(sgd), FN(momentum), FN(nesterov), FN(adam)};

static FN(mover_t) FN(make_mover)(const rule_t *rule, void *params) {
    FN(mover_t) r = {params, rule->first, rule->second};
    r.tau = (REAL)rule->tau;
    r.momentum = (REAL)rule->momentum;
    r.rest_1 = (REAL)(1 - rule->momentum);
    r.beta_2 = (REAL)rule->beta_2;
    r.rest_2 = (REAL)(1 - rule->beta_2);
    r.epsilon = (REAL)rule->epsilon;
    r.power_1 = pow(rule->momentum, (double)rule->t);
    r.power_2 = pow(rule->beta_2, (double)rule->t);
    r.t = rule->t;
    return r;
}

/* Every FLUSH_STEPS steps, moments that have decayed to next to nothing are set to 0. Otherwise those of a unit without
   gradients would end up as subnormal numbers, with which processors are slow, and stay there for good: 0.9 times the
   smallest one rounds to itself. The limit leaves room for a moment to decay until the next time, 0.9^64 = 1e-3, and for
   tau m, which is smaller still. With sparse samples, the moments of W^1 are left alone, since most are not in use. */
#undef FLUSH_STEPS
#undef NEXT_TO_NOTHING
#define FLUSH_STEPS 64
#define NEXT_TO_NOTHING ((REAL)1e10 * (REAL_IS_DOUBLE ? (REAL)DBL_MIN : (REAL)FLT_MIN))

static inline int FN(is_time_to_flush)(const FN(mover_t) * r, const rule_t *rule) {
    return rule->code != SGD && r->t % FLUSH_STEPS == 1;
}

/* n moments of each kind, from position `at` on. */
static void FN(flush)(const FN(mover_t) * r, const rule_t *rule, ptrdiff_t at, ptrdiff_t n) {
    REAL *restrict m = r->first + at;
    EACH_WEIGHT m[k] = m[k] < NEXT_TO_NOTHING && m[k] > -NEXT_TO_NOTHING ? 0 : m[k];
    if (rule->code != ADAM) return;
    REAL *restrict v = r->second + at; /* only where m is 0, or the divisor would be epsilon alone */
    EACH_WEIGHT v[k] = m[k] == 0 && v[k] < NEXT_TO_NOTHING ? 0 : v[k];
}

/* The next step begins: t <- t + 1. */
static inline void FN(advance)(FN(mover_t) * r, const rule_t *rule) {
    if (rule->code == SGD) return;
    r->t++;
    if (rule->code != ADAM) return;
    r->power_1 *= rule->momentum;
    r->power_2 *= rule->beta_2;
    r->tau = (REAL)(rule->tau * sqrt(1 - r->power_2) / (1 - r->power_1));
}

/* Moves layer l >= 2 by the gradient of the sample: delta^l (a^(l-1))^T, row by row, and delta^l. */
static void FN(move_layer)(const FN(state_t) * s, const FN(mover_t) * r, ptrdiff_t l) {
    const network_t *net = s->net;
    const FN(move_t) move = FN(RULES)[s->rule->code];
    const ptrdiff_t n = net->stride[l - 1];
    for (ptrdiff_t j = 0; j < net->M[l]; j++)
        move(r, net->W[l] + j * n, s->delta[l][j], s->a[l - 1], n, (REAL)s->rule->alpha);
    move(r, net->b[l], 1, s->delta[l], net->stride[l], 0);
}

/* Moves layer 1 by the gradient of the sample x, input by input; for a sparse sample only the nonzeros. If there is a
   next dense sample, each row of W^1 is multiplied by its input as well, while the row is in the cache: z = W^1 next,
   summed in the order of the inputs, as first_forward does. */
static void FN(move_layer_1)(const FN(state_t) * s, const FN(mover_t) * r, const FN(row_t) * x, const REAL *next) {
    const network_t *net = s->net;
    const FN(move_t) move = FN(RULES)[s->rule->code];
    const ptrdiff_t m = net->stride[1];
    REAL *restrict z = s->z[1];
    if (next) EACH(j, m) z[j] = 0;
    for (ptrdiff_t q = 0; q < x->count; q++) {
        const ptrdiff_t k = x->index ? x->index[q] : q;
        const REAL *restrict w = s->W[1] + k * m;
        move(r, net->W[1] + k * m, x->value[q], s->delta[1], m, (REAL)s->rule->alpha);
        if (!next || next[k] == 0) continue;
        const REAL x_k = next[k];
        EACH(j, m) z[j] += x_k * w[j];
    }
    move(r, net->b[1], 1, s->delta[1], m, 0);
}

/* The algorithm of steps.h with another rule. Here backprop and update are separate passes, and no update of W^1 is
   postponed; but if W^1 is large, that of a dense sample is merged with the product by the next sample. */
static double FN(steps_by_rule)(const network_t *net, const rule_t *rule, void *params, double *scale,
                                const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const int sparse = samples->indptr != NULL, merged = !sparse && net->M[0] * net->stride[1] > SMALL_W1;
    const ptrdiff_t begin = sparse ? net->b[1] : 0; /* of the moments that are flushed */
    FN(mover_t) mover = FN(make_mover)(rule, params);
    FN(state_t) s;
    FN(row_t) x, next = {NULL, NULL, 0};
    double sum = 0;
    if (!FN(allocate)(&s, net, rule, params, scale, samples, 1)) return NO_MEMORY;
#define DENSE_SAMPLE(t) FN(thinned)(&s, FN(dense_sample)(&s, draws[t]), t, NULL, s.value[(t) % 2])
    for (ptrdiff_t t = 0; t < n_draws; t++) {
        x = sparse ? FN(sample)(&s, draws[t], t, 0) : next.value ? next : DENSE_SAMPLE(t);
        if (!merged || t == 0) {
            const FN(row_t) list = sparse ? x : FN(list_nonzeros)(x, s.index[0], s.value[(t + 1) % 2]);
            FN(first_forward)(s.W[1], net->stride[1], net->stride[1], &list, s.z[1]);
        }
        FN(add_bias)(&s);
        FN(forward_pass)(&s, t);
        sum += FN(output_delta)(&s, draws[t], 0);
        FN(advance)(&mover, rule);
        if (FN(is_time_to_flush)(&mover, rule)) FN(flush)(&mover, rule, begin, net->b[net->L] + net->stride[net->L] - begin);
        for (ptrdiff_t l = net->L; l >= 2; l--) {
            /* backprop only: W^l <- 1 W^l - 0 */
            FN(backprop_and_update_layer)(s.W[l], s.delta[l], s.a[l - 1], s.da[l - 1], s.delta[l - 1], 0, 1, net->M[l],
                                          net->stride[l - 1]);
            FN(move_layer)(&s, &mover, l);
        }
        next = merged && t + 1 < n_draws ? DENSE_SAMPLE(t + 1) : (FN(row_t)){NULL, NULL, 0};
        FN(move_layer_1)(&s, &mover, &x, next.value);
    }
#undef DENSE_SAMPLE
    give_memory(s.memory);
    return sum;
}
