#include "worker/extract/drawing/title_assign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/utf8.h"
#include "worker/extract/drawing/title_values.h"

enum { PAIRS_MAX = 20000 };

struct pair {
    struct qr_title_piece *label, *value;
    enum qr_title_field field;
    float score;
    float gap; /* between them */
};

struct assigning {
    const struct qr_title_view *view;
    struct qr_title_piece *pieces;
    size_t n;
    struct pair *pairs;
    size_t n_pairs;
    struct qr_title_values *values;
};

static void keep_sheet(struct qr_title_values *values, const char *text, size_t len,
                       const struct qr_sheet_rect *box, float confidence, const char *origin);

static void copy_text(char out[QR_TITLE_TEXT_MAX + 1], const char *text, size_t len)
{
    len = qr_utf8_cut(text, len, QR_TITLE_TEXT_MAX);
    memcpy(out, text, len);
    out[len] = '\0';
}

void qr_title_keep(struct qr_title_values *values, enum qr_title_field field, const char *text,
                   size_t len, const struct qr_sheet_rect *box, float confidence,
                   const char *origin)
{
    struct qr_title_value *value = &values->list[field];

    text = qr_trim(text, &len);
    if (len == 0 || (value->set && value->confidence >= confidence))
        return;
    value->set = true;
    value->box = *box;
    value->confidence = fminf(confidence, 0.99f);
    value->origin = origin;
    size_t from, to;
    if (field == QR_TITLE_UNITS && qr_title_unit(text, len, &from, &to))
        copy_text(value->text, text + from, to - from);
    else if (field == QR_TITLE_SHEET)
        keep_sheet(values, text, len, box, confidence, origin);
    else
        copy_text(value->text, text, len);
}

static void keep_sheet(struct qr_title_values *values, const char *text, size_t len,
                       const struct qr_sheet_rect *box, float confidence, const char *origin)
{
    struct qr_title_value *value = &values->list[QR_TITLE_SHEET];
    unsigned sheet, count;
    char number[16];

    if (!qr_title_sheet(text, len, &sheet, &count)) {
        copy_text(value->text, text, len);
        return;
    }
    snprintf(value->text, sizeof value->text, "%u", sheet);
    if (count > 0) {
        int n = snprintf(number, sizeof number, "%u", count);
        qr_title_keep(values, QR_TITLE_SHEET_COUNT, number, (size_t)n, box, confidence, origin);
    }
}

static bool is_person(enum qr_title_field field)
{
    return field == QR_TITLE_DRAWN_BY || field == QR_TITLE_CHECKED_BY ||
           field == QR_TITLE_APPROVED_BY;
}

static enum qr_title_field date_of(enum qr_title_field person)
{
    return (enum qr_title_field)(person + 1);
}

static bool same_cell(const struct qr_title_piece *a, const struct qr_title_piece *b)
{
    return a->has_cell && b->has_cell && a->cell.x0 == b->cell.x0 && a->cell.y0 == b->cell.y0 &&
           a->cell.x1 == b->cell.x1 && a->cell.y1 == b->cell.y1;
}

/* The part of the shorter of two intervals that lies in the other. */
static float overlap(float a0, float a1, float b0, float b1)
{
    float common = fminf(a1, b1) - fmaxf(a0, b0);
    float shorter = fminf(a1 - a0, b1 - b0);

    return common > 0 && shorter > 0 ? common / shorter : 0;
}

static float x_overlap(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b)
{
    return overlap(a->x0, a->x1, b->x0, b->x1);
}

static float y_overlap(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b)
{
    return overlap(a->y0, a->y1, b->y0, b->y1);
}

static bool is_near(float a, float b, const struct assigning *as)
{
    return fabsf(a - b) <= as->view->grid.eps * 6;
}

/* Where the next label on the line of this one begins. */
static float row_end(const struct assigning *as, const struct qr_title_piece *label)
{
    float end = INFINITY;

    for (size_t i = 0; i < as->n; i++) {
        const struct qr_title_piece *p = &as->pieces[i];
        if (p->label != QR_TITLE_NONE && p != label && p->box.x0 >= label->box.x1 - p->height &&
            p->box.x0 < end && y_overlap(&p->box, &label->box) > 0.4f)
            end = p->box.x0;
    }
    return end;
}

/* In one cell: below or beside the label; above it only where a template puts labels last. */
static float score_in_cell(const struct qr_title_piece *label, const struct qr_title_piece *value,
                           float *gap)
{
    float h = label->height;
    float dx = fmaxf(0, value->box.x0 - label->box.x1);
    float dy = fmaxf(0, value->box.y0 - label->box.y1);
    bool above = value->box.y1 <= label->box.y0 + h * 0.4f;
    bool before = value->box.x1 <= label->box.x0 && y_overlap(&label->box, &value->box) > 0.5f;

    *gap = dx + dy;
    if (above || before)
        return 0.6f;
    return 0.96f - fminf(0.3f, 0.01f * *gap / h);
}

/* Cells of one column have the same sides, but for a little. */
static bool is_column(const struct assigning *as, const struct qr_sheet_rect *a,
                      const struct qr_sheet_rect *b)
{
    float slack = fmaxf(as->view->grid.eps * 6, 0.12f * (a->x1 - a->x0));

    return fabsf(a->x0 - b->x0) <= slack && fabsf(a->x1 - b->x1) <= slack;
}

static float score_next_cell(const struct assigning *as, const struct qr_title_piece *label,
                             const struct qr_title_piece *value, float *gap)
{
    const struct qr_sheet_rect *a = &label->cell, *b = &value->cell;

    *gap = fmaxf(0, value->box.x0 - label->box.x1) + fmaxf(0, value->box.y0 - label->box.y1);
    if (is_near(b->x0, a->x1, as) && y_overlap(a, b) > 0.6f &&
        y_overlap(&label->box, &value->box) > 0.3f)
        return 0.82f;
    if (is_near(b->y0, a->y1, as) && is_column(as, a, b))
        return 0.74f;
    if (is_near(b->y1, a->y0, as) && is_column(as, a, b))
        return 0.45f;
    return 0;
}

/* Without lines to tell. */
static float score_free(const struct qr_title_piece *label, const struct qr_title_piece *value,
                        float *gap)
{
    float h = label->height;
    float dx = value->box.x0 - label->box.x1;
    float dy = value->box.y0 - label->box.y1;

    if (dx >= -0.5f * h && y_overlap(&label->box, &value->box) > 0.5f) {
        *gap = fmaxf(0, dx);
        return dx <= 14 * h ? 0.86f - 0.012f * *gap / h : 0;
    }
    if (dy >= -0.6f * h && dy <= 2.2f * fmaxf(h, value->height) &&
        (fabsf(value->box.x0 - label->box.x0) <= 1.5f * h ||
         x_overlap(&label->box, &value->box) > 0.5f)) {
        *gap = fmaxf(0, dy);
        return 0.8f - 0.03f * *gap / h;
    }
    return 0;
}

/* The rest of the line behind "drawn": names and dates in the cells that follow. */
static float score_row(float end, const struct qr_title_piece *label,
                       const struct qr_title_piece *value, float *gap)
{
    float h = label->height;
    float dx = value->box.x0 - label->box.x1;

    if (dx < -h || dx > 45 * h || value->box.x0 >= end ||
        y_overlap(&label->box, &value->box) < 0.5f)
        return 0;
    *gap = fmaxf(0, dx);
    return 0.72f - 0.003f * *gap / h;
}

static float score_place(const struct assigning *as, const struct qr_title_piece *label,
                         const struct qr_title_piece *value, float end, float *gap)
{
    float score = 0;

    if (same_cell(label, value))
        return score_in_cell(label, value, gap);
    if (value->labelled_cell)
        return 0;
    if (label->has_cell && value->has_cell)
        score = score_next_cell(as, label, value, gap);
    else if (!label->has_cell || !value->has_cell)
        score = score_free(label, value, gap);
    if (score <= 0 && is_person(label->label))
        score = score_row(end, label, value, gap);
    return score;
}

static void add_pair(struct assigning *as, struct qr_title_piece *label,
                     struct qr_title_piece *value, enum qr_title_field field, float place,
                     float gap)
{
    /* a label whose value has no field takes what stands beside it, whatever it is */
    float fit = field < QR_TITLE_FIELDS ? qr_title_value_fit(field, value->text, value->len) : 0.7f;

    if (fit <= 0.05f || place <= 0 || as->n_pairs == PAIRS_MAX)
        return;
    float score = place * (0.5f + 0.5f * fit);
    if (field == QR_TITLE_TITLE || field == QR_TITLE_DRAWING_NUMBER)
        score += 0.02f * fminf(3, value->height / label->height); /* the large text of a cell */
    as->pairs[as->n_pairs++] = (struct pair){label, value, field, score, gap};
}

static void pair_label(struct assigning *as, struct qr_title_piece *label)
{
    bool own = false; /* its cell has a text that fits */
    bool person = is_person(label->label);
    float end = person ? row_end(as, label) : 0;

    for (size_t i = 0; i < as->n && !own; i++) {
        const struct qr_title_piece *p = &as->pieces[i];
        own = p->label == QR_TITLE_NONE && !p->taken && same_cell(label, p) &&
              qr_title_value_fit(label->label, p->text, p->len) > 0.2f;
    }
    for (size_t i = 0; i < as->n; i++) {
        struct qr_title_piece *value = &as->pieces[i];
        float gap = 0;
        if (value->label != QR_TITLE_NONE || value->taken)
            continue;
        if (own && !person && !same_cell(label, value))
            continue;
        float place = score_place(as, label, value, end, &gap);
        if (place <= 0)
            continue;
        if (person && qr_title_is_date(value->text, value->len))
            add_pair(as, label, value, date_of(label->label), place, gap);
        else
            add_pair(as, label, value, label->label, place, gap);
    }
}

static int by_score(const void *a, const void *b)
{
    const struct pair *l = a, *r = b;

    if (l->score != r->score)
        return l->score < r->score ? 1 : -1;
    if (l->gap != r->gap)
        return l->gap < r->gap ? -1 : 1;
    return l->value < r->value ? -1 : l->value > r->value;
}

static bool has_lines(enum qr_title_field field)
{
    return field == QR_TITLE_TITLE || field == QR_TITLE_MATERIAL || field == QR_TITLE_COMPANY ||
           field == QR_TITLE_FINISH || field == QR_TITLE_PROJECT ||
           field == QR_TITLE_GENERAL_TOLERANCE || field == QR_TITLE_SUBTITLE;
}

/* The next line of the same value. */
static struct qr_title_piece *next_line(const struct assigning *as,
                                        const struct qr_title_piece *last)
{
    for (size_t i = 0; i < as->n; i++) {
        struct qr_title_piece *p = &as->pieces[i];
        float dy = p->box.y0 - last->box.y1;
        if (p->label == QR_TITLE_NONE && !p->taken && same_cell(last, p) &&
            fabsf(p->height - last->height) <= 0.2f * last->height && dy > -0.6f * p->height &&
            dy < 0.9f * p->height && p->box.y0 > last->box.y0 + 0.5f * p->height &&
            x_overlap(&p->box, &last->box) > 0.3f)
            return p;
    }
    return NULL;
}

/* The next word of the same line: letters set wide stand in texts of their own. */
static struct qr_title_piece *next_word(const struct assigning *as,
                                        const struct qr_title_piece *last)
{
    for (size_t i = 0; i < as->n; i++) {
        struct qr_title_piece *p = &as->pieces[i];
        float dx = p->box.x0 - last->box.x1;
        if (p->label == QR_TITLE_NONE && !p->taken && same_cell(last, p) &&
            fabsf(p->height - last->height) <= 0.1f * last->height && dx > -0.2f * p->height &&
            dx < 1.8f * p->height && y_overlap(&p->box, &last->box) > 0.7f &&
            !qr_title_is_date(p->text, p->len))
            return p;
    }
    return NULL;
}

/* A value while its words and lines are put together. */
struct joining {
    char text[QR_TITLE_TEXT_MAX + 1];
    size_t used;
    struct qr_sheet_rect box;
};

static void join(struct joining *j, struct qr_title_piece *piece)
{
    size_t len = qr_utf8_cut(piece->text, piece->len, QR_TITLE_TEXT_MAX);

    piece->taken = true;
    if (j->used + len + 1 > QR_TITLE_TEXT_MAX)
        return;
    if (j->used > 0)
        j->text[j->used++] = ' ';
    else
        j->box = piece->box;
    memcpy(j->text + j->used, piece->text, len);
    j->used += len;
    j->box.x0 = fminf(j->box.x0, piece->box.x0);
    j->box.x1 = fmaxf(j->box.x1, piece->box.x1);
    j->box.y1 = fmaxf(j->box.y1, piece->box.y1);
}

static void keep_lines(struct assigning *as, enum qr_title_field field,
                       struct qr_title_piece *first, float score)
{
    struct joining j = {.used = 0};
    struct qr_title_piece *line = first;
    bool words = !qr_title_value_is_strict(field) && field != QR_TITLE_REVISION;

    for (int lines = 0; line && lines < 4; lines++) {
        struct qr_title_piece *word = line;
        for (int n = 0; word && n < 12; n++) {
            join(&j, word);
            word = words ? next_word(as, word) : NULL;
        }
        line = has_lines(field) ? next_line(as, line) : NULL;
    }
    j.box = qr_title_turned_back(as->view->quarter, &j.box);
    qr_title_keep(as->values, field, j.text, j.used, &j.box, score, "label");
}

/* "Title: Bracket": the value stands in the label's own text. */
static void assign_chained(struct assigning *as)
{
    for (size_t i = 0; i + 1 < as->n; i++) {
        struct qr_title_piece *label = &as->pieces[i], *value = &as->pieces[i + 1];
        enum qr_title_field field = label->label;
        if (field == QR_TITLE_NONE || !value->of_before || value->span != label->span)
            continue;
        value->taken = true; /* nobody else's, whether it fits or not */
        if (field >= QR_TITLE_FIELDS)
            continue;
        float fit = qr_title_value_fit(field, value->text, value->len);
        if (is_person(field) && qr_title_is_date(value->text, value->len)) {
            field = date_of(field);
            fit = 1;
        }
        if (fit > 0.05f && !as->values->list[field].set)
            keep_lines(as, field, value, 0.5f + 0.47f * fit);
    }
}

/* "SHEET" with "1", "OF" and "4" as texts of their own. */
static void assign_sheet_parts(struct assigning *as, const struct qr_title_piece *label)
{
    struct qr_title_piece *parts[6];
    char text[64];
    size_t n = 0, used = 0;
    unsigned sheet, count;

    for (size_t i = 0; i < as->n && n < 6; i++) {
        struct qr_title_piece *p = &as->pieces[i];
        if (p->label == QR_TITLE_NONE && !p->taken && same_cell(label, p))
            parts[n++] = p;
    }
    for (size_t i = 1; i < n; i++) /* by x: at most six */
        for (size_t k = i; k > 0 && parts[k]->box.x0 < parts[k - 1]->box.x0; k--) {
            struct qr_title_piece *p = parts[k];
            parts[k] = parts[k - 1];
            parts[k - 1] = p;
        }
    if (n < 2)
        return;
    struct qr_sheet_rect box = parts[0]->box;
    for (size_t i = 0; i < n; i++) {
        if (used + parts[i]->len + 2 > sizeof text || y_overlap(&parts[i]->box, &box) < 0.5f)
            return;
        memcpy(text + used, parts[i]->text, parts[i]->len);
        used += parts[i]->len;
        text[used++] = ' ';
        box.x1 = fmaxf(box.x1, parts[i]->box.x1);
    }
    if (!qr_title_sheet(text, used - 1, &sheet, &count))
        return;
    for (size_t i = 0; i < n; i++)
        parts[i]->taken = true;
    box = qr_title_turned_back(as->view->quarter, &box);
    qr_title_keep(as->values, QR_TITLE_SHEET, text, used - 1, &box, 0.93f, "label");
}

/* "Date" over a column beside "Name", with "Drawn" to the left: no field of its own. */
static void mark_columns(struct qr_title_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].label != QR_TITLE_NAME_COLUMN)
            continue;
        float h = pieces[i].height;
        bool rows = false;
        for (size_t k = 0; k < n && !rows; k++)
            rows = is_person(pieces[k].label) &&
                   fabsf(pieces[k].box.y0 - pieces[i].box.y0) < 14 * h &&
                   y_overlap(&pieces[k].box, &pieces[i].box) < 0.3f;
        for (size_t k = 0; k < n && rows; k++)
            if (pieces[k].label == QR_TITLE_DATE && !(k + 1 < n && pieces[k + 1].of_before) &&
                y_overlap(&pieces[k].box, &pieces[i].box) > 0.4f)
                pieces[k].label = QR_TITLE_NAME_COLUMN;
    }
}

void qr_title_assign(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                     struct qr_title_values *values)
{
    struct assigning as = {.view = view, .pieces = pieces, .n = n, .values = values};

    as.pairs = malloc(PAIRS_MAX * sizeof *as.pairs);
    if (!as.pairs)
        return;
    mark_columns(pieces, n);
    assign_chained(&as);
    for (size_t i = 0; i < n; i++)
        if (pieces[i].label == QR_TITLE_SHEET && !(i + 1 < n && pieces[i + 1].of_before))
            assign_sheet_parts(&as, &pieces[i]);
    for (size_t i = 0; i < n; i++) {
        bool chained = i + 1 < n && pieces[i + 1].of_before;
        if (pieces[i].label != QR_TITLE_NONE && pieces[i].label <= QR_TITLE_OTHER &&
            (!chained || is_person(pieces[i].label)))
            pair_label(&as, &pieces[i]);
    }
    qsort(as.pairs, as.n_pairs, sizeof *as.pairs, by_score);
    for (size_t i = 0; i < as.n_pairs; i++) {
        struct pair *pair = &as.pairs[i];
        if (pair->value->taken)
            continue;
        if (pair->field == QR_TITLE_OTHER && !pair->label->taken)
            pair->value->taken = pair->label->taken = true;
        else if (pair->field < QR_TITLE_FIELDS && !values->list[pair->field].set)
            keep_lines(&as, pair->field, pair->value, pair->score);
    }
    free(as.pairs);
}
