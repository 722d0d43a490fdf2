/* Layer 1 divided between threads (threads.h) by its units, for one type REAL and one level of the processor (see
   precisions.h).

   During a call, every part has a copy of its columns of W^1, and of what the rule keeps about them, as a narrower network
   of its own. So nothing but z^1 and delta^1 goes from core to core, and each core's cache needs to hold only its own part.
   If the parts of a row of W^1 were next to each other in memory, a core that runs through its own would fetch, ahead of
   time, from that of the other core as well, and two threads would take twice as long as one. */

typedef struct {
    FN(state_t) s;   /* of a network with these units alone, which has layer 1, for steps also layer 2 */
    network_t net;
    ptrdiff_t M[3], stride[3], W[3], b[3];
    rule_t rule;     /* with the part's moments */
    REAL *params, *weights[3]; /* its vector of parameters, and for batches, where W^1 begins in it */
    void *memory;    /* of its vector, if it is not part of a larger block */
    double scale;
    ptrdiff_t first; /* unit */
} FN(part_t);

/* Makes part k of n, of the layers 1..L. Returns the length of its vector of parameters. */
static ptrdiff_t FN(make_part)(FN(part_t) * part, const FN(state_t) * s, ptrdiff_t k, ptrdiff_t n, ptrdiff_t L) {
    const network_t *net = s->net;
    const ptrdiff_t first = FN(first_of_part)(net, k, n), m = FN(first_of_part)(net, k + 1, n) - first;
    *part = (FN(part_t)){.net = *net, .rule = *s->rule, .scale = *s->scale, .first = first};
    part->net.L = L;
    part->net.M = part->M, part->net.stride = part->stride, part->net.W = part->W, part->net.b = part->b;
    part->rule.noise = NULL; /* it has the whole layer's numbers */
    part->M[0] = net->M[0], part->M[1] = net->M[1] - first < m ? net->M[1] - first : m;
    part->stride[1] = m;
    part->b[1] = net->M[0] * m;
    if (L == 1) return part->b[1] + m;
    part->M[2] = net->M[2], part->stride[2] = net->stride[2];
    part->W[2] = part->b[1] + m, part->b[2] = part->W[2] + (net->M[2] + 3) / 4 * 4 * m;
    return part->b[2] + part->stride[2];
}

/* Copies a vector like the parameters to the part's, or back: one piece of so many. */
static void FN(copy_vector)(const FN(part_t) * part, const network_t *net, REAL *inside, REAL *outside, int back,
                            ptrdiff_t piece, ptrdiff_t pieces) {
    const ptrdiff_t ld = net->stride[1], m = part->stride[1], *W = part->W, *b = part->b;
    const ptrdiff_t first = net->M[0] * piece / pieces, last = net->M[0] * (piece + 1) / pieces;
    REAL *columns = outside + part->first;
#define COPY(inside, outside, n) memcpy(back ? (outside) : (inside), back ? (inside) : (outside), (n) * sizeof(REAL))
    for (ptrdiff_t i = first; i < last; i++) COPY(inside + W[1] + i * m, columns + net->W[1] + i * ld, m);
    if (last < net->M[0]) return;
    COPY(inside + b[1], columns + net->b[1], m);
    if (part->net.L == 1) return;
    for (ptrdiff_t j = 0; j < (net->M[2] + 3) / 4 * 4; j++) /* with the rows of zeros */
        COPY(inside + W[2] + j * m, columns + net->W[2] + j * ld, m);
    COPY(inside + b[2], outside + net->b[2], net->stride[2]); /* all parts have the same */
#undef COPY
}

/* ---- Steps of one sample -------------------------------------------------------------------------------------------
   The algorithm of steps.h with a wide hidden layer, whose parts are `parts_of` in types.h. One step still follows the
   other; within a step, the threads meet once: when z^2, to which every part contributes a sum, is needed for delta^2. */

/* The steps, at work. */
typedef struct {
    FN(state_t) s;     /* of the whole network */
    FN(part_t) *parts; /* of layers 1 and 2; their delta[2] is that of the whole network */
    FN(row_t) x, last; /* the samples of step t and of the step before */
    ptrdiff_t t, n_draws;
} FN(divided_t);

/* Takes memory for the parts. Returns 0 if there is none. */
static int FN(make_parts)(FN(divided_t) * d) {
    const FN(state_t) *s = &d->s;
    const ptrdiff_t n = parts_of(s->net);
    d->parts = calloc(n, sizeof *d->parts);
    if (!d->parts) return 0;
    for (ptrdiff_t k = 0; k < n; k++) {
        FN(part_t) *part = d->parts + k;
        const ptrdiff_t length = FN(make_part)(part, s, k, n, 2);
        part->memory = take_memory(length * sizeof(REAL) + REGISTER_BYTES);
        part->params = (REAL *)aligned((size_t)part->memory);
        if (!part->memory ||
            !FN(allocate)(&part->s, &part->net, &part->rule, part->params, &part->scale, s->samples, 1))
            return 0;
        part->s.delta[2] = s->delta[2];
    }
    return 1;
}

static void FN(free_parts)(FN(divided_t) * d) {
    for (ptrdiff_t k = 0; k < parts_of(d->s.net) && d->parts; k++) {
        give_memory(d->parts[k].s.memory);
        give_memory(d->parts[k].memory);
    }
    free(d->parts);
}

/* Copies the weights of the whole network to the parts, or back. All parts have the same scale. */
static void FN(copy_parts)(FN(divided_t) * d, team_t *team, int back) {
    const FN(state_t) *s = &d->s;
    const int64_t begin = now();
    for (ptrdiff_t k = 0; k < parts_of(s->net); k++) {
        FN(part_t) *part = d->parts + k;
        FN(copy_vector)(part, s->net, part->s.W[1], s->W[1] - s->net->W[1], back, 0, 1);
        if (back) *s->scale = part->scale;
    }
    add_cost(team, begin);
}

/* A piece of work: for one part, backprop and update of step t - 1, and the forward pass of step t. */
static void FN(step_of_part)(void *work, ptrdiff_t k, int member) {
    const FN(divided_t) *d = work;
    FN(part_t) *part = d->parts + k;
    FN(state_t) *s = &part->s;
    const rule_t *rule = &part->rule;
    const ptrdiff_t m = part->stride[1];
    (void)member;
    if (d->t > 0 && rule->tau != 0) FN(backprop_and_update)(s, &d->last);
    if (d->t == d->n_draws) {
        FN(catch_up)(s);
        return;
    }
    FN(forward_1)(s, &d->x);
    FN(activate)(s, 1, 0, d->t);
    const uint16_t *noise = FN(noise)(&d->s, 1, d->t);
    if (noise) FN(drop_out)(s->a[1], s->da[1], noise + part->first, FN(left_out)(rule, 1), FN(keep)(rule, 1), m);
    FN(forward)(s->W[2], m, s->y, s->a[1], s->z[2], part->M[2], m); /* y is 0 here */
}

static double FN(steps_in_parts)(FN(divided_t) * d, const int64_t *draws, team_t *team) {
    const FN(state_t) *s = &d->s;
    const network_t *net = s->net;
    const ptrdiff_t n = parts_of(net), m = net->stride[2];
    double sum = 0;
    FN(copy_parts)(d, team, 0);
    for (; d->t < d->n_draws; d->t++) {
        begin_round(team);
        d->x = FN(sample)(s, draws[d->t], d->t, d->t % 2);
        run(team, FN(step_of_part), d, n);
        REAL *restrict z = s->z[2];
        EACH(j, m) z[j] = d->parts[0].s.b[2][j];
        for (ptrdiff_t k = 0; k < n; k++) EACH(j, m) z[j] += d->parts[k].s.z[2][j];
        FN(activate)(s, 2, 0, d->t);
        sum += FN(output_delta)(s, draws[d->t], 0);
        d->last = d->x;
        end_round(team, 1);
    }
    run_alone(FN(step_of_part), d, n);
    FN(copy_parts)(d, team, 1);
    return sum;
}

/* How many threads have enough to do: to copy a weight, twice, takes as long as some hundred steps gain on it. */
#undef STEPS_PER_COPY
#undef SHARE_OF_STEP
#undef SEEN
#define STEPS_PER_COPY 128
#define SHARE_OF_STEP 3e4 /* weights that one step has for each thread */
#define SEEN 8            /* samples that show how many nonzeros the others will have */
static int FN(useful_for_steps)(const FN(state_t) * s, const int64_t *draws, ptrdiff_t n_draws) {
    const network_t *net = s->net;
    const ptrdiff_t parts = parts_of(net), some = n_draws < SEEN ? n_draws : SEEN;
    double inputs = 0; /* of a step */
    if (parts == 1) return 1;
    for (ptrdiff_t t = 0; t < some; t++) inputs += (double)FN(sample)(s, draws[t], t, 0).count / some;
    const double shares = inputs * net->stride[1] / SHARE_OF_STEP;
    return inputs * n_draws < STEPS_PER_COPY * net->M[0] ? 1 : shares < parts ? (int)shares : (int)parts;
}

/* `steps`, on several threads where that pays off; the bits are the same. */
static double FN(steps_on_threads)(const network_t *net, const rule_t *rule, void *params, double *scale,
                                   const samples_t *samples, const int64_t *draws, ptrdiff_t n_draws) {
    FN(divided_t) d = {.n_draws = n_draws};
    team_t team;
    double sum = NO_MEMORY;
    if (parts_of(net) == 1 || rule->threads == 1) return FN(steps)(net, rule, params, scale, samples, draws, n_draws);
    if (!FN(allocate)(&d.s, net, rule, params, scale, samples, 1)) return NO_MEMORY;
    make_team(&team, rule->threads, FN(useful_for_steps)(&d.s, draws, n_draws), params, net->b[net->L]);
    if (team.size == 1) {
        begin_round(&team);
        sum = FN(steps)(net, rule, params, scale, samples, draws, n_draws);
        end_round(&team, (double)n_draws);
    } else if (FN(make_parts)(&d))
        sum = FN(steps_in_parts)(&d, draws, &team);
    end_team(&team);
    FN(free_parts)(&d);
    give_memory(d.s.memory);
    return sum;
}
