/* Activations and losses, for one type REAL and one level of the processor (see precisions.h).

   libm's exp takes one value at a time and costs more than all the rest of a small network, so the functions here only
   use + - * / and comparisons, which lets the compiler vectorise the loop over a layer. Their errors, which
   tests/test_functions.py bounds, are below 4 units in the last place; gelu's, where z^2 is rounded before the
   exponential, is below 5 (1 + z^2 / 4). Every series is cut off where the next term is below half a unit. */

/* The values in a register: rows and vectors are padded to a multiple of it. */
#undef LANES
#define LANES (REGISTER_BYTES / (int)sizeof(REAL))

#undef INT
#undef UINT
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef ROUND
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_MAX
#undef SQRT
#if REAL_IS_DOUBLE
#define INT int64_t
#define UINT uint64_t
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define ROUND 6755399441055744.
#define LN2_HIGH 6.93147180369123816490e-01 /* LN2_HIGH times a small integer is exact */
#define LN2_LOW 1.90821492927058770002e-10
#define EXP_MAX EXP_MAX_DOUBLE
#define SQRT sqrt
#else
#define INT int32_t
#define UINT uint32_t
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define ROUND 12582912.f
#define LN2_HIGH 0.693145751953125f
#define LN2_LOW 1.4286068203094172e-6f
#define EXP_MAX EXP_MAX_FLOAT
#define SQRT sqrtf
#endif

/* Convert between a REAL and the integer with the same bits. */
static inline REAL FN(from_bits)(INT i) { REAL x; memcpy(&x, &i, sizeof x); return x; }
static inline INT FN(to_bits)(REAL x) { INT i; memcpy(&i, &x, sizeof i); return i; }

/* With x = n ln 2 + r, |r| <= ln(2)/2:  returns p = 2^n (e^r - 1), and 2^n in *two_n. There are two parts because
   e^x = 2^n + p, and e^x - 1 = (2^n - 1) + p must not cancel near 0, where n = 0.
   ROUND is 1.5 * 2^(bits of the mantissa): adding it rounds to the nearest integer and leaves n in the low bits. */
static inline REAL FN(exp_parts)(REAL x, REAL *two_n) {
    x = x > EXP_MAX ? EXP_MAX : x;
    x = x < -EXP_MAX ? -EXP_MAX : x; /* NaN passes both */
    const REAL shifted = x * (REAL)1.4426950408889634 + ROUND;
    const REAL n = shifted - ROUND;
    const REAL r = (x - n * LN2_HIGH) - n * LN2_LOW;
    REAL p;
    *two_n = FN(from_bits)((INT)(((UINT)FN(to_bits)(shifted) + EXPONENT_BIAS) << MANTISSA_BITS));
    /* Taylor: e^r - 1 = r + r^2/2! + r^3/3! + ... */
#if REAL_IS_DOUBLE
    p = (REAL)(1. / 6227020800.);
    p = p * r + (REAL)(1. / 479001600.);
    p = p * r + (REAL)(1. / 39916800.);
    p = p * r + (REAL)(1. / 3628800.);
    p = p * r + (REAL)(1. / 362880.);
    p = p * r + (REAL)(1. / 40320.);
    p = p * r + (REAL)(1. / 5040.);
#else
    p = (REAL)(1. / 5040.);
#endif
    p = p * r + (REAL)(1. / 720.);
    p = p * r + (REAL)(1. / 120.);
    p = p * r + (REAL)(1. / 24.);
    p = p * r + (REAL)(1. / 6.);
    p = p * r + (REAL).5;
    p = p * (r * r) + r;
    return *two_n * p;
}

static inline REAL FN(exp)(REAL x) {
    REAL two_n, p = FN(exp_parts)(x, &two_n);
    return two_n + p;
}

/* log(1 + u) for 0 <= u <= 1:  2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...)  with s = u / (2 + u) <= 1/3 */
static inline REAL FN(log1p)(REAL u) {
    const REAL s = u / (2 + u), q = s * s;
    REAL p;
#if REAL_IS_DOUBLE
    p = (REAL)(1. / 33);
    p = p * q + (REAL)(1. / 31);
    p = p * q + (REAL)(1. / 29);
    p = p * q + (REAL)(1. / 27);
    p = p * q + (REAL)(1. / 25);
    p = p * q + (REAL)(1. / 23);
    p = p * q + (REAL)(1. / 21);
    p = p * q + (REAL)(1. / 19);
    p = p * q + (REAL)(1. / 17);
    p = p * q + (REAL)(1. / 15);
#else
    p = (REAL)(1. / 15);
#endif
    p = p * q + (REAL)(1. / 13);
    p = p * q + (REAL)(1. / 11);
    p = p * q + (REAL)(1. / 9);
    p = p * q + (REAL)(1. / 7);
    p = p * q + (REAL)(1. / 5);
    p = p * q + (REAL)(1. / 3);
    return 2 * s + 2 * s * (p * q);
}

/* The normal distribution's tail, P(N > x) for x >= 0, given e = exp(-x^2 / 2):  e f(x / sqrt 2) / 2  where
   f(u) = erfc(u) exp(u^2) is smooth: a polynomial in t = (u - K) / (u + K) in [-1, 1), K = 3.75 (Schonfelder 1978, Math.
   Comp. 32, p. 1232). Its coefficients are those of the Chebyshev interpolant of degree 23, computed with 50 digits. */
static inline REAL FN(normal_tail)(REAL x, REAL e) {
    const REAL u = x * (REAL)0.70710678118654752, t = (u - (REAL)3.75) / (u + (REAL)3.75);
    REAL p = (REAL)8.7660273469841654e-11;
    p = p * t + (REAL)3.3281300551260434e-10;
    p = p * t + (REAL)-1.0759105395292882e-9;
    p = p * t + (REAL)-4.0660888797572718e-9;
    p = p * t + (REAL)8.7926525472714079e-9;
    p = p * t + (REAL)3.0265473200645765e-8;
    p = p * t + (REAL)-7.2235655858333304e-8;
    p = p * t + (REAL)-1.8225657153620248e-7;
    p = p * t + (REAL)6.5918919627232378e-7;
    p = p * t + (REAL)7.4783171017857897e-7;
    p = p * t + (REAL)-6.1833065596941811e-6;
    p = p * t + (REAL)3.5840140899159682e-6;
    p = p * t + (REAL)4.789874061256997e-5;
    p = p * t + (REAL)-0.00015246274761234661;
    p = p * t + (REAL)-2.5535322523067762e-5;
    p = p * t + (REAL)0.0018029624313164178;
    p = p * t + (REAL)-0.0082206211552174382;
    p = p * t + (REAL)0.024143223970932532;
    p = p * t + (REAL)-0.054802326694902188;
    p = p * t + (REAL)0.10260431203227924;
    p = p * t + (REAL)-0.16357189552392642;
    p = p * t + (REAL)0.22600806691661973;
    p = p * t + (REAL)-0.27342193149542646;
    p = p * t + (REAL)0.14558972127503855;
    return (REAL).5 * e * p;
}

/* ---- Activations:  IN z   OUT a = sigma(z), da = sigma'(z) --------------------------------------------------------
   The derivative is computed in the forward pass, where its parts are at hand; for silu and gelu it does not follow
   from a.

   The m units are followed by padding whose z is 0. In hidden layers its a has to be 0, or the padding of the weights
   would not stay 0; its da does not matter. */

#define ACTIVATION(name)                                                                           \
    static void FN(name)(const REAL *restrict z, REAL *restrict a, REAL *restrict da, ptrdiff_t m, \
                         ptrdiff_t with_padding)
#define EACH_UNIT SIMD() for (ptrdiff_t j = 0; j < with_padding; j++)
#define IF_UNIT(value) ((INT)j < (INT)m ? (value) : 0)

/* z;  1 */
ACTIVATION(identity) {
    EACH_UNIT {
        a[j] = z[j];
        da[j] = 1;
    }
}

/* 1 / (1 + e^-z);  a (1 - a) */
ACTIVATION(logistic) {
    EACH_UNIT {
        const REAL s = 1 / (1 + FN(exp)(-z[j]));
        a[j] = IF_UNIT(s);
        da[j] = s * (1 - s);
    }
}

/* e / (e + 2) with e = e^2z - 1;  1 - a^2 */
ACTIVATION(tanh) {
    EACH_UNIT {
        REAL two_n;
        const REAL p = FN(exp_parts)(2 * z[j], &two_n), e = p + (two_n - 1), t = e / (e + 2);
        a[j] = t;
        da[j] = 1 - t * t;
    }
}

/* max(0, z);  1 where z > 0 */
ACTIVATION(relu) {
    EACH_UNIT {
        a[j] = z[j] < 0 ? 0 : z[j]; /* NaN stays NaN */
        da[j] = z[j] > 0 ? 1 : 0;
    }
}

/* z where z > 0, else 0.01 z;  1 or 0.01 */
ACTIVATION(leaky_relu) {
    EACH_UNIT {
        const REAL slope = z[j] > 0 ? 1 : (REAL)0.01;
        a[j] = slope * z[j];
        da[j] = slope;
    }
}

/* log(1 + e^z) = max(0, z) + log(1 + e^-|z|);  1 / (1 + e^-z) */
ACTIVATION(softplus) {
    EACH_UNIT {
        const REAL e = FN(exp)(z[j] < 0 ? z[j] : -z[j]);
        a[j] = IF_UNIT((z[j] < 0 ? 0 : z[j]) + FN(log1p)(e));
        da[j] = (z[j] < 0 ? e : 1) / (1 + e);
    }
}

/* z s with s = 1 / (1 + e^-z);  s + z s (1 - s) */
ACTIVATION(silu) {
    EACH_UNIT {
        const REAL s = 1 / (1 + FN(exp)(-z[j]));
        a[j] = z[j] * s;
        da[j] = s + z[j] * s * (1 - s);
    }
}

/* z P(N <= z), N standard normal;  P(N <= z) + z e^(-z^2/2) / sqrt(2 pi) */
ACTIVATION(gelu) {
    EACH_UNIT {
        const REAL x = z[j] < 0 ? -z[j] : z[j], e = FN(exp)(-(REAL).5 * x * x), tail = FN(normal_tail)(x, e);
        const REAL P = z[j] < 0 ? tail : 1 - tail;
        a[j] = z[j] * P;
        da[j] = P + z[j] * e * (REAL)0.39894228040143268;
    }
}

/* e^z;  e^z */
ACTIVATION(exponential) {
    EACH_UNIT {
        a[j] = FN(exp)(z[j]);
        da[j] = a[j];
    }
}

/* e^z_j / sum_k e^z_k, for the output layer with log_loss, which does not need the derivative */
ACTIVATION(softmax) {
    REAL largest = z[0], sum = 0;
    for (ptrdiff_t j = 1; j < m; j++) largest = z[j] > largest ? z[j] : largest;
    EACH_UNIT a[j] = FN(exp)(z[j] - largest);
    for (ptrdiff_t j = 0; j < m; j++) sum += a[j];
    EACH_UNIT a[j] /= sum;
    (void)da;
}

typedef void (*FN(activation_t))(const REAL *restrict, REAL *restrict, REAL *restrict, ptrdiff_t, ptrdiff_t);
static const FN(activation_t) FN(ACTIVATIONS)[] = {
    FN(identity), FN(logistic), FN(tanh), FN(relu),        FN(leaky_relu),
    FN(softplus), FN(silu),     FN(gelu), FN(exponential), FN(softmax),
};

/* ---- Losses:  IN z^L, a^L, da = sigma'(z^L), y   OUT delta^L = gradient of f_i with respect to z^L; returns f_i --- */

#define LOSS(name)                                                                                                    \
    static double FN(name)(const REAL *restrict z, const REAL *restrict a, const REAL *restrict da,                   \
                           const REAL *restrict y, REAL *restrict delta, ptrdiff_t m, double quantile)

/* f_i = sum_k (a_k - y_k)^2;  delta^L = 2 (a - y) . sigma'(z)   (no 1/2 in the loss, hence the 2) */
LOSS(squared_error) {
    REAL f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        const REAL error = a[k] - y[k];
        f += error * error;
        delta[k] = 2 * error * da[k];
    }
    (void)z, (void)quantile;
    return f;
}

/* logistic outputs:  f_i = -sum_k [y_k log a_k + (1 - y_k) log(1 - a_k)] = sum_k [log(1 + e^z_k) - y_k z_k];
   delta^L = a - y */
LOSS(binary_log_loss) {
    REAL f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        const REAL e = FN(exp)(z[k] < 0 ? z[k] : -z[k]);
        f += (z[k] < 0 ? 0 : z[k]) + FN(log1p)(e) - y[k] * z[k];
        delta[k] = a[k] - y[k];
    }
    (void)da, (void)quantile;
    return f;
}

/* softmax outputs:  f_i = -sum_k y_k log a_k = (z_j - z_y) - log a_j  for one y_k = 1 and the largest z_j;
   delta^L = a - y. Unlike a_y, a_j is never 0. */
LOSS(multinomial_log_loss) {
    REAL largest = z[0], likeliest = a[0], own = 0;
    for (ptrdiff_t k = 1; k < m; k++) {
        largest = z[k] > largest ? z[k] : largest;
        likeliest = a[k] > likeliest ? a[k] : likeliest;
    }
    for (ptrdiff_t k = 0; k < m; k++) {
        own += y[k] * (z[k] - largest);
        delta[k] = a[k] - y[k];
    }
    (void)da, (void)quantile;
    return -log((double)likeliest) - own;
}

/* f_i = sum_k |a_k - y_k|;  delta^L = sign(a - y) . sigma'(z) */
LOSS(absolute_error) {
    REAL f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        const REAL error = a[k] - y[k];
        f += error < 0 ? -error : error;
        delta[k] = (REAL)((error > 0) - (error < 0)) * da[k];
    }
    (void)z, (void)quantile;
    return f;
}

/* With e = a_k - y_k, f_i sums e^2 where |e| <= 1, else 2 |e| - 1 (Huber 1964, times 2);
   delta^L = 2 max(-1, min(1, e)) . sigma'(z) */
LOSS(huber) {
    REAL f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        const REAL error = a[k] - y[k], clipped = error > 1 ? 1 : error < -1 ? -1 : error; /* NaN stays NaN */
        f += clipped * (2 * error - clipped);
        delta[k] = 2 * clipped * da[k];
    }
    (void)z, (void)quantile;
    return f;
}

/* f_i = sum_k max(q (y_k - a_k), (1 - q) (a_k - y_k))  (Koenker, Bassett 1978);
   delta^L = sigma'(z) times -q where a < y, 1 - q where a > y */
LOSS(quantile_loss) {
    REAL f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        const REAL error = a[k] - y[k];
        const REAL slope = error > 0 ? (REAL)(1 - quantile) : error < 0 ? (REAL)-quantile : 0;
        f += slope * error;
        delta[k] = slope * da[k];
    }
    (void)z;
    return f;
}

/* f_i = sum_k [y_k log(y_k / a_k) - y_k + a_k], half of Poisson's deviance;  delta^L = (a - y) / a . sigma'(z) */
LOSS(poisson) {
    double f = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        f += (double)a[k] - y[k];
        if (y[k] > 0) f += y[k] * log((double)y[k] / a[k]);
        delta[k] = (a[k] - y[k]) * (da[k] / a[k]);
    }
    (void)z, (void)quantile;
    return f;
}

typedef double (*FN(loss_t))(const REAL *restrict, const REAL *restrict, const REAL *restrict, const REAL *restrict,
                             REAL *restrict, ptrdiff_t, double);
static const FN(loss_t) FN(LOSSES)[] = {
    FN(squared_error),  FN(binary_log_loss), FN(multinomial_log_loss), FN(absolute_error),
    FN(huber),          FN(quantile_loss),   FN(poisson),
};

/* An activation by its index, for predictions and tests. */
static void FN(activation)(const REAL *z, REAL *a, REAL *da, ptrdiff_t m, int index) {
    FN(ACTIVATIONS)[index](z, a, da, m, m);
}
