/* Several threads for one call of the kernel. The work is cut into pieces, and every value is computed within one piece,
   in an order that depends only on the network, so the bits do not depend on the number of threads.

   A team is made by a call and ends with it: there is no pool that a fork could leave broken in the child. The members
   take one piece after another. The caller is one of them; it waits only for pieces that others have begun, not for
   members to start or end. A thread that has waited for some tens of microseconds blocks. If the system has no POSIX
   threads, or cannot start any more, the caller does all the work. */

#ifndef SKBACKPROP_THREADS_H
#define SKBACKPROP_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

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

/* How long a thread waits before it blocks, in nanoseconds: longer than others need for a short piece, since it takes the
   system about as long to wake a thread. And how often it looks between two readings of the clock. */
#define PATIENCE 50000
#define LOOKS 64

/* Threads do not always help: others may be busy on the same cores, a thread that sleeps may be slow to wake, and cores
   may be slow to pass on what the other has changed. So the caller takes the time of some works of each kind without the
   members: the first, up to TIMED or until they have taken ENOUGH nanoseconds, and any later ones that it does alone
   anyway. If the members have since cost over DEBT nanoseconds more than they have saved, the process works without
   them for PAUSE times as long: it never loses more than one part in PAUSE. What they have saved before counts up to
   CREDIT, or one short interruption would undo the gain of hundreds of works.

   A work is timed from the end of the one before, so that what happens in between counts as well, and as a whole: its
   first pieces alone may differ from the others, or be the ones that fetch what another core has changed. */
#define ENOUGH 200000
#define DEBT 500000
#define CREDIT 10000000
#define PAUSE 100
#define TIMED 16
#define KINDS 64 /* of work whose times are remembered */

static atomic_int at_work;               /* threads of all teams of the process */
static atomic_int_least64_t alone_until; /* on the clock of `now` */
static atomic_int_least64_t balance;     /* nanoseconds that all members have saved, less those that they have cost */

/* What the caller alone has needed for a kind of work. Two kinds may have the same place, and two threads may write to
   it at once; then the times are wrong for a while. */
static struct {
    atomic_uint_least64_t kind;
    atomic_int timed;      /* in so many works: */
    _Atomic double fastest; /* the least nanoseconds for a size of 1 */
} timings[KINDS];

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
    int may_have_more; /* members, at other times; if not, nothing is timed */
    uint64_t network;  /* whose works these are */
    int64_t last_end;  /* of a work; 0 if it has not been noted */
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

static void forget_timings(void) {
    for (int k = 0; k < KINDS; k++) atomic_store(&timings[k].timed, 0);
}

/* Counts what the members have saved, or with a minus sign cost, in nanoseconds. */
static void settle(int64_t saved) {
    const int64_t sum = atomic_fetch_add(&balance, saved) + saved;
    if (sum > CREDIT) atomic_store(&balance, CREDIT);
    if (sum > -DEBT) return;
    atomic_store(&balance, 0);
    atomic_store(&alone_until, now() - PAUSE * sum);
    forget_timings(); /* the machine may be slower now */
}

/* Makes a team of at most `useful` members; with the process's other teams, there may be `allowed` members in all.
   Works of the same network, with as many pieces of the same function, take about the same time. */
static void make_team(team_t *team, int allowed, int useful, const void *network) {
    int others = atomic_load(&at_work), size;
    const int may_have_more = allowed > 1 && useful > 1;
    if (useful > 1 && now() < atomic_load(&alone_until)) useful = 1;
    do {
        size = allowed - others < useful ? allowed - others : useful;
        size = size > MEMBERS_MAX ? MEMBERS_MAX : size < 1 ? 1 : size;
    } while (!atomic_compare_exchange_weak(&at_work, &others, others + size));
    *team = (team_t){.size = 1, .hired = size, .may_have_more = may_have_more, .network = (uintptr_t)network};
    if (size == 1) return;
    const int64_t start = now();
    start_members(team, size);
    settle(start - now());
}

static void end_team(team_t *team) {
    if (team->board) {
        const int64_t start = now();
        atomic_store(&team->board->ended, 1);
        wake_members(team->board);
        leave(team->board);
        settle(start - now());
    }
    atomic_fetch_sub(&at_work, team->hired);
}

/* The place of the times of this kind of work; what was there before makes room. */
static int timing_of(const team_t *team, piece_t piece, ptrdiff_t n) {
    const uint64_t kind = (team->network * 31 + (uint64_t)(uintptr_t)piece) * 31 + (uint64_t)n;
    const int place = (int)(kind * 0x9E3779B97F4A7C15u >> 32) & (KINDS - 1);
    if (atomic_load(&timings[place].kind) != kind) {
        atomic_store(&timings[place].timed, 0);
        atomic_store(&timings[place].kind, kind);
    }
    return place;
}

/* Takes down that the caller alone has needed so many nanoseconds for a work. */
static void take_down(int place, int64_t needed, double size) {
    const double each = (double)needed / size;
    const int timed = atomic_load(&timings[place].timed);
    if (!timed || each < atomic_load(&timings[place].fastest)) atomic_store(&timings[place].fastest, each);
    if (timed < TIMED) atomic_store(&timings[place].timed, timed + 1);
}

/* Two works at least, since the first may have to fetch what other cores have changed. */
static int is_timed(int place, double size) {
    const int timed = atomic_load(&timings[place].timed);
    return timed == TIMED || (timed > 1 && timed * atomic_load(&timings[place].fastest) * size > ENOUGH);
}

/* Does n pieces of work, fewer than 2^32. `size` tells how much work it is, compared with others of its kind; it is not
   0. If the pieces are `alike`, all of about the same time in any order, the time of some is that of all, without what
   comes between two works. */
static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n, double size, int alike) {
    board_t *board = team->board;
    if (!team->may_have_more || n == 1) {
        run_alone(piece, work, n);
        team->last_end = 0;
        return;
    }
    const int place = timing_of(team, piece, n);
    int64_t start = team->last_end && !alike ? team->last_end : now();
    ptrdiff_t first = 0; /* of the pieces that are for all members */
    if (team->size == 1 || start < atomic_load(&alone_until))
        first = n;
    else if (!is_timed(place, size))
        first = alike ? (n + TIMED - 1) / TIMED : n;
    if (first) {
        run_alone(piece, work, first);
        team->last_end = now();
        take_down(place, team->last_end - start, size * first / n);
        if (first == n) return;
        start = team->last_end;
    }
    board->piece = piece;
    board->work = work;
    atomic_store(&board->undone, n - first);
    atomic_store(&board->open, open_pieces(first, n));
    wake_members(board);
    do_pieces(board, 0);
    LOOK_FOR(!atomic_load(&board->undone));
    if (atomic_load(&board->undone)) {
        pthread_mutex_lock(&board->mutex);
        atomic_store(&board->caller_asleep, 1);
        while (atomic_load(&board->undone)) pthread_cond_wait(&board->end, &board->mutex);
        atomic_store(&board->caller_asleep, 0);
        pthread_mutex_unlock(&board->mutex);
    }
    team->last_end = now();
    settle((int64_t)(atomic_load(&timings[place].fastest) * size * (n - first) / n) - (team->last_end - start));
}

/* For a child process, which does not have its parent's threads and may find other cores free. */
static void forget_teams(void) {
    atomic_store(&at_work, 0);
    atomic_store(&alone_until, 0);
    atomic_store(&balance, 0);
    forget_timings();
}

#else

typedef struct {
    int size;
} team_t;

static int64_t now(void) {
    return 0;
}

static void settle(int64_t saved) {
    (void)saved;
}

static void make_team(team_t *team, int allowed, int useful, const void *network) {
    (void)allowed, (void)useful, (void)network;
    team->size = 1;
}

static void end_team(team_t *team) {
    (void)team;
}

static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n, double size, int alike) {
    (void)team, (void)size, (void)alike;
    run_alone(piece, work, n);
}

static void forget_teams(void) {
}
#endif
#endif
