/* Dumps of CREOSON: questions and their answers as they went over the wire, or short. */
#include <stdio.h>
#include <string.h>

#include "common/cadjson/creoson.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

struct exchange {
    char command[40], function[60];
    bool failed; /* CREOSON answered with an error */
    bool other;  /* asked about another model */
};

static bool copy_text(cadjson *cj, char *to, size_t size)
{
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_string(cj->jr))
        return false;
    snprintf(to, size, "%s", cj->jr->text);
    return true;
}

static bool read_command(cadjson *cj, void *target)
{
    struct exchange *e = target;
    return copy_text(cj, e->command, sizeof e->command);
}

static bool read_function(cadjson *cj, void *target)
{
    struct exchange *e = target;
    return copy_text(cj, e->function, sizeof e->function);
}

/* Which model was asked about, and which of its sheets. */
static bool read_question(cadjson *cj, void *target)
{
    struct exchange *e = target;
    const char *key;

    if (qr_jr_peek(cj->jr) != QR_JR_OBJECT)
        return qr_jr_skip(cj->jr);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        char file[300] = "";
        double sheet = 0;
        enum qr_jr_kind kind = qr_jr_peek(cj->jr);
        if (strcmp(key, "sheet") == 0 && kind == QR_JR_NUMBER) {
            if (!qr_jr_number(cj->jr, &sheet))
                return false;
            cj->sheet = sheet >= 1 && sheet <= 1e6 ? (uint32_t)sheet : 0;
            continue;
        }
        if ((strcmp(key, "file") != 0 && strcmp(key, "drawing") != 0) || kind != QR_JR_STRING) {
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        if (!copy_text(cj, file, sizeof file))
            return false;
        e->other = cj->model && !qr_cadjson_same_model(cj->model, file);
        if (e->other && cj->n_other++ == 0)
            snprintf(cj->other_name, sizeof cj->other_name, "%s", file);
    }
    return !cj->jr->failed;
}

static bool read_error(cadjson *cj, void *target)
{
    return qr_jr_bool(cj->jr, &((struct exchange *)target)->failed);
}

static const struct qr_field status_fields[] = {
    SPECIAL("error", read_error),
    SPECIAL("message", qr_creoson_skip),
    SPECIAL("expired", qr_creoson_skip),
    END,
};

static bool read_status(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, status_fields, target);
}

static bool read_data(cadjson *cj, void *target)
{
    struct exchange *e = target;

    if (!e->command[0] || !e->function[0])
        return qr_jr_fail(cj->jr, "\"command\" and \"function\" are expected before the answer");
    if (e->failed || e->other)
        return qr_jr_skip(cj->jr);
    cj->answered = true;
    return qr_cadjson_read_answer(cj, e->command, e->function);
}

static const struct qr_field request_fields[] = {
    SPECIAL("command", read_command),
    SPECIAL("function", read_function),
    SPECIAL("data", read_question),
    SPECIAL("sessionId", qr_creoson_skip),
    END,
};
static const struct qr_field response_fields[] = {
    SPECIAL("status", read_status),
    SPECIAL("data", read_data),
    SPECIAL("sessionId", qr_creoson_skip),
    END,
};

static bool read_request(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, request_fields, target);
}

static bool read_response(cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, response_fields, target);
}

static const struct qr_field exchange_fields[] = {
    SPECIAL("command", read_command),
    SPECIAL("function", read_function),
    SPECIAL("request", read_request),
    SPECIAL("response", read_response),
    SPECIAL("status", read_status),
    SPECIAL("data", read_data),
    END,
};

bool qr_cadjson_read_exchange(struct qr_cadjson *cj, void *target)
{
    struct exchange e = {.command = ""};
    const char *key = cj->jr->level[cj->jr->depth - 1].key;
    (void)target;

    cj->sheet = 0;
    do {
        const struct qr_field *field = exchange_fields;
        while (field->name && strcmp(field->name, key) != 0)
            field++;
        if (field->name ? !qr_cadjson_value(cj, field, &e) : !qr_jr_skip(cj->jr))
            return false;
    } while ((key = qr_jr_member(cj->jr)));
    return !cj->jr->failed;
}

static bool read_one(cadjson *cj)
{
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    key = qr_jr_member(cj->jr);
    return key ? qr_cadjson_read_exchange(cj, NULL) : !cj->jr->failed;
}

bool qr_cadjson_read_exchanges(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_one);
}
