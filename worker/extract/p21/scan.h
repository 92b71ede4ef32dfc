/* worker/extract/p21/scan.h
 *
 * From one of the few bytes that matter to the next: ' ; = /, 64 bytes at a time.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct qr_p21_scan {
    const uint8_t *at;    /* the byte found */
    const uint8_t *block; /* 64 bytes of which `bits` tells */
    const uint8_t *end;
    uint64_t bits; /* bytes of the block that matter and are behind `at` */
};

#ifdef __SSE2__
static inline uint64_t qr_p21_scan_bits(const uint8_t *block)
{
    uint64_t bits = 0;

    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\'')),
                                                _mm_cmpeq_epi8(bytes, _mm_set1_epi8(';'))),
                                   _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('=')),
                                                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'))));
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (16 * i);
    }
    return bits;
}
#else
static inline uint64_t qr_p21_scan_bits(const uint8_t *block)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 64; i++)
        bits |=
            (uint64_t)(block[i] == '\'' || block[i] == ';' || block[i] == '=' || block[i] == '/')
            << i;
    return bits;
}
#endif

static inline void qr_p21_scan_load(struct qr_p21_scan *scan)
{
    uint8_t tail[64] = {0};

    if (scan->end - scan->block >= 64) {
        scan->bits = qr_p21_scan_bits(scan->block);
        return;
    }
    memcpy(tail, scan->block, (size_t)(scan->end - scan->block));
    scan->bits = qr_p21_scan_bits(tail);
}

/** Go on at `to`, which is not before the byte found last. */
static inline void qr_p21_scan_seek(struct qr_p21_scan *scan, const uint8_t *to)
{
    if (to - scan->block >= 64) {
        scan->block = to;
        qr_p21_scan_load(scan);
    } else if (to > scan->block) {
        scan->bits &= ~(uint64_t)0 << (to - scan->block);
    }
}

static inline void qr_p21_scan_init(struct qr_p21_scan *scan, const uint8_t *data, size_t len,
                                    size_t from)
{
    scan->end = data + len;
    scan->block = data + from;
    scan->at = scan->block;
    qr_p21_scan_load(scan);
}

/** The next byte that matters into `at`; false at the end. */
static inline bool qr_p21_scan_next(struct qr_p21_scan *scan)
{
    while (scan->bits == 0) {
        if (scan->end - scan->block <= 64)
            return false;
        scan->block += 64;
        qr_p21_scan_load(scan);
    }
    scan->at = scan->block + __builtin_ctzll(scan->bits);
    scan->bits &= scan->bits - 1;
    return true;
}
