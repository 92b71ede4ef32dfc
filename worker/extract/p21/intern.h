/* worker/extract/p21/intern.h
 *
 * What the files of the Part 21 reader share.
 */
#pragma once
#include "worker/extract/p21/p21.h"

enum {
    QR_P21_TYPES_MAX = 60000, /* distinct names */
    QR_P21_NAME_MAX = 128,    /* longer ones are unknown */
    QR_P21_HEADERS_MAX = 64,  /* records of the header */
    QR_P21_PARTS_MAX = 256,   /* types of one complex instance */
    QR_P21_OFFSET_BITS = 40,  /* files up to 1 TiB */
    QR_P21_ID_WIDE = 0x7FFFFFFF - 1,
};

/* An interned name. */
struct qr_p21_type {
    const char *name;
    uint32_t hash;
    uint32_t simple;  /* instances that have it alone */
    uint32_t complex; /* instances that have it among others */
    uint32_t first;   /* of `by_type` */
};

/* One type of a complex instance. */
struct qr_p21_part {
    uint64_t at; /* of its keyword */
    uint32_t type;
};

struct qr_p21_several {
    uint32_t instance;
    uint32_t first; /* of `parts` */
};

struct qr_p21 {
    const uint8_t *data;
    uint8_t *own; /* behind `data` when it was unpacked */
    size_t len;
    struct qr_record *rec;

    /* one entry an instance */
    uint64_t *where; /* offset of the `=`, type above QR_P21_OFFSET_BITS */
    uint32_t *ids;   /* QR_P21_ID_WIDE: it does not fit, read it from the file */
    uint32_t n, cap;

    struct qr_p21_several *several; /* complex instances, ascending */
    uint32_t n_several, cap_several;
    struct qr_p21_part *parts;
    uint32_t n_parts, cap_parts;

    struct qr_p21_type *types;
    uint32_t n_types, cap_types;
    uint32_t *slots; /* hash table of types; 0: free */
    uint32_t n_slots;
    struct qr_arena names;

    uint32_t *by_type; /* instances, grouped by type */
    uint32_t n_by_type;

    /* numbers to instances: by `ids` itself when they ascend, by `dense` when they are small, else
     * by `sorted` */
    bool ascending;
    bool wide;       /* some are QR_P21_ID_WIDE */
    uint32_t *dense; /* instance + 1; 0: none */
    size_t n_dense;
    uint32_t *sorted;

    struct {
        size_t at; /* of the keyword */
        uint32_t len;
    } headers[QR_P21_HEADERS_MAX];
    uint32_t n_headers;
    uint32_t sections;
    bool end_seen;

    uint64_t work, work_max; /* bytes stepped over to read attributes, see qr_p21_attribute() */

    uint64_t *outside; /* numbers that the REFERENCE section gives to records elsewhere, sorted */
    uint32_t n_outside;
    size_t reference_at, reference_len; /* that section */
};

/* ---- characters (lex.c) */
enum {
    QR_P21_C_BLANK = 1,
    QR_P21_C_DIGIT = 2,
    QR_P21_C_NAME = 4, /* may stand in a keyword */
};
extern const uint8_t qr_p21_class[256];

/** Step over blanks and comments of moderate size. */
const uint8_t *qr_p21_blanks(const uint8_t *at, const uint8_t *end);

/**
 * Behind the quote that ends the string which begins at `at` (behind its first quote). A string
 * that swallows the beginning of another record was never ended: then the place behind its line,
 * and *ret_broken. `end` when there is no end at all.
 */
const uint8_t *qr_p21_string_end(const uint8_t *at, const uint8_t *end, bool *ret_broken);

/** Where in [from, to) a line begins with `#12=` behind a `;`; NULL: nowhere. */
const uint8_t *qr_p21_new_record(const uint8_t *from, const uint8_t *to, const uint8_t *end);

/** Behind the parenthesis that matches the one before `at`, or at the `;`, a `=` or the end. */
const uint8_t *qr_p21_group_end(const uint8_t *at, const uint8_t *end);

/* ---- pages of \S\ (page.c) */
/** A byte above 0x7F in part `page`, 1 .. 9, of ISO 8859. */
uint32_t qr_p21_in_page(int page, uint8_t byte);

/* ---- types (types.c) */
/** Number of a name, made when new; QR_P21_UNKNOWN when there are too many or memory is short. */
uint32_t qr_p21_intern(struct qr_p21 *p21, const uint8_t *name, size_t len);

/** Room for more types; the first call makes the table. */
QR_MUST_CHECK bool qr_p21_grow_types(struct qr_p21 *p21);

/* ---- index (index.c, lookup.c) */
QR_MUST_CHECK bool qr_p21_index(struct qr_p21 *p21, const struct qr_p21_hooks *hooks, size_t from);
QR_MUST_CHECK bool qr_p21_finish(struct qr_p21 *p21);
/** The number before a `=`. */
uint64_t qr_p21_id_before(const struct qr_p21 *p21, size_t at);

void qr_p21_note(struct qr_p21 *p21, bool lost, const char *code, const char *fmt, ...)
    QR_PRINTF(4, 5);
