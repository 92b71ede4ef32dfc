/* cadbridge/creo.h
 *
 * The Creo back end over gRPC (proto/quarry/creo/v1/creo.proto).
 *
 * An answer is good when its head names the model and, if one was asked for, the revision, its
 * replies are numbered without a gap, and an end closes it with the counts we made. Anything else
 * is the service's fault: silence, noise, half an answer, another model's data, more than
 * QR_CREO_BYTES_MAX.
 */
#pragma once
#include "cadbridge/backend.h"

#define QR_CREO_BYTES_MAX ((uint64_t)256 << 20) /* of one answer */
#define QR_CREO_MESSAGE_MAX ((size_t)16 << 20)  /* of one reply */
enum { QR_CREO_PARTS_MAX = 100000 };

/** `target` is HOST:PORT. Errors: QR_E_USAGE, QR_E_NOMEM. */
QR_MUST_CHECK int qr_creo_new(const char *target, const atomic_bool *interrupted,
                              struct qr_cad_backend **ret, struct qr_err *err);

/** What a gRPC status of a call says: whose fault, and the job's class. */
enum qr_cad_blame qr_creo_blame(int grpc_status, enum qr_class *ret_class);
