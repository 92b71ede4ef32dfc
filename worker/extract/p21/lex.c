#include "worker/extract/p21/intern.h"

/* clang-format off */
#define B QR_P21_C_BLANK
#define D (QR_P21_C_DIGIT | QR_P21_C_NAME)
#define N QR_P21_C_NAME
/* Control characters count as blanks: NULs come from files that were written in blocks. Source:
 * ISO 10303-21, 5.2 and 6; `.` and `-` stand in no keyword, but FILE_SCHEMA and END-ISO-10303-21
 * are read with the same eyes. */
const uint8_t qr_p21_class[256] = {
    B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,
    B,0,0,0,0,0,0,0,0,0,0,0,0,N,0,0, D,D,D,D,D,D,D,D,D,D,0,0,0,0,0,0,
    0,N,N,N,N,N,N,N,N,N,N,N,N,N,N,N, N,N,N,N,N,N,N,N,N,N,N,0,0,0,0,N,
    0,N,N,N,N,N,N,N,N,N,N,N,N,N,N,N, N,N,N,N,N,N,N,N,N,N,N,0,0,0,0,0,
};
#undef B
#undef D
#undef N
/* clang-format on */

/* Comments of more than this are stepped over by the index alone: a file may hold millions that are
 * never closed, and each would be searched to the end. */
#define COMMENT_MAX 4096

const uint8_t *qr_p21_blanks(const uint8_t *at, const uint8_t *end)
{
    for (;;) {
        while (at < end && (qr_p21_class[*at] & QR_P21_C_BLANK))
            at++;
        if (end - at < 2 || at[0] != '/' || at[1] != '*')
            return at;
        size_t look = (size_t)(end - at - 2) < COMMENT_MAX ? (size_t)(end - at - 2) : COMMENT_MAX;
        const uint8_t *close = memmem(at + 2, look, "*/", 2);
        if (!close)
            return at;
        at = close + 2;
    }
}

/* Does a record begin here? */
static bool is_record(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (qr_p21_class[*at] & QR_P21_C_BLANK))
        at++;
    if (end - at < 3 || *at != '#')
        return false;
    const uint8_t *digits = ++at;
    while (at < end && (qr_p21_class[*at] & QR_P21_C_DIGIT))
        at++;
    if (at == digits)
        return false;
    while (at < end && (qr_p21_class[*at] & QR_P21_C_BLANK))
        at++;
    return at < end && *at == '=';
}

const uint8_t *qr_p21_new_record(const uint8_t *from, const uint8_t *to, const uint8_t *end)
{
    const uint8_t *at = from;

    while (at < to && (at = memchr(at, '\n', (size_t)(to - at)))) {
        const uint8_t *before = at;
        while (before > from && (qr_p21_class[before[-1]] & QR_P21_C_BLANK))
            before--;
        at++;
        if (before > from && before[-1] == ';' && is_record(at, end))
            return at;
        while (at < to && (qr_p21_class[*at] & QR_P21_C_BLANK))
            at++; /* further line ends among these blanks have the same neighbours */
    }
    return NULL;
}

const uint8_t *qr_p21_string_end(const uint8_t *at, const uint8_t *end, bool *ret_broken)
{
    const uint8_t *from = at;
    const uint8_t *quote;

    *ret_broken = false;
    for (;;) {
        quote = at < end ? memchr(at, '\'', (size_t)(end - at)) : NULL;
        const uint8_t *next = qr_p21_new_record(from, quote ? quote : end, end);
        if (next || !quote) {
            *ret_broken = true;
            return next ? next : end;
        }
        if (quote + 1 == end || quote[1] != '\'')
            return quote + 1;
        at = quote + 2;
        from = at;
    }
}

const uint8_t *qr_p21_group_end(const uint8_t *at, const uint8_t *end)
{
    uint64_t depth = 1;
    bool broken;

    while (at < end) {
        switch (*at) {
        case '(':
            depth++;
            break;
        case ')':
            if (--depth == 0)
                return at + 1;
            break;
        case ';':
        case '=': /* of another record: this one is not ended */
            return at;
        case '\'':
            at = qr_p21_string_end(at + 1, end, &broken);
            if (broken)
                return end;
            continue;
        case '/':
            if (qr_p21_blanks(at, end) != at) {
                at = qr_p21_blanks(at, end);
                continue;
            }
            break;
        default:
            break;
        }
        at++;
    }
    return end;
}
