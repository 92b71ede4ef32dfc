/* Patterns of messages. Run it: ctest --preset dev -R pattern_test */
#include <string.h>

#include "common/class.h"
#include "coordinator/db/pattern.h"
#include "tests/harness/test.h"

static void what_differs_from_file_to_file_is_replaced(void **state)
{
    static const struct {
        const char *message, *pattern;
    } cases[] = {
        {"", ""},
        {"the file is empty", "the file is empty"},
        {"ends after 4711 of 9000.5 bytes", "ends after <n> of <n> bytes"},
        {"time budget of 30 s used up", "time budget of <n> s used up"},
        {"1,234 objects, version 1.7", "<n> objects, version <n>"},
        {"needs PDF 2.0, has PDF-1.4", "needs PDF <n>, has PDF-<n>"},
        {"object 12 0 R at 0x1F", "object <n> <n> R at <hex>"},
        {"sha d41d8cd98f00b204e9800998ecf8427e differs", "sha <hex> differs"},
        {"id 123e4567-e89b-12d3-a456-426614174000", "id <hex>"},
        {"cannot open /srv/a/b.pdf: no such file", "cannot open <path>: no such file"},
        {"root://in/x y.pdf is gone", "<path> y.pdf is gone"},
        {"C:\\a\\b.dxf is gone", "<path> is gone"},
        {"read/write error", "read/write error"},
        {"'a b.pdf' and \"c\" differ", "<name> and <name> differ"},
        {"extension \"py\" is unknown", "extension <name> is unknown"},
        {"the file's end isn't there", "the file's end isn't there"},
        {"'it's 3.pdf' is odd", "<name> is odd"},
        {"an open 'quote", "an open 'quote"},
        {"two  blanks\n\tand lines\r\n", "two blanks and lines"},
        {"feedface is a word of letters", "feedface is a word of letters"},
        {"größer als 5 MB", "größer als <n> MB"},
    };
    char buf[QR_PATTERN_MAX];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        qr_pattern_of(cases[i].message, buf);
        assert_string_equal(buf, cases[i].pattern);
    }
}

static void long_messages_are_cut_between_characters(void **state)
{
    char message[2001];
    char buf[QR_PATTERN_MAX];
    (void)state;

    for (size_t i = 0; i < 1000; i++)
        memcpy(message + 2 * i, "\xC3\xBC", 2);
    message[2000] = '\0';
    qr_pattern_of(message, buf);
    assert_int_equal(strlen(buf) % 2, 0);
    assert_in_range(strlen(buf), QR_PATTERN_MAX - 4, QR_PATTERN_MAX - 1);
    qr_pattern_of("\xC3", buf); /* broken UTF-8 is not read beyond its end */
    assert_string_equal(buf, "\xC3");
}

static void every_class_has_advice(void **state)
{
    (void)state;
    for (int id = QR_CLASS_TIMEOUT; id <= QR_CLASS_INTERNAL; id++)
        assert_non_null(strstr(qr_pattern_advice(qr_class_text((enum qr_class)id), ""), " "));
    assert_non_null(strstr(qr_pattern_advice("permission", "it needs a password"), "password"));
    assert_non_null(strstr(qr_pattern_advice("no such class", ""), "report"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_from_file_to_file_is_replaced),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(every_class_has_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
