/* How a gradient becomes a step, for one type REAL and one level of the processor (see precisions.h).

   A rule moves n parameters, from position `at` of the parameter vector on. Their gradient is d a_k + alpha w_k: with
   d = delta_j and a = a^(l-1) that of a row of W^l for one sample, which is never written down; with d = 1 / B that of a
   batch, whose sum is a.

   All rules leave the padding, whose gradient is 0, at 0. */

/* A solver_t in REAL. Adam's tau is that of its step t. */
typedef struct {
    REAL *params, *first, *second;
    REAL tau, momentum, rest_1, beta_2, rest_2, epsilon; /* rest: 1 - beta */
    double power_1, power_2;                             /* beta^t */
} FN(rule_t);

#define RULE(name)                                                                                                    \
    static void FN(name)(const FN(rule_t) * r, ptrdiff_t at, REAL d, const REAL *restrict a, ptrdiff_t n, REAL alpha)
#define EACH_WEIGHT SIMD() for (ptrdiff_t k = 0; k < n; k++)

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

/* v <- mu v - tau g;  w <- w + mu v - tau g: Nesterov's momentum, w being where the gradient is taken (Bengio,
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

typedef void (*FN(update_t))(const FN(rule_t) *, ptrdiff_t, REAL, const REAL *restrict, ptrdiff_t, REAL);
static const FN(update_t) FN(RULES)[] = {FN(sgd), FN(momentum), FN(nesterov), FN(adam)};

static FN(rule_t) FN(make_rule)(const solver_t *solver, void *params) {
    FN(rule_t) r = {params, solver->first, solver->second};
    r.tau = (REAL)solver->tau;
    r.momentum = (REAL)solver->momentum;
    r.rest_1 = (REAL)(1 - solver->momentum);
    r.beta_2 = (REAL)solver->beta_2;
    r.rest_2 = (REAL)(1 - solver->beta_2);
    r.epsilon = (REAL)solver->epsilon;
    r.power_1 = pow(solver->momentum, (double)solver->t);
    r.power_2 = pow(solver->beta_2, (double)solver->t);
    return r;
}

/* The next step begins: t <- t + 1. */
static inline void FN(advance)(FN(rule_t) * r, const solver_t *solver) {
    if (solver->rule != ADAM) return;
    r->power_1 *= solver->momentum;
    r->power_2 *= solver->beta_2;
    r->tau = (REAL)(solver->tau * sqrt(1 - r->power_2) / (1 - r->power_1));
}
