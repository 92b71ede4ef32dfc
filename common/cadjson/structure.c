/* CREOSON's bom get_paths: a tree of components in which a name may come behind its children, and a
 * subassembly is there once for each place where it stands. It becomes one relation for each parent
 * and child, counted in one of the parent's places. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/intern.h"

struct node {
    char *file, *path;
    int64_t parent; /* -1: none */
    bool has_matrix;
    double matrix[12]; /* 3 x 4 by rows, to the top assembly */
};

struct tree {
    struct node *nodes;
    size_t n, cap;
    int64_t parent; /* of what is read now */
};

bool qr_cadjson_read_point(struct qr_cadjson *cj, double xyz[3], bool *ret_known)
{
    const char *key;

    *ret_known = false;
    for (int i = 0; i < 3; i++)
        xyz[i] = NAN;
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        bool axis = key[0] >= 'x' && key[0] <= 'z' && !key[1];
        int at = axis ? key[0] - 'x' : 0;
        if (axis ? !qr_cadjson_number(cj, &xyz[at]) : !qr_cadjson_keep(cj))
            return false;
    }
    *ret_known = isfinite(xyz[0]) && isfinite(xyz[1]) && isfinite(xyz[2]);
    return !cj->jr->failed;
}

/* The axes of the component are the columns. */
static bool read_matrix(struct qr_cadjson *cj, struct node *node)
{
    static const char *const columns[] = {"x_axis", "y_axis", "z_axis", "origin"};
    unsigned known = 0;
    const char *key;

    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        double xyz[3];
        bool whole = false;
        size_t c = 0;
        while (c < QR_COUNT(columns) && strcmp(columns[c], key) != 0)
            c++;
        if (c == QR_COUNT(columns)) { /* rotations say the same again */
            if (!qr_jr_skip(cj->jr))
                return false;
            continue;
        }
        if (!qr_cadjson_read_point(cj, xyz, &whole))
            return false;
        for (size_t row = 0; row < 3 && whole; row++)
            node->matrix[row * 4 + c] = xyz[row];
        known |= whole ? 1U << c : 0;
    }
    node->has_matrix = known == 15;
    return !cj->jr->failed;
}

/* [5, 12] as "5.12", which is how CREOSON's seq_path has it. */
static bool read_path(struct qr_cadjson *cj, char **ret)
{
    char text[400];
    size_t len = 0;

    if (qr_jr_peek(cj->jr) != QR_JR_ARRAY)
        return qr_cadjson_text(cj, ret);
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        double id;
        if (!qr_cadjson_number(cj, &id))
            return false;
        int n =
            isnan(id) ? 0 : snprintf(text + len, sizeof text - len, len > 0 ? ".%.0f" : "%.0f", id);
        len += n > 0 && (size_t)n < sizeof text - len ? (size_t)n : 0;
    }
    *ret = qr_record_string(cj->rec, text, len);
    return !cj->jr->failed;
}

static struct node *add_node(struct qr_cadjson *cj, struct tree *tree)
{
    if (tree->n >= cj->rec->limits.items || !qr_cadjson_has_room(cj)) {
        qr_record_partial(cj->rec, "record.capped", "components were cut at %zu", tree->n);
        return NULL;
    }
    if (tree->n == tree->cap) {
        size_t cap = tree->cap ? tree->cap * 2 : 64;
        struct node *grown = realloc(tree->nodes, cap * sizeof *grown);
        if (!grown)
            return NULL;
        tree->nodes = grown;
        tree->cap = cap;
    }
    struct node *node = &tree->nodes[tree->n++];
    memset(node, 0, sizeof *node);
    node->parent = tree->parent;
    return node;
}

static bool read_component(struct qr_cadjson *cj, struct tree *tree);

static bool read_children(struct qr_cadjson *cj, struct tree *tree)
{
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    if (qr_jr_peek(cj->jr) == QR_JR_OBJECT) /* the top assembly itself */
        return read_component(cj, tree);
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr))
        if (!read_component(cj, tree))
            return false;
    return !cj->jr->failed;
}

/* Recursion is as deep as the document, which the reader limits. */
static bool read_component(struct qr_cadjson *cj, struct tree *tree)
{
    size_t at = tree->n;
    int64_t parent = tree->parent;
    const char *key;

    if (!add_node(cj, tree))
        return qr_jr_skip(cj->jr);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        bool ok;
        if (strcmp(key, "file") == 0) {
            char *file = NULL;
            ok = qr_cadjson_text(cj, &file);
            tree->nodes[at].file = file;
        } else if (strcmp(key, "path") == 0 ||
                   (strcmp(key, "seq_path") == 0 && !tree->nodes[at].path)) {
            char *path = NULL;
            ok = read_path(cj, &path);
            tree->nodes[at].path = path;
        } else if (strcmp(key, "transform") == 0) {
            ok = read_matrix(cj, &tree->nodes[at]);
        } else if (strcmp(key, "children") == 0) {
            tree->parent = (int64_t)at;
            ok = read_children(cj, tree);
            tree->parent = parent;
        } else if (strcmp(key, "seq_path") == 0) {
            ok = qr_jr_skip(cj->jr);
        } else {
            ok = qr_cadjson_keep(cj);
        }
        if (!ok)
            return false;
    }
    if (!cj->jr->failed && !tree->nodes[at].file)
        return qr_jr_fail(cj->jr, "a component without \"file\"");
    return !cj->jr->failed;
}

/* ------------------------------------------------------------------ relations */

/* parent^-1 * child, both rigid: the transpose turns back. */
static void relative(const struct node *parent, const struct node *child, double ret[16])
{
    static const double unit[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    const double *p = parent->has_matrix ? parent->matrix : unit, *c = child->matrix;

    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++) {
            double sum = 0;
            for (int m = 0; m < 3; m++)
                sum += p[m * 4 + i] * (c[m * 4 + k] - (k == 3 ? p[m * 4 + 3] : 0));
            ret[i * 4 + k] = sum;
        }
    ret[12] = ret[13] = ret[14] = 0;
    ret[15] = 1;
}

struct edge {
    const struct node *parent, *child;
};

/* In the order of the document where the names are the same. */
static int by_names(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    int c = strcmp(x->parent->file, y->parent->file);

    if (c == 0)
        c = strcmp(x->child->file, y->child->file);
    return c != 0 ? c : x->child < y->child ? -1 : x->child > y->child;
}

static bool same_pair(const struct edge *a, const struct edge *b)
{
    return strcmp(a->parent->file, b->parent->file) == 0 &&
           strcmp(a->child->file, b->child->file) == 0;
}

static void add_relation(struct qr_cadjson *cj, const struct edge *edges, size_t n)
{
    Quarry__V1__CadAssembly *assembly = qr_cad_add_assembly(cj->rec);
    size_t quantity = 0;

    if (!assembly)
        return;
    assembly->parent = edges[0].parent->file;
    assembly->child = edges[0].child->file;
    for (size_t i = 0; i < n; i++) {
        const struct node *child = edges[i].child;
        if (edges[i].parent != edges[0].parent)
            continue; /* the same again, where the parent stands once more */
        Quarry__V1__CadOccurrence *o = qr_cad_add_occurrence(cj->rec, assembly);
        quantity++;
        if (!o)
            continue;
        if (child->path)
            o->path = child->path;
        if (child->has_matrix) {
            double matrix[16];
            relative(edges[i].parent, child, matrix);
            qr_cad_numbers(cj->rec, matrix, 16, &o->transform, &o->n_transform);
        }
    }
    assembly->quantity = (double)quantity;
}

static bool add_relations(struct qr_cadjson *cj, const struct tree *tree)
{
    struct edge *edges = calloc(tree->n ? tree->n : 1, sizeof *edges);
    size_t n = 0;

    if (!edges)
        return qr_jr_fail(cj->jr, "out of memory");
    for (size_t i = 0; i < tree->n; i++)
        if (tree->nodes[i].parent >= 0)
            edges[n++] = (struct edge){&tree->nodes[tree->nodes[i].parent], &tree->nodes[i]};
    qsort(edges, n, sizeof *edges, by_names);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && same_pair(&edges[i], &edges[k]);)
            k++;
        add_relation(cj, edges + i, k - i);
    }
    free(edges);
    return true;
}

static bool read_tree(struct qr_cadjson *cj, struct tree *tree)
{
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        bool ok = strcmp(key, "children") == 0 ? read_children(cj, tree)
                  : strcmp(key, "file") == 0   ? qr_jr_skip(cj->jr) /* the top component has it */
                  : strcmp(key, "generic") == 0
                      ? qr_cadjson_text(cj, &qr_record_cad(cj->rec)->generic)
                      : qr_cadjson_keep(cj);
        if (!ok)
            return false;
    }
    return !cj->jr->failed;
}

bool qr_cadjson_read_paths(struct qr_cadjson *cj, void *target)
{
    struct tree tree = {.parent = -1};
    bool ok = read_tree(cj, &tree);
    (void)target;

    ok = ok && add_relations(cj, &tree);
    free(tree.nodes);
    return ok;
}
