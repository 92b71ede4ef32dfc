/* worker/extract/p21/impostor.h
 *
 * Files that are named like exchange files and are none: each gets a message that says what it is.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/**
 * Where the exchange structure begins: behind a byte order mark, blanks, NULs and comments.
 *
 * Errors: QR_E_DATA, it does not begin with ISO-10303-21.
 */
QR_MUST_CHECK int qr_p21_beginning(const uint8_t *data, size_t len, size_t *ret_from,
                                   struct qr_err *err);
