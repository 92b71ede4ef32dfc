/* Run it: ctest --preset dev -R frame_out_test */
#include "coordinator/service/fleet_internal.h"
#include "tests/harness/test.h"

static void rule_5_beats_spread_out_as_the_fleet_grows(void **state)
{
    static const struct {
        const char *why;
        int64_t ttl_ms;
        size_t streams;
        uint32_t beat_ms;
    } cases[] = {
        {"a small fleet beats every quarter of the ttl", 8000, 1, 2000},
        {"so does one that just fits", 8000, 2000, 2000},
        {"a larger one keeps to a beat a millisecond", 8000, 3000, 3000},
        {"but two beats fit into a ttl, always", 8000, 100000, 4000},
        {"a short ttl", 1000, 16, 250},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_int_equal(qr_fleet_beat_ms(cases[i].ttl_ms, cases[i].streams), cases[i].beat_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_5_beats_spread_out_as_the_fleet_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
