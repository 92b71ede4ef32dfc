#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qr_buf_init(struct qr_buf *buf, size_t max_bytes)
{
    memset(buf, 0, sizeof *buf);
    buf->max = max_bytes;
}

void qr_buf_done(struct qr_buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof *buf);
}

void qr_buf_clear(struct qr_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

uint8_t *qr_buf_reserve(struct qr_buf *buf, size_t len)
{
    if (buf->failed || len > buf->max - buf->len) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->len + len + 1; /* one for the NUL */
    if (need > buf->cap) {
        size_t cap = buf->cap ? buf->cap : 256;
        while (cap < need)
            cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        uint8_t *data = realloc(buf->data, cap);
        if (!data) {
            buf->failed = true;
            return NULL;
        }
        buf->data = data;
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

bool qr_buf_append(struct qr_buf *buf, const void *data, size_t len)
{
    uint8_t *at = qr_buf_reserve(buf, len);
    if (!at)
        return false;
    if (len > 0)
        memcpy(at, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return true;
}

bool qr_buf_append_str(struct qr_buf *buf, const char *text)
{
    return qr_buf_append(buf, text, strlen(text));
}

bool qr_buf_printf(struct qr_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    uint8_t *at = n < 0 ? NULL : qr_buf_reserve(buf, (size_t)n);
    if (at) {
        vsnprintf((char *)at, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    } else {
        buf->failed = true;
    }
    va_end(again);
    return at != NULL;
}

void qr_buf_consume(struct qr_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
    } else {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }
    if (buf->data)
        buf->data[buf->len] = '\0';
}

char *qr_buf_take(struct qr_buf *buf)
{
    if (buf->failed || (!buf->data && !qr_buf_append(buf, "", 0)))
        return NULL;
    char *text = (char *)buf->data;
    size_t max = buf->max;
    qr_buf_init(buf, max);
    return text;
}
