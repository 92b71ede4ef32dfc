/* Suspects and convictions (rule 7). Each test has a job type of its own, so that none claims
 * another's jobs. Run it: ctest --preset dev -R db_suspect_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

/* One life of a worker: a new process with the next start counter, that names these starts. */
struct life {
    uint64_t pk;
    struct fx_lease leases[8];
    size_t n;
};

static const struct qr_db_hello_reply *begin(struct fx *fx, const char *worker, uint64_t counter,
                                             const struct qr_lease_ref *starts, size_t n_starts)
{
    fx->starts = starts;
    fx->n_starts = n_starts;
    const struct qr_db_hello_reply *reply =
        fx_hello(fx, worker, (int)counter, counter, NULL, 0, NULL, 0);
    fx->n_starts = 0;
    assert_int_equal(reply->status, QR_DB_DONE);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    return reply;
}

/* A new life that had started all leases of `before` (NULL: none), and takes what `type` has. */
static struct life live(struct fx *fx, const char *worker, uint64_t counter,
                        const struct life *before, const char *type, size_t expected)
{
    struct qr_lease_ref starts[8];
    struct life life = {.n = 0};

    for (size_t i = 0; before && i < before->n; i++)
        starts[i] = (struct qr_lease_ref){before->leases[i].lease_id, before->leases[i].job_id};
    const struct qr_db_hello_reply *reply =
        begin(fx, worker, counter, starts, before ? before->n : 0);
    life.pk = reply->session_pk;
    life.n = fx_claim_type(fx, life.pk, reply->attach, type, 8);
    assert_int_equal(life.n, expected);
    memcpy(life.leases, fx->leases, life.n * sizeof *life.leases);
    return life;
}

static int64_t run_of(const char *type, size_t n)
{
    int64_t run = fx_run(type, 0);
    assert_int_equal(fx_enqueue(run, type, 0, n, type, 0), n);
    return run;
}

static int64_t of_job(const char *what, uint64_t job_id)
{
    return fx_i64("SELECT (%s)::integer FROM extraction_jobs j WHERE id = %llu", what,
                  (unsigned long long)job_id);
}

static int64_t events(const char *event, uint64_t job_id)
{
    return fx_i64("SELECT count(*) FROM job_events WHERE job_id = %llu AND event = '%s'",
                  (unsigned long long)job_id, event);
}

/* The worker is silent for a ttl: its lease goes back. */
static void expire(struct fx *fx, const struct life *life)
{
    assert_int_equal(fx_return(fx, life->pk, 1, QR_RETURN_EXPIRED, life->leases[0].lease_id,
                               life->leases[0].job_id),
                     QR_DB_DONE);
}

static void rule_7_what_an_earlier_life_had_started_is_a_suspect(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_mark", 3);
    struct life first = live(fx, "w-mark", 1, NULL, "t_mark", 3);

    first.n = 2; /* the third was held, not started */
    struct life second = live(fx, "w-mark", 2, &first, "t_mark", 3);
    assert_int_equal(fx->hello.suspects, 2);
    assert_int_equal(fx->hello.convicted, 0);
    assert_int_equal(of_job("suspects", first.leases[0].job_id), 1);
    assert_int_equal(of_job("suspects", first.leases[1].job_id), 1);
    assert_int_equal(of_job("coalesce(suspects, 0)", second.leases[2].job_id), 0);
    assert_int_equal(events("suspect", first.leases[0].job_id), 1);
    for (size_t i = 0; i < second.n; i++) { /* infrastructure losses use up no attempt */
        assert_int_equal(second.leases[i].attempt, 1);
        assert_false(second.leases[i].alone);
        assert_int_equal(of_job("infra_losses", second.leases[i].job_id), 1);
    }
}

static void rule_7_a_hello_that_comes_again_marks_once(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_again", 1);
    struct life first = live(fx, "w-again", 1, NULL, "t_again", 1);
    const struct qr_lease_ref start = {first.leases[0].lease_id, first.leases[0].job_id};

    (void)begin(fx, "w-again", 2, &start, 1); /* its Welcome is lost */
    (void)begin(fx, "w-again", 2, &start, 1);
    assert_int_equal(fx->hello.suspects, 0);
    (void)begin(fx, "w-again", 3, &start, 1);
    assert_int_equal(of_job("suspects", start.job_id), 1);
}

static void rule_7_marked_twice_runs_alone_and_is_convicted_when_it_kills_alone(void **state)
{
    struct fx *fx = *state;
    int64_t run = run_of("t_guilty", 2);
    struct life life = live(fx, "w-guilty", 1, NULL, "t_guilty", 2);
    uint64_t innocent = life.leases[1].job_id;
    uint64_t guilty = life.leases[0].job_id;

    life = live(fx, "w-guilty", 2, &life, "t_guilty", 2);
    assert_false(life.leases[0].alone);
    life = live(fx, "w-guilty", 3, &life, "t_guilty", 2);
    assert_true(life.leases[0].alone && life.leases[1].alone);
    assert_int_equal(events("alone", guilty), 1);
    assert_int_equal(
        fx_settle(fx, fx_result(life.leases[1].lease_id, innocent, life.pk, QR_CLASS_NONE)).code,
        QR_ACK_COMMITTED);
    life.n = 1; /* alone, so nothing else can have been started */
    (void)live(fx, "w-guilty", 4, &life, "t_guilty", 0);
    assert_int_equal(fx->hello.convicted, 1);
    assert_int_equal(of_job("status = 'failed' AND error_class = 'crash'", guilty), 1);
    assert_int_equal(of_job("retry_count", guilty), 0);
    assert_int_equal(of_job("suspects", guilty), 3);
    assert_int_equal(events("convicted", guilty), 1);
    assert_int_equal(fx_i64("SELECT count(*) FROM dead_letters WHERE job_id = %llu AND "
                            "error_class = 'crash' AND pattern <> ''",
                            (unsigned long long)guilty),
                     1);
    assert_int_equal(fx_i64("SELECT count(*) FROM cloud_files f JOIN extraction_jobs j ON j.file_id"
                            " = f.id WHERE j.id = %llu AND f.extraction_status->>'status' = "
                            "'failed'",
                            (unsigned long long)guilty),
                     1);
    /* the innocent neighbour: done, cleared, without an attempt used */
    assert_int_equal(
        of_job("coalesce(suspects, 0) + coalesce(alone::integer, 0) + retry_count", innocent), 0);
    assert_int_equal(fx_i64("SELECT open * 100 + completed * 10 + failed FROM run_stages WHERE "
                            "run_id = %lld AND stage = 'extract'",
                            (long long)run),
                     111); /* open: the run's own token, it is a manual one */
}

static void rule_7_a_lease_that_was_not_alone_convicts_nobody(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_late", 1);
    struct life a = live(fx, "w-late-a", 1, NULL, "t_late", 1);
    expire(fx, &a);
    struct life b = live(fx, "w-late-b", 1, NULL, "t_late", 1);
    expire(fx, &b);
    struct life c = live(fx, "w-late-c", 1, NULL, "t_late", 1);
    expire(fx, &c);
    uint64_t job = a.leases[0].job_id;

    /* three agents died beside it, before anybody knew: it was alone on none of them */
    (void)begin(fx, "w-late-a", 2, &(struct qr_lease_ref){a.leases[0].lease_id, job}, 1);
    (void)begin(fx, "w-late-b", 2, &(struct qr_lease_ref){b.leases[0].lease_id, job}, 1);
    (void)begin(fx, "w-late-c", 2, &(struct qr_lease_ref){c.leases[0].lease_id, job}, 1);
    assert_int_equal(fx->hello.convicted, 0);
    assert_int_equal(of_job("suspects", job), 3);
    struct life d = live(fx, "w-late-d", 1, NULL, "t_late", 1);
    assert_true(d.leases[0].alone);
    assert_int_equal(fx_settle(fx, fx_result(d.leases[0].lease_id, job, d.pk, QR_CLASS_NONE)).code,
                     QR_ACK_COMMITTED);
    assert_int_equal(of_job("coalesce(suspects, 0) + coalesce(alone::integer, 0)", job), 0);
}

static void rule_7_who_holds_it_now_tries_it_alone_before_it_is_convicted(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_held", 1);
    struct life life = live(fx, "w-held", 1, NULL, "t_held", 1);
    life = live(fx, "w-held", 2, &life, "t_held", 1);
    life = live(fx, "w-held", 3, &life, "t_held", 1);
    assert_true(life.leases[0].alone);
    uint64_t job = life.leases[0].job_id;

    expire(fx, &life); /* its machine is away for long */
    struct life other = live(fx, "w-held-2", 1, NULL, "t_held", 1);
    assert_true(other.leases[0].alone);
    (void)live(fx, "w-held", 4, &life, "t_held", 0);
    assert_int_equal(fx->hello.convicted, 0);
    assert_int_equal(of_job("suspects", job), 3);
    (void)live(fx, "w-held-2", 2, &other, "t_held", 0);
    assert_int_equal(fx->hello.convicted, 1);
    assert_int_equal(of_job("status = 'failed'", job), 1);
}

static void rule_7_only_a_workers_own_unfinished_starts_count(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_own", 3);
    struct life life = live(fx, "w-own", 1, NULL, "t_own", 3);
    const struct fx_lease *l = life.leases;

    (void)fx_settle(fx, fx_result(l[0].lease_id, l[0].job_id, life.pk, QR_CLASS_NONE));
    (void)fx_settle(fx, fx_result(l[1].lease_id, l[1].job_id, life.pk, QR_CLASS_TIMEOUT));
    const struct qr_lease_ref starts[] = {
        {l[0].lease_id, l[0].job_id},  /* completed */
        {l[1].lease_id, l[1].job_id},  /* its failure was committed */
        {l[2].lease_id, l[0].job_id},  /* no such pair */
        {0, l[2].job_id},              /* no lease */
        {UINT64_MAX / 2, l[2].job_id}, /* never given out */
    };
    (void)begin(fx, "w-own", 2, starts, QR_COUNT(starts));
    assert_int_equal(fx->hello.suspects + fx->hello.convicted, 0);
    /* another worker's lease */
    (void)begin(fx, "w-own-2", 1, &(struct qr_lease_ref){l[2].lease_id, l[2].job_id}, 1);
    assert_int_equal(fx->hello.suspects, 0);
    assert_int_equal(of_job("coalesce(suspects, 0)", l[2].job_id), 0);
}

/* The retry waits no longer. */
static void hurry(uint64_t job_id)
{
    fx_sql("UPDATE delayed SET run_at = now() WHERE job_id = %llu", (unsigned long long)job_id);
    for (int i = 0; i < 1000 && fx_i64("SELECT count(*) FROM ready WHERE job_id = %llu",
                                       (unsigned long long)job_id) == 0;
         i++)
        qr_clock_sleep_ms(20);
}

static void rule_7_a_crash_is_retried_once_alone(void **state)
{
    struct fx *fx = *state;
    (void)run_of("t_crash", 1);
    struct life life = live(fx, "w-crash", 1, NULL, "t_crash", 1);
    uint64_t job = life.leases[0].job_id;

    /* an attempt of another class before it takes nothing away from that one retry */
    struct qr_settle answer =
        fx_settle(fx, fx_result(life.leases[0].lease_id, job, life.pk, QR_CLASS_TIMEOUT));
    assert_true(answer.will_retry);
    hurry(job);
    assert_int_equal(fx_claim_type(fx, life.pk, 1, "t_crash", 1), 1);
    assert_false(fx->leases[0].alone);
    answer = fx_settle(fx, fx_result(fx->leases[0].lease_id, job, life.pk, QR_CLASS_CRASH));
    assert_true(answer.will_retry);
    assert_int_equal(of_job("alone", job), 1);
    hurry(job);
    assert_int_equal(fx_claim_type(fx, life.pk, 1, "t_crash", 1), 1);
    assert_true(fx->leases[0].alone);
    assert_int_equal(fx->leases[0].attempt, 3);
    answer = fx_settle(fx, fx_result(fx->leases[0].lease_id, job, life.pk, QR_CLASS_CRASH));
    assert_false(answer.will_retry);
    assert_int_equal(fx_i64("SELECT count(*) FROM dead_letters WHERE job_id = %llu AND "
                            "error_class = 'crash'",
                            (unsigned long long)job),
                     1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_7_what_an_earlier_life_had_started_is_a_suspect),
        TEST(rule_7_a_hello_that_comes_again_marks_once),
        TEST(rule_7_marked_twice_runs_alone_and_is_convicted_when_it_kills_alone),
        TEST(rule_7_a_lease_that_was_not_alone_convicts_nobody),
        TEST(rule_7_who_holds_it_now_tries_it_alone_before_it_is_convicted),
        TEST(rule_7_only_a_workers_own_unfinished_starts_count),
        TEST(rule_7_a_crash_is_retried_once_alone),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
