/* worker/extract/pdf/state.h
 *
 * What the parts of the PDF reader share: one MuPDF context and the scratch memory of a page, kept
 * from file to file.
 */
#pragma once
#include <stdbool.h>

#include <mupdf/fitz.h>
#include <mupdf/pdf.h>

#include "worker/extract/drawing/sheet.h"
#include "worker/extract/extract.h"
#include "worker/extract/pdf/file.h"
#include "worker/extract/pdf/fzmem.h"
#include "worker/extract/pdf/marks.h"

struct qr_pdf {
    struct qr_fzmem mem;
    fz_alloc_context alloc;
    fz_context *ctx;
    size_t idle_bytes;     /* in use when no file is open */
    struct qr_record *rec; /* of the file in work, for warnings */
    bool lost_data;        /* of the page in work */
    char last_error[200];
    struct qr_pdf_file file;

    /* of the page in work */
    struct qr_pdf_marks marks;
    struct qr_sheet sheet;
    struct qr_arena arena; /* texts of the sheet's spans */
};
