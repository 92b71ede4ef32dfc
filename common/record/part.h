/* common/record/part.h
 *
 * Parts: what was added to a record since the last part, encoded. All parts of a record one behind
 * the other are, as protobuf merges messages, the record as it was at the last of them: lists go
 * on, single values are the newest ones. Only notes are in every part, with their counts so far;
 * qr_record_join_notes() makes them one list again.
 *
 * Entries must not change once a part has them. Design: docs/worker.md "Checkpoints".
 */
#pragma once
#include "common/record/notes.h"
#include "common/record/record.h"

enum { QR_RECORD_FIELDS_MAX = 64 };

/* How much of each list earlier parts have; zeroed: nothing. */
struct qr_record_mark {
    size_t sent[QR_RECORD_FIELDS_MAX]; /* by index of the field */
};

/**
 * Append to `out` what was added since `mark`, and move the mark.
 *
 * Errors: QR_E_NOMEM, the record ran out of memory; QR_E_LIMIT, larger than `out` allows. The mark
 * is unchanged then.
 */
QR_MUST_CHECK int qr_record_encode_part(const struct qr_record *rec, struct qr_record_mark *mark,
                                        struct qr_buf *out, struct qr_err *err);

/** All there is counts as sent. */
void qr_record_mark_all(const struct qr_record *rec, struct qr_record_mark *mark);

/** Entries of all lists but the notes. */
uint64_t qr_record_items(const struct qr_record *rec);

/**
 * Replace the contents of `rec` by those of parts, ready to be added to. text_used and cleaned are
 * the caller's to set.
 *
 * Errors: those of qr_record_decode(); `rec` is unchanged then.
 */
QR_MUST_CHECK int qr_record_restore(struct qr_record *rec, const void *parts, size_t len,
                                    struct qr_err *err);
