/* Learned budgets in the database: merged from all coordinators, read by all, kept over restarts
 * (rule 5). Run it: ctest --preset dev -R db_budget_test */
#include "common/clock.h"
#include "coordinator/engine/budget.h"
#include "tests/unit/coordinator/db/fixture.h"

static void learn(struct fx *fx, const char *type, int n, uint64_t ms)
{
    for (int i = 0; i < n; i++)
        qr_budgets_learn(fx->budgets, qr_type_intern(type), 5000, ms, false, 0);
}

/* Until this coordinator knows of `seen` jobs and of its budget, or half a minute. */
static struct qr_budget_view look(struct fx *fx, const char *type, uint64_t seen)
{
    struct qr_budget_view view = {.seen = 0};

    for (int i = 0; i < 600 && (view.seen < seen || !view.learned); i++) {
        qr_clock_sleep_ms(50);
        qr_budgets_look(fx->budgets, qr_type_intern(type), qr_budget_size_class(5000), &view);
    }
    assert_int_equal(view.seen, seen);
    return view;
}

static void rule_5_coordinators_share_what_they_learned(void **state)
{
    struct fx *a = *state;
    struct fx *b = fx_new();
    uint64_t budget, progress;

    learn(a, "t_shared", 60, 20000);
    learn(b, "t_shared", 60, 20000); /* neither has enough alone */
    struct qr_budget_view of_a = look(a, "t_shared", 120);
    struct qr_budget_view of_b = look(b, "t_shared", 120);
    assert_in_range(of_a.budget_ms, 60000, 75000);
    assert_int_equal(of_a.budget_ms, of_b.budget_ms);
    assert_int_equal(of_a.samples, 120);
    assert_int_equal(fx_i64("SELECT budget_ms FROM job_budgets WHERE job_type = 't_shared'"),
                     of_a.budget_ms);
    assert_int_equal(fx_i64("SELECT cardinality(buckets) FROM job_budgets"), QR_BUDGET_BUCKETS);
    fx_free(b);

    b = fx_new(); /* a new process knows it too */
    (void)look(b, "t_shared", 120);
    qr_budgets_get(b->budgets, qr_type_intern("t_shared"), 5000, &budget, &progress);
    assert_int_equal(budget, of_a.budget_ms);
    fx_free(b);
}

static void rule_5_old_jobs_fade_and_the_change_is_stored(void **state)
{
    struct fx *fx = *state;

    learn(fx, "t_fade", 4000, 40000);
    assert_in_range(look(fx, "t_fade", 4000).budget_ms, 120000, 150000);
    uint64_t seen = 4000;
    struct qr_budget_view view = {.samples = 0};
    for (int i = 0; i < 8; i++) {
        learn(fx, "t_fade", 4000, 2000);
        view = look(fx, "t_fade", seen += 4000);
        assert_true(view.samples <= QR_BUDGET_SAMPLES_MAX);
    }
    assert_int_equal(view.budget_ms, 30000);
    assert_int_equal(fx_i64("SELECT budget_ms FROM job_budgets WHERE job_type = 't_fade'"), 30000);
    assert_int_equal(fx_i64("SELECT (SELECT sum(v) FROM unnest(buckets) v) = samples FROM "
                            "job_budgets WHERE job_type = 't_fade'"),
                     1);
}

static void job_show_says_budget_and_why(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn_of(fx);
    Quarry__V1__JobReply *reply = NULL;
    int64_t run = fx_run("t_told", 0);

    assert_int_equal(fx_enqueue(run, "t_told", 0, 1, "t_told", 0), 1);
    int64_t job = fx_i64("SELECT id FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    fx_sql(
        "UPDATE cloud_files f SET bytes = 5000 FROM extraction_jobs j WHERE j.file_id = f.id AND "
        "j.id = %lld",
        (long long)job);
    assert_ok(qr_job_get(conn, job, &reply, &err), &err);
    assert_int_equal(reply->job->budget_ms, 240000);
    assert_non_null(strstr(reply->job->budget_why, "default"));
    quarry__v1__job_reply__free_unpacked(reply, NULL);
    learn(fx, "t_told", 200, 20000);
    struct qr_budget_view view = look(fx, "t_told", 200);
    assert_ok(qr_job_get(conn, job, &reply, &err), &err);
    assert_int_equal(reply->job->budget_ms, view.budget_ms);
    assert_non_null(strstr(reply->job->budget_why, "learned from 200 t_told jobs below 64 KiB"));
    quarry__v1__job_reply__free_unpacked(reply, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_5_coordinators_share_what_they_learned),
        TEST(rule_5_old_jobs_fade_and_the_change_is_stored),
        TEST(job_show_says_budget_and_why),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
