#include "worker/extract/overlay/dxf_geometry.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/stream.h"

#define PI 3.14159265358979323846
enum { TAGS = 4096, BLOCKS = 4096, ARC_STEPS = 48 };

/* x' = a x + c y + e, y' = b x + d y + f */
struct placing {
    double a, b, c, d, e, f;
};

struct block {
    const char *name;
    size_t name_len;
    size_t from; /* offset of the first group behind BLOCK's own */
    double base[2];
};

/* One entity while its groups come in; the groups of one depth at a time are needed. */
struct entity {
    struct qr_dxf_tag tags[TAGS];
    size_t n;
};

struct reading {
    struct entity *entities[QR_GEOMETRY_DEPTH + 2]; /* one a depth, made when first needed */
    struct qr_geometry *out;
    const char *data;
    size_t len;
    struct block blocks[BLOCKS];
    size_t n_blocks;
    size_t steps;
};

static void add_point(struct qr_geometry *g, double x, double y, bool first)
{
    if (!isfinite(x) || !isfinite(y) || fabs(x) > 1e15 || fabs(y) > 1e15 ||
        g->n_points >= QR_GEOMETRY_POINTS)
        return;
    if (g->n_points == g->cap_points) {
        size_t cap = g->cap_points ? 2 * g->cap_points : 4096;
        void *bigger = realloc(g->points, cap * sizeof *g->points);
        if (!bigger)
            return;
        g->points = bigger;
        g->cap_points = cap;
    }
    if (first && g->n_strokes == g->cap_strokes) {
        size_t cap = g->cap_strokes ? 2 * g->cap_strokes : 1024;
        void *bigger = realloc(g->starts, cap * sizeof *g->starts);
        if (!bigger)
            return;
        g->starts = bigger;
        g->cap_strokes = cap;
    }
    if (first)
        g->starts[g->n_strokes++] = g->n_points;
    if (g->n_points == 0) {
        g->box[0] = g->box[2] = x;
        g->box[1] = g->box[3] = y;
    }
    g->box[0] = fmin(g->box[0], x);
    g->box[1] = fmin(g->box[1], y);
    g->box[2] = fmax(g->box[2], x);
    g->box[3] = fmax(g->box[3], y);
    g->points[g->n_points][0] = (float)x;
    g->points[g->n_points++][1] = (float)y;
}

static void stroke_to(struct reading *r, const struct placing *p, double x, double y, bool first)
{
    add_point(r->out, p->a * x + p->c * y + p->e, p->b * x + p->d * y + p->f, first);
}

/* An arc of an ellipse: centre, half axes as vectors, from one parameter to another (radians). */
static void add_arc(struct reading *r, const struct placing *p, const double centre[2],
                    const double major[2], const double minor[2], double from, double to)
{
    for (int i = 0; i <= ARC_STEPS; i++) {
        double t = from + (to - from) * i / ARC_STEPS;
        stroke_to(r, p, centre[0] + cos(t) * major[0] + sin(t) * minor[0],
                  centre[1] + cos(t) * major[1] + sin(t) * minor[1], i == 0);
    }
}

/* A polyline's segment that is an arc; its end is the next point. */
static void add_bulge(struct reading *r, const struct placing *p, const double from[2],
                      const double to[2], double bulge)
{
    enum { STEPS = 12 };
    double angle = 4 * atan(bulge);
    double dx = to[0] - from[0];
    double dy = to[1] - from[1];
    double cot = (1 / bulge - bulge) / 2;
    double cx = (from[0] + to[0] - dy * cot) / 2;
    double cy = (from[1] + to[1] + dx * cot) / 2;

    for (int i = 1; i < STEPS; i++) {
        double t = angle * i / STEPS;
        double x = from[0] - cx;
        double y = from[1] - cy;
        stroke_to(r, p, cx + x * cos(t) - y * sin(t), cy + x * sin(t) + y * cos(t), false);
    }
}

/* ------------------------------------------------------------------ entities */

static double value(const struct entity *e, int code, double otherwise)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->tags[i].code == code)
            return qr_dxf_real(&e->tags[i], NULL);
    return otherwise;
}

/* Points 10, 20, with bulges 42 where the entity has them. */
static void add_vertices(struct reading *r, const struct placing *p, const struct entity *e,
                         bool closed)
{
    double first[2] = {0};
    double last[2] = {0};
    double at[2] = {0};
    double bulge = 0;
    double next_bulge = 0;
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        const struct qr_dxf_tag *tag = &e->tags[i];
        if (tag->code == 42) {
            next_bulge = qr_dxf_real(tag, NULL);
        } else if (tag->code == 10) {
            at[0] = qr_dxf_real(tag, NULL);
            bulge = next_bulge;
            next_bulge = 0;
        } else if (tag->code == 20) {
            at[1] = qr_dxf_real(tag, NULL);
            if (n > 0 && fabs(bulge) > 1e-9)
                add_bulge(r, p, last, at, bulge);
            stroke_to(r, p, at[0], at[1], n == 0);
            if (n++ == 0)
                memcpy(first, at, sizeof first);
            memcpy(last, at, sizeof last);
        }
    }
    if (closed && n > 1) {
        if (fabs(next_bulge) > 1e-9)
            add_bulge(r, p, last, first, next_bulge);
        stroke_to(r, p, first[0], first[1], false);
    }
}

static void add_circle(struct reading *r, const struct placing *p, const struct entity *e,
                       bool whole)
{
    double centre[2] = {value(e, 10, 0), value(e, 20, 0)};
    double radius = value(e, 40, 0);
    double from = whole ? 0 : value(e, 50, 0) * PI / 180;
    double to = whole ? 2 * PI : value(e, 51, 360) * PI / 180;

    if (to < from)
        to += 2 * PI * ceil((from - to) / (2 * PI));
    add_arc(r, p, centre, (const double[]){radius, 0}, (const double[]){0, radius}, from, to);
}

static void add_ellipse(struct reading *r, const struct placing *p, const struct entity *e)
{
    double centre[2] = {value(e, 10, 0), value(e, 20, 0)};
    double major[2] = {value(e, 11, 1), value(e, 21, 0)};
    double ratio = value(e, 40, 1);
    double to = value(e, 42, 2 * PI);
    double from = value(e, 41, 0);

    add_arc(r, p, centre, major, (const double[]){-major[1] * ratio, major[0] * ratio}, from,
            to < from ? to + 2 * PI : to);
}

static void add_corners(struct reading *r, const struct placing *p, const struct entity *e)
{
    static const int order[] = {0, 1, 3, 2, 0}; /* SOLID goes zigzag */

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        stroke_to(r, p, value(e, 10 + order[i], value(e, 12, 0)),
                  value(e, 20 + order[i], value(e, 22, 0)), i == 0);
}

/* ------------------------------------------------------------------ blocks */

static void draw_block(struct reading *r, const struct placing *p, const char *name, size_t len,
                       unsigned depth);

static void add_insert(struct reading *r, const struct placing *p, const struct entity *e,
                       unsigned depth)
{
    double turn = value(e, 50, 0) * PI / 180;
    double sx = value(e, 41, 1);
    double sy = value(e, 42, 1);
    int columns = (int)fmax(1, fmin(64, value(e, 70, 1)));
    int rows = (int)fmax(1, fmin(64, value(e, 71, 1)));
    const struct qr_dxf_tag *name = NULL;

    for (size_t i = 0; i < e->n && !name; i++)
        if (e->tags[i].code == 2)
            name = &e->tags[i];
    if (!name || !name->text)
        return;
    for (int n = 0; n < columns * rows && r->steps++ <= QR_GEOMETRY_STEPS; n++) {
        int column = n % columns, row = n / columns;
        double dx = column * value(e, 44, 0);
        double dy = row * value(e, 45, 0);
        double x = value(e, 10, 0) + dx * cos(turn) - dy * sin(turn);
        double y = value(e, 20, 0) + dx * sin(turn) + dy * cos(turn);
        struct placing inner = {.a = sx * cos(turn),
                                .b = sx * sin(turn),
                                .c = -sy * sin(turn),
                                .d = sy * cos(turn),
                                .e = x,
                                .f = y};
        struct placing both = {.a = p->a * inner.a + p->c * inner.b,
                               .b = p->b * inner.a + p->d * inner.b,
                               .c = p->a * inner.c + p->c * inner.d,
                               .d = p->b * inner.c + p->d * inner.d,
                               .e = p->a * x + p->c * y + p->e,
                               .f = p->b * x + p->d * y + p->f};
        draw_block(r, &both, name->text, name->len, depth + 1);
    }
}

static bool is(const char *type, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(type, name, len) == 0;
}

static void draw_entity(struct reading *r, const struct placing *p, const char *type, size_t len,
                        const struct entity *e, unsigned depth)
{
    if (is(type, len, "LINE")) {
        stroke_to(r, p, value(e, 10, 0), value(e, 20, 0), true);
        stroke_to(r, p, value(e, 11, 0), value(e, 21, 0), false);
    } else if (is(type, len, "CIRCLE")) {
        add_circle(r, p, e, true);
    } else if (is(type, len, "ARC")) {
        add_circle(r, p, e, false);
    } else if (is(type, len, "ELLIPSE")) {
        add_ellipse(r, p, e);
    } else if (is(type, len, "LWPOLYLINE")) {
        add_vertices(r, p, e, ((int)value(e, 70, 0) & 1) != 0);
    } else if (is(type, len, "SPLINE")) {
        add_vertices(r, p, e, false);
    } else if (is(type, len, "SOLID") || is(type, len, "TRACE") || is(type, len, "3DFACE")) {
        add_corners(r, p, e);
    } else if (is(type, len, "INSERT")) {
        add_insert(r, p, e, depth);
    } else if (is(type, len, "DIMENSION")) { /* its block is in the space's own coordinates */
        for (size_t i = 0; i < e->n; i++)
            if (e->tags[i].code == 2 && e->tags[i].text)
                draw_block(r, p, e->tags[i].text, e->tags[i].len, depth + 1);
    }
}

/* Take out the groups 10 and 20; returns how many are left. */
static size_t drop_points(struct entity *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        if (e->tags[i].code != 10 && e->tags[i].code != 20)
            e->tags[n++] = e->tags[i];
    return n;
}

static struct entity *entity_of(struct reading *r, unsigned depth)
{
    if (!r->entities[depth])
        r->entities[depth] = calloc(1, sizeof *r->entities[depth]);
    return r->entities[depth];
}

/* Draw the entities from an offset on, up to ENDBLK or ENDSEC. A POLYLINE's vertices are gathered
 * into it. `space`: -1 all, 0 model, 1 paper. */
static void draw_range(struct reading *r, const struct placing *p, size_t from, int space,
                       unsigned depth)
{
    struct entity *e = entity_of(r, depth);
    struct qr_dxf_stream stream;
    struct qr_dxf_tag tag;
    char type[32] = "";
    size_t type_len = 0;
    bool in_polyline = false;
    bool vertices = false;

    if (!e)
        return;
    e->n = 0;
    qr_dxf_stream_init(&stream, r->data, r->len);
    stream.at = from;
    for (;;) {
        bool more = qr_dxf_stream_next(&stream, &tag);
        const char *name = "";
        size_t name_len = more && tag.code == 0 ? qr_dxf_trim(tag.text, tag.len, &name) : 0;
        bool vertex = more && tag.code == 0 && in_polyline && is(name, name_len, "VERTEX");
        if (more && (tag.code != 0 || vertex)) {
            if (tag.code >= 1000 || e->n == TAGS)
                continue;
            if (vertex && !vertices) { /* the POLYLINE's own point is none */
                e->n = drop_points(e);
                vertices = true;
            }
            if (tag.code != 0)
                e->tags[e->n++] = tag;
            continue;
        }
        if (++r->steps > QR_GEOMETRY_STEPS)
            break;
        bool here = space < 0 || (value(e, 67, 0) > 0) == (space == 1);
        if (here && in_polyline)
            add_vertices(r, p, e, ((int)value(e, 70, 0) & 1) != 0);
        else if (here)
            draw_entity(r, p, type, type_len, e, depth);
        if (!more || is(name, name_len, "ENDBLK") || is(name, name_len, "ENDSEC") ||
            is(name, name_len, "EOF"))
            break;
        e->n = 0;
        type_len = name_len < sizeof type ? name_len : 0;
        memcpy(type, name, type_len);
        in_polyline = is(type, type_len, "POLYLINE");
        vertices = false;
    }
}

static void draw_block(struct reading *r, const struct placing *p, const char *name, size_t len,
                       unsigned depth)
{
    const char *wanted;

    if (depth > QR_GEOMETRY_DEPTH || r->steps > QR_GEOMETRY_STEPS)
        return;
    len = qr_dxf_trim(name, len, &wanted);
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct block *block = &r->blocks[i];
        if (block->name_len != len || memcmp(block->name, wanted, len) != 0)
            continue;
        struct placing moved = *p;
        moved.e -= p->a * block->base[0] + p->c * block->base[1];
        moved.f -= p->b * block->base[0] + p->d * block->base[1];
        draw_range(r, &moved, block->from, -1, depth);
        return;
    }
}

/* Where the blocks begin; returns the offset of the first entity of ENTITIES, 0 when there is none.
 */
static size_t index_file(struct reading *r)
{
    struct qr_dxf_stream stream;
    struct qr_dxf_tag tag;
    struct block *open = NULL;
    bool section = false;
    size_t entities = 0;

    qr_dxf_stream_init(&stream, r->data, r->len);
    while (qr_dxf_stream_next(&stream, &tag)) {
        const char *text = "";
        size_t len = tag.text ? qr_dxf_trim(tag.text, tag.len, &text) : 0;
        if (tag.code == 0) {
            if (open)
                open->from = stream.tag_at;
            open = NULL;
            section = is(text, len, "SECTION");
            if (is(text, len, "BLOCK") && r->n_blocks < BLOCKS) {
                open = &r->blocks[r->n_blocks++];
                *open = (struct block){.name = ""};
            }
        } else if (section && tag.code == 2) {
            section = false;
            if (is(text, len, "ENTITIES") && entities == 0)
                entities = stream.at;
        } else if (open && tag.code == 2) {
            open->name = text;
            open->name_len = len;
        } else if (open && (tag.code == 10 || tag.code == 20)) {
            open->base[tag.code == 20] = qr_dxf_real(&tag, NULL);
        }
    }
    return entities;
}

void qr_geometry_read(struct qr_geometry *geometry, const char *data, size_t len, bool paper)
{
    static const struct placing identity = {.a = 1, .d = 1};
    struct reading *r = calloc(1, sizeof *r);

    memset(geometry, 0, sizeof *geometry);
    if (!r)
        return;
    r->out = geometry;
    r->data = data;
    r->len = len;
    size_t entities = index_file(r);
    if (entities > 0)
        draw_range(r, &identity, entities, paper ? 1 : 0, 0);
    for (size_t i = 0; i < sizeof r->entities / sizeof *r->entities; i++)
        free(r->entities[i]);
    free(r);
}

void qr_geometry_done(struct qr_geometry *geometry)
{
    free(geometry->points);
    free(geometry->starts);
    memset(geometry, 0, sizeof *geometry);
}
