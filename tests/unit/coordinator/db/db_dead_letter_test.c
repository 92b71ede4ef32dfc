/* Dead letters: what they have in common, their history, retries and purges set-wise. Run it: ctest
 * --preset dev -R db_dead_letter_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

static int64_t run_of(const char *type, size_t n)
{
    int64_t run = fx_run(type, 0);
    for (size_t done = 0; done < n; done += 10000) {
        size_t part = n - done < 10000 ? n - done : 10000;
        assert_int_equal(fx_enqueue(run, type, done, part, type, 0), part);
    }
    return run;
}

/* One result of a claimed job: a failure with this message. */
static struct qr_settle settle_as(struct fx *fx, uint64_t pk, const struct fx_lease *lease,
                                  enum qr_class class, const char *message)
{
    struct qr_settle *settle = fx_result(lease->lease_id, lease->job_id, pk, class);
    free(settle->message);
    settle->message = strdup(message);
    settle->budget_ms = 41000;
    return fx_settle(fx, settle);
}

/* Dead letters without the work: a run of which all has failed. */
static int64_t dead_run(const char *type, size_t n)
{
    int64_t run = run_of(type, n);
    fx_sql("UPDATE extraction_jobs SET status = 'failed', error_class = 'internal', completed_at = "
           "now() "
           "WHERE run_id = %lld;"
           "INSERT INTO dead_letters (job_id, run_id, error_class, message, pattern, job_type, "
           "retry_count) "
           "SELECT id, run_id, 'internal', 'no ' || id, 'no <n>', job_type, 3 FROM extraction_jobs "
           "WHERE run_id = %lld;"
           "DELETE FROM ready r USING extraction_jobs j WHERE j.id = r.job_id AND j.run_id = %lld;"
           "UPDATE run_stages SET open = open - %zu, failed = failed + %zu WHERE run_id = %lld",
           (long long)run, (long long)run, (long long)run, n, n, (long long)run);
    return run;
}

static int64_t stage(const char *what, int64_t run)
{
    return fx_i64("SELECT (%s)::bigint FROM run_stages WHERE run_id = %lld AND stage = 'extract'",
                  what, (long long)run);
}

static void patterns_are_counted_by_class_with_samples_and_advice(void **state)
{
    static const struct {
        enum qr_class class;
        const char *message;
    } failures[] = {
        {QR_CLASS_INVALID_INPUT, "'a b.pdf' ends after 17 bytes"},
        {QR_CLASS_INVALID_INPUT, "'c.pdf' ends after 4711 bytes"},
        {QR_CLASS_INVALID_INPUT, "'d e.pdf' ends after 0 bytes"},
        {QR_CLASS_UNSUPPORTED, "the extension \"xyz\" is not known"},
        {QR_CLASS_PERMISSION, "the document needs a password"},
    };
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = run_of("t_pattern", QR_COUNT(failures));
    uint64_t pk = fx_session(fx, "w-pattern", 1);
    Quarry__V1__AnalyzeDeadLettersRequest request = QUARRY__V1__ANALYZE_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__AnalyzeDeadLettersReply *reply = NULL;

    assert_int_equal(fx_claim_type(fx, pk, 1, "t_pattern", 8), QR_COUNT(failures));
    struct fx_lease leases[QR_COUNT(failures)];
    memcpy(leases, fx->leases, sizeof leases);
    for (size_t i = 0; i < QR_COUNT(failures); i++)
        assert_int_equal(settle_as(fx, pk, &leases[i], failures[i].class, failures[i].message).code,
                         QR_ACK_COMMITTED);
    request.run_id = run;
    assert_ok(qr_dead_letter_analyze(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->total, 5);
    assert_int_equal(reply->patterns_in_all, 3);
    const Quarry__V1__DeadLetterPattern *first = reply->patterns[0];
    assert_int_equal(first->count, 3);
    assert_string_equal(first->error_class, "invalid_input");
    assert_string_equal(first->pattern, "<name> ends after <n> bytes");
    assert_true(first->share > 0.59 && first->share < 0.61);
    assert_int_equal(first->n_sample_job_ids, 3);
    assert_int_equal(first->sample_job_ids[0], leases[0].job_id);
    assert_int_equal(first->sample_job_ids[2], leases[2].job_id);
    assert_int_equal(first->runs, 1);
    assert_int_equal(first->run_ids[0], run);
    assert_string_equal(first->types[0], "t_pattern");
    assert_true(first->first_ms > 0 && first->last_ms >= first->first_ms);
    for (size_t i = 0; i < reply->n_patterns; i++)
        assert_true(strlen(reply->patterns[i]->suggestion) > 10);

    /* the same number narrows list and retry */
    Quarry__V1__ListDeadLettersRequest list = QUARRY__V1__LIST_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__ListDeadLettersReply *letters = NULL;
    list.pattern = first->id;
    assert_ok(qr_dead_letter_list(conn, &list, &letters, &err), &err);
    assert_int_equal(letters->total, 3);
    assert_int_equal(letters->n_jobs, 3);
    quarry__v1__list_dead_letters_reply__free_unpacked(letters, NULL);
    Quarry__V1__RetryDeadLettersRequest retry = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *retried = NULL;
    retry.pattern = first->id;
    assert_ok(qr_dead_letter_retry(conn, &retry, &retried, &err), &err);
    assert_int_equal(retried->retried, 3);
    assert_false(retried->more);
    quarry__v1__retry_dead_letters_reply__free_unpacked(retried, NULL);
    quarry__v1__analyze_dead_letters_reply__free_unpacked(reply, NULL);
    assert_int_equal(stage("open * 10 + failed", run), 42);
    retry.pattern = 0; /* nothing said: not everything */
    assert_int_equal(qr_dead_letter_retry(conn, &retry, &retried, &err), QR_E_INVALID);
}

static void one_is_shown_with_every_lease(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__GetDeadLetterReply *reply = NULL;
    (void)run_of("t_show", 1);
    uint64_t pk = fx_session(fx, "w-show", 1);

    assert_int_equal(fx_claim_type(fx, pk, 1, "t_show", 1), 1);
    struct fx_lease a = fx->leases[0];
    int64_t job = (int64_t)a.job_id;
    assert_int_equal(qr_dead_letter_get(conn, job, &reply, &err), QR_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "job show"));
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_EXPIRED, a.lease_id, a.job_id), QR_DB_DONE);
    assert_int_equal(fx_claim_type(fx, pk, 1, "t_show", 1), 1);
    struct fx_lease b = fx->leases[0];
    (void)settle_as(fx, pk, &b, QR_CLASS_PERMISSION, "not: allowed");
    assert_ok(qr_dead_letter_get(conn, job, &reply, &err), &err);
    const Quarry__V1__DeadLetter *letter = reply->letter;
    assert_int_equal(letter->n_leases, 2);
    assert_int_equal(letter->leases[0]->lease_id, a.lease_id);
    assert_string_equal(letter->leases[0]->outcome, "expired");
    assert_string_equal(letter->leases[0]->worker, "w-show");
    assert_string_equal(letter->leases[0]->error_class, "");
    assert_string_equal(letter->leases[1]->outcome, "failed");
    assert_string_equal(letter->leases[1]->error_class, "permission");
    assert_string_equal(letter->leases[1]->message, "not: allowed");
    assert_int_equal(letter->leases[1]->budget_ms, 41000);
    assert_true(letter->leases[1]->started_ms > 0 &&
                letter->leases[1]->ended_ms >= letter->leases[1]->started_ms);
    assert_int_equal(letter->n_events, 5); /* created, leased, expired, leased, failed */
    assert_string_equal(letter->message, "not: allowed");
    assert_int_equal(letter->same, 1);
    quarry__v1__get_dead_letter_reply__free_unpacked(reply, NULL);
    assert_int_equal(qr_dead_letter_get(conn, 999999999, &reply, &err), QR_E_NOT_FOUND);
}

/* A hundred thousand go back in a few bounded statements; counters are exact, none goes twice. */
static void a_hundred_thousand_are_retried_in_bounded_steps(void **state)
{
    enum { N = 100000 };
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = dead_run("t_many", N);
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *reply = NULL;
    uint64_t retried = 0;
    int calls = 0;
    bool more = true;
    (void)state;

    fx_sql(
        "UPDATE runs SET status = 'completed', finished_at = now(), adding = false WHERE id = %lld;"
        "UPDATE run_stages SET open = 0, closed = true WHERE run_id = %lld",
        (long long)run, (long long)run);
    int64_t epoch = stage("epoch", run);
    request.run_id = run;
    while (more) {
        assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
        retried += reply->retried;
        more = reply->more;
        request.after_id = reply->after_id;
        quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
        calls++;
    }
    assert_int_equal(retried, N);
    assert_in_range(calls, 2, 4); /* bounded each */
    assert_int_equal(stage("open", run), N);
    assert_int_equal(stage("failed", run), 0);
    assert_int_equal(stage("epoch", run), epoch + 1); /* closed before: opened once */
    assert_int_equal(
        fx_i64("SELECT (status = 'active')::integer FROM runs WHERE id = %lld", (long long)run), 1);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM ready r JOIN extraction_jobs j ON j.id = r.job_id "
               "WHERE j.run_id = %lld AND j.status = 'pending' AND j.retry_count = 0",
               (long long)run),
        N);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters WHERE run_id = %lld", (long long)run), 0);
}

static void what_must_not_open_again_is_left_out_and_counted(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t cancelled = dead_run("t_left_a", 3);
    int64_t replaced = dead_run("t_left_b", 4);
    int64_t open = dead_run("t_left_c", 5);
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *reply = NULL;
    (void)state;

    fx_sql("UPDATE runs SET gate = 'cancelled', status = 'cancelled' WHERE id = %lld;"
           "UPDATE runs SET status = 'completed', config_hash = (SELECT config_hash FROM runs "
           "WHERE id = %lld) "
           "WHERE id = %lld",
           (long long)cancelled, (long long)open, (long long)replaced);
    request.error_class = (char *)(uintptr_t) "internal";
    assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, 5);
    assert_int_equal(reply->skipped, 7);
    quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
    assert_int_equal(stage("failed", replaced), 4);
}

/* A run of every night over one source: only one of them may be active at a time. */
static void of_runs_of_one_source_one_at_a_time_opens_again(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t first = dead_run("t_night_a", 3);
    int64_t second = dead_run("t_night_b", 4);
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *reply = NULL;
    (void)state;

    fx_sql("DELETE FROM dead_letters WHERE run_id NOT IN (%lld, %lld);"
           "UPDATE runs SET status = 'completed', adding = false, config_hash = 'nights' WHERE id "
           "IN (%lld, %lld);"
           "UPDATE run_stages SET open = 0, closed = true WHERE run_id IN (%lld, %lld)",
           (long long)first, (long long)second, (long long)first, (long long)second,
           (long long)first, (long long)second);
    request.all = true;
    assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, 3);
    assert_int_equal(reply->skipped, 4);
    quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
    fx_sql("UPDATE runs SET status = 'completed' WHERE id = %lld", (long long)first);
    assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, 4);
    quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
}

/* Of the jobs of one key one is open, however many of them have failed. */
static void a_key_comes_back_once(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = dead_run("t_keys", 5);
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *reply = NULL;
    int64_t newest =
        fx_i64("SELECT max(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    (void)state;

    /* four failed one after the other with the key in their hands; the last of them has it */
    fx_sql("UPDATE extraction_jobs SET dedupe = 'k' WHERE run_id = %lld AND id > %lld;"
           "INSERT INTO job_keys VALUES (%lld, 'k', %lld)",
           (long long)run, (long long)newest - 4, (long long)run, (long long)newest);
    request.run_id = run;
    assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, 2); /* that one, and the one without a key */
    assert_int_equal(reply->skipped, 3);
    quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
    assert_int_equal(
        fx_i64("SELECT id FROM extraction_jobs WHERE run_id = %lld AND dedupe = 'k' AND status = "
               "'pending'",
               (long long)run),
        newest);
    /* two by their numbers: neither while one is open, one when none is */
    int64_t ids[] = {newest - 3, newest - 2};
    Quarry__V1__RetryJobsRequest jobs = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *retried = NULL;
    jobs.job_ids = ids;
    jobs.n_job_ids = QR_COUNT(ids);
    assert_ok(qr_job_retry(conn, &jobs, &retried, &err), &err);
    assert_int_equal(retried->retried, 0);
    quarry__v1__retry_jobs_reply__free_unpacked(retried, NULL);
    fx_sql("UPDATE extraction_jobs SET status = 'completed' WHERE id = %lld", (long long)newest);
    assert_ok(qr_job_retry(conn, &jobs, &retried, &err), &err);
    assert_int_equal(retried->retried, 1);
    assert_int_equal(retried->n_refused, 1);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM job_keys k JOIN extraction_jobs j ON j.id = k.job_id WHERE "
               "k.run_id = %lld AND j.status = 'pending'",
               (long long)run),
        1);
    quarry__v1__retry_jobs_reply__free_unpacked(retried, NULL);
}

static void a_purge_takes_the_old_and_keeps_the_history(void **state)
{
    enum { N = 12000 };
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = dead_run("t_purge", N);
    Quarry__V1__PurgeDeadLettersRequest request = QUARRY__V1__PURGE_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__PurgeDeadLettersReply *reply = NULL;
    (void)state;

    fx_sql("UPDATE dead_letters SET failed_at = now() - interval '31 days' WHERE run_id = %lld AND "
           "job_id NOT IN (SELECT job_id FROM dead_letters WHERE run_id = %lld LIMIT 7)",
           (long long)run, (long long)run);
    request.run_id = run;
    request.older_than_ms = 30ull * 86400000;
    request.dry_run = true;
    assert_ok(qr_dead_letter_purge(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->purged, N - 7);
    quarry__v1__purge_dead_letters_reply__free_unpacked(reply, NULL);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters WHERE run_id = %lld", (long long)run), N);
    request.dry_run = false;
    assert_ok(qr_dead_letter_purge(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->purged, N - 7);
    assert_false(reply->more);
    quarry__v1__purge_dead_letters_reply__free_unpacked(reply, NULL);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters WHERE run_id = %lld", (long long)run), 7);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld AND status = 'failed'",
               (long long)run),
        N);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM job_events WHERE run_id = %lld AND event = 'dlq.purged'",
               (long long)run),
        2);
    request.older_than_ms = UINT64_MAX;
    assert_int_equal(qr_dead_letter_purge(conn, &request, &reply, &err), QR_E_INVALID);
}

static void classes_are_counted(void **state)
{
    uint64_t by_class[QR_CLASS_COUNT];
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    (void)state;

    fx_sql("DELETE FROM dead_letters");
    (void)dead_run("t_classes", 3);
    assert_ok(qr_dead_letter_classes(conn, by_class, &err), &err);
    assert_int_equal(by_class[QR_CLASS_INTERNAL], 3);
    assert_int_equal(by_class[QR_CLASS_TIMEOUT], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(patterns_are_counted_by_class_with_samples_and_advice),
        TEST(one_is_shown_with_every_lease),
        TEST(a_hundred_thousand_are_retried_in_bounded_steps),
        TEST(what_must_not_open_again_is_left_out_and_counted),
        TEST(of_runs_of_one_source_one_at_a_time_opens_again),
        TEST(a_key_comes_back_once),
        TEST(a_purge_takes_the_old_and_keeps_the_history),
        TEST(classes_are_counted),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
