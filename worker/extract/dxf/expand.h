/* worker/extract/dxf/expand.h
 *
 * What a layout shows: its own texts and those of the blocks inserted into it, in the layout's
 * coordinates.
 *
 * Insertions are followed with their arrays through 32 levels; a block that contains itself is
 * followed once. All work is under one budget for the file, so nested arrays end early and are
 * noted ("dxf.expand.capped"), however many insertions they stand for.
 */
#pragma once
#include <stddef.h>

#include "worker/extract/drawing/sheet.h"
#include "worker/extract/dxf/doc.h"

/** One line of a text where it is shown. */
struct qr_dxf_span {
    const struct qr_dxf_text *text;
    const char *line; /* in the document's memory, not NUL-terminated */
    size_t len;
    double x, y; /* lower left corner along the reading direction */
    double width, height;
    double depth; /* of the further rows below when the line is wrapped; 0 */
    double angle; /* 0 .. <360 */
    enum qr_span_source source;
};

struct qr_dxf_expansion {
    struct qr_dxf_doc *doc;
    struct qr_dxf_span *spans; /* on the heap */
    size_t n_spans, cap_spans;
    float (*rules)[4]; /* x0 y0 x1 y1, on the heap */
    size_t n_rules, cap_rules;
    uint32_t page;      /* that the block's layout will have */
    const char *layout; /* its name; lives as long as the document */
    size_t bytes;       /* of texts shown so far, over all layouts */
    size_t steps;       /* insertions, texts and lines so far, over all layouts */
};

/** Replace the spans and rules by those of this block or layout. */
void qr_dxf_expand(struct qr_dxf_expansion *expansion, struct qr_dxf_block *block);
void qr_dxf_expansion_done(struct qr_dxf_expansion *expansion);
