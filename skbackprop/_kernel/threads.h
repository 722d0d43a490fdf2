/* Several threads for one call of the kernel. The work is cut into pieces, and every value is computed within one piece,
   in an order that depends only on the network, so the bits do not depend on the number of threads.

   A team is made by a call and ends with it: there is no pool that a fork could leave broken in the child. The members
   take one piece after another. The caller is one of them; it waits only for pieces that others have begun, not for
   members to start or end. A thread that has waited for about a tenth of a millisecond blocks. If the system has no POSIX
   threads, or cannot start any more, the caller does all the work. */

#ifndef SKBACKPROP_THREADS_H
#define SKBACKPROP_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Does one piece of the work; `member` is the thread's number in its team (0 for the caller). */
typedef void (*piece_t)(void *work, ptrdiff_t piece, int member);

#define MEMBERS_MAX 64

/* The caller does all n pieces. */
static void run_alone(piece_t piece, void *work, ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < n; k++) piece(work, k, 0);
}

#if !defined(_WIN32) && !defined(__STDC_NO_ATOMICS__)
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* How long a thread waits before it blocks, in nanoseconds: longer than others need for a piece, since a thread that has
   blocked is late for the next work. And how often it looks between two readings of the clock. */
#define PATIENCE 150000
#define LOOKS 64

/* Threads do not always help: others may be busy on the same cores, a thread that sleeps may be slow to wake, and cores
   may be slow to pass on what the other has changed. So the caller compares. A call consists of rounds: batches, steps,
   or some of the samples to predict. In some of them the caller works alone and takes the time: in the first ones of a
   network, later after each REFERENCE nanoseconds of rounds with the members, and whenever it is alone anyway. It counts
   TURN nanoseconds of such rounds at a time, but not the first, which may have to fetch what other cores have changed. The
   shortest of the last TURNS times is what a round takes alone; a longer one may be due to an interruption.

   All that the members save and cost by this measure is summed up: in rounds and, at the end of a call, in being started
   and ended and in what is copied for them. If they have cost over DEBT nanoseconds more than they have saved, they have
   failed: the process works without them for PAUSE_MIN times as long as it has lost, and after each further failure for
   twice as many times, up to PAUSE_MAX. So an interruption on an idle machine is soon forgotten, and beside a process that
   stays busy, little is lost. Once the members have saved CREDIT, the most that they may lose again before they fail, the
   pauses begin anew. */
#define TURN 1000000
#define TURNS 4
#define REFERENCE 250000000
#define DEBT 500000
#define CREDIT 10000000
#define PAUSE_MIN 8
#define PAUSE_MAX 64

static atomic_int at_work;               /* threads of all teams of the process */
static atomic_int_least64_t alone_until; /* on the clock of `now` */
static atomic_int_least64_t balance;     /* nanoseconds that all members have saved, less those that they have cost */
static atomic_int next_pause = PAUSE_MIN; /* as a multiple of the loss */

/* What is known of the rounds of a network. */
typedef struct {
    uint64_t network;
    int is_alone;        /* the last round was without members; */
    int64_t spent;       /* nanoseconds in such rounds since the last turn, */
    double done;         /* and their size */
    int64_t turns;       /* so far, and how long the last ones took for a size of 1 */
    double times[TURNS];
    int64_t together;    /* nanoseconds with members since then */
} account_t;

static account_t accounts[64]; /* those of two networks may have the same place */
static atomic_int accounts_in_use;

/* What the members share; the last of them frees it. */
typedef struct {
    piece_t piece; /* the current work */
    void *work;
    atomic_uint_least64_t open; /* the pieces not taken yet, see `open_pieces` */
    atomic_ptrdiff_t undone;    /* pieces not done yet */
    atomic_int members, numbers, ended, asleep, caller_asleep;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
} board_t;

typedef struct {
    int size;          /* members, the caller included */
    int hired;         /* what at_work counts of them */
    int may_have_more; /* members, at other times; if not, no time is taken */
    int together;      /* whether the members take part in this round, */
    int64_t begin;     /* which began then */
    int64_t cost;      /* nanoseconds of this call that are spent for the members, not by them */
    account_t account;
    board_t *board;
} team_t;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waits for a while until the condition holds. */
#define LOOK_FOR(condition)                                    \
    do {                                                       \
        const int64_t until = now() + PATIENCE;                \
        for (int k = 1; !(condition); k++) {                   \
            relax();                                           \
            if (k % LOOKS == 0 && now() > until) break;        \
        }                                                      \
    } while (0)

/* The pieces first, ..., last - 1 in one value, so that they change together. */
static uint_least64_t open_pieces(ptrdiff_t first, ptrdiff_t last) {
    return (uint_least64_t)first << 32 | (uint_least64_t)last;
}

static int any(uint_least64_t open) {
    return open >> 32 < (open & UINT32_MAX);
}

/* Does pieces as long as there are any: the caller from the first on, the others from the last. So with two members,
   each has much the same pieces in one work after another, and what they change in its core's cache. */
static void do_pieces(board_t *board, int member) {
    uint_least64_t open = atomic_load(&board->open);
    while (any(open)) {
        const uint_least64_t first = open >> 32, last = open & UINT32_MAX;
        const uint_least64_t others = member ? open_pieces(first, last - 1) : open_pieces(first + 1, last);
        if (!atomic_compare_exchange_weak(&board->open, &open, others)) continue;
        board->piece(board->work, member ? last - 1 : first, member); /* until it is done, no other work begins */
        if (atomic_fetch_sub(&board->undone, 1) == 1 && atomic_load(&board->caller_asleep)) {
            pthread_mutex_lock(&board->mutex);
            pthread_cond_signal(&board->end);
            pthread_mutex_unlock(&board->mutex);
        }
        open = atomic_load(&board->open);
    }
}

static void leave(board_t *board) {
    if (atomic_fetch_sub(&board->members, 1) > 1) return;
    pthread_cond_destroy(&board->end);
    pthread_cond_destroy(&board->begin);
    pthread_mutex_destroy(&board->mutex);
    free(board);
}

static int may_go_on(board_t *board) {
    return any(atomic_load(&board->open)) || atomic_load(&board->ended);
}

static void *be_member(void *argument) {
    board_t *board = argument;
    const int member = atomic_fetch_add(&board->numbers, 1);
    while (!atomic_load(&board->ended)) {
        do_pieces(board, member);
        LOOK_FOR(may_go_on(board));
        if (may_go_on(board)) continue;
        pthread_mutex_lock(&board->mutex);
        atomic_fetch_add(&board->asleep, 1);
        while (!may_go_on(board)) pthread_cond_wait(&board->begin, &board->mutex);
        atomic_fetch_sub(&board->asleep, 1);
        pthread_mutex_unlock(&board->mutex);
    }
    leave(board);
    return NULL;
}

static void wake_members(board_t *board) {
    if (!atomic_load(&board->asleep)) return;
    pthread_mutex_lock(&board->mutex);
    pthread_cond_broadcast(&board->begin);
    pthread_mutex_unlock(&board->mutex);
}

/* Starts the members besides the caller. Signals are left to the threads that were there before. */
static void start_members(team_t *team, int size) {
    board_t *board = team->board = calloc(1, sizeof *board);
    pthread_attr_t detached;
    pthread_t thread;
    sigset_t all, before;
    if (!board) return;
    atomic_init(&board->members, size);
    atomic_init(&board->numbers, 1);
    pthread_mutex_init(&board->mutex, NULL);
    pthread_cond_init(&board->begin, NULL);
    pthread_cond_init(&board->end, NULL);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team->size < size && !pthread_create(&thread, &detached, be_member, board)) team->size++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    atomic_fetch_sub(&board->members, size - team->size); /* those that could not be started */
}

/* Counts what the members have saved, or with a minus sign cost, in nanoseconds. */
static void settle(int64_t saved) {
    const int64_t sum = atomic_fetch_add(&balance, saved) + saved;
    if (sum > CREDIT) {
        atomic_store(&balance, CREDIT);
        atomic_store(&next_pause, PAUSE_MIN);
    }
    if (sum > -DEBT) return;
    const int times = atomic_load(&next_pause);
    atomic_store(&balance, 0);
    atomic_store(&alone_until, now() - times * sum);
    atomic_store(&next_pause, times < PAUSE_MAX ? 2 * times : times);
}

/* Gets a network's account, or a new one, or leaves it for the next call. No call waits for another: if another thread is
   doing the same at this moment, what this one has measured is forgotten. */
static void look_up(account_t *account, int leave) {
    account_t *place = accounts + (account->network * 0x9E3779B97F4A7C15u >> 58); /* one of 64 */
    if (atomic_exchange(&accounts_in_use, 1)) return;
    if (leave)
        *place = *account;
    else if (place->network == account->network)
        *account = *place;
    atomic_store(&accounts_in_use, 0);
}

/* What the caller has done since then, it would not do alone. */
static void add_cost(team_t *team, int64_t since) {
    team->cost += now() - since;
}

/* Makes a team of at most `useful` members; with the process's other teams, there may be `allowed` members in all. Rounds
   of the same network and kind take times in proportion to their size; another network may later be in the same place, but
   its kind will differ. */
static void make_team(team_t *team, int allowed, int useful, const void *network, ptrdiff_t kind) {
    int others = atomic_load(&at_work), size;
    const int may_have_more = allowed > 1 && useful > 1;
    if (useful > 1 && now() < atomic_load(&alone_until)) useful = 1;
    do {
        size = allowed - others < useful ? allowed - others : useful;
        size = size > MEMBERS_MAX ? MEMBERS_MAX : size < 1 ? 1 : size;
    } while (!atomic_compare_exchange_weak(&at_work, &others, others + size));
    *team = (team_t){.size = 1, .hired = size, .may_have_more = may_have_more};
    team->account.network = (uintptr_t)network * 31 + (uint64_t)kind;
    if (may_have_more) look_up(&team->account, 0);
    if (size == 1) return;
    const int64_t start = now();
    start_members(team, size);
    team->together = team->size > 1;
    add_cost(team, start);
}

static void end_team(team_t *team) {
    if (team->board) {
        const int64_t start = now();
        atomic_store(&team->board->ended, 1);
        wake_members(team->board);
        leave(team->board);
        add_cost(team, start);
    }
    settle(-team->cost);
    if (team->may_have_more) look_up(&team->account, 1);
    atomic_fetch_sub(&at_work, team->hired);
}

/* How long a round of this size takes alone. */
static double time_alone(const account_t *account, double size) {
    double least = account->times[0];
    for (int k = 1; k < TURNS && k < account->turns; k++) least = account->times[k] < least ? account->times[k] : least;
    return least * size;
}

/* Begins a round and decides whether the members take part. */
static void begin_round(team_t *team) {
    const account_t *account = &team->account;
    if (!team->may_have_more) return;
    team->begin = now();
    team->together = team->size > 1 && account->turns && account->together < REFERENCE &&
                     team->begin >= atomic_load(&alone_until);
}

/* Ends a round of this size, which is not 0. */
static void end_round(team_t *team, double size) {
    account_t *account = &team->account;
    if (!team->may_have_more) return;
    const int64_t needed = now() - team->begin;
    if (team->together) {
        account->is_alone = 0;
        account->together += needed;
        settle((int64_t)time_alone(account, size) - needed);
        return;
    }
    if (account->is_alone) account->spent += needed, account->done += size;
    account->is_alone = 1;
    if (account->spent < TURN) return;
    account->times[account->turns++ % TURNS] = (double)account->spent / account->done;
    account->spent = account->together = 0, account->done = 0;
}

/* Does n pieces of work, fewer than 2^32, all of one round. */
static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    board_t *board = team->board;
    if (!team->together || n == 1) {
        run_alone(piece, work, n);
        return;
    }
    board->piece = piece;
    board->work = work;
    atomic_store(&board->undone, n);
    atomic_store(&board->open, open_pieces(0, n));
    wake_members(board);
    do_pieces(board, 0);
    LOOK_FOR(!atomic_load(&board->undone));
    if (!atomic_load(&board->undone)) return;
    pthread_mutex_lock(&board->mutex);
    atomic_store(&board->caller_asleep, 1);
    while (atomic_load(&board->undone)) pthread_cond_wait(&board->end, &board->mutex);
    atomic_store(&board->caller_asleep, 0);
    pthread_mutex_unlock(&board->mutex);
}

/* For a child process, which does not have its parent's threads and may find other cores free. */
static void forget_teams(void) {
    atomic_store(&at_work, 0);
    atomic_store(&alone_until, 0);
    atomic_store(&balance, 0);
    atomic_store(&next_pause, PAUSE_MIN);
    memset(accounts, 0, sizeof accounts);
    atomic_store(&accounts_in_use, 0);
}

#else

typedef struct {
    int size, together;
} team_t;

static int64_t now(void) {
    return 0;
}

static void add_cost(team_t *team, int64_t since) {
    (void)team, (void)since;
}

static void make_team(team_t *team, int allowed, int useful, const void *network, ptrdiff_t kind) {
    (void)allowed, (void)useful, (void)network, (void)kind;
    *team = (team_t){.size = 1};
}

static void end_team(team_t *team) {
    (void)team;
}

static void begin_round(team_t *team) {
    (void)team;
}

static void end_round(team_t *team, double size) {
    (void)team, (void)size;
}

static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    (void)team;
    run_alone(piece, work, n);
}

static void forget_teams(void) {
}
#endif
#endif
