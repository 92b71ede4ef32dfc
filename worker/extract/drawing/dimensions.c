#include "worker/extract/drawing/dimensions.h"

#include <stdlib.h>
#include <string.h>

#include "common/record/parts.h"
#include "worker/extract/drawing/dimension_context.h"
#include "worker/extract/drawing/gdt.h"
#include "worker/extract/drawing/signs.h"
#include "worker/extract/drawing/table.h"

static char *source_of(const struct qr_sheet_span *span, struct qr_record *rec)
{
    return qr_record_text(rec, span->source == QR_SPAN_OCR          ? "ocr"
                               : span->source == QR_SPAN_ANNOTATION ? "annotation"
                                                                    : "text");
}

static double confidence_of(const struct qr_dimension_group *group,
                            const struct qr_dimension_setting *setting)
{
    bool placed = setting->line || setting->tilted || setting->framed;

    switch (group->read.evidence) {
    case QR_DIMENSION_SURE:
        return placed ? 0.95 : 0.9;
    case QR_DIMENSION_PLAIN:
        return placed ? 0.9 : 0.75;
    default:
        return 0.65;
    }
}

/* In the record a counterbore is a diameter, with its sign in the prefix. */
static const char *kind_of(const struct qr_dimension_text *read)
{
    if (strncmp(read->kind, "counter", 7) == 0)
        return "diameter";
    return strcmp(read->kind, "square") == 0 ? "linear" : read->kind;
}

/* Where the sheet's other numbers have points, "1,250" has a thousands' comma. */
static bool has_points(const struct qr_dimension_groups *groups)
{
    size_t points = 0, commas = 0;

    for (size_t i = 0; i < groups->n; i++) {
        const char *text = groups->list[i].text;
        if (groups->list[i].read.thousands)
            continue;
        points += strchr(text, '.') != NULL;
        commas += strchr(text, ',') != NULL;
    }
    return points > commas;
}

static void emit(const struct qr_dimension_context *context, const struct qr_dimension_group *group,
                 const struct qr_dimension_setting *setting, bool points, struct qr_record *rec)
{
    const struct qr_sheet *sheet = context->sheet;
    const struct qr_sheet_span *span = &sheet->spans[context->pieces->list[group->members[0]].span];
    const struct qr_dimension_text *read = &group->read;
    Quarry__V1__Dimension *d = qr_record_add_dimension(rec);
    double box[4];

    if (!d)
        return;
    d->kind = qr_record_text(rec, kind_of(read));
    d->has_value = true;
    d->value = read->thousands && points ? read->value * 1000 : read->value;
    d->text = qr_record_string(rec, group->text, group->len);
    d->unit = qr_record_text(rec, read->unit[0] ? read->unit : sheet->unit ? sheet->unit : "");
    d->has_tolerance = read->has_tolerance;
    d->upper = read->upper;
    d->lower = read->lower;
    d->fit = qr_record_text(rec, read->fit);
    d->quantity = read->quantity;
    d->prefix = qr_record_text(rec, read->prefix);
    d->suffix = qr_record_text(rec, read->suffix);
    d->reference = read->reference;
    d->basic = read->basic || (setting->framed && !read->has_tolerance);
    d->has_secondary = read->has_secondary;
    d->secondary_value = read->secondary;
    d->source = source_of(span, rec);
    d->confidence = confidence_of(group, setting) *
                    (span->source == QR_SPAN_OCR ? (double)span->confidence : 1);
    d->page = sheet->page;
    if (sheet->layout)
        d->layout = qr_record_text(rec, sheet->layout);
    if (span->handle)
        d->handle = qr_record_text(rec, span->handle);
    qr_sheet_box(sheet, &setting->box, box);
    d->box = qr_record_box(rec, box);
    d->angle = (double)span->angle;
}

/* A hole and its counterbore stand in two lines; how many there are is said once. */
static void share_quantities(struct qr_dimension_context *context,
                             const struct qr_dimension_setting *settings)
{
    struct qr_dimension_groups *groups = context->groups;

    for (size_t i = 0; i + 1 < groups->n; i++) {
        struct qr_dimension_group *upper = &groups->list[i];
        size_t last = i + 8 < groups->n ? i + 8 : groups->n - 1;
        if (upper->read.quantity || strcmp(upper->read.kind, "diameter") != 0)
            continue;
        for (size_t j = i + 1; j <= last; j++) {
            const struct qr_dimension_group *lower = &groups->list[j];
            float gap = settings[j].box.y0 - settings[i].box.y1;
            if (strncmp(lower->read.kind, "counter", 7) == 0 && gap > -0.3f * settings[i].height &&
                gap < 0.8f * settings[i].height && settings[j].box.x0 < settings[i].box.x1 &&
                settings[j].box.x1 > settings[i].box.x0)
                upper->read.quantity = lower->read.quantity;
        }
    }
}

static void find(struct qr_dimension_context *context, struct qr_record *rec)
{
    const struct qr_dimension_groups *groups = context->groups;
    struct qr_dimension_setting *settings = calloc(groups->n + 1, sizeof *settings);
    bool points = has_points(groups);

    if (!settings) {
        rec->failed = true;
        return;
    }
    qr_dimension_context_look(context, settings);
    share_quantities(context, settings);
    qr_dimension_context_decide(context, settings);
    for (size_t i = 0; i < groups->n; i++)
        if (settings[i].accepted)
            emit(context, &groups->list[i], &settings[i], points, rec);
    if (groups->capped)
        qr_record_partial(rec, "drawing.capped", "page %u has more than %d dimensions",
                          context->sheet->page, (int)QR_DIMENSION_GROUPS_MAX);
    free(settings);
}

/* Spans that are in the record already, or are no text of the drawing's own. */
static void take_others(const struct qr_sheet *sheet, uint8_t *taken)
{
    for (size_t i = 0; i < sheet->n_spans; i++)
        taken[i] = sheet->spans[i].source != QR_SPAN_TEXT &&
                   sheet->spans[i].source != QR_SPAN_ANNOTATION &&
                   sheet->spans[i].source != QR_SPAN_OCR;
}

static void find_all(const struct qr_sheet *sheet, const struct qr_grid *grid,
                     const struct qr_regions *regions, struct qr_record *rec)
{
    uint8_t *taken = calloc(sheet->n_spans + 1, 1);
    struct qr_pieces pieces = {0};
    struct qr_dimension_groups groups = {0};
    struct qr_dimension_context context = {sheet, grid, regions, &pieces, taken, &groups};

    if (!taken || !qr_pieces_init(&pieces, sheet)) {
        rec->failed = true;
    } else {
        take_others(sheet, taken);
        if (!sheet->dimensions_known)
            qr_gdt_find(sheet, grid, &pieces, taken, rec);
        qr_table_mark_cells(sheet, grid, taken);
        if (!qr_dimension_groups_find(sheet, &pieces, taken, &groups))
            rec->failed = true;
        find(&context, rec);
    }
    qr_dimension_groups_done(&groups);
    qr_pieces_done(&pieces);
    free(taken);
}

void qr_dimensions_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                        const struct qr_regions *regions, struct qr_record *rec)
{
    struct qr_pieces pieces;
    struct qr_sheet signed_sheet;

    if (sheet->n_shapes == 0) {
        find_all(sheet, grid, regions, rec);
        return;
    }
    if (!qr_pieces_init(&pieces, sheet) || !qr_signs_add(sheet, grid, &pieces, &signed_sheet)) {
        rec->failed = true;
    } else {
        find_all(&signed_sheet, grid, regions, rec);
        free(signed_sheet.spans);
    }
    qr_pieces_done(&pieces);
}
