/* VIEWPORT: the windows of a layout into model space, and their scale. */
#include <math.h>

#include "worker/extract/dxf/reader.h"

void qr_dxf_read_viewport(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    double width = qr_dxf_find_real(&r->e, 40, 0);
    double height = qr_dxf_find_real(&r->e, 41, 0);
    double shown = qr_dxf_find_real(&r->e, 45, 0);

    /* number 1 is the layout's own sheet */
    if (!place || qr_dxf_find_int(&r->e, 69, 0) == 1)
        return;
    place->n_viewports++;
    if (!(width * height > place->viewport_area))
        return;
    place->viewport_area = width * height;
    place->viewport_scale = shown > 0 && isfinite(height / shown) ? height / shown : 0;
}

void qr_dxf_report_viewports(struct qr_dxf_reader *r, const struct qr_dxf_block *block,
                             Quarry__V1__NamedObject *layout)
{
    if (block->n_viewports == 0)
        return;
    qr_dxf_property_number(r, layout, "viewports", (double)block->n_viewports);
    if (block->viewport_scale > 0)
        qr_dxf_property_number(r, layout, "viewport_scale", block->viewport_scale);
}
