/* INSERT. */
#include <math.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"

#define PI 3.14159265358979323846

static uint32_t count_of(const struct qr_dxf_entity *e, int code)
{
    int64_t n = qr_dxf_find_int(e, code, 1);
    return n < 1 ? 1 : n > 65535 ? 65535 : (uint32_t)n;
}

static struct qr_dxf_block *block_named(struct qr_dxf_reader *r, int code)
{
    const struct qr_dxf_tag *name = qr_dxf_find(&r->e, code);
    return name && name->text && name->len > 0 ? qr_dxf_block_get(&r->doc, name->text, name->len)
                                               : NULL;
}

/* Blocks stand in front of ENTITIES, so one that holds nothing to read needs no insertion. */
static bool is_needless(const struct qr_dxf_reader *r, const struct qr_dxf_block *block)
{
    return r->section == QR_DXF_ENTITIES && block->n_defined > 0 && !block->texts &&
           !block->inserts && !block->rules;
}

void qr_dxf_read_insert(struct qr_dxf_reader *r)
{
    double at[3];

    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    struct qr_dxf_block *block = block_named(r, 2);
    r->attributes_of = block;
    r->attributes_in_paper = r->paper;
    if (!place || !block || is_needless(r, block))
        return;
    struct qr_dxf_insert *insert = qr_dxf_insert_add(&r->doc, place, block);
    if (!insert)
        return;
    qr_dxf_find_point(&r->e, 10, at);
    insert->at[0] = at[0];
    insert->at[1] = at[1];
    insert->scale[0] = qr_dxf_find_real(&r->e, 41, 1);
    insert->scale[1] = qr_dxf_find_real(&r->e, 42, 1);
    insert->rotation = qr_dxf_find_real(&r->e, 50, 0);
    insert->n[0] = count_of(&r->e, 70);
    insert->n[1] = count_of(&r->e, 71);
    insert->step[0] = qr_dxf_find_real(&r->e, 44, 0);
    insert->step[1] = qr_dxf_find_real(&r->e, 45, 0);
    insert->mirrored = qr_dxf_find_real(&r->e, 230, 1) < 0;
}
