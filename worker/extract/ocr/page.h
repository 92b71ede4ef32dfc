/* worker/extract/ocr/page.h
 *
 * OCR of a PDF page: render what calls for it, read it, put the words into the page.
 *
 * The page reader decides why (struct qr_ocr_need); text that is there already is kept and painted
 * over before reading, so nothing comes twice. Whatever goes wrong is a note of
 * the record and never ends the page:
 *
 *     pdf.ocr.used            pages with words from OCR
 *     pdf.ocr.unavailable     OCR is called for and not built in or not installed
 *     pdf.ocr.low_confidence  pages whose words are doubtful
 *     pdf.ocr.nothing         pages that were read and have no words
 *     pdf.ocr.refused         pages of nothing but noise
 *     pdf.ocr.failed          pages that could not be rendered or read
 *     pdf.ocr.out_of_time     pages not read, or not wholly, for want of time: `partial`
 */
#pragma once
#include <mupdf/pdf.h>

#include "worker/extract/drawing/sheet.h"
#include "worker/extract/extract.h"
#include "worker/extract/ocr/ocr.h"

/* Why a page is to be read; what is painted over and what is left out follows from it. */
struct qr_ocr_need {
    const fz_stext_page *text; /* collected: what is good of it is kept and not read again */
    bool drawing;              /* text stands here and there, in no order */
    bool images;      /* read only images, those without text over them; otherwise all the page */
    bool every_image; /* also small ones, and what does not look like text */
    bool undecodable; /* lines of the text that say nothing give way to what is read */
};

/** A new document. */
void qr_ocr_begin_document(const struct qr_extract *x);
/** What its pages have taught so far, and the same again for pages that are not read once more. */
uint32_t qr_ocr_learnt(const struct qr_extract *x);
void qr_ocr_remember(const struct qr_extract *x, uint32_t learnt);

/**
 * Read the page and append its words to x->engine->text, lines ended by \n, blocks by an empty
 * line; sets ocr_words and ocr_confidence of `out`. Does nothing when the options switch OCR off.
 *
 *   ret  the words, boxes in points of the page as displayed; valid until the next page is read
 *
 * Never throws. Returns whether there were words.
 */
bool qr_ocr_page(const struct qr_extract *x, fz_context *ctx, pdf_page *page,
                 const struct qr_ocr_need *need, Quarry__V1__Page *out, struct qr_ocr_text *ret);

/** The words as spans of source OCR, close ones together; `arena` gets their texts, a full one
 *  drops spans (counted in the sheet). */
void qr_ocr_add_spans(const struct qr_ocr_text *text, struct qr_arena *arena,
                      struct qr_sheet *sheet);

/** Why pages of images gave no text, for the record's empty_reason. */
const char *qr_ocr_explain_empty(const struct qr_extract *x);
