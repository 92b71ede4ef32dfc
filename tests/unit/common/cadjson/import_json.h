/* tests/unit/common/cadjson/import_json.h
 *
 * A document in memory, read in pieces of a few bytes so that every token falls on the edge of a
 * block somewhere.
 */
#pragma once
#include <string.h>

#include "common/cadjson/cadjson.h"
#include "tests/harness/test.h"

struct pieces {
    const char *at;
    size_t left, step;
};

static int64_t read_piece(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct pieces *p = ctx;
    size_t n = p->left < p->step ? p->left : p->step;
    (void)err;

    n = n < cap ? n : cap;
    memcpy(buf, p->at, n);
    p->at += n;
    p->left -= n;
    return (int64_t)n;
}

/* The record as JSON, caller decrefs; NULL: err says why. */
static inline json_t *import_step(const char *data, size_t len, const char *model, size_t step,
                                  struct qr_err *err)
{
    struct pieces pieces = {data, len, step};
    const struct qr_cadjson_source source = {read_piece, &pieces};
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    QR_AUTO(qr_cadjson) cj = NULL;

    memset(err, 0, sizeof *err);
    assert_non_null(rec);
    assert_int_equal(qr_cadjson_new(rec, model, &cj, err), QR_OK);
    int rc = qr_cadjson_read(cj, &source, err);
    if (rc == QR_OK)
        rc = qr_cadjson_finish(cj, err);
    assert_int_equal(rc, err->code);
    return rc == QR_OK ? qr_record_json(rec->msg) : NULL;
}

/* The same whatever the pieces. */
static inline json_t *import(const char *data, size_t len, const char *model, struct qr_err *err)
{
    json_t *whole = import_step(data, len, model, 1 << 16, err);
    struct qr_err again;

    for (size_t step = 1; step < 8; step += 3) {
        json_t *other = import_step(data, len, model, step, &again);
        assert_string_equal(err->msg, again.msg);
        assert_true(json_equal(whole, other) || (!whole && !other));
        json_decref(other);
    }
    return whole;
}

static inline json_t *import_text(const char *text, const char *model)
{
    struct qr_err err;
    json_t *json = import(text, strlen(text), model, &err);

    if (!json)
        fail_msg("%s", err.msg);
    return json;
}

/* An import that must fail with exactly this message. */
static inline void refuses(const char *text, const char *model, const char *message)
{
    struct qr_err err;
    json_t *json = import(text, strlen(text), model, &err);

    assert_null(json);
    assert_string_equal(err.msg, message);
    assert_int_equal(err.code, QR_E_DATA);
}

/* Does `json` hold what `expected` (JSON text) says, at this path of names and indexes
 * ("cad/mass/0"; a '~' in a name stands for '/')? */
static inline void holds(const json_t *json, const char *path, const char *expected)
{
    char copy[200];
    char *rest = copy;
    const json_t *at = json;

    snprintf(copy, sizeof copy, "%s", path);
    for (char *name; at && (name = strsep(&rest, "/")) != NULL && *name;) {
        for (char *c = name; *c; c++)
            *c = *c == '~' ? '/' : *c;
        at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10))
                               : json_object_get(at, name);
    }
    char *found = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS |
                                          JSON_REAL_PRECISION(9))
                     : strdup("nothing");
    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s != %s", path, found, expected);
    free(found);
}
