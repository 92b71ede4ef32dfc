/* worker/extract/drawing/completeness.h
 *
 * How complete a record is: the share of what its kind of document can hold and that was found.
 *
 *     completeness = read * sum(weight * found) / sum(weight)
 *
 * `read` is the share of the file that could be read (undamaged pages, bytes of sections), `found`
 * of a field is 0 or 1, or a share where it is countable. Kinds, fields and weights are the table
 * in completeness.c; docs/record.md shows it.
 */
#pragma once
#include "common/record/record.h"

/** To be called once, when a PDF or DXF has been read; msg->completeness holds `read` and becomes
 *  the result. A record that failed, and an empty file, stay as they are. */
void qr_completeness_set(struct qr_record *rec);
