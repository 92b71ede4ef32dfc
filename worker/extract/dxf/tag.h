/* worker/extract/dxf/tag.h
 *
 * One group of a DXF file (a code and its value), and the groups of one entity.
 *
 * Tags are borrowed: of an ASCII file `text` points into the file itself, raw bytes without the
 * line end, whose code page is not yet decoded (qr_dxf_decode() in doc.h does that). Of a binary
 * file strings are the same, while numbers have no text: `real` and `integer` are both set, so the
 * functions below serve either form. Chunks of binary data have `text` in both forms: hexadecimal
 * digits in an ASCII file, the bytes in a binary one.
 *
 * Source: AutoCAD DXF reference, "group codes in numerical order" and "binary DXF".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qr_dxf_tag {
    int code;         /* -5 .. 1071 */
    const char *text; /* not NUL-terminated, blanks at both ends kept; NULL: a number of a binary
                         file */
    size_t len;
    double real;     /* only when `text` is NULL */
    int64_t integer; /* only when `text` is NULL */
};

/** One entity, table entry or object with everything up to the next 0 group, XDATA included. */
struct qr_dxf_entity {
    const char *type; /* value of its 0 group, trimmed, not NUL-terminated: "DIMENSION" */
    size_t type_len;
    const struct qr_dxf_tag *tags; /* without the 0 group; borrowed until the next entity */
    size_t n;
    uint64_t offset; /* of its 0 group in the file */
};

/** What a value is, by its code. */
enum qr_dxf_kind {
    QR_DXF_STRING,
    QR_DXF_HANDLE, /* a string of hexadecimal digits */
    QR_DXF_REAL,
    QR_DXF_INT16,
    QR_DXF_INT32,
    QR_DXF_INT64,
    QR_DXF_BOOL,
    QR_DXF_BYTES, /* hexadecimal digits; a counted chunk in a binary file */
};

enum qr_dxf_kind qr_dxf_kind_of(int code);

/**
 * The number of a tag, as tolerant as the files are: blanks around and inside ("1.0E 20"), junk
 * behind, a comma for the point, an integer where a real should be and the reverse.
 *
 *   ret_ok  NULL, or set to whether there was a finite number; the result is 0 when not
 */
double qr_dxf_real(const struct qr_dxf_tag *tag, bool *ret_ok);
int64_t qr_dxf_int(const struct qr_dxf_tag *tag, bool *ret_ok);

/** A handle (hexadecimal), 0 when there is none. */
uint64_t qr_dxf_handle(const struct qr_dxf_tag *tag);

/** Does the value, blanks at its ends left out, say `word`? Letters' case is ignored. */
bool qr_dxf_tag_is(const struct qr_dxf_tag *tag, const char *word);
bool qr_dxf_type_is(const struct qr_dxf_entity *entity, const char *type);

/** Set `ret` to the value without blanks at its ends; returns its length. */
size_t qr_dxf_trim(const char *text, size_t len, const char **ret);

/**
 * The first tag of that code in front of XDATA, an embedded object (101) and outside of 102 groups;
 * NULL when there is none.
 */
const struct qr_dxf_tag *qr_dxf_find(const struct qr_dxf_entity *entity, int code);

/** The same as numbers; `otherwise` when there is none or it is no number. */
double qr_dxf_find_real(const struct qr_dxf_entity *entity, int code, double otherwise);
int64_t qr_dxf_find_int(const struct qr_dxf_entity *entity, int code, int64_t otherwise);

/** x, y, z of code, code + 10, code + 20; what is absent is 0. Returns whether x is there. */
bool qr_dxf_find_point(const struct qr_dxf_entity *entity, int code, double ret[3]);

/**
 * The tags of one application's XDATA, behind its 1001 up to the next one; *ret_n is 0 when there
 * is none. `app` NULL: all of them, the first 1001 included.
 */
const struct qr_dxf_tag *qr_dxf_xdata(const struct qr_dxf_entity *entity, const char *app,
                                      size_t *ret_n);

/** Index of the first tag of XDATA (code >= 1000), `n` when there is none. */
size_t qr_dxf_xdata_at(const struct qr_dxf_entity *entity);
