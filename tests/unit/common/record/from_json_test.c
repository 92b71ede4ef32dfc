/* Run it: ctest --preset dev -R from_json_test */
#include "common/record/from_json.h"
#include "tests/harness/test.h"

static int read_text(struct qr_record *rec, const char *json, struct qr_err *err)
{
    qr_record_reset(rec);
    return qr_record_from_json(rec, json, strlen(json), err);
}

static void assert_refused(const char *json, const char *part)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_err err = {0};

    assert_err(read_text(rec, json, &err), QR_E_DATA, &err, part);
}

static void what_is_no_record_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("", "no JSON");
    assert_refused("{\"text\":\"a\"", "line 1");
    assert_refused("[]", "not an object");
    assert_refused("{\"text\":1}", "text is not a string");
    assert_refused("{\"layers\":{}}", "layers is not a list");
    assert_refused("{\"layers\":[{\"colour\":\"1\"}]}", "layers[0] is not an object with a name");
    assert_refused("{\"entities\":{\"LINE\":-1}}", "entities is not a whole number");
    assert_refused("{\"entities\":{\"LINE\":1.5}}", "entities is not a whole number");
    assert_refused("{\"dimensions\":[{},{\"value\":\"1\"}]}",
                   "dimensions[1].value is not a number");
    assert_refused("{\"dimensions\":[{\"box\":[1,2,3]}]}", "four numbers");
    assert_refused("{\"dimensions\":[{\"points\":[1,\"2\"]}]}", "list of numbers");
    assert_refused("{\"metadata\":{\"a\":{\"b\":\"c\"}}}", "metadata is not a string");
    assert_refused("{\"encrypted\":\"no\"}", "encrypted is not true or false");
    assert_refused("{\"pages\":[{\"number\":4294967296}]}", "pages[0].number");
    assert_refused("{\"error\":{\"class\":\"oops\",\"message\":\"m\"}}", "class");
    assert_refused("{\"cad\":{\"products\":[7]}}", "cad.products[0] is not an object");
    assert_refused("{\"cad\":{\"genome\":[1]}}", "cad.genome is not an object");
    assert_refused("{\"cad\":{\"bbox\":[1,2,3]}}", "cad.bbox is not a list of 6 numbers");
    assert_refused("{\"cad\":{\"mass\":[{\"centroid\":[1,2,\"3\"]}]}}",
                   "cad.mass[0].centroid is not a list of numbers");
    assert_refused("{\"cad\":{\"colours\":[{\"rgb\":[1,2]}]}}",
                   "cad.colours[0].rgb is not a list of three numbers");
    assert_refused("{\"cad\":{\"geometry\":[]}}", "cad.geometry is not an object");
    assert_refused("{\"title_block_places\":[]}", "title_block_places is not an object");
    assert_refused("{\"title_block\":{\"a\":\"b\"},\"title_block_places\":{\"a\":1}}",
                   "title_block_places.a is not an object");
}

/* What is no record's JSON at all: the library says where. */
static void bad_json_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *why, *json, *part;
        size_t len;
    } cases[] = {
        {"half written", "{\"text\":\"a", "line 1", 0},
        {"NaN", "{\"completeness\":NaN}", "line 1", 0},
        {"Infinity", "{\"completeness\":-Infinity}", "line 1", 0},
        {"too large for a double", "{\"completeness\":1e400}", "overflow", 0},
        {"a whole number of too many digits", "{\"pages\":[{\"number\":18446744073709551616}]}",
         "too big integer", 0},
        {"a name that comes twice", "{\"text\":\"a\",\n\"text\":\"b\"}", "line 2: duplicate", 0},
        {"not UTF-8", "{\"text\":\"\xff\"}", "line 1", 0},
        {"a surrogate alone", "{\"text\":\"\\ud83d\"}", "line 1", 0},
        {"a byte order mark", "\xEF\xBB\xBF{}", "line 1", 0},
        {"UTF-16", "\xFF\xFE{\0}\0", "line 1", 6},
        {"something behind it", "{} {}", "line 1", 0},
        {"blanks alone", " \n ", "line 2", 0},
        {"binary noise", "\x01\x02\x03\0\x04", "line 1", 5},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        QR_AUTO(qr_record) rec = qr_record_new(NULL);
        struct qr_err err = {0};
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].json);

        if (qr_record_from_json(rec, cases[i].json, len, &err) != QR_E_DATA)
            fail_msg("%s was taken", cases[i].why);
        if (!strstr(err.msg, "no JSON: ") || !strstr(err.msg, cases[i].part))
            fail_msg("%s: %s", cases[i].why, err.msg);
    }
}

/* A null among numbers stands for one that was not finite. */
static void numbers_that_are_none_leave_their_list_out(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_err err = {0};

    (void)state;
    assert_ok(read_text(rec,
                        "{\"cad\":{\"bbox\":[0,0,0,1,null,1],\"embeddings\":[{\"type\":\"x\","
                        "\"values\":[1e300,0.5]},{\"type\":\"y\",\"values\":[null]}]}}",
                        &err),
              &err);
    assert_int_equal(rec->msg->cad->bounds->n_box, 0);
    assert_int_equal(rec->msg->cad->embeddings[0]->n_values, 0);
    assert_int_equal(rec->msg->cad->embeddings[1]->n_values, 0);
    assert_true(rec->msg->partial);
    assert_string_equal(rec->msg->notes[0]->code, "exec.number");
    assert_int_equal(rec->msg->notes[0]->count, 3);
}

static void nesting_without_end_is_refused(void **state)
{
    enum { DEEP = 100000 };
    static char text[2 * DEEP + 32];

    (void)state;
    size_t n = (size_t)sprintf(text, "{\"cad\":");
    memset(text + n, '[', DEEP);
    assert_refused(text, "no JSON");
}

static void a_record_comes_back_as_it_was(void **state)
{
    static const char json[] =
        "{\"file\":\"\",\"bytes\":0,\"extractor\":\"acme\",\"extractor_version\":\"2\",\"status\":"
        "\"completed\","
        "\"metadata\":{\"title\":\"Wheel\",\"author\":[\"A\",\"B\"]},\"text\":\"one\\ftwo\","
        "\"pages\":["
        "{\"number\":1,\"width_pt\":10.0,\"height_pt\":20.0,\"chars\":3,\"label\":\"i\"},"
        "{\"number\":2,\"width_pt\":10.0,\"height_pt\":20.0,\"chars\":3}],"
        "\"dimensions\":[{\"kind\":\"linear\",\"value\":5.5,\"upper\":0.1,\"lower\":-0.1,\"page\":"
        "1,"
        "\"box\":[1.0,2.0,3.0,4.0],\"points\":[0.0,1.0]}],"
        "\"gdt\":[{\"characteristic\":\"position\",\"value\":0.1,\"datums\":[\"A\",\"B\"],\"page\":"
        "2}],"
        "\"bom\":[{\"item\":\"1\",\"quantity\":\"4\",\"other\":{\"LOT\":\"7\"},\"page\":1,"
        "\"box\":[0.0,0.0,1.0,1.0]}],"
        "\"entities\":{\"LINE\":3,\"TEXT\":1},\"layers\":[{\"colour\":\"7\",\"name\":\"0\"}],"
        "\"cad\":{\"schema\":\"X\",\"solid_count\":1,\"shell_count\":0,\"face_count\":6,\"loop_"
        "count\":0,"
        "\"edge_count\":12,\"vertex_count\":8,\"surface_types\":{\"plane\":6},"
        "\"bbox\":[0.0,0.0,0.0,1.0,2.0,3.0],\"genome\":{\"a\":[1]}},"
        "\"completeness\":0.5,\"source\":\"actual\",\"duration_ms\":0}";
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_err err = {0};

    (void)state;
    assert_ok(read_text(rec, json, &err), &err);
    json_t *want = json_loads(json, 0, NULL);
    json_t *got = qr_record_json(rec->msg);
    assert_non_null(want);
    if (!json_equal(want, got))
        fail_msg("%s", json_dumps(got, JSON_COMPACT));
    json_decref(want);
    json_decref(got);
}

static void what_only_we_know_is_not_taken(void **state)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_err err = {0};

    (void)state;
    assert_ok(
        read_text(
            rec,
            "{\"file\":\"x\",\"type\":\"pdf\",\"bytes\":7,\"sha256\":\"00\",\"fallback\":true,"
            "\"overlay\":{},\"surprise\":[[1]],\"text\":null}",
            &err),
        &err);
    assert_string_equal(rec->msg->file, "");
    assert_string_equal(rec->msg->type, "");
    assert_int_equal(rec->msg->bytes, 0);
    assert_false(rec->msg->fallback);
    assert_int_equal(rec->msg->n_notes, 1);
    assert_string_equal(rec->msg->notes[0]->code, "exec.unknown");
    assert_int_equal(rec->msg->notes[0]->count, 3);
}

static void lists_and_strings_are_capped_and_cleaned(void **state)
{
    const struct qr_record_limits limits = {
        .text_bytes = 1000, .value_bytes = 10, .items = 2, .memory_bytes = 1 << 20};
    QR_AUTO(qr_record) rec = qr_record_new(&limits);
    struct qr_err err = {0};

    (void)state;
    assert_ok(read_text(rec,
                        "{\"layers\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],"
                        "\"encoding\":\"a very long name\",\"entities\":{\"A\":1,\"B\":2,\"C\":3}}",
                        &err),
              &err);
    assert_int_equal(rec->msg->n_layers, 2);
    assert_int_equal(rec->msg->n_entities, 2);
    assert_int_equal(strlen(rec->msg->encoding), 10);
    assert_true(rec->msg->partial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_record_is_refused_with_its_place),
        cmocka_unit_test(bad_json_is_refused_with_its_line),
        cmocka_unit_test(numbers_that_are_none_leave_their_list_out),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(what_only_we_know_is_not_taken),
        cmocka_unit_test(lists_and_strings_are_capped_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
