#include "worker/extract/step/property.h"

#include <stdlib.h>

#define ITEMS_MAX 1000 /* of one property */
#define NESTED_MAX 3

static struct qr_step_property read_property(const struct qr_step_properties *ps, uint32_t instance)
{
    const struct qr_step *s = ps->s;
    struct qr_step_property p = {.instance = instance, .general = ""};
    uint32_t general = qr_step_inverse_get(&ps->general, instance, 0);

    p.name = qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_PROPERTY_DEFINITION});
    p.description =
        qr_step_text(s, instance, (struct qr_step_field){1, 1, STEP_PROPERTY_DEFINITION});
    p.thing = qr_step_ref(s, instance, (struct qr_step_field){2, 2, STEP_PROPERTY_DEFINITION});
    if (general != QR_P21_NONE)
        p.general = qr_step_text(s, general, (struct qr_step_field){1, 1, STEP_GENERAL_PROPERTY});
    p.owner = qr_step_owner(s, p.thing);
    if (qr_step_same(p.name, "geometric validation property"))
        p.kind = QR_PROPERTY_GEOMETRIC;
    else if (qr_step_holds(p.name, "validation property"))
        p.kind = QR_PROPERTY_CHECK;
    else if (qr_step_same(p.name, "material property") || qr_step_same(p.name, "material"))
        p.kind = QR_PROPERTY_MATERIAL;
    else if (general != QR_P21_NONE || qr_step_same(p.description, "user defined attribute"))
        p.kind = QR_PROPERTY_USER;
    return p;
}

static void add_parameter(struct qr_step_properties *ps, const struct qr_step_property *p,
                          const struct qr_step_item *item)
{
    static const char *const sets[] = {[QR_PROPERTY_USER] = "user",
                                       [QR_PROPERTY_GEOMETRIC] = "validation",
                                       [QR_PROPERTY_CHECK] = "validation",
                                       [QR_PROPERTY_MATERIAL] = "material"};
    struct qr_step *s = ps->s;
    const char *own = p->general[0] ? p->general : p->name;
    Quarry__V1__Parameter *parameter;

    if (item->value[0] == '\0' || !(parameter = qr_record_add_parameter(s->rec)))
        return;
    parameter->set = qr_record_text(
        s->rec, p->kind == QR_PROPERTY_OTHER ? (p->name[0] && item->name[0] ? p->name : "property")
                                             : sets[p->kind]);
    if (p->kind == QR_PROPERTY_USER)
        parameter->name = (char *)(uintptr_t)(own[0] ? own : item->name);
    else
        parameter->name = (char *)(uintptr_t)(item->name[0] ? item->name
                                              : own[0]      ? own
                                                            : p->description);
    parameter->value = (char *)(uintptr_t)item->value;
    parameter->unit = qr_record_text(s->rec, item->unit);
    parameter->type = qr_record_text(s->rec, item->type);
    parameter->owner = (char *)(uintptr_t)p->owner;
    parameter->source = qr_record_text(s->rec, "step");
    parameter->handle = qr_step_handle(s, p->instance);
    if (item->is_number || !qr_step_is(s, p->thing, STEP_SHAPE_ASPECT) ||
        (p->kind != QR_PROPERTY_OTHER && p->kind != QR_PROPERTY_USER))
        return;
    if (parameter->name[0] == '\0')
        parameter->name = (char *)(uintptr_t)qr_step_text(
            s, p->thing, (struct qr_step_field){1, 1, STEP_SHAPE_ASPECT});
    Quarry__V1__DrawingNote *note = qr_record_add_drawing_note(s->rec); /* a text at a face */
    if (note)
        note->text = parameter->value;
}

/* Geometry may stand among the items and says nothing here; an item of its own kind is noted. */
static void note_unread(struct qr_step *s, uint32_t instance)
{
    uint32_t type = qr_p21_type_of(s->p, instance);
    const char *name = type == QR_P21_COMPLEX ? "of several types" : qr_p21_type_name(s->p, type);

    if (type == QR_P21_COMPLEX || strstr(name, "_ITEM"))
        qr_record_note(s->rec, "step.property.unread", "%s (%s) has no text, number or point",
                       qr_step_handle(s, instance), name);
}

/* One item more; false: representations are shared so often that it is enough. */
static bool spend(struct qr_step_properties *ps)
{
    if (ps->budget == 0) {
        qr_record_partial(ps->s->rec, "step.property.capped",
                          "representations are shared so often that not all properties were read");
        return false;
    }
    ps->budget--;
    return true;
}

static void take_item(struct qr_step_properties *ps, const struct qr_step_property *p,
                      uint32_t instance, int depth)
{
    struct qr_step_item item = {.name = "",
                                .value = "",
                                .unit = "",
                                .type = "",
                                .instance = instance,
                                .unit_instance = QR_P21_NONE};
    struct qr_p21_value list;
    struct qr_p21_value part;

    if (instance == QR_P21_NONE)
        return;
    if (qr_step_is(ps->s, instance, STEP_COMPOUND_REPRESENTATION_ITEM) && depth < NESTED_MAX &&
        qr_step_field(ps->s, instance,
                      (struct qr_step_field){1, 0, STEP_COMPOUND_REPRESENTATION_ITEM}, &list)) {
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        if (list.kind == QR_P21_TYPED &&
            qr_p21_next(&cursor, &part)) /* SET_REPRESENTATION_ITEM((…)) */
            cursor = qr_p21_enter(&part);
        for (int i = 0; i < ITEMS_MAX && qr_p21_next(&cursor, &part) && spend(ps); i++)
            take_item(ps, p, qr_p21_follow(ps->s->p, &part), depth + 1);
        return;
    }
    if (!qr_step_item_read(ps->s, &item)) {
        note_unread(ps->s, instance);
        return;
    }
    if (p->kind == QR_PROPERTY_GEOMETRIC)
        qr_step_add_mass(ps, p, &item);
    if (p->kind == QR_PROPERTY_MATERIAL)
        qr_step_add_material(ps, p, &item);
    else if (p->kind != QR_PROPERTY_CHECK && !item.is_number && item.value[0] &&
             (qr_step_same(item.name, "material") || qr_step_same(p->name, "material")))
        qr_step_add_material(ps, p, &(struct qr_step_item){.name = "name", .value = item.value});
    add_parameter(ps, p, &item);
}

/* Each PROPERTY_DEFINITION_REPRESENTATION: property, representation. */
static void take_all(struct qr_step_properties *ps, enum qr_step_name name)
{
    struct qr_step *s = ps->s;
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);
    struct qr_p21_value list;
    struct qr_p21_value value;

    for (uint32_t i = 0; i < n && !s->rec->failed; i++) {
        uint32_t instance = qr_step_ref(
            s, all[i], (struct qr_step_field){0, 0, STEP_PROPERTY_DEFINITION_REPRESENTATION});
        uint32_t rep = qr_step_ref(
            s, all[i], (struct qr_step_field){1, 1, STEP_PROPERTY_DEFINITION_REPRESENTATION});
        if (instance == QR_P21_NONE ||
            !qr_step_field(s, rep, (struct qr_step_field){1, 1, STEP_REPRESENTATION}, &list) ||
            qr_step_is(s, instance, STEP_PRODUCT_DEFINITION_SHAPE))
            continue;
        struct qr_step_property p = read_property(ps, instance);
        double deg;
        qr_step_context_units(
            s, qr_step_ref(s, rep, (struct qr_step_field){2, 2, STEP_REPRESENTATION}), &p.mm, &deg);
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        for (int k = 0; k < ITEMS_MAX && qr_p21_next(&cursor, &value) && spend(ps); k++)
            take_item(ps, &p, qr_p21_follow(s->p, &value), 0);
    }
}

void qr_step_properties(struct qr_step *s)
{
    struct qr_step_properties ps = {.s = s, .budget = (uint64_t)qr_p21_count(s->p) * 4 + 1000};
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_GENERAL_PROPERTY_ASSOCIATION, &n);

    for (uint32_t i = 0; i < n; i++)
        if (!qr_step_inverse_add(
                &ps.general,
                qr_step_ref(s, all[i],
                            (struct qr_step_field){3, 3, STEP_GENERAL_PROPERTY_ASSOCIATION}),
                qr_step_ref(s, all[i],
                            (struct qr_step_field){2, 2, STEP_GENERAL_PROPERTY_ASSOCIATION})))
            s->rec->failed = true;
    qr_step_inverse_sort(&ps.general);
    take_all(&ps, STEP_PROPERTY_DEFINITION_REPRESENTATION);
    take_all(&ps, STEP_MATERIAL_PROPERTY_REPRESENTATION);
    qr_step_finish_physical(&ps);
    qr_step_inverse_done(&ps.general);
    free(ps.gathered);
}
