/* The language of MTEXT: one pass over the content with a small stack for the scopes. */
#include "worker/extract/dxf/mtext.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/gdt.h"
#include "worker/extract/dxf/text.h"

#define SCOPES_MAX 32 /* AutoCAD writes up to 8 */
#define NAME_MAX_BYTES 128

struct scope {
    bool gdt; /* letters are symbols */
    struct qr_dxf_mtext_look look;
};

struct reader {
    const struct qr_dxf_doc *doc;
    const char *text;
    size_t len;
    size_t at;
    struct qr_buf *out;
    size_t start; /* of our part of `out` */
    struct scope now;
    struct scope outer[SCOPES_MAX];
    size_t depth;    /* scopes open, those beyond the array included */
    bool have_first; /* the look of the first character is known */
    struct qr_dxf_mtext_look first;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The byte `ahead` places on, NUL behind the end. */
static char peek(const struct reader *r, size_t ahead)
{
    return ahead < r->len - r->at ? r->text[r->at + ahead] : '\0';
}

static void mark_first(struct reader *r)
{
    if (!r->have_first) {
        r->have_first = true;
        r->first = r->now.look;
    }
}

static void put(struct reader *r, const char *text, size_t len)
{
    mark_first(r);
    qr_buf_append(r->out, text, len);
}

/* The last byte written by this text, NUL at its start. */
static char last_byte(const struct reader *r)
{
    return r->out->len > r->start ? (char)r->out->data[r->out->len - 1] : '\0';
}

static void skip_terminator(struct reader *r)
{
    if (peek(r, 0) == ';')
        r->at++;
}

/* A number at r->at + *n; advances *n over it. False when there is none. */
static bool number(const struct reader *r, size_t *n, double *ret)
{
    char digits[32], *end;
    size_t i = 0, at = *n;
    double value;

    while (i + 1 < sizeof digits) {
        char c = peek(r, at);
        if (!is_digit(c) && c != '.' && !((c == '+' || c == '-') && i == 0))
            break;
        digits[i++] = c;
        at++;
    }
    digits[i] = '\0';
    value = strtod(digits, &end);
    if (end == digits || !isfinite(value))
        return false;
    *ret = value;
    *n = at;
    return true;
}

/* \H \W \T \Q with their number, `x` for a factor; false: no such code. */
static bool measure(struct reader *r, char code)
{
    double value = 0;
    size_t n = 2;

    if (number(r, &n, &value)) {
        bool factor = peek(r, n) == 'x' || peek(r, n) == 'X';
        if (factor)
            n++;
        if (code == 'H' && factor)
            r->now.look.height_factor *= value;
        else if (code == 'H') {
            r->now.look.height = value;
            r->now.look.height_factor = 1;
        }
    } else if (peek(r, 2) != ';') {
        return false;
    }
    r->at += n;
    skip_terminator(r);
    return true;
}

/* \A \C \c with a whole number of at most `digits` places. */
static bool whole(struct reader *r, size_t digits)
{
    size_t n = 2;

    while (n < 2 + digits && is_digit(peek(r, n)))
        n++;
    if (n == 2 && peek(r, 2) != ';')
        return false;
    r->at += n;
    skip_terminator(r);
    return true;
}

/* The bytes up to the `;` that \f and \p need, SIZE_MAX when it does not come. */
static size_t expression(const struct reader *r, const char *only)
{
    for (size_t n = 2; n < 2 + NAME_MAX_BYTES; n++) {
        char c = peek(r, n);
        if (c == ';')
            return n - 2;
        if (c == '\0' || c == '\\' || c == '{' || c == '}' || (only && !strchr(only, c)))
            break;
    }
    return SIZE_MAX;
}

/* \fName|b0|i0|c0|p0; */
static bool font(struct reader *r)
{
    size_t len = expression(r, NULL), name = 0;
    const char *text = r->text + r->at + 2;

    if (len == SIZE_MAX)
        return false;
    while (name < len && text[name] != '|')
        name++;
    if (name > 0) {
        size_t n = name < sizeof r->now.look.font ? name : sizeof r->now.look.font - 1;
        memcpy(r->now.look.font, text, n);
        r->now.look.font[n] = '\0';
        r->now.gdt = qr_dxf_gdt_is_font(text, name);
        r->now.look.bold = r->now.look.italic = false;
    }
    for (size_t i = name; i + 2 < len; i++) {
        if (text[i] == '|' && text[i + 1] == 'b')
            r->now.look.bold = text[i + 2] == '1';
        if (text[i] == '|' && text[i + 1] == 'i')
            r->now.look.italic = text[i + 2] == '1';
    }
    r->at += len + 3;
    return true;
}

/* \pxi-3,l3,t3,qc,sm0.9; the first letter says what: a path that follows is none of them. */
static bool paragraph(struct reader *r)
{
    size_t len = expression(r, "0123456789.,*+-xiltrcqjdsmeab ");
    char first = peek(r, 2);

    if (len == SIZE_MAX || (len > 0 && (first == '\0' || !strchr("xilrqtsab*", first))))
        return false;
    r->at += len + 3;
    return true;
}

/* One half of a stack into `half`, up to a divider (first half only) or the end of the stack.
 * Returns the divider, NUL at the end. */
static char stack_half(struct reader *r, bool first, struct qr_buf *half)
{
    while (r->at < r->len) {
        char c = peek(r, 0);
        size_t took = 0;
        if (c == ';' || c == '}')
            return '\0';
        if (first && (c == '^' || c == '/' || c == '#')) {
            r->at++;
            if (c == '^' && peek(r, 0) == ' ')
                r->at++; /* the blank is how a caret is written in a DXF file */
            return c;
        }
        if (c == '\\') {
            took = qr_dxf_text_escape(r->doc, r->text + r->at, r->len - r->at, half);
            if (took == 0 && peek(r, 1) == 'P')
                return '\0'; /* its `;` was forgotten */
            if (took == 0 && ++r->at >= r->len)
                return '\0';
        } else if (c == '%') {
            took = qr_dxf_text_percent(r->doc, r->text + r->at, r->len - r->at, half);
        }
        if (took == 0) {
            char byte = r->text[r->at] >= 0 && r->text[r->at] < ' ' ? ' ' : r->text[r->at];
            qr_buf_append(half, &byte, 1);
            took = 1;
        }
        r->at += took;
    }
    return '\0';
}

static bool has_sign(const char *text, size_t len)
{
    return len > 0 && (text[0] == '+' || text[0] == '-' ||
                       (len > 1 && memcmp(text, "\xC2\xB1", 2) == 0)); /* plus-minus */
}

static void put_half(struct reader *r, const char *text, size_t len)
{
    if (len > 0)
        put(r, text, len);
}

/* What a stack looks like in a line. */
static void put_stack(struct reader *r, char divider, const struct qr_buf *a,
                      const struct qr_buf *b)
{
    const char *upper, *lower;
    size_t n_upper = qr_dxf_trim((const char *)a->data, a->len, &upper);
    size_t n_lower = qr_dxf_trim((const char *)b->data, b->len, &lower);
    char before = last_byte(r);
    bool both = n_upper > 0 && n_lower > 0;
    bool apart = false;

    if (before == '\0' || before == ' ' || before == '\n' || before == '(')
        apart = false;
    else if (divider == '^')
        apart = both || has_sign(upper, n_upper) || has_sign(lower, n_lower);
    else
        apart = is_digit(before) && n_upper > 0 && is_digit(upper[0]);
    if (apart)
        put(r, " ", 1);
    put_half(r, upper, n_upper);
    if (both)
        put(r, divider == '^' ? " " : "/", 1);
    put_half(r, lower, n_lower);
}

static void stack(struct reader *r)
{
    struct qr_buf upper, lower;
    char divider;

    qr_buf_init(&upper, r->len - r->at + 64);
    qr_buf_init(&lower, r->len - r->at + 64);
    r->at += 2;
    divider = stack_half(r, true, &upper);
    if (divider != '\0')
        stack_half(r, false, &lower);
    skip_terminator(r);
    put_stack(r, divider, &upper, &lower);
    qr_buf_done(&upper);
    qr_buf_done(&lower);
}

static void open_scope(struct reader *r)
{
    if (r->depth < SCOPES_MAX)
        r->outer[r->depth] = r->now;
    r->depth++;
    r->at++;
}

static void close_scope(struct reader *r)
{
    r->at++;
    if (r->depth == 0)
        return;
    if (--r->depth < SCOPES_MAX)
        r->now = r->outer[r->depth];
}

/* A code that begins with a backslash; false when it is none of the known ones. */
static bool command(struct reader *r)
{
    char code = peek(r, 1);

    switch (code) {
    case 'P':
    case 'N':
    case 'X':
        qr_buf_append(r->out, "\n", 1);
        break;
    case '~':
        put(r, " ", 1);
        break;
    case '\\':
    case '{':
    case '}':
        put(r, &code, 1);
        break;
    case 'L':
    case 'l':
        r->now.look.underline = code == 'L';
        break;
    case 'O':
    case 'o':
    case 'K':
    case 'k':
        break;
    case 'S':
        stack(r);
        return true;
    case 'H':
    case 'W':
    case 'T':
    case 'Q':
        return measure(r, code);
    case 'A':
        return whole(r, 1);
    case 'C':
        return whole(r, 3);
    case 'c':
        return whole(r, 10);
    case 'f':
    case 'F':
        return font(r);
    case 'p':
        return paragraph(r);
    default:
        return false;
    }
    r->at += 2;
    return true;
}

static void control(struct reader *r)
{
    char c = peek(r, 0);

    if (c == '\t')
        put(r, "\t", 1);
    else if (c == '\n' || (c == '\r' && peek(r, 1) != '\n'))
        qr_buf_append(r->out, "\n", 1);
    else if (c != '\r')
        put(r, " ", 1);
    r->at++;
}

/* Everything that is not plain; always moves on. */
static void special(struct reader *r)
{
    const char *text = r->text + r->at;
    size_t len = r->len - r->at, took = 0, before = r->out->len;
    char c = text[0];

    if (c == '{') {
        open_scope(r);
        return;
    }
    if (c == '}') {
        close_scope(r);
        return;
    }
    if (c >= 0 && c < ' ') {
        control(r);
        return;
    }
    if (c == '\\' && command(r))
        return;
    if (c == '\\')
        took = qr_dxf_text_escape(r->doc, text, len, r->out);
    else if (c == '%')
        took = qr_dxf_text_percent(r->doc, text, len, r->out);
    else if (c == '^')
        took = qr_dxf_text_caret(text, len, r->out);
    if (took == 0) {
        qr_buf_append(r->out, text, 1);
        took = 1;
    }
    if (r->out->len > before)
        mark_first(r);
    r->at += took;
}

static bool is_plain(char c)
{
    return c < 0 || (c >= ' ' && c != '\\' && c != '{' && c != '}' && c != '%' && c != '^');
}

static void plain(struct reader *r)
{
    size_t n = 0;

    if (r->now.gdt) {
        uint32_t symbol = qr_dxf_gdt_symbol(r->text[r->at]);
        mark_first(r);
        if (symbol)
            qr_dxf_text_put(r->out, symbol);
        else
            qr_buf_append(r->out, r->text + r->at, 1);
        r->at++;
        return;
    }
    while (r->at + n < r->len && is_plain(r->text[r->at + n]))
        n++;
    put(r, r->text + r->at, n);
    r->at += n;
}

void qr_dxf_mtext_plain(const struct qr_dxf_doc *doc, const char *text, size_t len,
                        struct qr_buf *out, struct qr_dxf_mtext_look *ret_look)
{
    struct reader r = {.doc = doc, .text = text, .len = len, .out = out, .start = out->len};

    r.now.look.height_factor = 1;
    while (r.at < r.len && !out->failed) {
        if (is_plain(text[r.at]))
            plain(&r);
        else
            special(&r);
    }
    mark_first(&r);
    if (ret_look)
        *ret_look = r.first;
}
