#include <stdlib.h>
#include <string.h>

#include <grpc/slice.h>

#include "common/rpc/internal.h"

static bool grow(struct qr_rpc_ring *ring)
{
    size_t cap = ring->cap ? ring->cap * 2 : 8;
    grpc_slice *slots = malloc(cap * sizeof *slots);

    if (!slots)
        return false;
    for (size_t i = 0; i < ring->count; i++)
        slots[i] = ring->slots[(ring->head + i) & (ring->cap - 1)];
    free(ring->slots);
    ring->slots = slots;
    ring->cap = cap;
    ring->head = 0;
    return true;
}

bool qr_rpc_ring_push(struct qr_rpc_ring *ring, grpc_slice slice)
{
    if (ring->count == ring->cap && !grow(ring))
        return false;
    ring->slots[(ring->head + ring->count) & (ring->cap - 1)] = slice; /* cap is a power of 2 */
    ring->count++;
    return true;
}

grpc_slice qr_rpc_ring_pop(struct qr_rpc_ring *ring)
{
    grpc_slice slice = ring->slots[ring->head];

    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    return slice;
}

void qr_rpc_ring_clear(struct qr_rpc_ring *ring)
{
    while (ring->count > 0)
        grpc_slice_unref(qr_rpc_ring_pop(ring));
    free(ring->slots);
    memset(ring, 0, sizeof *ring);
}
