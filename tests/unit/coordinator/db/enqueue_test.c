/* New jobs: copied or inserted, once each whatever comes in parallel, later, or under one key.
 * Run it: ctest --preset dev -R enqueue_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

enum { MANY = 2000, CALLERS = 4, CALLS = 12 };

struct batch {
    struct qr_new_job jobs[MANY];
    char uris[MANY][64];
};

/* root://t/NAME/d/part-I.TYPE for I = first, first + step … */
static struct batch *make_batch(const char *name, size_t first, size_t step, size_t n)
{
    struct batch *batch = calloc(1, sizeof *batch);

    assert_non_null(batch);
    for (size_t i = 0; i < n; i++) {
        snprintf(batch->uris[i], sizeof batch->uris[i], "root://t/%s/d/part-%06zu.txt", name,
                 first + i * step);
        batch->jobs[i] = (struct qr_new_job){.uri = batch->uris[i],
                                             .type = "text",
                                             .bytes = 100 + i,
                                             .modified_ms = 1700000000123 + (int64_t)i};
    }
    return batch;
}

static struct qr_enqueue_result add(int64_t run, const struct qr_new_job *jobs, size_t n)
{
    struct qr_err err = {0};
    struct qr_enqueue_result result = {0};
    QR_AUTO(qr_conn) conn = fx_conn();

    assert_ok(qr_enqueue(conn, run, jobs, n, &result, &err), &err);
    return result;
}

/* Everything that belongs to a job is there, once. */
static void assert_whole(int64_t run, int64_t want)
{
    long long r = (long long)run;

    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld", r), want);
    assert_int_equal(
        fx_i64("SELECT count(DISTINCT f.uri) FROM extraction_jobs j JOIN cloud_files f "
               "ON f.id = j.file_id WHERE j.run_id = %lld",
               r),
        want);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extraction_jobs j WHERE j.run_id = %lld AND "
               "(EXISTS (SELECT FROM ready r WHERE r.job_id = j.id AND r.queue_id = "
               "j.queue_id AND r.rank = -j.priority))::int + (EXISTS (SELECT FROM "
               "delayed d WHERE d.job_id = j.id AND d.queue_id = j.queue_id))::int = 1",
               r),
        want);
    assert_int_equal(fx_i64("SELECT count(*) FROM (SELECT unnest(job_ids) FROM job_events WHERE "
                            "event = 'created' AND run_id = %lld) e",
                            r),
                     want);
    assert_int_equal(fx_i64("SELECT open - 1 FROM run_stages WHERE stage = 'extract' AND run_id = "
                            "%lld AND total = %lld",
                            r, (long long)want),
                     want);
}

static void new_files_are_stored_as_the_general_way_stores_them(void **state)
{
    int64_t run = fx_run("copied", 0);
    int64_t other = fx_run("copied-again", 0);
    struct batch *batch = make_batch("copied", 0, 1, MANY);

    (void)state;
    batch->jobs[0].modified_ms = 0;
    batch->jobs[1].priority = 7;
    batch->jobs[2].type = "cad";
    batch->jobs[3].modified_ms = 253402300799999;
    assert_int_equal(add(run, batch->jobs, MANY).inserted, MANY);
    assert_whole(run, MANY);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM cloud_files WHERE uri LIKE 'root://t/copied/%%' AND "
               "root = 't' AND name = substr(uri, 19) AND bytes BETWEEN 100 AND "
               "2099 AND version = 1"),
        MANY);
    assert_int_equal(fx_i64("SELECT count(*) FROM cad_models m JOIN extraction_jobs j ON j.id = "
                            "m.job_id AND j.file_id = m.file_id AND j.run_id = m.run_id WHERE "
                            "j.job_type = 'cad' AND j.run_id = %lld",
                            (long long)run),
                     1);
    /* the general way finds nothing that changed: each value is the same to the last bit */
    assert_int_equal(add(other, batch->jobs, MANY).inserted, MANY);
    assert_whole(other, MANY);
    assert_int_equal(
        fx_i64(
            "SELECT count(*) FROM cloud_files WHERE uri LIKE 'root://t/copied/%%' AND version > 1"),
        0);
    assert_int_equal(add(other, batch->jobs, MANY).inserted, 0);
    batch->jobs[5].bytes = 1;
    assert_int_equal(add(other, batch->jobs, MANY).inserted, 0);
    assert_int_equal(
        fx_i64(
            "SELECT count(*) FROM cloud_files WHERE uri LIKE 'root://t/copied/%%' AND version = 2"),
        1);
    assert_whole(other, MANY);
    free(batch);
}

static void jobs_are_numbered_in_the_order_of_the_call(void **state)
{
    int64_t run = fx_run("order", 0);
    struct batch *batch = make_batch("order", 0, 1, MANY);

    (void)state;
    for (size_t i = 0; i < MANY / 2; i++) { /* backwards, and each tenth twice */
        struct qr_new_job job = batch->jobs[i];
        batch->jobs[i] = batch->jobs[MANY - 1 - i];
        batch->jobs[MANY - 1 - i] = job;
    }
    for (size_t i = 10; i < MANY; i += 10)
        batch->jobs[i].uri = batch->jobs[i - 1].uri;
    assert_int_equal(add(run, batch->jobs, MANY).inserted, MANY - MANY / 10 + 1);
    assert_whole(run, MANY - MANY / 10 + 1);
    assert_int_equal(fx_i64("SELECT count(*) FROM (SELECT f.uri < lag(f.uri) OVER (ORDER BY j.id) "
                            "AS down FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id "
                            "WHERE j.run_id = %lld) o WHERE NOT down",
                            (long long)run),
                     0);
    free(batch);
}

static void one_known_file_among_many_new_ones_is_met(void **state)
{
    int64_t run = fx_run("one-known", 0);
    struct batch *batch = make_batch("one-known", 0, 1, MANY);

    (void)state;
    assert_int_equal(add(run, &batch->jobs[MANY - 2], 1).inserted, 1); /* not among the samples */
    assert_int_equal(add(run, batch->jobs, MANY).inserted, MANY - 1);
    assert_whole(run, MANY);
    free(batch);
}

struct caller {
    int64_t run;
    unsigned number;
    uint64_t inserted;
};

static void *add_overlapping(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < CALLS;
         i++) { /* every caller brings three quarters of what others do */
        struct batch *batch = make_batch("parallel", i * 400 + caller->number * 100, 1, 400);
        if ((i + caller->number) % 3 == 0) /* in another order */
            for (size_t k = 0; k < 200; k++) {
                struct qr_new_job job = batch->jobs[k];
                batch->jobs[k] = batch->jobs[399 - k];
                batch->jobs[399 - k] = job;
            }
        caller->inserted += add(caller->run, batch->jobs, 400).inserted;
        free(batch);
    }
    return NULL;
}

static void calls_in_parallel_store_each_uri_once(void **state)
{
    int64_t run = fx_run("parallel", 0);
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    uint64_t inserted = 0;

    (void)state;
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.run = run, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, add_overlapping, &callers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        inserted += callers[i].inserted;
    }
    assert_int_equal(inserted, CALLS * 400 + (CALLERS - 1) * 100);
    assert_whole(run, (int64_t)inserted);
    assert_int_equal(fx_i64("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = "
                            "(5854424951437868360 & 4294967295)::oid"),
                     0);
}

static void a_job_starts_when_it_was_told_to(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("later", 0);
    uint64_t pk = fx_session(fx, "w-later", 1);
    struct batch *batch = make_batch("later", 0, 1, 12);

    batch->jobs[0].delay_ms = 3600 * 1000;
    batch->jobs[1].delay_ms = 400;
    batch->jobs[2].run_at_ms = qr_clock_wall_ms() + 7200 * 1000;
    batch->jobs[3].run_at_ms = qr_clock_wall_ms() - 1000;
    assert_int_equal(add(run, batch->jobs, 12).inserted, 12); /* copied */
    assert_whole(run, 12);
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed d JOIN extraction_jobs j ON j.id = "
                            "d.job_id WHERE j.run_id = %lld AND d.run_at > now() + interval '59 "
                            "minutes'",
                            (long long)run),
                     2);
    size_t got = 0;
    for (int64_t end = qr_clock_ms() + 60000; got < 10 && qr_clock_ms() < end;) {
        got += fx_claim(fx, pk, 1, 64);
        qr_clock_sleep_ms(50);
    }
    assert_int_equal(got, 10);

    fx_sql("UPDATE runs SET start_at = now() + interval '1 hour' WHERE id = %lld", (long long)run);
    struct batch *more = make_batch("later", 100, 1, 3); /* inserted: few */
    more->jobs[1].delay_ms = 7200 * 1000;
    assert_int_equal(add(run, more->jobs, 3).inserted, 3);
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed d JOIN extraction_jobs j ON j.id = "
                            "d.job_id WHERE j.run_id = %lld AND d.run_at > now() + interval '119 "
                            "minutes'",
                            (long long)run),
                     2);
    assert_int_equal(fx_claim(fx, pk, 1, 64), 0);
    free(batch);
    free(more);
}

static void *add_keyed(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < CALLS; i++) {
        struct batch *batch = make_batch("keys", 1000 + i * CALLERS + caller->number, 1, 1);
        char key[16];
        snprintf(key, sizeof key, "round-%u", i);
        batch->jobs[0].dedupe = key;
        caller->inserted += add(caller->run, batch->jobs, 1).inserted;
        free(batch);
    }
    return NULL;
}

static void one_open_job_has_a_key(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("keys", 0);
    uint64_t pk = fx_session(fx, "w-keys", 1);
    struct batch *batch = make_batch("keys", 0, 1, 8);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];

    batch->jobs[0].dedupe = batch->jobs[1].dedupe = "drawing 17";
    assert_int_equal(add(run, batch->jobs, 3).inserted, 2); /* within a call: the first has it */
    batch->jobs[3].dedupe = "drawing 17";
    assert_int_equal(add(run, &batch->jobs[3], 1).inserted, 0);
    assert_whole(run, 2);
    assert_int_equal(fx_claim(fx, pk, 1, 8), 2);
    assert_int_equal(add(run, &batch->jobs[3], 1).inserted, 0); /* it runs */
    uint64_t holder = fx->leases[0].job_id;
    fx_settle(fx, fx_result(fx->leases[0].lease_id, holder, pk, QR_CLASS_PERMISSION));
    assert_int_equal(add(run, &batch->jobs[3], 1).inserted, 1); /* it is over */

    Quarry__V1__RetryJobsRequest retry = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *retried = NULL;
    int64_t id = (int64_t)holder;
    retry.job_ids = &id;
    retry.n_job_ids = 1;
    assert_ok(qr_job_retry(conn, &retry, &retried, &err), &err); /* another one has its key now */
    assert_int_equal(retried->retried, 0);
    assert_int_equal(retried->n_refused, 1);
    quarry__v1__retry_jobs_reply__free_unpacked(retried, NULL);

    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.run = run, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, add_keyed, &callers[i]), 0);
    }
    uint64_t inserted = 0;
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        inserted += callers[i].inserted;
    }
    assert_int_equal(inserted, CALLS);
    free(batch);
}

static void what_cannot_be_stored_is_refused_and_nothing_is_left(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("refused", 0);
    struct qr_enqueue_result result;
    struct batch *batch = make_batch("refused", 0, 1, 20);
    char key[300];

    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    static const struct {
        const char *part;
        struct qr_new_job job;
    } cases[] = {
        {"UTF-8", {.uri = "root://t/\xC3", .type = "text"}},
        {"no job type", {.uri = "root://t/a", .type = "Text!"}},
        {"1 .. 4096 bytes", {.uri = "", .type = "text"}},
        {"priority", {.uri = "root://t/a", .type = "text", .priority = 101}},
        {"size", {.uri = "root://t/a", .type = "text", .bytes = UINT64_MAX}},
        {"delay", {.uri = "root://t/a", .type = "text", .delay_ms = -1}},
        {"delay", {.uri = "root://t/a", .type = "text", .delay_ms = INT64_MAX}},
        {"9999", {.uri = "root://t/a", .type = "text", .run_at_ms = INT64_MAX}},
    };
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        batch->jobs[19] = cases[i].job;
        assert_err(qr_enqueue(conn, run, batch->jobs, 20, &result, &err), QR_E_INVALID, &err,
                   cases[i].part);
    }
    batch->jobs[19] = (struct qr_new_job){.uri = "root://t/a", .type = "text", .dedupe = key};
    assert_err(qr_enqueue(conn, run, batch->jobs, 20, &result, &err), QR_E_INVALID, &err, "key");
    assert_whole(run, 0);
    assert_int_equal(add(run, batch->jobs, 0).inserted, 0);
    free(batch);
}

/* The sequence cannot be had for a while (an ALTER of somebody's): the calls of that time fail, and
 * leave no lock to those that come after, on other connections. */
static void a_call_that_got_no_ids_holds_nobody_up(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) altering = fx_conn();
    QR_AUTO(qr_conn) first = fx_conn();
    QR_AUTO(qr_conn) second = fx_conn();
    int64_t run = fx_run("no-ids", 0);
    struct batch *batch = make_batch("no-ids", 0, 1, 20);
    struct qr_enqueue_result result = {0};

    (void)fx;
    assert_ok(qr_conn_exec(first, "SET lock_timeout = 300", &err), &err);
    assert_ok(qr_conn_exec(second, "SET lock_timeout = 300", &err), &err);
    assert_ok(qr_conn_begin(altering, &err), &err);
    assert_ok(qr_conn_exec(altering, "ALTER SEQUENCE cloud_files_id_seq CACHE 1", &err), &err);
    assert_err(qr_enqueue(first, run, batch->jobs, 20, &result, &err), QR_E_DB, &err,
               "lock timeout");
    qr_conn_rollback(altering);
    err = (struct qr_err){0};
    assert_ok(qr_enqueue(second, run, batch->jobs, 20, &result, &err), &err);
    assert_int_equal(result.inserted, 20);
    assert_whole(run, 20);
    free(batch);
}

/* The short way takes no numbers where it stores nothing: the first job of a run makes its queue.
 */
static void a_few_jobs_leave_no_numbers_out(void **state)
{
    int64_t run = fx_run("few-numbers", 0);
    struct batch *batch = make_batch("few-numbers", 0, 1, 6);

    (void)state;
    int64_t before = fx_i64("SELECT last_value FROM extraction_jobs_id_seq");
    assert_int_equal(add(run, batch->jobs, 1).inserted, 1);
    assert_int_equal(add(run, batch->jobs + 1, 4).inserted, 4);
    assert_int_equal(add(run, batch->jobs + 4, 2).inserted, 1); /* one is there already */
    assert_whole(run, 6);
    assert_int_equal(fx_i64("SELECT max(id) - %lld FROM extraction_jobs", (long long)before), 7);
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE run_id = %lld AND event = "
                            "'created'",
                            (long long)run),
                     3);
    assert_int_equal(fx_i64("SELECT open FROM run_stages WHERE run_id = %lld AND stage = 'extract'",
                            (long long)run),
                     7);
    free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_files_are_stored_as_the_general_way_stores_them),
        TEST(jobs_are_numbered_in_the_order_of_the_call),
        TEST(one_known_file_among_many_new_ones_is_met),
        TEST(calls_in_parallel_store_each_uri_once),
        TEST(a_job_starts_when_it_was_told_to),
        TEST(one_open_job_has_a_key),
        TEST(a_call_that_got_no_ids_holds_nobody_up),
        TEST(what_cannot_be_stored_is_refused_and_nothing_is_left),
        TEST(a_few_jobs_leave_no_numbers_out),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
