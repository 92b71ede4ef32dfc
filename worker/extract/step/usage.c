#include <stdio.h>

#include "worker/extract/step/assembly.h"

#define LEVELS_MAX 16 /* of a higher usage */
#define PATH_BYTES 1024

static const struct qr_step_field usage_id = {0, 0, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field usage_name = {1, 1, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field relating = {3, 3, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field related = {4, 4, STEP_PRODUCT_DEFINITION_RELATIONSHIP};
static const struct qr_step_field designator = {5, 0, STEP_ASSEMBLY_COMPONENT_USAGE};
/* ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE(name, definition, base, substitute) */
static const struct qr_step_field base = {2, 2, STEP_ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE};
static const struct qr_step_field substitute = {3, 3, STEP_ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE};
/* SPECIFIED_HIGHER_USAGE_OCCURRENCE(…, upper usage, next usage) */
static const struct qr_step_field upper = {6, 0, STEP_SPECIFIED_HIGHER_USAGE_OCCURRENCE};
static const struct qr_step_field next = {7, 1, STEP_SPECIFIED_HIGHER_USAGE_OCCURRENCE};

void qr_step_substitutes(struct qr_step *s, struct qr_step_inverse *ret)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE, &n);

    for (uint32_t i = 0; i < n; i++)
        if (!qr_step_inverse_add(ret, qr_step_ref(s, all[i], substitute),
                                 qr_step_ref(s, all[i], base)))
            s->rec->failed = true;
    qr_step_inverse_sort(ret);
}

static const struct qr_step_product *product_at(const struct qr_step *s, uint32_t usage,
                                                struct qr_step_field side)
{
    return qr_step_product_of(s, qr_step_ref(s, usage, side));
}

/* An assembly of one occurrence; what is not in the file is noted. */
static Quarry__V1__CadOccurrence *add(struct qr_step *s, uint32_t usage, const char *relation,
                                      const struct qr_step_product *parent,
                                      const struct qr_step_product *child)
{
    Quarry__V1__CadAssembly *assembly = parent && child ? qr_cad_add_assembly(s->rec) : NULL;

    if (!parent || !child)
        qr_record_partial(s->rec, "step.assembly.unresolved",
                          "a usage (%s) has no parent or no child in this file",
                          qr_step_handle(s, usage));
    if (!assembly)
        return NULL;
    assembly->parent = (char *)(uintptr_t)qr_step_label(parent);
    assembly->child = (char *)(uintptr_t)qr_step_label(child);
    assembly->relation = qr_record_text(s->rec, relation);
    assembly->quantity = 1;
    Quarry__V1__CadOccurrence *place = qr_cad_add_occurrence(s->rec, assembly);
    if (place) {
        place->id = (char *)(uintptr_t)qr_step_text(s, usage, usage_id);
        place->name = (char *)(uintptr_t)qr_step_text(s, usage, usage_name);
        place->reference_designator = (char *)(uintptr_t)qr_step_text(s, usage, designator);
    }
    return place;
}

static void add_substitutes(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_ASSEMBLY_COMPONENT_USAGE_SUBSTITUTE, &n);

    for (uint32_t i = 0; i < n && !s->rec->failed; i++) {
        uint32_t usage = qr_step_ref(s, all[i], substitute);
        uint32_t instead = qr_step_ref(s, all[i], base);
        Quarry__V1__CadOccurrence *place =
            add(s, usage == QR_P21_NONE ? all[i] : usage, "substitute",
                product_at(s, instead, relating), product_at(s, usage, related));
        if (place) /* the number of the usage whose place it may take */
            place->path = (char *)(uintptr_t)qr_step_text(s, instead, usage_id);
    }
}

/* "ASM/3/12": the usages from the top down to the one that is meant. */
static char *higher_path(struct qr_step *s, uint32_t usage, const struct qr_step_product *parent)
{
    uint32_t way[LEVELS_MAX];
    char text[PATH_BYTES];
    int n = 0;

    for (uint32_t at = usage; n < LEVELS_MAX && at != QR_P21_NONE; n++) {
        bool higher = qr_step_is(s, at, STEP_SPECIFIED_HIGHER_USAGE_OCCURRENCE);
        way[n] = higher ? qr_step_ref(s, at, next) : at;
        at = higher ? qr_step_ref(s, at, upper) : QR_P21_NONE;
    }
    size_t len = (size_t)snprintf(text, sizeof text, "%.200s", qr_step_label(parent));
    while (n-- > 0 && len + 60 < sizeof text)
        len += (size_t)snprintf(text + len, sizeof text - len, "/%.50s",
                                qr_step_text(s, way[n], usage_id));
    return qr_record_text(s->rec, text);
}

static void add_higher(struct qr_step *s, const struct qr_step_tree *tree)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_SPECIFIED_HIGHER_USAGE_OCCURRENCE, &n);

    for (uint32_t i = 0; i < n && !s->rec->failed; i++) {
        const struct qr_step_product *parent = product_at(s, all[i], relating);
        const struct qr_step_usage usage = {
            .instance = all[i],
            .parent_definition = qr_step_ref(s, all[i], relating),
            .child_definition = qr_step_ref(s, all[i], related),
        };
        Quarry__V1__CadOccurrence *place =
            add(s, all[i], "higher_usage", parent, product_at(s, all[i], related));
        double matrix[16];
        if (!place)
            continue;
        place->path = higher_path(s, all[i], parent);
        if (qr_step_placement(s, tree, &usage, matrix))
            qr_cad_numbers(s->rec, matrix, 16, &place->transform, &place->n_transform);
    }
}

static void add_promised(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_PROMISSORY_USAGE_OCCURRENCE, &n);

    for (uint32_t i = 0; i < n && !s->rec->failed; i++)
        add(s, all[i], "promised", product_at(s, all[i], relating), product_at(s, all[i], related));
}

/* MAKE_FROM_USAGE_OPTION: what a part is made from, a blank or a raw material. */
static void add_origins(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_MAKE_FROM_USAGE_OPTION, &n);

    for (uint32_t i = 0; i < n; i++) {
        const struct qr_step_product *made = product_at(s, all[i], relating);
        const struct qr_step_product *from = product_at(s, all[i], related);
        Quarry__V1__CadRelation *relation = made && from ? qr_cad_add_relation(s->rec) : NULL;
        char text[512];
        if (!relation)
            continue;
        snprintf(text, sizeof text, "made from %s", qr_step_label(from));
        relation->owner = (char *)(uintptr_t)qr_step_label(made);
        relation->text = qr_record_text(s->rec, text);
    }
}

void qr_step_other_usages(struct qr_step *s, const struct qr_step_tree *tree, bool promises)
{
    add_substitutes(s);
    add_higher(s, tree);
    if (promises)
        add_promised(s);
    add_origins(s);
}
