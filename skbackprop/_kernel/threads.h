/* Several threads for one call of the kernel. The work is cut into pieces, whose number and bounds depend only on the
   work, and every value is computed within one piece, so the bits do not depend on the number of threads.

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
   may be slow to pass on what the other has changed. So in every call, the caller does the first TIMED works of each kind
   alone, or one part in TIMED of each if its pieces are alike, and takes the time; fewer works if they take ENOUGH
   nanoseconds. If the members have since cost over DEBT nanoseconds more than they have saved, the process works without
   them for PAUSE times as long: it never loses more than one part in PAUSE. What they have saved before counts up to
   CREDIT, or one short interruption would undo the gain of hundreds of works. */
#define ENOUGH 200000
#define DEBT 500000
#define CREDIT 10000000
#define PAUSE 100
#define TIMED 16
#define KINDS 6 /* of work in one call, at most */

static atomic_int at_work;               /* threads of all teams of the process */
static atomic_int_least64_t alone_until; /* on the clock of `now` */
static atomic_int_least64_t balance;     /* nanoseconds that all members have saved, less those that they have cost */

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
    int size;        /* members, the caller included */
    int hired;       /* what at_work counts of them */
    piece_t kinds[KINDS]; /* of work, with what the caller alone has needed: */
    double alone[KINDS];  /* the least nanoseconds for a size of 1, */
    int64_t spent[KINDS]; /* and nanoseconds in all; */
    int timed[KINDS];     /* in so many works */
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
    if (sum > CREDIT) atomic_store(&balance, CREDIT);
    if (sum > -DEBT) return;
    atomic_store(&balance, 0);
    atomic_store(&alone_until, now() - PAUSE * sum);
}

/* Makes a team of at most `useful` members; with the process's other teams, there may be `allowed` members in all. */
static void make_team(team_t *team, int allowed, int useful) {
    int others = atomic_load(&at_work), size;
    if (useful > 1 && now() < atomic_load(&alone_until)) useful = 1;
    do {
        size = allowed - others < useful ? allowed - others : useful;
        size = size > MEMBERS_MAX ? MEMBERS_MAX : size < 1 ? 1 : size;
    } while (!atomic_compare_exchange_weak(&at_work, &others, others + size));
    *team = (team_t){.size = 1, .hired = size};
    if (size == 1) return;
    const int64_t start = now();
    start_members(team, size);
    settle(start - now());
}

static void end_team(team_t *team) {
    if (team->board) {
        atomic_store(&team->board->ended, 1);
        wake_members(team->board);
        leave(team->board);
    }
    atomic_fetch_sub(&at_work, team->hired);
}

/* The place of this kind of work in the team's table. */
static int kind_of(const team_t *team, piece_t piece) {
    int kind = 0;
    while (kind < KINDS - 1 && team->kinds[kind] && team->kinds[kind] != piece) kind++;
    return kind;
}

/* Does n pieces of work, fewer than 2^32, which are `alike` if they all take about the same time. `size` tells how much
   work it is, compared with others of its kind; it is not 0. */
static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n, double size, int alike) {
    board_t *board = team->board;
    if (team->size == 1 || n == 1 || now() < atomic_load(&alone_until)) {
        run_alone(piece, work, n);
        return;
    }
    const int kind = kind_of(team, piece);
    int64_t start = now();
    ptrdiff_t first = 0; /* of the pieces that are for all members */
    if (team->timed[kind] < TIMED && team->spent[kind] < ENOUGH) {
        first = alike ? (n + TIMED - 1) / TIMED : n;
        run_alone(piece, work, first);
        const int64_t end = now();
        const double alone = (double)(end - start) / first * n / size;
        if (!team->timed[kind] || alone < team->alone[kind]) team->alone[kind] = alone;
        team->kinds[kind] = piece;
        team->spent[kind] += end - start;
        team->timed[kind]++;
        if (first == n) return;
        start = end;
    }
    const double rest = size * (n - first) / n;
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
    settle((int64_t)(team->alone[kind] * rest) - (now() - start));
}

/* For a child process, which does not have its parent's threads and may find other cores free. */
static void forget_teams(void) {
    atomic_store(&at_work, 0);
    atomic_store(&alone_until, 0);
    atomic_store(&balance, 0);
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

static void make_team(team_t *team, int allowed, int useful) {
    (void)allowed, (void)useful;
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
