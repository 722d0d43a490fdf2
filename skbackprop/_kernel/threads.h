/* Several threads for one call of the kernel. The work is cut into pieces, whose number and bounds depend on the work
   alone, and every value is computed within one piece: so the bits do not depend on the number of threads.

   A team is made by a call and ends with it: there is no pool, of which a fork would leave the child the half. Its
   members take one piece after the other; the caller is one of them, and waits only for pieces that another has begun,
   not for members to start or to end. Who waits blocks, after a few microseconds. Where the system has no POSIX threads,
   or no more of them, the caller does it all. */

#ifndef SKBACKPROP_THREADS_H
#define SKBACKPROP_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Does one piece of the work; `member` is the number of the thread in its team, the caller's is 0. */
typedef void (*piece_t)(void *work, ptrdiff_t piece, int member);

#define MEMBERS_MAX 64

#if !defined(_WIN32) && !defined(__STDC_NO_ATOMICS__)
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* How often a thread looks whether it can go on before it blocks: for about 5 microseconds. */
#define LOOKS 500

/* Threads do not always help: others may be busy on the same cores, a thread that sleeps may be slow to wake, and cores
   may be slow to pass on what the other has changed. So the first work of each kind in a call is done by the caller alone
   and timed. If the members have cost more than CREDIT nanoseconds beyond what they have saved since, the process works
   without them for PAUSE times as long: it never loses more than one part in PAUSE. */
#define CREDIT 50000
#define PAUSE 30
#define KINDS 4 /* of work in one call, at most */

static atomic_int at_work;               /* threads of all teams of the process */
static atomic_int_least64_t alone_until; /* on the clock of `now` */

/* What the members share. It is freed by the last of them. */
typedef struct {
    piece_t piece; /* the work that is at hand */
    void *work;
    ptrdiff_t n;
    atomic_uint_least64_t open; /* pieces that nobody has taken; above them, in the high half, the number of the work */
    atomic_ptrdiff_t undone;    /* pieces that are not done */
    atomic_int members, numbers, ended, asleep, caller_asleep;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
} board_t;

typedef struct {
    int size;        /* members, the caller included */
    int hired;       /* what at_work counts of them */
    int64_t balance; /* nanoseconds that the others have saved less those that they have cost; CREDIT at most */
    piece_t kinds[KINDS]; /* of work that the caller has done alone, and */
    int64_t alone[KINDS]; /* nanoseconds per piece that it then took */
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

/* Does pieces as long as there are any. */
static void do_pieces(board_t *board, int member) {
    uint_least64_t open = atomic_load(&board->open);
    while ((uint32_t)open) {
        if (!atomic_compare_exchange_weak(&board->open, &open, open - 1)) continue;
        board->piece(board->work, board->n - (ptrdiff_t)(uint32_t)open, member); /* until it is done, no other begins */
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
    atomic_fetch_sub(&board->members, size - team->size); /* those that have not come */
}

/* A team of at most `useful` members, if that many may work in the process beside those of its other teams: `allowed`
   in all. */
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

/* The caller does all n pieces. */
static void run_alone(piece_t piece, void *work, ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < n; k++) piece(work, k, 0);
}

/* The place of this kind of work in the team's table; if it is new, -1 after the caller has done the work alone. */
static int kind_of(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    int kind = 0;
    while (kind < KINDS - 1 && team->kinds[kind] && team->kinds[kind] != piece) kind++;
    if (team->kinds[kind] == piece) return kind;
    const int64_t start = now();
    run_alone(piece, work, n);
    team->kinds[kind] = piece;
    team->alone[kind] = (now() - start) / n;
    return -1;
}

/* Counts what the members have saved or cost in a work that the caller alone would have done in `alone` nanoseconds. */
static void settle(team_t *team, int64_t alone, int64_t start) {
    const int64_t end = now();
    team->balance += alone - (end - start);
    if (team->balance > CREDIT) team->balance = CREDIT;
    if (team->balance > -CREDIT) return;
    atomic_store(&alone_until, end - PAUSE * team->balance);
    team->balance = 0;
}

/* Does n pieces of work. */
static void run(team_t *team, piece_t piece, void *work, ptrdiff_t n) {
    board_t *board = team->board;
    if (team->size == 1 || n == 1 || now() < atomic_load(&alone_until)) {
        run_alone(piece, work, n);
        return;
    }
    const int kind = kind_of(team, piece, work, n);
    if (kind < 0) return;
    const int64_t start = now();
    board->piece = piece;
    board->work = work;
    board->n = n;
    atomic_store(&board->undone, n);
    const uint_least64_t number = (atomic_load(&board->open) >> 32) + 1;
    atomic_store(&board->open, number << 32 | (uint_least64_t)n);
    wake_members(board);
    do_pieces(board, 0);
    for (int k = 0; k < LOOKS && atomic_load(&board->undone); k++) rest();
    if (atomic_load(&board->undone)) {
        pthread_mutex_lock(&board->mutex);
        atomic_store(&board->caller_asleep, 1);
        while (atomic_load(&board->undone)) pthread_cond_wait(&board->end, &board->mutex);
        atomic_store(&board->caller_asleep, 0);
        pthread_mutex_unlock(&board->mutex);
    }
    settle(team, team->alone[kind] * n, start);
}

/* In a child process: its parent's threads are not there. */
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
