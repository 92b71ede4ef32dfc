#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/assembly.h"

#define USAGES_MAX 1000000

static const struct qr_step_field usage_id = {0, 0, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field usage_name = {1, 1, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field relating = {3, 3, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field related = {4, 4, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field designator = {5, 0, STEP_ASSEMBLY_COMPONENT_USAGE};
static const struct qr_step_field amount = {6, 0, STEP_QUANTIFIED_ASSEMBLY_COMPONENT_USAGE};

/* Nodes are products where they are known: two definitions of one product are one node. */
static uint32_t node_of(const struct qr_step *s, uint32_t definition)
{
    const struct qr_step_product *product = qr_step_product_of(s, definition);

    return product ? (uint32_t)(product - s->products) : QR_P21_NONE;
}

static bool add_usage(struct qr_step *s, struct qr_step_tree *tree, struct qr_step_usage usage)
{
    if (tree->n == tree->cap) {
        uint32_t cap = tree->cap ? tree->cap * 2 : 64;
        struct qr_step_usage *more = realloc(tree->usages, cap * sizeof *more);
        if (!more || cap > USAGES_MAX * 2) {
            s->rec->failed = s->rec->failed || !more;
            tree->usages = more ? more : tree->usages;
            return false;
        }
        tree->usages = more;
        tree->cap = cap;
    }
    tree->usages[tree->n++] = usage;
    return true;
}

void qr_step_tree_add(struct qr_step *s, struct qr_step_tree *tree, uint32_t parent_definition,
                      uint32_t child_definition, uint32_t item, uint32_t rep)
{
    struct qr_step_usage usage = {.instance = QR_P21_NONE, .amount = 1, .unit = QR_P21_NONE};

    usage.parent_definition = parent_definition;
    usage.child_definition = child_definition;
    usage.parent = node_of(s, parent_definition);
    usage.child = node_of(s, child_definition);
    usage.mapped = item + 1;
    usage.mapped_in = rep;
    if (usage.parent != QR_P21_NONE && usage.child != QR_P21_NONE)
        add_usage(s, tree, usage);
}

static void collect(struct qr_step *s, struct qr_step_tree *tree,
                    const struct qr_step_inverse *substitutes, enum qr_step_name name)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++) {
        struct qr_step_usage usage = {.instance = all[i], .amount = 1};
        if (qr_step_inverse_get(substitutes, all[i], 0) != QR_P21_NONE ||
            (name != STEP_NEXT_ASSEMBLY_USAGE_OCCURRENCE &&
             qr_step_is(s, all[i], STEP_NEXT_ASSEMBLY_USAGE_OCCURRENCE)))
            continue; /* it stands for another one, or was collected */
        struct qr_step_measure measure;
        usage.parent_definition = qr_step_ref(s, all[i], relating);
        usage.child_definition = qr_step_ref(s, all[i], related);
        usage.parent = node_of(s, usage.parent_definition);
        usage.child = node_of(s, usage.child_definition);
        if (usage.parent == QR_P21_NONE) {
            qr_record_partial(s->rec, "step.assembly.unresolved",
                              "an occurrence (%s) has no parent in this file",
                              qr_step_handle(s, all[i]));
            continue;
        }
        if (name == STEP_QUANTIFIED_ASSEMBLY_COMPONENT_USAGE ||
            qr_step_is(s, all[i], STEP_QUANTIFIED_ASSEMBLY_COMPONENT_USAGE)) {
            usage.quantified = qr_step_measure(s, qr_step_ref(s, all[i], amount), &measure);
            usage.amount = usage.quantified ? measure.value : 1;
            usage.unit = usage.quantified ? measure.unit : QR_P21_NONE;
        }
        if (!add_usage(s, tree, usage))
            return;
    }
}

/* Nothing holds it. Documents are products as well, but no models. */
static void mark_roots(struct qr_step *s)
{
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    uint32_t first = QR_P21_NONE;

    for (uint32_t i = 0; i < s->n_products; i++) {
        const struct qr_step_product *product = &s->products[i];
        if (product->is_child || product->is_document || product->is_material)
            continue;
        if (cad && i < cad->n_products)
            cad->products[i]->root = true;
        /* an assembly rather than a part that stands alone */
        if (first == QR_P21_NONE || (product->is_parent && !s->products[first].is_parent))
            first = i;
    }
    if (first == QR_P21_NONE && s->n_products > 0)
        first = 0; /* all in a circle */
    if (cad && first != QR_P21_NONE)
        cad->name = (char *)(uintptr_t)(s->products[first].name[0] ? s->products[first].name
                                                                   : s->products[first].id);
}

static void add_bom(struct qr_step *s, const struct qr_step_tree *tree,
                    const struct qr_step_usage *usage, const Quarry__V1__CadAssembly *assembly,
                    double quantity, const struct qr_step_product *child)
{
    Quarry__V1__BomItem *row = qr_record_add_bom_item(s->rec);
    char number[32];

    if (!row)
        return;
    snprintf(number, sizeof number, "%.15g", quantity);
    row->part_number = assembly->child;
    row->parent = assembly->parent;
    row->quantity = qr_record_text(s->rec, number);
    row->source = qr_record_text(s->rec, "structure");
    if (usage->quantified)
        row->unit = qr_record_text(s->rec, qr_step_unit_name(s, usage->unit));
    if (child && strcmp(child->name, child->id) != 0)
        row->description = (char *)(uintptr_t)child->name;
    row->confidence = 1;
    if (usage->child != QR_P21_NONE && tree->level[usage->child] > 0) {
        snprintf(number, sizeof number, "%u", tree->level[usage->child]);
        qr_record_add_bom_other(s->rec, row, "level", number, strlen(number));
        snprintf(number, sizeof number, "%.15g", tree->total[usage->child]);
        qr_record_add_bom_other(s->rec, row, "total", number, strlen(number));
    }
}

static void add_occurrence(struct qr_step *s, struct qr_step_tree *tree,
                           const struct qr_step_usage *usage, Quarry__V1__CadAssembly *assembly)
{
    Quarry__V1__CadOccurrence *place = qr_cad_add_occurrence(s->rec, assembly);
    double matrix[16];

    if (!place)
        return;
    if (usage->instance != QR_P21_NONE) {
        place->id = (char *)(uintptr_t)qr_step_text(s, usage->instance, usage_id);
        place->name = (char *)(uintptr_t)qr_step_text(s, usage->instance, usage_name);
        place->reference_designator =
            (char *)(uintptr_t)qr_step_text(s, usage->instance, designator);
    }
    place->path = (char *)(uintptr_t)qr_step_path(s, tree, usage);
    if (qr_step_placement(s, tree, usage, matrix))
        qr_cad_numbers(s->rec, matrix, 16, &place->transform, &place->n_transform);
    else
        qr_record_note(s->rec, "step.assembly.unplaced",
                       "an occurrence of %s has no transformation", assembly->child);
}

/* Usages of one parent and child, which lie together. */
static uint32_t add_group(struct qr_step *s, struct qr_step_tree *tree, uint32_t from)
{
    const struct qr_step_usage *first = &tree->usages[from];
    const struct qr_step_product *child =
        first->child == QR_P21_NONE ? NULL : &s->products[first->child];
    Quarry__V1__CadAssembly *assembly = qr_cad_add_assembly(s->rec);
    double quantity = 0;
    uint32_t to = from;

    if (!assembly)
        return tree->n;
    assembly->parent = (char *)(uintptr_t)qr_step_label(&s->products[first->parent]);
    assembly->child = (char *)(uintptr_t)qr_step_label(child);
    assembly->unresolved = child == NULL;
    for (; to < tree->n && tree->usages[to].parent == first->parent &&
           tree->usages[to].child == first->child;
         to++) {
        quantity += tree->usages[to].amount;
        assembly->cycle = assembly->cycle || tree->usages[to].cycle;
        add_occurrence(s, tree, &tree->usages[to], assembly);
    }
    assembly->quantity = quantity;
    add_bom(s, tree, first, assembly, quantity, child);
    if (assembly->cycle)
        qr_record_note(s->rec, "step.assembly.cycle", "%s holds %s, which holds it: not followed",
                       assembly->parent, assembly->child);
    if (assembly->unresolved)
        qr_record_partial(s->rec, "step.assembly.unresolved", "a child of %s is not in this file",
                          assembly->parent);
    return to;
}

void qr_step_assembly(struct qr_step *s)
{
    struct qr_step_tree *tree = &s->tree;
    struct qr_step_inverse substitutes = {0};
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);

    qr_step_substitutes(s, &substitutes);
    collect(s, tree, &substitutes, STEP_NEXT_ASSEMBLY_USAGE_OCCURRENCE);
    collect(s, tree, &substitutes, STEP_QUANTIFIED_ASSEMBLY_COMPONENT_USAGE);
    bool promised = tree->n == 0; /* then there is no other structure */
    if (promised)
        collect(s, tree, &substitutes, STEP_PROMISSORY_USAGE_OCCURRENCE);
    qr_step_inverse_done(&substitutes);
    qr_step_placements(s, tree);
    if (!qr_step_tree_index(s, tree) || !cad) {
        s->rec->failed = true;
        return;
    }
    mark_roots(s);
    cad->kind = qr_record_text(s->rec, tree->n > 0 ? "assembly" : "part");
    for (uint32_t i = 0; i < tree->n;)
        i = add_group(s, tree, i);
    qr_step_other_usages(s, tree, !promised);
}
