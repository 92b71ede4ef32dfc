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
    QR_RESULT_BOM,
    QR_RESULT_MODELS, /* before the tables beside it: their rows look up the model's */
    QR_RESULT_EMBEDDINGS,
    QR_RESULT_ASSEMBLIES,
    QR_RESULT_FEATURES,
    QR_RESULT_VIEWS
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

/* record_cad.c: all rows of a record's model; nothing when it has none. */
struct qr_model_key {
    int64_t job_id, file_id, run_id;
    const char *status; /* of its job */
};
void qr_rows_model(struct qr_results *results, const struct qr_model_key *key, const qr_record *r);
/** Entries of all lists of a record's model. */
size_t qr_model_items(const qr_record *r);

/** Before a row of about `bytes`: what is full moves aside (record.c). */
void qr_results_room(struct qr_results *results, size_t bytes);

/** Characters of all pages, and of a text without pages. */
int64_t qr_record_chars(const qr_record *r);
