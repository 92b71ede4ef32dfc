/* CREOSON's drawings and family tables: the models a drawing shows, its sheets; the instances of a
 * generic model with what they differ in. */
#include <stdio.h>
#include <string.h>

#include "common/cadjson/creoson.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

/* ------------------------------------------------------------------ drawings */

static bool read_drawn_model(cadjson *cj)
{
    Quarry__V1__Link *link = qr_record_add_link(cj->rec);

    if (!link)
        return qr_jr_skip(cj->jr);
    link->kind = qr_creoson_say(cj, "model");
    return qr_cadjson_text(cj, &link->target);
}

static bool read_drawn_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_drawn_model);
}

static const struct qr_field drawn_fields[] = {SPECIAL("files", read_drawn_list), END};

bool qr_creoson_drawn(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, drawn_fields, target);
}

enum { SHEETS_MAX = 1000 };

struct sheet_count {
    char *number;
};
static const struct qr_field sheets_fields[] = {
    TEXT_AT(struct sheet_count, "num_sheets", number),
    END,
};

bool qr_creoson_sheets(struct qr_cadjson *cj, void *target)
{
    struct sheet_count count = {QR_NO_TEXT};
    (void)target;

    if (!qr_cadjson_object(cj, sheets_fields, &count))
        return false;
    qr_record_add_meta(cj->rec, "sheets", count.number, strlen(count.number), "creo");
    return true;
}

/* The sheet that was asked about, by its number; NULL: not said, or the list is full. */
static Quarry__V1__NamedObject *asked_sheet(cadjson *cj)
{
    const Quarry__V1__ExtractionRecord *msg = cj->rec->msg;
    char name[16];

    if (cj->sheet == 0)
        return NULL;
    size_t len = (size_t)snprintf(name, sizeof name, "%u", (unsigned)cj->sheet);
    for (size_t i = 0; i < msg->n_layouts && i < SHEETS_MAX; i++)
        if (strcmp(msg->layouts[i]->name, name) == 0)
            return msg->layouts[i];
    return msg->n_layouts < SHEETS_MAX ? qr_record_add_named(cj->rec, QR_RECORD_LAYOUTS, name, len)
                                       : NULL;
}

static void add_to_sheet(cadjson *cj, const char *key, const char *value)
{
    Quarry__V1__NamedObject *sheet = value[0] ? asked_sheet(cj) : NULL;

    if (sheet)
        qr_record_add_property(cj->rec, sheet, key, value, strlen(value));
}

struct sheet {
    char *size, *scale;
};
static const struct qr_field sheet_fields[] = {
    TEXT_AT(struct sheet, "size", size),
    TEXT_AT(struct sheet, "scale", scale),
    END,
};

bool qr_creoson_sheet(struct qr_cadjson *cj, void *target)
{
    struct sheet in = {QR_NO_TEXT, QR_NO_TEXT};
    (void)target;

    if (!qr_cadjson_object(cj, sheet_fields, &in))
        return false;
    add_to_sheet(cj, "size", in.size);
    add_to_sheet(cj, "scale", in.scale);
    return true;
}

struct format {
    char *file, *full_name, *common_name;
};
static const struct qr_field format_fields[] = {
    TEXT_AT(struct format, "file", file),
    TEXT_AT(struct format, "full_name", full_name),
    TEXT_AT(struct format, "common_name", common_name),
    END,
};

bool qr_creoson_sheet_format(struct qr_cadjson *cj, void *target)
{
    struct format in = {QR_NO_TEXT, QR_NO_TEXT, QR_NO_TEXT};
    (void)target;

    if (!qr_cadjson_object(cj, format_fields, &in))
        return false;
    add_to_sheet(cj, "format", in.file[0] ? in.file : in.full_name);
    add_to_sheet(cj, "format_name", in.common_name);
    return true;
}

/* ------------------------------------------------------------------ family tables */

enum { COLUMNS_MAX = 1000, ROWS_SEARCHED = 1000 };

/* The instance's row, made when it is not there; NULL: no room. */
static Quarry__V1__CadRow *row_of(cadjson *cj, Quarry__V1__CadTable *table, char *instance)
{
    for (size_t i = 0; table && i < table->n_rows && i < ROWS_SEARCHED; i++)
        if (strcmp(table->rows[i]->name, instance) == 0)
            return table->rows[i];
    Quarry__V1__CadRow *row = table ? qr_cad_add_row(cj->rec, table) : NULL;
    if (row)
        row->name = instance;
    return row;
}

static bool read_instance(cadjson *cj)
{
    char *name = QR_NO_TEXT;

    if (!qr_cadjson_text(cj, &name))
        return false;
    row_of(cj, qr_cad_family_table(cj->rec), name);
    return true;
}

static bool read_instance_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_instance);
}

static const struct qr_field instances_fields[] = {
    SPECIAL("instances", read_instance_list),
    SPECIAL("files", read_instance_list),
    SPECIAL("dirname", qr_creoson_skip),
    TEXT_AT(Quarry__V1__CadModel, "generic", generic),
    END,
};

bool qr_creoson_instances(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, instances_fields, target);
}

/* A row, or the header: what its columns are called, and hold. */
struct table_row {
    char *instance;
    const char *ids[COLUMNS_MAX], *values[COLUMNS_MAX];
    size_t n;
};
struct cell {
    char *id, *value;
};
static const struct qr_field cell_fields[] = {
    TEXT_AT(struct cell, "colid", id),
    TEXT_AT(struct cell, "value", value),
    SPECIAL("datatype", qr_creoson_skip),
    SPECIAL("coltype", qr_creoson_skip),
    END,
};

static bool read_columns(cadjson *cj, void *target)
{
    struct table_row *row = target;

    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        struct cell cell = {QR_NO_TEXT, QR_NO_TEXT};
        if (row->n == COLUMNS_MAX || !qr_cadjson_has_room(cj)) {
            qr_record_partial(cj->rec, "record.capped", "columns were cut at %zu", row->n);
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        if (!qr_cadjson_object(cj, cell_fields, &cell))
            return false;
        row->ids[row->n] = cell.id;
        row->values[row->n++] = cell.value;
    }
    return !cj->jr->failed;
}

static const struct qr_field row_fields[] = {
    TEXT_AT(struct table_row, "instance", instance),
    SPECIAL("columns", read_columns),
    END,
};

static bool read_table_row(cadjson *cj, struct table_row *row, Quarry__V1__CadTable **ret_table)
{
    row->instance = QR_NO_TEXT;
    row->n = 0;
    if (!qr_cadjson_object(cj, row_fields, row))
        return false;
    *ret_table = row->n > 0 ? qr_cad_family_table(cj->rec) : NULL;
    if (*ret_table && (*ret_table)->n_columns == 0)
        qr_cad_set_strings(cj->rec, &(*ret_table)->columns, &(*ret_table)->n_columns, row->ids,
                           row->n);
    return true;
}

bool qr_creoson_header(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadTable *table;
    struct table_row row;
    (void)target;

    return read_table_row(cj, &row, &table);
}

/* The cells stand in the order of the header's columns, whatever their order is here. */
static void set_cells(cadjson *cj, const Quarry__V1__CadTable *table, const struct table_row *in,
                      Quarry__V1__CadRow *row)
{
    const char *cells[COLUMNS_MAX];
    size_t n = table->n_columns < COLUMNS_MAX ? table->n_columns : COLUMNS_MAX;

    for (size_t i = 0; i < n; i++) {
        size_t k = i < in->n && strcmp(in->ids[i], table->columns[i]) == 0 ? i : 0;
        while (k < in->n && strcmp(in->ids[k], table->columns[i]) != 0)
            k++;
        cells[i] = k < in->n ? in->values[k] : "";
    }
    qr_cad_set_strings(cj->rec, &row->cells, &row->n_cells, cells, n);
}

bool qr_creoson_row(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadTable *table;
    struct table_row in;
    (void)target;

    if (!read_table_row(cj, &in, &table))
        return false;
    Quarry__V1__CadRow *row = table ? row_of(cj, table, in.instance) : NULL;
    if (row)
        set_cells(cj, table, &in, row);
    return true;
}
