/* worker/extract/pdf/follow.h
 *
 * Follow MuPDF's interpreter for marks.h: transformation matrix, forms, soft masks, layers, images.
 *
 * Layers that are off are run like all others, so that their text is kept; what they paint beside
 * text does not count.
 */
#pragma once
#include "worker/extract/pdf/marks.h"

/** Hang in; part of qr_pdf_marks_watch(). */
void qr_pdf_follow(struct qr_pdf_marks *marks, pdf_processor *proc, fz_device *dev);

/**
 * The resources to run the page with: those given, with a stand-in for each image, so that images
 * are counted without loading them. Returns a new reference, caller drops. Throws.
 */
pdf_obj *qr_pdf_marks_resources(fz_context *ctx, pdf_document *doc, pdf_obj *resources);
