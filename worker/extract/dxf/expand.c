#include "worker/extract/dxf/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/width.h"
#include "worker/extract/extract.h"

#define DEPTH_MAX 32
#define STEPS_MAX ((size_t)3000000)
#define BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SPANS_MAX ((size_t)250000)
#define RULES_MAX QR_SHEET_RULES_MAX
#define PI 3.14159265358979323846

enum { UNKNOWN, SOMETHING, NOTHING, BUSY };

/* x' = a x + c y + e, y' = b x + d y + f */
struct matrix {
    double a, b, c, d, e, f;
};

struct state {
    struct qr_dxf_expansion *x;
    enum qr_span_source source; /* what texts are that have no better one */
    int depth;
};

/* First `inner`, then `outer`. */
static struct matrix chain(const struct matrix *outer, const struct matrix *inner)
{
    return (struct matrix){
        outer->a * inner->a + outer->c * inner->b,
        outer->b * inner->a + outer->d * inner->b,
        outer->a * inner->c + outer->c * inner->d,
        outer->b * inner->c + outer->d * inner->d,
        outer->a * inner->e + outer->c * inner->f + outer->e,
        outer->b * inner->e + outer->d * inner->f + outer->f,
    };
}

/* From the block's coordinates to those of what inserts it; one cell of its array. */
static struct matrix matrix_of(const struct qr_dxf_insert *insert, uint32_t column, uint32_t row)
{
    double angle = insert->rotation * PI / 180;
    double cosine = cos(angle);
    double sine = sin(angle);
    double sx = insert->scale[0];
    double sy = insert->scale[1];
    double right = column * insert->step[0] - insert->block->base[0] * sx;
    double up = row * insert->step[1] - insert->block->base[1] * sy;
    struct matrix m = {sx * cosine,
                       sx * sine,
                       -sy * sine,
                       sy * cosine,
                       right * cosine - up * sine + insert->at[0],
                       right * sine + up * cosine + insert->at[1]};

    if (insert->dimension)
        m = (struct matrix){1, 0, 0, 1, 0, 0};
    if (insert->mirrored) {
        m.a = -m.a;
        m.c = -m.c;
        m.e = -m.e;
    }
    return m;
}

/* Is there anything to show in it or below? */
static bool has_something(struct qr_dxf_block *block, int depth)
{
    if (block->state == SOMETHING || block->state == NOTHING)
        return block->state == SOMETHING;
    if (block->state == BUSY)
        return false;
    if (depth > DEPTH_MAX)
        return true; /* nobody knows, and what expands it says so */
    bool found = block->texts || block->rules;
    block->state = BUSY;
    for (const struct qr_dxf_insert *at = block->inserts; at && !found; at = at->next)
        found = has_something(at->block, depth + 1);
    block->state = found ? SOMETHING : NOTHING;
    return found;
}

static bool grow(void *list_slot, size_t n, size_t *cap, size_t max, size_t size)
{
    void *list, *larger;

    if (n < *cap)
        return true;
    if (n >= max)
        return false;
    size_t bigger = *cap ? *cap * 2 : 256;
    memcpy(&list, list_slot, sizeof list);
    larger = realloc(list, bigger * size);
    if (!larger)
        return false;
    memcpy(list_slot, &larger, sizeof larger);
    *cap = bigger;
    return true;
}

static enum qr_span_source source_of(const struct state *s, const struct qr_dxf_text *text)
{
    if (text->kind == QR_DXF_TEXT_ATTRIB)
        return QR_SPAN_ATTRIBUTE;
    if (text->kind == QR_DXF_TEXT_DIMENSION || text->kind == QR_DXF_TEXT_TOLERANCE)
        return QR_SPAN_DIMENSION; /* in the record already */
    if (text->kind == QR_DXF_TEXT_TABLE)
        return QR_SPAN_TABLE;
    return s->source;
}

static void note_capped(const struct qr_dxf_expansion *x)
{
    qr_record_partial(x->doc->x->rec, "dxf.texts.capped",
                      "texts that are shown beyond %zu lines or %zu bytes were left out", SPANS_MAX,
                      BYTES_MAX);
}

/* Where a line is within its text. */
struct place {
    size_t row;
    size_t rows; /* that it takes */
    double width;
};

static void add_line(const struct state *s, const struct matrix *m, const struct qr_dxf_text *text,
                     const char *line, size_t len, const struct place *place)
{
    double indent = (text->width - place->width) * text->across;
    struct qr_dxf_expansion *x = s->x;
    double angle = text->rotation * PI / 180;
    double cosine = cos(angle);
    double sine = sin(angle);
    double down = (double)place->row * text->pitch;
    double px = text->x + down * sine + indent * cosine;
    double py = text->y - down * cosine + indent * sine;
    /* where the reading direction and the letters' height come to lie */
    double rx = m->a * cosine + m->c * sine;
    double ry = m->b * cosine + m->d * sine;
    double ux = -m->a * sine + m->c * cosine;
    double uy = -m->b * sine + m->d * cosine;

    if (rx * uy - ry * ux < 0) { /* mirrored: the box begins at the other end */
        px += place->width * cosine;
        py += place->width * sine;
        rx = -rx;
        ry = -ry;
    }
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    if (len == 0)
        return;
    if (!grow(&x->spans, x->n_spans, &x->cap_spans, SPANS_MAX, sizeof *x->spans)) {
        note_capped(x);
        return;
    }
    struct qr_dxf_span *span = &x->spans[x->n_spans];
    memset(span, 0, sizeof *span);
    span->text = text;
    span->line = line;
    span->len = len;
    span->x = m->a * px + m->c * py + m->e;
    span->y = m->b * px + m->d * py + m->f;
    span->width = place->width * hypot(rx, ry);
    span->height = text->height * hypot(ux, uy);
    span->depth = (double)(place->rows - 1) * text->pitch * hypot(ux, uy);
    span->angle = atan2(ry, rx) * 180 / PI;
    if (span->angle < 0)
        span->angle += 360;
    span->source = source_of(s, text);
    if (isfinite(span->x) && isfinite(span->y) && isfinite(span->width) && isfinite(span->height))
        x->n_spans++;
    else
        qr_record_note(x->doc->x->rec, "dxf.place.invalid", "a text has no finite place: \"%.40s\"",
                       text->text);
}

static void add_text(const struct state *s, const struct matrix *m, const struct qr_dxf_text *text)
{
    const char *at = text->text;
    const char *end = at + text->len;
    struct place place = {0, 1, text->width};
    double frame = text->height > 0 ? text->frame / text->height : 0;
    double longest = 0;

    if (s->x->n_spans >= SPANS_MAX || text->len > BYTES_MAX - s->x->bytes) {
        note_capped(s->x);
        return;
    }
    s->x->bytes += text->len;
    if (frame > 0 || memchr(at, '\n', text->len))
        longest = qr_dxf_text_width(at, text->len, NULL);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        if (longest > 0) {
            double natural = qr_dxf_line_width(at, len);
            place.rows = qr_dxf_line_rows(natural, frame);
            place.width =
                place.rows > 1
                    ? text->width
                    : text->width * fmin(1, natural / fmin(longest, frame > 0 ? frame : longest));
        }
        add_line(s, m, text, at, len, &place);
        place.row += place.rows;
        at = stop ? stop + 1 : end;
    }
}

/* Only what is still horizontal or vertical is of use. */
static void add_rule(const struct state *s, const struct matrix *m, const struct qr_dxf_rule *rule)
{
    struct qr_dxf_expansion *x = s->x;
    double x0 = m->a * (double)rule->x0 + m->c * (double)rule->y0 + m->e;
    double y0 = m->b * (double)rule->x0 + m->d * (double)rule->y0 + m->f;
    double x1 = m->a * (double)rule->x1 + m->c * (double)rule->y1 + m->e;
    double y1 = m->b * (double)rule->x1 + m->d * (double)rule->y1 + m->f;
    double dx = fabs(x1 - x0);
    double dy = fabs(y1 - y0);

    if (!(dx <= 1e-4 * dy || dy <= 1e-4 * dx) || !isfinite(dx + dy) ||
        !grow(&x->rules, x->n_rules, &x->cap_rules, RULES_MAX, sizeof *x->rules))
        return;
    float *to = x->rules[x->n_rules++];
    bool upright = dx < dy;
    to[0] = (float)x0;
    to[1] = (float)y0;
    to[2] = upright ? (float)x0 : (float)x1;
    to[3] = upright ? (float)y1 : (float)y0;
}

/* One step of the budget: an insertion, a text, a line. */
static bool spend(const struct state *s)
{
    if (s->x->steps < STEPS_MAX) {
        s->x->steps++;
        return true;
    }
    qr_record_partial(s->x->doc->x->rec, "dxf.expand.capped",
                      "insertions of blocks beyond %zu texts and lines were not followed",
                      STEPS_MAX);
    return false;
}

static void expand_block(struct state *s, struct qr_dxf_block *block, const struct matrix *m);

static void expand_insert(struct state *s, const struct qr_dxf_insert *insert,
                          const struct matrix *m)
{
    enum qr_span_source before = s->source;

    if (s->source == QR_SPAN_TEXT)
        s->source = insert->dimension ? QR_SPAN_DIMENSION
                    : insert->table   ? QR_SPAN_TABLE
                                      : QR_SPAN_BLOCK;
    for (uint32_t row = 0; row < insert->n[1]; row++) {
        for (uint32_t column = 0; column < insert->n[0]; column++) {
            if (!spend(s)) {
                s->source = before;
                return;
            }
            struct matrix own = matrix_of(insert, column, row);
            struct matrix full = chain(m, &own);
            expand_block(s, insert->block, &full);
        }
    }
    s->source = before;
}

static void mark_seen(const struct state *s, struct qr_dxf_block *block, const struct matrix *m)
{
    struct qr_dxf_seen *seen = qr_dxf_alloc(s->x->doc, sizeof *seen);

    if (!seen)
        return;
    *seen = (struct qr_dxf_seen){s->x->page, s->x->layout, {m->a, m->b, m->c, m->d, m->e, m->f}};
    block->seen = seen;
}

static void expand_block(struct state *s, struct qr_dxf_block *block, const struct matrix *m)
{
    struct qr_record *rec = s->x->doc->x->rec;

    if (block->state == BUSY) {
        qr_record_note(rec, "dxf.block.cycle", "block \"%.60s\" contains itself", block->name);
        return;
    }
    if (s->depth > DEPTH_MAX) {
        qr_record_partial(rec, "dxf.block.deep", "blocks nested deeper than %d were left out",
                          DEPTH_MAX);
        return;
    }
    block->state = BUSY;
    if (!block->seen)
        mark_seen(s, block, m);
    s->depth++;
    for (const struct qr_dxf_text *text = block->texts; text && spend(s); text = text->next)
        add_text(s, m, text);
    for (const struct qr_dxf_rule *rule = block->rules; rule && spend(s); rule = rule->next)
        add_rule(s, m, rule);
    for (const struct qr_dxf_insert *insert = block->inserts; insert; insert = insert->next) {
        if (insert->block->state == BUSY || has_something(insert->block, s->depth))
            expand_insert(s, insert, m);
        else if (!spend(s)) /* passing over what shows nothing takes time, too */
            break;
    }
    s->depth--;
    block->state = SOMETHING;
}

void qr_dxf_expand(struct qr_dxf_expansion *x, struct qr_dxf_block *block)
{
    struct state s = {.x = x, .source = QR_SPAN_TEXT};
    const struct matrix identity = {1, 0, 0, 1, 0, 0};

    x->n_spans = 0;
    x->n_rules = 0;
    expand_block(&s, block, &identity);
}

void qr_dxf_expansion_done(struct qr_dxf_expansion *x)
{
    free(x->spans);
    free(x->rules);
    memset(x, 0, sizeof *x);
}
