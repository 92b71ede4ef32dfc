/* worker/extract/pdf/marks.h
 *
 * What a page's content paints beside text, seen in passing while its text is collected: how many
 * paths and images, how much of the page images cover, how many paths have the size of letters, and
 * the horizontal and vertical lines of frames and tables.
 *
 * It hangs into MuPDF's interpreter (qr_pdf_marks_watch()) and follows the transformation matrix
 * itself, so no path is ever built and no image loaded. Clips, colours and line widths are not
 * looked at: a line that is clipped away or painted white counts. What is in a hidden layer or in a
 * soft mask does not.
 *
 * Source of the operators: ISO 32000-1, 8.4.4, 8.5.2, 8.5.3.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <mupdf/pdf.h>

#include "worker/extract/drawing/sheet.h"
#include "worker/extract/pdf/glyphs.h"
#include "worker/extract/pdf/signs.h"

enum { QR_PDF_MARKS_DEPTH = 512 }; /* saved graphics states followed; deeper ones keep the last */

struct qr_pdf_mark_segment {
    float x0, y0, x1, y1;
    bool filled; /* the middle of a thin rectangle: a line when filled; otherwise when stroked */
};

struct qr_pdf_marks {
    /* found */
    uint32_t paths;      /* painted */
    uint32_t pieces;     /* lines and curves of them */
    uint32_t images;     /* drawn */
    uint32_t letters;    /* parts of painted paths that have the size of a letter and its bends */
    double image_area;   /* of the page, covered by images; overlaps count twice */
    bool images_in_form; /* a form has images that were not counted */
    bool hidden_text;    /* there is text in layers that are off */

    struct qr_sheet *sheet; /* gets the lines; NULL: none wanted */
    fz_rect area;           /* of the page: lines outside are left out */

    struct qr_pdf_glyphs glyphs; /* of the document */

    /* while it runs */
    const fz_stext_page *text; /* gets the text */
    pdf_document *layers;      /* NULL: the document has no layers */
    fz_matrix ctm;
    fz_matrix saved[QR_PDF_MARKS_DEPTH];
    int depth, floor; /* of `saved`; a form does not restore below its floor */
    int too_deep;
    int masked;
    struct {
        fz_matrix ctm;
        int depth, floor;
    } before_mask;

    int off;         /* layers around what comes that are off */
    int off_content; /* depth of marked content since one was found off; 0: none */
    const fz_stext_char *before_off;

    fz_point start, pen;
    fz_rect bounds;         /* of the subpath */
    uint32_t bends;         /* its segments */
    uint32_t bends_pending; /* of the path's subpaths before */
    uint32_t off_axis;
    struct qr_pdf_mark_segment *segments; /* of the path in work */
    size_t n_segments, cap_segments;
    uint32_t letters_pending;
    struct qr_pdf_signs signs;

    /* MuPDF's own functions behind ours */
    void (*op_q)(fz_context *, pdf_processor *);
    void (*op_Q)(fz_context *, pdf_processor *);
    void (*op_cm)(fz_context *, pdf_processor *, float, float, float, float, float, float);
    void (*op_Do_form)(fz_context *, pdf_processor *, const char *, pdf_obj *, pdf_obj *);
    void (*op_BDC)(fz_context *, pdf_processor *, const char *, pdf_obj *, pdf_obj *);
    void (*op_BMC)(fz_context *, pdf_processor *, const char *);
    void (*op_EMC)(fz_context *, pdf_processor *);
    void (*begin_mask)(fz_context *, fz_device *, fz_rect, int, fz_colorspace *, const float *,
                       fz_color_params);
    void (*end_mask)(fz_context *, fz_device *);
};

/** Start a page; memory is kept. `sheet` may be NULL. A zeroed struct is ready for this. */
void qr_pdf_marks_begin(struct qr_pdf_marks *marks, fz_rect area, fz_matrix ctm,
                        struct qr_sheet *sheet);
void qr_pdf_marks_done(struct qr_pdf_marks *marks);

/**
 * Hang in: replaces the operators of paths, images and matrices of `proc`, whose other path, colour
 * and image operators are NULL, and the mask functions of `dev`. `marks` must be the context's user
 * data (fz_set_user_context()) as long as `proc` runs. `proc` itself must show all layers (no
 * usage).
 *
 *   text    that `dev` fills
 *   layers  the document when it has optional content, otherwise NULL
 */
void qr_pdf_marks_watch(struct qr_pdf_marks *marks, pdf_processor *proc, fz_device *dev,
                        const fz_stext_page *text, pdf_document *layers);

/** The path in work is not painted. */
void qr_pdf_marks_forget_path(struct qr_pdf_marks *marks);
