/* A record's JSON, object by object: the names are those of the messages' fields but for what
 * from_json_forms.c has. */
#include "common/record/from_json.h"

#include <stdio.h>
#include <string.h>

#include "common/record/from_json_intern.h"

void qr_from_json_refuse(struct qr_from_json *r, const char *expected)
{
    if (!r->failed)
        qr_fail(r->err, QR_E_DATA, "%s is not %s", r->path[0] ? r->path : "it", expected);
    r->failed = true;
}

void qr_from_json_member(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                         const json_t *value)
{
    if (qr_from_json_form(r, msg, name, value))
        return;
    const qr_from_json_field *field =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
    if (field)
        qr_from_json_value(r, msg, field, value);
    else
        qr_record_note(r->rec, "exec.unknown", "%s is no name of docs/record.md", r->path);
}

bool qr_from_json_fill(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *object)
{
    size_t len = strlen(r->path);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (r->failed || r->rec->failed)
            break;
        snprintf(r->path + len, sizeof r->path - len, "%s%.60s", len ? "." : "", name);
        if (!json_is_null(value))
            qr_from_json_member(r, msg, name, value);
        if (!r->failed)
            r->path[len] = '\0';
    }
    return !r->failed;
}

/* ---- the record */

/* Pages, then the text: split at form feeds where there are as many pieces as pages. */
static void put_text(struct qr_from_json *r, const json_t *value)
{
    struct qr_record *rec = r->rec;
    const char *text = json_string_value(value);
    size_t left = json_string_length(value);
    size_t pieces = 1;

    if (!text) {
        qr_from_json_refuse(r, "a string");
        return;
    }
    for (size_t i = 0; i < left; i++)
        pieces += text[i] == '\f';
    if (rec->msg->n_pages == 0 || rec->msg->n_pages != pieces) {
        qr_record_set_text(rec, text, left);
        return;
    }
    for (size_t i = 0; i < pieces; i++) {
        const char *feed = memchr(text, '\f', left);
        size_t len = feed ? (size_t)(feed - text) : left;
        qr_record_set_page_text(rec, rec->msg->pages[i], text, len);
        text += len + 1;
        left -= feed ? len + 1 : len;
    }
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {"file",
                                        "type",
                                        "bytes",
                                        "sha256",
                                        "status",
                                        "source",
                                        "duration_ms",
                                        "peak_memory_bytes",
                                        "title_block_places"};

    for (size_t i = 0; i < QR_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Fields that the JSON has in another form, or not at all. */
static bool is_hidden(const char *name)
{
    return strcmp(name, "fallback") == 0 || strcmp(name, "overlay") == 0 ||
           strcmp(name, "geometry") == 0;
}

static void read_record(struct qr_from_json *r, const json_t *object)
{
    ProtobufCMessage *msg = &r->rec->msg->base;
    const json_t *text = json_object_get(object, "text");
    const json_t *places = json_object_get(object, "title_block_places");
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (r->failed || r->rec->failed)
            return;
        if (is_ours(name) || json_is_null(value) || strcmp(name, "text") == 0)
            continue;
        snprintf(r->path, sizeof r->path, "%.60s", name);
        if (is_hidden(name))
            qr_record_note(r->rec, "exec.unknown", "%s is no name of docs/record.md", name);
        else
            qr_from_json_member(r, msg, name, value);
    }
    if (text && !json_is_null(text) && !r->failed) {
        snprintf(r->path, sizeof r->path, "text");
        put_text(r, text);
    }
    if (places && !json_is_null(places) && !r->failed) {
        snprintf(r->path, sizeof r->path, "title_block_places");
        qr_from_json_places(r, places);
    }
    if (!r->failed)
        qr_from_json_settle(r);
}

int qr_record_from_json(struct qr_record *rec, const void *data, size_t len, struct qr_err *err)
{
    struct qr_from_json r = {.rec = rec, .err = err};
    json_error_t error;
    json_t *object = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);

    if (!object)
        return qr_fail(err, QR_E_DATA, "no JSON: line %d: %s", error.line, error.text);
    if (json_is_object(object))
        read_record(&r, object);
    else
        qr_from_json_refuse(&r, "an object");
    json_decref(object);
    return r.failed ? err->code : QR_OK;
}
