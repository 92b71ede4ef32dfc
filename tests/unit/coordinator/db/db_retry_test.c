/* What follows from each error class (common/class.h), in the database: how often a job is tried
 * again, how long it waits, and when it is a dead letter. Run it: ctest --preset dev -R
 * db_retry_test */
#include <stdlib.h>

#include "tests/unit/coordinator/db/fixture.h"

/* The table of architecture "Job states", written down once more. */
static const struct expectation {
    enum qr_class class;
    int retries; /* bulk runs */
    int uploads; /* what a person waits for */
    int64_t first_ms, factor, cap_ms;
    int jitter_pct;
} expectations[] = {
    {QR_CLASS_TIMEOUT, 3, 4, 30000, 4, 1500000, 10},
    {QR_CLASS_CONNECTION, 8, 9, 1000, 2, 60000, 25},
    {QR_CLASS_RATE_LIMIT, 12, 13, 1000, 2, 60000, 25},
    {QR_CLASS_RESOURCE, 3, 4, 30000, 4, 1500000, 10},
    {QR_CLASS_INVALID_INPUT, 0, 0, 0, 0, 0, 0},
    {QR_CLASS_PERMISSION, 0, 0, 0, 0, 0, 0},
    {QR_CLASS_UNSUPPORTED, 0, 0, 0, 0, 0, 0},
    {QR_CLASS_CRASH, 1, 1, 1000, 1, 1000, 0},
    {QR_CLASS_INTERNAL, 3, 4, 30000, 4, 1500000, 10},
};

static int64_t of_job(const char *what, uint64_t job_id)
{
    return fx_i64("SELECT (%s)::bigint FROM extraction_jobs j WHERE id = %llu", what,
                  (unsigned long long)job_id);
}

/* How long the job waits now; -1: it does not. */
static int64_t wait_ms(uint64_t job_id)
{
    return fx_i64("SELECT (extract(epoch FROM d.run_at - e.at) * 1000)::bigint FROM delayed d JOIN "
                  "job_events e "
                  "ON e.job_id = d.job_id WHERE d.job_id = %llu ORDER BY e.id DESC LIMIT 1",
                  (unsigned long long)job_id);
}

static void skip_the_wait(uint64_t job_id)
{
    fx_sql("WITH d AS (DELETE FROM delayed WHERE job_id = %llu RETURNING job_id, queue_id, rank) "
           "INSERT INTO ready (job_id, queue_id, rank) SELECT job_id, queue_id, rank FROM d",
           (unsigned long long)job_id);
}

static struct qr_settle attempt(struct fx *fx, uint64_t pk, const char *type, enum qr_class class,
                                uint64_t retry_after_ms)
{
    assert_int_equal(fx_claim_type(fx, pk, 1, type, 1), 1);
    struct qr_settle *settle = fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, class);
    settle->retry_after_ms = retry_after_ms;
    return fx_settle(fx, settle);
}

static void try_until_dead(struct fx *fx, uint64_t pk, const struct expectation *e, bool upload)
{
    char type[32];
    int64_t wait = e->first_ms;
    int retries = upload ? e->uploads : e->retries;

    snprintf(type, sizeof type, "r_%s_%s", qr_class_text(e->class), upload ? "up" : "bulk");
    int64_t run = fx_run(type, 0);
    assert_int_equal(fx_enqueue(run, type, 0, 1, type, 0), 1);
    if (upload)
        fx_sql("UPDATE runs SET upload = true WHERE id = %lld", (long long)run);
    for (int i = 0; i < retries; i++) {
        assert_true(attempt(fx, pk, type, e->class, 0).will_retry);
        uint64_t job = fx->leases[0].job_id;
        assert_int_equal(fx->leases[0].attempt, i + 1);
        assert_in_range(wait_ms(job), wait, wait + wait * e->jitter_pct / 100);
        assert_int_equal(of_job("(status = 'pending' AND last_error IS NULL)::integer", job), 1);
        assert_int_equal(of_job("retry_count", job), i + 1);
        wait = wait * e->factor > e->cap_ms ? e->cap_ms : wait * e->factor;
        skip_the_wait(job);
    }
    assert_false(attempt(fx, pk, type, e->class, 0).will_retry);
    uint64_t job = fx->leases[0].job_id;
    assert_int_equal(wait_ms(job), -1);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters d JOIN extraction_jobs j ON j.id = d.job_id "
               "WHERE j.id = %llu AND j.status = 'failed' AND d.error_class = '%s' AND "
               "d.retry_count = %d AND j.last_error = d.message",
               (unsigned long long)job, qr_class_text(e->class), retries),
        1);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM job_events WHERE job_id = %llu AND event = 'retry'",
               (unsigned long long)job),
        retries);
}

static void every_class_is_retried_as_its_row_says(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-retry", 1);

    assert_int_equal(QR_COUNT(expectations), QR_CLASS_COUNT - 1);
    for (size_t i = 0; i < QR_COUNT(expectations); i++) {
        try_until_dead(fx, pk, &expectations[i], false);
        try_until_dead(fx, pk, &expectations[i], true);
    }
}

static void jobs_that_fail_together_do_not_come_back_together(void **state)
{
    enum { N = 64 };
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-jitter", 1);
    int64_t run = fx_run("r_jitter", 0);
    struct qr_settle *settles[N];
    struct qr_settle answers[N];

    assert_int_equal(fx_enqueue(run, "r_jitter", 0, N, "r_jitter", 0), N);
    assert_int_equal(fx_claim_type(fx, pk, 1, "r_jitter", N), N);
    for (size_t i = 0; i < N; i++) {
        settles[i] =
            fx_result(fx->leases[i].lease_id, fx->leases[i].job_id, pk, QR_CLASS_RATE_LIMIT);
        settles[i]->retry_after_ms = 40000; /* all were asked to wait the same time */
    }
    fx_settle_many(fx, settles, answers, N);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM delayed d JOIN extraction_jobs j ON j.id = d.job_id "
               "WHERE j.run_id = %lld AND d.run_at - now() BETWEEN interval '20 s' AND "
               "interval '50 s'",
               (long long)run),
        N);
    assert_true(fx_i64("SELECT count(DISTINCT d.run_at) FROM delayed d JOIN extraction_jobs j ON "
                       "j.id = d.job_id"
                       " WHERE j.run_id = %lld",
                       (long long)run) > N / 2);
}

static void retry_after_is_honoured_by_every_class_that_is_retried(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-after", 1);
    int64_t run = fx_run("r_after", 0);

    assert_int_equal(fx_enqueue(run, "r_after", 0, 2, "r_after", 0), 2);
    assert_true(attempt(fx, pk, "r_after", QR_CLASS_CONNECTION, 90000).will_retry);
    assert_in_range(wait_ms(fx->leases[0].job_id), 90000, 112500);
    assert_true(attempt(fx, pk, "r_after", QR_CLASS_CONNECTION, UINT64_MAX).will_retry);
    assert_in_range(wait_ms(fx->leases[0].job_id), QR_RETRY_AFTER_MAX_MS,
                    QR_RETRY_AFTER_MAX_MS / 4 * 5);
}

/* Whatever its class: the worker knows that another attempt would be as this one. */
static void what_is_final_is_not_tried_again(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-final", 1);
    int64_t run = fx_run("r_final", 0);

    assert_int_equal(fx_enqueue(run, "r_final", 0, 1, "r_final", 0), 1);
    assert_int_equal(fx_claim_type(fx, pk, 1, "r_final", 1), 1);
    uint64_t job = fx->leases[0].job_id;
    struct qr_settle *settle = fx_result(fx->leases[0].lease_id, job, pk, QR_CLASS_CONNECTION);
    settle->final = true;
    assert_false(fx_settle(fx, settle).will_retry);
    assert_int_equal(of_job("(status = 'failed')::integer", job), 1);
    assert_int_equal(of_job("retry_count", job), 0);
    assert_int_equal(fx_i64("SELECT count(*) FROM dead_letters WHERE job_id = %llu AND "
                            "error_class = 'connection'",
                            (unsigned long long)job),
                     1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_class_is_retried_as_its_row_says),
        TEST(jobs_that_fail_together_do_not_come_back_together),
        TEST(retry_after_is_honoured_by_every_class_that_is_retried),
        TEST(what_is_final_is_not_tried_again),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
