#include "worker/extract/drawing/title_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/parts.h"
#include "worker/extract/drawing/title_assign.h"
#include "worker/extract/drawing/title_clusters.h"
#include "worker/extract/drawing/title_guess.h"
#include "worker/extract/drawing/title_paragraph.h"
#include "worker/extract/drawing/title_values.h"

enum { REPEATS_MAX = 4 };

/* Tags that come often are those of parts or symbols, not of the one title block. */
struct tagged {
    const struct qr_sheet_span *span;
    unsigned times;
};

static void collect_tags(const struct qr_sheet *sheet, struct tagged tagged[QR_TITLE_FIELDS])
{
    memset(tagged, 0, QR_TITLE_FIELDS * sizeof *tagged);
    for (size_t i = 0; i < sheet->n_spans; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        if (span->source != QR_SPAN_ATTRIBUTE || !span->tag)
            continue;
        enum qr_title_field field = qr_title_tag(span->tag);
        size_t len = span->len;
        const char *text = qr_trim(span->text, &len);
        struct qr_letters count;
        qr_letters_count(text, len, &count);
        if (field == QR_TITLE_NONE || field >= QR_TITLE_FIELDS || count.letters + count.digits == 0)
            continue;
        tagged[field].times++;
        if (!tagged[field].span)
            tagged[field].span = span;
    }
}

static void from_attributes(const struct qr_sheet *sheet, struct qr_title_values *values)
{
    struct tagged tagged[QR_TITLE_FIELDS];
    size_t n = 0, certain = 0;

    collect_tags(sheet, tagged);
    for (enum qr_title_field field = 0; field < QR_TITLE_FIELDS; field++) {
        if (tagged[field].times == 0 || tagged[field].times > REPEATS_MAX)
            continue;
        n++;
        certain += field == QR_TITLE_TITLE || qr_title_field_weight(field) == 2;
    }
    if (n < 2 || certain == 0)
        return;
    for (enum qr_title_field field = 0; field < QR_TITLE_FIELDS; field++) {
        const struct qr_sheet_span *span = tagged[field].span;
        if (!span || tagged[field].times > REPEATS_MAX)
            continue;
        float fit = qr_title_value_fit(field, span->text, span->len);
        /* a person's tag may hold the date, as in templates that have one attribute for both */
        if (fit <= 0.05f &&
            (field == QR_TITLE_DRAWN_BY || field == QR_TITLE_CHECKED_BY ||
             field == QR_TITLE_APPROVED_BY) &&
            qr_title_is_date(span->text, span->len))
            qr_title_keep(values, field + 1, span->text, span->len, &span->box, 0.8f, "attribute");
        else
            qr_title_keep(values, field, span->text, span->len, &span->box,
                          fit > 0.05f ? 0.9f + 0.09f * fit : 0.7f, "attribute");
    }
}

/* The labels with the cells they stand in, and a margin for values beside the outermost. */
static struct qr_sheet_rect block_box(const struct qr_title_view *view,
                                      const struct qr_title_cluster *cluster)
{
    struct qr_sheet_rect box = cluster->box;
    float h = cluster->label_height;

    box.x0 = fmaxf(view->area.x0, box.x0 - 20 * h);
    box.y0 = fmaxf(view->area.y0, box.y0 - 10 * h);
    box.x1 = fminf(view->area.x1, box.x1 + 40 * h);
    box.y1 = fminf(view->area.y1, box.y1 + 12 * h);
    return box;
}

static void grow(struct qr_sheet_rect *box, const struct qr_sheet_rect *by)
{
    box->x0 = fminf(box->x0, by->x0);
    box->y0 = fminf(box->y0, by->y0);
    box->x1 = fmaxf(box->x1, by->x1);
    box->y1 = fmaxf(box->y1, by->y1);
}

static bool touches(const struct qr_sheet_rect *a, const struct qr_sheet_rect *b, float eps)
{
    return a->x0 <= b->x1 + eps && b->x0 <= a->x1 + eps && a->y0 <= b->y1 + eps &&
           b->y0 <= a->y1 + eps;
}

/* What the title block covers for sure: its labels and their cells. */
static struct qr_sheet_rect sure_of(const struct qr_title_cluster *cluster,
                                    const struct qr_title_piece *pieces, size_t n)
{
    struct qr_sheet_rect sure = cluster->box;

    for (size_t i = 0; i < n; i++) {
        const struct qr_title_piece *p = &pieces[i];
        if (p->label != QR_TITLE_NONE && touches(&p->box, &cluster->box, 0))
            grow(&sure, p->has_cell ? &p->cell : &p->box);
    }
    return sure;
}

/* The cells that join on to the right and below, over an empty one, too; above only those no wider
 * than the block: views are there and to the left, and their lines may look like cells. */
static struct qr_sheet_rect frame_of(const struct qr_title_view *view,
                                     const struct qr_title_cluster *cluster,
                                     const struct qr_sheet_rect *sure,
                                     const struct qr_title_piece *pieces, size_t n)
{
    struct qr_sheet_rect frame = *sure;
    float eps = view->grid.eps * 4;

    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < n; i++) {
            const struct qr_sheet_rect *cell = &pieces[i].cell;
            if (!pieces[i].has_cell || cell->x0 < sure->x0 - eps)
                continue;
            if (cell->y0 >= sure->y0 - eps
                    ? touches(cell, &frame, 2.5f * cluster->label_height)
                    : cell->x1 <= sure->x1 + eps && touches(cell, &frame, eps))
                grow(&frame, cell);
        }
    return frame;
}

static void from_labels(const struct qr_sheet *sheet, const struct qr_grid *grid,
                        const struct qr_title_cluster *cluster, struct qr_regions *regions,
                        struct qr_title_values *values)
{
    struct qr_title_piece *pieces = malloc(QR_TITLE_PIECES_MAX * sizeof *pieces);
    struct qr_title_view view;

    if (pieces && qr_title_view_init(&view, sheet, grid, cluster->quarter)) {
        struct qr_sheet_rect box = block_box(&view, cluster);
        size_t n = qr_title_pieces(&view, regions, &box, pieces);
        struct qr_sheet_rect sure = sure_of(cluster, pieces, n);
        struct qr_sheet_rect frame = frame_of(&view, cluster, &sure, pieces, n);
        qr_title_assign(&view, pieces, n, values);
        qr_title_paragraph(&view, pieces, n, &cluster->box, values);
        qr_title_guess(&view, pieces, n, &frame, values);
        sure = qr_title_turned_back(cluster->quarter, &sure);
        qr_regions_add(regions, QR_REGION_TITLE, &sure);
        qr_title_view_done(&view);
    }
    free(pieces);
}

static bool is_known(const struct qr_record *rec, const char *key, const char *value)
{
    const Quarry__V1__ExtractionRecord *msg = rec->msg;

    /* the title blocks of earlier sheets: as many as anyone will want to see at once */
    size_t n = msg->n_title_block < 4096 ? msg->n_title_block : 4096;
    for (size_t i = 0; i < n; i++)
        if (strcmp(msg->title_block[i]->key, key) == 0 &&
            strcmp(msg->title_block[i]->value, value) == 0)
            return true;
    return false;
}

static void emit(const struct qr_sheet *sheet, const struct qr_title_values *values,
                 struct qr_record *rec)
{
    for (enum qr_title_field field = 0; field < QR_TITLE_FIELDS; field++) {
        const struct qr_title_value *value = &values->list[field];
        const char *key = qr_title_field_name(field);
        if (!value->set || is_known(rec, key, value->text))
            continue;
        Quarry__V1__MetadataItem *item = qr_record_add_title_field(rec);
        if (!item)
            return;
        item->key = qr_record_text(rec, key);
        item->value = qr_record_text(rec, value->text);
        item->origin = qr_record_text(rec, value->origin);
        item->confidence = (double)value->confidence;
        item->place = qr_sheet_place(sheet, rec, &value->box);
    }
}

void qr_title_block_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                         struct qr_regions *regions, struct qr_record *rec)
{
    struct qr_title_cluster clusters[QR_TITLE_CLUSTERS_MAX];
    struct qr_title_values *values = calloc(1, sizeof *values);

    if (!values)
        return;
    from_attributes(sheet, values);
    size_t n = qr_title_clusters(sheet, regions, clusters);
    for (size_t i = 0; i < n; i++)
        from_labels(sheet, grid, &clusters[i], regions, values);
    emit(sheet, values, rec);
    free(values);
}
