#include "coordinator/db/message.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

bool qr_message_set(char **field, const char *text)
{
    if (*field != (char *)(uintptr_t)protobuf_c_empty_string)
        free(*field);
    *field = (char *)(uintptr_t)protobuf_c_empty_string;
    if (!text || !text[0])
        return true;
    char *copy = strdup(text);
    if (!copy)
        return false;
    *field = copy;
    return true;
}

bool qr_pairs_of_json(const char *json, struct qr_pairs *ret)
{
    struct qr_pairs pairs = {0};
    const char *key;
    json_t *value;
    json_t *root = json_loads(json, 0, NULL);
    bool ok = json_is_object(root);
    size_t n = ok ? json_object_size(root) : 0;

    pairs.keys = calloc(n + 1, sizeof *pairs.keys);
    pairs.values = calloc(n + 1, sizeof *pairs.values);
    ok = ok && pairs.keys && pairs.values;
    for (void *at = ok ? json_object_iter(root) : NULL; at && ok;
         at = json_object_iter_next(root, at)) {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        pairs.keys[pairs.n] = strdup(key);
        pairs.values[pairs.n] = json_is_string(value) ? strdup(json_string_value(value))
                                                      : json_dumps(value, JSON_ENCODE_ANY);
        ok = pairs.keys[pairs.n] && pairs.values[pairs.n];
        pairs.n++;
    }
    json_decref(root);
    if (ok)
        *ret = pairs;
    else
        qr_pairs_done(&pairs);
    return ok;
}

void qr_pairs_done(struct qr_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        free(pairs->keys[i]);
        free(pairs->values[i]);
    }
    free(pairs->keys);
    free(pairs->values);
    memset(pairs, 0, sizeof *pairs);
}
