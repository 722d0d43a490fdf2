/* Lists of the nonzeros of the inputs, for one type REAL and one level of the processor (see precisions.h): if most
   inputs of a batch are 0, the products of layer 1 go through these. In the forward pass they are needed sample by sample, in
   the gradient input by input.

   CSR matrices always use lists; dense ones do if at most one input in DENSE is nonzero among the first FIRST_SAMPLES
   samples of a slice. */
#undef DENSE
#undef FIRST_SAMPLES
#define DENSE 3
#define FIRST_SAMPLES 8

/* Those of a slice. The inputs are divided into pieces, which several threads can list at the same time. */
typedef struct {
    int in_use, sparse;  /* by this slice; whether the samples are CSR */
    ptrdiff_t M, pieces; /* inputs; pieces of the gradient */
    FN(row_t) *x;      /* the nonzeros of each sample; */
    int32_t *index;    /* if they have to be written down, they are here */
    REAL *of_x;
    int32_t *touched;  /* the inputs whose rows of W^1 move in this batch: all, or of sparse samples those with values. */
    ptrdiff_t *n_touched; /* Those of piece p of the gradient, so many, begin at its first input */
    int32_t *number;   /* of each input among those of its piece, from 1 on; 0 if it is not touched */
    ptrdiff_t *begin, *written; /* of each piece of the gradient: where these begin, and how many were touched before */
    ptrdiff_t *end;    /* of each touched input's part of these: */
    int32_t *sample;   /* the samples of this slice in which it is not 0, and the values that it has there */
    REAL *value;
    int32_t *of_input; /* in the order of the samples, the number of each nonzero's input */
    ptrdiff_t *from;   /* where a piece's part of each sample's list begins */
    ptrdiff_t rows;    /* samples that there is room for */
    void *memory;
} FN(lists_t);

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
    const size_t from = aligned(pieces * rows * sizeof *lists->from);
    const size_t by_piece = aligned(pieces * sizeof *lists->n_touched);
    const size_t zeroed = by_input + by_piece;
    *lists = (FN(lists_t)){
        .sparse = sparse, .M = M, .pieces = pieces, .rows = rows,
        .memory = take_memory(zeroed + x + index + of_x + 2 * sample + value + end + by_input + from + 2 * by_piece)};
    if (!lists->memory) return 0;
    memset(lists->memory, 0, zeroed);
    char *rest = lists->memory;
#define TAKE(size) (rest += (size), (void *)(rest - (size)))
    lists->number = TAKE(by_input);
    lists->n_touched = TAKE(by_piece);
    lists->x = TAKE(x);
    lists->index = TAKE(index);
    lists->of_x = TAKE(of_x);
    lists->sample = TAKE(sample);
    lists->of_input = TAKE(sample);
    lists->value = TAKE(value);
    lists->end = TAKE(end);
    lists->touched = TAKE(by_input);
    lists->from = TAKE(from);
    lists->begin = TAKE(by_piece);
    lists->written = TAKE(by_piece);
#undef TAKE
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

/* Decides whether the slice of n samples from draw t on uses lists, and finds those of sparse samples. */
static void FN(begin_lists)(FN(lists_t) * lists, const FN(state_t) * s, const int64_t *draws, ptrdiff_t t, ptrdiff_t n) {
    const ptrdiff_t M = lists->M;
    lists->in_use = lists->sparse;
    if (!lists->in_use) {
        if (M * s->net->stride[1] <= SMALL_W1) return;
        const ptrdiff_t some = n < FIRST_SAMPLES ? n : FIRST_SAMPLES;
        ptrdiff_t nonzeros = 0;
        for (ptrdiff_t r = 0; r < some; r++)
            nonzeros += FN(count_nonzeros)(FN(dense_sample)(s, draws[t + r]).value, M);
        lists->in_use = nonzeros <= some * M / DENSE;
        return;
    }
    ptrdiff_t copied = 0;
    for (ptrdiff_t r = 0; r < n; r++) {
        FN(row_t) x = FN(sample)(s, draws[t + r], t + r, 0);
        if (x.index == s->index[0]) { /* which the next sample needs */
            x.index = memcpy(lists->index + copied, x.index, x.count * sizeof *x.index);
            x.value = memcpy(lists->of_x + copied, x.value, x.count * sizeof *x.value);
            copied += x.count;
        }
        lists->x[r] = x;
    }
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
   of a batch, and of sparse samples notes which inputs have any. Only the first pass goes through all of the inputs'
   memory, which may be large. */
static void FN(list_by_input)(const FN(lists_t) * lists, ptrdiff_t piece, ptrdiff_t rows, int is_first) {
    const ptrdiff_t first = lists->M * piece / lists->pieces, last = lists->M * (piece + 1) / lists->pieces;
    ptrdiff_t *restrict from = lists->from + piece * lists->rows;
    int32_t *restrict number = lists->number, *restrict touched = lists->touched + first;
    int32_t *restrict sample = lists->sample;
    REAL *restrict value = lists->value;
    ptrdiff_t *restrict end = lists->end + first;
    ptrdiff_t n = lists->n_touched[piece], start = 0;
    if (is_first && lists->sparse) { /* forget those of the batch before */
        for (ptrdiff_t t = 0; t < n; t++) number[touched[t]] = 0;
        n = 0;
    }
    lists->written[piece] = is_first ? 0 : n;
    for (ptrdiff_t r = 0; r < rows; r++) start += from[r] = first ? FN(position)(lists->x + r, first) : 0;
    lists->begin[piece] = start;
    int32_t *restrict of_input = lists->of_input + start;
    for (ptrdiff_t t = 0; t < n; t++) end[t] = 0;
    ptrdiff_t place = start;
    for (ptrdiff_t r = 0; r < rows; r++) { /* how many values each has */
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
    for (ptrdiff_t r = 0; r < rows; r++) {
        const FN(row_t) x = lists->x[r];
        for (ptrdiff_t q = from[r]; q < x.count && x.index[q] < last; q++) {
            place = end[*of_input++]++;
            sample[place] = (int32_t)r;
            value[place] = x.value[q];
        }
    }
}
