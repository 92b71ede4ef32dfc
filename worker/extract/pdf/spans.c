#include "worker/extract/pdf/spans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/pdf/text.h"

#define GAP_MAX 1.0f      /* in heights: wider gaps part two spans */
#define SHIFT_MAX 0.25f   /* across the base line: stacked tolerances stand apart */
#define BACKWARD_MAX 0.6f /* against the reading direction */
#define ASCENT 0.78f      /* of letters, in heights */
#define DESCENT 0.2f
#define RULES_TRIED 64 /* at one gap */
#define SPAN_BYTES 4096

/* Rules across the direction of reading, by the coordinate along it. */
struct crossings {
    const struct qr_sheet_rule **rules;
    size_t n;
    bool vertical;
};

/* The span that is being put together. */
struct run {
    char text[SPAN_BYTES];
    size_t len;
    size_t trimmed; /* without blanks at the end */
    fz_point begin; /* on the base line */
    fz_point end;
    fz_rect quads; /* of vertical writing */
    float height;
    const fz_font *font;
};

struct spans {
    fz_context *ctx;
    struct qr_sheet *sheet;
    struct qr_arena *arena;
    struct crossings across_x; /* vertical rules, for text along x */
    struct crossings across_y;
    enum qr_span_source source;
    struct run run;
};

static int by_x(const void *a, const void *b)
{
    const struct qr_sheet_rule *const *left = a;
    const struct qr_sheet_rule *const *right = b;
    return ((*left)->x0 > (*right)->x0) - ((*left)->x0 < (*right)->x0);
}

static int by_y(const void *a, const void *b)
{
    const struct qr_sheet_rule *const *left = a;
    const struct qr_sheet_rule *const *right = b;
    return ((*left)->y0 > (*right)->y0) - ((*left)->y0 < (*right)->y0);
}

static void sort_rules(const struct qr_sheet *sheet, struct qr_arena *arena, bool vertical,
                       struct crossings *ret)
{
    ret->vertical = vertical;
    ret->n = 0;
    ret->rules = qr_arena_alloc(arena, (sheet->n_rules + 1) * sizeof *ret->rules);
    if (!ret->rules)
        return;
    for (size_t i = 0; i < sheet->n_rules; i++) {
        const struct qr_sheet_rule *rule = &sheet->rules[i];
        bool is_vertical = rule->x0 == rule->x1; /* a dot is both: of no use */
        if (is_vertical == vertical)
            ret->rules[ret->n++] = rule;
    }
    qsort(ret->rules, ret->n, sizeof *ret->rules, vertical ? by_x : by_y);
}

/* Is there a rule between `from` and `to` that covers `low` .. `high` across? It must be twice as
 * long: in drawings the letters themselves are drawn with such lines. */
static bool crosses(const struct crossings *index, float from, float to, float low, float high)
{
    size_t left = 0;
    size_t right = index->n;

    while (left < right) {
        size_t middle = left + (right - left) / 2;
        const struct qr_sheet_rule *rule = index->rules[middle];
        if ((index->vertical ? rule->x0 : rule->y0) < from)
            left = middle + 1;
        else
            right = middle;
    }
    for (size_t i = left; i < index->n && i < left + RULES_TRIED; i++) {
        const struct qr_sheet_rule *rule = index->rules[i];
        if ((index->vertical ? rule->x0 : rule->y0) > to)
            return false;
        float begin = index->vertical ? rule->y0 : rule->x0;
        float end = index->vertical ? rule->y1 : rule->x1;
        if (begin <= low && end >= high && end - begin >= 2 * (high - low))
            return true;
    }
    return false;
}

static float letter_height(fz_context *ctx, const fz_stext_char *ch)
{
    float extent = fz_font_ascender(ctx, ch->font) - fz_font_descender(ctx, ch->font);
    float dx = ch->quad.ul.x - ch->quad.ll.x;
    float dy = ch->quad.ul.y - ch->quad.ll.y;
    float height = extent > 0.1f ? sqrtf(dx * dx + dy * dy) / extent : 0;

    return height > 0 && isfinite(height) ? height : ch->size;
}

static void grow(struct qr_sheet_rect *box, float x, float y)
{
    box->x0 = fminf(box->x0, x);
    box->y0 = fminf(box->y0, y);
    box->x1 = fmaxf(box->x1, x);
    box->y1 = fmaxf(box->y1, y);
}

static struct qr_sheet_rect box_of(const struct run *run, const fz_stext_line *line)
{
    fz_point up = {line->dir.y * run->height, -line->dir.x * run->height}; /* y grows downwards */
    struct qr_sheet_rect box = {run->quads.x0, run->quads.y0, run->quads.x1, run->quads.y1};

    if (line->wmode == 1)
        return box;
    box = (struct qr_sheet_rect){INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        fz_point at = i < 2 ? run->begin : run->end;
        float rise = i % 2 == 0 ? ASCENT : -DESCENT;
        grow(&box, at.x + rise * up.x, at.y + rise * up.y);
    }
    return box;
}

static const char *font_name(fz_context *ctx, const fz_font *font)
{
    const char *name = fz_font_name(ctx, (fz_font *)(uintptr_t)font);

    return strlen(name) > 7 && name[6] == '+' ? name + 7 : name;
}

/* 0 .. <360; what is nearly parallel to the page is. */
static float tidy_angle(float degrees)
{
    float quarter = roundf(degrees / 90) * 90;

    degrees = fabsf(degrees - quarter) < 0.5f ? quarter : roundf(degrees * 10) / 10;
    return degrees < 0 ? degrees + 360 : degrees + 0.0f;
}

static void end_run(struct spans *spans, const fz_stext_line *line)
{
    struct run *run = &spans->run;
    char *text = run->trimmed > 0 ? qr_arena_alloc(spans->arena, run->trimmed + 1) : NULL;
    struct qr_sheet_span *span = text ? qr_sheet_add_span(spans->sheet) : NULL;
    float angle = atan2f(-line->dir.y, line->dir.x) * 180 / FZ_PI;

    if (span) {
        memcpy(text, run->text, run->trimmed); /* the arena's memory is zeroed */
        span->text = text;
        span->len = (uint32_t)run->trimmed;
        span->box = box_of(run, line);
        span->angle = tidy_angle(angle);
        span->height = run->height;
        span->source = spans->source;
        span->font = font_name(spans->ctx, run->font);
    } else if (run->trimmed > 0 && !text) {
        spans->sheet->dropped++;
    }
    run->len = run->trimmed = 0;
}

/* Where a character ends on the base line. */
static fz_point end_of(const fz_stext_char *ch)
{
    return (fz_point){ch->quad.lr.x - ch->quad.ll.x + ch->origin.x,
                      ch->quad.lr.y - ch->quad.ll.y + ch->origin.y};
}

/* Does a new span begin with this character, which stands `blank` after a blank? */
static bool parts(const struct spans *spans, const fz_stext_line *line, const fz_stext_char *ch,
                  bool blank)
{
    const struct run *run = &spans->run;
    float dx = ch->origin.x - run->end.x;
    float dy = ch->origin.y - run->end.y;
    float gap = dx * line->dir.x + dy * line->dir.y;
    float shift = dy * line->dir.x - dx * line->dir.y;
    float slack = (blank ? 0.05f : 0.02f) * run->height;

    if (run->len > SPAN_BYTES - QR_PDF_CHAR_BYTES)
        return true;
    if (line->wmode == 1)
        return false;
    if (gap > GAP_MAX * run->height || gap < -BACKWARD_MAX * run->height ||
        fabsf(shift) > SHIFT_MAX * run->height)
        return true;
    if (fabsf(line->dir.y) < 0.01f) {
        float from = fminf(run->end.x, ch->origin.x) - slack;
        float to = fmaxf(run->end.x, ch->origin.x) + slack;
        float up = line->dir.x < 0 ? 1 : -1; /* upside down, letters rise downwards */
        float foot = run->end.y + up * 0.05f * run->height;
        float head = run->end.y + up * 0.6f * run->height;
        return crosses(&spans->across_x, from, to, fminf(foot, head), fmaxf(foot, head));
    }
    if (fabsf(line->dir.x) < 0.01f) {
        float from = fminf(run->end.y, ch->origin.y) - slack;
        float to = fmaxf(run->end.y, ch->origin.y) + slack;
        float up = line->dir.y < 0 ? -1 : 1; /* read upwards, letters rise to the left */
        float foot = run->end.x + up * 0.05f * run->height;
        float head = run->end.x + up * 0.6f * run->height;
        return crosses(&spans->across_y, from, to, fminf(foot, head), fmaxf(foot, head));
    }
    return false;
}

static void add_char(struct spans *spans, const fz_stext_line *line, const fz_stext_char *ch,
                     uint32_t *high)
{
    struct run *run = &spans->run;
    uint32_t undecodable = 0;
    bool is_blank = ch->c == ' ' || (ch->c >= '\t' && ch->c <= '\r') || ch->c == 0x85;

    if (is_blank && run->trimmed == 0)
        return;
    if (!is_blank && run->trimmed > 0 && *high == 0 &&
        parts(spans, line, ch, run->len > run->trimmed))
        end_run(spans, line);
    if (!is_blank && run->trimmed == 0) {
        run->begin = ch->origin;
        run->height = 0;
        run->quads = fz_rect_from_quad(ch->quad);
        run->font = ch->font;
    }
    if (is_blank) {
        if (run->len < sizeof run->text - QR_PDF_CHAR_BYTES)
            run->text[run->len++] = ' ';
        return;
    }
    run->len += qr_pdf_put_char(ch, high, run->text + run->len, &undecodable);
    run->trimmed = run->len;
    run->height = fmaxf(run->height, letter_height(spans->ctx, ch));
    run->end = end_of(ch);
    run->quads = fz_union_rect(run->quads, fz_rect_from_quad(ch->quad));
}

static void add_line(struct spans *spans, const fz_stext_line *line,
                     const struct qr_pdf_text_end *end)
{
    uint32_t high = 0;

    spans->run.len = spans->run.trimmed = 0;
    for (const fz_stext_char *ch = line->first_char; ch; ch = ch->next) {
        add_char(spans, line, ch, &high);
        if (ch == end->ch) { /* what follows is of annotations */
            end_run(spans, line);
            spans->source = QR_SPAN_ANNOTATION;
            high = 0;
        }
    }
    end_run(spans, line);
}

struct qr_pdf_text_end qr_pdf_text_end(const fz_stext_page *text)
{
    struct qr_pdf_text_end end = {NULL, NULL};
    const fz_stext_block *block = text->last_block;

    while (block && block->type != FZ_STEXT_BLOCK_TEXT)
        block = block->prev;
    if (block && block->u.t.last_line) {
        end.line = block->u.t.last_line;
        end.ch = end.line->last_char;
    }
    return end;
}

void qr_pdf_add_spans(fz_context *ctx, const fz_stext_page *text, struct qr_pdf_text_end end,
                      struct qr_arena *arena, struct qr_sheet *sheet)
{
    struct spans spans = {.ctx = ctx, .sheet = sheet, .arena = arena};

    spans.source = end.line ? QR_SPAN_TEXT : QR_SPAN_ANNOTATION;
    sort_rules(sheet, arena, true, &spans.across_x);
    sort_rules(sheet, arena, false, &spans.across_y);
    for (const fz_stext_block *block = text->first_block; block; block = block->next) {
        if (block->type != FZ_STEXT_BLOCK_TEXT)
            continue;
        for (const fz_stext_line *line = block->u.t.first_line; line; line = line->next)
            add_line(&spans, line, &end);
    }
}
