/* Bad documents: each is refused with its place, or read with what is wrong left out. */
#include "tests/unit/common/cadjson/import_json.h"

static void half_written(void **state)
{
    static const char whole[] =
        "{\"name\": \"a.prt\", \"features\": [{\"id\": \"1\", \"parameters\": {\"d\": -1.5e3}}], "
        "\"genome\": {\"x\": [true, null]}, \"text\": \"\\u00e9\\n\", \"point_cloud\": {\"xyz\": "
        "\"AAAA\"}";
    struct qr_err err;
    (void)state;

    for (size_t len = 0; len < sizeof whole - 1; len++) {
        json_t *json = import(whole, len, "a.prt", &err);
        assert_null(json);
        assert_int_equal(err.code, QR_E_DATA);
        assert_non_null(strstr(err.msg, "(byte "));
    }
    refuses("{\"name\": \"a.prt\", \"features\": [{}, {\"id\": 1", "a.prt",
            "/features/1/id: ',' or '}' is expected, but the document ends here (byte 43)");
    refuses("{\"name\": \"a.prt\", \"text\": \"half", "a.prt",
            "/text: the end of a string is expected, but the document ends here (byte 31)");
}

static void wrong_types(void **state)
{
    (void)state;
    refuses("{\"name\": \"a\", \"features\": [{}, {\"parameters\": [{\"name\": \"r\", \"value\": "
            "{\"x\": 1}}]}]}",
            "a", "/features/1/parameters/0/value: a string is expected, not an object (byte 70)");
    refuses("{\"name\": \"a\", \"mass\": {\"volume\": \"much\"}}", "a",
            "/mass/volume: a number is expected, not \"much\" (byte 39)");
    refuses("{\"name\": \"a\", \"bbox\": [1, 2, 3]}", "a",
            "/bbox: 6 numbers are expected, not 3 (byte 31)");
    refuses("{\"name\": 5}", "a", "/name: a string is expected, not a number (byte 9)");
    refuses("{\"name\": \"a\", \"face_count\": -1}", "a",
            "/face_count: a count of at most 9007199254740992 is expected, not -1 (byte 30)");
    refuses("{\"name\": \"a\", \"face_count\": 1e100}", "a",
            "/face_count: a count of at most 9007199254740992 is expected, not 1e100 (byte 33)");
    refuses("{\"name\": \"a\", \"products\": 7}", "a",
            "/products: a list is expected, not a number (byte 26)");
    refuses("{\"name\": \"a\", \"genome\": [1]}", "a",
            "/genome: an object is expected, not a list (byte 24)");
    refuses("{\"name\": \"a\", \"units\": {\"length\": \"ell\"}}", "a",
            "/units/length: a unit of length is expected (mm, cm, m, inch, ...) (byte 39)");
    refuses("{\"format\": \"other\"}", "a",
            "/format: \"quarry-cad\" is expected, not \"other\" (byte 18)");
    refuses("{\"version\": 2}", "a", "/version: version 1 is known, not 2 (byte 13)");
    refuses("17", "a", "/: an object is expected, not a number (byte 0)");
    refuses("{\"colours\": []}", "a",
            "/: the object has no \"name\": which model is it? (byte 15)");
    refuses("{\"name\": \"a\", \"point_cloud\": {\"xyz\": [1, 2]}}", "a",
            "/point_cloud/xyz: whole points of three numbers are expected (byte 43)");
    refuses("{\"name\": \"a\", \"point_cloud\": {\"xyz\": \"A?==\"}}", "a",
            "/point_cloud/xyz: base64 is expected (byte 43)");
    refuses("{\"name\": \"a\", \"embeddings\": [{\"values\": [1]}]}", "a",
            "/embeddings/0: an embedding without \"type\" (byte 44)");
}

static void duplicates(void **state)
{
    json_t *json;
    (void)state;

    refuses("{\"name\": \"a\", \"face_count\": 1, \"face_count\": 2}", "a",
            "/face_count: the field comes twice (byte 44)");
    refuses("{\"name\": \"a\", \"mass\": {\"volume\": 1, \"volume\": 1}}", "a",
            "/mass/volume: the field comes twice (byte 45)");
    json = import_text("{\"name\": \"a\", \"mine\": 1, \"mine\": 2}", "a"); /* not ours to judge */
    holds(json, "cad/details/mine", "2");
    json_decref(json);
}

static void numbers_that_are_none(void **state)
{
    json_t *json = import_text(
        "{\"name\": \"a\", \"accuracy\": NaN, \"mass\": {\"volume\": Infinity, \"area\": 1e400, "
        "\"mass\": 2, \"density\": nan},"
        "\"bbox\": [0, 0, 0, 1, -Infinity, 1], \"embeddings\": [{\"type\": \"x\", \"values\": [1, "
        "NaN]}],"
        "\"point_cloud\": {\"xyz\": [[1, 2, 1e39]]}, \"genome\": {\"r\": [NaN, 1e400, 1]}}",
        "a");
    (void)state;

    holds(json, "cad/mass", "[{\"mass\":2.0,\"source\":\"export\"}]");
    holds(json, "cad/accuracy", "nothing");
    holds(json, "cad/bbox", "nothing");
    holds(json, "cad/embeddings", "[{\"type\":\"x\"}]");
    holds(json, "cad/point_cloud", "nothing");
    holds(json, "cad/genome", "{\"r\":[null,null,1]}");
    holds(json, "partial", "true");
    holds(json, "notes/0/code", "\"cadjson.number\"");
    holds(json, "notes/0/message", "\"/accuracy is no finite number: left out\"");
    json_decref(json);
    refuses("{\"name\": \"a\", \"accuracy\": 01}", "a",
            "/accuracy: a number is expected, not '01' (byte 28)");
    refuses("{\"name\": \"a\", \"accuracy\": 1.}", "a",
            "/accuracy: a number is expected, not '1.' (byte 28)");
    refuses("{\"name\": \"a\", \"accuracy\": +1}", "a",
            "/accuracy: a number is expected, not '+' (byte 26)");
    refuses("{\"name\": \"a\", \"accuracy\": -}", "a",
            "/accuracy: a number is expected, not '-' (byte 27)");
    refuses("{\"name\": \"a\", \"accuracy\": 0x10}", "a",
            "/accuracy: a number is expected, not '0x10' (byte 30)");
}

static void nested_a_million_deep(void **state)
{
    enum { DEEP = 1000000 };
    static const char head[] = "{\"name\": \"a\", \"x\": ";
    char *text = test_malloc(DEEP + sizeof head);
    struct qr_err err;
    (void)state;

    for (int object = 0; object < 2; object++) {
        memcpy(text, head, sizeof head - 1);
        for (int i = 0; i < DEEP; i++)
            text[sizeof head - 1 + (size_t)i] = object ? "{\"a\":"[i % 5] : '[';
        assert_null(import_step(text, DEEP + sizeof head - 1, "a", 1 << 16, &err));
        assert_int_equal(err.code, QR_E_DATA);
        assert_non_null(strstr(err.msg, ": nested deeper than 128 levels (byte "));
        memset(text, '[', DEEP);
        assert_null(import_step(text, DEEP, "a", 1 << 16, &err));
        assert_int_equal(err.code, QR_E_DATA);
    }
    test_free(text);
}

static void what_is_no_json(void **state)
{
    struct qr_err err;
    uint32_t seed = 1;
    (void)state;

    refuses("", "a", "/: the export is empty (byte 0)");
    refuses(" \n\t ", "a", "/: the export is empty (byte 4)");
    refuses("<html>", "a", "/: this is XML or HTML, not JSON (byte 0)");
    refuses("{\"name\": \"a\"} trailing", "a",
            "/: something follows the model that is none (byte 14)");
    assert_null(import_step("\xFF\xFE{\0\"\0", 6, "a", 64, &err));
    assert_non_null(strstr(err.msg, "UTF-16"));
    assert_null(import_step("PK\x03\x04xx", 6, "a", 64, &err));
    assert_non_null(strstr(err.msg, "zip archive"));
    assert_null(import_step("\x1F\x8B\x08", 3, "a", 64, &err));
    assert_non_null(strstr(err.msg, "gzip"));
    for (int i = 0; i < 200; i++) {
        char noise[300];
        for (size_t k = 0; k < sizeof noise; k++) {
            seed = seed * 1664525 + 1013904223;
            noise[k] = (char)(seed >> 24);
        }
        assert_null(import_step(noise, sizeof noise, "a", 1 << 16, &err));
        static const char begin[] = "{\"name\":\"a\",\"x\":\"";
        for (size_t k = 0; begin[k]; k++)
            noise[k] = begin[k];
        json_t *json = import_step(noise, sizeof noise, "a", 1 << 16, &err);
        json_decref(json);
    }
}

static void strings(void **state)
{
    json_t *json = import_text(
        "\xEF\xBB\xBF{\"name\": \"a\", \"text\": "
        "\"\\ud83d\\ude00|\\ud83d|\\ude00|\\ud83d\\n|\\ud83d\\ud83d\\ude00|\xff|\t|\\u0000|\\/\"}",
        "a");
    (void)state;

    holds(json, "text", "\"😀|�|�|�\\n|�😀|�|\\t|�|/\"");
    json_decref(json);
    refuses("{\"name\": \"a\", \"text\": \"\\x41\"}", "a",
            "/text: an escaped character is expected, not 'x' (byte 24)");
    refuses("{\"name\": \"a\", \"text\": \"\\u12g4\"}", "a",
            "/text: a hexadecimal digit is expected, not 'g' (byte 27)");
    refuses("{\"name\": \"a\", \"a/b~c\": {\"\": [1,}}", "a",
            "/a~1b~0c//1: a value is expected, not '}' (byte 31)");
    json = import_text("{\"name\": \"a\", \"we\xffird\\u0000\": \"\xfe\"}", "a");
    holds(json, "cad/details", "{\"we�ird�\":\"�\"}");
    json_decref(json);
}

static void more_than_the_record_holds(void **state)
{
    enum { N = 100500 };
    char *text = test_malloc(N * 24 + 200), *at = text;
    struct qr_err err;
    (void)state;

    at += sprintf(at, "{\"name\": \"a\", \"parameters\": [");
    for (int i = 0; i < N; i++)
        at += sprintf(at, "%s{\"name\":\"P%d\"}", i ? "," : "", i);
    at += sprintf(at, "], \"face_count\": 3}");
    json_t *json = import_step(text, (size_t)(at - text), "a", 1 << 16, &err);
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "parameters")), 100000);
    holds(json, "cad/face_count", "3");
    holds(json, "partial", "true");
    json_decref(json);
    test_free(text);
}

/* A list that does not end for a long time, made as it is read. */
struct endless {
    const char *head, *tail;
    size_t at_head, at_tail;
    uint64_t left; /* of "7," */
};

static int64_t read_endless(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct endless *e = ctx;
    size_t n = 0;
    (void)err;

    while (n < cap && e->head[e->at_head])
        buf[n++] = (uint8_t)e->head[e->at_head++];
    for (; n + 2 <= cap && e->left > 0; e->left--) {
        buf[n++] = '7';
        buf[n++] = ',';
    }
    while (n < cap && e->left == 0 && e->tail[e->at_tail])
        buf[n++] = (uint8_t)e->tail[e->at_tail++];
    return (int64_t)n;
}

static void numbers_without_end_are_read_over(void **state)
{
    static const struct {
        const char *head, *tail, *path, *expected;
    } cases[] = {
        {"{\"name\": \"a\", \"mine\": [", "7]}", "cad/details", "nothing"},
        {"{\"name\": \"a\", \"embeddings\": [{\"type\": \"x\", \"values\": [", "7]}]}",
         "cad/embeddings", "[{\"type\":\"x\"}]"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct endless e = {cases[i].head, cases[i].tail, 0, 0, 2000000};
        const struct qr_cadjson_source source = {read_endless, &e};
        QR_AUTO(qr_record) rec = qr_record_new(NULL);
        QR_AUTO(qr_cadjson) cj = NULL;
        struct qr_err err = {0};

        assert_ok(qr_cadjson_new(rec, "a", &cj, &err), &err);
        assert_ok(qr_cadjson_read(cj, &source, &err), &err);
        assert_ok(qr_cadjson_finish(cj, &err), &err);
        json_t *json = qr_record_json(rec->msg);
        holds(json, cases[i].path, cases[i].expected);
        holds(json, "partial", "true");
        assert_true(rec->arena.used < 8 << 20);
        json_decref(json);
    }
}

static void details_are_capped(void **state)
{
    enum { SIZE = 1100 * 1024 };
    char *text = test_malloc(SIZE + 200), *at = text;
    struct qr_err err;
    (void)state;

    at += sprintf(at, "{\"name\": \"a\", \"small\": 1, \"large\": [");
    while (at < text + SIZE)
        at += sprintf(at, "123456789,");
    at += sprintf(at, "0], \"last\": 2}");
    json_t *json = import_step(text, (size_t)(at - text), "a", 1 << 16, &err);
    assert_non_null(json);
    holds(json, "cad/details", "{\"last\":2,\"small\":1}");
    holds(json, "notes/0/code", "\"cadjson.details.capped\"");
    json_decref(json);
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_written),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(nested_a_million_deep),
        cmocka_unit_test(what_is_no_json),
        cmocka_unit_test(strings),
        cmocka_unit_test(more_than_the_record_holds),
        cmocka_unit_test(numbers_without_end_are_read_over),
        cmocka_unit_test(details_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
