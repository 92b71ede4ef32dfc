/* coordinator/db/record_json.h
 *
 * The parts of a record that become JSON columns. Text that is not UTF-8 gets U+FFFD, a number that
 * is not finite null. `out->failed` says that a part is too large.
 */
#pragma once
#include "common/buf.h"
#include "coordinator/db/record.h"

/** An object of key: value. A key that comes twice keeps its first value; the other goes under
 * origin:key, so that nothing is lost. */
void qr_write_items(struct qr_buf *out, Quarry__V1__MetadataItem *const *items, size_t n);
void qr_write_counts(struct qr_buf *out, Quarry__V1__Count *const *counts, size_t n);
void qr_write_named(struct qr_buf *out, Quarry__V1__NamedObject *const *named, size_t n);
void qr_write_notes(struct qr_buf *out, Quarry__V1__Note *const *notes, size_t n);
void qr_write_links(struct qr_buf *out, Quarry__V1__Link *const *links, size_t n);
void qr_write_spans(struct qr_buf *out, Quarry__V1__Span *const *spans, size_t n);

/** Everything that has no column of its own: structure of the document, tolerance frames,
 * revisions, notes, places of the title block's fields. */
bool qr_record_has_details(const qr_record *record);
void qr_write_details(struct qr_buf *out, const qr_record *record);
