#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    int code;
    int grpc_status;
    int retry;
    const char *name;
    const char *text;
};

static const struct err_row err_table[] = {
#define QR_ERR_ROW(name, code, grpc, retry, text) {code, grpc, retry, #name, text},
    QR_ERR_MAP(QR_ERR_ROW)
#undef QR_ERR_ROW
};

static const struct err_row *row_of(int code)
{
    static const struct err_row ok = {QR_OK, 0, 0, "OK", "ok"};
    const struct err_row *internal = &ok;

    if (code == QR_OK)
        return &ok;
    for (size_t i = 0; i < QR_COUNT(err_table); i++) {
        if (err_table[i].code == code)
            return &err_table[i];
        if (err_table[i].code == QR_E_INTERNAL)
            internal = &err_table[i];
    }
    return internal;
}

/* A message cut by its buffer must not end inside a UTF-8 sequence: it goes into JSON and gRPC. */
static void trim_partial_utf8(char *text)
{
    size_t len = strlen(text);
    size_t back = 0;

    while (back < 3 && back < len && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back >= len)
        return;
    unsigned char lead = (unsigned char)text[len - 1 - back];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > back + 1)
        text[len - 1 - back] = '\0';
}

int qr_err_raise(struct qr_err *err, int code, int sys, const char *file, int line, const char *fmt,
                 ...)
{
    va_list args;

    if (!err)
        return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    err->sys = sys;
    err->file = file;
    err->line = line;
    va_start(args, fmt);
    int used = vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    if (sys != 0 && used >= 0 && (size_t)used < sizeof err->msg) {
        char text[128];
        snprintf(err->msg + used, sizeof err->msg - (size_t)used, ": %s",
                 strerror_r(sys, text, sizeof text)); /* the GNU one: returns the text */
    }
    trim_partial_utf8(err->msg);
    return code;
}

int qr_err_wrap(struct qr_err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;
    const struct qr_err inner = *err;
    va_start(args, fmt);
    int used = vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->msg)
        snprintf(err->msg + used, sizeof err->msg - (size_t)used, ": %s",
                 inner.msg[0] ? inner.msg : qr_err_text(code));
    trim_partial_utf8(err->msg);
    if (err->code == QR_OK)
        err->code = code;
    return code;
}

const char *qr_err_name(int code) { return row_of(code)->name; }

const char *qr_err_text(int code) { return row_of(code)->text; }

int qr_err_grpc_status(int code) { return row_of(code)->grpc_status; }

int qr_err_is_retryable(int code) { return row_of(code)->retry; }

int qr_err_from_grpc_status(int status)
{
    if (status == 0)
        return QR_OK;
    for (size_t i = 0; i < QR_COUNT(err_table); i++)
        if (err_table[i].grpc_status == status)
            return err_table[i].code;
    return status == 16 ? QR_E_DENIED : QR_E_INTERNAL; /* 16 UNAUTHENTICATED */
}

int qr_err_exit_code(int code)
{
    switch (code) {
    case QR_OK:
        return 0;
    case QR_E_USAGE:
        return 2;
    case QR_E_NOT_FOUND:
        return 3;
    case QR_E_UNREACHABLE:
        return 4;
    case QR_E_DENIED:
        return 5;
    default:
        return 1;
    }
}
