/* worker/extract/pdf/names.h
 *
 * Name trees and number trees (ISO 32000-1, 7.9.6 and 7.9.7), destinations and actions (12.3.2,
 * 12.6).
 */
#pragma once
#include "worker/extract/pdf/file.h"

/** Returns false to stop. Throws. */
typedef bool (*qr_pdf_tree_fn)(struct qr_pdf_file *file, pdf_obj *key, pdf_obj *value, void *arg);

/**
 * Call `fn` for each pair of a tree in order; `leaf` is PDF_NAME(Names) or PDF_NAME(Nums). Each
 * node is visited once, deeper levels than QR_PDF_TREE_DEPTH are left out. Throws.
 */
void qr_pdf_walk_tree(struct qr_pdf_file *file, pdf_obj *tree, pdf_obj *leaf, qr_pdf_tree_fn fn,
                      void *arg);

/** Where a link or bookmark leads. */
struct qr_pdf_target {
    const char *kind; /* "goto", "uri", "file", "launch", "javascript", "named", …; NULL: nowhere */
    uint32_t page;    /* of "goto"; 0: not found */
    pdf_obj *text;    /* URI, file, script or name; borrowed; NULL: none */
};

/** Of a bookmark or link annotation: its Dest, or its action. Throws. */
struct qr_pdf_target qr_pdf_target_of(struct qr_pdf_file *file, pdf_obj *item);

/** The name of a file specification: UF, F, or itself; NULL: none. */
pdf_obj *qr_pdf_file_name(fz_context *ctx, pdf_obj *spec);
