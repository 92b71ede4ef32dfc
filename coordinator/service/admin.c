#include "coordinator/service/admin.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "coordinator/service/admin_internal.h"

/* ------------------------------------------------------------------ the table */

/* clang-format off */
static const struct method fleet_methods[] = {
    ROW("GetMonitor",      monitor,           READ,    qr_admin_get_monitor),
    ROW("GetWorker",       get_worker,        READ,    qr_admin_get_worker),
    ROW("DrainWorker",     drain_worker,      ENQUEUE, qr_admin_drain_worker),
    ROW("ResumeWorker",    drain_worker,      ENQUEUE, qr_admin_resume_worker),
    ROW_IN_MEMORY("ListWorkers", list_workers, qr_admin_list_workers),
};
/* clang-format on */

static const struct qr_admin_methods fleet = {fleet_methods, QR_COUNT(fleet_methods)};
static const struct qr_admin_methods *const groups[] = {&qr_admin_runs, &qr_admin_jobs,
                                                        &qr_admin_settings, &qr_admin_cad, &fleet};

/* What a registered path needs in its callback. */
struct registration {
    struct qr_admin *admin;
    const struct method *method;
};

static int run_on_lane(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct call *call = arg;
    if (qr_rpc_call_is_dead(call->rpc))
        return qr_fail(err, QR_E_CANCELLED, "the caller is gone");
    return call->method->run(conn, call, err);
}

static void answer(void *arg, int rc, const struct qr_err *err)
{
    struct call *call = arg;
    uint8_t *data = NULL;
    size_t len = 0;

    if (rc == QR_OK) {
        len = protobuf_c_message_get_packed_size(call->reply);
        data = malloc(len > 0 ? len : 1);
    }
    if (data) {
        protobuf_c_message_pack(call->reply, data);
        qr_rpc_call_reply(call->rpc, data, len);
        free(data);
    } else if (rc == QR_OK) {
        struct qr_err no_memory;
        qr_fail(&no_memory, QR_E_NOMEM, "no memory for an answer of %zu bytes", len);
        qr_rpc_call_fail(call->rpc, &no_memory);
    } else {
        if (rc == QR_E_DB || rc == QR_E_INTERNAL)
            qr_log_err(QR_LOG_ERROR, "admin.failed", err, "rpc=%s", call->method->path);
        qr_rpc_call_fail(call->rpc, err);
    }
    if (call->reply)
        protobuf_c_message_free_unpacked(call->reply, NULL);
    if (call->request)
        protobuf_c_message_free_unpacked(call->request, NULL);
    free(call->bytes);
    free(call);
}

/* What the method works with: the message, or a copy of its bytes. */
static int take_request(struct call *call, const uint8_t *data, size_t len, struct qr_err *err)
{
    if (call->method->request) {
        call->request = protobuf_c_message_unpack(call->method->request, NULL, len, data);
        return call->request ? QR_OK : qr_fail(err, QR_E_INVALID, "the request cannot be decoded");
    }
    call->bytes = malloc(len + 1);
    if (!call->bytes)
        return qr_fail(err, QR_E_NOMEM, "no memory for a request of %zu bytes", len);
    if (len > 0)
        memcpy(call->bytes, data, len);
    call->n_bytes = len;
    return QR_OK;
}

static void on_call(void *ctx, struct qr_rpc_call *rpc, const uint8_t *data, size_t len)
{
    const struct registration *registration = ctx;
    struct qr_admin *admin = registration->admin;
    const struct method *method = registration->method;
    struct qr_err err = {0};
    struct call *call = calloc(1, sizeof *call);

    if (!call) {
        qr_fail(&err, QR_E_NOMEM, "no memory for a call");
        qr_rpc_call_fail(rpc, &err);
        return;
    }
    *call = (struct call){.admin = admin, .method = method, .rpc = rpc};
    int rc = take_request(call, data, len, &err);
    if (rc == QR_OK && !atomic_load(&admin->serving))
        rc = qr_fail(&err, QR_E_UNREACHABLE, "the coordinator is not serving (yet, or any more)");
    if (rc < 0) {
        answer(call, rc, &err);
        return;
    }
    if (method->in_memory)
        answer(call, method->run(NULL, call, &err), &err);
    else
        qr_db_submit(admin->db, method->lane, run_on_lane, answer, call);
}

/* ------------------------------------------------------------------ life */

int qr_admin_add_unserved(struct qr_admin *admin, Quarry__V1__Run *run, struct qr_err *err)
{
    if (strcmp(run->gate, "open") != 0 || strcmp(run->status, "active") != 0)
        return QR_OK; /* it may have been, two seconds ago */
    return qr_unserved_list(admin->config.unserved, run->id, &run->unserved, &run->n_unserved)
               ? QR_OK
               : qr_fail(err, QR_E_NOMEM, "no memory for an answer");
}

int qr_admin_send(struct qr_rpc_stream *stream, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(len > 0 ? len : 1);

    if (!data)
        return QR_E_NOMEM;
    protobuf_c_message_pack(message, data);
    int rc = qr_rpc_stream_send(stream, QR_RPC_BULK, data, len);
    free(data);
    return rc;
}

struct qr_admin_holder {
    struct qr_admin admin;
    struct registration registrations[]; /* one a method */
};

static size_t count_methods(void)
{
    size_t n = 0;

    for (size_t g = 0; g < QR_COUNT(groups); g++)
        n += groups[g]->n;
    return n;
}

static int add_methods(struct qr_admin_holder *holder, struct qr_rpc_server *server,
                       struct qr_err *err)
{
    struct registration *next = holder->registrations;
    int rc = QR_OK;

    for (size_t g = 0; g < QR_COUNT(groups); g++)
        for (size_t i = 0; rc == QR_OK && i < groups[g]->n; i++, next++) {
            *next = (struct registration){&holder->admin, &groups[g]->methods[i]};
            rc = qr_rpc_server_add_unary(server, next->method->path, on_call, next, err);
        }
    return rc;
}

int qr_admin_new(const struct qr_admin_config *config, struct qr_rpc_server *server,
                 struct qr_admin **ret, struct qr_err *err)
{
    struct qr_admin_holder *holder =
        calloc(1, sizeof *holder + count_methods() * sizeof holder->registrations[0]);

    if (!holder)
        return qr_fail(err, QR_E_NOMEM, "no memory for the admin service");
    QR_AUTO(qr_admin) admin = &holder->admin;
    admin->config = *config;
    int rc = add_methods(holder, server, err);
    if (rc == QR_OK)
        rc = qr_watches_new(admin, server, &admin->watches, err);
    if (rc == QR_OK)
        rc = qr_exports_new(admin, server, &admin->exports, err);
    if (rc == QR_OK)
        *ret = qr_steal(&admin);
    return rc;
}

int qr_admin_start(struct qr_admin *admin, struct qr_db *db, struct qr_discover *discover,
                   struct qr_err *err)
{
    admin->db = db;
    admin->discover = discover;
    int rc = qr_watches_start(admin->watches, err);
    if (rc == QR_OK)
        atomic_store(&admin->serving, true);
    return rc;
}

void qr_admin_stop(struct qr_admin *admin)
{
    atomic_store(&admin->serving, false);
    qr_exports_stop(admin->exports); /* first: a watch may wait behind an export's read lane */
    qr_watches_stop(admin->watches);
}

void qr_admin_free(struct qr_admin *admin)
{
    if (!admin)
        return;
    qr_watches_free(admin->watches);
    qr_exports_free(admin->exports);
    free(QR_CONTAINER_OF(admin, struct qr_admin_holder, admin));
}
