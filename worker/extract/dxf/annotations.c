/* Entities that hold text of their own kind or draw themselves by a block: DIMENSION, TOLERANCE,
 * MULTILEADER, ACAD_TABLE. */
#include <math.h>
#include <string.h>

#include "worker/extract/dxf/acad_table.h"
#include "worker/extract/dxf/dimension.h"
#include "worker/extract/dxf/mleader.h"
#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/tolerance.h"

#define PI 3.14159265358979323846
#define PITCH (5.0 / 3.0) /* between lines, in heights */
#define MARGIN 0.15       /* of a table's cell, in its height */

static struct qr_dxf_block *block_drawn(struct qr_dxf_reader *r)
{
    const struct qr_dxf_tag *name = qr_dxf_find(&r->e, 2);
    return name && name->text && name->len > 0 ? qr_dxf_block_get(&r->doc, name->text, name->len)
                                               : NULL;
}

static struct qr_dxf_where where_of(struct qr_dxf_reader *r)
{
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    return (struct qr_dxf_where){.block = place, .paper = r->paper || r->block_is_paper};
}

/* A text of its layout or block. */
static void take_text(void *arg, const struct qr_dxf_where *where, const struct qr_dxf_text *from)
{
    struct qr_dxf_reader *r = arg;
    struct qr_dxf_text *text =
        where->block ? qr_dxf_text_add(&r->doc, where->block, from->kind, from->text, from->len)
                     : NULL;
    if (!text)
        return;
    text->x = from->x;
    text->y = from->y;
    text->width = from->width;
    text->height = from->height;
    text->pitch = from->height * PITCH;
    text->rotation = from->rotation;
    text->handle = from->handle;
}

void qr_dxf_read_dimension_entity(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_where where = where_of(r);
    struct qr_dxf_block *block = block_drawn(r);
    struct qr_dxf_insert *insert =
        where.block && block ? qr_dxf_insert_add(&r->doc, where.block, block) : NULL;
    if (insert)
        insert->dimension = true; /* it is drawn in the layout's coordinates */
    qr_dxf_dimension_read(&r->doc, &r->e, &where);
}

void qr_dxf_read_tolerance(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_where where = where_of(r);
    qr_dxf_tolerance_read(&r->doc, &r->e, &where, take_text, r);
}

void qr_dxf_read_mleader(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_where where = where_of(r);
    qr_dxf_mleader_read(&r->doc, &r->e, &where, take_text, r);
}

/* A cell of a table that no block draws: its text and its frame. */
static void take_cell(void *arg, const struct qr_dxf_where *where, const struct qr_dxf_cell *cell)
{
    struct qr_dxf_reader *r = arg;
    const double *box = cell->box;
    double room = (box[3] - box[1]) / (double)cell->n_rows;
    double height = cell->height > 0 ? cell->height : room * 0.5;
    struct qr_dxf_text text = {
        .text = cell->text,
        .len = cell->len,
        .x = box[0] + height * MARGIN,
        .y = box[3] - height * (1 + MARGIN),
        .width = fmax(0, box[2] - box[0] - 2 * MARGIN * height),
        .height = height,
        .kind = QR_DXF_TEXT_TABLE,
    };

    take_text(arg, where, &text);
    if (!where->block)
        return;
    qr_dxf_rule_add(&r->doc, where->block, box[0], box[1], box[2], box[1]);
    qr_dxf_rule_add(&r->doc, where->block, box[0], box[3], box[2], box[3]);
    qr_dxf_rule_add(&r->doc, where->block, box[0], box[1], box[0], box[3]);
    qr_dxf_rule_add(&r->doc, where->block, box[2], box[1], box[2], box[3]);
}

void qr_dxf_read_table_entity(struct qr_dxf_reader *r)
{
    double at[3];
    double direction[3];

    qr_dxf_collect(r);
    struct qr_dxf_where where = where_of(r);
    struct qr_dxf_block *block = block_drawn(r);
    if (!block || (block->n_defined == 0 && r->section == QR_DXF_ENTITIES) ||
        (block->n_defined > 0 && !block->texts && !block->inserts)) {
        qr_dxf_acad_table_read(&r->doc, &r->e, &where, take_cell, r);
        return;
    }
    struct qr_dxf_insert *insert =
        where.block ? qr_dxf_insert_add(&r->doc, where.block, block) : NULL;
    if (!insert)
        return;
    insert->table = true;
    qr_dxf_find_point(&r->e, 10, at);
    insert->at[0] = at[0];
    insert->at[1] = at[1];
    if (qr_dxf_find_point(&r->e, 11, direction) && (direction[0] != 0 || direction[1] != 0))
        insert->rotation = atan2(direction[1], direction[0]) * 180 / PI;
}

void qr_dxf_finish_annotations(struct qr_dxf_reader *r, bool expanded)
{
    if (!expanded) {
        qr_dxf_dimension_texts(&r->doc, take_text, r);
        return;
    }
    qr_dxf_dimension_finish(&r->doc);
    qr_dxf_tolerance_finish(&r->doc);
}
