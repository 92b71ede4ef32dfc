/* Learned time budgets (rule 5). Run it: ctest --preset dev -R budget_test */
#include "coordinator/engine/budget.h"

#include <stdlib.h>

#include "coordinator/engine/types.h"
#include "tests/harness/test.h"

enum { MIB = 1 << 20 };

/* The database of these tests: adds up, halves, stores what is decided. */
struct store {
    struct qr_budgets *budgets;
    struct qr_budget_row row;
    int changes;
};

static uint64_t seed;

static uint64_t next_random(void) /* xorshift64 */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void merge(struct store *store)
{
    struct qr_budget_delta deltas[4];
    size_t n = qr_budgets_take(store->budgets, deltas, QR_COUNT(deltas));
    uint64_t sum = 0, budget = 0, p99 = 0;

    assert_true(n <= 1);
    for (size_t i = 0; i < QR_BUDGET_BUCKETS; i++)
        sum += store->row.buckets[i] += n > 0 ? deltas[0].buckets[i] : 0;
    for (size_t i = 0; sum > QR_BUDGET_SAMPLES_MAX && i < QR_BUDGET_BUCKETS; i++)
        store->row.buckets[i] /= 2;
    if (qr_budgets_set(store->budgets, &store->row, &budget, &p99)) {
        store->row.budget_ms = budget;
        store->changes++;
        assert_false(qr_budgets_set(store->budgets, &store->row, &budget, &p99));
    }
}

static uint64_t budget(struct store *store, const char *type, uint64_t bytes)
{
    uint64_t ms, progress;
    qr_budgets_get(store->budgets, qr_type_intern(type), bytes, &ms, &progress);
    assert_true(progress <= ms && progress <= 120000);
    return ms;
}

/* `n` jobs of `low` .. `high` ms under the budget in force, merged every hundred; what takes longer
 * times out. How many did. */
static int work(struct store *store, const char *type, uint64_t bytes, int n, uint64_t low,
                uint64_t high)
{
    int timeouts = 0;

    store->row.type = qr_type_intern(type);
    store->row.size_class = qr_budget_size_class(bytes);
    for (int i = 0; i < n; i++) {
        uint64_t limit = budget(store, type, bytes);
        uint64_t took = low + next_random() % (high - low + 1);
        bool out = took > limit;
        qr_budgets_learn(store->budgets, store->row.type, bytes, out ? 7 : took, out, limit);
        timeouts += out;
        if (i % 100 == 99)
            merge(store);
    }
    return timeouts;
}

static struct store begin(void)
{
    struct store store = {.budgets = qr_budgets_new()};
    assert_non_null(store.budgets);
    seed = 88172645463325252u;
    return store;
}

static void rule_5_few_samples_leave_the_default(void **state)
{
    struct store store = begin();
    struct qr_budget_view view;
    char why[200];
    (void)state;

    assert_int_equal(budget(&store, "pdf", MIB), 240000);
    work(&store, "pdf", MIB, QR_BUDGET_SAMPLES_MIN - 1, 10, 20);
    merge(&store);
    assert_int_equal(budget(&store, "pdf", MIB), 240000);
    qr_budgets_look(store.budgets, qr_type_intern("pdf"), qr_budget_size_class(MIB), &view);
    assert_false(view.learned);
    assert_int_equal(view.samples, QR_BUDGET_SAMPLES_MIN - 1);
    qr_budget_why(&view, why, sizeof why);
    assert_string_equal(why, "default: 99 pdf jobs below 16 MiB are known, 100 are needed");
    qr_budgets_free(store.budgets);
}

static void rule_5_budgets_stay_within_their_bounds(void **state)
{
    struct store fast = begin();
    struct store slow = begin();
    struct store creo = begin();
    (void)state;

    work(&fast, "text", 10, 1000, 1, 50);
    assert_int_equal(budget(&fast, "text", 10), 30000);
    assert_int_equal(budget(&fast, "text", MIB), 240000); /* of another size nothing is known */
    assert_int_equal(budget(&fast, "pdf", 10), 240000);
    work(&slow, "step", 10, 1000, 200000, 239000);
    assert_int_equal(budget(&slow, "step", 10), 240000);
    work(&creo, "cad", 10, 1000, 1, 50);
    assert_int_equal(budget(&creo, "cad", 10), 300000);
    fast.row.budget_ms = 1; /* by hand */
    uint64_t next, p99;
    assert_true(qr_budgets_set(fast.budgets, &fast.row, &next, &p99));
    assert_int_equal(budget(&fast, "text", 10), 30000);
    qr_budgets_free(fast.budgets);
    qr_budgets_free(slow.budgets);
    qr_budgets_free(creo.budgets);
}

static void rule_5_budgets_follow_the_jobs_up_and_down(void **state)
{
    struct store store = begin();
    (void)state;

    work(&store, "dxf", MIB, 3000, 5000, 20000);
    uint64_t first = budget(&store, "dxf", MIB);
    assert_in_range(first, 3 * 19000, 3 * 24000);
    int changes = store.changes;
    work(&store, "dxf", MIB, 3000, 5000, 20000);
    assert_int_equal(store.changes, changes); /* the same work moves nothing */
    work(&store, "dxf", MIB, 6000, 20000, 60000);
    uint64_t second = budget(&store, "dxf", MIB);
    assert_in_range(second, 3 * 57000, 3 * 72000);
    work(&store, "dxf", MIB, 40000, 1000, 4000);
    assert_int_equal(budget(&store, "dxf", MIB), 30000);
    qr_budgets_free(store.budgets);
}

/* Jobs become slower than the budget: nearly all time out at first, and the budget grows until they
 * do not, although no job ever reports how long it would have taken. */
static void rule_5_timeouts_raise_a_budget_and_never_lower_it(void **state)
{
    struct store store = begin();
    (void)state;

    work(&store, "pdf", MIB, 2000, 10, 100);
    assert_int_equal(budget(&store, "pdf", MIB), 30000);
    int early = work(&store, "pdf", MIB, 300, 50000, 80000);
    assert_in_range(early, 1, 300);
    assert_true(budget(&store, "pdf", MIB) >= 80000);
    assert_int_equal(work(&store, "pdf", MIB, 1000, 50000, 80000), 0);

    uint64_t before = budget(&store, "pdf", MIB);
    for (int round = 0; round < 50; round++) { /* nothing but time-outs */
        for (int i = 0; i < 100; i++)
            qr_budgets_learn(store.budgets, store.row.type, MIB, 0, true,
                             budget(&store, "pdf", MIB));
        merge(&store);
        assert_true(budget(&store, "pdf", MIB) >= before);
        before = budget(&store, "pdf", MIB);
    }
    assert_int_equal(before, 240000);
    qr_budgets_free(store.budgets);
}

static void what_could_not_be_stored_is_kept(void **state)
{
    struct store store = begin();
    struct qr_budget_delta deltas[2];
    (void)state;

    qr_budgets_learn(store.budgets, qr_type_intern("pdf"), 1, 5, false, 0);
    assert_int_equal(qr_budgets_take(store.budgets, deltas, 2), 1);
    assert_int_equal(qr_budgets_take(store.budgets, deltas + 1, 1), 0);
    qr_budgets_put_back(store.budgets, deltas, 1);
    qr_budgets_learn(store.budgets, qr_type_intern("pdf"), 1, 5, false, 0);
    assert_int_equal(qr_budgets_take(store.budgets, deltas, 2), 1);
    assert_int_equal(deltas[0].buckets[qr_budget_bucket(5)], 2);
    qr_budgets_free(store.budgets);
}

static void buckets_are_a_quarter_of_an_octave(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 3000000; ms += ms < 5000 ? 1 : 997) {
        size_t bucket = qr_budget_bucket(ms);
        assert_true(bucket < QR_BUDGET_BUCKETS);
        if (bucket == QR_BUDGET_BUCKETS - 1)
            break;
        assert_true(qr_budget_bucket_ms(bucket) >= ms);
        assert_true(qr_budget_bucket_ms(bucket) <= ms + ms / 4 + 1);
        assert_true(qr_budget_bucket(ms + 1) >= bucket);
    }
    assert_true(qr_budget_bucket_ms(QR_BUDGET_BUCKETS - 1) > 2 * 300000);
    assert_int_equal(qr_budget_bucket(UINT64_MAX), QR_BUDGET_BUCKETS - 1);
    assert_int_equal(qr_budget_size_class(0), 0);
    assert_int_equal(qr_budget_size_class(UINT64_MAX), QR_BUDGET_SIZES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_5_few_samples_leave_the_default),
        cmocka_unit_test(rule_5_budgets_stay_within_their_bounds),
        cmocka_unit_test(rule_5_budgets_follow_the_jobs_up_and_down),
        cmocka_unit_test(rule_5_timeouts_raise_a_budget_and_never_lower_it),
        cmocka_unit_test(what_could_not_be_stored_is_kept),
        cmocka_unit_test(buckets_are_a_quarter_of_an_octave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
