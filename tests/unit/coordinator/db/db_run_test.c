/* Runs, enqueue, retries, dead letters, history, export, verify and operators' own SQL.
 * Run it: ctest --preset dev -R db_run_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/export.h"
#include "coordinator/db/verify.h"
#include "tests/unit/coordinator/db/fixture.h"

static char *text_of(const char *text) { return (char *)(uintptr_t)text; }

static int64_t create(struct qr_conn *conn, const char *source, bool again, bool *ret_joined)
{
    struct qr_err err = {0};
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    Quarry__V1__CreateRunReply *reply = NULL;
    char *types[] = {text_of("text"), text_of("pdf")};

    request.source = text_of(source);
    request.types = types;
    request.n_types = 2;
    request.again = again;
    assert_ok(qr_run_create(conn, &request, &reply, &err), &err);
    *ret_joined = reply->joined;
    int64_t id = reply->run->id;
    assert_true(reply->run->listing);
    quarry__v1__create_run_reply__free_unpacked(reply, NULL);
    return id;
}

static Quarry__V1__RunReply *get(struct qr_conn *conn, int64_t run)
{
    struct qr_err err = {0};
    Quarry__V1__RunReply *reply = NULL;
    assert_ok(qr_run_get(conn, run, true, &reply, &err), &err);
    return reply;
}

/* Claims everything of type text and settles it; job `fail` fails with this class. */
static void work_off(struct fx *fx, uint64_t pk, uint64_t fail, enum qr_class class)
{
    while (fx_claim(fx, pk, 1, 64) > 0) {
        struct qr_settle *settles[64];
        struct qr_settle answers[64];
        size_t n = fx->n_leases;
        for (size_t i = 0; i < n; i++)
            settles[i] = fx_result(fx->leases[i].lease_id, fx->leases[i].job_id, pk,
                                   fx->leases[i].job_id == fail ? class : QR_CLASS_NONE);
        fx_settle_many(fx, settles, answers, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(answers[i].code, QR_ACK_COMMITTED);
    }
}

static void the_same_run_is_joined_and_a_later_one_takes_what_changed(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    bool joined;
    int64_t first = create(conn, "root://t/join", false, &joined);
    struct qr_run_listings listings = {0};
    struct qr_enqueue_result result;
    struct qr_new_job jobs[] = {
        {.uri = "root://t/join/a", .type = "text", .bytes = 1, .modified_ms = 1000},
        {.uri = "root://t/join/b", .type = "text", .bytes = 2, .modified_ms = 2000}};

    assert_false(joined);
    assert_int_equal(create(conn, "root://t/join", false, &joined), first);
    assert_true(joined);
    const char *const roots[] = {"t"};
    const char *const others[] = {"elsewhere"};
    fx_sql("INSERT INTO coordinators (instance, host) VALUES ('peer', 'h')");
    assert_ok(qr_run_take_listings(conn, qr_db_coordinator_id(fx->db), others, 1, &listings, &err),
              &err);
    assert_int_equal(listings.n, 0); /* the peer may have that root */
    qr_run_listings_done(&listings);
    assert_ok(qr_run_take_listings(conn, qr_db_coordinator_id(fx->db), roots, 1, &listings, &err),
              &err);
    assert_int_equal(listings.n, 1);
    assert_int_equal(listings.list[0].run_id, first);
    assert_string_equal(listings.list[0].source, "root://t/join");
    assert_int_equal(listings.list[0].n_types, 2);
    qr_run_listings_done(&listings);
    assert_ok(qr_run_take_listings(conn, 999999, roots, 1, &listings, &err), &err);
    assert_int_equal(listings.n, 0); /* its lister lives */
    qr_run_listings_done(&listings);

    assert_ok(qr_enqueue(conn, first, jobs, 2, &result, &err), &err);
    assert_int_equal(result.inserted, 2);
    uint64_t pk = fx_session(fx, "w-join", 1);
    work_off(fx, pk, 0, QR_CLASS_NONE);
    Quarry__V1__RunReply *reply = get(conn, first);
    assert_string_equal(reply->run->status, "active"); /* discover holds its token */
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    assert_ok(qr_run_finish_listing(conn, first, &err), &err);
    assert_ok(qr_run_finish_listing(conn, first, &err), &err);
    fx_wait_run(first, "completed");
    reply = get(conn, first);
    assert_string_equal(reply->run->status, "completed");
    assert_int_equal(reply->run->completed, 2);
    assert_int_equal(reply->run->n_types, 1);
    assert_int_equal(reply->run->types[0]->completed, 2);
    quarry__v1__run_reply__free_unpacked(reply, NULL);

    int64_t second = create(conn, "root://t/join", false, &joined);
    assert_false(joined);
    jobs[1].modified_ms = 3000;
    assert_ok(qr_enqueue(conn, second, jobs, 2, &result, &err), &err);
    assert_int_equal(result.inserted, 1);
    assert_int_equal(result.unchanged, 1);
    assert_ok(qr_run_finish_listing(conn, second, &err), &err);
    work_off(fx, pk, 0, QR_CLASS_NONE);
    fx_wait_run(second, "completed");
    int64_t third = create(conn, "root://t/join", true, &joined);
    assert_ok(qr_enqueue(conn, third, jobs, 2, &result, &err), &err);
    assert_int_equal(result.inserted, 2);
    assert_ok(qr_run_fail_listing(conn, third, "the share went away", &err), &err);
    work_off(fx, pk, 0, QR_CLASS_NONE);
    fx_wait_run(third, "failed");
    reply = get(conn, third);
    assert_string_equal(reply->run->status, "failed");
    assert_string_equal(reply->run->discover_error, "the share went away");
    quarry__v1__run_reply__free_unpacked(reply, NULL);
}

static void a_uri_is_in_a_run_once(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("unique", 5);
    struct qr_enqueue_result result;
    char *long_uri = calloc(1, 4001);
    const struct qr_new_job twice[] = {{.uri = "root://t/twice", .type = "text"},
                                       {.uri = "root://t/twice", .type = "text"}};
    const struct qr_new_job bad[] = {{.uri = "root://t/good", .type = "text"},
                                     {.uri = "root://t/\xFF", .type = "text"}};

    (void)state;
    assert_int_equal(fx_enqueue(run, "unique", 0, 8, "text", 0), 3);
    assert_ok(qr_enqueue(conn, run, twice, 2, &result, &err), &err);
    assert_int_equal(result.inserted, 1);
    memset(long_uri, 'x', 4000);
    for (size_t i = 0; i < 4000; i += 7)
        long_uri[i] = (char)('a' + (i * i / 7) % 26);
    const struct qr_new_job far = {.uri = long_uri, .type = "text"};
    assert_ok(qr_enqueue(conn, run, &far, 1, &result, &err), &err);
    assert_int_equal(result.inserted, 1);
    assert_ok(qr_enqueue(conn, run, &far, 1, &result, &err), &err);
    assert_int_equal(result.inserted, 0);
    assert_err(qr_enqueue(conn, run, bad, 2, &result, &err), QR_E_INVALID, &err, "UTF-8");
    assert_err(qr_enqueue(conn, 999999, twice, 2, &result, &err), QR_E_NOT_FOUND, &err, "999999");
    assert_int_equal(fx_i64("SELECT open - 1 FROM run_stages WHERE run_id = %lld", (long long)run),
                     10);
    free(long_uri);
}

static void a_closed_run_ends_with_its_last_job_and_takes_no_more(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("close", 2);
    uint64_t pk = fx_session(fx, "w-close", 1);
    Quarry__V1__RunReply *reply = NULL;
    struct qr_enqueue_result result;
    const struct qr_new_job late = {.uri = "root://t/late", .type = "text"};

    assert_ok(qr_run_close(conn, run, &reply, &err), &err);
    assert_string_equal(reply->run->status, "active");
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    work_off(fx, pk, 0, QR_CLASS_NONE);
    fx_wait_run(run, "completed");
    assert_ok(qr_run_close(conn, run, &reply, &err), &err);
    assert_string_equal(reply->run->status, "completed");
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    assert_err(qr_enqueue(conn, run, &late, 1, &result, &err), QR_E_STALE, &err, "closed");
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE event = 'run.completed' AND "
                            "run_id = %lld",
                            (long long)run),
                     1);
}

static void a_dead_letter_can_be_retried_and_its_history_tells(void **state)
{
    static const char *const want[] = {"created", "leased", "failed",
                                       "retried", "leased", "completed"};
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("letters", 3);
    uint64_t pk = fx_session(fx, "w-letters", 1);
    Quarry__V1__RunReply *closed = NULL;

    int64_t job = fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    work_off(fx, pk, (uint64_t)job, QR_CLASS_PERMISSION);
    assert_ok(qr_run_close(conn, run, &closed, &err), &err);
    quarry__v1__run_reply__free_unpacked(closed, NULL);
    fx_wait_run(run, "completed");
    closed = get(conn, run);
    assert_int_equal(closed->run->failed, 1);
    quarry__v1__run_reply__free_unpacked(closed, NULL);

    Quarry__V1__ListDeadLettersRequest list = QUARRY__V1__LIST_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__ListDeadLettersReply *letters = NULL;
    list.run_id = run;
    assert_ok(qr_dead_letter_list(conn, &list, &letters, &err), &err);
    assert_int_equal(letters->total, 1);
    assert_int_equal(letters->jobs[0]->id, job);
    assert_string_equal(letters->jobs[0]->error_class, "permission");
    assert_string_equal(letters->jobs[0]->last_error, "it broke");
    quarry__v1__list_dead_letters_reply__free_unpacked(letters, NULL);

    Quarry__V1__RetryJobsRequest retry = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *retried = NULL;
    int64_t ids[] = {job, job + 1};
    retry.job_ids = ids;
    retry.n_job_ids = 2;
    assert_ok(qr_job_retry(conn, &retry, &retried, &err), &err);
    assert_int_equal(retried->retried, 1);
    assert_int_equal(retried->n_refused, 1);
    assert_int_equal(retried->refused[0], job + 1);
    quarry__v1__retry_jobs_reply__free_unpacked(retried, NULL);
    Quarry__V1__RunReply *open = get(conn, run);
    assert_string_equal(open->run->status, "active");
    assert_int_equal(open->run->failed, 0);
    assert_int_equal(open->run->pending, 1);
    quarry__v1__run_reply__free_unpacked(open, NULL);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    Quarry__V1__JobReply *held = NULL; /* leased, and not long enough to be mirrored */
    assert_ok(qr_job_get(conn, job, &held, &err), &err);
    assert_string_equal(held->job->worker, "w-letters");
    assert_int_equal(held->job->lease_id, fx->leases[0].lease_id);
    quarry__v1__job_reply__free_unpacked(held, NULL);
    fx_settle(fx, fx_result(fx->leases[0].lease_id, (uint64_t)job, pk, QR_CLASS_NONE));

    Quarry__V1__ListJobEventsReply *events = NULL;
    assert_ok(qr_job_events(conn, job, &events, &err), &err);
    assert_int_equal(events->n_events, QR_COUNT(want));
    for (size_t i = 0; i < QR_COUNT(want); i++)
        assert_string_equal(events->events[i]->event, want[i]);
    assert_string_equal(events->events[1]->worker, "w-letters");
    assert_string_equal(events->events[5]->worker, "w-letters");
    assert_non_null(strstr(events->events[2]->detail, "permission: it broke"));
    quarry__v1__list_job_events_reply__free_unpacked(events, NULL);
    fx_wait_run(run, "completed");
    open = get(conn, run);
    assert_int_equal(open->run->completed, 3);
    quarry__v1__run_reply__free_unpacked(open, NULL);
    assert_int_equal(
        fx_i64("SELECT epoch FROM run_stages WHERE stage = 'extract' AND run_id = %lld",
               (long long)run),
        2);
}

static void jobs_are_listed_page_by_page(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("pages", 25);
    Quarry__V1__ListJobsRequest request = QUARRY__V1__LIST_JOBS_REQUEST__INIT;
    size_t seen = 0;

    (void)state;
    request.run_id = run;
    request.limit = 10;
    request.status = text_of("pending");
    for (bool more = true; more;) {
        Quarry__V1__ListJobsReply *reply = NULL;
        assert_ok(qr_job_list(conn, &request, &reply, &err), &err);
        for (size_t i = 0; i < reply->n_jobs; i++)
            assert_true(reply->jobs[i]->id > request.after_id);
        seen += reply->n_jobs;
        more = reply->more;
        request.after_id = reply->jobs[reply->n_jobs - 1]->id;
        quarry__v1__list_jobs_reply__free_unpacked(reply, NULL);
    }
    assert_int_equal(seen, 25);
    Quarry__V1__JobReply *none = NULL;
    assert_err(qr_job_get(conn, 1 << 30, &none, &err), QR_E_NOT_FOUND, &err, "does not exist");
}

static bool count_lines(void *ctx, const char *data, size_t len)
{
    size_t *lines = ctx;
    assert_int_equal(data[len - 1], '\n');
    for (size_t i = 0; i < len; i++)
        *lines += data[i] == '\n';
    return true;
}

static bool refuse(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return false;
}

static void a_run_is_exported_in_whole_lines(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("export", 120);
    size_t json = 0;
    size_t csv = 0;

    work_off(fx, fx_session(fx, "w-export", 1), 0, QR_CLASS_NONE);
    assert_ok(qr_export(conn, run, "jsonl", count_lines, &json, &err), &err);
    assert_int_equal(json, 120);
    assert_ok(qr_export(conn, run, "csv", count_lines, &csv, &err), &err);
    assert_int_equal(csv, 121);
    assert_err(qr_export(conn, run, "jsonl", refuse, NULL, &err), QR_E_CANCELLED, &err, "gone");
    assert_err(qr_export(conn, run, "xml", count_lines, &csv, &err), QR_E_INVALID, &err, "xml");
    assert_false(qr_conn_in_transaction(conn));
}

static void verify_sees_what_is_missing(void **state)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__VerifyReply *reply = NULL;

    (void)state;
    fx_sql("DELETE FROM ready");
    assert_ok(qr_verify(conn, 9, &reply, &err), &err);
    for (size_t i = 0; i < reply->n_checks; i++)
        if (!reply->checks[i]->ok)
            fail_msg("%s: %s", reply->checks[i]->name, reply->checks[i]->detail);
    quarry__v1__verify_reply__free_unpacked(reply, NULL);
    fx_sql("ALTER TABLE cad_models RENAME COLUMN face_count TO faces; DROP INDEX idx_jobs_claimed");
    size_t wrong = 0;
    assert_ok(qr_verify(conn, 9000, &reply, &err), &err);
    for (size_t i = 0; i < reply->n_checks; i++)
        wrong += !reply->checks[i]->ok;
    assert_int_equal(wrong, 3);
    quarry__v1__verify_reply__free_unpacked(reply, NULL);
    fx_sql("ALTER TABLE cad_models RENAME COLUMN faces TO face_count;"
           "CREATE INDEX idx_jobs_claimed ON extraction_jobs (claimed_by) WHERE claimed_by IS NOT "
           "NULL");
}

static void migrating_twice_changes_nothing(void **state)
{
    struct qr_err err = {0};
    Quarry__V1__MigrateReply *reply = NULL;

    (void)state;
    assert_ok(qr_migrate_url(qr_postgres_url(fx_cluster), 0, &reply, &err), &err);
    assert_int_equal(reply->n_applied, 0);
    assert_int_equal(atoi(reply->schema_version), qr_migrate_newest());
    quarry__v1__migrate_reply__free_unpacked(reply, NULL);
}

/* The SQL that operators have today, as it stands; it lies beside the project where it is worked
 * on. */
static void operators_own_sql_runs(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    static char text[64 * 1024];
    FILE *file = fopen(QUARRY_SOURCE_DIR "/../shared/sql/operators.sql", "re");

    if (!file)
        skip();
    QR_AUTO(qr_conn) conn = fx_conn();
    fx_run("operators", 4);
    work_off(fx, fx_session(fx, "w-operators", 1), 0, QR_CLASS_NONE);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE status = 'completed' AND "
                            "(claimed_by IS NOT NULL OR last_error IS NOT NULL)"),
                     0);
    assert_int_equal(fx_i64("SELECT (SELECT count(*) FILTER (WHERE last_error IS NOT NULL) FROM "
                            "extraction_jobs) = (SELECT sum(failed) FROM run_stages)"),
                     1);
}

static void a_creo_file_has_its_model_from_the_start(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("creo", 0);
    uint64_t pk = fx_session(fx, "w-creo", 1);
    struct qr_enqueue_result result;
    const struct qr_new_job model = {.uri = "root://t/a.prt", .type = "cad"};

    assert_ok(qr_enqueue(conn, run, &model, 1, &result, &err), &err);
    assert_int_equal(fx_i64("SELECT count(*) FROM cad_models WHERE run_id = %lld AND status = "
                            "'pending'",
                            (long long)run),
                     1);
    assert_int_equal(fx_claim_type(fx, pk, 1, "cad", 1), 1);
    fx_settle(fx,
              fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_UNSUPPORTED));
    assert_int_equal(fx_i64("SELECT count(*) FROM cad_models WHERE run_id = %lld AND status = "
                            "'failed'",
                            (long long)run),
                     1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

struct retry_call {
    int64_t job_id;
    uint64_t retried;
};

static void *retry_one(void *arg)
{
    struct retry_call *call = arg;
    struct qr_err err = {0};
    Quarry__V1__RetryJobsRequest retry = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *reply = NULL;
    QR_AUTO(qr_conn) conn = fx_conn();

    retry.job_ids = &call->job_id;
    retry.n_job_ids = 1;
    assert_ok(qr_job_retry(conn, &retry, &reply, &err), &err);
    call->retried = reply->retried;
    quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
    return NULL;
}

/* The run's last job ends, and before that has committed a failed one is retried: the retry waits
 * for the run's counter and must find the run's queues closed behind it. */
static void a_retry_while_the_run_ends_can_be_claimed(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("retry-race", 2);
    uint64_t pk = fx_session(fx, "w-retry-race", 1);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) ending = fx_conn();
    struct qr_stage_change last = {.run_id = run, .open = -1, .completed = 1};
    struct qr_stage_changes changes = {.list = &last, .n = 1, .cap = 1};
    pthread_t thread;

    fx_sql("UPDATE runs SET adding = false WHERE id = %lld", (long long)run);
    fx_sql("UPDATE run_stages SET open = 2 WHERE run_id = %lld", (long long)run);
    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    struct retry_call call = {.job_id = (int64_t)fx->leases[0].job_id};
    fx_settle(fx,
              fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_INVALID_INPUT));
    assert_ok(qr_conn_begin(ending, &err), &err);
    assert_ok(qr_stage_apply(ending, &changes, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, retry_one, &call), 0);
    while (fx_i64("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quarry test' "
                  "AND wait_event_type = 'Lock'") == 0)
        qr_clock_sleep_ms(5);
    assert_ok(qr_conn_commit(ending, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(call.retried, 1);
    assert_int_equal(
        fx_i64("SELECT (status = 'active')::int FROM runs WHERE id = %lld", (long long)run), 1);
    assert_int_equal(fx_claim(fx, pk, 1, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_run_is_joined_and_a_later_one_takes_what_changed),
        TEST(a_uri_is_in_a_run_once),
        TEST(a_retry_while_the_run_ends_can_be_claimed),
        TEST(a_closed_run_ends_with_its_last_job_and_takes_no_more),
        TEST(a_dead_letter_can_be_retried_and_its_history_tells),
        TEST(jobs_are_listed_page_by_page),
        TEST(a_run_is_exported_in_whole_lines),
        TEST(verify_sees_what_is_missing),
        TEST(migrating_twice_changes_nothing),
        TEST(operators_own_sql_runs),
        TEST(a_creo_file_has_its_model_from_the_start),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
