/* Run it: ctest --preset dev -R metrics_test */
#include "coordinator/http/families.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct qr_buf buf;
static struct qr_histogram settle_seconds;
static struct qr_metrics metrics;

static int setup(void **state)
{
    (void)state;
    qr_buf_init(&buf, 1 << 20);
    qr_metrics_init(&metrics, &buf);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qr_buf_done(&buf);
    return 0;
}

static const char *text(void) { return (const char *)buf.data; }

#define assert_has(part)                                      \
    do {                                                      \
        if (!strstr(text(), (part)))                          \
            fail_msg("lacks \"%s\" in:\n%s", (part), text()); \
    } while (0)

/* How often `part` stands in the text. */
static int times(const char *part)
{
    int n = 0;

    for (const char *at = text(); (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static void a_family_tells_its_help_and_type_once(void **state)
{
    const struct qr_label lanes[] = {{"lane", "claim"}, {"lane", "settle"}};
    (void)state;

    qr_metrics_family(&metrics, "quarry_lane_waiting", QR_METRIC_GAUGE, "waits\nhere \\ \"there\"");
    qr_metrics_u64(&metrics, &lanes[0], 1, 3);
    qr_metrics_u64(&metrics, &lanes[1], 1, UINT64_MAX);
    assert_string_equal(text(), "# HELP quarry_lane_waiting waits\\nhere \\\\ \"there\"\n"
                                "# TYPE quarry_lane_waiting gauge\n"
                                "quarry_lane_waiting{lane=\"claim\"} 3\n"
                                "quarry_lane_waiting{lane=\"settle\"} 18446744073709551615\n");
}

static void label_values_are_escaped_and_become_utf8(void **state)
{
    static const struct {
        const char *why, *value, *shown;
    } cases[] = {
        {"quote and backslash", "a\"b\\c", "a\\\"b\\\\c"},
        {"newline", "a\nb", "a\\nb"},
        {"valid UTF-8",
         "gr\xC3\xB6\xC3\x9F"
         "e \xF0\x9F\x98\x80",
         "gr\xC3\xB6\xC3\x9F"
         "e \xF0\x9F\x98\x80"},
        {"a lone continuation byte",
         "a\x80"
         "b",
         "a\xEF\xBF\xBD"
         "b"},
        {"a sequence cut at the end", "a\xC3", "a\xEF\xBF\xBD"},
        {"an overlong slash", "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a surrogate", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"nothing", NULL, ""},
    };
    char want[200];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const struct qr_label label = {"x", cases[i].value};
        qr_buf_clear(&buf);
        metrics.family = "m";
        qr_metrics_u64(&metrics, &label, 1, 1);
        snprintf(want, sizeof want, "m{x=\"%s\"} 1\n", cases[i].shown);
        if (strcmp(text(), want) != 0)
            fail_msg("%s: got %s", cases[i].why, text());
    }
}

static void numbers_that_are_none_have_names(void **state)
{
    (void)state;

    metrics.family = "m";
    qr_metrics_double(&metrics, NULL, 0, NAN);
    qr_metrics_double(&metrics, NULL, 0, INFINITY);
    qr_metrics_double(&metrics, NULL, 0, -INFINITY);
    qr_metrics_double(&metrics, NULL, 0, 1785312000.25);
    assert_string_equal(text(), "m NaN\nm +Inf\nm -Inf\nm 1785312000.25\n");
}

static void buckets_are_cumulative_and_end_in_inf(void **state)
{
    static const double bounds[] = {0.1, 1};
    const struct qr_label lane = {"lane", "claim"};
    struct qr_histogram histogram;
    (void)state;

    qr_histogram_init(&histogram, bounds, QR_COUNT(bounds));
    qr_histogram_observe(&histogram, 0.1); /* a bound is within its bucket */
    qr_histogram_observe(&histogram, 0.5);
    qr_histogram_observe(&histogram, 7);
    qr_histogram_observe(&histogram, -1); /* a clock that went back: not counted */
    qr_histogram_observe(&histogram, NAN);
    metrics.family = "h";
    qr_metrics_histogram(&metrics, &lane, 1, &histogram);
    assert_string_equal(text(), "h_bucket{lane=\"claim\",le=\"0.1\"} 1\n"
                                "h_bucket{lane=\"claim\",le=\"1\"} 2\n"
                                "h_bucket{lane=\"claim\",le=\"+Inf\"} 3\n"
                                "h_sum{lane=\"claim\"} 7.6\n"
                                "h_count{lane=\"claim\"} 3\n");
}

/* Everything a coordinator tells, with values that differ. */
static void write_all(void)
{
    const struct qr_run_totals jobs = {.pending = 1, .completed = 2, .empty = 1, .runs_active = 1};
    struct qr_engine_stats engine = {.results_committed = 10,
                                     .results_failed = 4,
                                     .results_stale = 3,
                                     .leases_offered = 21,
                                     .sessions_known = 5,
                                     .leases_active_now = 7};
    struct qr_db_stats lanes;

    memset(&lanes, 0, sizeof lanes);
#define NAME_LANE(lane, what)                     \
    lanes.lanes[QR_DB_STATS_##lane].name = #lane; \
    lanes.lanes[QR_DB_STATS_##lane].busy_ns = 1500000000;
    QR_DB_LANES(NAME_LANE)
#undef NAME_LANE
    lanes.lanes[QR_DB_STATS_settle].batches = 99;
    qr_histogram_init(&settle_seconds, qr_histogram_seconds, qr_histogram_seconds_count);
    qr_histogram_observe(&settle_seconds, 0.003);
    lanes.lanes[QR_DB_STATS_settle].batch_seconds = &settle_seconds;
    qr_metrics_build(&metrics, "0.1.0", "host \"a\"");
    qr_metrics_engine(&metrics, &engine);
    qr_metrics_lanes(&metrics, &lanes);
    qr_metrics_jobs(&metrics, &jobs);
    qr_metrics_process(&metrics);
}

static void every_counter_of_every_room_is_there_once(void **state)
{
    (void)state;

    write_all();
    assert_false(buf.failed);
#define HAS_ENGINE(name, help)              \
    if (strncmp(#name, "results_", 8) != 0) \
        assert_int_equal(times("# TYPE quarry_" #name "_total counter\n"), 1);
    QR_ENGINE_COUNTERS(HAS_ENGINE)
#undef HAS_ENGINE
#define HAS_LANE(name, help) assert_int_equal(times("{lane=\"" #name "\"} 1.5\n"), 1);
    QR_DB_LANES(HAS_LANE)
#undef HAS_LANE
    assert_has("quarry_leases_offered_total 21\n");
    assert_has("quarry_results_total{outcome=\"committed\"} 6\n"); /* 10 less 4 that failed */
    assert_has("quarry_results_total{outcome=\"failed\"} 4\n");
    assert_has("quarry_results_total{outcome=\"stale\"} 3\n");
    assert_has("quarry_results_total{outcome=\"retry_later\"} 0\n");
    assert_has("quarry_sessions 5\n");
    assert_has("quarry_leases{state=\"active\"} 7\n");
    assert_has("quarry_lane_batches_total{lane=\"settle\"} 99\n");
    assert_has("quarry_lane_batch_duration_seconds_bucket{lane=\"settle\",le=\"0.002\"} 0\n");
    assert_has("quarry_lane_batch_duration_seconds_bucket{lane=\"settle\",le=\"0.005\"} 1\n");
    assert_has("# TYPE quarry_lane_busy_seconds_total counter\n");
    assert_has("quarry_jobs{status=\"completed\"} 2\n");
    assert_has("quarry_build_info{version=\"0.1.0\",coordinator=\"host \\\"a\\\"\"} 1\n");
}

static double value_of(const char *name)
{
    const char *at = strstr(text(), name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

static void the_process_tells_its_resources(void **state)
{
    (void)state;

    qr_metrics_process(&metrics);
    assert_true(value_of("\nprocess_resident_memory_bytes ") > 1e6);
    assert_true(value_of("\nprocess_open_fds ") >= 3);
    assert_true(value_of("\nprocess_threads ") >= 1);
    assert_true(value_of("\nprocess_start_time_seconds ") > 1.6e9);
    assert_true(value_of("\nprocess_cpu_seconds_total ") >= 0);
}

static void promtool_finds_nothing_to_complain_about(void **state)
{
    (void)state;

    if (system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    write_all();
    FILE *promtool = popen("promtool check metrics 2>&1", "w");
    assert_non_null(promtool);
    assert_int_equal(fwrite(buf.data, 1, buf.len, promtool), buf.len);
    int status = pclose(promtool);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_family_tells_its_help_and_type_once, setup, teardown),
        cmocka_unit_test_setup_teardown(label_values_are_escaped_and_become_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_that_are_none_have_names, setup, teardown),
        cmocka_unit_test_setup_teardown(buckets_are_cumulative_and_end_in_inf, setup, teardown),
        cmocka_unit_test_setup_teardown(every_counter_of_every_room_is_there_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_process_tells_its_resources, setup, teardown),
        cmocka_unit_test_setup_teardown(promtool_finds_nothing_to_complain_about, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
