#include "cadbridge/sim/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cadbridge/sim/answer_intern.h"

enum { FRAMES_MAX = 64, ARENA_BYTES = 64 << 20 };

#define REPLY_FIELD(i) (quarry__creo__v1__extract_reply__descriptor.fields[i])

struct making {
    const Quarry__Creo__V1__ExtractRequest *request;
    struct qr_arena arena;
    json_t *description; /* or NULL */
    struct qr_sim_answer answer;
    uint64_t bytes;
};

void qr_sim_answer_done(struct qr_sim_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        free(answer->frames[i].data);
    free(answer->frames);
    *answer = (struct qr_sim_answer){0};
}

static int load(struct making *m, const char *models, struct qr_err *err)
{
    char path[4096];
    json_error_t why;

    if (!models || strchr(m->request->model, '/') || m->request->model[0] == '.')
        return QR_OK;
    int len = snprintf(path, sizeof path, "%s/%s.json", models, m->request->model);
    FILE *file = len > 0 && (size_t)len < sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return QR_OK;
    m->description = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
    fclose(file);
    if (!m->description || !json_is_object(m->description))
        return qr_fail(err, QR_E_DATA, "%s:%d: %s", path, why.line, why.text);
    if (json_is_true(json_object_get(m->description, "absent")))
        return qr_fail(err, QR_E_NOT_FOUND, "Creo has no model '%s'", m->request->model);
    return QR_OK;
}

static int add(struct making *m, Quarry__Creo__V1__ExtractReply__PartCase part, void *message,
               struct qr_err *err)
{
    Quarry__Creo__V1__ExtractReply reply = QUARRY__CREO__V1__EXTRACT_REPLY__INIT;

    if (m->answer.n == FRAMES_MAX)
        return qr_fail(err, QR_E_LIMIT, "a description of too many parts");
    reply.number = (uint32_t)m->answer.n + 1;
    reply.part_case = part;
    reply.head = message; /* a union of pointers */
    size_t len = quarry__creo__v1__extract_reply__get_packed_size(&reply);
    uint8_t *data = malloc(len);
    if (!data)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    quarry__creo__v1__extract_reply__pack(&reply, data);
    m->answer.frames[m->answer.n++] = (struct qr_sim_frame){data, len};
    m->bytes += len;
    return QR_OK;
}

static bool wanted(const struct making *m, Quarry__Creo__V1__ExtractReply__PartCase part)
{
    if (part == QUARRY__CREO__V1__EXTRACT_REPLY__PART_POINTS)
        return m->request->points;
    if (part == QUARRY__CREO__V1__EXTRACT_REPLY__PART_VIEW)
        return m->request->views;
    if (part == QUARRY__CREO__V1__EXTRACT_REPLY__PART_EMBEDDING)
        return m->request->embeddings;
    return true;
}

static int add_described(struct making *m, const ProtobufCFieldDescriptor *field,
                         const json_t *given, struct qr_err *err)
{
    size_t n = json_is_array(given) ? json_array_size(given) : 1;
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        ProtobufCMessage *message = qr_sim_message(&m->arena, field->descriptor);
        if (!message)
            return qr_fail(err, QR_E_NOMEM, "out of memory");
        rc = qr_sim_describe(json_is_array(given) ? json_array_get(given, i) : given, message,
                             &m->arena, field->name, err);
        if (rc == QR_OK && field->id == QUARRY__CREO__V1__EXTRACT_REPLY__PART_HEAD) {
            Quarry__Creo__V1__ModelHead *head = (Quarry__Creo__V1__ModelHead *)(void *)message;
            head->model = head->model[0] ? head->model : m->request->model;
            head->type = head->type[0] ? head->type : (char *)qr_sim_type_of(m->request->model);
            head->revision = head->revision ? head->revision : m->request->revision;
        }
        if (rc == QR_OK)
            rc = add(m, (Quarry__Creo__V1__ExtractReply__PartCase)field->id, message, err);
    }
    return rc;
}

/* The parts in the order of their fields: the head is the first. */
static int add_parts(struct making *m, uint64_t seed, struct qr_err *err)
{
    const char *type = qr_sim_type_of(m->request->model);
    int rc = QR_OK;

    for (unsigned i = 0; rc == QR_OK && i < quarry__creo__v1__extract_reply__descriptor.n_fields;
         i++) {
        const ProtobufCFieldDescriptor *field = &REPLY_FIELD(i);
        Quarry__Creo__V1__ExtractReply__PartCase part =
            (Quarry__Creo__V1__ExtractReply__PartCase)field->id;
        const json_t *given = json_object_get(m->description, field->name);
        ProtobufCMessage *made[QR_SIM_REPEAT];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !wanted(m, part) ||
            part == QUARRY__CREO__V1__EXTRACT_REPLY__PART_END)
            continue;
        if (given) {
            rc = add_described(m, field, given, err);
            continue;
        }
        size_t n = qr_sim_invent(m->request, type, part, seed, &m->arena, made);
        for (size_t k = 0; rc == QR_OK && k < n; k++)
            rc = add(m, part, made[k], err);
    }
    return rc;
}

static int add_end(struct making *m, struct qr_err *err)
{
    Quarry__Creo__V1__End end = QUARRY__CREO__V1__END__INIT;
    Quarry__Creo__V1__ExtractReply *first = quarry__creo__v1__extract_reply__unpack(
        NULL, m->answer.frames[0].len, m->answer.frames[0].data);

    if (!first)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    end.model = first->head->model;
    end.revision = first->head->revision;
    end.parts = (uint32_t)m->answer.n;
    end.bytes = m->bytes;
    int rc = add(m, QUARRY__CREO__V1__EXTRACT_REPLY__PART_END, &end, err);
    quarry__creo__v1__extract_reply__free_unpacked(first, NULL);
    return rc;
}

int qr_sim_answer(const Quarry__Creo__V1__ExtractRequest *request, const char *models,
                  uint64_t seed, struct qr_sim_answer *ret, struct qr_err *err)
{
    struct making m = {.request = request};

    qr_arena_init(&m.arena, ARENA_BYTES);
    m.answer.frames = calloc(FRAMES_MAX, sizeof *m.answer.frames);
    int rc = m.answer.frames ? load(&m, models, err) : qr_fail(err, QR_E_NOMEM, "out of memory");
    if (rc == QR_OK)
        rc = add_parts(&m, qr_sim_hash(request->model, seed), err);
    if (rc == QR_OK)
        rc = add_end(&m, err);
    json_decref(m.description);
    qr_arena_done(&m.arena);
    if (rc < 0)
        qr_sim_answer_done(&m.answer);
    else
        *ret = m.answer;
    return rc;
}
