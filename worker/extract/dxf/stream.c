#include "worker/extract/dxf/stream.h"

#include <string.h>

#define HEAD ((size_t)64 * 1024)
#define LOOK_AHEAD 3 /* groups that must make sense where reading goes on */

/* Where the line at `at` ends: the offset of its end mark, or `end`. Most lines are shorter than a
 * word or two, so a call of memchr() costs more than it finds. */
static inline const char *line_end(const char *at, const char *end, char eol)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t pattern = ones * (uint8_t)eol;

    for (int words = 0; words < 3; words++) {
        uint64_t word;
        if (end - at < (ptrdiff_t)sizeof word)
            break;
        memcpy(&word, at, sizeof word);
        word ^= pattern;
        uint64_t zero = (word - ones) & ~word & (ones << 7);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (zero)
            return at + (__builtin_ctzll(zero) >> 3);
#else
        if (zero)
            break;
#endif
        at += sizeof word;
    }
    const char *found = at < end ? memchr(at, eol, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

static bool is_code(int code)
{
    return (code >= -5 && code <= 481) || (code >= 999 && code <= 1071);
}

/* The code line at `at`. Returns where the next line begins, NULL when this is no code. */
static inline const char *parse_code(const char *at, const char *end, char eol, int *ret)
{
    int code = 0;

    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    bool negative = at < end && *at == '-';
    at += negative;
    const char *digits = at;
    while (at < end && *at >= '0' && *at <= '9' && at - digits < 5)
        code = code * 10 + (*at++ - '0');
    if (at == digits)
        return NULL;
    while (at < end && *at != eol && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    if (at < end && *at != eol)
        return NULL;
    *ret = negative ? -code : code;
    return is_code(*ret) ? at + (at < end) : NULL;
}

/* Does a value go with its code? */
static bool fits(int code, const char *text, size_t len)
{
    struct qr_dxf_tag tag = {.code = code, .text = text, .len = len};
    const char *at;
    bool ok = true;

    switch (qr_dxf_kind_of(code)) {
    case QR_DXF_REAL:
        qr_dxf_real(&tag, &ok);
        return ok;
    case QR_DXF_INT16:
    case QR_DXF_INT32:
    case QR_DXF_INT64:
    case QR_DXF_BOOL:
        qr_dxf_int(&tag, &ok);
        return ok;
    default:
        break;
    }
    if (code != 0)
        return true;
    len = qr_dxf_trim(text, len, &at); /* a type: letters, digits, underscores */
    if (len == 0 || len > 64 || (at[0] >= '0' && at[0] <= '9' && at[0] != '3'))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((at[i] >= 'A' && at[i] <= 'Z') || (at[i] >= '0' && at[i] <= '9') ||
              (at[i] >= 'a' && at[i] <= 'z') || at[i] == '_' || at[i] == '-'))
            return false;
    return true;
}

/* Do groups begin at `at`? */
static bool looks_right(const char *at, const char *end, char eol)
{
    for (int i = 0; i < LOOK_AHEAD && at < end; i++) {
        int code;
        const char *value = parse_code(at, end, eol, &code);
        if (!value)
            return false;
        const char *stop = line_end(value, end, eol);
        if (!fits(code, value, (size_t)(stop - value)))
            return false;
        if (code == 0)
            return true; /* a record's beginning is evidence enough */
        at = stop + (stop < end);
    }
    return true;
}

/* The line at `at` is no code: go on where groups begin again, or at the end. */
static const char *resync(struct qr_dxf_stream *s, const char *at, const char *end)
{
    const char *from = at;

    if (s->bad_codes++ == 0)
        s->bad_at = (uint64_t)(at - s->data);
    do {
        const char *stop = line_end(at, end, s->eol);
        at = stop + (stop < end);
    } while (at < end && !looks_right(at, end, s->eol));
    s->lost_bytes += (uint64_t)(at - from);
    return at;
}

static bool is_blank_to(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r') || *at == '\0' || *at == 0x1A))
        at++;
    return at == end;
}

bool qr_dxf_stream_next(struct qr_dxf_stream *s, struct qr_dxf_tag *tag)
{
    const char *end = s->data + s->len;
    const char *at = s->data + s->at;

    if (s->binary)
        return qr_dxf_binary_next(s, tag);
    while (at < end) {
        int code;
        const char *value = parse_code(at, end, s->eol, &code);
        if (!value) {
            /* blank lines and a DOS end mark at the end are no damage */
            at = is_blank_to(at, end < at + 256 ? end : at + 256) && is_blank_to(at, end)
                     ? end
                     : resync(s, at, end);
            continue;
        }
        const char *stop = line_end(value, end, s->eol);
        s->tag_at = (size_t)(at - s->data);
        s->cut = s->cut || (value == end && end[-1] != s->eol);
        at = stop + (stop < end);
        if (code == 999) {
            s->comments++;
            continue;
        }
        while (stop > value && stop[-1] == '\r')
            stop--;
        tag->code = code;
        tag->text = value;
        tag->len = (size_t)(stop - value);
        s->at = (size_t)(at - s->data);
        return true;
    }
    s->at = s->len;
    s->tag_at = s->len;
    return false;
}

/* R12 wrote codes as one byte: the first group, 0 SECTION, shows which it is. */
static unsigned code_width(const char *data, size_t len)
{
    size_t at = QR_DXF_SENTINEL_BYTES;
    return len > at + 2 && data[at] == '\0' && data[at + 1] == '\0' ? 2 : 1;
}

void qr_dxf_stream_init(struct qr_dxf_stream *s, const char *data, size_t len)
{
    size_t head = len < HEAD ? len : HEAD;

    memset(s, 0, sizeof *s);
    s->data = data;
    s->len = len;
    s->eol = '\n';
    if (len >= QR_DXF_SENTINEL_BYTES && memcmp(data, QR_DXF_SENTINEL, QR_DXF_SENTINEL_BYTES) == 0) {
        s->binary = true;
        s->code_bytes = code_width(data, len);
        s->at = QR_DXF_SENTINEL_BYTES;
    } else {
        if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
            s->at = 3;
        if (!memchr(data, '\n', head) && memchr(data, '\r', head))
            s->eol = '\r';
    }
    s->tag_at = s->at;
}
