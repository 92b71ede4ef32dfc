/* common/wire.h
 *
 * Protobuf's wire format, for messages of which there are so many that a general decoder's
 * allocations would show. Writers append to a buffer that the caller made large enough and return
 * its new end; readers stop at the end, or at the first byte that makes no sense (`bad`).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static inline uint8_t *wire_put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static inline size_t wire_varint_size(uint64_t value)
{
    size_t n = 1;
    for (; value >= 0x80; value >>= 7)
        n++;
    return n;
}

static inline uint8_t *wire_put_u64(uint8_t *to, unsigned field, uint64_t value)
{
    *to++ = (uint8_t)(field << 3 | WIRE_VARINT); /* fields below 16 */
    return wire_put_varint(to, value);
}

static inline uint8_t *wire_put_head(uint8_t *to, unsigned field, size_t len)
{
    to = wire_put_varint(to, (uint64_t)field << 3 | WIRE_BYTES);
    return wire_put_varint(to, len);
}

static inline uint8_t *wire_put_bytes(uint8_t *to, unsigned field, const void *data, size_t len)
{
    to = wire_put_head(to, field, len);
    if (len > 0)
        memcpy(to, data, len);
    return to + len;
}

/* One field while reading. */
struct wire {
    const uint8_t *at, *end;
    unsigned field;
    unsigned fixed;      /* bytes of a FIXED one; 0 otherwise */
    uint64_t value;      /* VARINT, FIXED */
    const uint8_t *data; /* BYTES; NULL otherwise */
    size_t len;
    bool bad; /* stopped before the end */
};

static inline struct wire wire_of(const uint8_t *data, size_t len)
{
    return (struct wire){.at = data, .end = data ? data + len : data}; /* of nothing: at its end */
}

static inline bool wire_varint(struct wire *w, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; w->at < w->end && shift < 64; shift += 7) {
        uint8_t byte = *w->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    w->bad = true;
    return false;
}

/* A tag or a length: five bytes at most, however they are padded. */
static inline bool wire_short(struct wire *w, uint64_t *ret)
{
    const uint8_t *from = w->at;

    if (!wire_varint(w, ret))
        return false;
    w->bad = w->at - from > 5;
    return !w->bad;
}

/* The next field; false at the end, or where the bytes make no sense. */
static inline bool wire_next(struct wire *w)
{
    uint64_t tag;

    if (w->at >= w->end || !wire_short(w, &tag))
        return false;
    w->field = tag >> 3 <= UINT32_MAX ? (unsigned)(tag >> 3) : 0;
    w->data = NULL;
    w->len = 0;
    w->fixed = (tag & 7) == WIRE_FIXED64 ? 8 : (tag & 7) == WIRE_FIXED32 ? 4 : 0;
    if ((tag & 7) == WIRE_VARINT)
        return wire_varint(w, &w->value);
    if (w->fixed > 0 && w->fixed <= (size_t)(w->end - w->at)) { /* little-endian machines */
        w->value = 0;
        memcpy(&w->value, w->at, w->fixed);
        w->at += w->fixed;
        return true;
    }
    w->bad = (tag & 7) != WIRE_BYTES || !wire_short(w, &w->value) ||
             w->value > (uint64_t)(w->end - w->at);
    if (w->bad)
        return false;
    w->data = w->at;
    w->len = (size_t)w->value;
    w->at += w->len;
    return true;
}
