#include "ctl/show_intern.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

static void confidence_cell(const json_t *object, struct qr_table *table)
{
    const json_t *confidence = json_object_get(object, "confidence");
    char text[16] = "";

    if (json_is_number(confidence))
        snprintf(text, sizeof text, "%.0f %%", 100 * json_number_value(confidence));
    qr_table_text(table, text);
}

static void place_cell(const json_t *object, struct qr_table *table)
{
    char text[80];

    qr_table_text(table, qr_show_place(object, text, sizeof text));
}

/* ------------------------------------------------------------------ title block */

static void show_title_block(struct qr_show *show)
{
    static const struct qr_column columns[] = {{"FIELD", 0},
                                               {"VALUE", QR_COLUMN_SHRINK},
                                               {"FOUND BY", 0},
                                               {"SURE", QR_COLUMN_RIGHT},
                                               {"WHERE", QR_COLUMN_OPTIONAL}};
    const json_t *fields = json_object_get(show->record, "title_block");
    const json_t *places = json_object_get(show->record, "title_block_places");
    const char *key;
    json_t *value;

    if (json_object_size(fields) == 0)
        return;
    QR_AUTO(qr_table) table = qr_table_new(columns, QR_COUNT(columns));
    if (!table) {
        show->failed = true;
        return;
    }
    qr_show_heading(show, "Title block", 0);
    json_object_foreach((json_t *)fields, key, value)
    {
        const json_t *place = json_object_get(places, key);
        char name[64];
        snprintf(name, sizeof name, "%s", key);
        for (char *at = name; *at; at++)
            *at = *at == '_' ? ' ' : *at;
        qr_table_text(table, name);
        qr_table_text(table, json_is_array(value) ? json_string_value(json_array_get(value, 0))
                                                  : json_string_value(value));
        qr_table_text(table, qr_show_text(place, "origin"));
        confidence_cell(place, table);
        place_cell(place, table);
    }
    show->failed |= !qr_table_print(table, show->out, show->term);
}

/* ------------------------------------------------------------------ dimensions */

static void put_tolerance(const json_t *dimension, char *buf, size_t cap)
{
    const json_t *upper = json_object_get(dimension, "upper");
    const json_t *lower = json_object_get(dimension, "lower");
    const char *fit = qr_show_text(dimension, "fit");
    char a[32];
    char b[32];

    buf[0] = '\0';
    if (!json_is_number(upper) || !json_is_number(lower)) {
        snprintf(buf, cap, "%s", fit);
        return;
    }
    double high = json_number_value(upper);
    double low = json_number_value(lower);
    qr_show_number(upper, a, sizeof a);
    qr_show_number(lower, b, sizeof b);
    if (!(high > -low) && !(high < -low))
        snprintf(buf, cap, "±%s%s%s", a, fit[0] ? " " : "", fit);
    else
        snprintf(buf, cap, "%s%s/%s%s%s%s", high > 0 ? "+" : "", a, low > 0 ? "+" : "", b,
                 fit[0] ? " " : "", fit);
}

static void dimension_row(const json_t *dimension, struct qr_table *table)
{
    const json_t *quantity = json_object_get(dimension, "quantity");
    char text[96];

    qr_table_text(table, qr_show_text(dimension, "kind"));
    qr_table_text(table, qr_show_number(json_object_get(dimension, "value"), text, sizeof text));
    qr_table_text(table, qr_show_text(dimension, "unit"));
    put_tolerance(dimension, text, sizeof text);
    qr_table_text(table, text);
    text[0] = '\0';
    if (json_is_integer(quantity))
        snprintf(text, sizeof text, "%lldx", (long long)json_integer_value(quantity));
    qr_table_text(table, text);
    qr_table_text(table, qr_show_text(dimension, "text"));
    qr_table_text(table, json_is_true(json_object_get(dimension, "disagrees")) ? "disagrees" : "");
    confidence_cell(dimension, table);
    place_cell(dimension, table);
}

static void show_dimensions(struct qr_show *show)
{
    static const struct qr_column columns[] = {{"KIND", 0},
                                               {"VALUE", QR_COLUMN_RIGHT},
                                               {"UNIT", 0},
                                               {"TOLERANCE", 0},
                                               {"TIMES", QR_COLUMN_RIGHT},
                                               {"AS WRITTEN", QR_COLUMN_SHRINK},
                                               {"MEASURED", QR_COLUMN_OPTIONAL},
                                               {"SURE", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
                                               {"WHERE", QR_COLUMN_OPTIONAL}};

    qr_show_list(show, "Dimensions", "dimensions", columns, QR_COUNT(columns), dimension_row);
}

static void gdt_row(const json_t *gdt, struct qr_table *table)
{
    const json_t *datums = json_object_get(gdt, "datums");
    char text[160] = "";
    size_t len = 0;

    qr_table_text(table, qr_show_text(gdt, "characteristic"));
    len = (size_t)snprintf(text, sizeof text, "%s",
                           json_is_true(json_object_get(gdt, "diameter_zone")) ? "Ø" : "");
    qr_show_number(json_object_get(gdt, "value"), text + len, sizeof text - len);
    qr_table_text(table, text);
    qr_table_text(table, qr_show_text(gdt, "modifiers"));
    len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(datums) && len < sizeof text - 24; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.16s", i ? " | " : "",
                                json_string_value(json_array_get(datums, i)));
    qr_table_text(table, text);
    place_cell(gdt, table);
}

/* ------------------------------------------------------------------ lists */

static void bom_row(const json_t *row, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(row, "item"));
    qr_table_text(table, qr_show_text(row, "quantity"));
    qr_table_text(table, qr_show_text(row, "part_number"));
    qr_table_text(table, qr_show_text(row, "description"));
    qr_table_text(table, qr_show_text(row, "material"));
    if (qr_show_text(row, "parent")[0]) {
        char text[160];
        snprintf(text, sizeof text, "in %s", qr_show_text(row, "parent"));
        qr_table_text(table, text);
    } else {
        place_cell(row, table);
    }
}

static void material_row(const json_t *material, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(material, "name"));
    qr_table_text(table, qr_show_text(material, "standard"));
    qr_table_text(table, qr_show_text(material, "source"));
    confidence_cell(material, table);
    place_cell(material, table);
}

static void revision_row(const json_t *revision, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(revision, "revision"));
    qr_table_text(table, qr_show_text(revision, "date"));
    qr_table_text(table, qr_show_text(revision, "description"));
    qr_table_text(table, qr_show_text(revision, "author"));
}

static void note_row(const json_t *note, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(note, "number"));
    qr_table_text(table, qr_show_text(note, "text"));
}

static void parameter_row(const json_t *parameter, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(parameter, "set"));
    qr_table_text(table, qr_show_text(parameter, "name"));
    qr_table_text(table, qr_show_text(parameter, "value"));
    qr_table_text(table, qr_show_text(parameter, "unit"));
    qr_table_text(table, qr_show_text(parameter, "owner"));
}

void qr_show_drawing(struct qr_show *show)
{
    static const struct qr_column gdt[] = {{"TOLERANCE", 0},
                                           {"ZONE", QR_COLUMN_RIGHT},
                                           {"MODIFIERS", 0},
                                           {"DATUMS", 0},
                                           {"WHERE", QR_COLUMN_OPTIONAL}};
    static const struct qr_column bom[] = {
        {"ITEM", QR_COLUMN_RIGHT},         {"QTY", QR_COLUMN_RIGHT},
        {"PART NUMBER", QR_COLUMN_SHRINK}, {"DESCRIPTION", QR_COLUMN_SHRINK},
        {"MATERIAL", QR_COLUMN_SHRINK},    {"WHERE", QR_COLUMN_OPTIONAL}};
    static const struct qr_column materials[] = {{"MATERIAL", QR_COLUMN_SHRINK},
                                                 {"STANDARD", 0},
                                                 {"FOUND IN", 0},
                                                 {"SURE", QR_COLUMN_RIGHT},
                                                 {"WHERE", QR_COLUMN_OPTIONAL}};
    static const struct qr_column revisions[] = {
        {"REV", 0}, {"DATE", 0}, {"DESCRIPTION", QR_COLUMN_SHRINK}, {"BY", 0}};
    static const struct qr_column notes[] = {{"NO", QR_COLUMN_RIGHT}, {"TEXT", QR_COLUMN_SHRINK}};
    static const struct qr_column parameters[] = {{"SET", 0},
                                                  {"NAME", QR_COLUMN_SHRINK},
                                                  {"VALUE", QR_COLUMN_SHRINK},
                                                  {"UNIT", QR_COLUMN_OPTIONAL},
                                                  {"OWNER", QR_COLUMN_OPTIONAL | QR_COLUMN_SHRINK}};

    show_title_block(show);
    if (qr_show_is_building(show))
        return; /* the model shows them, what is equal once */
    qr_show_list(show, "Bill of material", "bom", bom, QR_COUNT(bom), bom_row);
    qr_show_list(show, "Materials", "materials", materials, QR_COUNT(materials), material_row);
    show_dimensions(show);
    qr_show_list(show, "Geometric tolerances", "gdt", gdt, QR_COUNT(gdt), gdt_row);
    qr_show_list(show, "Revisions", "revisions", revisions, QR_COUNT(revisions), revision_row);
    qr_show_list(show, "Notes on the drawing", "drawing_notes", notes, QR_COUNT(notes), note_row);
    qr_show_list(show, "Parameters", "parameters", parameters, QR_COUNT(parameters), parameter_row);
}
