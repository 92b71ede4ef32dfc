#include "worker/extract/pdf/glyphs.h"

#include <string.h>

#include <ft2build.h>
#include FT_FREETYPE_H

#include "worker/extract/dxf/gdt.h"
#include "worker/extract/pdf/marks.h"
#include "worker/extract/pdf/text.h"

#define GLYPHS_MAX 65536
#define SYMBOL_BASE 0xF000 /* of the character map of a symbol font */

static struct qr_pdf_glyphs *glyphs_of(fz_context *ctx)
{
    return &((struct qr_pdf_marks *)fz_user_context(ctx))->glyphs;
}

/* Private characters and odd blanks: a map that says so says nothing. */
static bool is_empty(uint32_t cp)
{
    return cp == 0xAD || (cp >= 0x2000 && cp <= 0x200F) || cp == 0x202F || cp == 0x3000 ||
           cp == 0xFEFF || (cp >= 0xE000 && cp <= 0xF8FF) || cp >= 0xF0000;
}

/* A blank must look like one. */
static bool is_drawn(FT_Face face, FT_UInt glyph)
{
    return FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE | FT_LOAD_NO_BITMAP) != 0 ||
           face->glyph->format != FT_GLYPH_FORMAT_OUTLINE || face->glyph->outline.n_contours > 0;
}

static void put(struct qr_pdf_glyph_font *entry, FT_Face face, FT_UInt glyph, uint32_t cp)
{
    if (glyph == 0 || glyph >= (FT_UInt)entry->n_unicode || entry->unicode[glyph] != 0 ||
        qr_pdf_means_nothing(cp) || is_empty(cp))
        return;
    if ((cp == ' ' || cp == 0xA0) && is_drawn(face, glyph))
        return;
    entry->unicode[glyph] = cp;
}

/* One character map turned round; the face is left as it was. */
static void turn_map(struct qr_pdf_glyph_font *entry, FT_Face face, FT_Encoding encoding)
{
    FT_CharMap before = face->charmap;
    FT_UInt glyph;
    int left = GLYPHS_MAX;

    if (FT_Select_Charmap(face, encoding) != 0)
        return;
    for (FT_ULong code = FT_Get_First_Char(face, &glyph); glyph != 0 && left-- > 0;
         code = FT_Get_Next_Char(face, code, &glyph)) {
        if (encoding != FT_ENCODING_MS_SYMBOL)
            put(entry, face, glyph, (uint32_t)code);
        else if (code >= SYMBOL_BASE && code < SYMBOL_BASE + 0x7F)
            put(entry, face, glyph, (uint32_t)(code - SYMBOL_BASE)); /* a letter's place */
    }
    FT_Set_Charmap(face, before); /* NULL: none was chosen; cannot be undone, harms nobody */
}

static void turn_names(struct qr_pdf_glyph_font *entry, FT_Face face)
{
    char name[64];

    if (!FT_HAS_GLYPH_NAMES(face))
        return;
    for (int i = 1; i < entry->n_unicode; i++)
        if (entry->unicode[i] == 0 && FT_Get_Glyph_Name(face, (FT_UInt)i, name, sizeof name) == 0) {
            int cp = fz_unicode_from_glyph_name_strict(name);
            if (cp > 0)
                put(entry, face, (FT_UInt)i, (uint32_t)cp);
        }
}

static void make_table(fz_context *ctx, struct qr_pdf_glyph_font *entry)
{
    FT_Face face = fz_font_ft_face(ctx, entry->font);

    entry->looked = true;
    /* the glyphs of a stand-in are not those the document means */
    if (!face || fz_font_flags(entry->font)->ft_substitute || face->num_glyphs <= 0)
        return;
    entry->n_unicode = face->num_glyphs < GLYPHS_MAX ? (int)face->num_glyphs : GLYPHS_MAX;
    entry->unicode = fz_calloc_no_throw(ctx, (size_t)entry->n_unicode, sizeof *entry->unicode);
    if (!entry->unicode)
        return;
    turn_map(entry, face, FT_ENCODING_UNICODE);
    if (entry->symbols)
        turn_map(entry, face, FT_ENCODING_MS_SYMBOL);
    turn_names(entry, face);
}

/* The entry of a font; NULL when there are too many. */
static struct qr_pdf_glyph_font *entry_of(fz_context *ctx, struct qr_pdf_glyphs *glyphs,
                                          fz_font *font)
{
    if (glyphs->last < glyphs->n_fonts && glyphs->fonts[glyphs->last].font == font)
        return &glyphs->fonts[glyphs->last];
    for (int i = 0; i < glyphs->n_fonts; i++)
        if (glyphs->fonts[i].font == font) {
            glyphs->last = i;
            return &glyphs->fonts[i];
        }
    if (glyphs->n_fonts == QR_PDF_GLYPH_FONTS)
        return NULL;
    const char *name = fz_font_name(ctx, font);
    if (strlen(name) > 7 && name[6] == '+')
        name += 7;
    glyphs->last = glyphs->n_fonts;
    struct qr_pdf_glyph_font *entry = &glyphs->fonts[glyphs->n_fonts++];
    memset(entry, 0, sizeof *entry);
    entry->font = fz_keep_font(ctx, font);
    entry->symbols = qr_dxf_gdt_is_font(name, strlen(name));
    return entry;
}

static void name_item(fz_context *ctx, struct qr_pdf_glyph_font *entry, fz_text_item *item)
{
    if (item->ucs == QR_UTF8_REPLACEMENT && item->gid > 0) {
        if (!entry->looked)
            make_table(ctx, entry);
        if (entry->unicode && item->gid < entry->n_unicode && entry->unicode[item->gid] != 0)
            item->ucs = (int)entry->unicode[item->gid];
    }
    if (entry->symbols && item->ucs > 0 && item->ucs < 0x7F) {
        uint32_t symbol = qr_dxf_gdt_symbol((char)item->ucs);
        if (symbol != 0)
            item->ucs = (int)symbol;
    }
}

static void name_text(fz_context *ctx, const fz_text *text)
{
    struct qr_pdf_glyphs *glyphs = glyphs_of(ctx);

    for (fz_text_span *span = text->head; span; span = span->next) {
        struct qr_pdf_glyph_font *entry = entry_of(ctx, glyphs, span->font);
        for (int i = 0; entry && i < span->len; i++)
            if (entry->symbols || span->items[i].ucs == QR_UTF8_REPLACEMENT)
                name_item(ctx, entry, &span->items[i]);
    }
}

static void fill_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix ctm,
                      fz_colorspace *space, const float *color, float alpha, fz_color_params params)
{
    name_text(ctx, text);
    glyphs_of(ctx)->fill_text(ctx, dev, text, ctm, space, color, alpha, params);
}

static void stroke_text(fz_context *ctx, fz_device *dev, const fz_text *text,
                        const fz_stroke_state *stroke, fz_matrix ctm, fz_colorspace *space,
                        const float *color, float alpha, fz_color_params params)
{
    name_text(ctx, text);
    glyphs_of(ctx)->stroke_text(ctx, dev, text, stroke, ctm, space, color, alpha, params);
}

static void clip_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix ctm,
                      fz_rect scissor)
{
    name_text(ctx, text);
    glyphs_of(ctx)->clip_text(ctx, dev, text, ctm, scissor);
}

static void clip_stroke_text(fz_context *ctx, fz_device *dev, const fz_text *text,
                             const fz_stroke_state *stroke, fz_matrix ctm, fz_rect scissor)
{
    name_text(ctx, text);
    glyphs_of(ctx)->clip_stroke_text(ctx, dev, text, stroke, ctm, scissor);
}

static void ignore_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix ctm)
{
    name_text(ctx, text);
    glyphs_of(ctx)->ignore_text(ctx, dev, text, ctm);
}

void qr_pdf_glyphs_watch(struct qr_pdf_glyphs *glyphs, fz_device *dev)
{
    glyphs->fill_text = dev->fill_text;
    glyphs->stroke_text = dev->stroke_text;
    glyphs->clip_text = dev->clip_text;
    glyphs->clip_stroke_text = dev->clip_stroke_text;
    glyphs->ignore_text = dev->ignore_text;
    dev->fill_text = fill_text;
    dev->stroke_text = stroke_text;
    dev->clip_text = clip_text;
    dev->clip_stroke_text = clip_stroke_text;
    dev->ignore_text = ignore_text;
}

void qr_pdf_glyphs_reset(fz_context *ctx, struct qr_pdf_glyphs *glyphs)
{
    for (int i = 0; i < glyphs->n_fonts; i++) {
        fz_free(ctx, glyphs->fonts[i].unicode);
        fz_drop_font(ctx, glyphs->fonts[i].font);
    }
    glyphs->n_fonts = glyphs->last = 0;
}
