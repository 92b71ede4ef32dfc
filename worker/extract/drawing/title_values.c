#include "worker/extract/drawing/title_values.h"

#include <string.h>

#include "common/base.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool word_is(const struct qr_fold *fold, size_t i, const char *word)
{
    size_t len = (size_t)(fold->words[i].end - fold->words[i].at);

    return len == strlen(word) && memcmp(fold->text + fold->words[i].at, word, len) == 0;
}

static bool word_in(const struct qr_fold *fold, size_t i, const char *const *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (word_is(fold, i, list[k]))
            return true;
    return false;
}

/* The value of a word of digits, -1 when it is none; *ret_len its digits. */
static long number_of(const struct qr_fold *fold, size_t i, size_t *ret_len)
{
    const char *text = fold->text + fold->words[i].at;
    size_t len = (size_t)(fold->words[i].end - fold->words[i].at);
    long value = 0;

    if (len == 0 || len > 8)
        return -1;
    for (size_t k = 0; k < len; k++) {
        if (!is_digit(text[k]))
            return -1;
        value = value * 10 + (text[k] - '0');
    }
    *ret_len = len;
    return value;
}

size_t qr_title_number(const char *text, size_t len, double *ret)
{
    size_t i = 0;
    size_t digits = 0;
    double value = 0;
    double place = 0;

    if (i < len && (text[i] == '-' || text[i] == '+'))
        i++;
    for (; i < len && digits < 16; i++) {
        if (is_digit(text[i])) {
            digits++;
            place /= 10;
            value = place > 0 ? value + place * (text[i] - '0') : value * 10 + (text[i] - '0');
        } else if ((text[i] == '.' || text[i] == ',') && place == 0 && i + 1 < len &&
                   is_digit(text[i + 1])) {
            place = 1;
        } else {
            break;
        }
    }
    if (digits == 0)
        return 0;
    *ret = text[0] == '-' ? -value : value;
    return i;
}

static bool is_month(const struct qr_fold *fold, size_t i)
{
    static const char *const names[] = {
        "jan",  "feb", "mar", "apr", "may", "jun",  "jul", "aug",  "sep",    "oct",
        "nov",  "dec", "mai", "okt", "dez", "mrz",  "gen", "mag",  "giu",    "lug",
        "ago",  "set", "ott", "dic", "ene", "abr",  "fev", "avr",  "juin",   "juil",
        "aout", "out", "maj", "mrt", "mei", "marz", "янв", "февр", "мар",    "апр",
        "июн",  "июл", "авг", "сен", "окт", "ноя",  "дек", "sept", "januar",
    };
    const char *text = fold->text + fold->words[i].at;
    size_t len = (size_t)(fold->words[i].end - fold->words[i].at);

    for (size_t k = 0; k < QR_COUNT(names); k++) {
        size_t n = strlen(names[k]);
        if (len >= n && len <= n + 8 && memcmp(text, names[k], n) == 0 && len >= 3)
            return true;
    }
    return false;
}

static bool is_year(long value, size_t digits)
{
    return (digits == 4 && value >= 1900 && value <= 2100) || digits == 2;
}

/* 8 digits in a row: 20210329 or 29032021. */
static bool is_packed_date(long value)
{
    long y = value / 10000, m = value / 100 % 100, d = value % 100;

    if (y >= 1950 && y <= 2100 && m >= 1 && m <= 12 && d >= 1 && d <= 31)
        return true;
    return d + m * 100 >= 1950 && d + m * 100 <= 2100 && y / 100 >= 1 && y / 100 <= 31 &&
           y % 100 >= 1 && y % 100 <= 12;
}

/* Numbers parted by one of these, not by blanks alone, unless there is a month's name. */
static bool has_date_sign(const char *text, size_t len)
{
    for (size_t i = 1; i + 1 < len; i++)
        if (text[i] == '.' || text[i] == '/' || text[i] == '-' || text[i] == '\'')
            return true;
    return false;
}

bool qr_title_is_date(const char *text, size_t len)
{
    struct qr_fold fold;
    size_t numbers = 0, months = 0, years = 0, cjk = 0, small = 0;

    if (len > 40)
        return false;
    qr_fold(text, len, &fold);
    for (size_t i = 0; i < fold.n_words && i < 7; i++) {
        size_t digits;
        long value = number_of(&fold, i, &digits);
        if (i >= 3 && numbers + months >= 3 && cjk == 0)
            break; /* a time may follow */
        if (value >= 0) {
            numbers++;
            years += is_year(value, digits);
            small += value >= 1 && value <= 31;
            if (digits == 8 && fold.n_words == 1)
                return is_packed_date(value);
        } else if (is_month(&fold, i)) {
            months++;
        } else if (word_is(&fold, i, "年") || word_is(&fold, i, "月") || word_is(&fold, i, "日")) {
            cjk++;
        } else if (!(word_is(&fold, i, "of") || word_is(&fold, i, "de") ||
                     word_is(&fold, i, "th"))) {
            return false;
        }
    }
    if (years == 0 || numbers + months < 2 || numbers > 3 || months > 1)
        return false;
    if (numbers == 2 && months == 0 && cjk == 0) /* 03/2021 */
        return years >= 1 && small >= 1 && len >= 6 && len <= 7 && has_date_sign(text, len);
    return months == 1 || cjk >= 2 ||
           (small + (years > 0) >= 3 - (years > 1) && small >= 2 && has_date_sign(text, len));
}

bool qr_title_is_scale(const char *text, size_t len)
{
    static const char *const phrases[] = {
        "nts",      "n t s",          "full",     "full size", "none",       "as noted",
        "as shown", "not to scale",   "half",     "noted",     "half size",  "ohne",
        "var",      "varies",         "variable", "fit",       "1 1",        "as drawn",
        "keine",    "unmassstablich", "custom",   "auto",      "full scale",
    };
    struct qr_fold fold;
    double a, b;

    qr_fold(text, len, &fold);
    for (size_t i = 0; i < QR_COUNT(phrases); i++)
        if (strcmp(fold.text, phrases[i]) == 0)
            return true;
    if (len > 24)
        return false;
    size_t n = qr_title_number(text, len, &a);
    size_t i = n;
    while (i < len && (text[i] == ' ' || text[i] == '"'))
        i++;
    if (n == 0 || a <= 0 || i >= len)
        return false;
    if (text[i] == ':' || text[i] == '/' || text[i] == '=')
        i++;
    else if (len - i >= 3 && memcmp(text + i, "：", 3) == 0)
        i += 3;
    else
        return false;
    while (i < len && text[i] == ' ')
        i++;
    size_t m = qr_title_number(text + i, len - i, &b);
    if (m == 0 || b <= 0)
        return false;
    i += m;
    return i == len || strchr(" ,;(\"'", text[i]) != NULL;
}

bool qr_title_sheet(const char *text, size_t len, unsigned *ret_sheet, unsigned *ret_count)
{
    static const char *const of[] = {"of", "von", "de", "di", "sur",  "van", "z",  "ze", "av",
                                     "из", "do",  "da", "共", "from", "第",  "张", "页", "in"};
    struct qr_fold fold;
    unsigned found[2] = {0, 0};
    size_t n = 0;

    *ret_sheet = *ret_count = 0;
    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 8)
        return false;
    for (size_t i = 0; i < fold.n_words; i++) {
        size_t digits;
        long value = number_of(&fold, i, &digits);
        size_t label = 0;
        if (value >= 0 && digits <= 4 && n < 2)
            found[n++] = (unsigned)value;
        else if (value < 0 && word_in(&fold, i, of, QR_COUNT(of)))
            continue;
        else if (value >= 0 || n > 1 || qr_title_label_longest(&fold, i, &label) != QR_TITLE_SHEET)
            return false;
        else
            i += label - 1;
    }
    if (n == 0 || found[0] == 0 || (n == 2 && found[1] < found[0]))
        return false;
    if (memchr(text, '.', len) && n == 2)
        return false;
    *ret_sheet = found[0];
    *ret_count = found[1];
    return true;
}

bool qr_title_is_size(const char *text, size_t len)
{
    static const char *const words[] = {"ansi",   "arch",      "din",      "iso",  "size",
                                        "format", "landscape", "portrait", "quer", "hoch",
                                        "sheet",  "h",         "v"};
    struct qr_fold fold;
    bool found = false;

    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 5)
        return false;
    for (size_t i = 0; i < fold.n_words; i++) {
        const char *w = fold.text + fold.words[i].at;
        size_t n = (size_t)(fold.words[i].end - fold.words[i].at);
        if (n == 2 && (w[0] == 'a' || w[0] == 'b') && w[1] >= '0' && w[1] <= '5')
            found = true;
        else if (n == 1 && w[0] >= 'a' && w[0] <= 'f' && !found)
            found = true;
        else if (!found && (word_is(&fold, i, "letter") || word_is(&fold, i, "legal") ||
                            word_is(&fold, i, "tabloid") || word_is(&fold, i, "ledger")))
            found = true;
        else if (!word_in(&fold, i, words, QR_COUNT(words)) && !(found && is_digit(w[0])))
            return false;
    }
    return found;
}

bool qr_title_unit(const char *text, size_t len, size_t *ret_from, size_t *ret_to)
{
    static const char *const words[] = {
        "mm",          "millimeter", "millimeters", "millimetre", "millimetres", "inch",
        "inches",      "in",         "cm",          "m",          "millimetri",  "milimetros",
        "millimetern", "metric",     "imperial",    "mmgs",       "ips",         "milimetry",
        "zoll",        "pouces",     "pollici",     "pulgadas",   "мм",          "毫米",
        "mils",        "mil",        "mks",         "cgs",        "english",
    };
    struct qr_fold fold;

    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 6)
        return false;
    for (size_t i = 0; i < fold.n_words; i++)
        if (word_in(&fold, i, words, QR_COUNT(words))) {
            *ret_from = fold.words[i].from;
            *ret_to = fold.words[i].to;
            return true;
        }
    return false;
}

static float fit_weight(const char *text, size_t len)
{
    static const char *const units[] = {
        "kg",  "g",      "lb", "lbs", "t",      "n",         "mg",  "oz", "gr", "gram",  "grams",
        "kgs", "pounds", "кг", "г",   "lbmass", "kilograms", "kgm", "q",  "ca", "approx"};
    struct qr_fold fold;
    double value;
    bool unit = false;

    while (len > 0 && (text[0] == '~' || text[0] == '='))
        text++, len--;
    size_t n = qr_title_number(text, len, &value);
    if (n == 0 || len > 24)
        return 0;
    qr_fold(text + n, len - n, &fold);
    for (size_t i = 0; i < fold.n_words; i++) {
        if (!word_in(&fold, i, units, QR_COUNT(units)))
            return 0;
        unit = true;
    }
    return unit ? 1 : 0.8f;
}

static float fit_revision(const char *text, size_t len)
{
    struct qr_letters count;

    qr_letters_count(text, len, &count);
    if (qr_title_is_date(text, len) || memchr(text, ':', len) || count.letters + count.digits > 12)
        return 0;
    if (count.letters + count.digits == 0)
        return len == 1 && text[0] == '-' ? 0.4f : 0;
    if (memchr(text, ' ', len))
        return count.letters + count.digits <= 6 ? 0.7f : 0;
    return count.letters + count.digits <= 4 ? 1 : 0.7f;
}

static float fit_number(const char *text, size_t len)
{
    struct qr_letters count;
    struct qr_fold fold;
    double value;

    qr_letters_count(text, len, &count);
    qr_fold(text, len, &fold);
    if (len > 60 || count.letters + count.digits < 2 || fold.n_words > 8 ||
        qr_title_is_date(text, len) || memchr(text, ':', len))
        return 0;
    if (qr_title_is_scale(text, len) && !memchr(text, '/', len))
        return 0;
    if (count.digits == 0)
        return memchr(text, ' ', len) ? 0.3f : 0.6f;
    if (memchr(text, '.', len) && qr_title_number(text, len, &value) == len && len < 7)
        return 0.4f; /* a decimal number: rather a dimension */
    return count.letters > 24 ? 0.5f : 1;
}

static float fit_person(const char *text, size_t len)
{
    struct qr_letters count;
    struct qr_fold fold;

    qr_letters_count(text, len, &count);
    qr_fold(text, len, &fold);
    if (count.letters < 1 || count.digits > 4 || len > 48 || fold.n_words > 5 ||
        qr_title_is_date(text, len) || memchr(text, ':', len) || count.letters < count.digits)
        return 0;
    if (fold.n_words == 1 && count.letters == 1)
        return 0.3f;
    return count.digits > 0 || fold.n_words > 4 ? 0.7f : 1;
}

static float fit_words(const char *text, size_t len, size_t max, size_t min_letters)
{
    struct qr_letters count;

    qr_letters_count(text, len, &count);
    if (len > max || count.letters < min_letters)
        return 0;
    if (qr_title_is_date(text, len) || qr_title_is_scale(text, len))
        return 0.1f;
    return count.letters >= count.digits ? 1 : 0.7f;
}

static float fit_material(const char *text, size_t len)
{
    struct qr_letters count;
    double value;

    qr_letters_count(text, len, &count);
    if (len > 120 || qr_title_is_date(text, len) || qr_title_is_scale(text, len))
        return 0;
    if (count.letters == 0) /* 1.4301, 6061-T6 without its T6 */
        return count.digits >= 3 && qr_title_number(text, len, &value) >= 4 ? 0.8f : 0;
    return count.letters + count.digits >= 2 ? 1 : 0;
}

static float fit_tolerance(const char *text, size_t len)
{
    struct qr_letters count;

    qr_letters_count(text, len, &count);
    return count.digits > 0 && len <= 120 && !qr_title_is_date(text, len) ? 1 : 0;
}

static float fit_projection(const char *text, size_t len)
{
    static const char *const words[] = {"first",  "third",  "1st",      "3rd",      "e",
                                        "a",      "europ",  "european", "american", "angle",
                                        "iso",    "1",      "3",        "第三角法", "第一角法",
                                        "第三角", "第一角", "method",   "methode"};
    struct qr_fold fold;

    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 4)
        return 0;
    for (size_t i = 0; i < fold.n_words; i++)
        if (word_in(&fold, i, words, QR_COUNT(words)))
            return 1;
    return 0;
}

bool qr_title_value_is_strict(enum qr_title_field field)
{
    return field == QR_TITLE_SCALE || field == QR_TITLE_SHEET || field == QR_TITLE_SIZE ||
           field == QR_TITLE_DATE || field == QR_TITLE_WEIGHT || field == QR_TITLE_UNITS ||
           field == QR_TITLE_DRAWN_DATE || field == QR_TITLE_CHECKED_DATE ||
           field == QR_TITLE_APPROVED_DATE || field == QR_TITLE_SHEET_COUNT;
}

float qr_title_value_fit(enum qr_title_field field, const char *text, size_t len)
{
    unsigned sheet, count;
    size_t from, to;
    double value;

    if (len == 0)
        return 0;
    switch (field) {
    case QR_TITLE_DRAWING_NUMBER:
    case QR_TITLE_PART_NUMBER:
        return fit_number(text, len);
    case QR_TITLE_REVISION:
        return fit_revision(text, len);
    case QR_TITLE_TITLE:
        return fit_words(text, len, 160, 2);
    case QR_TITLE_SUBTITLE:
    case QR_TITLE_COMPANY:
        return fit_words(text, len, 120, 2);
    case QR_TITLE_PROJECT:
        return fit_words(text, len, 80, 1) > 0.5f ? 1 : fit_number(text, len);
    case QR_TITLE_STATUS:
    case QR_TITLE_DEPARTMENT:
        return fit_words(text, len, 48, 1) > 0.5f ? 1 : 0;
    case QR_TITLE_FINISH:
        return fit_words(text, len, 100, 2) > 0.5f ? 1 : 0;
    case QR_TITLE_MATERIAL:
        return fit_material(text, len);
    case QR_TITLE_SCALE:
        if (qr_title_is_scale(text, len))
            return 1;
        return len < 8 && qr_title_number(text, len, &value) == len && value > 0 ? 0.7f : 0;
    case QR_TITLE_SHEET:
        return qr_title_sheet(text, len, &sheet, &count) ? 1 : 0;
    case QR_TITLE_SHEET_COUNT:
        return qr_title_sheet(text, len, &sheet, &count) && count == 0 ? 1 : 0;
    case QR_TITLE_SIZE:
        return qr_title_is_size(text, len) ? 1 : 0;
    case QR_TITLE_UNITS:
        return qr_title_unit(text, len, &from, &to) ? 1 : 0;
    case QR_TITLE_DATE:
    case QR_TITLE_DRAWN_DATE:
    case QR_TITLE_CHECKED_DATE:
    case QR_TITLE_APPROVED_DATE:
        return qr_title_is_date(text, len) ? 1 : 0;
    case QR_TITLE_DRAWN_BY:
    case QR_TITLE_CHECKED_BY:
    case QR_TITLE_APPROVED_BY:
        return fit_person(text, len);
    case QR_TITLE_WEIGHT:
        return fit_weight(text, len);
    case QR_TITLE_GENERAL_TOLERANCE:
        return fit_tolerance(text, len);
    case QR_TITLE_PROJECTION:
        return fit_projection(text, len);
    default:
        return 0;
    }
}
