/* TEXT, MTEXT, ATTRIB and ATTDEF: what they say and where. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/extract/dxf/mtext.h"
#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/text.h"
#include "worker/extract/dxf/width.h"

#define TEXT_BYTES ((size_t)1024 * 1024) /* of one text */
#define PITCH (5.0 / 3.0)                /* MTEXT's lines at spacing 1, in heights */
#define PI 3.14159265358979323846

/* A mirrored entity (extrusion 0,0,-1) is seen from behind. */
static bool is_mirrored(const struct qr_dxf_entity *e) { return qr_dxf_find_real(e, 230, 1) < 0; }

/* Move by (dx, dy) along the text's own directions. */
static void shift(struct qr_dxf_text *text, double dx, double dy)
{
    double angle = text->rotation * PI / 180;

    text->x += dx * cos(angle) - dy * sin(angle);
    text->y += dx * sin(angle) + dy * cos(angle);
}

/* Its letters run to the left then; the box begins at their other end. */
static void mirror(struct qr_dxf_text *text)
{
    shift(text, text->width, 0);
    text->x = -text->x;
    text->rotation = -text->rotation;
}

/* Place a one-line text by its alignment (72, 73). */
static void place_line(const struct qr_dxf_entity *e, struct qr_dxf_text *text, int vertical_code)
{
    static const double across[] = {0, 0.5, 1,
                                    0, 0.5, 0}; /* left centre right aligned middle fit */
    double at[3];
    double second[3];
    int64_t horizontal = qr_dxf_find_int(e, 72, 0);
    int64_t vertical = qr_dxf_find_int(e, vertical_code, 0);

    text->height = fabs(qr_dxf_find_real(e, 40, 0));
    text->pitch = text->height * PITCH;
    text->rotation = qr_dxf_find_real(e, 50, 0);
    text->width = qr_dxf_text_width(text->text, text->len, NULL) * text->height *
                  fabs(qr_dxf_find_real(e, 41, 1));
    bool has_first = qr_dxf_find_point(e, 10, at);
    bool has_second = qr_dxf_find_point(e, 11, second);
    if (horizontal < 0 || horizontal > 5)
        horizontal = 0;
    bool between = horizontal == 3 || horizontal == 5;
    if (between && has_first && has_second) { /* from point to point */
        text->rotation = atan2(second[1] - at[1], second[0] - at[0]) * 180 / PI;
        text->width = hypot(second[0] - at[0], second[1] - at[1]);
    }
    bool second_counts = has_second && !between && (horizontal != 0 || vertical != 0);
    text->x = second_counts ? second[0] : at[0];
    text->y = second_counts ? second[1] : at[1];
    if (second_counts) {
        double up = vertical == 3 ? 1 : vertical == 2 || horizontal == 4 ? 0.5 : 0;
        shift(text, -across[horizontal] * text->width, -up * text->height);
    }
    if (is_mirrored(e))
        mirror(text);
}

/* Rows of an MTEXT as it is wrapped. */
static size_t rows_of(const struct qr_dxf_text *text, size_t lines)
{
    double frame = text->height > 0 ? text->frame / text->height : 0;
    size_t rows = 0;

    if (!(frame > 0))
        return lines;
    for (const char *at = text->text, *end = at + text->len; at <= end;) {
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        size_t len = (size_t)((stop ? stop : end) - at);
        rows += qr_dxf_line_rows(qr_dxf_line_width(at, len), frame);
        at += len + 1;
    }
    return rows;
}

/* Place an MTEXT by its attachment point (71): x, y become the first line's lower left corner. */
static void place_block(const struct qr_dxf_entity *e, struct qr_dxf_text *text, double height)
{
    double at[3];
    double direction[3];
    size_t lines;
    double longest = qr_dxf_text_width(text->text, text->len, &lines);
    int64_t attachment = qr_dxf_find_int(e, 71, 1);
    double spacing = qr_dxf_find_real(e, 44, 1);
    double frame = qr_dxf_find_real(e, 41, 0);

    qr_dxf_find_point(e, 10, at);
    text->x = at[0];
    text->y = at[1];
    text->height = height > 0 ? height : fabs(qr_dxf_find_real(e, 40, 0));
    text->pitch = text->height * PITCH * (spacing >= 0.25 && spacing <= 4 ? spacing : 1);
    text->rotation = qr_dxf_find_real(e, 50, 0);
    if (qr_dxf_find_point(e, 11, direction) && (direction[0] != 0 || direction[1] != 0))
        text->rotation = atan2(direction[1], direction[0]) * 180 / PI;
    text->width = longest * text->height;
    double actual = qr_dxf_find_real(e, 42, 0);
    if (actual > 0)
        text->width = actual;
    else if (frame > 0 && text->width > frame)
        text->width = frame;
    if (attachment < 1 || attachment > 9)
        attachment = 1;
    double across = (double)((attachment - 1) % 3) / 2;
    text->across = across;
    int64_t row = (attachment - 1) / 3; /* top, middle, bottom */
    text->frame = frame;
    double below = (double)(rows_of(text, lines) - 1) * text->pitch;
    double up = row == 0 ? -text->height : row == 1 ? (below - text->height) / 2 : below;
    shift(text, -across * text->width, up);
    if (is_mirrored(e))
        mirror(text);
}

static uint64_t handle_of(const struct qr_dxf_entity *e)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(e, 5);
    return tag ? qr_dxf_handle(tag) : 0;
}

/* A tag's text into r->plain, by the rules of TEXT. */
static void plain_of(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag)
{
    qr_buf_clear(&r->raw);
    qr_buf_clear(&r->plain);
    if (!tag || !tag->text)
        return;
    if (tag->len > TEXT_BYTES)
        qr_record_partial(r->rec, "dxf.text.cut", "a text of %zu bytes at byte %llu was cut",
                          tag->len, (unsigned long long)r->e.offset);
    qr_dxf_decode(&r->doc, tag->text, tag->len < TEXT_BYTES ? tag->len : TEXT_BYTES, &r->raw);
    if (r->raw.len > 0)
        qr_dxf_text_plain(&r->doc, (const char *)r->raw.data, r->raw.len, &r->plain);
}

static void mtext_of(struct qr_dxf_reader *r, const struct qr_dxf_entity *e,
                     struct qr_dxf_mtext_look *look)
{
    qr_buf_clear(&r->raw);
    qr_buf_clear(&r->plain);
    qr_dxf_mtext_content(&r->doc, e, &r->raw);
    if (r->raw.len > 0)
        qr_dxf_mtext_plain(&r->doc, (const char *)r->raw.data, r->raw.len, &r->plain, look);
}

static struct qr_dxf_text *keep(struct qr_dxf_reader *r, struct qr_dxf_block *place,
                                enum qr_dxf_text_kind kind)
{
    if (r->plain.len == 0 || qr_dxf_find_int(&r->e, 60, 0) == 1) /* 60: not to be seen */
        return NULL;
    struct qr_dxf_text *text =
        qr_dxf_text_add(&r->doc, place, kind, (const char *)r->plain.data, r->plain.len);
    if (text)
        text->handle = handle_of(&r->e);
    return text;
}

void qr_dxf_read_text(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    plain_of(r, qr_dxf_find(&r->e, 1));
    struct qr_dxf_text *text = keep(r, place, QR_DXF_TEXT_TEXT);
    if (text)
        place_line(&r->e, text, 73);
}

void qr_dxf_read_mtext(struct qr_dxf_reader *r)
{
    struct qr_dxf_mtext_look look = {0};

    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    mtext_of(r, &r->e, &look);
    struct qr_dxf_text *text = keep(r, place, QR_DXF_TEXT_MTEXT);
    if (text)
        place_block(&r->e, text, look.height);
}

/* The value of an attribute into r->plain: the multi-line form where there is one. */
static void attribute_value(struct qr_dxf_reader *r)
{
    size_t n;
    const struct qr_dxf_tag *tags = qr_dxf_mtext_embedded(&r->e, &n);

    if (n > 0) {
        struct qr_dxf_entity inner = r->e;
        struct qr_dxf_mtext_look look;
        inner.tags = tags;
        inner.n = n;
        mtext_of(r, &inner, &look);
        if (r->plain.len > 0)
            return;
    }
    plain_of(r, qr_dxf_find(&r->e, 1));
}

/* The tag of an ATTRIB or ATTDEF, kept in the record; NULL when it has none. */
static char *attribute_tag(struct qr_dxf_reader *r)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(&r->e, 2);
    size_t len = 0;
    const char *name = tag ? qr_dxf_name_of(r, tag, &len) : NULL;

    return len > 0 ? qr_record_string(r->rec, name, len) : NULL;
}

static Quarry__V1__Parameter *add_attribute(struct qr_dxf_reader *r, char *tag, const char *source,
                                            const struct qr_dxf_block *owner)
{
    size_t len;

    if (!tag)
        return NULL;
    char *value = r->plain.len > 0
                      ? qr_record_string(r->rec, (const char *)r->plain.data, r->plain.len)
                      : NULL;
    Quarry__V1__Parameter *parameter = qr_record_add_parameter(r->rec);
    if (!parameter)
        return NULL;
    parameter->set = (char *)"attributes";
    parameter->name = tag;
    if (value)
        parameter->value = value;
    parameter->source = (char *)source;
    qr_dxf_set_handle(r, parameter, handle_of(&r->e));
    if (owner) {
        const char *name = qr_dxf_block_name(r, owner, &len);
        parameter->owner = qr_record_string(r->rec, name, len);
    }
    return parameter;
}

void qr_dxf_read_attrib(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    bool invisible = (qr_dxf_find_int(&r->e, 70, 0) & 1) != 0;
    char *tag = attribute_tag(r);
    attribute_value(r);
    struct qr_dxf_text *text = invisible ? NULL : keep(r, place, QR_DXF_TEXT_ATTRIB);
    if (text) {
        text->tag = tag;
        place_line(&r->e, text, 74);
    }
    bool in_layout = !r->block || r->block_is_paper || r->block_is_model;
    if (!in_layout)
        return; /* of an insertion inside a block: text of that block */
    Quarry__V1__Parameter *parameter = add_attribute(r, tag, "attrib", r->attributes_of);
    if (text)
        text->parameter = parameter;
}

void qr_dxf_read_attdef(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    int64_t flags = qr_dxf_find_int(&r->e, 70, 0);
    bool in_layout = !r->block || r->block_is_paper || r->block_is_model;
    char *tag = attribute_tag(r);
    if (!in_layout && (flags & 2) == 0)
        return; /* its insertions have ATTRIBs instead */
    attribute_value(r);
    if (in_layout && tag) { /* outside of a block the tag is drawn */
        qr_buf_clear(&r->plain);
        qr_buf_append_str(&r->plain, tag);
    }
    struct qr_dxf_text *text = (flags & 1) != 0 ? NULL : keep(r, place, QR_DXF_TEXT_ATTDEF);
    if (text) {
        text->tag = tag;
        place_line(&r->e, text, 74);
    }
    if (!in_layout)
        add_attribute(r, tag, "attdef", r->block); /* a constant exists only here */
}
