#include "common/options_intern.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100, COLUMN_MAX = 34 };

static const char *value_name(const struct qr_option *row)
{
    static const char *const by_type[] = {
        [QR_OPT_STR] = "TEXT",      [QR_OPT_INT] = "N",     [QR_OPT_REAL] = "NUMBER",
        [QR_OPT_MSEC] = "DURATION", [QR_OPT_SIZE] = "SIZE", [QR_OPT_LIST] = "LIST",
        [QR_OPT_BOOL] = "",
    };
    return row->arg ? row->arg : by_type[row->type];
}

/* "-o, --output FORMAT" */
static int left_side(const struct qr_option *row, char *buf, size_t size)
{
    const char *arg = value_name(row);
    char letter[8] = "    ";

    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    return snprintf(buf, size, "  %s--%s%s%s", letter, row->name, arg[0] ? " " : "", arg);
}

/* Help, then range, default and page, as one text. */
static void right_side(const struct qr_options *options, const struct qr_option *row, char *buf,
                       size_t size)
{
    char range[80];
    const char *separator = " (";
    int len = snprintf(buf, size, "%s", row->help);

#define ADD(...)                                                             \
    do {                                                                     \
        if (len >= 0 && (size_t)len < size) {                                \
            len += snprintf(buf + len, size - (size_t)len, "%s", separator); \
            separator = ", ";                                                \
        }                                                                    \
        if (len >= 0 && (size_t)len < size)                                  \
            len += snprintf(buf + len, size - (size_t)len, __VA_ARGS__);     \
    } while (0)

    if (row->type == QR_OPT_LIST && !(row->flags & QR_OPT_COMMAS))
        ADD("repeatable");
    if (qr_option_range(row, range, sizeof range)[0])
        ADD("%s", range);
    if (row->flags & QR_OPT_REQUIRED)
        ADD("required");
    if (row->fallback && row->fallback[0] && !(row->flags & QR_OPT_SECRET))
        ADD("default %s", row->fallback);
    if (options->verb && qr_option_has_env(options, row))
        ADD("or %s", qr_option_env_name(row, range, sizeof range));
    if (separator[0] == ',' && (size_t)len < size)
        snprintf(buf + len, size - (size_t)len, ")");
#undef ADD
}

/* `text` in lines that start at `column` and end before WIDTH; the cursor stands at `column`. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;

    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at > column && at + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", word, text);
        at += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

static void print_line(FILE *out, const char *left, const char *right, int column)
{
    int len = (int)strlen(left);

    fputs(left, out);
    if (len + 2 > column) /* too long for the column: the text starts on the next line */
        fprintf(out, "\n%*s", column, "");
    else
        fprintf(out, "%*s", column - len, "");
    print_wrapped(out, right, column);
}

static int help_column(const struct qr_options *options)
{
    const struct qr_option *row;
    int column = 20;

    for (size_t i = 0; (row = qr_options_row(options, i)); i++) {
        char left[160];
        int len = left_side(row, left, sizeof left) + 2;
        if (!(row->flags & QR_OPT_HIDDEN) && len > column && len <= COLUMN_MAX)
            column = len;
    }
    return column;
}

void qr_options_print_help(const struct qr_options *options, FILE *out)
{
    const struct qr_option *row;
    int column = help_column(options);

    fprintf(out, "%s: %s\n\nUsage: %s %s\n\nOptions:\n", options->program, options->summary,
            options->program, options->usage);
    for (size_t i = 0; (row = qr_options_row(options, i)); i++) {
        char left[160];
        char right[600];
        if (row->flags & QR_OPT_HIDDEN)
            continue;
        left_side(row, left, sizeof left);
        right_side(options, row, right, sizeof right);
        print_line(out, left, right, column);
    }
    if (!options->verb)
        print_line(out, "      --config FILE", "YAML file with options: lease_ttl: 8s", column);
    print_line(out, "  -h, --help", "this text", column);
    print_line(out, "      --version", "version of the program", column);
    if (!options->verb)
        fputs("\nEach option can also be set in the environment (--some-flag: QUARRY_SOME_FLAG) or "
              "in "
              "the file\n(some_flag). A flag outranks the environment, the environment the file.\n",
              out);
    if (options->examples)
        fprintf(out, "\nExamples:\n%s", options->examples);
}

static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<')
            fputc('\\', out);
        fputc(*text, out);
    }
}

void qr_options_print_markdown(const struct qr_options *options, FILE *out)
{
    const struct qr_option *row;

    fprintf(out, "## %s\n\n%s: %s\n\n", options->program, options->program, options->summary);
    fputs("| flag | environment | file | default | range | meaning |\n|---|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; (row = qr_options_row(options, i)); i++) {
        char env[80];
        char key[80];
        char range[80];
        const char *arg = value_name(row);
        if (row->flags & QR_OPT_HIDDEN)
            continue;
        fprintf(out, "| `--%s%s", row->name, arg[0] ? " " : "");
        print_cell(out, arg);
        fprintf(out, "` | `%s` | `%s` | %s | %s | ", qr_option_env_name(row, env, sizeof env),
                qr_option_key_name(row, key, sizeof key),
                row->fallback && !(row->flags & QR_OPT_SECRET) ? row->fallback : "",
                qr_option_range(row, range, sizeof range));
        print_cell(out, row->help);
        if (row->page)
            fprintf(out, " ([%s](%s))", row->page,
                    strncmp(row->page, "docs/", 5) == 0 ? row->page + 5 : row->page);
        fputs(" |\n", out);
    }
    fputc('\n', out);
}
