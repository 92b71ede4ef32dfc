/* Stages of a run behind extract: rules of docs/protocol.md "Stages of a run".
 * Run it: ctest --preset dev -R stage_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/run_stage.h"
#include "tests/unit/coordinator/db/fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

/* A manual run whose jobs are in and which takes no more. */
static int64_t closed_run(const char *name, size_t n)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RunReply *reply = NULL;
    int64_t run = fx_run(name, n);

    assert_ok(qr_run_close(conn, run, &reply, &err), &err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return run;
}

static void work_off(struct fx *fx, uint64_t pk, enum qr_class class)
{
    while (fx_claim(fx, pk, 1, 64) > 0) {
        size_t n = fx->n_leases;
        for (size_t i = 0; i < n; i++)
            fx_settle(fx, fx_result(fx->leases[i].lease_id, fx->leases[i].job_id, pk, class));
    }
}

static void retry(int64_t job)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RetryJobsRequest request = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *reply = NULL;

    request.job_ids = &job;
    request.n_job_ids = 1;
    assert_ok(qr_job_retry(conn, &request, &reply, &err), &err);
    assert_int_equal(reply->retried, 1);
    quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
}

static int64_t epoch_of(int64_t run, const char *stage)
{
    return fx_i64("SELECT coalesce((SELECT epoch FROM run_stages WHERE run_id = %lld AND stage = "
                  "'%s'), 0)",
                  (long long)run, stage);
}

static int64_t done_of(int64_t run, const char *stage)
{
    return fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND stage = '%s' AND status "
                  "= 'completed' AND NOT superseded AND NOT partial",
                  (long long)run, stage);
}

/* Keep every coordinator from the work of stages: jobs wait behind a run that is closed to claims
 * alone would not do, so their turn is put off. */
static void hold_stages(int64_t run)
{
    fx_sql("CREATE OR REPLACE FUNCTION hold_stages() RETURNS trigger LANGUAGE plpgsql AS "
           "'BEGIN NEW.run_at := now() + interval ''1 hour''; RETURN NEW; END';"
           "CREATE TRIGGER hold_stages BEFORE INSERT ON stage_jobs FOR EACH ROW WHEN (NEW.run_id = "
           "%lld) EXECUTE FUNCTION hold_stages()",
           (long long)run);
}

static void let_stages_go(int64_t run)
{
    fx_sql("DROP TRIGGER hold_stages ON stage_jobs; UPDATE stage_jobs SET run_at = now() WHERE "
           "run_id = %lld",
           (long long)run);
}

static void stages_each_stage_is_worked_on_once_and_then_the_run_ends(void **state)
{
    static const char *const stages[] = {"link", "index", "report"};
    struct fx *fx = *state;
    int64_t run = closed_run("stages", 6);

    work_off(fx, fx_session(fx, "w-stages", 1), QR_CLASS_NONE);
    fx_wait_run(run, "completed");
    for (size_t i = 0; i < QR_COUNT(stages); i++) {
        assert_int_equal(done_of(run, stages[i]), 1);
        assert_int_equal(epoch_of(run, stages[i]), 1);
    }
    assert_int_equal(fx_i64("SELECT sum(open) FROM run_stages WHERE run_id = %lld", (long long)run),
                     0);
    assert_int_equal(fx_i64("SELECT (report #>> '{types,text,completed}')::int FROM run_reports "
                            "WHERE run_id = %lld",
                            (long long)run),
                     6);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RunReply *reply = NULL;
    assert_ok(qr_run_get(conn, run, true, &reply, &err), &err);
    assert_int_equal(reply->run->n_stages, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(reply->run->stages[i]->status, "done");
    assert_non_null(strstr(reply->run->report, "elapsed_ms"));
    quarry__v1__run_reply__free_unpacked(reply, NULL);
}

static void stages_who_brings_the_counter_to_zero_makes_the_next_job_with_it(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("trigger", 1);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_stage_change last = {.run_id = run, .open = -1, .completed = 1};
    struct qr_stage_changes changes = {.list = &last, .n = 1, .cap = 1};

    (void)fx;
    assert_ok(qr_conn_begin(conn, &err), &err);
    assert_ok(qr_stage_apply(conn, &changes, &err), &err);
    assert_int_equal(fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld", (long long)run),
                     0); /* not before it commits */
    qr_conn_rollback(conn);
    assert_int_equal(fx_i64("SELECT open FROM run_stages WHERE stage = 'extract' AND run_id = %lld",
                            (long long)run),
                     1);
    assert_ok(qr_conn_begin(conn, &err), &err);
    assert_ok(qr_stage_apply(conn, &changes, &err), &err);
    assert_ok(qr_conn_commit(conn, &err), &err);
    fx_wait_run(run, "completed");
    assert_int_equal(done_of(run, "link"), 1);
}

static void stages_a_retry_reopens_with_the_next_epoch(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("epochs", 3);
    uint64_t pk = fx_session(fx, "w-epochs", 1);

    work_off(fx, pk, QR_CLASS_PERMISSION);
    fx_wait_run(run, "completed");
    int64_t job = fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    retry(job);
    assert_int_equal(epoch_of(run, "extract"), 2);
    retry(job + 1); /* open already: the same epoch */
    assert_int_equal(epoch_of(run, "extract"), 2);
    fx_wait_run(run, "active");
    work_off(fx, pk, QR_CLASS_NONE);
    fx_wait_run(run, "completed");
    assert_int_equal(done_of(run, "link"), 2);
    assert_int_equal(done_of(run, "report"), 2);
    assert_int_equal(epoch_of(run, "link"), 2);
    assert_int_equal(epoch_of(run, "report"), 2);
    assert_int_equal(fx_i64("SELECT epoch * 100 + (report #>> '{types,text,completed}')::int FROM "
                            "run_reports WHERE run_id = %lld",
                            (long long)run),
                     202);
}

static void stages_a_superseded_job_closes_without_writing(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("superseded", 2);
    uint64_t pk = fx_session(fx, "w-superseded", 1);

    hold_stages(run);
    work_off(fx, pk, QR_CLASS_PERMISSION);
    assert_int_equal(
        fx_i64("SELECT input_epoch FROM stage_jobs WHERE run_id = %lld", (long long)run), 1);
    retry(fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run));
    work_off(fx, pk, QR_CLASS_NONE);
    assert_int_equal(fx_i64("SELECT open FROM run_stages WHERE stage = 'link' AND run_id = %lld",
                            (long long)run),
                     2); /* of epoch 1 and of epoch 2 */
    let_stages_go(run);
    fx_wait_run(run, "completed");
    assert_int_equal(fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND stage = "
                            "'link' AND superseded AND written = 0",
                            (long long)run),
                     1);
    assert_int_equal(done_of(run, "link"), 1);
    assert_int_equal(done_of(run, "index"), 1);
    assert_int_equal(done_of(run, "report"), 1);
}

static void stages_a_dead_coordinators_work_is_taken_over(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("takeover", 2);

    hold_stages(run);
    work_off(fx, fx_session(fx, "w-takeover", 1), QR_CLASS_NONE);
    int64_t peer = fx_i64("INSERT INTO coordinators (instance, host) VALUES ('peer', 'h') "
                          "RETURNING id");
    fx_sql("UPDATE stage_jobs SET status = 'processing', coordinator_id = %lld, lease_id = "
           "nextval('lease_ids'), attempts = 1 WHERE run_id = %lld",
           (long long)peer, (long long)run);
    let_stages_go(run);
    qr_clock_sleep_ms(1000); /* some looks of the living one: the peer is not over */
    assert_int_equal(done_of(run, "link"), 0);
    fx_sql("UPDATE coordinators SET stopped_at = now() WHERE id = %lld", (long long)peer);
    fx_wait_run(run, "completed");
    assert_int_equal(done_of(run, "link"), 1);
    assert_int_equal(
        fx_i64("SELECT attempts FROM stage_jobs WHERE run_id = %lld AND stage = 'link'",
               (long long)run),
        2);
}

static void stages_an_early_one_is_extra_and_does_not_use_up_the_trigger(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("early", 3);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t end = qr_clock_ms() + 60000;

    assert_ok(qr_stage_begin_early(conn, run, "index", NULL, &err), &err);
    while (fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND partial AND status = "
                  "'completed'",
                  (long long)run) == 0 &&
           qr_clock_ms() < end)
        qr_clock_sleep_ms(20);
    assert_int_equal(epoch_of(run, "index"), 0);
    work_off(fx, fx_session(fx, "w-early", 1), QR_CLASS_NONE);
    fx_wait_run(run, "completed");
    assert_int_equal(done_of(run, "index"), 1);
    assert_int_equal(done_of(run, "report"), 1);
    assert_err(qr_stage_begin_early(conn, run, "extract", NULL, &err), QR_E_INVALID, &err, "link");
    assert_err(qr_stage_begin_early(conn, run, "index", NULL, &err), QR_E_NOT_FOUND, &err, "over");
}

static void stages_work_that_keeps_failing_is_closed_and_the_run_goes_on(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("failing", 2);

    fx_sql("ALTER TABLE document_groups RENAME TO document_groups_away");
    work_off(fx, fx_session(fx, "w-failing", 1), QR_CLASS_NONE);
    int64_t end = qr_clock_ms() + 60000;
    while (fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND attempts = 1 AND "
                  "last_error LIKE '%%document_groups%%'",
                  (long long)run) == 0 &&
           qr_clock_ms() < end)
        qr_clock_sleep_ms(20);
    fx_sql("UPDATE stage_jobs SET attempts = 4, run_at = now() WHERE run_id = %lld",
           (long long)run);
    while (fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND status = 'failed'",
                  (long long)run) == 0 &&
           qr_clock_ms() < end)
        qr_clock_sleep_ms(20);
    fx_sql("ALTER TABLE document_groups_away RENAME TO document_groups");
    fx_wait_run(run, "completed"); /* the report needs that table too */
    assert_int_equal(fx_i64("SELECT failed FROM run_stages WHERE stage = 'link' AND run_id = %lld",
                            (long long)run),
                     1);
    assert_int_equal(done_of(run, "index"), 1);
}

static void stages_documents_are_linked_by_name_and_by_number(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_enqueue_result result;
    int64_t run = fx_run("linked", 0);
    static const struct qr_new_job jobs[] = {
        {.uri = "root://t/linked/a/Part.dxf", .type = "text"},
        {.uri = "root://t/linked/a/part.pdf", .type = "text"},
        {.uri = "root://t/linked/b/part.pdf", .type = "text"},
        {.uri = "root://t/linked/b/x1.pdf", .type = "text"},
        {.uri = "root://t/linked/c/x2.pdf", .type = "text"},
    };
    Quarry__V1__RunReply *reply = NULL;

    assert_ok(qr_enqueue(conn, run, jobs, QR_COUNT(jobs), &result, &err), &err);
    hold_stages(run);
    work_off(fx, fx_session(fx, "w-linked", 1), QR_CLASS_NONE);
    assert_ok(qr_run_close(conn, run, &reply, &err), &err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    fx_sql("INSERT INTO extracted_metadata (job_id, file_id, run_id, title_block) SELECT j.id, "
           "j.file_id, j.run_id, '{\"drawing_number\": \"QX 4711\"}' FROM extraction_jobs j JOIN "
           "cloud_files f ON f.id = j.file_id WHERE f.name IN ('x1.pdf', 'x2.pdf') AND j.run_id = "
           "%lld ON CONFLICT (job_id) DO UPDATE SET title_block = excluded.title_block;"
           "UPDATE cloud_files SET sha256 = convert_to(name, 'UTF8') WHERE name IN ('x1.pdf', "
           "'x2.pdf');"
           "UPDATE extracted_pages SET search = NULL",
           (long long)run);
    let_stages_go(run);
    for (int i = 0; i < 2; i++) { /* index and report are held back no more */
        fx_wait_run(run, "completed");
    }
    assert_int_equal(fx_i64("SELECT count(*) FROM document_groups WHERE run_id = %lld AND kind = "
                            "'name' AND NOT needs_review AND (SELECT count(*) FROM "
                            "document_group_members m WHERE m.group_id = id) = 2",
                            (long long)run),
                     1);
    assert_int_equal(fx_i64("SELECT count(*) FROM document_groups WHERE run_id = %lld AND kind = "
                            "'drawing_number' AND key = 'QX4711' AND needs_review",
                            (long long)run),
                     1);
    assert_int_equal(fx_i64("SELECT count(*) FROM extracted_pages WHERE search IS NULL AND text <> "
                            "''"),
                     0);
    fx_sql("SELECT 1");
    assert_int_equal(
        fx_i64("SELECT count(*) FROM document_groups WHERE run_id = %lld", (long long)run), 2);
}

/* Pages stored before they had a search vector: by the thousand, in pieces that each commit. */
static void stages_index_goes_through_old_pages_in_pieces(void **state)
{
    struct fx *fx = *state;
    int64_t run = closed_run("pieces", 1);

    hold_stages(run);
    fx_sql("INSERT INTO extracted_pages (job_id, page, text) SELECT id, i, 'page ' || i FROM "
           "extraction_jobs, "
           "generate_series(1, 1700) i WHERE run_id = %lld",
           (long long)run);
    work_off(fx, fx_session(fx, "w-pieces", 1), QR_CLASS_NONE);
    let_stages_go(run);
    fx_wait_run(run, "completed");
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extracted_pages WHERE search IS NULL AND text <> ''"), 0);
    assert_int_equal(
        fx_i64("SELECT written FROM stage_jobs WHERE stage = 'index' AND run_id = %lld",
               (long long)run),
        1700);
    assert_true(fx_i64("SELECT count(DISTINCT e.xmin::text) FROM extracted_pages e JOIN "
                       "extraction_jobs j ON j.id = "
                       "e.job_id WHERE j.run_id = %lld",
                       (long long)run) >= 4);
}

/* link is one statement over all files of a run: longer than other statements may take. */
static void stages_may_take_longer_than_other_statements(void **state)
{
    (void)state;
    fx_free(*state);
    struct fx *fx = fx_new_timeout(600);
    int64_t run = closed_run("long", 1);

    *state = fx;
    fx_sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); "
        "RETURN NULL; END';"
        "CREATE TRIGGER slow AFTER INSERT ON document_groups FOR EACH STATEMENT EXECUTE FUNCTION "
        "slow()");
    work_off(fx, fx_session(fx, "w-long", 1), QR_CLASS_NONE);
    fx_wait_run(run, "completed");
    fx_sql("DROP TRIGGER slow ON document_groups; DROP FUNCTION slow()");
    assert_int_equal(done_of(run, "link"), 1);
    assert_int_equal(
        fx_i64("SELECT attempts FROM stage_jobs WHERE run_id = %lld AND stage = 'link'",
               (long long)run),
        1);
}

/* A coordinator that stops does not wait for that: another one does it again. */
static void stages_that_take_long_end_with_the_coordinator(void **state)
{
    struct fx *fx = fx_new();
    int64_t run = closed_run("stops", 1);
    int64_t end = qr_clock_ms() + 60000;

    fx_free(*state);
    fx_sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); "
        "RETURN NULL; END';"
        "CREATE TRIGGER slow AFTER INSERT ON document_groups FOR EACH STATEMENT EXECUTE FUNCTION "
        "slow()");
    work_off(fx, fx_session(fx, "w-stops", 1), QR_CLASS_NONE);
    while (fx_i64("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 0 &&
           qr_clock_ms() < end)
        qr_clock_sleep_ms(20);
    fx_free(fx);
    assert_int_equal(done_of(run, "link"), 0); /* not waited for */
    while (fx_i64("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") > 0 &&
           qr_clock_ms() < end)
        qr_clock_sleep_ms(20);
    assert_int_equal(done_of(run, "link"), 0); /* nor did the server go on with it */
    fx_sql("DROP TRIGGER slow ON document_groups; DROP FUNCTION slow()");
    *state = fx_new();
    fx_wait_run(run, "completed");
    assert_int_equal(done_of(run, "link"), 1);
}

static void stages_a_cancelled_run_triggers_none(void **state)
{
    int64_t run = fx_run("cancelled", 0);

    (void)state;
    fx_sql("UPDATE runs SET gate = 'cancelled', adding = false WHERE id = %lld", (long long)run);
    fx_sql("UPDATE run_stages SET open = 0, closed = true WHERE run_id = %lld", (long long)run);
    fx_wait_run(run, "cancelled");
    assert_int_equal(fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld", (long long)run),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stages_each_stage_is_worked_on_once_and_then_the_run_ends),
        TEST(stages_who_brings_the_counter_to_zero_makes_the_next_job_with_it),
        TEST(stages_a_retry_reopens_with_the_next_epoch),
        TEST(stages_a_superseded_job_closes_without_writing),
        TEST(stages_a_dead_coordinators_work_is_taken_over),
        TEST(stages_an_early_one_is_extra_and_does_not_use_up_the_trigger),
        TEST(stages_work_that_keeps_failing_is_closed_and_the_run_goes_on),
        TEST(stages_documents_are_linked_by_name_and_by_number),
        TEST(stages_index_goes_through_old_pages_in_pieces),
        TEST(stages_may_take_longer_than_other_statements),
        TEST(stages_that_take_long_end_with_the_coordinator),
        TEST(stages_a_cancelled_run_triggers_none),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
