/* Results that take long to store: they neither hold up the others, nor the lane for ever.
 * Triggers that sleep stand for indexes and text search that take their time.
 * Run it: ctest --preset dev -R db_slow_test */
#include <signal.h>
#include <stdlib.h>

#include "common/clock.h"
#include "quarry/v1/record.pb-c.h"
#include "tests/unit/coordinator/db/fixture.h"

enum { TIMEOUT_MS = 9000, LANE_MS = TIMEOUT_MS / 3 };

/* A result with a record of `n` pages of `bytes` each, which begin with `text`. */
static struct qr_settle *with_pages(const struct fx_lease *lease, uint64_t pk, const char *text,
                                    size_t n, size_t bytes)
{
    Quarry__V1__ExtractionRecord record = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__Page *pages = calloc(n, sizeof *pages);
    Quarry__V1__Page **list = calloc(n, sizeof *list);
    char *body = calloc(1, bytes + 1);
    struct qr_settle *settle = fx_result(lease->lease_id, lease->job_id, pk, QR_CLASS_NONE);

    assert_true(pages && list && body);
    memset(body, 'x', bytes);
    for (size_t i = 30; i < bytes; i += 30)
        body[i] = ' '; /* words of a length that a search vector takes */
    for (size_t i = 0; i < bytes && text[i]; i++)
        body[i] = text[i];
    for (size_t i = 0; i < n; i++) {
        pages[i] = (Quarry__V1__Page)QUARRY__V1__PAGE__INIT;
        pages[i].number = (uint32_t)i + 1;
        pages[i].text = body;
        list[i] = &pages[i];
    }
    record.type = (char *)(uintptr_t) "text";
    record.pages = list;
    record.n_pages = n;
    settle->record_len = quarry__v1__extraction_record__get_packed_size(&record);
    settle->record = malloc(settle->record_len);
    assert_non_null(settle->record);
    quarry__v1__extraction_record__pack(&record, settle->record);
    free(body);
    free(list);
    free(pages);
    return settle;
}

static void sleep_on_insert(const char *each, const char *body)
{
    fx_sql(
        "CREATE SEQUENCE statements;"
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM nextval('statements'); %s RETURN NULL; END $$;"
        "CREATE TRIGGER slow AFTER INSERT ON extracted_pages FOR EACH %s EXECUTE FUNCTION slow()",
        body, each);
}

static void sleep_no_more(void)
{
    fx_sql("DROP TRIGGER slow ON extracted_pages; DROP FUNCTION slow; DROP SEQUENCE statements");
}

static int setup(void **state)
{
    fx_sql("DROP TRIGGER IF EXISTS slow ON extracted_pages; DROP FUNCTION IF EXISTS slow;"
           "DROP SEQUENCE IF EXISTS statements;"
           "DELETE FROM ready; DELETE FROM delayed;"
           "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL");
    *state = fx_new_timeout(TIMEOUT_MS);
    return 0;
}

/* Each statement has its own time-out; all of them together take longer than one. */
static void a_large_result_takes_several_statements(void **state)
{
    enum { PAGES = 24, BYTES = 50000 };
    struct fx *fx = *state;
    fx_run("large", 1);
    uint64_t pk = fx_session(fx, "w-large", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    sleep_on_insert("STATEMENT", "PERFORM pg_sleep(1);");
    struct qr_settle answer = fx_settle(fx, with_pages(&fx->leases[0], pk, "large", PAGES, BYTES));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_true(fx_i64("SELECT last_value FROM statements") * 1000 > LANE_MS);
    sleep_no_more();
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extracted_pages WHERE job_id = %llu AND length(text) = %d",
               (unsigned long long)fx->leases[0].job_id, BYTES),
        PAGES);
}

/* Sends `settles` again and again until each has an answer; how many rounds that took. */
static int settle_all(struct fx *fx, uint64_t pk, struct qr_settle *answers, size_t n, size_t slow)
{
    int rounds = 0;

    for (size_t left = n; left > 0 && rounds < 20; rounds++) {
        struct qr_settle *settles[16];
        struct qr_settle found[16];
        size_t which[16];
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (answers[i].code == 0) {
                which[k] = i;
                settles[k++] = i == slow ? with_pages(&fx->leases[i], pk, "slow", 2, 5000)
                                         : with_pages(&fx->leases[i], pk, "quick", 1, 50);
            }
        fx_settle_many(fx, settles, found, k);
        for (size_t i = 0; i < k; i++) {
            answers[which[i]] = found[i];
            left -= found[i].code != 0;
        }
        qr_db_renew(fx->db); /* as the engine does all the time */
        qr_clock_sleep_ms(100);
    }
    return rounds;
}

static void a_result_that_is_never_stored_in_time_fails_alone(void **state)
{
    enum { N = 12, SLOW = 5 };
    struct fx *fx = *state;
    struct qr_settle answers[N] = {{.code = 0}};
    int64_t run = fx_run("never", N);
    uint64_t pk = fx_session(fx, "w-never", 1);

    assert_int_equal(fx_claim(fx, pk, 1, N), N);
    sleep_on_insert("ROW", "IF NEW.text LIKE 'slow%%' THEN PERFORM pg_sleep(60); END IF;");
    assert_in_range(settle_all(fx, pk, answers, N, SLOW), 1, 19);
    sleep_no_more();
    for (size_t i = 0; i < N; i++)
        assert_int_equal(answers[i].code, i == SLOW ? QR_ACK_REJECTED : QR_ACK_COMMITTED);
    assert_int_equal(answers[SLOW].reject_class, QR_CLASS_RESOURCE);
    assert_non_null(strstr(answers[SLOW].reject_message, "not stored within"));
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     N - 1);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters WHERE run_id = %lld", (long long)run), 1);
}

/* When the database is slow, and not one result: halves are stored, nobody is rejected. */
static void a_slow_database_stores_smaller_batches(void **state)
{
    enum { N = 12 };
    struct fx *fx = *state;
    struct qr_settle answers[N] = {{.code = 0}};
    int64_t run = fx_run("slow", N);
    uint64_t pk = fx_session(fx, "w-slow", 1);

    assert_int_equal(fx_claim(fx, pk, 1, N), N);
    sleep_on_insert("ROW", "PERFORM pg_sleep(0.5);");
    assert_in_range(settle_all(fx, pk, answers, N, N), 1, 19);
    sleep_no_more();
    for (size_t i = 0; i < N; i++)
        assert_int_equal(answers[i].code, QR_ACK_COMMITTED);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     N);
}

/* A server that stood still had half of a batch: when it goes on, that must not lock anybody out.
 */
static void a_batch_given_up_leaves_no_locks(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-frozen", 1);

    (void)fx_run("frozen", 2);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    pid_t backend = (pid_t)fx_i64("SELECT pid FROM pg_stat_activity WHERE application_name = "
                                  "'quarry claim' AND state = 'idle'");
    assert_true(backend > 1);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    (void)fx_claim(fx, pk, 1, 1);
    assert_int_not_equal(fx->claim.status, QR_DB_DONE);
    assert_int_equal(kill(backend, SIGCONT), 0);
    assert_int_equal(fx_hello(fx, "w-frozen", 1, 1, NULL, 0, NULL, 0)->status, QR_DB_DONE);
    assert_int_equal(fx->hello.outcome, QR_HELLO_WELCOME);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_result_takes_several_statements),
        TEST(a_result_that_is_never_stored_in_time_fails_alone),
        TEST(a_slow_database_stores_smaller_batches),
        TEST(a_batch_given_up_leaves_no_locks),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
