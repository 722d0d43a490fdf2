/* The same algorithm for several samples at a time (mini-batches), for one type REAL and one level of the processor
   (see precisions.h). What steps.h does with vectors is done here with matrices, one row per sample (products.h), and
   on several threads (threads.h): first the forward pass and backprop, in pieces of some samples; then the gradient and
   the update, in pieces of some rows of W^l. Each row of the gradient is the sum over all samples, in their order. */

/* A batch is taken in slices; the sum of the gradients continues from slice to slice. A slice has about SLICE_VALUES
   values in all layers together (a sparse input does not count), so that it stays in the cache, but at least
   SLICE_ROWS_MIN samples, below which the products are slow, and at most SLICE_ROWS_MAX, above which they get no faster.
   Only the network's shape decides. */
#undef SLICE_VALUES
#undef SLICE_ROWS_MIN
#undef SLICE_ROWS_MAX
#define SLICE_VALUES ((ptrdiff_t)1 << 22)
#define SLICE_ROWS_MIN 16
#define SLICE_ROWS_MAX 256

/* The number of samples, or of rows of W^l, in a piece of work. */
#undef PIECE_SAMPLES
#undef PIECE_ROWS
#define PIECE_SAMPLES 16
#define PIECE_ROWS 16

/* ---- Nonzeros of W^1's inputs --------------------------------------------------------------------------------------
   If most inputs are 0, the products of layer 1 go through lists of the nonzeros of a slice's samples: sample by sample
   in the forward pass, input by input in the gradient. CSR matrices always do; dense ones do if at most one input in
   DENSE is nonzero among the first FIRST_SAMPLES samples of the slice. */
#undef DENSE
#undef FIRST_SAMPLES
#define DENSE 3
#define FIRST_SAMPLES 8

typedef struct {
    int in_use;        /* by this slice */
    FN(row_t) *x;      /* the nonzeros of each sample; */
    int32_t *index;    /* if they have to be written down, they are here */
    REAL *of_x;
    int32_t *touched;  /* the inputs whose rows of W^1 move in this batch: all, or of sparse samples those with values. */
    ptrdiff_t *n_touched; /* Those of piece p of the gradient, so many, begin at its first input */
    int32_t *number;   /* of each input among those of its piece, from 1 on; 0 if it is not touched */
    ptrdiff_t *end;    /* of each touched input's part of these: */
    int32_t *sample;   /* the samples of this slice in which it is not 0, and the values that it has there */
    REAL *value;
    int32_t *of_input; /* in the order of the samples, the number of each nonzero's input */
    void *memory;
} FN(lists_t);

/* A slice of a batch, at work. */
typedef struct {
    FN(state_t) s;            /* z, a, delta of its samples */
    FN(lists_t) lists;
    FN(mover_t) mover;
    const int64_t *draws;     /* of its samples, */
    ptrdiff_t t, n;           /* the first one's number, and how many */
    double *f;                /* their losses */
    ptrdiff_t batch_size;     /* samples of the whole batch */
    int is_first, is_last;    /* slice of the batch */
    ptrdiff_t list_pieces;    /* of the gradient of W^1 by lists */
    char *rooms;              /* a room for each member of the team */
    size_t room_bytes;
    void *memory;
} FN(batch_t);

/* What a member of the team works with. */
typedef struct {
    REAL *y;           /* the target, if it is given as the index of a unit; 0 between uses */
    REAL *gradient;    /* of a piece's rows of W^l */
    REAL *row;         /* of one more row of W^1 */
    ptrdiff_t *from;   /* where a piece's part of each sample's list begins */
} FN(room_t);

static FN(room_t) FN(room)(const FN(batch_t) * batch, int member) {
    const network_t *net = batch->s.net;
    char *rest = batch->rooms + member * batch->room_bytes;
    FN(room_t) room;
    room.y = (REAL *)rest;
    rest += aligned(net->M[net->L] * sizeof(REAL));
    room.row = (REAL *)rest;
    rest += aligned(net->stride[1] * sizeof(REAL));
    room.from = (ptrdiff_t *)rest;
    rest += aligned(SLICE_ROWS_MAX * sizeof(ptrdiff_t));
    room.gradient = (REAL *)rest;
    return room;
}

/* Takes one block of zeroed memory for the members' rooms and the losses. Returns 0 if there is none. */
static int FN(allocate_rooms)(FN(batch_t) * batch, int members) {
    const network_t *net = batch->s.net;
    ptrdiff_t widest = net->stride[1];
    for (ptrdiff_t l = 1; l < net->L; l++) widest = net->stride[l] > widest ? net->stride[l] : widest;
    const size_t losses = aligned(SLICE_ROWS_MAX * sizeof(double));
    batch->room_bytes = aligned(net->M[net->L] * sizeof(REAL)) + aligned(net->stride[1] * sizeof(REAL)) +
                        aligned(SLICE_ROWS_MAX * sizeof(ptrdiff_t)) + aligned(PIECE_ROWS * widest * sizeof(REAL)) +
                        REGISTER_BYTES; /* so that no two members write to one line of the cache */
    batch->memory = take_zeros(REGISTER_BYTES + losses + members * batch->room_bytes);
    batch->f = (double *)aligned((size_t)batch->memory);
    batch->rooms = (char *)batch->f + losses;
    return batch->memory != NULL;
}

/* How many values the n CSR rows from row i on have. */
static ptrdiff_t FN(stored_values)(const samples_t *samples, int64_t i, ptrdiff_t n) {
    if (samples->wide_indices)
        return (ptrdiff_t)(((const int64_t *)samples->indptr)[i + n] - ((const int64_t *)samples->indptr)[i]);
    return ((const int32_t *)samples->indptr)[i + n] - ((const int32_t *)samples->indptr)[i];
}

/* Takes one block of memory for the lists of any slice of these draws, with so many pieces of the gradient.
   Returns 0 if there is no memory. */
static int FN(allocate_lists)(FN(lists_t) * lists, const network_t *net, const rule_t *rule, const samples_t *samples,
                              const int64_t *draws, ptrdiff_t n_draws, ptrdiff_t rows, ptrdiff_t pieces) {
    const size_t M = net->M[0];
    size_t most = rows * M; /* nonzeros in a slice */
    if (samples->indptr) {
        most = 0;
        for (ptrdiff_t start = 0; start < n_draws; start += rule->batch_size)
            for (ptrdiff_t t = start; t < start + rule->batch_size && t < n_draws; t += rows) {
                size_t sum = 0;
                for (ptrdiff_t r = t; r < t + rows && r < start + rule->batch_size && r < n_draws; r++)
                    sum += FN(stored_values)(samples, draws[r], 1);
                most = sum > most ? sum : most;
            }
    }
    const int sparse = samples->indptr != NULL;
    const int in_place = sparse && !samples->wide_indices && !rule->noise; /* else dropout may change the lists */
    const size_t x = aligned(rows * sizeof *lists->x), sample = aligned(most * sizeof *lists->sample);
    const size_t index = in_place ? 0 : aligned(most * sizeof *lists->index);
    const size_t of_x = in_place ? 0 : aligned(most * sizeof(REAL)), value = aligned(most * sizeof(REAL));
    const size_t end = aligned(M * sizeof *lists->end), by_input = aligned(M * sizeof(int32_t));
    const size_t by_piece = aligned(pieces * sizeof *lists->n_touched);
    *lists = (FN(lists_t)){.memory = take_memory(x + index + of_x + 2 * sample + value + end + 2 * by_input + by_piece)};
    if (!lists->memory) return 0;
    char *rest = lists->memory;
#define TAKE(size) (rest += (size), (void *)(rest - (size)))
    lists->x = TAKE(x);
    lists->index = TAKE(index);
    lists->of_x = TAKE(of_x);
    lists->sample = TAKE(sample);
    lists->of_input = TAKE(sample);
    lists->value = TAKE(value);
    lists->end = TAKE(end);
    lists->number = TAKE(by_input);
    lists->touched = TAKE(by_input);
    lists->n_touched = TAKE(by_piece);
#undef TAKE
    memset(lists->number, 0, 2 * by_input + by_piece);
    for (ptrdiff_t p = 0; p < pieces && !sparse; p++) {
        const ptrdiff_t first = net->M[0] * p / pieces, last = net->M[0] * (p + 1) / pieces;
        lists->n_touched[p] = last - first;
        for (ptrdiff_t k = first; k < last; k++) {
            lists->touched[k] = (int32_t)k;
            lists->number[k] = (int32_t)(k - first + 1);
        }
    }
    return 1;
}

/* Decides whether this slice uses lists, and finds those of sparse samples. */
static void FN(begin_lists)(FN(batch_t) * batch) {
    FN(lists_t) *lists = &batch->lists;
    const FN(state_t) *s = &batch->s;
    const samples_t *samples = s->samples;
    const ptrdiff_t M = s->net->M[0];
    lists->in_use = samples->indptr != NULL;
    if (!lists->in_use) {
        if (M * s->net->stride[1] <= SMALL_W1) return;
        const ptrdiff_t some = batch->n < FIRST_SAMPLES ? batch->n : FIRST_SAMPLES;
        ptrdiff_t nonzeros = 0;
        for (ptrdiff_t r = 0; r < some; r++)
            nonzeros += FN(count_nonzeros)(FN(dense_sample)(s, batch->draws[batch->t + r]).value, M);
        lists->in_use = nonzeros <= some * M / DENSE;
        return;
    }
    ptrdiff_t copied = 0;
    for (ptrdiff_t r = 0; r < batch->n; r++) {
        FN(row_t) x = FN(sample)(s, batch->draws[batch->t + r], batch->t + r, 0);
        if (x.index == s->index[0]) { /* which the next sample needs */
            x.index = memcpy(lists->index + copied, x.index, x.count * sizeof *x.index);
            x.value = memcpy(lists->of_x + copied, x.value, x.count * sizeof *x.value);
            copied += x.count;
        }
        lists->x[r] = x;
    }
}

/* ---- Forward pass and backprop ------------------------------------------------------------------------------------ */

/* Z^l = A^(l-1) (W^l)^T + b^l (2) for n samples, from row r on. */
static void FN(forward_batch)(const FN(state_t) * s, const FN(lists_t) * lists, ptrdiff_t l, ptrdiff_t r, ptrdiff_t n) {
    const ptrdiff_t *M = s->net->M, m = s->net->stride[l], below = l > 1 ? s->net->stride[l - 1] : M[0];
    const REAL *restrict b = s->b[l], *restrict a = s->a[l - 1] + r * below, scale = l == 1 ? (REAL)*s->scale : 1;
    REAL *restrict z = s->z[l] + r * m;
    if (l > 1)
        FN(product_by_transpose)(n, M[l], below, a, below, s->W[l], below, z, m);
    else if (lists->in_use)
        for (ptrdiff_t k = 0; k < n; k++) FN(first_forward)(s->W[1], m, lists->x + r + k, z + k * m);
    else
        FN(product)(n, m, below, a, below, 1, s->W[1], m, 0, z, m);
    for (ptrdiff_t k = 0; k < n; k++)
        SIMD() for (ptrdiff_t j = 0; j < m; j++) z[k * m + j] = scale * z[k * m + j] + b[j];
}

/* A piece of work: the forward pass and backprop of some samples, which give a, delta and f. */
static void FN(pass_samples)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    const FN(lists_t) *lists = &batch->lists;
    FN(state_t) s = batch->s;
    const ptrdiff_t L = s.net->L, *M = s.net->M, *stride = s.net->stride, start = piece * PIECE_SAMPLES;
    const ptrdiff_t n = batch->n - start < PIECE_SAMPLES ? batch->n - start : PIECE_SAMPLES, end = start + n;
    const int64_t *draws = batch->draws + batch->t;
    s.y = FN(room)(batch, member).y;
    if (!s.samples->indptr)
        for (ptrdiff_t r = start; r < end; r++) {
            REAL *a = s.a[0] + r * M[0];
            const FN(row_t) x = FN(thinned)(&s, FN(dense_sample)(&s, draws[r]), batch->t + r, NULL, a);
            if (lists->in_use)
                lists->x[r] = FN(list_nonzeros)(x, lists->index + r * M[0], lists->of_x + r * M[0]);
            else if (x.value != a)
                memcpy(a, x.value, M[0] * sizeof(REAL));
        }
    for (ptrdiff_t l = 1; l <= L; l++) {
        FN(forward_batch)(&s, lists, l, start, n);
        for (ptrdiff_t r = start; r < end; r++) FN(activate)(&s, l, r, batch->t + r);
    }
    for (ptrdiff_t r = start; r < end; r++) batch->f[r] = FN(output_delta)(&s, draws[r], r);
    for (ptrdiff_t l = L; l >= 2; l--) {
        const ptrdiff_t m = stride[l - 1];
        REAL *restrict below = s.delta[l - 1] + start * m, *restrict da = s.da[l - 1] + start * m;
        FN(product)(n, m, M[l], s.delta[l] + start * stride[l], stride[l], 1, s.W[l], m, 0, below, m);
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
    return batch->is_last && batch->s.rule->code != GRADIENT_ONLY;
}

/* One step by the rule: n parameters, from position `at` on, move by their gradient d g. */
static inline void FN(move)(const FN(batch_t) * batch, ptrdiff_t at, REAL d, const REAL *restrict g, ptrdiff_t n,
                            double alpha) {
    FN(RULES)[batch->s.rule->code](&batch->mover, at, d, g, n, (REAL)alpha);
}

static void FN(learn_biases)(const FN(batch_t) * batch, ptrdiff_t l) {
    const FN(state_t) *s = &batch->s;
    const ptrdiff_t at = s->net->b[l], m = s->net->stride[l];
    const REAL *restrict delta = s->delta[l];
    REAL *restrict g = (REAL *)s->rule->gradient + at;
    if (batch->is_first) EACH(j, m) g[j] = 0;
    for (ptrdiff_t r = 0; r < batch->n; r++) EACH(j, m) g[j] += delta[r * m + j];
    if (FN(moves)(batch)) FN(move)(batch, at, 1 / (REAL)batch->batch_size, g, m, 0);
}

/* W^1 is stored input by input, the others unit by unit. */
static void FN(learn_weights)(const FN(batch_t) * batch, ptrdiff_t l, ptrdiff_t piece, int member) {
    const FN(state_t) *s = &batch->s;
    const ptrdiff_t *M = s->net->M, *stride = s->net->stride, start = piece * PIECE_ROWS;
    const ptrdiff_t rows = l > 1 ? M[l] : M[0], m = l > 1 ? stride[l - 1] : stride[1];
    const ptrdiff_t n = rows - start < PIECE_ROWS ? rows - start : PIECE_ROWS, at = s->net->W[l] + start * m;
    REAL *g = FN(keeps_gradient)(batch) ? (REAL *)s->rule->gradient + at : FN(room)(batch, member).gradient;
    if (l > 1)
        FN(product)(n, m, batch->n, s->delta[l] + start, 1, stride[l], s->a[l - 1], m, !batch->is_first, g, m);
    else
        FN(product)(n, m, batch->n, s->a[0] + start, 1, M[0], s->delta[1], m, !batch->is_first, g, m);
    if (FN(moves)(batch)) FN(move)(batch, at, 1 / (REAL)batch->batch_size, g, n * m, s->rule->alpha);
}

/* The position in a list of nonzeros where input k is or would be. */
static ptrdiff_t FN(position)(const FN(row_t) * x, ptrdiff_t k) {
    ptrdiff_t low = 0, high = x->count;
    while (low < high) {
        const ptrdiff_t middle = (low + high) / 2;
        if (x->index[middle] < k)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes the lists of the inputs first, ..., last - 1, and of sparse samples notes which have any. Returns where they
   begin. Only the first pass goes through all of the inputs' memory, which may be large. */
static ptrdiff_t FN(list_by_input)(const FN(batch_t) * batch, ptrdiff_t piece, ptrdiff_t first, ptrdiff_t last,
                                   ptrdiff_t *restrict from) {
    const FN(lists_t) *lists = &batch->lists;
    int32_t *restrict number = lists->number, *restrict touched = lists->touched + first;
    int32_t *restrict sample = lists->sample;
    REAL *restrict value = lists->value;
    ptrdiff_t *restrict end = lists->end + first;
    ptrdiff_t n = lists->n_touched[piece], start = 0;
    for (ptrdiff_t r = 0; r < batch->n; r++) start += from[r] = first ? FN(position)(lists->x + r, first) : 0;
    int32_t *restrict of_input = lists->of_input + start;
    for (ptrdiff_t t = 0; t < n; t++) end[t] = 0;
    ptrdiff_t place = start;
    for (ptrdiff_t r = 0; r < batch->n; r++) { /* how many values each has */
        const FN(row_t) x = lists->x[r];
        for (ptrdiff_t q = from[r]; q < x.count && x.index[q] < last; q++) {
            const int32_t k = x.index[q];
            if (!number[k]) {
                end[n] = 0;
                touched[n++] = k;
                number[k] = (int32_t)n;
            }
            end[number[k] - 1]++;
            *of_input++ = number[k] - 1;
        }
    }
    lists->n_touched[piece] = n;
    for (ptrdiff_t t = 0; t < n; t++) { /* the next value's place, which will be the end once all have theirs */
        const ptrdiff_t count = end[t];
        end[t] = place;
        place += count;
    }
    of_input = lists->of_input + start;
    for (ptrdiff_t r = 0; r < batch->n; r++) {
        const FN(row_t) x = lists->x[r];
        for (ptrdiff_t q = from[r]; q < x.count && x.index[q] < last; q++) {
            place = end[*of_input++]++;
            sample[place] = (int32_t)r;
            value[place] = x.value[q];
        }
    }
    return start;
}

/* Row k of W^1, whose input has the values x in this slice's samples, has the gradient sum_i x_i delta_i. Returns g, the
   place of it or of its sum with those of the slices before, if it `adds` to them; the gradient is *factor g. */
static const REAL *FN(gradient_of_input)(const FN(batch_t) * batch, ptrdiff_t k, const FN(row_t) * x, int adds,
                                         REAL *restrict row, REAL *factor) {
    const FN(state_t) *s = &batch->s;
    const ptrdiff_t m = s->net->stride[1];
    REAL *restrict g = (REAL *)s->rule->gradient + s->net->W[1] + k * m;
    const int keeps = FN(keeps_gradient)(batch);
    *factor = 1;
    if (x->count == 1 && !keeps) {
        *factor = x->value[0];
        return s->delta[1] + x->index[0] * m;
    }
    FN(first_forward)(s->delta[1], m, x, keeps && !adds ? g : row);
    if (!keeps) return row;
    if (adds) EACH(j, m) g[j] += row[j];
    return g;
}

/* The rows of W^1 of the inputs in `piece` that are touched. */
static void FN(learn_by_lists)(const FN(batch_t) * batch, ptrdiff_t piece, int member) {
    const FN(lists_t) *lists = &batch->lists;
    const FN(state_t) *s = &batch->s;
    const rule_t *rule = s->rule;
    const FN(room_t) room = FN(room)(batch, member);
    const ptrdiff_t M = s->net->M[0], m = s->net->stride[1], at = s->net->W[1];
    const ptrdiff_t first = M * piece / batch->list_pieces, last = M * (piece + 1) / batch->list_pieces;
    const int sparse = s->samples->indptr != NULL, moves = FN(moves)(batch);
    /* `scale` multiplies W^1, and includes the penalty of plain steps with sparse samples */
    const REAL d = (REAL)(1 / (*s->scale * batch->batch_size));
    const double alpha = sparse && rule->code == SGD ? 0 : rule->alpha;
    const ptrdiff_t written = batch->is_first ? 0 : lists->n_touched[piece]; /* rows of the gradient */
    ptrdiff_t start = FN(list_by_input)(batch, piece, first, last, room.from), end;
    const int32_t *touched = lists->touched + first;
    for (ptrdiff_t t = 0, n = lists->n_touched[piece]; t < n; t++, start = end) {
        end = lists->end[first + t];
        const FN(row_t) x = {lists->value + start, lists->sample + start, end - start};
        REAL factor;
        const REAL *g = FN(gradient_of_input)(batch, touched[t], &x, t < written, room.row, &factor);
        if (moves) FN(move)(batch, at + touched[t] * m, d * factor, g, m, alpha);
        if (sparse && batch->is_last) lists->number[touched[t]] = 0;
    }
    if (sparse && batch->is_last) lists->n_touched[piece] = 0;
}

static ptrdiff_t FN(pieces_of_layer)(const FN(batch_t) * batch, ptrdiff_t l) {
    if (l == 1 && batch->lists.in_use) return batch->list_pieces;
    return (batch->s.net->M[l > 1 ? l : 0] + PIECE_ROWS - 1) / PIECE_ROWS;
}

/* A piece of work: the gradients of some rows of one W^l (and of b^l, with the first rows), and their update. */
static void FN(learn_rows)(void *work, ptrdiff_t piece, int member) {
    const FN(batch_t) *batch = work;
    ptrdiff_t l = 1, n;
    while (piece >= (n = FN(pieces_of_layer)(batch, l))) piece -= n, l++;
    if (piece == 0) FN(learn_biases)(batch, l);
    if (l == 1 && batch->lists.in_use)
        FN(learn_by_lists)(batch, piece, member);
    else
        FN(learn_weights)(batch, l, piece, member);
}

/* ---- The algorithm ------------------------------------------------------------------------------------------------ */

/* How many samples a slice has. */
static ptrdiff_t FN(slice_rows)(const network_t *net, const rule_t *rule, const samples_t *samples) {
    const ptrdiff_t fit = SLICE_VALUES / ((samples->indptr ? 0 : net->M[0]) + units_before(net, net->L + 1));
    const ptrdiff_t rows = fit < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : fit < SLICE_ROWS_MAX ? fit : SLICE_ROWS_MAX;
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

static double FN(batches)(const network_t *net, const rule_t *rule, void *params, double *scale,
                          const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    const ptrdiff_t rows = FN(slice_rows)(net, rule, samples);
    FN(batch_t) batch = {.mover = FN(make_mover)(rule, params), .draws = draws};
    FN(lists_t) *lists = &batch.lists;
    team_t team;
    double sum = 0;
    if (!FN(allocate)(&batch.s, net, rule, params, scale, samples, rows)) return NO_MEMORY;
    make_team(&team, rule->threads, FN(useful_threads)(net, samples, draws, n_draws, rows), params);
    batch.list_pieces = team.size > 1 ? 4 * team.size : 1;
    if (!FN(allocate_rooms)(&batch, team.size) ||
        !FN(allocate_lists)(lists, net, rule, samples, draws, n_draws, rows, batch.list_pieces))
        sum = NO_MEMORY;

    for (ptrdiff_t start = 0; start < n_draws && sum != NO_MEMORY; start += rule->batch_size) {
        batch.batch_size = n_draws - start < rule->batch_size ? n_draws - start : rule->batch_size;
        const ptrdiff_t end = start + batch.batch_size;
        for (batch.t = start; batch.t < end; batch.t += rows) {
            batch.n = end - batch.t < rows ? end - batch.t : rows;
            batch.is_first = batch.t == start;
            batch.is_last = batch.t + batch.n == end;
            FN(begin_lists)(&batch);
            run(&team, FN(pass_samples), &batch, (batch.n + PIECE_SAMPLES - 1) / PIECE_SAMPLES, (double)batch.n, 0);
            for (ptrdiff_t r = 0; r < batch.n; r++) sum += batch.f[r];
            if (FN(moves)(&batch)) {
                FN(advance)(&batch.mover, &batch.s);
                if (samples->indptr && rule->code == SGD) FN(shrink)(&batch.s);
            }
            ptrdiff_t pieces = 0;
            for (ptrdiff_t l = 1; l <= net->L; l++) pieces += FN(pieces_of_layer)(&batch, l);
            run(&team, FN(learn_rows), &batch, pieces, (double)batch.n, 0);
        }
    }
    end_team(&team);
    give_memory(lists->memory);
    give_memory(batch.memory);
    give_memory(batch.s.memory);
    return sum;
}
