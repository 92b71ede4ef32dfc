/* worker/extract/ifc/intern.h
 *
 * What the files of the IFC reader share.
 *
 * Objects (products, types, groups, …) are kept as small entries in the order of the file and named
 * by their place in that list ("object" below); everything else is read again when it is needed.
 */
#pragma once
#include "common/record/cad.h"
#include "common/record/parts.h"
#include "worker/extract/extract.h"
#include "worker/extract/ifc/classes.h"
#include "worker/extract/p21/p21.h"

#define QR_IFC_NOTHING UINT32_MAX /* no such object */

/* 0-based attributes of what has a GlobalId. Source: IfcRoot, IfcObject, IfcProduct, IfcElement,
 * IfcTypeObject, IfcTypeProduct, IfcElementType. */
enum {
    QR_IFC_GUID = 0,
    QR_IFC_HISTORY = 1,
    QR_IFC_NAME = 2,
    QR_IFC_DESCRIPTION = 3,
    QR_IFC_OBJECT_TYPE = 4,
    QR_IFC_PLACEMENT = 5,
    QR_IFC_TYPE_SETS = 5,
    QR_IFC_TAG = 7,
    QR_IFC_LONG_NAME = 7, /* of spatial elements */
    QR_IFC_ELEMENT_TYPE = 8,
    QR_IFC_ELEVATION = 9,   /* of a storey */
    QR_IFC_ATTRIBUTES = 20, /* so many are read of an object */
};

struct qr_ifc_object {
    uint32_t instance;
    uint32_t type;      /* object; of a type: itself is never meant */
    uint32_t reflects;  /* object whose properties it has as well: its place in another whole */
    uint32_t parent;    /* object it is a part of, by aggregation or nesting */
    uint32_t container; /* spatial object it stands in, as the file says it of the object itself */
    uint32_t material;  /* place in `materials` */
    uint32_t uses;      /* of a type: its occurrences; of a spatial object: what stands in it */
    uint16_t class;     /* of `classes`: the type's number in the exchange file */
    bool in_tree;       /* of a spatial object: it was put into the tree */
};

struct qr_ifc_unit {
    char kind[48];      /* "LENGTHUNIT"; user-defined ones not at all */
    const char *symbol; /* "mm", "m²"; in the record's arena */
    double factor;      /* to the SI unit without prefix, grams for mass; 0: not known */
};

/* A material definition that some relation names. */
struct qr_ifc_material {
    uint32_t instance;
    uint32_t parts;  /* entries it makes */
    uint32_t first;  /* object; QR_IFC_NOTHING: nobody has it */
    uint64_t owners; /* objects that have it, be it by their types */
};

struct qr_ifc_words; /* names.c */
struct qr_ifc_memo;  /* units.c */

struct qr_ifc {
    const struct qr_extract *x;
    struct qr_record *rec;
    const struct qr_p21 *p21;
    bool old; /* IFC2X3 or before */

    struct qr_ifc_class *classes; /* by type number of the exchange file */
    struct qr_ifc_object *objects;
    uint32_t n_objects;
    uint32_t kinds[QR_IFC_OTHER + 1]; /* objects of each kind */

    struct qr_ifc_unit *units; /* of the project */
    uint32_t n_units;
    double mm; /* factor from the file's length unit */
    struct qr_ifc_memo *memo;

    struct qr_ifc_material *materials; /* by instance, ascending */
    uint32_t n_materials;

    uint64_t dangling;   /* references that lead nowhere */
    uint64_t second;     /* types, places and materials of objects that have another one before */
    uint64_t budget;     /* steps left in nested properties and dangling ones: they may multiply */
    uint64_t parts_left; /* of materials, in all */
    struct qr_ifc_words *words;
    struct qr_buf scratch;
    char joined[512]; /* names with dots */
};

/* ---- objects.c */
/** Find all objects. False: out of memory. */
QR_MUST_CHECK bool qr_ifc_find_objects(struct qr_ifc *ifc);

/** The object of an instance; QR_IFC_NOTHING when it is none. */
uint32_t qr_ifc_object_of(const struct qr_ifc *ifc, uint32_t instance);
/** The object a reference leads to; one that leads nowhere is counted. */
uint32_t qr_ifc_object_at(struct qr_ifc *ifc, const struct qr_p21_value *reference);

const struct qr_ifc_class *qr_ifc_class(const struct qr_ifc *ifc, uint32_t object);
enum qr_ifc_kind qr_ifc_kind(const struct qr_ifc *ifc, uint32_t object);

/** Where it stands: its container, or that of the whole it is a part of. */
uint32_t qr_ifc_container(const struct qr_ifc *ifc, uint32_t object);

/* A relation: attribute `one` names one thing, `many` names objects (a list, or one). */
struct qr_ifc_relation {
    const char *name;
    int one, many;
};

/** One relation of the file at a time. `many` is walked with qr_ifc_next_object(). */
typedef void (*qr_ifc_relation_fn)(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                                   struct qr_p21_value *many);
void qr_ifc_each_relation(struct qr_ifc *ifc, const struct qr_ifc_relation *relation,
                          qr_ifc_relation_fn fn, void *arg);

/* Walks a LIST of references, or a single one. */
struct qr_ifc_refs {
    struct qr_p21_cursor cursor;
    struct qr_p21_value single;
};
struct qr_ifc_refs qr_ifc_refs(const struct qr_p21_value *value);
bool qr_ifc_next_ref(struct qr_ifc_refs *refs, struct qr_p21_value *ret);
/** The next object; references to other things are stepped over. QR_IFC_NOTHING at the end. */
uint32_t qr_ifc_next_object(struct qr_ifc *ifc, struct qr_ifc_refs *refs);

/* ---- names.c */
/** Bytes a buffer for the characters of one value needs at most. */
size_t qr_ifc_text_max(const struct qr_ifc *ifc);
/** Append the characters of a STRING. What is much longer than a value of the record may be is cut
 * before ("ifc.value.cut"). */
void qr_ifc_decode(struct qr_ifc *ifc, const struct qr_p21_value *value, struct qr_buf *out);

/** A STRING as text that is stored once however often it comes. Never NULL. */
const char *qr_ifc_text(struct qr_ifc *ifc, const struct qr_p21_value *value);
/** The same, stored anew: what comes once. */
char *qr_ifc_string(struct qr_ifc *ifc, const struct qr_p21_value *value);
const char *qr_ifc_intern(struct qr_ifc *ifc, const char *text, size_t len);
/** Its GlobalId; "#12" when it has none. */
char *qr_ifc_id(struct qr_ifc *ifc, uint32_t object);
/** Attribute of an instance, as text. */
const char *qr_ifc_attribute(struct qr_ifc *ifc, uint32_t instance, size_t n);

/** A line of the text that search looks through; each is kept once. */
void qr_ifc_say(struct qr_ifc *ifc, const char *text);
void qr_ifc_say_value(struct qr_ifc *ifc, const struct qr_p21_value *value);
QR_MUST_CHECK bool qr_ifc_words_init(struct qr_ifc *ifc);
void qr_ifc_words_done(struct qr_ifc *ifc);

/* ---- relate.c */
/** Types, reflections, wholes and containers of the objects. */
void qr_ifc_relate(struct qr_ifc *ifc);

/* ---- the parts of the record */
QR_MUST_CHECK bool qr_ifc_units_init(struct qr_ifc *ifc); /* units.c */
void qr_ifc_units_done(struct qr_ifc *ifc);
void qr_ifc_read_units(struct qr_ifc *ifc);          /* units.c */
void qr_ifc_report_project(struct qr_ifc *ifc);      /* project.c */
void qr_ifc_report_spatial(struct qr_ifc *ifc);      /* spatial.c */
void qr_ifc_report_products(struct qr_ifc *ifc);     /* products.c */
void qr_ifc_report_properties(struct qr_ifc *ifc);   /* properties.c */
void qr_ifc_report_materials(struct qr_ifc *ifc);    /* materials.c */
void qr_ifc_report_associations(struct qr_ifc *ifc); /* associations.c */
void qr_ifc_report_structure(struct qr_ifc *ifc);    /* structure.c */
void qr_ifc_report_looks(struct qr_ifc *ifc);        /* looks.c */
void qr_ifc_report_bounds(struct qr_ifc *ifc);       /* bounds.c */
void qr_ifc_judge(struct qr_ifc *ifc);               /* complete.c, at the end */

/** How many things of one kind are looked at. Models that are meant well have each of them once or
 * a few times; what is shared by everything would never end. */
uint64_t qr_ifc_effort(const struct qr_ifc *ifc);

/** Entries that a list of the record still takes. */
size_t qr_ifc_room(const struct qr_ifc *ifc, size_t n_used);
