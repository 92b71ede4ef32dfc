/* common/cadjson/intern.h
 *
 * Between the files that map JSON to a record: a table of fields for each kind of object (fields.c
 * reads by it, fields.h writes it).
 */
#pragma once
#include "common/cadjson/cadjson.h"
#include "common/cadjson/reader.h"
#include "common/record/cad.h"
#include "common/record/parts.h"

/* What a text is that was not given; as protobuf-c has it, nobody writes there. */
#define QR_NO_TEXT ((char *)protobuf_c_empty_string)

struct qr_cadjson {
    struct qr_record *rec;                /* borrowed */
    char *model;                          /* wanted; NULL: any */
    struct qr_jr *jr;                     /* of the document under way */
    struct qr_buf details;                /* unknown fields: "path":value,… */
    double length_mm, mass_kg, angle_deg; /* one of the document's units; 0: not said */
    char length_unit[24];
    bool named, other; /* the model under way: its name was read; it is another one */
    bool found;        /* the wanted one was read */
    uint64_t n_other;  /* models that were not wanted, and the name of the first */
    char other_name[128];
    bool answered;   /* by CREOSON's answers */
    char asked[112]; /* "creoson.note.list" while its answer is read; else "" */
    int asked_depth; /* where in the document the answer stands */
    uint32_t sheet;  /* the question was about; 0: none */
};

enum qr_field_type {
    QR_FIELD_TEXT,    /* char *; a number or flag is taken as it stands */
    QR_FIELD_NUMBER,  /* double, and a bool at `extra` that it is there */
    QR_FIELD_COUNT,   /* uint64_t, 0 .. 2^53 */
    QR_FIELD_COUNT32, /* uint32_t */
    QR_FIELD_FLAG,    /* bool */
    QR_FIELD_NUMBERS, /* double * of exactly `n` numbers, their count (size_t) at `extra` */
    QR_FIELD_SPECIAL, /* read() */
};

struct qr_field {
    const char *name;
    enum qr_field_type type;
    size_t at, extra; /* offsets in the target; extra 0: none */
    size_t n;
    bool (*read)(struct qr_cadjson *cj, void *target);
};

enum { QR_FIELDS_MAX = 64 }; /* of one object */

/* A larger number means nothing, and would not stay finite when it is converted. */
#define QR_CADJSON_NUMBER_MAX 1e150
#define QR_CADJSON_FLOAT_MAX 1e30f

/**
 * Read an object by its table, which ends with a NULL name. null is as if the field was absent; one
 * that comes twice is an error; one that is not known goes to the details. target NULL: read over.
 */
bool qr_cadjson_object(struct qr_cadjson *cj, const struct qr_field *fields, void *target);
/** One field's value, whose name has been read. */
bool qr_cadjson_value(struct qr_cadjson *cj, const struct qr_field *field, void *target);

/** A list, one call of each() for each element, which consumes it. null is an empty one. */
bool qr_cadjson_list(struct qr_cadjson *cj, bool (*each)(struct qr_cadjson *cj));

/** A number that may be written as a string; NaN: not finite, or null. */
bool qr_cadjson_number(struct qr_cadjson *cj, double *ret);
/** A text in the record's memory; numbers and flags as they stand; null: "". */
bool qr_cadjson_text(struct qr_cadjson *cj, char **ret);
/** Exactly `n` numbers; *ret_n is 0 when one of them is not finite. */
bool qr_cadjson_numbers(struct qr_cadjson *cj, size_t n, double **ret, size_t *ret_n);

/** Keep a value that no field holds, under its path (in an answer: behind the question); under a
 * name. */
bool qr_cadjson_keep(struct qr_cadjson *cj);
bool qr_cadjson_keep_as(struct qr_cadjson *cj, const char *name);
/** A number that is not finite was left out. */
void qr_cadjson_not_finite(struct qr_cadjson *cj);
/** Has the record room for more entries? Notes once when it has not. */
bool qr_cadjson_has_room(struct qr_cadjson *cj);
/** Has it room for so many bytes? Notes once when it has not. */
bool qr_cadjson_fits(struct qr_cadjson *cj, size_t bytes);

/** The model's name was read: is it the wanted one? */
void qr_cadjson_named(struct qr_cadjson *cj, const char *name);

/* export.c: one model, an object whose '{' is next. */
bool qr_cadjson_read_model(struct qr_cadjson *cj);
/* points.c: what may be large: base64, lists of numbers. */
bool qr_cadjson_read_points(struct qr_cadjson *cj, void *target);
bool qr_cadjson_read_embeddings(struct qr_cadjson *cj, void *target);
bool qr_cadjson_read_latent(struct qr_cadjson *cj, void *target);
bool qr_cadjson_read_views(struct qr_cadjson *cj, void *target);
/* structure.c: the answer of bom get_paths, an object whose '{' is next. */
bool qr_cadjson_read_paths(struct qr_cadjson *cj, void *target);
/** Three numbers of an object {"x", "y", "z"}; *ret_known: all of them were there and finite. */
bool qr_cadjson_read_point(struct qr_cadjson *cj, double xyz[3], bool *ret_known);
/* creoson.c: the "data" of an answer. */
bool qr_cadjson_read_answer(struct qr_cadjson *cj, const char *command, const char *function);
/* creoson_dump.c; read_exchange: within the object, its first member's name was just read */
bool qr_cadjson_read_exchange(struct qr_cadjson *cj, void *target);
bool qr_cadjson_read_exchanges(struct qr_cadjson *cj, void *target);
/* units.c */
bool qr_cadjson_set_length_unit(struct qr_cadjson *cj, const char *unit);
bool qr_cadjson_set_mass_unit(struct qr_cadjson *cj, const char *unit);
bool qr_cadjson_set_angle_unit(struct qr_cadjson *cj, const char *unit);
void qr_cadjson_convert(struct qr_cadjson *cj);
