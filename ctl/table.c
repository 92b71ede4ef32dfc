#include "ctl/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

enum {
    GAP = 2,
    SHRUNK_MIN = 8,   /* no column gets narrower */
    COMFORT_MIN = 20, /* optional columns go before the others get narrower than this */
    HIDDEN = 0,
    CELL_BYTES = 4096,
};

struct qr_table {
    const struct qr_column *columns;
    size_t n_columns;
    char **cells; /* n_cells, row by row */
    size_t n_cells;
    size_t cap;
    bool sum;
    bool failed;
};

struct qr_table *qr_table_new(const struct qr_column *columns, size_t n_columns)
{
    struct qr_table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    table->columns = columns;
    table->n_columns = n_columns;
    return table;
}

void qr_table_free(struct qr_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void qr_table_text(struct qr_table *table, const char *text)
{
    if (table->failed)
        return;
    if (table->n_cells == table->cap) {
        size_t cap = table->cap ? table->cap * 2 : 64;
        char **cells = realloc(table->cells, cap * sizeof *cells);
        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->cap = cap;
    }
    char *copy = strndup(text && text[0] ? text : "-", CELL_BYTES - 1);
    if (!copy) {
        table->failed = true;
        return;
    }
    table->cells[table->n_cells++] = copy;
}

void qr_table_u64(struct qr_table *table, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    qr_table_text(table, text);
}

void qr_table_i64(struct qr_table *table, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    qr_table_text(table, text);
}

size_t qr_table_rows(const struct qr_table *table) { return table->n_cells / table->n_columns; }

void qr_table_mark_sum(struct qr_table *table) { table->sum = true; }

/* ------------------------------------------------------------------ widths */

static void natural_widths(const struct qr_table *table, size_t *widths)
{
    for (size_t c = 0; c < table->n_columns; c++)
        widths[c] = qr_text_width(table->columns[c].heading);
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t width = qr_text_width(table->cells[i]);
        if (width > widths[i % table->n_columns])
            widths[i % table->n_columns] = width;
    }
}

static size_t row_width(const struct qr_table *table, const size_t *widths)
{
    size_t total = 0;

    for (size_t c = 0; c < table->n_columns; c++)
        if (widths[c] != HIDDEN)
            total += widths[c] + (total > 0 ? GAP : 0);
    return total;
}

/* Takes from the widest column that may shrink until the row fits, or all are at `least`. */
static bool shrink(const struct qr_table *table, size_t *widths, size_t limit, size_t least)
{
    size_t total = row_width(table, widths);

    for (; total > limit; total--) {
        size_t widest = table->n_columns;
        for (size_t c = 0; c < table->n_columns; c++)
            if ((table->columns[c].flags & QR_COLUMN_SHRINK) && widths[c] > least &&
                (widest == table->n_columns || widths[c] > widths[widest]))
                widest = c;
        if (widest == table->n_columns)
            return false;
        widths[widest]--;
    }
    return true;
}

static void fit_terminal(const struct qr_table *table, size_t *widths, size_t limit)
{
    for (size_t c = table->n_columns; !shrink(table, widths, limit, COMFORT_MIN) && c-- > 0;)
        if (table->columns[c].flags & QR_COLUMN_OPTIONAL)
            widths[c] = HIDDEN;
    (void)shrink(table, widths, limit, SHRUNK_MIN); /* what still does not fit wraps */
}

/* ------------------------------------------------------------------ printing */

static const char *status_color(const char *word)
{
    static const struct {
        const char *word;
        const char *color;
    } table[] = {
        {"completed", "\033[32m"}, {"connected", "\033[32m"},  {"ok", "\033[32m"},
        {"failed", "\033[31m"},    {"gone", "\033[31m"},       {"FAIL", "\033[31m"},
        {"active", "\033[36m"},    {"processing", "\033[36m"}, {"silent", "\033[33m"},
        {"draining", "\033[33m"},  {"paused", "\033[33m"},     {"cancelled", "\033[33m"},
    };
    for (size_t i = 0; i < QR_COUNT(table); i++)
        if (strcmp(word, table[i].word) == 0)
            return table[i].color;
    return NULL;
}

static void put_spaces(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc(' ', out);
}

static void put_cell(const struct qr_column *column, const char *text, size_t width, bool last,
                     const char *color, const struct qr_term *term, FILE *out)
{
    char shown[CELL_BYTES];
    size_t limit = term->width > 0 ? width : SIZE_MAX;
    size_t used = qr_text_fit(text, limit, (column->flags & QR_COLUMN_KEEP_END) != 0,
                              qr_term_ellipsis(term), shown, sizeof shown);
    size_t pad = used < width ? width - used : 0;

    if (column->flags & QR_COLUMN_RIGHT)
        put_spaces(out, pad);
    if (color && term->color)
        fprintf(out, "%s%s\033[0m", color, shown);
    else
        fputs(shown, out);
    if (!(column->flags & QR_COLUMN_RIGHT) && !last)
        put_spaces(out, pad);
}

/* One line; `cells` NULL: the headings. */
static void put_row(const struct qr_table *table, char *const *cells, const size_t *widths,
                    const struct qr_term *term, FILE *out)
{
    size_t last = table->n_columns;
    bool first = true;

    while (last > 1 && widths[last - 1] == HIDDEN)
        last--;
    for (size_t c = 0; c < last; c++) {
        const struct qr_column *column = &table->columns[c];
        if (widths[c] == HIDDEN)
            continue;
        const char *color = !cells                             ? "\033[1m"
                            : column->flags & QR_COLUMN_STATUS ? status_color(cells[c])
                                                               : NULL;
        put_spaces(out, first ? 0 : GAP);
        put_cell(column, cells ? cells[c] : column->heading, widths[c], c + 1 == last, color, term,
                 out);
        first = false;
    }
    fputc('\n', out);
}

static void put_rule(const struct qr_table *table, const size_t *widths, const struct qr_term *term,
                     FILE *out)
{
    for (size_t c = 0, shown = 0; c < table->n_columns; c++) {
        if (widths[c] == HIDDEN)
            continue;
        put_spaces(out, shown++ > 0 ? GAP : 0);
        for (size_t i = 0; i < widths[c]; i++)
            fputs(term->unicode ? "\xE2\x94\x80" : "-", out);
    }
    fputc('\n', out);
}

bool qr_table_print(const struct qr_table *table, FILE *out, const struct qr_term *term)
{
    size_t n = table->n_columns;
    size_t rows = qr_table_rows(table);
    size_t *widths = calloc(n, sizeof *widths);

    if (!widths || table->failed || table->n_cells % n != 0) {
        free(widths);
        return false;
    }
    natural_widths(table, widths);
    if (term->width > 0)
        fit_terminal(table, widths, (size_t)term->width);
    if (rows > 0)
        put_row(table, NULL, widths, term, out);
    for (size_t r = 0; r < rows; r++) {
        if (table->sum && r + 1 == rows)
            put_rule(table, widths, term, out);
        put_row(table, table->cells + r * n, widths, term, out);
    }
    free(widths);
    return true;
}
