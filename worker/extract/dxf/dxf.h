/* worker/extract/dxf/dxf.h
 *
 * DXF drawings, ASCII and binary, of every version from AC1.2 to AC1032, by a reader of our own.
 *
 * One pass over bytes that lie in memory or are mapped. Memory goes with names and texts, never
 * with geometry: what a record does not need is passed over. Damage is repaired where it can be,
 * each repair is a note (docs/record.md lists the codes); everything that can grow has a cap.
 *
 * Source: AutoCAD DXF reference 2018; where files differ from it, what public files hold.
 */
#pragma once
#include <stddef.h>

struct qr_extract;

/** The format's function for worker/extract/table.c. */
void qr_dxf_extract(const struct qr_extract *x);

/**
 * Read a drawing from memory into x->rec, which is empty.
 *
 *   x     only `rec`, `job` and `engine` are used; `engine` may be NULL: double-byte code pages
 *         then cannot be read
 *   data  borrowed for the call; may be NULL when len is 0
 */
void qr_dxf_read(const struct qr_extract *x, const void *data, size_t len);
