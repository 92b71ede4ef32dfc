/* Parts of a record that is still being made, and the way back. */
#include "common/record/part.h"

#include <string.h>

#include "common/record/intern.h"

/* Walks the repeated fields of the record; all of them are lists of messages. */
struct list {
    const ProtobufCFieldDescriptor *field;
    void ***items; /* address of the array */
    size_t *n;
};

static bool is_list(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static struct list list_of(Quarry__V1__ExtractionRecord *msg, unsigned index)
{
    const ProtobufCFieldDescriptor *field = &msg->base.descriptor->fields[index];
    char *at = (char *)msg;

    return (struct list){.field = field,
                         .items = (void ***)(void *)(at + field->offset),
                         .n = (size_t *)(void *)(at + field->quantifier_offset)};
}

static bool is_notes(const ProtobufCFieldDescriptor *field)
{
    return field->offset == offsetof(Quarry__V1__ExtractionRecord, notes);
}

int qr_record_encode_part(const struct qr_record *rec, struct qr_record_mark *mark,
                          struct qr_buf *out, struct qr_err *err)
{
    Quarry__V1__ExtractionRecord part = *rec->msg; /* lists begin later, the rest is as it is */
    unsigned n_fields = part.base.descriptor->n_fields;

    if (rec->failed)
        return qr_fail(err, QR_E_NOMEM, "the record passed its memory limit of %zu bytes",
                       rec->limits.memory_bytes);
    if (n_fields > QR_COUNT(mark->sent))
        return qr_fail(err, QR_E_INTERNAL, "a record has %u fields", n_fields);
    for (unsigned i = 0; i < n_fields; i++) {
        if (!is_list(&part.base.descriptor->fields[i]))
            continue;
        struct list list = list_of(&part, i);
        if (is_notes(list.field) || mark->sent[i] > *list.n)
            continue; /* notes are counted on: all of them, each time */
        *list.items += mark->sent[i];
        *list.n -= mark->sent[i];
    }
    size_t size = quarry__v1__extraction_record__get_packed_size(&part);
    uint8_t *at = qr_buf_reserve(out, size);
    if (!at)
        return qr_fail(err, QR_E_LIMIT, "a part takes %zu bytes, more than the %zu allowed", size,
                       out->max);
    out->len += quarry__v1__extraction_record__pack(&part, at);
    qr_record_mark_all(rec, mark);
    return QR_OK;
}

void qr_record_mark_all(const struct qr_record *rec, struct qr_record_mark *mark)
{
    for (unsigned i = 0; i < rec->msg->base.descriptor->n_fields && i < QR_COUNT(mark->sent); i++)
        if (is_list(&rec->msg->base.descriptor->fields[i]))
            mark->sent[i] = *list_of(rec->msg, i).n;
}

uint64_t qr_record_items(const struct qr_record *rec)
{
    uint64_t items = 0;

    for (unsigned i = 0; i < rec->msg->base.descriptor->n_fields; i++)
        if (is_list(&rec->msg->base.descriptor->fields[i]) &&
            !is_notes(&rec->msg->base.descriptor->fields[i]))
            items += *list_of(rec->msg, i).n;
    return items;
}

/* Arrays as they would be had the entries been added one by one: with room up to a power of two. */
static bool make_room(struct qr_record *rec)
{
    for (unsigned i = 0; i < rec->msg->base.descriptor->n_fields; i++) {
        if (!is_list(&rec->msg->base.descriptor->fields[i]))
            continue;
        struct list list = list_of(rec->msg, i);
        size_t cap = 8;
        if (*list.n == 0)
            continue;
        while (cap < *list.n)
            cap *= 2;
        void **bigger = qr_record_take(rec, cap * sizeof *bigger);
        if (!bigger)
            return false;
        memcpy(bigger, *list.items, *list.n * sizeof *bigger);
        *list.items = bigger;
    }
    return true;
}

int qr_record_restore(struct qr_record *rec, const void *parts, size_t len, struct qr_err *err)
{
    QR_AUTO(qr_record) whole = NULL;

    int rc = qr_record_decode(parts, len, &rec->limits, &whole, err);
    if (rc < 0)
        return rc;
    whole->msg->n_notes = qr_record_join_notes(whole->msg);
    if (!make_room(whole))
        return qr_fail(err, QR_E_NOMEM, "no memory for the parts of a record");
    struct qr_arena old = rec->arena;
    rec->arena = whole->arena;
    rec->msg = whole->msg;
    rec->text_used = 0;
    rec->failed = false;
    memset(&rec->cleaned, 0, sizeof rec->cleaned);
    whole->arena = old; /* freed with it */
    return QR_OK;
}
