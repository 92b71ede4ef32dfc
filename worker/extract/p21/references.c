#include <stdlib.h>

#include "worker/extract/p21/intern.h"

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return *left < *right ? -1 : *left > *right;
}

static bool is_outside(const struct qr_p21 *p21, uint64_t id)
{
    return p21->n_outside > 0 &&
           bsearch(&id, p21->outside, p21->n_outside, sizeof id, compare) != NULL;
}

/* Every #12 outside strings and comments must be the number of a record; the one in front of `=`
 * is. One walk over all bytes, which looks only at # ' and /. */
uint64_t qr_p21_unresolved(const struct qr_p21 *p21)
{
    const uint8_t *end = p21->data + p21->len;
    uint64_t lost = 0;
    bool broken;

    if (p21->n_outside > 1)
        qsort(p21->outside, p21->n_outside, sizeof *p21->outside, compare);
    for (const uint8_t *at = p21->data; at < end;) {
        if (*at == '\'') {
            at = qr_p21_string_end(at + 1, end, &broken);
        } else if (*at == '/' && qr_p21_blanks(at, end) != at) {
            at = qr_p21_blanks(at, end);
        } else if (*at == '#') {
            uint64_t id = 0;
            const uint8_t *digits = ++at;
            for (; at < end && (qr_p21_class[*at] & QR_P21_C_DIGIT); at++)
                id = id * 10 + (uint64_t)(*at - '0');
            lost += at > digits && qr_p21_find(p21, id) == QR_P21_NONE && !is_outside(p21, id);
        } else {
            at++;
        }
    }
    return lost;
}

bool qr_p21_outside(const struct qr_p21 *p21, size_t *at, const uint8_t **ret, size_t *ret_len)
{
    const uint8_t *end = p21->data + p21->reference_at + p21->reference_len;
    const uint8_t *from = p21->data + p21->reference_at + *at;
    const uint8_t *open = *at < p21->reference_len ? memchr(from, '<', (size_t)(end - from)) : NULL;
    const uint8_t *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;

    if (!close)
        return false;
    *ret = open + 1;
    *ret_len = (size_t)(close - open - 1);
    *at = (size_t)(close + 1 - p21->data) - p21->reference_at;
    return true;
}
