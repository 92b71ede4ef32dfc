/* Run it: ctest --preset dev -R usage_test */
#include "ctl/usage.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static int find(const char *words, const struct qr_ctl_verb **verb, size_t *used,
                struct qr_err *err)
{
    struct qr_option_list list = {0};
    char copy[200];
    char *items[8];
    char *save = NULL;

    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        items[list.n++] = word;
    list.items = items;
    return qr_usage_find(&list, verb, used, err);
}

static void verbs_have_one_or_two_words(void **state)
{
    const struct qr_ctl_verb *verb = NULL;
    struct qr_err err = {0};
    size_t used = 0;
    (void)state;

    assert_ok(find("run show 7", &verb, &used, &err), &err);
    assert_string_equal(verb->name, "run show");
    assert_int_equal(used, 2);
    assert_ok(find("export --run 7", &verb, &used, &err), &err);
    assert_string_equal(verb->name, "export");
    assert_int_equal(used, 1);
}

static void typing_errors_get_the_nearest_verb(void **state)
{
    static const struct {
        const char *words, *hint;
    } cases[] = {
        {"rnu list", "did you mean quarry run list?"},
        {"run lsit", "did you mean quarry run list?"},
        {"run shw 7", "did you mean quarry run show?"},
        {"verfy", "did you mean quarry verify?"},
        {"wroker drain x", "did you mean quarry worker drain?"},
        {"versoin now", "did you mean quarry version?"},
        {"run", "hint: create, list, show, watch"},
        {"run --nope", "hint: create, list, show, watch"},
        {"job frobnicate", "quarry job has list, show"},
        {"frobnicate", "hint: quarry help"},
        {"", "a verb is missing"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const struct qr_ctl_verb *verb = NULL;
        struct qr_err err = {0};
        size_t used = 0;
        assert_err(find(cases[i].words, &verb, &used, &err), QR_E_USAGE, &err, cases[i].hint);
        assert_null(verb);
    }
}

static void every_verb_is_complete_and_listed(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;

    qr_usage_print(out);
    fclose(out);
    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const struct qr_ctl_verb *verb = qr_ctl_verbs[i];
        struct qr_err err = {0};
        const struct qr_ctl_verb *found = NULL;
        size_t used = 0;
        assert_non_null(strstr(text, verb->name));
        assert_non_null(strstr(text, verb->summary));
        assert_non_null(strstr(verb->examples, verb->name)); /* taught by example */
        assert_int_equal(verb->examples[strlen(verb->examples) - 1], '\n');
        assert_true(verb->args_size >= sizeof(struct qr_ctl_common));
        assert_true(verb->rest_max == 0 || verb->rest_name);
        assert_ok(find(verb->name, &found, &used, &err), &err);
        assert_ptr_equal(found, verb); /* no name hides another */
    }
    free(text);
}

static void ids_are_positive_numbers(void **state)
{
    static const char *const bad[] = {
        "", "0", "-1", "+1", " 1", "1 ", "7x", "x", "9223372036854775808", "0x10", "1.0"};
    struct qr_err err = {0};
    int64_t id = 0;
    (void)state;

    assert_ok(qr_ctl_parse_id("9223372036854775807", "job", &id, &err), &err);
    assert_true(id == INT64_MAX);
    id = 5;
    for (size_t i = 0; i < QR_COUNT(bad); i++)
        assert_err(qr_ctl_parse_id(bad[i], "job", &id, &err), QR_E_USAGE, &err,
                   "hint: quarry job list");
    assert_int_equal(id, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_have_one_or_two_words),
        cmocka_unit_test(typing_errors_get_the_nearest_verb),
        cmocka_unit_test(every_verb_is_complete_and_listed),
        cmocka_unit_test(ids_are_positive_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
