/* Run it: ctest --preset dev -R table_test */
#include "ctl/table.h"
#include "ctl/text.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static const struct qr_term pipe_end = {.unicode = true};

/* The table as text; caller frees. */
static char *print(const struct qr_table *table, const struct qr_term *term)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_true(qr_table_print(table, out, term));
    fclose(out);
    return text;
}

static void columns_line_up_and_numbers_stand_right(void **state)
{
    static const struct qr_column columns[] = {
        {"JOB", QR_COLUMN_RIGHT}, {"FILE", 0}, {"SIZE", QR_COLUMN_RIGHT}};
    QR_AUTO(qr_table) table = qr_table_new(columns, 3);
    (void)state;

    qr_table_u64(table, 7);
    qr_table_text(table, "gr\xC3\xB6\xC3\x9F"
                         "e.pdf");
    qr_table_text(table, "1 B");
    qr_table_i64(table, -12345);
    qr_table_text(table, "\xE5\x9B\xB3\xE9\x9D\xA2.pdf");
    qr_table_text(table, "");
    char *text = print(table, &pipe_end);
    assert_string_equal(text, "   JOB  FILE       SIZE\n"
                              "     7  gr\xC3\xB6\xC3\x9F"
                              "e.pdf   1 B\n"
                              "-12345  \xE5\x9B\xB3\xE9\x9D\xA2.pdf      -\n");
    free(text);
}

static void a_pipe_gets_everything_and_no_trailing_blanks(void **state)
{
    static const struct qr_column columns[] = {{"A", 0}, {"B", QR_COLUMN_SHRINK}};
    QR_AUTO(qr_table) table = qr_table_new(columns, 2);
    char longest[3000];
    (void)state;

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    qr_table_text(table, "a");
    qr_table_text(table, longest);
    qr_table_text(table, "b");
    qr_table_text(table, "short");
    char *text = print(table, &pipe_end);
    assert_non_null(strstr(text, longest));
    assert_null(strstr(text, " \n"));
    assert_null(strstr(text, "\033"));
    free(text);
}

static void a_terminal_cuts_the_widest_columns(void **state)
{
    static const struct qr_column columns[] = {
        {"ID", QR_COLUMN_RIGHT},
        {"FILE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END},
        {"ERROR", QR_COLUMN_SHRINK},
    };
    const struct qr_term term = {.tty = true, .unicode = true, .width = 40};
    QR_AUTO(qr_table) table = qr_table_new(columns, 3);
    (void)state;

    qr_table_u64(table, 1);
    qr_table_text(table, "root://drawings/2026/projects/a.pdf");
    qr_table_text(table, "the file is empty; hint: copy it again");
    char *text = print(table, &term);
    assert_non_null(strstr(text, "\xE2\x80\xA6"));
    assert_non_null(strstr(text, "/a.pdf ")); /* the end of a path says more */
    assert_non_null(strstr(text, "the file"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(qr_text_width(line) <= 40);
    free(text);
}

static void narrow_terminals_lose_optional_columns_first(void **state)
{
    static const struct qr_column columns[] = {
        {"ID", QR_COLUMN_RIGHT},
        {"SIZE", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
        {"FILE", QR_COLUMN_SHRINK},
        {"HOST", QR_COLUMN_OPTIONAL},
    };
    struct qr_term term = {.tty = true, .unicode = true, .width = 60};
    QR_AUTO(qr_table) table = qr_table_new(columns, 4);
    (void)state;

    qr_table_u64(table, 1);
    qr_table_text(table, "123.4 MB");
    qr_table_text(table, "a-name-of-thirty-characters.pdf");
    qr_table_text(table, "host-1");
    char *text = print(table, &term);
    assert_non_null(strstr(text, "host-1"));
    free(text);
    term.width = 36; /* without HOST the file has 20 columns and more */
    text = print(table, &term);
    assert_null(strstr(text, "HOST"));
    assert_non_null(strstr(text, "123.4 MB"));
    free(text);
    term.width = 25;
    text = print(table, &term);
    assert_null(strstr(text, "SIZE"));
    assert_non_null(strstr(text, "a-name"));
    free(text);
}

static void colours_are_for_terminals_that_want_them(void **state)
{
    static const struct qr_column columns[] = {{"STATUS", QR_COLUMN_STATUS},
                                               {"N", QR_COLUMN_RIGHT}};
    struct qr_term term = {.tty = true, .color = true, .unicode = true, .width = 80};
    QR_AUTO(qr_table) table = qr_table_new(columns, 2);
    (void)state;

    qr_table_text(table, "failed");
    qr_table_u64(table, 3);
    char *text = print(table, &term);
    assert_non_null(strstr(text, "\033[31mfailed\033[0m"));
    free(text);
    term.color = false; /* NO_COLOR */
    text = print(table, &term);
    assert_string_equal(text, "STATUS  N\nfailed  3\n");
    free(text);
}

static void names_cannot_steer_the_terminal(void **state)
{
    static const struct qr_column columns[] = {{"FILE", 0}};
    QR_AUTO(qr_table) table = qr_table_new(columns, 1);
    (void)state;

    qr_table_text(table, "a\033[2J\nforged line\xFF");
    char *text = print(table, &pipe_end);
    assert_string_equal(text, "FILE\na?[2J?forged line\xEF\xBF\xBD\n");
    free(text);
}

static void a_sum_has_a_rule_above(void **state)
{
    static const struct qr_column columns[] = {{"TYPE", 0}, {"N", QR_COLUMN_RIGHT}};
    const struct qr_term ascii = {.unicode = false};
    QR_AUTO(qr_table) table = qr_table_new(columns, 2);
    (void)state;

    qr_table_text(table, "pdf");
    qr_table_u64(table, 40);
    qr_table_text(table, "sum");
    qr_table_u64(table, 40);
    qr_table_mark_sum(table);
    char *text = print(table, &ascii);
    assert_string_equal(text, "TYPE   N\npdf   40\n----  --\nsum   40\n");
    free(text);
}

static void no_rows_print_nothing_and_missing_cells_fail(void **state)
{
    static const struct qr_column columns[] = {{"A", 0}, {"B", 0}};
    QR_AUTO(qr_table) table = qr_table_new(columns, 2);
    (void)state;

    char *text = print(table, &pipe_end);
    assert_string_equal(text, "");
    free(text);
    qr_table_text(table, "half a row");
    assert_false(qr_table_print(table, stderr, &pipe_end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_and_numbers_stand_right),
        cmocka_unit_test(a_pipe_gets_everything_and_no_trailing_blanks),
        cmocka_unit_test(a_terminal_cuts_the_widest_columns),
        cmocka_unit_test(narrow_terminals_lose_optional_columns_first),
        cmocka_unit_test(colours_are_for_terminals_that_want_them),
        cmocka_unit_test(names_cannot_steer_the_terminal),
        cmocka_unit_test(a_sum_has_a_rule_above),
        cmocka_unit_test(no_rows_print_nothing_and_missing_cells_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
