#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

/* The tree of projects, sites, buildings, storeys and spaces, parents first.
 *
 * `next` chains the children of one parent in the order of the file; the walk keeps its place in
 * the chains, so depth costs nothing. */
struct tree {
    struct qr_ifc *ifc;
    uint32_t *first; /* child of an object */
    uint32_t *next;  /* child of the same parent */
};

static bool is_node(const struct qr_ifc *ifc, uint32_t object)
{
    enum qr_ifc_kind kind = qr_ifc_kind(ifc, object);

    return kind == QR_IFC_SPATIAL || kind == QR_IFC_CONTEXT;
}

/* A space may stand in a storey by containment instead of aggregation. */
static uint32_t parent_of(const struct qr_ifc *ifc, uint32_t object)
{
    uint32_t parent = ifc->objects[object].parent;

    if (!is_node(ifc, parent))
        parent = ifc->objects[object].container;
    return is_node(ifc, parent) ? parent : QR_IFC_NOTHING;
}

/* IfcBuildingStorey 9; IfcBuilding 9; IfcSpace 10; IfcSite 11. */
static int elevation_at(const char *class)
{
    static const struct {
        const char *name;
        int at;
    } known[] = {{"IfcBuildingStorey", 9}, {"IfcBuilding", 9}, {"IfcSpace", 10}, {"IfcSite", 11}};

    for (size_t i = 0; i < QR_COUNT(known); i++)
        if (strcmp(class, known[i].name) == 0)
            return known[i].at;
    return -1;
}

static bool put_node(struct qr_ifc *ifc, uint32_t object)
{
    const struct qr_ifc_class *class = qr_ifc_class(ifc, object);
    uint32_t parent = parent_of(ifc, object);
    struct qr_p21_value values[12];
    int at = elevation_at(class->name);
    size_t long_name = class->kind == QR_IFC_CONTEXT ? 5 : QR_IFC_LONG_NAME;
    double number;

    Quarry__V1__CadNode *node = qr_cad_add_node(ifc->rec);
    if (!node)
        return false;
    qr_p21_get(ifc->p21, ifc->objects[object].instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    node->id = qr_ifc_id(ifc, object);
    node->type = qr_record_text(ifc->rec, class->name);
    node->name = qr_record_text(ifc->rec, qr_ifc_text(ifc, &values[QR_IFC_NAME]));
    node->long_name = qr_record_text(ifc->rec, qr_ifc_text(ifc, &values[long_name]));
    if (parent != QR_IFC_NOTHING)
        node->parent = qr_ifc_id(ifc, parent);
    if (at >= 0 && qr_p21_number(&values[at], &number)) {
        node->elevation = number * ifc->mm;
        node->has_elevation = true;
    }
    node->elements = ifc->objects[object].uses;
    qr_ifc_say(ifc, node->name);
    qr_ifc_say(ifc, node->long_name);
    qr_ifc_say(ifc, qr_ifc_text(ifc, &values[QR_IFC_DESCRIPTION]));
    return true;
}

/* One root and all below it. False: the list is full. */
static bool walk(struct tree *tree, uint32_t root)
{
    struct qr_ifc *ifc = tree->ifc;
    uint32_t at = root;

    for (;;) {
        if (!ifc->objects[at].in_tree) {
            ifc->objects[at].in_tree = true;
            if (!put_node(ifc, at))
                return false;
        }
        uint32_t child = tree->first[at];
        if (child != QR_IFC_NOTHING) {
            tree->first[at] = tree->next[child]; /* each child is taken once */
            if (!ifc->objects[child].in_tree)
                at = child;
            continue;
        }
        if (at == root)
            return true;
        at = parent_of(ifc, at);
    }
}

static void chain_children(struct tree *tree)
{
    struct qr_ifc *ifc = tree->ifc;

    memset(tree->first, 0xFF, ifc->n_objects * sizeof *tree->first);
    for (uint32_t i = ifc->n_objects; i-- > 0;) {
        uint32_t parent = is_node(ifc, i) ? parent_of(ifc, i) : QR_IFC_NOTHING;
        tree->next[i] = QR_IFC_NOTHING;
        if (parent == QR_IFC_NOTHING)
            continue;
        tree->next[i] = tree->first[parent];
        tree->first[parent] = i;
    }
}

/* Projects first, then what has no parent, then what is left: rings. */
static void walk_all(struct tree *tree)
{
    struct qr_ifc *ifc = tree->ifc;
    uint32_t rings = 0;
    bool room = true;

    for (int round = 0; round < 3 && room; round++)
        for (uint32_t i = 0; i < ifc->n_objects && room; i++) {
            if (!is_node(ifc, i) || ifc->objects[i].in_tree ||
                (round == 0 && qr_ifc_kind(ifc, i) != QR_IFC_CONTEXT) ||
                (round <= 1 && parent_of(ifc, i) != QR_IFC_NOTHING))
                continue;
            rings += round == 2;
            room = walk(tree, i);
        }
    if (rings > 0)
        qr_record_note(ifc->rec, "ifc.spatial.cycle",
                       "%u parts of the spatial structure contain themselves", rings);
}

void qr_ifc_report_spatial(struct qr_ifc *ifc)
{
    struct tree tree = {.ifc = ifc};

    if (ifc->kinds[QR_IFC_SPATIAL] + ifc->kinds[QR_IFC_CONTEXT] == 0)
        return;
    tree.first = malloc(ifc->n_objects * sizeof *tree.first);
    tree.next = malloc(ifc->n_objects * sizeof *tree.next);
    if (tree.first && tree.next) {
        chain_children(&tree);
        walk_all(&tree);
    } else {
        ifc->rec->failed = true;
    }
    free(tree.first);
    free(tree.next);
}
