/* What a step works on, and what both kinds of steps (steps.h, batches.h) do with it, for one type REAL and one level
   of the processor (see precisions.h). Equation numbers are those of docs/algorithm.md.

   Names: M[l] units in layer l; W[l], b[l] its weights; z[l] = W[l] a[l-1] + b[l] the input of its units, a[l] =
   sigma(z[l]) their output, da[l] = sigma'(z[l]); delta[l] the gradient of the sample's loss f_i with respect to
   z[l]. */

typedef struct {
    const network_t *net;
    const rule_t *rule;
    const samples_t *samples;
    double *scale;                          /* of W^1, see `shrink` */
    REAL **W, **b, **z, **a, **da, **delta; /* indexed by layer, 1..L; one row of stride[l] values per sample */
    REAL *y;                                /* the target, if it is given as the index of a unit */
    int32_t *index[2];                      /* room for the nonzeros of two samples */
    REAL *value[2];
    FN(row_t) last;                         /* the postponed update of W^1 (see steps.h): its sample, */
    REAL *step;                             /* and its tau / scale * delta^1 */
    void *memory;
} FN(state_t);

/* Takes one block of memory for all of this, for `rows` samples at a time, and sets it to 0. With more than one, a[0] is
   room for copies of dense samples, with any content. Returns 0 if out of memory. */
static int FN(allocate)(FN(state_t) * s, const network_t *net, const rule_t *rule, void *params, double *scale,
                        const samples_t *samples, ptrdiff_t rows) {
    const ptrdiff_t L = net->L, longest_row = samples->indptr ? samples->longest_row : net->M[0];
    const size_t pointers = aligned((L + 1) * sizeof(REAL *));
    const size_t index = aligned(longest_row * sizeof(int32_t)), value = aligned(longest_row * sizeof(REAL));
    const size_t copies = rows > 1 && !samples->indptr ? aligned(rows * net->M[0] * sizeof(REAL)) : 0;
    const size_t y = aligned(net->M[L] * sizeof(REAL)), step = aligned(net->stride[1] * sizeof(REAL));
    size_t bytes = REGISTER_BYTES + 6 * pointers + 2 * index + 2 * value + y + step;
    for (ptrdiff_t l = 1; l <= L; l++) bytes += 4 * aligned(rows * net->stride[l] * sizeof(REAL));

    *s = (FN(state_t)){.net = net, .rule = rule, .samples = samples, .scale = scale, .memory = take_memory(bytes + copies)};
    if (!s->memory) return 0;
    memset(s->memory, 0, bytes);
    char *rest = (char *)aligned((size_t)s->memory);
    s->W = TAKE(pointers);
    s->b = TAKE(pointers);
    s->z = TAKE(pointers);
    s->a = TAKE(pointers);
    s->da = TAKE(pointers);
    s->delta = TAKE(pointers);
    for (int k = 0; k < 2; k++) {
        s->index[k] = TAKE(index);
        s->value[k] = TAKE(value);
    }
    s->step = TAKE(step);
    s->y = TAKE(y);
    for (ptrdiff_t l = 1; l <= L; l++) {
        const size_t layer = aligned(rows * net->stride[l] * sizeof(REAL));
        s->W[l] = (REAL *)params + net->W[l];
        s->b[l] = (REAL *)params + net->b[l];
        s->z[l] = TAKE(layer);
        s->a[l] = TAKE(layer);
        s->da[l] = TAKE(layer);
        s->delta[l] = TAKE(layer);
    }
    s->a[0] = TAKE(copies);
    return 1;
}

/* ---- a^0 = x_i ---- */

static inline FN(row_t) FN(dense_sample)(const FN(state_t) * s, ptrdiff_t i) {
    return (FN(row_t)){(const REAL *)s->samples->X + i * s->net->M[0], NULL, s->net->M[0]};
}

static ptrdiff_t FN(count_nonzeros)(const REAL *restrict x, ptrdiff_t n) {
    INT nonzeros = 0;
    SIMD(reduction(+ : nonzeros)) for (ptrdiff_t k = 0; k < n; k++) nonzeros += x[k] != 0;
    return nonzeros;
}

/* The nonzeros of x as a list in index and value, which may be x's own. There is no branch, so what is written for a 0
   is overwritten or ends up after the end of the list. AVX-512 does so for a register at a time. */
static APART FN(row_t) FN(list_nonzeros)(FN(row_t) x, int32_t *index, REAL *value) {
    FN(row_t) list = {value, index, 0};
    ptrdiff_t k = 0;
#if VECTOR_BYTES == 64
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; k + LANES <= x.count; k += LANES) {
#if REAL_IS_DOUBLE
        const __m512d x_k = _mm512_loadu_pd(x.value + k);
        const __m256i numbers = x.index ? _mm256_loadu_si256((const __m256i *)(x.index + k))
                                        : _mm256_add_epi32(_mm512_castsi512_si256(first), _mm256_set1_epi32((int)k));
        const __mmask8 nonzero = _mm512_cmp_pd_mask(x_k, _mm512_setzero_pd(), _CMP_NEQ_UQ);
        _mm512_storeu_pd(value + list.count, _mm512_maskz_compress_pd(nonzero, x_k));
        _mm256_storeu_si256((__m256i *)(index + list.count), _mm256_maskz_compress_epi32(nonzero, numbers));
#else
        const __m512 x_k = _mm512_loadu_ps(x.value + k);
        const __m512i numbers =
            x.index ? _mm512_loadu_si512(x.index + k) : _mm512_add_epi32(first, _mm512_set1_epi32((int)k));
        const __mmask16 nonzero = _mm512_cmp_ps_mask(x_k, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_ps(value + list.count, _mm512_maskz_compress_ps(nonzero, x_k));
        _mm512_storeu_si512(index + list.count, _mm512_maskz_compress_epi32(nonzero, numbers));
#endif
        list.count += __builtin_popcount(nonzero);
    }
#endif
    for (; k < x.count; k++) {
        const REAL x_k = x.value[k];
        index[list.count] = x.index ? x.index[k] : (int32_t)k;
        value[list.count] = x_k;
        list.count += x_k != 0;
    }
    return list;
}

/* The list of x's nonzeros, or x itself if more than half of its values are nonzero. */
static FN(row_t) FN(without_zeros)(FN(row_t) x, int32_t *index, REAL *value) {
    return FN(count_nonzeros)(x.value, x.count) > x.count / 2 ? x : FN(list_nonzeros)(x, index, value);
}

/* Dropout leaves out an input or a hidden unit, x_k = 0 or a_j = 0, with the probability `dropout` of its layer: if its
   number is less than dropout NOISE_RANGE. The others are multiplied by 1 / (1 - dropout), as in Srivastava et al.
   (2014), section 10. (13) */
static inline int32_t FN(left_out)(const rule_t *rule, ptrdiff_t l) { return (int32_t)(rule->dropout[l] * NOISE_RANGE); }
static inline REAL FN(keep)(const rule_t *rule, ptrdiff_t l) { return (REAL)(1 / (1 - rule->dropout[l])); }

/* The noise of draw t for layer l; NULL if nothing of the layer is left out. */
static inline const uint16_t *FN(noise)(const FN(state_t) * s, ptrdiff_t l, ptrdiff_t t) {
    const rule_t *rule = s->rule;
    if (!rule->noise || rule->dropout[l] == 0) return NULL;
    return rule->noise + t * noise_before(s->net, rule->dropout, s->net->L) + noise_before(s->net, rule->dropout, l);
}

/* x without the inputs that dropout leaves out of draw t, in index and value (which may be x's own), or x itself. An
   input's number is made from the draw's and from its place, mixed as at the end of MurmurHash3 (Appleby 2011). So the
   same inputs are left out of dense and of sparse samples, and a 0 that is not stored costs nothing. */
static inline FN(row_t) FN(thinned)(const FN(state_t) * s, FN(row_t) x, ptrdiff_t t, int32_t *index, REAL *value) {
    const uint16_t *noise = FN(noise)(s, 0, t);
    if (!noise) return x;
    const uint32_t first = noise[0] | (uint32_t)noise[1] << 16, second = noise[2] | (uint32_t)noise[3] << 16;
    const int32_t left_out = FN(left_out)(s->rule, 0);
    const REAL keep = FN(keep)(s->rule, 0);
    SIMD() for (ptrdiff_t q = 0; q < x.count; q++) {
        uint32_t bits = first + 0x9E3779B9u * (uint32_t)(x.index ? x.index[q] : q);
        bits = (bits ^ bits >> 16) * 0x85EBCA6Bu;
        bits = (bits ^ bits >> 13 ^ second) * 0xC2B2AE35u;
        value[q] = (int32_t)(bits >> 16) < left_out ? 0 : keep * x.value[q];
    }
    x.value = value;
    return x.index ? FN(list_nonzeros)(x, index, value) : x;
}

/* If W^1 has at most this many values, looking for zeros in a dense sample costs more than they save. */
#undef SMALL_W1
#define SMALL_W1 4096

/* Sample i, that of draw t. If a list of its values has to be made, it goes to buffer number `room` (0 or 1). */
static FN(row_t) FN(sample)(const FN(state_t) * s, ptrdiff_t i, ptrdiff_t t, int room) {
    const samples_t *samples = s->samples;
    int32_t *index = s->index[room];
    REAL *value = s->value[room];
    if (!samples->indptr) {
        const FN(row_t) x = FN(thinned)(s, FN(dense_sample)(s, i), t, NULL, value);
        return x.count * s->net->stride[1] <= SMALL_W1 ? x : FN(without_zeros)(x, index, value);
    }
    if (!samples->wide_indices) {
        const int32_t *indptr = samples->indptr, *indices = samples->indices;
        const FN(row_t) x = {(const REAL *)samples->X + indptr[i], indices + indptr[i], indptr[i + 1] - indptr[i]};
        return FN(thinned)(s, x, t, index, value);
    }
    const int64_t *indptr = samples->indptr, *indices = (const int64_t *)samples->indices + indptr[i];
    const ptrdiff_t count = (ptrdiff_t)(indptr[i + 1] - indptr[i]);
    for (ptrdiff_t q = 0; q < count; q++) index[q] = (int32_t)indices[q];
    return FN(thinned)(s, (FN(row_t)){(const REAL *)samples->X + indptr[i], index, count}, t, index, value);
}

/* ---- Forward pass ---- */

/* Dropout of hidden units: sigma' is treated as a is, and through it delta. */
static void FN(drop_out)(REAL *restrict a, REAL *restrict da, const uint16_t *restrict noise, int32_t left_out,
                         REAL keep, ptrdiff_t n) {
    EACH(j, n) {
        const REAL factor = noise[j] < left_out ? 0 : keep;
        a[j] *= factor;
        da[j] *= factor;
    }
}

/* a^l = sigma(z^l) (3) and sigma'(z^l) of the sample in row r, which is that of draw t. The padding goes through sigma
   too, to leave no scalar remainder. */
static inline void FN(activate)(const FN(state_t) * s, ptrdiff_t l, ptrdiff_t r, ptrdiff_t t) {
    const network_t *net = s->net;
    const ptrdiff_t n = net->stride[l];
    REAL *a = s->a[l] + r * n, *da = s->da[l] + r * n;
    FN(ACTIVATIONS)[net->activation[l]](s->z[l] + r * n, a, da, net->M[l], n);
    const uint16_t *noise = l < net->L ? FN(noise)(s, l, t) : NULL;
    if (noise) FN(drop_out)(a, da, noise, FN(left_out)(s->rule, l), FN(keep)(s->rule, l), n);
}

/* ---- Backprop begins ---- */

/* delta^L (4) of sample i, stored in row r. Returns f_i. */
static inline double FN(output_delta)(const FN(state_t) * s, ptrdiff_t i, ptrdiff_t r) {
    const network_t *net = s->net;
    const samples_t *samples = s->samples;
    const ptrdiff_t L = net->L, m = net->M[L], at = r * net->stride[L];
    const REAL *y = samples->Y ? (const REAL *)samples->Y + i * m : s->y;
    REAL *delta = s->delta[L] + at;
    if (!samples->Y) s->y[samples->codes[i]] = 1;
    double f = FN(LOSSES)[net->loss](s->z[L] + at, s->a[L] + at, s->da[L] + at, y, delta, m, net->quantile);
    if (!samples->Y) s->y[samples->codes[i]] = 0;
    if (!samples->weights) return f;
    for (ptrdiff_t k = 0; k < m; k++) delta[k] *= (REAL)samples->weights[i];
    return f * samples->weights[i];
}

/* ---- The L2 penalty of W^1 ---- */

/* A range in which neither scale nor 1 / scale times a step is anywhere near overflow. */
#undef SCALE_MIN
#undef SCALE_MAX
#define SCALE_MIN (REAL_IS_DOUBLE ? 1e-100 : 1e-12)
#define SCALE_MAX (1 / SCALE_MIN)

/* W^1 <- (1 - tau alpha) W^1, before the sample's gradient is subtracted. Every weight shrinks, even for inputs that
   are 0 in the sample. So W^1 is stored as scale * W, and only scale is multiplied. It is folded into W when it leaves its
   range (if tau alpha >= 1, it may be negative or 0). */
static inline void FN(shrink)(const FN(state_t) * s) {
    *s->scale *= 1 - s->rule->tau * s->rule->alpha;
    if (fabs(*s->scale) > SCALE_MIN && fabs(*s->scale) < SCALE_MAX) return;
    const REAL c = (REAL)*s->scale;
    const ptrdiff_t size = s->net->M[0] * s->net->stride[1];
    SIMD() for (ptrdiff_t k = 0; k < size; k++) s->W[1][k] *= c;
    *s->scale = 1;
}
