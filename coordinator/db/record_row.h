/* coordinator/db/record_row.h
 *
 * Filling one row of a result table, from left to right. Between record_rows.c and record_cad.c.
 */
#pragma once
#include <math.h>

#include "coordinator/db/json.h"
#include "coordinator/db/record_rows.h"

/* Walks a table's columns from left to right. */
struct row {
    struct qr_array *column;
};

static inline struct row row_of(struct qr_results *results, enum qr_result_table table)
{
    return (struct row){results->column[table]};
}

static inline void i64(struct row *row, int64_t value) { qr_array_i64(row->column++, value); }
static inline void i32(struct row *row, int64_t value)
{
    qr_array_i32(row->column++, value > INT32_MAX   ? INT32_MAX
                                : value < INT32_MIN ? INT32_MIN
                                                    : (int32_t)value);
}
static inline void boolean(struct row *row, bool value) { qr_array_bool(row->column++, value); }
static inline void null(struct row *row) { qr_array_null(row->column++); }

static inline void number(struct row *row, double value, bool known)
{
    if (known && isfinite(value))
        qr_array_f64(row->column++, value);
    else
        null(row);
}

/** What is not UTF-8 becomes U+FFFD; "" is stored. */
void qr_row_text_always(struct row *row, const char *value);

static inline void text(struct row *row, const char *value)
{
    if (value && value[0])
        qr_row_text_always(row, value);
    else
        null(row);
}

static inline void bytes(struct row *row, const void *data, size_t len)
{
    if (len > 0)
        qr_array_bytes(row->column++, data, len);
    else
        null(row);
}

/** A JSON column; `json` is done with. */
void qr_row_json(struct row *row, struct qr_buf *json);

/** An array as PostgreSQL writes it, for a text parameter that the statement casts; null when
 * empty, numbers that are not finite are null. */
void qr_row_numbers(struct row *row, const double *values, size_t n);

/* A JSON column from a writer; `n` == 0 is NULL. */
#define JSON(row, writer, items, n)              \
    do {                                         \
        struct qr_buf json_;                     \
        if ((n) == 0) {                          \
            null(row);                           \
            break;                               \
        }                                        \
        qr_buf_init(&json_, QR_PARAM_BYTES_MAX); \
        writer(&json_, items, n);                \
        qr_row_json(row, &json_);                \
    } while (0)
