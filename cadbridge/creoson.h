/* cadbridge/creoson.h
 *
 * The Creo back end over CREOSON: JSON over HTTP, the open server in front of Creo.
 *
 * A session is made with connection/connect and made again when the server has forgotten it. A
 * model is opened with file/open, asked what it is, and erased from Creo's memory again. What the
 * answers become of is decided by common/cadjson, as with dumps of them. An answer is good when
 * file/open and file/get_fileinfo name the model; of the other questions those that do not fit the
 * model (a drawing has no mass) are errors that are passed over and counted in a note.
 *
 * Source: SimplifiedLogic/creoson, jsonSpecs (CREOSON 3).
 */
#pragma once
#include "cadbridge/backend.h"

#define QR_CREOSON_BYTES_MAX ((size_t)64 << 20) /* of one answer */

/** `url` is http://HOST:PORT. Errors: QR_E_USAGE, QR_E_NOMEM. */
QR_MUST_CHECK int qr_creoson_new(const char *url, const atomic_bool *interrupted,
                                 struct qr_cad_backend **ret, struct qr_err *err);
