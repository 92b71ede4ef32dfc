#include <stdlib.h>

#include "worker/extract/step/intern.h"

#define CHAIN_MAX 8 /* definition -> shape -> aspect … */

static const struct qr_step_field of_product = {2, 2, STEP_PRODUCT_DEFINITION_FORMATION};
static const struct qr_step_field formation = {2, 2, STEP_PRODUCT_DEFINITION};

const char *qr_step_label(const struct qr_step_product *product)
{
    return !product ? "" : product->id[0] ? product->id : product->name;
}

static const struct qr_step_product *by_instance(const struct qr_step *s, uint32_t instance)
{
    uint32_t low = 0;
    uint32_t high = s->n_products;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->products[middle].instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_products && s->products[low].instance == instance ? &s->products[low] : NULL;
}

static bool is_definition(const struct qr_step *s, uint32_t instance)
{
    return qr_step_is(s, instance, STEP_PRODUCT_DEFINITION) ||
           qr_step_is(s, instance, STEP_PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS);
}

static bool is_formation(const struct qr_step *s, uint32_t instance)
{
    return qr_step_is(s, instance, STEP_PRODUCT_DEFINITION_FORMATION) ||
           qr_step_is(s, instance, STEP_PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE);
}

const struct qr_step_product *qr_step_product_of(const struct qr_step *s, uint32_t definition)
{
    if (is_definition(s, definition))
        definition = qr_step_ref(s, definition, formation);
    if (is_formation(s, definition))
        definition = qr_step_ref(s, definition, of_product);
    return definition == QR_P21_NONE ? NULL : by_instance(s, definition);
}

uint32_t qr_step_definition_of(const struct qr_step *s, uint32_t thing)
{
    for (int i = 0; i < CHAIN_MAX && thing != QR_P21_NONE; i++) {
        if (is_definition(s, thing))
            return thing;
        if (qr_step_is(s, thing, STEP_NEXT_ASSEMBLY_USAGE_OCCURRENCE))
            return qr_step_ref(s, thing,
                               (struct qr_step_field){4, 4, STEP_PRODUCT_DEFINITION_RELATIONSHIP});
        /* the third attribute of shapes and properties is what they describe, that of aspects
         * the shape they are of */
        bool aspect = qr_step_is(s, thing, STEP_SHAPE_ASPECT);
        thing = qr_step_ref(
            s, thing,
            (struct qr_step_field){2, 2, aspect ? STEP_SHAPE_ASPECT : STEP_PROPERTY_DEFINITION});
    }
    return QR_P21_NONE;
}

const char *qr_step_owner(const struct qr_step *s, uint32_t thing)
{
    if (is_formation(s, thing) || by_instance(s, thing))
        return qr_step_label(qr_step_product_of(s, thing));
    return qr_step_label(qr_step_product_of(s, qr_step_definition_of(s, thing)));
}

/* What each product is: categories name lists of products. "part" is said of all, so any other
 * word goes before it. */
static void categories(struct qr_step *s, Quarry__V1__CadProduct **made)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_PRODUCT_RELATED_PRODUCT_CATEGORY, &n);
    struct qr_p21_value list;
    struct qr_p21_value item;

    for (uint32_t i = 0; i < n; i++) {
        char *name = (char *)(uintptr_t)qr_step_text(
            s, all[i], (struct qr_step_field){0, 0, STEP_PRODUCT_RELATED_PRODUCT_CATEGORY});
        if (name[0] == '\0' ||
            !qr_step_attribute(s, all[i], STEP_PRODUCT_RELATED_PRODUCT_CATEGORY, 2, &list))
            continue;
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        while (qr_p21_next(&cursor, &item)) {
            const struct qr_step_product *product =
                qr_step_product_of(s, qr_p21_follow(s->p, &item));
            Quarry__V1__CadProduct *out = product ? made[product - s->products] : NULL;
            if (product && qr_step_same(name, "document"))
                s->products[product - s->products].is_document = true;
            if (product && qr_step_same(name, "raw material"))
                s->products[product - s->products].is_material = true;
            if (out && (out->category[0] == '\0' || qr_step_same(out->category, "part")))
                out->category = name;
        }
    }
}

/* Revision, and whether it is made or bought: of the first formation. */
static void formations(struct qr_step *s, enum qr_step_name name, Quarry__V1__CadProduct **made)
{
    static const char *const sources[][2] = {{"MADE", "made"}, {"BOUGHT", "bought"}};
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);
    struct qr_p21_value source;

    for (uint32_t i = 0; i < n; i++) {
        const struct qr_step_product *product = qr_step_product_of(s, all[i]);
        Quarry__V1__CadProduct *out = product ? made[product - s->products] : NULL;
        if (!out)
            continue;
        if (out->revision[0] == '\0')
            out->revision = (char *)(uintptr_t)qr_step_text(
                s, all[i], (struct qr_step_field){0, 0, STEP_PRODUCT_DEFINITION_FORMATION});
        if (name != STEP_PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE ||
            !qr_step_attribute(s, all[i], name, 3, &source))
            continue;
        for (size_t k = 0; k < QR_COUNT(sources); k++)
            if (qr_p21_is_enum(&source, sources[k][0]))
                out->source = qr_record_text(s->rec, sources[k][1]);
    }
}

/* Creo writes this where nobody said anything. */
static const char *unless_unspecified(const char *text)
{
    return qr_step_same(text, "NOT SPECIFIED") ? "" : text;
}

void qr_step_products(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_PRODUCT, &n);
    Quarry__V1__CadProduct **made = calloc((size_t)n + 1, sizeof *made);

    s->products = calloc((size_t)n + 1, sizeof *s->products);
    if (!s->products || !made) {
        s->rec->failed = true;
        free(made);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct qr_step_product *product = &s->products[s->n_products++];
        product->instance = all[i];
        product->id = qr_step_text(s, all[i], (struct qr_step_field){0, 0, STEP_PRODUCT});
        product->name = qr_step_text(s, all[i], (struct qr_step_field){1, 1, STEP_PRODUCT});
        made[i] = qr_cad_add_product(s->rec);
        if (!made[i])
            continue;
        made[i]->id = (char *)(uintptr_t)product->id;
        made[i]->name = (char *)(uintptr_t)product->name;
        made[i]->description = (char *)(uintptr_t)unless_unspecified(
            qr_step_text(s, all[i], (struct qr_step_field){2, 2, STEP_PRODUCT}));
        made[i]->instance = qr_p21_id(s->p, all[i]);
    }
    formations(s, STEP_PRODUCT_DEFINITION_FORMATION, made);
    formations(s, STEP_PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE, made);
    categories(s, made);
    free(made);
}
