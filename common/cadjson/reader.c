/* RFC 8259, as a stream. */
#include "common/cadjson/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_MAX = 1024,
    PATH_MAX_SHOWN = 200,
    BEGIN_MIN = 32, /* bytes of the first block: by them what is no JSON is told */
};

void qr_jr_init(struct qr_jr *jr, const struct qr_cadjson_source *source, struct qr_err *err)
{
    jr->source = source;
    jr->err = err;
    jr->at = jr->len = 0;
    jr->before = 0;
    jr->at_end = jr->failed = jr->cut = false;
    jr->depth = 0;
    jr->text_len = 0;
    jr->text[0] = '\0';
}

/* ------------------------------------------------------------------ errors */

/* One name of a path, escaped as RFC 6901 has it; control characters are shown as '?'. */
static void path_name(const char *key, char *buf, size_t size, size_t *len)
{
    for (; *key && *len + 3 < size; key++) {
        if (*key == '~' || *key == '/') {
            buf[(*len)++] = '~';
            buf[(*len)++] = *key == '~' ? '0' : '1';
        } else {
            buf[(*len)++] = (unsigned char)*key < 0x20 ? '?' : *key;
        }
    }
    buf[*len] = '\0';
}

void qr_jr_path(const struct qr_jr *jr, char *buf, size_t size)
{
    size_t len = 0;

    buf[0] = '\0';
    for (int i = 0; i < jr->depth && len + 8 < size; i++) {
        const struct qr_jr_level *level = &jr->level[i];
        if (level->n == 0)
            break; /* nothing of it has begun */
        buf[len++] = '/';
        buf[len] = '\0';
        if (level->object)
            path_name(level->key, buf, size, &len);
        else
            len +=
                (size_t)snprintf(buf + len, size - len, "%llu", (unsigned long long)level->n - 1);
    }
    if (len == 0 && size > 1)
        memcpy(buf, "/", 2);
}

bool qr_jr_fail(struct qr_jr *jr, const char *fmt, ...)
{
    char path[PATH_MAX_SHOWN], message[240];
    va_list args;

    if (jr->failed)
        return false;
    jr->failed = true;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    qr_jr_path(jr, path, sizeof path);
    (void)qr_fail(jr->err, QR_E_DATA, "%s: %s (byte %llu)", path, message,
                  (unsigned long long)qr_jr_offset(jr));
    return false;
}

const char *qr_jr_kind_text(enum qr_jr_kind kind)
{
    static const char *const text[] = {"the end",  "an object",     "a list", "a string",
                                       "a number", "true or false", "null",   "something else"};
    return text[kind];
}

/* ------------------------------------------------------------------ bytes */

static bool fill(struct qr_jr *jr)
{
    if (jr->failed || jr->at_end)
        return false;
    size_t enough = jr->before == 0 && jr->len == 0 ? BEGIN_MIN : 1;

    jr->before += jr->len;
    jr->at = jr->len = 0;
    while (jr->len < enough && !jr->at_end) {
        int64_t n = jr->source->read(jr->source->ctx, jr->block + jr->len,
                                     sizeof jr->block - jr->len, jr->err);
        if (n < 0)
            jr->failed = true;
        if (n <= 0)
            jr->at_end = true;
        else
            jr->len += (size_t)n;
    }
    return jr->len > 0 && !jr->failed;
}

/* The next byte without taking it; -1 at the end. */
static inline int look(struct qr_jr *jr)
{
    return jr->at < jr->len || fill(jr) ? jr->block[jr->at] : -1;
}

static int look_past_blanks(struct qr_jr *jr)
{
    for (;;) {
        int c = look(jr);
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
        jr->at++;
    }
}

static bool expected(struct qr_jr *jr, const char *what)
{
    int c = look(jr);

    if (jr->failed)
        return false;
    if (c < 0)
        return qr_jr_fail(jr, "%s is expected, but the document ends here", what);
    if (c >= 0x20 && c < 0x7F)
        return qr_jr_fail(jr, "%s is expected, not '%c'", what, c);
    return qr_jr_fail(jr, "%s is expected, not byte 0x%02X", what, (unsigned)c);
}

static bool wrong(struct qr_jr *jr, const char *what, enum qr_jr_kind kind)
{
    if (kind == QR_JR_END || kind == QR_JR_OTHER)
        return expected(jr, what);
    return qr_jr_fail(jr, "%s is expected, not %s", what, qr_jr_kind_text(kind));
}

enum qr_jr_kind qr_jr_peek(struct qr_jr *jr)
{
    switch (look_past_blanks(jr)) {
    case -1:
        return QR_JR_END;
    case '{':
        return QR_JR_OBJECT;
    case '[':
        return QR_JR_ARRAY;
    case '"':
        return QR_JR_STRING;
    case 't':
    case 'f':
        return QR_JR_BOOL;
    case 'n': /* or "nan": who wants a number reads it as one */
        return QR_JR_NULL;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
    case 'N':
    case 'I':
        return QR_JR_NUMBER;
    default:
        return QR_JR_OTHER;
    }
}

/* ------------------------------------------------------------------ containers */

static bool enter(struct qr_jr *jr, bool object)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);

    if (jr->failed)
        return false;
    if (kind != (object ? QR_JR_OBJECT : QR_JR_ARRAY))
        return wrong(jr, object ? "an object" : "a list", kind);
    if (jr->depth == QR_JR_DEPTH)
        return qr_jr_fail(jr, "nested deeper than %d levels", QR_JR_DEPTH);
    jr->at++;
    jr->level[jr->depth++] = (struct qr_jr_level){.object = object};
    return true;
}

bool qr_jr_object(struct qr_jr *jr) { return enter(jr, true); }
bool qr_jr_array(struct qr_jr *jr) { return enter(jr, false); }

/* To the next entry of the innermost container; false: it ended. */
static bool next_entry(struct qr_jr *jr, int close)
{
    struct qr_jr_level *level = &jr->level[jr->depth - 1];
    int c = look_past_blanks(jr);

    if (c == close) {
        jr->at++;
        jr->depth--;
        return false;
    }
    if (level->n > 0) {
        if (c != ',')
            return expected(jr, close == '}' ? "',' or '}'" : "',' or ']'");
        jr->at++;
        c = look_past_blanks(jr);
    }
    if (c < 0)
        return expected(jr, close == '}' ? "a name or '}'" : "a value or ']'");
    level->n++;
    return true;
}

bool qr_jr_element(struct qr_jr *jr)
{
    if (jr->failed || jr->depth == 0)
        return false;
    if (!next_entry(jr, ']'))
        return false;
    return !jr->failed;
}

/* ------------------------------------------------------------------ strings */

static int hex4(struct qr_jr *jr)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int c = look(jr);
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            expected(jr, "a hexadecimal digit");
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
    int c = look(jr);

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
        return expected(jr, "an escaped character");
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
        return wrong(jr, "a string", kind);
    p.take = take;
    p.ctx = ctx;
    p.len = 0;
    p.high = 0;
    p.heard = true;
    jr->at++;
    for (;;) {
        int c = look(jr);
        if (c < 0)
            return expected(jr, "the end of a string");
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

const char *qr_jr_member(struct qr_jr *jr)
{
    if (jr->failed || jr->depth == 0 || !next_entry(jr, '}') || jr->failed)
        return NULL;
    struct qr_jr_level *level = &jr->level[jr->depth - 1];
    level->key[0] = '\0';
    if (look(jr) != '"') {
        expected(jr, "a name in quotes");
        return NULL;
    }
    if (!qr_jr_string(jr))
        return NULL;
    size_t n = qr_utf8_cut(jr->text, jr->text_len, QR_JR_KEY_MAX - 1);
    memcpy(level->key, jr->text, n);
    level->key[n] = '\0';
    if (look_past_blanks(jr) != ':') {
        expected(jr, "':'");
        return NULL;
    }
    jr->at++;
    return level->key;
}

/* ------------------------------------------------------------------ words and numbers */

/* Everything up to the next byte that ends a number or word; too long: what was read is kept. */
static bool word(struct qr_jr *jr)
{
    jr->text_len = 0;
    jr->cut = false;
    for (;;) {
        int c = look(jr);
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
    int c = look(jr);

    if (jr->failed)
        return false;
    if (kind != QR_JR_NUMBER && c != 'n' && c != 'i')
        return wrong(jr, "a number", kind);
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
        return wrong(jr, "true or false", kind);
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
        return wrong(jr, "null", kind);
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
    return expected(jr, "a value");
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
            if (!enter(jr, kind == QR_JR_OBJECT))
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
