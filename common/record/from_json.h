/* common/record/from_json.h
 *
 * A record from its JSON, the way back of qr_record_json(): for what a program of others prints.
 *
 * Strict: what has a name of docs/record.md must have its type, or all of it is refused, with the
 * place ("dimensions[3].value"). Names that are not known are passed over and noted
 * ("exec.unknown"). What only Quarry can know is not taken: file, type, bytes, sha256, status,
 * duration. Pictures and point clouds, which the JSON tells by their size, are passed over; a list
 * of numbers with a null in it is left out ("exec.number"). What a geometry kernel found (source
 * "kernel") goes to the record's geometry when the JSON has cad.geometry. Every string is cleaned,
 * every list capped, as everywhere in a record. Depth is bound by the JSON library (2048), size by
 * the caller. Not thread-safe.
 */
#pragma once
#include "common/record/record.h"

/**
 * Add what the JSON object holds to `rec`. An `error` in it makes the record a failed one.
 * Errors: QR_E_DATA, no JSON or not such an object; `rec` may have some of it then.
 */
QR_MUST_CHECK int qr_record_from_json(struct qr_record *rec, const void *data, size_t len,
                                      struct qr_err *err);
