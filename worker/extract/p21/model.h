/* worker/extract/p21/model.h
 *
 * What STEP and IFC do first with a file: open it, whatever it is packed in, and put into the
 * record what every exchange file has: header, schema, counts.
 */
#pragma once
#include "common/buf.h"
#include "worker/extract/extract.h"
#include "worker/extract/p21/p21.h"

/**
 * Index the file of an extraction, unpacked when it is packed. Of a large one memory is given back
 * on the way; progress goes from 0 to 300 permille.
 *
 *   suffixes  what a file in an archive may end in: ".stp .step .p21"
 *
 * Returns NULL after having put the failure into the record. The caller frees with qr_p21_free(),
 * before the input is closed.
 */
struct qr_p21 *qr_p21_read(const struct qr_extract *x, const char *suffixes);

/** Header metadata, schema, counts of records: the beginning of `cad`. `source`: "step", "ifc". */
void qr_p21_describe(const struct qr_extract *x, const struct qr_p21 *p21, const char *source);

/** Bytes of the map that have been looked at may go from memory now. */
void qr_p21_release(const struct qr_extract *x);

/**
 * A STRING as text in the record's arena, unescaped, blanks at both ends removed. "" for other
 * kinds. Never NULL.
 */
const char *qr_p21_string(struct qr_record *rec, const struct qr_p21_value *value);
