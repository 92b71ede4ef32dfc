/* worker/extract/drawing/sheet.h
 *
 * One sheet of a drawing, whatever format it came from: pieces of text with their place and the
 * horizontal and vertical lines of frames and tables. The PDF and DXF readers fill it, drawing
 * analysis (analysis.h) reads it.
 *
 * Coordinates: x to the right, y DOWNWARDS, in the sheet's own unit: points (1/72 inch) of the page
 * as displayed for PDF; drawing units for DXF, whose y is negated on the way in (`y_up`) and back
 * on the way out (qr_sheet_box()). Text is clean UTF-8 on one line. A span is a run of characters
 * on one base line without a gap wider than about its height: a cell of a table, a word group, a
 * dimension.
 *
 * The texts are borrowed from the reader and must live as long as the sheet. Arrays grow on the
 * heap up to the caps; what does not fit is counted in `dropped`. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/record/record.h"

enum qr_span_source {
    QR_SPAN_TEXT,       /* text layer; TEXT and MTEXT */
    QR_SPAN_ANNOTATION, /* comments, SHX text among them */
    QR_SPAN_OCR,
    QR_SPAN_ATTRIBUTE, /* ATTRIB: `tag` is set */
    QR_SPAN_BLOCK,     /* text inside an inserted block */
    QR_SPAN_DIMENSION, /* text of a DIMENSION or TOLERANCE entity: it is in the record already */
    QR_SPAN_TABLE,     /* a cell of an ACAD_TABLE */
};

struct qr_sheet_rect {
    float x0, y0, x1, y1; /* x0 <= x1, y0 <= y1 */
};

struct qr_sheet_span {
    const char *text; /* NUL-terminated too */
    uint32_t len;
    struct qr_sheet_rect box;
    float angle;  /* reading direction, degrees counter-clockwise, 0 .. <360 */
    float height; /* of the letters (font size, text height) in sheet units */
    enum qr_span_source source;
    float confidence;   /* of OCR, 0..1; 1 otherwise */
    const char *tag;    /* attribute tag; NULL */
    const char *handle; /* DXF handle in hex; NULL */
    const char *font;   /* NULL when unknown */
};

/** A horizontal (y0 == y1) or vertical (x0 == x1) line. */
struct qr_sheet_rule {
    float x0, y0, x1, y1;
};

enum qr_shape_kind {
    QR_SHAPE_CHAIN, /* straight strokes from point to point */
    QR_SHAPE_ROUND, /* a circle: fills its box */
    QR_SHAPE_ARC,   /* of a circle: first, middle and last point */
    QR_SHAPE_OTHER,
};

enum { QR_SHAPE_POINTS = 6 };

struct qr_sheet_point {
    float x, y;
};

/** Something drawn that has about the size of a letter: perhaps a part of a sign (signs.h). */
struct qr_sheet_shape {
    struct qr_sheet_rect box;
    uint8_t kind; /* enum qr_shape_kind */
    uint8_t n;    /* points, of chains and arcs; a closed chain does not repeat the first */
    bool closed;
    struct qr_sheet_point points[QR_SHAPE_POINTS];
};

struct qr_sheet {
    uint32_t page;             /* from 1, as in the record's pages */
    const char *layout;        /* DXF: "Model" or the layout's name; NULL for PDF */
    struct qr_sheet_rect area; /* of the page; DXF: extents of what was collected */
    bool y_up;                 /* y was negated: boxes of the record are in drawing coordinates */
    double unit_mm;            /* millimetres one sheet unit stands for on paper; 0: unknown */
    const char *unit;          /* unit of unmarked dimensions: "mm", "in", "" unknown */
    bool dimensions_known;     /* dimensions come from entities: do not read them from plain text */

    struct qr_sheet_span *spans;
    size_t n_spans, cap_spans;
    struct qr_sheet_rule *rules;
    size_t n_rules, cap_rules;
    struct qr_sheet_shape *shapes; /* a hint: what is beyond the cap is lost */
    size_t n_shapes, cap_shapes;
    size_t dropped; /* spans and rules beyond the caps */
};

enum { QR_SHEET_SPANS_MAX = 50000, QR_SHEET_RULES_MAX = 50000, QR_SHEET_SHAPES_MAX = 20000 };

/** Empty a sheet for the next page; memory is kept. A zeroed struct is an empty sheet. */
void qr_sheet_reset(struct qr_sheet *sheet);
void qr_sheet_done(struct qr_sheet *sheet);

/** Room for one more, zeroed; NULL at the cap or without memory (counted in `dropped`). */
struct qr_sheet_span *qr_sheet_add_span(struct qr_sheet *sheet);
void qr_sheet_add_rule(struct qr_sheet *sheet, float x0, float y0, float x1, float y1);
/** Room for one more, zeroed; NULL at the cap or without memory. */
struct qr_sheet_shape *qr_sheet_add_shape(struct qr_sheet *sheet);

/** The record's box of a rectangle of the sheet, y turned back where y_up. */
void qr_sheet_box(const struct qr_sheet *sheet, const struct qr_sheet_rect *rect, double ret[4]);

/** The record's place: page, layout and box. */
Quarry__V1__Place *qr_sheet_place(const struct qr_sheet *sheet, struct qr_record *rec,
                                  const struct qr_sheet_rect *rect);
