/* What the engine asks for: frames go to streams, requests to the database. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

/* ------------------------------------------------------------------ the engine's port: frames */

static void send(void *ctx, uint64_t stream, uint64_t seq, struct frame *frame)
{
    struct port *port = ctx;

    frame->seq = seq;
    net_down(port->sim, net_find(port->sim, stream), frame);
}

static void on_welcome(void *ctx, uint64_t stream, uint64_t seq, const struct qr_welcome *welcome)
{
    struct frame *frame = frame_new(DOWN_WELCOME, welcome->n_kept);

    for (size_t i = 0; i < welcome->n_kept; i++)
        frame->items[i].lease = welcome->kept[i].lease_id;
    send(ctx, stream, seq, frame);
}

static void on_offer(void *ctx, uint64_t stream, uint64_t seq, const struct qr_offer *offers,
                     size_t n)
{
    struct port *port = ctx;
    struct frame *frame = frame_new(DOWN_OFFER, n);

    for (size_t i = 0; i < n; i++) {
        check_offer(port->sim, port->coord, offers[i].lease_id);
        frame->items[i] = (struct item){
            .lease = offers[i].lease_id, .job = offers[i].job_id, .type = offers[i].type};
        frame->items[i].alone = offers[i].alone;
        frame->items[i].checkpoint = (uint32_t)offers[i].checkpoint_number;
        frame->items[i].part_bytes = (uint8_t)offers[i].part_bytes;
    }
    send(ctx, stream, seq, frame);
}

static void on_sync(void *ctx, uint64_t stream, uint64_t seq, uint64_t seen, const uint64_t *drop,
                    size_t n_drop, const uint64_t *expected, size_t n_expected)
{
    struct frame *frame = frame_new(DOWN_SYNC, n_drop);

    (void)expected;
    (void)n_expected;
    frame->a = seen;
    for (size_t i = 0; i < n_drop; i++)
        frame->items[i].lease = drop[i];
    send(ctx, stream, seq, frame);
}

static void on_ack(void *ctx, uint64_t stream, uint64_t seq, const struct qr_ack *acks, size_t n)
{
    struct frame *frame = frame_new(DOWN_ACK, n);

    for (size_t i = 0; i < n; i++)
        frame->items[i] = (struct item){.lease = acks[i].lease_id, .code = (int)acks[i].code};
    send(ctx, stream, seq, frame);
}

static void on_stop(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                    enum qr_stop_reason reason, uint32_t grace_ms)
{
    struct frame *frame = frame_new(DOWN_STOP, 1);

    (void)grace_ms;
    frame->items[0].lease = lease_id;
    frame->items[0].stop = reason;
    send(ctx, stream, seq, frame);
}

static void on_drain(void *ctx, uint64_t stream, uint64_t seq, uint32_t grace_ms, bool resume)
{
    (void)grace_ms;
    (void)resume; /* nobody asks the simulation's database for a drain */
    send(ctx, stream, seq, frame_new(DOWN_DRAIN, 0));
}

static void on_restarting(void *ctx, uint64_t stream, uint64_t seq)
{
    send(ctx, stream, seq, frame_new(DOWN_RESTARTING, 0));
}

static void on_end(void *ctx, uint64_t stream, uint64_t seq, enum qr_end_reason reason,
                   uint64_t newest, const char *message)
{
    struct port *port = ctx;
    struct frame *frame = frame_new(DOWN_END, 0);

    sim_trace(port->sim, "coord %d: end of stream %llu: %s", port->coord->index,
              (unsigned long long)stream, message);
    frame->a = (uint64_t)reason;
    frame->b = newest;
    send(ctx, stream, seq, frame);
}

/* ------------------------------------------------------------------ the engine's port: requests */

static struct req *req_new(struct port *port, enum req_kind kind, size_t n)
{
    struct req *req = calloc(1, sizeof *req + n * sizeof req->items[0]);

    req->kind = kind;
    req->coord = port->coord->index;
    req->instance = port->coord->instance;
    req->n = n;
    return req;
}

static void on_db_hello(void *ctx, const struct qr_db_hello *request)
{
    struct port *port = ctx;
    const struct qr_hello *hello = request->hello;
    size_t n = hello->n_running + hello->n_spooled;
    struct req *req = req_new(port, REQ_HELLO, n + hello->n_earlier_starts);

    req->token = request->token;
    req->recover = request->recover;
    memcpy(req->session, hello->session, sizeof req->session);
    snprintf(req->worker_id, sizeof req->worker_id, "%s", hello->worker_id);
    req->counter = hello->start_counter;
    req->stream_number = request->recover ? 0 : hello->stream_number;
    memcpy(&req->worker, hello->session + 8, sizeof req->worker);
    for (size_t i = 0; i < hello->n_running; i++)
        req->items[i].lease = hello->running[i].lease_id;
    for (size_t i = 0; i < hello->n_spooled; i++)
        req->items[hello->n_running + i] =
            (struct item){.lease = hello->spooled[i].lease_id, .spooled = true};
    req->n = n;
    req->n_starts = hello->n_earlier_starts;
    for (size_t i = 0; i < req->n_starts; i++)
        req->items[n + i] = (struct item){.lease = hello->earlier_starts[i].lease_id,
                                          .job = hello->earlier_starts[i].job_id};
    db_submit(port->sim, req);
}

static void on_db_claim(void *ctx, const struct qr_db_claim *request)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_CLAIM, 0);

    req->token = request->token;
    req->session_pk = request->session_pk;
    req->attach = request->attach;
    req->want_total = request->want_total;
    for (size_t i = 0; i < request->n_want; i++)
        req->want[request->want[i].type] = request->want[i].count;
    db_submit(port->sim, req);
}

static void on_db_return(void *ctx, const struct qr_db_return *request)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_RETURN, request->n_leases);

    req->token = request->token;
    req->session_pk = request->session_pk;
    req->attach = request->attach;
    req->reason = request->reason;
    for (size_t i = 0; i < request->n_leases; i++)
        req->items[i].lease = request->leases[i].lease_id;
    db_submit(port->sim, req);
}

static void take_pages(struct req *req, const uint8_t *pages, size_t n)
{
    req->n_pages = (uint8_t)n;
    if (n)
        memcpy(req->pages, pages, n);
}

static void on_db_settle(void *ctx, struct qr_settle *settle)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_SETTLE, 0);

    req->session_pk = settle->session_pk;
    req->attach = settle->attach;
    req->lease = settle->lease_id;
    req->job = settle->job_id;
    req->error_class = (int)settle->error_class;
    req->found = settle->found ? (uint32_t)settle->found->n : 0;
    req->settle = settle;
    take_pages(req, settle->record, settle->record_len);
    db_submit(port->sim, req);
}

static void on_db_mirror(void *ctx, const struct qr_mirror *rows, size_t n)
{
    struct port *port = ctx;

    for (size_t i = 0; i < n; i++)
        if (rows[i].age_ms < 2000)
            sim_violation(port->sim, "mirror_old_only", "lease %llu is shown at an age of %llu ms",
                          (unsigned long long)rows[i].lease_id, (unsigned long long)rows[i].age_ms);
}

static void on_db_checkpoint(void *ctx, struct qr_checkpoint *checkpoint)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_CHECKPOINT, 0);

    req->session_pk = checkpoint->session_pk;
    req->attach = checkpoint->attach;
    req->lease = checkpoint->lease_id;
    req->job = checkpoint->job_id;
    req->number = checkpoint->number;
    req->anew = checkpoint->anew;
    req->checkpoint = checkpoint;
    take_pages(req, checkpoint->part, checkpoint->part_len);
    db_submit(port->sim, req);
}

static void on_checkpoint_ack(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                              uint64_t number, uint64_t stands)
{
    struct frame *frame = frame_new(DOWN_CHECKPOINT_ACK, 1);

    frame->items[0].lease = lease_id;
    frame->a = number;
    frame->b = stands;
    send(ctx, stream, seq, frame);
}

static void on_db_end_session(void *ctx, uint64_t session_pk, uint64_t attach)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_END_SESSION, 0);

    req->session_pk = session_pk;
    req->attach = attach;
    db_submit(port->sim, req);
}

static void on_db_renew(void *ctx)
{
    struct port *port = ctx;

    db_submit(port->sim, req_new(port, REQ_RENEW, 0));
}

struct qr_engine_port port_of(struct sim *sim, struct coord *coord)
{
    coord->port = (struct port){.sim = sim, .coord = coord};
    return (struct qr_engine_port){
        .ctx = &coord->port,
        .welcome = on_welcome,
        .offer = on_offer,
        .sync = on_sync,
        .ack = on_ack,
        .checkpoint_ack = on_checkpoint_ack,
        .stop = on_stop,
        .drain = on_drain,
        .restarting = on_restarting,
        .end = on_end,
        .db_hello = on_db_hello,
        .db_claim = on_db_claim,
        .db_return = on_db_return,
        .db_settle = on_db_settle,
        .db_mirror = on_db_mirror,
        .db_checkpoint = on_db_checkpoint,
        .db_end_session = on_db_end_session,
        .db_renew = on_db_renew,
    };
}
