/* worker/extract/dxf/sink.h
 *
 * How the readers of single entities (dimension.h, tolerance.h, acad_table.h, mleader.h) are told
 * where an entity stands and how they hand back the texts they found.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/extract/dxf/doc.h"

/** Where an entity stands. Borrowed strings live as long as the document. */
struct qr_dxf_where {
    uint32_t page;      /* of the layout in the record, from 1; 0: inside a block */
    const char *layout; /* "Model", a layout's or block's name; NULL: unknown */
    bool paper;         /* in paper space */
};

/**
 * One text as a reader sees it. `text` and what it points to are borrowed for the call; `next` is
 * not used. Texts come in the order of the file, rows of a table from its top.
 */
typedef void (*qr_dxf_text_fn)(void *arg, const struct qr_dxf_where *where,
                               const struct qr_dxf_text *text);
