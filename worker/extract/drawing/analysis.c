#include "worker/extract/drawing/analysis.h"

#include "common/record/parts.h"
#include "worker/extract/drawing/bom.h"
#include "worker/extract/drawing/dimensions.h"
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/materials.h"
#include "worker/extract/drawing/notes.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/revisions.h"
#include "worker/extract/drawing/standards.h"
#include "worker/extract/drawing/title_block.h"

void qr_drawing_analyse(struct qr_sheet *sheet, struct qr_record *rec)
{
    struct qr_grid grid;
    struct qr_regions regions = {.n = 0};
    const struct qr_materials_before before = {rec->msg->n_title_block, rec->msg->n_bom};

    if (!qr_grid_init(&grid, sheet))
        rec->failed = true;
    if (sheet->dropped > 0)
        qr_record_partial(rec, "drawing.capped", "%zu texts and lines of page %u were left out",
                          sheet->dropped, sheet->page);
    /* tables first, then what has labels: numbers that are left may be dimensions */
    qr_bom_find(sheet, &grid, &regions, rec);
    qr_revisions_find(sheet, &grid, &regions, rec);
    qr_title_block_find(sheet, &grid, &regions, rec);
    qr_notes_find(sheet, &regions, rec);
    qr_standards_find(sheet, rec);
    qr_materials_find(sheet, &regions, &before, rec);
    qr_dimensions_find(sheet, &grid, &regions, rec);
    qr_grid_done(&grid);
}

static const char *source_name(enum qr_span_source source)
{
    static const char *const names[] = {
        [QR_SPAN_TEXT] = "text",   [QR_SPAN_ANNOTATION] = "annotation",
        [QR_SPAN_OCR] = "ocr",     [QR_SPAN_ATTRIBUTE] = "attribute",
        [QR_SPAN_BLOCK] = "block", [QR_SPAN_DIMENSION] = "dimension",
        [QR_SPAN_TABLE] = "table",
    };
    return names[source];
}

void qr_drawing_keep_spans(const struct qr_sheet *sheet, struct qr_record *rec)
{
    char *layout = sheet->layout ? qr_record_text(rec, sheet->layout) : NULL;

    for (size_t i = 0; i < sheet->n_spans; i++) {
        const struct qr_sheet_span *from = &sheet->spans[i];
        Quarry__V1__Span *span = qr_record_add_span(rec);
        double box[4];
        if (!span)
            return;
        qr_sheet_box(sheet, &from->box, box);
        span->text = qr_record_string(rec, from->text, from->len);
        span->page = sheet->page;
        if (layout)
            span->layout = layout;
        span->box = qr_record_box(rec, box);
        span->angle = (double)from->angle;
        span->height = (double)from->height;
        if (from->font)
            span->font = qr_record_text(rec, from->font);
        span->source = qr_record_text(rec, source_name(from->source));
        span->confidence = from->source == QR_SPAN_OCR ? (double)from->confidence : 0;
    }
}
