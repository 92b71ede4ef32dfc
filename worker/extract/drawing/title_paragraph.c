#include "worker/extract/drawing/title_paragraph.h"

#include <math.h>
#include <string.h>

#include "worker/extract/drawing/material_text.h"
#include "worker/extract/drawing/title_values.h"

enum { LINES_MAX = 16 };

struct paragraph {
    const struct qr_title_view *view;
    struct qr_title_values *values;
    struct qr_title_piece *lines[LINES_MAX]; /* first piece of each, from top to bottom */
    size_t n;
    size_t first_label, last_label;
};

static bool in_paragraph(const struct qr_title_piece *p, const struct qr_sheet_rect *block,
                         float height)
{
    return !p->has_cell && fabsf(p->height - height) <= 0.3f * height && p->box.x0 < block->x1 &&
           p->box.x1 > block->x0 && p->box.y0 > block->y0 - 6 * height &&
           p->box.y1 < block->y1 + 5 * height;
}

/* Texts of one line share a span or stand on one height; its first piece stands for it. */
static void add_line(struct paragraph *g, struct qr_title_piece *p)
{
    size_t i = g->n;

    for (size_t k = 0; k < g->n; k++)
        if (fabsf(g->lines[k]->box.y0 - p->box.y0) < 0.4f * p->height) {
            if (p->box.x0 < g->lines[k]->box.x0)
                g->lines[k] = p;
            return;
        }
    if (g->n == LINES_MAX)
        return;
    for (; i > 0 && g->lines[i - 1]->box.y0 > p->box.y0; i--)
        g->lines[i] = g->lines[i - 1];
    g->lines[i] = p;
    g->n++;
}

static bool follows(const struct qr_title_piece *above, const struct qr_title_piece *below)
{
    float gap = below->box.y0 - above->box.y1;
    float h = fmaxf(above->height, below->height);

    return gap > -0.6f * h && gap < 0.8f * h;
}

static bool has_label(const struct qr_title_piece *pieces, size_t n,
                      const struct qr_sheet_span *span)
{
    for (size_t i = 0; i < n; i++)
        if (pieces[i].span == span && pieces[i].label != QR_TITLE_NONE &&
            pieces[i].label < QR_TITLE_FIELDS)
            return true;
    return false;
}

static bool is_address(const struct qr_title_piece *p)
{
    struct qr_fold fold;

    qr_fold(p->text, p->len, &fold);
    return strncmp(fold.text, "http", 4) == 0 || strncmp(fold.text, "www", 3) == 0 ||
           memchr(p->text, '@', p->len) != NULL;
}

static void keep(struct paragraph *g, enum qr_title_field field, struct qr_title_piece *p,
                 const char *text, size_t len, float confidence)
{
    struct qr_sheet_rect box = qr_title_turned_back(g->view->quarter, &p->box);

    if (g->values->list[field].set || qr_title_value_fit(field, text, len) < 0.5f)
        return;
    p->taken = true;
    qr_title_keep(g->values, field, text, len, &box, confidence, "position");
}

/* A date behind " - ", " / " or a comma; returns what stands before it. */
static size_t part_date(struct paragraph *g, struct qr_title_piece *p, const char *text, size_t len)
{
    for (size_t i = len; i > 1; i--) {
        size_t rest = len - i;
        if (text[i - 1] != ' ' || rest < 6)
            continue;
        if (!qr_title_is_date(text + i, rest))
            return len;
        size_t before = i - 1;
        while (before > 0 && strchr(" -/,|", text[before - 1]))
            before--;
        keep(g, QR_TITLE_DATE, p, text + i, rest, 0.6f);
        return before;
    }
    if (qr_title_is_date(text, len)) {
        keep(g, QR_TITLE_DATE, p, text, len, 0.6f);
        return 0;
    }
    return len;
}

static void read_line(struct paragraph *g, size_t i, bool labelled)
{
    struct qr_title_piece *p = g->lines[i];
    struct qr_material_match match;
    const char *text = p->span->text;
    size_t len = p->span->len;

    text = qr_trim(text, &len);
    if (is_address(p))
        return;
    bool taken = p->taken;
    len = part_date(g, p, text, len);
    if (labelled || taken || len == 0)
        return;
    if (qr_material_is_all(text, len, &match))
        keep(g, QR_TITLE_MATERIAL, p, text, len, 0.6f);
    else if (i < g->first_label && (i == 0 || !follows(g->lines[i - 1], p)))
        keep(g, QR_TITLE_TITLE, p, text, len, 0.5f);
    else if (i > g->last_label && i + 1 < g->n && is_address(g->lines[i + 1]))
        keep(g, QR_TITLE_COMPANY, p, text, len, 0.45f);
}

void qr_title_paragraph(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                        const struct qr_sheet_rect *block, struct qr_title_values *values)
{
    struct paragraph g = {.view = view, .values = values, .first_label = LINES_MAX};
    float height = 0;

    for (size_t i = 0; i < n; i++)
        if (pieces[i].label != QR_TITLE_NONE && pieces[i].box.y0 >= block->y0 &&
            pieces[i].box.y1 <= block->y1) {
            if (pieces[i].has_cell)
                return; /* it has cells: no paragraph */
            height = fmaxf(height, pieces[i].height);
        }
    for (size_t i = 0; i < n; i++)
        if (height > 0 && in_paragraph(&pieces[i], block, height))
            add_line(&g, &pieces[i]);
    bool labelled[LINES_MAX];
    for (size_t i = 0; i < g.n; i++) {
        labelled[i] = has_label(pieces, n, g.lines[i]->span);
        if (labelled[i] && g.first_label == LINES_MAX)
            g.first_label = i;
        if (labelled[i])
            g.last_label = i;
    }
    if (g.first_label == LINES_MAX)
        return;
    size_t top = g.first_label, bottom = g.last_label;
    while (top > 0 && follows(g.lines[top - 1], g.lines[top]))
        top--;
    while (bottom + 1 < g.n && follows(g.lines[bottom], g.lines[bottom + 1]))
        bottom++;
    memmove(g.lines, g.lines + top, (bottom + 1 - top) * sizeof *g.lines);
    memmove(labelled, labelled + top, (bottom + 1 - top) * sizeof *labelled);
    g.n = bottom + 1 - top;
    g.first_label -= top;
    g.last_label -= top;
    for (size_t i = 0; i < g.n; i++)
        read_line(&g, i, labelled[i]);
}
