/* coordinator/service/fleet.h
 *
 * quarry.v1.Fleet: joins worker streams, the engine and the database lanes.
 *
 * The engine is a monitor: frames (gRPC queue threads), answers of the database (lane threads) and
 * the timer thread enter it one at a time under one mutex, which is held for microseconds; nothing
 * under it blocks, because its port only queues frames on streams and requests on lanes. Lock
 * order: fleet, then a stream's or a lane's own lock; callbacks from both come without locks held.
 *
 *     new (registers the method) -> database made with qr_fleet_db_events() -> start -> stop ->
 * free
 */
#pragma once
#include "common/rpc/server.h"
#include "coordinator/db/db.h"
#include "coordinator/engine/engine.h"

struct qr_fleet;

struct qr_fleet_config {
    struct qr_engine_config engine;
    const char *instance;      /* this coordinator's name, borrowed */
    size_t max_record_bytes;   /* one encoded record; default 64 MiB */
    size_t max_assembly_bytes; /* all half-received records together; 256 MiB, or one record */
    size_t max_pending_bytes;  /* records waiting to be committed; 256 MiB, or one record */
};

/** Registers quarry.v1.Fleet/Work on a server that is not started. Caller frees. */
QR_MUST_CHECK int qr_fleet_new(const struct qr_fleet_config *config, struct qr_rpc_server *server,
                               struct qr_fleet **ret, struct qr_err *err);

/** The callbacks to make the database with; valid as long as the fleet. */
struct qr_db_events qr_fleet_db_events(struct qr_fleet *fleet);

/** The database is there: streams are served from now on, timers run. */
QR_MUST_CHECK int qr_fleet_start(struct qr_fleet *fleet, struct qr_db *db, struct qr_err *err);

/** Stop taking work: Restarting to every worker, then wait until what was received is committed, at
 *  most grace_ms. The server may be stopped after it. */
void qr_fleet_stop(struct qr_fleet *fleet, int64_t grace_ms);

/** After the server and the database were stopped: no callback may come any more. */
void qr_fleet_free(struct qr_fleet *fleet);
QR_DEFINE_AUTO(qr_fleet)

/** There may be work of this type (0: any). Thread-safe. */
void qr_fleet_work_available(struct qr_fleet *fleet, qr_type_id type);

/** From the sending of an Offer frame to the Accept of its first lease; lives as long as the fleet.
 */
struct qr_histogram *qr_fleet_offer_accept(struct qr_fleet *fleet);

/** Thread-safe looks inside; see engine.h. `peer` gives a stream's address, "" when it has none. */
void qr_fleet_get_stats(struct qr_fleet *fleet, struct qr_engine_stats *ret);
typedef void (*qr_fleet_session_fn)(void *ctx, const struct qr_session_view *view,
                                    const char *peer);
void qr_fleet_each_session(struct qr_fleet *fleet, qr_fleet_session_fn fn, void *ctx);
