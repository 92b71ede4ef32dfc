#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/step/intern.h"

#define ITEMS_MAX 1000 /* of one property */
#define NESTED_MAX 3

/* A property: what it is called, what it is about. */
struct property {
    uint32_t instance;
    uint32_t thing; /* product definition, shape, aspect, … */
    const char *name, *description, *general, *owner;
    enum { OTHER, USER, GEOMETRIC, CHECK, MATERIAL } kind;
};

/* What an item of a representation says. */
struct item {
    const char *name, *value, *unit, *type;
    double number;
    bool is_number;
    uint32_t unit_instance;
    uint32_t instance;
};

/* What is put together from several properties of one thing. */
struct gathered {
    uint32_t thing;
    Quarry__V1__CadMass *mass;
    Quarry__V1__Material *material;
};

struct properties {
    struct qr_step *s;
    struct qr_step_inverse general; /* GENERAL_PROPERTY by derived property */
    struct gathered *gathered;      /* sorted by nothing: few */
    size_t n, cap;
};

static bool holds(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (; *text; text++)
        if (strncasecmp(text, word, n) == 0)
            return true;
    return false;
}

static struct gathered *gather(struct properties *ps, uint32_t thing)
{
    /* the properties of one thing mostly follow one another */
    for (size_t i = ps->n; i > 0 && ps->n - i < 64; i--)
        if (ps->gathered[i - 1].thing == thing)
            return &ps->gathered[i - 1];
    if (ps->n == ps->cap) {
        size_t cap = ps->cap ? ps->cap * 2 : 64;
        struct gathered *more = realloc(ps->gathered, cap * sizeof *more);
        if (!more)
            return NULL;
        ps->gathered = more;
        ps->cap = cap;
    }
    ps->gathered[ps->n] = (struct gathered){.thing = thing};
    return &ps->gathered[ps->n++];
}

static struct property read_property(const struct properties *ps, uint32_t instance)
{
    const struct qr_step *s = ps->s;
    struct property p = {.instance = instance, .general = ""};
    uint32_t general = qr_step_inverse_get(&ps->general, instance, 0);

    p.name = qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_PROPERTY_DEFINITION});
    p.description =
        qr_step_text(s, instance, (struct qr_step_field){1, 1, STEP_PROPERTY_DEFINITION});
    p.thing = qr_step_ref(s, instance, (struct qr_step_field){2, 2, STEP_PROPERTY_DEFINITION});
    if (general != QR_P21_NONE)
        p.general = qr_step_text(s, general, (struct qr_step_field){1, 1, STEP_GENERAL_PROPERTY});
    p.owner = qr_step_owner(s, p.thing);
    if (qr_step_same(p.name, "geometric validation property"))
        p.kind = GEOMETRIC;
    else if (holds(p.name, "validation property"))
        p.kind = CHECK;
    else if (qr_step_same(p.name, "material property") || qr_step_same(p.name, "material"))
        p.kind = MATERIAL;
    else if (general != QR_P21_NONE || qr_step_same(p.description, "user defined attribute"))
        p.kind = USER;
    return p;
}

/* Representation items have their name in front in the simple form, in REPRESENTATION_ITEM in the
 * complex one. */
static const char *item_name(const struct qr_step *s, uint32_t instance)
{
    return qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_REPRESENTATION_ITEM});
}

static const char *number_text(struct qr_step *s, double number)
{
    char text[40];

    snprintf(text, sizeof text, "%.15g", number);
    return qr_record_text(s->rec, text);
}

static const char *lower_kind(struct qr_step *s, const uint8_t *kind, size_t len)
{
    char text[64];
    size_t n = len < sizeof text ? len : sizeof text - 1;

    if (n > 8 && memcmp(kind + n - 8, "_MEASURE", 8) == 0)
        n -= 8;
    for (size_t i = 0; i < n; i++)
        text[i] = kind[i] == '_' ? ' ' : (char)tolower(kind[i]);
    text[n] = '\0';
    return qr_record_text(s->rec, text);
}

static bool read_measure(struct qr_step *s, struct item *item)
{
    struct qr_step_measure measure;

    if (!qr_step_measure(s, item->instance, &measure))
        return false;
    item->name = measure.name;
    item->number = measure.value;
    item->is_number = true;
    item->value = number_text(s, measure.value);
    item->unit = qr_step_unit_name(s, measure.unit);
    item->unit_instance = measure.unit;
    item->type = measure.kind_len > 0 ? lower_kind(s, measure.kind, measure.kind_len) : "number";
    return true;
}

static bool read_point(struct qr_step *s, struct item *item)
{
    double at[3];
    char text[120];

    if (!qr_step_is(s, item->instance, STEP_CARTESIAN_POINT) ||
        !qr_step_triple(s, item->instance, at))
        return false;
    snprintf(text, sizeof text, "%.15g %.15g %.15g", at[0], at[1], at[2]);
    item->name = item_name(s, item->instance);
    item->value = qr_record_text(s->rec, text);
    item->type = "point";
    return true;
}

/* DESCRIPTIVE_, VALUE_, INTEGER_, REAL_, BOOLEAN_REPRESENTATION_ITEM(name, value). */
static bool read_value(struct qr_step *s, struct item *item)
{
    static const struct {
        enum qr_step_name name;
        const char *type;
    } kinds[] = {
        {STEP_DESCRIPTIVE_REPRESENTATION_ITEM, "string"},
        {STEP_VALUE_REPRESENTATION_ITEM, "number"},
        {STEP_INTEGER_REPRESENTATION_ITEM, "integer"},
        {STEP_REAL_REPRESENTATION_ITEM, "real"},
        {STEP_BOOLEAN_REPRESENTATION_ITEM, "boolean"},
    };
    struct qr_p21_value value;

    for (size_t i = 0; i < QR_COUNT(kinds); i++) {
        if (!qr_step_is(s, item->instance, kinds[i].name) ||
            !qr_step_field(s, item->instance, (struct qr_step_field){1, 0, kinds[i].name}, &value))
            continue;
        item->name = item_name(s, item->instance);
        item->type = kinds[i].type;
        item->is_number = qr_p21_number(&value, &item->number);
        if (item->is_number)
            item->value = number_text(s, item->number);
        else if (value.kind == QR_P21_ENUM)
            item->value = qr_p21_is_enum(&value, "T")   ? "true"
                          : qr_p21_is_enum(&value, "F") ? "false"
                                                        : "unknown";
        else
            item->value = qr_p21_string(s->rec, &value);
        return true;
    }
    return false;
}

static void add_parameter(struct properties *ps, const struct property *p, const struct item *item)
{
    static const char *const sets[] = {[USER] = "user",
                                       [GEOMETRIC] = "validation",
                                       [CHECK] = "validation",
                                       [MATERIAL] = "material"};
    struct qr_step *s = ps->s;
    const char *own = p->general[0] ? p->general : p->name;
    Quarry__V1__Parameter *parameter;

    if (item->value[0] == '\0' || !(parameter = qr_record_add_parameter(s->rec)))
        return;
    parameter->set = qr_record_text(
        s->rec,
        p->kind == OTHER ? (p->name[0] && item->name[0] ? p->name : "property") : sets[p->kind]);
    if (p->kind == USER)
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
        (p->kind != OTHER && p->kind != USER))
        return;
    if (parameter->name[0] == '\0')
        parameter->name = (char *)(uintptr_t)qr_step_text(
            s, p->thing, (struct qr_step_field){1, 1, STEP_SHAPE_ASPECT});
    Quarry__V1__DrawingNote *note = qr_record_add_drawing_note(s->rec); /* a text at a face */
    if (note)
        note->text = parameter->value;
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

static void add_mass(struct properties *ps, const struct property *p, const struct item *item)
{
    struct qr_step *s = ps->s;
    struct gathered *g = gather(ps, p->thing);
    struct qr_step_unit unit = qr_step_unit(s, item->unit_instance);

    if (!g || (!g->mass && !(g->mass = qr_cad_add_mass(s->rec))))
        return;
    if (g->mass->source[0] == '\0') {
        g->mass->source = qr_record_text(s->rec, "validation");
        g->mass->owner = (char *)(uintptr_t)p->owner;
    }
    bool area = unit.known && unit.length == 2;
    bool volume = unit.known && unit.length == 3;
    if (item->is_number && holds(item->name, "volume")) {
        g->mass->has_volume = true;
        g->mass->volume = item->number * exact(volume ? unit.factor * 1e9 : pow(s->length_mm, 3));
    } else if (item->is_number && holds(item->name, "area")) {
        g->mass->has_area = true;
        g->mass->area = item->number * exact(area ? unit.factor * 1e6 : pow(s->length_mm, 2));
    } else if (!item->is_number && (holds(item->name, "cent"))) {
        double at[3];
        if (!qr_step_is(s, item->instance, STEP_CARTESIAN_POINT) ||
            !qr_step_triple(s, item->instance, at))
            return;
        for (int i = 0; i < 3; i++)
            at[i] *= s->length_mm;
        qr_cad_numbers(s->rec, at, 3, &g->mass->centroid, &g->mass->n_centroid);
    }
}

static Quarry__V1__Material *material_of(struct properties *ps, const struct property *p)
{
    struct gathered *g = gather(ps, p->thing);

    if (g && !g->material && (g->material = qr_record_add_material(ps->s->rec))) {
        g->material->owner = (char *)(uintptr_t)p->owner;
        g->material->source = qr_record_text(ps->s->rec, "property");
        g->material->confidence = 1;
    }
    return g ? g->material : NULL;
}

/* Density in kg/m³, when its unit says what it is. */
static void add_density(struct properties *ps, const struct property *p, const struct item *item)
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

static void add_material(struct properties *ps, const struct property *p, const struct item *item)
{
    Quarry__V1__Material *material;

    if (item->is_number && (holds(item->name, "density") || holds(p->description, "density"))) {
        add_density(ps, p, item);
    } else if (!item->is_number &&
               (holds(p->description, "name") || qr_step_same(p->name, "material") ||
                holds(item->name, "name"))) {
        material = item->value[0] ? material_of(ps, p) : NULL;
        if (material && material->name[0] == '\0')
            material->name = (char *)(uintptr_t)item->value;
    }
}

static void take_item(struct properties *ps, const struct property *p, uint32_t instance, int depth)
{
    struct item item = {.name = "",
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
        for (int i = 0; i < ITEMS_MAX && qr_p21_next(&cursor, &part); i++)
            take_item(ps, p, qr_p21_follow(ps->s->p, &part), depth + 1);
        return;
    }
    if (!read_value(ps->s, &item) && !read_point(ps->s, &item) && !read_measure(ps->s, &item))
        return;
    if (p->kind == GEOMETRIC && !is_placed(ps->s, p->thing))
        add_mass(ps, p, &item);
    if (p->kind == MATERIAL)
        add_material(ps, p, &item);
    else if (p->kind != CHECK && !item.is_number && item.value[0] &&
             (qr_step_same(item.name, "material") || qr_step_same(p->name, "material")))
        add_material(ps, p, &(struct item){.name = "name", .value = item.value});
    add_parameter(ps, p, &item);
}

/* Each PROPERTY_DEFINITION_REPRESENTATION: property, representation. */
static void take_all(struct properties *ps, enum qr_step_name name)
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
        struct property p = read_property(ps, instance);
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        for (int k = 0; k < ITEMS_MAX && qr_p21_next(&cursor, &value); k++)
            take_item(ps, &p, qr_p21_follow(s->p, &value), 0);
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
static void take_designations(struct properties *ps)
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

void qr_step_properties(struct qr_step *s)
{
    struct properties ps = {.s = s};
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
    take_designations(&ps);
    take_raw_materials(s);
    drop_repeated_mass(s);
    qr_step_inverse_done(&ps.general);
    free(ps.gathered);
}
