/* Bad results among good ones, lost connections, a server that crashes, commits nobody heard of.
 * Run it: ctest --preset dev -R db_trouble_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/lane.h"
#include "quarry/v1/record.pb-c.h"
#include "tests/unit/coordinator/db/fixture.h"

/* A result with a record of `n` pages; `same` gives two of them one number. */
static struct qr_settle *with_pages(const struct fx_lease *lease, uint64_t pk, const char *text,
                                    bool same)
{
    Quarry__V1__ExtractionRecord record = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__Page pages[2] = {QUARRY__V1__PAGE__INIT, QUARRY__V1__PAGE__INIT};
    Quarry__V1__Page *list[2] = {&pages[0], &pages[1]};
    Quarry__V1__Parameter parameter = QUARRY__V1__PARAMETER__INIT;
    Quarry__V1__Parameter *parameters[] = {&parameter};
    struct qr_settle *settle = fx_result(lease->lease_id, lease->job_id, pk, QR_CLASS_NONE);

    pages[0].number = 1;
    pages[1].number = same ? 1 : 2;
    pages[0].text = (char *)(uintptr_t)text;
    pages[0].chars = 3;
    parameter.name = (char *)(uintptr_t) "MASS";
    parameter.value = (char *)(uintptr_t) "12";
    record.type = (char *)(uintptr_t) "text";
    record.pages = list;
    record.n_pages = 2;
    record.parameters = parameters;
    record.n_parameters = 1;
    settle->record_len = quarry__v1__extraction_record__get_packed_size(&record);
    settle->record = malloc(settle->record_len);
    assert_non_null(settle->record);
    quarry__v1__extraction_record__pack(&record, settle->record);
    return settle;
}

static void rule_9_a_bad_result_fails_alone(void **state)
{
    enum { N = 40, BAD = 17, GARBLED = 23 };
    struct fx *fx = *state;
    struct qr_settle *settles[N];
    struct qr_settle answers[N];
    int64_t run = fx_run("bisect", N);
    uint64_t pk = fx_session(fx, "w-bisect", 1);

    assert_int_equal(fx_claim(fx, pk, 1, N), N);
    for (size_t i = 0; i < N; i++)
        settles[i] = with_pages(&fx->leases[i], pk, "abc", i == BAD);
    memset(settles[GARBLED]->record, 0xFF, settles[GARBLED]->record_len);
    fx_settle_many(fx, settles, answers, N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(answers[i].code,
                         i == BAD || i == GARBLED ? QR_ACK_REJECTED : QR_ACK_COMMITTED);
    assert_int_equal(answers[BAD].reject_class, QR_CLASS_INTERNAL);
    assert_non_null(strstr(answers[BAD].reject_message, "duplicate key"));
    assert_non_null(strstr(answers[GARBLED].reject_message, "malformed"));
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     N - 2);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM dead_letters WHERE run_id = %lld", (long long)run), 2);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extracted_pages p JOIN extraction_jobs j ON j.id = "
               "p.job_id WHERE j.run_id = %lld",
               (long long)run),
        2 * (N - 2));
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld AND "
                            "jsonb_array_length(parameters) = 1",
                            (long long)run),
                     N - 2);
}

static void text_that_is_not_utf8_is_made_so(void **state)
{
    struct fx *fx = *state;
    fx_run("utf8", 1);
    uint64_t pk = fx_session(fx, "w-utf8", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct qr_settle answer =
        fx_settle(fx, with_pages(&fx->leases[0], pk, "a\xFF\xC3\xA9\xED\xA0\x80z", false));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_int_equal(
        fx_i64("SELECT text = U&'a\\FFFD\\00E9\\FFFD\\FFFD\\FFFDz' FROM extracted_pages WHERE "
               "job_id = %llu AND page = 1",
               (unsigned long long)fx->leases[0].job_id),
        1);
}

static void lanes_come_back_after_their_connections_were_cut(void **state)
{
    struct fx *fx = *state;
    fx_run("cut", 20);
    uint64_t pk = fx_session(fx, "w-cut", 1);
    size_t claimed = 0;
    size_t committed = 0;

    for (int round = 0; round < 20 && committed < 20; round++) {
        if (round == 3 || round == 6)
            fx_sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                   "application_name LIKE 'quarry %%' AND pid <> pg_backend_pid()");
        claimed += fx_claim(fx, pk, 1, 2);
        size_t n = fx->claim.status == QR_DB_DONE ? fx->n_leases : 0;
        for (size_t i = 0; i < n; i++) {
            struct fx_lease lease = fx->leases[i];
            struct qr_settle answer;
            do {
                answer = fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
            } while (fx->settle_status != QR_DB_DONE);
            assert_true(answer.code == QR_ACK_COMMITTED || answer.code == QR_ACK_DUPLICATE);
            committed++;
        }
        if (fx->claim.status != QR_DB_DONE)
            qr_clock_sleep_ms(100);
    }
    assert_int_equal(claimed, committed);
    assert_int_equal(committed, 20);
}

/* The control lane listens for other coordinators' work on its new connection, too. */
static void a_new_connection_listens_again(void **state)
{
    struct fx *one = *state;
    struct fx *two = fx_new();

    fx_run("listen", 1);
    for (int round = 0; round < 2; round++) {
        uint64_t before = fx_count(two, &two->work_available);
        int64_t deadline = qr_clock_ms() + 30000;
        while (fx_count(two, &two->work_available) == before && qr_clock_ms() < deadline) {
            qr_db_announce(one->db, qr_type_intern("text")); /* it may know of no peer yet */
            qr_clock_sleep_ms(50);
        }
        assert_true(fx_count(two, &two->work_available) > before);
        fx_sql("CREATE TABLE cut AS SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE application_name = 'quarry control'");
        while (fx_i64("SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                      "'quarry control' AND state = 'idle' AND pid NOT IN (SELECT pid FROM cut)") <
               2)
            qr_clock_sleep_ms(20);
        fx_sql("DROP TABLE cut");
    }
    fx_free(two);
}

static void a_server_crash_loses_nothing_that_was_answered(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("crash", 4);
    uint64_t pk = fx_session(fx, "w-crash", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 4), 4);
    struct fx_lease leases[4];
    memcpy(leases, fx->leases, sizeof leases);
    struct qr_settle answer =
        fx_settle(fx, fx_result(leases[0].lease_id, leases[0].job_id, pk, QR_CLASS_NONE));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    fx_cluster_crash();
    for (size_t i = 0; i < 4; i++) {
        do {
            answer =
                fx_settle(fx, fx_result(leases[i].lease_id, leases[i].job_id, pk, QR_CLASS_NONE));
            if (fx->settle_status != QR_DB_DONE)
                qr_clock_sleep_ms(50);
        } while (fx->settle_status != QR_DB_DONE);
        assert_int_equal(answer.code, i == 0 ? QR_ACK_DUPLICATE : QR_ACK_COMMITTED);
    }
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     4);
}

/* The connection breaks at COMMIT: the settle is run again before anything is said. A trigger that
 * cuts its own backend's connection after the work, once, stands for the broken wire. */
static void an_unknown_commit_is_asked_again(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("unknown", 1);
    uint64_t pk = fx_session(fx, "w-unknown", 1);

    fx_sql("CREATE SEQUENCE cuts;"
           "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
           " IF nextval('cuts') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
           " RETURN NULL; END $$;"
           "CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON run_stages DEFERRABLE INITIALLY DEFERRED"
           " FOR EACH ROW EXECUTE FUNCTION cut()");
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct qr_settle answer =
        fx_settle(fx, fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_NONE));
    assert_int_equal(fx->settle_status, QR_DB_DONE);
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_true(fx_i64("SELECT last_value FROM cuts") >= 2);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     1);
    fx_sql("DROP TRIGGER cut ON run_stages; DROP FUNCTION cut; DROP SEQUENCE cuts");
}

static void work_failed(void *arg, int rc, const struct qr_err *err)
{
    int *ret = arg;
    (void)err;
    *ret = rc;
}

static int do_nothing(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    (void)conn;
    (void)arg;
    (void)err;
    return QR_OK;
}

static void a_stopped_database_side_answers_at_once(void **state)
{
    struct fx *fx = *state;
    int rc = 0;

    qr_db_stop(fx->db, 1000);
    fx_claim(fx, 1, 1, 1);
    assert_int_equal(fx->claim.status, QR_DB_FAILED);
    fx_settle(fx, fx_result(1, 1, 1, QR_CLASS_NONE));
    assert_int_equal(fx->settle_status, QR_DB_FAILED);
    assert_int_equal(fx_return(fx, 1, 1, QR_RETURN_DECLINED, 1, 1), QR_DB_FAILED);
    qr_db_submit(fx->db, QR_DB_LANE_READ, do_nothing, work_failed, &rc);
    assert_int_equal(rc, QR_E_CANCELLED);
}

static void a_start_without_a_server_says_what_to_do(void **state)
{
    struct qr_err err = {0};
    struct qr_db *db = NULL;
    const struct qr_db_events events = {0};
    const struct qr_db_config config = {.url = "host=/nonexistent user=x dbname=x",
                                        .connect_timeout_ms = 1000};

    (void)state;
    assert_err(qr_db_new(&config, &events, &db, &err), QR_E_UNREACHABLE, &err, "hint:");
    assert_null(db);
}

static void a_failure_that_goes_on_is_not_logged_every_time(void **state)
{
    struct qr_lane lane = {.config = {.name = "settle"}};
    struct qr_err err = {.code = QR_E_DB, .msg = "disk full"};
    (void)state;

    for (int i = 0; i < 5; i++)
        qr_lane_say_failure(&lane, "db.settle", 1, &err);
    assert_int_equal(atomic_load(&lane.failures_unsaid), 4);
    atomic_fetch_sub(&lane.failure_said_ms, 10000);
    qr_lane_say_failure(&lane, "db.settle", 1, &err);
    assert_int_equal(atomic_load(&lane.failures_unsaid), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_9_a_bad_result_fails_alone),
        TEST(text_that_is_not_utf8_is_made_so),
        TEST(lanes_come_back_after_their_connections_were_cut),
        TEST(a_new_connection_listens_again),
        TEST(a_server_crash_loses_nothing_that_was_answered),
        TEST(an_unknown_commit_is_asked_again),
        TEST(a_stopped_database_side_answers_at_once),
        cmocka_unit_test(a_start_without_a_server_says_what_to_do),
        cmocka_unit_test(a_failure_that_goes_on_is_not_logged_every_time),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
