/* worker/extract/dxf/dimension_intern.h
 *
 * One dimension between reading and reporting; for the dimension*.c files alone.
 */
#pragma once
#include "worker/extract/dxf/dimension.h"
#include "worker/extract/dxf/dimension_geometry.h"
#include "worker/extract/dxf/dimstyle.h"

struct qr_dxf_dimension {
    struct qr_dxf_dimension *next;
    struct qr_dxf_where where;
    uint64_t handle;
    struct qr_dxf_dim_geometry geometry;
    struct qr_dxf_dimvars vars;
    const char *block; /* name as it stands in the file; NULL: none */
    size_t block_len;
    const char *text; /* override, UTF-8 with MTEXT codes, NUL-terminated; NULL: none */
    size_t text_len;
    bool suppressed; /* by a blank */
    bool constraint; /* on the layer of sketch constraints */
    double raw;      /* group 42 as it stands */
    bool has_raw;
    double middle[2]; /* 11, the text's middle, in the entity's plane */
    bool has_middle;
    double rotation; /* 53, degrees */
};

/** Numbers of one dimension while it is reported. */
struct qr_dxf_dim_numbers {
    double factor;   /* |DIMLFAC| where it counts, 1 for angles */
    double raw;      /* angles in degrees */
    double computed; /* times factor */
    bool has_raw, has_computed;
};

void qr_dxf_dim_numbers(const struct qr_dxf_dimension *dim, struct qr_dxf_dim_numbers *ret);

/** Where the shown text was found. */
enum qr_dxf_dim_source {
    QR_DXF_DIM_NOTHING, /* suppressed, or there is nothing to show */
    QR_DXF_DIM_FORMATTED,
    QR_DXF_DIM_OVERRIDE,
    QR_DXF_DIM_BLOCK,
};

/** A box in the plane of the text, x0 y0 x1 y1; the reading direction in degrees. */
struct qr_dxf_dim_spot {
    double box[4];
    double rotation;
    double height;
    bool known;
};

/**
 * The text that people see, appended to `out` (which is empty) as plain UTF-8.
 *
 *   block  the block that draws the dimension, NULL when there is none
 */
enum qr_dxf_dim_source qr_dxf_dim_shown(const struct qr_dxf_doc *doc,
                                        const struct qr_dxf_dimension *dim,
                                        const struct qr_dxf_block *block,
                                        const struct qr_dxf_dim_numbers *numbers,
                                        struct qr_buf *out, struct qr_dxf_dim_spot *ret_spot);

/** Does the block show any text? */
bool qr_dxf_dim_is_drawn(const struct qr_dxf_block *block);

/** What the dimension's own text and style make of the measurement, plain; appended. */
void qr_dxf_dim_expected(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                         const struct qr_dxf_dim_numbers *numbers, struct qr_buf *out);

/** Replace the text of a block that draws signs with lines by the one that has them. */
void qr_dxf_dim_restore_signs(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                              const struct qr_dxf_dim_numbers *numbers, struct qr_buf *shown);

/** Has it an override that does not hold the measurement? */
bool qr_dxf_dim_is_literal(const struct qr_dxf_dimension *dim);

/** Where in the shown text the measurement stands, behind what the override puts in front of it
 *  ("2-<>"); 0 when nothing does. */
size_t qr_dxf_dim_number_at(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                            const struct qr_buf *shown);

struct qr_dimension_text; /* worker/extract/drawing/dimension_text.h */

/**
 * Does the shown number differ from the measured one by more than its rounding? A unit in the text
 * may say what the number is in, or what the drawing's unit really is; a limit is no difference.
 */
bool qr_dxf_dim_disagrees(const struct qr_dxf_dimension *dim,
                          const struct qr_dxf_dim_numbers *numbers, const char *shown, size_t len,
                          const struct qr_dimension_text *said, const char *drawing_unit);

/** Put one dimension into the record; false when the record takes no more. */
bool qr_dxf_dim_report(struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                       const struct qr_dxf_dim_numbers *numbers, enum qr_dxf_dim_source source,
                       const struct qr_buf *shown, const struct qr_dxf_dim_spot *spot);
