#include "worker/extract/ifc/materials.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ who has what */

static void collect(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                    struct qr_p21_value *many)
{
    uint32_t definition = qr_p21_follow(ifc->p21, one);

    (void)arg;
    (void)many;
    if (definition != QR_P21_NONE)
        ifc->materials[ifc->n_materials++] =
            (struct qr_ifc_material){.instance = definition, .first = QR_IFC_NOTHING};
    else
        ifc->dangling += one->kind == QR_P21_REF;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = ((const struct qr_ifc_material *)a)->instance;
    uint32_t y = ((const struct qr_ifc_material *)b)->instance;

    return x < y ? -1 : x > y;
}

static struct qr_ifc_material *find(const struct qr_ifc *ifc, uint32_t instance)
{
    struct qr_ifc_material key = {.instance = instance};

    return ifc->n_materials > 0
               ? bsearch(&key, ifc->materials, ifc->n_materials, sizeof key, compare)
               : NULL;
}

static void assign(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                   struct qr_p21_value *many)
{
    struct qr_ifc_material *material = find(ifc, qr_p21_follow(ifc->p21, one));
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    uint32_t object;

    (void)arg;
    while (material && (object = qr_ifc_next_object(ifc, &refs)) != QR_IFC_NOTHING) {
        uint32_t *slot = &ifc->objects[object].material;
        uint32_t at = (uint32_t)(material - ifc->materials);
        ifc->second += *slot != QR_IFC_NOTHING && *slot != at;
        *slot = *slot == QR_IFC_NOTHING ? at : *slot;
    }
}

/* The definition an object has, itself, by the object it reflects or by its type. A type has its
 * own only as long as nobody is of it: then its occurrences have it. */
static uint32_t definition_of(const struct qr_ifc *ifc, uint32_t object, bool *ret_own)
{
    const struct qr_ifc_object *entry = &ifc->objects[object];

    *ret_own = entry->material != QR_IFC_NOTHING;
    if (qr_ifc_kind(ifc, object) == QR_IFC_TYPE) {
        *ret_own = false;
        return entry->uses == 0 ? entry->material : QR_IFC_NOTHING;
    }
    if (!*ret_own && entry->reflects != QR_IFC_NOTHING &&
        ifc->objects[entry->reflects].material != QR_IFC_NOTHING)
        return ifc->objects[entry->reflects].material;
    if (*ret_own || entry->type == QR_IFC_NOTHING)
        return entry->material;
    return ifc->objects[entry->type].material;
}

static bool find_definitions(struct qr_ifc *ifc)
{
    static const struct qr_ifc_relation relation = {"IFCRELASSOCIATESMATERIAL", 5, 4};
    uint32_t n = qr_p21_type_count(ifc->p21, qr_p21_type(ifc->p21, relation.name));
    uint32_t kept = 0;
    bool own;

    ifc->materials = calloc((size_t)n + 1, sizeof *ifc->materials);
    if (!ifc->materials)
        return false;
    qr_ifc_each_relation(ifc, &relation, collect, NULL);
    qsort(ifc->materials, ifc->n_materials, sizeof *ifc->materials, compare);
    for (uint32_t i = 0; i < ifc->n_materials; i++)
        if (i == 0 || ifc->materials[i].instance != ifc->materials[i - 1].instance)
            ifc->materials[kept++] = ifc->materials[i];
    ifc->n_materials = kept;
    qr_ifc_each_relation(ifc, &relation, assign, NULL);
    for (uint32_t i = 0; i < ifc->n_objects; i++) {
        uint32_t at = definition_of(ifc, i, &own);
        if (at == QR_IFC_NOTHING)
            continue;
        if (ifc->materials[at].owners++ == 0)
            ifc->materials[at].first = i;
    }
    return true;
}

/* ------------------------------------------------------------------ into the record */

/* State of the whole report. */
struct report {
    struct qr_ifc *ifc;
    struct qr_ifc_stock stock;
    uint64_t left_out;
};

static bool put_part(struct report *report, const struct qr_ifc_part *part, char *owner,
                     const char *source, uint64_t owners)
{
    struct qr_ifc *ifc = report->ifc;
    uint32_t place = part->material == QR_P21_NONE
                         ? QR_P21_NONE
                         : qr_ifc_stock_place(&report->stock, part->material);
    Quarry__V1__Material *material = qr_record_add_material(ifc->rec);
    double number;

    if (!material)
        return false;
    if (place != QR_P21_NONE) {
        report->stock.used[place] = true;
        material->name = (char *)(uintptr_t)qr_ifc_attribute(ifc, part->material, 0);
        material->density = report->stock.density[place];
        qr_ifc_say(ifc, material->name);
    }
    material->part = (char *)(uintptr_t)qr_ifc_text(ifc, &part->name);
    if (qr_p21_number(&part->thickness, &number) && isfinite(number * ifc->mm))
        material->thickness = qr_ifc_rounded(number * ifc->mm);
    if (qr_p21_number(&part->fraction, &number))
        material->fraction = number;
    if (owner)
        material->owner = owner;
    material->source = (char *)(uintptr_t)source;
    material->owners = owners;
    return true;
}

/* All parts of one definition, for one owner or for several. */
static void put_definition(struct report *report, uint32_t at, uint32_t object, bool own,
                           uint64_t owners)
{
    struct qr_ifc *ifc = report->ifc;
    char *owner = qr_ifc_id(ifc, object);
    struct qr_ifc_parts parts;
    struct qr_ifc_part part;

    qr_ifc_parts_init(&parts, ifc, ifc->materials[at].instance);
    while (qr_ifc_next_part(&parts, &part))
        if (!put_part(report, &part, owner, own ? "occurrence" : "type", owners))
            report->left_out++;
}

static uint64_t count_all(struct qr_ifc *ifc)
{
    uint64_t total = 0;
    struct qr_ifc_parts parts;
    struct qr_ifc_part part;

    for (uint32_t i = 0; i < ifc->n_materials; i++) {
        uint64_t n = 0;
        qr_ifc_parts_init(&parts, ifc, ifc->materials[i].instance);
        while (qr_ifc_next_part(&parts, &part))
            n++;
        total += n * ifc->materials[i].owners;
    }
    return total;
}

static void put_owned(struct report *report)
{
    struct qr_ifc *ifc = report->ifc;
    uint64_t total = count_all(ifc);
    bool fits = total <= qr_ifc_room(ifc, ifc->rec->msg->n_materials + report->stock.n_all);
    bool own;

    for (uint32_t i = 0; fits && i < ifc->n_objects; i++) {
        uint32_t at = definition_of(ifc, i, &own);
        if (at != QR_IFC_NOTHING)
            put_definition(report, at, i, own, 0);
    }
    for (uint32_t i = 0; !fits && i < ifc->n_materials; i++) {
        if (ifc->materials[i].owners == 0)
            continue;
        definition_of(ifc, ifc->materials[i].first, &own);
        put_definition(report, i, ifc->materials[i].first, own, ifc->materials[i].owners);
    }
    if (!fits)
        qr_record_partial(ifc->rec, "ifc.materials.merged",
                          "%" PRIu64 " materials of objects are more than the record holds: those "
                          "of one definition are one entry, with the number of objects; %" PRIu64
                          " are left out",
                          total, report->left_out);
}

/* Materials that no object has: libraries of types have them. */
static void put_unused(struct report *report)
{
    for (uint32_t i = 0; i < report->stock.n_all; i++) {
        struct qr_ifc_part part = {.material = report->stock.all[i]};
        if (!report->stock.used[i] && !put_part(report, &part, NULL, "library", 0))
            return;
    }
}

void qr_ifc_report_materials(struct qr_ifc *ifc)
{
    struct report report = {.ifc = ifc, .stock = {.ifc = ifc}};

    ifc->parts_left = qr_ifc_effort(ifc);
    report.stock.all =
        qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCMATERIAL"), &report.stock.n_all);
    report.stock.density = calloc((size_t)report.stock.n_all + 1, sizeof *report.stock.density);
    report.stock.used = calloc((size_t)report.stock.n_all + 1, sizeof *report.stock.used);
    if (report.stock.density && report.stock.used && find_definitions(ifc)) {
        qr_ifc_report_material_properties(&report.stock);
        put_owned(&report);
        put_unused(&report);
        if (ifc->parts_left == 0)
            qr_record_partial(ifc->rec, "ifc.materials.capped",
                              "definitions of materials are shared so often that not all of them "
                              "were followed");
    } else {
        ifc->rec->failed = true;
    }
    free(report.stock.density);
    free(report.stock.used);
}
