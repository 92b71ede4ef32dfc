#include "common/record/arena.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK ((size_t)64 * 1024)
#define ARENA_ALIGN (_Alignof(max_align_t))

struct qr_arena_block {
    struct qr_arena_block *next;
    size_t cap;
    size_t len;
    _Alignas(max_align_t) unsigned char data[];
};

void qr_arena_init(struct qr_arena *arena, size_t max_bytes)
{
    memset(arena, 0, sizeof *arena);
    arena->max = max_bytes;
}

void qr_arena_done(struct qr_arena *arena)
{
    while (arena->blocks) {
        struct qr_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
}

void qr_arena_reset(struct qr_arena *arena)
{
    struct qr_arena_block *keep = NULL;

    while (arena->blocks) {
        struct qr_arena_block *next = arena->blocks->next;
        if (!keep && arena->blocks->cap == ARENA_BLOCK)
            keep = arena->blocks;
        else
            free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
    if (keep) {
        keep->next = NULL;
        keep->len = 0;
        arena->blocks = keep;
        arena->used = keep->cap;
    }
}

void *qr_arena_alloc(struct qr_arena *arena, size_t size)
{
    struct qr_arena_block *block = arena->blocks;

    if (size > arena->max)
        return NULL;
    size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (!block || size > block->cap - block->len) {
        size_t cap = size > ARENA_BLOCK / 4 ? size : ARENA_BLOCK;
        if (cap > arena->max || arena->used > arena->max - cap)
            return NULL;
        block = malloc(sizeof *block + cap);
        if (!block)
            return NULL;
        block->cap = cap;
        block->len = 0;
        arena->used += cap;
        if (arena->blocks && cap == size) { /* a block of its own: the open one stays in front */
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    void *at = block->data + block->len;
    block->len += size;
    return memset(at, 0, size);
}
