/* The same algorithm for several samples at a time (mini-batches), for one type REAL and one level of the processor
   (see precisions.h). What steps.h does with vectors is done here with matrices, one row per sample (products.h), and
   on several threads (threads.h): first the forward pass and backprop, in pieces of some samples; then the gradient and
   the update, in pieces of some rows of W^l. Each row of the gradient is the sum over all samples, in their order.

   Where it pays off, layer 1 is divided into parts instead (parts.h), one for each thread, which alone computes z^1 of
   these units and moves their weights. */

/* A batch is taken in slices; the sum of the gradients continues from slice to slice. A slice has about SLICE_VALUES
   values in all layers together (a sparse input does not count), so that it stays in the cache, but at least
   SLICE_ROWS_MIN samples, below which the products are slow, and at most SLICE_ROWS_MAX, above which they get no faster,
   or for the loss alone LOSS_ROWS. Only the network's shape decides. */
#undef SLICE_VALUES
#undef SLICE_ROWS_MIN
#undef SLICE_ROWS_MAX
#undef LOSS_ROWS
#define SLICE_VALUES ((ptrdiff_t)1 << 22)
#define SLICE_ROWS_MIN 16
#define SLICE_ROWS_MAX 256
#define LOSS_ROWS 32

/* The number of samples, or of rows of W^l, in a piece of work. */
#undef PIECE_SAMPLES
#undef PIECE_ROWS
#define PIECE_SAMPLES 16
#define PIECE_ROWS 16

/* A slice of a batch, at work. */
typedef struct {
    FN(state_t) s;            /* z, a, delta of its samples */
    FN(lists_t) lists;
    FN(mover_t) mover;
    FN(part_t) *parts;        /* of layer 1; if there is only one, it is the layer itself, not a copy */
    ptrdiff_t n_parts;
    void *copies;             /* their memory */
    int back;                 /* whether they are copied back */
    const int64_t *draws;     /* of all batches: */
    ptrdiff_t n_draws;        /* so many; of its samples, */
    ptrdiff_t t, n;           /* the first one's number, and how many */
    double *f;                /* their losses */
    ptrdiff_t batch_size;     /* samples of the whole batch */
    int is_first, is_last;    /* slice of the batch */
    char *rooms;              /* a room for each member of the team */
    size_t room_bytes;
    void *memory;
} FN(batch_t);

/* What a member of the team works with. */
typedef struct {
    REAL *y;           /* the target, if it is given as the index of a unit; 0 between uses */
    REAL *gradient;    /* of a piece's rows of W^l */
} FN(room_t);

static FN(room_t) FN(room)(const FN(batch_t) * batch, int member) {
    const network_t *net = batch->s.net;
    char *rest = batch->rooms + member * batch->room_bytes;
    FN(room_t) room;
    room.y = TAKE(aligned(net->M[net->L] * sizeof(REAL)));
    room.gradient = (REAL *)rest;
    return room;
}

/* Takes one block of zeroed memory for the members' rooms and the losses. Returns 0 if there is none. */
static int FN(allocate_rooms)(FN(batch_t) * batch, int members) {
    const network_t *net = batch->s.net;
    ptrdiff_t widest = net->stride[1];
    for (ptrdiff_t l = 1; l < net->L; l++) widest = net->stride[l] > widest ? net->stride[l] : widest;
    const size_t losses = aligned(SLICE_ROWS_MAX * sizeof(double));
    batch->room_bytes = aligned(net->M[net->L] * sizeof(REAL)) + aligned(PIECE_ROWS * widest * sizeof(REAL)) +
                        REGISTER_BYTES; /* so that no two members write to one line of the cache */
    batch->memory = take_zeros(REGISTER_BYTES + losses + members * batch->room_bytes);
    batch->f = (double *)aligned((size_t)batch->memory);
    batch->rooms = (char *)batch->f + losses;
    return batch->memory != NULL;
}

/* ---- Forward pass and backprop ------------------------------------------------------------------------------------ */

/* A copy of n dense samples from row `start` on, or the lists of their nonzeros. Meanwhile, those of the next piece are
   fetched. */
static void FN(gather)(const FN(batch_t) * batch, ptrdiff_t start, ptrdiff_t n) {
    const FN(state_t) *s = &batch->s;
    const FN(lists_t) *lists = &batch->lists;
    const ptrdiff_t M = s->net->M[0];
    for (ptrdiff_t r = start; r < start + n && !s->samples->indptr; r++) {
        REAL *a = s->a[0] + r * M;
        const ptrdiff_t later = batch->t + r + PIECE_SAMPLES;
        if (later < batch->n_draws) {
            const REAL *next = FN(dense_sample)(s, batch->draws[later]).value;
            for (ptrdiff_t k = 0; k < M; k += LANES) FETCH(next + k);
        }
        const FN(row_t) x = FN(thinned)(s, FN(dense_sample)(s, batch->draws[batch->t + r]), batch->t + r, NULL, a);
        if (lists->in_use)
            lists->x[r] = FN(list_nonzeros)(x, lists->index + r * M, lists->of_x + r * M);
        else if (x.value != a)
            memcpy(a, x.value, M * sizeof(REAL));
    }
}

/* z^1 = W^1 x + b^1 (2) of m units of a part, from its unit j on, for n samples from row r on. */
static void FN(forward_units)(const FN(batch_t) * batch, const FN(part_t) * part, ptrdiff_t j, ptrdiff_t m, ptrdiff_t r,
                              ptrdiff_t n) {
    const FN(state_t) *s = &batch->s;
    const FN(lists_t) *lists = &batch->lists;
    const ptrdiff_t M = s->net->M[0], ld = part->net.stride[1], stride = s->net->stride[1];
    const ptrdiff_t units = part->net.M[1] - j < m ? part->net.M[1] - j : m; /* without padding */
    const REAL *restrict W = part->params + part->net.W[1] + j, *restrict b = part->params + part->net.b[1] + j;
    const REAL scale = (REAL)*part->s.scale;
    REAL *restrict z = s->z[1] + r * stride + part->first + j;
    if (lists->in_use)
        FN(product_by_lists)(lists->x + r, n, M, W, ld, m, z, stride);
    else
        FN(product)(n, units, M, s->a[0] + r * M, M, 1, W, ld, 0, z, stride);
    for (ptrdiff_t k = 0; k < n; k++) EACH(i, m) z[k * stride + i] = scale * z[k * stride + i] + b[i];
}

/* Z^l = A^(l-1) (W^l)^T + b^l (2), l > 1, for n samples from row r on. */
static void FN(forward_batch)(const FN(state_t) * s, ptrdiff_t l, ptrdiff_t r, ptrdiff_t n) {
    const ptrdiff_t m = s->net->stride[l], below = s->net->stride[l - 1];
    const REAL *restrict b = s->b[l];
    REAL *restrict z = s->z[l] + r * m;
    FN(product_by_transpose)(n, s->net->M[l], below, s->a[l - 1] + r * below, below, s->W[l], below, z, m);
    for (ptrdiff_t k = 0; k < n; k++) EACH(j, m) z[k * m + j] += b[j];
}

static ptrdiff_t FN(pieces_of_samples)(const FN(batch_t) * batch) {
    return (batch->n + PIECE_SAMPLES - 1) / PIECE_SAMPLES;
}

static ptrdiff_t FN(samples_of_piece)(const FN(batch_t) * batch, ptrdiff_t piece) {
    const ptrdiff_t rest = batch->n - piece * PIECE_SAMPLES;
    return rest < PIECE_SAMPLES ? rest : PIECE_SAMPLES;
}

/* A piece of work if layer 1 has parts: some samples. */
static void FN(gather_samples)(void *work, ptrdiff_t piece, int member) {
    (void)member;
    FN(gather)(work, piece * PIECE_SAMPLES, FN(samples_of_piece)(work, piece));
}

/* How many columns of a part's W^1 are multiplied at a time. */
static ptrdiff_t FN(columns)(const FN(batch_t) * batch) {
    return batch->lists.in_use ? batch->s.net->stride[1] : TILE_COLUMNS;
}

/* In how many pieces, at most: those of the last part, which is the widest. */
static ptrdiff_t FN(pieces_of_part)(const FN(batch_t) * batch) {
    const ptrdiff_t columns = FN(columns)(batch);
    return (batch->parts[batch->n_parts - 1].net.stride[1] + columns - 1) / columns;
}

/* The part of a piece of work, if each has so many pieces. The caller of a team begins with the last, widest part. */
static FN(part_t) * FN(part_of_piece)(const FN(batch_t) * batch, ptrdiff_t piece, ptrdiff_t pieces) {
    return batch->parts + batch->n_parts - 1 - piece / pieces;
}

/* A piece of work if layer 1 has parts: z^1 of some of a part's units. */
static void FN(pass_part)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    const ptrdiff_t columns = FN(columns)(batch), pieces = FN(pieces_of_part)(batch), j = piece % pieces * columns;
    const FN(part_t) *part = FN(part_of_piece)(batch, piece, pieces);
    const ptrdiff_t rest = part->net.stride[1] - j;
    (void)member;
    if (rest > 0) FN(forward_units)(batch, part, j, rest < columns ? rest : columns, 0, batch->n);
}

/* A piece of work: the forward pass and backprop of some samples, which give a, delta and f. If layer 1 has parts, z^1
   is there already; the last pieces make the lists for its gradient. */
static void FN(pass_samples)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    FN(state_t) s = batch->s;
    const ptrdiff_t L = s.net->L, *M = s.net->M, *stride = s.net->stride, start = piece * PIECE_SAMPLES;
    const ptrdiff_t n = FN(samples_of_piece)(batch, piece), end = start + n;
    const int64_t *draws = batch->draws + batch->t;
    if (n <= 0) {
        FN(list_by_input)(&batch->lists, piece - FN(pieces_of_samples)(batch), batch->n, batch->is_first);
        return;
    }
    s.y = FN(room)(batch, member).y;
    if (batch->n_parts == 1) {
        FN(gather)(batch, start, n);
        FN(forward_units)(batch, batch->parts, 0, stride[1], start, n);
    }
    for (ptrdiff_t l = 1; l <= L; l++) {
        if (l > 1) FN(forward_batch)(&s, l, start, n);
        for (ptrdiff_t r = start; r < end; r++) FN(activate)(&s, l, r, batch->t + r);
    }
    for (ptrdiff_t r = start; r < end; r++) batch->f[r] = FN(output_delta)(&s, draws[r], r);
    for (ptrdiff_t l = L; l >= 2 && s.rule->code != LOSS_ONLY; l--) {
        const ptrdiff_t m = stride[l - 1];
        REAL *restrict below = s.delta[l - 1] + start * m, *restrict da = s.da[l - 1] + start * m;
        FN(product)(n, M[l - 1], M[l], s.delta[l] + start * stride[l], stride[l], 1, s.W[l], m, 0, below, m);
        SIMD() for (ptrdiff_t j = 0; j < n * m; j++) below[j] *= da[j];
    }
}

/* ---- Gradient and update ------------------------------------------------------------------------------------------
   The rule turns the sum of the samples' gradients (6), (7) into a step. If a batch has several slices, or no rule is
   to move anything, rule->gradient holds that sum; otherwise only the rows of a piece are ever in memory. */

static inline int FN(keeps_gradient)(const FN(batch_t) * batch) {
    return !(batch->is_first && batch->is_last) || batch->s.rule->code == GRADIENT_ONLY;
}

static inline int FN(moves)(const FN(batch_t) * batch) {
    return batch->is_last && batch->s.rule->code >= 0;
}

/* The rule's vectors in which a part has its W^1 and b^1. */
static FN(mover_t) FN(mover_of_part)(const FN(batch_t) * batch, const FN(part_t) * part) {
    FN(mover_t) mover = batch->mover;
    mover.params = part->params;
    mover.first = part->rule.first;
    mover.second = part->rule.second;
    return mover;
}

/* One step by the rule: n parameters, from position `at` on, move by their gradient d g. */
static void FN(move)(const FN(batch_t) * batch, const FN(mover_t) * mover, ptrdiff_t at, REAL d, const REAL *restrict g,
                     ptrdiff_t n, double alpha, int flushes) {
    const rule_t *rule = batch->s.rule;
    if (flushes && FN(is_time_to_flush)(mover, rule)) FN(flush)(mover, rule, at, n);
    FN(RULES)[rule->code](mover, at, d, g, n, (REAL)alpha);
}

/* Fetches n parameters and their moments into the cache. */
static void FN(fetch)(const FN(mover_t) * mover, const rule_t *rule, ptrdiff_t at, ptrdiff_t n) {
    for (ptrdiff_t k = at; k < at + n; k += LANES) {
        FETCH(mover->params + k);
        if (rule->first) FETCH(mover->first + k);
        if (rule->second) FETCH(mover->second + k);
    }
}

/* b = b^l of m units, from the sums of their columns of delta^l. */
static void FN(learn_biases)(const FN(batch_t) * batch, const REAL *restrict delta, ptrdiff_t ld, const FN(mover_t) * mover,
                             void *gradient, ptrdiff_t b, ptrdiff_t m) {
    REAL *restrict g = (REAL *)gradient + b;
    if (batch->is_first) EACH(j, m) g[j] = 0;
    for (ptrdiff_t r = 0; r < batch->n; r++) EACH(j, m) g[j] += delta[r * ld + j];
    if (FN(moves)(batch)) FN(move)(batch, mover, b, 1 / (REAL)batch->batch_size, g, m, 0, 1);
}

/* The gradient of n rows of m weights, W = W^l from some row on: A^T B, summed over the samples; and their update.
   With padding, the rows have ld values. */
static void FN(learn_weights)(const FN(batch_t) * batch, const REAL *A, ptrdiff_t lda, const REAL *B, ptrdiff_t ldb,
                              const FN(mover_t) * mover, void *gradient, ptrdiff_t W, ptrdiff_t n, ptrdiff_t m,
                              ptrdiff_t ld, int member) {
    REAL *g = FN(keeps_gradient)(batch) ? (REAL *)gradient + W : FN(room)(batch, member).gradient;
    FN(product)(n, m, batch->n, A, 1, lda, B, ldb, !batch->is_first, g, ld);
    if (FN(moves)(batch))
        FN(move)(batch, mover, W, 1 / (REAL)batch->batch_size, g, n * ld, batch->s.rule->alpha, 1);
}

/* A large W^1 is not in the cache: a row is fetched while FETCHED others move. */
#undef FETCHED
#undef CACHED
#define FETCHED 8
#define CACHED ((1 << 20) / (ptrdiff_t)sizeof(REAL)) /* W^1 and its moments, if they have at most so many values */
static inline int FN(fetches)(const FN(lists_t) * lists, const rule_t *rule, ptrdiff_t m) {
    return lists->sparse && lists->M * m * (1 + !!rule->first + !!rule->second) > CACHED;
}

/* A plain step of the rows of a part's W^1 in a piece, sample by sample. */
static void FN(learn_by_samples)(const FN(batch_t) * batch, const FN(part_t) * part, const FN(mover_t) * mover,
                                 ptrdiff_t piece) {
    const FN(lists_t) *lists = &batch->lists;
    const ptrdiff_t m = part->net.stride[1], W = part->net.W[1];
    const ptrdiff_t first = FN(first_of_piece)(lists, piece), last = FN(first_of_piece)(lists, piece + 1);
    const int fetches = FN(fetches)(lists, batch->s.rule, m);
    const REAL d = (REAL)(1 / (*part->s.scale * batch->batch_size));
    for (ptrdiff_t r = 0; r < batch->n; r++) {
        const FN(row_t) x = lists->x[r];
        const REAL *delta = batch->s.delta[1] + r * batch->s.net->stride[1] + part->first;
        for (ptrdiff_t q = first ? FN(position)(&x, first) : 0; q < x.count && x.index[q] < last; q++) {
            if (fetches && q + FETCHED < x.count) FN(fetch)(mover, batch->s.rule, W + x.index[q + FETCHED] * m, m);
            FN(sgd)(mover, W + x.index[q] * m, d * x.value[q], delta, m, 0);
        }
    }
}

/* The touched rows of a part's W^1 in a piece: row k has the gradient sum_i x_ik delta_i. */
static void FN(learn_by_lists)(const FN(batch_t) * batch, const FN(part_t) * part, const FN(mover_t) * mover,
                               ptrdiff_t piece, int member) {
    const FN(lists_t) *lists = &batch->lists;
    const FN(state_t) *s = &batch->s;
    const rule_t *rule = s->rule;
    REAL *rows = FN(room)(batch, member).gradient;
    const ptrdiff_t m = part->net.stride[1], W = part->net.W[1], first = FN(first_of_piece)(lists, piece);
    const int keeps = FN(keeps_gradient)(batch), moves = FN(moves)(batch);
    const int fetches = moves && FN(fetches)(lists, rule, m);
    /* `scale` multiplies W^1, and includes the penalty of plain steps with sparse samples */
    const REAL d = (REAL)(1 / (*part->s.scale * batch->batch_size));
    const double alpha = lists->sparse && rule->code == SGD ? 0 : rule->alpha;
    const ptrdiff_t n = lists->n_touched[piece], written = lists->written[piece]; /* rows of the gradient */
    const int32_t *touched = lists->touched + first;
    for (ptrdiff_t t = 0, some; t < n; t += some) {
        some = n - t < PIECE_ROWS ? n - t : PIECE_ROWS;
        FN(product_by_lists)(lists->inputs + first + t, some, batch->n, s->delta[1] + part->first, s->net->stride[1], m,
                             rows, m);
        const ptrdiff_t together = lists->sparse ? 1 : some; /* rows that follow each other move at once */
        for (ptrdiff_t i = t; i < t + some; i += together) {
            const ptrdiff_t at = W + touched[i] * m;
            REAL *row = rows + (i - t) * m;
            if (keeps) {
                REAL *restrict g = (REAL *)part->rule.gradient + at;
                if (i < written)
                    EACH(k, together * m) g[k] += row[k];
                else
                    memcpy(g, row, together * m * sizeof(REAL));
                row = g;
            }
            if (fetches && i + FETCHED < n) FN(fetch)(mover, rule, W + touched[i + FETCHED] * m, m);
            if (moves) FN(move)(batch, mover, at, d, row, together * m, alpha, !lists->sparse);
        }
    }
}

/* In how many pieces the rows of W^l are; of layer 1, each part has so many. */
static ptrdiff_t FN(pieces_of_layer)(const FN(batch_t) * batch, ptrdiff_t l) {
    if (l == 1 && batch->lists.in_use) return batch->lists.pieces;
    return (batch->s.net->M[l > 1 ? l : 0] + PIECE_ROWS - 1) / PIECE_ROWS;
}

/* Some rows of a part's W^1, the weights of so many inputs; b^1 comes with the first. */
static void FN(learn_units)(const FN(batch_t) * batch, const FN(part_t) * part, ptrdiff_t piece, int member) {
    const FN(state_t) *s = &batch->s;
    const FN(mover_t) mover = FN(mover_of_part)(batch, part);
    const ptrdiff_t M = s->net->M[0], m = part->net.stride[1], ld = s->net->stride[1];
    const ptrdiff_t start = piece * PIECE_ROWS, n = M - start < PIECE_ROWS ? M - start : PIECE_ROWS;
    const REAL *delta = s->delta[1] + part->first;
    if (piece == 0) FN(learn_biases)(batch, delta, ld, &mover, part->rule.gradient, part->net.b[1], m);
    if (batch->lists.in_use && !batch->lists.by_input)
        FN(learn_by_samples)(batch, part, &mover, piece);
    else if (batch->lists.in_use)
        FN(learn_by_lists)(batch, part, &mover, piece, member);
    else
        FN(learn_weights)(batch, s->a[0] + start, M, delta, ld, &mover, part->rule.gradient,
                          part->net.W[1] + start * m, n, part->net.M[1], m, member);
}

/* Some rows of W^l, l > 1, the weights of so many units; b^l comes with the first. */
static void FN(learn_layer)(const FN(batch_t) * batch, ptrdiff_t l, ptrdiff_t piece, int member) {
    const FN(state_t) *s = &batch->s;
    const network_t *net = s->net;
    const ptrdiff_t M = net->M[l], m = net->stride[l], below = net->stride[l - 1];
    const ptrdiff_t start = piece * PIECE_ROWS, n = M - start < PIECE_ROWS ? M - start : PIECE_ROWS;
    void *gradient = s->rule->gradient;
    if (piece == 0) FN(learn_biases)(batch, s->delta[l], m, &batch->mover, gradient, net->b[l], m);
    FN(learn_weights)(batch, s->delta[l] + start, m, s->a[l - 1], below, &batch->mover, gradient,
                      net->W[l] + start * below, n, net->M[l - 1], below, member);
}

/* A piece of work: the gradients of some rows of one W^l (and of b^l, with the first rows), and their update. */
static void FN(learn_rows)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    ptrdiff_t l = 2, n = FN(pieces_of_layer)(batch, 1);
    if (piece < n * batch->n_parts) {
        if (batch->n_parts == 1 && batch->lists.in_use)
            FN(list_by_input)(&batch->lists, piece, batch->n, batch->is_first);
        FN(learn_units)(batch, FN(part_of_piece)(batch, piece, n), piece % n, member);
        return;
    }
    piece -= n * batch->n_parts;
    while (piece >= (n = FN(pieces_of_layer)(batch, l))) piece -= n, l++;
    FN(learn_layer)(batch, l, piece, member);
}

/* ---- Parts of layer 1 ---------------------------------------------------------------------------------------------- */

#undef COPY_PIECES
#define COPY_PIECES 16

/* Makes n parts of layer 1, with memory for their weights and moments; one part is layer 1 itself. Returns 0 if there is
   no memory. */
static int FN(divide)(FN(batch_t) * batch, ptrdiff_t n) {
    const FN(state_t) *s = &batch->s;
    const network_t *net = s->net;
    const rule_t *rule = s->rule;
    const ptrdiff_t vector = net->b[net->L] + net->stride[net->L];
    batch->n_parts = n;
    batch->parts = calloc(n, sizeof *batch->parts);
    if (!batch->parts) return 0;
    if (n == 1) {
        batch->parts[0] = (FN(part_t)){.s = *s, .net = *net, .rule = *rule, .params = batch->mover.params};
        return 1;
    }
    batch->copies = take_memory((1 + !!rule->first + !!rule->second) * vector * sizeof(REAL) + REGISTER_BYTES);
    if (!batch->copies) return 0;
    REAL *copies = (REAL *)aligned((size_t)batch->copies);
    for (ptrdiff_t k = 0, at = 0; k < n; k++) {
        FN(part_t) *part = batch->parts + k;
        const ptrdiff_t length = FN(make_part)(part, s, k, n, 1);
        part->params = copies + at;
        part->rule.first = part->params + vector;
        part->rule.second = part->params + 2 * vector;
        part->rule.gradient = (REAL *)rule->gradient + at;
        part->weights[1] = part->params + part->net.W[1];
        part->s = (FN(state_t)){&part->net, &part->rule, s->samples, &part->scale, part->weights};
        at += length;
    }
    return 1;
}

/* A piece of work: copies some rows of a part's weights and moments, or copies them back. */
static void FN(copy_rows)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    const network_t *net = batch->s.net;
    const rule_t *rule = batch->s.rule;
    FN(part_t) *part = FN(part_of_piece)(batch, piece, COPY_PIECES);
    const ptrdiff_t n = piece % COPY_PIECES;
    (void)member;
    FN(copy_vector)(part, net, part->params, batch->mover.params, batch->back, n, COPY_PIECES);
    if (rule->first) FN(copy_vector)(part, net, part->rule.first, rule->first, batch->back, n, COPY_PIECES);
    if (rule->second) FN(copy_vector)(part, net, part->rule.second, rule->second, batch->back, n, COPY_PIECES);
}

/* Copies all parts, or copies them back. */
static void FN(copy_parts_of_batch)(FN(batch_t) * batch, team_t *team) {
    const int64_t begin = now();
    run(team, FN(copy_rows), batch, batch->n_parts * COPY_PIECES);
    add_cost(team, begin);
}

/* ---- The algorithm ------------------------------------------------------------------------------------------------ */

/* How many samples a slice has. */
static ptrdiff_t FN(slice_rows)(const network_t *net, const rule_t *rule, const samples_t *samples) {
    const ptrdiff_t fit = SLICE_VALUES / ((samples->indptr ? 0 : net->M[0]) + units_before(net, net->L + 1));
    const ptrdiff_t most = rule->code == LOSS_ONLY ? LOSS_ROWS : SLICE_ROWS_MAX;
    const ptrdiff_t rows = fit < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : fit < most ? fit : most;
    return rows < rule->batch_size ? rows : rule->batch_size;
}

/* The multiplications, in all and per thread in a slice, from which on a second thread pays off. */
#undef WORK_MIN
#undef SHARE_MIN
#define WORK_MIN 1e7
#define SHARE_MIN 5e5

/* How many threads have enough to do. */
static int FN(useful_threads)(const network_t *net, const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws,
                              ptrdiff_t rows) {
    const ptrdiff_t n = rows < n_draws ? rows : n_draws;
    double weights = 0, inputs = (double)net->M[0]; /* per sample */
    if (samples->indptr) {
        inputs = 0;
        for (ptrdiff_t r = 0; r < n; r++) inputs += (double)FN(stored_values)(samples, draws[r], 1) / n;
    }
    for (ptrdiff_t l = 1; l <= net->L; l++) weights += (l > 1 ? net->M[l - 1] : inputs) * net->stride[l];
    const double share = 3 * weights * n / SHARE_MIN;
    return 3 * weights * n_draws < WORK_MIN ? 1 : share < MEMBERS_MAX ? (int)share : MEMBERS_MAX;
}

/* Into how many parts layer 1 is divided for a team of this size: one for each member, if W^1 has at least PARTED values,
   so that sharing it between cores takes long; if each part is at least as wide as a tile of a product; if there are
   COPY_SHARE updates for each copy; and if sparse samples have DENSE_BATCH values per batch for each row of W^1, so that
   nearly all rows move in every batch. */
#undef PARTED
#undef COPY_SHARE
#undef DENSE_BATCH
#define PARTED 36000
#define COPY_SHARE 8
#define DENSE_BATCH 4
static ptrdiff_t FN(useful_parts)(const network_t *net, const rule_t *rule, const samples_t *samples,
                                  const int64_t *draws, ptrdiff_t n_draws, int members) {
    const ptrdiff_t M = net->M[0], m = net->stride[1], most = m / TILE_COLUMNS;
    const ptrdiff_t updates = (n_draws + rule->batch_size - 1) / rule->batch_size;
    if (members == 1 || most < 2 || M * m < PARTED || updates < COPY_SHARE) return 1;
    if (samples->indptr) {
        ptrdiff_t stored = 0;
        for (ptrdiff_t t = 0; t < n_draws; t++) stored += FN(stored_values)(samples, draws[t], 1);
        if (stored < DENSE_BATCH * M * updates) return 1;
    }
    return members < most ? members : most;
}

/* The gradient of a slice, and with the last slice of the batch, the update. */
static void FN(learn)(FN(batch_t) * batch, team_t *team) {
    const rule_t *rule = batch->s.rule;
    ptrdiff_t pieces = batch->n_parts * FN(pieces_of_layer)(batch, 1);
    for (ptrdiff_t l = 2; l <= batch->s.net->L; l++) pieces += FN(pieces_of_layer)(batch, l);
    if (FN(moves)(batch)) {
        FN(advance)(&batch->mover, rule);
        for (ptrdiff_t k = 0; k < batch->n_parts && batch->s.samples->indptr && rule->code == SGD; k++)
            FN(shrink)(&batch->parts[k].s);
    }
    run(team, FN(learn_rows), batch, pieces);
}

static double FN(batches)(const network_t *net, const rule_t *rule, void *params, double *scale,
                          const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t rows = FN(slice_rows)(net, rule, samples);
    FN(batch_t) batch = {.mover = FN(make_mover)(rule, params), .draws = draws, .n_draws = n_draws};
    FN(lists_t) *lists = &batch.lists;
    team_t team;
    double sum = 0;
    if (!FN(allocate)(&batch.s, net, rule, params, scale, samples, rows)) return NO_MEMORY;
    make_team(&team, rule->threads, FN(useful_threads)(net, samples, draws, n_draws, rows), params,
              rule->batch_size * net->b[net->L] + rule->code);
    const ptrdiff_t list_pieces = team.size > 1 ? 4 * team.size : 1;
    const ptrdiff_t n_parts = FN(useful_parts)(net, rule, samples, draws, n_draws, team.size);
    if (!FN(allocate_rooms)(&batch, team.size) || !FN(divide)(&batch, n_parts) ||
        !FN(allocate_lists)(lists, net, rule, samples, draws, n_draws, rows, list_pieces))
        sum = NO_MEMORY, n_draws = 0;
    if (n_parts > 1 && n_draws) FN(copy_parts_of_batch)(&batch, &team);

    for (ptrdiff_t start = 0; start < n_draws; start += rule->batch_size) {
        batch.batch_size = n_draws - start < rule->batch_size ? n_draws - start : rule->batch_size;
        const ptrdiff_t end = start + batch.batch_size;
        for (batch.t = start; batch.t < end; batch.t += rows) {
            batch.n = end - batch.t < rows ? end - batch.t : rows;
            batch.is_first = batch.t == start;
            batch.is_last = batch.t + batch.n == end;
            FN(begin_lists)(lists, &batch.s, draws, batch.t, batch.n, batch.is_first && batch.is_last);
            begin_round(&team);
            const ptrdiff_t of_samples = FN(pieces_of_samples)(&batch);
            ptrdiff_t of_lists = 0;
            if (n_parts > 1) {
                if (!samples->indptr) run(&team, FN(gather_samples), &batch, of_samples);
                run(&team, FN(pass_part), &batch, n_parts * FN(pieces_of_part)(&batch));
                if (lists->in_use) of_lists = lists->pieces;
            }
            run(&team, FN(pass_samples), &batch, of_samples + of_lists);
            for (ptrdiff_t r = 0; r < batch.n; r++) sum += batch.f[r];
            if (rule->code != LOSS_ONLY) FN(learn)(&batch, &team);
            end_round(&team, (double)batch.n);
        }
    }
    if (n_parts > 1 && n_draws) {
        batch.back = 1;
        FN(copy_parts_of_batch)(&batch, &team);
        *scale = batch.parts[0].scale;
    }
    end_team(&team);
    free(batch.parts);
    give_memory(batch.copies);
    give_memory(lists->memory);
    give_memory(batch.memory);
    give_memory(batch.s.memory);
    return sum;
}
