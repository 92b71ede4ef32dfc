#include "worker/geometry/png.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

static void put32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static bool put_chunk(struct qr_buf *ret, const char *type, const uint8_t *data, size_t len)
{
    uint8_t number[4];
    uLong crc = crc32(0, (const Bytef *)type, 4);

    put32(number, (uint32_t)len);
    bool good = qr_buf_append(ret, number, 4) && qr_buf_append(ret, type, 4) &&
                (len == 0 || qr_buf_append(ret, data, len));
    if (len > 0)
        crc = crc32(crc, data, (uInt)len);
    put32(number, (uint32_t)crc);
    return good && qr_buf_append(ret, number, 4);
}

bool qr_png_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                  const uint8_t palette[768], struct qr_buf *ret)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    size_t before = ret->len;
    size_t line = (size_t)width + 1;
    uLong packed_len = compressBound((uLong)(line * height));
    uint8_t *lines = malloc(line * height);
    uint8_t *packed = malloc(packed_len);
    uint8_t head[13] = {0};

    put32(head, width);
    put32(head + 4, height);
    head[8] = 8; /* bits */
    head[9] = 3; /* palette */
    bool good = lines && packed;
    for (size_t y = 0; good && y < height; y++) {
        lines[y * line] = 0; /* no filter */
        memcpy(lines + y * line + 1, pixels + y * width, width);
    }
    good = good && compress2(packed, &packed_len, lines, (uLong)(line * height), 9) == Z_OK &&
           qr_buf_append(ret, magic, sizeof magic) && put_chunk(ret, "IHDR", head, sizeof head) &&
           put_chunk(ret, "PLTE", palette, 768) && put_chunk(ret, "IDAT", packed, packed_len) &&
           put_chunk(ret, "IEND", NULL, 0);
    if (!good)
        ret->len = before;
    free(lines);
    free(packed);
    return good;
}
