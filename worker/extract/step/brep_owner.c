#include "worker/extract/step/brep.h"

bool qr_step_brep_spend(struct qr_step *s, struct qr_step_brep *brep)
{
    if (brep->budget == 0) {
        qr_record_partial(
            s->rec, "step.brep.capped",
            "faces and edges refer to each other more often than the file has records; "
            "not all were followed");
        return false;
    }
    brep->budget--;
    return true;
}

uint32_t qr_step_brep_number(const struct qr_step_brep *brep, uint32_t instance)
{
    return instance != QR_P21_NONE && brep->number[instance] > 0 ? brep->number[instance] - 1
                                                                 : QR_P21_NONE;
}

/* Faces of a shell belong to a product, in the unit of its representation. */
static bool claim_shell(struct qr_step *s, struct qr_step_brep *brep, uint32_t shell,
                        uint32_t product, double mm, int depth)
{
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (shell == QR_P21_NONE || depth > 2)
        return true;
    if (!qr_step_field(s, shell, (struct qr_step_field){1, 0, STEP_CONNECTED_FACE_SET}, &list))
        return true;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &item)) {
        if (!qr_step_brep_spend(s, brep))
            return false;
        uint32_t face = qr_step_brep_number(brep, qr_p21_follow(s->p, &item));
        if (face < brep->n_faces && brep->faces[face].product == QR_P21_NONE) {
            brep->faces[face].product = product;
            brep->faces[face].mm = mm;
        }
    }
    /* ORIENTED_CLOSED_SHELL(name, *, shell, orientation) */
    if (list.kind == QR_P21_DERIVED && qr_p21_attribute(s->p, shell, QR_P21_UNKNOWN, 2, &item))
        return claim_shell(s, brep, qr_p21_follow(s->p, &item), product, mm, depth + 1);
    return true;
}

/* A solid or a shell model: its second attribute is a shell or a list of them, voids follow. */
static bool claim_item(struct qr_step *s, struct qr_step_brep *brep, uint32_t item,
                       uint32_t product, double mm)
{
    struct qr_p21_value values[3];
    struct qr_p21_value shell;

    if (!qr_step_is(s, item, STEP_MANIFOLD_SOLID_BREP) &&
        !qr_step_is(s, item, STEP_BREP_WITH_VOIDS) && !qr_step_is(s, item, STEP_FACETED_BREP) &&
        !qr_step_is(s, item, STEP_SHELL_BASED_SURFACE_MODEL))
        return true;
    if (qr_p21_type_of(s->p, item) == QR_P21_COMPLEX)
        return true;
    size_t n = qr_p21_get(s->p, item, QR_P21_UNKNOWN, values, 3);
    for (size_t i = 1; i < n; i++) {
        if (!claim_shell(s, brep, qr_p21_follow(s->p, &values[i]), product, mm, 0))
            return false;
        struct qr_p21_cursor cursor = qr_p21_enter(&values[i]);
        while (qr_p21_next(&cursor, &shell))
            if (!qr_step_brep_spend(s, brep) ||
                !claim_shell(s, brep, qr_p21_follow(s->p, &shell), product, mm, 0))
                return false;
    }
    return true;
}

static bool claim_representation(struct qr_step *s, struct qr_step_brep *brep, uint32_t rep,
                                 uint32_t definition)
{
    const struct qr_step_product *product = qr_step_product_of(s, definition);
    struct qr_p21_value list;
    struct qr_p21_value item;
    double mm;
    double deg;

    if (!product ||
        !qr_step_field(s, rep, (struct qr_step_field){1, 1, STEP_REPRESENTATION}, &list))
        return true;
    qr_step_context_units(s, qr_step_ref(s, rep, (struct qr_step_field){2, 2, STEP_REPRESENTATION}),
                          &mm, &deg);
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &item))
        if (!qr_step_brep_spend(s, brep) ||
            !claim_item(s, brep, qr_p21_follow(s->p, &item), (uint32_t)(product - s->products), mm))
            return false;
    return true;
}

void qr_step_brep_owners(struct qr_step *s, struct qr_step_brep *brep)
{
    const struct qr_step_inverse *owners = &s->tree.rep_owner;

    for (size_t i = 0; i < owners->n; i++) {
        uint32_t rep = (uint32_t)(owners->pairs[i] >> 32);
        uint32_t definition = (uint32_t)owners->pairs[i];
        uint32_t other;
        if (!claim_representation(s, brep, rep, definition))
            return;
        for (size_t k = 0; (other = qr_step_inverse_get(&s->tree.same_rep, rep, k)) != QR_P21_NONE;
             k++)
            if (!qr_step_brep_spend(s, brep) || !claim_representation(s, brep, other, definition))
                return;
    }
}
