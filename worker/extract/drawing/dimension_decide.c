/* Which of the texts that could be dimensions are: by what they say, and by what stands around
 * them. */
#include "worker/extract/drawing/dimension_context.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"

#define TITLE_SHARE_MAX 0.35f /* of the sheet */

/* "U1", "TP12", "C3": reference designators, except those that are dimensions too. */
static bool is_designator(const struct qr_sheet_span *span)
{
    uint32_t i = 0;

    while (i < span->len && i < 3 && span->text[i] >= 'A' && span->text[i] <= 'Z')
        i++;
    if (i == 0 || i == span->len || span->len - i > 3 || span->text[0] == 'M')
        return false;
    for (; i < span->len; i++)
        if (span->text[i] < '0' || span->text[i] > '9')
            return false;
    return true;
}

static bool is_circuit_word(const struct qr_sheet_span *span)
{
    static const char *const words[] = {"GND",  "VCC", "VDD",  "+3.3V", "+5V", "+12V", "PWR_FLAG",
                                        "AGND", "3V3", "VBUS", "SDA",   "SCL", "VSS",  "+3V3"};
    for (size_t i = 0; i < QR_COUNT(words); i++)
        if (strlen(words[i]) == span->len && memcmp(span->text, words[i], span->len) == 0)
            return true;
    return false;
}

/* Is it a sheet of circuit diagrams, where R1 and C2 are parts? */
static bool is_circuit(const struct qr_sheet *sheet)
{
    size_t words = 0, designators = 0;

    for (size_t i = 0; i < sheet->n_spans; i++) {
        words += is_circuit_word(&sheet->spans[i]);
        designators += is_designator(&sheet->spans[i]);
    }
    return words >= 3 || (words > 0 && designators >= 8) || designators >= 24;
}

static int by_float(const void *a, const void *b)
{
    const float *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* May a bare number be a dimension, if it has lines and the right height? */
static bool is_candidate(const struct qr_dimension_group *group,
                         const struct qr_dimension_setting *s)
{
    return group->read.evidence != QR_DIMENSION_SURE && !s->zone && !s->serial && !s->balloon &&
           !s->beside && !s->labelled;
}

/* The usual height of letters among the accepted groups; 0: there are fewer than `at_least`. */
static float usual_height(const struct qr_dimension_context *context,
                          const struct qr_dimension_setting *settings, size_t at_least)
{
    const struct qr_dimension_groups *groups = context->groups;
    float *heights = calloc(groups->n + 1, sizeof *heights), usual = 0;
    size_t n = 0;

    for (size_t i = 0; heights && i < groups->n; i++)
        if (settings[i].accepted)
            heights[n++] = settings[i].height;
    if (n >= at_least) {
        qsort(heights, n, sizeof *heights, by_float);
        usual = heights[n / 2];
    }
    free(heights);
    return usual;
}

/* A sheet without any certain dimension: the height of the candidates at lines, if they are most
 * of the numbers on it and not all single digits, as in a puzzle. */
static float height_of_candidates(const struct qr_dimension_context *context,
                                  const struct qr_dimension_setting *settings)
{
    const struct qr_dimension_groups *groups = context->groups;
    float *heights = calloc(groups->n + 1, sizeof *heights), usual = 0;
    size_t n = 0, all = 0, digits = 0;

    for (size_t i = 0; heights && i < groups->n; i++) {
        if (settings[i].zone)
            continue;
        all++;
        if (is_candidate(&groups->list[i], &settings[i]) && !settings[i].ocr &&
            (settings[i].line || settings[i].lines_near)) {
            heights[n++] = settings[i].height;
            digits += groups->list[i].len;
        }
    }
    if (n >= 2 && n * 2 >= all && digits >= n * 2) {
        qsort(heights, n, sizeof *heights, by_float);
        usual = heights[n / 2];
    }
    free(heights);
    return usual;
}

static bool is_usual(float height, float usual)
{
    return usual > 0 && height > 0.8f * usual && height < 1.25f * usual;
}

/* A title block's region that covers much of the sheet is a guess gone wrong: only the corner where
 * title blocks are is left of it. */
static bool is_in_title(const struct qr_sheet_rect *area, const struct qr_sheet_rect *region,
                        float x, float y)
{
    float width = area->x1 - area->x0, height = area->y1 - area->y0;
    float share = (region->x1 - region->x0) * (region->y1 - region->y0);

    return share < TITLE_SHARE_MAX * width * height ||
           (x > area->x0 + 0.6f * width && y > area->y0 + 0.7f * height);
}

static enum qr_region_kind region_at(const struct qr_dimension_context *context,
                                     const struct qr_sheet_rect *box)
{
    float x = (box->x0 + box->x1) / 2, y = (box->y0 + box->y1) / 2;

    for (size_t i = 0; i < context->regions->n; i++) {
        const struct qr_region *region = &context->regions->list[i];
        const struct qr_sheet_rect *b = &region->box;
        if (x >= b->x0 && x <= b->x1 && y >= b->y0 && y <= b->y1 &&
            (region->kind != QR_REGION_TITLE || is_in_title(&context->sheet->area, b, x, y)))
            return region->kind;
    }
    return QR_REGION_NONE;
}

static bool region_allows(const struct qr_dimension_context *context,
                          const struct qr_dimension_group *group,
                          const struct qr_dimension_setting *setting)
{
    enum qr_region_kind kind = region_at(context, &setting->box);

    if (kind == QR_REGION_NONE)
        return true;
    return kind == QR_REGION_NOTES && group->read.evidence == QR_DIMENSION_SURE &&
           strcmp(group->read.kind, "linear") != 0 && strcmp(group->read.kind, "angle") != 0;
}

static bool has_region(const struct qr_regions *regions, enum qr_region_kind kind)
{
    for (size_t i = 0; i < regions->n; i++)
        if (regions->list[i].kind == kind)
            return true;
    return false;
}

/* What needs no comparison: the text says it, or it is a usual number at a line. */
static void accept_certain(const struct qr_dimension_context *context, bool circuit,
                           struct qr_dimension_setting *settings)
{
    for (size_t i = 0; i < context->groups->n; i++) {
        const struct qr_dimension_group *group = &context->groups->list[i];
        struct qr_dimension_setting *s = &settings[i];
        bool sure = group->read.evidence == QR_DIMENSION_SURE;
        bool plain = group->read.evidence == QR_DIMENSION_PLAIN && !circuit && !s->serial &&
                     !s->balloon && !s->labelled && (s->line || s->tilted || s->framed);
        s->accepted = (sure || plain) && region_allows(context, group, s);
    }
}

/* Where dimensions come from entities, callouts of holes and threads may still be written as text.
 */
static void accept_callouts(const struct qr_dimension_context *context,
                            struct qr_dimension_setting *settings)
{
    for (size_t i = 0; i < context->groups->n; i++) {
        const struct qr_dimension_group *group = &context->groups->list[i];
        bool hole = strcmp(group->read.kind, "thread") == 0 ||
                    (strcmp(group->read.kind, "diameter") == 0 && group->read.quantity > 0) ||
                    strncmp(group->read.kind, "counter", 7) == 0;
        settings[i].accepted = hole && group->read.evidence == QR_DIMENSION_SURE &&
                               region_allows(context, group, &settings[i]);
    }
}

void qr_dimension_context_decide(const struct qr_dimension_context *context,
                                 struct qr_dimension_setting *settings)
{
    const struct qr_dimension_groups *groups = context->groups;
    bool circuit = is_circuit(context->sheet), many;
    float usual;

    if (context->sheet->dimensions_known) {
        accept_callouts(context, settings);
        return;
    }
    accept_certain(context, circuit, settings);
    usual = usual_height(context, settings, 2);
    many = usual_height(context, settings, 4) > 0 &&
           !has_region(context->regions, QR_REGION_BOM); /* without balloons */
    if (usual == 0) {
        usual = height_of_candidates(context, settings);
        many = usual > 0;
    }
    for (size_t i = 0; i < groups->n && !circuit; i++) {
        const struct qr_dimension_group *group = &groups->list[i];
        struct qr_dimension_setting *s = &settings[i];
        bool plain = group->read.evidence == QR_DIMENSION_PLAIN;
        if (s->accepted || !is_candidate(group, s) || !is_usual(s->height, usual) ||
            !(plain || s->line || s->tilted || s->framed || (many && s->lines_near)))
            continue;
        s->accepted = region_allows(context, group, s);
    }
}
