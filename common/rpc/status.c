#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "common/rpc/internal.h"

gpr_timespec qr_rpc_deadline(int64_t ms_from_now)
{
    if (ms_from_now <= 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(ms_from_now, GPR_TIMESPAN));
}

int64_t qr_rpc_deadline_left_ms(gpr_timespec deadline)
{
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
        return INT64_MAX;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    int64_t ms = left.tv_sec * 1000 + left.tv_nsec / 1000000;
    return ms > 0 ? ms : 0;
}

void qr_rpc_text(char *ret, size_t size, grpc_slice slice)
{
    const uint8_t *from = GRPC_SLICE_START_PTR(slice);
    size_t len = GRPC_SLICE_LENGTH(slice);

    if (len > size - 1)
        len = size - 1;
    while (len > 0 && len < GRPC_SLICE_LENGTH(slice) && (from[len] & 0xC0) == 0x80)
        len--; /* not inside a UTF-8 sequence */
    for (size_t i = 0; i < len; i++)
        ret[i] = from[i] < 0x20 || from[i] == 0x7F ? ' ' : (char)from[i];
    ret[len] = '\0';
}

#define TRAILER "qr-code"

bool qr_rpc_code_trailer(int code, grpc_metadata *ret)
{
    char text[16]; /* short enough for a slice that holds its bytes itself */

    if (qr_err_from_grpc_status(qr_err_grpc_status(code)) == code)
        return false;
    snprintf(text, sizeof text, "%d", code);
    memset(ret, 0, sizeof *ret);
    ret->key = grpc_slice_from_static_string(TRAILER);
    ret->value = grpc_slice_from_copied_string(text);
    return true;
}

/* Our code in the trailers; QR_OK when there is none that fits the status. */
static int code_in(const grpc_metadata_array *trailers, grpc_status_code status)
{
    for (size_t i = 0; i < trailers->count; i++) {
        char text[16];
        if (grpc_slice_str_cmp(trailers->metadata[i].key, TRAILER) != 0)
            continue;
        qr_rpc_text(text, sizeof text, trailers->metadata[i].value);
        long code = strtol(text, NULL, 10);
        bool known = code == QR_E_INTERNAL || strcmp(qr_err_name((int)code), "INTERNAL") != 0;
        if (code < 0 && known && qr_err_grpc_status((int)code) == (int)status)
            return (int)code;
    }
    return QR_OK;
}

int qr_rpc_code_of(grpc_status_code status, const char *text, int cancelled,
                   const grpc_metadata_array *trailers)
{
    int told = code_in(trailers, status);

    if (told != QR_OK)
        return told;
    if (cancelled != QR_OK && (int)status == qr_err_grpc_status(cancelled))
        return cancelled;
    if (cancelled == QR_OK && status == GRPC_STATUS_CANCELLED &&
        (text[0] == '\0' || strcasecmp(text, "cancelled") == 0))
        return QR_E_UNREACHABLE;
    return qr_err_from_grpc_status((int)status);
}

bool qr_rpc_path_is_valid(const char *path)
{
    const char *method = path && path[0] == '/' ? strchr(path + 1, '/') : NULL;

    if (!method || method == path + 1 || method[1] == '\0' || strlen(path) > 256)
        return false;
    for (const char *c = path; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("/._", *c))
            return false;
    return true;
}

int qr_rpc_address_check(const char *address, long min_port, struct qr_err *err)
{
    char *end = NULL;

    if (address && strncmp(address, "unix:", 5) == 0 && address[5] != '\0')
        return QR_OK;
    const char *colon = address ? strrchr(address, ':') : NULL;
    if (!colon || colon == address || !isdigit((unsigned char)colon[1]))
        return qr_fail(err, QR_E_INVALID,
                       "address '%s' is not HOST:PORT; hint: like 127.0.0.1:7420",
                       address ? address : "");
    errno = 0;
    long port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || errno != 0 || port < min_port || port > 65535)
        return qr_fail(err, QR_E_INVALID, "port '%s' outside %ld..65535", colon + 1, min_port);
    return QR_OK;
}
