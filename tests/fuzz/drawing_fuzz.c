/* Drawing analysis: any texts and lines anywhere on a sheet. An input is a list of lines; each is a
 * text behind eight bytes that place it, or, when it begins with |, a ruled line. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "worker/extract/drawing/analysis.h"

static float coordinate(const uint8_t *at)
{
    unsigned raw = at[0] | (unsigned)at[1] << 8;

    if (raw == 0xFFFF)
        return (float)(0.0 / (double)(raw - 0xFFFF)); /* NaN */
    return raw == 0xFFFE ? 3e38f : (float)raw / 16;
}

static void add_line(struct qr_sheet *sheet, struct qr_record *rec, const uint8_t *line, size_t len)
{
    if (len < 9)
        return;
    if (line[0] == '|') {
        float x0 = coordinate(line + 1);
        float y0 = coordinate(line + 3);
        qr_sheet_add_rule(sheet, x0, y0, line[5] & 1 ? coordinate(line + 6) : x0,
                          line[5] & 1 ? y0 : coordinate(line + 6));
        return;
    }
    struct qr_sheet_span *span = qr_sheet_add_span(sheet);
    if (!span)
        return;
    char *text = qr_record_string(rec, (const char *)line + 9, len - 9);
    float x = coordinate(line);
    float y = coordinate(line + 2);
    span->text = text;
    span->len = (uint32_t)strlen(text);
    span->height = (float)line[4] / 8;
    span->box = (struct qr_sheet_rect){x, y, x + (float)line[5], y + span->height};
    span->angle = (float)(line[6] & 3) * 90;
    span->source = (enum qr_span_source)(line[6] >> 2) % (QR_SPAN_TABLE + 1);
    if (line[7] & 1)
        span->tag = text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_sheet sheet;
    struct qr_extract *x = fuzz_extract("fuzz", data, size, false);

    qr_sheet_reset(&sheet);
    sheet.page = 1;
    sheet.area = (struct qr_sheet_rect){0, 0, 1191, 842};
    sheet.unit = "mm";
    sheet.unit_mm = size > 0 && data[0] & 1 ? 0.35 : 0;
    sheet.dimensions_known = size > 0 && data[0] & 2;
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        add_line(&sheet, x->rec, data, len);
        data += end ? len + 1 : len;
        size -= end ? len + 1 : len;
    }
    qr_drawing_analyse(&sheet, x->rec);
    qr_drawing_keep_spans(&sheet, x->rec);
    fuzz_check_record(x);
    return 0;
}
