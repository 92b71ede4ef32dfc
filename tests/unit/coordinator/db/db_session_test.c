/* Hellos, restarts of workers, dead coordinators (rules 1, 4, 6). Run it: ctest --preset dev -R
 * session_test */
#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

static void a_hello_attaches_anew_and_returns_what_it_does_not_name(void **state)
{
    struct fx *fx = *state;
    fx_run("unnamed", 3);
    uint64_t pk = fx_session(fx, "w1", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 3), 3);
    struct fx_lease a = fx->leases[0];
    struct fx_lease b = fx->leases[1];
    struct fx_lease c = fx->leases[2];
    const struct qr_lease_ref running = {a.lease_id, a.job_id};
    const struct qr_lease_ref spooled = {b.lease_id, b.job_id};
    const struct qr_db_hello_reply *reply = fx_hello(fx, "w1", 1, 1, &running, 1, &spooled, 1);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    assert_int_equal(reply->session_pk, pk);
    assert_int_equal(reply->attach, 2);
    assert_int_equal(reply->n_kept, 2);
    assert_int_equal(reply->kept[0].lease_id, a.lease_id);
    assert_false(reply->kept[0].spooled);
    assert_true(reply->kept[1].spooled);
    assert_int_equal(reply->returned, 1);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 0); /* the old attach number */
    assert_int_equal(fx->claim.status, QR_DB_FENCED);
    assert_int_equal(fx_claim(fx, pk, 2, 5), 1);
    assert_int_equal(fx->leases[0].job_id, c.job_id);
    assert_int_equal(fx_i64("SELECT infra_losses FROM extraction_jobs WHERE id = %llu",
                            (unsigned long long)c.job_id),
                     1);
}

static void a_new_process_ends_the_old_session_and_takes_its_spool(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("restart", 2);
    uint64_t old = fx_session(fx, "w2", 1);

    assert_int_equal(fx_claim(fx, old, 1, 2), 2);
    struct fx_lease spooled = fx->leases[0];
    struct fx_lease lost = fx->leases[1];
    const struct qr_lease_ref spool = {spooled.lease_id, spooled.job_id};
    const struct qr_db_hello_reply *reply = fx_hello(fx, "w2", 2, 2, NULL, 0, &spool, 1);
    uint64_t young = reply->session_pk;
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    assert_int_not_equal(young, old);
    assert_int_equal(reply->ended_session_pk, old);
    assert_int_equal(reply->n_kept, 1);
    assert_int_equal(reply->returned, 1);
    struct qr_settle answer =
        fx_settle(fx, fx_result(spooled.lease_id, spooled.job_id, old, QR_CLASS_NONE));
    assert_int_equal(answer.code, QR_ACK_STALE); /* the session that counts is the new one */
    answer = fx_settle(fx, fx_result(spooled.lease_id, spooled.job_id, young, QR_CLASS_NONE));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    assert_int_equal(fx_claim(fx, young, reply->attach, 5), 1);
    assert_int_equal(fx->leases[0].job_id, lost.job_id);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     1);
}

static void the_past_is_refused(void **state)
{
    struct fx *fx = *state;
    const struct qr_db_hello_reply *reply;

    fx_hello(fx, "w3", 1, 5, NULL, 0, NULL, 0);
    reply = fx_hello(fx, "w3", 2, 4, NULL, 0, NULL, 0);
    assert_int_equal(reply->outcome, QR_HELLO_LOWER_COUNTER);
    assert_int_equal(reply->newest_counter, 5);
    reply = fx_hello(fx, "w3", 2, 5, NULL, 0, NULL, 0); /* two processes on copies of one spool */
    assert_int_equal(reply->outcome, QR_HELLO_LOWER_COUNTER);
    reply = fx_hello(fx, "w3", 2, 6, NULL, 0, NULL, 0);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    reply = fx_hello(fx, "w3", 1, 5, NULL, 0, NULL, 0);
    assert_int_equal(reply->outcome, QR_HELLO_REPLACED);
    assert_int_equal(reply->newest_counter, 6);
}

static void a_session_that_ended_without_a_successor_is_welcome(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w4", 1);

    qr_db_end_session(fx->db, pk, 1);
    const struct qr_db_hello_reply *reply = fx_hello(fx, "w4", 1, 1, NULL, 0, NULL, 0);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    assert_int_equal(reply->session_pk, pk);
    assert_int_equal(reply->n_kept, 0);
}

static void rule_4_a_session_that_holds_a_lease_does_not_end(void **state)
{
    struct fx *fx = *state;
    fx_run("end", 1);
    uint64_t pk = fx_session(fx, "w-end", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    qr_db_end_session(fx->db, pk, 1);
    const struct qr_db_hello_reply *reply = fx_hello(fx, "w-end", 2, 2, NULL, 0, NULL, 0);
    assert_int_equal(reply->ended_session_pk, pk);
    assert_int_equal(reply->returned, 1);
}

static void rule_3_a_hello_read_late_does_not_take_the_session_from_a_newer_stream(void **state)
{
    struct fx *stalled = *state;
    struct fx *other = fx_new();
    fx_run("late", 1);
    other->stream_number = 2; /* number 1 waits in the coordinator that stalls */
    uint64_t pk = fx_session(other, "w-late", 1);

    assert_int_equal(fx_claim(other, pk, 1, 1), 1);
    const struct qr_lease_ref lease = {other->leases[0].lease_id, other->leases[0].job_id};
    for (stalled->stream_number = 1; stalled->stream_number <= 2; stalled->stream_number++)
        assert_int_equal(fx_hello(stalled, "w-late", 1, 1, NULL, 0, NULL, 0)->outcome,
                         QR_HELLO_OLDER_STREAM);
    assert_int_equal(fx_hello(stalled, "w-late", 1, 1, &lease, 1, NULL, 0)->n_kept, 1);
    fx_free(other);
}

static void a_hello_moves_the_session_between_coordinators(void **state)
{
    struct fx *one = *state;
    struct fx *two = fx_new();
    fx_run("move", 1);
    uint64_t pk = fx_session(one, "w5", 1);

    assert_int_equal(fx_claim(one, pk, 1, 1), 1);
    struct fx_lease lease = one->leases[0];
    const struct qr_lease_ref running = {lease.lease_id, lease.job_id};
    const struct qr_db_hello_reply *reply = fx_hello(two, "w5", 1, 1, &running, 1, NULL, 0);
    assert_int_equal(reply->n_kept, 1);
    /* what the first still has in its queues comes too late */
    assert_int_equal(fx_return(one, pk, 1, QR_RETURN_EXPIRED, lease.lease_id, lease.job_id),
                     QR_DB_FENCED);
    struct qr_settle answer =
        fx_settle(two, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    fx_free(two);
}

static void a_stopped_coordinators_sessions_are_adopted(void **state)
{
    struct fx *one = fx_new();
    fx_run("adopt", 1);
    uint64_t pk = fx_session(one, "w6", 1);

    assert_int_equal(fx_claim(one, pk, 1, 1), 1);
    fx_free(one);
    struct fx *two = *state;
    fx_wait(two, &two->adopted, 1);
    assert_int_equal(two->last_adopted.session_pk, pk);
    assert_int_equal(two->last_adopted.attach, 2);
    assert_int_equal(two->last_adopted.n_leases, 1);
}

/* Rule 6: a peer that renews lives, however old its row's time; one that does not is dead after a
 * ttl. */
static void rule_6_a_silent_peer_is_declared_dead_and_gets_a_new_number(void **state)
{
    struct fx *one = fx_new();
    uint64_t number = qr_db_coordinator_id(one->db);
    fx_session(one, "w7", 1);
    struct fx *two = *state = (fx_free(*state), fx_new_ttl(1000));

    fx_wait(two, &two->adopted, 1); /* nobody renews `one` */
    assert_int_equal(two->last_adopted.attach, 2);
    qr_db_renew(one->db);
    fx_wait(one, &one->renewals_ok, 1);
    assert_int_not_equal(qr_db_coordinator_id(one->db), number);
    fx_free(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

/* A COMMIT that waits for a standby which does not exist has happened on disk; ending its
 * connection then is a wire that broke at the worst moment. */
static void rule_6_an_adoption_that_committed_unheard_is_done_again(void **state)
{
    struct fx *one = *state;
    struct fx *two = fx_new_ttl(1000);
    static const char waits[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                                "'quarry control' AND wait_event = 'SyncRep'";
    fx_run("adopt-unheard", 1);
    uint64_t pk = fx_session(one, "w-unheard", 1);

    assert_int_equal(fx_claim(one, pk, 1, 1), 1);
    fx_sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    fx_sql("SELECT pg_reload_conf()");
    while (fx_i64("SELECT (current_setting('synchronous_standby_names') = 'nobody')::int") == 0)
        qr_clock_sleep_ms(10);
    fx_sql("SET LOCAL synchronous_commit = local;"
           "UPDATE coordinators SET stopped_at = now() WHERE id = %llu",
           (unsigned long long)qr_db_coordinator_id(one->db));
    while (fx_i64("%s", waits) == 0)
        qr_clock_sleep_ms(10);
    fx_sql("ALTER SYSTEM RESET synchronous_standby_names");
    fx_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
           "'quarry control' AND wait_event = 'SyncRep'; SELECT pg_reload_conf()");
    fx_wait(two, &two->adopted, 1);
    assert_int_equal(two->last_adopted.session_pk, pk);
    assert_int_equal(two->last_adopted.attach, 3); /* 2 committed, and nobody heard of it */
    assert_int_equal(two->last_adopted.n_leases, 1);
    fx_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hello_attaches_anew_and_returns_what_it_does_not_name),
        TEST(a_new_process_ends_the_old_session_and_takes_its_spool),
        TEST(the_past_is_refused),
        TEST(a_session_that_ended_without_a_successor_is_welcome),
        TEST(rule_4_a_session_that_holds_a_lease_does_not_end),
        TEST(rule_3_a_hello_read_late_does_not_take_the_session_from_a_newer_stream),
        TEST(a_hello_moves_the_session_between_coordinators),
        TEST(a_stopped_coordinators_sessions_are_adopted),
        TEST(rule_6_an_adoption_that_committed_unheard_is_done_again),
        TEST(rule_6_a_silent_peer_is_declared_dead_and_gets_a_new_number),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
