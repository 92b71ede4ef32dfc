/* coordinator/http/listen.h
 *
 * A listening TCP socket from "HOST:PORT".
 */
#pragma once
#include <stddef.h>

#include "common/err.h"

/**
 *   address      "HOST:PORT" or "[V6]:PORT"; port 0 picks a free one
 *   ret_fd       caller closes it; close-on-exec
 *   ret_address  the same with the port in use
 *
 * Errors: QR_E_INVALID, not an address or an unknown host; QR_E_IO, cannot bind (err->sys is
 * errno).
 */
QR_MUST_CHECK int qr_listen_tcp(const char *address, int *ret_fd, char *ret_address, size_t cap,
                                struct qr_err *err);
