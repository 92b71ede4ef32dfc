#include "worker/extract/pdf/fzmem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static bool fits(struct qr_fzmem *mem, size_t size)
{
    if (size <= mem->max && mem->used <= mem->max - size)
        return true;
    mem->refused = true;
    return false;
}

static void count(struct qr_fzmem *mem, void *block)
{
    mem->used += malloc_usable_size(block);
    if (mem->used > mem->peak)
        mem->peak = mem->used;
}

static void *mem_alloc(void *user, size_t size)
{
    struct qr_fzmem *mem = user;
    void *block = fits(mem, size) ? malloc(size) : NULL;

    if (block)
        count(mem, block);
    return block;
}

static void *mem_realloc(void *user, void *old, size_t size)
{
    struct qr_fzmem *mem = user;
    size_t before = old ? malloc_usable_size(old) : 0;

    if (size > before && !fits(mem, size - before))
        return NULL;
    void *block = realloc(old, size);
    if (block) {
        mem->used -= before;
        count(mem, block);
    }
    return block;
}

static void mem_free(void *user, void *block)
{
    struct qr_fzmem *mem = user;

    mem->used -= block ? malloc_usable_size(block) : 0;
    free(block);
}

void qr_fzmem_init(struct qr_fzmem *mem, size_t max_bytes, fz_alloc_context *ret)
{
    memset(mem, 0, sizeof *mem);
    mem->max = max_bytes;
    ret->user = mem;
    ret->malloc = mem_alloc;
    ret->realloc = mem_realloc;
    ret->free = mem_free;
}
