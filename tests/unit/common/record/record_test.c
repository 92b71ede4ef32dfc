/* Run it: ctest --preset dev -R record_test */
#include "common/record/parts.h"
#include "common/record/record.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

static struct qr_record *example(void)
{
    struct qr_record *rec = qr_record_new(NULL);
    uint8_t digest[32];

    assert_non_null(rec);
    memset(digest, 0xAB, sizeof digest);
    qr_record_set_file(rec, "drawings/a.pdf");
    qr_record_set_type(rec, "pdf");
    qr_record_set_extractor(rec, "mupdf", "1");
    qr_record_set_sha256(rec, digest);
    rec->msg->bytes = 4711;
    qr_record_add_meta(rec, "title", "Pump", 4, "info");
    qr_record_add_meta_number(rec, "page_count", 2, "document");
    for (uint32_t i = 1; i <= 2; i++) {
        Quarry__V1__Page *page = qr_record_add_page(rec, i);
        page->width_pt = 595;
        page->height_pt = 842.5;
        qr_record_set_page_text(rec, page, i == 1 ? "\xC3\xBC one\n" : "two\n", i == 1 ? 7 : 4);
    }
    qr_record_note(rec, "pdf.warning", "first of %d", 2);
    qr_record_note(rec, "pdf.warning", "second");
    rec->msg->completeness = 1;
    qr_record_finish(rec);
    return rec;
}

static struct qr_record *there_and_back(const struct qr_record *rec)
{
    struct qr_err err = {0};
    struct qr_buf buf;
    struct qr_record *back = NULL;

    qr_buf_init(&buf, 1 << 24);
    assert_ok(qr_record_encode(rec, &buf, &err), &err);
    assert_ok(qr_record_decode(buf.data, buf.len, NULL, &back, &err), &err);
    qr_buf_done(&buf);
    return back;
}

static void json_follows_the_contract(void **state)
{
    QR_AUTO(qr_record) rec = example();
    QR_AUTO(qr_record) back = there_and_back(rec);
    (void)state;

    json_t *want = json_loads(
        "{\"file\": \"drawings/a.pdf\", \"type\": \"pdf\", \"bytes\": 4711, \"sha256\": "
        "\"abababababababababababababababababababababababababababababababab\", \"extractor\": "
        "\"mupdf\", \"extractor_version\": \"1\", \"status\": \"completed\", \"metadata\": "
        "{\"title\": "
        "\"Pump\", \"page_count\": \"2\"}, \"text\": \"\\u00fc one\\n\\ftwo\\n\", \"pages\": "
        "[{\"number\": 1, \"width_pt\": 595.0, \"height_pt\": 842.5, \"chars\": 6}, {\"number\": "
        "2, "
        "\"width_pt\": 595.0, \"height_pt\": 842.5, \"chars\": 4}], \"notes\": [{\"code\": "
        "\"pdf.warning\", \"count\": 2, \"message\": \"first of 2\"}], \"completeness\": 1.0, "
        "\"source\": \"actual\", \"duration_ms\": 0}",
        0, NULL);
    json_t *got = qr_record_json(back->msg);
    assert_non_null(want);
    if (!json_equal(want, got))
        fail_msg("got %s", json_dumps(got, JSON_INDENT(1)));
    json_decref(want);
    json_decref(got);
}

static void a_failed_record_has_class_and_message(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    (void)state;

    qr_record_set_file(rec, "a");
    qr_record_fail(rec, QR_CLASS_INVALID_INPUT, "page %d: broken", 3);
    qr_record_fail(rec, QR_CLASS_CRASH, "the first failure stays");
    json_t *json = qr_record_json(rec->msg);
    json_t *error = json_object_get(json, "error");
    assert_string_equal(json_string_value(json_object_get(json, "status")), "failed");
    assert_string_equal(json_string_value(json_object_get(error, "class")), "invalid_input");
    assert_string_equal(json_string_value(json_object_get(error, "message")), "page 3: broken");
    assert_null(json_object_get(json, "completeness"));
    json_decref(json);
}

static void drawing_parts_appear_only_when_there(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    Quarry__V1__Dimension dimension = QUARRY__V1__DIMENSION__INIT;
    Quarry__V1__Dimension *dimensions[] = {&dimension};
    Quarry__V1__Count line = QUARRY__V1__COUNT__INIT;
    Quarry__V1__Count *counts[] = {&line};
    char kind[] = "linear";
    char name[] = "LINE";
    (void)state;

    dimension.kind = kind;
    dimension.has_value = true;
    dimension.value = 12.5;
    dimension.upper = 0.1; /* not shown: has_tolerance is not set */
    line.name = name;
    line.count = 7;
    rec->msg->dimensions = dimensions;
    rec->msg->n_dimensions = 1;
    rec->msg->entities = counts;
    rec->msg->n_entities = 1;
    QR_AUTO(qr_record) back = there_and_back(rec);
    json_t *json = qr_record_json(back->msg);
    json_t *item = json_array_get(json_object_get(json, "dimensions"), 0);
    assert_string_equal(json_string_value(json_object_get(item, "kind")), "linear");
    assert_true(json_real_value(json_object_get(item, "value")) == 12.5);
    assert_null(json_object_get(item, "upper"));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "entities"), "LINE")),
                     7);
    assert_null(json_object_get(json, "bom"));
    assert_null(json_object_get(json, "pages"));
    json_decref(json);
}

static void a_number_that_json_lacks_is_left_out(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    (void)state;

    Quarry__V1__Page *page = qr_record_add_page(rec, 1);
    page->width_pt = (double)NAN;
    json_t *json = qr_record_json(rec->msg);
    assert_null(json_object_get(json_array_get(json_object_get(json, "pages"), 0), "width_pt"));
    json_decref(json);
}

static void strings_are_cleaned_and_counted(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    (void)state;

    qr_record_set_text(rec, "a\0b\xFF", 4);
    qr_record_set_file(rec, "bad \xE4 name");
    qr_record_finish(rec);
    assert_string_equal(rec->msg->text, "ab\xEF\xBF\xBD");
    assert_string_equal(rec->msg->file, "bad \xEF\xBF\xBD name");
    assert_int_equal(rec->msg->n_notes, 2);
    assert_string_equal(rec->msg->notes[0]->code, "text.invalid_utf8");
    assert_non_null(strstr(rec->msg->notes[0]->message, "2 invalid"));
    assert_string_equal(rec->msg->notes[1]->code, "text.nul");
}

static void caps_hold_and_are_told(void **state)
{
    const struct qr_record_limits limits = {
        .text_bytes = 5, .value_bytes = 4, .items = 20, .memory_bytes = 1 << 20};
    QR_AUTO(qr_record) rec = qr_record_new(&limits);
    (void)state;

    Quarry__V1__Page *page = qr_record_add_page(rec, 1);
    qr_record_set_page_text(rec, page, "1234\xC3\xBC", 6); /* the cut may not split the character */
    assert_string_equal(page->text, "1234");
    qr_record_add_meta(rec, "key", "too long", 8, "o");
    assert_string_equal(rec->msg->metadata[0]->value, "too ");
    for (int i = 0; i < 30; i++)
        qr_record_add_page(rec, 2);
    assert_int_equal(rec->msg->n_pages, 20);
    assert_true(rec->msg->partial);
    assert_string_equal(rec->msg->notes[0]->code, "record.capped");
    assert_int_equal(rec->msg->notes[0]->count > 10, 1);
}

static void a_record_too_large_to_send_loses_what_is_least_wanted(void **state)
{
    struct qr_record_limits limits = qr_record_default_limits;
    struct qr_buf out;
    struct qr_err err = {0};
    (void)state;

    limits.encoded_bytes = 50000;
    QR_AUTO(qr_record) rec = qr_record_new(&limits);
    qr_buf_init(&out, 1 << 20);
    for (int i = 0; i < 1000; i++)
        qr_record_add_span(rec)->text =
            qr_record_text(rec, "a text of fifty bytes, so that all take 50,000");
    for (int i = 0; i < 600; i++)
        qr_record_add_dimension(rec)->text = qr_record_text(rec, "a text of fifty bytes as well");
    qr_record_finish(rec);
    assert_int_equal(qr_record_encode(rec, &out, &err), QR_OK);
    assert_in_range(out.len, 40000, 51000); /* the note is not counted */
    assert_in_range(rec->msg->n_spans, 1, 900);
    assert_int_equal(rec->msg->n_dimensions, 600);
    assert_true(rec->msg->partial);
    assert_string_equal(rec->msg->notes[0]->code, "record.capped");
    qr_buf_done(&out);
}

static void out_of_memory_is_an_error_of_encoding(void **state)
{
    const struct qr_record_limits limits = {
        .text_bytes = 1 << 20, .value_bytes = 1 << 20, .items = 1000, .memory_bytes = 70000};
    QR_AUTO(qr_record) rec = qr_record_new(&limits);
    struct qr_err err = {0};
    struct qr_buf buf;
    char *text = calloc(1, 100000);
    (void)state;

    qr_buf_init(&buf, 1 << 20);
    memset(text, 'x', 100000);
    qr_record_set_text(rec, text, 100000);
    assert_err(qr_record_encode(rec, &buf, &err), QR_E_NOMEM, &err, "memory limit");
    qr_record_reset(rec);
    assert_ok(qr_record_encode(rec, &buf, &err), &err);
    qr_buf_done(&buf);
    free(text);
}

static void decoding_trusts_nothing(void **state)
{
    static const struct {
        const char *why;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"no protobuf", "\xFF\xFF\xFF\xFF", 4},
        {"length beyond the end",
         "\x0A\x7F"
         "abc",
         5},
        {"file name that is not UTF-8", "\x0A\x02\xC3\x28", 4},
        {"a page's text that is not UTF-8", "\x52\x03\x2A\x01\xFF", 5},
    };
    struct qr_record *rec = NULL;
    struct qr_err err = {0};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        int rc = qr_record_decode(cases[i].bytes, cases[i].len, NULL, &rec, &err);
        if (rc != QR_E_DATA || rec)
            fail_msg("%s: %d", cases[i].why, rc);
    }
}

static void decoding_bounds_memory(void **state)
{
    /* an empty page takes two bytes on the wire and more than 100 in memory */
    const struct qr_record_limits limits = {
        .text_bytes = 1 << 20, .value_bytes = 100, .items = 100, .memory_bytes = 1 << 20};
    const size_t pages = 100000;
    struct qr_record *rec = NULL;
    struct qr_err err = {0};
    char *bytes = calloc(pages, 2);
    (void)state;

    for (size_t i = 0; i < pages; i++)
        bytes[2 * i] = 0x52; /* field 10, length-delimited; its length stays 0 */
    assert_err(qr_record_decode(bytes, pages * 2, &limits, &rec, &err), QR_E_DATA, &err, "memory");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_follows_the_contract),
        cmocka_unit_test(a_failed_record_has_class_and_message),
        cmocka_unit_test(drawing_parts_appear_only_when_there),
        cmocka_unit_test(a_number_that_json_lacks_is_left_out),
        cmocka_unit_test(strings_are_cleaned_and_counted),
        cmocka_unit_test(caps_hold_and_are_told),
        cmocka_unit_test(a_record_too_large_to_send_loses_what_is_least_wanted),
        cmocka_unit_test(out_of_memory_is_an_error_of_encoding),
        cmocka_unit_test(decoding_trusts_nothing),
        cmocka_unit_test(decoding_bounds_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
