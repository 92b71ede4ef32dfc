/* The order of work: priority, shares, sources (rule 8).
 * Run it: ctest --preset dev -R order_test */
#include <stdlib.h>

#include "tests/unit/coordinator/db/fixture.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_8_each_source_has_its_own_queue),
        TEST(rule_8_the_queues_of_a_run_are_bounded),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
