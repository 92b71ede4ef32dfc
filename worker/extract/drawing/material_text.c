#include "worker/extract/drawing/material_text.h"

#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/fold.h"
#include "worker/extract/drawing/material_names.h"
#include "worker/extract/drawing/standards.h"

enum { WORD_MAX = 40, TEXT_MAX = 200 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/* Lower case without blanks and hyphens; 0 when it does not fit. */
static size_t squeeze(const char *word, size_t len, char out[WORD_MAX])
{
    struct qr_fold fold;
    size_t n = 0;

    if (len >= WORD_MAX)
        return 0;
    size_t ascii = 0;
    while (ascii < len && !(word[ascii] & 0x80)) {
        char c = word[ascii++];
        if (is_digit(c) || is_lower(c))
            out[n++] = c;
        else if (is_upper(c))
            out[n++] = (char)(c + 32);
    }
    if (ascii == len)
        return n;
    n = 0;
    qr_fold(word, len, &fold);
    for (size_t i = 0; i < fold.len && n < WORD_MAX; i++)
        if (fold.text[i] != ' ')
            out[n++] = fold.text[i];
    return n;
}

/* "1.4301", "1.4301.05" */
static bool is_steel_number(const char *w, size_t len)
{
    return len >= 6 && memcmp(w, "1.", 2) == 0 && (len == 6 || w[6] == '.' || w[6] == '+') &&
           qr_material_is_steel_number(w + 2, 4);
}

/* "S235JR", "S355J2+N", "P265GH", "E335": EN 10027-1, group 1. */
static bool is_strength_name(const char *w, size_t len)
{
    static const char *const grades[] = {"185", "195", "235", "275", "315", "355", "420", "450",
                                         "460", "500", "550", "620", "690", "700", "890", "960"};

    if (len < 4 || w[0] != 'S' || !qr_material_in_list(w + 1, 3, grades, QR_COUNT(grades)))
        return false;
    if (len == 4)
        return true;
    return strchr("JKNMQLCGHW+", w[4]) != NULL;
}

/* Chemical symbols as names of alloys use them. */
static size_t element(const char *w, size_t len, bool *two)
{
    static const char symbols[][3] = {"Cr", "Mo", "Mn", "Ni", "Si", "Al", "Nb", "Ti", "Pb", "Co",
                                      "Cu", "Zn", "Mg", "Sn", "Be", "Fe", "Zr", "Bi", "Ag"};

    for (size_t i = 0; len >= 2 && i < QR_COUNT(symbols); i++)
        if (memcmp(w, symbols[i], 2) == 0) {
            *two = true;
            return 2;
        }
    return len >= 1 && strchr("VSWBNPCX", w[0]) && !(len >= 2 && is_lower(w[1])) ? 1 : 0;
}

/* "42CrMo4", "X5CrNi18-10", "AlMgSi0,5", "CuZn39Pb3", "11SMnPb30": elements with a number. */
static bool is_alloy_name(const char *w, size_t len)
{
    size_t i = 0, elements = 0, digits = 0;
    bool two = false;

    if (len >= 2 && w[0] == 'G' && w[1] == '-')
        i = 2;
    if (i < len && w[i] == 'X')
        i++;
    size_t lead = i;
    while (i < len && is_digit(w[i]))
        i++;
    if (i - lead > 3)
        return false;
    for (size_t n; i < len && (n = element(w + i, len - i, &two)) > 0; i += n) {
        elements++;
        while (i + n < len && (is_digit(w[i + n]) || ((w[i + n] == ',' || w[i + n] == '.') &&
                                                      i + n + 1 < len && is_digit(w[i + n + 1])))) {
            n++;
            digits++;
        }
    }
    while (i < len && (is_digit(w[i]) || w[i] == '-' || w[i] == '+'))
        digits += is_digit(w[i++]);
    bool metal = memcmp(w, "Al", 2) == 0 || memcmp(w, "Cu", 2) == 0;
    return two && elements >= (metal ? 2 : 1) && digits > 0 && len >= 5 &&
           (i == len || is_upper(w[i])) && (metal || lead > 0 || is_digit(w[0]) || elements >= 3);
}

/* "SUS304", "SS316", "AL6061-T6", "Al7075", "STS304", "S45C": letters that say what the number is.
 */
static bool is_grade_word(const char *key, size_t len)
{
    static const char *const prefixes[] = {"sus", "sts", "aisi", "sae", "enaw",
                                           "aw",  "al",  "alu",  "ss"};

    for (size_t i = 0; i < QR_COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        size_t digits = 0;
        if (len < n + 3 || memcmp(key, prefixes[i], n) != 0)
            continue;
        while (n + digits < len && is_digit(key[n + digits]))
            digits++;
        if (strcmp(prefixes[i], "al") == 0 || strcmp(prefixes[i], "alu") == 0 ||
            strstr(prefixes[i], "aw"))
            return digits == 4 && strchr("1234567", key[n]) && len <= n + 8;
        if (digits == 3 || digits == 4)
            return strchr("23456148", key[n]) && len <= n + digits + 3;
    }
    return false;
}

/* "6061-T6", "7075-T651", "2024-T3": EN 515 tempers. */
static bool is_tempered_number(const char *w, size_t len)
{
    size_t t = 5;

    if (len < 7 || len > 9 || !strchr("234567", w[0]) || !is_digit(w[1]) || !is_digit(w[2]) ||
        !is_digit(w[3]) || (w[4] != '-' && w[4] != ' ') || (w[5] != 'T' && w[5] != 'H'))
        return false;
    for (t = 6; t < len; t++)
        if (!is_digit(w[t]))
            return false;
    return true;
}

/* "EN-GJS-400-15", "GJL-250", "PA6-GF30", "EN AW-6082" */
static bool is_prefixed(const char *key, size_t len)
{
    static const char *const prefixes[] = {"engjs",  "engjl",  "engjmb", "gjs",   "gjl",
                                           "pa6gf",  "pa66gf", "pa12gf", "pomgf", "peekgf",
                                           "peekcf", "pcabs",  "enac"};

    for (size_t i = 0; i < QR_COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        if (len >= n && memcmp(key, prefixes[i], n) == 0 &&
            (is_digit(key[n < len ? n : n - 1]) || strcmp(prefixes[i], "pcabs") == 0))
            return true;
    }
    return false;
}

static bool is_certain_word(const char *w, size_t len)
{
    char key[WORD_MAX];
    size_t n;

    if (len < 3 || len >= WORD_MAX)
        return false;
    bool one = memchr(w, ' ', len) == NULL;
    if (is_tempered_number(w, len) ||
        (one && (is_steel_number(w, len) || is_strength_name(w, len) || is_alloy_name(w, len))))
        return true;
    n = squeeze(w, len, key);
    return n >= 3 && (qr_material_is_fixed(key, n) || is_grade_word(key, n) || is_prefixed(key, n));
}

static bool is_break(char c)
{
    return c == ' ' || c == ';' || c == '(' || c == ')' || c == '/' || c == '"' || c == '=';
}

static size_t word_end(const char *text, size_t len, size_t i)
{
    while (i < len && !is_break(text[i]) &&
           !((text[i] == ',' || text[i] == ':') && (i + 1 == len || text[i + 1] == ' ')))
        i++;
    while (i > 0 && (text[i - 1] == '.' || text[i - 1] == ','))
        i--;
    return i;
}

/* A temper or treatment behind a designation is part of it: "EN AW-6082 T6", "S355 J2+N". */
static size_t with_temper(const char *text, size_t len, size_t end)
{
    size_t i = end + 1;

    if (end + 2 < len && text[end] == ' ' && (text[i] == 'T' || text[i] == 'H' || text[i] == 'J') &&
        is_digit(text[i + 1])) {
        size_t stop = word_end(text, len, i);
        if (stop - i <= 5)
            return stop;
    }
    return end;
}

static bool has_digit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_digit(text[i]))
            return true;
    return false;
}

bool qr_material_find(const char *text, size_t len, struct qr_material_match *ret)
{
    len = len < TEXT_MAX ? len : TEXT_MAX;
    for (size_t i = 0; i < len;) {
        size_t end = word_end(text, len, i);
        if (end <= i) {
            i++;
            continue;
        }
        /* two words first: "EN AW-6082", "AISI 304", "ASTM A36", "6061 T6" */
        size_t two = end + 1 < len && text[end] == ' ' ? word_end(text, len, end + 1) : end;
        bool both =
            two > end + 1 && has_digit(text + end, two - end) && is_certain_word(text + i, two - i);
        if (both || is_certain_word(text + i, end - i)) {
            end = with_temper(text, len, both ? two : end);
            *ret = (struct qr_material_match){i, end - i, true, true};
            return true;
        }
        i = end;
        while (i < len && !is_break(text[i]))
            i++;
    }
    return false;
}

static bool is_number(const char *w, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(w[i]))
            return false;
    return len > 0;
}

bool qr_material_is_all(const char *text, size_t len, struct qr_material_match *ret)
{
    struct qr_fold fold;
    size_t named = 0, numbers = 0, others = 0;
    struct qr_material_match certain;

    if (len == 0 || len > 64)
        return false;
    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 7)
        return false;
    bool has = qr_material_find(text, len, &certain);
    for (size_t i = 0; i < fold.n_words; i++) {
        const char *w = fold.text + fold.words[i].at;
        size_t n = (size_t)(fold.words[i].end - fold.words[i].at);
        if (has && fold.words[i].from >= certain.at && fold.words[i].to <= certain.at + certain.len)
            named++;
        else if (qr_material_is_class(w, n))
            named++;
        else if (is_number(w, n) || (n <= 5 && is_digit(w[0])))
            numbers++;
        else if (!qr_material_stands_beside(w, n))
            others++;
    }
    if (named == 0 || others > 0 || numbers > named + 2)
        return false;
    *ret = (struct qr_material_match){0, len, has, has || numbers > 0};
    return true;
}
