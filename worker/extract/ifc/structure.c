#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define CHAIN_MAX 64

/* ------------------------------------------------------------------ assemblies */

/* A relation between objects as `assemblies`. */
struct pairs {
    const char *relation;
    bool spatial; /* the parent is a part of the spatial structure */
    uint64_t left_out;
};

/* Does `child` hold `parent`, by the wholes that were kept? */
static bool is_cycle(const struct qr_ifc *ifc, uint32_t parent, uint32_t child)
{
    for (int i = 0; i < CHAIN_MAX && parent != QR_IFC_NOTHING; i++) {
        if (parent == child)
            return true;
        parent = ifc->objects[parent].parent;
    }
    return false;
}

static void put_pairs(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                      struct qr_p21_value *many)
{
    struct pairs *pairs = arg;
    uint32_t parent = qr_ifc_object_at(ifc, one);
    enum qr_ifc_kind kind = qr_ifc_kind(ifc, parent);
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);
    char *id = NULL;
    uint32_t child;

    if (!cad || parent == QR_IFC_NOTHING ||
        (!pairs->spatial && (kind == QR_IFC_SPATIAL || kind == QR_IFC_CONTEXT)))
        return; /* those are `spatial` */
    while ((child = qr_ifc_next_object(ifc, &refs)) != QR_IFC_NOTHING) {
        Quarry__V1__CadAssembly *assembly =
            qr_ifc_room(ifc, cad->n_assemblies) > 0 ? qr_cad_add_assembly(ifc->rec) : NULL;
        if (!assembly) {
            pairs->left_out++;
            continue;
        }
        id = id ? id : qr_ifc_id(ifc, parent);
        assembly->parent = id;
        assembly->child = qr_ifc_id(ifc, child);
        assembly->quantity = 1;
        assembly->relation = (char *)(uintptr_t)pairs->relation;
        assembly->cycle = is_cycle(ifc, parent, child);
    }
}

static void put_assemblies(struct qr_ifc *ifc)
{
    static const struct {
        struct qr_ifc_relation relation;
        const char *name;
    } relations[] = {
        {{"IFCRELAGGREGATES", 4, 5}, "aggregates"},
        {{"IFCRELNESTS", 4, 5}, "nests"},
        {{"IFCRELVOIDSELEMENT", 4, 5}, "voids"},
        {{"IFCRELFILLSELEMENT", 4, 5}, "fills"},
        {{"IFCRELPROJECTSELEMENT", 4, 5}, "projects"},
        {{"IFCRELASSIGNSTOGROUP", 6, 4}, "group"},
        {{"IFCRELASSIGNSTOGROUPBYFACTOR", 6, 4}, "group"},
        {{"IFCRELSERVICESBUILDINGS", 4, 5}, "services"},
        {{"IFCRELREFERENCEDINSPATIALSTRUCTURE", 5, 4}, "references"},
    };
    struct pairs pairs = {0};

    for (size_t i = 0; i < QR_COUNT(relations); i++) {
        pairs.relation = relations[i].name;
        pairs.spatial = strcmp(relations[i].name, "references") == 0;
        qr_ifc_each_relation(ifc, &relations[i].relation, put_pairs, &pairs);
    }
    if (pairs.left_out > 0)
        qr_record_partial(ifc->rec, "ifc.assemblies.capped",
                          "%llu relations between objects are not listed",
                          (unsigned long long)pairs.left_out);
}

/* ------------------------------------------------------------------ bill of material */

/* An element to be counted: equal parents and hashes are one row. */
struct piece {
    uint64_t kind;   /* hash of its class and the name of its type, or its ObjectType */
    uint32_t parent; /* object it is a part of, plus one; 0: none */
    uint32_t object;
};

/* Exporters make a type for each occurrence: equal names are equal types. */
static uint64_t piece_kind(const struct qr_ifc *ifc, uint32_t object)
{
    const struct qr_ifc_object *entry = &ifc->objects[object];
    struct qr_p21_value value = {.kind = QR_P21_END};
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */

    if (entry->type != QR_IFC_NOTHING)
        qr_p21_attribute(ifc->p21, ifc->objects[entry->type].instance, QR_P21_UNKNOWN, QR_IFC_NAME,
                         &value);
    if (value.kind != QR_P21_STRING)
        qr_p21_attribute(ifc->p21, entry->instance, QR_P21_UNKNOWN, QR_IFC_OBJECT_TYPE, &value);
    hash = (hash ^ entry->class) * 0x100000001B3u;
    for (size_t i = 0; value.kind == QR_P21_STRING && i < value.len; i++)
        hash = (hash ^ value.at[i]) * 0x100000001B3u;
    return hash;
}

static int compare(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->object < y->object ? -1 : x->object > y->object;
}

/* By parent, and in the order of the file. */
static int compare_rows(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return x->object < y->object ? -1 : x->object > y->object;
}

/* Runs of equal pieces become one each: the first, with their number in `kind`. */
static size_t count_runs(struct piece *pieces, size_t n)
{
    size_t rows = 0;

    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && pieces[next].parent == pieces[i].parent &&
                           pieces[next].kind == pieces[i].kind;
             next++)
            continue;
        pieces[rows] = pieces[i];
        pieces[rows++].kind = next - i;
    }
    return rows;
}

static bool put_row(struct qr_ifc *ifc, const struct piece *piece)
{
    const struct qr_ifc_object *entry = &ifc->objects[piece->object];
    const struct qr_ifc_class *class = qr_ifc_class(ifc, piece->object);
    Quarry__V1__BomItem *row = qr_record_add_bom_item(ifc->rec);
    const char *part;
    char number[24];

    if (!row)
        return false;
    part = entry->type != QR_IFC_NOTHING
               ? qr_ifc_attribute(ifc, ifc->objects[entry->type].instance, QR_IFC_NAME)
               : "";
    part = *part ? part : qr_ifc_attribute(ifc, entry->instance, QR_IFC_OBJECT_TYPE);
    snprintf(number, sizeof number, "%llu", (unsigned long long)piece->kind);
    row->part_number = (char *)(uintptr_t)(*part ? part : class->name);
    row->part_number = qr_record_text(ifc->rec, row->part_number);
    row->description = (char *)(uintptr_t)qr_ifc_intern(ifc, class->name, strlen(class->name));
    row->quantity = qr_record_text(ifc->rec, number);
    row->source = qr_record_text(ifc->rec, "structure");
    if (piece->parent > 0)
        row->parent = qr_ifc_id(ifc, piece->parent - 1);
    return true;
}

static void put_bom(struct qr_ifc *ifc)
{
    size_t n = 0;
    uint64_t left_out = 0;
    struct piece *pieces = calloc((size_t)ifc->kinds[QR_IFC_ELEMENT] + 1, sizeof *pieces);

    if (!pieces) {
        ifc->rec->failed = true;
        return;
    }
    for (uint32_t i = 0; i < ifc->n_objects; i++) {
        uint32_t parent = ifc->objects[i].parent;
        if (qr_ifc_kind(ifc, i) == QR_IFC_ELEMENT)
            pieces[n++] = (struct piece){
                piece_kind(ifc, i), qr_ifc_kind(ifc, parent) == QR_IFC_ELEMENT ? parent + 1 : 0, i};
    }
    qsort(pieces, n, sizeof *pieces, compare);
    n = count_runs(pieces, n);
    qsort(pieces, n, sizeof *pieces, compare_rows);
    for (size_t i = 0; i < n; i++)
        if (qr_ifc_room(ifc, ifc->rec->msg->n_bom) == 0 || !put_row(ifc, &pieces[i]))
            left_out++;
    free(pieces);
    if (left_out > 0)
        qr_record_partial(ifc->rec, "ifc.bom.capped", "%llu rows of the parts list are left out",
                          (unsigned long long)left_out);
}

void qr_ifc_report_structure(struct qr_ifc *ifc)
{
    put_assemblies(ifc);
    put_bom(ifc);
}
