/* worker/extract/dxf/doc.h
 *
 * What is known of the drawing while it is read: header variables, dimension styles, blocks with
 * the texts in them, the code page.
 *
 * All memory is in one arena under a cap and goes with the document; it depends on the number of
 * names and texts, never on geometry. Everything is capped; what is left out has been noted in the
 * record. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/record/arena.h"
#include "common/record/record.h"
#include "worker/extract/dxf/codepage.h"
#include "worker/extract/dxf/tag.h"

struct qr_extract;       /* worker/extract/extract.h */
struct qr_dxf_dimstyle;  /* worker/extract/dxf/dimstyle.h */
struct qr_dxf_frame;     /* worker/extract/dxf/tolerance.h */
struct qr_dxf_dimension; /* worker/extract/dxf/dimension.h */

/** A header variable: its first value, or x, y, z of a point. */
struct qr_dxf_variable {
    const char *name;      /* "$DIMLFAC", NUL-terminated, upper case */
    struct qr_dxf_tag tag; /* the first group; text is a copy that lives with the document */
    double point[3];       /* of codes 10, 20, 30 */
};

/** Where a text came from. */
enum qr_dxf_text_kind {
    QR_DXF_TEXT_TEXT,
    QR_DXF_TEXT_MTEXT,
    QR_DXF_TEXT_ATTRIB,
    QR_DXF_TEXT_ATTDEF,
    QR_DXF_TEXT_DIMENSION,
    QR_DXF_TEXT_TOLERANCE,
    QR_DXF_TEXT_LEADER,
    QR_DXF_TEXT_TABLE,
};

/** A piece of text in a block or layout: UTF-8 as a reader sees it, lines parted by \n. */
struct qr_dxf_text {
    struct qr_dxf_text *next;
    const char *text; /* NUL-terminated */
    size_t len;
    double x, y;     /* lower left corner of its first line, in the block's or layout's units */
    double width;    /* of its longest line; estimated when the file does not say */
    double height;   /* of a capital letter */
    double pitch;    /* from line to line */
    double frame;    /* lines are wrapped at this width; 0: they are not */
    double across;   /* where lines that are shorter stand: 0 left, 0.5 centre, 1 right */
    double rotation; /* degrees, counter-clockwise */
    uint64_t handle; /* 0: none */
    const char *tag; /* of an attribute, UTF-8; NULL */
    Quarry__V1__Parameter *parameter; /* of an attribute: gets its place at the end; NULL */
    enum qr_dxf_text_kind kind;
};

/** A block inserted by another one or by a layout, as an array of columns and rows. */
struct qr_dxf_insert {
    struct qr_dxf_insert *next;
    struct qr_dxf_block *block;
    double at[2];
    double scale[2];
    double rotation; /* degrees */
    double step[2];  /* between columns and rows */
    uint32_t n[2];   /* columns, rows; at least 1 */
    bool mirrored;   /* extrusion 0,0,-1: x runs to the left */
    bool dimension;  /* the drawn form of a DIMENSION: at = 0, scale = 1 */
    bool table;      /* of an ACAD_TABLE */
};

#define QR_DXF_RULES_MAX 200000

/** A horizontal or vertical line. */
struct qr_dxf_rule {
    struct qr_dxf_rule *next;
    float x0, y0, x1, y1;
};

/** A block; layouts are blocks, too: "*Model_Space", "*Paper_Space", "*Paper_Space0", … */
/** Where a block is first shown: made by expand.c. A layout is shown in itself. */
struct qr_dxf_seen {
    uint32_t page;
    const char *layout;
    double m[6]; /* to the layout's coordinates: x' = m0 x + m2 y + m4, y' = m1 x + m3 y + m5 */
};

struct qr_dxf_block {
    struct qr_dxf_block *next_in_bucket;
    const char *name; /* as in the file, not decoded; NUL-terminated */
    size_t name_len;
    double base[2];
    struct qr_dxf_text *texts; /* in the order of the file; NULL: none */
    struct qr_dxf_text *last_text;
    struct qr_dxf_insert *inserts;
    struct qr_dxf_insert *last_insert;
    struct qr_dxf_rule *rules;
    uint64_t handle;                /* of its block record */
    struct qr_dxf_block *original;  /* of a copy of a dynamic block; NULL */
    uint32_t n_viewports;           /* of a layout, its own sheet left out */
    double viewport_area;           /* of the largest one, drawing units of paper */
    double viewport_scale;          /* its paper units for one drawing unit; 0: unknown */
    uint64_t n_entities;            /* without VERTEX, SEQEND, ATTRIB */
    uint32_t n_defined;             /* how often the file defines it */
    uint8_t state;                  /* of expand.c */
    const struct qr_dxf_seen *seen; /* NULL: not, or not yet */
};

struct qr_dxf_doc {
    const struct qr_extract *x;
    struct qr_arena arena;
    int version; /* 1009 of "AC1009"; less of older ones ("AC2.10": 210), 1009 when absent */
    bool binary;
    struct qr_dxf_codepages *codepages; /* borrowed; NULL: double-byte pages cannot be read */
    struct qr_dxf_codepage codepage;    /* of all strings */
    struct qr_dxf_codepage second;      /* of strings that are no UTF-8 where they should be */
    bool has_second;
    uint64_t n_second;

    struct qr_dxf_variable *variables; /* sorted by name */
    size_t n_variables;

    struct qr_dxf_dimstyle *dimstyles;                    /* a list kept by dimstyle.c */
    struct qr_dxf_dimension *dimensions, *last_dimension; /* a list kept by dimension.c */
    size_t n_dimensions;
    struct qr_dxf_frame *frames; /* a list kept by tolerance.c */

    struct qr_dxf_block **buckets; /* by name without case */
    size_t n_buckets;
    size_t n_blocks;
    size_t n_texts;
    size_t n_inserts;
    size_t n_rules;
};

/** A header variable by its name ("$DIMLFAC"); NULL when the file does not set it. */
const struct qr_dxf_variable *qr_dxf_variable_find(const struct qr_dxf_doc *doc, const char *name);
double qr_dxf_variable_real(const struct qr_dxf_doc *doc, const char *name, double otherwise);
int64_t qr_dxf_variable_int(const struct qr_dxf_doc *doc, const char *name, int64_t otherwise);

/** Zeroed memory that lives as long as the document; NULL when its cap is reached. */
void *qr_dxf_alloc(struct qr_dxf_doc *doc, size_t size);

/** A NUL-terminated copy that lives as long as the document; NULL when its cap is reached. */
char *qr_dxf_copy(struct qr_dxf_doc *doc, const char *text, size_t len);

/** Append bytes of the file to `out` as UTF-8 by the drawing's code page. Nothing is dropped:
 *  bytes the page does not have become U+FFFD. \U+ and \M+ are left to text.h. */
void qr_dxf_decode(const struct qr_dxf_doc *doc, const char *text, size_t len, struct qr_buf *out);

/**
 * The same for text that names its own code page, as \M+nXXXX does.
 *
 *   page  932, 936, 949, 950 or 1361
 *
 * Returns the bytes used of `text`, 0 when it is no character of that page (nothing is appended).
 */
size_t qr_dxf_decode_page(const struct qr_dxf_doc *doc, int page, const char *text, size_t len,
                          struct qr_buf *out);

/**
 * A block by its name as it stands in the file (raw bytes, not decoded; case does not matter);
 * NULL when it is not defined, or not yet: the BLOCKS section stands before ENTITIES, but not in
 * every file.
 */
const struct qr_dxf_block *qr_dxf_block_find(const struct qr_dxf_doc *doc, const char *name,
                                             size_t len);

/** The block of that block record, NULL when there is none. Looks at all of them. */
struct qr_dxf_block *qr_dxf_block_by_handle(const struct qr_dxf_doc *doc, uint64_t handle);

/** The same, made when there is none; NULL when the cap is reached. */
struct qr_dxf_block *qr_dxf_block_get(struct qr_dxf_doc *doc, const char *name, size_t len);

/**
 * Keep a text in a block or layout; NULL at the cap (noted) or when there is nothing but blanks.
 * `text` is UTF-8 and copied. The caller fills in the place.
 */
struct qr_dxf_text *qr_dxf_text_add(struct qr_dxf_doc *doc, struct qr_dxf_block *block,
                                    enum qr_dxf_text_kind kind, const char *text, size_t len);

/** An insertion, zeroed but for scale 1, one column, one row; NULL at the cap (noted). */
struct qr_dxf_insert *qr_dxf_insert_add(struct qr_dxf_doc *doc, struct qr_dxf_block *into,
                                        struct qr_dxf_block *block);

/** A line of a frame or table; ignored beyond the cap. */
void qr_dxf_rule_add(struct qr_dxf_doc *doc, struct qr_dxf_block *block, double x0, double y0,
                     double x1, double y1);

/** Set or replace nothing: of one name the first value holds. */
struct qr_dxf_variable *qr_dxf_variable_add(struct qr_dxf_doc *doc, const char *name, size_t len);

/** False when there is no memory. */
bool qr_dxf_doc_init(struct qr_dxf_doc *doc, const struct qr_extract *x);
void qr_dxf_doc_done(struct qr_dxf_doc *doc);
