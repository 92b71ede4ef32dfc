/* common/cadjson/fields.h
 *
 * How the tables of fields are written (struct qr_field, intern.h): one line a name of the JSON,
 * END behind the last. FIELD and its like are for messages of the record, TEXT_AT for any struct.
 */
#pragma once
#include <stddef.h>

#include "common/cadjson/intern.h"

/* A member of a message, of type TEXT, NUMBER, COUNT, COUNT32 or FLAG. */
#define FIELD(Type, name_, kind, member)                                         \
    {                                                                            \
        name_, QR_FIELD_##kind, offsetof(Quarry__V1__##Type, member), 0, 0, NULL \
    }
/* A number with a flag has_MEMBER. */
#define NUMBER_OF(Type, name_, member)                                \
    {                                                                 \
        name_, QR_FIELD_NUMBER, offsetof(Quarry__V1__##Type, member), \
            offsetof(Quarry__V1__##Type, has_##member), 0, NULL       \
    }
/* A list of exactly `count` numbers. */
#define NUMBERS_OF(Type, name_, count, member)                         \
    {                                                                  \
        name_, QR_FIELD_NUMBERS, offsetof(Quarry__V1__##Type, member), \
            offsetof(Quarry__V1__##Type, n_##member), count, NULL      \
    }
/* A text in any struct. */
#define TEXT_AT(Type, name_, member)                             \
    {                                                            \
        name_, QR_FIELD_TEXT, offsetof(Type, member), 0, 0, NULL \
    }
/* A true or false in any struct. */
#define FLAG_AT(Type, name_, member)                             \
    {                                                            \
        name_, QR_FIELD_FLAG, offsetof(Type, member), 0, 0, NULL \
    }
/* What a function reads: bool read(struct qr_cadjson *cj, void *target). */
#define SPECIAL(name_, function)                   \
    {                                              \
        name_, QR_FIELD_SPECIAL, 0, 0, 0, function \
    }
#define END                                   \
    {                                         \
        NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL \
    }
