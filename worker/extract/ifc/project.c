#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/ifc/meta.h"
#include "worker/extract/ifc/units.h"

void qr_ifc_meta(struct qr_ifc *ifc, const char *key, const char *value)
{
    qr_record_add_meta(ifc->rec, key, value, strlen(value), "model");
}

void qr_ifc_meta_number(struct qr_ifc *ifc, const char *key, double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.10g", value);
    qr_ifc_meta(ifc, key, text);
}

uint32_t qr_ifc_first(const struct qr_ifc *ifc, const char *type)
{
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);

    return n > 0 ? all[0] : QR_P21_NONE;
}

void qr_ifc_meta_attributes(struct qr_ifc *ifc, uint32_t instance, const char *const *keys,
                            size_t n_keys)
{
    for (size_t i = 0; instance != QR_P21_NONE && i < n_keys; i++)
        if (keys[i])
            qr_ifc_meta(ifc, keys[i], qr_ifc_attribute(ifc, instance, i));
}

/* FILE_DESCRIPTION(('ViewDefinition [CoordinationView_V2.0, QuantityTakeOffAddOnView]', …), …). */
static void put_view_definition(struct qr_ifc *ifc)
{
    struct qr_p21_cursor cursor = qr_p21_header(ifc->p21, "FILE_DESCRIPTION");
    struct qr_p21_value list;
    struct qr_p21_value value;

    if (!qr_p21_next(&cursor, &list))
        return;
    cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &value)) {
        const char *text = qr_ifc_text(ifc, &value);
        const char *open = strchr(text, '[');
        const char *close = open ? strchr(open, ']') : NULL;
        if (close && strncasecmp(text, "ViewDefinition", 14) == 0)
            qr_record_add_meta(ifc->rec, "view_definition", open + 1, (size_t)(close - open - 1),
                               "header");
    }
}

/* "mm", "m", "inch", "foot": the words of cad.length_unit. */
static const char *length_word(const char *symbol)
{
    return strcmp(symbol, "in") == 0 ? "inch" : strcmp(symbol, "ft") == 0 ? "foot" : symbol;
}

static void put_units(struct qr_ifc *ifc, Quarry__V1__CadModel *cad)
{
    char text[160];

    for (uint32_t i = 0; i < ifc->n_units; i++)
        if (ifc->units[i].symbol[0]) {
            snprintf(text, sizeof text, "%s %.80s", ifc->units[i].kind, ifc->units[i].symbol);
            qr_ifc_meta(ifc, "unit", text);
        }
    const char *length = qr_ifc_unit_of_kind(ifc, "LENGTHUNIT").symbol;
    cad->length_unit = qr_record_text(ifc->rec, length_word(*length ? length : "m"));
}

static uint32_t count_walls(const struct qr_ifc *ifc)
{
    static const char *const walls[] = {"IFCWALL", "IFCWALLSTANDARDCASE", "IFCWALLELEMENTEDCASE"};
    uint32_t n = 0;

    for (size_t i = 0; i < QR_COUNT(walls); i++)
        n += qr_p21_type_count(ifc->p21, qr_p21_type(ifc->p21, walls[i]));
    return n;
}

static void put_counts(struct qr_ifc *ifc)
{
    static const struct {
        const char *key, *type;
    } types[] = {{"storeys", "IFCBUILDINGSTOREY"},
                 {"spaces", "IFCSPACE"},
                 {"property_sets", "IFCPROPERTYSET"},
                 {"quantity_sets", "IFCELEMENTQUANTITY"}};

    qr_record_add_meta_number(ifc->rec, "products",
                              (uint64_t)ifc->kinds[QR_IFC_ELEMENT] + ifc->kinds[QR_IFC_FEATURE] +
                                  ifc->kinds[QR_IFC_PRODUCT] + ifc->kinds[QR_IFC_SPATIAL],
                              "count");
    qr_record_add_meta_number(ifc->rec, "elements", ifc->kinds[QR_IFC_ELEMENT], "count");
    qr_record_add_meta_number(ifc->rec, "types", ifc->kinds[QR_IFC_TYPE], "count");
    qr_record_add_meta_number(ifc->rec, "walls", count_walls(ifc), "count");
    for (size_t i = 0; i < QR_COUNT(types); i++)
        qr_record_add_meta_number(ifc->rec, types[i].key,
                                  qr_p21_type_count(ifc->p21, qr_p21_type(ifc->p21, types[i].type)),
                                  "count");
}

void qr_ifc_report_project(struct qr_ifc *ifc)
{
    /* IfcProject: 2 name, 3 description, 5 long name, 6 phase */
    static const char *const project[] = {
        NULL, NULL, "project", "project_description", NULL, "project_long_name", "phase"};
    Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);

    if (!cad)
        return;
    put_view_definition(ifc);
    qr_ifc_meta_attributes(ifc, qr_ifc_first(ifc, "IFCPROJECT"), project, QR_COUNT(project));
    qr_ifc_report_history(ifc);
    qr_ifc_report_place(ifc);
    put_units(ifc, cad);
    put_counts(ifc);
    cad->kind = qr_record_text(ifc->rec, "building");
    const char *name = qr_record_find_meta(ifc->rec, "project");
    if (!name)
        name = qr_record_find_meta(ifc->rec, "project_long_name");
    if (name)
        cad->name = qr_record_text(ifc->rec, name);
}
