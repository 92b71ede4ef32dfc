/* Every reason why a job or a run is not running, each against the real thing.
 * Run it: ctest --preset dev -R why_test */
#include <stdlib.h>

#include "coordinator/db/lifecycle.h"
#include "coordinator/db/limit.h"
#include "coordinator/db/run.h"
#include "coordinator/db/why.h"
#include "tests/unit/coordinator/db/fixture.h"

static char *text_of(const char *text) { return (char *)(uintptr_t)text; }

static int setup(void **state)
{
    fx_sql("DELETE FROM limits; DELETE FROM limit_holds; UPDATE run_queues SET limits = NULL;"
           "DELETE FROM live_batches; DELETE FROM ready; DELETE FROM delayed; UPDATE sessions SET "
           "ended_at = now(); UPDATE runs SET status = 'completed'; DELETE FROM job_events");
    *state = fx_new_ttl(600000); /* nobody renews */
    return 0;
}

static Quarry__V1__ExplainReply *why(int64_t job, int64_t run)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ExplainReply *reply = NULL;

    assert_ok(job ? qr_why_job(conn, job, &reply, &err) : qr_why_run(conn, run, &reply, &err),
              &err);
    return reply;
}

/* The codes, joined; `says` stands in the text of the first one. */
static void assert_reasons(int64_t job, int64_t run, const char *codes, const char *says)
{
    Quarry__V1__ExplainReply *reply = why(job, run);
    char text[400] = "";
    size_t used = 0;

    for (size_t i = 0; i < reply->n_reasons; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
                                 reply->reasons[i]->code);
    assert_string_equal(text, codes);
    if (!strstr(reply->reasons[0]->text, says))
        fail_msg("it says: %s", reply->reasons[0]->text);
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
}

static int64_t job_of(int64_t run, int64_t offset)
{
    return fx_i64("SELECT id FROM extraction_jobs WHERE run_id = %lld ORDER BY id OFFSET %lld",
                  (long long)run, (long long)offset);
}

static void control_run(int64_t run, enum qr_control verb, const char *reason)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ControlRunRequest request = QUARRY__V1__CONTROL_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run;
    request.reason = text_of(reason);
    assert_ok(qr_run_control(conn, verb, &request, &reply, &err), &err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
}

static void control_job(int64_t job, enum qr_control verb, const char *reason)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ControlJobsRequest request = QUARRY__V1__CONTROL_JOBS_REQUEST__INIT;
    Quarry__V1__ControlJobsReply *reply = NULL;

    request.job_ids = &job;
    request.n_job_ids = 1;
    request.reason = text_of(reason);
    assert_ok(qr_job_control(conn, verb, &request, &reply, &err), &err);
    quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
}

static void limit(const char *scope, const char *name, int64_t running, double rate)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__SetLimitRequest request = QUARRY__V1__SET_LIMIT_REQUEST__INIT;
    Quarry__V1__LimitReply *reply = NULL;

    request.scope = text_of(scope);
    request.name = text_of(name);
    request.running = running;
    request.rate = rate;
    assert_ok(qr_limit_set(conn, &request, &reply, &err), &err);
    quarry__v1__limit_reply__free_unpacked(reply, NULL);
}

static void no_worker_can(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-none", 1);

    assert_reasons(job_of(run, 0), 0, "no_workers", "no worker is connected");
    assert_reasons(0, run, "open no_workers stage_not_begun", "run close");
    fx_session(fx, "w-why", 1);
    assert_reasons(job_of(run, 0), 0, "next", "next one; 4 places");
    fx_enqueue(run, "why-pdf", 0, 1, "pdf", 0);
    assert_reasons(job_of(run, 1), 0, "no_type", "none of 1 workers does type pdf");
    assert_reasons(0, run, "open ready no_type stage_not_begun", "run close");
    fx_sql("UPDATE sessions SET roots = '{elsewhere}'");
    assert_reasons(job_of(run, 0), 0, "no_root", "has the root 't'");
    fx_sql("UPDATE sessions SET drain_grace_ms = 1000");
    assert_reasons(job_of(run, 0), 0, "no_workers", "no worker");
}

static void it_runs_or_is_over(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-runs", 2);
    uint64_t pk = fx_session(fx, "w-runs", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease lease = fx->leases[0];
    assert_reasons((int64_t)lease.job_id, 0, "running", "worker w-runs, coordinator test, lease ");
    assert_reasons(0, run, "open leased ready stage_not_begun", "run close");
    control_job((int64_t)lease.job_id, QR_CONTROL_CANCEL, "");
    assert_reasons((int64_t)lease.job_id, 0, "stopping", "is being stopped on worker w-runs");
    fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
    assert_reasons((int64_t)lease.job_id, 0, "finished", "it is completed");
    fx_sql("UPDATE runs SET status = 'completed' WHERE id = %lld", (long long)run);
    assert_reasons(0, run, "finished", "it is completed");
}

static void somebody_paused_it(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-paused", 3);

    fx_session(fx, "w-paused", 1);
    control_job(job_of(run, 0), QR_CONTROL_PAUSE, "not now");
    assert_reasons(job_of(run, 0), 0, "paused", "by quarry job pause: not now;");
    control_run(run, QR_CONTROL_PAUSE, "the share is moved");
    assert_reasons(job_of(run, 1), 0, "run_paused",
                   "paused by quarry run pause: the share is moved; quarry run resume");
    assert_reasons(0, run, "run_paused open paused ready stage_not_begun",
                   "was paused by quarry run pause: the share is moved");
    fx_sql("UPDATE runs SET gate_reason = 'paused itself: 30 of 100 …' WHERE id = %lld",
           (long long)run);
    assert_reasons(job_of(run, 1), 0, "run_halted", "paused itself: 30 of 100");
    /* over, so that the sweep does not close the job before it is asked about */
    fx_sql("UPDATE runs SET gate = 'cancelled', gate_reason = 'wrong folder', status = 'completed' "
           "WHERE id = %lld",
           (long long)run);
    assert_reasons(job_of(run, 1), 0, "run_cancelled", "wrong folder");
}

static void it_waits_for_its_time(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-later", 1);
    uint64_t pk = fx_session(fx, "w-later", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    fx_settle(fx, fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_TIMEOUT));
    assert_reasons(job_of(run, 0), 0, "backoff", "attempt 1 failed (timeout)");
    assert_reasons(0, run, "open backoff stage_not_begun", "run close");
    Quarry__V1__ExplainReply *reply = why(job_of(run, 0), 0);
    assert_true(reply->reasons[0]->until_ms > 0);
    assert_int_equal(reply->expected_start_ms, reply->reasons[0]->until_ms);
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
    fx_sql("UPDATE extraction_jobs SET error_class = NULL WHERE run_id = %lld", (long long)run);
    assert_reasons(job_of(run, 0), 0, "delayed_start", "before its time");
    assert_reasons(0, run, "open delayed_start stage_not_begun", "run close");
    fx_sql("UPDATE runs SET start_at = now() + interval '1 hour' WHERE id = %lld", (long long)run);
    assert_reasons(0, run, "run_delayed open delayed_start stage_not_begun", "before");
}

static void a_limit_is_full(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-limit", 3);
    uint64_t pk = fx_session(fx, "w-limit", 1);

    limit("type", "text", 1, 0);
    assert_int_equal(fx_claim(fx, pk, 1, 3), 1);
    assert_reasons(job_of(run, 1), 0, "limit_running", "limit type=text: 1 of 1 run");
    assert_reasons(0, run, "open leased limit_running stage_not_begun", "run close");
    limit("source", "t", 0, 0.5);
    fx_sql("UPDATE limits SET tokens = 0 WHERE scope = 'source'");
    assert_reasons(job_of(run, 1), 0, "limit_running limit_rate", "1 of 1 run");
}

static void others_go_first(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-turns", 5);
    uint64_t pk = fx_session(fx, "w-turns", 1);

    assert_reasons(job_of(run, 3), 0, "behind", "3 jobs are before it");
    int64_t other = fx_run("why-other", 5);
    assert_reasons(job_of(run, 3), 0, "behind turns", "3 jobs are before it");
    fx_sql("UPDATE runs SET boost = 5 WHERE id = %lld", (long long)other);
    assert_reasons(job_of(run, 3), 0, "urgent behind", "5 jobs of a higher priority than 0");
    Quarry__V1__ExplainReply *reply = why(job_of(run, 3), 0);
    assert_int_equal(reply->position, 9);
    assert_int_equal(reply->expected_start_ms, 0); /* nothing completed yet: unknown */
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
    fx_sql("UPDATE runs SET boost = 0, gate = 'paused' WHERE id = %lld", (long long)other);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    fx_settle(fx, fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_NONE));
    reply = why(job_of(run, 3), 0);
    assert_int_equal(reply->position, 3);
    assert_true(reply->rate > 0 && reply->expected_start_ms > 0);
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
    fx_sql("UPDATE extraction_jobs SET alone = true WHERE id = %lld", (long long)job_of(run, 1));
    assert_reasons(job_of(run, 1), 0, "alone", "suspected");
}

/* Its reason stands with the request, not with the release that follows it. */
static void somebody_paused_it_while_it_ran(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("why-ran", 1);
    uint64_t pk = fx_session(fx, "w-ran", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease lease = fx->leases[0];
    control_job((int64_t)lease.job_id, QR_CONTROL_PAUSE, "too slow");
    assert_reasons((int64_t)lease.job_id, 0, "stopping", "is being stopped");
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_reasons(job_of(run, 0), 0, "paused", "by quarry job pause: too slow;");
}

static void stage(int64_t run, const char *change)
{
    fx_sql("UPDATE stage_jobs SET %s WHERE run_id = %lld", change, (long long)run);
}

static void a_stage_has_not_begun(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RunReply *closed = NULL;
    int64_t run = fx_run("why-stage", 1);
    uint64_t pk = fx_session(fx, "w-stage", 1);

    assert_ok(qr_run_close(conn, run, &closed, &err), &err);
    quarry__v1__run_reply__free_unpacked(closed, NULL);
    Quarry__V1__ExplainReply *reply = why(0, run);
    assert_string_equal(reply->phase, "extract");
    assert_int_equal(reply->n_reasons, 2);
    assert_string_equal(reply->reasons[1]->text,
                        "link, index, report: not before the 1 open jobs have ended");
    quarry__v1__explain_reply__free_unpacked(reply, NULL);

    /* nobody takes up what is made behind it */
    fx_sql("CREATE OR REPLACE FUNCTION hold_why() RETURNS trigger LANGUAGE plpgsql AS "
           "'BEGIN NEW.run_at := now() + interval ''1 hour''; RETURN NEW; END';"
           "CREATE TRIGGER hold_why BEFORE INSERT ON stage_jobs FOR EACH ROW WHEN (NEW.run_id = "
           "%lld) EXECUTE FUNCTION hold_why()",
           (long long)run);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    fx_settle(fx, fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_NONE));
    assert_reasons(0, run, "stage_ready stage_not_begun", "stage link waits for a coordinator");
    reply = why(0, run);
    assert_string_equal(reply->phase, "link");
    assert_string_equal(reply->reasons[1]->text, "index, report: not before link is done");
    quarry__v1__explain_reply__free_unpacked(reply, NULL);
    stage(run, "attempts = 2, last_error = 'no room'");
    assert_reasons(0, run, "stage_backoff stage_not_begun",
                   "attempt 2 at stage link failed: no room");
    fx_sql("INSERT INTO coordinators (instance, host) VALUES ('other', '')"); /* lives, for a ttl */
    stage(run, "status = 'processing', started_at = now(), coordinator_id = "
               "(SELECT id FROM coordinators WHERE instance = 'other')");
    assert_reasons(0, run, "stage_running stage_not_begun",
                   "coordinator other works on stage link");
    fx_sql("UPDATE coordinators SET stopped_at = now() WHERE instance = 'other'");
    fx_sql("DROP TRIGGER hold_why ON stage_jobs");
    stage(run, "status = 'pending', attempts = 0, coordinator_id = NULL, run_at = now()");
    fx_wait_run(run, "completed");
    assert_reasons(0, run, "finished", "it is completed");
}

static void what_does_not_exist_is_not_found(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ExplainReply *reply = NULL;

    (void)state;
    assert_int_equal(qr_why_job(conn, 999999999, &reply, &err), QR_E_NOT_FOUND);
    assert_int_equal(qr_why_run(conn, 999999999, &reply, &err), QR_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_worker_can),
        TEST(it_runs_or_is_over),
        TEST(somebody_paused_it),
        TEST(somebody_paused_it_while_it_ran),
        TEST(it_waits_for_its_time),
        TEST(a_stage_has_not_begun),
        TEST(a_limit_is_full),
        TEST(others_go_first),
        TEST(what_does_not_exist_is_not_found),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
