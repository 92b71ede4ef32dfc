/* worker/extract/pdf/glyphs.h
 *
 * Characters for glyphs that the document does not name, and symbols for the letters of symbol
 * fonts.
 *
 * A font without a ToUnicode table gives U+FFFD for its glyphs. The embedded font program often
 * knows better: its character map (a Unicode one, or that of a symbol font at U+F000) and its glyph
 * names are turned round. In the fonts of geometric tolerances (worker/extract/dxf/gdt.h) each
 * small letter draws a symbol: "n" is the diameter sign.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <mupdf/fitz.h>

enum { QR_PDF_GLYPH_FONTS = 32 };

struct qr_pdf_glyph_font {
    fz_font *font; /* kept */
    bool symbols;  /* of geometric tolerances */
    bool looked;   /* the table was made, or cannot be */
    uint32_t *unicode;
    int n_unicode; /* glyphs */
};

struct qr_pdf_glyphs {
    struct qr_pdf_glyph_font fonts[QR_PDF_GLYPH_FONTS];
    int n_fonts;
    int last; /* used */

    /* MuPDF's own functions behind ours */
    void (*fill_text)(fz_context *, fz_device *, const fz_text *, fz_matrix, fz_colorspace *,
                      const float *, float, fz_color_params);
    void (*stroke_text)(fz_context *, fz_device *, const fz_text *, const fz_stroke_state *,
                        fz_matrix, fz_colorspace *, const float *, float, fz_color_params);
    void (*clip_text)(fz_context *, fz_device *, const fz_text *, fz_matrix, fz_rect);
    void (*clip_stroke_text)(fz_context *, fz_device *, const fz_text *, const fz_stroke_state *,
                             fz_matrix, fz_rect);
    void (*ignore_text)(fz_context *, fz_device *, const fz_text *, fz_matrix);
};

/** Hang into the text functions of `dev`, one device at a time. `glyphs` is the member of the
 * context's user data (struct qr_pdf_marks) as long as the device is used. */
void qr_pdf_glyphs_watch(struct qr_pdf_glyphs *glyphs, fz_device *dev);

/** Forget the fonts. */
void qr_pdf_glyphs_reset(fz_context *ctx, struct qr_pdf_glyphs *glyphs);
