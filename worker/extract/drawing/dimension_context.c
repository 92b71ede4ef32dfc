/* What stands around a text that could be a dimension. */
#include "worker/extract/drawing/dimension_context.h"

#include <math.h>
#include <stdlib.h>

#include "worker/extract/drawing/signs.h"
#include "worker/extract/drawing/table.h"

enum { LINES_TRIED = 512, ZONES_TRIED = 32, TICKS_MIN = 4, COLUMN_MIN = 5 };

static const struct qr_piece *main_piece(const struct qr_dimension_context *context,
                                         const struct qr_dimension_group *group)
{
    return &context->pieces->list[group->members[0]];
}

static struct qr_sheet_rect box_of(const struct qr_dimension_context *context,
                                   const struct qr_dimension_group *group)
{
    struct qr_sheet_rect box = context->sheet->spans[main_piece(context, group)->span].box;

    for (size_t i = 1; i < group->n_members; i++) {
        const struct qr_sheet_rect *more =
            &context->sheet->spans[context->pieces->list[group->members[i]].span].box;
        box.x0 = fminf(box.x0, more->x0);
        box.y0 = fminf(box.y0, more->y0);
        box.x1 = fmaxf(box.x1, more->x1);
        box.y1 = fmaxf(box.y1, more->y1);
    }
    return box;
}

/* A line at low .. high across that comes near `from` .. `to` along. */
static bool has_line(const struct qr_grid_line *lines, size_t n, float low, float high, float from,
                     float to, float min_len)
{
    size_t left = 0, right = n;

    while (left < right) {
        size_t middle = left + (right - left) / 2;
        if (lines[middle].at < low)
            left = middle + 1;
        else
            right = middle;
    }
    for (size_t i = left; i < n && i < left + LINES_TRIED && lines[i].at <= high; i++)
        if (lines[i].to - lines[i].from >= min_len && lines[i].from <= to && lines[i].to >= from)
            return true;
    return false;
}

static void look_for_line(const struct qr_dimension_context *context, int32_t turn,
                          struct qr_dimension_setting *ret)
{
    const struct qr_sheet_rect *b = &ret->box;
    float h = ret->height, across = 0.9f * h, along = 1.5f * h, len = 0.8f * h;

    if (turn == 0 || turn == 1800)
        ret->line = has_line(context->grid->rows, context->grid->n_rows, b->y0 - across,
                             b->y1 + across, b->x0 - along, b->x1 + along, len);
    else if (turn == 900 || turn == 2700)
        ret->line = has_line(context->grid->columns, context->grid->n_columns, b->x0 - across,
                             b->x1 + across, b->y0 - along, b->y1 + along, len);
    else
        ret->tilted = true;
    across = 3 * h; /* an extension line or a broken dimension line, whichever way */
    ret->lines_near = has_line(context->grid->rows, context->grid->n_rows, b->y0 - across,
                               b->y1 + across, b->x0 - across, b->x1 + across, len) ||
                      has_line(context->grid->columns, context->grid->n_columns, b->x0 - across,
                               b->x1 + across, b->y0 - across, b->y1 + across, len);
}

struct beside {
    const struct qr_dimension_context *context;
    const struct qr_piece *of;
    float near_u0, near_u1;
    bool found, label;
};

static bool is_word(const struct qr_sheet_span *span)
{
    size_t letters = 0;

    for (uint32_t i = 0; i < span->len && i < 200; i++) {
        unsigned char c = (unsigned char)span->text[i];
        letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        letters += c >= 0xC3;
    }
    return letters >= 2 || (span->len > 1 && span->text[span->len - 1] == ':') ||
           (span->len == 1 && span->text[0] == '=');
}

/* "SCALE:", "d =": what follows is its value. */
static bool is_label(const struct qr_sheet_span *span)
{
    char last = span->len ? span->text[span->len - 1] : 0;
    return last == ':' || last == '=';
}

static bool look_beside(size_t index, const struct qr_piece *piece, void *arg)
{
    struct beside *beside = arg;
    float apart = fabsf(piece->v0 + piece->v1 - beside->of->v0 - beside->of->v1) / 2;

    const struct qr_sheet_span *span = &beside->context->sheet->spans[piece->span];

    (void)index;
    if (apart > 0.4f * beside->of->height || beside->context->taken[piece->span])
        return true;
    if (piece->u1 < beside->of->u0 + 0.2f * beside->of->height && is_label(span))
        beside->label = true;
    if (piece->u1 > beside->near_u0 && piece->u0 < beside->near_u1 && is_word(span))
        beside->found = true;
    return true;
}

static void look_sideways(const struct qr_dimension_context *context,
                          const struct qr_dimension_group *group, struct qr_dimension_setting *ret)
{
    const struct qr_piece *first = main_piece(context, group);
    const struct qr_piece *last = &context->pieces->list[group->next];
    float h = first->height;
    struct qr_piece_window window = {first->u0 - 4 * h, last->u1 + 1.8f * h, first->v0, first->v1,
                                     false};
    struct beside beside = {context, first, first->u0 - 1.8f * h, last->u1 + 1.8f * h,
                            false,   false};

    qr_pieces_around(context->pieces, first, &window, look_beside, &beside);
    ret->beside = beside.found;
    ret->labelled = beside.label;
}

static void look_for_cell(const struct qr_dimension_context *context, int32_t turn,
                          struct qr_dimension_setting *ret)
{
    struct qr_sheet_rect cell;
    float h = ret->height, x = (ret->box.x0 + ret->box.x1) / 2, y = (ret->box.y0 + ret->box.y1) / 2;
    float width, height, along;
    bool flat = turn == 0 || turn == 1800;

    if (!flat && turn != 900 && turn != 2700)
        return;
    if (qr_grid_cell(context->grid, &context->sheet->area, x, y, 1.2f * h, &cell) < 4)
        return;
    width = flat ? cell.x1 - cell.x0 : cell.y1 - cell.y0;
    height = flat ? cell.y1 - cell.y0 : cell.x1 - cell.x0;
    along = flat ? ret->box.x1 - ret->box.x0 : ret->box.y1 - ret->box.y0;
    ret->framed = height < 2.2f * h && width < along + 2 * h && width > along - 0.2f * h &&
                  qr_table_is_box(context->grid, &cell, 0.15f * h);
}

/* --- numbers of the frame's grid --- */

struct zone {
    double value;
    float x, y;
    uint32_t group;
};

static int by_value(const void *a, const void *b)
{
    const struct zone *left = a, *right = b;
    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return left->group < right->group ? -1 : left->group > right->group;
}

static bool is_bare(const struct qr_dimension_group *group)
{
    return group->n_members == 1 && group->read.evidence == QR_DIMENSION_WEAK && group->len <= 2;
}

/* The same number at the opposite edge of the sheet is a grid reference. */
static void mark_zones(const struct qr_dimension_context *context,
                       struct qr_dimension_setting *settings)
{
    const struct qr_dimension_groups *groups = context->groups;
    const struct qr_sheet_rect *area = &context->sheet->area;
    float width = area->x1 - area->x0, height = area->y1 - area->y0;
    struct zone *zones = calloc(groups->n + 1, sizeof *zones);
    size_t n = 0;

    for (size_t i = 0; zones && i < groups->n; i++)
        if (is_bare(&groups->list[i]))
            zones[n++] = (struct zone){groups->list[i].read.value,
                                       (settings[i].box.x0 + settings[i].box.x1) / 2,
                                       (settings[i].box.y0 + settings[i].box.y1) / 2, (uint32_t)i};
    if (zones)
        qsort(zones, n, sizeof *zones, by_value);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && j < i + ZONES_TRIED && zones[j].value == zones[i].value;
             j++) {
            float slack = 2.5f * settings[zones[i].group].height;
            float dx = fabsf(zones[i].x - zones[j].x), dy = fabsf(zones[i].y - zones[j].y);
            if ((dx < slack && dy > 0.75f * height) || (dy < slack && dx > 0.75f * width))
                settings[zones[i].group].zone = settings[zones[j].group].zone = true;
        }
    free(zones);
}

/* --- columns of numbers and scales of axes --- */

struct place {
    int32_t turn;
    float line, along; /* what is equal, what grows */
    float height;
    double value;
    uint32_t group;
};

static int by_line(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->turn != right->turn)
        return left->turn < right->turn ? -1 : 1;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->group < right->group ? -1 : left->group > right->group;
}

static int by_along(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->along != right->along)
        return left->along < right->along ? -1 : 1;
    return left->group < right->group ? -1 : left->group > right->group;
}

/* Among places on one line: runs at even distances whose values grow evenly, or, in a column, that
 * stand as close as the lines of a table. */
static void mark_runs(const struct place *places, size_t n, bool column,
                      struct qr_dimension_setting *settings)
{
    for (size_t from = 0; from + 1 < n;) {
        float pitch = places[from + 1].along - places[from].along;
        double step = places[from + 1].value - places[from].value;
        bool even = step != 0, close = column && pitch < 2.6f * places[from].height;
        size_t to = from + 1;
        while (to < n) {
            float gap = places[to].along - places[to - 1].along;
            double grown = places[to].value - places[to - 1].value;
            if (fabsf(gap - pitch) > 0.08f * pitch + 0.1f * places[to].height)
                break;
            even = even && fabs(grown - step) <= 1e-6 + 1e-3 * fabs(step);
            if (!even && !close)
                break;
            to++;
        }
        if (to - from >= (even ? TICKS_MIN : COLUMN_MIN))
            for (size_t i = from; i < to; i++)
                settings[places[i].group].serial = true;
        from = to > from + 1 ? to - 1 : from + 1;
    }
}

static void mark_serial(const struct qr_dimension_context *context, bool column,
                        struct qr_dimension_setting *settings)
{
    const struct qr_dimension_groups *groups = context->groups;
    struct place *places = calloc(groups->n + 1, sizeof *places);
    size_t n = 0;

    for (size_t i = 0; places && i < groups->n; i++) {
        const struct qr_piece *piece = main_piece(context, &groups->list[i]);
        float u = piece->u1, v = (piece->v0 + piece->v1) / 2;
        if (groups->list[i].read.evidence != QR_DIMENSION_SURE)
            places[n++] = (struct place){piece->turn,
                                         column ? u : v,
                                         column ? v : u,
                                         piece->height,
                                         groups->list[i].read.value,
                                         (uint32_t)i};
    }
    if (places)
        qsort(places, n, sizeof *places, by_line);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && places[to].turn == places[from].turn &&
                            places[to].line - places[to - 1].line < 0.3f * places[from].height;)
            to++;
        qsort(places + from, to - from, sizeof *places, by_along);
        mark_runs(places + from, to - from, column, settings);
    }
    free(places);
}

static bool is_ocr(const struct qr_dimension_context *context,
                   const struct qr_dimension_group *group)
{
    return context->sheet->spans[main_piece(context, group)->span].source == QR_SPAN_OCR;
}

void qr_dimension_context_look(const struct qr_dimension_context *context,
                               struct qr_dimension_setting *ret)
{
    for (size_t i = 0; i < context->groups->n; i++) {
        const struct qr_dimension_group *group = &context->groups->list[i];
        int32_t turn = main_piece(context, group)->turn;

        ret[i] = (struct qr_dimension_setting){.box = box_of(context, group),
                                               .height = main_piece(context, group)->height,
                                               .ocr = is_ocr(context, group)};
        look_for_line(context, turn, &ret[i]);
        if (group->read.evidence != QR_DIMENSION_SURE)
            look_sideways(context, group, &ret[i]);
        look_for_cell(context, turn, &ret[i]);
        if (group->read.evidence == QR_DIMENSION_WEAK && group->len <= 4)
            ret[i].balloon = qr_signs_in_balloon(context->sheet, &ret[i].box, ret[i].height);
    }
    mark_zones(context, ret);
    mark_serial(context, true, ret);
    mark_serial(context, false, ret);
}
