#include "coordinator/db/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/uri.h"

static const char replacement[] = "\xEF\xBF\xBD";

bool qr_utf8_is_valid(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t n = s[i] < 0x80 ? 1 : qr_utf8_sequence(s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

static void escape(struct qr_buf *out, unsigned char c)
{
    if (c == '"' || c == '\\')
        qr_buf_printf(out, "\\%c", c);
    else if (c == '\n')
        qr_buf_append(out, "\\n", 2);
    else
        qr_buf_printf(out, "\\u%04x", c);
}

static void put(struct qr_buf *out, const char *text, bool json)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t run = 0;
        while (i + run < len && (json ? is_plain(s[i + run]) : s[i + run] < 0x80))
            run++;
        qr_buf_append(out, s + i, run);
        i += run;
        if (i == len)
            break;
        if (s[i] < 0x80) {
            escape(out, s[i++]);
            continue;
        }
        size_t n = qr_utf8_sequence(s + i, len - i);
        qr_buf_append(out, n ? (const void *)(s + i) : replacement, n ? n : 3);
        i += n ? n : 1;
    }
}

void qr_utf8_clean(struct qr_buf *out, const char *text) { put(out, text, false); }

void qr_json_text(struct qr_buf *out, const char *text)
{
    qr_buf_append(out, "\"", 1);
    put(out, text, true);
    qr_buf_append(out, "\"", 1);
}

void qr_json_key(struct qr_buf *out, bool *first, const char *key)
{
    if (!*first)
        qr_buf_append(out, ",", 1);
    *first = false;
    qr_json_text(out, key);
    qr_buf_append(out, ":", 1);
}

void qr_json_number(struct qr_buf *out, double value)
{
    if (isfinite(value))
        qr_buf_printf(out, "%.17g", value);
    else
        qr_buf_append(out, "null", 4);
}

void qr_json_i64(struct qr_buf *out, int64_t value) { qr_buf_printf(out, "%" PRId64, value); }
