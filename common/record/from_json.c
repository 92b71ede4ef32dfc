/* The messages' own descriptions (protobuf-c) say which fields there are and of what type; the JSON
 * has the same names but for what the tables here list. */
#include "common/record/from_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/intern.h"

typedef ProtobufCFieldDescriptor field_t;

struct reader {
    struct qr_record *rec;
    struct qr_err *err;
    char path[256];
    bool failed;
};

static bool fill(struct reader *r, ProtobufCMessage *msg, const json_t *object);
static void fill_one(struct reader *r, ProtobufCMessage *msg, const char *name,
                     const json_t *value);

static void refuse(struct reader *r, const char *expected)
{
    if (!r->failed)
        qr_fail(r->err, QR_E_DATA, "%s is not %s", r->path[0] ? r->path : "it", expected);
    r->failed = true;
}

/* ---- memory */

static void *slot_of(ProtobufCMessage *msg, const field_t *field)
{
    return (char *)msg + field->offset;
}

static size_t *count_of(ProtobufCMessage *msg, const field_t *field)
{
    return (size_t *)(void *)((char *)msg + field->quantifier_offset);
}

static ProtobufCMessage *make(struct reader *r, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *msg = qr_record_take(r->rec, type->sizeof_message);

    if (msg)
        type->message_init(msg);
    return msg;
}

/* One more message in a repeated field; NULL: the list is full, or memory is short. */
static ProtobufCMessage *append(struct reader *r, ProtobufCMessage *msg, const field_t *field)
{
    size_t *n = count_of(msg, field);
    ProtobufCMessage **list;

    if (*n >= r->rec->limits.items) {
        qr_record_partial(r->rec, "record.capped", "%s were cut at %zu", field->name,
                          r->rec->limits.items);
        return NULL;
    }
    ProtobufCMessage *item = make(r, field->descriptor);
    if (!item || !qr_record_grow(r->rec, slot_of(msg, field), *n))
        return NULL;
    memcpy(&list, slot_of(msg, field), sizeof list);
    list[(*n)++] = item;
    return item;
}

/* The message in a field, made when it is not there. */
static ProtobufCMessage *sub(struct reader *r, ProtobufCMessage *msg, const field_t *field)
{
    ProtobufCMessage **slot = slot_of(msg, field);

    if (!*slot)
        *slot = make(r, field->descriptor);
    return *slot;
}

/* ---- values */

static void put_string(struct reader *r, char **slot, const json_t *value)
{
    if (!json_is_string(value))
        refuse(r, "a string");
    else
        *slot = qr_record_string(r->rec, json_string_value(value), json_string_length(value));
}

static bool take_count(struct reader *r, const json_t *value, uint64_t most, uint64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > most) {
        refuse(r, "a whole number from 0");
        return false;
    }
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

/* Numbers one behind the other, of float or double. */
static void put_numbers(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                        const json_t *list)
{
    bool wide = field->type == PROTOBUF_C_TYPE_DOUBLE;
    size_t n = json_array_size(list);

    if (n > r->rec->limits.items)
        n = r->rec->limits.items;
    char *numbers =
        n > 0 ? qr_record_take(r->rec, n * (wide ? sizeof(double) : sizeof(float))) : NULL;
    if (!numbers)
        return;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        double value = json_number_value(item);
        float narrow = (float)value;
        if (!json_is_number(item)) {
            refuse(r, "a list of numbers");
            return;
        }
        memcpy(numbers + i * (wide ? sizeof value : sizeof narrow),
               wide ? (const void *)&value : (const void *)&narrow,
               wide ? sizeof value : sizeof narrow);
    }
    memcpy(slot_of(msg, field), &numbers, sizeof numbers);
    *count_of(msg, field) = n;
}

static void put_strings(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                        const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < r->rec->limits.items; i++) {
        char **items;
        char *text = NULL;
        put_string(r, &text, json_array_get(list, i));
        if (!text || !qr_record_grow(r->rec, slot_of(msg, field), *count_of(msg, field)))
            return;
        memcpy(&items, slot_of(msg, field), sizeof items);
        items[(*count_of(msg, field))++] = text;
    }
}

/* "has_value" beside "value" and their like. */
static void set_present(ProtobufCMessage *msg, const char *name)
{
    static const struct {
        const char *name, *flag;
    } others[] = {{"raw_value", "has_raw"},
                  {"computed_value", "has_computed"},
                  {"upper", "has_tolerance"},
                  {"lower", "has_tolerance"},
                  {"secondary_value", "has_secondary"}};
    char flag[80];

    snprintf(flag, sizeof flag, "has_%s", name);
    for (size_t i = 0; i < QR_COUNT(others); i++)
        if (strcmp(others[i].name, name) == 0)
            snprintf(flag, sizeof flag, "%s", others[i].flag);
    const field_t *field = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, flag);
    if (field && field->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)slot_of(msg, field) = 1;
}

/* ---- objects whose names are data */

static void put_pair(struct reader *r, ProtobufCMessage *msg, const field_t *field, const char *key,
                     const json_t *value)
{
    Quarry__V1__MetadataItem *item;

    if (!json_is_string(value)) {
        refuse(r, "a string or a list of them");
        return;
    }
    item = (Quarry__V1__MetadataItem *)(void *)append(r, msg, field);
    if (!item)
        return;
    item->key = qr_record_string(r->rec, key, strlen(key));
    put_string(r, &item->value, value);
    item->origin = qr_record_string(r->rec, "exec", 4);
}

static void put_pairs(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                      const json_t *object, const char *but)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (r->failed || (but && strcmp(key, but) == 0))
            continue;
        if (!json_is_array(value))
            put_pair(r, msg, field, key, value);
        for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
            put_pair(r, msg, field, key, json_array_get(value, i));
    }
}

static void put_counts(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                       const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        uint64_t n;
        if (r->failed || !take_count(r, value, INT64_MAX, &n))
            return;
        Quarry__V1__Count *count = (Quarry__V1__Count *)(void *)append(r, msg, field);
        if (!count)
            return;
        count->name = qr_record_string(r->rec, key, strlen(key));
        count->count = n;
    }
}

/* ---- lists */

static void put_object(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                       const json_t *value)
{
    if (!json_is_object(value)) {
        refuse(r, "an object");
        return;
    }
    ProtobufCMessage *item = append(r, msg, field);
    if (!item)
        return;
    if (item->descriptor != &quarry__v1__named_object__descriptor) {
        fill(r, item, value);
        return;
    }
    Quarry__V1__NamedObject *named = (Quarry__V1__NamedObject *)(void *)item;
    const json_t *name = json_object_get(value, "name");
    if (!name)
        refuse(r, "an object with a name");
    else
        put_string(r, &named->name, name);
    put_pairs(r, item, &item->descriptor->fields[1], value, "name");
}

static void put_list(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                     const json_t *value)
{
    size_t len = strlen(r->path);

    if (field->descriptor == &quarry__v1__count__descriptor && json_is_object(value)) {
        put_counts(r, msg, field, value);
    } else if (field->descriptor == &quarry__v1__metadata_item__descriptor &&
               json_is_object(value)) {
        put_pairs(r, msg, field, value, NULL);
    } else if (!json_is_array(value)) {
        refuse(r, "a list");
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        put_strings(r, msg, field, value);
    } else if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        put_numbers(r, msg, field, value);
    } else {
        for (size_t i = 0; i < json_array_size(value) && !r->failed && !r->rec->failed; i++) {
            snprintf(r->path + len, sizeof r->path - len, "[%zu]", i);
            put_object(r, msg, field, json_array_get(value, i));
            if (!r->failed)
                r->path[len] = '\0';
        }
    }
}

/* Bytes that hold JSON: the model's genome and details. */
static void put_json(struct reader *r, ProtobufCBinaryData *slot, const json_t *value)
{
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0;

    if (!text)
        refuse(r, "an object");
    else if ((slot->data = qr_record_take(r->rec, len)) != NULL)
        memcpy(slot->data, text, slot->len = len);
    free(text);
}

static void put_failure(struct reader *r, Quarry__V1__Failure *failure, const json_t *value)
{
    const char *cls = json_string_value(json_object_get(value, "class"));
    const char *text = json_string_value(json_object_get(value, "message"));
    enum qr_class known = cls ? qr_class_parse(cls) : QR_CLASS_NONE;

    if (known == QR_CLASS_NONE || !text) {
        refuse(r, "an object with a class of docs/operations.md and a message");
        return;
    }
    failure->class_ = (Quarry__V1__ErrorClass)known;
    failure->message = qr_record_string(r->rec, text, strlen(text));
}

/* ---- fields */

static void put_value(struct reader *r, ProtobufCMessage *msg, const field_t *field,
                      const json_t *value)
{
    void *slot = slot_of(msg, field);
    uint64_t n;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        put_list(r, msg, field, value);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        put_string(r, slot, value);
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        if (json_is_boolean(value))
            *(protobuf_c_boolean *)slot = json_is_true(value);
        else
            refuse(r, "true or false");
    } else if (field->type == PROTOBUF_C_TYPE_UINT32) {
        if (take_count(r, value, UINT32_MAX, &n))
            *(uint32_t *)slot = (uint32_t)n;
    } else if (field->type == PROTOBUF_C_TYPE_UINT64) {
        if (take_count(r, value, INT64_MAX, &n))
            *(uint64_t *)slot = n;
    } else if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        if (json_is_number(value))
            *(double *)slot = json_number_value(value);
        else
            refuse(r, "a number");
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        put_json(r, slot, value);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && json_is_object(value)) {
        ProtobufCMessage *inner = sub(r, msg, field);
        if (inner && field->descriptor == &quarry__v1__failure__descriptor)
            put_failure(r, (Quarry__V1__Failure *)(void *)inner, value);
        else if (inner)
            fill(r, inner, value);
    } else {
        refuse(r, "an object");
    }
    set_present(msg, field->name);
}

static void put_box(struct reader *r, ProtobufCMessage *msg, const json_t *value)
{
    Quarry__V1__Box *box = (Quarry__V1__Box *)(void *)msg;
    double *const edges[] = {&box->x0, &box->y0, &box->x1, &box->y1};

    for (size_t i = 0; i < QR_COUNT(edges); i++) {
        if (json_array_size(value) != QR_COUNT(edges) ||
            !json_is_number(json_array_get(value, i))) {
            refuse(r, "a list of four numbers");
            return;
        }
        *edges[i] = json_number_value(json_array_get(value, i));
    }
}

/* What stands one level deeper in the message than in the JSON. */
static const struct {
    const ProtobufCMessageDescriptor *of;
    const char *name, *field, *inner;
} deeper[] = {
    {NULL, "page", "place", "page"}, /* NULL: of any that has a place and no such field */
    {NULL, "layout", "place", "layout"},
    {NULL, "box", "place", "box"},
    {&quarry__v1__cad_model__descriptor, "solid_count", "topology", "solids"},
    {&quarry__v1__cad_model__descriptor, "shell_count", "topology", "shells"},
    {&quarry__v1__cad_model__descriptor, "face_count", "topology", "faces"},
    {&quarry__v1__cad_model__descriptor, "loop_count", "topology", "loops"},
    {&quarry__v1__cad_model__descriptor, "edge_count", "topology", "edges"},
    {&quarry__v1__cad_model__descriptor, "vertex_count", "topology", "vertices"},
    {&quarry__v1__cad_model__descriptor, "inner_loops", "topology", "inner_loops"},
    {&quarry__v1__cad_model__descriptor, "open_edges", "topology", "open_edges"},
    {&quarry__v1__cad_model__descriptor, "non_manifold_edges", "topology", "non_manifold_edges"},
    {&quarry__v1__cad_model__descriptor, "surface_types", "topology", "surface_types"},
    {&quarry__v1__cad_model__descriptor, "curve_types", "topology", "curve_types"},
    {&quarry__v1__cad_model__descriptor, "adjacency_hash", "topology", "adjacency_hash"},
    {&quarry__v1__cad_model__descriptor, "bbox", "bounds", "box"},
    {&quarry__v1__cad_model__descriptor, "bbox_source", "bounds", "source"},
};

static bool fill_deeper(struct reader *r, ProtobufCMessage *msg, const char *name,
                        const json_t *value)
{
    for (size_t i = 0; i < QR_COUNT(deeper); i++) {
        const field_t *field;
        if (strcmp(deeper[i].name, name) != 0 || (deeper[i].of && deeper[i].of != msg->descriptor))
            continue;
        field = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, deeper[i].field);
        ProtobufCMessage *inner = field ? sub(r, msg, field) : NULL;
        if (inner)
            fill_one(r, inner, deeper[i].inner, value);
        if (field)
            return true;
    }
    return false;
}

/* A row of a parts list has a page of its own beside a place; the JSON's is that of the place. */
static bool is_of_place(const ProtobufCMessage *msg, const char *name)
{
    return strcmp(name, "page") == 0 &&
           protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "place");
}

static void fill_one(struct reader *r, ProtobufCMessage *msg, const char *name, const json_t *value)
{
    const field_t *field = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

    if (is_of_place(msg, name))
        field = NULL;
    if (field && field->descriptor == &quarry__v1__box__descriptor) {
        ProtobufCMessage *box = sub(r, msg, field);
        if (box)
            put_box(r, box, value);
    } else if (field) {
        put_value(r, msg, field, value);
    } else if (!fill_deeper(r, msg, name, value)) {
        qr_record_note(r->rec, "exec.unknown", "%s is no name of docs/record.md", r->path);
    }
}

static bool fill(struct reader *r, ProtobufCMessage *msg, const json_t *object)
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
            fill_one(r, msg, name, value);
        if (!r->failed)
            r->path[len] = '\0';
    }
    return !r->failed;
}

/* ---- the record */

/* Pages, then the text: split at form feeds where there are as many pieces as pages. */
static void put_text(struct reader *r, const json_t *value)
{
    struct qr_record *rec = r->rec;
    const char *text = json_string_value(value);
    size_t left = json_string_length(value);
    size_t pieces = 1;

    if (!text) {
        refuse(r, "a string");
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

static void read_record(struct reader *r, const json_t *object)
{
    ProtobufCMessage *msg = &r->rec->msg->base;
    const json_t *text = json_object_get(object, "text");
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
            fill_one(r, msg, name, value);
    }
    if (text && !json_is_null(text) && !r->failed) {
        snprintf(r->path, sizeof r->path, "text");
        put_text(r, text);
    }
}

int qr_record_from_json(struct qr_record *rec, const void *data, size_t len, struct qr_err *err)
{
    struct reader r = {.rec = rec, .err = err};
    json_error_t error;
    json_t *object = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);

    if (!object)
        return qr_fail(err, QR_E_DATA, "no JSON: line %d: %s", error.line, error.text);
    if (json_is_object(object))
        read_record(&r, object);
    else
        refuse(&r, "an object");
    json_decref(object);
    return r.failed ? err->code : QR_OK;
}
