/* The record as protobuf bytes, both ways. */
#include "common/record/record.h"

#include <stdlib.h>
#include <string.h>

int qr_record_encode(const struct qr_record *rec, struct qr_buf *out, struct qr_err *err)
{
    if (rec->failed)
        return qr_fail(err, QR_E_NOMEM, "the record passed its memory limit of %zu bytes",
                       rec->limits.memory_bytes);
    size_t size = quarry__v1__extraction_record__get_packed_size(rec->msg);
    uint8_t *at = qr_buf_reserve(out, size);
    if (!at)
        return qr_fail(err, QR_E_LIMIT, "the record takes %zu bytes, more than the %zu allowed",
                       size, out->max);
    out->len += quarry__v1__extraction_record__pack(rec->msg, at);
    return QR_OK;
}

static void *arena_alloc(void *arena, size_t size) { return qr_arena_alloc(arena, size); }

static void arena_free(void *arena, void *data)
{
    (void)arena;
    (void)data; /* all at once, with the arena */
}

/* Every string of a message and of those in it. The depth is that of the .proto file: no message
 * holds itself. Returns the name of the first bad field, NULL when all are clean. */
static const char *find_unclean(const ProtobufCMessage *msg)
{
    for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
        const char *at = (const char *)msg + field->offset;
        void *const *members = (void *const *)(const void *)at;
        size_t n = 1;

        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&n, (const char *)msg + field->quantifier_offset, sizeof n);
            members = *(void *const *const *)(const void *)at;
        }
        for (size_t k = 0; k < n; k++) {
            const void *value = members[k];
            const char *bad = NULL;
            if (!value)
                continue;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                bad = find_unclean(value);
            else if (!qr_utf8_is_clean(value, strlen(value)))
                bad = field->name;
            if (bad)
                return bad;
        }
    }
    return NULL;
}

int qr_record_decode(const void *data, size_t len, const struct qr_record_limits *limits,
                     struct qr_record **ret, struct qr_err *err)
{
    QR_AUTO(qr_record) rec = qr_record_new(limits);

    if (!rec)
        return qr_fail(err, QR_E_NOMEM, "no memory for a record");
    if (len / 4 > rec->limits.text_bytes)
        return qr_fail(err, QR_E_LIMIT, "a record of %zu bytes is larger than allowed", len);
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &rec->arena};
    rec->msg = quarry__v1__extraction_record__unpack(&allocator, len, data);
    if (!rec->msg)
        return qr_fail(err, QR_E_DATA,
                       "not an extraction record, or one that takes more than %zu bytes of memory",
                       rec->limits.memory_bytes);
    const char *bad = find_unclean(&rec->msg->base);
    if (bad)
        return qr_fail(err, QR_E_DATA, "extraction record: field %s is not valid UTF-8", bad);
    *ret = qr_steal(&rec);
    return QR_OK;
}
