#include "ctl/show.h"

#include <string.h>

#include "ctl/show_intern.h"
#include "ctl/text.h"

enum { NAMES_WIDTH = 16, NAMES_WIDTH_MAX = 28, JOINED = 120 /* bytes of several values */ };

const char *qr_show_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static const char *style(const struct qr_show *show, const char *sequence)
{
    return show->term->color ? sequence : "";
}

void qr_show_heading(struct qr_show *show, const char *title, size_t n)
{
    fprintf(show->out, "\n%s%s%s", style(show, "\033[1;36m"), title, style(show, "\033[0m"));
    if (n > 0)
        fprintf(show->out, " (%zu)", n);
    fputc('\n', show->out);
}

void qr_show_pair(struct qr_show *show, const char *name, const char *value)
{
    char shown[2048];
    int names = show->names > 0 ? show->names : NAMES_WIDTH;
    size_t room =
        show->term->width > names + 4 ? (size_t)(show->term->width - names - 3) : SIZE_MAX;

    if (value[0] == '\0')
        return;
    qr_text_fit(value, room, false, qr_term_ellipsis(show->term), shown, sizeof shown);
    fprintf(show->out, "  %-*s %s\n", names, name, shown);
}

void qr_show_left_out(struct qr_show *show, size_t n)
{
    if (n > 0)
        fprintf(show->out, "  %s%zu more: --rows 0 shows all, -o json has every field%s\n",
                style(show, "\033[2m"), n, style(show, "\033[0m"));
}

const char *qr_show_number(const json_t *number, char *buf, size_t cap)
{
    if (json_is_number(number))
        snprintf(buf, cap, "%.10g", json_number_value(number));
    else if (cap > 0)
        buf[0] = '\0';
    return buf;
}

const char *qr_show_place(const json_t *object, char *buf, size_t cap)
{
    const char *layout = qr_show_text(object, "layout");
    const json_t *page = json_object_get(object, "page");

    buf[0] = '\0';
    if (layout[0])
        snprintf(buf, cap, "%s", layout);
    else if (json_is_integer(page))
        snprintf(buf, cap, "p. %lld", (long long)json_integer_value(page));
    return buf;
}

void qr_show_list(struct qr_show *show, const char *title, const char *key,
                  const struct qr_column *columns, size_t n_columns,
                  void (*row)(const json_t *object, struct qr_table *table))
{
    qr_show_list_of(show, title, json_object_get(show->record, key), columns, n_columns, row);
}

void qr_show_list_of(struct qr_show *show, const char *title, const json_t *list,
                     const struct qr_column *columns, size_t n_columns,
                     void (*row)(const json_t *object, struct qr_table *table))
{
    size_t n = json_array_size(list);
    size_t shown = show->rows > 0 && n > show->rows ? show->rows : n;

    if (n == 0)
        return;
    QR_AUTO(qr_table) table = qr_table_new(columns, n_columns);
    if (!table) {
        show->failed = true;
        return;
    }
    qr_show_heading(show, title, n);
    for (size_t i = 0; i < shown; i++)
        row(json_array_get(list, i), table);
    show->failed |= !qr_table_print(table, show->out, show->term);
    qr_show_left_out(show, n - shown);
}

/* ------------------------------------------------------------------ the file */

static void show_head(struct qr_show *show)
{
    const json_t *record = show->record;
    const char *status = qr_show_text(record, "status");
    bool failed = strcmp(status, "failed") == 0;
    char file[1024];
    char size[32];
    char text[256];

    qr_text_fit(qr_show_text(record, "file"), SIZE_MAX, true, "", file, sizeof file);
    fprintf(show->out, "%s%s%s\n", style(show, "\033[1m"), file, style(show, "\033[0m"));
    qr_text_size((uint64_t)json_integer_value(json_object_get(record, "bytes")), size, sizeof size);
    fprintf(show->out, "  %s%s%s, %s, %s, read in %lld ms\n",
            style(show, failed ? "\033[31m" : "\033[32m"), status, style(show, "\033[0m"),
            qr_show_text(record, "type"), size,
            (long long)json_integer_value(json_object_get(record, "duration_ms")));
    if (failed) {
        const json_t *error = json_object_get(record, "error");
        qr_show_pair(show, qr_show_text(error, "class"), qr_show_text(error, "message"));
        return;
    }
    qr_show_pair(show, "empty", qr_show_text(record, "empty_reason"));
    const json_t *complete = json_object_get(record, "completeness");
    if (json_is_number(complete)) {
        snprintf(text, sizeof text, "%.0f %%%s", 100 * json_number_value(complete),
                 json_is_true(json_object_get(record, "partial"))
                     ? ", something is missing, see below"
                     : "");
        qr_show_pair(show, "complete", text);
    }
}

/* "LENGTHUNIT mm, AREAUNIT m², 3 more": one value or several. */
static const char *join(const json_t *value, char *buf, size_t cap)
{
    size_t n = json_array_size(value);
    size_t len = 0;
    size_t i;

    if (n == 0)
        return json_string_value(value);
    for (i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (i > 0 && len + strlen(text) + 2 > JOINED)
            break;
        len += (size_t)snprintf(buf + len, cap - len, "%s%.*s", i > 0 ? ", " : "", JOINED, text);
    }
    if (i < n)
        snprintf(buf + len, cap - len, ", %zu more", n - i);
    return buf;
}

static void show_metadata(struct qr_show *show)
{
    const json_t *metadata = json_object_get(show->record, "metadata");
    const char *key;
    json_t *value;
    size_t n = 0;

    if (json_object_size(metadata) == 0)
        return;
    qr_show_heading(show, "Document", 0);
    json_object_foreach((json_t *)metadata, key, value)
    {
        int len = (int)strnlen(key, NAMES_WIDTH_MAX);
        if (!strchr(key, ':') && len > NAMES_WIDTH && len > show->names)
            show->names = len;
    }
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (strchr(key, ':')) /* what the document calls it: JSON has it */
            continue;
        char text[3 * JOINED];
        if (show->rows == 0 || n++ < 2 * show->rows)
            qr_show_pair(show, key, join(value, text, sizeof text));
    }
    qr_show_left_out(show, show->rows > 0 && n > 2 * show->rows ? n - 2 * show->rows : 0);
    show->names = 0;
}

static void page_row(const json_t *page, struct qr_table *table)
{
    char text[160] = "";
    const json_t *error = json_object_get(page, "error");

    qr_table_i64(table, json_integer_value(json_object_get(page, "number")));
    qr_table_text(table, qr_show_text(page, "label"));
    double width = json_number_value(json_object_get(page, "width_pt"));
    double height = json_number_value(json_object_get(page, "height_pt"));
    if (width > 0)
        snprintf(text, sizeof text, "%.0f x %.0f mm", width * 25.4 / 72, height * 25.4 / 72);
    qr_table_text(table, text);
    qr_table_i64(table, json_integer_value(json_object_get(page, "chars")));
    snprintf(text, sizeof text, "%s%s%s%s",
             json_is_true(json_object_get(page, "drawing")) ? "drawing " : "",
             json_is_true(json_object_get(page, "image_only")) ? "image " : "",
             json_is_true(json_object_get(page, "text_as_paths")) ? "text as curves " : "",
             json_object_get(page, "ocr_words") ? "OCR" : "");
    qr_table_text(table, error ? qr_show_text(error, "message") : text);
}

static void name_list(struct qr_show *show, const char *name, const char *key)
{
    const json_t *list = json_object_get(show->record, key);
    size_t n = json_array_size(list);
    char text[1024];
    int len = snprintf(text, sizeof text, "%zu: ", n);

    if (n == 0)
        return;
    for (size_t i = 0; i < n && len >= 0 && (size_t)len < sizeof text; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s", i ? ", " : "",
                        qr_show_text(json_array_get(list, i), "name"));
    qr_show_pair(show, name, text);
}

static void count_list(struct qr_show *show, const char *name, const char *key)
{
    const json_t *counts = json_object_get(show->record, key);
    char text[1024] = "";
    int len = 0;
    const char *kind;
    json_t *value;

    json_object_foreach((json_t *)counts, kind, value)
    {
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%lld %s", len ? ", " : "",
                        (long long)json_integer_value(value), kind);
        if (len < 0 || (size_t)len >= sizeof text)
            break;
    }
    qr_show_pair(show, name, text);
}

static void outline_row(const json_t *item, struct qr_table *table)
{
    char title[512];
    long long level = json_integer_value(json_object_get(item, "level"));
    int indent = level > 1 && level < 20 ? (int)(2 * (level - 1)) : 0;
    char text[80];

    snprintf(title, sizeof title, "%*s%s", indent, "", qr_show_text(item, "title"));
    qr_table_text(table, title);
    qr_table_text(table, qr_show_place(item, text, sizeof text));
}

static void link_row(const json_t *link, struct qr_table *table)
{
    char text[80];

    qr_table_text(table, qr_show_text(link, "kind"));
    qr_table_text(table, qr_show_text(link, "target"));
    qr_table_text(table, qr_show_place(link, text, sizeof text));
}

static void note_row(const json_t *note, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(note, "code"));
    qr_table_i64(table, json_integer_value(json_object_get(note, "count")));
    qr_table_text(table, qr_show_text(note, "message"));
}

static void show_structure(struct qr_show *show)
{
    static const struct qr_column pages[] = {{"PAGE", QR_COLUMN_RIGHT},
                                             {"LABEL", QR_COLUMN_SHRINK},
                                             {"SIZE", 0},
                                             {"CHARS", QR_COLUMN_RIGHT},
                                             {"REMARK", QR_COLUMN_SHRINK}};
    static const struct qr_column outline[] = {{"BOOKMARK", QR_COLUMN_SHRINK}, {"WHERE", 0}};
    static const struct qr_column links[] = {
        {"LINK", 0}, {"TARGET", QR_COLUMN_SHRINK}, {"WHERE", 0}};
    static const struct qr_column notes[] = {
        {"NOTE", 0}, {"TIMES", QR_COLUMN_RIGHT}, {"FIRST", QR_COLUMN_SHRINK}};
    const json_t *record = show->record;

    qr_show_list(show, "Pages", "pages", pages, QR_COUNT(pages), page_row);
    if (json_object_get(record, "layers") || json_object_get(record, "entities") ||
        json_object_get(record, "fonts") || json_object_get(record, "attachments"))
        qr_show_heading(show, "Made of", 0);
    count_list(show, "model", "entities");
    count_list(show, "paper", "paper_entities");
    name_list(show, "layouts", "layouts");
    name_list(show, "layers", "layers");
    name_list(show, "blocks", "blocks");
    name_list(show, "fonts", "fonts");
    name_list(show, "attachments", "attachments");
    qr_show_list(show, "Outline", "outline", outline, QR_COUNT(outline), outline_row);
    qr_show_list(show, "Links", "links", links, QR_COUNT(links), link_row);
    qr_show_list(show, "Repairs and warnings", "notes", notes, QR_COUNT(notes), note_row);
}

int qr_show_record(const json_t *record, size_t rows, const struct qr_term *term, FILE *out,
                   struct qr_err *err)
{
    struct qr_show show = {.record = record, .rows = rows, .term = term, .out = out};

    show_head(&show);
    show_metadata(&show);
    qr_show_model(&show);
    qr_show_drawing(&show);
    show_structure(&show);
    if (show.failed)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    return QR_OK;
}
