/* Several threads for one call of the kernel. The work is cut into pieces, whose number and bounds depend only on the
   work, and every value is computed within one piece, so the bits do not depend on the number of threads.

   A team is made by a call and ends with it: there is no pool that a fork could leave broken in the child. The members
   take one piece after another. The caller is one of them; it waits only for pieces that others have begun, not for
   members to start or end. After a few microseconds of waiting, a thread blocks. If the system has no POSIX threads, or
   cannot start any more, the caller does all the work. */

#ifndef SKBACKPROP_THREADS_H
#define SKBACKPROP_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Does one piece of the work; `member` is the thread's number in its team (0 for the caller). */
typedef void (*piece_t)(void *work, ptrdiff_t piece, int member);

#define MEMBERS_MAX 64

#if !defined(_WIN32) && !defined(__STDC_NO_ATOMICS__)
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* How often a thread checks whether it can go on before it blocks; this takes about 5 microseconds. */
#define LOOKS 500

/* If the same cores are busy with other work, a member has to wait for its turn, and the caller for that member. Once
   this has cost more than CREDIT nanoseconds beyond what the members have saved, the process works without them for
   PAUSE times as long, so it never loses more than one part in PAUSE. */
#define CREDIT 50000
#define PAUSE 30

static atomic_int at_work;               /* threads of all teams of the process */
static atomic_int_least64_t alone_until; /* on the clock of `now` */

/* What the members share; the last of them frees it. */
typedef struct {
    piece_t piece; /* the current work */
    void *work;
    ptrdiff_t n;
    atomic_uint_least64_t open; /* pieces not taken yet; the high half is the number of the work */
    atomic_ptrdiff_t undone;    /* pieces not done yet */
    atomic_int members, numbers, ended, asleep, caller_asleep;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
} board_t;

typedef struct {
    int size;        /* members, the caller included */
    int hired;       /* how many of them at_work counts */
    int64_t balance; /* nanoseconds that the others have saved minus those they have cost; at most CREDIT */
    board_t *board;
} team_t;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Does pieces as long as there are any; returns how many it has done. */
static ptrdiff_t do_pieces(board_t *board, int member) {
    ptrdiff_t done = 0;
    uint_least64_t open = atomic_load(&board->open);
    while ((uint32_t)open) {
        if (!atomic_compare_exchange_weak(&board->open, &open, open - 1)) continue;
        board->piece(board->work, board->n - (ptrdiff_t)(uint32_t)open, member); /* no new work until it is done */
        done++;
        if (atomic_fetch_sub(&board->undone, 1) == 1 && atomic_load(&board->caller_asleep)) {
            pthread_mutex_lock(&board->mutex);
            pthread_cond_signal(&board->end);
            pthread_mutex_unlock(&board->mutex);
        }
        open = atomic_load(&board->open);
    }
    return done;
}

static void leave(board_t *board) {
    if (atomic_fetch_sub(&board->members, 1) > 1) return;
    pthread_cond_destroy(&board->end);
    pthread_cond_destroy(&board->begin);
    pthread_mutex_destroy(&board->mutex);
    free(board);
}

static int may_go_on(board_t *board) {
    return (uint32_t)atomic_load(&board->open) || atomic_load(&board->ended);
}

static void *be_member(void *argument) {
    board_t *board = argument;
    const int member = atomic_fetch_add(&board->numbers, 1);
    while (!atomic_load(&board->ended)) {
        do_pieces(board, member);
        for (int k = 0; k < LOOKS && !may_go_on(board); k++) rest();
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
    team->balance = start - now();
}

static void end_team(team_t *team) {
    if (team->board) {
        atomic_store(&team->board->ended, 1);
        wake_members(team->board);
        leave(team->board);
    }
    atomic_fetch_sub(&at_work, team->hired);
}

/* Accounts for what the members have saved or cost in a work of n pieces: the caller woke them from `start` on, did
   `own` of the pieces from `awake` on, and waited from `out_of_work` on. */
static void settle(team_t *team, ptrdiff_t n, ptrdiff_t own, int64_t start, int64_t awake, int64_t out_of_work) {
    const int64_t end = now();
    if (own) team->balance += (out_of_work - awake) / own * (n - own);
    team->balance -= (awake - start) + (end - out_of_work);
    if (team->balance > CREDIT) team->balance = CREDIT;
    if (team->balance > -CREDIT) return;
    atomic_store(&alone_until, end - PAUSE * team->balance);
    team->balance = 0;
}

/* Does n pieces of work. */
static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    board_t *board = team->board;
    const int64_t start = team->size > 1 && n > 1 ? now() : 0;
    if (!start || start < atomic_load(&alone_until)) {
        for (ptrdiff_t k = 0; k < n; k++) piece(work, k, 0);
        return;
    }
    board->piece = piece;
    board->work = work;
    board->n = n;
    atomic_store(&board->undone, n);
    const uint_least64_t number = (atomic_load(&board->open) >> 32) + 1;
    atomic_store(&board->open, number << 32 | (uint_least64_t)n);
    wake_members(board);
    const int64_t awake = now();
    const ptrdiff_t own = do_pieces(board, 0);
    const int64_t out_of_work = now();
    for (int k = 0; k < LOOKS && atomic_load(&board->undone); k++) rest();
    if (atomic_load(&board->undone)) {
        pthread_mutex_lock(&board->mutex);
        atomic_store(&board->caller_asleep, 1);
        while (atomic_load(&board->undone)) pthread_cond_wait(&board->end, &board->mutex);
        atomic_store(&board->caller_asleep, 0);
        pthread_mutex_unlock(&board->mutex);
    }
    settle(team, n, own, start, awake, out_of_work);
}

/* For a child process, which does not have its parent's threads. */
static void forget_teams(void) {
    atomic_store(&at_work, 0);
}

#else

typedef struct {
    int size;
} team_t;

static void make_team(team_t *team, int allowed, int useful) {
    (void)allowed, (void)useful;
    team->size = 1;
}

static void end_team(team_t *team) {
    (void)team;
}

static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    (void)team;
    for (ptrdiff_t k = 0; k < n; k++) piece(work, k, 0);
}

static void forget_teams(void) {
}
#endif
#endif
