/* worker/extract/dxf/acad_table.h
 *
 * ACAD_TABLE: the cells of a table with their place.
 *
 * Cells stand row by row in the entity. Text is in 1 or 302 with 250-byte chunks in front (2 or
 * 303, by version); 171 is 1 for text and 2 for a block, whose attribute texts (300) count as the
 * cell's. A cell hidden under a merged one (173 = 1) is left out. Sizes: 141 heights, 142 widths,
 * in drawing units.
 *
 * Source: DXF reference, "ACAD_TABLE".
 */
#pragma once
#include "worker/extract/dxf/sink.h"

struct qr_dxf_cell {
    size_t row, column;       /* from 0, row 0 on top */
    size_t n_rows, n_columns; /* a merged cell covers more than 1 */
    double box[4];            /* x0 y0 x1 y1 in the layout's units, y upwards */
    const char *text;         /* UTF-8, NUL-terminated; "" when empty */
    size_t len;
    double height; /* of its letters, 0 when the style decides */
};

typedef void (*qr_dxf_cell_fn)(void *arg, const struct qr_dxf_where *where,
                               const struct qr_dxf_cell *cell);

/**
 * All cells that are not empty, row by row. Rows and columns are capped at 100,000 cells together
 * (noted "dxf.table.capped").
 */
void qr_dxf_acad_table_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                            const struct qr_dxf_where *where, qr_dxf_cell_fn fn, void *arg);
