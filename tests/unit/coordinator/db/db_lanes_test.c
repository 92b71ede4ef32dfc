/* Two settles side by side: each on a connection of its own, the second on that of the maintenance
 * lane. Run it: ctest --preset dev -R db_lanes_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/settle.h"
#include "quarry/v1/record.pb-c.h"
#include "tests/unit/coordinator/db/fixture.h"

/* A result that says something about its file. */
static struct qr_settle *of_a_file(const struct fx_lease *lease, uint64_t pk)
{
    Quarry__V1__ExtractionRecord record = QUARRY__V1__EXTRACTION_RECORD__INIT;
    struct qr_settle *settle = fx_result(lease->lease_id, lease->job_id, pk, QR_CLASS_NONE);

    record.type = (char *)(uintptr_t) "text";
    settle->record_len = quarry__v1__extraction_record__get_packed_size(&record);
    settle->record = malloc(settle->record_len);
    assert_non_null(settle->record);
    quarry__v1__extraction_record__pack(&record, settle->record);
    return settle;
}

/* Until so many backends wait for a lock; a minute at most. */
static void wait_for_waiting(int64_t n)
{
    int64_t deadline = qr_clock_ms() + 60000;

    while (fx_i64("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") < n) {
        assert_true(qr_clock_ms() < deadline);
        qr_clock_sleep_ms(10);
    }
}

static int64_t file_of(int64_t run, const char *uri)
{
    return fx_i64("SELECT j.file_id FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id"
                  " WHERE j.run_id = %lld AND f.uri = '%s'",
                  (long long)run, uri);
}

/* ------------------------------------------------------------------ order of files */

/* One batch, on a connection as a hot lane has it. */
struct batch {
    struct fx *fx;
    struct settle_item *items[2];
};

static void *settle_batch(void *arg)
{
    struct batch *batch = arg;
    struct qr_lane lane = {.config = {.name = "settle"}};
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = NULL;
    const struct qr_conn_config config = {.url = qr_postgres_url(fx_cluster),
                                          .lane = "settle",
                                          .db = batch->fx->db,
                                          .hot = true,
                                          .connect_timeout_ms = 10000,
                                          .statement_timeout_ms = 120000};

    assert_ok(qr_conn_open(&config, &conn, &err), &err);
    batch->items[0]->item.next = &batch->items[1]->item;
    qr_settle_run(batch->fx->db, &lane, conn, &batch->items[0]->item, 2);
    return NULL;
}

/* Two runs bring the same two files in two orders. Whoever settles them takes the files in one
 * order, by number, whatever order the jobs have: two settles never wait for each other. */
static void files_are_locked_in_one_order(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    struct batch batch = {.fx = fx};
    struct qr_settle *settles[2];
    pthread_t thread;
    int64_t first = fx_run("order", 2);
    int64_t again = fx_run("order-again", 0);
    uint64_t pk = fx_session(fx, "w-order", 1);
    const struct qr_new_job jobs[] = {{.uri = "root://t/order/1", .type = "text"},
                                      {.uri = "root://t/order/0", .type = "text"}};
    struct qr_enqueue_result result;
    int64_t low = file_of(first, "root://t/order/0");
    int64_t high = file_of(first, "root://t/order/1");

    assert_true(low < high);
    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    for (int i = 0; i < 2; i++)
        fx_settle(fx, of_a_file(&fx->leases[i], pk));
    QR_AUTO(qr_conn) conn = fx_conn();
    assert_ok(qr_enqueue(conn, again, jobs, 2, &result, &err), &err);
    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    assert_true(fx->leases[0].job_id < fx->leases[1].job_id);
    assert_string_equal(fx->leases[0].uri, "root://t/order/1"); /* the other way round */

    for (int i = 0; i < 2; i++) {
        settles[i] = of_a_file(&fx->leases[i], pk);
        batch.items[i] = calloc(1, sizeof *batch.items[i]);
        assert_non_null(batch.items[i]);
        batch.items[i]->settle = settles[i];
    }
    uint64_t before = fx_count(fx, &fx->settled);
    assert_ok(qr_conn_begin(conn, &err), &err);
    char text[100];
    snprintf(text, sizeof text, "SELECT FROM cloud_files WHERE id = %lld FOR UPDATE",
             (long long)low);
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, settle_batch, &batch), 0);
    wait_for_waiting(1);
    assert_int_equal(fx_i64("SELECT count(*) FROM (SELECT FROM cloud_files WHERE id = %lld"
                            " FOR UPDATE SKIP LOCKED) f",
                            (long long)high),
                     1); /* it waits for the first, and does not hold the second */
    qr_conn_rollback(conn);
    pthread_join(thread, NULL);
    fx_wait(fx, &fx->settled, before + 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settles[i]->code, QR_ACK_COMMITTED);
        free(settles[i]->record);
        free(settles[i]);
    }
    assert_int_equal(fx_i64("SELECT count(*) FROM cloud_files WHERE id IN (%lld, %lld) AND"
                            " (extraction_status ->> 'run_id')::bigint = %lld",
                            (long long)low, (long long)high, (long long)again),
                     2); /* each got its own status */
}

/* Results of two runs that found jobs with keys: the runs go by their numbers, whatever order the
 * jobs have. */
static void runs_that_grow_are_locked_in_one_order(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    struct batch batch = {.fx = fx};
    struct qr_settle *settles[2];
    pthread_t thread;
    char text[100];
    int64_t low = fx_run("grow-low", 0);
    int64_t high = fx_run("grow-high", 1); /* its job comes first */
    uint64_t pk = fx_session(fx, "w-grow", 1);

    assert_true(low < high);
    assert_int_equal(fx_enqueue(low, "grow-low", 0, 1, "text", 0), 1);
    fx_sql("UPDATE runs SET options = '{\"follow-references\":\"on\"}' WHERE id IN (%lld, %lld);"
           "INSERT INTO job_keys (run_id, key) VALUES (%lld, 'k'), (%lld, 'k')",
           (long long)low, (long long)high, (long long)low, (long long)high);
    for (int i = 0; i < 2; i++) {
        while (fx_claim(fx, pk, 1, 1) == 0)
            qr_clock_sleep_ms(20);
        int at = fx->leases[0].run_id == (uint64_t)high ? 0 : 1;
        settles[at] = of_a_file(&fx->leases[0], pk);
        settles[at]->found = calloc(1, sizeof *settles[at]->found + sizeof(struct qr_found_job));
        assert_non_null(settles[at]->found);
        settles[at]->found->n = 1;
        settles[at]->found->n_bytes = sizeof(struct qr_found_job);
        settles[at]->found->jobs[0] = (struct qr_found_job){
            .uri = at == 0 ? "root://t/grown/1" : "root://t/grown/0", .type = "text", .key = "k"};
        batch.items[at] = calloc(1, sizeof *batch.items[at]);
        assert_non_null(batch.items[at]);
        batch.items[at]->settle = settles[at];
    }
    assert_true(settles[0]->job_id < settles[1]->job_id);
    uint64_t before = fx_count(fx, &fx->settled);
    QR_AUTO(qr_conn) conn = fx_conn();
    assert_ok(qr_conn_begin(conn, &err), &err);
    snprintf(text, sizeof text, "SELECT FROM job_keys WHERE run_id = %lld FOR UPDATE",
             (long long)low);
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, settle_batch, &batch), 0);
    wait_for_waiting(1);
    assert_int_equal(fx_i64("SELECT count(*) FROM (SELECT FROM job_keys WHERE run_id = %lld"
                            " FOR UPDATE SKIP LOCKED) k",
                            (long long)high),
                     1);
    qr_conn_rollback(conn);
    pthread_join(thread, NULL);
    fx_wait(fx, &fx->settled, before + 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settles[i]->code, QR_ACK_COMMITTED);
        free(settles[i]->found);
        free(settles[i]->record);
        free(settles[i]);
    }
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id IN (%lld, %lld)",
                            (long long)low, (long long)high),
                     4);
}

/* ------------------------------------------------------------------ a connection that is lent */

/* While the settle lane's own thread waits, the next result is settled on the maintenance lane's
 * connection, and that connection is cut when COMMIT is on its way: it is opened again, the result
 * is asked for again, and each is stored once. */
static void a_lent_connection_may_break(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("lent", 2);
    uint64_t pk = fx_session(fx, "w-lent", 1);
    int64_t files[2];
    struct qr_settle *settles[2];
    char text[200];

    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    QR_AUTO(qr_conn) conn = fx_conn();
    for (int i = 0; i < 2; i++) {
        files[i] = file_of(run, fx->leases[i].uri);
        settles[i] = of_a_file(&fx->leases[i], pk);
    }
    uint64_t before = fx_count(fx, &fx->settled);
    assert_ok(qr_conn_begin(conn, &err), &err);
    snprintf(text, sizeof text,
             "SELECT FROM cloud_files WHERE id IN (%lld, %lld) ORDER BY id FOR UPDATE",
             (long long)files[0], (long long)files[1]);
    assert_ok(qr_conn_exec(conn, text, &err), &err);
    qr_db_settle(fx->db, settles[0]);
    wait_for_waiting(1);
    qr_db_settle(fx->db, settles[1]);
    wait_for_waiting(2);
    assert_int_equal(
        fx_i64("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
               " WHERE application_name = 'quarry maintain' AND wait_event_type = 'Lock'"),
        1);
    wait_for_waiting(2); /* on its new connection, too */
    qr_conn_rollback(conn);
    fx_wait(fx, &fx->settled, before + 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settles[i]->code, QR_ACK_COMMITTED);
        free(settles[i]->record);
        free(settles[i]);
    }
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld AND stage ="
                            " 'extract'",
                            (long long)run),
                     2);
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE run_id = %lld AND event ="
                            " 'completed'",
                            (long long)run),
                     2);
}

/* The maintenance lane does its own work when a settle on its connection is over. */
static void the_lender_takes_up_its_own_work_again(void **state)
{
    struct fx *fx = *state;
    struct qr_err err = {0};
    int64_t run = fx_run("lender", 2);
    uint64_t pk = fx_session(fx, "w-lender", 1);
    struct qr_settle *settles[2];

    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    QR_AUTO(qr_conn) conn = fx_conn();
    for (int i = 0; i < 2; i++)
        settles[i] = of_a_file(&fx->leases[i], pk);
    uint64_t before = fx_count(fx, &fx->settled);
    struct fx_lease lease = fx->leases[1];
    assert_ok(qr_conn_begin(conn, &err), &err);
    assert_ok(qr_conn_exec(conn, "LOCK cloud_files IN EXCLUSIVE MODE", &err), &err);
    qr_db_settle(fx->db, settles[0]);
    wait_for_waiting(1);
    qr_db_settle(fx->db, settles[1]);
    wait_for_waiting(2);
    qr_conn_rollback(conn);
    fx_wait(fx, &fx->settled, before + 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settles[i]->code, QR_ACK_COMMITTED);
        free(settles[i]->record);
        free(settles[i]);
    }
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 1, false, "{}", NULL, 0), -1); /* it is over */
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld AND stage ="
                            " 'extract'",
                            (long long)run),
                     2);
}

/* Locks are waited for as long as it takes here. */
static int patient(void **state)
{
    *state = fx_new_timeout(360000);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, patient, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_locked_in_one_order), TEST(a_lent_connection_may_break),
        TEST(the_lender_takes_up_its_own_work_again),
        TEST(runs_that_grow_are_locked_in_one_order), /* last: leaves two jobs to do */
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
