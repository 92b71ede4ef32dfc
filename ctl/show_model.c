/* Models: what they are, their shape, structure, mass and holes. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/show_intern.h"
#include "ctl/text.h"

enum { TEXT_BYTES = 1024, LEVELS_MAX = 32 };

/* ------------------------------------------------------------------ one line each */

/* Text that grows piece by piece and is cut at its end. */
struct line {
    char text[TEXT_BYTES];
    size_t len;
};

static void add(struct line *line, const char *fmt, ...) QR_PRINTF(2, 3);

static void add(struct line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(line->text + line->len, sizeof line->text - line->len, fmt, args);
    va_end(args);
    if (n > 0)
        line->len += (size_t)n;
    if (line->len >= sizeof line->text)
        line->len = sizeof line->text - 1;
}

/* "5 solids": nothing for a count that is missing or zero. */
static void add_count(struct line *line, const json_t *object, const char *key, const char *what,
                      const char *plural)
{
    char text[32];
    json_int_t n = json_integer_value(json_object_get(object, key));

    if (n > 0)
        add(line, "%s%s %s%s", line->len ? ", " : "", qr_text_count((uint64_t)n, text, sizeof text),
            what, n == 1 ? "" : plural);
}

static void add_kinds(struct line *line, const json_t *counts)
{
    const char *kind;
    json_t *n;

    json_object_foreach((json_t *)(uintptr_t)counts, kind, n)
    {
        add(line, "%s%lld %s", line->len ? ", " : "", (long long)json_integer_value(n), kind);
    }
}

static void show_what(struct qr_show *show, const json_t *cad)
{
    struct line line = {0};

    add(&line, "%s, %s", qr_show_text(cad, "name"), qr_show_text(cad, "kind"));
    if (qr_show_text(cad, "revision")[0])
        add(&line, ", revision %s", qr_show_text(cad, "revision"));
    if (qr_show_text(cad, "generic")[0])
        add(&line, ", instance of %s", qr_show_text(cad, "generic"));
    qr_show_pair(show, "model", line.text);
    line = (struct line){0};
    add(&line, "%s", qr_show_text(cad, "mode"));
    if (qr_show_text(cad, "source")[0])
        add(&line, ", %s", qr_show_text(cad, "source"));
    qr_show_pair(show, "way", line.text);
}

static void show_topology(struct qr_show *show, const json_t *cad)
{
    const json_t *geometry = json_object_get(cad, "geometry");
    struct line line = {0};

    add_count(&line, cad, "solid_count", "solid", "s");
    add_count(&line, cad, "face_count", "face", "s");
    add_count(&line, cad, "edge_count", "edge", "s");
    add_count(&line, cad, "open_edges", "open edge", "s");
    add_count(&line, cad, "non_manifold_edges", "non-manifold edge", "s");
    qr_show_pair(show, "shape", line.text);
    line = (struct line){0};
    add_kinds(&line, json_object_get(cad, "surface_types"));
    qr_show_pair(show, "surfaces", line.text);
    line = (struct line){0};
    add_count(&line, geometry, "convex_edges", "convex", "");
    add_count(&line, geometry, "concave_edges", "concave", "");
    add_count(&line, geometry, "smooth_edges", "smooth", "");
    if (json_integer_value(json_object_get(geometry, "solids")) >
        json_integer_value(json_object_get(cad, "solid_count")))
        add(&line, ", of all occurrences");
    qr_show_pair(show, "edges", line.text);
}

static void show_box(struct qr_show *show, const json_t *cad)
{
    const json_t *box = json_object_get(cad, "bbox");
    const char *source = qr_show_text(cad, "bbox_source");
    struct line line = {0};

    if (json_array_size(box) != 6)
        return;
    for (size_t i = 0; i < 3; i++)
        add(&line, "%s%.6g", i ? " x " : "",
            json_number_value(json_array_get(box, i + 3)) -
                json_number_value(json_array_get(box, i)));
    add(&line, " mm, by %s%s", source,
        strcmp(source, "vertices") == 0 ? ": round faces may reach beyond" : "");
    qr_show_pair(show, "box", line.text);
}

static void show_shape_data(struct qr_show *show, const json_t *cad)
{
    const json_t *points = json_object_get(cad, "point_cloud");
    const json_t *geometry = json_object_get(cad, "geometry");
    const json_t *item;
    struct line line = {0};
    size_t i;

    add_count(&line, points, "count", "point", "s");
    if (line.len)
        add(&line, "%s, by %s",
            json_is_true(json_object_get(points, "normals")) ? " with normals" : "",
            qr_show_text(points, "source"));
    qr_show_pair(show, "point cloud", line.text);
    line = (struct line){0};
    json_array_foreach(json_object_get(cad, "embeddings"), i, item)
    {
        add(&line, "%s%s (%zu numbers)", i ? ", " : "", qr_show_text(item, "type"),
            json_array_size(json_object_get(item, "values")));
    }
    qr_show_pair(show, "embeddings", line.text);
    qr_show_pair(show, "face graph", qr_show_text(cad, "adjacency_hash"));
    line = (struct line){0};
    json_array_foreach(json_object_get(cad, "views"), i, item)
    {
        add(&line, "%s%s", line.len ? ", " : "", qr_show_text(item, "name"));
    }
    json_array_foreach(json_object_get(geometry, "views"), i, item)
    {
        add(&line, "%s%s", line.len ? ", " : "", qr_show_text(item, "name"));
    }
    qr_show_pair(show, "views", line.text);
    line = (struct line){0};
    const char *kernel = qr_show_text(geometry, "kernel");
    const char *message = qr_show_text(geometry, "message");
    add(&line, "%s%s%s%s%s", kernel, kernel[0] ? ", " : "", qr_show_text(geometry, "status"),
        message[0] ? ": " : "", message);
    qr_show_pair(show, "kernel", line.text);
}

/* ------------------------------------------------------------------ mass and holes */

static void number_cell(const json_t *object, const char *key, struct qr_table *table)
{
    char text[40];

    qr_table_text(table, qr_show_number(json_object_get(object, key), text, sizeof text));
}

/* Less than a picometre is the kernel's rounding. */
static double without_noise(const json_t *number)
{
    double value = json_number_value(number);

    return fabs(value) < 1e-9 ? 0 : value;
}

static void point_cell(const json_t *point, struct qr_table *table)
{
    struct line line = {0};

    for (size_t i = 0; i < json_array_size(point); i++)
        add(&line, "%s%.6g", i ? " " : "", without_noise(json_array_get(point, i)));
    qr_table_text(table, line.text);
}

static void mass_row(const json_t *mass, struct qr_table *table)
{
    const char *owner = qr_show_text(mass, "owner");

    qr_table_text(table, owner[0] ? owner : "model");
    qr_table_text(table, qr_show_text(mass, "source"));
    number_cell(mass, "volume", table);
    number_cell(mass, "area", table);
    number_cell(mass, "mass", table);
    point_cell(json_object_get(mass, "centroid"), table);
}

static void hole_row(const json_t *hole, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(hole, "kind"));
    number_cell(hole, "diameter", table);
    number_cell(hole, "depth", table);
    qr_table_text(table, json_is_true(json_object_get(hole, "through")) ? "yes" : "no");
    point_cell(json_object_get(hole, "axis"), table);
    point_cell(json_object_get(hole, "point"), table);
}

/* ------------------------------------------------------------------ structure */

struct tree {
    struct qr_show *show;
    json_t *children; /* {parent: [what it holds]} */
    json_t *shown;    /* {parent: true}: its parts are printed once */
    size_t lines, left_out;
};

static bool more_lines(struct tree *tree)
{
    if (tree->show->rows > 0 && tree->lines >= tree->show->rows) {
        tree->left_out++;
        return false;
    }
    tree->lines++;
    return true;
}

static void show_parts(struct tree *tree, const char *parent, int level)
{
    const json_t *list = json_object_get(tree->children, parent);
    const json_t *item;
    size_t i;

    tree->show->failed |= json_object_set_new(tree->shown, parent, json_true()) < 0;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *child = qr_show_text(item, "child");
        bool known = json_object_get(tree->shown, child) != NULL;
        bool holds = json_object_get(tree->children, child) != NULL;
        double quantity = json_number_value(json_object_get(item, "quantity"));
        char name[256];

        qr_text_fit(child, SIZE_MAX, false, "", name, sizeof name);
        if (more_lines(tree))
            fprintf(tree->show->out, "  %*s%.10g x %s%s%s\n", 2 * level, "",
                    quantity > 0 ? quantity : 1, name,
                    json_is_true(json_object_get(item, "cycle"))        ? ", which holds itself"
                    : json_is_true(json_object_get(item, "unresolved")) ? ", not in this file"
                                                                        : "",
                    known && holds ? ", see above" : "");
        if (holds && !known && level < LEVELS_MAX)
            show_parts(tree, child, level + 1);
    }
}

/* Only parts in assemblies: what IFC relates otherwise is in the JSON. */
static bool read_tree(struct tree *tree, const json_t *cad, json_t *held)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(cad, "assemblies"), i, item)
    {
        const char *parent = qr_show_text(item, "parent");
        json_t *list = json_object_get(tree->children, parent);
        if (qr_show_text(item, "relation")[0])
            continue;
        if (!list &&
            (json_object_set_new(tree->children, parent, list = json_array()) < 0 || !list))
            return false;
        if (json_array_append(list, (json_t *)(uintptr_t)item) < 0 ||
            json_object_set_new(held, qr_show_text(item, "child"), json_true()) < 0)
            return false;
    }
    return true;
}

static void show_structure(struct qr_show *show, const json_t *cad)
{
    struct tree tree = {.show = show, .children = json_object(), .shown = json_object()};
    json_t *held = json_object();
    const char *parent;
    json_t *list;
    char name[256];

    if (!tree.children || !tree.shown || !held || !read_tree(&tree, cad, held))
        show->failed = true;
    else if (json_object_size(tree.children) > 0)
        qr_show_heading(show, "Structure", 0);
    json_object_foreach(tree.children, parent, list)
    {
        if (json_object_get(held, parent))
            continue;
        qr_text_fit(parent, SIZE_MAX, false, "", name, sizeof name);
        if (more_lines(&tree))
            fprintf(show->out, "  %s\n", name);
        show_parts(&tree, parent, 1);
    }
    qr_show_left_out(show, tree.left_out);
    json_decref(tree.children);
    json_decref(tree.shown);
    json_decref(held);
}

static void feature_row(const json_t *feature, struct qr_table *table)
{
    qr_table_text(table, qr_show_text(feature, "id"));
    qr_table_text(table, qr_show_text(feature, "type"));
    qr_table_text(table, qr_show_text(feature, "name"));
    qr_table_text(table, qr_show_text(feature, "status"));
}

void qr_show_model(struct qr_show *show)
{
    static const struct qr_column mass[] = {
        {"OF", QR_COLUMN_SHRINK},        {"SAID BY", 0},
        {"VOLUME mm³", QR_COLUMN_RIGHT}, {"AREA mm²", QR_COLUMN_RIGHT},
        {"MASS kg", QR_COLUMN_RIGHT},    {"CENTRE mm", QR_COLUMN_OPTIONAL}};
    static const struct qr_column holes[] = {
        {"HOLE", 0},    {"DIAMETER", QR_COLUMN_RIGHT}, {"DEPTH", QR_COLUMN_RIGHT},
        {"THROUGH", 0}, {"AXIS", QR_COLUMN_OPTIONAL},  {"OPENS AT", QR_COLUMN_OPTIONAL}};
    static const struct qr_column features[] = {
        {"ID", QR_COLUMN_RIGHT}, {"FEATURE", 0}, {"NAME", QR_COLUMN_SHRINK}, {"STATUS", 0}};
    const json_t *cad = json_object_get(show->record, "cad");

    if (!cad)
        return;
    qr_show_heading(show, "Model", 0);
    show_what(show, cad);
    show_topology(show, cad);
    show_box(show, cad);
    show_shape_data(show, cad);
    show_structure(show, cad);
    if (qr_show_is_building(show))
        qr_show_building(show);
    qr_show_list_of(show, "Mass", json_object_get(cad, "mass"), mass, QR_COUNT(mass), mass_row);
    qr_show_list_of(show, "Holes", json_object_get(json_object_get(cad, "geometry"), "holes"),
                    holes, QR_COUNT(holes), hole_row);
    qr_show_list_of(show, "Features", json_object_get(cad, "features"), features,
                    QR_COUNT(features), feature_row);
}
