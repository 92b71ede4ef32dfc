#include <stdlib.h>

#include "worker/extract/step/intern.h"

bool qr_step_inverse_add(struct qr_step_inverse *inverse, uint32_t target, uint32_t source)
{
    if (target == QR_P21_NONE || source == QR_P21_NONE)
        return true;
    if (inverse->n == inverse->cap) {
        size_t cap = inverse->cap ? inverse->cap * 2 : 64;
        uint64_t *pairs = realloc(inverse->pairs, cap * sizeof *pairs);
        if (!pairs)
            return false;
        inverse->pairs = pairs;
        inverse->cap = cap;
    }
    inverse->pairs[inverse->n++] = (uint64_t)target << 32 | source;
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return *left < *right ? -1 : *left > *right;
}

void qr_step_inverse_sort(struct qr_step_inverse *inverse)
{
    if (inverse->n > 1)
        qsort(inverse->pairs, inverse->n, sizeof *inverse->pairs, compare);
}

static size_t lower_bound(const struct qr_step_inverse *inverse, uint32_t target)
{
    uint64_t first = (uint64_t)target << 32;
    size_t low = 0;
    size_t high = inverse->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (inverse->pairs[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t qr_step_inverse_find(const struct qr_step_inverse *inverse, uint32_t target)
{
    size_t at = lower_bound(inverse, target);

    return at < inverse->n && inverse->pairs[at] >> 32 == target ? at : inverse->n;
}

uint32_t qr_step_inverse_get(const struct qr_step_inverse *inverse, uint32_t target, size_t i)
{
    size_t low = lower_bound(inverse, target);

    if (i >= inverse->n - low || inverse->pairs[low + i] >> 32 != target)
        return QR_P21_NONE;
    return (uint32_t)inverse->pairs[low + i];
}

void qr_step_inverse_done(struct qr_step_inverse *inverse)
{
    free(inverse->pairs);
    *inverse = (struct qr_step_inverse){0};
}
