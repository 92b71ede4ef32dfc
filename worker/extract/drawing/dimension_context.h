/* worker/extract/drawing/dimension_context.h
 *
 * What stands around a text that could be a dimension, and what that makes of it.
 */
#pragma once
#include "worker/extract/drawing/dimension_join.h"
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/regions.h"

struct qr_dimension_context {
    const struct qr_sheet *sheet;
    const struct qr_grid *grid;
    const struct qr_regions *regions;
    const struct qr_pieces *pieces;
    const uint8_t *taken; /* of each span: used by a dimension or feature control frame */
    struct qr_dimension_groups *groups;
};

/** What is known about one group. */
struct qr_dimension_setting {
    struct qr_sheet_rect box; /* of all its members */
    float height;
    bool line;       /* a rule along the text: a dimension or extension line */
    bool lines_near; /* any rules around it */
    bool tilted;     /* neither along x nor along y */
    bool framed;     /* in a closed box of its own size, alone: a basic dimension */
    bool beside;     /* other text on the same line */
    bool labelled;   /* a label stands before it */
    bool balloon;    /* in a circle */
    bool zone;       /* a number of the frame's grid */
    bool serial;     /* one of a column or scale of numbers */
    bool ocr;
    bool accepted;
};

/** Look around each group; `ret` has room for groups->n. */
void qr_dimension_context_look(const struct qr_dimension_context *context,
                               struct qr_dimension_setting *ret);

/** Decide which groups are dimensions: sets `accepted`. */
void qr_dimension_context_decide(const struct qr_dimension_context *context,
                                 struct qr_dimension_setting *settings);
