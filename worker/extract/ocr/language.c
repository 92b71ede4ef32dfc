#include "worker/extract/ocr/language.h"

#include <string.h>

const char *const qr_ocr_languages[] = {"eng", "deu", NULL};

/* Words that are common in texts and on drawings and that the other languages do not have; German
 * ones without umlauts, so that they are read rightly with the data of any language. */
static const char *const common[][48] = {
    {"the",    "of",        "and",       "to",         "is",         "for",      "with",
     "be",     "are",       "shall",     "that",       "this",       "from",     "not",
     "by",     "or",        "it",        "as",         "drawing",    "sheet",    "scale",
     "title",  "weight",    "date",      "checked",    "drawn",      "approved", "revision",
     "unless", "otherwise", "specified", "dimensions", "tolerances", "surface",  "finish",
     "thread", "part",      "notes",     "drawings",   NULL},
    {"der",
     "die",
     "das",
     "und",
     "ist",
     "von",
     "mit",
     "den",
     "dem",
     "des",
     "ein",
     "eine",
     "auf",
     "nicht",
     "nach",
     "zu",
     "im",
     "bei",
     "sind",
     "werden",
     "wird",
     "oder",
     "Blatt",
     "Datum",
     "Benennung",
     "Werkstoff",
     "Gewicht",
     "Stück",
     "Zeichnung",
     "Gezeichnet",
     "Gepr",
     "Bearb",
     "Norm",
     "Teil",
     "Menge",
     "Bemerkung",
     "Allgemeintoleranzen",
     "Oberflächen",
     "Kanten",
     "Ansicht",
     "Schnitt",
     NULL},
};

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

/* Equal but for case and marks behind the word. */
static bool is_word(const struct qr_ocr_word *word, const char *wanted)
{
    size_t len = strlen(wanted);

    if (word->len < len || word->len > len + 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(word->text[i]) != lower(wanted[i]))
            return false;
    return word->len == len || strchr(".,;:)", word->text[len]) != NULL;
}

static bool is_common(const struct qr_ocr_word *word, size_t language)
{
    for (const char *const *wanted = common[language]; *wanted; wanted++)
        if (is_word(word, *wanted))
            return true;
    return false;
}

int qr_ocr_guess_language(const struct qr_ocr_word *words, size_t n_words)
{
    size_t found[QR_COUNT(common)] = {0};
    size_t best = 0;
    size_t second = 0;

    for (size_t i = 0; i < n_words; i++)
        for (size_t language = 0; language < QR_COUNT(common); language++)
            found[language] += is_common(&words[i], language);
    for (size_t language = 1; language < QR_COUNT(common); language++)
        if (found[language] > found[best])
            best = language;
    for (size_t language = 0; language < QR_COUNT(common); language++)
        if (language != best && found[language] > second)
            second = found[language];
    return found[best] >= 2 && found[best] >= 2 * second ? (int)best : -1;
}
