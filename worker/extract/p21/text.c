#include "common/record/utf8.h"
#include "worker/extract/p21/intern.h"

/* Decoding the characters of a string. Source: ISO 10303-21:2016, 6.4.3 and annex D of the 2002
 * edition: \S\c, \PA\, \X\HH, \X2\…\X0\, \X4\…\X0\, \\ and ''; \N\ and \F\ are print control. */
struct decoder {
    const uint8_t *at, *end;
    struct qr_buf *out;
    struct qr_p21_text_stats *stats;
    int page;     /* of \S\: 1 .. 9, part of ISO 8859 */
    bool is_utf8; /* raw bytes: as a whole */
    bool raw, bad;
};

/* Windows-1252 where it is not Latin-1: 0x80 .. 0x9F. */
static const uint16_t windows[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178,
};

static void put(struct decoder *d, uint32_t cp)
{
    char bytes[4];

    if (cp != 0)
        qr_buf_append(d->out, bytes, qr_utf8_put(cp, bytes));
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Line ends are where the file was folded, not part of the text. */
static void skip_fold(struct decoder *d)
{
    while (d->at < d->end && (*d->at == '\n' || *d->at == '\r'))
        d->at++;
}

/* `digits` hexadecimal digits; false leaves the place unchanged. */
static bool read_hex(struct decoder *d, int digits, uint32_t *ret)
{
    const uint8_t *from = d->at;
    uint32_t value = 0;

    for (int i = 0; i < digits; i++) {
        skip_fold(d);
        int digit = d->at < d->end ? hex(*d->at) : -1;
        if (digit < 0) {
            d->at = from;
            return false;
        }
        value = value << 4 | (uint32_t)digit;
        d->at++;
    }
    *ret = value;
    return true;
}

static bool starts(const struct decoder *d, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(d->end - d->at) >= len && memcmp(d->at, text, len) == 0;
}

/* \X2\ or \X4\ up to \X0\, which may be missing. */
static void read_wide(struct decoder *d, int digits)
{
    uint32_t unit;
    uint32_t high = 0;

    while (read_hex(d, digits, &unit)) {
        bool low = unit >= 0xDC00 && unit <= 0xDFFF;
        if (high != 0 && low) {
            put(d, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
            high = 0;
            continue;
        }
        if (high != 0 || low) {
            d->bad = true;
            put(d, QR_UTF8_REPLACEMENT);
        }
        high = unit >= 0xD800 && unit <= 0xDBFF ? unit : 0;
        if (high == 0 && !low)
            put(d, unit);
    }
    if (high != 0) {
        d->bad = true;
        put(d, QR_UTF8_REPLACEMENT);
    }
    skip_fold(d);
    if (starts(d, "\\X0\\") || starts(d, "\\x0\\"))
        d->at += 4;
    else
        d->bad = true;
}

/* Behind a backslash. */
static void read_escape(struct decoder *d)
{
    const uint8_t *at = d->at;
    uint32_t value;
    size_t left = (size_t)(d->end - at);
    uint8_t letter = left > 0 ? at[0] & 0xDF : 0;

    if (left >= 1 && at[0] == '\\') {
        put(d, '\\');
        d->at++;
    } else if (letter == 'S' && left >= 3 && at[1] == '\\') {
        put(d, qr_p21_in_page(d->page, at[2] | 0x80));
        d->at += 3;
        if (at[2] == '\'' && d->at < d->end && *d->at == '\'')
            d->at++; /* \S\'': the quote is doubled here as well */
    } else if (letter == 'P' && left >= 3 && at[2] == '\\' && (at[1] & 0xDF) >= 'A' &&
               (at[1] & 0xDF) <= 'I') {
        d->page = (at[1] & 0xDF) - 'A' + 1;
        d->at += 3;
    } else if ((letter == 'N' || letter == 'F') && left >= 2 && at[1] == '\\') {
        d->at += 2;
    } else if (letter == 'X' && left >= 3 && (at[1] == '2' || at[1] == '4') && at[2] == '\\') {
        d->at += 3;
        read_wide(d, at[1] == '2' ? 4 : 8);
    } else if (letter == 'X' && left >= 4 && at[1] == '\\') {
        d->at += 2;
        if (read_hex(d, 2, &value))
            put(d, value);
        else
            d->bad = true;
    } else {
        put(d, '\\'); /* a path that nobody escaped, most of the time */
        d->bad = true;
    }
}

static bool is_utf8(const uint8_t *at, const uint8_t *end)
{
    uint32_t cp;
    bool valid = true;

    while (at < end && valid)
        at += qr_utf8_next(at, (size_t)(end - at), &cp, &valid);
    return valid;
}

/* A byte above 0x7F. */
static void read_raw(struct decoder *d)
{
    uint32_t cp = *d->at < 0xA0 ? windows[*d->at - 0x80] : *d->at;
    bool valid;
    size_t n = 1;

    if (!d->raw)
        d->is_utf8 = is_utf8(d->at, d->end);
    d->raw = true;
    if (d->is_utf8)
        n = qr_utf8_next(d->at, (size_t)(d->end - d->at), &cp, &valid);
    put(d, cp);
    d->at += n;
}

static void decode(struct decoder *d)
{
    while (d->at < d->end) {
        const uint8_t *from = d->at;
        while (d->at < d->end && *d->at >= 0x20 && *d->at < 0x7F && *d->at != '\\' &&
               *d->at != '\'')
            d->at++;
        qr_buf_append(d->out, from, (size_t)(d->at - from));
        if (d->at == d->end)
            break;
        uint8_t c = *d->at;
        if (c == '\\') {
            d->at++;
            read_escape(d);
        } else if (c == '\'') {
            put(d, c);
            d->at += d->end - d->at > 1 && d->at[1] == '\'' ? 2 : 1;
        } else if (c >= 0x80) {
            read_raw(d);
        } else {
            if (c == '\t')
                put(d, c);
            d->at++;
        }
    }
}

void qr_p21_text(const struct qr_p21_value *value, struct qr_buf *out,
                 struct qr_p21_text_stats *stats)
{
    struct qr_p21_value inner = *value;

    if (inner.kind == QR_P21_TYPED) {
        struct qr_p21_cursor cursor = qr_p21_enter(value);
        qr_p21_next(&cursor, &inner);
    }
    if (inner.kind != QR_P21_STRING)
        return;
    struct decoder d = {.at = inner.at, .end = inner.at + inner.len, .out = out, .page = 1};
    decode(&d);
    if (stats) {
        stats->raw_bytes += d.raw;
        stats->repaired += d.bad;
    }
}
