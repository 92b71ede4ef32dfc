/* Strings of JSON: escapes resolved, surrogates joined, in pieces or as one text. */
#include <string.h>

#include "common/cadjson/reader_intern.h"
#include "common/record/utf8.h"

static int hex4(struct qr_jr *jr)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int c = qr_jr_look(jr);
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            qr_jr_expected(jr, "a hexadecimal digit");
            return -1;
        }
        value = value * 16 + digit;
        jr->at++;
    }
    return value;
}

/* A string under way: `high` is a surrogate that waits for its other half. */
struct pieces {
    bool (*take)(void *ctx, const char *piece, size_t len);
    void *ctx;
    char buf[2048];
    size_t len;
    uint32_t high;
    bool heard; /* false: nobody listens any more */
};

static void flush(struct pieces *p)
{
    if (p->len > 0 && p->heard)
        p->heard = p->take(p->ctx, p->buf, p->len);
    p->len = 0;
}

static void put_code(struct pieces *p, uint32_t code)
{
    if (p->len + 4 > sizeof p->buf)
        flush(p);
    p->len += qr_utf8_put(code == 0 ? QR_UTF8_REPLACEMENT : code, p->buf + p->len);
}

static void end_surrogate(struct pieces *p)
{
    if (p->high)
        put_code(p, QR_UTF8_REPLACEMENT);
    p->high = 0;
}

/* A UTF-16 code unit of an escape. */
static void put_unit(struct pieces *p, uint32_t unit)
{
    if (p->high && unit >= 0xDC00 && unit < 0xE000) {
        put_code(p, 0x10000u + ((p->high - 0xD800) << 10) + (unit - 0xDC00));
        p->high = 0;
        return;
    }
    end_surrogate(p);
    if (unit >= 0xD800 && unit < 0xDC00)
        p->high = unit;
    else
        put_code(p, unit); /* a low one alone becomes U+FFFD */
}

/* As many bytes as stand for themselves. */
static void put_run(struct qr_jr *jr, struct pieces *p)
{
    size_t n = 0, left = jr->len - jr->at;
    const uint8_t *from = jr->block + jr->at;

    while (n < left && from[n] != '"' && from[n] != '\\')
        n++;
    if (n > 0)
        end_surrogate(p);
    jr->at += n;
    while (n > 0) {
        size_t room = sizeof p->buf - p->len;
        size_t part = n < room ? n : room;
        memcpy(p->buf + p->len, from, part);
        p->len += part;
        from += part;
        n -= part;
        if (p->len == sizeof p->buf)
            flush(p);
    }
}

static bool escape(struct qr_jr *jr, struct pieces *p)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int c = qr_jr_look(jr);

    if (c == 'u') {
        jr->at++;
        int unit = hex4(jr);
        if (unit < 0)
            return false;
        put_unit(p, (uint32_t)unit);
        return true;
    }
    found = c > 0 ? strchr(from, c) : NULL;
    if (!found)
        return qr_jr_expected(jr, "an escaped character");
    jr->at++;
    end_surrogate(p);
    put_code(p, (uint32_t)(unsigned char)to[found - from]);
    return true;
}

bool qr_jr_pieces(struct qr_jr *jr, bool (*take)(void *ctx, const char *piece, size_t len),
                  void *ctx)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);
    struct pieces p;

    if (jr->failed)
        return false;
    if (kind != QR_JR_STRING)
        return qr_jr_wrong(jr, "a string", kind);
    p.take = take;
    p.ctx = ctx;
    p.len = 0;
    p.high = 0;
    p.heard = true;
    jr->at++;
    for (;;) {
        int c = qr_jr_look(jr);
        if (c < 0)
            return qr_jr_expected(jr, "the end of a string");
        if (c == '"')
            break;
        if (c != '\\') {
            put_run(jr, &p);
            continue;
        }
        jr->at++;
        if (!escape(jr, &p))
            return false;
    }
    jr->at++;
    end_surrogate(&p);
    flush(&p);
    return true;
}

static bool take_text(void *ctx, const char *piece, size_t len)
{
    struct qr_jr *jr = ctx;
    size_t room = QR_JR_TEXT_MAX - jr->text_len;

    if (len > room) {
        len = room;
        jr->cut = true;
    }
    memcpy(jr->text + jr->text_len, piece, len);
    jr->text_len += len;
    jr->text[jr->text_len] = '\0';
    return !jr->cut;
}

bool qr_jr_string(struct qr_jr *jr)
{
    jr->text_len = 0;
    jr->text[0] = '\0';
    jr->cut = false;
    return qr_jr_pieces(jr, take_text, jr);
}
