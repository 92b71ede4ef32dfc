#include "ctl/json.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/buf.h"
#include "ctl/text.h"

static json_t *from_string(const char *text)
{
    struct qr_buf buf;
    size_t left = text ? strlen(text) : 0;

    json_t *value = json_stringn(text ? text : "", left);
    if (value)
        return value; /* it was UTF-8 */
    qr_buf_init(&buf, (size_t)64 << 20);
    while (left > 0) {
        size_t bytes;
        if (qr_text_decode(text, left, &bytes) == 0xFFFD)
            qr_buf_append_str(&buf, "\xEF\xBF\xBD");
        else
            qr_buf_append(&buf, text, bytes);
        text += bytes;
        left -= bytes;
    }
    if (!buf.failed)
        value = json_stringn((const char *)buf.data, buf.len);
    qr_buf_done(&buf);
    return value;
}

static json_t *from_bytes(const ProtobufCBinaryData *bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(bytes->len * 2 + 1);

    if (!hex)
        return NULL;
    for (size_t i = 0; i < bytes->len; i++) {
        hex[2 * i] = digits[bytes->data[i] >> 4];
        hex[2 * i + 1] = digits[bytes->data[i] & 15];
    }
    json_t *value = json_stringn(hex, bytes->len * 2);
    free(hex);
    return value;
}

/* ERROR_CLASS_INVALID_INPUT of ErrorClass reads "invalid_input". */
static json_t *from_enum(const ProtobufCEnumDescriptor *descriptor, int number)
{
    const ProtobufCEnumValue *row = protobuf_c_enum_descriptor_get_value(descriptor, number);
    const char *name = row ? row->name : NULL;
    const char *type = descriptor->short_name;
    char text[64];
    size_t at = 0;

    if (!name)
        return json_integer(number);
    const char *rest = name;
    while (*type && *rest) { /* walk over the prefix: the type's name, '_' before its capitals */
        if (*rest == '_' && isupper((unsigned char)*type))
            rest++;
        if (tolower((unsigned char)*rest) != tolower((unsigned char)*type))
            break;
        rest++;
        type++;
    }
    if (*type == '\0' && *rest == '_')
        name = rest + 1;
    for (; name[at] && at + 1 < sizeof text; at++)
        text[at] = (char)tolower((unsigned char)name[at]);
    return json_stringn(text, at);
}

static json_t *from_u64(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

static json_t *from_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

/* One value where the struct keeps it. */
static json_t *from_value(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return json_integer(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return from_u64(*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return from_real((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return from_real(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return from_enum(field->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return from_string(*(char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return from_bytes(at);
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *inner = *(ProtobufCMessage *const *)at;
        return inner ? qr_json_from_message(inner) : json_null();
    }
    }
    return json_null();
}

/* A map is a repeated message named …Entry with the fields key = 1 and value = 2. */
static bool is_map(const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE ||
        entry->n_fields != 2)
        return false;
    size_t len = strlen(entry->short_name);
    return len > 5 && strcmp(entry->short_name + len - 5, "Entry") == 0 &&
           strcmp(entry->fields[0].name, "key") == 0 && strcmp(entry->fields[1].name, "value") == 0;
}

static bool put_map_entry(json_t *object, const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *fields = entry->descriptor->fields;
    json_t *key = from_value(&fields[0], (const char *)entry + fields[0].offset);
    json_t *value = from_value(&fields[1], (const char *)entry + fields[1].offset);
    char number[32];
    bool ok = false;

    if (key && value && json_typeof(key) == JSON_STRING) {
        ok = json_object_set(object, json_string_value(key), value) == 0;
    } else if (key && value && json_typeof(key) == JSON_INTEGER) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(key));
        ok = json_object_set(object, number, value) == 0;
    }
    json_decref(key);
    json_decref(value);
    return ok;
}

static json_t *from_repeated(const ProtobufCFieldDescriptor *field, size_t n, const char *items)
{
    bool map = is_map(field);
    json_t *value = map ? json_object() : json_array();

    for (size_t i = 0; value && i < n; i++) {
        const char *at = items + i * size_of(field->type);
        bool ok = map ? put_map_entry(value, *(ProtobufCMessage *const *)(const void *)at)
                      : json_array_append_new(value, from_value(field, at)) == 0;
        if (!ok) {
            json_decref(value);
            return NULL;
        }
    }
    return value;
}

/* Whether an optional or oneof scalar is there; absent ones are left out of the object. */
static bool is_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;

    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id;
    if (field->label != PROTOBUF_C_LABEL_OPTIONAL || field->type == PROTOBUF_C_TYPE_MESSAGE ||
        field->type == PROTOBUF_C_TYPE_STRING)
        return true;
    return *(const protobuf_c_boolean *)(const void *)(base + field->quantifier_offset);
}

json_t *qr_json_from_message(const ProtobufCMessage *message)
{
    const char *base = (const char *)message;
    json_t *object = json_object();

    for (unsigned i = 0; object && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const void *at = base + field->offset;
        json_t *value = NULL;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            value = from_repeated(field,
                                  *(const size_t *)(const void *)(base + field->quantifier_offset),
                                  *(const char *const *)at);
        else if (is_present(message, field))
            value = from_value(field, at);
        else
            continue;
        if (!value || json_object_set_new(object, field->name, value) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

bool qr_json_print(const json_t *value, bool compact, FILE *out)
{
    size_t flags = compact ? JSON_COMPACT : JSON_INDENT(2);

    return json_dumpf(value, out, flags | JSON_ENCODE_ANY) == 0 && fputc('\n', out) != EOF;
}
