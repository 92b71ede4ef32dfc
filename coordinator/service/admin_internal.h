/* coordinator/service/admin_internal.h
 *
 * What the files of quarry.v1.Admin share: admin.c (the way of a unary call), admin_run.c,
 * admin_job.c, admin_settings.c, admin_worker.c and monitor.c (what the calls do), watch.c and
 * export.c (streams).
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "coordinator/service/admin.h"
#include "coordinator/service/unserved.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_watches;
struct qr_exports;

struct qr_admin {
    struct qr_admin_config config;
    struct qr_db *db;
    struct qr_discover *discover;
    atomic_bool serving; /* db and discover are set before, and stay */
    struct qr_watches *watches;
    struct qr_exports *exports;
};

struct method;

/* One unary call on its way through a lane. */
struct call {
    struct qr_admin *admin;
    const struct method *method;
    struct qr_rpc_call *rpc;
    ProtobufCMessage *request;
    uint8_t *bytes; /* instead, where the method reads it itself */
    size_t n_bytes;
    ProtobufCMessage *reply; /* set by the method */
};

/* `run` sets call->reply. On a lane's thread with its connection, or, where `in_memory` is set, on
 * the queue thread with conn NULL. */
struct method {
    const char *path;
    const ProtobufCMessageDescriptor *request; /* NULL: call->bytes */
    bool in_memory;
    enum qr_db_lane lane;
    int (*run)(struct qr_conn *conn, struct call *call, struct qr_err *err);
};

struct qr_admin_methods {
    const struct method *methods;
    size_t n;
};
extern const struct qr_admin_methods qr_admin_runs, qr_admin_jobs, qr_admin_settings, qr_admin_cad;

/* Rows of such a table. */
#define ROW(rpc, request, where, fn)                                                  \
    {                                                                                 \
        "/quarry.v1.Admin/" rpc, &quarry__v1__##request##_request__descriptor, false, \
            QR_DB_LANE_##where, fn                                                    \
    }
#define ROW_IN_MEMORY(rpc, request, fn)                                              \
    {                                                                                \
        "/quarry.v1.Admin/" rpc, &quarry__v1__##request##_request__descriptor, true, \
            QR_DB_LANE_READ, fn                                                      \
    }

#define REPLY(call, message) ((call)->reply = (message) ? &(message)->base : NULL)

/* admin_worker.c: workers, from the engine's memory and from the database. */
QR_MUST_CHECK int qr_admin_list_workers(struct qr_conn *conn, struct call *call,
                                        struct qr_err *err);
/** Those whose stream is here; caller frees. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_admin_workers_here(struct qr_admin *admin, Quarry__V1__ListWorkersReply **ret,
                                        struct qr_err *err);
/* monitor.c */
QR_MUST_CHECK int qr_admin_get_monitor(struct qr_conn *conn, struct call *call, struct qr_err *err);
QR_MUST_CHECK int qr_admin_get_worker(struct qr_conn *conn, struct call *call, struct qr_err *err);
QR_MUST_CHECK int qr_admin_drain_worker(struct qr_conn *conn, struct call *call,
                                        struct qr_err *err);
QR_MUST_CHECK int qr_admin_resume_worker(struct qr_conn *conn, struct call *call,
                                         struct qr_err *err);

/** Adds what no worker can do of it. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_admin_add_unserved(struct qr_admin *admin, Quarry__V1__Run *run,
                                        struct qr_err *err);

/** Send a message on a stream; QR_E_* as qr_rpc_stream_send(). */
QR_MUST_CHECK int qr_admin_send(struct qr_rpc_stream *stream, const ProtobufCMessage *message);

/** watch.c: WatchRun. */
QR_MUST_CHECK int qr_watches_new(struct qr_admin *admin, struct qr_rpc_server *server,
                                 struct qr_watches **ret, struct qr_err *err);
QR_MUST_CHECK int qr_watches_start(struct qr_watches *watches, struct qr_err *err);
void qr_watches_stop(struct qr_watches *watches);
void qr_watches_free(struct qr_watches *watches);

/** export.c: Export. */
QR_MUST_CHECK int qr_exports_new(struct qr_admin *admin, struct qr_rpc_server *server,
                                 struct qr_exports **ret, struct qr_err *err);
void qr_exports_stop(struct qr_exports *exports);
void qr_exports_free(struct qr_exports *exports);
