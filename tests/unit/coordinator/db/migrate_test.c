/* A database that an earlier program left behind, at schema version 2: jobs that wait, that are
 * leased, that wait for their next attempt, that are paused, failed, done. The migrations since,
 * and then a coordinator that does all the rest. Run it: ctest --preset dev -R migrate_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/verify.h"
#include "tests/unit/coordinator/db/fixture.h"

/* Runs 1 (goes on) and 2 (over). Jobs of run 1: 1 to 3 and 10 wait; 4, 5 and 6 were handed out as
 * leases 1, 2 and 3, of which 5 runs long and 6 is done; 7 waits for its next attempt; 8 has
 * failed; 9 is paused. Of run 2: 11 is done, 12 has failed. */
static const char old_rows[] =
    "INSERT INTO coordinators (instance, host) VALUES ('old', 'h');"
    "INSERT INTO sessions (worker_id, session, start_counter, coordinator_id, types, roots, slots) "
    "VALUES"
    " ('w-old', '\\x01772d6f6c6401010101010101010101', 1, 1, '{text}', '{t}', 4);"
    "INSERT INTO runs (name, source, config_hash, manual, adding, status, finished_at) VALUES"
    " ('goes on', '', 'h1', true, false, 'active', NULL), ('over', '', 'h2', true, false, "
    "'completed', now());"
    "INSERT INTO run_stages (run_id, stage, open, closed, total, completed, failed, paused, "
    "retries) VALUES"
    " (1, 'extract', 8, false, 10, 1, 1, 1, 1), (2, 'extract', 0, true, 2, 1, 1, 0, 0);"
    "INSERT INTO run_shares (run_id) VALUES (1), (2);"
    "INSERT INTO run_queues (run_id, job_type, root, live) VALUES (1, 'text', 't', true),"
    " (1, 'text', '', true), (2, 'text', 't', false);"
    "INSERT INTO cloud_files (uri, root, name, bytes, modified_at)"
    " SELECT CASE i WHEN 10 THEN 'https://files.example/10' ELSE 'root://t/old/' || i END,"
    "        CASE i WHEN 10 THEN '' ELSE 't' END, i::text, 100 + i, '2026-01-02 03:04:05.678+00'"
    "   FROM generate_series(1, 12) i;"
    "INSERT INTO extraction_jobs (run_id, file_id, queue_id, job_type, status, retry_count, "
    "error_class, last_error,"
    "                             completed_at, settled_lease_id, claimed_by, claimed_at, "
    "heartbeat)"
    " SELECT CASE WHEN i > 10 THEN 2 ELSE 1 END, i, CASE WHEN i > 10 THEN 3 WHEN i = 10 THEN 2 "
    "ELSE 1 END, 'text',"
    "        CASE WHEN i = 5 THEN 'processing' WHEN i IN (6, 11) THEN 'completed'"
    "             WHEN i IN (8, 12) THEN 'failed' WHEN i = 9 THEN 'paused' ELSE 'pending' END,"
    "        (i = 7)::int, CASE WHEN i IN (7, 8, 12) THEN 'timeout' END,"
    "        CASE WHEN i IN (8, 12) THEN 'took 17 s' END, CASE WHEN i IN (6, 8, 11, 12) THEN now() "
    "END,"
    "        CASE WHEN i = 6 THEN 3 END, CASE WHEN i = 5 THEN 'w-old' END, CASE WHEN i = 5 THEN "
    "now() END,"
    "        CASE WHEN i = 5 THEN now() END"
    "   FROM generate_series(1, 12) i;"
    "INSERT INTO ready (job_id, queue_id, rank) VALUES (1, 1, 0), (2, 1, 0), (3, 1, 0), (10, 2, 0);"
    "INSERT INTO delayed (job_id, run_at, queue_id, rank) VALUES (7, now(), 1, 0);"
    "INSERT INTO lease_batches (first_lease_id, session_pk, claimed_by, job_ids)"
    " VALUES (nextval('lease_ids'), 1, 1, '{4,5,6}');"
    "INSERT INTO live_batches VALUES (1, 1);"
    "INSERT INTO job_events (event, run_id, job_ids) VALUES ('created', 1, "
    "'{1,2,3,4,5,6,7,8,9,10}');"
    "INSERT INTO dead_letters (job_id, run_id, error_class, message, job_type, retry_count)"
    " VALUES (8, 1, 'timeout', 'took 17 s', 'text', 3), (12, 2, 'timeout', 'took 17 s', 'text', 3);"
    "INSERT INTO extracted_metadata (job_id, file_id, run_id) VALUES (6, 6, 1), (11, 11, 2);"
    "INSERT INTO extracted_pages (job_id, page, text) VALUES (6, 1, 'an old page'), (11, 0, 'an "
    "older page');"
    "INSERT INTO document_groups (kind, name) VALUES ('name', 'of nobody');";

static char *file_text(const char *name)
{
    char path[500];
    char *text = calloc(1, 200000);

    snprintf(path, sizeof path, "%s/coordinator/db/migrations/%s", QUARRY_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(text);
    assert_non_null(file);
    assert_in_range(fread(text, 1, 199999, file), 1, 199998);
    fclose(file);
    return text;
}

static int start_old(void **state)
{
    static const char *const names[] = {"0001_schema.sql", "0002_drawings.sql"};
    struct qr_err err = {0};

    if (fx_cluster_start_empty(state) < 0)
        return -1;
    QR_AUTO(qr_conn) conn = fx_conn();
    assert_ok(qr_conn_exec(
                  conn,
                  "CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
                  " applied_at timestamptz NOT NULL DEFAULT now())",
                  &err),
              &err);
    for (size_t i = 0; i < QR_COUNT(names); i++) {
        char *text = file_text(names[i]);
        assert_ok(qr_conn_exec(conn, text, &err), &err);
        free(text);
        fx_sql("INSERT INTO schema_migrations (version, name) VALUES (%zu, '%s')", i + 1, names[i]);
    }
    assert_ok(qr_conn_exec(conn, old_rows, &err), &err);
    return 0;
}

static int64_t status_of(int64_t job, const char *status)
{
    return fx_i64("SELECT (status = '%s')::int FROM extraction_jobs WHERE id = %lld", status,
                  (long long)job);
}

static void migrate(void)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__MigrateReply *reply = NULL;
    Quarry__V1__VerifyReply *checks = NULL;

    assert_ok(qr_migrate_url(qr_postgres_url(fx_cluster), 0, &reply, &err), &err);
    assert_true(reply->n_applied >= 8);
    quarry__v1__migrate_reply__free_unpacked(reply, NULL);
    assert_ok(qr_verify(conn, 1, &checks, &err), &err);
    for (size_t i = 0; i < checks->n_checks; i++)
        if (!checks->checks[i]->ok)
            fail_msg("%s: %s", checks->checks[i]->name, checks->checks[i]->detail);
    quarry__v1__verify_reply__free_unpacked(checks, NULL);
}

/* All that may be claimed, claimed and completed. */
static size_t work_off(struct fx *fx, uint64_t pk, uint64_t attach)
{
    size_t done = 0;

    while (fx_claim(fx, pk, attach, 64) > 0)
        for (size_t i = 0, n = fx->n_leases; i < n; i++, done++) {
            const struct fx_lease *lease = &fx->leases[i];
            assert_non_null(strstr(lease->uri, "://"));
            assert_int_equal(
                fx_settle(fx, fx_result(lease->lease_id, lease->job_id, pk, QR_CLASS_NONE)).code,
                QR_ACK_COMMITTED);
        }
    return done;
}

static void resume(int64_t job)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ControlJobsRequest request = QUARRY__V1__CONTROL_JOBS_REQUEST__INIT;
    Quarry__V1__ControlJobsReply *reply = NULL;

    request.job_ids = &job;
    request.n_job_ids = 1;
    assert_ok(qr_job_control(conn, QR_CONTROL_RESUME, &request, &reply, &err), &err);
    assert_false(reply->jobs[0]->refused);
    quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
}

static void retry_all(uint64_t want)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RetryDeadLettersRequest request = QUARRY__V1__RETRY_DEAD_LETTERS_REQUEST__INIT;
    Quarry__V1__RetryDeadLettersReply *reply = NULL;

    request.all = true;
    assert_ok(qr_dead_letter_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, want);
    quarry__v1__retry_dead_letters_reply__free_unpacked(reply, NULL);
}

static void a_database_of_version_2_goes_on_where_it_was(void **state)
{
    const struct qr_lease_ref running[] = {{1, 4}};
    struct qr_err err = {0};
    (void)state;

    migrate();
    struct fx *fx = fx_new();
    QR_AUTO(qr_conn) conn = fx_conn_of(fx);
    /* the worker comes back: what it names it keeps, what it does not goes back */
    const struct qr_db_hello_reply *hello = fx_hello(fx, "w-old", 1, 1, running, 1, NULL, 0);
    assert_int_equal(hello->outcome, QR_HELLO_WELCOME);
    assert_int_equal(hello->session_pk, 1);
    assert_int_equal(hello->n_kept, 1);
    assert_int_equal(hello->returned, 1);
    uint64_t attach = hello->attach;
    assert_int_equal(status_of(5, "pending"), 1);
    assert_int_equal(fx_settle(fx, fx_result(2, 5, 1, QR_CLASS_NONE)).code, QR_ACK_STALE);
    assert_int_equal(fx_settle(fx, fx_result(3, 6, 1, QR_CLASS_NONE)).code, QR_ACK_DUPLICATE);
    assert_int_equal(fx_settle(fx, fx_result(1, 4, 1, QR_CLASS_NONE)).code, QR_ACK_COMMITTED);
    /* what may be added is */
    const struct qr_new_job more[] = {{.uri = "https://other.example/a", .type = "text"}};
    struct qr_enqueue_result result;
    assert_ok(qr_enqueue(conn, 1, more, 1, &result, &err), &err);
    assert_int_equal(result.inserted, 1);
    /* everything that waits is handed out once */
    size_t done = 0;
    for (int i = 0; i < 600 && done < 7; i++, qr_clock_sleep_ms(done < 7 ? 100 : 0))
        done += work_off(fx, 1, attach); /* job 7 comes due */
    assert_int_equal(done, 7);           /* 1, 2, 3, 5, 7, 10 and the new one */
    resume(9);
    retry_all(2);
    assert_int_equal(work_off(fx, 1, attach), 3);
    /* the runs end behind their new stages */
    fx_wait_run(1, "completed");
    fx_wait_run(2, "completed");
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE status <> 'completed'"), 0);
    assert_int_equal(fx_i64("SELECT sum(open) FROM run_stages"), 0);
    assert_int_equal(
        fx_i64("SELECT completed FROM run_stages WHERE run_id = 1 AND stage = 'extract'"), 11);
    assert_int_equal(fx_i64("SELECT count(*) FROM run_reports"), 2);
    assert_int_equal(fx_i64("SELECT count(*) FROM extracted_pages WHERE search IS NULL"), 0);
    assert_int_equal(fx_i64("SELECT count(*) FROM document_groups WHERE run_id IS NULL"),
                     1); /* not ours to clear */
    assert_int_equal(fx_i64("SELECT (SELECT count(*) FROM ready) + (SELECT count(*) FROM delayed)"),
                     0);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_of_version_2_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, start_old, fx_cluster_stop);
}
