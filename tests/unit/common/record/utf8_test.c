/* Run it: ctest --preset dev -R utf8_test */
#include "common/record/utf8.h"
#include "tests/harness/test.h"

static void cleans_what_is_not_utf8(void **state)
{
    static const struct {
        const char *why;
        const char *in;
        size_t len;
        const char *out;
        size_t replaced;
        size_t nuls;
    } cases[] = {
        {"plain", "abc", 3, "abc", 0, 0},
        {"longer than a machine word", "0123456789abcdef", 16, "0123456789abcdef", 0, 0},
        {"valid, two to four bytes", "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
         "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", 0, 0},
        {"NUL in the middle of a word", "abcd\0efghijk", 12, "abcdefghijk", 0, 1},
        {"Latin-1",
         "Pr\xFC"
         "fung",
         7,
         "Pr\xEF\xBF\xBD"
         "fung",
         1, 0},
        {"overlong slash", "\xC0\xAF", 2, "\xEF\xBF\xBD\xEF\xBF\xBD", 2, 0},
        {"surrogate", "\xED\xA0\x80", 3, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3, 0},
        {"above U+10FFFF", "\xF4\x90\x80\x80", 4,
         "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 4, 0},
        {"cut at the end: one replacement", "a\xE2\x82", 3, "a\xEF\xBF\xBD", 1, 0},
        {"sequence broken by a letter", "\xE2\x82z", 3, "\xEF\xBF\xBDz", 1, 0},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char out[64];
        struct qr_utf8_stats stats = {0};
        size_t n = qr_utf8_clean(cases[i].in, cases[i].len, out, &stats);
        if (strcmp(out, cases[i].out) != 0 || n != strlen(cases[i].out))
            fail_msg("%s: got \"%s\"", cases[i].why, out);
        assert_int_equal(stats.replaced, cases[i].replaced);
        assert_int_equal(stats.nuls, cases[i].nuls);
        assert_int_equal(stats.chars, qr_utf8_count(out, n));
        assert_true(qr_utf8_is_clean(out, n));
        assert_int_equal(qr_utf8_is_clean(cases[i].in, cases[i].len),
                         cases[i].replaced + cases[i].nuls == 0);
    }
}

static void every_code_point_goes_there_and_back(void **state)
{
    (void)state;
    for (uint32_t cp = 1; cp <= 0x10FFFF; cp++) {
        char bytes[4];
        uint32_t back;
        bool valid;
        if (cp == 0xD800)
            cp = 0xE000;
        size_t n = qr_utf8_put(cp, bytes);
        assert_int_equal(qr_utf8_next((uint8_t *)bytes, n, &back, &valid), n);
        assert_true(valid && back == cp);
    }
}

static void cuts_between_characters(void **state)
{
    const char *text = "a\xC3\xBC\xE2\x82\xAC";
    (void)state;

    assert_int_equal(qr_utf8_cut(text, 6, 6), 6);
    assert_int_equal(qr_utf8_cut(text, 6, 5), 3);
    assert_int_equal(qr_utf8_cut(text, 6, 4), 3);
    assert_int_equal(qr_utf8_cut(text, 6, 2), 1);
    assert_int_equal(qr_utf8_cut(text, 6, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleans_what_is_not_utf8),
        cmocka_unit_test(every_code_point_goes_there_and_back),
        cmocka_unit_test(cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
