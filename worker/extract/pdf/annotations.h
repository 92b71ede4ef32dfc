/* worker/extract/pdf/annotations.h
 *
 * Links and annotations of a page (ISO 32000-1, 12.5).
 */
#pragma once
#include "worker/extract/drawing/sheet.h"
#include "worker/extract/pdf/attachments.h"

/** SHX text of AutoCAD: drawn as curves, with its characters in a comment above it. */
struct qr_pdf_shx {
    const char *text; /* in the record's arena */
    struct qr_sheet_rect box;
};

struct qr_pdf_page_notes {
    struct qr_pdf_shx *shx; /* in page order; freed by the caller with fz_free() */
    size_t n_shx, cap_shx;
};

/**
 * Take the page's links out of its Annots, where MuPDF would look up the target of each, and return
 * the whole list as it was (NULL: none); a new reference, caller drops. Throws.
 */
pdf_obj *qr_pdf_take_annotations(struct qr_pdf_file *file, pdf_obj *page);

/**
 * Add links, annotations and attached files of a page to the record; note where form fields stand.
 *
 *   list  from qr_pdf_take_annotations()
 *   ctm   of the page, from user space to points as displayed
 *
 * Throws; what was added until then stays.
 */
void qr_pdf_read_annotations(struct qr_pdf_file *file, pdf_obj *list, fz_matrix ctm,
                             uint32_t number, struct qr_pdf_page_notes *notes);

/** Append to a page's text what of the SHX text it does not have, one line each. */
void qr_pdf_print_shx(const struct qr_pdf_page_notes *notes, struct qr_buf *text);

/** As spans of source annotation. */
void qr_pdf_add_shx_spans(const struct qr_pdf_page_notes *notes, struct qr_sheet *sheet);
