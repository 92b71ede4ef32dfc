/* Run it: ctest --preset dev -R text_test */
#include "ctl/text.h"
#include "tests/harness/test.h"

static char out[64];

static void durations_read_well(void **state)
{
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        {0, "0 ms"},
        {999, "999 ms"},
        {1000, "1.0 s"},
        {12399, "12.3 s"},
        {59999, "59.9 s"},
        {60000, "1 min 0 s"},
        {200000, "3 min 20 s"},
        {3600000, "1 h 0 min"},
        {7500000, "2 h 5 min"},
        {86400000, "1 d 0 h"},
        {273600000, "3 d 4 h"},
        {-1, "-"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_string_equal(qr_text_duration(cases[i].ms, out, sizeof out), cases[i].want);
}

static void clocks_count_down_to_the_last_second(void **state)
{
    (void)state;

    assert_string_equal(qr_text_clock(0, out, sizeof out), "0:00");
    assert_string_equal(qr_text_clock(1, out, sizeof out), "0:01"); /* not done yet */
    assert_string_equal(qr_text_clock(6500, out, sizeof out), "0:07");
    assert_string_equal(qr_text_clock(760000, out, sizeof out), "12:40");
    assert_string_equal(qr_text_clock(3723000, out, sizeof out), "1:02:03");
    assert_string_equal(qr_text_clock((int64_t)100 * 3600 * 1000, out, sizeof out), "4 d");
}

static void times_are_told_relative_to_now(void **state)
{
    static const struct {
        int64_t ago_s;
        const char *want;
    } cases[] = {
        {-5, "just now"}, /* the other machine's clock is ahead */
        {0, "just now"},   {12, "12 s ago"},   {60, "1 min ago"},        {3599, "59 min ago"},
        {7200, "2 h ago"}, {86400, "1 d ago"}, {29 * 86400, "29 d ago"},
    };
    const int64_t now = (int64_t)1800000000 * 1000;
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_string_equal(qr_text_ago(now, now - cases[i].ago_s * 1000, out, sizeof out),
                            cases[i].want);
    assert_string_equal(qr_text_ago(now, 0, out, sizeof out), "-");
    qr_text_ago(now, now - (int64_t)400 * 86400 * 1000, out, sizeof out);
    assert_int_equal(strlen(out), strlen("2025-12-11"));
    assert_int_equal(out[4], '-');
}

static void sizes_counts_and_rates_have_sensible_digits(void **state)
{
    (void)state;

    assert_string_equal(qr_text_size(0, out, sizeof out), "0 B");
    assert_string_equal(qr_text_size(999, out, sizeof out), "999 B");
    assert_string_equal(qr_text_size(1000, out, sizeof out), "1.0 kB");
    assert_string_equal(qr_text_size(999949, out, sizeof out), "999.9 kB");
    assert_string_equal(qr_text_size(999950, out, sizeof out), "1.0 MB"); /* never 1000.0 kB */
    assert_string_equal(qr_text_size(30100000, out, sizeof out), "30.1 MB");
    assert_string_equal(qr_text_size(UINT64_MAX, out, sizeof out), "18.4 EB");
    assert_string_equal(qr_text_count(0, out, sizeof out), "0");
    assert_string_equal(qr_text_count(999, out, sizeof out), "999");
    assert_string_equal(qr_text_count(1234567, out, sizeof out), "1,234,567");
    assert_string_equal(qr_text_count(UINT64_MAX, out, sizeof out), "18,446,744,073,709,551,615");
    assert_string_equal(qr_text_rate(0.4166, out, sizeof out), "0.42");
    assert_string_equal(qr_text_rate(41.23, out, sizeof out), "41.2");
    assert_string_equal(qr_text_rate(1234.4, out, sizeof out), "1,234");
    assert_string_equal(qr_text_rate(-1, out, sizeof out), "-");
}

static void width_counts_columns_not_bytes(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"plain", 5},
        {"gr\xC3\xB6\xC3\x9F"
         "e",
         5},
        {"e\xCC\x81", 1},                /* e and a combining acute accent */
        {"\xE5\x9B\xB3\xE9\x9D\xA2", 4}, /* two wide characters */
        {"\xF0\x9F\x98\x80", 2},         /* emoji */
        {"\xFF\xFE", 2},                 /* broken bytes: a replacement each */
        {"\xC3", 1},                     /* cut off */
        {"\xE2\x94\x81\xE2\x94\x80", 2}, /* box drawing */
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_int_equal(qr_text_width(cases[i].text), cases[i].columns);
}

static void cutting_marks_the_cut_and_keeps_characters_whole(void **state)
{
    static const char dots[] = "\xE2\x80\xA6";
    static const struct {
        const char *why, *text;
        size_t columns;
        bool keep_end;
        const char *want;
    } cases[] = {
        {"fits", "abc", 3, false, "abc"},
        {"end cut", "abcdef", 4, false, "abc\xE2\x80\xA6"},
        {"front cut", "abcdef", 4, true,
         "\xE2\x80\xA6"
         "def"},
        {"only room for the mark", "abcdef", 1, false, "\xE2\x80\xA6"},
        {"no room", "abcdef", 0, false, ""},
        {"half a wide character does not fit", "\xE5\x9B\xB3\xE9\x9D\xA2", 3, false,
         "\xE5\x9B\xB3\xE2\x80\xA6"},
        {"escape sequence", "a\x1b[31mb", 80, false, "a?[31mb"},
        {"newline and tab", "a\nb\tc", 80, false, "a?b?c"},
        {"C1 control in UTF-8",
         "a\xC2\x9B"
         "b",
         80, false, "a?b"},
        {"text turned around",
         "a\xE2\x80\xAE"
         "b",
         80, false, "a?b"},
        {"broken UTF-8",
         "a\xFF"
         "b",
         80, false,
         "a\xEF\xBF\xBD"
         "b"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        size_t used =
            qr_text_fit(cases[i].text, cases[i].columns, cases[i].keep_end, dots, out, sizeof out);
        if (strcmp(out, cases[i].want) != 0)
            fail_msg("%s: got \"%s\"", cases[i].why, out);
        if (cases[i].columns < 80 && used > cases[i].columns)
            fail_msg("%s: %zu columns", cases[i].why, used);
    }
    char small[4];
    qr_text_fit("\xC3\xB6\xC3\xB6\xC3\xB6", 80, false, dots, small, sizeof small);
    assert_string_equal(small, "\xC3\xB6"); /* never half a character */
}

static void distance_counts_typing_errors(void **state)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"", "", 0},
        {"run", "run", 0},
        {"run", "rnu", 1},
        {"verify", "verfy", 1},
        {"worker", "wokrer", 1},
        {"list", "lst", 1},
        {"abc", "", 3},
        {"ca", "abc", 3},
    };
    char longest[80];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_int_equal(qr_text_distance(cases[i].a, cases[i].b), cases[i].want);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(qr_text_distance(longest, "run") == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(clocks_count_down_to_the_last_second),
        cmocka_unit_test(times_are_told_relative_to_now),
        cmocka_unit_test(sizes_counts_and_rates_have_sensible_digits),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(cutting_marks_the_cut_and_keeps_characters_whole),
        cmocka_unit_test(distance_counts_typing_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
