/* worker/extract/p21/p21.h
 *
 * Exchange files of ISO 10303-21 ("Part 21": STEP, IFC), whatever their schema: which records there
 * are, of which types, and what stands in them.
 *
 * Opening walks once over the bytes and keeps 12 bytes a record: number, type, place. Attributes
 * are read where they lie, when somebody asks. Nothing here recurses: lists may be nested a million
 * deep. Damage never fails a file that has at least one section: it is repaired or skipped and
 * noted in the record under a code "p21.…" (docs/record.md).
 *
 * A record is named by its place in the file, 0 .. qr_p21_count() - 1 ("instance" below); its
 * number (#12) leads there by qr_p21_find(). Where a number is used twice, the first record has it;
 * the others are counted and walked over all the same.
 *
 * Borrows the bytes for its life. Not thread-safe. Source: ISO 10303-21:2016.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/record/record.h"

#define QR_P21_NONE UINT32_MAX /* no such instance */

/* Types are small numbers in order of appearance, names in upper case. */
enum {
    QR_P21_COMPLEX,    /* ( A(…) B(…) ): has several types */
    QR_P21_UNKNOWN,    /* damaged, or behind the cap on the number of types */
    QR_P21_FIRST_TYPE, /* this and above: names of the file */
};

struct qr_p21;

/* Asked while the bytes are walked over; NULL members are not called. */
struct qr_p21_hooks {
    void (*passed)(void *arg, uint64_t offset); /* every few MiB */
    void *arg;
};

/**
 * Index an exchange file.
 *
 *   data, len  borrowed until qr_p21_free()
 *   hooks      NULL: none
 *   rec        gets the notes, and `partial` when something is lost; NULL: nobody wants them
 *   ret        caller frees with qr_p21_free()
 *
 * Errors: QR_E_DATA, it does not begin with ISO-10303-21 (the message says what it seems to be).
 * QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_p21_open(const uint8_t *data, size_t len, const struct qr_p21_hooks *hooks,
                              struct qr_record *rec, struct qr_p21 **ret, struct qr_err *err);
void qr_p21_free(struct qr_p21 *p21);
QR_DEFINE_AUTO(qr_p21)

/* ---- the whole file */
uint32_t qr_p21_count(const struct qr_p21 *p21);         /* instances */
uint32_t qr_p21_complex_count(const struct qr_p21 *p21); /* of them with several types */
uint32_t qr_p21_sections(const struct qr_p21 *p21);      /* DATA sections */
bool qr_p21_has_end(const struct qr_p21 *p21);           /* END-ISO-10303-21 was seen */
/** References to numbers that neither a record nor the REFERENCE section has. Walks over the whole
 * file. */
uint64_t qr_p21_unresolved(const struct qr_p21 *p21);
/** URIs of the REFERENCE section (edition 3), one a call; *at begins at 0. False: no more. */
bool qr_p21_outside(const struct qr_p21 *p21, size_t *at, const uint8_t **ret, size_t *ret_len);
size_t qr_p21_memory(const struct qr_p21 *p21); /* bytes the index holds */

/* ---- types */
uint32_t qr_p21_types(const struct qr_p21 *p21); /* types are below this */
/** NUL-terminated, valid as long as p21; "" for QR_P21_COMPLEX and QR_P21_UNKNOWN. */
const char *qr_p21_type_name(const struct qr_p21 *p21, uint32_t type);
/** By its upper-case name; QR_P21_UNKNOWN when the file has none of it. */
uint32_t qr_p21_type(const struct qr_p21 *p21, const char *name);
/** Instances of it, complex ones that have it among their types included. */
uint32_t qr_p21_type_count(const struct qr_p21 *p21, uint32_t type);
/** The same without the complex ones. */
uint32_t qr_p21_type_simple(const struct qr_p21 *p21, uint32_t type);
/** The instances themselves, in order of the file; *ret_n of them. Valid as long as p21. */
const uint32_t *qr_p21_of_type(const struct qr_p21 *p21, uint32_t type, uint32_t *ret_n);

/* ---- instances */
/** QR_P21_NONE when the number is not used. */
uint32_t qr_p21_find(const struct qr_p21 *p21, uint64_t id);
uint64_t qr_p21_id(const struct qr_p21 *p21, uint32_t instance);
/** QR_P21_COMPLEX when it has several. */
uint32_t qr_p21_type_of(const struct qr_p21 *p21, uint32_t instance);
/** Is `type` its type, or among them? */
bool qr_p21_is(const struct qr_p21 *p21, uint32_t instance, uint32_t type);
/** Up to `max` types of it into `types`; returns how many it has. */
uint32_t qr_p21_types_of(const struct qr_p21 *p21, uint32_t instance, uint32_t *types,
                         uint32_t max);

/* ---- values */
enum qr_p21_kind {
    QR_P21_END,     /* no more values */
    QR_P21_UNSET,   /* $ */
    QR_P21_DERIVED, /* * */
    QR_P21_INTEGER,
    QR_P21_REAL,
    QR_P21_STRING, /* raw: see qr_p21_text() */
    QR_P21_ENUM,   /* between the dots */
    QR_P21_BINARY, /* between the quotes */
    QR_P21_REF,    /* #12 */
    QR_P21_TYPED,  /* KEYWORD(…): `at` is the keyword; enter it */
    QR_P21_LIST,   /* (…): enter it */
    QR_P21_BAD,    /* none of these; `at`, `len` are what stands there */
};

struct qr_p21_value {
    enum qr_p21_kind kind;
    const uint8_t *at; /* borrowed from the file, not NUL-terminated */
    size_t len;
    double real;          /* INTEGER, REAL; NaN and infinities are BAD */
    int64_t integer;      /* INTEGER, cut to the range */
    uint64_t id;          /* REF */
    const uint8_t *inner; /* LIST, TYPED: behind the parenthesis */
    const uint8_t *end;   /* end of the file, for entering */
};

/* Where a walk over values stands. Copy it to remember a place. */
struct qr_p21_cursor {
    const uint8_t *at, *end;
    bool inside; /* a list was given out: it is stepped over first */
};

/**
 * Before the first attribute of an instance.
 *
 *   type  of a complex instance: the part that is meant. Must be one of its types, otherwise the
 *         cursor is at its end; a QR_P21_COMPLEX or QR_P21_UNKNOWN of a simple one means all of it
 */
struct qr_p21_cursor qr_p21_attributes(const struct qr_p21 *p21, uint32_t instance, uint32_t type);

/** The next value; false (and QR_P21_END) behind the last one. */
bool qr_p21_next(struct qr_p21_cursor *cursor, struct qr_p21_value *ret);

/** Before the first value of a LIST or TYPED; of any other kind: at the end. */
struct qr_p21_cursor qr_p21_enter(const struct qr_p21_value *value);

/** The first `max` attributes at once; what is not there is QR_P21_END. Returns how many are.
 *
 * A record with a text of megabytes that half a million others refer to would be stepped over as
 * often. What these two step over has a budget by the size of the file; behind it nothing has
 * attributes any more, which is noted as p21.work.capped. */
size_t qr_p21_get(const struct qr_p21 *p21, uint32_t instance, uint32_t type,
                  struct qr_p21_value *values, size_t max);

/** Attribute `n` (from 0) alone; false: it has fewer. */
bool qr_p21_attribute(const struct qr_p21 *p21, uint32_t instance, uint32_t type, size_t n,
                      struct qr_p21_value *ret);

/** The instance a REF points to; QR_P21_NONE for other kinds and dangling references. */
uint32_t qr_p21_follow(const struct qr_p21 *p21, const struct qr_p21_value *value);

/** The number in an INTEGER, REAL or TYPED of these; false: there is none. */
bool qr_p21_number(const struct qr_p21_value *value, double *ret);

/** Numbers of a LIST: up to `max` into `out`; returns how many were read. Stops at what is none. */
size_t qr_p21_numbers(const struct qr_p21_value *value, double *out, size_t max);

/** Is it the ENUM `name`, upper case, without dots? `.T.` is "T". */
bool qr_p21_is_enum(const struct qr_p21_value *value, const char *name);

/** Is it a TYPED with this upper-case keyword? */
bool qr_p21_is_typed(const struct qr_p21_value *value, const char *name);

/* What was met in strings. */
struct qr_p21_text_stats {
    uint32_t raw_bytes; /* strings with bytes above 0x7F that should have been \X..\ */
    uint32_t repaired;  /* broken escapes, lone surrogates */
};

/**
 * Append the characters of a STRING to `out` as UTF-8, unescaped. A TYPED is looked into; other
 * kinds append nothing. Raw bytes are UTF-8 when all of the string is, Windows-1252 otherwise.
 */
void qr_p21_text(const struct qr_p21_value *value, struct qr_buf *out,
                 struct qr_p21_text_stats *stats);

/* ---- header
 * Records of the HEADER section are no instances: they have no number. */

/** Before the first attribute of a header record, FILE_DESCRIPTION or such; at the end when there
 * is none. */
struct qr_p21_cursor qr_p21_header(const struct qr_p21 *p21, const char *name);
