/* Run it: ctest --preset dev -R options_test */
#include "common/options.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <unistd.h>

struct settings {
    char *listen;
    char *level;
    char *password;
    int64_t slots;
    int64_t job;
    int64_t ttl_ms;
    int64_t limit_bytes;
    double threshold;
    bool migrate;
    struct qr_option_list roots;
    struct qr_option_list peers;
};

#define AT(field) offsetof(struct settings, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"listen",      'l', QR_OPT_STR,  AT(listen),      "127.0.0.1:7420", 0, 0, 0, "HOST:PORT", "where to listen", NULL},
    {"log-level",   0,   QR_OPT_STR,  AT(level),       "info", 0, 0, QR_OPT_CHOICE, "debug|info|warn|error", "how much to log", NULL},
    {"password",    0,   QR_OPT_STR,  AT(password),    NULL,  0, 0, QR_OPT_SECRET | QR_OPT_CHOICE, "aa|bb", "never shown", NULL},
    {"slots",       0,   QR_OPT_INT,  AT(slots),       "4",   1, 64, 0, NULL, "jobs at a time", "docs/worker.md"},
    {"job",         0,   QR_OPT_INT,  AT(job),         NULL,  0, 0x1p53, 0, NULL, "one job", NULL},
    {"lease-ttl",   0,   QR_OPT_MSEC, AT(ttl_ms),      "8s",  1000, 3600000, 0, NULL, "how long a silent worker keeps its leases, said at such length that the text needs a second line", NULL},
    {"max-size",    0,   QR_OPT_SIZE, AT(limit_bytes), "1G",  0, 0x1p40, 0, NULL, "largest file", NULL},
    {"threshold",   0,   QR_OPT_REAL, AT(threshold),   "0.1", 0, 1, 0, NULL, "share of failures", NULL},
    {"migrate",     0,   QR_OPT_BOOL, AT(migrate),     "true", 0, 0, 0, NULL, "apply migrations", NULL},
    {"root",        0,   QR_OPT_LIST, AT(roots),       NULL,  0, 0, QR_OPT_PAIRS, "NAME=DIR", "a named root", NULL},
    {0},
};
static const struct qr_option shared[] = {
    {"coordinator", 0,   QR_OPT_LIST, AT(peers),       "a:1,b:2", 0, 0, QR_OPT_COMMAS, "LIST", "whom to call", NULL},
    {0},
};
/* clang-format on */
static const struct qr_options options = {.program = "quarry-test",
                                          .summary = "for the tests",
                                          .usage = "[OPTION]...",
                                          .examples = "  quarry-test --slots 2\n",
                                          .table = table,
                                          .shared = shared};

#define ARGV(...) ((const char *const[]){"quarry-test", __VA_ARGS__, NULL})

static struct settings got;
static struct qr_option_list rest;
static enum qr_options_action action;

static int parse_with(const struct qr_options *which, const char *const *argv, struct settings *s,
                      struct qr_option_list *ret_rest, struct qr_err *err)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return qr_options_parse(which, argc, (char *const *)argv, s, ret_rest, &action, err);
}

static int parse(const char *const *argv, struct qr_err *err)
{
    qr_options_done(&options, &got);
    qr_option_list_done(&rest);
    return parse_with(&options, argv, &got, &rest, err);
}

static int clean(void **state)
{
    (void)state;
    qr_options_done(&options, &got);
    qr_option_list_done(&rest);
    unsetenv("QUARRY_SLOTS");
    unsetenv("QUARRY_ROOT");
    unsetenv("QUARRY_LEASE_TTL");
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void every_type_has_its_default(void **state)
{
    struct qr_err err = {0};
    (void)state;

    assert_ok(parse((const char *const[]){"quarry-test", NULL}, &err), &err);
    assert_string_equal(got.listen, "127.0.0.1:7420");
    assert_null(got.password);
    assert_int_equal(got.slots, 4);
    assert_int_equal(got.ttl_ms, 8000);
    assert_int_equal(got.limit_bytes, 1 << 30);
    assert_true(got.threshold > 0.0999 && got.threshold < 0.1001);
    assert_true(got.migrate);
    assert_int_equal(got.roots.n, 0);
    assert_int_equal(got.peers.n, 2);
    assert_string_equal(got.peers.items[1], "b:2");
}

static void flags_come_in_all_their_spellings(void **state)
{
    struct qr_err err = {0};
    (void)state;

    assert_ok(parse(ARGV("--slots=7", "--lease-ttl", "500s", "-l", "x:1", "--no-migrate", "first",
                         "--root", "a=/x", "--root", "b=/y,z", "--coordinator", "c:1,d:2",
                         "--coordinator=e:3", "--", "--slots"),
                    &err),
              &err);
    assert_int_equal(got.slots, 7);
    assert_int_equal(got.ttl_ms, 500000);
    assert_string_equal(got.listen, "x:1");
    assert_false(got.migrate);
    assert_int_equal(got.roots.n, 2);
    assert_string_equal(got.roots.items[1], "b=/y,z");
    assert_int_equal(got.peers.n, 3);
    assert_string_equal(got.peers.items[2], "e:3");
    assert_int_equal(rest.n, 2);
    assert_string_equal(rest.items[0], "first");
    assert_string_equal(rest.items[1], "--slots");
    assert_ok(parse(ARGV("-lx:2", "--migrate=off"), &err), &err);
    assert_string_equal(got.listen, "x:2");
    assert_false(got.migrate);
}

static void a_flag_outranks_the_environment_and_that_the_file(void **state)
{
    struct qr_err err = {0};
    char path[] = "/tmp/quarry-options-XXXXXX";
    (void)state;

    close(mkstemp(path));
    write_file(path,
               "# comment\nslots: 3\nlease_ttl: 9s\nmax-size: 2M\nroot:\n  one: /1\n  two: /2\n"
               "coordinator: [p:1, q:2]\n");
    setenv("QUARRY_SLOTS", "5", 1);
    setenv("QUARRY_LEASE_TTL", "", 1); /* empty: not set */
    assert_ok(parse(ARGV("--config", path), &err), &err);
    assert_int_equal(got.slots, 5);
    assert_int_equal(got.ttl_ms, 9000);
    assert_int_equal(got.limit_bytes, 2 << 20);
    assert_int_equal(got.roots.n, 2);
    assert_string_equal(got.roots.items[1], "two=/2");
    assert_string_equal(got.peers.items[1], "q:2");
    setenv("QUARRY_ROOT", "e=/e,f=/f", 1);
    assert_ok(parse(ARGV("--config", path, "--slots", "6"), &err), &err);
    assert_int_equal(got.slots, 6);
    assert_string_equal(got.roots.items[1], "f=/f");
    assert_ok(parse(ARGV("--config", path, "--root", "g=/g"), &err), &err);
    assert_int_equal(got.roots.n, 1);
    unlink(path);
}

static void mistakes_say_what_was_expected(void **state)
{
    const struct {
        const char *why;
        const char *const *argv;
        const char *part;
    } cases[] = {
        {"typing error", ARGV("--slts", "3"), "did you mean --slots?"},
        {"nothing near", ARGV("--zzzzzzzz"), "--help lists them"},
        {"below the range", ARGV("--slots", "0"), "--slots: '0' is outside 1..64"},
        {"below a wide range", ARGV("--job=-1"), "'-1' is outside 0..9007199254740992"},
        {"above the range", ARGV("--lease-ttl=2h"), "--lease-ttl: '2h' is outside 1s..1h"},
        {"no unit", ARGV("--lease-ttl", "8"), "not a duration; hint: give a unit"},
        {"no number", ARGV("--slots", "many"), "not a whole number"},
        {"number with a tail", ARGV("--slots", "3x"), "'3x'"},
        {"not a number", ARGV("--threshold", "nan"), "not a number"},
        {"bad size", ARGV("--max-size", "3 apples"), "not a size"},
        {"value missing", ARGV("--slots"), "--slots needs a value"},
        {"not a choice", ARGV("--log-level", "inf"), "not one of debug|info|warn|error"},
        {"not a pair", ARGV("--root", "x"), "not NAME=VALUE"},
        {"name twice", ARGV("--root", "x=1", "--root", "x=2"), "'x' is given twice"},
        {"no- of no boolean", ARGV("--no-slots"), "unknown option '--no-slots'"},
        {"bad boolean", ARGV("--migrate=maybe"), "not true or false"},
        {"no such file", ARGV("--config", "/nowhere/q.yaml"), "/nowhere/q.yaml"},
        {"no such letter", ARGV("-x"), "unknown option '-x'"},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_err err = {0};
        assert_err(parse(cases[i].argv, &err), QR_E_USAGE, &err, cases[i].part);
    }
}

static void a_secret_is_not_shown_even_when_it_is_wrong(void **state)
{
    struct qr_err err = {0};
    (void)state;

    assert_err(parse(ARGV("--password", "hunter2"), &err), QR_E_USAGE, &err, "--password");
    assert_null(strstr(err.msg, "hunter2"));
}

static void mistakes_in_the_file_name_the_line(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"slots: 3\nslot: 4\n", ":2: unknown key 'slot'; hint: did you mean slots?"},
        {"slots: 3\nslots: 4\n", ":2: 'slots' is given twice"},
        {"\n\nslots: 999\n", ":3: slots: '999' is outside 1..64"},
        {"slots: [1, 2]\n", ":1: slots: expected a plain value"},
        {"slots\n", "key: value"},
        {"a: b: c\n", "not valid YAML"},
        {"root: [[1]]\n", "expected a plain value"},
    };
    char path[] = "/tmp/quarry-options-XXXXXX";
    (void)state;

    close(mkstemp(path));
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_err err = {0};
        write_file(path, cases[i].text);
        assert_err(parse(ARGV("--config", path), &err), QR_E_USAGE, &err, cases[i].part);
    }
    write_file(path, "# nothing\n");
    struct qr_err err = {0};
    assert_ok(parse(ARGV("--config", path), &err), &err);
    unlink(path);
}

static void verbs_keep_their_own_arguments(void **state)
{
    struct qr_options verbs = options;
    struct qr_err err = {0};
    struct settings s;
    (void)state;

    verbs.stop_at_positional = true;
    assert_ok(parse_with(&verbs, ARGV("--slots", "2", "run", "--name"), &s, &rest, &err), &err);
    assert_int_equal(rest.n, 2);
    assert_string_equal(rest.items[1], "--name");
    qr_options_done(&verbs, &s);
}

static void a_verb_takes_its_own_options_from_arguments_alone(void **state)
{
    struct qr_options verb = options;
    struct qr_err err = {0};
    struct settings s;
    (void)state;

    verb.verb = true;
    setenv("QUARRY_LISTEN", "of-a-server:1", 1);
    setenv("QUARRY_COORDINATOR", "c:3", 1);
    setenv("QUARRY_CONFIG", "/does/not/exist.yaml", 1);
    int rc = parse_with(&verb, ARGV(NULL), &s, NULL, &err);
    unsetenv("QUARRY_LISTEN");
    unsetenv("QUARRY_COORDINATOR");
    unsetenv("QUARRY_CONFIG");
    assert_ok(rc, &err);
    assert_string_equal(s.listen, "127.0.0.1:7420");
    assert_int_equal(s.peers.n, 1);
    assert_string_equal(s.peers.items[0], "c:3");
    qr_options_done(&verb, &s);
    assert_err(parse_with(&verb, ARGV("--config", "x"), &s, NULL, &err), QR_E_USAGE, &err,
               "unknown option '--config'");
    qr_options_done(&verb, &s);
}

static void required_options_are_demanded_unless_help_is_asked(void **state)
{
    static const struct qr_option needs[] = {
        {"listen", 0, QR_OPT_STR, AT(listen), NULL, 0, 0, QR_OPT_REQUIRED, "HOST:PORT", "x", NULL},
        {0},
    };
    struct qr_options strict = {.program = "p", .table = needs};
    struct qr_err err = {0};
    struct settings s;
    (void)state;

    assert_err(parse_with(&strict, ARGV(NULL), &s, NULL, &err), QR_E_USAGE, &err,
               "--listen is missing; hint: --listen HOST:PORT, or QUARRY_LISTEN");
    qr_options_done(&strict, &s);
    assert_ok(parse_with(&strict, ARGV("--help"), &s, NULL, &err), &err);
    assert_int_equal(action, QR_OPTIONS_HELP);
    qr_options_done(&strict, &s);
    assert_err(parse_with(&strict, ARGV("stray"), &s, NULL, &err), QR_E_USAGE, &err,
               "unexpected argument 'stray'");
    qr_options_done(&strict, &s);
}

static void help_lines_up_and_fits(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;

    qr_options_print_help(&options, out);
    fclose(out);
    const char *slots = strstr(text, "jobs at a time (1..64, default 4)");
    const char *root = strstr(text, "a named root (repeatable)");
    assert_non_null(slots);
    assert_non_null(root);
    while (slots[-1] != '\n' && root[-1] != '\n') {
        slots--;
        root--;
    }
    assert_int_equal(slots[-1], root[-1]); /* both help texts start in the same column */
    assert_null(strstr(text, "aa|bb (default"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
    free(text);
}

static void the_documentation_has_a_row_for_each_option(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;

    qr_options_print_markdown(&options, out);
    fclose(out);
    assert_non_null(strstr(text, "| `--slots N` | `QUARRY_SLOTS` | `slots` | 4 | 1..64 | jobs at a "
                                 "time ([docs/worker.md](worker.md)) |"));
    assert_non_null(strstr(text, "debug\\|info"));
    assert_non_null(strstr(text, "`QUARRY_COORDINATOR`"));
    free(text);
}

static void units_format_back(void **state)
{
    char buf[32];
    (void)state;
    assert_string_equal(qr_option_format_msec(90000, buf, sizeof buf), "90s");
    assert_string_equal(qr_option_format_msec(1500, buf, sizeof buf), "1500ms");
    assert_string_equal(qr_option_format_size(3 << 20, buf, sizeof buf), "3M");
    assert_string_equal(qr_option_format_size(1000, buf, sizeof buf), "1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_type_has_its_default, clean),
        cmocka_unit_test_teardown(flags_come_in_all_their_spellings, clean),
        cmocka_unit_test_teardown(a_flag_outranks_the_environment_and_that_the_file, clean),
        cmocka_unit_test_teardown(mistakes_say_what_was_expected, clean),
        cmocka_unit_test_teardown(a_secret_is_not_shown_even_when_it_is_wrong, clean),
        cmocka_unit_test_teardown(mistakes_in_the_file_name_the_line, clean),
        cmocka_unit_test_teardown(verbs_keep_their_own_arguments, clean),
        cmocka_unit_test_teardown(a_verb_takes_its_own_options_from_arguments_alone, clean),
        cmocka_unit_test_teardown(required_options_are_demanded_unless_help_is_asked, clean),
        cmocka_unit_test(help_lines_up_and_fits),
        cmocka_unit_test(the_documentation_has_a_row_for_each_option),
        cmocka_unit_test(units_format_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
