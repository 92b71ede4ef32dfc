#include "worker/extract/drawing/regions.h"

#include <math.h>

void qr_regions_add(struct qr_regions *regions, enum qr_region_kind kind,
                    const struct qr_sheet_rect *box)
{
    if (regions->n == QR_REGIONS_MAX || !isfinite(box->x0) || !isfinite(box->y0) ||
        !isfinite(box->x1) || !isfinite(box->y1))
        return;
    regions->list[regions->n++] = (struct qr_region){kind, *box};
}

enum qr_region_kind qr_regions_at(const struct qr_regions *regions, const struct qr_sheet_rect *box)
{
    float x = (box->x0 + box->x1) / 2;
    float y = (box->y0 + box->y1) / 2;

    for (size_t i = 0; i < regions->n; i++) {
        const struct qr_sheet_rect *r = &regions->list[i].box;
        if (x >= r->x0 && x <= r->x1 && y >= r->y0 && y <= r->y1)
            return regions->list[i].kind;
    }
    return QR_REGION_NONE;
}
