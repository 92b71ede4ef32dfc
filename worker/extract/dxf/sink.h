/* worker/extract/dxf/sink.h
 *
 * How the readers of single entities (dimension.h, tolerance.h, acad_table.h, mleader.h) are told
 * where an entity stands and how they hand back the texts they found.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/extract/dxf/doc.h"

/** Where an entity stands, as far as it is known while entities are read: its block's `seen` tells
 *  page and layout when the whole file has been read. */
struct qr_dxf_where {
    struct qr_dxf_block *block; /* its layout's or block definition's; NULL: unknown */
    bool paper;                 /* in paper space */
};

/**
 * One text as a reader sees it. `text` and what it points to are borrowed for the call; `next` is
 * not used. Texts come in the order of the file, rows of a table from its top.
 */
typedef void (*qr_dxf_text_fn)(void *arg, const struct qr_dxf_where *where,
                               const struct qr_dxf_text *text);
