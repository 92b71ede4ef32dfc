/* worker/extract/dxf/tolerance.h
 *
 * TOLERANCE: feature control frames, each row one entry of the record's `gdt`.
 *
 * The string (group 1, MTEXT codes) has cells parted by %%v and rows by ^J: characteristic, first
 * and second tolerance, three datums. Symbols are letters of a symbol font (gdt.h) or Unicode. A
 * row below that repeats no characteristic belongs to the one above (composite frame). Two further
 * rows may hold the height of a projected zone and a datum's name; they are kept in the text.
 *
 * Source: DXF reference, "TOLERANCE"; AutoCAD command reference, TOLERANCE.
 */
#pragma once
#include "worker/extract/dxf/sink.h"

/** Fill the record (doc->x->rec); `fn` gets the frame as text, cells parted by " | ". */
void qr_dxf_tolerance_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                           const struct qr_dxf_where *where, qr_dxf_text_fn fn, void *arg);

/** Page and layout of each, when the whole file has been read. */
void qr_dxf_tolerance_finish(struct qr_dxf_doc *doc);
