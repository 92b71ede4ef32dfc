/* Numbers and words of JSON, and whole values: read over, or copied as clean JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/reader_intern.h"
#include "common/record/utf8.h"

enum { NUMBER_MAX = 1024 };

/* ------------------------------------------------------------------ words and numbers */

/* Everything up to the next byte that ends a number or word; too long: what was read is kept. */
static bool word(struct qr_jr *jr)
{
    jr->text_len = 0;
    jr->cut = false;
    for (;;) {
        int c = qr_jr_look(jr);
        bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '+' || c == '-' || c == '.' || c == '#' || c == '(' || c == ')';
        if (!part)
            break;
        jr->at++;
        if (jr->text_len == NUMBER_MAX) {
            jr->text[NUMBER_MAX] = '\0';
            return qr_jr_fail(jr, "a number of more than %d characters", NUMBER_MAX);
        }
        jr->text[jr->text_len++] = (char)c;
    }
    jr->text[jr->text_len] = '\0';
    return !jr->failed;
}

static size_t digits(const char *text) { return strspn(text, "0123456789"); }

static bool is_number(const char *t)
{
    size_t n;

    t += *t == '-';
    n = digits(t);
    if (n == 0 || (n > 1 && *t == '0'))
        return false;
    t += n;
    if (*t == '.') {
        n = digits(++t);
        if (n == 0)
            return false;
        t += n;
    }
    if (*t == 'e' || *t == 'E') {
        t++;
        t += *t == '+' || *t == '-';
        n = digits(t);
        if (n == 0)
            return false;
        t += n;
    }
    return *t == '\0';
}

/* What printf, Python, JavaScript and C# write. */
static bool is_not_finite(const char *t)
{
    static const char *const names[] = {"NaN",    "nan",      "Infinity", "inf",
                                        "Inf",    "infinity", "1.#INF",   "1.#QNAN",
                                        "1.#IND", "nan(ind)", "nan(snan)"};
    t += *t == '-';
    for (size_t i = 0; i < QR_COUNT(names); i++)
        if (strcmp(t, names[i]) == 0)
            return true;
    return false;
}

bool qr_jr_number(struct qr_jr *jr, double *ret)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);
    int c = qr_jr_look(jr);

    if (jr->failed)
        return false;
    if (kind != QR_JR_NUMBER && c != 'n' && c != 'i')
        return qr_jr_wrong(jr, "a number", kind);
    if (!word(jr))
        return false;
    if (is_number(jr->text)) {
        double value = strtod(jr->text, NULL);
        *ret = isfinite(value) ? value : NAN;
        return true;
    }
    if (is_not_finite(jr->text)) {
        *ret = NAN;
        return true;
    }
    return qr_jr_fail(jr, "a number is expected, not '%.40s'", jr->text);
}

bool qr_jr_bool(struct qr_jr *jr, bool *ret)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);

    if (jr->failed)
        return false;
    if (kind != QR_JR_BOOL)
        return qr_jr_wrong(jr, "true or false", kind);
    if (!word(jr))
        return false;
    *ret = strcmp(jr->text, "true") == 0;
    return *ret || strcmp(jr->text, "false") == 0 ||
           qr_jr_fail(jr, "true or false is expected, not '%.40s'", jr->text);
}

bool qr_jr_null(struct qr_jr *jr)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);

    if (jr->failed)
        return false;
    if (kind != QR_JR_NULL)
        return qr_jr_wrong(jr, "null", kind);
    return word(jr) && (strcmp(jr->text, "null") == 0 || is_not_finite(jr->text) ||
                        qr_jr_fail(jr, "null is expected, not '%.40s'", jr->text));
}

/* ------------------------------------------------------------------ whole values */

static bool take_nothing(void *ctx, const char *piece, size_t len)
{
    (void)ctx;
    (void)piece;
    (void)len;
    return false;
}

/* Writes JSON; NULL: nothing is written. */
static void put(struct qr_buf *out, const char *text)
{
    if (out)
        qr_buf_append_str(out, text);
}

void qr_jr_put_string(struct qr_buf *out, const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    char utf8[5];

    qr_buf_append_str(out, "\"");
    for (size_t i = 0; i < len && !out->failed;) {
        uint32_t cp;
        bool valid;
        i += qr_utf8_next(at + i, len - i, &cp, &valid);
        if (cp == '"' || cp == '\\')
            qr_buf_printf(out, "\\%c", (char)cp);
        else if (cp < 0x20)
            qr_buf_printf(out, "\\u%04x", cp == 0 ? QR_UTF8_REPLACEMENT : (unsigned)cp);
        else
            qr_buf_append(out, utf8, qr_utf8_put(cp, utf8));
    }
    qr_buf_append_str(out, "\"");
}

/* A whole number of more digits than a reader's integers have is written as a real one. */
static void put_number(struct qr_buf *out, const char *text, double value)
{
    if (isnan(value))
        qr_buf_append_str(out, "null");
    else if (strpbrk(text, ".eE") || strlen(text) <= 18)
        qr_buf_append_str(out, text);
    else
        qr_buf_printf(out, "%.17e", value);
}

static bool scalar(struct qr_jr *jr, struct qr_buf *out)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);
    double value;
    bool flag;

    if (jr->failed)
        return false;
    switch (kind) {
    case QR_JR_STRING:
        if (!out)
            return qr_jr_pieces(jr, take_nothing, NULL);
        if (!qr_jr_string(jr))
            return false;
        qr_jr_put_string(out, jr->text, jr->text_len);
        return true;
    case QR_JR_NUMBER:
        if (!qr_jr_number(jr, &value))
            return false;
        if (out)
            put_number(out, jr->text, value);
        return true;
    case QR_JR_BOOL:
        if (!qr_jr_bool(jr, &flag))
            return false;
        put(out, flag ? "true" : "false");
        return true;
    case QR_JR_NULL:
        put(out, "null");
        return qr_jr_null(jr);
    case QR_JR_END:
    case QR_JR_OBJECT:
    case QR_JR_ARRAY:
    case QR_JR_OTHER:
        break;
    }
    return qr_jr_expected(jr, "a value");
}

/* Down and up again without recursion: the levels are the reader's own. */
static bool whole(struct qr_jr *jr, struct qr_buf *out)
{
    int base = jr->depth;

    do {
        struct qr_jr_level *level = &jr->level[jr->depth > 0 ? jr->depth - 1 : 0];
        if (jr->depth > base) {
            bool object = level->object;
            bool more = object ? qr_jr_member(jr) != NULL : qr_jr_element(jr);
            if (jr->failed)
                return false;
            if (!more) {
                put(out, object ? "}" : "]");
                continue;
            }
            if (level->n > 1)
                put(out, ",");
            if (object && out) {
                qr_jr_put_string(out, jr->text, jr->text_len);
                put(out, ":");
            }
        }
        enum qr_jr_kind kind = qr_jr_peek(jr);
        if (kind == QR_JR_OBJECT || kind == QR_JR_ARRAY) {
            if (!qr_jr_enter(jr, kind == QR_JR_OBJECT))
                return false;
            put(out, kind == QR_JR_OBJECT ? "{" : "[");
        } else if (!scalar(jr, out)) {
            return false;
        }
    } while (jr->depth > base);
    return true;
}

bool qr_jr_skip(struct qr_jr *jr) { return !jr->failed && whole(jr, NULL); }

bool qr_jr_copy(struct qr_jr *jr, struct qr_buf *out) { return !jr->failed && whole(jr, out); }
