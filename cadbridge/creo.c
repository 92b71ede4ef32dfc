#include "cadbridge/creo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cadbridge/creo_map.h"
#include "common/record/cad.h"
#include "common/record/parts.h"
#include "common/rpc/client.h"
#include "quarry/creo/v1/creo.pb-c.h"

#define SERVICE "/quarry.creo.v1.Creo/"

struct creo {
    struct qr_cad_backend base;
    struct qr_rpc_channel *channel;
    char target[300];
};

/* ---- whose fault */

enum qr_cad_blame qr_creo_blame(int grpc_status, enum qr_class *ret_class)
{
    static const struct {
        int status;
        enum qr_cad_blame blame;
        enum qr_class cls;
    } rows[] = {
        {1, QR_CAD_SERVICE, QR_CLASS_CONNECTION},  /* CANCELLED, not by us */
        {3, QR_CAD_MODEL, QR_CLASS_INVALID_INPUT}, /* INVALID_ARGUMENT */
        {4, QR_CAD_SERVICE, QR_CLASS_TIMEOUT},     /* DEADLINE_EXCEEDED */
        {5, QR_CAD_MODEL, QR_CLASS_INVALID_INPUT}, /* NOT_FOUND */
        {7, QR_CAD_MODEL, QR_CLASS_PERMISSION},    /* PERMISSION_DENIED */
        {8, QR_CAD_SERVICE, QR_CLASS_RESOURCE},    /* RESOURCE_EXHAUSTED */
        {9, QR_CAD_MODEL, QR_CLASS_INVALID_INPUT}, /* FAILED_PRECONDITION */
        {12, QR_CAD_MODEL, QR_CLASS_UNSUPPORTED},  /* UNIMPLEMENTED */
        {13, QR_CAD_SERVICE, QR_CLASS_INTERNAL},   /* INTERNAL */
        {14, QR_CAD_SERVICE, QR_CLASS_CONNECTION}, /* UNAVAILABLE */
        {15, QR_CAD_SERVICE, QR_CLASS_INTERNAL},   /* DATA_LOSS */
        {16, QR_CAD_SERVICE, QR_CLASS_PERMISSION}, /* UNAUTHENTICATED */
    };

    for (size_t i = 0; i < QR_COUNT(rows); i++)
        if (rows[i].status == grpc_status) {
            *ret_class = rows[i].cls;
            return rows[i].blame;
        }
    *ret_class = QR_CLASS_INTERNAL;
    return QR_CAD_SERVICE;
}

/* ---- an answer */

struct answer {
    const struct qr_cad_request *request;
    struct qr_creo_map map;
    uint32_t parts;
    uint64_t bytes;
    uint32_t revision; /* of the head */
    bool headed, ended;
    struct qr_err err; /* why we ended it: the service's fault */
};

static int check_name(struct answer *a, const char *model, uint32_t revision)
{
    const struct qr_cad_request *request = a->request;

    if (strcasecmp(model, request->model) != 0)
        return qr_fail(&a->err, QR_E_DATA, "the answer is about '%.80s', not '%.80s'", model,
                       request->model);
    if (request->revision != 0 && revision != 0 && revision != request->revision)
        return qr_fail(&a->err, QR_E_DATA,
                       "the answer is about revision %" PRIu32 " of '%.80s', not %" PRIu32,
                       revision, model, request->revision);
    return QR_OK;
}

static int take_end(struct answer *a, const Quarry__Creo__V1__End *end)
{
    int rc = check_name(a, end->model, end->revision);

    if (rc == QR_OK && (end->parts != a->parts || end->bytes != a->bytes))
        rc = qr_fail(&a->err, QR_E_DATA,
                     "the end counts %" PRIu32 " parts of %" PRIu64 " bytes, %" PRIu32
                     " of %" PRIu64 " came",
                     end->parts, end->bytes, a->parts, a->bytes);
    a->ended = rc == QR_OK;
    return rc;
}

static int take(struct answer *a, const Quarry__Creo__V1__ExtractReply *reply, size_t len)
{
    bool is_head = reply->part_case == QUARRY__CREO__V1__EXTRACT_REPLY__PART_HEAD;
    bool is_end = reply->part_case == QUARRY__CREO__V1__EXTRACT_REPLY__PART_END;
    int rc = QR_OK;

    if (a->ended)
        return qr_fail(&a->err, QR_E_DATA, "something comes behind the end of the answer");
    if (reply->number != a->parts + 1)
        return qr_fail(&a->err, QR_E_DATA, "reply %" PRIu32 " comes where %" PRIu32 " should",
                       reply->number, a->parts + 1);
    if (is_head == a->headed)
        return qr_fail(&a->err, QR_E_DATA,
                       a->headed ? "a second head" : "an answer without a head");
    if (is_end)
        return take_end(a, reply->end);
    if (is_head) {
        rc = check_name(a, reply->head->model, reply->head->revision);
        a->headed = rc == QR_OK;
    }
    if (rc == QR_OK)
        rc = qr_creo_map_part(&a->map, reply, &a->err);
    a->parts++;
    a->bytes += len;
    if (rc == QR_OK && (a->bytes > QR_CREO_BYTES_MAX || a->parts > QR_CREO_PARTS_MAX))
        rc = qr_fail(&a->err, QR_E_DATA, "an answer of more than %" PRIu64 " MiB or %d parts",
                     QR_CREO_BYTES_MAX >> 20, QR_CREO_PARTS_MAX);
    return rc;
}

static int on_message(void *ctx, const uint8_t *data, size_t len)
{
    struct answer *a = ctx;
    Quarry__Creo__V1__ExtractReply *reply =
        quarry__creo__v1__extract_reply__unpack(NULL, len, data);

    if (!reply)
        return qr_fail(&a->err, QR_E_DATA, "the answer is no message of this service");
    int rc = take(a, reply, len);
    quarry__creo__v1__extract_reply__free_unpacked(reply, NULL);
    return rc;
}

/* What became of the call: our own verdict goes before the status. */
static enum qr_cad_blame judge(const struct creo *creo, const struct answer *a, int rc,
                               const struct qr_err *err, struct qr_cad_failure *ret)
{
    enum qr_cad_blame blame = QR_CAD_SERVICE;

    if (a->err.code != QR_OK) {
        ret->cls = QR_CLASS_INTERNAL;
        snprintf(ret->message, sizeof ret->message, "creo at %s: %s", creo->target, a->err.msg);
    } else if (rc == QR_OK && a->ended) {
        return QR_CAD_GOOD;
    } else if (rc == QR_OK) {
        ret->cls = QR_CLASS_INTERNAL;
        snprintf(ret->message, sizeof ret->message, "creo at %s: %s", creo->target,
                 a->parts > 0 ? "the answer ends in the middle" : "the answer is empty");
    } else if (rc == QR_E_CANCELLED && atomic_load(creo->base.interrupted)) {
        ret->cls = QR_CLASS_CONNECTION;
        snprintf(ret->message, sizeof ret->message, "given up");
        return QR_CAD_GIVEN_UP;
    } else {
        blame = qr_creo_blame(err->sys > 0 ? err->sys : qr_err_grpc_status(rc), &ret->cls);
        snprintf(ret->message, sizeof ret->message, "creo at %s: %s", creo->target, err->msg);
    }
    return blame;
}

static enum qr_cad_blame extract(struct qr_cad_backend *self, const struct qr_cad_request *request,
                                 struct qr_record *rec, struct qr_cad_failure *ret)
{
    struct creo *creo = QR_CONTAINER_OF(self, struct creo, base);
    Quarry__Creo__V1__ExtractRequest ask = QUARRY__CREO__V1__EXTRACT_REQUEST__INIT;
    struct answer a = {.request = request};
    struct qr_err err = {0};
    uint8_t packed[16 << 10];

    ask.model = (char *)(uintptr_t)request->model;
    ask.revision = request->revision;
    ask.location = (char *)(uintptr_t)request->uri;
    ask.folder = (char *)(uintptr_t)request->folder;
    ask.root = (char *)(uintptr_t)request->root;
    ask.points = ask.views = ask.embeddings = true;
    ask.max_points = request->max_points;
    size_t len = quarry__creo__v1__extract_request__get_packed_size(&ask);
    if (len > sizeof packed) {
        *ret = (struct qr_cad_failure){QR_CLASS_INVALID_INPUT, "the name of the file is too long"};
        return QR_CAD_MODEL;
    }
    quarry__creo__v1__extract_request__pack(&ask, packed);
    qr_creo_map_init(&a.map, rec, request->model);
    int rc = qr_rpc_server_stream(creo->channel, SERVICE "Extract", packed, len,
                                  request->deadline_ms, on_message, &a, &err);
    if (rc == QR_OK && a.ended && qr_creo_map_finish(&a.map, &a.err) < 0)
        a.ended = false;
    qr_creo_map_done(&a.map);
    enum qr_cad_blame blame = judge(creo, &a, rc, &err, ret);
    Quarry__V1__CadModel *cad = blame == QR_CAD_GOOD ? qr_record_cad(rec) : NULL;
    if (cad) {
        const char *version = qr_record_find_meta(rec, "creo_version");
        char source[400];
        snprintf(source, sizeof source, "creo%s%.60s at %s", version ? " " : "",
                 version ? version : "", creo->target);
        cad->mode = qr_record_text(rec, "grpc");
        cad->source = qr_record_text(rec, source);
    }
    return blame;
}

/* ---- life */

static int test(struct qr_cad_backend *self, int64_t deadline_ms, char *ret_what, size_t size,
                struct qr_err *err)
{
    struct creo *creo = QR_CONTAINER_OF(self, struct creo, base);
    struct qr_buf reply;

    qr_buf_init(&reply, 64 << 10);
    int rc = qr_rpc_unary(creo->channel, SERVICE "GetInfo", NULL, 0, deadline_ms, &reply, err);
    Quarry__Creo__V1__Info *info =
        rc == QR_OK ? quarry__creo__v1__info__unpack(NULL, reply.len, reply.data) : NULL;
    if (rc == QR_OK && !info)
        rc = qr_fail(err, QR_E_DATA, "%s answers, but is no service of quarry.creo.v1",
                     creo->target);
    if (info) {
        snprintf(ret_what, size, "creo %.60s at %s", info->creo_version, creo->target);
        quarry__creo__v1__info__free_unpacked(info, NULL);
    }
    qr_buf_done(&reply);
    return rc;
}

static void creo_free(struct qr_cad_backend *self)
{
    struct creo *creo = QR_CONTAINER_OF(self, struct creo, base);

    qr_rpc_channel_free(creo->channel);
    free(creo);
}

int qr_creo_new(const char *target, const atomic_bool *interrupted, struct qr_cad_backend **ret,
                struct qr_err *err)
{
    const struct qr_rpc_channel_config config = {.max_message_bytes = QR_CREO_MESSAGE_MAX,
                                                 .max_queue_bytes = QR_CREO_MESSAGE_MAX,
                                                 .interrupted = interrupted};
    struct creo *creo = calloc(1, sizeof *creo);

    if (!creo)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    creo->base = (struct qr_cad_backend){.test = test,
                                         .extract = extract,
                                         .free = creo_free,
                                         .name = "creo",
                                         .interrupted = interrupted};
    snprintf(creo->target, sizeof creo->target, "%s", target);
    int rc = qr_rpc_channel_new(target, &config, &creo->channel, err);
    if (rc < 0) {
        creo_free(&creo->base);
        return qr_err_wrap(err, rc == QR_E_INVALID ? QR_E_USAGE : rc, "--creo");
    }
    *ret = &creo->base;
    return QR_OK;
}
