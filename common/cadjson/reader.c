/* RFC 8259, as a stream: where in the document the reader stands, block by block and level by
 * level, and what it says when something else was expected there. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cadjson/reader_intern.h"
#include "common/record/utf8.h"

enum {
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

void qr_jr_path_from(const struct qr_jr *jr, int from, char *buf, size_t size)
{
    size_t len = 0;

    buf[0] = '\0';
    for (int i = from; i < jr->depth && len + 8 < size; i++) {
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

void qr_jr_path(const struct qr_jr *jr, char *buf, size_t size)
{
    qr_jr_path_from(jr, 0, buf, size);
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

bool qr_jr_fill(struct qr_jr *jr)
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

int qr_jr_look_past_blanks(struct qr_jr *jr)
{
    for (;;) {
        int c = qr_jr_look(jr);
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
        jr->at++;
    }
}

bool qr_jr_expected(struct qr_jr *jr, const char *what)
{
    int c = qr_jr_look(jr);

    if (jr->failed)
        return false;
    if (c < 0)
        return qr_jr_fail(jr, "%s is expected, but the document ends here", what);
    if (c >= 0x20 && c < 0x7F)
        return qr_jr_fail(jr, "%s is expected, not '%c'", what, c);
    return qr_jr_fail(jr, "%s is expected, not byte 0x%02X", what, (unsigned)c);
}

bool qr_jr_wrong(struct qr_jr *jr, const char *what, enum qr_jr_kind kind)
{
    if (kind == QR_JR_END || kind == QR_JR_OTHER)
        return qr_jr_expected(jr, what);
    return qr_jr_fail(jr, "%s is expected, not %s", what, qr_jr_kind_text(kind));
}

enum qr_jr_kind qr_jr_peek(struct qr_jr *jr)
{
    switch (qr_jr_look_past_blanks(jr)) {
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

bool qr_jr_enter(struct qr_jr *jr, bool object)
{
    enum qr_jr_kind kind = qr_jr_peek(jr);

    if (jr->failed)
        return false;
    if (kind != (object ? QR_JR_OBJECT : QR_JR_ARRAY))
        return qr_jr_wrong(jr, object ? "an object" : "a list", kind);
    if (jr->depth == QR_JR_DEPTH)
        return qr_jr_fail(jr, "nested deeper than %d levels", QR_JR_DEPTH);
    jr->at++;
    jr->level[jr->depth++] = (struct qr_jr_level){.object = object};
    return true;
}

bool qr_jr_object(struct qr_jr *jr) { return qr_jr_enter(jr, true); }
bool qr_jr_array(struct qr_jr *jr) { return qr_jr_enter(jr, false); }

/* To the next entry of the innermost container; false: it ended. */
static bool next_entry(struct qr_jr *jr, int close)
{
    struct qr_jr_level *level = &jr->level[jr->depth - 1];
    int c = qr_jr_look_past_blanks(jr);

    if (c == close) {
        jr->at++;
        jr->depth--;
        return false;
    }
    if (level->n > 0) {
        if (c != ',')
            return qr_jr_expected(jr, close == '}' ? "',' or '}'" : "',' or ']'");
        jr->at++;
        c = qr_jr_look_past_blanks(jr);
    }
    if (c < 0)
        return qr_jr_expected(jr, close == '}' ? "a name or '}'" : "a value or ']'");
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

/* ------------------------------------------------------------------ members */

const char *qr_jr_member(struct qr_jr *jr)
{
    if (jr->failed || jr->depth == 0 || !next_entry(jr, '}') || jr->failed)
        return NULL;
    struct qr_jr_level *level = &jr->level[jr->depth - 1];
    level->key[0] = '\0';
    if (qr_jr_look(jr) != '"') {
        qr_jr_expected(jr, "a name in quotes");
        return NULL;
    }
    if (!qr_jr_string(jr))
        return NULL;
    size_t n = qr_utf8_cut(jr->text, jr->text_len, QR_JR_KEY_MAX - 1);
    memcpy(level->key, jr->text, n);
    level->key[n] = '\0';
    if (qr_jr_look_past_blanks(jr) != ':') {
        qr_jr_expected(jr, "':'");
        return NULL;
    }
    jr->at++;
    return level->key;
}
