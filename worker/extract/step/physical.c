#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/step/property.h"

bool qr_step_holds(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (; *text; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

static struct qr_step_gathered *gather(struct qr_step_properties *ps, uint32_t thing)
{
    /* the properties of one thing mostly follow one another */
    for (size_t i = ps->n; i > 0 && ps->n - i < 64; i--)
        if (ps->gathered[i - 1].thing == thing)
            return &ps->gathered[i - 1];
    if (ps->n == ps->cap) {
        size_t cap = ps->cap ? ps->cap * 2 : 64;
        struct qr_step_gathered *more = realloc(ps->gathered, cap * sizeof *more);
        if (!more)
            return NULL;
        ps->gathered = more;
        ps->cap = cap;
    }
    ps->gathered[ps->n] = (struct qr_step_gathered){.thing = thing};
    return &ps->gathered[ps->n++];
}

/* 1, where products of powers of ten miss it by a digit. */
static double exact(double factor) { return fabs(factor - 1) < 1e-12 ? 1 : factor; }

/* The shape of an occurrence: its centroid is one in the parent. */
static bool is_placed(const struct qr_step *s, uint32_t thing)
{
    return qr_step_is(s,
                      qr_step_ref(s, thing, (struct qr_step_field){2, 2, STEP_PROPERTY_DEFINITION}),
                      STEP_NEXT_ASSEMBLY_USAGE_OCCURRENCE);
}

void qr_step_add_mass(struct qr_step_properties *ps, const struct qr_step_property *p,
                      const struct qr_step_item *item)
{
    struct qr_step *s = ps->s;
    struct qr_step_gathered *g = is_placed(s, p->thing) ? NULL : gather(ps, p->thing);
    struct qr_step_unit unit = qr_step_unit(s, item->unit_instance);

    if (!g || (!g->mass && !(g->mass = qr_cad_add_mass(s->rec))))
        return;
    if (g->mass->source[0] == '\0') {
        g->mass->source = qr_record_text(s->rec, "validation");
        g->mass->owner = (char *)(uintptr_t)p->owner;
    }
    bool area = unit.known && unit.length == 2;
    bool volume = unit.known && unit.length == 3;
    if (item->is_number && qr_step_holds(item->name, "volume")) {
        g->mass->has_volume = true;
        g->mass->volume = item->number * exact(volume ? unit.factor * 1e9 : pow(p->mm, 3));
    } else if (item->is_number && qr_step_holds(item->name, "area")) {
        g->mass->has_area = true;
        g->mass->area = item->number * exact(area ? unit.factor * 1e6 : pow(p->mm, 2));
    } else if (!item->is_number && (qr_step_holds(item->name, "cent"))) {
        double at[3];
        if (!qr_step_is(s, item->instance, STEP_CARTESIAN_POINT) ||
            !qr_step_triple(s, item->instance, at))
            return;
        for (int i = 0; i < 3; i++)
            at[i] *= p->mm;
        qr_cad_numbers(s->rec, at, 3, &g->mass->centroid, &g->mass->n_centroid);
    }
}

static Quarry__V1__Material *material_of(struct qr_step_properties *ps,
                                         const struct qr_step_property *p)
{
    struct qr_step_gathered *g = gather(ps, p->thing);

    if (g && !g->material && (g->material = qr_record_add_material(ps->s->rec))) {
        g->material->owner = (char *)(uintptr_t)p->owner;
        g->material->source = qr_record_text(ps->s->rec, "property");
        g->material->confidence = 1;
    }
    return g ? g->material : NULL;
}

/* Density in kg/m³, when its unit says what it is. */
static void add_density(struct qr_step_properties *ps, const struct qr_step_property *p,
                        const struct qr_step_item *item)
{
    struct qr_step_unit unit = qr_step_unit(ps->s, item->unit_instance);
    Quarry__V1__Material *material;

    if (!unit.known || unit.mass != 1 || unit.length != -3) {
        qr_record_note(ps->s->rec, "step.density.unit", "a density of %s without a unit of one",
                       item->value);
        return;
    }
    if (item->number > 0 && (material = material_of(ps, p)))
        material->density = item->number * unit.factor;
}

void qr_step_add_material(struct qr_step_properties *ps, const struct qr_step_property *p,
                          const struct qr_step_item *item)
{
    Quarry__V1__Material *material;

    if (item->is_number &&
        (qr_step_holds(item->name, "density") || qr_step_holds(p->description, "density"))) {
        add_density(ps, p, item);
    } else if (!item->is_number &&
               (qr_step_holds(p->description, "name") || qr_step_same(p->name, "material") ||
                qr_step_holds(item->name, "name"))) {
        material = item->value[0] ? material_of(ps, p) : NULL;
        if (material && material->name[0] == '\0')
            material->name = (char *)(uintptr_t)item->value;
    }
}

static bool same_mass(const Quarry__V1__CadMass *a, const Quarry__V1__CadMass *b)
{
    return strcmp(a->owner, b->owner) == 0 && a->has_volume == b->has_volume &&
           a->has_area == b->has_area && a->n_centroid == b->n_centroid &&
           fabs(a->volume - b->volume) <= 1e-9 * fabs(a->volume) &&
           fabs(a->area - b->area) <= 1e-9 * fabs(a->area);
}

/* Exporters say the same of a part and of its only solid. */
static void drop_repeated_mass(struct qr_step *s)
{
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    size_t kept = 0;

    for (size_t i = 0; cad && i < cad->n_mass; i++)
        if (kept == 0 || !same_mass(cad->mass[kept - 1], cad->mass[i]))
            cad->mass[kept++] = cad->mass[i];
    if (cad)
        cad->n_mass = kept;
}

/* MAKE_FROM_USAGE_OPTION: a part of a raw material, which is a product of its own. Its density was
 * found there. */
static void take_raw_materials(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_MAKE_FROM_USAGE_OPTION, &n);

    for (uint32_t i = 0; i < n && i < 1000; i++) {
        const struct qr_step_product *made = qr_step_product_of(
            s, qr_step_ref(s, all[i],
                           (struct qr_step_field){3, 3, STEP_PRODUCT_DEFINITION_RELATIONSHIP}));
        const struct qr_step_product *raw = qr_step_product_of(
            s, qr_step_ref(s, all[i],
                           (struct qr_step_field){4, 4, STEP_PRODUCT_DEFINITION_RELATIONSHIP}));
        Quarry__V1__Material *material = NULL;
        if (!made || !raw || !raw->is_material)
            continue;
        for (size_t k = 0; k < s->rec->msg->n_materials && !material; k++)
            if (strcmp(s->rec->msg->materials[k]->owner, qr_step_label(raw)) == 0)
                material = s->rec->msg->materials[k];
        if (!material && !(material = qr_record_add_material(s->rec)))
            return;
        material->name = (char *)(uintptr_t)(raw->name[0] ? raw->name : raw->id);
        if (strcmp(raw->name, raw->id) != 0)
            material->standard = (char *)(uintptr_t)raw->id;
        material->owner = (char *)(uintptr_t)qr_step_label(made);
        material->source = qr_record_text(s->rec, "product");
        material->confidence = 1;
    }
}

/* MATERIAL_DESIGNATION(name, definitions). */
static void take_designations(struct qr_step_properties *ps)
{
    struct qr_step *s = ps->s;
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_MATERIAL_DESIGNATION, &n);
    struct qr_p21_value list;
    struct qr_p21_value value;

    for (uint32_t i = 0; i < n; i++) {
        Quarry__V1__Material *material = qr_record_add_material(s->rec);
        if (!material ||
            !qr_step_field(s, all[i], (struct qr_step_field){1, 1, STEP_MATERIAL_DESIGNATION},
                           &list))
            continue;
        material->name = (char *)(uintptr_t)qr_step_text(
            s, all[i], (struct qr_step_field){0, 0, STEP_MATERIAL_DESIGNATION});
        material->source = qr_record_text(s->rec, "designation");
        material->confidence = 1;
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        if (qr_p21_next(&cursor, &value))
            material->owner = (char *)(uintptr_t)qr_step_owner(s, qr_p21_follow(s->p, &value));
    }
}

void qr_step_finish_physical(struct qr_step_properties *ps)
{
    take_designations(ps);
    take_raw_materials(ps->s);
    drop_repeated_mass(ps->s);
}
