/* worker/extract/drawing/regions.h
 *
 * Which parts of a sheet are no drawing views: title block, tables, notes. Whoever finds such a
 * part adds its rectangle; the finder of dimensions asks before it takes a number for one.
 * Coordinates are those of the sheet.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/sheet.h"

enum qr_region_kind {
    QR_REGION_NONE,
    QR_REGION_TITLE,
    QR_REGION_REVISIONS,
    QR_REGION_BOM,
    QR_REGION_TABLE, /* any other */
    QR_REGION_NOTES,
};

enum { QR_REGIONS_MAX = 64 };

struct qr_region {
    enum qr_region_kind kind;
    struct qr_sheet_rect box;
};

/** A zeroed struct has none. */
struct qr_regions {
    struct qr_region list[QR_REGIONS_MAX];
    size_t n;
};

/** Beyond the cap, and boxes that are not finite, are left out: a region only spares work. */
void qr_regions_add(struct qr_regions *regions, enum qr_region_kind kind,
                    const struct qr_sheet_rect *box);

/** The first region that has the middle of `box`; QR_REGION_NONE when none has. */
enum qr_region_kind qr_regions_at(const struct qr_regions *regions,
                                  const struct qr_sheet_rect *box);
