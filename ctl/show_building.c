/* Building models: what stands where, what it is made of, and which properties there are. Lists of
 * the record have a row for each object; people want to see what is the same only once. */
#include <stdlib.h>
#include <string.h>

#include "ctl/show_intern.h"

enum { LEVELS_MAX = 16, VALUES_BYTES = 120, KEY_BYTES = 1024 };

bool qr_show_is_building(const struct qr_show *show)
{
    const json_t *cad = json_object_get(show->record, "cad");

    return strcmp(qr_show_text(cad, "kind"), "building") == 0;
}

static bool more_rows(const struct qr_show *show, size_t n)
{
    return show->rows == 0 || n < show->rows;
}

/* Print what was filled, and how many rows are left out. */
static void finish(struct qr_show *show, struct qr_table *table, size_t left_out)
{
    show->failed |= !table || !qr_table_print(table, show->out, show->term);
    qr_show_left_out(show, left_out);
}

/* ------------------------------------------------------------------ the tree */

/* Parents come first, so the level of a node's parent is known. */
static json_int_t level_of(struct qr_show *show, json_t *levels, const json_t *node)
{
    const json_t *parent = json_object_get(levels, qr_show_text(node, "parent"));
    json_int_t level = parent ? json_integer_value(parent) + 1 : 0;

    show->failed |= json_object_set_new(levels, qr_show_text(node, "id"), json_integer(level)) < 0;
    return level < LEVELS_MAX ? level : LEVELS_MAX;
}

static void node_row(const json_t *node, json_int_t level, struct qr_table *table)
{
    const char *name = qr_show_text(node, "name");
    const char *more = qr_show_text(node, "long_name");
    char text[512];
    char number[40];

    if (strcmp(more, name) == 0)
        more = "";
    snprintf(text, sizeof text, "%*s%s%s%s%s", 2 * (int)level, "", name,
             name[0] && more[0] ? ", " : "", more, name[0] || more[0] ? "" : "(no name)");
    qr_table_text(table, text);
    qr_table_text(table, qr_show_text(node, "type"));
    qr_table_text(table, qr_show_number(json_object_get(node, "elevation"), number, sizeof number));
    qr_table_i64(table, json_integer_value(json_object_get(node, "elements")));
}

static void show_tree(struct qr_show *show, const json_t *nodes)
{
    static const struct qr_column columns[] = {{"SPACE", QR_COLUMN_SHRINK},
                                               {"CLASS", 0},
                                               {"ELEVATION mm", QR_COLUMN_RIGHT},
                                               {"ELEMENTS", QR_COLUMN_RIGHT}};
    QR_AUTO(qr_table) table = qr_table_new(columns, QR_COUNT(columns));
    json_t *levels = json_object();
    size_t n = json_array_size(nodes);
    size_t i;

    if (n > 0)
        qr_show_heading(show, "Spatial structure", n);
    for (i = 0; table && levels && i < n && more_rows(show, i); i++) {
        const json_t *node = json_array_get(nodes, i);
        node_row(node, level_of(show, levels, node), table);
    }
    finish(show, table, n - i);
    json_decref(levels);
}

/* ------------------------------------------------------------------ elements */

/* Id -> name of everything that has one; caller drops it. */
static json_t *read_names(const json_t *cad)
{
    json_t *names = json_object();
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(cad, "products"), i,
                       item) if (names && qr_show_text(item, "name")[0])
        json_object_set(names, qr_show_text(item, "id"), json_object_get(item, "name"));
    return names;
}

static void show_elements(struct qr_show *show, const json_t *cad)
{
    static const struct qr_column columns[] = {{"ELEMENTS", QR_COLUMN_RIGHT},
                                               {"CLASS", 0},
                                               {"TYPE", QR_COLUMN_SHRINK},
                                               {"PART OF", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL}};
    QR_AUTO(qr_table) table = qr_table_new(columns, QR_COUNT(columns));
    const json_t *rows = json_object_get(show->record, "bom");
    json_t *names = read_names(cad);
    size_t n = json_array_size(rows);
    size_t i;

    if (n > 0)
        qr_show_heading(show, "Elements by type", n);
    for (i = 0; table && i < n && more_rows(show, i); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *class = qr_show_text(row, "description");
        const char *type = qr_show_text(row, "part_number");
        const char *parent = qr_show_text(row, "parent");
        const char *name = json_string_value(json_object_get(names, parent));
        qr_table_text(table, qr_show_text(row, "quantity"));
        qr_table_text(table, class);
        qr_table_text(table, strcmp(type, class) == 0 ? "" : type);
        qr_table_text(table, name ? name : parent);
    }
    finish(show, table, n - i);
    json_decref(names);
}

/* ------------------------------------------------------------------ what is equal */

/* The group of an entry, made when it is the first of its kind: an object with `first`, the entry,
 * and `objects`. NULL: no memory. */
static json_t *group_of(json_t *groups, const char *key, const json_t *entry)
{
    const json_t *owners = json_object_get(entry, "owners");
    json_int_t n = owners ? json_integer_value(owners) : json_object_get(entry, "owner") ? 1 : 0;
    json_t *group = json_object_get(groups, key);

    if (!group) {
        group = json_object();
        if (!group || json_object_set_new(groups, key, group) < 0 ||
            json_object_set(group, "first", (json_t *)(uintptr_t)entry) < 0)
            return NULL;
    }
    n += json_integer_value(json_object_get(group, "objects"));
    return json_object_set_new(group, "objects", json_integer(n)) < 0 ? NULL : group;
}

static void number_cell(const json_t *object, const char *key, struct qr_table *table)
{
    char text[40];

    qr_table_text(table, qr_show_number(json_object_get(object, key), text, sizeof text));
}

static void objects_cell(const json_t *group, struct qr_table *table)
{
    json_int_t n = json_integer_value(json_object_get(group, "objects"));
    char text[24] = "";

    if (n > 0)
        snprintf(text, sizeof text, "%lld", (long long)n);
    qr_table_text(table, text);
}

static void material_row(const json_t *group, struct qr_table *table)
{
    const json_t *material = json_object_get(group, "first");

    qr_table_text(table, qr_show_text(material, "name"));
    qr_table_text(table, qr_show_text(material, "part"));
    number_cell(material, "thickness", table);
    number_cell(material, "density", table);
    objects_cell(group, table);
    qr_table_text(table, qr_show_text(material, "source"));
}

/* "REI 60, REI 90, 3 more" */
static void values_cell(const json_t *values, struct qr_table *table)
{
    char text[VALUES_BYTES + 64] = "";
    const char *value;
    json_t *ignored;
    size_t len = 0;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)values, value, ignored)
    {
        size_t more = strlen(value);
        if (n > 0 && len + more + 2 > VALUES_BYTES)
            break;
        len += (size_t)snprintf(text + len, VALUES_BYTES - len, "%s%s", n > 0 ? ", " : "", value);
        len = len < VALUES_BYTES ? len : VALUES_BYTES - 1;
        n++;
    }
    if (n < json_object_size(values))
        snprintf(text + len, sizeof text - len, ", %zu more", json_object_size(values) - n);
    qr_table_text(table, text);
}

static void property_row(const json_t *group, struct qr_table *table)
{
    const json_t *property = json_object_get(group, "first");

    qr_table_text(table, qr_show_text(property, "set"));
    qr_table_text(table, qr_show_text(property, "name"));
    objects_cell(group, table);
    qr_table_text(table, qr_show_text(property, "unit"));
    values_cell(json_object_get(group, "values"), table);
}

static void show_groups(struct qr_show *show, const char *title, const json_t *groups,
                        const struct qr_column *columns, size_t n_columns,
                        void (*row)(const json_t *group, struct qr_table *table))
{
    QR_AUTO(qr_table) table = qr_table_new(columns, n_columns);
    size_t n = json_object_size(groups);
    size_t shown = 0;
    const char *key;
    json_t *group;

    if (n > 0)
        qr_show_heading(show, title, n);
    json_object_foreach((json_t *)(uintptr_t)groups, key, group)
    {
        if (!table || !more_rows(show, shown))
            break;
        row(group, table);
        shown++;
    }
    finish(show, table, n - shown);
}

/* Materials of equal name, part, thickness and origin. */
static void show_materials(struct qr_show *show)
{
    static const struct qr_column columns[] = {
        {"MATERIAL", QR_COLUMN_SHRINK},    {"PART", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
        {"THICKNESS mm", QR_COLUMN_RIGHT}, {"DENSITY kg/m³", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
        {"OBJECTS", QR_COLUMN_RIGHT},      {"FROM", 0}};
    json_t *groups = json_object();
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(show->record, "materials"), i, item)
    {
        char key[KEY_BYTES];
        char number[40];
        snprintf(key, sizeof key, "%.400s\n%.400s\n%s\n%s", qr_show_text(item, "name"),
                 qr_show_text(item, "part"),
                 qr_show_number(json_object_get(item, "thickness"), number, sizeof number),
                 qr_show_text(item, "source"));
        show->failed |= !groups || !group_of(groups, key, item);
    }
    show_groups(show, "Materials", groups, columns, QR_COUNT(columns), material_row);
    json_decref(groups);
}

/* Properties of equal set, name and unit, with their values. */
static void show_properties(struct qr_show *show)
{
    static const struct qr_column columns[] = {{"SET", QR_COLUMN_SHRINK},
                                               {"PROPERTY", QR_COLUMN_SHRINK},
                                               {"OBJECTS", QR_COLUMN_RIGHT},
                                               {"UNIT", QR_COLUMN_OPTIONAL},
                                               {"VALUES", QR_COLUMN_SHRINK}};
    json_t *groups = json_object();
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(show->record, "parameters"), i, item)
    {
        const char *value = qr_show_text(item, "value");
        char key[KEY_BYTES];
        snprintf(key, sizeof key, "%.400s\n%.400s\n%.80s", qr_show_text(item, "set"),
                 qr_show_text(item, "name"), qr_show_text(item, "unit"));
        json_t *group = groups ? group_of(groups, key, item) : NULL;
        json_t *values = group ? json_object_get(group, "values") : NULL;
        if (group && !values &&
            (!(values = json_object()) || json_object_set_new(group, "values", values) < 0))
            group = NULL;
        show->failed |= !group || (value[0] && json_object_set_new(values, value, json_true()) < 0);
    }
    show_groups(show, "Properties", groups, columns, QR_COUNT(columns), property_row);
    json_decref(groups);
}

/* "187 products, 18 walls": all are counted, however many are listed. */
static void show_counts(struct qr_show *show)
{
    static const struct {
        const char *key, *what;
    } counts[] = {{"elements", "element"},
                  {"walls", "wall"},
                  {"types", "type"},
                  {"storeys", "storey"},
                  {"spaces", "space"},
                  {"property_sets", "property set"},
                  {"quantity_sets", "quantity set"}};
    const json_t *metadata = json_object_get(show->record, "metadata");
    char text[400] = "";
    size_t len = 0;

    for (size_t i = 0; i < QR_COUNT(counts); i++) {
        const char *n = qr_show_text(metadata, counts[i].key);
        if (n[0] && strcmp(n, "0") != 0)
            len +=
                (size_t)snprintf(text + len, sizeof text - len, "%s%.20s %s%s", len > 0 ? ", " : "",
                                 n, counts[i].what, strcmp(n, "1") ? "s" : "");
    }
    qr_show_pair(show, "holds", text);
}

void qr_show_building(struct qr_show *show)
{
    const json_t *cad = json_object_get(show->record, "cad");

    show_counts(show);
    show_tree(show, json_object_get(cad, "spatial"));
    show_elements(show, cad);
    show_materials(show);
    show_properties(show);
}
