/* The forward pass alone, for many samples, for one type REAL and one level of the processor (see precisions.h). The
   weights are those of a fitted estimator, without padding; a piece of work (threads.h) is the whole pass for some
   samples. Rounds without the members are short. The first one with them is the last, so that they wait for each other
   only once. */

#undef PREDICTED_SAMPLES
#undef PIECES_ALONE
#define PREDICTED_SAMPLES 64
#define PIECES_ALONE 4

typedef struct {
    const layers_t *net;
    const samples_t *samples;
    ptrdiff_t n;              /* samples */
    REAL *out;
    ptrdiff_t first;          /* piece of this round */
    ptrdiff_t widest;         /* a row of z or a */
    char *rooms;              /* for each member of the team: z, a, and a row for the derivatives */
    size_t room_bytes;
} FN(prediction_t);

/* z = W x, where W has a row of m values for each input; x lists the nonzeros or, without an index, all inputs. */
static void FN(unpadded_forward)(const REAL *restrict W, ptrdiff_t m, const REAL *restrict x, const int32_t *index,
                                 const int64_t *wide_index, ptrdiff_t count, REAL *restrict z) {
#define ROW(q) (W + (index ? (ptrdiff_t)index[q] : wide_index ? (ptrdiff_t)wide_index[q] : (q)) * m)
    ptrdiff_t q = 0;
    SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] = 0;
    for (; q + 4 <= count; q += 4) {
        const REAL *restrict w0 = ROW(q), *restrict w1 = ROW(q + 1), *restrict w2 = ROW(q + 2), *restrict w3 = ROW(q + 3);
        const REAL x0 = x[q], x1 = x[q + 1], x2 = x[q + 2], x3 = x[q + 3];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += (x0 * w0[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j]);
    }
    for (; q < count; q++) {
        const REAL *restrict w0 = ROW(q), x0 = x[q];
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[j] += x0 * w0[j];
    }
#undef ROW
}

/* Z = A W for n samples; A has rows of lda values, Z has rows of whole registers. */
static void FN(predict_dense)(const REAL *A, ptrdiff_t lda, const REAL *W, ptrdiff_t depth, ptrdiff_t m, ptrdiff_t n,
                              REAL *z, ptrdiff_t stride) {
    if (n > 1)
        FN(product)(n, m, depth, A, lda, 1, W, m, 0, z, stride);
    else
        FN(unpadded_forward)(W, m, A, NULL, NULL, depth, z);
}

/* The same for n CSR rows, from row `start` on. */
static void FN(predict_sparse)(const samples_t *samples, ptrdiff_t start, const REAL *W, ptrdiff_t m, ptrdiff_t n, REAL *z,
                               ptrdiff_t stride) {
    const REAL *X = samples->X;
    for (ptrdiff_t r = 0; r < n; r++, z += stride) {
        if (samples->wide_indices) {
            const int64_t *row = (const int64_t *)samples->indptr + start + r, *index = samples->indices;
            FN(unpadded_forward)(W, m, X + row[0], NULL, index + row[0], (ptrdiff_t)(row[1] - row[0]), z);
        } else {
            const int32_t *row = (const int32_t *)samples->indptr + start + r, *index = samples->indices;
            FN(unpadded_forward)(W, m, X + row[0], index + row[0], NULL, row[1] - row[0], z);
        }
    }
}

/* A piece of work: z^l = W^l a^(l-1) + b^l (2), a^l = sigma(z^l) (3), l = 1..L, for some samples. */
static void FN(predict_samples)(void *work, ptrdiff_t piece, int member) {
    const FN(prediction_t) *p = work;
    const layers_t *net = p->net;
    const ptrdiff_t *M = net->M, start = (p->first + piece) * PREDICTED_SAMPLES;
    const ptrdiff_t n = p->n - start < PREDICTED_SAMPLES ? p->n - start : PREDICTED_SAMPLES;
    REAL *z = (REAL *)(p->rooms + member * p->room_bytes), *a = z + PREDICTED_SAMPLES * p->widest;
    REAL *da = a + PREDICTED_SAMPLES * p->widest;
    for (ptrdiff_t l = 1; l <= net->L; l++) {
        const ptrdiff_t stride = (M[l] + LANES - 1) / LANES * LANES, below = (M[l - 1] + LANES - 1) / LANES * LANES;
        const REAL *restrict b = net->b[l];
        if (l > 1)
            FN(predict_dense)(a, below, net->W[l], M[l - 1], M[l], n, z, stride);
        else if (p->samples->indptr)
            FN(predict_sparse)(p->samples, start, net->W[1], M[1], n, z, stride);
        else
            FN(predict_dense)((const REAL *)p->samples->X + start * M[0], M[0], net->W[1], M[0], M[1], n, z, stride);
        for (ptrdiff_t r = 0; r < n; r++) {
            REAL *restrict z_r = z + r * stride;
            SIMD() for (ptrdiff_t j = 0; j < M[l]; j++) z_r[j] += b[j];
            FN(ACTIVATIONS)[net->activation[l]](z_r, a + r * stride, da, M[l], stride);
        }
        if (l == net->L)
            for (ptrdiff_t r = 0; r < n; r++) memcpy(p->out + (start + r) * M[l], a + r * stride, M[l] * sizeof(REAL));
    }
}

/* How many threads have enough to do. */
static int FN(useful_predictors)(const layers_t *net, const samples_t *samples, ptrdiff_t n) {
    double weights = 0; /* per sample */
    for (ptrdiff_t l = 1; l <= net->L; l++) weights += (double)net->M[l - 1] * net->M[l];
    if (samples->indptr) weights -= (double)net->M[0] * net->M[1];
    if (samples->indptr) weights += (double)FN(stored_values)(samples, 0, n) / n * net->M[1];
    const double shares = weights * n / SHARE_MIN;
    return weights * n < WORK_MIN ? 1 : shares < MEMBERS_MAX ? (int)shares : MEMBERS_MAX;
}

/* a^L of n samples. Returns 0 if there is no memory. */
static int FN(predict)(const layers_t *net, const samples_t *samples, ptrdiff_t n, int threads, void *out) {
    FN(prediction_t) p = {.net = net, .samples = samples, .n = n, .out = out};
    const ptrdiff_t pieces = (n + PREDICTED_SAMPLES - 1) / PREDICTED_SAMPLES;
    team_t team;
    for (ptrdiff_t l = 1; l <= net->L; l++) p.widest = net->M[l] > p.widest ? net->M[l] : p.widest;
    p.widest = (p.widest + LANES - 1) / LANES * LANES;
    p.room_bytes = aligned((2 * PREDICTED_SAMPLES + 1) * p.widest * sizeof(REAL)) + REGISTER_BYTES;
    make_team(&team, threads, FN(useful_predictors)(net, samples, n), net->W[1], net->M[0] * net->M[1]);
    void *memory = take_zeros(REGISTER_BYTES + team.size * p.room_bytes);
    p.rooms = (char *)aligned((size_t)memory);
    for (ptrdiff_t some; p.first < pieces && memory; p.first += some) {
        begin_round(&team);
        some = pieces - p.first;
        if (!team.together && some > PIECES_ALONE) some = PIECES_ALONE;
        run(&team, FN(predict_samples), &p, some);
        end_round(&team, (double)some);
    }
    end_team(&team);
    give_memory(memory);
    return memory != NULL;
}
