/* ctl/json.h
 *
 * Any protobuf message as JSON, by its descriptor: nothing to write when a message gains a field.
 *
 * Names are those of the .proto files (snake_case). Numbers of every size are JSON numbers; enums
 * are their names without the type's prefix in lower case ("invalid_input"); bytes are hex; maps
 * are objects. Scalars with default values are kept, so the same keys are always there; absent
 * messages are null.
 */
#pragma once
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdio.h>

/** NULL when out of memory. Strings that are not UTF-8 have U+FFFD in place of the broken bytes. */
json_t *qr_json_from_message(const ProtobufCMessage *message);

/** One value on `out` and a newline: over several lines for people, or compact on one. False when
 * it could not be written. */
bool qr_json_print(const json_t *value, bool compact, FILE *out);
