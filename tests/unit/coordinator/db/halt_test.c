/* A run that pauses itself when too many of its jobs fail by no fault of their files.
 * Run it: ctest --preset dev -R halt_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/lifecycle.h"
#include "tests/unit/coordinator/db/fixture.h"

static int setup(void **state)
{
    fx_sql("DELETE FROM ready; DELETE FROM delayed;"
           "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL");
    *state = fx_new_ttl(600000); /* nobody renews */
    return 0;
}

/* Claims `n` jobs and ends them all, `faults` of them with this class, as one batch. */
static void end_jobs(struct fx *fx, uint64_t pk, size_t n, size_t faults, enum qr_class class)
{
    struct qr_settle *settles[256];
    struct qr_settle answers[256];

    assert_true(n <= QR_COUNT(settles));
    assert_int_equal(fx_claim(fx, pk, 1, (uint32_t)n), n);
    for (size_t i = 0; i < n; i++)
        settles[i] = fx_result(fx->leases[i].lease_id, fx->leases[i].job_id, pk,
                               i < faults ? class : QR_CLASS_NONE);
    fx_settle_many(fx, settles, answers, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(answers[i].code, QR_ACK_COMMITTED);
}

static int64_t halts(int64_t run)
{
    return fx_i64("SELECT count(*) FROM job_events WHERE run_id = %lld AND event = 'run.halted'",
                  (long long)run);
}

static bool is_paused(int64_t run)
{
    return fx_i64(
               "SELECT gate = 'paused' AND status = 'paused' AND gate_reason LIKE 'paused itself: "
               "%%' FROM runs WHERE id = %lld",
               (long long)run) == 1;
}

static void resume(int64_t run)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ControlRunRequest request = QUARRY__V1__CONTROL_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run;
    assert_ok(qr_run_control(conn, QR_CONTROL_RESUME, &request, &reply, &err), &err);
    assert_string_equal(reply->run->status, "active");
    assert_string_equal(reply->run->gate_reason, "");
    quarry__v1__run_reply__free_unpacked(reply, NULL);
}

static void a_run_that_fails_too_often_pauses_itself_once(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-halt", 1);
    int64_t run = fx_run("halt", 400);
    struct fx_lease held[30];

    end_jobs(fx, pk, 99, 98, QR_CLASS_PERMISSION); /* too few to tell */
    assert_false(is_paused(run));
    assert_int_equal(fx_claim(fx, pk, 1, 30), 30);
    memcpy(held, fx->leases, sizeof held);
    for (size_t i = 0; i < 30; i++)
        fx_settle(fx, fx_result(held[i].lease_id, held[i].job_id, pk,
                                i % 2 ? QR_CLASS_PERMISSION : QR_CLASS_NONE));
    assert_true(is_paused(run));
    assert_int_equal(halts(run), 1); /* those that ran on failed, too */
    assert_int_equal(atomic_load(&fx->db->halted), 1);
    assert_int_equal(fx_claim(fx, pk, 1, 5), 0);
}

static void the_threshold_itself_is_not_passed_and_the_files_own_faults_do_not_count(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-edge", 1);
    int64_t run = fx_run("edge", 300);

    end_jobs(fx, pk, 100, 20, QR_CLASS_PERMISSION); /* 20 of 100 */
    assert_false(is_paused(run));
    end_jobs(fx, pk, 64, 64, QR_CLASS_INVALID_INPUT);
    end_jobs(fx, pk, 10, 10, QR_CLASS_UNSUPPORTED);
    assert_false(is_paused(run));
    end_jobs(fx, pk, 15, 15, QR_CLASS_PERMISSION); /* 35 of 189 */
    assert_false(is_paused(run));
    end_jobs(fx, pk, 5, 5, QR_CLASS_PERMISSION); /* 40 of 194 */
    assert_true(is_paused(run));
}

static void after_a_resume_only_what_fails_from_then_on_counts(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-again", 1);
    int64_t run = fx_run("again", 500);

    end_jobs(fx, pk, 128, 128, QR_CLASS_PERMISSION);
    assert_true(is_paused(run));
    resume(run);
    end_jobs(fx, pk, 99, 99, QR_CLASS_PERMISSION); /* once more a hundred are waited for */
    assert_false(is_paused(run));
    end_jobs(fx, pk, 1, 1, QR_CLASS_PERMISSION);
    assert_true(is_paused(run));
    assert_int_equal(halts(run), 2);
}

static void a_run_without_a_threshold_goes_on(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-off", 1);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("off", 150);
    Quarry__V1__SetRunRequest request = QUARRY__V1__SET_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run;
    request.halt_at = -1;
    assert_ok(qr_run_set(conn, &request, &reply, &err), &err);
    assert_true(reply->run->halt_at < 0);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    end_jobs(fx, pk, 128, 128, QR_CLASS_PERMISSION);
    assert_false(is_paused(run));
    request.halt_at = 1;
    assert_int_equal(qr_run_set(conn, &request, &reply, &err), QR_E_INVALID);
}

/* Brings jobs into the run without a rest, each call slow. */
struct adding {
    int64_t run;
    int number;
    atomic_bool *stop;
};

static void *add_main(void *arg)
{
    struct adding *adding = arg;
    struct qr_enqueue_result result;
    QR_AUTO(qr_conn) conn = fx_conn();

    for (int i = 0; i < 400 && !atomic_load(adding->stop); i++) {
        struct qr_err err = {0};
        char uri[64];
        snprintf(uri, sizeof uri, "root://t/rest/%d/%d", adding->number, i);
        const struct qr_new_job job = {.uri = uri, .type = "text"};
        assert_ok(qr_enqueue(conn, adding->run, &job, 1, &result, &err), &err);
    }
    return NULL;
}

/* Who brings jobs has the run's row and wants its counter: a settle must not have it the other way
 * round. */
static void a_run_pauses_itself_while_jobs_come_in(void **state)
{
    enum { CALLERS = 3 };
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-rest", 1);
    int64_t run = fx_run("rest", 128);
    atomic_bool stop = false;
    struct adding adding[CALLERS];
    pthread_t threads[CALLERS];
    int64_t before = fx_i64("SELECT sum(deadlocks) FROM pg_stat_database");

    fx_sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "pg_sleep(0.05); RETURN NULL; END';"
        "CREATE TRIGGER slow AFTER INSERT ON extraction_jobs FOR EACH STATEMENT EXECUTE FUNCTION "
        "slow()");
    for (int i = 0; i < CALLERS; i++) {
        adding[i] = (struct adding){.run = run, .number = i, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, add_main, &adding[i]), 0);
    }
    end_jobs(fx, pk, 128, 128, QR_CLASS_PERMISSION);
    bool paused = is_paused(run);
    atomic_store(&stop, true);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    fx_sql("DROP TRIGGER slow ON extraction_jobs; DROP FUNCTION slow()");
    qr_clock_sleep_ms(1500); /* the server counts a little later */
    assert_true(paused);
    assert_int_equal(fx_i64("SELECT sum(deadlocks) FROM pg_stat_database") - before, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_fails_too_often_pauses_itself_once),
        TEST(the_threshold_itself_is_not_passed_and_the_files_own_faults_do_not_count),
        TEST(after_a_resume_only_what_fails_from_then_on_counts),
        TEST(a_run_without_a_threshold_goes_on),
        TEST(a_run_pauses_itself_while_jobs_come_in),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
