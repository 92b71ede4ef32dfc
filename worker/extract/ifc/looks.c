#include <inttypes.h>
#include <stdio.h>

#include "worker/extract/ifc/intern.h"

/* IfcPresentationLayerAssignment: 0 name, 1 description, 2 items. */
static void put_layers(struct qr_ifc *ifc, const char *type)
{
    struct qr_p21_value values[3];
    struct qr_p21_value item;
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);
    char number[24];

    for (uint32_t i = 0; i < n; i++) {
        uint64_t items = 0;
        qr_p21_get(ifc->p21, all[i], QR_P21_UNKNOWN, values, QR_COUNT(values));
        const char *name = qr_ifc_text(ifc, &values[0]);
        const char *description = qr_ifc_text(ifc, &values[1]);
        struct qr_ifc_refs refs = qr_ifc_refs(&values[2]);
        while (qr_ifc_next_ref(&refs, &item))
            items++;
        Quarry__V1__NamedObject *layer =
            qr_record_add_named(ifc->rec, QR_RECORD_LAYERS, name, strlen(name));
        if (!layer)
            return;
        int len = snprintf(number, sizeof number, "%" PRIu64, items);
        qr_record_add_property(ifc->rec, layer, "description", description, strlen(description));
        qr_record_add_property(ifc->rec, layer, "items", number, (size_t)len);
        qr_ifc_say(ifc, name);
    }
}

/* The colour among the styles of an IfcSurfaceStyle: IfcSurfaceStyleShading and -Rendering have an
 * IfcColourRgb (1 red, 2 green, 3 blue) first. */
static bool colour_of(struct qr_ifc *ifc, const struct qr_p21_value *styles, double ret[3])
{
    struct qr_ifc_refs refs = qr_ifc_refs(styles);
    struct qr_p21_value style;
    struct qr_p21_value values[4];

    for (int i = 0; i < 8 && qr_ifc_next_ref(&refs, &style); i++) {
        uint32_t shading = qr_p21_follow(ifc->p21, &style);
        if (shading == QR_P21_NONE ||
            !qr_p21_attribute(ifc->p21, shading, QR_P21_UNKNOWN, 0, &values[0]))
            continue;
        uint32_t colour = qr_p21_follow(ifc->p21, &values[0]);
        if (colour == QR_P21_NONE)
            continue;
        qr_p21_get(ifc->p21, colour, QR_P21_UNKNOWN, values, QR_COUNT(values));
        if (qr_p21_number(&values[1], &ret[0]) && qr_p21_number(&values[2], &ret[1]) &&
            qr_p21_number(&values[3], &ret[2]))
            return true;
    }
    return false;
}

/* IfcSurfaceStyle: 0 name, 2 styles. */
static void put_colours(struct qr_ifc *ifc)
{
    struct qr_p21_value values[3];
    double rgb[3];
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCSURFACESTYLE"), &n);

    for (uint32_t i = 0; i < n; i++) {
        qr_p21_get(ifc->p21, all[i], QR_P21_UNKNOWN, values, QR_COUNT(values));
        if (!colour_of(ifc, &values[2], rgb))
            continue;
        Quarry__V1__CadColour *colour = qr_cad_add_colour(ifc->rec);
        if (!colour)
            return;
        colour->owner = (char *)(uintptr_t)qr_ifc_text(ifc, &values[0]);
        colour->red = rgb[0];
        colour->green = rgb[1];
        colour->blue = rgb[2];
    }
}

/* Texts on plans: IfcTextLiteral: 0 literal. */
static void say_literals(struct qr_ifc *ifc, const char *type)
{
    struct qr_p21_value value;
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);

    for (uint32_t i = 0; i < n; i++)
        if (qr_p21_attribute(ifc->p21, all[i], QR_P21_UNKNOWN, 0, &value))
            qr_ifc_say_value(ifc, &value);
}

void qr_ifc_report_looks(struct qr_ifc *ifc)
{
    put_layers(ifc, "IFCPRESENTATIONLAYERASSIGNMENT");
    put_layers(ifc, "IFCPRESENTATIONLAYERWITHSTYLE");
    put_colours(ifc);
    say_literals(ifc, "IFCTEXTLITERAL");
    say_literals(ifc, "IFCTEXTLITERALWITHEXTENT");
}
