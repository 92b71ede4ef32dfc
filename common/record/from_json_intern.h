/* common/record/from_json_intern.h
 *
 * Between the files that read a record's JSON: objects and the record (from_json.c), values and
 * lists (from_json_values.c), what has another form in the JSON than in the message
 * (from_json_forms.c). Which fields there are and of what type, the messages' own descriptions
 * (protobuf-c) say.
 */
#pragma once
#include "common/record/record.h"

typedef ProtobufCFieldDescriptor qr_from_json_field;

struct qr_from_json {
    struct qr_record *rec;
    struct qr_err *err;
    char path[256]; /* of the value at hand: "dimensions[3].value" */
    bool failed;
};

/** Raise "PATH is not EXPECTED"; the first one stays. */
void qr_from_json_refuse(struct qr_from_json *r, const char *expected);

/** Each member of an object to the field of its name. False: refused. */
bool qr_from_json_fill(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *object);
/** One of them; a name that is not known is noted. */
void qr_from_json_member(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                         const json_t *value);

/* from_json_values.c */
static inline void *qr_from_json_slot(ProtobufCMessage *msg, const qr_from_json_field *field)
{
    return (char *)msg + field->offset;
}
static inline size_t *qr_from_json_count(ProtobufCMessage *msg, const qr_from_json_field *field)
{
    return (size_t *)(void *)((char *)msg + field->quantifier_offset);
}
/** One more message in a repeated field; NULL: the list is full, or memory is short. */
ProtobufCMessage *qr_from_json_append(struct qr_from_json *r, ProtobufCMessage *msg,
                                      const qr_from_json_field *field);
/** The message in a field, made when it is not there; NULL: memory is short. */
ProtobufCMessage *qr_from_json_sub(struct qr_from_json *r, ProtobufCMessage *msg,
                                   const qr_from_json_field *field);
void qr_from_json_string(struct qr_from_json *r, char **slot, const json_t *value);
/** A value of the field's type. */
void qr_from_json_value(struct qr_from_json *r, ProtobufCMessage *msg,
                        const qr_from_json_field *field, const json_t *value);

/* from_json_forms.c */
/** A member whose form is another one than the field's; false: it has none. */
bool qr_from_json_form(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                       const json_t *value);
void qr_from_json_failure(struct qr_from_json *r, Quarry__V1__Failure *failure,
                          const json_t *value);
/** "title_block_places", for the items of the title block that are there. */
void qr_from_json_places(struct qr_from_json *r, const json_t *value);
/** What a geometry kernel found goes from the model to the message of its own. */
void qr_from_json_settle(struct qr_from_json *r);
