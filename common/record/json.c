/* The record as JSON. The names are a contract: docs/record.md. */
#include "common/record/json_intern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void qr_json_put_string(json_t *to, const char *name, const char *value)
{
    if (value && value[0] != '\0')
        json_object_set_new(to, name, json_string(value));
}

void qr_json_put_number(json_t *to, const char *name, double value)
{
    if (isfinite(value))
        json_object_set_new(to, name, json_real(value));
}

void qr_json_put_count(json_t *to, const char *name, uint64_t value)
{
    json_object_set_new(to, name, json_integer((json_int_t)value));
}

void qr_json_put_flag(json_t *to, const char *name, bool value)
{
    if (value)
        json_object_set_new(to, name, json_true());
}

/* A list is left out when it is empty; this steals the reference. */
void qr_json_put_list(json_t *to, const char *name, json_t *list)
{
    if (json_array_size(list) > 0 || json_object_size(list) > 0)
        json_object_set_new(to, name, list);
    else
        json_decref(list);
}

static json_t *failure_json(const Quarry__V1__Failure *failure)
{
    json_t *out = json_object();
    json_object_set_new(out, "class", json_string(qr_class_text((enum qr_class)failure->class_)));
    json_object_set_new(out, "message", json_string(failure->message));
    return out;
}

/* Key to value; a key that comes again makes its value a list. */
json_t *qr_json_metadata(Quarry__V1__MetadataItem *const *items, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++) {
        json_t *have = json_object_get(out, items[i]->key);
        if (!have) {
            json_object_set_new(out, items[i]->key, json_string(items[i]->value));
        } else if (json_is_array(have)) {
            json_array_append_new(have, json_string(items[i]->value));
        } else {
            json_t *list = json_array();
            json_array_append(list, have);
            json_array_append_new(list, json_string(items[i]->value));
            json_object_set_new(out, items[i]->key, list);
        }
    }
    return out;
}

static json_t *page_json(const Quarry__V1__Page *page)
{
    json_t *out = json_object();

    qr_json_put_count(out, "number", page->number);
    qr_json_put_number(out, "width_pt", page->width_pt);
    qr_json_put_number(out, "height_pt", page->height_pt);
    qr_json_put_count(out, "chars", page->chars);
    if (page->rotation != 0)
        qr_json_put_count(out, "rotation", page->rotation);
    qr_json_put_string(out, "label", page->label);
    qr_json_put_flag(out, "image_only", page->image_only);
    if (page->undecodable > 0)
        qr_json_put_count(out, "undecodable", page->undecodable);
    qr_json_put_flag(out, "text_as_paths", page->text_as_paths);
    qr_json_put_flag(out, "drawing", page->drawing);
    if (page->paths > 0)
        qr_json_put_count(out, "paths", page->paths);
    if (page->images > 0)
        qr_json_put_count(out, "images", page->images);
    if (page->ocr_words > 0) {
        qr_json_put_count(out, "ocr_words", page->ocr_words);
        qr_json_put_number(out, "ocr_confidence", page->ocr_confidence);
    }
    if (page->error)
        json_object_set_new(out, "error", failure_json(page->error));
    return out;
}

/* All pages' text, joined by form feeds. */
static json_t *joined_text(const Quarry__V1__ExtractionRecord *msg)
{
    size_t size = 1;

    for (size_t i = 0; i < msg->n_pages; i++)
        size += strlen(msg->pages[i]->text) + 1;
    char *text = malloc(size);
    if (!text)
        return NULL;
    size_t at = 0;
    for (size_t i = 0; i < msg->n_pages; i++) {
        size_t len = strlen(msg->pages[i]->text);
        memcpy(text + at, msg->pages[i]->text, len);
        at += len;
        if (i + 1 < msg->n_pages)
            text[at++] = '\f';
    }
    json_t *out = json_stringn(text, at);
    free(text);
    return out;
}

static void put_pages(json_t *to, const Quarry__V1__ExtractionRecord *msg)
{
    json_t *pages = json_array();
    bool any = false;

    for (size_t i = 0; i < msg->n_pages; i++) {
        json_array_append_new(pages, page_json(msg->pages[i]));
        any = any || msg->pages[i]->text[0] != '\0';
    }
    if (any)
        json_object_set_new(to, "text", joined_text(msg));
    else
        qr_json_put_string(to, "text", msg->text);
    qr_json_put_list(to, "pages", pages);
}

static json_t *notes_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_array();

    for (size_t i = 0; i < msg->n_notes; i++) {
        json_t *note = json_object();
        qr_json_put_string(note, "code", msg->notes[i]->code);
        qr_json_put_count(note, "count", msg->notes[i]->count);
        qr_json_put_string(note, "message", msg->notes[i]->message);
        json_array_append_new(out, note);
    }
    return out;
}

static void put_sha256(json_t *to, const ProtobufCBinaryData *digest)
{
    static const char digits[] = "0123456789abcdef";
    char hex[65];

    if (digest->len != 32)
        return;
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest->data[i] >> 4];
        hex[2 * i + 1] = digits[digest->data[i] & 15];
    }
    hex[64] = '\0';
    qr_json_put_string(to, "sha256", hex);
}

json_t *qr_record_json(const Quarry__V1__ExtractionRecord *msg)
{
    json_t *out = json_object();

    if (!out)
        return NULL;
    json_object_set_new(out, "file", json_string(msg->file));
    qr_json_put_string(out, "type", msg->type);
    qr_json_put_count(out, "bytes", msg->bytes);
    put_sha256(out, &msg->sha256);
    qr_json_put_string(out, "extractor", msg->extractor);
    qr_json_put_string(out, "extractor_version", msg->extractor_version);
    qr_json_put_string(out, "status", msg->error ? "failed" : "completed");
    if (msg->error)
        json_object_set_new(out, "error", failure_json(msg->error));
    qr_json_put_list(out, "metadata", qr_json_metadata(msg->metadata, msg->n_metadata));
    qr_json_put_string(out, "encoding", msg->encoding);
    put_pages(out, msg);
    qr_json_put_flag(out, "encrypted", msg->encrypted);
    qr_json_put_flag(out, "partial", msg->partial);
    qr_json_put_string(out, "empty_reason", msg->empty_reason);
    qr_json_put_list(out, "notes", notes_json(msg));
    qr_json_put_drawing(out, msg);
    if (!msg->error)
        qr_json_put_number(out, "completeness", msg->completeness);
    qr_json_put_string(out, "source", msg->fallback ? "fallback" : "actual");
    qr_json_put_count(out, "duration_ms", msg->duration_ms);
    if (msg->peak_memory_bytes > 0)
        qr_json_put_count(out, "peak_memory_bytes", msg->peak_memory_bytes);
    return out;
}
