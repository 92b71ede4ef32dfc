/* From a description to messages, by the field names of the .proto file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cadbridge/sim/answer_intern.h"

struct place {
    struct qr_arena *arena;
    char path[200];
    struct qr_err *err;
};

void *qr_sim_message(struct qr_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = qr_arena_alloc(arena, type->sizeof_message);

    if (message)
        type->message_init(message);
    return message;
}

static int wrong(const struct place *at, const char *what)
{
    return qr_fail(at->err, QR_E_DATA, "%s: %s", at->path, what);
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    default:
        return 8;
    }
}

static int text(const json_t *value, char **ret, const struct place *at)
{
    if (!json_is_string(value))
        return wrong(at, "a string is wanted");
    size_t len = json_string_length(value);
    char *copy = qr_arena_alloc(at->arena, len + 1);
    if (!copy)
        return qr_fail(at->err, QR_E_NOMEM, "out of memory");
    memcpy(copy, json_string_value(value), len);
    *ret = copy;
    return QR_OK;
}

/* Bytes stand as a list of numbers (float32, as clouds are), or as text. */
static int bytes(const json_t *value, ProtobufCBinaryData *ret, const struct place *at)
{
    size_t n = json_array_size(value);

    if (!json_is_array(value)) {
        char *copy = NULL;
        int rc = text(value, &copy, at);
        *ret = (ProtobufCBinaryData){copy ? strlen(copy) : 0, (uint8_t *)copy};
        return rc;
    }
    float *numbers = qr_arena_alloc(at->arena, n * sizeof *numbers + 1);
    if (!numbers)
        return qr_fail(at->err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        numbers[i] = (float)json_number_value(json_array_get(value, i));
    *ret = (ProtobufCBinaryData){n * sizeof *numbers, (uint8_t *)numbers};
    return QR_OK;
}

static int number(const json_t *value, const ProtobufCFieldDescriptor *field, void *slot,
                  const struct place *at)
{
    double given = json_number_value(value);

    if (!json_is_number(value))
        return wrong(at, "a number is wanted");
    if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        memcpy(slot, &given, sizeof given);
    } else if (field->type == PROTOBUF_C_TYPE_FLOAT) {
        float narrow = (float)given;
        memcpy(slot, &narrow, sizeof narrow);
    } else if (given != trunc(given) || fabs(given) > 9e15 ||
               (given < 0 && field->type != PROTOBUF_C_TYPE_INT64)) {
        return wrong(at, "a whole number is wanted");
    } else if (field->type == PROTOBUF_C_TYPE_UINT32) {
        uint32_t whole = (uint32_t)given;
        memcpy(slot, &whole, sizeof whole);
    } else {
        int64_t whole = (int64_t)given;
        memcpy(slot, &whole, sizeof whole);
    }
    return QR_OK;
}

static int one(const json_t *value, const ProtobufCFieldDescriptor *field, void *slot,
               struct place *at)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return text(value, slot, at);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return bytes(value, slot, at);
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean set = json_is_true(value);
        memcpy(slot, &set, sizeof set);
        return json_is_boolean(value) ? QR_OK : wrong(at, "true or false is wanted");
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *message = qr_sim_message(at->arena, field->descriptor);
        if (!message)
            return qr_fail(at->err, QR_E_NOMEM, "out of memory");
        memcpy(slot, &message, sizeof message);
        return qr_sim_describe(value, message, at->arena, at->path, at->err);
    }
    return number(value, field, slot, at);
}

static int many(const json_t *value, const ProtobufCFieldDescriptor *field,
                ProtobufCMessage *message, struct place *at)
{
    size_t n = json_array_size(value);
    size_t size = size_of(field);
    char *items = qr_arena_alloc(at->arena, n * size + 1);
    int rc = QR_OK;

    if (!json_is_array(value))
        return wrong(at, "a list is wanted");
    if (!items)
        return qr_fail(at->err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; rc == QR_OK && i < n; i++)
        rc = one(json_array_get(value, i), field, items + i * size, at);
    if (rc < 0)
        return rc;
    memcpy((char *)message + field->quantifier_offset, &n, sizeof n);
    memcpy((char *)message + field->offset, &items, sizeof items);
    return QR_OK;
}

/* "volume" is given: so is has_volume, where there is such a field. */
static void say_has(ProtobufCMessage *message, const char *key)
{
    const protobuf_c_boolean yes = true;
    char name[64];

    snprintf(name, sizeof name, "has_%.50s", key);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (field && field->type == PROTOBUF_C_TYPE_BOOL)
        memcpy((char *)message + field->offset, &yes, sizeof yes);
}

int qr_sim_describe(const json_t *object, ProtobufCMessage *message, struct qr_arena *arena,
                    const char *path, struct qr_err *err)
{
    const char *key;
    json_t *value;
    int rc = QR_OK;

    if (!json_is_object(object))
        return qr_fail(err, QR_E_DATA, "%s: an object is wanted", path);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct place at = {.arena = arena, .err = err};
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(message->descriptor, key);
        snprintf(at.path, sizeof at.path, "%.120s.%.60s", path, key);
        if (!field)
            return wrong(&at, "there is no such field");
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            rc = many(value, field, message, &at);
        else
            rc = one(value, field, (char *)message + field->offset, &at);
        if (rc < 0)
            return rc;
        say_has(message, key);
    }
    return QR_OK;
}
