#include "worker/extract/p21/intern.h"

/* Every #12 outside strings and comments must be the number of a record; the one in front of `=`
 * is. One walk over all bytes, which looks only at # ' and /. */
uint64_t qr_p21_unresolved(const struct qr_p21 *p21)
{
    const uint8_t *end = p21->data + p21->len;
    uint64_t lost = 0;
    bool broken;

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
            lost += at > digits && qr_p21_find(p21, id) == QR_P21_NONE;
        } else {
            at++;
        }
    }
    return lost;
}
