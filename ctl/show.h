/* ctl/show.h
 *
 * An extraction record as a person wants to see it: what the drawing says first, then its parts
 * list, dimensions and notes, then what the file is made of. Long lists are cut and say so; JSON
 * has all.
 */
#pragma once
#include <stdio.h>

#include <jansson.h>

#include "common/err.h"
#include "ctl/term.h"

/**
 * Print one record (docs/record.md).
 *
 *   record  borrowed; whatever is missing in it is left out
 *   rows    rows of a list at most; 0: all
 *
 * Errors: QR_E_NOMEM. Write errors are told by ferror(out).
 */
QR_MUST_CHECK int qr_show_record(const json_t *record, size_t rows, const struct qr_term *term,
                                 FILE *out, struct qr_err *err);
