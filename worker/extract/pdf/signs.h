/* worker/extract/pdf/signs.h
 *
 * Small things that a page draws, kept as shapes of its sheet: strokes, circles, arcs, polygons.
 * Signs that a CAD program draws instead of writing ("Ø", "↧", "⌖") are made of them; what stands
 * where a sign must stand is recognised later (drawing/signs.h).
 *
 * marks.c reports the points of the path in work, already in page coordinates; a subpath is looked
 * at once when it ends. Shapes smaller than QR_PDF_SIGNS_MIN or larger than QR_PDF_SIGNS_MAX points
 * (1/72 inch) are left out.
 */
#pragma once
#include <stdint.h>

#include <mupdf/fitz.h>

#include "worker/extract/drawing/sheet.h"

#define QR_PDF_SIGNS_MIN 0.8f
#define QR_PDF_SIGNS_MAX 60.0f

enum { QR_PDF_SIGNS_POINTS = 256 }; /* of a subpath; one with more is of another kind */

/** The subpath in work. A zeroed struct is ready. */
struct qr_pdf_signs {
    fz_point points[QR_PDF_SIGNS_POINTS];
    uint32_t n;        /* may be more than there is room for */
    uint32_t straight; /* points at the ends of straight pieces; the others are of curves */
    size_t kept;       /* shapes of the sheet whose path is painted */
};

static inline void qr_pdf_signs_add(struct qr_pdf_signs *signs, fz_point at)
{
    if (signs->n < QR_PDF_SIGNS_POINTS)
        signs->points[signs->n] = at;
    signs->n++;
}

static inline void qr_pdf_signs_move(struct qr_pdf_signs *signs, fz_point at)
{
    signs->n = 0;
    signs->straight = 1;
    qr_pdf_signs_add(signs, at);
}

static inline void qr_pdf_signs_line(struct qr_pdf_signs *signs, fz_point at)
{
    signs->straight++;
    qr_pdf_signs_add(signs, at);
}

/** A Bézier curve: its middle and its end stand for it. */
static inline void qr_pdf_signs_curve(struct qr_pdf_signs *signs, fz_point from, fz_point c1,
                                      fz_point c2, fz_point to)
{
    qr_pdf_signs_add(signs, fz_make_point((from.x + 3 * (c1.x + c2.x) + to.x) / 8,
                                          (from.y + 3 * (c1.y + c2.y) + to.y) / 8));
    qr_pdf_signs_add(signs, to);
}

/** The subpath has ended; `bounds` of its corners. Its shape waits until the path is painted. */
void qr_pdf_signs_subpath(struct qr_pdf_signs *signs, fz_rect bounds, struct qr_sheet *sheet);

/** The path is painted: its shapes stay. */
void qr_pdf_signs_painted(struct qr_pdf_signs *signs, const struct qr_sheet *sheet);

/** It is not: shapes that wait are dropped. */
void qr_pdf_signs_forget(struct qr_pdf_signs *signs, struct qr_sheet *sheet);
