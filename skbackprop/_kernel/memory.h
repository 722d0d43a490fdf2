/* Memory for a call of the kernel, which the next call can use again. A large block from malloc usually comes straight
   from the system and goes back to it, and then every call waits for its pages: 5 to 10 % of the time with L-BFGS on two
   threads.

   The process keeps at most KEPT blocks of up to LARGEST_KEPT bytes each. Whoever takes one has it alone, also among
   threads. After a fork, the child has its own copies; blocks in use by other threads at that moment are lost to it.
   With the address sanitizer nothing is kept, or it would miss who uses memory after giving it back. */

#ifndef SKBACKPROP_MEMORY_H
#define SKBACKPROP_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(_WIN32) && !defined(__STDC_NO_ATOMICS__) && !defined(__SANITIZE_ADDRESS__)
#include <stdatomic.h>

#define KEPT 4
#define LARGEST_KEPT ((size_t)1 << 24)
#define SMALLEST_KEPT ((size_t)1 << 16) /* below this, malloc is as good */

/* In front of the memory that a call sees. */
typedef union {
    size_t bytes;
    char line[64];
} block_t;

static _Atomic(block_t *) kept[KEPT];

/* Memory with any content; NULL if there is none. */
static void *take_memory(size_t bytes) {
    for (int k = 0; k < KEPT && bytes >= SMALLEST_KEPT; k++) {
        block_t *block = atomic_exchange(&kept[k], NULL), *none = NULL;
        if (!block) continue;
        if (block->bytes >= bytes && block->bytes / 2 <= bytes) return block + 1;
        if (!atomic_compare_exchange_strong(&kept[k], &none, block)) free(block);
    }
    block_t *block = bytes < SIZE_MAX - sizeof *block ? malloc(sizeof *block + bytes) : NULL;
    if (!block) return NULL;
    block->bytes = bytes;
    return block + 1;
}

/* Keeps the memory for the next call, in place of another block if there are enough, or gives it back. */
static void give_memory(void *memory) {
    if (!memory) return;
    block_t *block = (block_t *)memory - 1, *none = NULL;
    if (block->bytes < SMALLEST_KEPT || block->bytes > LARGEST_KEPT) {
        free(block);
        return;
    }
    for (int k = 0; k < KEPT; k++, none = NULL)
        if (atomic_compare_exchange_strong(&kept[k], &none, block)) return;
    free(atomic_exchange(&kept[block->bytes % KEPT], block));
}

#else

static void *take_memory(size_t bytes) {
    return malloc(bytes);
}

static void give_memory(void *memory) {
    free(memory);
}
#endif

/* Zeroed memory. */
static void *take_zeros(size_t bytes) {
    void *memory = take_memory(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

/* The next bytes of a block, of which a `char *rest` is left. */
#define TAKE(bytes) (rest += (bytes), (void *)(rest - (bytes)))
#endif
