/* Values and lists of a record's JSON, each by the type of its field. */
#include "common/record/from_json_intern.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/intern.h"

/* ---- memory */

static ProtobufCMessage *make(struct qr_from_json *r, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *msg = qr_record_take(r->rec, type->sizeof_message);

    if (msg)
        type->message_init(msg);
    return msg;
}

/* One more message in a repeated field; NULL: the list is full, or memory is short. */
ProtobufCMessage *qr_from_json_append(struct qr_from_json *r, ProtobufCMessage *msg,
                                      const qr_from_json_field *field)
{
    size_t *n = qr_from_json_count(msg, field);
    ProtobufCMessage **list;

    if (*n >= r->rec->limits.items) {
        qr_record_partial(r->rec, "record.capped", "%s were cut at %zu", field->name,
                          r->rec->limits.items);
        return NULL;
    }
    ProtobufCMessage *item = make(r, field->descriptor);
    if (!item || !qr_record_grow(r->rec, qr_from_json_slot(msg, field), *n))
        return NULL;
    memcpy(&list, qr_from_json_slot(msg, field), sizeof list);
    list[(*n)++] = item;
    return item;
}

/* The message in a field, made when it is not there. */
ProtobufCMessage *qr_from_json_sub(struct qr_from_json *r, ProtobufCMessage *msg,
                                   const qr_from_json_field *field)
{
    ProtobufCMessage **slot = qr_from_json_slot(msg, field);

    if (!*slot)
        *slot = make(r, field->descriptor);
    return *slot;
}

/* ---- values */

void qr_from_json_string(struct qr_from_json *r, char **slot, const json_t *value)
{
    if (!json_is_string(value))
        qr_from_json_refuse(r, "a string");
    else
        *slot = qr_record_string(r->rec, json_string_value(value), json_string_length(value));
}

static bool take_count(struct qr_from_json *r, const json_t *value, uint64_t most, uint64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > most) {
        qr_from_json_refuse(r, "a whole number from 0");
        return false;
    }
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

/* How many numbers a list has; 0: as many as it likes. */
static size_t numbers_of(const qr_from_json_field *field)
{
    static const struct {
        const char *name;
        size_t n;
    } sizes[] = {{"box", 6},  {"transform", 16},        {"centroid", 3}, {"inertia", 9},
                 {"axis", 3}, {"principal_moments", 3}, {"point", 3}};

    for (size_t i = 0; i < QR_COUNT(sizes); i++)
        if (strcmp(sizes[i].name, field->name) == 0)
            return sizes[i].n;
    return 0;
}

/* null is what qr_record_json() writes for a number that is not finite: such a list says nothing.
 */
static bool are_numbers(struct qr_from_json *r, const qr_from_json_field *field, const json_t *list)
{
    double most = field->type == PROTOBUF_C_TYPE_FLOAT ? (double)FLT_MAX : DBL_MAX;
    size_t expected = numbers_of(field);
    size_t n = json_array_size(list);
    bool all = true;
    char what[40];

    if (expected > 0 && n > 0 && n != expected) {
        snprintf(what, sizeof what, "a list of %zu numbers", expected);
        qr_from_json_refuse(r, what);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_number(item) && !json_is_null(item)) {
            qr_from_json_refuse(r, "a list of numbers");
            return false;
        }
        all = all && json_is_number(item) && fabs(json_number_value(item)) <= most;
    }
    if (!all)
        qr_record_partial(r->rec, "exec.number", "%s has what is no number: left out", r->path);
    return all;
}

/* Numbers one behind the other, of float or double. */
static void put_numbers(struct qr_from_json *r, ProtobufCMessage *msg,
                        const qr_from_json_field *field, const json_t *list)
{
    bool wide = field->type == PROTOBUF_C_TYPE_DOUBLE;
    size_t n = json_array_size(list), each = wide ? sizeof(double) : sizeof(float);

    if (!are_numbers(r, field, list))
        return;
    if (n > r->rec->limits.items)
        n = r->rec->limits.items;
    char *numbers = n > 0 ? qr_record_take(r->rec, n * each) : NULL;
    if (!numbers)
        return;
    for (size_t i = 0; i < n; i++) {
        double value = json_number_value(json_array_get(list, i));
        float narrow = wide ? 0.0F : (float)value;
        memcpy(numbers + i * each, wide ? (const void *)&value : (const void *)&narrow, each);
    }
    memcpy(qr_from_json_slot(msg, field), &numbers, sizeof numbers);
    *qr_from_json_count(msg, field) = n;
}

static void put_strings(struct qr_from_json *r, ProtobufCMessage *msg,
                        const qr_from_json_field *field, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < r->rec->limits.items; i++) {
        char **items;
        char *text = NULL;
        qr_from_json_string(r, &text, json_array_get(list, i));
        if (!text ||
            !qr_record_grow(r->rec, qr_from_json_slot(msg, field), *qr_from_json_count(msg, field)))
            return;
        memcpy(&items, qr_from_json_slot(msg, field), sizeof items);
        items[(*qr_from_json_count(msg, field))++] = text;
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
    const qr_from_json_field *field =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, flag);
    if (field && field->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)qr_from_json_slot(msg, field) = 1;
}

/* ---- objects whose names are data */

static void put_pair(struct qr_from_json *r, ProtobufCMessage *msg, const qr_from_json_field *field,
                     const char *key, const json_t *value)
{
    Quarry__V1__MetadataItem *item;

    if (!json_is_string(value)) {
        qr_from_json_refuse(r, "a string or a list of them");
        return;
    }
    item = (Quarry__V1__MetadataItem *)(void *)qr_from_json_append(r, msg, field);
    if (!item)
        return;
    item->key = qr_record_string(r->rec, key, strlen(key));
    qr_from_json_string(r, &item->value, value);
    item->origin = qr_record_string(r->rec, "exec", 4);
}

static void put_pairs(struct qr_from_json *r, ProtobufCMessage *msg,
                      const qr_from_json_field *field, const json_t *object, const char *but)
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

static void put_counts(struct qr_from_json *r, ProtobufCMessage *msg,
                       const qr_from_json_field *field, const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        uint64_t n;
        if (r->failed || !take_count(r, value, INT64_MAX, &n))
            return;
        Quarry__V1__Count *count = (Quarry__V1__Count *)(void *)qr_from_json_append(r, msg, field);
        if (!count)
            return;
        count->name = qr_record_string(r->rec, key, strlen(key));
        count->count = n;
    }
}

/* ---- lists */

static void put_object(struct qr_from_json *r, ProtobufCMessage *msg,
                       const qr_from_json_field *field, const json_t *value)
{
    if (!json_is_object(value)) {
        qr_from_json_refuse(r, "an object");
        return;
    }
    ProtobufCMessage *item = qr_from_json_append(r, msg, field);
    if (!item)
        return;
    if (item->descriptor != &quarry__v1__named_object__descriptor) {
        qr_from_json_fill(r, item, value);
        return;
    }
    Quarry__V1__NamedObject *named = (Quarry__V1__NamedObject *)(void *)item;
    const json_t *name = json_object_get(value, "name");
    if (!name)
        qr_from_json_refuse(r, "an object with a name");
    else
        qr_from_json_string(r, &named->name, name);
    put_pairs(r, item, &item->descriptor->fields[1], value, "name");
}

static void put_list(struct qr_from_json *r, ProtobufCMessage *msg, const qr_from_json_field *field,
                     const json_t *value)
{
    size_t len = strlen(r->path);

    if (field->descriptor == &quarry__v1__count__descriptor && json_is_object(value)) {
        put_counts(r, msg, field, value);
    } else if (field->descriptor == &quarry__v1__metadata_item__descriptor &&
               json_is_object(value)) {
        put_pairs(r, msg, field, value, NULL);
    } else if (!json_is_array(value)) {
        qr_from_json_refuse(r, "a list");
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

/* Bytes that hold JSON: the model's genome and details. Others have no JSON. */
static bool is_json(const qr_from_json_field *field)
{
    return field->type == PROTOBUF_C_TYPE_BYTES &&
           (strcmp(field->name, "genome") == 0 || strcmp(field->name, "details") == 0);
}

static void put_json(struct qr_from_json *r, ProtobufCBinaryData *slot, const json_t *value)
{
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0;

    if (!text)
        qr_from_json_refuse(r, "an object");
    else if ((slot->data = qr_record_take(r->rec, len)) != NULL)
        memcpy(slot->data, text, slot->len = len);
    free(text);
}

/* ---- fields */

void qr_from_json_value(struct qr_from_json *r, ProtobufCMessage *msg,
                        const qr_from_json_field *field, const json_t *value)
{
    void *slot = qr_from_json_slot(msg, field);
    uint64_t n;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        put_list(r, msg, field, value);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        qr_from_json_string(r, slot, value);
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        if (json_is_boolean(value))
            *(protobuf_c_boolean *)slot = json_is_true(value);
        else
            qr_from_json_refuse(r, "true or false");
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
            qr_from_json_refuse(r, "a number");
    } else if (is_json(field)) {
        put_json(r, slot, value);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        qr_record_note(r->rec, "exec.unknown", "%s is no name of docs/record.md", r->path);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && json_is_object(value)) {
        ProtobufCMessage *inner = qr_from_json_sub(r, msg, field);
        if (inner && field->descriptor == &quarry__v1__failure__descriptor)
            qr_from_json_failure(r, (Quarry__V1__Failure *)(void *)inner, value);
        else if (inner)
            qr_from_json_fill(r, inner, value);
    } else {
        qr_from_json_refuse(r, "an object");
    }
    set_present(msg, field->name);
}
