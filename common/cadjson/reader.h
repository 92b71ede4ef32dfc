/* common/cadjson/reader.h
 *
 * JSON, read as a stream: the caller asks for what it expects, in the document's order.
 *
 *     if (qr_jr_object(jr))
 *         while ((key = qr_jr_member(jr)))
 *             if (strcmp(key, "mass") == 0) qr_jr_number(jr, &mass); else qr_jr_skip(jr);
 *
 * Every member and element must be consumed by exactly one call (a container by its whole loop).
 * The first error stays: all calls then return false or NULL, and jr->err says what was expected,
 * by JSON pointer and byte: "/mass/volume: a number is expected, not a string (byte 17)".
 *
 * Memory: one block of input, one string of at most QR_JR_TEXT_MAX bytes, QR_JR_DEPTH levels.
 * Longer strings are cut (jr->cut) or taken in pieces (qr_jr_pieces). More than RFC 8259 allows,
 * since exporters write it: a byte order mark, control characters in strings, NaN and Infinity
 * (which read as NaN, like a number too large for a double). Strings are not checked to be UTF-8; a
 * surrogate without its other half becomes U+FFFD. Not thread-safe.
 */
#pragma once
#include <stdbool.h>

#include "common/buf.h"
#include "common/cadjson/cadjson.h"

enum {
    QR_JR_DEPTH = QR_CADJSON_DEPTH,
    QR_JR_TEXT_MAX = 64 * 1024,
    QR_JR_KEY_MAX = 128, /* longer names of members are cut */
    QR_JR_BLOCK = 64 * 1024,
};

enum qr_jr_kind {
    QR_JR_END, /* of the document; or an error */
    QR_JR_OBJECT,
    QR_JR_ARRAY,
    QR_JR_STRING,
    QR_JR_NUMBER,
    QR_JR_BOOL,
    QR_JR_NULL,
    QR_JR_OTHER, /* no value begins like this */
};

struct qr_jr_level {
    bool object;
    uint64_t n; /* members or elements begun */
    char key[QR_JR_KEY_MAX];
};

struct qr_jr {
    const struct qr_cadjson_source *source;
    struct qr_err *err;
    uint8_t block[QR_JR_BLOCK];
    size_t at, len;
    uint64_t before; /* bytes before the block */
    bool at_end;
    struct qr_jr_level level[QR_JR_DEPTH];
    int depth;
    char text[QR_JR_TEXT_MAX + 1]; /* of the last string or number, NUL-terminated */
    size_t text_len;
    bool cut; /* the last string was longer */
    bool failed;
};

/** Both are borrowed until the reader is not used any more. */
void qr_jr_init(struct qr_jr *jr, const struct qr_cadjson_source *source, struct qr_err *err);

/** What the next value is, without taking it. Between top-level values: END behind the last. */
enum qr_jr_kind qr_jr_peek(struct qr_jr *jr);

/** Enter; false: it is something else (an error). */
bool qr_jr_object(struct qr_jr *jr);
bool qr_jr_array(struct qr_jr *jr);
/** The next member's name, valid until the next call of it on this level; NULL: the object ended,
 * or an error. */
const char *qr_jr_member(struct qr_jr *jr);
/** Is there another element? */
bool qr_jr_element(struct qr_jr *jr);

/** The value goes to jr->text. */
bool qr_jr_string(struct qr_jr *jr);
/** NaN for what is not finite. jr->text has it as it stands. */
bool qr_jr_number(struct qr_jr *jr, double *ret);
bool qr_jr_bool(struct qr_jr *jr, bool *ret);
bool qr_jr_null(struct qr_jr *jr);
/** Anything, with all that is in it. */
bool qr_jr_skip(struct qr_jr *jr);

/** A string in pieces of up to a few KiB, escapes resolved. take returns false to hear no more (the
 * rest is read over). */
bool qr_jr_pieces(struct qr_jr *jr, bool (*take)(void *ctx, const char *piece, size_t len),
                  void *ctx);

/** Anything, as compact JSON that any reader takes: UTF-8, numbers finite (else null). When `out`
 * is full the rest is read over and out->failed. */
bool qr_jr_copy(struct qr_jr *jr, struct qr_buf *out);

/** `text` as JSON has it, what is not UTF-8 as U+FFFD. */
void qr_jr_put_string(struct qr_buf *out, const char *text, size_t len);

/** Raise an error at the place of the last value: "PATH: message (byte N)". Returns false. */
bool qr_jr_fail(struct qr_jr *jr, const char *fmt, ...) QR_PRINTF(2, 3);

/** JSON pointer of the last value, cut to `size`; "/" is the document. _from: of what stands at the
 * depth `from`. */
void qr_jr_path(const struct qr_jr *jr, char *buf, size_t size);
void qr_jr_path_from(const struct qr_jr *jr, int from, char *buf, size_t size);
static inline uint64_t qr_jr_offset(const struct qr_jr *jr) { return jr->before + jr->at; }
const char *qr_jr_kind_text(enum qr_jr_kind kind); /* "a string" */
