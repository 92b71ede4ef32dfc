/* What arrives at a coordinator, as the calls that the service makes of it. */
#include <stdlib.h>

#include "tests/sim/sim.h"

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
    struct qr_lease_ref running[HELD_MAX], spooled[HELD_MAX], earlier[HELD_MAX];
    qr_type_id types[TYPES];
    struct qr_hello hello = {
        .worker_id = worker->id,
        .start_counter = frame->a,
        .stream_number = frame->b,
        .types = types,
        .slots = worker->slots,
        .received = received,
        .n_received = counts(frame->received, received),
        .received_total = frame->received_total,
        .running = running,
        .spooled = spooled,
        .earlier_starts = earlier,
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
        if (frame->items[i].earlier)
            earlier[hello.n_earlier_starts++] = ref;
        else if (frame->items[i].spooled)
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

static uint8_t *copy_of(const uint8_t *pages, size_t n)
{
    uint8_t *copy = n ? malloc(n) : NULL;

    if (copy)
        memcpy(copy, pages, n);
    return copy;
}

static void take_result(struct coord *coord, struct stream *stream, const struct frame *frame)
{
    struct qr_settle *settle = calloc(1, sizeof *settle);

    settle->lease_id = frame->items[0].lease;
    settle->job_id = frame->items[0].job;
    settle->error_class = (enum qr_class)frame->items[0].code;
    if (frame->items[0].found > 0) {
        settle->found = calloc(1, sizeof *settle->found);
        settle->found->n = frame->items[0].found; /* which ones the database knows */
    }
    settle->record = copy_of(frame->pages, frame->n_pages);
    settle->record_len = frame->n_pages;
    if (qr_engine_result(coord->engine, stream->id, settle)) {
        free(settle->found);
        free(settle->record);
        free(settle);
    }
}

static void take_checkpoint(struct coord *coord, struct stream *stream, const struct frame *frame)
{
    struct qr_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);

    checkpoint->lease_id = frame->items[0].lease;
    checkpoint->number = frame->a;
    checkpoint->anew = frame->b != 0;
    checkpoint->part = copy_of(frame->pages, frame->n_pages);
    checkpoint->part_len = frame->n_pages;
    if (qr_engine_checkpoint(coord->engine, stream->id, checkpoint))
        qr_checkpoint_free(checkpoint);
}

void input_frame(struct sim *sim, struct coord *coord, struct stream *stream,
                 const struct frame *frame)
{
    struct qr_type_count credit[TYPES];
    uint64_t ids[2 * HELD_MAX];

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
        qr_engine_release(coord->engine, stream->id, ids[0], 0, NULL, 0);
        break;
    case UP_RESULT:
        take_result(coord, stream, frame);
        break;
    case UP_CHECKPOINT:
        take_checkpoint(coord, stream, frame);
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
        .suspects = req->suspects,
        .convicted = req->convicted,
    };
    struct qr_adopted adopted = {
        .session_pk = req->pk,
        .attach = req->answer_attach,
        .worker_id = req->worker_id,
        .leases = kept,
        .n_leases = req->n_out,
    };

    for (size_t i = 0; i < req->n_out; i++)
        kept[i] = (struct qr_kept_lease){.lease_id = req->out[i].lease,
                                         .job_id = req->out[i].job,
                                         .run_id = req->out[i].run + 1u,
                                         .type = req->out[i].type,
                                         .spooled = req->out[i].spooled,
                                         .stop = req->out[i].stop};
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
                                      .run_id = req->out[i].run + 1u,
                                      .type = req->out[i].type,
                                      .attempt = 1,
                                      .alone = req->out[i].alone,
                                      .checkpoint_number = req->out[i].checkpoint,
                                      .part_bytes = req->out[i].part_bytes,
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

void input_stops(struct coord *coord, const struct stops *stops)
{
    const struct qr_stops told = {
        .jobs = stops->jobs, .n_jobs = stops->n_jobs, .runs = stops->runs, .n_runs = stops->n_runs};

    qr_engine_stops(coord->engine, &told);
}

void input_reply(struct sim *sim, struct coord *coord, struct req *req)
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
    case REQ_CHECKPOINT:
        req->checkpoint->stale = req->stale;
        req->checkpoint->stands = req->stands;
        qr_engine_done_checkpoint(coord->engine, req->checkpoint, req->status);
        break;
    case REQ_RENEW:
        qr_engine_done_renew(coord->engine, req->status == QR_DB_DONE);
        break;
    case REQ_POLL:
    case REQ_END_SESSION:
        break;
    }
}
