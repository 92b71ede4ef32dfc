/* common/record/cad_json.h
 *
 * A model as JSON, for programs that have the encoded message alone. Not thread-safe per message.
 */
#pragma once
#include <jansson.h>

#include "quarry/v1/record.pb-c.h"

/** The object `cad` of docs/record.md: new, caller decrefs; NULL when there is no model or no
 * memory. Strings that are not UTF-8 and bytes that hold no JSON are left out. */
json_t *qr_cad_json(const Quarry__V1__ExtractionRecord *msg);
