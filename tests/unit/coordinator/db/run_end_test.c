/* A run ends while somebody brings one of its jobs back: whichever comes first, no open job is left
 * in a run that is over. Run it: ctest --preset dev -R run_end_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

/* A run with one dead letter whose last stage is all that is open; its job. */
static int64_t almost_over(const char *name, int64_t *ret_job)
{
    int64_t run = fx_run(name, 1);

    fx_sql(
        "UPDATE runs SET adding = false WHERE id = %lld;"
        "UPDATE extraction_jobs SET status = 'failed', error_class = 'internal', completed_at = "
        "now() WHERE "
        "run_id = %lld;"
        "INSERT INTO dead_letters (job_id, run_id, error_class, message, job_type, retry_count) "
        "SELECT id, run_id, 'internal', 'x', job_type, 3 FROM extraction_jobs WHERE run_id = %lld;"
        "DELETE FROM ready;"
        "INSERT INTO run_stages (run_id, stage, open, total) VALUES (%lld, 'report', 1, 1);"
        "ALTER TABLE run_stages DISABLE TRIGGER run_stages_closed;"
        "UPDATE run_stages SET open = 0, closed = true, failed = 1 WHERE run_id = %lld AND stage = "
        "'extract';"
        "ALTER TABLE run_stages ENABLE TRIGGER run_stages_closed",
        (long long)run, (long long)run, (long long)run, (long long)run, (long long)run);
    *ret_job = fx_i64("SELECT id FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    return run;
}

static const char end_report[] =
    "UPDATE run_stages SET open = 0, closed = true WHERE stage = 'report' AND run_id = %lld";

/* Waits until somebody waits for a lock, or `*done`. */
static void wait_for_waiter(atomic_bool *done)
{
    int64_t end = qr_clock_ms() + 60000;

    while (!atomic_load(done) && qr_clock_ms() < end &&
           fx_i64("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                  "application_name = "
                  "'quarry test'") == 0)
        qr_clock_sleep_ms(10);
}

struct other {
    int64_t run, job;
    bool set_wise;
    atomic_bool done;
};

static void *retry_main(void *arg)
{
    struct other *other = arg;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();

    if (other->set_wise) {
        Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
        Quarry__V1__RetryDeadLettersReply *reply = NULL;
        request.run_id = other->run;
        assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
        assert_int_equal(reply->retried, 1);
        quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
    } else {
        Quarry__V1__RetryJobsRequest request = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
        Quarry__V1__RetryJobsReply *reply = NULL;
        request.job_ids = &other->job;
        request.n_job_ids = 1;
        assert_ok(qr_job_retry(conn, &request, &reply, &err), &err);
        assert_int_equal(reply->retried, 1);
        quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
    }
    atomic_store(&other->done, true);
    return NULL;
}

static void *end_main(void *arg)
{
    struct other *other = arg;

    fx_sql(end_report, (long long)other->run);
    atomic_store(&other->done, true);
    return NULL;
}

/* The job is claimed and done, and the run ends behind its stages. */
static void assert_goes_on(struct fx *fx, int64_t run, int64_t job, const char *worker)
{
    uint64_t pk = fx_session(fx, worker, 1);

    assert_int_equal(
        fx_i64("SELECT (status = 'active')::int FROM runs WHERE id = %lld", (long long)run), 1);
    assert_int_equal(fx_claim(fx, pk, 1, 8), 1);
    assert_int_equal(fx->leases[0].job_id, job);
    assert_int_equal(
        fx_settle(fx, fx_result(fx->leases[0].lease_id, (uint64_t)job, pk, QR_CLASS_NONE)).code,
        QR_ACK_COMMITTED);
    fx_wait_run(run, "completed");
}

static void retry_while_it_ends(struct fx *fx, const char *name, bool set_wise)
{
    struct other other = {.set_wise = set_wise};
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    pthread_t thread;
    char text[200];

    other.run = almost_over(name, &other.job);
    assert_ok(qr_conn_begin(conn, &err), &err);
    snprintf(text, sizeof text, end_report, (long long)other.run);
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, retry_main, &other), 0);
    wait_for_waiter(&other.done);
    assert_ok(qr_conn_commit(conn, &err), &err);
    pthread_join(thread, NULL);
    assert_goes_on(fx, other.run, other.job, name);
}

static void a_job_retried_while_its_run_ends_opens_it_again(void **state)
{
    retry_while_it_ends(*state, "ends-job", false);
}

static void dead_letters_retried_while_their_run_ends_open_it_again(void **state)
{
    retry_while_it_ends(*state, "ends-dlq", true);
}

/* The other way round: the retry has done all but its COMMIT when the last stage closes. */
static void a_run_does_not_end_over_a_retry(void **state)
{
    struct other other = {0};
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    pthread_t thread;

    other.run = almost_over("ends-later", &other.job);
    fx_sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
           "pg_advisory_xact_lock(4711); "
           "RETURN NULL; END';"
           "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON ready DEFERRABLE INITIALLY DEFERRED FOR "
           "EACH ROW EXECUTE "
           "FUNCTION slow()"); /* holds a retry up at its COMMIT */
    assert_ok(qr_conn_begin(conn, &err), &err);
    assert_ok(qr_conn_exec(conn, "SELECT pg_advisory_xact_lock(4711)", &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, retry_main, &other), 0);
    wait_for_waiter(&other.done);
    assert_false(atomic_load(&other.done));
    struct other end = {.run = other.run};
    pthread_t ending;
    assert_int_equal(pthread_create(&ending, NULL, end_main, &end), 0);
    int64_t until = qr_clock_ms() + 60000;
    while (!atomic_load(&end.done) && qr_clock_ms() < until &&
           fx_i64("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") < 2)
        qr_clock_sleep_ms(10);
    assert_ok(qr_conn_commit(conn, &err), &err);
    pthread_join(thread, NULL);
    pthread_join(ending, NULL);
    fx_sql("DROP TRIGGER slow ON ready; DROP FUNCTION slow()");
    assert_goes_on(*state, other.run, other.job, "ends-later");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_retried_while_its_run_ends_opens_it_again),
        TEST(dead_letters_retried_while_their_run_ends_open_it_again),
        TEST(a_run_does_not_end_over_a_retry),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
