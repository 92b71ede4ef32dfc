/* worker/extract/dxf/stream.h
 *
 * The groups of a DXF file one after the other, ASCII or binary, from bytes that lie in memory or
 * are mapped.
 *
 * ASCII: a line with the code, a line with the value; lines end at LF or CRLF, or at CR when the
 * file has no LF in its beginning. 999 comments are passed over. Where a code line is no number the
 * reading goes on at the next place that looks like groups again (each is counted). Binary: the
 * sentinel, then codes of one byte (R12: 255 announces a two-byte code) or of two bytes.
 *
 * Source: AutoCAD DXF reference, "ASCII DXF files" and "binary DXF files". One pass, no allocation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/extract/dxf/tag.h"

struct qr_dxf_stream {
    const char *data;
    size_t len;
    size_t at;     /* of the next group */
    size_t tag_at; /* of the group given last */
    char eol;      /* ASCII: '\n' or '\r' */
    bool binary;
    unsigned code_bytes; /* binary: 1 or 2 */
    uint64_t comments;   /* 999 groups */
    uint64_t bad_codes;  /* places where groups were lost */
    uint64_t bad_at;     /* offset of the first */
    uint64_t lost_bytes; /* passed over there */
    bool cut;            /* the file ends within a group */
};

/** Look at the beginning: which form, which line end. */
void qr_dxf_stream_init(struct qr_dxf_stream *stream, const char *data, size_t len);

/** The next group; false at the end of the file. `tag` is borrowed from the data. */
bool qr_dxf_stream_next(struct qr_dxf_stream *stream, struct qr_dxf_tag *tag);

/** Let the group given last be given again. */
static inline void qr_dxf_stream_unget(struct qr_dxf_stream *stream)
{
    stream->at = stream->tag_at;
}

/** Of stream_binary.c: false at the end, or when the rest makes no sense. */
bool qr_dxf_binary_next(struct qr_dxf_stream *stream, struct qr_dxf_tag *tag);

#define QR_DXF_SENTINEL "AutoCAD Binary DXF\r\n\x1a"
#define QR_DXF_SENTINEL_BYTES 22 /* with its NUL */
