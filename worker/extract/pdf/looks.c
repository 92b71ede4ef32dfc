#include "worker/extract/pdf/looks.h"

#include <ctype.h>
#include <string.h>

#define FEW_CHARS 40  /* page numbers, stamps of a scanner */
#define COVERED 0.5   /* of the page */
#define TRACED_MIN 60 /* paths of the size of letters */
#define DRAWING_CHARS_MAX 30000
#define DRAWING_SCORE 6
#define WORD_MAX 24

bool qr_pdf_looks_scanned(const struct qr_pdf_looks *page)
{
    double area = page->width * page->height;

    if (page->visible == 0)
        return page->images || page->marks->images > 0;
    return page->visible <= FEW_CHARS && area > 0 && page->marks->image_area >= COVERED * area;
}

bool qr_pdf_looks_traced(const struct qr_pdf_looks *page)
{
    size_t letters = page->marks->letters;

    return letters >= TRACED_MIN && page->visible - page->undecodable < letters / 8 &&
           page->marks->image_area < COVERED * page->width * page->height;
}

bool qr_pdf_looks_garbled(const struct qr_pdf_looks *page)
{
    return page->undecodable > 10 && page->undecodable > page->visible / 20;
}

/* Words of title blocks, lower case; several languages. A stem ends in '*'. */
static const char *const title_words[] = {
    "scale",       "drawn",     "checked",   "approved",   "sheet",     "rev",        "revision",
    "dwg",         "drawing*",  "title",     "tolerance*", "material",  "finish",     "projection",
    "dimension*",  "unless",    "size",      "designed",   "engineer",  "date",       "drg",
    "appd",        "chkd",      "weight",    "massstab",   "maßstab",   "gezeichnet", "geprüft",
    "blatt",       "werkstoff", "benennung", "zeichnung*", "gewicht",   "bearb",      "norm",
    "oberfläche*", "echelle",   "échelle",   "dessin*",    "matière",   "feuille",    "vérifié",
    "scala",       "disegn*",   "materiale", "foglio",     "escala",    "dibuj*",     "plano",
    "hoja",        "schaal",    "getekend",  "skala",      "material*", "масштаб",    "лист",
    "разраб",      "масса",     "листов",    "утв",        "図面",      "尺度",       "图号",
    "比例",        "材料",      "质量",
};

static bool is_title_word(const char *word)
{
    for (size_t i = 0; i < sizeof title_words / sizeof *title_words; i++) {
        size_t len = strlen(title_words[i]);
        if (title_words[i][len - 1] == '*' ? strncmp(word, title_words[i], len - 1) == 0
                                           : strcmp(word, title_words[i]) == 0)
            return true;
    }
    return false;
}

/* "12.5", "R3", "Ø8", "M6x1", "45°", "±0.1", "1/4" and their like. */
static bool is_dimension_word(const char *word)
{
    const unsigned char *at = (const unsigned char *)word;
    size_t digits = 0;

    if (strchr("rmø", *at) && isdigit(at[1]))
        at++;
    else if (memcmp(word, "\xc3\x98", 2) == 0 || memcmp(word, "\xc3\xb8", 2) == 0 ||
             memcmp(word, "\xc2\xb1", 2) == 0) /* Ø ø ± */
        at += 2;
    else if (memcmp(word, "\xe2\x8c\x80", 3) == 0) /* diameter sign */
        at += 3;
    bool marked = at != (const unsigned char *)word;
    for (; *at != '\0'; at++) {
        if (isdigit(*at))
            digits++;
        else if (*at == '.' || *at == ',' || *at == '/' || *at == '"' || *at == 'x')
            continue;
        else if (at[0] == 0xC2 && (at[1] == 0xB0 || at[1] == 0xB1)) /* degree, plus-minus */
            at++;
        else
            return false;
    }
    return digits > 0 && (marked || digits >= 2);
}

struct words {
    unsigned titles;
    unsigned dimensions;
    unsigned all;
};

/* The page's words in lower case, without what surrounds them. */
static struct words count_words(const struct qr_buf *text)
{
    struct words found = {0};
    char word[WORD_MAX + 4] = "";
    size_t n = 0;

    for (size_t i = 0; i <= text->len; i++) {
        unsigned char c = i < text->len ? text->data[i] : ' ';
        if (c > ' ' && !(strchr(":;()[]", c) || (n == 0 && c == '.'))) {
            if (n < WORD_MAX)
                word[n] = (char)tolower(c);
            n++;
            continue;
        }
        if (n > 0) {
            bool whole = n <= WORD_MAX;
            n = whole ? n : WORD_MAX;
            if (word[n - 1] == '.' || word[n - 1] == ',')
                n--;
            memset(word + n, 0, sizeof word - n);
            found.all++;
            found.titles += n > 0 && whole && is_title_word(word);
            found.dimensions += n > 0 && whole && is_dimension_word(word);
        }
        n = 0;
    }
    return found;
}

bool qr_pdf_looks_drawn(const struct qr_pdf_looks *page)
{
    double shorter = page->width < page->height ? page->width : page->height;
    const struct qr_pdf_marks *marks = page->marks;
    int score = 0;

    if (page->visible > DRAWING_CHARS_MAX || (marks->pieces < 15 && page->visible < 1))
        return false;
    score += page->width > page->height;
    score += shorter > 620; /* larger than a letter or A4 */
    score += shorter > 800;
    score += (marks->pieces >= 40) + (marks->pieces >= 300) + (marks->pieces >= 2000);
    score += page->visible < 4000;
    if (score < 2)
        return false;
    struct words words = count_words(page->text);
    if (words.titles < 2 && marks->pieces < 40) /* slides, posters, test charts */
        return false;
    if (page->width <= page->height && words.titles < 3 && page->visible >= FEW_CHARS)
        return false; /* reports with tables and charts: an upright drawing has a title block */
    score += (words.titles >= 2) + (words.titles >= 4) + (words.titles >= 7);
    score += (words.dimensions >= 4) + (words.dimensions >= 12);
    score += words.dimensions * 4 > words.all && words.dimensions >= 4;
    score -= words.all > 900 && words.titles + words.dimensions < words.all / 20 ? 2 : 0;
    return score >= DRAWING_SCORE;
}
