/* Dimensions: kept while the file is read, reported when its blocks are known. */
#include "worker/extract/dxf/dimension.h"

#include <math.h>
#include <string.h>

#include "worker/extract/dxf/dimension_intern.h"
#include "worker/extract/dxf/mtext.h"
#include "worker/extract/extract.h"

#define CONSTRAINT_LAYER "*ADSK_CONSTRAINTS"
#define TEXT_MAX 4096 /* bytes of an override */

static char *keep(struct qr_dxf_doc *doc, const char *text, size_t len)
{
    char *out = len < SIZE_MAX ? qr_dxf_alloc(doc, len + 1) : NULL;
    if (out && len > 0)
        memcpy(out, text, len);
    return out;
}

/* Degrees; some writers turn degrees into degrees once more, which no program means. */
static double read_angle(const struct qr_dxf_entity *entity, int code)
{
    double angle = qr_dxf_find_real(entity, code, 0);
    return fabs(angle) > 720 ? angle * 3.14159265358979323846 / 180 : angle;
}

static void read_geometry(const struct qr_dxf_entity *entity, struct qr_dxf_dim_geometry *g)
{
    static const int codes[QR_DXF_DIM_POINTS] = {10, 13, 14, 15, 16};
    int64_t flags = qr_dxf_find_int(entity, 70, 0);

    g->kind = (enum qr_dxf_dim_kind)(flags & 15);
    if (qr_dxf_type_is(entity, "ARC_DIMENSION"))
        g->kind = QR_DXF_DIM_ARC;
    else if (qr_dxf_type_is(entity, "LARGE_RADIAL_DIMENSION"))
        g->kind = QR_DXF_DIM_JOGGED;
    g->ordinate_x = (flags & 64) != 0;
    g->angle = read_angle(entity, 50);
    g->horizontal = read_angle(entity, 51);
    qr_dxf_find_point(entity, 210, g->extrusion);
    for (size_t i = 0; i < QR_DXF_DIM_POINTS; i++)
        g->have[i] = qr_dxf_find_point(entity, codes[i], g->points[i]);
}

static void read_text(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                      struct qr_dxf_dimension *dim)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, 1);
    struct qr_buf utf8;
    const char *inner;
    size_t len;

    if (!tag || !tag->text || tag->len == 0)
        return;
    qr_buf_init(&utf8, TEXT_MAX);
    qr_dxf_decode(doc, tag->text, tag->len < TEXT_MAX ? tag->len : TEXT_MAX, &utf8);
    len = qr_dxf_trim((const char *)utf8.data, utf8.len, &inner);
    if (len == 0) {
        dim->suppressed = utf8.len > 0;
    } else if (len != 2 || memcmp(inner, "<>", 2) != 0) {
        dim->text = keep(doc, (const char *)utf8.data, utf8.len);
        dim->text_len = dim->text ? utf8.len : 0;
    }
    qr_buf_done(&utf8);
}

static void read_block(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                       struct qr_dxf_dimension *dim)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, 2);
    const char *name;
    size_t len;

    if (!tag || !tag->text)
        return;
    len = qr_dxf_trim(tag->text, tag->len, &name);
    if (len == 0)
        return;
    dim->block = keep(doc, name, len);
    dim->block_len = dim->block ? len : 0;
}

static void read_numbers(const struct qr_dxf_entity *entity, struct qr_dxf_dimension *dim)
{
    const struct qr_dxf_tag *raw = qr_dxf_find(entity, 42), *handle = qr_dxf_find(entity, 5);
    const struct qr_dxf_tag *layer = qr_dxf_find(entity, 8);
    double middle[3] = {0};

    if (raw)
        dim->raw = qr_dxf_real(raw, &dim->has_raw);
    if (handle)
        dim->handle = qr_dxf_handle(handle);
    dim->constraint = layer && qr_dxf_tag_is(layer, CONSTRAINT_LAYER);
    dim->has_middle = qr_dxf_find_point(entity, 11, middle);
    memcpy(dim->middle, middle, sizeof dim->middle);
    dim->rotation = qr_dxf_find_real(entity, 53, 0);
}

void qr_dxf_dimension_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                           const struct qr_dxf_where *where)
{
    struct qr_record *rec = doc->x->rec;
    struct qr_dxf_dimension *dim = NULL;

    if (doc->n_dimensions < rec->limits.items)
        dim = qr_dxf_alloc(doc, sizeof *dim);
    if (!dim) {
        qr_record_partial(rec, "dxf.dimension.capped", "more than %zu dimensions",
                          doc->n_dimensions);
        return;
    }
    dim->where = *where;
    read_geometry(entity, &dim->geometry);
    read_text(doc, entity, dim);
    read_block(doc, entity, dim);
    read_numbers(entity, dim);
    qr_dxf_dimvars_of(doc, entity, &dim->vars);
    if (doc->last_dimension)
        doc->last_dimension->next = dim;
    else
        doc->dimensions = dim;
    doc->last_dimension = dim;
    doc->n_dimensions++;
}

/* A text of the record for a dimension that no block draws. */
static void hand_out(const struct qr_dxf_dimension *dim, const struct qr_buf *shown,
                     const struct qr_dxf_dim_spot *spot, qr_dxf_text_fn text, void *arg)
{
    struct qr_dxf_text piece = {
        .text = (const char *)shown->data,
        .len = shown->len,
        .x = spot->box[0],
        .y = spot->box[1],
        .width = spot->box[2] - spot->box[0],
        .height = spot->height,
        .rotation = spot->rotation,
        .handle = dim->handle,
        .kind = QR_DXF_TEXT_DIMENSION,
    };
    if (shown->len > 0)
        text(arg, &dim->where, &piece);
}

/* The block that draws it; NULL: none. */
static const struct qr_dxf_block *block_of(const struct qr_dxf_doc *doc,
                                           const struct qr_dxf_dimension *dim)
{
    return dim->block ? qr_dxf_block_find(doc, dim->block, dim->block_len) : NULL;
}

static bool is_constraint(const struct qr_dxf_dimension *dim, const struct qr_dxf_block *block)
{
    return dim->constraint && (!block || !block->n_defined);
}

void qr_dxf_dimension_texts(struct qr_dxf_doc *doc, qr_dxf_text_fn text, void *arg)
{
    struct qr_buf shown;

    qr_buf_init(&shown, 4 * TEXT_MAX);
    for (const struct qr_dxf_dimension *dim = doc->dimensions; dim; dim = dim->next) {
        const struct qr_dxf_block *block = block_of(doc, dim);
        struct qr_dxf_dim_spot spot = {0};
        struct qr_dxf_dim_numbers numbers;
        if (is_constraint(dim, block) || (block && qr_dxf_dim_is_drawn(block)))
            continue;
        qr_buf_clear(&shown);
        qr_dxf_dim_numbers(dim, &numbers);
        qr_dxf_dim_shown(doc, dim, NULL, &numbers, &shown, &spot);
        hand_out(dim, &shown, &spot, text, arg);
    }
    qr_buf_done(&shown);
}

void qr_dxf_dimension_finish(struct qr_dxf_doc *doc)
{
    struct qr_buf shown;

    qr_buf_init(&shown, 4 * TEXT_MAX);
    for (const struct qr_dxf_dimension *dim = doc->dimensions; dim; dim = dim->next) {
        const struct qr_dxf_block *block = block_of(doc, dim);
        struct qr_dxf_dim_spot spot = {0};
        struct qr_dxf_dim_numbers numbers;
        enum qr_dxf_dim_source source;
        if (is_constraint(dim, block)) {
            qr_record_note(doc->x->rec, "dxf.dimension.constraint",
                           "constraints of a sketch, not dimensions");
            continue;
        }
        qr_buf_clear(&shown);
        qr_dxf_dim_numbers(dim, &numbers);
        source = qr_dxf_dim_shown(doc, dim, block, &numbers, &shown, &spot);
        if (!qr_dxf_dim_report(doc, dim, &numbers, source, &shown, &spot))
            break;
    }
    qr_buf_done(&shown);
}
