/* worker/extract/drawing/title_clusters.h
 *
 * Where the title block is: groups of labels that stand close together.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

enum { QR_TITLE_CLUSTERS_MAX = 4 };

struct qr_title_cluster {
    int quarter;              /* direction of its text (title_pieces.h) */
    struct qr_sheet_rect box; /* around its labels, upright */
    float label_height;       /* largest */
    uint32_t fields;          /* bit of each field with a label */
    int score;
};

/**
 * The groups that are title blocks or parts of one, the best first. A group counts when it has
 * labels for at least two fields that only drawings have, or one of them among three; so text
 * pages and forms give none. Labels that head the columns of parts lists and revision tables, and
 * those inside known tables, do not count.
 *
 * O(n) in spans plus O(m^2) in labels, of which at most 1000 are looked at.
 */
size_t qr_title_clusters(const struct qr_sheet *sheet, const struct qr_regions *regions,
                         struct qr_title_cluster ret[QR_TITLE_CLUSTERS_MAX]);
