/* Run it: ctest --preset dev -R tool_test */
#include "tests/harness/test.h"
#include "worker/tool/tool.h"

#include "worker/tool/judge.h"

static void rows_are_read_as_a_user_writes_them(void **state)
{
    struct qr_tool_set set = {0};
    struct qr_err err = {0};
    char type[32];

    (void)state;
    assert_ok(
        qr_tool_set_add(&set, "SldPrt,sldasm=/bin/sh -c 'echo \"two words\"' a\\ b {in}", &err),
        &err);
    const struct qr_tool *tool = qr_tool_set_find(&set, "a/WHEEL.SLDASM", "other", NULL, 0, type);
    assert_ptr_equal(tool, &set.items[0]);
    assert_string_equal(type, "sldasm");
    assert_false(tool->missing);
    assert_string_equal(tool->name, "sh");
    assert_int_equal(tool->n_args, 5);
    assert_string_equal(tool->argv[1], "-c");
    assert_string_equal(tool->argv[2], "echo \"two words\"");
    assert_string_equal(tool->argv[3], "a b");
    assert_string_equal(tool->argv[4], "{in}");
    assert_ok(qr_tool_set_add(&set, "office=/nowhere/read", &err), &err);
    assert_true(set.items[1].missing);
    assert_ptr_equal(qr_tool_set_find(&set, "a.docx", "", NULL, 0, type), &set.items[1]);
    assert_string_equal(type, "office");
    assert_null(qr_tool_set_find(&set, "a.pdf", "office", NULL, 0, type));
    assert_err(qr_tool_set_add(&set, "office=true", &err), QR_E_USAGE, &err, "two commands");
    assert_err(qr_tool_set_add(&set, "x='true", &err), QR_E_USAGE, &err, "quote");
    assert_err(qr_tool_set_add(&set, "x=  ", &err), QR_E_USAGE, &err, "no command");
    assert_err(qr_tool_set_add(&set, "x/y=true", &err), QR_E_USAGE, &err, "letters and digits");
    assert_int_equal(set.n, 2);
    qr_tool_set_done(&set);
}

static void a_file_without_extension_is_told_by_its_first_bytes(void **state)
{
    struct qr_tool_set set = {0};
    struct qr_err err = {0};
    char type[32];

    (void)state;
    assert_ok(qr_tool_set_add_dwg(&set, "/bin/cat {in}", &err), &err);
    assert_non_null(qr_tool_set_find(&set, "drawing", "other", "AC1032\0\0", 8, type));
    assert_string_equal(type, "dwg");
    assert_non_null(qr_tool_set_find(&set, "drawing", "dwg", "", 0, type));
    assert_null(qr_tool_set_find(&set, "drawing", "other", "%PDF-1.4", 8, type));
    assert_null(qr_tool_set_find(&set, "drawing.txt", "other", "AC1032\0\0", 8, type));
    assert_ok(qr_tool_set_add_dwg(&set, "another", &err), &err); /* a row that reads dwg stays */
    assert_int_equal(set.n, 1);
    qr_tool_set_done(&set);
    assert_ok(qr_tool_set_add_dwg(&set, "off", &err), &err);
    assert_int_equal(set.n, 0);
}

static void each_end_has_its_class(void **state)
{
    static const struct {
        int exit_code, signal;
        bool converter;
        enum qr_class cls;
    } cases[] = {
        {0, 0, false, QR_CLASS_NONE},         {1, 0, false, QR_CLASS_INTERNAL},
        {1, 0, true, QR_CLASS_INVALID_INPUT}, {65, 0, false, QR_CLASS_INVALID_INPUT},
        {69, 0, false, QR_CLASS_UNSUPPORTED}, {77, 0, false, QR_CLASS_PERMISSION},
        {126, 0, true, QR_CLASS_UNSUPPORTED}, {127, 0, true, QR_CLASS_UNSUPPORTED},
        {139, 0, true, QR_CLASS_CRASH},       {137, 0, true, QR_CLASS_RESOURCE},
        {153, 0, false, QR_CLASS_RESOURCE},   {-1, 11, true, QR_CLASS_CRASH},
        {-1, 9, false, QR_CLASS_RESOURCE},    {-1, 24, false, QR_CLASS_TIMEOUT},
        {-1, 25, false, QR_CLASS_RESOURCE},   {-1, 6, false, QR_CLASS_CRASH},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const struct qr_cage_end end = {.exit_code = cases[i].exit_code, .signal = cases[i].signal};
        const struct qr_tool_case what = {.name = "acme",
                                          .end = &end,
                                          .tail = "line\n\xFF odd \x1b[31m\n",
                                          .tail_len = 17,
                                          .converter = cases[i].converter};
        struct qr_tool_outcome outcome = {.fd = -1};
        qr_tool_judge_end(&what, &outcome);
        if (outcome.cls != cases[i].cls)
            fail_msg("status %d, signal %d: %s", end.exit_code, end.signal, outcome.message);
        assert_true(cases[i].cls == QR_CLASS_NONE || outcome.message[0] != '\0');
        assert_null(strchr(outcome.message, '\x1b'));
        assert_null(strstr(outcome.message, "\xFF"));
    }
}

static void answers_of_a_program_that_stays(void **state)
{
    static const struct {
        const char *line;
        bool good;
        enum qr_class cls;
        const char *note, *message;
    } cases[] = {
        {"ok\n", true, QR_CLASS_NONE, "", ""},
        {"ok dwg.damaged it is damaged\n", true, QR_CLASS_NONE, "dwg.damaged", "it is damaged"},
        {"ok BAD! x\n", true, QR_CLASS_NONE, "", ""},
        {"fail invalid_input no DWG\n", true, QR_CLASS_INVALID_INPUT, "", "no DWG"},
        {"fail nonsense no DWG\n", false, QR_CLASS_INTERNAL, "", "no answer"},
        {"fail\n", false, QR_CLASS_INTERNAL, "", "no answer"},
        {"ok", false, QR_CLASS_INTERNAL, "", "no answer"},
        {"\n", false, QR_CLASS_INTERNAL, "", "no answer"},
        {"{}\n", false, QR_CLASS_INTERNAL, "", "no answer"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_tool_outcome outcome = {.fd = -1};
        char line[QR_TOOL_TEXT_MAX];
        snprintf(line, sizeof line, "%s", cases[i].line);
        assert_int_equal(qr_tool_judge_answer(line, &outcome), cases[i].good);
        assert_int_equal(outcome.cls, cases[i].cls);
        assert_string_equal(outcome.note, cases[i].note);
        assert_non_null(strstr(outcome.message, cases[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_a_user_writes_them),
        cmocka_unit_test(a_file_without_extension_is_told_by_its_first_bytes),
        cmocka_unit_test(each_end_has_its_class),
        cmocka_unit_test(answers_of_a_program_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
