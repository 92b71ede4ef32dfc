/* Run it: ctest --preset dev -R dxf_stream_test
 * Groups: from bytes to codes and values, numbers, code pages. */
#include "tests/harness/test.h"
#include "worker/extract/dxf/codepage.h"
#include "worker/extract/dxf/stream.h"
#include "worker/extract/dxf/tag.h"

#include <math.h>
#include <stdlib.h>

struct want {
    int code;
    const char *text;
};

/* All groups of a copy of exact size, so that reading past it is seen. */
static void expect(const char *data, size_t len, const struct want *want, size_t n)
{
    struct qr_dxf_stream stream;
    struct qr_dxf_tag tag;
    char *copy = malloc(len ? len : 1);

    if (len > 0)
        memcpy(copy, data, len);
    qr_dxf_stream_init(&stream, copy, len);
    for (size_t i = 0; i < n; i++) {
        assert_true(qr_dxf_stream_next(&stream, &tag));
        assert_int_equal(tag.code, want[i].code);
        assert_int_equal(tag.len, strlen(want[i].text));
        assert_memory_equal(tag.text, want[i].text, tag.len);
    }
    assert_false(qr_dxf_stream_next(&stream, &tag));
    assert_false(qr_dxf_stream_next(&stream, &tag)); /* and stays at the end */
    free(copy);
}

static void takes_lines_of_every_kind(void **state)
{
    static const struct want want[] = {{0, "SECTION"}, {1, ""}, {1001, "a b "}};
    static const char *const files[] = {
        "0\nSECTION\n1\n\n1001\na b \n",
        "0\r\nSECTION\r\n  1\r\n\r\n1001\r\na b \r\n",
        "0\rSECTION\r1\r\r1001\ra b \r",
        "  0\nSECTION\n     1\n\n1001 \na b ",
        ("\xEF\xBB\xBF"
         "0\nSECTION\n999\na comment\n1\n\n1001\na b \n\x1A"),
        "0\n\rSECTION\r\n1\n\r\r\n1001\na b \n\n\n\n",
    };
    (void)state;
    for (size_t i = 0; i + 1 < QR_COUNT(files); i++)
        expect(files[i], strlen(files[i]), want, QR_COUNT(want));
    expect("", 0, NULL, 0);
    expect("0", 1, (const struct want[]){{0, ""}}, 1);
}

static void goes_on_behind_damage(void **state)
{
    static const struct {
        const char *why;
        const char *file;
        struct want want[4];
        size_t n;
        uint64_t bad;
    } cases[] = {
        {"a word for a code", "8\na\nxyz\nb\n0\nLINE\n", {{8, "a"}, {0, "LINE"}}, 2, 1},
        {"a code out of range", "8\na\n5000\nb\n0\nLINE\n", {{8, "a"}, {0, "LINE"}}, 2, 1},
        {"a line too many",
         "8\na\nb\n10\n1.5\n20\n2\n30\n3\n",
         {{8, "a"}, {10, "1.5"}, {20, "2"}, {30, "3"}},
         4,
         1},
        {"a line too few", "8\n10\n1.5\n20\n2\n30\n3\n", {{8, "10"}, {20, "2"}, {30, "3"}}, 3, 1},
        {"nothing but damage", "a\nb\nc\n", {{0, ""}}, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_dxf_stream stream;
        struct qr_dxf_tag tag;
        qr_dxf_stream_init(&stream, cases[i].file, strlen(cases[i].file));
        size_t n = 0;
        for (; qr_dxf_stream_next(&stream, &tag); n++) {
            if (n >= cases[i].n || tag.code != cases[i].want[n].code ||
                tag.len != strlen(cases[i].want[n].text) ||
                memcmp(tag.text, cases[i].want[n].text, tag.len) != 0)
                fail_msg("%s: group %zu is %d \"%.*s\"", cases[i].why, n, tag.code, (int)tag.len,
                         tag.text);
        }
        if (n != cases[i].n || stream.bad_codes != cases[i].bad)
            fail_msg("%s: %zu groups, %d times bad", cases[i].why, n, (int)stream.bad_codes);
    }
}

static void gives_a_group_again(void **state)
{
    struct qr_dxf_stream stream;
    struct qr_dxf_tag tag;

    (void)state;
    qr_dxf_stream_init(&stream, "8\na\n999\nx\n0\nLINE\n", 17);
    assert_true(qr_dxf_stream_next(&stream, &tag));
    assert_true(qr_dxf_stream_next(&stream, &tag));
    qr_dxf_stream_unget(&stream);
    assert_true(qr_dxf_stream_next(&stream, &tag));
    assert_int_equal(tag.code, 0);
    assert_int_equal(stream.comments, 1);
}

static void reads_binary_values(void **state)
{
    static const char data[] = "AutoCAD Binary DXF\r\n\x1a\0"
                               "\0\0SECTION\0"
                               "\x28\0\0\0\0\0\0\0\xf8\x3f" /* 40 = 1.5 */
                               "\x46\0\xff\xff"             /* 70 = -1 */
                               "\x5a\0\x01\0\x01\0"         /* 90 = 65537 */
                               "\xa0\0\x01\0\0\0\x01\0\0\0" /* 160 = 2^32 + 1 */
                               "\x22\x01\x01"               /* 290 = 1 */
                               "\x36\x01\x02zz"             /* 310: two bytes */
                               "\x05\0"
                               "1F\0"                /* 5 = 1F */
                               "\x2f\x04\0\0\0\x80"; /* 1071 = -2^31 */
    struct qr_dxf_stream stream;
    struct qr_dxf_tag tag;

    (void)state;
    qr_dxf_stream_init(&stream, data, sizeof data - 1);
    assert_true(stream.binary);
    assert_true(qr_dxf_stream_next(&stream, &tag) && tag.code == 0 && tag.len == 7);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_real(&tag, NULL) == 1.5);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_int(&tag, NULL) == -1);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_int(&tag, NULL) == 65537);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_int(&tag, NULL) == 4294967297);
    assert_true(qr_dxf_stream_next(&stream, &tag) && tag.code == 290 && tag.integer == 1);
    assert_true(qr_dxf_stream_next(&stream, &tag) && tag.code == 310 && tag.len == 2);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_handle(&tag) == 0x1F);
    assert_true(qr_dxf_stream_next(&stream, &tag) && qr_dxf_int(&tag, NULL) == -2147483648);
    assert_false(qr_dxf_stream_next(&stream, &tag));
    assert_false(stream.cut);
    qr_dxf_stream_init(&stream, data, sizeof data - 3);
    while (qr_dxf_stream_next(&stream, &tag))
        continue;
    assert_true(stream.cut);
}

static void reads_numbers_as_they_come(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double want;
    } cases[] = {
        {"1.5", true, 1.5},
        {"  -0.25 ", true, -0.25},
        {"+3", true, 3},
        {".5", true, 0.5},
        {"5.", true, 5},
        {"1,5", true, 1.5},
        {"1.0E 20", true, 1e20},
        {"1e-3", true, 1e-3},
        {"2D3", true, 2000},
        {"12 mm", true, 12},
        {"12mm", true, 12},
        {"", false, 0},
        {"abc", false, 0},
        {"nan", false, 0},
        {"inf", false, 0},
        {"-inf", false, 0},
        {"0x10", true, 0},
        {"1e999", false, 0},
        {"-", false, 0},
        {".", false, 0},
        {"0.1", true, 0.1},
        {"123456789.123456789", true, 123456789.123456789},
        {"0.30000000000000004", true, 0.30000000000000004},
        {"9007199254740993", true, 9007199254740992.0},
        {"1234567890123456789012345678901234567890", true, 1.2345678901234568e39},
    };
    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_dxf_tag tag = {.code = 40, .text = cases[i].text, .len = strlen(cases[i].text)};
        bool ok;
        double got = qr_dxf_real(&tag, &ok);
        if (ok != cases[i].ok || got != cases[i].want)
            fail_msg("\"%s\": %d %.17g", cases[i].text, ok, got);
    }
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } integers[] = {
        {"  7 ", true, 7}, {"-1", true, -1}, {"1.0", true, 1},  {"1e3", true, 1000},
        {"", false, 0},    {"x", false, 0},  {"12x", true, 12}, {"99999999999999999999", false, 0},
    };
    for (size_t i = 0; i < QR_COUNT(integers); i++) {
        struct qr_dxf_tag tag = {
            .code = 70, .text = integers[i].text, .len = strlen(integers[i].text)};
        bool ok;
        int64_t got = qr_dxf_int(&tag, &ok);
        if (ok != integers[i].ok || got != integers[i].want)
            fail_msg("\"%s\": %d %lld", integers[i].text, ok, (long long)got);
    }
}

static void finds_groups_where_they_count(void **state)
{
#define TAG(c, t)                                      \
    {                                                  \
        .code = (c), .text = (t), .len = sizeof(t) - 1 \
    }
    static const struct qr_dxf_tag tags[] = {
        TAG(102, "{ACAD_REACTORS"),
        TAG(330, "AA"),
        TAG(102, "}"),
        TAG(330, "1F"),
        TAG(102, "{OPEN"),
        TAG(8, "no"),
        TAG(100, "AcDbEntity"),
        TAG(8, "yes"),
        TAG(10, "1"),
        TAG(20, "2"),
        TAG(101, "Embedded Object"),
        TAG(40, "9"),
        TAG(1001, "ONE"),
        TAG(1000, "a"),
        TAG(1001, "two"),
        TAG(1070, "5"),
    };
    const struct qr_dxf_entity entity = {
        .type = "Text", .type_len = 4, .tags = tags, .n = QR_COUNT(tags)};
    double point[3];
    size_t n;

    (void)state;
    assert_true(qr_dxf_type_is(&entity, "TEXT"));
    assert_int_equal(qr_dxf_handle(qr_dxf_find(&entity, 330)), 0x1F);
    assert_true(qr_dxf_tag_is(qr_dxf_find(&entity, 8), "yes"));
    assert_null(qr_dxf_find(&entity, 40)); /* of the embedded object */
    assert_null(qr_dxf_find(&entity, 1000));
    assert_true(qr_dxf_find_point(&entity, 10, point) && point[1] == 2 && point[2] == 0);
    assert_int_equal(qr_dxf_xdata_at(&entity), 12);
    assert_int_equal(qr_dxf_xdata(&entity, "TWO", &n)->code, 1070);
    assert_int_equal(n, 1);
    assert_null(qr_dxf_xdata(&entity, "three", &n));
    assert_non_null(qr_dxf_xdata(&entity, NULL, &n));
    assert_int_equal(n, 4);
}

static void knows_the_names_of_code_pages(void **state)
{
    static const struct {
        const char *name;
        bool known;
        int number;
    } cases[] = {
        {"ANSI_1252", true, 1252},  {"ansi_1251", true, 1251},  {"DOS437", true, 437},
        {"dos850", true, 850},      {"iso8859_1", true, 28591}, {"ISO8859-9", true, 28599},
        {"MAC-ROMAN", true, 10000}, {"big5", true, 950},        {"ksc5601", true, 949},
        {"johab", true, 1361},      {"ANSI_1361", true, 1361},  {"gb2312", true, 936},
        {"ANSI_936", true, 936},    {"dos932", true, 932},      {"ASCII", true, 1252},
        {"UNDEFINED", true, 1252},  {"utf-8", true, 65001},     {"ANSI_874", true, 874},
        {"", false, 1252},          {"ANSI_9999", false, 1252}, {"klingon", false, 1252},
    };
    QR_AUTO(qr_dxf_codepages) pages = qr_dxf_codepages_new();
    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_dxf_codepage page;
        bool known = qr_dxf_codepage_named(pages, cases[i].name, strlen(cases[i].name), &page);
        if (known != cases[i].known || page.number != cases[i].number)
            fail_msg("%s: %d %d", cases[i].name, known, page.number);
        for (int byte = 0; !page.wide && !page.utf8 && byte < 128; byte++)
            assert_true(page.high[byte] >= 0x80); /* the tables are whole */
    }
}

static void decodes_what_a_page_has_and_counts_the_rest(void **state)
{
    QR_AUTO(qr_dxf_codepages) pages = qr_dxf_codepages_new();
    struct qr_dxf_codepage page;
    struct qr_buf out;

    (void)state;
    qr_buf_init(&out, 1000);
    assert_true(qr_dxf_codepage_named(pages, "ANSI_1252", 9, &page));
    qr_dxf_codepage_decode(&page, "a\x80\x81z", 4, &out);
    assert_string_equal((const char *)out.data, "a€\uFFFDz");
    assert_int_equal(page.unknown, 1);
    qr_buf_clear(&out);
    assert_true(qr_dxf_codepage_numbered(pages, 932, &page));
    /* the second byte of the first is a backslash; a half-width letter; a lead byte alone */
    qr_dxf_codepage_decode(&page, "\x95\x5C\xB1\x81", 4, &out);
    assert_string_equal((const char *)out.data, "表ｱ\uFFFD");
    qr_buf_clear(&out);
    assert_true(
        qr_dxf_codepage_numbered(NULL, 949, &page)); /* no converter: nothing is lost silently */
    qr_dxf_codepage_decode(&page, "x\xB5\xB5", 3, &out);
    assert_string_equal((const char *)out.data, "x\uFFFD\uFFFD");
    assert_int_equal(page.unknown, 2);
    qr_buf_done(&out);
    assert_false(qr_dxf_codepage_numbered(pages, 1252, &page));
}

static void tells_utf8(void **state)
{
    bool high;

    (void)state;
    assert_true(qr_dxf_is_utf8("plain ascii of more than eight", 30, &high));
    assert_false(high);
    assert_true(qr_dxf_is_utf8("12345678ä", 10, &high));
    assert_true(high);
    assert_false(qr_dxf_is_utf8("12345678\xE4", 9, &high));
    assert_false(qr_dxf_is_utf8("\xC3", 1, &high));
    assert_true(qr_dxf_is_utf8("", 0, &high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_lines_of_every_kind),
        cmocka_unit_test(goes_on_behind_damage),
        cmocka_unit_test(gives_a_group_again),
        cmocka_unit_test(reads_binary_values),
        cmocka_unit_test(reads_numbers_as_they_come),
        cmocka_unit_test(finds_groups_where_they_count),
        cmocka_unit_test(knows_the_names_of_code_pages),
        cmocka_unit_test(decodes_what_a_page_has_and_counts_the_rest),
        cmocka_unit_test(tells_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
