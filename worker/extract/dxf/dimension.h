/* worker/extract/dxf/dimension.h
 *
 * DIMENSION, ARC_DIMENSION and LARGE_RADIAL_DIMENSION: what was measured, what the geometry says
 * and what the drawing shows.
 *
 * Three numbers that may differ: `raw` is group 42, `computed` comes from the definition points
 * times |DIMLFAC|, `value` is the one that people see: the number in the texts of the dimension's
 * block, else in its text override, else in the measurement formatted by its style. Linear values
 * are in drawing units (as shown), angles in degrees. A group 42 that writers without a measurement
 * put in (-1, and 0 where the geometry is not 0) is absent.
 *
 * Reading is in steps, because the block that draws a dimension may stand behind it:
 * qr_dxf_dimension_read() keeps what is needed, qr_dxf_dimension_finish() fills the record. Memory:
 * about 500 bytes a dimension in the document's arena; what does not fit is noted
 * ("dxf.dimension.capped"). Dimensions on the layer *ADSK_CONSTRAINTS without a block are
 * constraints of a sketch: counted in the note "dxf.dimension.constraint", not in the record.
 *
 * Source: DXF reference, "DIMENSION"; rules for 42 and the text: docs/record.md.
 */
#pragma once
#include "worker/extract/dxf/sink.h"

/** Keep one; `where` is copied. */
void qr_dxf_dimension_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                           const struct qr_dxf_where *where);

/**
 * The text of each dimension whose block draws none (the texts of a block are the block's own); to
 * be called when all blocks are known, before layouts are expanded.
 */
void qr_dxf_dimension_texts(struct qr_dxf_doc *doc, qr_dxf_text_fn text, void *arg);

/**
 * Put all that were kept into the document's record (doc->x->rec), in the order they came; to be
 * called after layouts were expanded. A dimension in a block stands where the block is first seen.
 */
void qr_dxf_dimension_finish(struct qr_dxf_doc *doc);
