/* Run it: ctest --preset dev -R p21_text_test
 * Strings of exchange files to UTF-8. */
#include "worker/extract/p21/p21.h"

#include <iconv.h>
#include <stdlib.h>

#include "tests/harness/test.h"

/* What a string in a record comes to; the caller frees it. */
static char *decoded(const char *raw)
{
    char text[512];
    struct qr_p21 *p21 = NULL;
    struct qr_p21_value value;
    struct qr_err err = {0};
    struct qr_buf out;

    snprintf(text, sizeof text, "ISO-10303-21;DATA;#1=A('%s');ENDSEC;END-ISO-10303-21;", raw);
    assert_int_equal(qr_p21_open((const uint8_t *)text, strlen(text), NULL, NULL, &p21, &err),
                     QR_OK);
    qr_buf_init(&out, 1000);
    assert_true(qr_p21_attribute(p21, 0, QR_P21_UNKNOWN, 0, &value));
    qr_p21_text(&value, &out, NULL);
    char *ret = strndup(out.data ? (const char *)out.data : "", out.len);
    qr_buf_done(&out);
    qr_p21_free(p21);
    return ret;
}

static void decodes_strings(void **state)
{
    static const struct {
        const char *why, *raw, *want;
    } cases[] = {
        {"plain", "Bolt M8", "Bolt M8"},
        {"doubled quotes", "it''s", "it's"},
        {"backslash", "C:\\\\tmp", "C:\\tmp"},
        {"a backslash nobody escaped", "C:\\tmp", "C:\\tmp"},
        {"\\X\\", "Gr\\X\\F6\\X\\DFe", "Größe"},
        {"\\X2\\", "\\X2\\00E4004103A9\\X0\\", "äAΩ"},
        {"lower-case digits", "\\X2\\00e4\\X0\\", "ä"},
        {"surrogates", "\\X2\\D83DDE00\\X0\\", "😀"},
        {"a lone surrogate", "a\\X2\\D83D\\X0\\b", "a\uFFFDb"},
        {"\\X4\\", "\\X4\\0001F600\\X0\\", "😀"},
        {"\\S\\", "\\S\\dr", "är"},
        {"\\P\\: Greek", "\\PG\\\\S\\A\\S\\y", "\u0391\u03C9"},
        {"\\P\\: Cyrillic", "\\PE\\\\S\\0", "\u0410"},
        {"\\P\\: Czech", "\\PB\\\\S\\h", "\u010D"},
        {"print control", "a\\N\\b\\F\\c", "abc"},
        {"folded", "ab\r\ncd", "abcd"},
        {"folded inside \\X2\\", "\\X2\\00\nE4\\X0\\", "ä"},
        {"raw UTF-8", "Größe", "Größe"},
        {"raw Windows-1252", "Gr\xF6\xDF\x80", "Größ€"},
        {"never closed", "\\X2\\00E4", "ä"},
        {"a broken escape", "\\X\\GG", "GG"},
        {"\\X4\\ beyond Unicode", "\\X4\\00110000\\X0\\", "\uFFFD"},
        {"a low surrogate alone", "\\X2\\DE00\\X0\\", "\uFFFD"},
        {"two high ones and a low", "\\X2\\D83DD83DDE00\\X0\\", "\uFFFD😀"},
        {"\\S\\ with a doubled quote", "\\S\\''", "\u00A7"},
        {"folded inside an escape", "\\X2\\00E4\r\n\\X0\\x", "äx"},
        {"ends in a backslash", "a\\\\\\", "a\\\\"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char *got = decoded(cases[i].raw);
        print_message("%s\n", cases[i].why);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

/* All pages against the C library's tables. */
static void pages_are_those_of_iso_8859(void **state)
{
    (void)state;
    for (int page = 1; page <= 9; page++) {
        char name[16];
        snprintf(name, sizeof name, "ISO-8859-%d", page);
        iconv_t cd = iconv_open("UTF-8", name);
        assert_true(cd != (iconv_t)-1);
        for (int byte = 0xA1; byte <= 0xFE; byte++) {
            char want[8] = "";
            char in = (char)byte;
            char *from = &in;
            char *to = want;
            size_t left = 1;
            size_t room = sizeof want - 1;
            if (iconv(cd, &from, &left, &to, &room) == (size_t)-1) {
                iconv(cd, NULL, NULL, NULL, NULL); /* the part leaves it free */
                continue;
            }
            char raw[24];
            snprintf(raw, sizeof raw, "\\P%c\\\\S\\%c%s", 'A' + page - 1, byte - 0x80,
                     byte == 0xA7 ? "'" : "");
            char *got = decoded(raw);
            if (strcmp(got, want) != 0)
                fail_msg("page %d, byte %02X: '%s', not '%s'", page, byte, got, want);
            free(got);
        }
        iconv_close(cd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_strings),
        cmocka_unit_test(pages_are_those_of_iso_8859),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
