#include "worker/extract/step/step.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/assembly.h"

#define QR_STEP_STRING(name) #name,
static const char *const names[STEP_NAMES] = {QR_STEP_NAMES(QR_STEP_STRING)};
#undef QR_STEP_STRING

/* Shapes by what they are the shape of. */
static void learn_shapes(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_PRODUCT_DEFINITION_SHAPE, &n);
    bool good = true;

    for (uint32_t i = 0; i < n && good; i++)
        good = qr_step_inverse_add(
            &s->shape_of,
            qr_step_ref(s, all[i], (struct qr_step_field){2, 2, STEP_PROPERTY_DEFINITION}), all[i]);
    qr_step_inverse_sort(&s->shape_of);
    s->rec->failed = s->rec->failed || !good;
}

/* What no field holds: types without the complex instances, how deep the assembly is. */
static void add_details(struct qr_step *s)
{
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    uint32_t n = qr_p21_types(s->p);
    unsigned types = 0;
    unsigned depth = 0;
    double places = 0;
    char text[160];

    for (uint32_t i = QR_P21_FIRST_TYPE; i < n; i++)
        types += qr_p21_type_simple(s->p, i) > 0;
    for (uint32_t i = 0; s->tree.level && i < s->n_products; i++) {
        depth = s->tree.level[i] > depth ? s->tree.level[i] : depth;
        places += s->products[i].is_child ? s->tree.total[i] : 0;
    }
    int len =
        snprintf(text, sizeof text, "{\"simple_types\":%u,\"assembly_depth\":%u,\"places\":%.0f}",
                 types, depth, places);
    qr_cad_set_bytes(s->rec, &cad->details, text, (size_t)len);
}

/* How much of what a model should have is there: records, schema, unit, a product with a name, a
 * shape or parts. */
static void set_completeness(struct qr_step *s)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    double have = s->rec->msg->partial ? 0.5 : 1;

    have += cad->schema[0] != '\0';
    have += cad->length_unit[0] != '\0';
    have += cad->name[0] != '\0';
    have += (cad->topology && cad->topology->faces > 0) || cad->points || cad->n_assemblies > 0 ||
            s->rec->msg->n_links > 0;
    s->rec->msg->completeness = have / 5;
}

static void read_all(struct qr_step *s)
{
    static void (*const parts[])(struct qr_step *) = {
        learn_shapes,       qr_step_units,  qr_step_products, qr_step_assembly,
        qr_step_properties, qr_step_styles, qr_step_people,   qr_step_documents,
        qr_step_pmi,        qr_step_brep,   qr_step_points,   qr_step_say,
    };

    for (size_t i = 0; i < QR_COUNT(parts) && !s->rec->failed; i++) {
        parts[i](s);
        qr_extract_report(s->x, (unsigned)(300 + 700 * (i + 1) / QR_COUNT(parts)));
        qr_p21_release(s->x);
    }
    if (!s->rec->failed) {
        add_details(s);
        set_completeness(s);
    }
    qr_step_placements_done(&s->tree);
    qr_step_tree_done(&s->tree);
    free(s->products);
    qr_step_inverse_done(&s->shape_of);
}

void qr_step_extract(const struct qr_extract *x)
{
    QR_AUTO(qr_p21) p21 = qr_p21_read(x, ".stp .step .p21");
    struct qr_step s = {.x = x, .rec = x->rec, .p = p21};

    if (!p21)
        return;
    qr_p21_describe(x, p21, "step");
    if (!qr_record_cad(x->rec))
        return;
    if (qr_p21_count(p21) == 0) {
        qr_record_set_empty(x->rec, "the file has no records");
        return;
    }
    for (size_t i = 0; i < STEP_NAMES; i++)
        s.type[i] = qr_p21_type(p21, names[i]);
    read_all(&s);
}
