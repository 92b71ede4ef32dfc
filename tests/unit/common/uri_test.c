/* Run it: ctest --preset dev -R uri_test */
#include "common/filetype.h"
#include "common/uri.h"
#include "tests/harness/test.h"

static void any_bytes_survive_the_round_trip(void **state)
{
    static const char *const paths[] = {
        "a/b.dxf",
        "",
        "100%.pdf",
        "gr\xC3\xBC\xC3\x9F"
        "e.txt",
        "bad\xFF\xFEname.pdf",
        "line\nbreak",
        "cut\xE2\x82",
        "over\xC0\xAFlong",
        "sur\xED\xA0\x80rogate",
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(paths); i++) {
        struct qr_buf text;
        struct qr_uri uri;
        struct qr_err err = {0};
        qr_buf_init(&text, 4096);
        assert_true(qr_uri_append(&text, "drawings", paths[i]));
        assert_ok(qr_uri_parse((char *)text.data, &uri, &err), &err);
        assert_string_equal(uri.root, "drawings");
        assert_string_equal(uri.path, paths[i]);
        for (size_t k = 0; k < text.len;) { /* what is stored is valid text */
            size_t n = qr_utf8_sequence(text.data + k, text.len - k);
            assert_true(n > 0 && text.data[k] >= 0x20);
            k += n;
        }
        qr_uri_done(&uri);
        qr_buf_done(&text);
    }
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"/etc/passwd", "root://"},      {"root:///a", "root name"},
        {"root://Upper/a", "root name"}, {"root://r/../etc", "'..'"},
        {"root://r/a/%2e%2E/b", "'..'"}, {"root://r/a%00b", "bad escape"},
        {"root://r/a%zz", "bad escape"}, {"root://r/a%4", "bad escape"},
        {"root://r/a/..", "'..'"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_uri uri;
        struct qr_err err = {0};
        assert_err(qr_uri_parse(cases[i].text, &uri, &err), QR_E_INVALID, &err, cases[i].part);
    }
}

static void dots_in_names_are_not_parents(void **state)
{
    struct qr_uri uri;
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_uri_parse("root://r/a..b/..c/d..", &uri, &err), &err);
    assert_string_equal(uri.path, "a..b/..c/d..");
    qr_uri_done(&uri);
}

static void types_come_from_names(void **state)
{
    static const struct {
        const char *name;
        const char *type;
    } cases[] = {
        {"a/B.PDF", "pdf"},
        {"notes.md", "text"},
        {"x.stp", "step"},
        {"wheel.prt.12", "cad"},
        {"archive.pdf.7", "other"},
        {"a.b/no_extension", "other"},
        {".pdf", "pdf"},
        {"x.", "other"},
        {"12", "other"},
        {"x.exe", "other"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++)
        assert_string_equal(qr_filetype_of_name(cases[i].name), cases[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_survive_the_round_trip),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(dots_in_names_are_not_parents),
        cmocka_unit_test(types_come_from_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
