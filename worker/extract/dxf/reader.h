/* worker/extract/dxf/reader.h
 *
 * The state of one reading, shared by the files of this folder that take the sections apart.
 *
 * The file is read once, front to back, record by record: a record is a 0 group with everything up
 * to the next one. Each function below is called with the record's 0 group just read and leaves the
 * stream in front of the next 0 group. Not thread-safe.
 */
#pragma once
#include "common/record/parts.h"
#include "worker/extract/dxf/doc.h"
#include "worker/extract/dxf/stream.h"
#include "worker/extract/extract.h"

enum qr_dxf_section {
    QR_DXF_NOWHERE, /* before the first, after one's end */
    QR_DXF_HEADER,
    QR_DXF_CLASSES,
    QR_DXF_TABLES,
    QR_DXF_BLOCKS,
    QR_DXF_ENTITIES,
    QR_DXF_OBJECTS,
    QR_DXF_IGNORED, /* THUMBNAILIMAGE, ACDSDATA, unknown ones */
};

struct qr_dxf_reader;

/** How records of one type are read, and how many there were. */
struct qr_dxf_kind_of_record {
    char name[40]; /* cut; upper case */
    size_t name_len;
    void (*read)(struct qr_dxf_reader *r); /* NULL: passed over */
    unsigned where;                        /* of records.c: which section it belongs to */
    bool known;                            /* it has a row in records.c */
    bool part;                             /* VERTEX, SEQEND: no entity of its own */
    bool attribute;                        /* ATTRIB */
    uint64_t model;
    uint64_t paper;
};

#define QR_DXF_KINDS 1024    /* a power of two; half of it is used */
#define QR_DXF_KINDS_KEPT 64 /* behind those: for types we read, when the others are used up */

#define QR_DXF_PAPERS 1000

#define QR_DXF_CLASSES_MAX 1000

struct qr_dxf_layout {
    struct qr_dxf_layout *next;
    char *name; /* UTF-8 */
    uint64_t block_record;
    struct qr_dxf_block *block;
    int64_t tab;
    Quarry__V1__NamedObject *object;
    double paper_mm[2];            /* width and height of the sheet, unturned */
    int quarters;                  /* turned by so many */
    int paper_units;               /* 0 inches, 1 millimetres, 2 pixels; -1 unknown */
    double paper_per, drawing_per; /* plot scale: so many of the one are so many of the other */
};

/** A line with corners while it is read. */
struct qr_dxf_path {
    struct qr_dxf_block *place; /* NULL: none is open */
    double first[2], last[2];
    size_t n;
    bool closed;
    bool bulge; /* the segment from `last` on is an arc */
};

struct qr_dxf_reader {
    struct qr_dxf_doc doc;
    const struct qr_extract *x;
    struct qr_record *rec;
    struct qr_dxf_stream s;
    enum qr_dxf_section section;

    struct qr_dxf_entity e;  /* the record that is read; tags after qr_dxf_collect() */
    struct qr_dxf_tag *tags; /* room of e.tags */
    size_t cap;
    struct qr_dxf_kind_of_record *kind; /* of the record */
    bool paper;                         /* its 67 group */
    struct qr_dxf_tag handle;           /* its 5 group, for XDATA; len 0: not yet */

    struct qr_dxf_kind_of_record *kinds; /* QR_DXF_KINDS, open addressing, and those kept */
    size_t n_kinds;

    struct qr_dxf_block *model, *paper_space; /* where ENTITIES go */
    struct qr_dxf_block *block;               /* the one being defined; NULL */
    Quarry__V1__NamedObject *block_object;
    struct qr_dxf_block lost; /* stands for one beyond the cap */
    uint64_t n_before;        /* entities the block had when its definition began */
    bool block_is_paper;
    bool block_is_model;
    struct qr_dxf_block *attributes_of; /* block of the INSERT that ATTRIBs follow; NULL */
    bool attributes_in_paper;

    struct qr_dxf_layout *layouts;
    size_t n_layouts;
    struct qr_dxf_block *papers[QR_DXF_PAPERS]; /* of paper space but the active one */
    size_t n_papers;

    struct qr_buf raw;   /* decoded, before escapes are resolved */
    struct qr_buf plain; /* as a reader sees it */

    struct qr_dxf_path path; /* of a POLYLINE */

    char app[64];                  /* XDATA being read */
    size_t n_xdata;                /* strings kept so far */
    size_t n_parameters;           /* custom properties, likewise */
    size_t n_strings;              /* of XRECORDs, likewise */
    size_t n_copies;               /* of dynamic blocks whose originals were looked for */
    struct qr_dxf_entry **entries; /* of dictionaries, see objects.c */
    size_t n_entries;
    char *property; /* $CUSTOMPROPERTYTAG waiting for its value */
    bool any_section;
    bool ended; /* EOF was read */
    uint64_t n_records;
    const char
        *classes[QR_DXF_CLASSES_MAX]; /* raw names of CLASSES in their order; NULL: unknown */
    size_t n_classes;
};

/** Read the rest of the record into r->e. Beyond the cap tags are left out, which is noted. */
void qr_dxf_collect(struct qr_dxf_reader *r);

/** Pass over the rest, looking at 67 and XDATA alone. */
void qr_dxf_pass(struct qr_dxf_reader *r);

/** UTF-8 of a name: decoded, \U+ and \M+ resolved, blanks at its ends left out. Borrowed until the
 *  next call; *ret_len. Never NULL. */
const char *qr_dxf_name_of(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag, size_t *ret_len);

/** The block's name for people, UTF-8: of copies of dynamic blocks the original's. Borrowed like
 *  qr_dxf_name_of()'s. */
const char *qr_dxf_block_name(struct qr_dxf_reader *r, const struct qr_dxf_block *block,
                              size_t *ret_len);

/** Set a parameter's handle from the number; nothing when it is 0. */
void qr_dxf_set_handle(struct qr_dxf_reader *r, Quarry__V1__Parameter *parameter, uint64_t handle);

/** A custom property of the drawing; the strings are the record's. NULL at the cap. */
Quarry__V1__Parameter *qr_dxf_add_property(struct qr_dxf_reader *r, char *name, char *value,
                                           const char *source);

/** A tag's value as a property; nothing when the tag is NULL or empty. */
void qr_dxf_property_tag(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                         const struct qr_dxf_tag *tag);
void qr_dxf_property_number(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object,
                            const char *key, double value);
void qr_dxf_property_text(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                          const char *value);

/** XDATA strings become parameters; called for each tag from 1000 on. */
void qr_dxf_take_xdata(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag);

/* header.c */
void qr_dxf_read_header(struct qr_dxf_reader *r); /* HEADER section's variables */
void qr_dxf_take_variable(struct qr_dxf_reader *r, const struct qr_dxf_tag *name);
void qr_dxf_report_header(struct qr_dxf_reader *r); /* into the record's metadata, at the end */

/* encoding.c */
void qr_dxf_choose_encoding(struct qr_dxf_reader *r, bool narrowed);

/* tables.c */
void qr_dxf_read_layer(struct qr_dxf_reader *r);
void qr_dxf_read_linetype(struct qr_dxf_reader *r);
void qr_dxf_read_style(struct qr_dxf_reader *r);
void qr_dxf_read_dimstyle(struct qr_dxf_reader *r);
void qr_dxf_read_block_record(struct qr_dxf_reader *r);

/* blocks.c */
void qr_dxf_read_block(struct qr_dxf_reader *r);
void qr_dxf_read_endblk(struct qr_dxf_reader *r);

/* records.c: the block or layout the record belongs to; counts it */
struct qr_dxf_block *qr_dxf_place_of(struct qr_dxf_reader *r);

/* texts.c */
void qr_dxf_read_text(struct qr_dxf_reader *r);
void qr_dxf_read_mtext(struct qr_dxf_reader *r);
void qr_dxf_read_attrib(struct qr_dxf_reader *r);
void qr_dxf_read_attdef(struct qr_dxf_reader *r);

/* proxies.c */
void qr_dxf_read_class(struct qr_dxf_reader *r);
void qr_dxf_read_proxy(struct qr_dxf_reader *r);

/* viewports.c */
void qr_dxf_read_viewport(struct qr_dxf_reader *r);
void qr_dxf_report_viewports(struct qr_dxf_reader *r, const struct qr_dxf_block *block,
                             Quarry__V1__NamedObject *layout);

/* rules.c: lines that may be frames or tables */
void qr_dxf_read_line(struct qr_dxf_reader *r);
void qr_dxf_read_lwpolyline(struct qr_dxf_reader *r);
void qr_dxf_read_polyline(struct qr_dxf_reader *r);
void qr_dxf_read_vertex(struct qr_dxf_reader *r);
void qr_dxf_read_seqend(struct qr_dxf_reader *r);

/* inserts.c */
void qr_dxf_read_insert(struct qr_dxf_reader *r);

/* annotations.c */
void qr_dxf_read_dimension_entity(struct qr_dxf_reader *r);
void qr_dxf_read_tolerance(struct qr_dxf_reader *r);
void qr_dxf_read_mleader(struct qr_dxf_reader *r);
void qr_dxf_read_table_entity(struct qr_dxf_reader *r);
/* Before layouts are expanded: texts that only now are known; after: dimensions into the record. */
void qr_dxf_finish_annotations(struct qr_dxf_reader *r, bool expanded);

/* objects.c */
void qr_dxf_read_layout(struct qr_dxf_reader *r);
void qr_dxf_read_dictionary(struct qr_dxf_reader *r);
void qr_dxf_read_xrecord(struct qr_dxf_reader *r);
void qr_dxf_read_imagedef(struct qr_dxf_reader *r);
void qr_dxf_read_underlay(struct qr_dxf_reader *r);

/* pages.c: layouts, pages, spans, sheets, at the end */
void qr_dxf_report_layouts(struct qr_dxf_reader *r);
