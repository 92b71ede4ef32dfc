/* cadbridge/creoson_questions.h
 *
 * What CREOSON is asked about a model that it has opened. The questions' fields are those of
 * SimplifiedLogic/creoson, jsonSpecs; docs/bridge.md says what becomes of each answer. Not
 * thread-safe.
 */
#pragma once
#include <jansson.h>

#include "common/cadjson/cadjson.h"

enum { QR_CREOSON_SHEETS_MAX = 100, QR_CREOSON_INSTANCES_MAX = 256 }; /* asked about one by one */

/**
 * Ask one question and take its answer.
 *
 *   data      its fields; taken over
 *   ret_data  the answer's fields, the caller's; NULL: none, or the question was refused
 *
 * Errors: what ends the whole model.
 */
typedef int (*qr_creoson_ask_fn)(void *ctx, const char *command, const char *function, json_t *data,
                                 json_t **ret_data);

/** All questions about `model`, in order. Errors: those of ask, which ends it. */
QR_MUST_CHECK int qr_creoson_ask_all(const char *model, struct qr_cadjson *cj,
                                     qr_creoson_ask_fn ask, void *ctx);
