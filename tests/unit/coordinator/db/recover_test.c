/* A Hello that the engine sends for itself, after a request of unknown end: it takes back what the
 * session still has, but only where this coordinator owns it. Run it: ctest --preset dev -R
 * recover_test */
#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

static void a_recovery_takes_back_what_it_does_not_name(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-recover", 1);

    (void)fx_run("recover", 3);
    assert_int_equal(fx_claim(fx, pk, 1, 3), 3);
    struct qr_lease_ref settling = {fx->leases[0].lease_id, fx->leases[0].job_id};
    fx->recover = true;
    const struct qr_db_hello_reply *reply = fx_hello(fx, "w-recover", 1, 0, &settling, 1, NULL, 0);
    assert_int_equal(reply->status, QR_DB_DONE);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    assert_int_equal(reply->session_pk, pk);
    assert_int_equal(reply->attach, 2);
    assert_int_equal(reply->n_kept, 1);
    assert_int_equal(reply->returned, 2);
    assert_int_equal(fx_claim(fx, pk, 2, 3), 2);
}

static void a_recovery_never_takes_a_session_from_another_owner(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-moved", 1);
    struct fx *other = fx_new();

    (void)fx_run("moved", 2);
    assert_int_equal(fx_session(other, "w-moved", 1), pk);
    assert_int_equal(fx_claim(other, pk, 2, 2), 2);
    fx->recover = true;
    assert_int_equal(fx_hello(fx, "w-moved", 1, 0, NULL, 0, NULL, 0)->status, QR_DB_FENCED);
    assert_int_equal(fx_hello(fx, "w-nobody", 1, 0, NULL, 0, NULL, 0)->status, QR_DB_FENCED);
    assert_int_equal(fx_i64("SELECT attach FROM sessions WHERE pk = %lld", (long long)pk), 2);
    fx_free(other);
}

/* A restored database may give the same numbers again: no request reaches it. */
static void rule_1_a_restored_database_gets_no_more_requests(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-restored", 1);

    (void)fx_run("restored", 3);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_false(qr_db_is_replaced(fx->db));
    fx_sql("UPDATE cluster SET epoch = decode(md5('another'), 'hex')");
    qr_db_renew(fx->db);
    fx_wait(fx, &fx->renewals_failed, 1);
    assert_true(qr_db_is_replaced(fx->db));
    assert_int_equal(
        fx_return(fx, pk, 1, QR_RETURN_DECLINED, fx->leases[0].lease_id, fx->leases[0].job_id),
        QR_DB_FAILED);
    (void)fx_claim(fx, pk, 1, 1);
    assert_int_equal(fx->claim.status, QR_DB_FAILED);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready"), 2);
}

/* What a restore looks like from outside: connections break, and the new ones lead elsewhere. */
static void a_new_connection_to_a_restored_database_is_noticed(void **state)
{
    struct fx *fx = *state;
    uint64_t pk = fx_session(fx, "w-elsewhere", 1);

    fx_sql("UPDATE cluster SET epoch = decode(md5('a third'), 'hex')");
    fx_sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
           "application_name LIKE 'quarry %%' AND pid <> pg_backend_pid()");
    for (int i = 0; i < 600 && !qr_db_is_replaced(fx->db); i++) {
        assert_int_not_equal(fx_return(fx, pk, 1, QR_RETURN_DECLINED, 1, 1), QR_DB_DONE);
        qr_clock_sleep_ms(50);
    }
    assert_true(qr_db_is_replaced(fx->db));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_recovery_takes_back_what_it_does_not_name),
        TEST(a_recovery_never_takes_a_session_from_another_owner),
        TEST(rule_1_a_restored_database_gets_no_more_requests),
        TEST(a_new_connection_to_a_restored_database_is_noticed),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
