#include "worker/extract/drawing/title_guess.h"

#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/title_values.h"

struct guessing {
    const struct qr_title_view *view;
    struct qr_title_piece *pieces;
    size_t n;
    const struct qr_sheet_rect *frame;
    struct qr_title_values *values;
    bool labelled[QR_TITLE_FIELDS]; /* the field has a label, so an empty value is empty */
};

static bool is_free(const struct guessing *g, const struct qr_title_piece *p)
{
    float x = (p->box.x0 + p->box.x1) / 2;
    float y = (p->box.y0 + p->box.y1) / 2;

    return p->label == QR_TITLE_NONE && !p->taken && !p->labelled_cell && x >= g->frame->x0 &&
           x <= g->frame->x1 && y >= g->frame->y0 && y <= g->frame->y1;
}

static void keep(struct guessing *g, enum qr_title_field field, struct qr_title_piece *p,
                 float confidence)
{
    struct qr_sheet_rect box = qr_title_turned_back(g->view->quarter, &p->box);

    p->taken = true;
    qr_title_keep(g->values, field, p->text, p->len, &box, confidence, "position");
}

static bool wants(const struct guessing *g, enum qr_title_field field)
{
    return !g->values->list[field].set && !g->labelled[field];
}

/* What only looks like a title: addresses, sentences about rights, names of programs. */
static bool is_boilerplate(const char *text, size_t len)
{
    static const char *const parts[] = {
        "http",         "www",         "copyright", "license", "licence",    "rights reserved",
        "property of",  "kicad",       "eeschema",  "autocad", "solidworks", "do not scale",
        "confidential", "proprietary", "eda",       "unless",  "tolerance",  "toleranz",
        "projection",   "dimension",   "iso",       "angle",   "deburr",     "educational",
        "student",      "trial",       "autodesk",
    };
    struct qr_fold fold;

    qr_fold(text, len, &fold);
    if (memchr(text, '@', len) || memmem(text, len, "©", 2))
        return true;
    for (size_t i = 0; i < QR_COUNT(parts); i++)
        if (strstr(fold.text, parts[i]))
            return true;
    return false;
}

static bool is_company(const char *text, size_t len)
{
    static const char *const words[] = {
        "gmbh",     "inc",      "ltd",        "llc",         "ag",          "kg",  "corp",
        "co",       "bv",       "ab",         "oy",          "srl",         "spa", "sarl",
        "sa",       "plc",      "company",    "corporation", "limited",     "sro", "ооо",
        "有限公司", "株式会社", "university", "institute",   "technologies"};
    struct qr_letters count;
    struct qr_fold fold;

    qr_letters_count(text, len, &count);
    if (count.digits > 2 || count.letters < 5)
        return false;
    qr_fold(text, len, &fold);
    for (size_t i = 1; i < fold.n_words; i++) {
        size_t n = (size_t)(fold.words[i].end - fold.words[i].at);
        for (size_t k = 0; k < QR_COUNT(words); k++)
            if (n == strlen(words[k]) && memcmp(fold.text + fold.words[i].at, words[k], n) == 0)
                return true;
    }
    return false;
}

/* A number of a drawing: digits, and letters or signs between them, one word. */
static bool is_identifier(const char *text, size_t len)
{
    struct qr_letters count;
    double value;

    qr_letters_count(text, len, &count);
    if (len < 5 || len > 40 || memchr(text, ' ', len) || count.digits < 3 ||
        qr_title_is_date(text, len) || qr_title_is_scale(text, len) || memchr(text, ':', len) ||
        strpbrk(text, "±Ø@%") == text)
        return false;
    return qr_title_number(text, len, &value) < len || (count.digits >= 5 && count.others == 0);
}

static void guess_forms(struct guessing *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct qr_title_piece *p = &g->pieces[i];
        unsigned sheet, count;
        if (!is_free(g, p))
            continue;
        if (wants(g, QR_TITLE_SIZE) && p->len >= 2 && p->len <= 12 && p->text[1] >= '0' &&
            p->text[1] <= '5' && qr_title_is_size(p->text, 2) &&
            (p->len == 2 || p->text[2] == ' ')) {
            p->len = 2;
            keep(g, QR_TITLE_SIZE, p, 0.6f);
        } else if (wants(g, QR_TITLE_SCALE) && memchr(p->text, ':', p->len) &&
                   qr_title_is_scale(p->text, p->len))
            keep(g, QR_TITLE_SCALE, p, 0.6f);
        else if (wants(g, QR_TITLE_SHEET) && p->len >= 3 &&
                 qr_title_sheet(p->text, p->len, &sheet, &count) && count > 0)
            keep(g, QR_TITLE_SHEET, p, 0.55f);
        else if (wants(g, QR_TITLE_COMPANY) && is_company(p->text, p->len) &&
                 qr_title_value_fit(QR_TITLE_COMPANY, p->text, p->len) > 0.5f)
            keep(g, QR_TITLE_COMPANY, p, 0.5f);
    }
}

/* The largest free text that fits. */
static struct qr_title_piece *largest(struct guessing *g, enum qr_title_field field)
{
    struct qr_title_piece *best = NULL;

    for (size_t i = 0; i < g->n; i++) {
        struct qr_title_piece *p = &g->pieces[i];
        struct qr_letters count;
        if (!is_free(g, p) || (best && p->height <= best->height * 1.02f) ||
            is_boilerplate(p->text, p->len))
            continue;
        qr_letters_count(p->text, p->len, &count);
        if (field == QR_TITLE_TITLE
                ? count.letters >= 4 && qr_title_value_fit(field, p->text, p->len) > 0.5f &&
                      !is_identifier(p->text, p->len)
                : is_identifier(p->text, p->len))
            best = p;
    }
    return best;
}

static float median_label(const struct guessing *g)
{
    float sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++)
        if (g->pieces[i].label != QR_TITLE_NONE) {
            sum += g->pieces[i].height;
            n++;
        }
    return n > 0 ? sum / (float)n : 0;
}

static float title_height(const struct guessing *g)
{
    const struct qr_title_value *title = &g->values->list[QR_TITLE_TITLE];
    struct qr_sheet_rect box = qr_title_upright(g->view->quarter, &title->box);

    return box.y1 - box.y0;
}

/* "THIRD ANGLE PROJECTION" stands for itself. */
static void find_projection(struct guessing *g)
{
    for (size_t i = 0; i < g->n && wants(g, QR_TITLE_PROJECTION); i++) {
        struct qr_title_piece *p = &g->pieces[i];
        struct qr_fold fold;
        qr_fold(p->text, p->len, &fold);
        if (!p->taken && fold.n_words <= 5 &&
            (strstr(fold.text, "third angle") || strstr(fold.text, "first angle") ||
             strstr(fold.text, "3rd angle") || strstr(fold.text, "1st angle") ||
             strstr(fold.text, "第三角") || strstr(fold.text, "第一角")))
            keep(g, QR_TITLE_PROJECTION, p, 0.9f);
    }
}

void qr_title_guess(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                    const struct qr_sheet_rect *frame, struct qr_title_values *values)
{
    struct guessing g = {.view = view, .pieces = pieces, .n = n, .frame = frame, .values = values};
    struct qr_title_piece *p;

    for (size_t i = 0; i < n; i++)
        if (pieces[i].label < QR_TITLE_FIELDS)
            g.labelled[pieces[i].label] = true;
    float label_height = median_label(&g);
    find_projection(&g);
    guess_forms(&g);
    if (wants(&g, QR_TITLE_TITLE) && (p = largest(&g, QR_TITLE_TITLE)) &&
        p->height >= label_height * 1.15f)
        keep(&g, QR_TITLE_TITLE, p, 0.5f);
    if (wants(&g, QR_TITLE_COMPANY) && values->list[QR_TITLE_TITLE].set &&
        (p = largest(&g, QR_TITLE_TITLE)) && p->height >= 1.8f * title_height(&g) &&
        p->height >= 3 * label_height)
        keep(&g, QR_TITLE_COMPANY, p, 0.4f); /* a name set larger than the title */
    if (wants(&g, QR_TITLE_DRAWING_NUMBER) && (p = largest(&g, QR_TITLE_DRAWING_NUMBER)) &&
        p->height >= label_height * 1.05f)
        keep(&g, QR_TITLE_DRAWING_NUMBER, p, 0.45f);
}
