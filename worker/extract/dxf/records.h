/* worker/extract/dxf/records.h
 *
 * Which function reads records of which type, and how many there were of each.
 */
#pragma once

struct qr_dxf_reader;

/** Read the record whose type is in r->e; the stream stands behind its 0 group. */
void qr_dxf_read_by_type(struct qr_dxf_reader *r);

/** The counts into the record, by name. */
void qr_dxf_report_counts(struct qr_dxf_reader *r);
