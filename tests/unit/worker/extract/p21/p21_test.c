/* Run it: ctest --preset dev -R p21_test */
#include "worker/extract/p21/p21.h"

#include <stdlib.h>

#include "tests/harness/test.h"

#define HEAD \
    "ISO-10303-21;\nHEADER;FILE_DESCRIPTION((''),'2;1');FILE_SCHEMA(('X'));ENDSEC;\nDATA;\n"
#define TAIL "ENDSEC;\nEND-ISO-10303-21;\n"

struct file {
    struct qr_record *rec;
    struct qr_p21 *p21;
};

static struct file open_bytes(const char *bytes, size_t len)
{
    struct file file = {.rec = qr_record_new(NULL)};
    struct qr_err err = {0};

    assert_non_null(file.rec);
    assert_ok(qr_p21_open((const uint8_t *)bytes, len, NULL, file.rec, &file.p21, &err), &err);
    return file;
}

static struct file open_text(const char *text) { return open_bytes(text, strlen(text)); }

static void done(struct file *file)
{
    qr_p21_free(file->p21);
    qr_record_free(file->rec);
}

static bool has_note(const struct file *file, const char *code)
{
    for (size_t i = 0; i < file->rec->msg->n_notes; i++)
        if (strcmp(file->rec->msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static uint32_t count_of(const struct file *file, const char *type)
{
    return qr_p21_type_count(file->p21, qr_p21_type(file->p21, type));
}

static void counts_records_however_they_are_written(void **state)
{
    static const struct {
        const char *why;
        const char *data;
        uint32_t records, a, complex;
    } cases[] = {
        {"plain", "#1=A();#2=B(#1);\n", 2, 1, 0},
        {"blanks and folds", "#1 =\r\n A\n(\n);\n#3\n=\nA();", 2, 2, 0},
        {"comments, also with quotes and equals signs", "/*#9=A('*/#1/*;*/=/*x*/A/**/('/*');", 1, 1,
         0},
        {"signs inside strings", "#1=A('#2=A();','''',';');#3=A('it''s');", 2, 2, 0},
        {"lower case", "#1=a();#2=A();", 2, 2, 0},
        {"complex", "#1=(A()B(#2));#2=A(.T.);", 2, 2, 1},
        {"user-defined", "#1=!A();#2=A();", 2, 1, 0},
        {"a missing semicolon", "#1=A()\n#2=A();", 2, 2, 0},
        {"scopes of 1994", "#1=&SCOPE #2=B(); ENDSCOPE /#2/ A(#2);#3=A();", 3, 2, 0},
        {"no type", "#1=;#2=A();", 2, 1, 0},
        {"no number", "A();#=A();#x=A();#2=A();", 1, 1, 0},
        {"an open string", "#1=A('x);\n#2=A('y');\n#3=B('z');", 3, 2, 0},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char text[1024];
        snprintf(text, sizeof text, HEAD "%s" TAIL, cases[i].data);
        struct file file = open_text(text);
        print_message("%s\n", cases[i].why);
        assert_int_equal(qr_p21_count(file.p21), cases[i].records);
        assert_int_equal(count_of(&file, "A"), cases[i].a);
        assert_int_equal(qr_p21_complex_count(file.p21), cases[i].complex);
        assert_int_equal(qr_p21_sections(file.p21), 1);
        assert_true(qr_p21_has_end(file.p21));
        done(&file);
    }
}

static void finds_records_by_their_numbers(void **state)
{
    static const struct {
        const char *why;
        const char *data;
        uint64_t ids[4];
    } cases[] = {
        {"ascending without gaps", "#1=A();#2=A();#3=A();#4=A();", {1, 2, 3, 4}},
        {"ascending with gaps",
         "#7=A();#10=A();#500=A();#2000000000=A();",
         {7, 10, 500, 2000000000}},
        {"in any order", "#9=A();#3=A();#1=A();#8=A();", {9, 3, 1, 8}},
        {"far apart, in any order", "#900000000=A();#3=A();#1=A();#8=A();", {900000000, 3, 1, 8}},
        {"beyond 32 bits",
         "#99999999999=A();#3=A();#4294967296=A();#1=A();",
         {99999999999, 3, 4294967296, 1}},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        char text[1024];
        snprintf(text, sizeof text, HEAD "%s" TAIL, cases[i].data);
        struct file file = open_text(text);
        print_message("%s\n", cases[i].why);
        for (uint32_t k = 0; k < 4; k++) {
            assert_int_equal(qr_p21_find(file.p21, cases[i].ids[k]), k);
            assert_int_equal(qr_p21_id(file.p21, k), cases[i].ids[k]);
        }
        assert_int_equal(qr_p21_find(file.p21, 0), QR_P21_NONE);
        assert_int_equal(qr_p21_find(file.p21, 5), QR_P21_NONE);
        assert_int_equal(qr_p21_find(file.p21, UINT64_MAX), QR_P21_NONE);
        done(&file);
    }
}

static void of_a_number_used_twice_the_first_counts(void **state)
{
    static const char *const orders[] = {"#1=A();#2=A();#1=B();",
                                         "#5=A();#1=A();#900000000=A();#1=B();"};

    (void)state;
    for (size_t i = 0; i < QR_COUNT(orders); i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "%s" TAIL, orders[i]);
        struct file file = open_text(text);
        assert_true(has_note(&file, "p21.number.twice"));
        uint32_t instance = qr_p21_find(file.p21, 1);
        assert_true(qr_p21_is(file.p21, instance, qr_p21_type(file.p21, "A")));
        assert_int_equal(count_of(&file, "B"), 1);
        done(&file);
    }
}

static void reads_every_kind_of_value(void **state)
{
    struct file file = open_text(HEAD "#1=A($,*,12,-1.5E-3,0.E0,'x',.T.,\"0F\",#2,L(2.5),(1.,2.,(3."
                                      ")),,-nan(ind),7);#2=B();" TAIL);
    static const enum qr_p21_kind want[] = {
        QR_P21_UNSET,  QR_P21_DERIVED, QR_P21_INTEGER, QR_P21_REAL,   QR_P21_REAL,
        QR_P21_STRING, QR_P21_ENUM,    QR_P21_BINARY,  QR_P21_REF,    QR_P21_TYPED,
        QR_P21_LIST,   QR_P21_BAD,     QR_P21_BAD,     QR_P21_INTEGER};
    struct qr_p21_value values[16];
    double numbers[4];
    double number;

    (void)state;
    assert_int_equal(qr_p21_get(file.p21, 0, QR_P21_UNKNOWN, values, 16), QR_COUNT(want));
    for (size_t i = 0; i < QR_COUNT(want); i++)
        assert_int_equal(values[i].kind, want[i]);
    assert_int_equal(values[15].kind, QR_P21_END);
    assert_int_equal(values[2].integer, 12);
    assert_true(values[3].real == -1.5E-3);
    assert_true(qr_p21_is_enum(&values[6], "T"));
    assert_int_equal(qr_p21_follow(file.p21, &values[8]), 1);
    assert_true(qr_p21_is_typed(&values[9], "L"));
    assert_true(qr_p21_number(&values[9], &number) && number == 2.5);
    assert_int_equal(qr_p21_numbers(&values[10], numbers, 4), 2); /* the third is a list */
    assert_true(numbers[0] == 1 && numbers[1] == 2);
    assert_false(qr_p21_number(&values[5], &number));
    done(&file);
}

static void numbers_are_those_of_strtod(void **state)
{
    static const char *const texts[] = {
        "0.1",   "1E22",   "123456789012345678", "4.9E-324", "1.7976931348623157E308",
        "1E400", "-0.0",   "3.14159265358979",   "2.5E-5",   "12345678901234567890123",
        ".5",    "+1.E+2", "9007199254740993.",  "1.E-400",  "0.000000000000000000012"};

    (void)state;
    for (size_t i = 0; i < QR_COUNT(texts); i++) {
        char text[256];
        struct qr_p21_value value;
        snprintf(text, sizeof text, HEAD "#1=A(%s);" TAIL, texts[i]);
        struct file file = open_text(text);
        assert_true(qr_p21_attribute(file.p21, 0, QR_P21_UNKNOWN, 0, &value));
        double want = strtod(texts[i], NULL);
        if (want > 1.7976931348623157e308)
            assert_int_equal(value.kind, QR_P21_BAD);
        else
            assert_true(value.real == want);
        done(&file);
    }
}

static void a_complex_instance_has_the_attributes_of_each_type(void **state)
{
    struct file file =
        open_text(HEAD "#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));" TAIL);
    uint32_t types[8];
    struct qr_p21_value values[3];
    uint32_t si = qr_p21_type(file.p21, "SI_UNIT");

    (void)state;
    assert_int_equal(qr_p21_type_of(file.p21, 0), QR_P21_COMPLEX);
    assert_int_equal(qr_p21_types_of(file.p21, 0, types, 8), 3);
    assert_true(qr_p21_is(file.p21, 0, si));
    assert_int_equal(qr_p21_get(file.p21, 0, si, values, 3), 2);
    assert_true(qr_p21_is_enum(&values[0], "MILLI") && qr_p21_is_enum(&values[1], "METRE"));
    assert_int_equal(qr_p21_get(file.p21, 0, qr_p21_type(file.p21, "LENGTH_UNIT"), values, 3), 0);
    assert_int_equal(qr_p21_get(file.p21, 0, QR_P21_UNKNOWN, values, 3), 0);
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(file.p21, si, &n);
    assert_int_equal(n, 1);
    assert_int_equal(all[0], 0);
    done(&file);
}

static void lists_nested_a_million_deep_are_walked_over(void **state)
{
    size_t depth = 1000000;
    size_t len = strlen(HEAD) + depth * 2 + 64;
    char *text = malloc(len);
    struct qr_p21_cursor cursor;
    struct qr_p21_value value;

    (void)state;
    assert_non_null(text);
    snprintf(text, len, "%s#1=A(", HEAD);
    memset(text + strlen(HEAD) + 5, '(', depth);
    memset(text + strlen(HEAD) + 5 + depth, ')', depth);
    snprintf(text + strlen(HEAD) + 5 + 2 * depth, len - strlen(HEAD) - 5 - 2 * depth, "%s",
             ",7);" TAIL);
    struct file file = open_text(text);
    cursor = qr_p21_attributes(file.p21, 0, QR_P21_UNKNOWN);
    assert_true(qr_p21_next(&cursor, &value) && value.kind == QR_P21_LIST);
    assert_true(qr_p21_next(&cursor, &value) && value.integer == 7);
    assert_false(qr_p21_next(&cursor, &value));
    done(&file);
    free(text);
}

static void damage_is_noted(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {HEAD "#1=A();", "p21.end.missing"},
        {HEAD "#1=A(", "p21.cut"},
        {"ISO-10303-21;DATA;#1=A();" TAIL, "p21.header.missing"},
        {"ISO-10303-21;#1=A();", "p21.data.missing"},
        {HEAD "#1=A('x);", "p21.string.open"},
        {HEAD "/* #1=A('x);", "p21.comment.open"},
        {HEAD "#1=A()#2=A();" TAIL, "p21.semicolon.missing"},
        {HEAD "#1=);" TAIL, "p21.record.bad"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct file file = open_text(cases[i].text);
        print_message("%s\n", cases[i].code);
        assert_true(has_note(&file, cases[i].code));
        done(&file);
    }
}

static void says_what_an_impostor_is(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull"},
        {"<!DOCTYPE html><html>", "web page"},
        {"", "empty"},
        {"A", "does not begin with ISO-10303-21"},
        {"solid cube\nfacet normal", "STL"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_p21 *p21 = NULL;
        struct qr_err err = {0};
        assert_err(qr_p21_open((const uint8_t *)cases[i].text, strlen(cases[i].text), NULL, NULL,
                               &p21, &err),
                   QR_E_DATA, &err, cases[i].want);
        assert_null(p21);
    }
}

static void edition_three_has_more_sections(void **state)
{
    struct file file = open_text(
        "ISO-10303-21;HEADER;FILE_SCHEMA(('X'));ENDSEC;\n"
        "ANCHOR;<it's>=#1;<b;c>=$;ENDSEC;\n"
        "REFERENCE;#7=<other.stp#it's>;#8=<http://x/a;b#c>;ENDSEC;\n"
        "DATA('one',('X'));#1=A(#7);ENDSEC;\nDATA;#2=B(#1,#8,#9);ENDSEC;\nEND-ISO-10303-21;\n"
        "SIGNATURE;\nMIIBAgYJKoZIhvcNAQcCoIIB8zCCAe8CAQExADALBgkqhkiG9w0BBwGgggHV'=/\nENDSEC;\n");
    size_t at = 0;
    size_t len;
    const uint8_t *uri;

    (void)state;
    assert_int_equal(qr_p21_count(file.p21), 2);
    assert_int_equal(qr_p21_sections(file.p21), 2);
    assert_true(qr_p21_has_end(file.p21));
    assert_true(qr_p21_outside(file.p21, &at, &uri, &len) && len == 14);
    assert_memory_equal(uri, "other.stp#it's", len);
    assert_true(qr_p21_outside(file.p21, &at, &uri, &len));
    assert_false(qr_p21_outside(file.p21, &at, &uri, &len));
    assert_int_equal(qr_p21_unresolved(file.p21), 1); /* #9 */
    assert_int_equal(file.rec->msg->n_notes, 0);
    done(&file);
}

/* Each of these made every search go to the end of the file once. */
static void what_is_never_closed_costs_no_more(void **state)
{
    static const char *const parts[] = {"/*", "*/=",      "'",    "#1=/*",   "#1=A('",
                                        "=",  "#1=(A(/*", "((((", "#1=A(\n", "&SCOPE",
                                        "#",  "ANCHOR;",  "\n",   ";\n"};
    size_t len = (size_t)512 << 10;
    char *text = malloc(len + 1);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < 2 * QR_COUNT(parts); i++) { /* each between records and in a string */
        const char *part = parts[i / 2];
        size_t used = (size_t)snprintf(text, len, "%s%s", HEAD, i % 2 > 0 ? "#1=A('" : "");
        for (size_t n = strlen(part), k = 0; used < len; k = (k + 1) % n)
            text[used++] = part[k];
        struct file file = open_bytes(text, used);
        qr_p21_unresolved(file.p21);
        done(&file);
    }
    free(text);
}

static void the_beginning_may_have_a_mark_and_blanks(void **state)
{
    (void)state;
    struct file file = open_text("\xEF\xBB\xBF \r\n/* by hand */ " HEAD "#1=A();" TAIL);
    assert_int_equal(qr_p21_count(file.p21), 1);
    done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_records_however_they_are_written),
        cmocka_unit_test(finds_records_by_their_numbers),
        cmocka_unit_test(of_a_number_used_twice_the_first_counts),
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(numbers_are_those_of_strtod),
        cmocka_unit_test(a_complex_instance_has_the_attributes_of_each_type),
        cmocka_unit_test(lists_nested_a_million_deep_are_walked_over),
        cmocka_unit_test(damage_is_noted),
        cmocka_unit_test(says_what_an_impostor_is),
        cmocka_unit_test(edition_three_has_more_sections),
        cmocka_unit_test(what_is_never_closed_costs_no_more),
        cmocka_unit_test(the_beginning_may_have_a_mark_and_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
