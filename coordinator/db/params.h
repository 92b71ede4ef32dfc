/* coordinator/db/params.h
 *
 * Values for prepared statements, in PostgreSQL's binary format, and reading them back.
 *
 * A statement gets single values and arrays; arrays are built column by column while requests are
 * walked, then unnest() turns them into rows: one statement for a whole batch.
 * Not thread-safe. A builder that ran out of memory or over its cap stays failed; check once.
 * Source: PostgreSQL's array_send(), int8send() and so on; docs/database.md "Parameters".
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

enum qr_oid { /* pg_type.oid, fixed for built-in types */
              QR_OID_BOOL = 16,
              QR_OID_BYTEA = 17,
              QR_OID_INT8 = 20,
              QR_OID_INT2 = 21,
              QR_OID_INT4 = 23,
              QR_OID_TEXT = 25,
              QR_OID_FLOAT8 = 701,
};

enum { QR_PARAMS_MAX = 44, QR_PARAM_BYTES_MAX = 256 * 1024 * 1024 };

/* One column of a batch: a one-dimensional array. */
struct qr_array {
    struct qr_buf buf;
    enum qr_oid oid;
    int32_t n;
    bool has_null;
};

void qr_array_init(struct qr_array *array, enum qr_oid oid);
void qr_array_done(struct qr_array *array);
void qr_array_clear(struct qr_array *array); /* empty again, memory kept */
void qr_array_null(struct qr_array *array);
void qr_array_i64(struct qr_array *array, int64_t value);
void qr_array_i32(struct qr_array *array, int32_t value);
void qr_array_i16(struct qr_array *array, int16_t value);
void qr_array_bool(struct qr_array *array, bool value);
void qr_array_f64(struct qr_array *array, double value);
void qr_array_bytes(struct qr_array *array, const void *data, size_t len);
void qr_array_text(struct qr_array *array, const char *text); /* NULL: null */

/* The parameters of one call. Pointers handed in (text, bytes, arrays) are borrowed until it ran.
 */
struct qr_params {
    int n;
    bool failed;
    const char *values[QR_PARAMS_MAX];
    int lengths[QR_PARAMS_MAX];
    uint8_t scalar[QR_PARAMS_MAX][8];
};

static inline void qr_params_init(struct qr_params *params)
{
    params->n = 0;
    params->failed = false;
}
void qr_param_null(struct qr_params *params);
void qr_param_i64(struct qr_params *params, int64_t value);
void qr_param_i32(struct qr_params *params, int32_t value);
void qr_param_bool(struct qr_params *params, bool value);
void qr_param_f64(struct qr_params *params, double value);
void qr_param_text(struct qr_params *params, const char *text); /* NULL: null */
void qr_param_bytes(struct qr_params *params, const void *data, size_t len);
void qr_param_array(struct qr_params *params, struct qr_array *array);

/* Reading a binary result. Nulls read as 0, false, "". */
bool qr_get_null(const PGresult *result, int row, int col);
int64_t qr_get_i64(const PGresult *result, int row, int col); /* int8, int4, int2 or bool */
int32_t qr_get_i32(const PGresult *result, int row, int col);
bool qr_get_bool(const PGresult *result, int row, int col);
double qr_get_f64(const PGresult *result, int row, int col);
const char *qr_get_text(const PGresult *result, int row,
                        int col); /* also varchar, json; not jsonb */
/** A text by its column's name; "" when there is none. */
const char *qr_get_named(const PGresult *result, int row, const char *name);
const void *qr_get_bytes(const PGresult *result, int row, int col, size_t *ret_len);
/** A one-dimensional array of int8, int4 or int2 without nulls: its length; one element, from 0. */
int32_t qr_get_array_n(const PGresult *result, int row, int col);
int64_t qr_get_array_i64(const PGresult *result, int row, int col, int32_t i);
