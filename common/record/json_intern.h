/* common/record/json_intern.h
 *
 * Between the files that write a record as JSON. Each put leaves the name out when there is nothing
 * to say: an empty string, a number that is not finite, a false flag, an empty list.
 */
#pragma once
#include "common/record/record.h"

void qr_json_put_string(json_t *to, const char *name, const char *value);
void qr_json_put_number(json_t *to, const char *name, double value);
void qr_json_put_count(json_t *to, const char *name, uint64_t value); /* 0 is written */
void qr_json_put_flag(json_t *to, const char *name, bool value);
void qr_json_put_list(json_t *to, const char *name, json_t *list); /* takes `list` over */

/** Key to value; a key that comes again makes its value a list. */
json_t *qr_json_metadata(Quarry__V1__MetadataItem *const *items, size_t n);

/** What drawings and models fill: dimensions to links (json_drawing.c). */
void qr_json_put_drawing(json_t *to, const Quarry__V1__ExtractionRecord *msg);

/** The object `cad` of a model (json_cad.c). */
void qr_json_put_cad(json_t *to, const Quarry__V1__ExtractionRecord *msg);

/* A list of objects, one writer call each. */
#define QR_JSON_PUT_EACH(to, name, msg, list, writer)              \
    do {                                                           \
        json_t *list_ = json_array();                              \
        for (size_t i_ = 0; i_ < (msg)->n_##list; i_++)            \
            json_array_append_new(list_, writer((msg)->list[i_])); \
        qr_json_put_list(to, name, list_);                         \
    } while (0)
