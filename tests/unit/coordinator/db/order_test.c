/* The order of work: priority, shares, sources (rule 8).
 * Run it: ctest --preset dev -R order_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

enum { TTL_MS = 600000 }; /* nobody renews: two coordinators must not take each other for dead */

static int setup(void **state)
{
    fx_sql("DELETE FROM ready; DELETE FROM delayed;"
           "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL");
    *state = fx_new_ttl(TTL_MS);
    return 0;
}

static void enqueue_uri(int64_t run, const char *uri)
{
    struct qr_err err = {0};
    struct qr_enqueue_result result;
    QR_AUTO(qr_conn) conn = fx_conn();
    const struct qr_new_job job = {.uri = uri, .type = "text"};

    assert_ok(qr_enqueue(conn, run, &job, 1, &result, &err), &err);
    assert_int_equal(result.inserted, 1);
}

static int64_t source_is(int64_t run, const char *uri, const char *source)
{
    return fx_i64("SELECT q.source = '%s' FROM extraction_jobs j JOIN cloud_files f ON f.id = "
                  "j.file_id JOIN run_queues q ON q.id = j.queue_id WHERE j.run_id = %lld AND "
                  "f.uri = '%s'",
                  source, (long long)run, uri);
}

static void rule_8_each_source_has_its_own_queue(void **state)
{
    static const struct {
        const char *uri, *source;
    } cases[] = {
        {"root://t/a", "t"},
        {"https://Files.Example:8443/a/b.pdf", "files.example"},
        {"https://user:p@ss@files.example/c", "files.example"},
        {"http://[::1]:80/x", "[::1]"},
        {"s3://bucket/key@1", "bucket"},
        {"https://host.example?x=1", "host.example"},
        {"upload:17", ""},
        {"https://", ""},
    };
    int64_t run = fx_run("sources", 0);

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        enqueue_uri(run, cases[i].uri);
        assert_int_equal(source_is(run, cases[i].uri, cases[i].source), 1);
    }
    assert_int_equal(fx_i64("SELECT count(*) FROM run_queues WHERE run_id = %lld", (long long)run),
                     6);
}

/* A claim looks at each queue, so a run over the whole world has not as many as hosts. */
static void rule_8_the_queues_of_a_run_are_bounded(void **state)
{
    enum { N = 700 };
    struct qr_err err = {0};
    struct qr_enqueue_result result;
    QR_AUTO(qr_conn) conn = fx_conn();
    int64_t run = fx_run("hosts", 0);
    static char uris[N][64];
    static struct qr_new_job jobs[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(uris[i], sizeof uris[i], "https://h%d.example/f", i);
        jobs[i] = (struct qr_new_job){.uri = uris[i], .type = "text"};
    }
    assert_ok(qr_enqueue(conn, run, jobs, N, &result, &err), &err);
    assert_int_equal(result.inserted, N);
    assert_int_equal(fx_i64("SELECT count(*) FROM run_queues WHERE run_id = %lld", (long long)run),
                     257);
    assert_int_equal(source_is(run, "https://h699.example/f", "*"), 1);
}

/* ------------------------------------------------------------------ shares */

static int64_t weighted(const char *name, double weight, size_t n)
{
    struct qr_err err = {0};
    int64_t run = fx_run(name, n);
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__SetRunRequest request = QUARRY__V1__SET_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run;
    request.weight = weight;
    assert_ok(qr_run_set(conn, &request, &reply, &err), &err);
    assert_true(reply->run->weight == weight);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return run;
}

static int set_priority(int64_t run, int priority)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__SetRunRequest request = QUARRY__V1__SET_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run;
    request.set_priority = true;
    request.priority = priority;
    int rc = qr_run_set(conn, &request, &reply, &err);
    if (rc == QR_OK) {
        assert_int_equal(reply->run->priority, priority);
        quarry__v1__run_reply__free_unpacked(reply, NULL);
    }
    return rc;
}

struct tally {
    int64_t run[4];
    size_t count[4];
};

static void tally(struct tally *t, const struct fx *fx)
{
    for (size_t i = 0; i < fx->n_leases; i++)
        for (size_t k = 0; k < QR_COUNT(t->run); k++)
            t->count[k] += (uint64_t)t->run[k] == fx->leases[i].run_id;
}

/* Within `percent` per cent of what the weights say of `total`. */
static void assert_share(const struct tally *t, size_t k, double weight, double weights,
                         size_t total, double percent)
{
    double want = (double)total * weight / weights;
    double off = ((double)t->count[k] - want) * 100 / want;

    if (off > percent || off < -percent)
        fail_msg("run %zu of weight %g got %zu of %zu jobs, %.1f %% off", k, weight, t->count[k],
                 total, off);
}

static void rule_8_shares_follow_the_weights(void **state)
{
    static const uint32_t sizes[] = {1, 128, 7, 16, 1, 3, 64};
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-weights", 1);
    struct tally t = {.run = {weighted("one", 1, 1200), weighted("two", 2, 1200),
                              weighted("five", 5, 1200), weighted("tenth", 0.1, 1200)}};
    size_t total = 0;

    for (size_t i = 0; total < 1620; i++) {
        total += fx_claim(fx, pk, 1, sizes[i % QR_COUNT(sizes)]);
        tally(&t, fx);
    }
    assert_share(&t, 0, 1, 8.1, total, 2);
    assert_share(&t, 1, 2, 8.1, total, 2);
    assert_share(&t, 2, 5, 8.1, total, 2);
    assert_share(&t, 3, 0.1, 8.1, total, 6); /* of 20 jobs */
}

struct claimer {
    struct fx *fx;
    uint64_t pk;
    struct tally t;
    size_t want, total;
};

static void *claim_many(void *arg)
{
    struct claimer *c = arg;

    while (c->total < c->want) {
        c->total += fx_claim(c->fx, c->pk, 1, 5);
        tally(&c->t, c->fx);
    }
    return NULL;
}

static void rule_8_shares_hold_over_two_coordinators_and_restarts(void **state)
{
    struct fx *fx[2] = {*state, fx_new_ttl(TTL_MS)};
    struct tally t = {.run = {weighted("w1", 1, 2500), weighted("w3", 3, 2500)}};
    size_t total = 0;

    for (int life = 0; life < 3; life++) {
        struct claimer claimers[2];
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) {
            char name[20];
            snprintf(name, sizeof name, "w-two-%d-%d", life, i);
            claimers[i] = (struct claimer){.fx = fx[i],
                                           .pk = fx_session(fx[i], name, 1),
                                           .t = {.run = {t.run[0], t.run[1]}},
                                           .want = 400};
            assert_int_equal(pthread_create(&threads[i], NULL, claim_many, &claimers[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            total += claimers[i].total;
            t.count[0] += claimers[i].t.count[0];
            t.count[1] += claimers[i].t.count[1];
        }
        /* nobody is to adopt what they hold */
        fx_sql("UPDATE sessions SET ended_at = now() WHERE worker_id LIKE 'w-two-%%'");
        fx_free(fx[1]);
        fx[1] = fx_new_ttl(TTL_MS);
    }
    fx_free(fx[1]);
    assert_share(&t, 0, 1, 4, total, 3);
    assert_share(&t, 1, 3, 4, total, 3);
}

static void rule_8_an_idle_run_gets_back_nothing(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-idle", 1);
    struct tally t = {.run = {fx_run("busy", 1500), fx_run("busy too", 1500), fx_run("idle", 1)}};
    struct tally later = {.run = {t.run[0], t.run[1], t.run[2]}};
    size_t total = 0;

    while (total < 1000) {
        total += fx_claim(fx, pk, 1, 20);
        tally(&t, fx);
    }
    assert_int_equal(t.count[2], 1);
    fx_enqueue(t.run[2], "idle", 1, 600, "text", 0);
    total = 0;
    while (total < 300) {
        total += fx_claim(fx, pk, 1, 20);
        tally(&later, fx);
    }
    for (size_t k = 0; k < 3; k++)
        assert_share(&later, k, 1, 3, total, 3);
}

/* What is urgent comes in between, job by job; the others keep their shares meanwhile. */
static void rule_8_priority_is_strict_and_leaves_the_shares_alone(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-strict", 1);
    struct tally t = {
        .run = {weighted("slow", 1, 600), weighted("fast", 3, 600), weighted("urgent", 1, 0)}};
    size_t total = 0;

    for (size_t i = 0; i < 400; i++) {
        fx_enqueue(t.run[2], "urgent", i, 1, "text", 10);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        assert_int_equal(fx->leases[0].run_id, t.run[2]);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        tally(&t, fx);
        total++;
    }
    assert_int_equal(t.count[2], 0);
    assert_share(&t, 0, 1, 4, total, 2);
    assert_share(&t, 1, 3, 4, total, 2);
}

static void rule_8_a_priority_that_is_raised_counts_for_waiting_jobs(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-raise", 1);
    int64_t first = fx_run("raise-a", 4);
    int64_t second = fx_run("raise-b", 4);

    assert_int_equal(set_priority(second, 1), QR_OK);
    assert_int_equal(fx_claim(fx, pk, 1, 4), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fx->leases[i].run_id, second);
    assert_int_equal(set_priority(first, 101), QR_E_INVALID);
    assert_int_equal(set_priority(999999, 1), QR_E_NOT_FOUND);
    fx_sql("UPDATE runs SET status = 'completed' WHERE id = %lld", (long long)first);
    assert_int_equal(set_priority(first, 1), QR_E_STALE);
}

static void rule_8_within_a_run_by_priority_then_job_id(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-ids", 1);
    int64_t run = fx_run("ids", 50);
    uint64_t last = 0;

    fx_enqueue(run, "ids-late", 0, 3, "text", 5);
    for (int round = 0; round < 10; round++) {
        assert_true(fx_claim(fx, pk, 1, 5) > 0);
        for (size_t i = 0; i < fx->n_leases; i++) {
            if (strstr(fx->leases[i].uri, "ids-late")) {
                assert_int_equal(round, 0);
                continue;
            }
            assert_true(fx->leases[i].job_id > last || round == 0);
            last = fx->leases[i].job_id > last ? fx->leases[i].job_id : last;
        }
    }
}

/* Until `n` jobs came: a look from the first entry is not had at any time. */
static void claim_all(struct fx *fx, uint64_t pk, size_t n)
{
    size_t got = 0;

    for (int64_t until = qr_clock_ms() + 30000; got < n && qr_clock_ms() < until;)
        got += fx_claim(fx, pk, 1, 64);
    assert_int_equal(got, n);
    assert_int_equal(fx_claim(fx, pk, 1, 64), 0);
}

/* What is known of a queue's end (claim_floor.c) hides nothing that comes later. */
static void a_queue_that_ran_empty_gives_what_comes_next(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-empty", 1);
    int64_t run = fx_run("empty", 20);

    claim_all(fx, pk, 20);
    for (int round = 0; round < 4; round++) {
        char name[40];
        snprintf(name, sizeof name, "empty-worse-%d", round);
        fx_enqueue(run, name, 0, 3, "text", -5);
        claim_all(fx, pk, 3);
        snprintf(name, sizeof name, "empty-better-%d", round);
        fx_enqueue(run, name, 0, 3, "text", 50);
        qr_db_announce(fx->db, 0);
        claim_all(fx, pk, 3);
    }
}

/* Entries of rows that are gone make the look slow, and nobody here took from that queue before. */
static void a_queue_that_others_emptied_gives_what_comes_next(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-ends", 1);
    int64_t run = fx_run("ends", 1);

    fx_sql("INSERT INTO ready (job_id, queue_id, rank, uri)"
           " SELECT r.job_id - g, r.queue_id, r.rank, 'gone'"
           "   FROM ready r, generate_series(1, 300000) g"
           "  WHERE r.queue_id IN (SELECT id FROM run_queues WHERE run_id = %lld)",
           (long long)run);
    fx_sql("DELETE FROM ready WHERE queue_id IN (SELECT id FROM run_queues WHERE run_id = %lld)",
           (long long)run);
    for (int round = 0; round < 4; round++) {
        char name[40];
        claim_all(fx, pk, 0);
        snprintf(name, sizeof name, "ends-%d", round);
        fx_enqueue(run, name, 0, 5, "text", 10 * (round % 2));
        claim_all(fx, pk, 5);
    }
}

static void send_claim(struct fx *fx, uint64_t pk, const char *type)
{
    const struct qr_type_count want = {qr_type_intern(type), 1};

    qr_db_claim(fx->db,
                &(struct qr_db_claim){
                    .session_pk = pk, .attach = 1, .want = &want, .n_want = 1, .want_total = 1});
}

/* Two claims and one job in the queue whose turn it is (claim_few.c): who gets nothing there gets
 * what the other queue has, in the same request. */
static void a_claim_that_got_nothing_gets_what_is_left(void **state)
{
    struct fx *fx = *state;
    uint64_t blocked = fx_session(fx, "w-few-0", 1);
    uint64_t first = fx_session(fx, "w-few-1", 2);
    uint64_t second = fx_session(fx, "w-few-2", 3);
    int64_t run = fx_run("few", 0);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    char text[80];

    enqueue_uri(run, "https://a.example/few");
    enqueue_uri(run, "https://b.example/few");
    assert_ok(qr_conn_exec(conn, "BEGIN", &err), &err);
    snprintf(text, sizeof text, "SELECT pg_advisory_xact_lock(%lld)",
             (long long)qr_lock_key_session(blocked));
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    uint64_t before = fx_count(fx, &fx->claims);
    send_claim(fx, blocked, "pdf"); /* holds up the lane, and finds the end of the work */
    send_claim(fx, first, "text");
    send_claim(fx, second, "text");
    assert_ok(qr_conn_exec(conn, "COMMIT", &err), &err);
    fx_wait(fx, &fx->claims, before + 3);
    assert_int_equal(fx_i64("SELECT count(*) FROM live_batches WHERE session_pk IN (%lld, %lld)",
                            (long long)first, (long long)second),
                     2);
    assert_int_equal(fx_i64("SELECT count(DISTINCT session_pk) FROM live_batches"
                            " WHERE session_pk IN (%lld, %lld)",
                            (long long)first, (long long)second),
                     2);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready"), 0);
}

/* A few jobs at once, one of which came back: it has more to say than the others. */
static void a_few_jobs_with_one_that_came_back(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-back", 1);
    int64_t run = fx_run("back", 3);
    uint64_t attempts = 0;

    claim_all(fx, pk, 3);
    struct fx_lease back = fx->leases[0]; /* of the last claim that was not empty */
    assert_true(back.run_id == (uint64_t)run);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_STREAM_BROKEN, back.lease_id, back.job_id),
                     QR_DB_DONE);
    fx_enqueue(run, "back-more", 0, 2, "text", 0);
    size_t got = 0;
    for (int64_t until = qr_clock_ms() + 30000; got < 3 && qr_clock_ms() < until;) {
        size_t n = fx_claim(fx, pk, 1, 64);
        for (size_t i = 0; i < n; i++) {
            assert_true(strncmp(fx->leases[i].uri, "root://t/back", 13) == 0);
            attempts += fx->leases[i].attempt;
        }
        got += n;
    }
    assert_int_equal(got, 3);
    assert_int_equal(attempts, 3);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_8_each_source_has_its_own_queue),
        TEST(rule_8_the_queues_of_a_run_are_bounded),
        TEST(rule_8_shares_follow_the_weights),
        TEST(rule_8_shares_hold_over_two_coordinators_and_restarts),
        TEST(rule_8_an_idle_run_gets_back_nothing),
        TEST(rule_8_priority_is_strict_and_leaves_the_shares_alone),
        TEST(rule_8_a_priority_that_is_raised_counts_for_waiting_jobs),
        TEST(rule_8_within_a_run_by_priority_then_job_id),
        TEST(a_queue_that_ran_empty_gives_what_comes_next),
        TEST(a_queue_that_others_emptied_gives_what_comes_next),
        TEST(a_claim_that_got_nothing_gets_what_is_left),
        TEST(a_few_jobs_with_one_that_came_back),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
