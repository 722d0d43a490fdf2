/* Lists of the nonzeros of the inputs, for one type REAL and one level of the processor (see precisions.h): if most
   inputs of a batch are 0, the products of layer 1 go through these. In the forward pass they are needed sample by
   sample, in the gradient input by input.

   CSR matrices always use lists; dense ones do if the first FIRST_SAMPLES samples of a slice have so few nonzeros that it
   pays off: a nonzero takes 4/3 of the time that an input takes in a product of matrices, plus the time in which
   the product multiplies it by LISTING units. In a W^1 of at most TINY_W1 values, looking for zeros would take too long. */
#undef FIRST_SAMPLES
#undef LISTING
#undef TINY_W1
#define TINY_W1 1024
#define FIRST_SAMPLES 8
#define LISTING 96

/* Those of a slice. The inputs are divided into pieces, which several threads can list at the same time. */
typedef struct {
    int in_use, sparse;   /* by this slice; whether the samples are CSR */
    int by_input;         /* whether the gradient needs lists, too */
    ptrdiff_t M, pieces;  /* inputs; pieces */
    FN(row_t) *x;         /* the nonzeros of each sample; */
    int32_t *index;       /* if they have to be written down, they are here */
    REAL *of_x;
    int32_t *touched;     /* the inputs whose rows of W^1 move in this batch: all, or of sparse samples those with values. */
    ptrdiff_t *n_touched; /* Those of piece p, so many, begin at its first input; */
    ptrdiff_t *written;   /* so many were touched before this slice */
    int32_t *number;      /* of each input among those of its piece, from 1 on; 0 if it is not touched */
    FN(row_t) *inputs;    /* for each of the touched, the samples of this slice in which it is not 0, and its values there */
    int32_t *sample;      /* which are here */
    REAL *value;
    ptrdiff_t *end;       /* of each list so far, while they are made */
    ptrdiff_t rows;       /* samples that there is room for */
    ptrdiff_t *from;      /* where a piece's part of each sample's list begins */
    void *memory;
} FN(lists_t);

/* How many values the n CSR rows from row i on have. */
static ptrdiff_t FN(stored_values)(const samples_t *samples, int64_t i, ptrdiff_t n) {
    if (samples->wide_indices)
        return (ptrdiff_t)(((const int64_t *)samples->indptr)[i + n] - ((const int64_t *)samples->indptr)[i]);
    return ((const int32_t *)samples->indptr)[i + n] - ((const int32_t *)samples->indptr)[i];
}

/* The values that an input of dense samples has room for: an odd number of lines of the cache, since lists that are a
   power of two apart would get into each other's way there. */
static size_t FN(room_of_input)(ptrdiff_t rows) { return (((size_t)rows + 15) / 16 | 1) * 16; }

/* The first input of a piece. */
static inline ptrdiff_t FN(first_of_piece)(const FN(lists_t) * lists, ptrdiff_t piece) {
    return lists->M * piece / lists->pieces;
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
    const size_t of_input = sparse ? 0 : FN(room_of_input)(rows), places = sparse ? most : M * of_input;
    const size_t x = aligned(rows * sizeof *lists->x), inputs = aligned(M * sizeof *lists->inputs);
    const size_t end = aligned(M * sizeof *lists->end);
    const size_t index = in_place ? 0 : aligned(most * sizeof *lists->index);
    const size_t of_x = in_place ? 0 : aligned(most * sizeof(REAL));
    const size_t sample = aligned(places * sizeof *lists->sample), value = aligned(places * sizeof(REAL));
    const size_t from = aligned(pieces * rows * sizeof *lists->from), by_input = aligned(M * sizeof(int32_t));
    const size_t by_piece = aligned(pieces * sizeof *lists->n_touched), zeroed = by_input + by_piece;
    *lists = (FN(lists_t)){.sparse = sparse, .M = M, .pieces = pieces, .rows = rows};
    lists->memory = take_memory(REGISTER_BYTES + zeroed + x + inputs + end + index + of_x + sample + value + from + by_input +
                                by_piece);
    if (!lists->memory) return 0;
    char *rest = (char *)aligned((size_t)lists->memory);
    memset(rest, 0, zeroed);
    lists->number = TAKE(by_input);
    lists->n_touched = TAKE(by_piece);
    lists->x = TAKE(x);
    lists->inputs = TAKE(inputs);
    lists->end = TAKE(end);
    lists->index = TAKE(index);
    lists->of_x = TAKE(of_x);
    lists->sample = TAKE(sample);
    lists->value = TAKE(value);
    lists->from = TAKE(from);
    lists->touched = TAKE(by_input);
    lists->written = TAKE(by_piece);
    for (ptrdiff_t p = 0; p < pieces && !sparse; p++) {
        const ptrdiff_t first = FN(first_of_piece)(lists, p), last = FN(first_of_piece)(lists, p + 1);
        lists->n_touched[p] = last - first;
        for (ptrdiff_t k = first; k < last; k++) {
            lists->touched[k] = (int32_t)k;
            lists->number[k] = (int32_t)(k - first + 1);
            lists->inputs[k] = (FN(row_t)){lists->value + k * of_input, lists->sample + k * of_input, 0};
        }
    }
    return 1;
}

/* Decides whether the slice of n samples from draw t on uses lists, and finds those of sparse samples. In a plain step,
   with few values for each input, W^1 can as well move sample by sample, if the slice is the whole batch. */
#undef FEW
#define FEW 2
static void FN(begin_lists)(FN(lists_t) * lists, const FN(state_t) * s, const int64_t *draws, ptrdiff_t t, ptrdiff_t n,
                            int whole) {
    const ptrdiff_t M = lists->M;
    ptrdiff_t copied = 0, nonzeros = 0;
    lists->in_use = lists->sparse;
    lists->by_input = 1;
    if (!lists->in_use) {
        const ptrdiff_t some = n < FIRST_SAMPLES ? n : FIRST_SAMPLES, m = s->net->stride[1];
        if (M * m <= TINY_W1) return;
        for (ptrdiff_t r = 0; r < some; r++)
            nonzeros += FN(count_nonzeros)(FN(dense_sample)(s, draws[t + r]).value, M);
        lists->in_use = 4 * nonzeros * (m + LISTING) <= 3 * some * M * m;
        return;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        FN(row_t) x = FN(sample)(s, draws[t + r], t + r, 0);
        if (x.index == s->index[0]) { /* which the next sample needs */
            x.index = memcpy(lists->index + copied, x.index, x.count * sizeof *x.index);
            x.value = memcpy(lists->of_x + copied, x.value, x.count * sizeof *x.value);
            copied += x.count;
        }
        lists->x[r] = x;
        nonzeros += x.count;
    }
    lists->by_input = !(whole && s->rule->code == SGD && nonzeros < FEW * M);
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

/* Makes the lists of the inputs of a piece of the gradient, for so many samples, those of the first or of a later slice
   of a batch. Each input of dense samples has its own room. Those of sparse samples, which may be many, are counted
   first; only the first pass goes through all of their memory. */
static void FN(list_by_input)(const FN(lists_t) * lists, ptrdiff_t piece, ptrdiff_t rows, int is_first) {
    const ptrdiff_t first = FN(first_of_piece)(lists, piece), last = FN(first_of_piece)(lists, piece + 1);
    ptrdiff_t *restrict from = lists->from + piece * lists->rows, *restrict end = lists->end + first;
    int32_t *restrict number = lists->number, *restrict touched = lists->touched + first;
    int32_t *restrict sample = lists->sample;
    REAL *restrict value = lists->value;
    FN(row_t) *restrict inputs = lists->inputs + first, x;
    ptrdiff_t n = lists->n_touched[piece], start = 0;
    if (!lists->by_input) return;
    for (ptrdiff_t r = 0; r < rows; r++) start += from[r] = first ? FN(position)(lists->x + r, first) : 0;
    if (is_first && lists->sparse) { /* forget those of the batch before */
        for (ptrdiff_t t = 0; t < n; t++) number[touched[t]] = 0;
        n = 0;
    }
    lists->written[piece] = is_first ? 0 : n;
#define EACH_NONZERO                           \
    for (ptrdiff_t r = 0, q, k; r < rows; r++) \
        for (q = from[r], x = lists->x[r]; q < x.count && (k = x.index[q]) < last; q++)
    if (lists->sparse) {
        for (ptrdiff_t t = 0; t < n; t++) end[t] = 0;
        EACH_NONZERO {
            if (!number[k]) {
                end[n] = 0;
                touched[n++] = (int32_t)k;
                number[k] = (int32_t)n;
            }
            end[number[k] - 1]++;
        }
        for (ptrdiff_t t = 0; t < n; t++) {
            inputs[t] = (FN(row_t)){value + start, sample + start, 0};
            start += end[t];
        }
        lists->n_touched[piece] = n;
    }
    for (ptrdiff_t t = 0; t < n; t++) end[t] = inputs[t].index - sample;
    EACH_NONZERO {
        const ptrdiff_t place = end[number[k] - 1]++;
        sample[place] = (int32_t)r;
        value[place] = x.value[q];
    }
    for (ptrdiff_t t = 0; t < n; t++) inputs[t].count = sample + end[t] - inputs[t].index;
#undef EACH_NONZERO
}

/* ---- Products ------------------------------------------------------------------------------------------------------
   A matrix whose rows are lists, times a dense matrix B: the nonzeros of each row choose rows of B. A panel of B's
   columns is multiplied at a time, whose sums are kept in registers: 5 to 12 of them, whatever their width. */
#undef PANEL
#define PANEL (VECTOR_BYTES < 32 ? 3 * LANES : 5 * LANES)

/* The first column of a panel; panels are about equally wide, and consist of LANES. */
static ptrdiff_t FN(panels)(ptrdiff_t m) { return (m + PANEL - 1) / PANEL; }
static ptrdiff_t FN(panel)(ptrdiff_t m, ptrdiff_t p) { return m / LANES * p / FN(panels)(m) * LANES; }

/* A register's values. The compiler keeps arrays of these in registers, unlike arrays of REAL; if it has no such types,
   it is one value. */
#ifdef __GNUC__
typedef REAL FN(register_t) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
#else
typedef REAL FN(register_t);
#endif

/* C = A B for n rows of A and a panel; or share s of it, that of one nonzero of each row in 2^halvings, which is added to the
   shares before.                                                             IN A, B   OUT C */
#undef SUMS
#define SUMS(name, lanes)                                                                                             \
    static void FN(name)(const FN(row_t) * A, ptrdiff_t n, ptrdiff_t s, int halvings, const REAL *B, ptrdiff_t ldb, \
                         REAL *C, ptrdiff_t ldc) {                                                                    \
        enum { REGISTERS = (lanes) * LANES * sizeof(REAL) / sizeof(FN(register_t)) };                                 \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
            const ptrdiff_t share = (A[i].count >> halvings) + 1, rest = A[i].count - s * share;                      \
            const int32_t *index = A[i].index + s * share;                                                            \
            const REAL *value = A[i].value + s * share;                                                               \
            FN(register_t) sum[REGISTERS], *c = (FN(register_t) *)(C + i * ldc);                                      \
            UNROLL for (int v = 0; v < REGISTERS; v++) sum[v] = s ? c[v] : (FN(register_t)){0};                       \
            for (ptrdiff_t q = 0; q < share && q < rest; q++) {                                                       \
                const FN(register_t) *b = (const FN(register_t) *)(B + index[q] * ldb);                               \
                const REAL x = value[q];                                                                              \
                UNROLL for (int v = 0; v < REGISTERS; v++) sum[v] += x * b[v];                                        \
            }                                                                                                         \
            UNROLL for (int v = 0; v < REGISTERS; v++) c[v] = sum[v];                                                 \
        }                                                                                                             \
    }
SUMS(sums_1, 1)
SUMS(sums_2, 2)
SUMS(sums_3, 3)
SUMS(sums_4, 4)
SUMS(sums_5, 5)

static void FN(sums)(ptrdiff_t columns, const FN(row_t) * A, ptrdiff_t n, ptrdiff_t s, int halvings, const REAL *B,
                     ptrdiff_t ldb, REAL *C, ptrdiff_t ldc) {
    typedef void (*sums_t)(const FN(row_t) *, ptrdiff_t, ptrdiff_t, int, const REAL *, ptrdiff_t, REAL *, ptrdiff_t);
    static const sums_t of_lanes[] = {FN(sums_1), FN(sums_2), FN(sums_3), FN(sums_4), FN(sums_5)};
    of_lanes[columns / LANES - 1](A, n, s, halvings, B, ldb, C, ldc);
}

/* C (n x m) = A B. Rows of A have their nonzeros at about the same places, so that a panel of those rows of B that a share
   of them needs stays in the first-level cache.                              IN A, B   OUT C */
#undef SHARE_INPUTS
#undef SHARE_NONZEROS
#define SHARE_INPUTS 192
#define SHARE_NONZEROS 32
static void FN(product_by_lists)(const FN(row_t) * A, ptrdiff_t n, ptrdiff_t inputs, const REAL *B, ptrdiff_t ldb,
                                 ptrdiff_t m, REAL *C, ptrdiff_t ldc) {
    ptrdiff_t nonzeros = 0;
    int halvings = 0;
    for (ptrdiff_t i = 0; i < n; i++) nonzeros += A[i].count;
    while (inputs >> halvings > SHARE_INPUTS && nonzeros / n >> halvings > SHARE_NONZEROS) halvings++;
    for (ptrdiff_t s = 0; s < 1 << halvings; s++)
        for (ptrdiff_t p = 0; p < FN(panels)(m); p++) {
            const ptrdiff_t j = FN(panel)(m, p);
            FN(sums)(FN(panel)(m, p + 1) - j, A, n, s, halvings, B + j, ldb, C + j, ldc);
        }
}
