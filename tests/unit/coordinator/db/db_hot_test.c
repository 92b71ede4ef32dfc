/* Claims, results and returned leases against a real PostgreSQL: the fence (rules 1, 2, 8, 10, 14).
 * Run it: ctest --preset dev -R db_hot_test */
#include "coordinator/db/states.h"
#include "tests/unit/coordinator/db/fixture.h"

static const char *status_of(uint64_t job_id, char *ret, size_t cap)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    QR_AUTO_RESULT row = NULL;
    char text[200];

    snprintf(text, sizeof text, "SELECT status FROM extraction_jobs WHERE id = %llu",
             (unsigned long long)job_id);
    assert_ok(qr_conn_query(conn, text, &row, &err), &err);
    snprintf(ret, cap, "%s", PQgetvalue(row, 0, 0));
    return ret;
}

#define assert_status(job_id, want)                                            \
    do {                                                                       \
        char status_[20];                                                      \
        assert_string_equal(status_of(job_id, status_, sizeof status_), want); \
    } while (0)

/* A session with one leased job of a run of its own. */
static struct fx_lease lease_one(struct fx *fx, const char *name, uint64_t *ret_pk)
{
    fx_run(name, 1);
    *ret_pk = fx_session(fx, name, 1);
    assert_int_equal(fx_claim(fx, *ret_pk, 1, 1), 1);
    return fx->leases[0];
}

static enum qr_ack_code settle(struct fx *fx, uint64_t lease, uint64_t job, uint64_t pk,
                               enum qr_class class)
{
    struct qr_settle answer = fx_settle(fx, fx_result(lease, job, pk, class));
    assert_int_equal(fx->settle_status, QR_DB_DONE);
    return answer.code;
}

static void a_claimed_job_completes_once(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("once", 3);
    uint64_t pk = fx_session(fx, "w-once", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 10), 3);
    assert_true(fx->claim.dry);
    struct fx_lease lease = fx->leases[0];
    assert_string_equal(lease.uri, "root://t/once/0");
    assert_int_equal(lease.attempt, 1);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_DUPLICATE);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     1);
    assert_int_equal(fx_i64("SELECT open FROM run_stages WHERE run_id = %lld", (long long)run), 3);
}

/* Rule 1: each part of the fence by itself. */
static void the_fence_refuses_what_does_not_match(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "fence", &pk);
    uint64_t other = fx_session(fx, "w-other", 2);

    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, other, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(settle(fx, lease.lease_id + 1, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id + 1, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(settle(fx, 1u << 30, lease.job_id, pk, QR_CLASS_TIMEOUT), QR_ACK_STALE);
    assert_status(lease.job_id, "pending");
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
}

static void another_cluster_epoch_is_stale(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "epoch", &pk);

    fx_sql("CREATE TABLE kept AS SELECT epoch FROM cluster;"
           "UPDATE cluster SET epoch = decode(repeat('00', 16), 'hex')");
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 0);
    assert_int_equal(fx->claim.status, QR_DB_FENCED);
    fx_sql("UPDATE cluster SET epoch = (SELECT epoch FROM kept); DROP TABLE kept");
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
}

/* Rule 14: a released element is gone; a second batch has the job, the first cannot touch it. */
static void rule_14_a_returned_lease_is_gone(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease first = lease_one(fx, "gone", &pk);

    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_DECLINED, first.lease_id, first.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx->returned.returned, 1);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_DECLINED, first.lease_id, first.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx->returned.returned, 0); /* not a second time */
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease second = fx->leases[0];
    assert_int_equal(second.job_id, first.job_id);
    assert_int_not_equal(second.lease_id, first.lease_id);
    assert_int_equal(settle(fx, first.lease_id, first.job_id, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_EXPIRED, first.lease_id, first.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx->returned.returned, 0);
    assert_int_equal(settle(fx, second.lease_id, second.job_id, pk, QR_CLASS_NONE),
                     QR_ACK_COMMITTED);
    assert_int_equal(
        fx_i64("SELECT infra_losses FROM extraction_jobs WHERE id = %lld", (long long)first.job_id),
        0);
}

/* Nobody has the job again, and still: what came too late is not used. */
static void rule_15_a_result_after_expiry_is_stale(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "expired", &pk);

    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_EXPIRED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_status(lease.job_id, "pending");
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(fx->leases[0].job_id, lease.job_id);
    assert_int_equal(settle(fx, fx->leases[0].lease_id, lease.job_id, pk, QR_CLASS_NONE),
                     QR_ACK_COMMITTED);
}

/* Rules 1, 2: claim and return match owner and attach in their own transaction. */
static void claims_and_returns_need_the_present_attach(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "attach", &pk);

    assert_int_equal(fx_return(fx, pk, 2, QR_RETURN_EXPIRED, lease.lease_id, lease.job_id),
                     QR_DB_FENCED);
    fx_enqueue((int64_t)lease.run_id, "attach2", 0, 1, "text", 0);
    assert_int_equal(fx_claim(fx, pk, 0, 1), 0);
    assert_int_equal(fx->claim.status, QR_DB_FENCED);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(settle(fx, fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_NONE),
                     QR_ACK_COMMITTED);
}

static void a_result_that_was_first_wins_over_the_return(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "first", &pk);

    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_EXPIRED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx->returned.returned, 0);
    assert_status(lease.job_id, "completed");
}

static void a_retryable_failure_waits_and_its_replay_is_a_duplicate(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "retry", &pk);

    struct qr_settle answer =
        fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_TIMEOUT));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_true(answer.will_retry);
    assert_status(lease.job_id, "pending");
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed WHERE job_id = %llu AND run_at > now()",
                            (unsigned long long)lease.job_id),
                     1);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 0); /* not before its time */
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_TIMEOUT),
                     QR_ACK_DUPLICATE);
    uint64_t before = fx_count(fx, &fx->work_available);
    fx_sql("UPDATE delayed SET run_at = now() WHERE job_id = %llu",
           (unsigned long long)lease.job_id);
    fx_wait(fx, &fx->work_available, before + 1);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(fx->leases[0].attempt, 2);
    /* the old lease's replay stays a duplicate, whatever the new one does */
    assert_int_equal(settle(fx, fx->leases[0].lease_id, lease.job_id, pk, QR_CLASS_NONE),
                     QR_ACK_COMMITTED);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_TIMEOUT),
                     QR_ACK_DUPLICATE);
}

static void a_permanent_failure_is_a_dead_letter(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "dead", &pk);

    struct qr_settle answer =
        fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_INVALID_INPUT));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_false(answer.will_retry);
    assert_status(lease.job_id, "failed");
    assert_int_equal(fx_i64("SELECT count(*) FROM dead_letters WHERE job_id = %llu AND error_class "
                            "= 'invalid_input' AND message = 'it broke'",
                            (unsigned long long)lease.job_id),
                     1);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_DUPLICATE);
}

/* Rule 10: whatever ends a lease without a result reads stop_requested and clears it. */
static void the_end_of_a_lease_obeys_a_stop(void **state)
{
    struct fx *fx = *state;
    static const struct {
        const char *stop, *status;
    } cases[] = {{"cancel", "cancelled"}, {"pause", "paused"}};

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        uint64_t pk;
        struct fx_lease lease = lease_one(fx, cases[i].stop, &pk);
        fx_sql("UPDATE extraction_jobs SET stop_requested = '%s' WHERE id = %llu", cases[i].stop,
               (unsigned long long)lease.job_id);
        assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, lease.lease_id, lease.job_id),
                         QR_DB_DONE);
        assert_status(lease.job_id, cases[i].status);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 0);
        assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_STALE);
        assert_int_equal(
            fx_i64("SELECT stop_requested IS NULL FROM extraction_jobs WHERE id = %llu",
                   (unsigned long long)lease.job_id),
            1);
    }
}

/* The table in code and the trigger in the database are one rule. */
static void illegal_transitions_are_errors(void **state)
{
    struct fx *fx = *state;
    QR_AUTO(qr_conn) conn = fx_conn();
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "illegal", &pk);

    for (int from = 0; from < QR_STATE_COUNT; from++)
        for (int to = 0; to < QR_STATE_COUNT; to++) {
            struct qr_err err = {0};
            char text[400];
            snprintf(text, sizeof text,
                     "SET session_replication_role = replica;" /* no triggers: to get there */
                     "UPDATE extraction_jobs SET status = '%s' WHERE id = %llu;"
                     "SET session_replication_role = origin;"
                     "UPDATE extraction_jobs SET status = '%s' WHERE id = %llu",
                     qr_state_text((enum qr_state)from), (unsigned long long)lease.job_id,
                     qr_state_text((enum qr_state)to), (unsigned long long)lease.job_id);
            int rc = qr_conn_exec(conn, text, &err);
            if (from == to || qr_state_may_follow((enum qr_state)from, (enum qr_state)to))
                assert_ok(rc, &err);
            else
                assert_err(rc, QR_E_DB, &err, "illegal transition");
        }
}

/* Rule 8: priority first, then fair shares, then job id. */
static void work_is_given_out_in_order(void **state)
{
    struct fx *fx = *state;
    int64_t a = fx_run("order-a", 0);
    int64_t b = fx_run("order-b", 0);
    uint64_t pk = fx_session(fx, "w-order", 1);
    size_t of_a = 0;

    fx_enqueue(a, "a-low", 0, 40, "text", -5);
    fx_enqueue(b, "b-low", 0, 40, "text", -5);
    fx_enqueue(b, "b-high", 0, 2, "text", 50);
    assert_int_equal(fx_claim(fx, pk, 1, 22), 22);
    for (size_t i = 0; i < 22; i++)
        of_a += strncmp(fx->leases[i].uri, "root://t/a-low/", 15) == 0;
    size_t high = 0;
    for (size_t i = 0; i < 22; i++)
        high += strstr(fx->leases[i].uri, "b-high") != NULL;
    assert_int_equal(high, 2);
    assert_in_range(of_a, 8, 12); /* half of what is left, give or take the turn */
    fx_sql("UPDATE runs SET gate = 'paused' WHERE id IN (%lld, %lld)", (long long)a, (long long)b);
    assert_int_equal(fx_claim(fx, pk, 1, 22), 0);
    fx_sql("UPDATE runs SET gate = 'open' WHERE id = %lld", (long long)a);
    fx_claim(fx, pk, 1, 100);
    assert_int_equal(fx->n_leases, 40 - of_a);
}

static void a_job_goes_only_where_its_root_is(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("root", 0);
    uint64_t pk = fx_session(fx, "w-root", 1);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    const struct qr_new_job jobs[] = {{.uri = "root://elsewhere/x", .type = "text"},
                                      {.uri = "root://t/x", .type = "text"},
                                      {.uri = "root://t/y", .type = "dxf"}};
    struct qr_enqueue_result result;

    assert_ok(qr_enqueue(conn, run, jobs, QR_COUNT(jobs), &result, &err), &err);
    assert_int_equal(fx_claim(fx, pk, 1, 10), 1);
    assert_string_equal(fx->leases[0].uri, "root://t/x");
    assert_int_equal(fx_claim_type(fx, pk, 1, "dxf", 10), 1);
}

/* A floor (claim.c) must not hide what came back below it. */
static void what_comes_back_is_found_at_once(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    fx_run("floor", 300);
    pk = fx_session(fx, "w-floor", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 100), 100);
    struct fx_lease early = fx->leases[0];
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_DECLINED, early.lease_id, early.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(fx->leases[0].job_id, early.job_id);
    /* brought below the floor by somebody else: no claim is called dry because of a floor */
    assert_int_equal(fx_claim(fx, pk, 1, 200), 200);
    fx_sql("INSERT INTO ready SELECT %llu, queue_id, 0 FROM extraction_jobs WHERE id = %llu",
           (unsigned long long)early.job_id, (unsigned long long)early.job_id);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
}

static void long_leases_are_mirrored_for_operators(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "mirror", &pk);
    const struct qr_mirror row = {.lease_id = lease.lease_id,
                                  .job_id = lease.job_id,
                                  .session_pk = pk,
                                  .age_ms = 2500,
                                  .heard_ms = 300,
                                  .permille = 250,
                                  .done = 10,
                                  .total = 40};

    qr_db_mirror(fx->db, &row, 1);
    for (int i = 0; i < 500; i++) {
        char status[20];
        if (strcmp(status_of(lease.job_id, status, sizeof status), "processing") == 0)
            break;
    }
    assert_status(lease.job_id, "processing");
    assert_int_equal(
        fx_i64("SELECT claimed_by = 'mirror' AND heartbeat > claimed_at AND "
               "progress_permille = 250 AND progress_done = 10 AND progress_total = 40 FROM "
               "extraction_jobs WHERE id = %llu",
               (unsigned long long)lease.job_id),
        1);
    assert_int_equal(settle(fx, lease.lease_id, lease.job_id, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(
        fx_i64("SELECT claimed_by IS NULL AND last_error IS NULL FROM extraction_jobs WHERE id = "
               "%llu",
               (unsigned long long)lease.job_id),
        1);
}

/* No transaction of this coordinator is open, so a mirror on its way is the only one that might
 * come. */
static void an_old_mirror_changes_nothing(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "late", &pk);
    struct fx_lease second;
    const struct qr_mirror row = {.lease_id = lease.lease_id,
                                  .job_id = lease.job_id,
                                  .session_pk = pk,
                                  .age_ms = 2500,
                                  .heard_ms = 300};

    fx_return(fx, pk, 1, QR_RETURN_DECLINED, lease.lease_id, lease.job_id);
    qr_db_mirror(fx->db, &row, 1);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    second = fx->leases[0];
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 1, true, "x", NULL, 0), -1);
    assert_int_equal(fx_checkpoint(fx, &second, pk, 2, true, "new", NULL, 0), 2);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, second.lease_id, second.job_id),
                     QR_DB_DONE);
    assert_status(lease.job_id, "pending");
    assert_int_equal(fx_i64("SELECT checkpoint = 'new'::bytea AND checkpoint_number = 2 AND "
                            "claimed_by IS NULL FROM extraction_jobs WHERE id = %llu",
                            (unsigned long long)lease.job_id),
                     1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claimed_job_completes_once),
        TEST(the_fence_refuses_what_does_not_match),
        TEST(another_cluster_epoch_is_stale),
        TEST(rule_14_a_returned_lease_is_gone),
        TEST(rule_15_a_result_after_expiry_is_stale),
        TEST(claims_and_returns_need_the_present_attach),
        TEST(a_result_that_was_first_wins_over_the_return),
        TEST(a_retryable_failure_waits_and_its_replay_is_a_duplicate),
        TEST(a_permanent_failure_is_a_dead_letter),
        TEST(the_end_of_a_lease_obeys_a_stop),
        TEST(illegal_transitions_are_errors),
        TEST(work_is_given_out_in_order),
        TEST(a_job_goes_only_where_its_root_is),
        TEST(what_comes_back_is_found_at_once),
        TEST(long_leases_are_mirrored_for_operators),
        TEST(an_old_mirror_changes_nothing),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
