/* common/cadjson/reader_intern.h
 *
 * Between the files of the reader: where it stands in the document (reader.c), strings
 * (reader_text.c), numbers, words and whole values (reader_values.c).
 */
#pragma once
#include "common/cadjson/reader.h"

/** The next block, in place of what was read of this one; false: the document has ended, or an
 * error. */
bool qr_jr_fill(struct qr_jr *jr);

/** The next byte without taking it; -1 at the end. */
static inline int qr_jr_look(struct qr_jr *jr)
{
    return jr->at < jr->len || qr_jr_fill(jr) ? jr->block[jr->at] : -1;
}
int qr_jr_look_past_blanks(struct qr_jr *jr);

/** Raise "WHAT is expected, not 'x'" of the next byte; of a value's kind. Return false. */
bool qr_jr_expected(struct qr_jr *jr, const char *what);
bool qr_jr_wrong(struct qr_jr *jr, const char *what, enum qr_jr_kind kind);

/** qr_jr_object() or qr_jr_array(). */
bool qr_jr_enter(struct qr_jr *jr, bool object);
