#include "worker/extract/drawing/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/parts.h"

void qr_sheet_reset(struct qr_sheet *sheet)
{
    struct qr_sheet kept = *sheet;

    memset(sheet, 0, sizeof *sheet);
    sheet->spans = kept.spans;
    sheet->cap_spans = kept.cap_spans;
    sheet->rules = kept.rules;
    sheet->cap_rules = kept.cap_rules;
    sheet->shapes = kept.shapes;
    sheet->cap_shapes = kept.cap_shapes;
}

void qr_sheet_done(struct qr_sheet *sheet)
{
    free(sheet->spans);
    free(sheet->rules);
    free(sheet->shapes);
    memset(sheet, 0, sizeof *sheet);
}

/* One more entry of `size` bytes at *list; NULL at the cap or without memory. */
static void *append(void *list_slot, size_t *n, size_t *cap, size_t max, size_t size)
{
    char *list;

    memcpy(&list, list_slot, sizeof list);
    if (*n >= max)
        return NULL;
    if (*n == *cap) {
        size_t bigger_cap = *cap ? *cap * 2 : 256;
        char *bigger = realloc(list, bigger_cap * size);
        if (!bigger)
            return NULL;
        list = bigger;
        *cap = bigger_cap;
        memcpy(list_slot, &list, sizeof list);
    }
    return memset(list + (*n)++ * size, 0, size);
}

struct qr_sheet_span *qr_sheet_add_span(struct qr_sheet *sheet)
{
    struct qr_sheet_span *span =
        append(&sheet->spans, &sheet->n_spans, &sheet->cap_spans, QR_SHEET_SPANS_MAX, sizeof *span);

    if (span)
        span->confidence = 1;
    else
        sheet->dropped++;
    return span;
}

void qr_sheet_add_rule(struct qr_sheet *sheet, float x0, float y0, float x1, float y1)
{
    struct qr_sheet_rule *rule =
        append(&sheet->rules, &sheet->n_rules, &sheet->cap_rules, QR_SHEET_RULES_MAX, sizeof *rule);

    if (rule)
        *rule = (struct qr_sheet_rule){x0 < x1 ? x0 : x1, y0 < y1 ? y0 : y1, x0 < x1 ? x1 : x0,
                                       y0 < y1 ? y1 : y0};
    else
        sheet->dropped++;
}

struct qr_sheet_shape *qr_sheet_add_shape(struct qr_sheet *sheet)
{
    return append(&sheet->shapes, &sheet->n_shapes, &sheet->cap_shapes, QR_SHEET_SHAPES_MAX,
                  sizeof(struct qr_sheet_shape));
}

void qr_sheet_box(const struct qr_sheet *sheet, const struct qr_sheet_rect *rect, double ret[4])
{
    ret[0] = rect->x0;
    ret[1] = sheet->y_up ? -rect->y1 : rect->y0;
    ret[2] = rect->x1;
    ret[3] = sheet->y_up ? -rect->y0 : rect->y1;
    for (int i = 0; i < 4 && !sheet->y_up; i++)
        ret[i] = round(ret[i] * 1000) / 1000; /* floats show more digits than they know */
}

Quarry__V1__Place *qr_sheet_place(const struct qr_sheet *sheet, struct qr_record *rec,
                                  const struct qr_sheet_rect *rect)
{
    double box[4];

    qr_sheet_box(sheet, rect, box);
    return qr_record_place(rec, sheet->page, sheet->layout, box);
}
