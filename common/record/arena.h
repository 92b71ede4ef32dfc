/* common/record/arena.h
 *
 * Memory that is given back all at once: everything one file's record needs, under one cap.
 * Blocks are never freed singly. Not thread-safe.
 */
#pragma once
#include <stddef.h>

struct qr_arena_block;

struct qr_arena {
    struct qr_arena_block *blocks; /* newest first */
    size_t used;                   /* bytes taken from the system */
    size_t max;                    /* hard cap on `used` */
};

void qr_arena_init(struct qr_arena *arena, size_t max_bytes);
void qr_arena_done(struct qr_arena *arena);

/** Forget everything; one block of moderate size is kept for the next file. */
void qr_arena_reset(struct qr_arena *arena);

/** Zeroed memory aligned for any type; NULL when the cap or the system's memory is reached. */
void *qr_arena_alloc(struct qr_arena *arena, size_t size);
