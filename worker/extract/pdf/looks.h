/* worker/extract/pdf/looks.h
 *
 * What kind of page is this? Cheap guesses from what was counted while its text was collected: is
 * it a drawing, is it an image alone, is its text drawn as curves.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "worker/extract/pdf/marks.h"

struct qr_pdf_looks {
    double width, height; /* of the page, points */
    const struct qr_pdf_marks *marks;
    const struct qr_buf *text; /* of the page, clean */
    size_t visible;            /* characters of it that are no blanks */
    size_t undecodable;
    bool images; /* there are images */
};

/** Images cover the page and there is next to no text: a candidate for OCR. */
bool qr_pdf_looks_scanned(const struct qr_pdf_looks *page);

/** Many paths have the size of letters, and next to no text: a candidate for OCR. */
bool qr_pdf_looks_traced(const struct qr_pdf_looks *page);

/** More than ten characters and more than one in twenty have no Unicode value. */
bool qr_pdf_looks_garbled(const struct qr_pdf_looks *page);

/**
 * A drawing: by the size and orientation of the page, how much is painted, how little text there
 * is, and the words of title blocks and of dimensions in it. O(text).
 */
bool qr_pdf_looks_drawn(const struct qr_pdf_looks *page);
