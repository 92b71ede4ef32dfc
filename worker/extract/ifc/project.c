#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/ifc/intern.h"
#include "worker/extract/ifc/units.h"

static void put(struct qr_ifc *ifc, const char *key, const char *value, const char *origin)
{
    qr_record_add_meta(ifc->rec, key, value, strlen(value), origin);
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
    for (int i = 0; i < 100 && qr_p21_next(&cursor, &value); i++) {
        const char *text = qr_ifc_text(ifc, &value);
        const char *open = strchr(text, '[');
        const char *close = open ? strchr(open, ']') : NULL;
        if (close && strncasecmp(text, "ViewDefinition", 14) == 0)
            qr_record_add_meta(ifc->rec, "view_definition", open + 1, (size_t)(close - open - 1),
                               "header");
    }
}

/* Attributes of the first record of a type, under these keys; NULL: not wanted. */
static void put_first(struct qr_ifc *ifc, const char *type, const char *const *keys, size_t n_keys)
{
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);

    for (size_t i = 0; n > 0 && i < n_keys; i++)
        if (keys[i])
            put(ifc, keys[i], qr_ifc_attribute(ifc, all[0], i), "model");
}

/* Names of all records of a type, those of people with their given names. */
static void put_names(struct qr_ifc *ifc, const char *type, const char *key, size_t at,
                      size_t second)
{
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);
    char text[512];

    for (uint32_t i = 0; i < n && i < 20; i++) {
        const char *name = qr_ifc_attribute(ifc, all[i], at);
        const char *more = second ? qr_ifc_attribute(ifc, all[i], second) : "";
        snprintf(text, sizeof text, "%.200s%s%.200s", more, *more && *name ? " " : "", name);
        if (strcmp(text, "Undefined") != 0 && strcmp(text, "$") != 0)
            put(ifc, key, text, "model");
    }
}

/* IfcCompoundPlaneAngleMeasure: degrees, minutes, seconds, millionths, all of one sign. */
static void put_angle(struct qr_ifc *ifc, const char *key, const struct qr_p21_value *value)
{
    double parts[4] = {0};
    char text[32];
    size_t n = qr_p21_numbers(value, parts, 4);

    if (n < 3)
        return;
    snprintf(text, sizeof text, "%.8f",
             parts[0] + parts[1] / 60 + parts[2] / 3600 + parts[3] / 3600e6);
    put(ifc, key, text, "model");
}

static void put_number(struct qr_ifc *ifc, const char *key, const struct qr_p21_value *value,
                       double factor)
{
    char text[40];
    double number;

    if (!qr_p21_number(value, &number))
        return;
    snprintf(text, sizeof text, "%.10g", number * factor);
    put(ifc, key, text, "model");
}

/* Where on earth: IfcSite 9 latitude, 10 longitude, 11 elevation; IfcMapConversion 2 eastings,
 * 3 northings, 4 height in the map's unit. */
static void put_place(struct qr_ifc *ifc)
{
    static const char *const crs[] = {"crs"};
    struct qr_p21_value values[12];
    uint32_t n;
    const uint32_t *sites = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCSITE"), &n);

    if (n > 0) {
        qr_p21_get(ifc->p21, sites[0], QR_P21_UNKNOWN, values, 12);
        put_angle(ifc, "latitude", &values[9]);
        put_angle(ifc, "longitude", &values[10]);
        put_number(ifc, "site_elevation_mm", &values[11], ifc->mm);
    }
    put_first(ifc, "IFCPROJECTEDCRS", crs, QR_COUNT(crs));
    const uint32_t *maps = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCMAPCONVERSION"), &n);
    if (n > 0) {
        qr_p21_get(ifc->p21, maps[0], QR_P21_UNKNOWN, values, 5);
        put_number(ifc, "eastings", &values[2], 1);
        put_number(ifc, "northings", &values[3], 1);
        put_number(ifc, "orthogonal_height", &values[4], 1);
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
            put(ifc, "unit", text, "model");
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
    /* IfcProject: 2 name, 3 description, 5 long name, 6 phase; IfcApplication: 1 version, 2 name */
    static const char *const project[] = {
        NULL, NULL, "project", "project_description", NULL, "project_long_name", "phase"};
    static const char *const application[] = {NULL, "application_version", "application"};
    Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);

    if (!cad)
        return;
    put_view_definition(ifc);
    put_first(ifc, "IFCPROJECT", project, QR_COUNT(project));
    put_first(ifc, "IFCAPPLICATION", application, QR_COUNT(application));
    put_names(ifc, "IFCORGANIZATION", "model_organization", 1, 0);
    put_names(ifc, "IFCPERSON", "model_author", 1, 2);
    put_place(ifc);
    put_units(ifc, cad);
    put_counts(ifc);
    cad->kind = qr_record_text(ifc->rec, "building");
    const char *name = qr_record_find_meta(ifc->rec, "project");
    if (!name)
        name = qr_record_find_meta(ifc->rec, "project_long_name");
    if (name)
        cad->name = qr_record_text(ifc->rec, name);
}
