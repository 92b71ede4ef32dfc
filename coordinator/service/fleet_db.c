/* The engine's requests go to the database's lanes; what they answer comes back to the engine. */
#include <stdlib.h>

#include "coordinator/service/fleet_internal.h"

enum { FREE_SETTLES_MAX = 16384 };

static void port_hello(void *ctx, const struct qr_db_hello *request)
{
    qr_db_hello(((struct qr_fleet *)ctx)->db, request);
}

static void port_claim(void *ctx, const struct qr_db_claim *request)
{
    qr_db_claim(((struct qr_fleet *)ctx)->db, request);
}

static void port_return(void *ctx, const struct qr_db_return *request)
{
    qr_db_return(((struct qr_fleet *)ctx)->db, request);
}

static void port_settle(void *ctx, struct qr_settle *settle)
{
    qr_db_settle(((struct qr_fleet *)ctx)->db, settle);
}

static void port_mirror(void *ctx, const struct qr_mirror *rows, size_t n)
{
    qr_db_mirror(((struct qr_fleet *)ctx)->db, rows, n);
}

static void port_checkpoint(void *ctx, struct qr_checkpoint *checkpoint)
{
    qr_db_checkpoint(((struct qr_fleet *)ctx)->db, checkpoint);
}

static void port_end_session(void *ctx, uint64_t session_pk, uint64_t attach)
{
    qr_db_end_session(((struct qr_fleet *)ctx)->db, session_pk, attach);
}

static void port_renew(void *ctx) { qr_db_renew(((struct qr_fleet *)ctx)->db); }

static void on_hello_reply(void *ctx, const struct qr_db_hello_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_hello(fleet, reply))
        return;
    qr_fleet_enter(fleet);
    qr_engine_done_hello(fleet->engine, reply);
    qr_fleet_leave(fleet);
}

static void on_claim_reply(void *ctx, const struct qr_db_claim_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_claim(fleet, reply))
        return;
    qr_fleet_enter(fleet);
    qr_engine_done_claim(fleet->engine, reply);
    qr_fleet_leave(fleet);
}

static void on_return_reply(void *ctx, const struct qr_db_return_reply *reply)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_return(fleet, reply))
        return;
    qr_fleet_enter(fleet);
    qr_engine_done_return(fleet->engine, reply);
    qr_fleet_leave(fleet);
}

/* Settles come and go with every job, on different threads: the empty ones are kept. */
struct qr_settle *qr_fleet_new_settle(struct qr_fleet *fleet, size_t record_len)
{
    struct qr_settle *settle = record_len == 0 ? fleet->free_settles : NULL;

    if (settle) {
        fleet->free_settles = settle->next;
        fleet->n_free_settles--;
        memset(settle, 0, sizeof *settle);
        return settle;
    }
    settle = calloc(1, sizeof *settle + record_len);
    if (settle && record_len > 0) {
        settle->record = (uint8_t *)(settle + 1);
        settle->record_len = record_len;
    }
    return settle;
}

void qr_fleet_free_settle(struct qr_fleet *fleet, struct qr_settle *settle)
{
    bool is_whole = settle->record == (uint8_t *)(settle + 1);

    free(settle->message);
    free(settle->found);
    if (!is_whole)
        free(settle->record);
    if (is_whole || fleet->n_free_settles >= FREE_SETTLES_MAX) {
        free(settle);
        return;
    }
    settle->next = fleet->free_settles;
    fleet->free_settles = settle;
    fleet->n_free_settles++;
}

void qr_fleet_settled(struct qr_fleet *fleet, struct qr_settle *const *settles, size_t n,
                      enum qr_db_status status)
{
    qr_engine_done_settle(fleet->engine, settles, n, status);
    for (size_t i = 0; i < n; i++) {
        fleet->pending_bytes -= qr_fleet_settle_bytes(settles[i]);
        qr_fleet_free_settle(fleet, settles[i]);
    }
}

static void on_settled(void *ctx, struct qr_settle *const *settles, size_t n,
                       enum qr_db_status status)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_settles(fleet, settles, n, status))
        return;
    qr_fleet_enter(fleet);
    qr_fleet_settled(fleet, settles, n, status);
    qr_fleet_leave(fleet);
}

void qr_fleet_checkpointed(struct qr_fleet *fleet, struct qr_checkpoint *checkpoint,
                           enum qr_db_status status)
{
    fleet->pending_bytes -= checkpoint->part_len;
    qr_engine_done_checkpoint(fleet->engine, checkpoint, status);
    qr_checkpoint_free(checkpoint);
}

static void on_checkpointed(void *ctx, struct qr_checkpoint *checkpoint, enum qr_db_status status)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_checkpoint(fleet, checkpoint, status))
        return;
    qr_fleet_enter(fleet);
    qr_fleet_checkpointed(fleet, checkpoint, status);
    qr_fleet_leave(fleet);
}

static void on_renewed(void *ctx, bool ok)
{
    struct qr_fleet *fleet = ctx;
    if (qr_refused_renew(fleet, ok))
        return;
    qr_fleet_enter(fleet);
    qr_engine_done_renew(fleet->engine, ok);
    qr_fleet_leave(fleet);
}

static void on_adopted(void *ctx, const struct qr_adopted *adopted)
{
    struct qr_fleet *fleet = ctx;
    qr_fleet_enter(fleet);
    qr_engine_adopt(fleet->engine, adopted);
    qr_fleet_leave(fleet);
}

static void on_stops(void *ctx, const struct qr_stops *stops)
{
    struct qr_fleet *fleet = ctx;
    qr_fleet_enter(fleet);
    qr_engine_stops(fleet->engine, stops);
    qr_fleet_leave(fleet);
}

static void on_work_available(void *ctx, qr_type_id type) { qr_fleet_work_available(ctx, type); }

struct qr_db_events qr_fleet_db_events(struct qr_fleet *fleet)
{
    return (struct qr_db_events){
        .ctx = fleet,
        .hello = on_hello_reply,
        .claim = on_claim_reply,
        .returned = on_return_reply,
        .settled = on_settled,
        .checkpointed = on_checkpointed,
        .renewed = on_renewed,
        .adopted = on_adopted,
        .stops = on_stops,
        .work_available = on_work_available,
    };
}

void qr_fleet_port_db(struct qr_engine_port *port)
{
    port->db_hello = port_hello;
    port->db_claim = port_claim;
    port->db_return = port_return;
    port->db_settle = port_settle;
    port->db_mirror = port_mirror;
    port->db_checkpoint = port_checkpoint;
    port->db_end_session = port_end_session;
    port->db_renew = port_renew;
}
