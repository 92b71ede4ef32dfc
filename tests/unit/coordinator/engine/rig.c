#include "tests/unit/coordinator/engine/rig.h"

#include <stdlib.h>

static void note_seq(struct rig *rig, uint64_t stream, uint64_t seq)
{
    assert_int_equal(seq, rig->seq[stream] + 1); /* numbered without gaps, anew on each stream */
    rig->seq[stream] = seq;
}

static void on_welcome(void *ctx, uint64_t stream, uint64_t seq, const struct qr_welcome *welcome)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_welcome++;
    rig->n_kept = welcome->n_kept;
    for (size_t i = 0; i < welcome->n_kept; i++)
        rig->kept[i] = welcome->kept[i];
}

static void on_offer(void *ctx, uint64_t stream, uint64_t seq, const struct qr_offer *offers,
                     size_t n)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_offer++;
    rig->offer_stream = stream;
    rig->offer_seq = seq;
    rig->offer_budget_ms = offers[0].budget_ms;
    for (size_t i = 0; i < n; i++)
        rig->offered[rig->n_offered++] = offers[i].lease_id;
}

static void on_sync(void *ctx, uint64_t stream, uint64_t seq, uint64_t seen, const uint64_t *drop,
                    size_t n_drop, const uint64_t *expected, size_t n_expected)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_sync++;
    rig->sync_seen = seen;
    rig->n_drop = n_drop;
    rig->n_expected = n_expected;
    for (size_t i = 0; i < n_drop; i++)
        rig->drop[i] = drop[i];
    for (size_t i = 0; i < n_expected; i++)
        rig->expected[i] = expected[i];
}

static void on_ack(void *ctx, uint64_t stream, uint64_t seq, const struct qr_ack *acks, size_t n)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_ack++;
    rig->ack_stream = stream;
    rig->n_acked = n;
    for (size_t i = 0; i < n; i++) {
        rig->acked[i] = acks[i].lease_id;
        rig->ack_code[i] = acks[i].code;
    }
}

static void on_stop(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                    enum qr_stop_reason reason, uint32_t grace_ms)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_stop++;
    rig->stopped = lease_id;
    rig->stop_reason = reason;
    rig->stop_grace_ms = grace_ms;
}

static void on_drain(void *ctx, uint64_t stream, uint64_t seq, uint32_t grace_ms, bool resume)
{
    struct rig *rig = ctx;

    (void)grace_ms;
    note_seq(rig, stream, seq);
    rig->n_drain++;
    rig->drain_resumed = resume;
}

static void on_restarting(void *ctx, uint64_t stream, uint64_t seq)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    rig->n_restarting++;
}

static void on_end(void *ctx, uint64_t stream, uint64_t seq, enum qr_end_reason reason,
                   uint64_t newest, const char *message)
{
    struct rig *rig = ctx;

    note_seq(rig, stream, seq);
    assert_non_null(message);
    rig->n_end++;
    rig->end_stream = stream;
    rig->end_reason = reason;
    rig->end_newest = newest;
}

static void on_db_hello(void *ctx, const struct qr_db_hello *request)
{
    struct rig *rig = ctx;

    rig->hello_token[rig->n_hello++ % 8] = request->token;
    rig->recover = request->recover;
    rig->hello_running = request->hello->n_running;
    rig->hello_spooled = request->hello->n_spooled;
}

static void on_db_claim(void *ctx, const struct qr_db_claim *request)
{
    struct rig *rig = ctx;

    rig->n_claim++;
    rig->claim = *request;
    for (size_t i = 0; i < request->n_want; i++)
        rig->want[i] = request->want[i];
}

static void on_db_return(void *ctx, const struct qr_db_return *request)
{
    struct rig *rig = ctx;

    rig->n_return++;
    rig->back = *request;
    rig->back.leases = rig->back_leases;
    for (size_t i = 0; i < request->n_leases; i++)
        rig->back_leases[i] = request->leases[i];
}

static void on_db_settle(void *ctx, struct qr_settle *settle)
{
    struct rig *rig = ctx;

    rig->n_settle++;
    rig->settles[rig->n_settles++] = settle;
}

static void on_db_mirror(void *ctx, const struct qr_mirror *rows, size_t n)
{
    struct rig *rig = ctx;

    rig->n_mirror++;
    rig->n_mirror_rows = n;
    for (size_t i = 0; i < n && i < RIG_MANY; i++)
        rig->mirror[i] = rows[i];
}

static void on_db_checkpoint(void *ctx, struct qr_checkpoint *checkpoint)
{
    struct rig *rig = ctx;

    rig->n_checkpoint++;
    qr_checkpoint_free(rig->checkpoint);
    rig->checkpoint = checkpoint;
}

bool rig_checkpoint(struct rig *rig, uint64_t stream, uint64_t lease_id, uint64_t number)
{
    struct qr_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);

    assert_non_null(checkpoint);
    checkpoint->lease_id = lease_id;
    checkpoint->number = number;
    if (!qr_engine_checkpoint(rig->engine, stream, checkpoint))
        return true;
    qr_checkpoint_free(checkpoint);
    return false;
}

void rig_done_checkpoint(struct rig *rig, enum qr_db_status status, bool stale, uint64_t stands)
{
    rig->checkpoint->stale = stale;
    rig->checkpoint->stands = stands;
    qr_engine_done_checkpoint(rig->engine, rig->checkpoint, status);
    qr_checkpoint_free(rig->checkpoint);
    rig->checkpoint = NULL;
}

static void on_checkpoint_ack(void *ctx, uint64_t stream, uint64_t seq, uint64_t lease_id,
                              uint64_t number, uint64_t stands)
{
    struct rig *rig = ctx;

    (void)lease_id;
    note_seq(rig, stream, seq);
    rig->n_checkpoint_ack++;
    rig->acked_number = number;
    rig->acked_stands = stands;
}

static void on_db_end_session(void *ctx, uint64_t session_pk, uint64_t attach)
{
    struct rig *rig = ctx;

    (void)session_pk;
    (void)attach;
    rig->n_end_session++;
}

static void on_db_renew(void *ctx)
{
    struct rig *rig = ctx;

    rig->n_renew++;
}

static void budget(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                   uint64_t *ret_progress_ms)
{
    const struct rig *rig = ctx;

    (void)type;
    (void)bytes;
    if (rig->learned_ms)
        *ret_budget_ms = *ret_progress_ms = rig->learned_ms;
}

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct qr_engine_config config = {.ttl_ms = RIG_TTL, .budget = budget, .budget_ctx = rig};
    struct qr_engine_port port = {
        .ctx = rig,
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

    rig->engine = qr_engine_new(&config, &port);
    rig->now = 1000;
    qr_engine_set_now(rig->engine, rig->now);
    *state = rig;
    rig_pass(rig, 0);
    return 0;
}

static void free_settle(struct qr_settle *settle)
{
    free(settle->message);
    free(settle);
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < rig->n_settles; i++)
        free_settle(rig->settles[i]);
    qr_checkpoint_free(rig->checkpoint);
    qr_engine_free(rig->engine);
    free(rig);
    return 0;
}

void rig_turn(struct rig *rig)
{
    qr_engine_set_now(rig->engine, rig->now);
    qr_engine_timers(rig->engine);
}

void rig_pass(struct rig *rig, int64_t ms)
{
    int64_t until = rig->now + ms;

    for (;;) {
        int renewals = rig->n_renew;
        rig_turn(rig);
        if (rig->n_renew > renewals)
            qr_engine_done_renew(rig->engine, true);
        if (rig->now >= until)
            break;
        rig->now = rig->now + 500 < until ? rig->now + 500 : until;
    }
}

void rig_hello(struct rig *rig, uint64_t stream, uint8_t id, uint64_t credit, const uint64_t *held,
               size_t n_held)
{
    qr_type_id type = qr_type_intern("pdf");
    struct qr_lease_ref refs[RIG_MANY];
    const char *const roots[] = {"drawings"};
    struct qr_hello hello = {
        .worker_id = "w1",
        .start_counter = id,
        .host = "host",
        .os = "linux",
        .arch = "x86_64",
        .version = "1",
        .labels_json = "{}",
        .roots = roots,
        .n_roots = 1,
        .types = &type,
        .n_types = 1,
        .slots = 8,
        .running = refs,
        .n_running = n_held,
        .credits = {.total = credit},
    };

    for (size_t i = 0; i < n_held; i++)
        refs[i] = (struct qr_lease_ref){held[i], held[i] + 1000};
    memset(hello.session, id, sizeof hello.session);
    qr_engine_stream_open(rig->engine, stream);
    qr_engine_hello(rig->engine, stream, &hello);
}

void rig_welcome(struct rig *rig, uint64_t pk, uint64_t attach, const uint64_t *kept, size_t n_kept)
{
    struct qr_kept_lease leases[RIG_MANY];
    struct qr_db_hello_reply reply = {
        .token = rig->hello_token[(rig->n_hello - 1) % 8],
        .status = QR_DB_DONE,
        .outcome = QR_HELLO_WELCOME,
        .session_pk = pk,
        .attach = attach,
        .kept = leases,
        .n_kept = n_kept,
    };

    for (size_t i = 0; i < n_kept; i++)
        leases[i] = (struct qr_kept_lease){
            .lease_id = kept[i], .job_id = kept[i] + 1000, .stop = rig->kept_stop};
    qr_engine_done_hello(rig->engine, &reply);
    rig_turn(rig);
}

void rig_connect(struct rig *rig, uint64_t credit)
{
    rig_hello(rig, 1, 1, credit, NULL, 0);
    rig_welcome(rig, 1, 1, NULL, 0);
    rig_pass(rig, 10); /* few credits wait a moment for more */
}

void rig_claimed(struct rig *rig, uint64_t first, size_t n)
{
    struct qr_offer offers[RIG_MANY];
    struct qr_db_claim_reply reply = {
        .token = rig->claim.token,
        .session_pk = rig->claim.session_pk,
        .attach = rig->claim.attach,
        .status = QR_DB_DONE,
        .offers = offers,
        .n_offers = n,
    };

    for (size_t i = 0; i < n; i++)
        offers[i] = (struct qr_offer){.lease_id = first + i,
                                      .job_id = first + i + 1000,
                                      .run_id = rig->run_id,
                                      .type = qr_type_intern("pdf"),
                                      .attempt = 1,
                                      .uri = "root://drawings/a.pdf"};
    qr_engine_done_claim(rig->engine, &reply);
    rig_turn(rig);
}

void rig_claim_reply(struct rig *rig, enum qr_db_status status)
{
    struct qr_db_claim_reply reply = {
        .token = rig->claim.token,
        .session_pk = rig->claim.session_pk,
        .attach = rig->claim.attach,
        .status = status,
        .dry = status == QR_DB_DONE,
    };

    qr_engine_done_claim(rig->engine, &reply);
    rig_turn(rig);
}

void rig_accept(struct rig *rig, uint64_t stream, uint64_t first, size_t n)
{
    uint64_t leases[RIG_MANY];

    for (size_t i = 0; i < n; i++)
        leases[i] = first + i;
    qr_engine_accept(rig->engine, stream, leases, n);
    rig_turn(rig);
}

void rig_beat(struct rig *rig, uint64_t stream, uint64_t seen, uint64_t received,
              const uint64_t *held, size_t n_held)
{
    struct qr_lease_progress leases[RIG_MANY];
    struct qr_type_count count = {qr_type_intern("pdf"), received};
    struct qr_beat beat = {
        .seen = seen,
        .received = &count,
        .n_received = 1,
        .received_total = received,
        .leases = leases,
        .n_leases = n_held,
    };

    for (size_t i = 0; i < n_held; i++)
        leases[i] = (struct qr_lease_progress){.lease_id = held[i]};
    qr_engine_beat(rig->engine, stream, &beat);
    rig_turn(rig);
}

bool rig_result(struct rig *rig, uint64_t stream, uint64_t lease)
{
    struct qr_settle *settle = calloc(1, sizeof *settle);

    settle->lease_id = lease;
    settle->job_id = lease + 1000;
    if (!qr_engine_result(rig->engine, stream, settle))
        return false;
    free_settle(settle);
    return true;
}

void rig_settled(struct rig *rig, enum qr_db_status status, enum qr_ack_code code)
{
    for (size_t i = 0; i < rig->n_settles; i++)
        rig->settles[i]->code = code;
    qr_engine_done_settle(rig->engine, rig->settles, rig->n_settles, status);
    for (size_t i = 0; i < rig->n_settles; i++)
        free_settle(rig->settles[i]);
    rig->n_settles = 0;
    rig_turn(rig);
}

void rig_returned(struct rig *rig, enum qr_db_status status)
{
    struct qr_db_return_reply reply = {
        .token = rig->back.token,
        .session_pk = rig->back.session_pk,
        .attach = rig->back.attach,
        .status = status,
        .reason = rig->back.reason,
        .leases = rig->back_leases,
        .n_leases = rig->back.n_leases,
        .returned = status == QR_DB_DONE ? rig->back.n_leases : 0,
    };

    qr_engine_done_return(rig->engine, &reply);
    rig_turn(rig);
}

void rig_stops(struct rig *rig, uint64_t job_id, enum qr_stop_reason of_job, uint64_t run_id,
               enum qr_stop_reason of_run)
{
    const struct qr_job_stop job = {job_id, of_job};
    const struct qr_run_stop run = {run_id, of_run};
    const struct qr_stops stops = {
        .jobs = &job, .n_jobs = job_id != 0, .runs = &run, .n_runs = run_id != 0};

    qr_engine_stops(rig->engine, &stops);
    rig_turn(rig);
}

struct qr_engine_stats rig_stats(struct rig *rig)
{
    struct qr_engine_stats stats;

    qr_engine_get_stats(rig->engine, &stats);
    return stats;
}
