/* One-line texts: escapes, %% codes, carets. The rules are in text.h. */
#include "worker/extract/dxf/text.h"

#include <string.h>

#include "common/record/utf8.h"
#include "worker/extract/dxf/doc.h"

#define DEGREE 0x00B0
#define PLUS_MINUS 0x00B1
#define DIAMETER 0x00D8

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Four hexadecimal digits, -1 when they are not there. */
static int32_t hex4(const char *text, size_t len)
{
    int32_t value = 0;

    if (len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

void qr_dxf_text_put(struct qr_buf *out, uint32_t cp)
{
    char bytes[4];
    qr_buf_append(out, bytes, qr_utf8_put(cp, bytes));
}

/* "\U+" and four digits: the value, -1 when it is something else. */
static int32_t unicode_at(const char *text, size_t len)
{
    if (len < 7 || text[0] != '\\' || (text[1] != 'U' && text[1] != 'u') || text[2] != '+')
        return -1;
    return hex4(text + 3, len - 3);
}

static size_t unicode(const char *text, size_t len, struct qr_buf *out)
{
    int32_t first = unicode_at(text, len);

    if (first < 0)
        return 0;
    if (first >= 0xD800 && first <= 0xDBFF) {
        int32_t second = unicode_at(text + 7, len - 7);
        if (second >= 0xDC00 && second <= 0xDFFF) {
            qr_dxf_text_put(out, 0x10000u + (((uint32_t)first - 0xD800u) << 10) +
                                     ((uint32_t)second - 0xDC00u));
            return 14;
        }
    }
    if (first != 0) /* NUL has no place in a text */
        qr_dxf_text_put(out, (uint32_t)first);
    return 7;
}

/* A character of a double-byte code page that is not the file's own. */
static size_t multibyte(const struct qr_dxf_doc *doc, const char *text, size_t len,
                        struct qr_buf *out)
{
    static const int pages[] = {932, 950, 949, 1361, 936}; /* of \M+1 .. \M+5 */
    int32_t code = len < 8 ? -1 : hex4(text + 4, len - 4);
    char bytes[2];
    size_t n = 0;

    if (!doc || code < 0 || text[2] != '+' || text[3] < '1' || text[3] > '5')
        return 0;
    if (code > 0xFF)
        bytes[n++] = (char)(code >> 8);
    bytes[n++] = (char)(code & 0xFF);
    if (qr_dxf_decode_page(doc, pages[text[3] - '1'], bytes, n, out) == 0)
        return 0;
    return 8;
}

size_t qr_dxf_text_escape(const struct qr_dxf_doc *doc, const char *text, size_t len,
                          struct qr_buf *out)
{
    if (len < 7 || text[0] != '\\')
        return 0;
    if (text[1] == 'U' || text[1] == 'u')
        return unicode(text, len, out);
    if (text[1] == 'M' || text[1] == 'm')
        return multibyte(doc, text, len, out);
    return 0;
}

/* Character `number` of the text's font: three places are AutoCAD's own, the rest the code page's.
 */
static void put_numbered(const struct qr_dxf_doc *doc, unsigned number, struct qr_buf *out)
{
    char byte = (char)(unsigned char)number;

    if (number == 127)
        qr_dxf_text_put(out, DEGREE);
    else if (number == 128)
        qr_dxf_text_put(out, PLUS_MINUS);
    else if (number == 129)
        qr_dxf_text_put(out, DIAMETER);
    else if (number < 32 || number > 255)
        return; /* nothing is drawn */
    else if (number < 127)
        qr_dxf_text_put(out, number);
    else if (doc && doc->version < 1021)
        qr_dxf_decode(doc, &byte, 1, out);
    else
        qr_dxf_text_put(out, number < 160 ? QR_UTF8_REPLACEMENT : number);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t qr_dxf_text_percent(const struct qr_dxf_doc *doc, const char *text, size_t len,
                           struct qr_buf *out)
{
    if (len < 3 || text[0] != '%' || text[1] != '%')
        return 0;
    switch (text[2]) {
    case 'c':
    case 'C':
        qr_dxf_text_put(out, DIAMETER);
        return 3;
    case 'd':
    case 'D':
        qr_dxf_text_put(out, DEGREE);
        return 3;
    case 'p':
    case 'P':
        qr_dxf_text_put(out, PLUS_MINUS);
        return 3;
    case 'u':
    case 'U':
    case 'o':
    case 'O':
    case 'k':
    case 'K':
        return 3; /* underline, overline, strike through: on or off */
    case '%':
        qr_dxf_text_put(out, '%');
        return 3;
    default:
        break;
    }
    if (len < 5 || !is_digit(text[2]) || !is_digit(text[3]) || !is_digit(text[4]))
        return 0;
    put_numbered(doc, (unsigned)((text[2] - '0') * 100 + (text[3] - '0') * 10 + (text[4] - '0')),
                 out);
    return 5;
}

size_t qr_dxf_text_caret(const char *text, size_t len, struct qr_buf *out)
{
    if (len < 2 || text[0] != '^')
        return 0;
    switch (text[1]) {
    case 'I':
        qr_dxf_text_put(out, '\t');
        return 2;
    case 'J':
        qr_dxf_text_put(out, '\n');
        return 2;
    case 'M': /* CR LF is one end of a line */
        if (len < 4 || text[2] != '^' || text[3] != 'J')
            qr_dxf_text_put(out, '\n');
        return 2;
    case ' ':
        qr_dxf_text_put(out, '^');
        return 2;
    default:
        return 0; /* a caret that a careless writer left as it was */
    }
}

/* Copy up to the next byte that may begin a code; returns how many. */
static size_t copy_plain(const char *text, size_t len, bool names, struct qr_buf *out)
{
    size_t n = 0;

    while (n < len && text[n] != '\\' && (names || (text[n] != '%' && text[n] != '^')))
        n++;
    qr_buf_append(out, text, n);
    return n;
}

static void decode(const struct qr_dxf_doc *doc, const char *text, size_t len, bool names,
                   struct qr_buf *out)
{
    size_t at = 0;

    while (at < len && !out->failed) {
        size_t took = 0;
        at += copy_plain(text + at, len - at, names, out);
        if (at >= len)
            break;
        if (text[at] == '\\')
            took = qr_dxf_text_escape(doc, text + at, len - at, out);
        else if (text[at] == '%')
            took = qr_dxf_text_percent(doc, text + at, len - at, out);
        else
            took = qr_dxf_text_caret(text + at, len - at, out);
        if (took == 0) {
            qr_buf_append(out, text + at, 1);
            took = 1;
        }
        at += took;
    }
}

void qr_dxf_text_unescape(const struct qr_dxf_doc *doc, const char *text, size_t len,
                          struct qr_buf *out)
{
    decode(doc, text, len, true, out);
}

void qr_dxf_text_plain(const struct qr_dxf_doc *doc, const char *text, size_t len,
                       struct qr_buf *out)
{
    decode(doc, text, len, false, out);
}
