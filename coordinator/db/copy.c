#include "coordinator/db/copy.h"

#include <limits.h>
#include <string.h>

enum { HEAD_BYTES = 19, ROW_HEAD = 2, VALUE_HEAD = 4 };

static const uint8_t head[HEAD_BYTES] = "PGCOPY\n\377\r\n"; /* then flags 0, extension of 0 bytes */

void qr_copy_init(struct qr_copy *copy)
{
    qr_buf_init(&copy->buf, QR_PARAM_BYTES_MAX);
    copy->n_rows = 0;
}

void qr_copy_done(struct qr_copy *copy) { qr_buf_done(&copy->buf); }

void qr_copy_begin(struct qr_copy *copy)
{
    qr_buf_clear(&copy->buf);
    copy->n_rows = 0;
    (void)qr_buf_append(&copy->buf, head, sizeof head); /* a failure stays and is seen at the end */
}

/* `len` bytes, big-endian. */
static void put(uint8_t *at, uint64_t value, int len)
{
    for (int i = len - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static void number(struct qr_copy *copy, uint64_t value, int len)
{
    uint8_t *at = qr_buf_reserve(&copy->buf, (size_t)(VALUE_HEAD + len));

    if (!at)
        return;
    put(at, (uint64_t)len, VALUE_HEAD);
    put(at + VALUE_HEAD, value, len);
    copy->buf.len += (size_t)(VALUE_HEAD + len);
}

void qr_copy_row(struct qr_copy *copy, int16_t columns)
{
    uint8_t *at = qr_buf_reserve(&copy->buf, ROW_HEAD);

    if (!at)
        return;
    put(at, (uint16_t)columns, ROW_HEAD);
    copy->buf.len += ROW_HEAD;
    copy->n_rows++;
}

void qr_copy_i64(struct qr_copy *copy, int64_t value) { number(copy, (uint64_t)value, 8); }

void qr_copy_i32(struct qr_copy *copy, int32_t value) { number(copy, (uint32_t)value, 4); }

void qr_copy_i16(struct qr_copy *copy, int16_t value) { number(copy, (uint16_t)value, 2); }

void qr_copy_text(struct qr_copy *copy, const char *text, size_t len)
{
    uint8_t *at = len <= INT_MAX ? qr_buf_reserve(&copy->buf, VALUE_HEAD + len) : NULL;

    if (!at) {
        copy->buf.failed = true;
        return;
    }
    put(at, len, VALUE_HEAD);
    memcpy(at + VALUE_HEAD, text, len);
    copy->buf.len += VALUE_HEAD + len;
}

void qr_copy_null(struct qr_copy *copy)
{
    uint8_t *at = qr_buf_reserve(&copy->buf, VALUE_HEAD);

    if (!at)
        return;
    put(at, UINT32_MAX, VALUE_HEAD); /* length -1 */
    copy->buf.len += VALUE_HEAD;
}

int qr_copy_send(struct qr_conn *conn, enum qr_sql sql, struct qr_copy *copy, struct qr_err *err)
{
    static const uint8_t trailer[] = {0xFF, 0xFF};

    if (copy->n_rows == 0)
        return QR_OK;
    if (!qr_buf_append(&copy->buf, trailer, sizeof trailer))
        return qr_fail(err, QR_E_LIMIT, "%s: the batch is larger than %d bytes", qr_sql_name(sql),
                       QR_PARAM_BYTES_MAX);
    return qr_conn_copy(conn, sql, copy->buf.data, copy->buf.len, err);
}
