/* Four coordinators on one database: no job is leased twice, none is lost, whatever is
 * returned, failed, settled twice or cut off. Run it: ctest --preset tsan -R db_stress_test */
#include <stdlib.h>

#include "common/clock.h"
#include "tests/unit/coordinator/db/fixture.h"

enum { JOBS = 3000, THREADS = 4 };

static struct fx *fleet[THREADS];  /* a coordinator each */
static _Atomic int held[JOBS * 4]; /* by job id - base: how many hold it now */
static _Atomic int completed[JOBS * 4];
static int64_t base;

static void work(struct fx *fx, uint64_t pk, unsigned seed)
{
    unsigned dry = 0;

    while (dry < 20) {
        size_t n = fx_claim(fx, pk, 1, 1 + (uint32_t)rand_r(&seed) % 40);
        dry = n == 0 ? dry + 1 : 0;
        if (n == 0) {
            qr_clock_sleep_ms(20);
            continue;
        }
        struct fx_lease leases[64];
        memcpy(leases, fx->leases, n * sizeof *leases);
        for (size_t i = 0; i < n; i++) /* nobody else has it */
            assert_int_equal(atomic_fetch_add(&held[(int64_t)leases[i].job_id - base], 1), 0);
        for (size_t i = 0; i < n; i++) {
            int64_t at = (int64_t)leases[i].job_id - base;
            int dice = rand_r(&seed) % 10;
            atomic_fetch_sub(&held[at], 1); /* before it can be given out again */
            if (dice == 0) {
                assert_int_equal(
                    fx_return(fx, pk, 1, QR_RETURN_DECLINED, leases[i].lease_id, leases[i].job_id),
                    QR_DB_DONE);
                continue;
            }
            struct qr_settle answer =
                fx_settle(fx, fx_result(leases[i].lease_id, leases[i].job_id, pk, QR_CLASS_NONE));
            assert_int_equal(answer.code, QR_ACK_COMMITTED);
            assert_int_equal(atomic_fetch_add(&completed[at], 1), 0);
            if (dice == 1) {
                answer = fx_settle(
                    fx, fx_result(leases[i].lease_id, leases[i].job_id, pk, QR_CLASS_NONE));
                assert_int_equal(answer.code, QR_ACK_DUPLICATE);
            }
        }
    }
}

static void *worker(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;
    char name[20];

    snprintf(name, sizeof name, "stress-%zu", i);
    work(fleet[i], fx_session(fleet[i], name, (int)i + 1), (unsigned)i + 7);
    return NULL;
}

static void no_job_is_leased_twice_and_none_is_lost(void **state)
{
    pthread_t threads[THREADS];
    int64_t run = fx_run("stress", JOBS);

    (void)state;
    base = fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run);
    assert_true(fx_i64("SELECT max(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run) <
                base + JOBS * 4);
    for (size_t i = 0; i < THREADS; i++)
        fleet[i] = fx_new_ttl(600000); /* nothing here renews, however long it takes */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fx_i64("SELECT completed FROM run_stages WHERE run_id = %lld", (long long)run),
                     JOBS);
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld AND status = "
                            "'completed'",
                            (long long)run),
                     JOBS);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready"), 0);
    for (size_t i = 0; i < THREADS; i++)
        fx_free(fleet[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_job_is_leased_twice_and_none_is_lost)};
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
