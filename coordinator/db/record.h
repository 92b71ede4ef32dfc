/* coordinator/db/record.h
 *
 * From encoded ExtractionRecords to rows: decode with limits, gather the rows of a whole batch
 * column by column, insert them set-wise. Used by the settling transaction only; not thread-safe.
 *
 * Text that is not valid UTF-8 gets U+FFFD in its place: PostgreSQL would refuse the row. A number
 * that is not finite is left out. What the record does not say is NULL.
 */
#pragma once
#include "quarry/v1/record.pb-c.h"

#include "common/class.h"
#include "coordinator/db/conn.h"
#include "coordinator/engine/port.h"

enum {
    QR_RECORD_BYTES_MAX = 64 * 1024 * 1024,
    QR_RECORD_ITEMS_MAX = 2000000, /* rows of one record over all tables */
};

typedef Quarry__V1__ExtractionRecord qr_record;

/**
 * Decode and check. NULL without a message: there is no record. NULL with one: it cannot be stored,
 * *ret_class says what kind of fault that is.
 */
qr_record *qr_record_decode(const uint8_t *data, size_t len, enum qr_class *ret_class,
                            char *ret_message, size_t message_cap);
void qr_record_free(qr_record *record);

/** Has it a model, which is a row of cad_models whatever the job's type? */
static inline bool qr_record_has_model(const qr_record *record)
{
    return record->cad || record->geometry;
}

/** Columns of extraction_jobs: JSON arrays, malloc'd; NULL when there is none or no memory. */
char *qr_record_parameters_json(const qr_record *record);
char *qr_record_bom_json(const qr_record *record);

/* The tables' columns, for one batch. */
enum { QR_RESULT_TABLES = 11, QR_RESULT_COLUMNS_MAX = 42 };
enum { QR_RESULT_PART_BYTES = 256 << 10 }; /* of rows that one statement inserts */
struct qr_result_part;
struct qr_results {
    struct qr_array column[QR_RESULT_TABLES][QR_RESULT_COLUMNS_MAX];
    struct qr_params params[QR_RESULT_TABLES];
    size_t bytes;                        /* in the columns, about */
    struct qr_result_part *full, **last; /* rows that did not fit beside them */
    bool failed;                         /* out of memory */
};
void qr_results_init(struct qr_results *results);
void qr_results_done(struct qr_results *results);
void qr_results_clear(struct qr_results *results);
/** The rows of a record; `status` is that of its job. */
void qr_results_add(struct qr_results *results, int64_t job_id, int64_t file_id, int64_t run_id,
                    const char *status, const qr_record *record);
/** Insert what one statement is not to hold: a large result takes as many statements as it needs,
 * each with a time-out of its own, so that none is too large ever to be stored. */
QR_MUST_CHECK int qr_results_send_full(struct qr_conn *conn, struct qr_results *results,
                                       struct qr_err *err);
/** The rest: one call per table that has rows, appended to `calls` (room for QR_RESULT_TABLES); how
 * many. */
size_t qr_results_calls(struct qr_results *results, struct qr_call *calls);
