/* tests/unit/worker/extract/pdf/pdf_file.h
 *
 * Write a small PDF piece by piece and extract it: what the tests of the PDF reader stand on.
 */
#pragma once
#include "tests/harness/test.h"

#include "worker/extract/extract.h"

enum { PDF_OBJECTS_MAX = 1 << 21 };

struct pdf {
    struct qr_engine engine;
    struct qr_record *rec;
    struct qr_extract_options options; /* of the next extraction; OCR is off */
    struct qr_buf out;
    size_t *offsets;
    int last; /* highest object number */
};

/** cmocka set-up and tear-down: *state is a struct pdf. */
int pdf_set_up(void **state);
int pdf_tear_down(void **state);

/** Start a new file. */
struct pdf *pdf_begin(void **state);

/** One object: "<< … >>". */
void pdf_object(struct pdf *pdf, int number, const char *fmt, ...) QR_PRINTF(3, 4);

/** A stream; `dict` is what its dictionary has beside the length. */
void pdf_stream(struct pdf *pdf, int number, const char *dict, const char *content);

/**
 * Object 1 the catalog with `catalog` in it, 2 the tree, 3 a page of 842 x 595 points with `page`
 * in it, 4 its content, 5 the font Helvetica as /F1; /L1 and /L2 are the layers 6 and 7, which a
 * test that uses them adds.
 */
void pdf_one_page(struct pdf *pdf, const char *catalog, const char *page, const char *content);

/** Write the cross-reference table (root is object 1) and extract the file. */
const Quarry__V1__ExtractionRecord *pdf_extract(struct pdf *pdf);

bool pdf_has_note(const struct pdf *pdf, const char *code);
const char *pdf_property(const Quarry__V1__NamedObject *object, const char *key);

/** The span of that text, fails the test when there is none. */
const Quarry__V1__Span *pdf_span(const struct pdf *pdf, const char *text);
