/* Limits over all coordinators: places, rates, and who does not notice them (rule 8).
 * Run it: ctest --preset dev -R limits_test */
#include <stdlib.h>

#include "coordinator/db/limit.h"
#include "tests/unit/coordinator/db/fixture.h"

enum { TTL_MS = 600000 }; /* nobody renews: two coordinators must not take each other for dead */

static char *text_of(const char *text) { return (char *)(uintptr_t)text; }

static int set_limit(const char *scope, const char *name, int64_t running, double rate,
                     double burst, struct qr_err *err)
{
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__SetLimitRequest request = QUARRY__V1__SET_LIMIT_REQUEST__INIT;
    Quarry__V1__LimitReply *reply = NULL;

    request.scope = text_of(scope);
    request.name = text_of(name);
    request.running = running;
    request.rate = rate;
    request.burst = burst;
    int rc = qr_limit_set(conn, &request, &reply, err);
    if (rc == QR_OK) {
        assert_string_equal(reply->limit->scope, scope);
        assert_int_equal(reply->limit->running_max, running);
        quarry__v1__limit_reply__free_unpacked(reply, NULL);
    }
    return rc;
}

static void limit(const char *scope, const char *name, int64_t running, double rate, double burst)
{
    struct qr_err err = {0};
    assert_ok(set_limit(scope, name, running, rate, burst, &err), &err);
}

static int remove_limit(const char *scope, const char *name)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RemoveLimitRequest request = QUARRY__V1__REMOVE_LIMIT_REQUEST__INIT;
    Quarry__V1__LimitReply *reply = NULL;

    request.scope = text_of(scope);
    request.name = text_of(name);
    int rc = qr_limit_remove(conn, &request, &reply, &err);
    quarry__v1__limit_reply__free_unpacked(reply, NULL);
    return rc;
}

static int64_t holds(void) { return fx_i64("SELECT count(*) FROM limit_holds"); }

static int setup(void **state)
{
    /* leases that other tests left would be counted */
    fx_sql("DELETE FROM limits; DELETE FROM limit_holds; UPDATE run_queues SET limits = NULL;"
           "DELETE FROM live_batches; DELETE FROM ready; DELETE FROM delayed;"
           "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL");
    *state = fx_new_ttl(TTL_MS);
    return 0;
}

/* Whatever was limited is free again, and no place was lost or given back twice. */
static int teardown(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(atomic_load(&fx->db->swept), 0);
    return fx_teardown(state);
}

static void enqueue_uris(int64_t run, const char *host, size_t n)
{
    struct qr_err err = {0};
    struct qr_enqueue_result result;
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_new_job jobs[64];
    char uris[64][100];

    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) {
        snprintf(uris[i], sizeof uris[i], "https://%s/%zu", host, i);
        jobs[i] = (struct qr_new_job){.uri = uris[i], .type = "text"};
    }
    assert_ok(qr_enqueue(conn, run, jobs, n, &result, &err), &err);
}

static void finish(struct fx *fx, uint64_t pk, const struct fx_lease *lease, enum qr_class class)
{
    struct qr_settle answer = fx_settle(fx, fx_result(lease->lease_id, lease->job_id, pk, class));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
}

/* ------------------------------------------------------------------ places */

static void rule_8_no_more_run_than_there_are_places(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-places", 1);
    int64_t run = fx_run("places", 10);
    struct fx_lease first[3];

    (void)run;
    limit("type", "text", 3, 0, 0);
    assert_int_equal(fx_claim(fx, pk, 1, 10), 3);
    assert_true(fx->claim.dry && fx->claim.limited);
    memcpy(first, fx->leases, sizeof first);
    assert_int_equal(holds(), 3);
    assert_int_equal(fx_claim(fx, pk, 1, 10), 0);
    assert_true(fx->claim.limited);
    uint64_t woken = fx_count(fx, &fx->work_available);
    finish(fx, pk, &first[0], QR_CLASS_NONE);
    assert_true(fx_count(fx, &fx->work_available) >
                woken); /* before the answer: who waits is woken */
    assert_int_equal(fx_claim(fx, pk, 1, 10), 1);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, first[1].lease_id, first[1].job_id),
                     QR_DB_DONE);
    assert_int_equal(holds(), 2);
    assert_int_equal(fx_claim(fx, pk, 1, 10), 1);
    assert_int_equal(holds(), 3);
}

/* Each way a lease can end, and each of them a second time and too late. */
static void rule_8_a_place_is_given_back_once_however_its_lease_ends(void **state)
{
    static const enum qr_class classes[] = {QR_CLASS_NONE, QR_CLASS_CONNECTION,
                                            QR_CLASS_INVALID_INPUT, QR_CLASS_CRASH};
    static const enum qr_return_reason reasons[] = {
        QR_RETURN_DECLINED, QR_RETURN_NOT_ACCEPTED, QR_RETURN_STREAM_BROKEN, QR_RETURN_DROPPED,
        QR_RETURN_RELEASED, QR_RETURN_EXPIRED,      QR_RETURN_GOODBYE};
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-ends", 1);

    fx_run("ends", 60);
    limit("type", "text", 2, 0, 0);
    limit("source", "t", 2, 0, 0);
    for (size_t i = 0; i < QR_COUNT(classes); i++) {
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        struct fx_lease lease = fx->leases[0];
        assert_int_equal(holds(), 2);
        finish(fx, pk, &lease, classes[i]);
        assert_int_equal(holds(), 0);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1); /* another has the place now */
        fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, classes[i]));
        fx_return(fx, pk, 1, QR_RETURN_EXPIRED, lease.lease_id, lease.job_id);
        assert_int_equal(holds(), 2);
        finish(fx, pk, &fx->leases[0], QR_CLASS_NONE);
    }
    for (size_t i = 0; i < QR_COUNT(reasons); i++) {
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        struct fx_lease lease = fx->leases[0];
        fx_return(fx, pk, 1, reasons[i], lease.lease_id, lease.job_id);
        assert_int_equal(holds(), 0);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        fx_return(fx, pk, 1, reasons[i], lease.lease_id, lease.job_id);
        fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
        assert_int_equal(holds(), 2);
        finish(fx, pk, &fx->leases[0], QR_CLASS_NONE);
    }
    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    assert_int_equal(holds(), 4);
    fx_hello(fx, "w-ends", 2, 2, NULL, 0, NULL, 0); /* a new process without them */
    assert_int_equal(holds(), 0);
}

struct hauler {
    struct fx *fx;
    uint64_t pk;
    atomic_int *running, *most, *done;
};

static void *haul(void *arg)
{
    struct hauler *h = arg;

    while (atomic_load(h->done) < 400) {
        size_t n = fx_claim(h->fx, h->pk, 1, 4);
        struct fx_lease leases[4];
        memcpy(leases, h->fx->leases, sizeof leases);
        if (n == 0)
            continue;
        int now = atomic_fetch_add(h->running, (int)n) + (int)n;
        for (int most = atomic_load(h->most); now > most;)
            if (atomic_compare_exchange_weak(h->most, &most, now))
                break;
        for (size_t i = 0; i < n; i++) {
            atomic_fetch_sub(h->running, 1); /* before: the place is free with the commit */
            finish(h->fx, h->pk, &leases[i], i % 5 == 4 ? QR_CLASS_INVALID_INPUT : QR_CLASS_NONE);
            atomic_fetch_add(h->done, 1);
        }
    }
    return NULL;
}

static void rule_8_two_coordinators_never_pass_a_limit_together(void **state)
{
    struct fx *fx[2] = {*state, fx_new_ttl(TTL_MS)};
    atomic_int running = 0;
    atomic_int most = 0;
    atomic_int done = 0;
    struct hauler haulers[2];
    pthread_t threads[2];

    fx_run("haul", 500);
    limit("type", "text", 5, 0, 0);
    for (int i = 0; i < 2; i++) {
        haulers[i] = (struct hauler){fx[i], fx_session(fx[i], i ? "w-haul-1" : "w-haul-0", 1),
                                     &running, &most, &done};
        assert_int_equal(pthread_create(&threads[i], NULL, haul, &haulers[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(atomic_load(&most), 1, 5);
    assert_int_equal(holds(), 0);
    assert_int_equal(atomic_load(&fx[1]->db->swept), 0);
    fx_free(fx[1]);
}

static void rule_8_a_limit_counts_what_runs_already_and_can_be_lifted(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-already", 1);
    int64_t run = fx_run("already", 30);
    char name[24];

    snprintf(name, sizeof name, "%lld", (long long)run);
    assert_int_equal(fx_claim(fx, pk, 1, 4), 4);
    struct fx_lease lease = fx->leases[0];
    limit("run", name, 5, 0, 0);
    assert_int_equal(holds(), 4);
    assert_int_equal(fx_claim(fx, pk, 1, 4), 1);
    limit("run", name, 2, 0, 0); /* fewer: those that run stay */
    assert_int_equal(fx_claim(fx, pk, 1, 4), 0);
    finish(fx, pk, &lease, QR_CLASS_NONE);
    assert_int_equal(holds(), 4);
    assert_int_equal(fx_claim(fx, pk, 1, 4), 0);
    assert_int_equal(remove_limit("run", name), QR_OK);
    assert_int_equal(remove_limit("run", name), QR_E_NOT_FOUND);
    assert_int_equal(holds(), 0);
    assert_int_equal(fx_claim(fx, pk, 1, 4), 4);
    assert_int_equal(fx_i64("SELECT count(*) FROM run_queues WHERE limits IS NOT NULL"), 0);
}

static void rule_8_a_place_that_no_lease_holds_is_swept_and_counted(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    QR_AUTO_RESULT rows = NULL;
    struct qr_params params;

    fx_run("sweep", 3);
    limit("type", "text", 2, 0, 0);
    assert_int_equal(fx_claim(fx, fx_session(fx, "w-sweep", 1), 1, 1), 1);
    fx_sql("INSERT INTO limit_holds SELECT 256 * 1000003 + 1, id FROM limits");
    qr_params_init(&params);
    assert_ok(qr_conn_run(conn, QR_SQL_limit_sweep, &params, &rows, &err), &err);
    assert_int_equal(PQntuples(rows), 1);
    assert_int_equal(holds(), 1); /* the one that is held */
}

/* ------------------------------------------------------------------ rates */

static void rule_8_no_more_start_than_the_rate_lets(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-rate", 1);
    int64_t before = fx_i64("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
    size_t started = 0;

    fx_run("rate", 500);
    limit("type", "text", 0, 100, 10);
    for (int i = 0; i < 200 && started < 60; i++) {
        started += fx_claim(fx, pk, 1, 50);
        int64_t now = fx_i64("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
        assert_true((double)started <= 10 + 0.1 * (double)(now - before) + 1);
        if (fx->n_leases == 0)
            assert_in_range(fx->claim.retry_ms, 1, 1000);
    }
    assert_int_equal(holds(), 0); /* a rate takes no places */
    fx_sql("UPDATE limits SET tokens = 0, filled_at = clock_timestamp() - interval '1 minute'");
    while (fx_claim(fx, pk, 1, 50) == 0) /* what was remembered passes */
        ;
    assert_int_equal(fx->n_leases, 10); /* idle time saves a burst, no more */
}

static void rule_8_a_clock_that_is_set_back_does_not_stop_a_rate(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-clock", 1);

    fx_run("clock", 5);
    limit("type", "text", 0, 10, 1);
    fx_sql("UPDATE limits SET tokens = 0, filled_at = clock_timestamp() + interval '1 hour'");
    assert_int_equal(fx_claim(fx, pk, 1, 5), 1);
    assert_int_equal(fx_i64("SELECT count(*) FROM limits WHERE filled_at > clock_timestamp()"), 0);
}

/* ------------------------------------------------------------------ the others */

static void rule_8_what_is_limited_holds_up_nothing_else(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-others", 1);
    int64_t run = fx_run("others", 0);

    limit("source", "slow.example", 1, 0, 0);
    enqueue_uris(run, "slow.example", 20); /* the oldest */
    enqueue_uris(run, "fast.example", 20);
    assert_int_equal(fx_claim(fx, pk, 1, 64), 21);
    size_t slow = 0;
    for (size_t i = 0; i < fx->n_leases; i++)
        slow += strstr(fx->leases[i].uri, "slow.example") != NULL;
    assert_int_equal(slow, 1);
    fx_enqueue(run, "others", 0, 5, "text", 0);
    assert_int_equal(fx_claim(fx, pk, 1, 64), 5);
}

static int64_t heads_buffers(const char *blocked, int64_t *ret_rows)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    QR_AUTO_RESULT result = NULL;
    char text[8000];
    int64_t buffers = -1;

    assert_ok(qr_conn_exec(conn,
                           "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                           "SET enable_hashjoin = off; SET enable_mergejoin = off",
                           &err),
              &err);
    snprintf(text, sizeof text, "PREPARE heads AS %s", qr_sql_text(QR_SQL_claim_heads));
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    snprintf(text, sizeof text,
             "EXPLAIN (ANALYZE, BUFFERS, TIMING off) EXECUTE heads('{text}', '{\"\",t}', '{}', "
             "'{}', '{}', '%s')",
             blocked);
    assert_ok(qr_conn_query(conn, text, &result, &err), &err); /* once: hint bits */
    PQclear(result);
    result = NULL;
    assert_ok(qr_conn_query(conn, text, &result, &err), &err);
    for (int i = 0; i < PQntuples(result); i++) {
        const char *line = PQgetvalue(result, i, 0);
        if (getenv("QUARRY_SHOW_PLAN"))
            print_message("%s\n", line);
        const char *at = strstr(line, "rows=");
        if (i == 0 && at && (at = strstr(at + 5, "rows=")))
            *ret_rows = strtoll(at + 5, NULL, 10);
        if (buffers < 0 && (at = strstr(line, "shared hit=")))
            buffers = strtoll(at + 11, NULL, 10);
    }
    return buffers;
}

/* The pages that a look at the heads touches do not depend on how many jobs wait behind a limit, a
 * closed gate, or for a worker that can. */
static void rule_8_a_claim_never_walks_past_what_may_not_run(void **state)
{
    int64_t few_rows = 0;
    int64_t many_rows = 0;

    fx_sql("UPDATE runs SET status = 'completed' WHERE status = 'active'");
    int64_t limited = fx_run("walk-limited", 5);
    int64_t paused = fx_run("walk-paused", 5);
    int64_t other = fx_run("walk-other", 0);
    char blocked[24];
    char name[24];

    (void)state;
    fx_run("walk-free", 5);
    fx_enqueue(other, "walk-other", 0, 5, "pdf", 0);
    snprintf(name, sizeof name, "%lld", (long long)limited);
    limit("run", name, 1, 0, 0);
    fx_sql("UPDATE runs SET gate = 'paused' WHERE id = %lld", (long long)paused);
    snprintf(blocked, sizeof blocked, "{%lld}", (long long)fx_i64("SELECT id FROM limits"));
    fx_sql("VACUUM ANALYZE ready");
    fx_sql("VACUUM ANALYZE run_queues");
    int64_t few = heads_buffers(blocked, &few_rows);
    for (int i = 0; i < 2; i++) {
        fx_enqueue(limited, "walk-l", (size_t)i * 10000, 10000, "text", 0);
        fx_enqueue(paused, "walk-p", (size_t)i * 10000, 10000, "text", 0);
        fx_enqueue(other, "walk-o", (size_t)i * 10000, 10000, "pdf", 0);
    }
    fx_sql("VACUUM ANALYZE ready");
    fx_sql("VACUUM ANALYZE run_queues");
    int64_t many = heads_buffers(blocked, &many_rows);
    print_message("pages of a look at the heads: %lld with 20 jobs, %lld with 60,020\n",
                  (long long)few, (long long)many);
    assert_int_equal(few_rows, 1);
    assert_int_equal(many_rows, 1);
    assert_in_range(many, 1, few + 4); /* a deeper index, no more */
}

/* ------------------------------------------------------------------ input */

static void bad_limits_are_refused_with_what_to_do(void **state)
{
    static const struct {
        const char *scope, *name;
        int64_t running;
        double rate, burst;
        int code;
        const char *says;
    } cases[] = {
        {"host", "a", 1, 0, 0, QR_E_INVALID, "type=pdf"},
        {"", "a", 1, 0, 0, QR_E_INVALID, "type=pdf"},
        {"type", "", 1, 0, 0, QR_E_INVALID, "1 .. 253"},
        {"type", "no such type!", 1, 0, 0, QR_E_INVALID, "no job type"},
        {"type", "text", 0, 0, 0, QR_E_INVALID, "above zero"},
        {"type", "text", -3, 0, 0, QR_E_INVALID, "outside 1 .."},
        {"type", "text", 2000000, 0, 0, QR_E_INVALID, "outside 1 .."},
        {"type", "text", 0, -1, 0, QR_E_INVALID, "one a day"},
        {"type", "text", 0, 1e9, 0, QR_E_INVALID, "one a day"},
        {"type", "text", 0, 0.0 / 1e300 + 1e-9, 0, QR_E_INVALID, "one a day"},
        {"type", "text", 0, __builtin_nan(""), 0, QR_E_INVALID, "one a day"},
        {"type", "text", 0, __builtin_inf(), 0, QR_E_INVALID, "one a day"},
        {"type", "text", 0, 5, 0.5, QR_E_INVALID, "burst"},
        {"type", "text", 3, 0, 5, QR_E_INVALID, "goes with a rate"},
        {"run", "abc", 1, 0, 0, QR_E_INVALID, "no number"},
        {"run", "12x", 1, 0, 0, QR_E_INVALID, "no number"},
        {"run", "-1", 1, 0, 0, QR_E_INVALID, "no number"},
        {"run", "99999999", 1, 0, 0, QR_E_NOT_FOUND, "does not exist"},
        {"source", "https://x.example/a", 1, 0, 0, QR_E_INVALID, "without scheme"},
        {"source", "Files.Example", 1, 0, 0, QR_E_INVALID, "small letters"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_err err = {0};
        assert_int_equal(set_limit(cases[i].scope, cases[i].name, cases[i].running, cases[i].rate,
                                   cases[i].burst, &err),
                         cases[i].code);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("case %zu says: %s", i, err.msg);
    }
    assert_int_equal(fx_i64("SELECT count(*) FROM limits"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_8_no_more_run_than_there_are_places),
        TEST(rule_8_a_place_is_given_back_once_however_its_lease_ends),
        TEST(rule_8_two_coordinators_never_pass_a_limit_together),
        TEST(rule_8_a_limit_counts_what_runs_already_and_can_be_lifted),
        TEST(rule_8_a_place_that_no_lease_holds_is_swept_and_counted),
        TEST(rule_8_no_more_start_than_the_rate_lets),
        TEST(rule_8_a_clock_that_is_set_back_does_not_stop_a_rate),
        TEST(rule_8_what_is_limited_holds_up_nothing_else),
        TEST(rule_8_a_claim_never_walks_past_what_may_not_run),
        TEST(bad_limits_are_refused_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
