/* Rule 10 in the database: runs. The gate, and the sweep that closes a cancelled run. */
#include "common/clock.h"
#include "tests/unit/coordinator/db/control_fixture.h"

static void assert_run(int64_t run, const char *status, const char *gate)
{
    if (fx_i64("SELECT count(*) FROM runs WHERE id = %lld AND status = '%s' AND gate = '%s'",
               (long long)run, status, gate) != 1)
        fail_msg("run %lld is not %s behind a gate that is %s", (long long)run, status, gate);
}

static void rule_10_a_paused_run_gives_out_nothing(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("gate", 3);
    int64_t other = fx_run("gate-other", 1);
    uint64_t pk = fx_session(fx, "w-gate", 1);

    assert_ok(control_run(QR_CONTROL_PAUSE, run, &err), &err);
    assert_run(run, "paused", "paused");
    assert_int_equal(fx_claim(fx, pk, 1, 8), 1);
    assert_int_equal(fx->leases[0].run_id, other);
    fx_enqueue(run, "later", 0, 2, "text", 0); /* behind the gate */
    assert_int_equal(fx_claim(fx, pk, 1, 8), 0);
    assert_ok(control_run(QR_CONTROL_PAUSE, run, &err), &err); /* twice is fine */
    assert_ok(control_run(QR_CONTROL_RESUME, run, &err), &err);
    assert_run(run, "active", "open");
    assert_int_equal(fx_claim(fx, pk, 1, 8), 5);
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE run_id = %lld AND event IN "
                            "('run.paused', 'run.resumed')",
                            (long long)run),
                     2);
}

static void rule_10_what_runs_goes_back_behind_the_gate(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "back", &pk);
    uint64_t before = fx_count(fx, &fx->stops);
    bool seen = false;

    assert_ok(control_run(QR_CONTROL_PAUSE, (int64_t)lease.run_id, &err), &err);
    for (uint64_t i = 1; i < 20 && !seen; i++) {
        fx_wait(fx, &fx->stops, before + i);
        pthread_mutex_lock(&fx->lock);
        for (size_t k = 0; k < fx->n_stop_runs; k++)
            seen = seen || (fx->stop_runs[k].run_id == lease.run_id &&
                            fx->stop_runs[k].reason == QR_STOP_PAUSE);
        pthread_mutex_unlock(&fx->lock);
    }
    assert_true(seen);
    fx_return(fx, pk, 1, QR_RETURN_STOPPED, lease.lease_id, lease.job_id);
    assert_state(lease.job_id, "pending");
    assert_int_equal(fx_claim(fx, pk, 1, 1), 0);
    assert_ok(control_run(QR_CONTROL_RESUME, (int64_t)lease.run_id, &err), &err);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
}

/* [M_GATE_SNAPSHOT] a claim that began while the gate was open and locks it after it was closed. */
static void rule_10_a_claim_sees_the_gate_that_counts(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("snapshot", 2);
    uint64_t pk = fx_session(fx, "w-snapshot", 1);
    QR_AUTO(qr_conn) pause = fx_conn();
    static const char *const roots[] = {"t"};
    const struct qr_type_count wanted = {qr_type_intern("text"), 1};
    const struct qr_db_claim request = {.session_pk = pk,
                                        .attach = 1,
                                        .want = &wanted,
                                        .n_want = 1,
                                        .want_total = 1,
                                        .roots = roots,
                                        .n_roots = 1};
    uint64_t before = fx_count(fx, &fx->claims);
    char text[200];

    snprintf(text, sizeof text,
             "BEGIN; UPDATE runs SET gate = 'paused', status = 'paused' WHERE id = %lld",
             (long long)run);
    assert_ok(qr_conn_exec(pause, text, &err), &err);
    qr_db_claim(fx->db, &request);
    wait_for(1, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                "application_name = 'quarry claim'");
    assert_ok(qr_conn_exec(pause, "COMMIT", &err), &err);
    fx_wait(fx, &fx->claims, before + 1);
    assert_int_equal(fx->claim.status, QR_DB_DONE);
    assert_int_equal(fx->n_leases, 0);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready r JOIN extraction_jobs j ON j.id = "
                            "r.job_id WHERE j.run_id = %lld",
                            (long long)run),
                     2);
}

static void rule_10_a_cancelled_run_is_swept(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("sweep", 5000);
    uint64_t pk = fx_session(fx, "w-sweep", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 3), 3);
    struct fx_lease held[3];
    memcpy(held, fx->leases, sizeof held);
    assert_int_equal(settle_one(fx, held[0], pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(settle_one(fx, held[1], pk, QR_CLASS_CONNECTION),
                     QR_ACK_COMMITTED); /* waits */
    control_job(QR_CONTROL_PAUSE, held[2].job_id + 10);
    control_job(QR_CONTROL_CANCEL, held[2].job_id + 11);
    assert_ok(control_run(QR_CONTROL_CANCEL, run, &err), &err);
    wait_for(1, "SELECT open FROM run_stages WHERE run_id = %lld AND stage = 'extract'",
             (long long)run);
    assert_run(run, "active", "cancelled"); /* one is still held */
    assert_int_equal(count_of(run, "cancelled"), 4998);
    assert_int_equal(count_of(run, "paused"), 0);
    assert_err(control_run(QR_CONTROL_RESUME, run, &err), QR_E_STALE, &err, "being cancelled");
    assert_true(control_job(QR_CONTROL_PAUSE, held[2].job_id).refused);

    fx_return(fx, pk, 1, QR_RETURN_STOPPED, held[2].lease_id, held[2].job_id);
    wait_for(1,
             "SELECT (status = 'cancelled' AND finished_at IS NOT NULL)::int FROM runs WHERE "
             "id = %lld",
             (long long)run);
    assert_int_equal(count_of(run, "cancelled"), 4999);
    assert_int_equal(count_of(run, "completed"), 1);
    assert_int_equal(count_of(run, "open"), 0);
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld AND status "
                            "NOT IN ('cancelled', 'completed')",
                            (long long)run),
                     0);
    assert_ok(control_run(QR_CONTROL_CANCEL, run, &err), &err); /* it is */
    assert_err(control_run(QR_CONTROL_PAUSE, run, &err), QR_E_STALE, &err, "is cancelled");
}

static void rule_10_nothing_comes_into_a_cancelled_run(void **state)
{
    struct qr_err err = {0};
    int64_t run = fx_run("closed", 1);
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_enqueue_result result;
    const struct qr_new_job job = {.uri = "root://t/late/1", .type = "text"};
    int64_t id = first_job(run);
    Quarry__V1__RetryJobsRequest retry = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *reply = NULL;
    (void)state;

    assert_ok(control_run(QR_CONTROL_CANCEL, run, &err), &err);
    assert_err(qr_enqueue(conn, run, &job, 1, &result, &err), QR_E_STALE, &err, "closed");
    wait_for(1, "SELECT (status = 'cancelled')::int FROM runs WHERE id = %lld", (long long)run);
    retry.job_ids = &id;
    retry.n_job_ids = 1;
    assert_ok(qr_job_retry(conn, &retry, &reply, &err), &err);
    assert_int_equal(reply->retried, 0);
    assert_int_equal(reply->n_jobs, 1);
    assert_string_equal(reply->jobs[0]->message, "its run is cancelled");
    quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
}

/* An insert that saw the gate open commits before the gate moves, or sees it closed. */
static void rule_10_an_insert_holds_the_gate(void **state)
{
    struct qr_err err = {0};
    int64_t run = fx_run("insert", 0);
    QR_AUTO(qr_conn) insert = fx_conn();
    char text[200];
    (void)state;

    snprintf(text, sizeof text, "BEGIN; SELECT FROM runs WHERE id = %lld FOR SHARE",
             (long long)run); /* as enqueue_run.sql */
    assert_ok(qr_conn_exec(insert, text, &err), &err);
    QR_AUTO(qr_conn) impatient = fx_conn();
    assert_ok(qr_conn_exec(impatient, "SET lock_timeout = '300ms'", &err), &err);
    Quarry__V1__ControlRunRequest request = QUARRY__V1__CONTROL_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;
    request.run_id = run;
    assert_true(qr_run_control(impatient, QR_CONTROL_CANCEL, &request, &reply, &err) < 0);
    assert_string_equal(err.sqlstate, "55P03");
    assert_ok(qr_conn_exec(insert, "COMMIT", &err), &err);
    assert_ok(qr_run_control(impatient, QR_CONTROL_CANCEL, &request, &reply, &err), &err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
}

static void rule_10_a_sweep_goes_on_elsewhere(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("restart", 20000);
    struct fx *other = fx_new();

    assert_ok(control_run(QR_CONTROL_CANCEL, run, &err), &err);
    wait_for(1,
             "SELECT (cancelled > 0)::int FROM run_stages WHERE run_id = %lld AND stage = "
             "'extract'",
             (long long)run);
    fx_free(other); /* one of those that sweep leaves */
    (void)fx;
    wait_for(1, "SELECT (status = 'cancelled')::int FROM runs WHERE id = %lld", (long long)run);
    assert_int_equal(count_of(run, "cancelled"), 20000);
    assert_int_equal(fx_i64("SELECT sum(cardinality(job_ids)) FROM job_events WHERE run_id = %lld "
                            "AND event = 'cancelled'",
                            (long long)run),
                     20000);
}

static void rule_10_a_job_of_the_sweep_tells_its_history(void **state)
{
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    int64_t run = fx_run("history", 2);
    Quarry__V1__ListJobEventsReply *reply = NULL;
    (void)state;

    assert_ok(control_run(QR_CONTROL_CANCEL, run, &err), &err);
    wait_for(1, "SELECT (status = 'cancelled')::int FROM runs WHERE id = %lld", (long long)run);
    assert_ok(qr_job_events(conn, first_job(run), &reply, &err), &err);
    assert_int_equal(reply->n_events, 2);
    assert_string_equal(reply->events[1]->event, "cancelled");
    assert_string_equal(reply->events[1]->detail, "its run was cancelled");
    quarry__v1__list_job_events_reply__free_unpacked(reply, NULL);
}

static void a_run_that_is_being_cancelled_is_not_joined(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "joined", &pk);
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    Quarry__V1__CreateRunReply *reply = NULL;

    assert_ok(control_run(QR_CONTROL_CANCEL, (int64_t)lease.run_id, &err), &err);
    request.name = (char *)"joined";
    request.manual = true;
    assert_err(qr_run_create(conn, &request, &reply, &err), QR_E_EXISTS, &err, "being cancelled");
    fx_return(fx, pk, 1, QR_RETURN_STOPPED, lease.lease_id, lease.job_id);
    wait_for(1, "SELECT (status = 'cancelled')::int FROM runs WHERE id = %lld",
             (long long)lease.run_id);
    assert_ok(qr_run_create(conn, &request, &reply, &err), &err);
    assert_false(reply->joined);
    quarry__v1__create_run_reply__free_unpacked(reply, NULL);
}

static void what_is_leased_is_counted(void **state)
{
    struct fx *fx = *state;
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    int64_t run = fx_run("leased", 5);
    uint64_t pk = fx_session(fx, "w-leased", 1);
    uint64_t leased = 0;

    assert_int_equal(fx_claim(fx, pk, 1, 3), 3);
    assert_int_equal(settle_one(fx, fx->leases[0], pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_ok(qr_run_count_leased(conn, run, &leased, &err), &err);
    assert_int_equal(leased, 2);
}

struct queued {
    atomic_int *turn, *done;
    int ran_as; /* which of all it was, from 1 */
    const char *sql;
};

static int run_queued(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    return qr_conn_exec(conn, ((struct queued *)arg)->sql, err);
}

static void queued_ran(void *arg, int rc, const struct qr_err *err)
{
    struct queued *queued = arg;

    assert_ok(rc, err);
    queued->ran_as = atomic_fetch_add(queued->turn, 1) + 1;
    atomic_fetch_add(queued->done, 1); /* after what the other thread then reads */
}

/* Calls that bring jobs wait by the dozen; what people ask for goes ahead of them, in its own
 * order. */
static void rule_10_a_request_does_not_wait_behind_new_jobs(void **state)
{
    enum { BULK = 20, ASKED = 3 };
    struct fx *fx = *state;
    atomic_int turn = 0, done = 0;
    struct queued bulk[BULK], asked[ASKED];

    for (int i = 0; i < BULK; i++) {
        bulk[i] = (struct queued){.turn = &turn, .done = &done, .sql = "SELECT pg_sleep(0.1)"};
        qr_db_submit(fx->db, QR_DB_LANE_BULK, run_queued, queued_ran, &bulk[i]);
    }
    for (int i = 0; i < ASKED; i++) {
        asked[i] = (struct queued){.turn = &turn, .done = &done, .sql = "SELECT 1"};
        qr_db_submit(fx->db, QR_DB_LANE_ENQUEUE, run_queued, queued_ran, &asked[i]);
    }
    for (int i = 0; i < 600 && atomic_load(&done) < BULK + ASKED; i++)
        qr_clock_sleep_ms(100);
    assert_int_equal(atomic_load(&done), BULK + ASKED);
    int behind = 0;
    for (int i = 0; i < BULK; i++)
        behind += bulk[i].ran_as > asked[ASKED - 1].ran_as;
    assert_true(behind >= BULK / 2); /* all but those that ran meanwhile */
    for (int i = 1; i < ASKED; i++)
        assert_true(asked[i].ran_as > asked[i - 1].ran_as);
}

/* Brings jobs without a rest, each call slow, until the run's gate is closed. */
struct adding {
    int64_t run;
    int number;
    atomic_int calls;
    atomic_bool *stop;
};

static void *add_main(void *arg)
{
    enum { CALLS_MAX = 400 };
    struct adding *adding = arg;
    struct qr_enqueue_result result;
    QR_AUTO(qr_conn) conn = fx_conn();

    while (!atomic_load(adding->stop) && atomic_load(&adding->calls) < CALLS_MAX) {
        struct qr_err err = {0};
        char uri[64];
        snprintf(uri, sizeof uri, "root://t/fair/%d/%d", adding->number,
                 atomic_fetch_add(&adding->calls, 1));
        const struct qr_new_job job = {.uri = uri, .type = "text"};
        assert_ok(qr_enqueue(conn, adding->run, &job, 1, &result, &err), &err);
    }
    return NULL;
}

static int calls_of(struct adding *adding, int n)
{
    int calls = 0;

    for (int i = 0; i < n; i++)
        calls += atomic_load(&adding[i].calls);
    return calls;
}

static void rule_10_a_gate_closes_under_calls_that_never_rest(void **state)
{
    enum { CALLERS = 4 };
    struct qr_err err = {0};
    int64_t run = fx_run("fair", 0);
    atomic_bool stop = false;
    struct adding adding[CALLERS];
    pthread_t threads[CALLERS];

    (void)state;
    fx_sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "pg_sleep(0.05); RETURN NULL; END';"
        "CREATE TRIGGER slow AFTER INSERT ON extraction_jobs FOR EACH STATEMENT EXECUTE FUNCTION "
        "slow()");
    for (int i = 0; i < CALLERS; i++) {
        adding[i] = (struct adding){.run = run, .number = i, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, add_main, &adding[i]), 0);
    }
    qr_clock_sleep_ms(300);
    int before = calls_of(adding, CALLERS);
    int rc = control_run(QR_CONTROL_PAUSE, run, &err);
    int meanwhile = calls_of(adding, CALLERS) - before;
    atomic_store(&stop, true);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    fx_sql("DROP TRIGGER slow ON extraction_jobs; DROP FUNCTION slow()");
    assert_ok(rc, &err);
    assert_in_range(meanwhile, 0, 400); /* those under way, and some; not until they rest: 1600 */
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(rule_10_a_paused_run_gives_out_nothing),
        DB_TEST(rule_10_what_runs_goes_back_behind_the_gate),
        DB_TEST(rule_10_a_claim_sees_the_gate_that_counts),
        DB_TEST(rule_10_a_cancelled_run_is_swept),
        DB_TEST(rule_10_nothing_comes_into_a_cancelled_run),
        DB_TEST(rule_10_an_insert_holds_the_gate),
        DB_TEST(rule_10_a_sweep_goes_on_elsewhere),
        DB_TEST(rule_10_a_job_of_the_sweep_tells_its_history),
        DB_TEST(a_run_that_is_being_cancelled_is_not_joined),
        DB_TEST(what_is_leased_is_counted),
        DB_TEST(rule_10_a_request_does_not_wait_behind_new_jobs),
        DB_TEST(rule_10_a_gate_closes_under_calls_that_never_rest),
    };

    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
