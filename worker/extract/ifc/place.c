#include <math.h>
#include <stdio.h>

#include "worker/extract/ifc/meta.h"
#include "worker/extract/ifc/units.h"

/* Where on earth the model stands. */

/* IfcCompoundPlaneAngleMeasure: degrees, minutes, seconds, millionths, all of one sign. */
static void put_angle(struct qr_ifc *ifc, const char *key, const struct qr_p21_value *value)
{
    double parts[4] = {0};
    char text[32];
    size_t n = qr_p21_numbers(value, parts, 4);
    double degrees = parts[0] + parts[1] / 60 + parts[2] / 3600 + parts[3] / 3600e6;

    if (n < 3 || !(fabs(degrees) <= 360))
        return;
    snprintf(text, sizeof text, "%.8f", degrees);
    qr_ifc_meta(ifc, key, text);
}

static void put_number(struct qr_ifc *ifc, const char *key, const struct qr_p21_value *value,
                       double factor)
{
    double number;

    if (qr_p21_number(value, &number) && isfinite(number * factor))
        qr_ifc_meta_number(ifc, key, number * factor);
}

/* Nine digits: what cosines leave behind is no turn. */
static double degrees(double y, double x)
{
    return round(atan2(y, x) * 180 / acos(-1) * 1e9) / 1e9;
}

/* IfcPostalAddress: 3 internal location, 4 lines, 5 box, 6 town, 7 region, 8 code, 9 country. */
static void put_address(struct qr_ifc *ifc, const struct qr_p21_value *reference)
{
    uint32_t address = qr_p21_follow(ifc->p21, reference);
    struct qr_p21_value values[10];
    struct qr_buf text;

    if (address == QR_P21_NONE)
        return;
    qr_buf_init(&text, ifc->rec->limits.value_bytes);
    qr_p21_get(ifc->p21, address, QR_P21_UNKNOWN, values, QR_COUNT(values));
    for (size_t i = 3; i < QR_COUNT(values); i++) {
        struct qr_p21_cursor lines = qr_p21_enter(&values[i]);
        struct qr_p21_value line = values[i];
        bool more = values[i].kind != QR_P21_LIST || qr_p21_next(&lines, &line);
        for (; more; more = values[i].kind == QR_P21_LIST && qr_p21_next(&lines, &line)) {
            const char *part = qr_ifc_text(ifc, &line);
            if (*part && text.len > 0)
                qr_buf_append_str(&text, ", ");
            qr_buf_append_str(&text, part);
        }
    }
    if (text.len > 0)
        qr_record_add_meta(ifc->rec, "address", (const char *)text.data, text.len, "model");
    qr_buf_done(&text);
}

/* IfcSite: 9 latitude, 10 longitude, 11 elevation, 13 address; IfcBuilding: 11 address. */
static void put_site(struct qr_ifc *ifc)
{
    struct qr_p21_value values[14];
    uint32_t site = qr_ifc_first(ifc, "IFCSITE");
    uint32_t building = qr_ifc_first(ifc, "IFCBUILDING");

    if (building != QR_P21_NONE) {
        qr_p21_get(ifc->p21, building, QR_P21_UNKNOWN, values, QR_COUNT(values));
        put_address(ifc, &values[11]);
    }
    if (site == QR_P21_NONE)
        return;
    qr_p21_get(ifc->p21, site, QR_P21_UNKNOWN, values, QR_COUNT(values));
    put_angle(ifc, "latitude", &values[9]);
    put_angle(ifc, "longitude", &values[10]);
    put_number(ifc, "site_elevation_mm", &values[11], ifc->mm);
    if (!qr_record_find_meta(ifc->rec, "address"))
        put_address(ifc, &values[13]);
}

/* IfcProjectedCRS: 0 name, 2 geodetic datum, 3 vertical datum, 4 projection, 5 zone, 6 unit. */
static void put_crs(struct qr_ifc *ifc)
{
    static const char *const keys[] = {
        "crs", NULL, "crs_datum", "crs_vertical_datum", "crs_projection", "crs_zone"};
    uint32_t crs = qr_ifc_first(ifc, "IFCPROJECTEDCRS");
    struct qr_p21_value unit;

    qr_ifc_meta_attributes(ifc, crs, keys, QR_COUNT(keys));
    if (crs != QR_P21_NONE && qr_p21_attribute(ifc->p21, crs, QR_P21_UNKNOWN, 6, &unit))
        qr_ifc_meta(ifc, "crs_unit", qr_ifc_unit(ifc, qr_p21_follow(ifc->p21, &unit)).symbol);
}

/* IfcMapConversion (and, of IFC4X3, -Scaled): 2 eastings, 3 northings, 4 height in the map's unit,
 * 5 and 6 the direction of the model's x axis on the map, 7 scale. IfcRigidOperation: 2 to 4. */
static void put_conversion(struct qr_ifc *ifc)
{
    static const char *const types[] = {"IFCMAPCONVERSION", "IFCMAPCONVERSIONSCALED",
                                        "IFCRIGIDOPERATION"};
    uint32_t conversion = QR_P21_NONE;
    struct qr_p21_value values[8];
    double x, y;

    for (size_t i = 0; i < QR_COUNT(types) && conversion == QR_P21_NONE; i++)
        conversion = qr_ifc_first(ifc, types[i]);
    if (conversion == QR_P21_NONE)
        return;
    qr_p21_get(ifc->p21, conversion, QR_P21_UNKNOWN, values, QR_COUNT(values));
    put_number(ifc, "eastings", &values[2], 1);
    put_number(ifc, "northings", &values[3], 1);
    put_number(ifc, "orthogonal_height", &values[4], 1);
    if (qr_p21_number(&values[5], &x) && qr_p21_number(&values[6], &y))
        qr_ifc_meta_number(ifc, "map_rotation", degrees(y, x));
    put_number(ifc, "map_scale", &values[7], 1);
}

/* IfcGeometricRepresentationContext 5: the direction of north in the model, clockwise from y. */
static void put_north(struct qr_ifc *ifc)
{
    uint32_t context = qr_ifc_first(ifc, "IFCGEOMETRICREPRESENTATIONCONTEXT");
    struct qr_p21_value value;
    double direction[2];

    if (context == QR_P21_NONE || !qr_p21_attribute(ifc->p21, context, QR_P21_UNKNOWN, 5, &value) ||
        qr_p21_follow(ifc->p21, &value) == QR_P21_NONE ||
        !qr_p21_attribute(ifc->p21, qr_p21_follow(ifc->p21, &value), QR_P21_UNKNOWN, 0, &value) ||
        qr_p21_numbers(&value, direction, 2) != 2)
        return;
    qr_ifc_meta_number(ifc, "true_north", degrees(direction[0], direction[1]));
}

void qr_ifc_report_place(struct qr_ifc *ifc)
{
    put_site(ifc);
    put_north(ifc);
    put_crs(ifc);
    put_conversion(ifc);
}
