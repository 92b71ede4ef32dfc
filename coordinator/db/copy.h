/* coordinator/db/copy.h
 *
 * Rows for COPY … FROM STDIN (FORMAT binary): many plain inserts at a fraction of their price.
 *
 *     qr_copy_begin(&copy); for each row: qr_copy_row(&copy, 3), then its three values
 *     qr_copy_send(conn, QR_SQL_enqueue_copy_ready, &copy, err)
 *
 * Values are in the order of the statement's columns and of exactly their types. A builder that ran
 * out of memory or over its cap stays failed, which qr_copy_send() reports. Not thread-safe.
 * Source: PostgreSQL manual, COPY, "Binary Format".
 */
#pragma once
#include "coordinator/db/conn.h"

struct qr_copy {
    struct qr_buf buf;
    size_t n_rows;
};

void qr_copy_init(struct qr_copy *copy);
void qr_copy_done(struct qr_copy *copy);
void qr_copy_begin(struct qr_copy *copy); /* empty again, memory kept */

void qr_copy_row(struct qr_copy *copy, int16_t columns);
void qr_copy_i64(struct qr_copy *copy, int64_t value); /* bigint; timestamptz: µs since 2000 */
void qr_copy_i32(struct qr_copy *copy, int32_t value);
void qr_copy_i16(struct qr_copy *copy, int16_t value);
void qr_copy_text(struct qr_copy *copy, const char *text, size_t len);
void qr_copy_null(struct qr_copy *copy);

/** Does nothing without rows. `sql` is the text of a COPY statement. Errors: as qr_conn_run(). */
QR_MUST_CHECK int qr_copy_send(struct qr_conn *conn, enum qr_sql sql, struct qr_copy *copy,
                               struct qr_err *err);
