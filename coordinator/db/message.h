/* coordinator/db/message.h
 *
 * Filling protobuf-c messages so that …__free_unpacked(msg, NULL) frees them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** Set a string field (initialised, or set before) to a copy; "" stays the default. False: no
 * memory. */
bool qr_message_set(char **field, const char *text);

/* A flat JSON object of strings, as two columns. */
struct qr_pairs {
    char **keys, **values;
    size_t n;
};
/** False when out of memory or not such an object; other values read as their JSON text. */
bool qr_pairs_of_json(const char *json, struct qr_pairs *ret);
void qr_pairs_done(struct qr_pairs *pairs);
