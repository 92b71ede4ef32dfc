#include "worker/extract/drawing/dimension_lex.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/record/utf8.h"
#include "worker/extract/drawing/dimension_words.h"

struct lexer {
    const uint8_t *text;
    size_t len, at;
    struct qr_dimension_token *tokens;
    size_t n;
    bool spaced, new_line;
};

/* The character at `at`, look-alikes folded; 0 at the end. */
static uint32_t peek(const struct lexer *lx, size_t at, size_t *ret_bytes)
{
    uint32_t cp;
    bool valid;

    *ret_bytes = 0;
    if (at >= lx->len)
        return 0;
    *ret_bytes = qr_utf8_next(lx->text + at, lx->len - at, &cp, &valid);
    if (cp >= 0xFF01 && cp <= 0xFF5E) /* full-width forms */
        cp -= 0xFEE0;
    return cp ? cp : ' ';
}

static bool is_digit(uint32_t cp) { return cp >= '0' && cp <= '9'; }

static bool is_space(uint32_t cp)
{
    return cp == ' ' || (cp >= 9 && cp <= 13) || cp == 0xA0 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x202F || cp == 0x3000;
}

static bool is_ignored(uint32_t cp)
{
    return (cp >= 0x200B && cp <= 0x200F) || cp == 0xFEFF || cp == 0xAD;
}

static bool is_letter(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    if (cp == 0xD7 || cp == 0xF7)
        return false;
    return (cp >= 0xC0 && cp <= 0x24F) || (cp >= 0x370 && cp <= 0x52F) ||
           (cp >= 0x3040 && cp <= 0x9FFF) || (cp >= 0xAC00 && cp <= 0xD7AF);
}

/* Letters that serve as the diameter sign when they stand alone. */
static bool is_diameter_letter(uint32_t cp)
{
    return cp == 0xD8 || cp == 0xF8 || cp == 0x3C6 || cp == 0x3A6 || cp == 0x278 || cp == 0x3D5 ||
           cp == 0x424 || cp == 0x444;
}

static enum qr_dimension_token_type sign_type(uint32_t cp)
{
    static const struct {
        uint16_t cp;
        uint8_t type;
    } signs[] = {
        {'*', QR_DT_TIMES},
        {'\'', QR_DT_FOOT},
        {'"', QR_DT_INCH},
        {0xB0, QR_DT_DEG},
        {0xBA, QR_DT_DEG},
        {0x2DA, QR_DT_DEG},
        {0xB1, QR_DT_PM},
        {0xD7, QR_DT_TIMES},
        {0x2715, QR_DT_TIMES},
        {0x2716, QR_DT_TIMES},
        {0x2A2F, QR_DT_TIMES},
        {0xB4, QR_DT_FOOT},
        {0x2019, QR_DT_FOOT},
        {0x2032, QR_DT_FOOT},
        {0x201C, QR_DT_INCH},
        {0x201D, QR_DT_INCH},
        {0x2033, QR_DT_INCH},
        {0x2300, QR_DT_DIA},
        {0x2205, QR_DT_DIA},
        {0x29B0, QR_DT_DIA},
        {0x25A1, QR_DT_SQUARE},
        {0x25A2, QR_DT_SQUARE},
        {0x25FB, QR_DT_SQUARE},
        {0x2B1C, QR_DT_SQUARE},
        {0x2312, QR_DT_ARC},
        {0x25E0, QR_DT_ARC},
        {0x23DC, QR_DT_ARC},
        {0x21A7, QR_DT_DEPTH},
        {0x2913, QR_DT_DEPTH},
        {0x2334, QR_DT_CBORE},
        {0x2335, QR_DT_CSINK},
        {0x2228, QR_DT_CSINK},
        /* symbol fonts, byte plus F000: Symbol, AIGDT */
        {0xF0B0, QR_DT_DEG},
        {0xF0B1, QR_DT_PM},
        {0xF0B4, QR_DT_TIMES},
        {0xF0C6, QR_DT_DIA},
        {0xF0D8, QR_DT_DIA},
        {0xF06E, QR_DT_DIA},
        {0xF076, QR_DT_CBORE},
        {0xF077, QR_DT_CSINK},
        {0xF078, QR_DT_DEPTH},
    };
    for (size_t i = 0; i < QR_COUNT(signs); i++)
        if (cp == signs[i].cp)
            return (enum qr_dimension_token_type)signs[i].type;
    return QR_DT_SIGN;
}

/* NULL when there is no room; the text is then no dimension. */
static struct qr_dimension_token *push(struct lexer *lx, enum qr_dimension_token_type type,
                                       size_t start, size_t end)
{
    struct qr_dimension_token *token = &lx->tokens[lx->n];

    if (lx->n == QR_DIMENSION_TOKENS_MAX)
        return NULL;
    lx->n++;
    *token = (struct qr_dimension_token){.type = type,
                                         .start = start,
                                         .end = end,
                                         .spaced = lx->spaced || lx->new_line,
                                         .new_line = lx->new_line};
    lx->spaced = lx->new_line = false;
    lx->at = end;
    return token;
}

static bool push_sign(struct lexer *lx, uint32_t cp, size_t bytes)
{
    struct qr_dimension_token *token;

    if (cp == 0x2212 || (cp >= 0x2010 && cp <= 0x2015)) /* minus and dashes */
        cp = '-';
    token = push(lx, sign_type(cp), lx->at, lx->at + bytes);
    if (token)
        token->sign = cp;
    return token != NULL;
}

/* Groups of digits parted by '.' or ','. */
struct groups {
    size_t n, digits[8];
    char separator[8]; /* before group i */
    size_t end;
    bool leading_point;
};

static void scan_groups(const struct lexer *lx, struct groups *ret)
{
    size_t i = lx->at;

    memset(ret, 0, sizeof *ret);
    if (lx->text[i] == '.') {
        ret->leading_point = true;
        i++;
    }
    for (;;) {
        size_t from = i;
        while (i < lx->len && is_digit(lx->text[i]))
            i++;
        ret->digits[ret->n++] = i - from;
        ret->end = i;
        if (ret->n == QR_COUNT(ret->digits) || i + 1 >= lx->len ||
            (lx->text[i] != '.' && lx->text[i] != ',') || !is_digit(lx->text[i + 1]))
            return;
        ret->separator[ret->n] = (char)lx->text[i++];
    }
}

/* Which group is the fraction: 0 none, n: none of them, it is no number ("25.5.2020"). */
static size_t fraction_group(const struct groups *g, bool *ret_comma3)
{
    size_t last = g->n - 1;

    *ret_comma3 = false;
    if (g->leading_point)
        return g->n == 1 ? 0 : g->n;
    if (last == 0)
        return 0;
    if (last == 1) {
        *ret_comma3 = g->separator[1] == ',' && g->digits[1] == 3 && g->digits[0] <= 3;
        return 1;
    }
    for (size_t i = 1; i < last; i++)
        if (g->separator[i] != g->separator[1] || g->digits[i] != 3)
            return g->n;
    if (g->digits[0] > 3)
        return g->n;
    if (g->separator[last] != g->separator[1])
        return last;
    return g->digits[last] == 3 ? 0 : g->n;
}

static bool push_number(struct lexer *lx)
{
    struct groups g;
    bool comma3;
    size_t fraction, group = 0, start = lx->at, decimals = 0;
    double value = 0, scale = 1;
    struct qr_dimension_token *token;

    scan_groups(lx, &g);
    fraction = fraction_group(&g, &comma3);
    for (size_t i = start; i < g.end; i++) {
        if (!is_digit(lx->text[i])) {
            group += i > start;
            continue;
        }
        if (g.leading_point || (fraction && group >= fraction)) {
            if (decimals == 12)
                continue;
            decimals++;
            scale *= 10;
        }
        value = value * 10 + (lx->text[i] - '0');
    }
    token = push(lx, QR_DT_NUMBER, start, g.end);
    if (!token)
        return false;
    if (fraction == g.n || g.end - start > 24) { /* a date, a version, a serial number */
        token->type = QR_DT_SIGN;
        token->sign = '?';
        return true;
    }
    token->number = value / scale;
    token->decimals = (uint8_t)decimals;
    token->digits = (uint8_t)(g.leading_point ? 0 : g.digits[0]);
    token->leading_zero = !g.leading_point && g.digits[0] > 1 && lx->text[start] == '0';
    token->comma3 = comma3 && !(g.digits[0] == 1 && lx->text[start] == '0');
    return true;
}

static bool push_vulgar(struct lexer *lx, unsigned over, unsigned under, size_t bytes)
{
    struct qr_dimension_token *token;
    size_t start = lx->at;

    token = push(lx, QR_DT_NUMBER, start, start + bytes);
    if (!token)
        return false;
    token->number = over;
    token->digits = 1;
    token = push(lx, QR_DT_SIGN, start + bytes, start + bytes);
    if (!token)
        return false;
    token->sign = '/';
    token = push(lx, QR_DT_NUMBER, start + bytes, start + bytes);
    if (!token)
        return false;
    token->number = under;
    token->digits = 1;
    return true;
}

static int compare_word(const void *a, const void *b)
{
    const struct qr_dimension_vocable *vocable = b;
    return strcmp(a, vocable->word);
}

/* Capital letters, dots inside left out. Returns the bytes written, 0 when it is too long. */
static size_t fold(const uint8_t *from, size_t len, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = from[i];
        if (c == '.' || c == '\'' || c == '/')
            continue;
        if (n + 1 >= room)
            return 0;
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        else if (i > 0 && from[i - 1] == 0xC3 && c >= 0xA0 && c != 0xB7)
            c = (uint8_t)(c - 0x20);
        out[n++] = (char)c;
    }
    out[n] = 0;
    return n;
}

/* End of the word that begins at lx->at: letters, dots between letters, "C'BORE", "A/F". */
static size_t word_end(const struct lexer *lx)
{
    size_t i = lx->at, bytes, next_bytes, letters = 0;

    for (;;) {
        uint32_t cp = peek(lx, i, &bytes), next;
        if (is_letter(cp)) {
            next = peek(lx, i + bytes, &next_bytes);
            if (letters > 0 && is_diameter_letter(cp) && !is_letter(next))
                return i; /* "SØ20" */
            letters++;
            i += bytes;
            continue;
        }
        next = cp ? peek(lx, i + bytes, &next_bytes) : 0;
        if (cp == '.' && is_letter(next)) {
            i += bytes;
            continue;
        }
        if ((cp == '\'' || cp == '/') && letters == 1 && i == lx->at + 1 && is_letter(next)) {
            i += bytes;
            continue;
        }
        return i;
    }
}

/* Letters of the symbol fonts of CAD programs whose glyphs have lost their meaning: "n3.4" is a
 * diameter, "v n6.5" a counterbore, "w n10" a countersink. */
static enum qr_dimension_token_type symbol_letter(const struct lexer *lx, size_t end)
{
    const uint8_t *p = lx->text + lx->at;
    size_t left = lx->len - end;
    bool blank = left > 0 && lx->text[end] == ' ';
    const uint8_t *next = lx->text + end + blank;

    left -= blank;
    if (*p == 'n' && !blank && left > 0 && (is_digit(*next) || *next == '.'))
        return QR_DT_DIA;
    if ((*p == 'v' || *p == 'w') && left > 1 && *next == 'n' && is_digit(next[1]))
        return *p == 'v' ? QR_DT_CBORE : QR_DT_CSINK;
    return QR_DT_WORD;
}

static bool push_word(struct lexer *lx)
{
    size_t start = lx->at, end = word_end(lx);
    struct qr_dimension_token *before = lx->n ? &lx->tokens[lx->n - 1] : NULL, *token;
    bool x = lx->text[start] == 'x' || lx->text[start] == 'X';
    const struct qr_dimension_vocable *vocable;
    char folded[24];

    if (x && (end == start + 1 || (before && !lx->spaced && !lx->new_line)))
        return push(lx, QR_DT_TIMES, start, start + 1) != NULL;
    token = push(lx, end == start + 1 ? symbol_letter(lx, end) : QR_DT_WORD, start, end);
    if (!token)
        return false;
    if (token->type != QR_DT_WORD)
        return true;
    if (fold(lx->text + start, end - start, folded, sizeof folded) > 0) {
        vocable = bsearch(folded, qr_dimension_vocabulary, qr_dimension_n_vocables,
                          sizeof qr_dimension_vocabulary[0], compare_word);
        token->meaning = vocable ? vocable->meaning : QR_DW_UNKNOWN;
    }
    if (lx->at < lx->len && lx->text[lx->at] == '.' &&
        (lx->at + 1 >= lx->len || !is_digit(lx->text[lx->at + 1])))
        token->end = ++lx->at; /* "TYP." */
    return true;
}

/* %%c, %%d, %%p and %%nnn; 0 when it is none of them. */
static uint32_t percent_code(const struct lexer *lx, size_t *ret_bytes)
{
    const uint8_t *p = lx->text + lx->at;
    size_t left = lx->len - lx->at;

    *ret_bytes = 3;
    if (left < 3 || p[0] != '%' || p[1] != '%')
        return 0;
    switch (p[2] | 0x20) {
    case 'c':
        return 0x2300;
    case 'd':
        return 0xB0;
    case 'p':
        return 0xB1;
    case 'u':
    case 'o':
    case 'k':
        return 0x200B;
    default:
        break;
    }
    if (left < 5 || !is_digit(p[2]) || !is_digit(p[3]) || !is_digit(p[4]))
        return 0;
    *ret_bytes = 5;
    switch ((p[2] - '0') * 100 + (p[3] - '0') * 10 + (p[4] - '0')) {
    case 127:
    case 176:
        return 0xB0;
    case 128:
    case 177:
        return 0xB1;
    case 129:
    case 216:
    case 248:
        return 0x2300;
    default:
        return '?';
    }
}

/* "+/-", "+-" and "-/+". */
static size_t plus_minus(const struct lexer *lx)
{
    const char *p = (const char *)lx->text + lx->at;
    size_t left = lx->len - lx->at;

    if (left >= 3 && (memcmp(p, "+/-", 3) == 0 || memcmp(p, "-/+", 3) == 0))
        return 3;
    return left >= 2 && memcmp(p, "+-", 2) == 0 ? 2 : 0;
}

static bool push_other(struct lexer *lx, uint32_t cp, size_t bytes)
{
    static const struct {
        uint32_t cp;
        uint8_t over, under;
    } vulgar[] = {{0xBD, 1, 2},   {0xBC, 1, 4},   {0xBE, 3, 4},  {0x215B, 1, 8},
                  {0x215C, 3, 8}, {0x215D, 5, 8}, {0x215E, 7, 8}};
    struct qr_dimension_token *before = lx->n ? &lx->tokens[lx->n - 1] : NULL;

    for (size_t i = 0; i < QR_COUNT(vulgar); i++)
        if (cp == vulgar[i].cp)
            return push_vulgar(lx, vulgar[i].over, vulgar[i].under, bytes);
    if (sign_type(cp) == QR_DT_FOOT && before && before->type == QR_DT_FOOT && !lx->spaced) {
        before->type = QR_DT_INCH; /* two strokes */
        before->end = lx->at += bytes;
        return true;
    }
    return push_sign(lx, cp, bytes);
}

static bool lex_one(struct lexer *lx)
{
    size_t bytes, next_bytes, special;
    uint32_t cp = peek(lx, lx->at, &bytes), code;

    if (is_space(cp) || is_ignored(cp)) {
        lx->spaced |= is_space(cp);
        lx->new_line |= cp == '\n' || cp == '\r';
        lx->at += bytes;
        return true;
    }
    if (cp == '%' && (code = percent_code(lx, &special)) != 0) {
        if (code == 0x200B) {
            lx->at += special;
            return true;
        }
        return push_sign(lx, code, special);
    }
    if (cp < 0x80 && (special = plus_minus(lx)) > 0)
        return push(lx, QR_DT_PM, lx->at, lx->at + special) != NULL;
    if (is_digit(lx->text[lx->at]))
        return push_number(lx);
    if (lx->text[lx->at] == '.' && lx->at + 1 < lx->len && is_digit(lx->text[lx->at + 1]))
        return push_number(lx);
    if (is_diameter_letter(cp) && !is_letter(peek(lx, lx->at + bytes, &next_bytes)))
        return push(lx, QR_DT_DIA, lx->at, lx->at + bytes) != NULL;
    if (is_letter(cp) && (lx->text[lx->at] < 0xEF))
        return push_word(lx);
    return push_other(lx, cp, bytes);
}

size_t qr_dimension_lex(const char *utf8, size_t len, struct qr_dimension_token *ret)
{
    struct lexer lx = {.text = (const uint8_t *)utf8, .len = len, .tokens = ret};

    while (lx.at < len)
        if (!lex_one(&lx))
            lx.at = len, lx.n = 0;
    ret[lx.n] =
        (struct qr_dimension_token){.type = QR_DT_END, .start = len, .end = len, .spaced = true};
    return lx.n;
}
