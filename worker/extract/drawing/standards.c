#include "worker/extract/drawing/standards.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "worker/extract/drawing/fold.h"

enum { KNOWN_MAX = 64, LOOKS_MAX = 256 };

/* Who makes standards. Longer names stand before those they begin with. */
static const char *const bodies[] = {
    "DIN EN ISO", "EN ISO", "DIN ISO", "DIN EN",    "BS EN ISO", "BS EN", "NF EN ISO", "NF EN",
    "UNI EN ISO", "UNI EN", "UNE EN",  "ANSI/ASME", "ANSI",      "ASME",  "ASTM",      "ISO",
    "DIN",        "EN",     "BS",      "JIS",       "GB/T",      "GB",    "ГОСТ Р",    "ГОСТ",
    "GOST",       "AMS",    "MIL-STD", "MIL",       "UNI",       "UNE",   "NF",        "ČSN",
    "CSN",        "PN",     "SS",      "VDI",       "VDE",       "IPC",   "SAE J",     "NAS",
    "STN",        "VSM",    "NEN",     "SFS",
};

/* Standards that say how to read or make the part, not what of; by their number. */
static const struct {
    const char *number;
    const char *name;
} of_drawings[] = {
    {"2768", "general_tolerance"},
    {"22081", "general_tolerance"},
    {"8062", "general_tolerance"},
    {"16742", "general_tolerance"},
    {"16901", "general_tolerance"},
    {"13920", "general_tolerance"},
    {"7168", "general_tolerance"},
    {"1804", "general_tolerance"},
    {"405", "general_tolerance"},
    {"20457", "general_tolerance"},
    {"6930", "general_tolerance"},
    {"9013", "general_tolerance"},
    {"8015", "tolerancing"},
    {"1101", "tolerancing"},
    {"14405", "tolerancing"},
    {"286", "fits"},
    {"13715", "edges"},
    {"6784", "edges"},
    {"1302", "surfaces"},
    {"21920", "surfaces"},
    {"4287", "surfaces"},
    {"128", "presentation"},
    {"129", "presentation"},
    {"5456", "presentation"},
    {"7200", "presentation"},
    {"2553", "welding"},
    {"5817", "welding"},
    {"Y14.5", "tolerancing"},
    {"Y14.5M", "tolerancing"},
    {"Y14.100", "presentation"},
    {"B46.1", "surfaces"},
    {"Y14.36", "surfaces"},
    {"2.307", "presentation"},
    {"2.308", "tolerancing"},
    {"30893", "general_tolerance"},
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* Blanks and hyphens between the body and the number: "ISO 2768", "DIN-ISO", "GB/T 1804". */
static size_t skip_gap(const char *text, size_t len, size_t i)
{
    while (i < len && (text[i] == ' ' || text[i] == '-' || text[i] == '_'))
        i++;
    return i;
}

static size_t body_length(const char *text, size_t len)
{
    for (size_t k = 0; k < QR_COUNT(bodies); k++) {
        const char *body = bodies[k];
        size_t i = 0, b = 0;
        while (body[b] && i < len) {
            if (body[b] == ' ' && (text[i] == ' ' || text[i] == '-' || text[i] == '/'))
                i++, b++;
            else if (body[b] == text[i])
                i++, b++;
            else
                break;
        }
        if (!body[b] &&
            (i == len ||
             !((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z')) ||
             (i + 1 < len && is_digit(text[i + 1]))))
            return i;
    }
    return 0;
}

/* "2768", "Y14.5-2009", "A36", "10088-3:2014", "G 4303": begins with at most two capitals. */
static size_t number_length(const char *text, size_t len)
{
    size_t i = 0, letters = 0;

    while (i < len && text[i] >= 'A' && text[i] <= 'Z' && letters < 2)
        i++, letters++;
    if (letters > 0 && i < len && text[i] == ' ')
        i++;
    if (i >= len || !is_digit(text[i]))
        return 0;
    while (i < len && (is_digit(text[i]) ||
                       ((text[i] == '.' || text[i] == '-' || text[i] == ':' || text[i] == '/') &&
                        i + 1 < len && is_digit(text[i + 1]))))
        i++;
    if (i < len && text[i] == 'M' &&
        (i + 1 == len || !is_word_char(text[i + 1]) || text[i + 1] == '-'))
        i++; /* Y14.5M */
    if (i + 4 < len && text[i] == '-' && is_digit(text[i + 1]))
        while (i < len && (is_digit(text[i]) || text[i] == '-'))
            i++;
    return i;
}

/* Tolerance classes behind ISO 2768: "-mK", " - mK", " m", "-m-H", " mittel", " f H". */
static size_t class_length(const char *text, size_t len)
{
    static const char *const words[] = {"mittel", "fein",   "grob",  "medium",
                                        "fine",   "coarse", "moyen", "medio"};
    size_t i = 0, letters = 0;

    while (i < len && (text[i] == ' ' || text[i] == '-' || text[i] == ',' || text[i] == '('))
        i++;
    for (size_t k = 0; k < QR_COUNT(words); k++) {
        size_t n = strlen(words[k]);
        if (len - i >= n && memcmp(text + i, words[k], n) == 0)
            return i + n;
    }
    size_t end = 0;
    while (i < len && letters < 2) {
        if (strchr(letters == 0 ? "fmcvFMCVg" : "HKLEhkl", text[i]) == NULL || text[i] == '\0')
            break;
        letters++;
        end = ++i;
        while (i < len && letters < 2 && (text[i] == ' ' || text[i] == '-'))
            i++;
    }
    if (letters == 0 || (end < len && is_word_char(text[end])))
        return 0;
    return end;
}

/* The length of the designation that begins at the front of `text`; 0 when none does. */
static size_t designation_length(const char *text, size_t len)
{
    size_t i = body_length(text, len);

    if (i == 0)
        return 0;
    size_t at = skip_gap(text, len, i);
    size_t n = number_length(text + at, len - at);
    if (n == 0 || (at + n < len && is_word_char(text[at + n]) && text[at + n] != 'T' &&
                   memcmp(text + at, "2768", 4) != 0))
        return 0;
    size_t end = at + n;
    if (n >= 4 && memcmp(text + at, "2768", 4) == 0)
        end += class_length(text + end, len - end);
    return end;
}

const char *qr_standard_find(const char *text, size_t len, size_t *ret_len)
{
    for (size_t i = 0; i < len; i++) {
        bool begins = i == 0 || !is_word_char(text[i - 1]);
        if (begins && (text[i] < 'a' || text[i] > 'z') && !is_digit(text[i])) {
            *ret_len = designation_length(text + i, len - i);
            if (*ret_len > 0)
                return text + i;
        }
    }
    return NULL;
}

/* What a standard is for; NULL when it is not about drawings. */
static const char *purpose(const char *text, size_t len)
{
    size_t at = skip_gap(text, len, body_length(text, len));

    for (size_t k = 0; k < QR_COUNT(of_drawings); k++) {
        size_t n = strlen(of_drawings[k].number);
        if (len - at >= n && memcmp(text + at, of_drawings[k].number, n) == 0 &&
            (at + n == len || !is_digit(text[at + n])))
            return of_drawings[k].name;
    }
    return NULL;
}

static bool is_known(const struct qr_record *rec, const char *value, size_t len)
{
    const Quarry__V1__ExtractionRecord *msg = rec->msg;
    size_t known = 0;

    for (size_t i = 0; i < msg->n_parameters && known < KNOWN_MAX; i++) {
        const Quarry__V1__Parameter *p = msg->parameters[i];
        if (strcmp(p->set, "standards") != 0)
            continue;
        known++;
        if (strlen(p->value) == len && memcmp(p->value, value, len) == 0)
            return true;
    }
    return known >= KNOWN_MAX;
}

static void add_general_tolerance(const struct qr_sheet *sheet, const struct qr_sheet_span *span,
                                  const char *text, size_t len, struct qr_record *rec)
{
    Quarry__V1__MetadataItem *item;

    for (size_t i = 0; i < rec->msg->n_title_block && i < 4096; i++)
        if (strcmp(rec->msg->title_block[i]->key, "general_tolerance") == 0)
            return;
    item = qr_record_add_title_field(rec);
    if (!item)
        return;
    item->key = qr_record_text(rec, "general_tolerance");
    item->value = qr_record_string(rec, text, len);
    item->origin = qr_record_text(rec, "label");
    item->confidence = 0.8;
    item->place = qr_sheet_place(sheet, rec, &span->box);
}

static void add(const struct qr_sheet *sheet, const struct qr_sheet_span *span, const char *text,
                size_t len, const char *name, struct qr_record *rec)
{
    Quarry__V1__Parameter *parameter = qr_record_add_parameter(rec);

    if (!parameter)
        return;
    parameter->set = qr_record_text(rec, "standards");
    parameter->name = qr_record_text(rec, name);
    parameter->value = qr_record_string(rec, text, len);
    parameter->source = qr_record_text(rec, "text");
    parameter->place = qr_sheet_place(sheet, rec, &span->box);
    if (strcmp(name, "general_tolerance") == 0)
        add_general_tolerance(sheet, span, text, len, rec);
}

void qr_standards_find(const struct qr_sheet *sheet, struct qr_record *rec)
{
    size_t looks = 0;

    for (size_t i = 0; i < sheet->n_spans && looks < LOOKS_MAX; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        const char *text = span->text;
        size_t left = span->len < 400 ? span->len : 400;
        size_t len;
        while (left > 3 && (text = qr_standard_find(text, left, &len))) {
            const char *name = purpose(text, len);
            if (name && looks++ < LOOKS_MAX && !is_known(rec, text, len))
                add(sheet, span, text, len, name, rec);
            text += len;
            left = (size_t)(span->text + (span->len < 400 ? span->len : 400) - text);
        }
    }
}
