/* coordinator/db/record_rows.h
 *
 * Rows of a record's findings, added to the columns of a batch (record.c).
 */
#pragma once
#include "coordinator/db/record.h"

enum qr_result_table {
    QR_RESULT_METADATA,
    QR_RESULT_PAGES,
    QR_RESULT_DIMENSIONS,
    QR_RESULT_PARAMETERS,
    QR_RESULT_MATERIALS,
    QR_RESULT_BOM
};

void qr_rows_metadata(struct qr_results *results, int64_t job_id, int64_t file_id, int64_t run_id,
                      const qr_record *r);
void qr_rows_page(struct qr_results *results, int64_t job_id, const Quarry__V1__Page *p);
void qr_rows_dimension(struct qr_results *results, int64_t job_id, int64_t file_id,
                       const Quarry__V1__Dimension *d);
void qr_rows_parameter(struct qr_results *results, int64_t job_id, int64_t file_id,
                       const Quarry__V1__Parameter *p);
void qr_rows_material(struct qr_results *results, int64_t job_id, int64_t file_id,
                      const Quarry__V1__Material *m);
void qr_rows_bom_item(struct qr_results *results, int64_t job_id, int64_t file_id,
                      const Quarry__V1__BomItem *b);

/** Characters of all pages, and of a text without pages. */
int64_t qr_record_chars(const qr_record *r);
