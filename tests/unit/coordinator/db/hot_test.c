/* Claims, results and returned leases against a real PostgreSQL: the fence of rules 1, 2, 10
 * and 14. Run it: ctest --preset dev -R hot_test */
#include "tests/unit/coordinator/db/fixture.h"

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
    struct qr_settle answer =
        fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
    assert_int_equal(fx->settle_status, QR_DB_DONE);
    assert_int_equal(answer.code, QR_ACK_COMMITTED);
    answer = fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE));
    assert_int_equal(answer.code, QR_ACK_DUPLICATE);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     1);
    assert_int_equal(fx_i64("SELECT open FROM run_stages WHERE run_id = %lld", (long long)run), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_claimed_job_completes_once)};
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
