/* worker/extract/drawing/standards.h
 *
 * Standards a drawing names: "DIN ISO 2768-mK", "ASME Y14.5-2009", "EN 10088-3", "ГОСТ 1050-88".
 */
#pragma once
#include <stddef.h>

#include "common/record/record.h"
#include "worker/extract/drawing/sheet.h"

/** The first designation in a text: its place, and its length in *ret_len; NULL without one. */
const char *qr_standard_find(const char *text, size_t len, size_t *ret_len);

/**
 * Add the standards for the drawing itself (tolerances, edges, surfaces, how to read it) as
 * parameters of the set "standards", each once; and the first one for general tolerances to the
 * title block, where that has none. O(n) in spans.
 */
void qr_standards_find(const struct qr_sheet *sheet, struct qr_record *rec);
