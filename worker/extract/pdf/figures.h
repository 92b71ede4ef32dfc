/* worker/extract/pdf/figures.h
 *
 * Signs that a CAD program draws instead of writing: the diameter sign, the depth arrow, symbols
 * of geometric tolerances, circles around item numbers. Each is one painted path of a few simple
 * parts; marks.c reports the parts as it passes them.
 */
#pragma once
#include <mupdf/fitz.h>

#include "worker/extract/drawing/sheet.h"

/** The parts of the path in work. A zeroed struct is an empty path. */
struct qr_pdf_figure {
    fz_rect bounds; /* of all parts */
    fz_rect rounds[2];
    fz_rect slash;                                    /* of the last oblique stroke */
    unsigned parts, n_rounds, flat, upright, oblique; /* straight strokes by direction */
    bool other;                                       /* it has a part of another kind: no figure */
};

/**
 * A subpath has ended.
 *
 *   pieces, oblique  straight pieces and bends in it, and those that are not axis-parallel
 *   closed           it ends where it began
 */
void qr_pdf_figure_part(struct qr_pdf_figure *figure, fz_rect bounds, unsigned pieces,
                        unsigned oblique, bool closed);

/** The path is painted: keep it when it is a figure we know. */
void qr_pdf_figure_painted(const struct qr_pdf_figure *figure, struct qr_sheet *sheet);
