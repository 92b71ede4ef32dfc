#include "coordinator/db/params.h"

#include <limits.h>
#include <string.h>

enum { ARRAY_HEAD = 20 };

static void put32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static void put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)(value >> 32));
    put32(at + 4, (uint32_t)value);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t get64(const uint8_t *at) { return (uint64_t)get32(at) << 32 | get32(at + 4); }

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ------------------------------------------------------------------ arrays */

void qr_array_init(struct qr_array *array, enum qr_oid oid)
{
    qr_buf_init(&array->buf, QR_PARAM_BYTES_MAX);
    array->oid = oid;
    qr_array_clear(array);
}

void qr_array_done(struct qr_array *array) { qr_buf_done(&array->buf); }

void qr_array_clear(struct qr_array *array)
{
    qr_buf_clear(&array->buf);
    array->n = 0;
    array->has_null = false;
    if (qr_buf_reserve(&array->buf, ARRAY_HEAD))
        array->buf.len = ARRAY_HEAD;
}

/* Room for one element of `len` bytes behind its length word; NULL when there is none. */
static uint8_t *element(struct qr_array *array, size_t len)
{
    if (len > INT_MAX || array->n == INT32_MAX)
        array->buf.failed = true;
    uint8_t *at = qr_buf_reserve(&array->buf, 4 + len);
    if (!at)
        return NULL;
    put32(at, (uint32_t)len);
    array->buf.len += 4 + len;
    array->n++;
    return at + 4;
}

void qr_array_null(struct qr_array *array)
{
    uint8_t *at = element(array, 0);
    if (at)
        put32(at - 4, UINT32_MAX); /* length -1 */
    array->has_null = true;
}

void qr_array_i64(struct qr_array *array, int64_t value)
{
    uint8_t *at = element(array, 8);
    if (at)
        put64(at, (uint64_t)value);
}

void qr_array_i32(struct qr_array *array, int32_t value)
{
    uint8_t *at = element(array, 4);
    if (at)
        put32(at, (uint32_t)value);
}

void qr_array_i16(struct qr_array *array, int16_t value)
{
    uint8_t *at = element(array, 2);
    if (at) {
        at[0] = (uint8_t)((uint16_t)value >> 8);
        at[1] = (uint8_t)value;
    }
}

void qr_array_bool(struct qr_array *array, bool value)
{
    uint8_t *at = element(array, 1);
    if (at)
        at[0] = value;
}

void qr_array_f64(struct qr_array *array, double value)
{
    uint8_t *at = element(array, 8);
    if (at)
        put64(at, bits_of(value));
}

void qr_array_bytes(struct qr_array *array, const void *data, size_t len)
{
    uint8_t *at = element(array, len);
    if (at && len > 0)
        memcpy(at, data, len);
}

void qr_array_text(struct qr_array *array, const char *text)
{
    if (text)
        qr_array_bytes(array, text, strlen(text));
    else
        qr_array_null(array);
}

/* ------------------------------------------------------------------ parameters */

static uint8_t *add(struct qr_params *params, int len)
{
    if (params->n == QR_PARAMS_MAX) {
        params->failed = true;
        return NULL;
    }
    uint8_t *at = params->scalar[params->n];
    params->values[params->n] = (const char *)at;
    params->lengths[params->n++] = len;
    return at;
}

static void add_borrowed(struct qr_params *params, const void *data, size_t len)
{
    if (params->n == QR_PARAMS_MAX || len > INT_MAX) {
        params->failed = true;
        return;
    }
    params->values[params->n] = data;
    params->lengths[params->n++] = (int)len;
}

void qr_param_null(struct qr_params *params) { add_borrowed(params, NULL, 0); }

void qr_param_i64(struct qr_params *params, int64_t value)
{
    uint8_t *at = add(params, 8);
    if (at)
        put64(at, (uint64_t)value);
}

void qr_param_i32(struct qr_params *params, int32_t value)
{
    uint8_t *at = add(params, 4);
    if (at)
        put32(at, (uint32_t)value);
}

void qr_param_bool(struct qr_params *params, bool value)
{
    uint8_t *at = add(params, 1);
    if (at)
        at[0] = value;
}

void qr_param_f64(struct qr_params *params, double value)
{
    uint8_t *at = add(params, 8);
    if (at)
        put64(at, bits_of(value));
}

void qr_param_text(struct qr_params *params, const char *text)
{
    add_borrowed(params, text, text ? strlen(text) : 0);
}

void qr_param_bytes(struct qr_params *params, const void *data, size_t len)
{
    add_borrowed(params, data ? data : "", len);
}

void qr_param_array(struct qr_params *params, struct qr_array *array)
{
    if (array->buf.failed) {
        params->failed = true;
        return;
    }
    uint8_t *head = array->buf.data;
    put32(head, array->n > 0 ? 1 : 0); /* dimensions */
    put32(head + 4, array->has_null);
    put32(head + 8, (uint32_t)array->oid);
    put32(head + 12, (uint32_t)array->n);
    put32(head + 16, 1); /* lower bound */
    add_borrowed(params, head, array->n > 0 ? array->buf.len : 12);
}

/* ------------------------------------------------------------------ results */

bool qr_get_null(const PGresult *result, int row, int col)
{
    return PQgetisnull(result, row, col) != 0;
}

int64_t qr_get_i64(const PGresult *result, int row, int col)
{
    const uint8_t *at = (const uint8_t *)PQgetvalue(result, row, col);

    switch (PQgetlength(result, row, col)) {
    case 8:
        return (int64_t)get64(at);
    case 4:
        return (int32_t)get32(at);
    case 2:
        return (int16_t)((uint16_t)at[0] << 8 | at[1]);
    case 1:
        return at[0];
    default:
        return 0;
    }
}

int32_t qr_get_i32(const PGresult *result, int row, int col)
{
    return (int32_t)qr_get_i64(result, row, col);
}

bool qr_get_bool(const PGresult *result, int row, int col)
{
    return qr_get_i64(result, row, col) != 0;
}

double qr_get_f64(const PGresult *result, int row, int col)
{
    double value = 0;
    if (PQgetlength(result, row, col) == 8) {
        uint64_t bits = get64((const uint8_t *)PQgetvalue(result, row, col));
        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

const char *qr_get_text(const PGresult *result, int row, int col)
{
    return PQgetvalue(result, row, col);
}

const void *qr_get_bytes(const PGresult *result, int row, int col, size_t *ret_len)
{
    *ret_len = (size_t)PQgetlength(result, row, col);
    return PQgetvalue(result, row, col);
}

/* Dimensions, whether there are nulls, element type; then per dimension its length and lower bound,
 * then each element behind its length. Source: PostgreSQL, array_send(). */
int32_t qr_get_array_n(const PGresult *result, int row, int col)
{
    const uint8_t *at = (const uint8_t *)PQgetvalue(result, row, col);

    return PQgetlength(result, row, col) >= ARRAY_HEAD && get32(at) == 1 ? (int32_t)get32(at + 12)
                                                                         : 0;
}

int64_t qr_get_array_i64(const PGresult *result, int row, int col, int32_t i)
{
    const uint8_t *at = (const uint8_t *)PQgetvalue(result, row, col) + ARRAY_HEAD;
    size_t len = get32(at); /* of fixed size: the first says it for all */

    at += (4 + len) * (size_t)i + 4;
    return len == 8   ? (int64_t)get64(at)
           : len == 4 ? (int32_t)get32(at)
                      : (int16_t)((uint16_t)at[0] << 8 | at[1]);
}

const char *qr_get_named(const PGresult *result, int row, const char *name)
{
    int col = PQfnumber(result, name);

    return col < 0 ? "" : qr_get_text(result, row, col);
}
