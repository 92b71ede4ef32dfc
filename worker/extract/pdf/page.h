/* worker/extract/pdf/page.h
 *
 * One page of a PDF into the record: text, what it looks like, and for drawings the sheet that is
 * analysed.
 */
#pragma once
#include "worker/extract/pdf/state.h"

/** Add page `index` (from 0) of pdf->file to the record. Returns whether it was read wholly; never
 * throws. */
bool qr_pdf_read_page(const struct qr_extract *x, struct qr_pdf *pdf, int index);

/** A page that was read before: note its form fields, fonts and files as seen, without looking at
 * its content. What is found goes to the record of `x`. Throws when memory is short. */
void qr_pdf_walk_page(const struct qr_extract *x, struct qr_pdf *pdf, int index);
