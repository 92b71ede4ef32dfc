/* One coordinator: what arrives waits in an inbox; a turn takes all of it, then the timers, exactly
 * as the service does. Around it: stalls, crashes, and the watch over peers whose sessions it
 * adopts. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

enum input_kind { IN_OPEN, IN_FRAME, IN_CLOSED, IN_REPLY, IN_WORK };

struct input {
    enum input_kind kind;
    uint64_t stream;
    struct frame *frame;
    struct req *req;
    struct input *next;
};

static void turn(struct sim *sim, void *object, void *arg, uint64_t n);

static void plan_turn(struct sim *sim, struct coord *coord, int64_t at)
{
    if (at < coord->stalled_until)
        at = coord->stalled_until;
    if (at < sim->now)
        at = sim->now;
    if (coord->turn_at >= 0 && coord->turn_at <= at)
        return;
    coord->turn_at = at;
    sim_at(sim, at, turn, coord, NULL, ++coord->turn, NULL);
}

static void add_input(struct sim *sim, struct coord *coord, struct input in)
{
    struct input *made = malloc(sizeof *made);

    *made = in;
    made->next = NULL;
    if (coord->last)
        coord->last->next = made;
    else
        coord->first = made;
    coord->last = made;
    plan_turn(sim, coord, sim->now + rng_range(&sim->rng, 0, 2));
}

static void input_free(struct input *in)
{
    free(in->frame);
    if (in->req)
        db_req_free(in->req);
    free(in);
}

static struct input *next_input(struct coord *coord)
{
    struct input *in = coord->first;

    if (in) {
        coord->first = in->next;
        if (!coord->first)
            coord->last = NULL;
    }
    return in;
}

/* ------------------------------------------------------------------ the engine's port: frames */

struct port {
    struct sim *sim;
    struct coord *coord;
};
static struct port ports[COORDS];

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

    (void)reason;
    (void)grace_ms;
    frame->items[0].lease = lease_id;
    send(ctx, stream, seq, frame);
}

static void on_drain(void *ctx, uint64_t stream, uint64_t seq, uint32_t grace_ms)
{
    (void)grace_ms;
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
    struct req *req = req_new(port, REQ_HELLO, hello->n_running + hello->n_spooled);

    req->token = request->token;
    req->recover = request->recover;
    memcpy(req->session, hello->session, sizeof req->session);
    snprintf(req->worker_id, sizeof req->worker_id, "%s", hello->worker_id);
    req->counter = hello->start_counter;
    memcpy(&req->worker, hello->session + 8, sizeof req->worker);
    for (size_t i = 0; i < hello->n_running; i++)
        req->items[i].lease = hello->running[i].lease_id;
    for (size_t i = 0; i < hello->n_spooled; i++)
        req->items[hello->n_running + i] =
            (struct item){.lease = hello->spooled[i].lease_id, .spooled = true};
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

static void on_db_settle(void *ctx, struct qr_settle *settle)
{
    struct port *port = ctx;
    struct req *req = req_new(port, REQ_SETTLE, 0);

    req->session_pk = settle->session_pk;
    req->attach = settle->attach;
    req->lease = settle->lease_id;
    req->job = settle->job_id;
    req->error_class = (int)settle->error_class;
    req->settle = settle;
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

static void on_db_checkpoint(void *ctx, uint64_t session_pk, const struct qr_lease_ref *lease,
                             uint64_t number, const void *data, size_t len)
{
    (void)ctx;
    (void)session_pk;
    (void)lease;
    (void)number;
    (void)data;
    (void)len;
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

/* ------------------------------------------------------------------ inputs */

static size_t counts(const uint64_t *from, struct qr_type_count *to)
{
    for (size_t i = 1; i <= TYPES; i++)
        to[i - 1] = (struct qr_type_count){.type = (qr_type_id)i, .count = from[i]};
    return TYPES;
}

static void take_hello(struct sim *sim, struct coord *coord, struct stream *stream,
                       const struct frame *frame)
{
    const struct worker *worker = &sim->workers[stream->worker];
    struct qr_type_count received[TYPES], credit[TYPES];
    struct qr_lease_ref running[HELD_MAX], spooled[HELD_MAX];
    qr_type_id types[TYPES];
    struct qr_hello hello = {
        .worker_id = worker->id,
        .start_counter = frame->a,
        .types = types,
        .slots = worker->slots,
        .received = received,
        .n_received = counts(frame->received, received),
        .received_total = frame->received_total,
        .running = running,
        .spooled = spooled,
        .credits = {.per_type = credit,
                    .n_per_type = counts(frame->credit, credit),
                    .total = frame->credit_total},
    };

    memcpy(hello.session, frame->session, sizeof hello.session);
    for (size_t i = 1; i <= TYPES; i++)
        if (worker->types[i])
            types[hello.n_types++] = (qr_type_id)i;
    for (size_t i = 0; i < frame->n; i++) {
        struct qr_lease_ref ref = {frame->items[i].lease, frame->items[i].job};
        if (frame->items[i].spooled)
            spooled[hello.n_spooled++] = ref;
        else
            running[hello.n_running++] = ref;
    }
    qr_engine_hello(coord->engine, stream->id, &hello);
}

static void take_beat(struct coord *coord, struct stream *stream, const struct frame *frame)
{
    struct qr_type_count received[TYPES];
    struct qr_lease_progress leases[HELD_MAX];
    struct qr_beat beat = {
        .seen = frame->a,
        .received = received,
        .n_received = counts(frame->received, received),
        .received_total = frame->received_total,
        .leases = leases,
        .n_leases = frame->n,
    };

    for (size_t i = 0; i < frame->n; i++)
        leases[i] = (struct qr_lease_progress){.lease_id = frame->items[i].lease,
                                               .phase = frame->items[i].phase,
                                               .permille = frame->items[i].permille,
                                               .started_ms_ago = frame->items[i].started_ms_ago};
    qr_engine_beat(coord->engine, stream->id, &beat);
}

static void take_result(struct coord *coord, struct stream *stream, const struct frame *frame)
{
    struct qr_settle *settle = calloc(1, sizeof *settle);

    settle->lease_id = frame->items[0].lease;
    settle->job_id = frame->items[0].job;
    settle->error_class = (enum qr_class)frame->items[0].code;
    if (qr_engine_result(coord->engine, stream->id, settle))
        free(settle);
}

static void take_frame(struct sim *sim, struct coord *coord, struct stream *stream,
                       const struct frame *frame)
{
    struct qr_type_count credit[TYPES];
    uint64_t ids[HELD_MAX];

    for (size_t i = 0; i < frame->n; i++)
        ids[i] = frame->items[i].lease;
    switch (frame->kind) {
    case UP_HELLO:
        take_hello(sim, coord, stream, frame);
        break;
    case UP_CREDITS: {
        struct qr_credits credits = {.per_type = credit,
                                     .n_per_type = counts(frame->credit, credit),
                                     .total = frame->credit_total};
        qr_engine_credits(coord->engine, stream->id, &credits);
        break;
    }
    case UP_ACCEPT:
        qr_engine_accept(coord->engine, stream->id, ids, frame->n);
        break;
    case UP_DECLINE:
        qr_engine_decline(coord->engine, stream->id, ids, frame->n);
        break;
    case UP_BEAT:
        take_beat(coord, stream, frame);
        break;
    case UP_RELEASE:
        qr_engine_release(coord->engine, stream->id, ids[0], NULL, 0);
        break;
    case UP_RESULT:
        take_result(coord, stream, frame);
        break;
    case UP_GOODBYE:
        qr_engine_goodbye(coord->engine, stream->id);
        break;
    default:
        break;
    }
}

static void take_hello_reply(struct coord *coord, const struct req *req)
{
    struct qr_kept_lease *kept = calloc(req->n_out + 1, sizeof *kept);
    struct qr_db_hello_reply reply = {
        .token = req->token,
        .status = req->status,
        .outcome = (enum qr_hello_outcome)req->code,
        .newest_counter = req->newest,
        .session_pk = req->pk,
        .attach = req->answer_attach,
        .ended_session_pk = req->ended_pk,
        .kept = kept,
        .n_kept = req->n_out,
        .returned = req->returned,
    };
    struct qr_adopted adopted = {
        .session_pk = req->pk,
        .attach = req->answer_attach,
        .worker_id = req->worker_id,
        .leases = kept,
        .n_leases = req->n_out,
    };

    for (size_t i = 0; i < req->n_out; i++)
        kept[i] = (struct qr_kept_lease){
            .lease_id = req->out[i].lease, .job_id = req->out[i].job, .type = req->out[i].type};
    memcpy(adopted.session, req->session, sizeof adopted.session);
    if (req->kind == REQ_HELLO)
        qr_engine_done_hello(coord->engine, &reply);
    else
        qr_engine_adopt(coord->engine, &adopted);
    free(kept);
}

static void take_claim_reply(struct coord *coord, const struct req *req)
{
    struct qr_offer *offers = calloc(req->n_out + 1, sizeof *offers);
    struct qr_db_claim_reply reply = {
        .token = req->token,
        .session_pk = req->session_pk,
        .attach = req->attach,
        .status = req->status,
        .offers = offers,
        .n_offers = req->n_out,
        .dry = req->dry,
    };

    for (size_t i = 0; i < req->n_out; i++)
        offers[i] = (struct qr_offer){.lease_id = req->out[i].lease,
                                      .job_id = req->out[i].job,
                                      .type = req->out[i].type,
                                      .attempt = 1,
                                      .uri = "root://sim/file"};
    qr_engine_done_claim(coord->engine, &reply);
    free(offers);
}

static void take_return_reply(struct coord *coord, const struct req *req)
{
    struct qr_lease_ref *leases = calloc(req->n + 1, sizeof *leases);
    struct qr_db_return_reply reply = {
        .token = req->token,
        .session_pk = req->session_pk,
        .attach = req->attach,
        .status = req->status,
        .reason = req->reason,
        .leases = leases,
        .n_leases = req->n,
        .returned = req->returned,
    };

    for (size_t i = 0; i < req->n; i++)
        leases[i].lease_id = req->items[i].lease;
    qr_engine_done_return(coord->engine, &reply);
    free(leases);
}

static void take_reply(struct sim *sim, struct coord *coord, struct req *req)
{
    if (req->status == QR_DB_FAILED || req->status == QR_DB_UNKNOWN)
        coord->trouble_at = sim->now;
    switch (req->kind) {
    case REQ_HELLO:
    case REQ_KINDS:
        take_hello_reply(coord, req);
        break;
    case REQ_CLAIM:
        take_claim_reply(coord, req);
        break;
    case REQ_RETURN:
        take_return_reply(coord, req);
        break;
    case REQ_SETTLE:
        req->settle->code = (enum qr_ack_code)req->code;
        db_forget_in_flight(sim, req);
        qr_engine_done_settle(coord->engine, &req->settle, 1, req->status);
        break;
    case REQ_RENEW:
        qr_engine_done_renew(coord->engine, req->status == QR_DB_DONE);
        break;
    case REQ_END_SESSION:
        break;
    }
}

static void take(struct sim *sim, struct coord *coord, struct input *in)
{
    struct stream *stream = net_find(sim, in->stream);

    switch (in->kind) {
    case IN_OPEN:
        qr_engine_stream_open(coord->engine, in->stream);
        break;
    case IN_FRAME:
        take_frame(sim, coord, stream, in->frame);
        break;
    case IN_CLOSED:
        qr_engine_stream_closed(coord->engine, in->stream);
        break;
    case IN_REPLY:
        take_reply(sim, coord, in->req);
        break;
    case IN_WORK:
        qr_engine_work_available(coord->engine, 0);
        break;
    }
}

/* ------------------------------------------------------------------ peers (rule 6) */

/* A peer is dead after a ttl in which this one, running and able to commit, saw no renewal. */
static void watch_peers(struct sim *sim, struct coord *coord)
{
    if (!db_is_up(sim, coord->index)) {
        coord->trouble_at = sim->now;
        return;
    }
    for (uint64_t instance = 1; instance <= sim->last_instance; instance++) {
        int64_t since;
        if (instance == coord->instance)
            continue;
        if (coord->watch_count[instance] != sim->db.renewals[instance] ||
            !coord->watch_since[instance]) {
            coord->watch_count[instance] = sim->db.renewals[instance];
            coord->watch_since[instance] = sim->now;
        }
        since = coord->watch_since[instance];
        if (since < coord->trouble_at)
            since = coord->trouble_at;
        if (BROKEN(row_age))
            since = sim->db.renewed_at[instance];
        if (sim->now - since > TTL_MS)
            db_adopt(sim, coord, instance, BROKEN(reap_at_once));
    }
}

static void maintain(struct sim *sim, void *object, void *arg, uint64_t instance)
{
    struct coord *coord = object;

    (void)arg;
    if (!coord->alive || coord->instance != instance)
        return;
    if (sim->now >= coord->stalled_until)
        watch_peers(sim, coord);
    sim_at(sim, sim->now + 1000, maintain, coord, NULL, instance, NULL);
}

/* ------------------------------------------------------------------ turns */

static void turn(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct coord *coord = object;
    struct input *in;

    (void)arg;
    if (!coord->alive || n != coord->turn)
        return;
    coord->turn_at = -1;
    if (sim->now < coord->stalled_until) {
        plan_turn(sim, coord, coord->stalled_until);
        return;
    }
    qr_engine_set_now(coord->engine, sim->now);
    if (BROKEN(timers_first))
        qr_engine_timers(coord->engine);
    while ((in = next_input(coord))) {
        take(sim, coord, in);
        input_free(in);
    }
    qr_engine_timers(coord->engine);
    plan_turn(sim, coord, qr_engine_next_deadline(coord->engine));
}

static bool here(const struct coord *coord, uint64_t instance)
{
    return coord->alive && coord->instance == instance;
}

void coord_frame(struct sim *sim, struct coord *coord, struct stream *stream, struct frame *frame)
{
    for (size_t i = 0; frame->kind == UP_ACCEPT && i < frame->n; i++)
        if (!sim->db.leases[frame->items[i].lease].accept_order)
            sim->db.leases[frame->items[i].lease].accept_order = sim->db.order;
    add_input(sim, coord, (struct input){.kind = IN_FRAME, .stream = stream->id, .frame = frame});
}

void coord_open(struct sim *sim, struct coord *coord, struct stream *stream)
{
    add_input(sim, coord, (struct input){.kind = IN_OPEN, .stream = stream->id});
}

void coord_closed(struct sim *sim, struct coord *coord, struct stream *stream)
{
    add_input(sim, coord, (struct input){.kind = IN_CLOSED, .stream = stream->id});
}

void coord_reply(struct sim *sim, struct coord *coord, struct req *req)
{
    if (here(coord, req->instance)) {
        add_input(sim, coord, (struct input){.kind = IN_REPLY, .req = req});
    } else {
        db_forget_in_flight(sim, req);
        db_req_free(req);
    }
}

void coord_work_available(struct sim *sim, struct coord *coord)
{
    if (coord->alive)
        add_input(sim, coord, (struct input){.kind = IN_WORK});
}

/* ------------------------------------------------------------------ life */

static void budget(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                   uint64_t *ret_progress_ms)
{
    (void)ctx;
    (void)bytes;
    *ret_budget_ms = type == 1 ? 12000 : 15000;
    *ret_progress_ms = 8000;
}

void coord_start(struct sim *sim, struct coord *coord)
{
    struct port *port = &ports[coord->index];
    const struct qr_engine_config config = {
        .ttl_ms = TTL_MS, .sessions_max = 64, .claim_max = 16, .budget = budget};
    struct qr_engine_port engine_port = {
        .ctx = port,
        .welcome = on_welcome,
        .offer = on_offer,
        .sync = on_sync,
        .ack = on_ack,
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

    *port = (struct port){.sim = sim, .coord = coord};
    coord->alive = true;
    coord->instance = ++sim->last_instance;
    coord->engine = qr_engine_new(&config, &engine_port);
    coord->stalled_until = 0;
    coord->turn_at = -1;
    coord->trouble_at = sim->now;
    memset(coord->watch_since, 0, sizeof coord->watch_since);
    sim->db.renewals[coord->instance] = 1;
    sim->db.renewed_at[coord->instance] = sim->now;
    sim_trace(sim, "coord %d: starts as instance %llu", coord->index,
              (unsigned long long)coord->instance);
    plan_turn(sim, coord, sim->now);
    sim_at(sim, sim->now + 500, maintain, coord, NULL, coord->instance, NULL);
}

void coord_add_stats(struct coord *coord, struct qr_engine_stats *sum)
{
    struct qr_engine_stats stats;

    if (!coord->engine)
        return;
    qr_engine_get_stats(coord->engine, &stats);
#define SIM_ADD(name, help) sum->name += stats.name;
    QR_ENGINE_COUNTERS(SIM_ADD)
#undef SIM_ADD
}

void coord_done(struct coord *coord)
{
    struct input *in;

    while ((in = next_input(coord)))
        input_free(in);
    qr_engine_free(coord->engine);
    coord->engine = NULL;
    coord->alive = false;
}

void coord_crash(struct sim *sim, struct coord *coord)
{
    struct input *in;

    sim_trace(sim, "fault: coord %d crashes", coord->index);
    sim->faults.coordinator_crashes++;
    coord_add_stats(coord, &sim->stats);
    for (in = coord->first; in; in = in->next)
        if (in->req)
            db_forget_in_flight(sim, in->req);
    coord_done(coord);
    for (uint64_t i = 0; i < sim->n_streams; i++)
        if (sim->streams[i].coord == coord->index && !sim->streams[i].left)
            net_break(sim, &sim->streams[i]);
}

void coord_stall(struct sim *sim, struct coord *coord, int64_t ms)
{
    sim_trace(sim, "fault: coord %d stalls for %lld ms", coord->index, (long long)ms);
    sim->faults.coordinator_stalls++;
    coord->stalled_until = sim->now + ms;
    coord->trouble_at = coord->stalled_until;
}

/* Asked to stop: it says so, and goes a little later. */
static void stopped(struct sim *sim, void *object, void *arg, uint64_t instance)
{
    struct coord *coord = object;

    (void)arg;
    if (here(coord, instance))
        coord_crash(sim, coord);
}

void coord_shutdown(struct sim *sim, struct coord *coord)
{
    sim_trace(sim, "fault: coord %d is asked to stop", coord->index);
    sim->faults.coordinator_stops++;
    qr_engine_shutdown(coord->engine);
    sim_at(sim, sim->now + 3000, stopped, coord, NULL, coord->instance, NULL);
}

void coord_drain(struct sim *sim, struct coord *coord, struct worker *worker)
{
    sim_trace(sim, "fault: worker %d is drained", worker->index);
    sim->faults.worker_drains++;
    (void)qr_engine_drain_worker(coord->engine, worker->id, 5000);
}
