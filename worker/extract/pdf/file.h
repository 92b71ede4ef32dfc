/* worker/extract/pdf/file.h
 *
 * The document in work, for the readers of its structure: outline, links, annotations, form,
 * attachments, layers, fonts, labels.
 *
 * All of them keep these rules: time is linear in the size of the file (page numbers and named
 * destinations are looked up in sorted tables, objects that may come twice are marked); lists stop
 * at the record's limits; texts of all structure together at QR_PDF_STRUCTURE_BYTES, so that
 * bookmarks and comments cannot push out the pages' text; a damaged part is a note and costs only
 * that part.
 */
#pragma once
#include <mupdf/pdf.h>

#include "common/record/parts.h"
#include "worker/extract/extract.h"

enum { QR_PDF_STRUCTURE_BYTES = 48 * 1024 * 1024, QR_PDF_TREE_DEPTH = 64 };

struct qr_pdf_dest {
    const char *name; /* borrowed from the document's objects */
    size_t len;
    pdf_obj *dest; /* borrowed */
};

struct qr_pdf_widget {
    int object; /* its number */
    uint32_t page;
    double box[4];
};

struct qr_pdf_label {
    int first; /* page, from 0 */
    pdf_obj *style;
};

struct qr_pdf_file {
    fz_context *ctx;
    pdf_document *doc;
    pdf_obj *root; /* the catalog; may be NULL */
    const struct qr_extract *x;
    struct qr_record *rec;
    size_t bytes_left; /* of structure */

    struct qr_pdf_dest *dests; /* sorted by name */
    size_t n_dests, cap_dests;
    bool dests_read;

    struct qr_pdf_widget *widgets; /* fields as seen on the pages */
    size_t n_widgets, cap_widgets;

    struct qr_pdf_label *labels; /* sorted by first page */
    size_t n_labels, cap_labels;

    pdf_mark_bits *fonts_seen; /* fonts, resources and forms looked at */
    pdf_mark_bits *files_seen; /* file specifications */
    bool hidden_layers;        /* some layers are off */
};

/** Throws. */
void qr_pdf_file_open(struct qr_pdf_file *file, const struct qr_extract *x, fz_context *ctx,
                      pdf_document *doc);
void qr_pdf_file_close(struct qr_pdf_file *file);

/** Run a reader; what it throws becomes a note of that code. Returns false then. */
bool qr_pdf_guard(struct qr_pdf_file *file, const char *code,
                  void (*read)(struct qr_pdf_file *file, void *arg), void *arg);

/** A text string (or name) for the record; "" for anything else. Throws. */
char *qr_pdf_string(struct qr_pdf_file *file, pdf_obj *obj);

/** One more entry of `size` bytes for a growing array; NULL beyond the record's limit of items.
 *  Throws when memory is short. */
void *qr_pdf_append(struct qr_pdf_file *file, void *list_slot, size_t *n, size_t *cap, size_t size);

/** Page number from 1 of a page object; 0 when it is none of the document's. */
uint32_t qr_pdf_page_number(struct qr_pdf_file *file, pdf_obj *page);

/** Box of a rectangle in a page's user space as displayed. */
void qr_pdf_box(fz_matrix ctm, fz_rect rect, double ret[4]);
